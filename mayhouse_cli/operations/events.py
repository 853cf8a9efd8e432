"""Event runs as they stand in the database and on chain: list them, show one.

Nothing is changed here: `event_creation`, `event_completion` and `event_cancellation` do that.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from mayhouse_cli.models import (
    Address,
    BookingRow,
    EventRow,
    Hash,
    OnChainBooking,
    OnChainEvent,
    Question,
    Snapshot,
    TransactionFilter,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.lookup import find_event, unknown_event
from mayhouse_cli.operations.transactions import TransactionSummary, summary
from mayhouse_cli.ports import Session

_NOTHING_ELSE: Final = Question()


@dataclass(frozen=True)
class EventSummary:
    """An event run as the database has it."""

    event_id: UUID
    chain_event_id: int | None
    title: str
    starts_at: datetime
    seats: int
    price_inr: Decimal
    status: str
    blockchain_status: str
    tx_hash: Hash | None


@dataclass(frozen=True)
class EventList:
    """`event list`: newest start first."""

    events: tuple[EventSummary, ...]


@dataclass(frozen=True)
class EventOnChain:
    """The contract's side of an event."""

    host: Address
    experience_id: str
    price_per_seat_wei: Wei
    max_seats: int
    seats_booked: int
    seats_available: int
    host_stake_wei: Wei
    starts_at: datetime
    status: str


@dataclass(frozen=True)
class EventBooking:
    """One booking of an event: its row, its on-chain side, or both."""

    booking_id: UUID | None
    chain_booking_id: int | None
    traveler_id: UUID | None
    traveler: str | None
    seats: int
    status: str | None
    chain_status: str | None
    payment_wei: Wei | None
    stake_wei: Wei | None
    foreign: bool
    """On chain without a row, and not paid by the wallet that hosts the event."""


@dataclass(frozen=True)
class EventDetails:
    """`event show`: both sides of an event, with its bookings and transactions."""

    event_id: UUID | None
    chain_event_id: int | None
    title: str
    host_name: str | None
    starts_at: datetime | None
    seats: int | None
    price_inr: Decimal | None
    status: str | None
    blockchain_status: str | None
    foreign: bool
    on_chain: EventOnChain | None
    bookings: tuple[EventBooking, ...]
    transactions: tuple[TransactionSummary, ...]


def list_events(limit: int, session: Session) -> EventList:
    """List the database's event runs."""
    return EventList(tuple(_summary(row) for row in session.events.list(limit)))


def show_event(text: str, session: Session) -> EventDetails:
    """Show an event from both sides; NotFound when neither knows it."""
    reference = find_event(text, session)
    row, number = reference.row, reference.chain_event_id
    snapshot = read_event(number, row, session) if number is not None else None
    if row is None and (snapshot is None or snapshot.event is None):
        raise unknown_event(number or 0)
    event = snapshot.event if snapshot else None
    transactions = session.journal.list(
        TransactionFilter(event_id=row.id if row else None, chain_event_id=number)
    )
    return EventDetails(
        event_id=row.id if row else None,
        chain_event_id=number,
        title=reference.title,
        host_name=row.experience.host.name if row else None,
        starts_at=row.starts_at if row else None,
        seats=row.seats if row else None,
        price_inr=row.price_inr if row else None,
        status=row.status if row else None,
        blockchain_status=row.blockchain_status if row else None,
        foreign=row is None,
        on_chain=_on_chain(event) if event else None,
        bookings=_bookings(row, snapshot, session),
        transactions=tuple(summary(transaction) for transaction in transactions),
    )


def read_event(
    number: int, row: EventRow | None, session: Session, along: Question = _NOTHING_ELSE
) -> Snapshot:
    """Read an event with all its bookings; a second batch only for bookings not in the database.

    What is asked `along` with it is answered at the same block.
    """
    known = _known_numbers(row, session)
    question = replace(
        along,
        chain_event_id=number,
        with_event_bookings=True,
        chain_booking_ids=tuple(sorted(known)),
    )
    snapshot = session.chain.read(question)
    everything = tuple(sorted(known.union(snapshot.event_booking_ids)))
    if set(everything) != known:
        snapshot = session.chain.read(replace(question, chain_booking_ids=everything))
    return snapshot


def _known_numbers(row: EventRow | None, session: Session) -> set[int]:
    rows = session.bookings.of_event(row.id) if row else ()
    return {booking.chain_booking_id for booking in rows if booking.chain_booking_id is not None}


def _summary(row: EventRow) -> EventSummary:
    return EventSummary(
        event_id=row.id,
        chain_event_id=row.chain_event_id,
        title=row.experience.title,
        starts_at=row.starts_at,
        seats=row.seats,
        price_inr=row.price_inr,
        status=row.status,
        blockchain_status=row.blockchain_status,
        tx_hash=row.tx_hash,
    )


def _on_chain(event: OnChainEvent) -> EventOnChain:
    return EventOnChain(
        host=event.host,
        experience_id=event.experience_id,
        price_per_seat_wei=event.price_per_seat,
        max_seats=event.max_seats,
        seats_booked=event.seats_booked,
        seats_available=event.seats_available,
        host_stake_wei=event.host_stake,
        starts_at=chain_moment(event.starts_at),
        status=event.status.name.lower(),
    )


def chain_moment(seconds: int) -> datetime:
    """A time of the contract; strangers put numbers there that are no date: the last one then."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _bookings(
    row: EventRow | None, snapshot: Snapshot | None, session: Session
) -> tuple[EventBooking, ...]:
    rows = session.bookings.of_event(row.id) if row else ()
    on_chain = dict(snapshot.bookings) if snapshot else {}
    listed = [
        _booking(booking, on_chain.pop(booking.chain_booking_id or 0, None), foreign=False)
        for booking in rows
    ]
    ours = snapshot.event.host if snapshot and snapshot.event else None
    rowless = [
        _booking(None, booking, foreign=row is None or booking.user != ours)
        for _, booking in sorted(on_chain.items())
    ]
    return tuple(listed + rowless)


def _booking(
    row: BookingRow | None, on_chain: OnChainBooking | None, *, foreign: bool
) -> EventBooking:
    seats = row.seats if row else (on_chain.seats if on_chain else 0)
    number = on_chain.id if on_chain else (row.chain_booking_id if row else None)
    return EventBooking(
        booking_id=row.id if row else None,
        chain_booking_id=number,
        traveler_id=row.traveler.id if row else None,
        traveler=row.traveler.name if row else None,
        seats=seats,
        status=row.status if row else None,
        chain_status=on_chain.status.name.lower() if on_chain else None,
        payment_wei=on_chain.payment if on_chain else None,
        stake_wei=on_chain.stake if on_chain else None,
        foreign=foreign,
    )
