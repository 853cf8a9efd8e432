"""Who came: every way to say it, and that nobody loses a stake by an omission."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from mayhouse_cli.errors import MayhouseError, NotFound, Refused, WrongUsage
from mayhouse_cli.models import Call
from mayhouse_cli.operations.attendance import AttendanceRequest, attendance
from mayhouse_cli.operations.attendance_file import AttendanceList, ListedBooking
from mayhouse_cli.operations.settling import EndingEvent, read_ending_event
from tests.twin_chain import STRANGER
from tests.twin_session import SEAT, MemorySession, platform

ALL: Final = AttendanceRequest(all_attended=True)
NOBODY: Final = AttendanceRequest(nobody_attended=True)


@pytest.fixture
def session() -> MemorySession:
    """An event with bookings 1, 2 and 3 of our travelers."""
    return platform().with_bookings(1, 1, 1)


def ending(session: MemorySession) -> EndingEvent:
    """The event as it stands."""
    return read_ending_event("1", session)


def split(session: MemorySession, request: AttendanceRequest) -> tuple[list[int], list[int]]:
    """The on-chain numbers of those who came and of those who did not."""
    came, missed = attendance(ending(session), request)
    return [one.on_chain.id for one in came], [one.on_chain.id for one in missed]


def add_stranger(session: MemorySession) -> int:
    """Have a stranger book a seat; gives the booking's number."""
    return session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)


def row_id(session: MemorySession, number: int) -> UUID:
    """The database id of a booking."""
    row = session.bookings.by_chain_id(number)
    assert row is not None
    return row.id


def cancel_row(session: MemorySession, number: int) -> None:
    """Cancel a booking in the database alone."""
    booking_id = row_id(session, number)
    rows = session.memory.rows.bookings
    rows[booking_id] = replace(rows[booking_id], status="cancelled")


def listed(*answers: str) -> AttendanceRequest:
    """A list of the bookings from 1 on, with these answers."""
    rows = (ListedBooking(n + 2, (str(n + 1),), (), one) for n, one in enumerate(answers))
    return AttendanceRequest(listed=AttendanceList("list.csv", tuple(rows), ()))


def refused(session: MemorySession, request: AttendanceRequest) -> MayhouseError:
    """Why an attendance is not taken."""
    with pytest.raises(MayhouseError) as refusal:
        attendance(ending(session), request)
    return refusal.value


def test_those_who_are_not_named_did_not_come(session: MemorySession) -> None:
    """With `--attended` the others' stakes are forfeited, which the plan shows."""
    assert split(session, AttendanceRequest(attended=("1", "3"))) == ([1, 3], [2])


def test_a_booking_can_be_named_by_its_row(session: MemorySession) -> None:
    """Database ids and on-chain numbers can stand side by side."""
    mixed = AttendanceRequest(attended=(str(row_id(session, 2)), "3"))
    assert split(session, mixed) == ([2, 3], [1])


def test_all_means_every_booking_of_ours(session: MemorySession) -> None:
    """Nobody is left out."""
    assert split(session, ALL) == ([1, 2, 3], [])


def test_all_but_some_can_be_said(session: MemorySession) -> None:
    """`--no-show` takes from `--all-attended`."""
    assert split(session, replace(ALL, no_show=("2",))) == ([1, 3], [2])


def test_nobody_means_that_every_stake_is_forfeited(session: MemorySession) -> None:
    """It is only done when it is said."""
    assert split(session, NOBODY) == ([], [1, 2, 3])


def test_all_but_everyone_is_not_taken_for_nobody(session: MemorySession) -> None:
    """An empty list forfeits every stake, and only `--nobody-attended` may say so."""
    error = refused(session, replace(ALL, no_show=("1", "2", "3")))
    assert "--nobody-attended" in (error.hint or "")


def test_an_event_without_bookings_can_be_completed() -> None:
    """Then there is nobody to forget."""
    session = platform().with_bookings()
    assert split(session, ALL) == split(session, NOBODY) == ([], [])


@pytest.mark.parametrize(
    "request_",
    [
        AttendanceRequest(),
        AttendanceRequest(no_show=("1",)),
        AttendanceRequest(attended=("1",), all_attended=True),
        AttendanceRequest(attended=("1",), nobody_attended=True),
        AttendanceRequest(all_attended=True, nobody_attended=True),
    ],
)
def test_it_is_said_in_exactly_one_way(session: MemorySession, request_: AttendanceRequest) -> None:
    """Two ways could contradict each other, and none says nothing."""
    assert isinstance(refused(session, request_), WrongUsage)


