"""Readings, watched wallets and alerts on a real Postgres, announced to a real HTTP server."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from mayhouse_cli.models import Address, BalanceReading
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.alerts import announce_changes
from mayhouse_cli.operations.balances import check_balance
from mayhouse_cli.ports import Deadline
from mayhouse_cli.store.alerts import PostgresAlerts
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.readings import PostgresReadings
from mayhouse_cli.web import JsonPage
from tests.database_server import query
from tests.mayhouse import EXPERIENCE_ID, SEED
from tests.twin_chain import PLATFORM
from tests.twin_session import MemorySession, platform
from tests.webhook_server import Hook

CHAIN_ID: Final = 31337
WALLET: Final = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
OTHER: Final = Address("0x" + "7" * 40)
NOW: Final = datetime.now(UTC)
ABOVE_BIGINT_WEI: Final = Wei(10**19)
WARNING: Final = 2 * 10**17
EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000d1"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    with Database(parse_dsn(database_url), statement_timeout_seconds=10) as database:
        yield database


@pytest.fixture
def readings(database: Database) -> PostgresReadings:
    """The readings of the database."""
    return PostgresReadings(database)


# --- readings ---------------------------------------------------------------------------


def test_readings_come_back_as_they_were(readings: PostgresReadings) -> None:
    """More than 64 bits of wei fit; another chain's and older ones are left out."""
    kept = BalanceReading(WALLET, "platform", CHAIN_ID, ABOVE_BIGINT_WEI, "OK", 7, NOW)
    before = NOW - timedelta(hours=2)
    elsewhere = BalanceReading(WALLET, "platform", 1, Wei(1), "OK", 7, NOW)
    older = BalanceReading(WALLET, "platform", CHAIN_ID, Wei(1), "OK", 7, before)
    readings.add([kept, elsewhere, older])
    assert readings.since(CHAIN_ID, NOW - timedelta(hours=1)) == [kept]
    assert readings.since(CHAIN_ID, before) == [older, kept]


TRANSACTION: Final = """
    INSERT INTO mayhouse.transactions
        (intent_key, kind, arguments, chain_id, contract, sender, recipient, nonce, value_wei,
         calldata, wanted_depth, status, tx_hash, actor, chain_event_id, chain_object_id,
         block_number, block_hash, gas_used, fee_wei)
    SELECT '{key}', '{kind}', '{arguments}', 31337, '{wallet}', '{sender}', '{wallet}', {nonce},
           0, '', 1, '{status}', '0x' || lpad(to_hex({nonce}), 64, '0'), 'test', {event},
           {made}, 7, '0x' || repeat('ab', 32), 21000, 1
"""


def transaction(
    nonce: int,
    kind: str,
    *,
    sender: str = WALLET,
    status: str = "confirmed",
    event: int | None = None,
    made: int | None = None,
    seats: int = 2,
) -> str:
    """The statement that records a transaction."""
    return TRANSACTION.format(
        key=f"key:{nonce}",
        kind=kind,
        arguments=json.dumps({"seats": seats}),
        wallet=WALLET,
        sender=sender,
        nonce=nonce,
        status=status,
        event="null" if event is None else event,
        made="null" if made is None else made,
    )


def test_hosts_are_the_signers_of_events_that_are_open(
    readings: PostgresReadings, database_url: str
) -> None:
    """Not of those that have ended or never came about; each host once."""
    query(
        database_url,
        transaction(1, "create_event", made=1),
        transaction(2, "create_event", made=2),
        transaction(3, "create_event", made=3, sender=OTHER),
        transaction(4, "cancel_event", event=3),
        transaction(5, "create_event", sender=OTHER, status="failed"),
    )
    assert readings.open_hosts(CHAIN_ID) == [WALLET]
    assert readings.open_hosts(1) == []


QUOTE: Final = """
    INSERT INTO mayhouse.quotes
        (chain_event_id, seats, payment_wei, stake_wei, total_wei, payment_inr, stake_inr,
         total_inr, stake_percent, fee_percent, eth_price_inr, rate_source, rate_as_of,
         block_number, quoted_at, actor)
    VALUES ({event}, {seats}, {total}, 0, {total}, 1, 1, 2, 20, 5, 200000, 'config', now(), 7,
            now() - interval '{hours} hours', 'test')
"""


def quote(event: int, seats: int, total: int, hours: int = 0) -> str:
    """The statement that records a quote."""
    return QUOTE.format(event=event, seats=seats, total=total, hours=hours)


def needed(readings: PostgresReadings) -> int:
    """The float that the quotes of a day need."""
    return int(readings.unbooked_quotes(NOW - timedelta(hours=24)))


