"""Behind a pooler in transaction mode: nothing of a command is left in a session of others."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from tests.faults.processes import start
from tests.mayhouse import ASHA, BINA, CHITRA, Mayhouse, Run
from tests.pooler import POOL_SIZE, Pooler

# What a pooler's client sees when a statement was prepared, or a setting made, in another session.
SESSION_ERRORS: Final = re.compile(
    r"prepared statement|unsupported startup parameter|unrecognized configuration|cached plan",
    re.IGNORECASE,
)
SESSION_LEFTOVERS: Final = """
    SELECT (SELECT count(*) FROM pg_prepared_statements),
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
           current_setting('statement_timeout'), current_setting('lock_timeout'),
           (SELECT count(*) FROM pg_class WHERE relpersistence = 't')
"""


@pytest.fixture
def pooler(database_url: str) -> Iterator[Pooler]:
    """A pooler before the test's database."""
    with Pooler(database_url) as running:
        yield running


@pytest.fixture
def pooled(mayhouse: Mayhouse, pooler: Pooler) -> Mayhouse:
    """A platform whose script reaches its database through the pooler alone."""
    return replace(mayhouse, settings={"DATABASE_URL": pooler.url})


def run(mayhouse: Mayhouse, *words: str) -> Run:
    """Run a command in a process that has imported it all."""
    child = start(*words, "--json", env=mayhouse.environment, folder=mayhouse.folder)
    return child.wait()


def test_mixed_commands_share_two_connections(pooled: Mayhouse, pooler: Pooler) -> None:
    """Twenty-four, eight at a time: reads, quotes, bookings and comparisons all succeed."""
    event = str(pooled.create_event(seats=9)["chain_event_id"])
    commands = [
        *(("booking", "quote", event, "--seats", str(seats)) for seats in (1, 2, 3)),
        *(
            ("booking", "create", event, "--seats=1", f"--traveler={traveler}", "-y")
            for traveler in (ASHA, BINA, CHITRA)
        ),
        *(("event", "list"), ("event", "show", event), ("booking", "list"), ("tx", "list")),
        *(("audit",), ("balance", "check"), ("balance", "history"), ("rate", "set", "200000")),
        *(("rate", "show"), ("payout", "list"), ("log",), ("wallet", "list"), ("tx", "resume")),
        *(("migrate", "--check"), ("migrate", "--status"), ("contract", "show"), ("doctor",)),
        ("event", "cancel", event, "--reason", "rain", "--plan"),
    ]
    with ThreadPoolExecutor(8) as clients:
        ended = list(clients.map(lambda words: run(pooled, *words), commands))
    told = {
        " ".join(words): (one.code, one.out) for words, one in zip(commands, ended, strict=True)
    }
    failed = {words: end for words, end in told.items() if end[0] != 0 and words != "doctor"}
    assert len(commands) >= 20
    assert failed == {}
    assert "unreachable" not in told["doctor"][1]
    assert not SESSION_ERRORS.search(pooler.log), pooler.log
    booked = pooled.rows("SELECT status FROM mayhouse.transactions WHERE kind = 'book_event'")
    assert [row["status"] for row in booked] == ["confirmed"] * 3


def test_a_command_leaves_nothing_in_the_session(pooled: Mayhouse, pooler: Pooler) -> None:
    """No statement, lock, setting or table is there for the next client on that connection."""
    pooled.create_event()
    assert pooled.json("audit").code == 0
    connections = [psycopg.connect(pooler.url, prepare_threshold=None) for _ in range(POOL_SIZE)]
    try:
        # Each in its transaction, so that every connection of the pool is looked at.
        found = [one.execute(SESSION_LEFTOVERS).fetchone() for one in connections]
    finally:
        for one in connections:
            one.close()
    assert found == [(0, 0, "0", "0", 0)] * POOL_SIZE


def test_the_pooler_shares_connections_between_transactions(pooler: Pooler) -> None:
    """The test would prove nothing otherwise: a session's setting is met by another client."""
    first, second = (psycopg.connect(pooler.url, autocommit=True) for _ in range(2))
    with first, second:
        first.execute("SET statement_timeout = '77s'")
        assert second.execute("SHOW statement_timeout").fetchone() == ("77s",)
