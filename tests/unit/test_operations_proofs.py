"""Proofs: what a receipt says of a row, and all that it does not prove."""

from dataclasses import replace
from typing import Any, Final

import pytest

from mayhouse_cli.models import Address, ContractEvent, Drift, Hash, Receipt, Side
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.audit_findings import drift_findings
from mayhouse_cli.operations.drift_words import FIXABLE, Severity
from mayhouse_cli.operations.proofs import proven_values
from tests.twin_chain import CONTRACT, PLATFORM, STRANGER
from tests.twin_session import EXPERIENCE_ID, MemorySession, platform

HASH: Final = Hash("0x" + "a" * 64)
NONE: Final[dict[str, str | None]] = {}


def receipt_of(name: str, *, recipient: Address = CONTRACT, **arguments: Any) -> Receipt:  # noqa: ANN401 - any argument
    """A receipt with one event of the contract in it."""
    event = ContractEvent(name, arguments)
    block = Hash("0x" + "b" * 64)
    return Receipt(HASH, True, recipient, 1, block, 1, Wei(1), (event,))  # noqa: FBT003 succeeded


def creation(**changes: Any) -> Receipt:  # noqa: ANN401 - any argument
    """The receipt of our event's creation under the number 7."""
    usual = {"eventRunId": 7, "host": PLATFORM, "experienceId": str(EXPERIENCE_ID)}
    return receipt_of("EventRunCreated", **{**usual, **changes})


def booking(**changes: Any) -> Receipt:  # noqa: ANN401 - any argument
    """The receipt of a booking of one seat of our event under the number 9."""
    usual = {"bookingId": 9, "eventRunId": 1, "user": PLATFORM, "seatCount": 1, "userStake": 5}
    return receipt_of("BookingCreated", **{**usual, **changes})


def end(name: str, **arguments: Any) -> Receipt:  # noqa: ANN401 - any argument
    """A receipt of an ending."""
    return receipt_of(name, **arguments)


@pytest.fixture
def session() -> MemorySession:
    """A platform with an event and a booking of one seat."""
    return platform().with_bookings(1)


def drift(code: str, session: MemorySession, **changes: Any) -> Drift:  # noqa: ANN401 - any field
    """A drift of the platform's event or booking."""
    side = Side.BOOKING if "booking" in code else Side.EVENT
    rows = session.memory.rows
    row_id = next(iter(rows.events if side is Side.EVENT else rows.bookings))
    known = Drift(code, side, row_id, 1, 1, None, None, HASH, {"number": "1", "tx_hash": None}, 0)
    return replace(known, **changes)


def test_a_creation_gives_the_row_its_number(session: MemorySession) -> None:
    """With the hash, and that it is confirmed."""
    values = proven_values(drift("event_number_lost", session), creation(), session)
    assert values == {"number": "7", "tx_hash": HASH, "sync": "confirmed"}


def test_a_booking_gives_the_row_its_number_and_stake(session: MemorySession) -> None:
    """The stake is the receipt's, not a computed one."""
    values = proven_values(drift("booking_number_lost", session), booking(), session)
    assert values == {"number": "9", "tx_hash": HASH, "stake": "5"}


@pytest.mark.parametrize(
    ("code", "receipt"),
    [
        ("event_number_lost", creation(experienceId="another")),
        ("event_number_lost", creation(host=STRANGER)),
        ("event_number_lost", creation(recipient=STRANGER)),
        ("event_number_lost", replace(creation(), succeeded=False)),
        ("event_number_lost", replace(creation(), events=())),
        ("event_number_lost", booking()),
        ("booking_number_lost", booking(eventRunId=2)),
        ("booking_number_lost", booking(seatCount=2)),
        ("booking_number_lost", booking(user=STRANGER)),
        ("booking_number_lost", creation()),
        ("event_ended_on_chain", end("EventCompleted", eventRunId=2)),
        ("booking_ended_on_chain", end("BookingNoShow", bookingId=2)),
        ("booking_ended_on_chain", end("EventCancelled", eventRunId=2)),
        ("event_number_taken", creation()),
    ],
)
def test_what_a_receipt_does_not_say_is_not_written(
    session: MemorySession, code: str, receipt: Receipt
) -> None:
    """Another experience, host, contract, event, number of seats; a revert; the wrong event."""
    assert proven_values(drift(code, session, on_chain="cancelled"), receipt, session) == NONE


@pytest.mark.parametrize(
    ("code", "receipt", "status"),
    [
        ("event_ended_on_chain", end("EventCompleted", eventRunId=1), "completed"),
        ("event_ended_on_chain", end("EventCancelled", eventRunId=1), "cancelled"),
        ("booking_ended_on_chain", end("BookingNoShow", bookingId=1), "no_show"),
        ("booking_ended_on_chain", end("BookingCompleted", bookingId=1), "experience_completed"),
        ("booking_ended_on_chain", end("EventCancelled", eventRunId=1), "cancelled"),
    ],
)
def test_an_ending_gives_the_row_its_status(
    session: MemorySession, code: str, receipt: Receipt, status: str
) -> None:
    """As the contract's own event names it."""
    values = proven_values(drift(code, session, on_chain=status), receipt, session)
    assert values == {"status": status}


def test_a_number_that_is_anothers_is_given_up(session: MemorySession) -> None:
    """With the hash, where that is the other's as well."""
    taken = drift("event_number_taken", session, row={"number": "7", "tx_hash": HASH})
    values = proven_values(taken, creation(), session)
    assert values == {"number": None, "tx_hash": None, "sync": "pending"}


# --- how they are told ----------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(FIXABLE))
def test_what_can_be_mended_names_the_fix_until_it_was_tried(
    session: MemorySession, code: str
) -> None:
    """Afterwards it names something else, or nobody would ever look."""
    (first,) = drift_findings([drift(code, session)])
    (after,) = drift_findings([drift(code, session)], tried=True)
    assert first.remedy == "mayhouse reconcile --fix"
    assert after.remedy.startswith("mayhouse ")
    assert after.remedy != first.remedy


def test_many_notices_are_counted_not_listed(session: MemorySession) -> None:
    """A stranger must not be able to bury a finding."""
    told = drift_findings([drift("foreign_event", session, row_id=None, more=5)] * 30)
    assert len(told) == 21
    assert (told[-1].subject, told[-1].severity) == ("15 more", Severity.NOTICE)
