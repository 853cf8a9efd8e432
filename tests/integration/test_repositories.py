"""The platform's rows and the tool's own, on a real Postgres."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest

from mayhouse_cli.errors import NotFound, Refused
from mayhouse_cli.models import (
    Address,
    Block,
    Call,
    Cost,
    Fees,
    Hash,
    Intent,
    Kind,
    NewBooking,
    NewEvent,
    Payload,
    Plan,
    Rate,
    SignedPayload,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import MAX_UINT256, WEI_PER_ETH, Wei
from mayhouse_cli.store.bookings import PostgresBookings
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.events import PostgresEvents
from mayhouse_cli.store.journal import PostgresJournal
from mayhouse_cli.store.ledger import PostgresLedger
from mayhouse_cli.store.operator_log import PostgresOperatorLog
from mayhouse_cli.store.rates import PostgresRates
from mayhouse_cli.store.wallets import PostgresWallets

HOST: Final = UUID(int=1)
TRAVELER: Final = UUID(int=2)
EXPERIENCE: Final = UUID(int=3)
EVENT: Final = NewEvent(
    id=UUID(int=4),
    experience_id=EXPERIENCE,
    starts_at=datetime(2026, 11, 28, 12, 30, tzinfo=UTC),
    ends_at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC),
    seats=4,
    price_inr=Decimal("2500.00"),
)
BOOKING: Final = NewBooking(
    id=UUID(int=5),
    event_id=EVENT.id,
    traveler_id=TRAVELER,
    seats=2,
    total_inr=Decimal("6000.00"),
    platform_fee_inr=Decimal("250.00"),
    host_earnings_inr=Decimal("4750.00"),
)
TITLE: Final = "Old Delhi food walk [spicy] \N{HOT PEPPER}"
WALLET: Final = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
TX_HASH: Final = Hash("0x" + "ab" * 32)
OTHER_HASH: Final = Hash("0x" + "cd" * 32)
ABOVE_INTEGER: Final = 2**31 + 7
ABOVE_BIGINT_WEI: Final = Wei(10 * WEI_PER_ETH)
NOW: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

PEOPLE: Final = """
    INSERT INTO users (id, full_name, username, wallet_address, role) VALUES
        (%(host)s, 'Asha Host', 'asha', lower(%(wallet)s), 'host'),
        (%(traveler)s, NULL, 'ravi', NULL, 'user')
"""
EXPERIENCES: Final = """
    INSERT INTO experiences (id, host_id, title, price_inr, status)
    VALUES (%(experience)s, %(host)s, %(title)s, 2500, 'approved')
"""
SET_WALLET: Final = "UPDATE users SET wallet_address = %(wallet)s WHERE id = %(host)s"

# What the platform may have: text where the tool's migration makes enums, and the reverse.
STATUS_AS_TEXT: Final = """
    ALTER TABLE event_runs ALTER status DROP DEFAULT, ALTER status TYPE text,
        ALTER blockchain_status DROP DEFAULT, ALTER blockchain_status TYPE text;
"""
STATUS_AS_ENUM: Final = """
    CREATE TYPE booking_state AS ENUM
        ('confirmed', 'cancelled', 'no_show', 'experience_completed');
    CREATE TYPE booking_kind AS ENUM ('solo_traveler', 'group');
    ALTER TABLE event_run_bookings
        DROP CONSTRAINT event_run_bookings_booking_status_check,
        ALTER booking_status DROP DEFAULT, ALTER booking_type DROP DEFAULT,
        ALTER booking_status TYPE booking_state USING booking_status::booking_state,
        ALTER booking_type TYPE booking_kind USING booking_type::booking_kind;
"""
NO_TIME_ZONE: Final = """
    ALTER TABLE event_runs ALTER start_datetime TYPE timestamp, ALTER end_datetime TYPE timestamp;
