"""The bookings of an event as they stood when it was completed or cancelled.

They are kept in the transaction's terms: its settlement is made from the record alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei


@dataclass(frozen=True)
class SettledBooking:
    """A booking as it stood when its event was completed or cancelled."""

    chain_booking_id: int
    booking_id: UUID | None
    traveler_id: UUID | None
    seats: int
    payment: Wei
    stake: Wei
    user: Address | None = None
    """Whom the contract pays; None in records that did not keep it."""


def terms_of_bookings(bookings: Sequence[SettledBooking]) -> list[dict[str, Any]]:
    """Write bookings into a transaction's terms, from which its settlement is made."""
    return [
        {
            "chain_booking_id": booking.chain_booking_id,
            "booking_id": str(booking.booking_id) if booking.booking_id else None,
            "traveler_id": str(booking.traveler_id) if booking.traveler_id else None,
            "seats": booking.seats,
            "payment_wei": str(int(booking.payment)),
            "stake_wei": str(int(booking.stake)),
            "user": booking.user,
        }
        for booking in bookings
    ]


def settled_bookings(terms: Mapping[str, Any]) -> tuple[SettledBooking, ...]:
    """Read them back."""
    return tuple(
        SettledBooking(
            chain_booking_id=item["chain_booking_id"],
            booking_id=UUID(item["booking_id"]) if item["booking_id"] else None,
            traveler_id=UUID(item["traveler_id"]) if item["traveler_id"] else None,
            seats=item["seats"],
            payment=Wei(int(item["payment_wei"])),
            stake=Wei(int(item["stake_wei"])),
            user=item.get("user"),
        )
        for item in terms["bookings"]
    )
