"""The journal on a real Postgres: nonces, intents, attempts, and the way back to a record."""

import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest

from mayhouse_cli.errors import DatabaseUnreachable, Interrupted, NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    Call,
    ContractEvent,
    Fees,
    Hash,
    Intent,
    Kind,
    Payload,
    Pin,
    Receipt,
    SignedPayload,
    Status,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.money import MAX_UINT256, WEI_PER_ETH, Wei
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.journal import PostgresJournal

CHAIN_ID: Final = 31337
SENDER: Final = Address("0x" + "11" * 20)
OTHER_SENDER: Final = Address("0x" + "22" * 20)
CONTRACT: Final = Address("0x" + "33" * 20)
GENESIS: Final = Hash("0x" + "44" * 32)
BLOCK_HASH: Final = Hash("0x" + "55" * 32)
EVENT_ID: Final = UUID(int=1)
BOOKING_ID: Final = UUID(int=2)

_numbers = count(1)


def open_database(url: str) -> Database:
    return Database(parse_dsn(url), statement_timeout_seconds=20)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give the migrated database of the test."""
    with open_database(database_url) as database:
        yield database


@pytest.fixture
def journal(database: Database) -> PostgresJournal:
    """Give a journal on that database."""
    return PostgresJournal(database)


def unused_hash() -> Hash:
    return Hash(f"0x{next(_numbers):064x}")


def intent(key: str = "event:1", **changes: Any) -> Intent:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "key": key,
        "kind": Kind.TRANSFER,
        "call": Call("createEventRun", ()),
        "calldata": b"\x01\x02",
        "recipient": CONTRACT,
        "arguments": {"of": key},
        "terms": {},
        "wanted_depth": 2,
    }
    return Intent(**{**fields, **changes})


def signed(
    nonce: int = 0, value: int = 0, tx_hash: Hash | None = None, max_fee: int = 2
) -> SignedPayload:
    fees = Fees(gas_limit=21_000, max_fee=Wei(max_fee), max_priority_fee=Wei(1))
    payload = Payload(CHAIN_ID, nonce, CONTRACT, Wei(value), b"\x01\x02", fees)
    return SignedPayload(payload, b"raw bytes \x00\xff", tx_hash or unused_hash())


def record(
    journal: PostgresJournal,
    wanted: Intent,
    payload: SignedPayload | None = None,
    generation: int = 1,
) -> Transaction:
    return journal.insert(wanted, payload or signed(), generation, SENDER, CONTRACT, "asha")


def receipt_of(transaction: Transaction, *events: ContractEvent) -> Receipt:
    return Receipt(
        tx_hash=transaction.tx_hash,
        succeeded=True,
        recipient=CONTRACT,
        block_number=7,
        block_hash=BLOCK_HASH,
        gas_used=21_000,
        fee=Wei(42_000),
        events=events,
    )


def execute(url: str, statement: str, values: Mapping[str, object] | None = None) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


# --- nonces -----------------------------------------------------------------------------


def test_the_first_nonce_is_the_chains_pending_count(journal: PostgresJournal) -> None:
    """With nothing recorded the chain's count is free."""
    assert journal.next_nonce(CHAIN_ID, SENDER, 5) == 5


def test_a_gap_between_recorded_nonces_is_filled(journal: PostgresJournal) -> None:
    """The lowest nonce that nothing holds is given, not the one after the highest."""
    record(journal, intent("a"), signed(0))
    record(journal, intent("b"), signed(2))
    assert journal.next_nonce(CHAIN_ID, SENDER, 0) == 1


def test_the_nonce_of_a_failed_transaction_is_used_again(journal: PostgresJournal) -> None:
    """A rejected transaction has used nothing up, and its nonce can be recorded again."""
    failed = record(journal, intent("a"), signed(0))
    journal.finish(failed.id, Status.FAILED, None, None, "insufficient funds")
    assert journal.next_nonce(CHAIN_ID, SENDER, 0) == 0
    assert record(journal, intent("b"), signed(0)).nonce == 0


def test_a_mined_nonce_is_held_though_the_pending_count_is_stale(journal: PostgresJournal) -> None:
    """A node that lags behind cannot have a used nonce given out again."""
    mined = record(journal, intent("a"), signed(0))
    journal.mark_mined(mined.id, receipt_of(mined), None)
    assert journal.next_nonce(CHAIN_ID, SENDER, 0) == 1