"""


def execute(url: str, statements: str, **values: object) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode(), values or None)


def row(url: str, query: str) -> Mapping[str, object]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return found


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give a migrated database with a host, a traveler and an experience."""
    execute(database_url, PEOPLE, host=HOST, traveler=TRAVELER, wallet=WALLET)
    execute(database_url, EXPERIENCES, experience=EXPERIENCE, host=HOST, title=TITLE)
    with Database(parse_dsn(database_url), statement_timeout_seconds=20) as database:
        yield database


@pytest.fixture
def events(database: Database) -> PostgresEvents:
    """Give the repository of events."""
    return PostgresEvents(database)


@pytest.fixture
def bookings(database: Database) -> PostgresBookings:
    """Give the repository of bookings, with one event to book."""
    PostgresEvents(database).insert(EVENT)
    return PostgresBookings(database)


@pytest.fixture
def ledger(database: Database) -> PostgresLedger:
    """Give the ledger."""
    return PostgresLedger(database)


# --- events -----------------------------------------------------------------------------


def test_an_event_comes_with_its_experience_and_host(events: PostgresEvents) -> None:
    """One row holds all that a command shows, the title as its author wrote it."""
    events.insert(EVENT)
    event = events.by_id(EVENT.id)
    assert event is not None
    assert (event.starts_at, event.ends_at, event.seats) == (EVENT.starts_at, EVENT.ends_at, 4)
    assert (event.status, event.blockchain_status) == ("scheduled", "pending")
    assert (event.chain_event_id, event.tx_hash) == (None, None)
    assert (event.experience.title, event.experience.status) == (TITLE, "approved")
    assert (event.experience.host.id, event.experience.host.name) == (HOST, "Asha Host")


def test_a_price_of_its_own_is_kept_as_special(events: PostgresEvents) -> None:
    """A run costs what it was created for, whatever the experience costs."""
    events.insert(replace(EVENT, price_inr=Decimal("1999.50")))
    event = events.by_id(EVENT.id)
    assert event is not None
    assert event.special_price_inr == event.price_inr == Decimal("1999.50")


def test_the_experiences_price_is_not_kept_as_special(events: PostgresEvents) -> None:
    """2500 and 2500.00 are the same price."""
    events.insert(replace(EVENT, price_inr=Decimal(2500)))
    event = events.by_id(EVENT.id)
    assert event is not None
    assert (event.special_price_inr, event.price_inr) == (None, Decimal("2500.00"))


def test_a_missing_event_is_none(events: PostgresEvents) -> None:
    """Also under a number beyond any the chain has given."""
    assert events.by_id(uuid4()) is None
    assert events.by_chain_id(MAX_UINT256) is None
    assert events.experience(uuid4()) is None


def test_an_event_needs_its_experience(events: PostgresEvents) -> None:
    """No row appears for an experience that is not there."""
    with pytest.raises(NotFound):
        events.insert(replace(EVENT, experience_id=uuid4()))
    assert not events.list(10)


def test_events_are_listed_latest_first(events: PostgresEvents) -> None:
    """A limit leaves the earliest out."""
    ends_at = EVENT.ends_at + timedelta(days=9)
    starts = [EVENT.starts_at + timedelta(days=day) for day in range(3)]
    runs = [replace(EVENT, id=uuid4(), starts_at=each, ends_at=ends_at) for each in starts]
    for event in runs:
        events.insert(event)
    assert [each.id for each in events.list(2)] == [runs[2].id, runs[1].id]


@pytest.mark.parametrize("state", ["", STATUS_AS_TEXT, NO_TIME_ZONE], ids=["enum", "text", "naive"])
def test_an_event_goes_its_way_whatever_its_columns_types(
    events: PostgresEvents, database_url: str, state: str
) -> None:
    """A status may be an enum or text, and a time may have a zone or not."""
    execute(database_url, state)
    events.insert(EVENT)
    events.mark_pending(EVENT.id, TX_HASH)
    pending = events.by_id(EVENT.id)
    events.mark_created(EVENT.id, ABOVE_INTEGER, OTHER_HASH)
    events.mark_ended(EVENT.id, "completed")
    ended = events.by_chain_id(ABOVE_INTEGER)
    assert pending is not None
    assert ended is not None
    assert (pending.blockchain_status, pending.tx_hash) == ("pending", TX_HASH)
    assert (ended.blockchain_status, ended.tx_hash) == ("confirmed", OTHER_HASH)
    assert (ended.status, ended.starts_at) == ("completed", EVENT.starts_at)


