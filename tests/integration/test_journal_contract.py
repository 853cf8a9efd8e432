"""One set of behaviours for the journal in Postgres and for the twin that stands in for it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final
from uuid import UUID

import pytest

from mayhouse_cli.errors import Interrupted, NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
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
from mayhouse_cli.money import MAX_UINT256, Wei
from mayhouse_cli.ports import Journal
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.journal import PostgresJournal
from tests.twin_journal import MemoryJournal
from tests.twins import Memory

CHAIN_ID: Final = 31337
SENDER: Final = Address("0x" + "1" * 40)
CONTRACT: Final = Address("0x" + "c" * 40)
EVENT_ID: Final = UUID(int=1)
BOOKING_ID: Final = UUID(int=2)
_numbers = count(1)


@dataclass
class Kept:
    """A journal, and the transaction around its writes."""

    journal: Journal
    transaction: Callable[[], AbstractContextManager[object]]

    def record(
        self,
        key: str = "a",
        nonce: int = 0,
        generation: int = 1,
        value: int = 0,
        **fields: Any,  # noqa: ANN401 - any field of an intent
    ) -> Transaction:
        """Record an intent with signed bytes of its own."""
        wanted, payload = intent(key, **fields), signed(nonce, value)
        return self.journal.insert(wanted, payload, generation, SENDER, CONTRACT, "tester")

    def fail(self, one: Transaction) -> None:
        """End it as clearly rejected."""
        self.journal.finish(one.id, Status.FAILED, None, None, "rejected")


def intent(key: str = "a", **fields: Any) -> Intent:  # noqa: ANN401 - any field
    """An intent of this key."""
    usual: dict[str, Any] = {"kind": Kind.TRANSFER, "arguments": {}, "wanted_depth": 1}
    return Intent(key=key, recipient=CONTRACT, **{**usual, **fields})


def signed(nonce: int = 0, value: int = 0) -> SignedPayload:
    """Bytes with a hash of their own."""
    tx_hash = Hash(f"0x{next(_numbers):064x}")
    fees = Fees(21_000, Wei(2), Wei(1))
    payload = Payload(CHAIN_ID, nonce, CONTRACT, Wei(value), b"\x01\xff", fees)
    return SignedPayload(payload, b"raw \x00\xff", tx_hash)


def receipt_of(one: Transaction, *events: ContractEvent) -> Receipt:
    """A receipt in block 7."""
    block = Hash("0x" + "b" * 64)
    return Receipt(one.tx_hash, True, CONTRACT, 7, block, 21_000, Wei(42), events)  # noqa: FBT003


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """Each of the two journals, empty."""
    if request.param == "memory":
        memory = Memory()
        yield Kept(MemoryJournal(memory), memory.transaction)
        return
    url = request.getfixturevalue("database_url")
    with Database(parse_dsn(url), statement_timeout_seconds=20) as database:
        yield Kept(PostgresJournal(database), database.transaction)


# --- nonces -----------------------------------------------------------------------------


def test_the_lowest_nonce_that_nothing_holds_is_given(kept: Kept) -> None:
    """A gap is filled, what failed is free, and what was taken by others is not."""
    kept.record("a", 5)
    kept.fail(kept.record("b", 6))
    replaced = kept.record("c", 7)
    kept.journal.finish(replaced.id, Status.REPLACED, None, None, "replaced")
    assert kept.journal.next_nonce(CHAIN_ID, SENDER, 5) == 6
    kept.record("d", 6)
    assert kept.journal.next_nonce(CHAIN_ID, SENDER, 5) == 8
    assert kept.journal.next_nonce(CHAIN_ID + 1, SENDER, 5) == 5


def test_a_nonce_is_recorded_once(kept: Kept) -> None:
    """The rule that holds even without the lock."""
    kept.record("a", 0)
    with pytest.raises(Refused) as refusal:
        kept.record("b", 0)
    assert refusal.value.details["constraint"] == "transactions_one_per_nonce"


def test_what_fails_within_a_transaction_leaves_nothing(kept: Kept) -> None:
    """The nonce goes back with the record."""

    def interrupted() -> None:
        with kept.transaction():
            kept.journal.lock(CHAIN_ID, SENDER)
            kept.record()
            raise Interrupted("in between")

    with pytest.raises(Interrupted):
        interrupted()
    assert not kept.journal.list(TransactionFilter())
    assert kept.journal.next_nonce(CHAIN_ID, SENDER, 0) == 0


# --- intents ----------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was_written(kept: Kept) -> None:
    """To the last digit, and arguments and terms as JSON gives them."""
    one = kept.record(
        value=MAX_UINT256,
        arguments={"ids": (1, 2**70), "who": UUID(int=3), "price": Decimal("2.50")},
        terms={"moment": datetime(2026, 11, 1, tzinfo=UTC), "bytes": b"\xff"},
        eth_price_inr=Decimal("200000.5"),
        amount_inr=Decimal("2500.50"),
    )
    found = kept.journal.get(one.id)
    assert found.arguments == {"ids": [1, 2**70], "who": str(UUID(int=3)), "price": "2.50"}
    assert found.terms == {"moment": "2026-11-01T00:00:00+00:00", "bytes": "0xff"}
    assert (found.value, found.calldata, found.newest.raw) == (
        MAX_UINT256,
        b"\x01\xff",
        b"raw \x00\xff",
    )
    assert (found.eth_price_inr, found.amount_inr) == (Decimal("200000.5"), Decimal("2500.50"))
    assert (found.status, found.newest.outcome) == (Status.SIGNED, AttemptOutcome.SIGNED)


def test_an_intent_lives_once(kept: Kept) -> None:
    """A second generation waits until the first is impossible, and then is the latest."""
    first = kept.record()
    with pytest.raises(Refused):
        kept.record(nonce=1, generation=2)
    kept.fail(first)
    second = kept.record(nonce=0, generation=2)
    latest = kept.journal.latest(intent())
    assert latest is not None
    assert latest.id == second.id


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (Kind.CREATE_EVENT, {"event_id": EVENT_ID}),
        (Kind.BOOK_EVENT, {"event_id": EVENT_ID, "booking_id": BOOKING_ID}),
        (Kind.COMPLETE_EVENT, {"event_id": EVENT_ID, "chain_event_id": 9}),
        (Kind.CANCEL_EVENT, {"chain_event_id": 9}),
    ],
)
def test_an_intent_is_found_by_its_row(kept: Kept, kind: Kind, row: dict[str, Any]) -> None:
    """Whatever key comes with it; another row is another intent."""
    one = kept.record("mine", kind=kind, **row)
    found = kept.journal.latest(intent("yours", kind=kind, **row))
    assert found is not None
    assert found.id == one.id
    other = {name: UUID(int=99) if isinstance(was, UUID) else 99 for name, was in row.items()}
    assert kept.journal.latest(intent("yours", kind=kind, **other)) is None


def test_what_lives_outranks_what_failed_under_the_key(kept: Kept) -> None:
    """A retry under an old key cannot act on a row a second time."""
    row: dict[str, Any] = {"kind": Kind.CREATE_EVENT, "event_id": EVENT_ID}
    kept.fail(kept.record("mine", **row))
    living = kept.record("other", 1, **row)
    found = kept.journal.latest(intent("mine", **row))
    assert found is not None
    assert found.id == living.id


def test_the_very_same_request_is_found_while_it_is_open(kept: Kept) -> None:
    """Of the same kind and arguments, under another key, and not after its end."""
    wish: dict[str, Any] = {"kind": Kind.BOOK_EVENT, "arguments": {"seats": 2, "ids": (1,)}}
    one = kept.record("mine", **wish)
    found = kept.journal.same_arguments(intent("yours", **wish))
    assert found is not None
    assert found.id == one.id
    assert kept.journal.same_arguments(intent("mine", **wish)) is None
    other = {**wish, "arguments": {"seats": 3, "ids": (1,)}}
    assert kept.journal.same_arguments(intent("yours", **other)) is None
    kept.fail(one)
    assert kept.journal.same_arguments(intent("yours", **wish)) is None


# --- a transaction's life ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((AttemptOutcome.UNKNOWN, AttemptOutcome.REJECTED), AttemptOutcome.UNKNOWN),
        ((AttemptOutcome.ACCEPTED, AttemptOutcome.REJECTED), AttemptOutcome.ACCEPTED),
        ((AttemptOutcome.ACCEPTED, AttemptOutcome.UNKNOWN), AttemptOutcome.ACCEPTED),
        ((AttemptOutcome.REJECTED, AttemptOutcome.UNKNOWN), AttemptOutcome.UNKNOWN),
        ((AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED), AttemptOutcome.ACCEPTED),
    ],
)
def test_a_later_answer_does_not_hide_an_earlier_send(
    kept: Kept, answers: tuple[AttemptOutcome, ...], outcome: AttemptOutcome
) -> None:
    """What may have left once stays so; the last words are kept."""
    one = kept.record()
    for answer in answers:
        kept.journal.mark_attempt(one.tx_hash, answer, f"said {answer}")
    attempt = kept.journal.get(one.id).newest
    assert (attempt.outcome, attempt.error) == (outcome, f"said {answers[-1]}")
    assert attempt.sent_at is not None


def test_a_receipt_is_kept_and_can_be_taken_back(kept: Kept) -> None:
    """Mined at a block, and after a reorg sent again, with the block in its history."""
    one = kept.record()
    kept.journal.mark_sent(one.id)
    kept.journal.mark_mined(one.id, receipt_of(one), "a reason")
    mined = kept.journal.get(one.id)
    assert (mined.status, mined.block_number, mined.fee, mined.error) == (
        Status.MINED,
        7,
        42,
        "a reason",
    )
    kept.journal.mark_pending_again(one.id)
    back = kept.journal.get(one.id)
    assert [undone["block_number"] for undone in back.undone] == [7]
    assert (back.status, back.block_number, back.fee, back.error) == (
        Status.SENT,
        None,
        None,
        None,
    )


def test_the_end_keeps_what_the_receipt_proved(kept: Kept) -> None:
    """The contract's event, the number it gave, and that this attempt was the one."""
    one = kept.record()
    event = ContractEvent("EventRunCreated", {"eventRunId": 2**70, "topic": b"\x01"})
    kept.journal.finish(one.id, Status.CONFIRMED, receipt_of(one, event), 9, None)
    done = kept.journal.get(one.id)
    assert (done.status, done.chain_object_id, done.block_number) == (Status.CONFIRMED, 9, 7)
    assert done.outcome == (
        ContractEvent("EventRunCreated", {"eventRunId": 2**70, "topic": "0x01"}),
    )
    assert done.newest.outcome is AttemptOutcome.MINED
    assert done.finished_at is not None


