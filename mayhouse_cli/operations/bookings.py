"""Bookings: what one would cost, and how they stand in the database and on chain."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from mayhouse_cli.errors import NotFound, Refused
from mayhouse_cli.models import (
    BookingRow,
    BookingStatus,
    Cost,
    EventStatus,
    Hash,
    OnChainBooking,
    OnChainEvent,
    Question,
    Rate,
    Snapshot,
)
from mayhouse_cli.money import Wei, wei_to_inr
from mayhouse_cli.operations.events import chain_moment
from mayhouse_cli.operations.lookup import (
    EventReference,
    find_booking,
    find_event_on_chain,
    unknown_event,
)
from mayhouse_cli.operations.rates import current_rate, keep_rate
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment_of


@dataclass(frozen=True)
class Quote:
    """What a booking costs now, by the contract's own view, in wei and rupees."""

    event_id: UUID | None
    chain_event_id: int
    title: str
    starts_at: datetime
    seats: int
    seats_available: int
    max_seats: int
    payment_wei: Wei
    stake_wei: Wei
    total_wei: Wei
    payment_inr: Decimal
    stake_inr: Decimal
    total_inr: Decimal
    stake_percent: int
    fee_percent: int
    eth_price_inr: Decimal
    rate_source: str
    rate_as_of: datetime
    block_number: int


@dataclass(frozen=True)
class BookingSummary:
    """A booking as the database has it."""

    booking_id: UUID
    chain_booking_id: int | None
    event_id: UUID
    traveler_id: UUID
    traveler: str
    seats: int
    status: str
    stake_wei: Wei | None
    tx_hash: Hash | None


@dataclass(frozen=True)
class BookingList:
    """`booking list`: newest first."""

    bookings: tuple[BookingSummary, ...]


@dataclass(frozen=True)
class BookingDetails:
    """`booking show`: both sides of a booking."""

    booking_id: UUID | None
    chain_booking_id: int | None
    event_id: UUID | None
    chain_event_id: int | None
    traveler_id: UUID | None
    traveler: str | None
    seats: int
    status: str | None
    chain_status: str | None
    payment_wei: Wei | None
    stake_wei: Wei | None
    booked_at: datetime | None
    tx_hash: Hash | None
    explorer_url: str | None
    foreign: bool


def quote(event: str, seats: int, session: Session) -> Quote:
    """Price a booking and store the quote. Refused when the event does not take that booking."""
    reference, number = find_event_on_chain(event, session)
    rate = current_rate(session)
    snapshot = session.chain.read(Question(chain_event_id=number, cost_of=(number, seats)))
    on_chain = bookable(snapshot, number, seats)
    cost = required_cost(snapshot, number)
    session.ledger.add_quote(reference.row, number, seats, cost, snapshot, rate, session.actor)
    keep_rate(rate, session)
    return make_quote(reference, on_chain, seats, cost, snapshot, rate)


def make_quote(
    reference: EventReference,
    event: OnChainEvent,
    seats: int,
    cost: Cost,
    snapshot: Snapshot,
    rate: Rate,
) -> Quote:
    """Put a cost into words: the rupee total is the sum of the rounded rupee parts."""
    payment_inr = wei_to_inr(cost.payment, rate.eth_price_inr)
    stake_inr = wei_to_inr(cost.stake, rate.eth_price_inr)
    return Quote(
        event_id=reference.row.id if reference.row else None,
        chain_event_id=event.id,
        title=reference.title,
        starts_at=chain_moment(event.starts_at),
        seats=seats,
        seats_available=event.seats_available,
        max_seats=event.max_seats,
        payment_wei=cost.payment,
        stake_wei=cost.stake,
        total_wei=cost.total,
        payment_inr=payment_inr,
        stake_inr=stake_inr,
        total_inr=payment_inr + stake_inr,
        stake_percent=snapshot.stake_percent,
        fee_percent=snapshot.fee_percent,
        eth_price_inr=rate.eth_price_inr,
        rate_source=rate.source,
        rate_as_of=rate.as_of,
        block_number=snapshot.block.number,
    )