def test_only_an_event_without_a_number_can_fail(events: PostgresEvents) -> None:
    """A created event is not marked failed by a later transaction's end."""
    events.insert(EVENT)
    events.mark_failed(EVENT.id)
    failed = events.by_id(EVENT.id)
    events.mark_created(EVENT.id, 9, TX_HASH)
    events.mark_failed(EVENT.id)
    created = events.by_id(EVENT.id)
    assert failed is not None
    assert created is not None
    assert (failed.blockchain_status, created.blockchain_status) == ("failed", "confirmed")


def test_two_events_can_exchange_their_numbers_after_a_reorg(
    database: Database, events: PostgresEvents
) -> None:
    """Numbers are unique, and pending ones are given up before they are written again."""
    other = replace(EVENT, id=uuid4())
    numbers = {EVENT.id: 9, other.id: 10}
    for event, tx_hash in ((EVENT, TX_HASH), (other, OTHER_HASH)):
        events.insert(event)
        events.mark_created(event.id, numbers[event.id], tx_hash)
    with database.transaction():
        events.mark_pending(EVENT.id, TX_HASH)
        events.mark_pending(other.id, OTHER_HASH)
        events.mark_created(EVENT.id, 10, TX_HASH)
        events.mark_created(other.id, 9, OTHER_HASH)
    found = events.by_chain_id(10)
    assert found is not None
    assert found.id == EVENT.id


def test_a_number_belongs_to_one_event(events: PostgresEvents) -> None:
    """The database refuses the second row that claims it."""
    other = replace(EVENT, id=uuid4())
    for event in (EVENT, other):
        events.insert(event)
    events.mark_created(EVENT.id, 9, TX_HASH)
    with pytest.raises(Refused) as refusal:
        events.mark_created(other.id, 9, OTHER_HASH)
    assert refusal.value.details["constraint"] == "mayhouse_event_runs_chain_id"


def test_nothing_is_pending_on_an_event_that_is_gone(events: PostgresEvents) -> None:
    """A missing row is noticed before anything is sent."""
    with pytest.raises(NotFound):
        events.mark_pending(uuid4(), TX_HASH)


