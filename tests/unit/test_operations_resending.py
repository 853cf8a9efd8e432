"""Sending again and replacing: only what is still ours, and never above the cap."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import FeeTooHigh, Refused, Unconfirmed, WrongContract
from mayhouse_cli.models import Call, Fees, Question, Snapshot, Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.replacement import bumped, fill, plan_fill, replacement_fees
from mayhouse_cli.operations.resumption import Resumed, resume
from mayhouse_cli.operations.transactions import list_stuck
from tests.twin_chain import PLATFORM
from tests.twin_session import EXPERIENCE_ID, SEAT, Killed, MemorySession, choices, platform

prices = st.integers(1, 10**13).map(Wei)


@pytest.fixture
def session() -> MemorySession:
    """An event of ours, and a booking of it that was recorded and never sent."""
    session = platform().with_bookings()
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.book()
    session.chain.sent.pop()
    return session


def give_the_number_to_a_stranger(session: MemorySession) -> None:
    """Undo our event; a stranger's creation comes first now, and ours gets the next number."""
    session.chain.reorg(1)
    start = session.chain.head.time + 80_000
    call = Call("createEventRun", (str(EXPERIENCE_ID), int(SEAT), 4, start), SEAT)
    assert session.chain.do(call) == 1
    session.chain.mine()
    assert 2 in session.chain.head.events


def test_an_old_booking_of_our_event_is_still_made(session: MemorySession) -> None:
    """Nothing moved, so the recorded bytes do what they were signed for."""
    session.memory.now += timedelta(hours=1)
    session.resume()
    assert [one.event_id for one in session.chain.head.bookings.values()] == [1]
    assert session.last.status is Status.CONFIRMED


def test_an_old_booking_does_not_pay_a_stranger(session: MemorySession) -> None:
    """The number belongs to a stranger's event now: the nonce is filled, and nobody is paid."""
    give_the_number_to_a_stranger(session)
    session.memory.now += timedelta(minutes=16)
    with pytest.raises(Refused):
        session.resume()
    assert not session.chain.head.bookings
    assert session.last.status is Status.CANCELLED


def test_a_booking_that_a_reorg_undid_does_not_pay_a_stranger() -> None:
    """What had been mined on our event must not be mined on another's."""
    session = platform().with_bookings()
    session.chain.mines = False
    session.chain.after_send = session.chain.mine
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.book(confirmations=2)
    session.chain.after_send = lambda: None
    session.chain.reorg(2)
    session.chain.pool.clear()
    creation = session.recorded[0]
    session.chain.pool[creation.sender, creation.nonce] = creation.newest.raw
    start = session.chain.head.time + 80_000
    session.chain.do(Call("createEventRun", ("x", int(SEAT), 4, start), SEAT))
    session.chain.mine()
    with pytest.raises(Refused):
        session.resume()
    assert not session.chain.head.bookings
    assert session.last.status is Status.CANCELLED


def test_nothing_is_signed_for_it_without_leave(session: MemorySession) -> None:
    """On mainnet a resume signs no cancel unasked: it is told, and stays as it is."""
    give_the_number_to_a_stranger(session)
    session.wait_for(1)
    before = len(session.signer.signed)
    with pytest.raises(Unconfirmed) as told:
        resume(None, session, wait=True, max_age=timedelta(days=1), may_sign=False)
    assert isinstance(told.value.known, Resumed)
    assert "add --mainnet" in told.value.known.problems[0]
    assert (len(session.signer.signed), session.last.status) == (before, Status.SIGNED)
    assert not session.chain.head.bookings


def test_a_young_creation_is_not_sent_to_another_contract(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What names no event is held against the contract as well before it is sent again."""
    session = platform()
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_event()
    session.chain.sent.pop()

    def not_ours(question: Question) -> Snapshot:
        raise WrongContract(f"There is no contract ({question.sender})")

    monkeypatch.setattr(session.chain, "read", not_ours)
    with pytest.raises(WrongContract):
        session.resume()
    assert session.chain.sent == []


# --- nonces -----------------------------------------------------------------------------


def waiting_behind(session: MemorySession, nonce: int) -> None:
    """Leave an event's creation waiting for a nonce before its own."""
    session.chain.mines = False
    session.chain.head.nonces[PLATFORM] = nonce
    session.chain.pool[PLATFORM, nonce] = b"sent from elsewhere"
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event()


def test_a_nonce_that_the_node_holds_is_not_missing() -> None:
    """Somebody has sent it already: it cannot be filled, only waited for."""
    session = platform()
    waiting_behind(session, 0)
    stuck = list_stuck(session)
    assert stuck.missing_nonces == ()
    assert stuck.transactions[0].waits_for == "nonce 0 to be mined first"


def test_a_gap_that_somebody_else_has_filled_meanwhile_is_not_filled_again() -> None:
    """The nonce is checked once more under the lock, and no other one is taken instead."""
    session = platform()
    waiting_behind(session, 0)
    session.chain.pool.clear()
    assert list_stuck(session).missing_nonces == (0,)
    plan = plan_fill(0, choices(), session)
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event(2)
    with pytest.raises(Refused, match="Nonce 0 was taken meanwhile: the next free one is 2"):
        fill(plan, session, wait=False)
    assert [one.nonce for one in session.recorded] == [1, 0]


# --- fees -------------------------------------------------------------------------------


@given(prices)
def test_a_raised_fee_is_an_eighth_higher(fee: Wei) -> None:
    """Rounded up: no node that wants 10 % more can refuse it."""
    assert bumped(fee) * 8 >= fee * 9
    assert bumped(fee) > fee


@given(first=st.tuples(prices, prices), second=st.tuples(prices, prices), cap=prices)
def test_a_replacement_is_above_every_version_and_below_the_cap(
    first: tuple[Wei, Wei], second: tuple[Wei, Wei], cap: Wei
) -> None:
    """Both fees rise above the highest of any attempt, or it is refused."""
    session = platform()
    session.create_event()
    attempts = [
        replace(session.last.newest, fees=Fees(21_000, max(pair), min(pair)))
        for pair in (first, second)
    ]
    try:
        fees = replacement_fees(attempts, Fees(21_000, Wei(1), Wei(1)), 21_000, cap)
    except FeeTooHigh:
        assert cap * 8 < max(*first, *second) * 9 + 8
        return
    assert fees.max_priority_fee <= fees.max_fee <= cap
    assert fees.max_fee * 8 >= max(*first, *second) * 9
    assert fees.max_priority_fee * 8 >= max(min(first), min(second)) * 9
