"""The sums of a settlement: exact in wei and in rupees, whatever the rates, and refused else."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.models import Address, ContractEvent, Hash, Kind, Status, Transaction
from mayhouse_cli.money import Wei, inr_to_wei
from mayhouse_cli.operations.settled_bookings import SettledBooking, terms_of_bookings
from mayhouse_cli.operations.settlement import owed_lines, settlement_lines
from mayhouse_cli.operations.settlement_rates import StoredRates, paise
from mayhouse_cli.operations.settlement_sums import LEAVES, STAYS, check, sum_of

US: Final = Address("0x" + "1" * 40)
STRANGER: Final = Address("0x" + "5" * 40)
HOST: Final = UUID(int=1)
HOST_STAKE: Final = Wei(10**16)
rates = st.integers(1, 10**11).map(lambda paise: Decimal(paise) / 100)
bookings = st.lists(
    st.tuples(st.integers(1, 10**7), st.integers(1, 4), st.integers(0, 50), rates, st.booleans()),
    max_size=8,
)


def ended(
    kind: Kind, made: list[SettledBooking], fee_percent: int = 5, came: frozenset[int] = frozenset()
) -> tuple[Transaction, list[ContractEvent]]:
    """An end of an event with these bookings, and what the contract tells of it."""
    terms: dict[str, Any] = {
        "bookings": terms_of_bookings(made),
        "host_id": str(HOST),
        "event_host": US,
        "host_stake_wei": str(int(HOST_STAKE)),
    }
    now = datetime(2026, 11, 1, tzinfo=UTC)
    transaction = Transaction(
        id=UUID(int=9), intent_key="event:1", generation=1, kind=kind, arguments={}, terms=terms,
        outcome=(), chain_id=1, contract=US, sender=US, recipient=US, nonce=0, value=Wei(0),
        calldata=b"", event_id=UUID(int=2), booking_id=None, chain_event_id=1,
        chain_object_id=None, eth_price_inr=None, amount_inr=None, wanted_depth=1,
        status=Status.SENT, tx_hash=Hash("0x"), block_number=None, block_hash=None, gas_used=None,
        fee=None, error=None, actor="tester", reason=None, created_at=now, finished_at=None,
        attempts=(),
    )  # fmt: skip
    if kind is Kind.CANCEL_EVENT:
        refunds = sum(int(one.payment + one.stake) for one in made)
        return transaction, [ContractEvent("EventCancelled", {"refundsIssued": refunds})]
    told = [
        ContractEvent(
            "BookingCompleted" if one.chain_booking_id in came else "BookingNoShow",
            {
                "bookingId": one.chain_booking_id,
                "stakeReturned" if one.chain_booking_id in came else "stakeForfeit": int(one.stake),
            },
        )
        for one in made
    ]
    revenue = sum(int(one.payment) for one in made)
    payout = revenue - revenue * fee_percent // 100
    arguments = {"hostPayout": payout, "hostStakeReturned": int(HOST_STAKE)}
    return transaction, [*told, ContractEvent("EventCompleted", arguments)]


def booking(number: int, payment: Wei, stake: Wei, user: Address = US) -> SettledBooking:
    """A booking of a traveler with a row; of a stranger, without one."""
    ours = user == US
    row = UUID(int=100 + number) if ours else None
    traveler = UUID(int=200 + number) if ours else None
    return SettledBooking(number, row, traveler, 1, payment, stake, user)


def made_of(drawn: list[tuple[int, int, int, Decimal, bool]]) -> tuple[Any, StoredRates, Any]:
    """Bookings as they are priced at their own rates, and who of them came."""
    made, by_number, came = [], {}, set()
    for number, (price, seats, stake_percent, rate, is_there) in enumerate(drawn, 1):
        payment = inr_to_wei(Decimal(price) / 100, rate) * seats
        made.append(booking(number, payment, payment * stake_percent // 100))
        by_number[number] = rate
        if is_there:
            came.add(number)
    return made, StoredRates(by_number, Decimal(200_000), frozenset(by_number)), frozenset(came)


@given(drawn=bookings, fee_percent=st.integers(0, 10))
def test_a_completions_columns_sum_exactly(
    drawn: list[tuple[int, int, int, Decimal, bool]], fee_percent: int
) -> None:
    """Revenue is fee, payout and rounding; all that came in has left or stayed."""
    made, by_rate, came = made_of(drawn)
    transaction, events = ended(Kind.COMPLETE_EVENT, made, fee_percent, came)
    lines = settlement_lines(transaction, events, by_rate)
    came_in = sum(int(one.payment + one.stake) for one in made) + int(HOST_STAKE)
    assert sum_of(lines, LEAVES | STAYS) == came_in
    assert (
        sum_of(lines, LEAVES)
        == sum(int(one.stake) for one in made if one.chain_booking_id in came)
        + sum_of(lines, {"host_payout"})
        + HOST_STAKE
    )
    inr = dict.fromkeys(("ticket_revenue", "platform_fee", "host_payout", "rounding"), 0)
    for line in lines:
        assert line.amount_inr is not None
        if line.line in inr:
            inr[line.line] += paise(line.amount_inr)
    assert inr["ticket_revenue"] == (inr["platform_fee"] + inr["host_payout"] + inr["rounding"])


@given(drawn=bookings, fee_percent=st.integers(0, 10))
def test_no_share_is_off_by_more_than_its_rounding(
    drawn: list[tuple[int, int, int, Decimal, bool]], fee_percent: int
) -> None:
    """Fee and payout are within half a paisa of their exact worth; rounding stays small."""
    made, by_rate, came = made_of(drawn)
    transaction, events = ended(Kind.COMPLETE_EVENT, made, fee_percent, came)
    lines = {one.line: one for one in settlement_lines(transaction, events, by_rate)}
    worth = sum(
        (Fraction(int(one.payment)) * Fraction(by_rate.of_booking[one.chain_booking_id])
         for one in made), Fraction(0),
    ) / 10**16  # fmt: skip
    revenue = max(1, int(lines["ticket_revenue"].amount))
    for name in ("platform_fee", "host_payout"):
        exact = worth * int(lines[name].amount) / revenue
        inr = lines[name].amount_inr
        assert inr is not None
        assert abs(paise(inr) - exact) <= Fraction(1, 2)
    if (left := lines.get("rounding")) is not None:
        assert left.amount == 0
        assert left.amount_inr
        assert abs(paise(left.amount_inr)) <= len(made) // 2 + 1


@given(drawn=bookings)
def test_a_cancellations_columns_sum_exactly(
    drawn: list[tuple[int, int, int, Decimal, bool]],
) -> None:
    """Everyone gets back what was paid, in wei and in rupees: nothing is left to round."""
    made, by_rate, _ = made_of(drawn)
    transaction, events = ended(Kind.CANCEL_EVENT, made)
    lines = settlement_lines(transaction, events, by_rate)
    paid = sum(int(one.payment + one.stake) for one in made)
    assert sum_of(lines, {"refund"}) == paid
    assert {one.line for one in lines} <= {"refund", "host_stake_returned"}


def test_rounding_is_a_line_of_its_own() -> None:
    """Two bookings of a third of a paisa more each: what is left of three roundings is said."""
    rate = Decimal(200_000)
    made = [booking(1, Wei(3 * 10**11), Wei(0)), booking(2, Wei(3 * 10**11), Wei(0))]
    transaction, events = ended(Kind.COMPLETE_EVENT, made, 5)
    by_rate = StoredRates({1: rate, 2: rate}, rate, frozenset({1, 2}))
    lines = {one.line: one for one in settlement_lines(transaction, events, by_rate)}
    assert lines["ticket_revenue"].amount_inr == Decimal("0.12")
    assert lines["host_payout"].amount_inr == Decimal("0.11")
    assert lines["platform_fee"].amount_inr == Decimal("0.01")
    small = [booking(1, Wei(27 * 10**10), Wei(0)), booking(2, Wei(27 * 10**10), Wei(0))]
    transaction, events = ended(Kind.COMPLETE_EVENT, small, 5)
    lines = {one.line: one for one in settlement_lines(transaction, events, by_rate)}
    assert lines["ticket_revenue"].amount_inr == Decimal("0.10")
    assert lines["rounding"].amount_inr == Decimal("-0.01")


def test_what_rests_on_a_strangers_booking_has_no_rupees() -> None:
    """Revenue, fee and payout hold its payment; our own traveler's stake is known all the same."""
    made = [booking(1, Wei(10**16), Wei(10**15)), booking(2, Wei(10**16), Wei(10**15), STRANGER)]
    transaction, events = ended(Kind.COMPLETE_EVENT, made, 5, frozenset({1, 2}))
    known = StoredRates({1: Decimal(200_000)}, Decimal(200_000), frozenset({1}))
    lines = settlement_lines(transaction, events, known)
    unknown = {(one.line, one.chain_booking_id) for one in lines if one.amount_inr is None}
    assert unknown == {
        ("ticket_revenue", None), ("platform_fee", None), ("host_payout", None),
        ("stake_returned", 2),
    }  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.COMPLETE_EVENT, Kind.CANCEL_EVENT])