def test_a_hosts_wallet_is_read_and_written(events: PostgresEvents) -> None:
    """Small letters are read with their checksum; a new address takes the place of the old."""
    before = events.experience(EXPERIENCE)
    new = Address("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
    events.set_wallet(HOST, new)
    after = events.experience(EXPERIENCE)
    assert before is not None
    assert after is not None
    assert (before.host.wallet, after.host.wallet) == (WALLET, new)


def test_a_mistyped_wallet_counts_as_none(events: PostgresEvents, database_url: str) -> None:
    """A wrong checksum is never paid to, and does not hide the event."""
    execute(database_url, SET_WALLET, wallet=WALLET.replace("aA", "Aa"), host=HOST)
    experience = events.experience(EXPERIENCE)
    assert experience is not None
    assert experience.host.wallet is None


def test_a_wallet_needs_its_user(events: PostgresEvents) -> None:
    """An unknown user is named."""
    with pytest.raises(NotFound):
        events.set_wallet(uuid4(), WALLET)


def test_another_users_wallet_is_refused(events: PostgresEvents, database_url: str) -> None:
    """The platform has one user for a wallet."""
    execute(database_url, SET_WALLET, wallet=WALLET, host=HOST)
    with pytest.raises(Refused) as refusal:
        events.set_wallet(TRAVELER, WALLET)
    assert refusal.value.details["constraint"] == "users_wallet_address_key"


# --- bookings ---------------------------------------------------------------------------


def test_a_booking_comes_with_its_traveler(bookings: PostgresBookings) -> None:
    """A traveler without a full name goes by the user name."""
    bookings.insert(BOOKING)
    booking = bookings.by_id(BOOKING.id)
    assert booking is not None
    assert (booking.event_id, booking.seats, booking.status) == (EVENT.id, 2, "confirmed")
    assert (booking.traveler.name, booking.traveler.wallet) == ("ravi", None)
    assert bookings.traveler(TRAVELER) == booking.traveler
    assert (booking.chain_booking_id, booking.tx_hash, booking.stake_wei) == (None, None, None)


def test_a_bookings_rupees_are_kept(bookings: PostgresBookings, database_url: str) -> None:
    """What the platform shows is what the booking was made for."""
    bookings.insert(BOOKING)
    kept = row(
        database_url,
        """SELECT total_experience_cost_inr AS total, mayhouse_platform_fee_inr AS fee,
               host_earnings_inr AS earnings FROM event_run_bookings""",
    )
    assert kept == {
        "total": BOOKING.total_inr,
        "fee": BOOKING.platform_fee_inr,
        "earnings": BOOKING.host_earnings_inr,
    }


def test_a_stake_above_what_a_bigint_holds_is_exact(bookings: PostgresBookings) -> None:
    """9.22 ETH is where 64 bits end, and a number on chain may pass 2**31."""
    bookings.insert(BOOKING)
    bookings.mark_pending(BOOKING.id, OTHER_HASH)
    bookings.mark_booked(BOOKING.id, ABOVE_INTEGER, TX_HASH, Wei(ABOVE_BIGINT_WEI + 1))
    booking = bookings.by_chain_id(ABOVE_INTEGER)
    assert booking is not None
    assert (booking.stake_wei, booking.tx_hash) == (ABOVE_BIGINT_WEI + 1, TX_HASH)


def test_a_pending_booking_has_no_number(bookings: PostgresBookings) -> None:
    """After a reorg nothing is left of the confirmation that was."""
    bookings.insert(BOOKING)
    bookings.mark_booked(BOOKING.id, 9, TX_HASH, Wei(1))
    bookings.mark_pending(BOOKING.id, TX_HASH)
    booking = bookings.by_id(BOOKING.id)
    assert booking is not None
    assert (booking.chain_booking_id, booking.stake_wei) == (None, None)


@pytest.mark.parametrize("state", ["", STATUS_AS_ENUM], ids=["text", "enum"])
def test_bookings_change_status_by_their_numbers(
    bookings: PostgresBookings, database_url: str, state: str
) -> None:
    """Those that came are completed, a cancelled one too, and no other is touched."""
    execute(database_url, state)
    made = [replace(BOOKING, id=uuid4()) for _ in range(3)]
    for number, booking in enumerate(made):
        bookings.insert(booking)
        tx_hash = Hash(f"0x{number:064x}")
        bookings.mark_booked(booking.id, ABOVE_INTEGER + number, tx_hash, Wei(1))
    bookings.mark_status([ABOVE_INTEGER], "cancelled")
    bookings.mark_status([ABOVE_INTEGER, ABOVE_INTEGER + 1], "experience_completed")
    bookings.mark_status([], "no_show")
    statuses = {each.id: each.status for each in bookings.of_event(EVENT.id)}
    assert [statuses[each.id] for each in made] == [
        "experience_completed",
        "experience_completed",
        "confirmed",
    ]


def test_bookings_are_listed_newest_first(bookings: PostgresBookings) -> None:
    """Of one event or of all, and not more than wanted."""
    made = [replace(BOOKING, id=uuid4()) for _ in range(3)]
    for booking in made:
        bookings.insert(booking)
    assert [each.id for each in bookings.list(None, 2)] == [made[2].id, made[1].id]
    assert len(bookings.list(EVENT.id, 9)) == 3
    assert not bookings.list(uuid4(), 9)


def test_a_booking_needs_its_event_and_traveler(bookings: PostgresBookings) -> None:
    """The platform's own constraints decide, and are named."""
    with pytest.raises(Refused) as refusal:
        bookings.insert(replace(BOOKING, traveler_id=uuid4()))
    assert refusal.value.details["constraint"] == "event_run_bookings_traveler_id_fkey"
    assert bookings.traveler(uuid4()) is None


def test_nothing_is_pending_on_a_booking_that_is_gone(bookings: PostgresBookings) -> None:
    """A missing row is noticed before anything is sent."""
    with pytest.raises(NotFound):
        bookings.mark_pending(uuid4(), TX_HASH)


# --- several repositories in one transaction --------------------------------------------


def recorded(database: Database) -> Transaction:
    fees = Fees(gas_limit=21_000, max_fee=Wei(2), max_priority_fee=Wei(1))
    payload = Payload(31337, 0, WALLET, Wei(0), b"", fees)
    intent = Intent(
        key=f"event:{EVENT.id}",
        kind=Kind.COMPLETE_EVENT,
        call=Call("completeEvent", ()),
        calldata=b"",
        recipient=WALLET,
        arguments={},
        terms={},
        wanted_depth=1,
        event_id=EVENT.id,
        chain_event_id=9,
    )
    signed = SignedPayload(payload, b"raw", TX_HASH)
    return PostgresJournal(database).insert(intent, signed, 1, WALLET, WALLET, "asha")


def test_a_row_and_its_intent_are_kept_together_or_not_at_all(
    database: Database, events: PostgresEvents
) -> None:
    """A constraint that refuses the last write undoes the first ones of the transaction."""

    def write_until_refused() -> None:
        with database.transaction():
            events.insert(EVENT)
            transaction = recorded(database)
            events.mark_pending(EVENT.id, transaction.tx_hash)
            events.insert(EVENT)

    with pytest.raises(Refused):
        write_until_refused()
    assert events.by_id(EVENT.id) is None
    with pytest.raises(NotFound):
        PostgresJournal(database).find(TX_HASH)


def test_writes_of_several_repositories_are_seen_by_others_at_the_commit(
    database: Database, events: PostgresEvents, database_url: str
) -> None:
    """Nothing of an open transaction shows outside."""
    counted = "SELECT count(*) AS n FROM event_runs"
    with database.transaction():
        events.insert(EVENT)
        recorded(database)
        assert row(database_url, counted) == {"n": 0}
    assert row(database_url, counted) == {"n": 1}


# --- the ledger -------------------------------------------------------------------------


COST: Final = Cost(Wei(25 * 10**15), Wei(5 * 10**15), Wei(30 * 10**15))
SNAPSHOT: Final = Snapshot(
    block=Block(7_123_456, OTHER_HASH, 1_790_000_000, Wei(1)),
    genesis_hash=TX_HASH,
    owner=WALLET,
    stake_percent=20,
    fee_percent=5,
    contract_balance=Wei(0),
    priority_fee=Wei(1),
)
RATE: Final = Rate(Decimal(200_000), "config", NOW)


def test_a_quote_keeps_amounts_rate_and_block(ledger: PostgresLedger, database_url: str) -> None:
    """What was quoted can be told exactly, in wei and in rupees."""
    ledger.add_quote(None, ABOVE_INTEGER, 2, COST, SNAPSHOT, RATE, "asha")
    kept = row(database_url, "SELECT * FROM mayhouse.quotes")
    assert (kept["payment_wei"], kept["total_wei"]) == (25 * 10**15, 30 * 10**15)
    assert (kept["payment_inr"], kept["stake_inr"], kept["total_inr"]) == (5000, 1000, 6000)
    assert (kept["chain_event_id"], kept["event_id"]) == (ABOVE_INTEGER, None)
    assert (kept["block_number"], kept["rate_as_of"]) == (7_123_456, NOW)


def test_the_percentages_of_the_newest_quote_count(ledger: PostgresLedger) -> None:
    """Each event has its own, and one that was never quoted has none."""
    for percent, event in ((20, 9), (25, 9), (30, 10)):
        snapshot = replace(SNAPSHOT, stake_percent=percent)
        ledger.add_quote(None, event, 2, COST, snapshot, RATE, "asha")
    assert ledger.quoted_percentages(9) == (25, 5)
    assert ledger.quoted_percentages(11) is None


def test_the_last_rate_is_the_newest_by_its_own_time(database: Database) -> None:
    """A rate stored late about an earlier time does not take its place."""
    rates = PostgresRates(database)
    assert rates.last() is None
    newest = Rate(Decimal("198750.12345678"), "feed", NOW)
    rates.add(newest)
    rates.add(Rate(Decimal(1), "by hand", NOW - timedelta(hours=1)))
    assert rates.last() == newest


def test_a_rate_that_was_only_configured_is_not_given(database: Database) -> None:
    """The newest that was set or fetched, though others were used after it."""
    rates = PostgresRates(database)
    assert rates.last_given() is None
    given = Rate(Decimal(200_000), "operator", NOW - timedelta(hours=1))
    for rate in (given, Rate(Decimal(1), "config", NOW), Rate(Decimal(2), "environment", NOW)):
        rates.add(rate)
    assert rates.last_given() == given


def test_the_history_of_rates_begins_with_the_newest(database: Database) -> None:
    """By the time each is of; of the same time the one stored last; no more than asked for."""
    rates = PostgresRates(database)
    kept = [Rate(Decimal(n), "feed", NOW - timedelta(hours=n // 2)) for n in (5, 2, 3, 7)]
    for rate in kept:
        rates.add(rate)
    assert [one.rate for one in rates.history(3)] == [kept[2], kept[1], kept[0]]


PLAN: Final = Plan(
    hash="7f3a",
    kind=Kind.COMPLETE_EVENT,
    event_id=EVENT.id,
    chain_event_id=9,
    content={"attended": [1, 2], "payout": MAX_UINT256},
    made_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
)


def test_a_plan_comes_back_as_it_was_shown(ledger: PostgresLedger) -> None:
    """Its content is bound to its hash, so not a digit may change."""
    ledger.add_plan(PLAN, "asha")
    assert ledger.plans(PLAN.hash) == [PLAN]
    assert ledger.plans(PLAN.hash[:4]) == [PLAN]
    assert ledger.plans("other") == []


def test_a_plan_made_again_lives_longer(ledger: PostgresLedger) -> None:
    """The same state gives the same hash, with a new quarter of an hour."""
    later = replace(PLAN, made_at=PLAN.expires_at, expires_at=NOW + timedelta(minutes=30))
    ledger.add_plan(PLAN, "asha")
    ledger.add_plan(later, "asha")
    assert ledger.plans(PLAN.hash) == [later]


def test_a_plan_is_used_once(database: Database, ledger: PostgresLedger) -> None:
    """A second execution is refused, and making it again does not revive it."""
    ledger.add_plan(PLAN, "asha")
    transaction = recorded(database)
    ledger.use_plan(PLAN.hash, transaction.id)
    ledger.add_plan(PLAN, "asha")
    (used,) = ledger.plans(PLAN.hash)
    assert used is not None
    assert used.used_at is not None
    with pytest.raises(Refused):
        ledger.use_plan(PLAN.hash, transaction.id)


def test_the_log_takes_what_commands_are_given(database: Database, database_url: str) -> None:
    """Ids, amounts and times are written as text, integers as they are."""
    arguments = {"event": EVENT.id, "price": Decimal("2500.00"), "at": NOW, "wei": MAX_UINT256}
    PostgresOperatorLog(database).add("asha", "event.create", arguments)
    kept = row(database_url, "SELECT * FROM mayhouse.operator_log")
    assert (kept["actor"], kept["command"]) == ("asha", "event.create")
    assert kept["arguments"] == {
        "event": str(EVENT.id),
        "price": "2500.00",
        "at": NOW.isoformat(),
        "wei": MAX_UINT256,
    }


def test_a_wallet_added_again_gets_its_new_label(database: Database) -> None:
    """There is one row for an address, as old as the first."""
    wallets = PostgresWallets(database)
    wallets.add(WALLET, "old", "platform")
    (before,) = wallets.list()
    wallets.add(WALLET, "new", "treasury")
    (after,) = wallets.list()
    assert after == replace(before, label="new", role="treasury")