def test_a_replaced_transaction_holds_its_nonce(journal: PostgresJournal) -> None:
    """The nonce that a stranger's transaction took is not free."""
    replaced = record(journal, intent("a"), signed(0))
    journal.finish(replaced.id, Status.REPLACED, None, None, "replaced")
    assert journal.next_nonce(CHAIN_ID, SENDER, 0) == 1


@pytest.mark.parametrize(("chain_id", "sender"), [(1, SENDER), (CHAIN_ID, OTHER_SENDER)])
def test_nonces_are_counted_for_each_chain_and_sender(
    journal: PostgresJournal, chain_id: int, sender: Address
) -> None:
    """What one sender holds on one chain takes nothing from others."""
    record(journal, intent(), signed(0))
    assert journal.next_nonce(chain_id, sender, 0) == 0


def test_two_processes_get_different_nonces_under_the_lock(database_url: str) -> None:
    """Whoever comes second waits for the first one's record and sees it."""
    together = threading.Barrier(8)

    def allocate(number: int) -> int:
        with open_database(database_url) as database:
            journal = PostgresJournal(database)
            together.wait()
            with database.transaction():
                journal.lock(CHAIN_ID, SENDER)
                nonce = journal.next_nonce(CHAIN_ID, SENDER, 0)
                return record(journal, intent(f"event:{number}"), signed(nonce)).nonce

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(allocate, range(8))) == list(range(8))


def test_the_lock_of_one_sender_does_not_hold_up_another(database_url: str) -> None:
    """Only those who would take the same nonces wait for each other."""
    with (
        open_database(database_url) as first,
        open_database(database_url) as second,
        first.transaction(),
        second.transaction(),
    ):
        PostgresJournal(first).lock(CHAIN_ID, SENDER)
        PostgresJournal(second).lock(CHAIN_ID, OTHER_SENDER)


def test_a_nonce_cannot_be_recorded_twice(journal: PostgresJournal) -> None:
    """The database itself refuses a second holder, lock or no lock."""
    record(journal, intent("a"), signed(0))
    with pytest.raises(Refused) as refusal:
        record(journal, intent("b"), signed(0))
    assert refusal.value.details["constraint"] == "transactions_one_per_nonce"


def test_a_failure_after_the_record_rolls_the_nonce_back(
    database: Database, journal: PostgresJournal
) -> None:
    """Intent, attempt and nonce are kept together with the rest of the transaction or not."""

    def recorded_in_vain() -> None:
        with database.transaction():
            record(journal, intent(), signed(0))
            raise Interrupted("between record and commit")

    with pytest.raises(Interrupted):
        recorded_in_vain()
    assert journal.next_nonce(CHAIN_ID, SENDER, 0) == 0
    assert not journal.list(TransactionFilter())


# --- intents ----------------------------------------------------------------------------


def test_a_recorded_intent_comes_back_as_it_was(journal: PostgresJournal) -> None:
    """Every field survives, to the last digit and byte."""
    wanted = intent(
        kind=Kind.BOOK_EVENT,
        arguments={"seats": 2, "traveler": "b", "ids": [1, 2**40]},
        terms={"payment": MAX_UINT256, "percent": 20},
        event_id=EVENT_ID,
        booking_id=BOOKING_ID,
        chain_event_id=2**40,
        eth_price_inr=Decimal("200000.12345678"),
        amount_inr=Decimal("2500.50"),
        reason="first booking",
    )
    payload = signed(2**40, value=MAX_UINT256)
    transaction = record(journal, wanted, payload)
    attempt = transaction.newest
    assert (transaction.arguments, transaction.terms) == (wanted.arguments, wanted.terms)
    assert (transaction.event_id, transaction.booking_id) == (EVENT_ID, BOOKING_ID)
    assert (transaction.chain_event_id, transaction.nonce) == (2**40, 2**40)
    assert (transaction.value, type(transaction.value)) == (MAX_UINT256, Wei)
    assert transaction.calldata == b"\x01\x02"
    assert transaction.eth_price_inr == Decimal("200000.12345678")
    assert transaction.amount_inr == Decimal("2500.50")
    assert (transaction.status, transaction.actor) == (Status.SIGNED, "asha")
    assert transaction.created_at.utcoffset() == timedelta(0)
    assert (attempt.number, attempt.purpose, attempt.raw) == (1, "original", payload.raw)
    assert (attempt.fees, attempt.outcome) == (payload.payload.fees, AttemptOutcome.SIGNED)


