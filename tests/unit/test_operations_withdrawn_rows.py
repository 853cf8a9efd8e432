"""A booking that did not happen, or is asked for again: its row, and what is told."""

from datetime import timedelta
from uuid import UUID

import pytest

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import BookingRow, SendAnswer, SendOutcome, Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import booking_creation, event_creation, replacement, resumption
from mayhouse_cli.operations.booking_creation import BookingRequest
from tests.twin_session import TRAVELERS, MemorySession, choices, event_request, platform

ROW = UUID(int=77)
HIGHER = choices(max_fee=Wei(10**12))
REJECTED = SendAnswer(SendOutcome.REJECTED, "insufficient funds")


@pytest.fixture
def session() -> MemorySession:
    """An event of ours without bookings."""
    return platform().with_bookings()


def reject_a_booking(session: MemorySession) -> None:
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        session.book()


def book_the_row(session: MemorySession, row_id: UUID) -> None:
    request = BookingRequest(booking_id=str(row_id))
    plan = booking_creation.plan_booking(request, choices(), session)
    booking_creation.create(plan, choices(), session)


def only_row(session: MemorySession) -> BookingRow:
    (row,) = session.memory.rows.bookings.values()
    return row


def cancel_a_waiting_booking(session: MemorySession) -> None:
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.book()
    plan = replacement.plan_cancel(str(session.last.id), HIGHER, session)
    session.chain.mines = True
    session.wait_for(5)
    replacement.replace(plan, session, wait=True)


def test_a_cancelled_booking_cancels_the_row_that_it_made(session: MemorySession) -> None:
    """The platform must not show a seat as taken that nobody has paid for."""
    cancel_a_waiting_booking(session)
    assert (session.last.status, only_row(session).status) == (Status.CANCELLED, "cancelled")


def test_a_row_that_was_there_before_stays(session: MemorySession) -> None:
    """The platform made it, and decides about it."""
    person = session.memory.rows.people[TRAVELERS[0]]
    event = session.row().id
    session.memory.rows.bookings[ROW] = BookingRow(
        ROW, event, person, 1, "confirmed", None, None, None
    )
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        book_the_row(session, ROW)
    assert (session.last.status, only_row(session).status) == (Status.FAILED, "confirmed")


def test_a_retry_of_the_row_brings_it_back(session: MemorySession) -> None:
    """The second generation of the same booking stands, and so does its row."""
    reject_a_booking(session)
    book_the_row(session, only_row(session).id)
    assert (session.last.generation, session.last.status) == (2, Status.CONFIRMED)
    assert only_row(session).status == "confirmed"


def test_a_retry_that_fails_cancels_the_row_again(session: MemorySession) -> None:
    """The second record knows as well who made the row."""
    reject_a_booking(session)
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        book_the_row(session, only_row(session).id)
    assert (session.last.generation, only_row(session).status) == (2, "cancelled")


def test_a_row_that_somebody_cancelled_is_not_booked(session: MemorySession) -> None:
    """Only what this tool cancelled may be brought back by it."""
    session.book()
    session.bookings.change_status([only_row(session).id], "confirmed", "cancelled")
    with pytest.raises(Refused, match="cancelled in the database"):
        book_the_row(session, only_row(session).id)


def test_a_reorg_that_undoes_the_cancel_brings_the_row_back(session: MemorySession) -> None:
    """The booking can happen again, and is resumed."""
    cancel_a_waiting_booking(session)
    session.chain.reorg(1, forget=True)
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        resumption.resume(str(session.last.id), session, wait=True, max_age=timedelta(days=1))
    assert (session.last.status.is_unfinished, only_row(session).status) == (True, "confirmed")


def test_the_same_booking_again_is_told(session: MemorySession) -> None:
    """It may be meant, and may be the command that ran before."""
    session.book()
    session.wait_for(5)
    request = BookingRequest(event="1", seats=2, traveler_id=TRAVELERS[0])
    plan = booking_creation.plan_booking(request, choices(), session)
    assert plan.warnings == ("Traveler 0 has booking 1 (1 seat) on this event already",)


def test_a_booking_that_did_not_happen_is_not_told(session: MemorySession) -> None:
    """Its seats are free again."""
    reject_a_booking(session)
    request = BookingRequest(event="1", seats=1, traveler_id=TRAVELERS[0])
    assert not booking_creation.plan_booking(request, choices(), session).warnings


def test_an_event_of_the_same_start_is_told(session: MemorySession) -> None:
    """An experience seldom starts twice at the same time."""
    plan = event_creation.plan_creation(event_request(4, "2500.00"), choices(), session)
    (told,) = plan.warnings
    assert told.startswith("Event 1 (Old Delhi on foot, ")
    assert told.endswith("is of this experience and starts at this time already")


def test_a_resume_counts_a_cancel_that_was_ordered_as_done(session: MemorySession) -> None:
    """It neither reverted nor failed: nothing is left to look at."""
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.book()
    plan = replacement.plan_cancel(str(session.last.id), HIGHER, session)
    replacement.replace(plan, session, wait=False)
    session.chain.mines = True
    session.wait_for(5)
    result = resumption.resume(None, session, wait=True, max_age=timedelta(days=1))
    assert resumption.what_went_well(result) == "1 cancelled as ordered"
