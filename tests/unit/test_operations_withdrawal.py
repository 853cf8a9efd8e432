"""A withdrawal takes all there is: what may come between the last look and the block."""

from typing import Final

import pytest

from mayhouse_cli.errors import ConsentMissing, Refused, Unconfirmed
from mayhouse_cli.models import Call, Kind, SendAnswer, SendOutcome, Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import percentages, withdrawal
from mayhouse_cli.operations.percentage_effects import FEE
from mayhouse_cli.operations.withdrawal import WithdrawalPlan, Withdrawn
from tests.twin_chain import PLATFORM, STRANGER
from tests.twin_session import EXPERIENCE_ID, SEAT, MemorySession, choices, platform
from tests.twins import START

FEE_LEFT: Final = SEAT * 5 // 100
STRANGERS_STAKE: Final = Wei(SEAT // 5)


@pytest.fixture
def session() -> MemorySession:
    """A platform whose contract holds the fee of one completed booking."""
    session = platform()
    tomorrow = int(START.timestamp()) + 86_400
    stake = Wei(SEAT // 5)
    creation = Call("createEventRun", (str(EXPERIENCE_ID), int(SEAT), 1, tomorrow), stake)
    event = session.chain.do(creation, PLATFORM)
    booking = session.chain.do(Call("bookEvent", (event, 1), SEAT + stake), PLATFORM)
    session.begin_event()
    session.chain.do(Call("completeEvent", (event, [booking])), PLATFORM)
    assert session.chain.head.held == FEE_LEFT
    return session


def plan(session: MemorySession) -> WithdrawalPlan:
    """Plan a withdrawal, of which strangers' part is still to be accepted."""
    return withdrawal.plan_withdrawal(choices(), session)


def withdraw(session: MemorySession, planned: WithdrawalPlan) -> tuple[Withdrawn, tuple[str, ...]]:
    """Carry a plan out."""
    return withdrawal.withdraw(planned, choices(), session)


def strangers_event(session: MemorySession) -> None:
    """Let a stranger create an event, whose stake the contract then owes."""
    later = session.chain.head.time + 86_400
    session.chain.do(Call("createEventRun", ("x", int(SEAT), 1, later), STRANGERS_STAKE), STRANGER)


def test_the_whole_surplus_is_withdrawn(session: MemorySession) -> None:
    """Nothing is owed, so the contract is empty afterwards."""
    result, warnings = withdraw(session, plan(session))
    assert (result.withdrawn_wei, result.balance_after_wei, warnings) == (FEE_LEFT, 0, ())
    assert (session.chain.head.held, session.last.status) == (0, Status.CONFIRMED)


def test_a_stranger_who_came_before_the_record_stops_it(session: MemorySession) -> None:
    """The escrow is read again right before: what was agreed to is not what would be taken."""
    agreed = plan(session)
    strangers_event(session)
    with pytest.raises(Refused, match="The escrow has moved"):
        withdraw(session, agreed)
    assert session.recorded == []


def test_a_stranger_who_came_after_the_record_is_told(session: MemorySession) -> None:
    """Nobody can prevent it: the exact amount that must be sent back is named."""
    agreed = plan(session)
    session.chain.after_send = lambda: strangers_event(session)
    result, warnings = withdraw(session, agreed)
    assert result.shortfall_after_wei == STRANGERS_STAKE
    (warning,) = warnings
    assert f"Send it {int(STRANGERS_STAKE)} wei" in warning


def test_a_transaction_of_ours_recorded_meanwhile_stops_it(session: MemorySession) -> None:
    """Checked under the journal's lock: the record is rolled back with its nonce."""
    agreed = plan(session)
    session.chain.mines = False
    fee = percentages.plan_change(FEE, 6, choices(), session)
    percentages.change(fee, choices(wait=False), session)
    with pytest.raises(Unconfirmed, match="set_fee"):
        withdraw(session, agreed)
    assert [one.kind for one in session.recorded] == [Kind.SET_FEE]


def test_what_strangers_are_owed_must_be_accepted_exactly(session: MemorySession) -> None:
    """Without it, and with any other amount, nothing is recorded."""
    strangers_event(session)
    agreed = plan(session)
    assert agreed.foreign_to_accept == STRANGERS_STAKE
    with pytest.raises(ConsentMissing):
        withdraw(session, agreed)
    for wrong in (0, STRANGERS_STAKE - 1, STRANGERS_STAKE + 1):
        with pytest.raises(ConsentMissing):
            agreed.accept(wrong)
    assert session.recorded == []
    result, warnings = withdraw(session, agreed.accept(STRANGERS_STAKE))
    assert (result.shortfall_after_wei, warnings) == (STRANGERS_STAKE, ())


def test_a_resume_takes_no_escrow_that_came_later(session: MemorySession) -> None:
    """The bytes never left; before they are sent again the escrow is looked at: cancelled."""
    agreed = plan(session)
    session.chain.answers = [SendAnswer(SendOutcome.UNKNOWN, "time-out")]
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        withdraw(session, agreed)
    session.chain.pool.clear()
    strangers_event(session)
    with pytest.raises(Refused):
        session.resume()
    assert session.last.status is Status.CANCELLED
    assert session.chain.head.held == FEE_LEFT + STRANGERS_STAKE