def test_an_intent_lives_once(journal: PostgresJournal) -> None:
    """A second generation is refused while the first may still happen."""
    record(journal, intent(), signed(0))
    with pytest.raises(Refused) as refusal:
        record(journal, intent(), signed(1), generation=2)
    assert refusal.value.details["constraint"] == "transactions_one_live_per_intent"


def test_a_second_generation_follows_an_impossible_one(journal: PostgresJournal) -> None:
    """A retry is recorded beside the attempt that failed, and is the one that counts."""
    first = record(journal, intent(), signed(0))
    journal.finish(first.id, Status.FAILED, None, None, "rejected")
    second = record(journal, intent(), signed(0), generation=2)
    found = journal.latest(intent())
    assert found is not None
    assert (found.id, found.generation) == (second.id, 2)


def test_the_newest_of_impossible_generations_is_the_latest(journal: PostgresJournal) -> None:
    """When none lives the last one tells how it ended."""
    for generation in (1, 2):
        failed = record(journal, intent(), signed(0), generation)
        journal.finish(failed.id, Status.FAILED, None, None, "rejected")
    found = journal.latest(intent())
    assert found is not None
    assert found.generation == 2


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (Kind.CREATE_EVENT, {"event_id": EVENT_ID}),
        (Kind.BOOK_EVENT, {"event_id": EVENT_ID, "booking_id": BOOKING_ID}),
        (Kind.COMPLETE_EVENT, {"event_id": EVENT_ID, "chain_event_id": 9}),
        (Kind.CANCEL_EVENT, {"chain_event_id": 9}),
    ],
)
def test_an_intent_is_found_by_its_row_under_another_key(
    journal: PostgresJournal, kind: Kind, row: dict[str, Any]
) -> None:
    """A row is acted on once, whatever idempotency key comes with it."""
    recorded = record(journal, intent("mine", kind=kind, **row))
    found = journal.latest(intent("yours", kind=kind, **row))
    assert found is not None
    assert found.id == recorded.id


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (Kind.BOOK_EVENT, {"event_id": EVENT_ID, "booking_id": UUID(int=3)}),
        (Kind.CANCEL_EVENT, {"event_id": EVENT_ID}),
        (Kind.TRANSFER, {}),
    ],
)
def test_an_intent_for_another_row_or_end_is_another(
    journal: PostgresJournal, kind: Kind, row: dict[str, Any]
) -> None:
    """Two bookings of one event, or two ends of it, are not the same intent."""
    booking = intent(
        "a", kind=Kind.BOOK_EVENT, event_id=EVENT_ID, booking_id=BOOKING_ID, chain_event_id=9
    )
    record(journal, booking)
    assert journal.latest(intent("b", kind=kind, **row)) is None


def test_an_end_recorded_before_the_event_had_a_row_is_found(journal: PostgresJournal) -> None:
    """The number on chain tells the intent when one of the two has no row id."""
    recorded = record(journal, intent("chain", kind=Kind.COMPLETE_EVENT, chain_event_id=9))
    wanted = intent("row", kind=Kind.COMPLETE_EVENT, event_id=EVENT_ID, chain_event_id=9)
    found = journal.latest(wanted)
    assert found is not None
    assert found.id == recorded.id


def test_a_living_transaction_of_the_row_outranks_a_failed_one_of_the_key(
    journal: PostgresJournal,
) -> None:
    """A retry under an old key cannot create the event a second time."""
    row = {"kind": Kind.CREATE_EVENT, "event_id": EVENT_ID}
    failed = record(journal, intent("old", **row), signed(0))
    journal.finish(failed.id, Status.FAILED, None, None, "rejected")
    living = record(journal, intent("new", **row), signed(0))
    found = journal.latest(intent("old", **row))
    assert found is not None
    assert found.id == living.id


def test_the_same_request_under_another_key_is_found(journal: PostgresJournal) -> None:
    """Equal arguments are equal whatever the order of their names."""
    recorded = record(journal, intent("a", arguments={"seats": 2, "event": 9}))
    found = journal.same_arguments(intent("b", arguments={"event": 9, "seats": 2}))
    assert found is not None
    assert found.id == recorded.id


