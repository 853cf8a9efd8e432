"""What a mined transaction proves, and what the platform's rows say after it.

The one place that turns a receipt into database changes. It needs nothing but the record and
the receipt, so that `tx resume` on another machine comes to the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mayhouse_cli.models import (
    ContractEvent,
    Hash,
    Kind,
    Receipt,
    SettlementLine,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class SettledBooking:
    """A booking as it stood when its event was completed or cancelled."""

    chain_booking_id: int
    booking_id: UUID | None
    traveler_id: UUID | None
    seats: int
    payment: Wei
    stake: Wei


_PROVING_EVENT = {
    Kind.CREATE_EVENT: ("EventRunCreated", "eventRunId"),
    Kind.BOOK_EVENT: ("BookingCreated", "bookingId"),
    Kind.COMPLETE_EVENT: ("EventCompleted", "eventRunId"),
    Kind.CANCEL_EVENT: ("EventCancelled", "eventRunId"),
}


CREATES_NUMBER = frozenset({Kind.CREATE_EVENT, Kind.BOOK_EVENT})
"""What gives an object a number of its own on chain."""


def proven_id(transaction: Transaction, receipt: Receipt) -> int | None:
    """The on-chain number that the receipt gives this very intent; None when it proves nothing.

    A receipt counts only with the contract's event of this intent in it: the right kind, the
    right sender, the right event.
    """
    name, key = _PROVING_EVENT[transaction.kind]
    event = receipt.first(name)
    if event is None or receipt.recipient != transaction.recipient:
        return None
    arguments = event.arguments
    match transaction.kind:
        case Kind.CREATE_EVENT:
            fits = (
                arguments["experienceId"] == transaction.arguments["experience_id"]
                and arguments["hostStake"] == transaction.value
            )
        case Kind.BOOK_EVENT:
            fits = (
                arguments["eventRunId"] == transaction.chain_event_id
                and arguments["totalPayment"] + arguments["userStake"] == transaction.value
            )
        case _:
            fits = arguments["eventRunId"] == transaction.chain_event_id
    return int(arguments[key]) if fits else None


def needs_proof(transaction: Transaction) -> bool:
    """Whether success shows in an event of the contract; a plain transfer has none."""
    return transaction.kind in _PROVING_EVENT


def write_outcome(
    transaction: Transaction, receipt: Receipt, chain_id: int, session: Session
) -> None:
    """Bring the platform's rows to what the receipt proved; the caller holds the transaction."""
    match transaction.kind:
        case Kind.CREATE_EVENT if transaction.event_id:
            session.events.mark_created(transaction.event_id, chain_id, receipt.tx_hash)
        case Kind.BOOK_EVENT if transaction.booking_id:
            stake = Wei(_argument(receipt, "BookingCreated", "userStake"))
            session.bookings.mark_booked(transaction.booking_id, chain_id, receipt.tx_hash, stake)
        case Kind.COMPLETE_EVENT:
            came = [e.arguments["bookingId"] for e in receipt.every("BookingCompleted")]
            missed = [e.arguments["bookingId"] for e in receipt.every("BookingNoShow")]
            session.bookings.mark_status(came, "experience_completed")
            session.bookings.mark_status(missed, "no_show")
            _end_event(transaction, "completed", session)
            session.ledger.add_settlement(
                transaction, completion_lines(transaction, receipt.events)
            )
        case Kind.CANCEL_EVENT:
            settled = settled_bookings(transaction.terms)
            session.bookings.mark_status([b.chain_booking_id for b in settled], "cancelled")
            _end_event(transaction, "cancelled", session)
            session.ledger.add_settlement(transaction, cancellation_lines(transaction))
        case _:
            pass


def take_back(transaction: Transaction, known_as: Hash, session: Session) -> None:
    """Bring the rows back to waiting: what they say of the chain is no longer true."""
    match transaction.kind:
        case Kind.CREATE_EVENT if transaction.event_id:
            session.events.mark_pending(transaction.event_id, known_as)
        case Kind.BOOK_EVENT if transaction.booking_id:
            session.bookings.mark_pending(transaction.booking_id, known_as)
        case Kind.COMPLETE_EVENT | Kind.CANCEL_EVENT:
            settled = settled_bookings(transaction.terms)
            session.bookings.mark_status([b.chain_booking_id for b in settled], "confirmed")
            _end_event(transaction, "scheduled", session)
        case _:
            pass


def write_failure(transaction: Transaction, session: Session) -> None:
    """An event whose creation can no longer happen is failed; nothing else has changed."""
    if transaction.kind is Kind.CREATE_EVENT and transaction.event_id:
        session.events.mark_failed(transaction.event_id)


def _end_event(transaction: Transaction, status: str, session: Session) -> None:
    if transaction.event_id:
        session.events.mark_ended(transaction.event_id, status)


def _argument(receipt: Receipt, name: str, argument: str) -> int:
    event = receipt.first(name)
    return int(event.arguments[argument]) if event else 0


# --- settlement lines -------------------------------------------------------------------


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
        )
        for item in terms["bookings"]
    )


def completion_lines(
    transaction: Transaction, events: Sequence[ContractEvent]
) -> list[SettlementLine]:
    """Settle a completed event: what the contract paid, and whom each amount belongs to."""
    by_id = {booking.chain_booking_id: booking for booking in settled_bookings(transaction.terms)}
    completed = next(event for event in events if event.name == "EventCompleted")
    payout = Wei(completed.arguments["hostPayout"])
    host_stake = Wei(completed.arguments["hostStakeReturned"])
    revenue = sum((booking.payment for booking in by_id.values()), Wei(0))
    host_id = _host_id(transaction)
    lines = [
        SettlementLine("ticket_revenue", "platform", revenue),
        SettlementLine("platform_fee", "platform", revenue - payout),
        SettlementLine("host_payout", "host", payout, party_id=host_id),
        SettlementLine("host_stake_returned", "platform_float", host_stake),
    ]
    for event in events:
        if event.name == "BookingCompleted":
            returned = Wei(event.arguments["stakeReturned"])
            lines.append(_booking_line("stake_returned", "traveler", returned, event, by_id))
        elif event.name == "BookingNoShow":
            kept = Wei(event.arguments["stakeForfeit"])
            lines.append(_booking_line("stake_forfeited", "platform", kept, event, by_id))
    return lines


def cancellation_lines(transaction: Transaction) -> list[SettlementLine]:
    """Settle a cancelled event: each traveler's refund, and the host's stake."""
    lines = [
        SettlementLine(
            "refund",
            "traveler",
            booking.payment + booking.stake,
            booking.booking_id,
            booking.chain_booking_id,
            booking.traveler_id,
        )
        for booking in settled_bookings(transaction.terms)
    ]
    host_stake = Wei(int(transaction.terms["host_stake_wei"]))
    return [*lines, SettlementLine("host_stake_returned", "platform_float", host_stake)]


def _booking_line(
    line: str, party: str, amount: Wei, event: ContractEvent, by_id: Mapping[int, SettledBooking]
) -> SettlementLine:
    number = int(event.arguments["bookingId"])
    booking = by_id.get(number)
    return SettlementLine(
        line,
        party,
        amount,
        booking_id=booking.booking_id if booking else None,
        chain_booking_id=number,
        party_id=booking.traveler_id if booking and party == "traveler" else None,
    )


def _host_id(transaction: Transaction) -> UUID | None:
    text = transaction.terms.get("host_id")
    return UUID(text) if text else None