def test_one_wei_amiss_is_refused(kind: Kind) -> None:
    """Any line changed by a wei breaks an identity, and nothing is kept."""
    made = [booking(1, Wei(10**16), Wei(10**15)), booking(2, Wei(10**16), Wei(10**15))]
    transaction, events = ended(kind, made, 5, frozenset({1}))
    rate = Decimal(200_000)
    by_rate = StoredRates({1: rate, 2: rate}, rate, frozenset({1, 2}))
    lines = settlement_lines(transaction, events, by_rate)
    for index, line in enumerate(lines):
        wrong = [*lines]
        wrong[index] = replace(line, amount=line.amount + 1)
        with pytest.raises(MayhouseError, match="does not add up"):
            check(transaction, wrong, by_rate)


@pytest.mark.parametrize("kind", [Kind.COMPLETE_EVENT, Kind.CANCEL_EVENT])
def test_one_paisa_amiss_is_refused(kind: Kind) -> None:
    """The same in rupees."""
    made = [booking(1, Wei(10**16), Wei(10**15)), booking(2, Wei(10**16), Wei(10**15))]
    transaction, events = ended(kind, made, 5, frozenset({1}))
    rate = Decimal(200_000)
    by_rate = StoredRates({1: rate, 2: rate}, rate, frozenset({1, 2}))
    lines = settlement_lines(transaction, events, by_rate)
    for index, line in enumerate(lines):
        wrong = [*lines]
        wrong[index] = replace(line, amount_inr=(line.amount_inr or 0) + Decimal("0.01"))
        with pytest.raises(MayhouseError, match="rupees"):
            check(transaction, wrong, by_rate)