def bookable(snapshot: Snapshot, number: int, seats: int) -> OnChainEvent:
    """Give the event when it takes a booking of so many seats now; Refused otherwise."""
    event = snapshot.event
    if event is None:
        raise unknown_event(number)
    if event.status == EventStatus.FULL:
        raise Refused(f"Event {number} is sold out", hint="A full event never opens again.")
    if event.status != EventStatus.ACTIVE:
        raise Refused(
            f"Event {number} is {event.status.name.lower()} and takes no bookings",
            hint=f"See `mayhouse event show {number}`.",
        )
    if event.starts_at <= snapshot.block.timestamp:
        began = moment_of(event.starts_at)
        raise Refused(f"Event {number} has begun ({began})", hint="It takes no more bookings.")
    if seats > event.seats_available:
        raise Refused(
            f"Event {number} has {event.seats_available} of {event.max_seats} seats left; "
            f"{seats} were asked for",
            hint="Ask for fewer seats.",
        )
    return event


def required_cost(snapshot: Snapshot, number: int) -> Cost:
    """The contract's price; Refused when its view reverts."""
    if snapshot.cost is None:
        raise Refused(f"The contract gives no price for event {number}", hint="Run it again.")
    return snapshot.cost


def list_bookings(event: str | None, limit: int, session: Session) -> BookingList:
    """List the database's bookings, of one event or of all."""
    event_id = None
    if event is not None:
        reference, number = find_event_on_chain(event, session)
        if reference.row is None:
            raise NotFound(
                f"Event {number} has no row in the database",
                hint=f"`mayhouse event show {number}` shows its bookings on chain.",
            )
        event_id = reference.row.id
    return BookingList(tuple(_summary(row) for row in session.bookings.list(event_id, limit)))


def show_booking(text: str, session: Session) -> BookingDetails:
    """Show a booking from both sides; NotFound when neither knows it."""
    row, number = find_booking(text, session)
    on_chain = None
    if number is not None:
        snapshot = session.chain.read(Question(chain_booking_ids=(number,)))
        on_chain = snapshot.bookings.get(number)
    if row is None and on_chain is None:
        raise NotFound(
            f"The contract knows no booking {text}",
            hint="`mayhouse booking list` shows the bookings and their on-chain numbers.",
        )
    return _details(row, number, on_chain, session)


def _details(
    row: BookingRow | None, number: int | None, on_chain: OnChainBooking | None, session: Session
) -> BookingDetails:
    tx_hash = row.tx_hash if row else None
    return BookingDetails(
        booking_id=row.id if row else None,
        chain_booking_id=number,
        event_id=row.event_id if row else None,
        chain_event_id=on_chain.event_id if on_chain else None,
        traveler_id=row.traveler.id if row else None,
        traveler=row.traveler.name if row else None,
        seats=on_chain.seats if on_chain else (row.seats if row else 0),
        status=row.status if row else None,
        chain_status=BookingStatus(on_chain.status).name.lower() if on_chain else None,
        payment_wei=on_chain.payment if on_chain else None,
        stake_wei=on_chain.stake if on_chain else (row.stake_wei if row else None),
        booked_at=chain_moment(on_chain.booked_at) if on_chain else None,
        tx_hash=tx_hash,
        explorer_url=session.config.explorer_link(tx_hash) if tx_hash else None,
        foreign=row is None,
    )


def _summary(row: BookingRow) -> BookingSummary:
    return BookingSummary(
        booking_id=row.id,
        chain_booking_id=row.chain_booking_id,
        event_id=row.event_id,
        traveler_id=row.traveler.id,
        traveler=row.traveler.name,
        seats=row.seats,
        status=row.status,
        stake_wei=row.stake_wei,
        tx_hash=row.tx_hash,
    )
