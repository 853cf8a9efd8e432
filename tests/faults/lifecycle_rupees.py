"""The rupees of a settlement, worked out again from every booking's own rate."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from mayhouse_cli.models import SettlementLine
from tests.faults.lifecycle_model import WEI_PER_ETH, Booking, Event, added, half_up, paise_of

Column = Mapping[tuple[str, int | None], int | None]
"""Paise by a line's name and booking."""
SHARES: Final = ("platform_fee", "host_payout", "rounding")


def check_rupees(event: Event, lines: Sequence[SettlementLine]) -> None:
    """AssertionError unless the column adds up to the paisa, each amount at its own rate."""
    column = {
        (line.line, line.chain_booking_id): None
        if line.amount_inr is None
        else int(Fraction(line.amount_inr) * 100)
        for line in lines
    }
    assert column["host_stake_returned", None] == paise_of(event.stake, event.rate)
    for booking in event.bookings:
        _check_booking(booking, column)
    if event.status == "completed":
        _check_shares(event, lines, column)
    came_in = added([*map(_paid, event.bookings), paise_of(event.stake, event.rate)])
    out = [amount for (line, _), amount in column.items() if line != "ticket_revenue"]
    assert came_in is None or sum(amount or 0 for amount in out) == came_in


def _paid(booking: Booking) -> int | None:
    return added([paise_of(booking.payment, booking.rate), paise_of(booking.stake, booking.rate)])


def _check_booking(booking: Booking, column: Column) -> None:
    if booking.status == "cancelled":
        assert column["refund", booking.number] == _paid(booking)
    else:
        line = "stake_returned" if booking.status == "completed" else "stake_forfeited"
        assert column[line, booking.number] == paise_of(booking.stake, booking.rate)


def _check_shares(event: Event, lines: Sequence[SettlementLine], column: Column) -> None:
    revenue = added([paise_of(one.payment, one.rate) for one in event.bookings])
    assert column["ticket_revenue", None] == revenue
    if revenue is None:
        shown = (column["platform_fee", None], column["host_payout", None], *_rounding(column))
        assert shown == (None, None)
        return
    parts = [column.get((name, None), 0) or 0 for name in SHARES]
    assert sum(parts) == revenue
    amounts = {line.line: int(line.amount) for line in lines if line.chain_booking_id is None}
    exact = sum(Fraction(one.payment * (one.rate or 0), WEI_PER_ETH) for one in event.bookings)
    for name in ("platform_fee", "host_payout"):
        share = Fraction(amounts[name], amounts["ticket_revenue"] or 1)
        assert column[name, None] == half_up(exact * share)
    assert all(left != 0 for left in _rounding(column)), "a line that says nothing"


def _rounding(column: Column) -> list[int | None]:
    return [amount for (line, _), amount in column.items() if line == "rounding"]