def test_an_end_is_final(kept: Kept) -> None:
    """The same end again changes nothing, another one is refused, and no mark undoes it."""
    one = kept.record()
    kept.journal.finish(one.id, Status.CONFIRMED, receipt_of(one), 9, None)
    kept.journal.finish(one.id, Status.CONFIRMED, receipt_of(one), 9, None)
    with pytest.raises(Refused, match="ended as confirmed before"):
        kept.journal.finish(one.id, Status.FAILED, None, None, "no")
    kept.journal.mark_sent(one.id)
    kept.journal.mark_mined(one.id, receipt_of(one), None)
    assert kept.journal.get(one.id).status is Status.CONFIRMED


def test_a_further_attempt_is_the_newest_and_names_the_transaction(kept: Kept) -> None:
    """The mined hash decides between the attempts, whichever it is."""
    one = kept.record()
    twice = kept.journal.add_attempt(one.id, signed(), "speedup")
    assert [(each.number, each.purpose) for each in twice.attempts] == [
        (1, "original"),
        (2, "speedup"),
    ]
    assert twice.tx_hash == twice.newest.tx_hash != one.tx_hash
    kept.journal.finish(one.id, Status.CONFIRMED, receipt_of(one), 9, None)
    done = kept.journal.get(one.id)
    assert done.tx_hash == one.tx_hash
    assert [each.outcome for each in done.attempts] == [
        AttemptOutcome.MINED,
        AttemptOutcome.DROPPED,
    ]


