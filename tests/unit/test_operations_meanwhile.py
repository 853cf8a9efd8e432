"""Between a plan and its record: a booking, an end, a changed percentage is never overlooked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from mayhouse_cli.errors import MayhouseError, Refused, Unconfirmed
from mayhouse_cli.models import SendAnswer, SendOutcome
from mayhouse_cli.operations import booking_creation, event_cancellation, event_completion
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.booking_creation import BookingRequest
from mayhouse_cli.operations.event_creation import create as create_event
from mayhouse_cli.operations.event_creation import plan_creation
from mayhouse_cli.operations.meanwhile import FRESH
from tests.twin_session import TRAVELERS, MemorySession, choices, event_request, platform

EVERYONE: Final = AttendanceRequest(all_attended=True)
THINKING: Final = FRESH + timedelta(seconds=1)
Act = Callable[[], object]


def cancelling(session: MemorySession) -> Act:
    """A planned cancellation, to be carried out."""
    plan = event_cancellation.plan_cancellation("1", "rain", choices(), session)
    return lambda: event_cancellation.cancel(plan, choices(), session)


def completing(session: MemorySession) -> Act:
    """A planned completion, to be carried out."""
    session.begin_event()
    plan = event_completion.plan_completion("1", EVERYONE, choices(), session)
    session.chain.warp(-172_800)  # what else is booked was booked before the start
    return lambda: event_completion.complete(plan, choices(), session)


def booking(session: MemorySession) -> Act:
    """A planned booking, to be made."""
    request = BookingRequest(event="1", seats=1, traveler_id=TRAVELERS[1])
    plan = booking_creation.plan_booking(request, choices(), session)
    return lambda: booking_creation.create(plan, choices(), session)


def creating(session: MemorySession) -> Act:
    """A planned event, to be created."""
    plan = plan_creation(event_request(), choices(), session)
    return lambda: create_event(plan, choices(), session)


def book_without_waiting(session: MemorySession) -> None:
    """Another process books, and its booking is not mined yet."""
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.book(1)
    session.chain.mines = True
    session.wait_for(5)


def refusal(session: MemorySession, act: Act) -> MayhouseError:
    """How it is refused, with nothing signed for the chain and nothing recorded of it."""
    recorded, sent = len(session.recorded), len(session.chain.sent)
    with pytest.raises((Refused, Unconfirmed)) as refused:
        act()
    assert (len(session.recorded), len(session.chain.sent)) == (recorded, sent)
    return refused.value


# --- a booking and an end ---------------------------------------------------------------


@pytest.mark.parametrize("ending", [cancelling, completing])
def test_an_end_waits_for_a_booking_that_came_after_its_plan(
    ending: Callable[[MemorySession], Act],
) -> None:
    """Its traveler would be owed something that no term of the end tells of."""
    session = platform().with_bookings(1)
    end = ending(session)
    book_without_waiting(session)
    assert "is unfinished: book_event" in str(refusal(session, end))


@pytest.mark.parametrize("ending", [cancelling, completing])
def test_an_end_does_not_overlook_a_booking_that_is_confirmed_meanwhile(
    ending: Callable[[MemorySession], Act],
) -> None:
    """It is finished, and yet not in the plan."""
    session = platform().with_bookings(1)
    end = ending(session)
    session.book(1)
    assert "has moved since this was planned: book_event" in str(refusal(session, end))


def test_a_booking_that_failed_meanwhile_hinders_no_end() -> None:
    """It cannot happen any more."""
    session = platform().with_bookings(1)
    end = cancelling(session)
    session.chain.answers = [SendAnswer(SendOutcome.REJECTED, "insufficient funds")]
    with pytest.raises(Refused, match="rejected"):
        session.book(1)
    end()
    assert session.row().status == "cancelled"


def test_a_stored_plan_is_not_used_up_by_an_end_that_is_refused() -> None:
    """Nothing of the refused record stays."""
    session = platform().with_bookings(1)
    made = event_cancellation.plan_cancellation("1", "rain", choices(), session)
    kept = event_cancellation.store(made, session)
    plan = event_cancellation.plan_execution("1", kept.hash, choices(), session)
    session.book(1)
    refusal(session, lambda: event_cancellation.cancel(plan, choices(), session))
    (stored,) = session.ledger.plans(kept.hash)
    assert stored.used_at is None


def test_a_booking_is_not_made_when_an_end_came_after_its_plan() -> None:
    """Recorded later, it would be sent later, and perhaps mined first."""
    session = platform().with_bookings(1)
    book = booking(session)
    cancelling(session)()
    assert "takes no more bookings: cancel_event" in str(refusal(session, book))


def test_a_booking_waits_for_an_end_that_is_unfinished() -> None:
    """On chain the event is still open: the record knows better."""
    session = platform().with_bookings(1)
    end = cancelling(session)
    book = booking(session)
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        end()
    session.wait_for(5)
    assert "is unfinished: cancel_event" in str(refusal(session, book))
    assert "is unfinished: cancel_event" in str(refusal(session, lambda: booking(session)))


def of_another_row(session: MemorySession) -> None:
    """What was recorded last was for another row, whose event had the same number once."""
    last = session.last
    session.memory.rows.transactions[last.id] = replace(last, event_id=UUID(int=99))


def test_an_end_waits_for_bytes_that_name_its_number_for_another_row() -> None:
    """After a reorg they would book this event."""
    session = platform().with_bookings(1)
    end = cancelling(session)
    book_without_waiting(session)
    of_another_row(session)
    assert "is unfinished: book_event" in str(refusal(session, end))


def test_what_is_finished_of_another_row_hinders_no_end() -> None:
    """The number was another event's then."""
    session = platform().with_bookings(1)
    end = cancelling(session)
    session.book(1)
    of_another_row(session)
    end()
    assert session.row().status == "cancelled"


# --- a percentage -----------------------------------------------------------------------


@pytest.mark.parametrize("planned", [creating, booking, completing])
@pytest.mark.parametrize("percentage", ["stake_percent", "fee_percent"])
def test_a_percentage_that_changed_while_a_person_thought_is_noticed(
    planned: Callable[[MemorySession], Act], percentage: str
) -> None:
    """What was agreed to rests on the old one; a completion's stakes were taken long ago."""
    session = platform().with_bookings(1)
    act = planned(session)
    setattr(session.chain, percentage, 7)
    session.memory.now += THINKING
    if planned is completing and percentage == "stake_percent":
        return completing_goes_on(session, act)
    return check_drift(session, act, percentage)


def check_drift(session: MemorySession, act: Act, percentage: str) -> None:
    refused = refusal(session, act)
    assert f"the {percentage.removesuffix('_percent')} is 7 %, not" in str(refused)
    assert refused.details == {"moved": [percentage]}


def completing_goes_on(session: MemorySession, act: Act) -> None:
    session.begin_event()
    act()
    assert session.row().status == "completed"


def test_what_is_recorded_at_once_asks_the_chain_no_second_time() -> None:
    """A round trip less."""
    session = platform().with_bookings(1)
    act = booking(session)
    session.chain.stake_percent = 7
    with pytest.raises(Unconfirmed):  # it is sent, and its receipt fits no booking of ours
        act()
    assert len(session.recorded) == 3


def test_a_percentage_that_did_not_change_hinders_nobody() -> None:
    """However long the person thought."""
    session = platform().with_bookings(1)
    act = booking(session)
    session.memory.now += timedelta(hours=1)
    act()
    assert len(session.recorded) == 3