@pytest.mark.parametrize(
    "other",
    [
        intent("a", arguments={"seats": 2}),
        intent("b", arguments={"seats": 3}),
        intent("b", arguments={"seats": 2}, kind=Kind.BOOK_EVENT),
    ],
    ids=["its own key", "other arguments", "another kind"],
)
def test_another_request_is_not_taken_for_the_same(journal: PostgresJournal, other: Intent) -> None:
    """Key, kind and arguments decide."""
    record(journal, intent("a", arguments={"seats": 2}))
    assert journal.same_arguments(other) is None


def test_a_finished_request_does_not_stand_in_the_way(journal: PostgresJournal) -> None:
    """The same can be asked for again once the first is over."""
    first = record(journal, intent("a", arguments={"seats": 2}))
    journal.finish(first.id, Status.CONFIRMED, receipt_of(first), 1, None)
    assert journal.same_arguments(intent("b", arguments={"seats": 2})) is None


# --- the way of a transaction -----------------------------------------------------------


def test_sent_is_reached_from_signed_alone(journal: PostgresJournal) -> None:
    """A late answer to a send does not take a confirmed transaction back."""
    transaction = record(journal, intent())
    journal.mark_sent(transaction.id)
    assert journal.get(transaction.id).status == Status.SENT
    journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction), 1, None)
    journal.mark_sent(transaction.id)
    assert journal.get(transaction.id).status == Status.CONFIRMED


def test_a_receipt_is_kept_while_it_is_not_deep_enough(journal: PostgresJournal) -> None:
    """A mined transaction has its block, gas and fee, and is unfinished."""
    transaction = record(journal, intent())
    journal.mark_mined(transaction.id, receipt_of(transaction), None)
    mined = journal.get(transaction.id)
    assert (mined.status, mined.block_number, mined.block_hash) == (Status.MINED, 7, BLOCK_HASH)
    assert (mined.gas_used, mined.fee, mined.finished_at) == (21_000, 42_000, None)


def test_a_reorg_takes_the_receipt_away(journal: PostgresJournal) -> None:
    """Even a confirmed transaction is pending again, with nothing left of its receipt."""
    transaction = record(journal, intent())
    created = ContractEvent("EventRunCreated", {"id": 9})
    journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction, created), 9, None)
    journal.mark_pending_again(transaction.id)
    pending = journal.get(transaction.id)
    assert (pending.status, pending.finished_at, pending.outcome) == (Status.SENT, None, ())
    assert (pending.block_number, pending.fee, pending.chain_object_id) == (None, None, None)
    assert pending.newest.outcome == AttemptOutcome.ACCEPTED


def test_the_end_keeps_what_the_receipt_proved(journal: PostgresJournal) -> None:
    """Events with amounts near 2**256, the new number and the fee are kept exactly."""
    transaction = record(journal, intent())
    arguments = {"id": 2**40, "stake": MAX_UINT256, "host": SENDER, "attended": [1, 2**60]}
    event = ContractEvent("EventRunCreated", arguments)
    receipt = receipt_of(transaction, event)
    journal.finish(transaction.id, Status.CONFIRMED, receipt, 2**40, None)
    finished = journal.get(transaction.id)
    assert (finished.outcome, finished.chain_object_id) == ((event,), 2**40)
    assert (finished.status, finished.fee) == (Status.CONFIRMED, 42_000)
    assert finished.finished_at is not None


def test_bytes_in_an_event_are_kept_as_hexadecimal_text(journal: PostgresJournal) -> None:
    """JSON has no bytes: they come back as 0x and their digits."""
    transaction = record(journal, intent())
    event = ContractEvent("Odd", {"data": b"\x00\xff"})
    journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction, event), 1, None)
    assert journal.get(transaction.id).outcome[0].arguments == {"data": "0x00ff"}


def test_the_mined_attempt_decides_the_race(journal: PostgresJournal, database_url: str) -> None:
    """The hash that was mined becomes the transaction's, and the other attempt is dropped."""
    transaction = record(journal, intent())
    speedup = unused_hash()
    execute(
        database_url,
        """INSERT INTO mayhouse.attempts (transaction_id, number, purpose, tx_hash, raw,
               gas_limit, max_fee_per_gas_wei, max_priority_fee_per_gas_wei)
           VALUES (%(id)s, 2, 'speedup', %(tx_hash)s, 'raw', 21000, 3, 2);
        """,
        {"id": transaction.id, "tx_hash": speedup},
    )
    journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction), 1, None)
    finished = journal.get(transaction.id)
    assert finished.tx_hash == transaction.tx_hash
    assert [each.outcome for each in finished.attempts] == [
        AttemptOutcome.MINED,
        AttemptOutcome.DROPPED,
    ]
    assert finished.newest.tx_hash == speedup


