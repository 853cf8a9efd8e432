"""What a completion will sign is predicted and simulated with the first read; never trusted."""

from collections.abc import Callable

import pytest

from mayhouse_cli.models import Call, Question, Snapshot
from mayhouse_cli.operations import event_cancellation, event_completion
from mayhouse_cli.operations.attendance import AttendanceRequest
from tests.twin_chain import STRANGER
from tests.twin_session import SEAT, MemorySession, choices, platform


@pytest.fixture
def session() -> MemorySession:
    """An event that has begun, with two bookings of ours."""
    session = platform()
    session.create_event()
    session.book(0)
    session.book(1)
    session.begin_event()
    return session


def reads_of(session: MemorySession, act: Callable[[], object]) -> list[Question]:
    """What is asked of the chain meanwhile."""
    asked: list[Question] = []
    read = session.chain.read

    def reading(question: Question) -> Snapshot:
        asked.append(question)
        return read(question)

    session.chain.read = reading  # type: ignore[method-assign]
    act()
    return asked


REQUESTS = {
    "some": AttendanceRequest(attended=("2",)),
    "all": AttendanceRequest(all_attended=True),
    "all but one": AttendanceRequest(all_attended=True, no_show=("1",)),
    "nobody": AttendanceRequest(nobody_attended=True),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_completion_is_read_and_simulated_at_once(
    session: MemorySession, request_: AttendanceRequest
) -> None:
    """Going by the rows, in one read."""
    (asked,) = reads_of(
        session,
        lambda: event_completion.plan_completion("1", request_, choices(), session),
    )
    assert asked.call is not None


def test_a_cancellation_is_read_and_simulated_at_once(session: MemorySession) -> None:
    """Its call depends on nothing."""
    asked = reads_of(
        session, lambda: event_cancellation.plan_cancellation("1", "rain", choices(), session)
    )
    assert len(asked) == 1


def test_a_payee_that_was_not_foreseen_is_looked_at(session: MemorySession) -> None:
    """A stranger's booking is paid to a wallet that no row knows: its code is asked for."""
    number = session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)
    request = AttendanceRequest(attended=("1", "2", str(number)))
    asked = reads_of(
        session, lambda: event_completion.plan_completion("1", request, choices(), session)
    )
    assert STRANGER not in asked[0].accounts
    assert STRANGER in asked[-1].accounts
    assert asked[-1].call == Call("completeEvent", (1, [1, 2, number]))
