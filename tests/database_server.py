"""A Postgres for tests: one embedded server, and a clone of a migrated database for each test."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, LiteralString, Self

import psycopg

from mayhouse_cli.sandbox.postgres import EmbeddedPostgres
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.migrations import MigrationReport, Migrations

PREFIX: Final = "mayhouse-test-"
TEMPLATE: Final = "migrated"
THROWAWAY: Final = MappingProxyType(
    {  # nothing here has to survive a power cut
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "shared_buffers": "32MB",
        "jit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    }
)


class DatabaseServer:
    """The server of one test process (with pytest-xdist: of one worker)."""

    def __init__(self) -> None:
        """Start it and migrate the template."""
        _remove_leftovers()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._server = EmbeddedPostgres(self._folder)
        self._numbers = count(1)
        self._server.start(THROWAWAY)
        self._administer(f"CREATE DATABASE {TEMPLATE}")
        with Database(parse_dsn(self.url(TEMPLATE)), statement_timeout_seconds=30) as database:
            Migrations(database).apply()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        shutil.rmtree(self._folder)

    def url(self, name: str) -> str:
        """Give the URL of one of the server's databases."""
        return self._server.url.replace("@/postgres?", f"@/{name}?")

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """Give the URL of a new database, which is dropped at the end whoever is connected."""
        name = f"test_{next(self._numbers)}"
        template = TEMPLATE if migrated else "template0"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: LiteralString) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(statement)


def _remove_leftovers() -> None:
    """Stop the servers of test runs that were killed, which could not do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if owner is None:
            continue
        try:
            os.kill(int(owner[1]), 0)
        except ProcessLookupError:
            with suppress(OSError):  # another worker does the same at the same time
                EmbeddedPostgres(folder).stop()
                shutil.rmtree(folder)
        except PermissionError:
            continue


def query(url: str, *statements: str) -> list[Any]:
    """Run statements and give the rows of the last, where it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(";".join(statements).encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


@contextmanager
def migrations_of(url: str, directory: Path | None = None) -> Iterator[Migrations]:
    """Give the migrations of a database, and close its connection afterwards."""
    with Database(parse_dsn(url), statement_timeout_seconds=10) as database:
        yield Migrations(database, directory)


def migrate(url: str, directory: Path | None = None) -> MigrationReport:
    """Apply what is pending."""
    with migrations_of(url, directory) as pending:
        return pending.apply()


def status(url: str, directory: Path | None = None) -> MigrationReport:
    """Look at what is pending."""
    with migrations_of(url, directory) as pending:
        return pending.status()
