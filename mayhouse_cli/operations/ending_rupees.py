"""The rupees of a planned end, which are those of its settlement: at each booking's own rate.

Today's rate has no part in it. What rests on a booking without a known rate has no rupees.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mayhouse_cli.operations.completion_results import Payments
from mayhouse_cli.operations.settlement_rates import (
    StoredRates,
    host_stake_inr,
    inr_of,
    share_inr,
    total_inr,
)
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking


@dataclass(frozen=True)
class SharesInr:
    """What host and platform would get of the revenue, in rupees."""

    host_payout: Decimal | None
    platform_fee: Decimal | None


def stakes_inr(bookings: Iterable[OpenBooking], rates: StoredRates) -> Decimal | None:
    """The stakes of these bookings."""
    return total_inr(inr_of(one.on_chain.stake, rates, one.on_chain.id) for one in bookings)


def refunds_inr(bookings: Iterable[OpenBooking], rates: StoredRates) -> Decimal | None:
    """Payments and stakes of these bookings, each rounded by itself."""
    return total_inr(
        inr_of(amount, rates, one.on_chain.id)
        for one in bookings
        for amount in (one.on_chain.payment, one.on_chain.stake)
    )


def shares_inr(ending: EndingEvent, payments: Payments) -> SharesInr:
    """Host payout and fee; None where the payment of any booking has no rate."""
    rates, bookings = ending.rates, [one.settled for one in ending.bookings]
    known = total_inr(inr_of(one.payment, rates, one.chain_booking_id) for one in bookings)
    if known is None:
        return SharesInr(None, None)
    revenue = payments.host_payout + payments.platform_fee
    return SharesInr(
        share_inr(bookings, rates, payments.host_payout, revenue),
        share_inr(bookings, rates, payments.platform_fee, revenue),
    )


def advanced_inr(ending: EndingEvent) -> Decimal | None:
    """The host's stake, at the rate stored with the event's creation."""
    return host_stake_inr(ending.event.host_stake, ending.rates)
