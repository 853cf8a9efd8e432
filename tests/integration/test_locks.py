"""Behind a lock of another session: a command ends in time, says so, and changes nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, LiteralString

import psycopg
import pytest

from tests.database_server import query
from tests.mayhouse import EXPERIENCE_ID, Mayhouse

PATIENCE: Final = 2  # seconds, as --timeout
# What a busy machine needs to start the script, and far below the server's own 30 seconds.
IN_TIME: Final = 20.0
UNDO_LAST: Final = """
    DROP TABLE mayhouse.alerts; DROP INDEX mayhouse.balance_readings_recent;
    DELETE FROM mayhouse.schema_migrations WHERE version = 5
"""


@contextmanager
def holding(url: str, lock: LiteralString) -> Iterator[None]:
    """Hold a lock in a session of one's own."""
    with psycopg.connect(url) as other:
        other.execute(lock)
        yield
        other.rollback()


def creation(mayhouse: Mayhouse) -> tuple[str, ...]:
    """Create an event, as it is typed."""
    words = ("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500")
    return (*words, "--seats", "4", "--starts-at", mayhouse.starts_in(), "-y")


@pytest.mark.parametrize(
    "lock",
    [
        "LOCK TABLE mayhouse.transactions IN EXCLUSIVE MODE",
        "LOCK TABLE public.event_runs IN ACCESS EXCLUSIVE MODE",
    ],
    ids=["the journal", "the platform's table"],
)
def test_a_signing_command_gives_up_behind_a_lock(mayhouse: Mayhouse, lock: LiteralString) -> None:
    """Exit 5 within its time, nothing is sent or recorded, and without the lock it goes through."""
    words = creation(mayhouse)
    before = mayhouse.transactions_sent()
    with holding(mayhouse.database_url, lock):
        started = time.monotonic()
        blocked = mayhouse.json(*words, "--timeout", str(PATIENCE))
        taken = time.monotonic() - started
    assert (blocked.code, blocked.error["code"]) == (5, "database_unreachable")
    assert "busy" in blocked.error["message"]
    assert "run it again" in blocked.error["hint"]
    assert PATIENCE <= taken < IN_TIME
    assert mayhouse.transactions_sent() == before
    assert mayhouse.rows("SELECT id FROM mayhouse.transactions") == []
    assert mayhouse.json(*words).code == 0


def test_a_migration_gives_up_behind_a_lock(mayhouse: Mayhouse) -> None:
    """A table that is being read in a long transaction: exit 5, undone wholly, and then applied."""
    query(mayhouse.database_url, UNDO_LAST)
    with holding(
        mayhouse.database_url, "LOCK TABLE mayhouse.balance_readings IN ROW EXCLUSIVE MODE"
    ):
        started = time.monotonic()
        blocked = mayhouse.json("migrate", "--timeout", str(PATIENCE))
        taken = time.monotonic() - started
    assert (blocked.code, blocked.error["code"]) == (5, "database_unreachable")
    assert "lock timeout" in blocked.error["message"]
    assert PATIENCE <= taken < IN_TIME
    assert mayhouse.row("SELECT to_regclass('mayhouse.alerts') AS made") == {"made": None}
    assert mayhouse.json("migrate").data["pending"] == []
