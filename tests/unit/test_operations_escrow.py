"""The escrow's arithmetic: what is owed, to whom, and what the surplus is made of."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.models import (
    Address,
    BookingStatus,
    EventStatus,
    OnChainBooking,
    OnChainEvent,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.escrow import Escrow, EscrowTally, read_escrow
from tests.twin_session import platform

OURS: Final = Address("0x" + "1" * 40)
STRANGER: Final = Address("0x" + "2" * 40)
EVENT: Final = OnChainEvent(1, OURS, "e", Wei(1), 4, 0, Wei(0), 0, EventStatus.ACTIVE, 0)
BOOKING: Final = OnChainBooking(1, 1, OURS, 1, Wei(0), Wei(0), BookingStatus.ACTIVE, 0)

amounts = st.integers(0, 10**24).map(Wei)
parties = st.sampled_from([OURS, STRANGER])
events = st.lists(
    st.builds(
        lambda host, stake, status: replace(EVENT, host=host, host_stake=stake, status=status),
        parties,
        amounts,
        st.sampled_from(EventStatus),
    )
)
bookings = st.lists(
    st.builds(
        lambda user, payment, stake, status: replace(
            BOOKING, user=user, payment=payment, stake=stake, status=status
        ),
        parties,
        amounts,
        amounts,
        st.sampled_from(BookingStatus),
    )
)


def escrow_of(
    some_events: list[OnChainEvent],
    some_bookings: list[OnChainBooking],
    balance: int = 0,
    fees: int = 0,
) -> Escrow:
    """Sum up a contract of these, streamed in two parts."""
    tally = EscrowTally(frozenset({OURS}))
    for _ in tally.count_events([some_events[:1], some_events[1:]]):
        pass
    for _ in tally.count_bookings([some_bookings[:1], some_bookings[1:]]):
        pass
    assert (tally.events, tally.bookings) == (len(some_events), len(some_bookings))
    return tally.escrow(7, Wei(balance), Wei(fees))


@given(events, bookings, amounts)
def test_the_surplus_is_the_balance_less_what_open_events_and_active_bookings_hold(
    some_events: list[OnChainEvent], some_bookings: list[OnChainBooking], balance: Wei
) -> None:
    """To the wei; what has ended is owed to nobody."""
    escrow = escrow_of(some_events, some_bookings, balance)
    stakes = sum(one.host_stake for one in some_events if one.status in (0, 1, 2))
    owed = stakes + sum(one.payment + one.stake for one in some_bookings if one.status == 0)
    assert (escrow.liabilities, escrow.surplus) == (owed, balance - owed)
    assert escrow.shortfall == max(0, owed - balance)


@given(events, bookings)
def test_each_liability_is_ours_or_a_strangers(
    some_events: list[OnChainEvent], some_bookings: list[OnChainBooking]
) -> None:
    """By the event's host and the booking's wallet; the two add up to all."""
    escrow = escrow_of(some_events, some_bookings)
    strangers = escrow_of(
        [one for one in some_events if one.host == STRANGER],
        [one for one in some_bookings if one.user == STRANGER],
    )
    assert escrow.foreign_liabilities == strangers.liabilities
    assert escrow.our_liabilities + escrow.foreign_liabilities == escrow.liabilities


@given(bookings, amounts, amounts)
def test_the_surplus_is_made_of_fees_forfeits_and_a_rest(
    some_bookings: list[OnChainBooking], balance: Wei, fees: Wei
) -> None:
    """The rest is named only while it is there: less than was earned means a withdrawal."""
    escrow = escrow_of([], some_bookings, balance, fees)
    assert escrow.forfeits == sum(one.stake for one in some_bookings if one.status == 2)
    rest = escrow.surplus - escrow.fees_earned - escrow.forfeits
    assert escrow.unattributed == (rest if rest >= 0 else None)


def test_the_escrow_of_a_platform_is_read() -> None:
    """Stake of the host, payment and stake of the travelers, all of them ours."""
    session = platform().with_bookings(1, 2)
    escrow = read_escrow(session)
    assert escrow.liabilities == escrow.balance == session.chain.head.held
    assert (escrow.surplus, escrow.foreign_liabilities, escrow.unattributed) == (0, 0, 0)