def test_quotes_count_until_they_are_booked(readings: PostgresReadings, database_url: str) -> None:
    """A booking uses up one quote for as many seats; one that failed uses up none."""
    query(
        database_url, quote(1, 2, 100, hours=1), quote(1, 2, 110), quote(1, 1, 7), quote(2, 2, 1000)
    )
    assert needed(readings) == 1217
    query(database_url, transaction(1, "book_event", event=1, status="sent"))
    assert needed(readings) == 1117
    query(database_url, transaction(2, "book_event", event=1, seats=1, status="failed"))
    assert needed(readings) == 1117


def test_quotes_of_long_ago_do_not_count(readings: PostgresReadings, database_url: str) -> None:
    """Whoever has not booked for a day will ask again."""
    query(database_url, quote(1, 2, 100, hours=25), quote(1, 2, 10, hours=23))
    assert needed(readings) == 10


@pytest.mark.parametrize(
    ("status", "hours", "expected"),
    [("scheduled", 24, 100), ("cancelled", 24, 0), ("scheduled", -1, 0)],
    ids=["open", "cancelled", "begun"],
)
def test_quotes_of_events_that_take_no_bookings_do_not_count(
    readings: PostgresReadings, database_url: str, status: str, hours: int, expected: int
) -> None:
    """Nobody will pay for them any more."""
    event = f"""
        INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,
                                status, blockchain_event_run_id)
        VALUES ('{EVENT_ROW}', '{EXPERIENCE_ID}', now() + interval '{hours} hours',
                now() + interval '30 hours', 4, '{status}', 1)
    """  # noqa: S608 made of constants
    query(database_url, SEED, event, quote(1, 2, 100))
    assert needed(readings) == expected


# --- alerts -----------------------------------------------------------------------------


class WatchingSession(MemorySession):
    """A chain in memory; Postgres and the hook are real."""

    def __init__(self, url: str, hook: Hook) -> None:
        session = platform()
        super().__init__(session.memory, session.chain)
        self.deadline = Deadline(10)
        self.database = Database(parse_dsn(url), statement_timeout_seconds=10)
        self.readings = PostgresReadings(self.database)  # type: ignore[assignment]
        self.alerts = PostgresAlerts(self.database)  # type: ignore[assignment]
        self.notifier = JsonPage(hook.url, "webhook_url", self.deadline)  # type: ignore[assignment]

    def transaction(self) -> AbstractContextManager[object]:
        return self.database.transaction()

    def check(self, balance: int) -> str | None:
        """Check with this balance and announce; gives what went wrong."""
        self.deadline.restart()
        self.chain.balance = Wei(balance)
        found, warnings = check_balance(None, None, self)
        assert warnings == ()
        return announce_changes(found, self)


@contextmanager
def watching(url: str, hook: Hook) -> Iterator[WatchingSession]:
    """One cron job's session."""
    session = WatchingSession(url, hook)
    try:
        yield session
    finally:
        session.database.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A hook that takes everything."""
    with Hook() as hook:
        yield hook


def test_a_hundred_checks_of_an_oscillating_balance_alert_once(
    database_url: str, hook: Hook
) -> None:
    """Around its threshold it alerts once; when it is topped up it has recovered, once."""
    with watching(database_url, hook) as session:
        for number in range(98):
            assert session.check(WARNING + (-1, 1, 10**16)[number % 3]) is None
        session.check(10**18)
        session.check(10**18)
    assert hook.changes == [("OK", "WARNING"), ("WARNING", "OK")]
    (count,) = query(database_url, "SELECT count(*) FROM mayhouse.balance_readings")
    assert count == (100,)


def test_checks_at_once_alert_once(database_url: str, hook: Hook) -> None:
    """Two machines' timers fire at the same moment, and two more."""
    barrier = threading.Barrier(4)

    def cron(_: int) -> str | None:
        with watching(database_url, hook) as session:
            barrier.wait(10)
            return session.check(0)

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(cron, range(4))] == [None] * 4
    assert hook.changes == [("OK", "CRITICAL")]


def test_a_hook_that_refuses_is_asked_again(database_url: str, hook: Hook) -> None:
    """Nothing is kept as announced that was not taken, and the address stays secret."""
    hook.status = 500
    with watching(database_url, hook) as session:
        problem = session.check(0)
        assert query(database_url, "SELECT * FROM mayhouse.alerts") == []
        hook.status = 200
        assert session.check(0) is None
    assert problem is not None
    assert "HTTP 500" in problem
    assert "secret" not in problem
    assert hook.changes == [("OK", "CRITICAL")]
    (row,) = query(database_url, "SELECT chain_id, address, state FROM mayhouse.alerts")
    assert row == (CHAIN_ID, PLATFORM, "CRITICAL")