def test_the_same_end_can_be_recorded_by_two_processes(journal: PostgresJournal) -> None:
    """Two `tx resume` at once come to the same record."""
    transaction = record(journal, intent())
    for _ in range(2):
        journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction), 9, None)
    assert journal.get(transaction.id).chain_object_id == 9


def test_a_different_end_is_refused(journal: PostgresJournal) -> None:
    """A process that saw less does not overwrite what another has proved."""
    transaction = record(journal, intent())
    journal.finish(transaction.id, Status.CONFIRMED, receipt_of(transaction), 9, None)
    with pytest.raises(Refused, match="ended as confirmed"):
        journal.finish(transaction.id, Status.REPLACED, None, None, "replaced")
    journal.mark_mined(transaction.id, receipt_of(transaction), None)
    assert journal.get(transaction.id).status == Status.CONFIRMED


def test_confirmed_needs_a_receipt(journal: PostgresJournal) -> None:
    """The database refuses a confirmation without block and fee."""
    transaction = record(journal, intent())
    with pytest.raises(Refused) as refusal:
        journal.finish(transaction.id, Status.CONFIRMED, None, 9, None)
    assert refusal.value.details["constraint"] == "transactions_mined_has_its_block"


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ("rejected", "rejected"),
        ("unknown rejected", "unknown"),
        ("rejected unknown", "unknown"),
        ("unknown accepted", "accepted"),
        ("accepted unknown rejected", "accepted"),
    ],
)
def test_a_rejection_does_not_hide_an_earlier_send(
    journal: PostgresJournal, answers: str, kept: str
) -> None:
    """Bytes that may have left once are never taken for clearly rejected."""
    transaction = record(journal, intent())
    error = None
    for answer in answers.split():
        error = f"it said {answer}"
        journal.mark_attempt(transaction.tx_hash, AttemptOutcome(answer), error)
    attempt = journal.get(transaction.id).newest
    assert (attempt.outcome, attempt.error) == (kept, error)
    assert attempt.sent_at is not None


# --- looking up -------------------------------------------------------------------------


def test_a_transaction_is_found_by_the_beginning_of_its_id_or_hash(
    journal: PostgresJournal,
) -> None:
    """Dashes and case do not matter."""
    transaction = record(journal, intent(), signed(0, tx_hash=Hash("0xfedcba98" + "00" * 28)))
    record(journal, intent("b"), signed(1, tx_hash=Hash("0xabcd" + "00" * 30)))
    whole = str(transaction.id)
    for beginning in (whole, whole[:13], whole.replace("-", "")[:13].upper(), "0xfedcb"):
        assert journal.find(beginning).id == transaction.id


@pytest.mark.parametrize("beginning", ["0xffff", "%%%%", "____", "1234567890abcdefg"])
def test_a_beginning_that_fits_nothing_is_not_found(
    journal: PostgresJournal, beginning: str
) -> None:
    """A wildcard is not one here."""
    record(journal, intent(), signed(0, tx_hash=Hash("0xabcd" + "00" * 30)))
    with pytest.raises(NotFound) as failure:
        journal.find(beginning)
    assert failure.value.hint


def test_a_beginning_that_fits_several_names_them(journal: PostgresJournal) -> None:
    """At most five are named, and that there are more is said."""
    named = [
        record(journal, intent(f"{n}"), signed(n, tx_hash=Hash(f"0xabcd{n:060x}"))).id
        for n in range(6)
    ]
    with pytest.raises(NotFound, match="Several") as failure:
        journal.find("0xabcd")
    assert sum(str(each) in failure.value.message for each in named) == 5
    assert failure.value.message.endswith("and more")


def test_a_beginning_must_be_long_enough(journal: PostgresJournal) -> None:
    """Three characters would match by chance."""
    with pytest.raises(WrongUsage, match="Too short"):
        journal.find("abc")


def test_an_unknown_id_is_not_found(journal: PostgresJournal) -> None:
    """The failure names the id."""
    unknown = uuid.uuid4()
    with pytest.raises(NotFound, match=str(unknown)):
        journal.get(unknown)