def test_a_refund_beyond_the_record_is_a_line_of_nobody() -> None:
    """Somebody booked between plan and cancellation: the contract says how much it refunded."""
    transaction, _ = ended(Kind.CANCEL_EVENT, [booking(1, Wei(100), Wei(20))])
    events = [ContractEvent("EventCancelled", {"refundsIssued": 150})]
    lines = settlement_lines(transaction, events, StoredRates({}, None, frozenset()))
    late = [one for one in lines if one.line == "refund" and one.chain_booking_id is None]
    assert [(one.amount, one.party_id) for one in late] == [(30, None)]


def test_a_refund_that_is_missing_is_refused() -> None:
    """The receipt says less than the recorded bookings are owed."""
    transaction, _ = ended(Kind.CANCEL_EVENT, [booking(1, Wei(100), Wei(20))])
    events = [ContractEvent("EventCancelled", {"refundsIssued": 119})]
    with pytest.raises(MayhouseError, match="does not add up"):
        settlement_lines(transaction, events, StoredRates({}, None, frozenset()))


def test_only_what_came_to_our_wallet_is_owed() -> None:
    """A stranger, and a traveler who booked from a wallet of his own, were paid by the contract."""
    own_wallet = replace(booking(3, Wei(100), Wei(20)), user=STRANGER)
    made = [booking(1, Wei(100), Wei(20)), booking(2, Wei(100), Wei(20), STRANGER), own_wallet]
    transaction, events = ended(Kind.COMPLETE_EVENT, made, 5, frozenset({1, 2, 3}))
    by_rate = StoredRates({}, None, frozenset({1}))
    owed = owed_lines(transaction, settlement_lines(transaction, events, by_rate), by_rate, None)
    assert [(one.line, one.chain_booking_id) for one in owed] == [
        ("host_payout", None), ("stake_returned", 1),
    ]  # fmt: skip


def test_nothing_is_owed_where_the_amount_is_nothing() -> None:
    """An event without bookings pays its host nothing, and owes nobody."""
    transaction, events = ended(Kind.COMPLETE_EVENT, [])
    no_rates = StoredRates({}, None, frozenset())
    lines = settlement_lines(transaction, events, no_rates)
    assert owed_lines(transaction, lines, no_rates, None) == []


def test_a_host_with_a_wallet_on_chain_was_paid_there() -> None:
    """An event of another host on chain: its payout never came to our wallet."""
    transaction, events = ended(Kind.COMPLETE_EVENT, [booking(1, Wei(100), Wei(20))], 5)
    theirs = replace(transaction, terms={**transaction.terms, "event_host": STRANGER})
    by_rate = StoredRates({}, None, frozenset({1}))
    lines = settlement_lines(theirs, events, by_rate)
    assert owed_lines(theirs, lines, by_rate, None) == []
    assert owed_lines(theirs, lines, by_rate, STRANGER) != []