def test_the_holder_of_a_number_is_the_confirmed_transaction(kept: Kept) -> None:
    """Of the same kind; what is not confirmed holds no number."""
    one = kept.record(kind=Kind.BOOK_EVENT)
    assert kept.journal.holder(Kind.BOOK_EVENT, 9) is None
    kept.journal.finish(one.id, Status.CONFIRMED, receipt_of(one), 9, None)
    found = kept.journal.holder(Kind.BOOK_EVENT, 9)
    assert found is not None
    assert found.id == one.id
    assert kept.journal.holder(Kind.CREATE_EVENT, 9) is None


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.REVERTED])
def test_what_happened_on_chain_needs_a_receipt(kept: Kept, status: Status) -> None:
    """Without a block there is no such end."""
    one = kept.record()
    with pytest.raises(Refused):
        kept.journal.finish(one.id, status, None, None, None)


# --- finding ----------------------------------------------------------------------------


def test_a_transaction_is_found_by_how_it_begins(kept: Kept) -> None:
    """By id or hash; too short, unknown or of several is an error."""
    one, two = kept.record("a", 0), kept.record("b", 1)
    assert kept.journal.find(str(one.id)[:13]).id == one.id
    assert kept.journal.find(two.tx_hash).id == two.id
    with pytest.raises(WrongUsage):
        kept.journal.find("0x1")
    for beginning in ("0x00000000", "ffff" * 8, "no such thing"):
        with pytest.raises(NotFound):
            kept.journal.find(beginning)