@pytest.mark.parametrize(
    "names", [("1", "1"), ("1", " 1 "), ("1", "01")], ids=["twice", "spaces", "zeros"]
)
def test_a_booking_named_twice_is_refused(session: MemorySession, names: tuple[str, ...]) -> None:
    """The contract would revert on a duplicate."""
    assert "named twice" in refused(session, AttendanceRequest(attended=names)).message


def test_a_booking_named_by_both_its_names_is_named_twice(session: MemorySession) -> None:
    """The row and the number are one booking."""
    request = AttendanceRequest(attended=("1", str(row_id(session, 1))))
    assert "named twice" in refused(session, request).message


@pytest.mark.parametrize("name", ["4", "999", str(UUID(int=77))])
@pytest.mark.parametrize("field", ["attended", "no_show"])
def test_an_unknown_booking_is_refused(session: MemorySession, field: str, name: str) -> None:
    """It is named, and so is the command that lists the right ones."""
    named: dict[str, Any] = {"attended": ("1",), field: (name,)}
    error = refused(session, AttendanceRequest(**named))
    assert isinstance(error, NotFound)
    assert name in error.message


@pytest.mark.parametrize("name", ["0", "-1", "1.5", "x", "", "9" * 30])
def test_what_names_no_booking_is_wrong_usage(session: MemorySession, name: str) -> None:
    """Neither a uuid nor an on-chain number."""
    assert isinstance(refused(session, AttendanceRequest(attended=(name,))), WrongUsage)


def test_a_booking_of_another_event_is_refused(session: MemorySession) -> None:
    """The contract would revert on it."""
    session.create_event(5)
    other = session.chain.do(Call("bookEvent", (2, 1), SEAT * 6 // 5), STRANGER)
    assert isinstance(refused(session, AttendanceRequest(attended=(str(other),))), NotFound)


def test_a_booking_both_here_and_there_is_refused(session: MemorySession) -> None:
    """Somebody cannot have come and not come."""
    error = refused(session, AttendanceRequest(attended=("1", "2"), no_show=("2",)))
    assert "Named as attended and as no-show: 2" in error.message


@pytest.mark.parametrize("request_", [ALL, NOBODY, AttendanceRequest(attended=("1", "2", "3"))])
def test_a_strangers_booking_must_be_named(
    session: MemorySession, request_: AttendanceRequest
) -> None:
    """Nobody here knows whether a stranger came, and it is not assumed."""
    number = add_stranger(session)
    error = refused(session, request_)
    assert isinstance(error, Refused)
    assert error.details["chain_booking_ids"] == [number]
    assert "no row in the database" in error.message


@pytest.mark.parametrize("request_", [ALL, NOBODY, AttendanceRequest(attended=("1", "2"))])
def test_a_booking_cancelled_in_the_database_alone_must_be_named(
    session: MemorySession, request_: AttendanceRequest
) -> None:
    """On chain it is active, and its stake hangs on the answer."""
    cancel_row(session, 3)
    error = refused(session, request_)
    assert error.details["chain_booking_ids"] == [3]
    assert "cancelled in the database" in error.message


def test_what_must_be_named_can_be_named_as_attended(session: MemorySession) -> None:
    """By its on-chain number, which is all that is known of it."""
    number = add_stranger(session)
    request = AttendanceRequest(attended=("1", "2", "3", str(number)))
    assert split(session, request) == ([1, 2, 3, number], [])


@pytest.mark.parametrize("request_", [ALL, NOBODY, AttendanceRequest(attended=("1",))])
def test_what_must_be_named_can_be_named_as_no_show(
    session: MemorySession, request_: AttendanceRequest
) -> None:
    """It decides what nobody else can."""
    number = add_stranger(session)
    assert number in split(session, replace(request_, no_show=(str(number),)))[1]


def test_a_list_that_is_meant_to_be_complete_must_be(session: MemorySession) -> None:
    """In an attendance file every booking is named, or those left out are told."""
    assert refused(session, listed("yes", "no")).details["chain_booking_ids"] == [3]


def test_a_list_decides_each_booking(session: MemorySession) -> None:
    """Every row says yes or no."""
    assert split(session, listed("yes", "no", "yes")) == ([1, 3], [2])


def test_a_list_in_which_nobody_came_is_not_taken_for_nobody(session: MemorySession) -> None:
    """Every stake is kept only with `--nobody-attended`."""
    assert "--nobody-attended" in (refused(session, listed("no", "no", "no")).hint or "")
