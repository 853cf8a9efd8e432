"""The rates that a settlement is valued at, and rupees worked out with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from mayhouse_cli.models import Cost, Kind, Status, Transaction, TransactionFilter
from mayhouse_cli.money import WEI_PER_ETH, Wei, rupees, wei_to_inr
from mayhouse_cli.operations.settled_bookings import SettledBooking, settled_bookings
from mayhouse_cli.ports import Session

_EVERYTHING: Final = 1_000_000


@dataclass(frozen=True)
class StoredRates:
    """The rates a settlement is valued at, and what was booked by ourselves."""

    of_booking: Mapping[int, Decimal]
    of_host_stake: Decimal | None
    booked_by_us: frozenset[int]


NO_RATES: Final = StoredRates({}, None, frozenset())


def of_event(transaction: Transaction, session: Session) -> list[Transaction]:
    """Everything recorded on the event of a completion or cancellation, newest first.

    A number alone can have been another event's before a reorg: rows must agree.
    """
    wanted = TransactionFilter(
        event_id=transaction.event_id, chain_event_id=transaction.chain_event_id, limit=_EVERYTHING
    )
    return [
        one for one in session.journal.list(wanted) if one.event_id in (transaction.event_id, None)
    ]


def stored_rates(transaction: Transaction, session: Session) -> StoredRates:
    """Find the rates that a recorded end is settled at."""
    recorded = of_event(transaction, session)
    bookings = settled_bookings(transaction.terms)
    return rates_of(bookings, transaction.chain_event_id or 0, recorded, session)


def rates_of(
    bookings: Sequence[SettledBooking],
    chain_event_id: int,
    recorded: Sequence[Transaction],
    session: Session,
) -> StoredRates:
    """Find the rate stored with each booking; where there is none, with a quote just like it.

    `recorded` is what is on record of the event. A booking without a row has no quote of ours: it
    was a stranger's own affair.
    """
    confirmed = [one for one in recorded if one.status is Status.CONFIRMED]
    booked = {
        one.chain_object_id: one.eth_price_inr
        for one in confirmed
        if one.kind is Kind.BOOK_EVENT and one.chain_object_id is not None
    }
    rates = {number: rate for number, rate in booked.items() if rate is not None}
    for booking in bookings:
        if booking.chain_booking_id not in rates and booking.booking_id is not None:
            cost = Cost(booking.payment, booking.stake, booking.payment + booking.stake)
            rate = session.settlements.quoted_rate(chain_event_id, booking.seats, cost)
            if rate is not None:
                rates[booking.chain_booking_id] = rate
    creation = next((one for one in confirmed if one.kind is Kind.CREATE_EVENT), None)
    return StoredRates(rates, creation.eth_price_inr if creation else None, frozenset(booked))


# --- rupees -----------------------------------------------------------------------------


def paise(inr: Decimal) -> int:
    """Rupees of two places as an integer, in which sums are exact."""
    return int(Fraction(inr) * 100)


def total_inr(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Add up; None when any of them is unknown."""
    known = list(amounts)
    total = 0
    for amount in known:
        if amount is None:
            return None
        total += paise(amount)
    return rupees(total)


def inr_of(amount: Wei, rates: StoredRates, number: int) -> Decimal | None:
    """Rupees of an amount of a booking, by its number; None without its rate."""
    if not amount:
        return rupees(0)
    rate = rates.of_booking.get(number)
    return wei_to_inr(amount, rate) if rate is not None else None


def host_stake_inr(amount: Wei, rates: StoredRates) -> Decimal | None:
    """Rupees of the host's stake, at the rate stored with the event's creation."""
    if not amount:
        return rupees(0)
    return None if rates.of_host_stake is None else wei_to_inr(amount, rates.of_host_stake)


def share_inr(
    bookings: Sequence[SettledBooking], rates: StoredRates, part: Wei, revenue: Wei
) -> Decimal:
    """A part of all payments in rupees, rounded once: each payment at its booking's rate."""
    if not revenue:
        return rupees(0)
    exact = sum(
        (
            Fraction(int(one.payment)) * Fraction(rates.of_booking[one.chain_booking_id])
            for one in bookings
            if one.payment
        ),
        Fraction(0),
    )
    return rupees(int(exact * int(part) / int(revenue) * 100 / WEI_PER_ETH + Fraction(1, 2)))