def test_an_events_transactions_are_found_by_either_number(kept: Kept) -> None:
    """Its creation by the number it was given, and its bookings, newest first."""
    created = kept.record("a", 0, kind=Kind.CREATE_EVENT, event_id=EVENT_ID)
    kept.journal.finish(created.id, Status.CONFIRMED, receipt_of(created), 9, None)
    booked = kept.record("b", 1, kind=Kind.BOOK_EVENT, event_id=EVENT_ID, chain_event_id=9)
    kept.record("c", 2, kind=Kind.BOOK_EVENT, event_id=UUID(int=7), chain_event_id=7)
    for wanted in (TransactionFilter(event_id=EVENT_ID), TransactionFilter(chain_event_id=9)):
        assert [one.id for one in kept.journal.list(wanted)] == [booked.id, created.id]
    assert [one.id for one in kept.journal.unfinished_of_event(None, 9)] == [booked.id]
    assert [one.id for one in kept.journal.unfinished_of_event(EVENT_ID, None)] == [booked.id]
    assert not kept.journal.unfinished_of_event(None, None)


def test_what_was_spent_is_what_happened_or_still_may(kept: Kept) -> None:
    """Since a moment, by one sender."""
    kept.record("a", 0, value=MAX_UINT256 // 2)
    kept.fail(kept.record("b", 1, value=5))
    begin = kept.journal.list(TransactionFilter())[0].created_at
    spent = kept.journal.spent_since
    assert spent(SENDER, begin - timedelta(days=1)) == MAX_UINT256 // 2
    assert spent(SENDER, begin + timedelta(days=1)) == 0
    assert spent(CONTRACT, begin - timedelta(days=1)) == 0


def test_a_database_is_bound_once(kept: Kept) -> None:
    """The first pin stays, whoever comes later."""
    first = Pin(CHAIN_ID, Hash("0x" + "0" * 64), CONTRACT, SENDER)
    assert kept.journal.pinned() is None
    assert kept.journal.pin(first) == first
    assert kept.journal.pin(Pin(1, first.genesis_hash, SENDER, CONTRACT)) == first
