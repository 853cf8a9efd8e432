"""Completing and cancelling: who gets what, to the wei, and that the contract pays just that."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import Address, Call, SettlementLine, Status, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import ending_rupees, event_cancellation, event_completion
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.completion_results import EventCompleted
from mayhouse_cli.operations.event_cancellation import EventCancelled
from mayhouse_cli.operations.resumption import resume
from tests.twin_accounts import MemorySettlements
from tests.twin_chain import PLATFORM, STRANGER
from tests.twin_session import HOST_ID, SEAT, TRAVELERS, Killed, MemorySession, choices, platform
from tests.twins import A_DAY

ALL: Final = AttendanceRequest(all_attended=True)
NOBODY: Final = AttendanceRequest(nobody_attended=True)
STAKE: Final = SEAT // 5
prices = st.integers(1, 10**7).map(lambda paise: f"{Decimal(paise) / 100:.2f}")
percentages = st.tuples(st.integers(1, 50), st.integers(0, 10))
seat_counts = st.lists(st.integers(1, 3), min_size=1, max_size=6)


def came(*numbers: int) -> AttendanceRequest:
    """These came, by their on-chain numbers; nobody, when there is none."""
    return AttendanceRequest(attended=tuple(map(str, numbers))) if numbers else NOBODY


def complete(
    session: MemorySession,
    request: AttendanceRequest,
    **options: Any,  # noqa: ANN401 - any option
) -> EventCompleted:
    """Complete the first event, which has begun."""
    session.begin_event()
    session.wait_for(5)
    plan = event_completion.plan_completion("1", request, choices(**options), session)
    return event_completion.complete(plan, choices(**options), session)


def cancel(session: MemorySession) -> EventCancelled:
    """Cancel the first event."""
    session.wait_for(5)
    plan = event_cancellation.plan_cancellation("1", "rain", choices(), session)
    return event_cancellation.cancel(plan, choices(), session)


def settlement(session: MemorySession) -> Sequence[SettlementLine]:
    """The settlement of the last transaction."""
    return session.settlements.lines(session.last.id)


def amount(session: MemorySession, *lines: str) -> Wei:
    """The sum of the last settlement's lines of these names."""
    return sum((one.amount for one in settlement(session) if one.line in lines), Wei(0))


# --- amounts ----------------------------------------------------------------------------


@settings(max_examples=60)
@given(seats=seat_counts, missing=st.sets(st.integers(1, 6)), price=prices, percents=percentages)
def test_a_completion_settles_what_the_contract_pays(
    seats: list[int], missing: set[int], price: str, percents: tuple[int, int]
) -> None:
    """Whatever prices, seats, percentages and attendance, every amount agrees to the wei."""
    session = platform()
    session.chain.stake_percent, session.chain.fee_percent = percents
    session.with_bookings(*seats, price=price)
    held = session.chain.head.held
    done = complete(session, came(*(set(range(1, len(seats) + 1)) - missing)))
    revenue = amount(session, "ticket_revenue")
    assert amount(session, "platform_fee", "host_payout") == revenue
    assert done.platform_fee_wei == revenue * percents[1] // 100
    assert held - session.chain.head.held == amount(
        session, "stake_returned", "host_payout", "host_stake_returned"
    )
    assert session.chain.head.held == amount(session, "platform_fee", "stake_forfeited")


@settings(max_examples=60)
@given(seats=seat_counts, missing=st.sets(st.integers(1, 6)), price=prices, percents=percentages)
def test_a_completion_pays_what_was_planned(
    seats: list[int], missing: set[int], price: str, percents: tuple[int, int]
) -> None:
    """What the operator agreed to is what the record says afterwards, field by field."""
    session = platform()
    session.chain.stake_percent, session.chain.fee_percent = percents
    session.with_bookings(*seats, price=price).begin_event()
    request = came(*(set(range(1, len(seats) + 1)) - missing))
    plan = event_completion.plan_completion("1", request, choices(), session)
    planned = event_completion.planned(plan, None, session)
    done = event_completion.complete(plan, choices(), session)
    amounts = [name for name in vars(done) if name.endswith("_wei")]
    assert len(amounts) == 5
    assert [getattr(done, one) for one in amounts] == [getattr(planned, one) for one in amounts]