def test_a_transaction_is_held_by_one_process_at_a_time(
    database: Database, journal: PostgresJournal, database_url: str
) -> None:
    """Two `tx resume` decide one after the other; whoever only looks does not wait."""
    transaction = record(journal, intent())
    with (
        Database(parse_dsn(database_url), statement_timeout_seconds=0.2) as impatient,
        database.transaction(),
    ):
        assert journal.get_locked(transaction.id) == transaction
        assert PostgresJournal(impatient).get(transaction.id) == transaction
        with pytest.raises(DatabaseUnreachable, match="busy"):
            PostgresJournal(impatient).get_locked(transaction.id)


def test_the_list_is_newest_first_and_bounded(journal: PostgresJournal) -> None:
    """A limit leaves the oldest out."""
    recorded = [record(journal, intent(f"{n}"), signed(n)).id for n in range(3)]
    listed = journal.list(TransactionFilter(limit=2))
    assert [each.id for each in listed] == [recorded[2], recorded[1]]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TransactionFilter(unfinished=True), {"b"}),
        (TransactionFilter(unfinished=False), {"a"}),
        (TransactionFilter(), {"a", "b"}),
    ],
)
def test_the_list_tells_finished_from_unfinished(
    journal: PostgresJournal, wanted: TransactionFilter, expected: set[str]
) -> None:
    """Without the question it gives both."""
    finished = record(journal, intent("a"), signed(0))
    journal.finish(finished.id, Status.FAILED, None, None, "rejected")
    record(journal, intent("b"), signed(1))
    listed = journal.list(wanted)
    assert {each.intent_key for each in listed} == expected


def test_an_events_transactions_are_found_by_either_number(journal: PostgresJournal) -> None:
    """Its creation, recorded before it had a number, and its bookings belong to it."""
    created = record(journal, intent("a", kind=Kind.CREATE_EVENT, event_id=EVENT_ID), signed(0))
    journal.finish(created.id, Status.CONFIRMED, receipt_of(created), 9, None)
    record(journal, intent("b", kind=Kind.BOOK_EVENT, chain_event_id=9), signed(1))
    record(journal, intent("c", kind=Kind.BOOK_EVENT, chain_event_id=10), signed(2))
    listed = journal.list(TransactionFilter(chain_event_id=9))
    assert {each.intent_key for each in listed} == {"a", "b"}
    both = journal.list(TransactionFilter(event_id=EVENT_ID, chain_event_id=9))
    assert {each.intent_key for each in both} == {"a", "b"}


def test_what_is_open_on_an_event_is_its_unfinished_transactions(
    journal: PostgresJournal,
) -> None:
    """A confirmed creation is not open; a booking under way is."""
    created = record(journal, intent("a", kind=Kind.CREATE_EVENT, event_id=EVENT_ID), signed(0))
    journal.finish(created.id, Status.CONFIRMED, receipt_of(created), 9, None)
    booking = record(journal, intent("b", kind=Kind.BOOK_EVENT, event_id=EVENT_ID), signed(1))
    assert [each.id for each in journal.unfinished_of_event(EVENT_ID, None)] == [booking.id]
    assert not journal.unfinished_of_event(None, None)


def test_what_was_spent_counts_all_that_happened_or_still_may(journal: PostgresJournal) -> None:
    """Sums above 2**256 are exact, and what can no longer happen costs nothing."""
    since = datetime.now(UTC) - timedelta(hours=24)
    confirmed = record(journal, intent("a"), signed(0, value=MAX_UINT256))
    journal.finish(confirmed.id, Status.CONFIRMED, receipt_of(confirmed), 9, None)
    record(journal, intent("b"), signed(1, value=MAX_UINT256))
    failed = record(journal, intent("c"), signed(2, value=WEI_PER_ETH))
    journal.finish(failed.id, Status.FAILED, None, None, "rejected")
    assert journal.spent_since(SENDER, since) == 2 * MAX_UINT256
    assert journal.spent_since(OTHER_SENDER, since) == 0
    assert journal.spent_since(SENDER, datetime.now(UTC) + timedelta(hours=1)) == 0


# --- the installation -------------------------------------------------------------------


def test_a_database_is_bound_once(journal: PostgresJournal) -> None:
    """A second chain, contract or sender is told what the first one was."""
    assert journal.pinned() is None
    first = Pin(CHAIN_ID, GENESIS, CONTRACT, SENDER)
    assert journal.pin(first) == first
    assert journal.pin(Pin(1, BLOCK_HASH, SENDER, OTHER_SENDER)) == first
    assert journal.pinned() == first
