"""The embedded Postgres: started by one process, used and stopped by another, hard to break."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from mayhouse_cli.sandbox.postgres import EmbeddedPostgres
from tests.database_server import THROWAWAY

START = """
import sys, pathlib
from mayhouse_cli.sandbox.postgres import EmbeddedPostgres
print(EmbeddedPostgres(pathlib.Path(sys.argv[1])).start(), end="")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder outside pytest's own, which the next run of pytest closes to others."""
    with TemporaryDirectory(prefix="mayhouse-") as name:
        yield Path(name)


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Give a server that is not started, and stop it afterwards."""
    server = EmbeddedPostgres(folder)
    yield server
    server.stop()


def answer(url: str) -> int:
    """Ask the server something."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT 1").fetchone()
        assert row is not None
        return int(row[0])


def pid_of(folder: Path) -> int:
    """Read the server's process id."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def test_the_server_outlives_its_starter_and_anyone_stops_it(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    """A command starts the sandbox, and later ones find it."""
    command = [sys.executable, "-c", START, str(folder)]
    started = subprocess.run(command, check=True, capture_output=True, text=True)
    assert started.stdout == postgres.url
    assert started.stderr == ""
    assert answer(postgres.url) == 1
    postgres.stop()
    assert not postgres.running


def test_starting_and_stopping_twice_changes_nothing(postgres: EmbeddedPostgres) -> None:
    """Both are safe to repeat, and the data stays."""
    url = postgres.start(THROWAWAY)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept ()")
    assert postgres.start() == url
    postgres.stop()
    postgres.stop()
    with psycopg.connect(postgres.start(THROWAWAY)) as connection:
        connection.execute("SELECT FROM kept")


def test_a_killed_server_starts_again(postgres: EmbeddedPostgres, folder: Path) -> None:
    """Also at once, while what is left of it goes away."""
    postgres.start()
    os.kill(pid_of(folder), signal.SIGKILL)
    assert answer(postgres.start(THROWAWAY)) == 1


def test_a_killed_server_whose_number_was_given_away_starts_again(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    """The process with that number now is neither taken for the server nor stopped."""
    postgres.start()
    os.kill(pid_of(folder), signal.SIGKILL)
    time.sleep(0.5)
    file = folder / "postgres" / "postmaster.pid"
    file.write_text(file.read_text().replace(file.read_text().split("\n")[0], str(os.getpid()), 1))
    assert not postgres.running
    postgres.stop()
    assert answer(postgres.start(THROWAWAY)) == 1


@pytest.mark.parametrize("name", ["l" * 120, "with space, comma"])
def test_any_folder_will_do(folder: Path, name: str) -> None:
    """A path that no socket can have gets a short one elsewhere."""
    server = EmbeddedPostgres(folder / name)
    try:
        assert answer(server.start(THROWAWAY)) == 1
    finally:
        server.stop()


def test_two_servers_do_not_disturb_each_other(folder: Path) -> None:
    """Each folder has its own."""
    one, two = EmbeddedPostgres(folder / "one"), EmbeddedPostgres(folder / "two")
    try:
        one.start(THROWAWAY)
        two.start(THROWAWAY)
        one.stop()
        assert answer(two.url) == 1
    finally:
        one.stop()
        two.stop()


def test_the_data_belongs_to_its_server_alone(folder: Path) -> None:
    """Connections need no password, so that the socket must be closed to others."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "sandbox")
    try:
        server.start(THROWAWAY)
        data = closed / "sandbox" / "postgres"
        assert data.stat().st_mode & 0o777 == 0o700
        assert (data / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
        assert closed.stat().st_mode & 0o066 == 0  # at most passed through, never listed
    finally:
        server.stop()