@settings(max_examples=60)
@given(seats=seat_counts, price=prices, percents=percentages)
def test_a_cancellation_settles_what_the_contract_pays(
    seats: list[int], price: str, percents: tuple[int, int]
) -> None:
    """Everyone gets ticket and stake back, and the contract keeps nothing."""
    session = platform()
    session.chain.stake_percent, session.chain.fee_percent = percents
    session.with_bookings(*seats, price=price)
    held = session.chain.head.held
    done = cancel(session)
    assert done.refunded_wei == amount(session, "refund")
    assert held == amount(session, "refund", "host_stake_returned")
    assert session.chain.head.held == 0


def test_a_completion_of_three_settles_line_by_line() -> None:
    """Two came and one did not: the lines name whose each amount is."""
    session = platform().with_bookings(1, 1, 1)
    complete(session, came(1, 2))
    told = {
        (one.line, one.party, one.party_id, int(one.amount) * 100 // int(SEAT))
        for one in settlement(session)
    }
    assert told == {
        ("ticket_revenue", "platform", None, 300),
        ("platform_fee", "platform", None, 15),
        ("host_payout", "host", HOST_ID, 285),
        ("host_stake_returned", "platform_float", None, 80),
        ("stake_returned", "traveler", TRAVELERS[0], 20),
        ("stake_returned", "traveler", TRAVELERS[1], 20),
        ("stake_forfeited", "platform", None, 20),
    }


def test_a_strangers_booking_settles_without_a_traveler() -> None:
    """It pays the host like the others, and its stake is owed to nobody we know."""
    session = platform().with_bookings(1)
    session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)
    complete(session, came(1, 2))
    (line,) = [one for one in settlement(session) if one.chain_booking_id == 2]
    assert (line.amount, line.booking_id, line.party_id) == (STAKE, None, None)


def test_a_completion_marks_event_and_bookings() -> None:
    """The platform's rows say who came, who did not, and that the event is over."""
    session = platform().with_bookings(1, 1)
    complete(session, came(2))
    assert session.row().status == "completed"
    assert [row.status for row in session.memory.rows.bookings.values()] == [
        "no_show",
        "experience_completed",
    ]


def test_a_cancellation_marks_event_and_bookings() -> None:
    """The platform's rows say that all is off."""
    session = platform().with_bookings(1, 1)
    cancel(session)
    assert session.row().status == "cancelled"
    assert {row.status for row in session.memory.rows.bookings.values()} == {"cancelled"}


def test_an_unwaited_completion_tells_what_was_planned() -> None:
    """Before the receipt is there the amounts are those that were agreed to."""
    session = platform().with_bookings(1)
    done = complete(session, ALL, wait=False)
    assert (done.host_payout_wei, done.stakes_returned_wei) == (SEAT * 95 // 100, STAKE)
    assert done.host_stake_returned_wei == SEAT * 4 // 5


# --- guards -----------------------------------------------------------------------------


def test_a_drained_escrow_is_found_before_signing() -> None:
    """The contract could not pay, and would revert without a word."""
    session = platform().with_bookings(1, 1)
    session.chain.head.held -= (
        1 + 2 * SEAT // 20
    )  # the fee stays in the contract and can be missing
    with pytest.raises(Refused, match="must pay") as refusal:
        complete(session, ALL)
    assert refusal.value.details["shortfall_wei"] == "1"


def test_an_escrow_that_just_suffices_is_enough() -> None:
    """To the wei."""
    session = platform().with_bookings(1, 1)
    session.chain.head.held -= 2 * SEAT // 20
    complete(session, ALL)
    assert session.chain.head.held == 0


def test_a_payee_with_code_is_named_before_signing() -> None:
    """It could block the payment of everyone."""
    session = platform().with_bookings(1)
    session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)
    session.chain.with_code = frozenset({STRANGER})
    with pytest.raises(Refused, match=STRANGER):
        complete(session, came(1, 2))


def test_an_event_that_has_not_begun_is_not_completed() -> None:
    """By the chain's time, not by ours."""
    session = platform().with_bookings(1)
    session.memory.now += 9 * A_DAY
    with pytest.raises(Refused, match="has not begun"):
        event_completion.plan_completion("1", ALL, choices(), session)


def test_only_the_host_cancels() -> None:
    """The message names who must sign."""
    session = platform().with_bookings(1)
    session.signer.address = Address("0x" + "9" * 40)
    with pytest.raises(Refused, match=f"Only the host {PLATFORM} can cancel"):
        cancel(session)


def test_an_event_with_an_open_booking_is_not_ended() -> None:
    """The booking's outcome would change who is owed what."""
    session = platform().with_bookings(1)
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.book(1)
    with pytest.raises(Unconfirmed, match="book_event") as refusal:
        cancel(session)
    assert refusal.value.details["tx_hash"] == session.last.tx_hash


# --- once -------------------------------------------------------------------------------


class DyingSettlements(MemorySettlements):
    """Ends the process in the middle of writing a settlement down."""

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        super().add(transaction, lines)
        raise Killed


def test_a_process_killed_while_settling_leaves_all_to_the_resume() -> None:
    """Rows, settlement and the end of the transaction are kept together or not at all."""
    session = platform().with_bookings(1, 1)
    session.settlements = DyingSettlements(session.memory)
    with pytest.raises(Killed):
        complete(session, ALL)
    assert (session.row().status, session.last.status) == ("scheduled", Status.SENT)
    assert not settlement(session)
    session.settlements = MemorySettlements(session.memory)
    session.wait_for(5)
    resume(None, session, wait=True, max_age=A_DAY)
    assert (session.row().status, session.last.status) == ("completed", Status.CONFIRMED)
    assert amount(session, "stake_returned") == 2 * STAKE


@pytest.mark.parametrize(
    "request_",
    [
        came(1, 2),
        NOBODY,
        ALL,
        AttendanceRequest(all_attended=True, no_show=("2",)),
        AttendanceRequest(attended=("1", "2"), no_show=("3",)),
    ],
    ids=["attended", "nobody", "all", "all but one", "attended and no-show"],
)
def test_the_same_completion_run_again_gives_the_first_result(request_: AttendanceRequest) -> None:
    """The very same words are the very same intent, and nothing is sent."""
    session = platform().with_bookings(1, 1, 1)
    first = complete(session, request_)
    sent = len(session.chain.sent)
    assert complete(session, request_) == first
    assert len(session.chain.sent) == sent


def test_another_attendance_for_a_completed_event_is_refused() -> None:
    """What was recorded first stands."""
    session = platform().with_bookings(1, 1)
    complete(session, came(1))
    with pytest.raises(Refused, match="other arguments"):
        complete(session, came(2))


@given(seats=seat_counts, rate=st.integers(50_000, 500_000).map(Decimal))
@settings(max_examples=20)
def test_a_plan_in_rupees_is_the_settlement_in_rupees(seats: list[int], rate: Decimal) -> None:
    """Each booking's own rate: today's has no part in it."""
    session = platform().with_bookings(*seats)
    session.set(eth_price_inr=rate)
    session.begin_event()
    plan = event_completion.plan_completion("1", ALL, choices(), session)
    assert plan.ending is not None
    shares = ending_rupees.shares_inr(plan.ending, plan.payments)
    stakes = [ending_rupees.stakes_inr([one], plan.ending.rates) for one in plan.attended]
    event_completion.complete(plan, choices(), session)
    planned = {
        "host_payout": [shares.host_payout],
        "platform_fee": [shares.platform_fee],
        "stake_returned": stakes,
        "host_stake_returned": [ending_rupees.advanced_inr(plan.ending)],
    }
    lines = settlement(session)
    for name, rupees in planned.items():
        assert [one.amount_inr for one in lines if one.line == name] == rupees
