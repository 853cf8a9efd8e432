"""Create a booking: pay ticket and stake on chain for a traveler, and record it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID, uuid4

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    BookingRow,
    Call,
    EventRow,
    Intent,
    Kind,
    NewBooking,
    OnChainEvent,
    Person,
    Question,
    Rate,
    Snapshot,
    Transaction,
    inlined,
)
from mayhouse_cli.money import Wei, inr_to_wei, percent_of, rupees
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.bookings import Quote, bookable, make_quote, required_cost
from mayhouse_cli.operations.event_creation import USUAL_STAKE_PERCENT
from mayhouse_cli.operations.events import chain_moment
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import EventReference, find_booking, find_event_on_chain
from mayhouse_cli.operations.meanwhile import refuse_while_ending
from mayhouse_cli.operations.outcomes import inserted_row
from mayhouse_cli.operations.rates import current_rate, keep_rate
from mayhouse_cli.operations.reverification import event_terms
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class BookingRequest:
    """What `booking create` is asked for: a row by its id, or event, seats and traveler."""

    booking_id: str | None = None
    event: str | None = None
    seats: int | None = None
    traveler_id: UUID | None = None


@dataclass(frozen=True)
class BookingTerms:
    """Who books how many seats of what, under which row."""

    booking_id: UUID
    event: EventRow
    chain_event_id: int
    traveler: Person
    seats: int
    has_row: bool
    withdrawn: bool = False
    """The row is one that this tool made and cancelled, since its booking did not happen."""


@dataclass(frozen=True)
class BookingPlan:
    """A booking that can be agreed to: its price, and what will be signed."""

    prepared: Prepared
    terms: BookingTerms
    quote: Quote
    new_row: NewBooking | None = None
    rate: Rate | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class BookingCreated:
    """`booking create`: the booking as it stands on chain and in the database."""

    booking_id: UUID
    chain_booking_id: int | None
    traveler_id: UUID
    traveler: str
    quote: Quote = inlined()
    transaction: TransactionResult = inlined()


@waits_for_fee
def plan_booking(request: BookingRequest, choices: SigningChoices, session: Session) -> BookingPlan:
    """Read, guard and price a booking; signs nothing."""
    terms = _terms(request, session)
    intent = Intent(
        key=choices.key_or(f"booking:{terms.booking_id}"),
        kind=Kind.BOOK_EVENT,
        recipient=session.chain.contract,
        arguments={
            "event_id": str(terms.event.id),
            "traveler_id": str(terms.traveler.id),
            "seats": terms.seats,
        },
        wanted_depth=choices.confirmations,
        event_id=terms.event.id,
        booking_id=terms.booking_id,
        chain_event_id=terms.chain_event_id,
        unique_by_arguments=not terms.has_row and choices.idempotency_key is None,
    )
    earlier = intents.earlier_run(intent, session)
    if earlier is not None:
        quote = _quote_of(earlier, terms)
        return BookingPlan(Prepared(intent, None, None, earlier), terms, quote)
    refuse_while_ending(terms.event.id, terms.chain_event_id, session)
    rate = current_rate(session)
    snapshot, call = _price(terms, rate, session)
    event = bookable(snapshot, terms.chain_event_id, terms.seats)
    guard_ours(event, terms, session)
    guard_percentages(snapshot, terms, session)
    cost = required_cost(snapshot, terms.chain_event_id)
    reference = EventReference(terms.event, terms.chain_event_id)
    quote = make_quote(reference, event, terms.seats, cost, snapshot, rate)
    intent = replace(
        intent,
        call=call,
        calldata=session.chain.calldata(call),
        terms={**details_of(terms, quote), **event_terms(event)},
        eth_price_inr=rate.eth_price_inr,
        amount_inr=quote.total_inr,
    )
    prepared = intents.prepare(intent, snapshot, choices.max_fee, session)
    warnings = () if terms.has_row else _booked_already(terms, session)
    return BookingPlan(prepared, terms, quote, new_row(terms, quote), rate, warnings)


def _booked_already(terms: BookingTerms, session: Session) -> tuple[str, ...]:
    """Tell of the traveler's other bookings of this event: perhaps the command ran before."""
    rows = session.bookings.of_event(terms.event.id)
    return tuple(
        f"{terms.traveler.name} has booking {row.chain_booking_id or row.id} "
        f"({row.seats} {'seat' if row.seats == 1 else 'seats'}) on this event already"
        for row in rows
        if row.traveler.id == terms.traveler.id and row.status != "cancelled"
    )


def create(plan: BookingPlan, choices: SigningChoices, session: Session) -> BookingCreated:
    """Record, send and watch a planned booking; the row is written with the record.

    Refused when an end of the event was recorded since: its terms do not know this booking.
    """

    def write_rows(transaction: Transaction) -> None:
        refuse_while_ending(plan.terms.event.id, plan.terms.chain_event_id, session)
        if plan.new_row is not None:
            session.bookings.insert(plan.new_row)
        elif plan.terms.withdrawn:
            session.bookings.change_status([plan.terms.booking_id], "cancelled", "confirmed")
        session.bookings.mark_pending(plan.terms.booking_id, transaction.tx_hash)
        if plan.rate is not None:
            keep_rate(plan.rate, session)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    return created(transaction, plan.terms, session)


def planned(plan: BookingPlan, session: Session) -> BookingCreated:
    """What `create` would give, with nothing signed."""
    if plan.prepared.earlier is not None:
        return created(plan.prepared.earlier, plan.terms, session)
    return BookingCreated(
        booking_id=plan.terms.booking_id,
        chain_booking_id=None,
        traveler_id=plan.terms.traveler.id,
        traveler=plan.terms.traveler.name,
        quote=plan.quote,
        transaction=PLANNED,
    )


def created(transaction: Transaction, terms: BookingTerms, session: Session) -> BookingCreated:
    """Read the result from the record, so that the first run and a later one say the same."""
    return BookingCreated(
        booking_id=transaction.booking_id or terms.booking_id,
        chain_booking_id=transaction.chain_object_id,
        traveler_id=terms.traveler.id,
        traveler=terms.traveler.name,
        quote=_quote_of(transaction, terms),
        transaction=TransactionResult.of(transaction, session),
    )


# --- from the request to the terms ------------------------------------------------------


def _terms(request: BookingRequest, session: Session) -> BookingTerms:
    if request.booking_id is not None:
        return _terms_of_row(request, session)
    if request.event is None or request.seats is None or request.traveler_id is None:
        raise WrongUsage(
            "A booking needs an event, --seats and --traveler",
            hint="Or name a booking of the database with --booking.",
        )
    event, number = _own_event(request.event, session)
    traveler = session.bookings.traveler(request.traveler_id)
    if traveler is None:
        raise NotFound(
            f"There is no traveler {request.traveler_id} in the database",
            hint="Check the id in the platform's users table.",
        )
    return BookingTerms(uuid4(), event, number, traveler, request.seats, has_row=False)


def _terms_of_row(request: BookingRequest, session: Session) -> BookingTerms:
    if request.event or request.seats is not None or request.traveler_id is not None:
        raise WrongUsage(
            "A booking of the database takes its terms from its row",
            hint="Leave the event, --seats and --traveler away.",
        )
    row, _ = find_booking(request.booking_id or "", session)
    if row is None:
        raise Refused(
            f"Booking {request.booking_id} is on chain and has no row in the database",
            hint="Name the row to book by its database id.",
        )
    withdrawn = was_withdrawn(row, session)
    guard_row(row, withdrawn=withdrawn)
    event, number = _own_event(str(row.event_id), session)
    return BookingTerms(
        row.id, event, number, row.traveler, row.seats, has_row=True, withdrawn=withdrawn
    )


def _own_event(text: str, session: Session) -> tuple[EventRow, int]:
    reference, number = find_event_on_chain(text, session)
    if reference.row is None:
        raise NotFound(
            f"Event {number} has no row in the database: it is not the platform's",
            hint="`mayhouse event list` shows the platform's events.",
        )
    return reference.row, number


def was_withdrawn(row: BookingRow, session: Session) -> bool:
    """Whether the row is cancelled because the booking that it was made for did not happen."""
    if row.status != "cancelled":
        return False
    any_booking_of_it = Intent(
        key=f"booking:{row.id}",
        kind=Kind.BOOK_EVENT,
        recipient=session.chain.contract,
        arguments={},
        wanted_depth=1,
        booking_id=row.id,
    )
    earlier = session.journal.latest(any_booking_of_it)
    return earlier is not None and earlier.status.is_impossible and inserted_row(earlier)


def guard_row(row: BookingRow, *, withdrawn: bool) -> None:
    if row.status == "cancelled" and not withdrawn:
        raise Refused("The booking is cancelled in the database", hint="Make a new one.")
    if row.chain_booking_id is not None and row.tx_hash is None:
        raise Refused(
            f"This row is booking {row.chain_booking_id} on chain already",
            hint=f"See `mayhouse booking show {row.id}`.",
        )


def new_row(terms: BookingTerms, quote: Quote) -> NewBooking | None:
    if terms.has_row:
        return None
    paise = Fraction(quote.payment_inr) * 100 * quote.fee_percent / 100
    fee = rupees(int(paise + Fraction(1, 2)))
    return NewBooking(
        id=terms.booking_id,
        event_id=terms.event.id,
        traveler_id=terms.traveler.id,
        seats=terms.seats,
        total_inr=quote.total_inr,
        platform_fee_inr=fee,
        host_earnings_inr=quote.payment_inr - fee,
    )


# --- price and guards -------------------------------------------------------------------


def _price(terms: BookingTerms, rate: Rate, session: Session) -> tuple[Snapshot, Call]:
    """Read the chain with the total predicted; read again when the prediction was wrong."""
    price = inr_to_wei(terms.event.price_inr, rate.eth_price_inr) * terms.seats
    total = price + percent_of(price, USUAL_STAKE_PERCENT)
    arguments = (terms.chain_event_id, terms.seats)
    while True:
        call = Call("bookEvent", arguments, total)
        snapshot = session.chain.read(
            Question(
                sender=session.signer.address,
                call=call,
                chain_event_id=terms.chain_event_id,
                cost_of=arguments,
            )
        )
        if snapshot.cost is None or snapshot.cost.total == total:
            return snapshot, call
        total = snapshot.cost.total


def guard_ours(event: OnChainEvent, terms: BookingTerms, session: Session) -> None:
    """After a reorg a number can belong to a stranger's event: the same bytes would pay him."""
    owners = {session.signer.address, session.config.get("owner_address")}
    if event.host not in owners or event.experience_id != str(terms.event.experience.id):
        raise Refused(
            f"Event {event.id} on chain is not the one in the database "
            f"(host {event.host}, experience {event.experience_id})",
            hint=f"See `mayhouse event show {event.id}`; nothing was sent.",
        )


def guard_percentages(snapshot: Snapshot, terms: BookingTerms, session: Session) -> None:
    """A traveler agreed to the last quote: its percentages must still hold."""
    quoted = session.ledger.quoted_percentages(terms.chain_event_id)
    now = (snapshot.stake_percent, snapshot.fee_percent)
    if quoted is not None and quoted != now:
        raise Refused(
            f"Stake and fee are {now[0]} % and {now[1]} % now; the last quote said "
            f"{quoted[0]} % and {quoted[1]} %",
            hint=f"Quote again: mayhouse booking quote {terms.chain_event_id} "
            f"--seats {terms.seats}",
        )


# --- the record of a booking's terms ----------------------------------------------------


def details_of(terms: BookingTerms, quote: Quote) -> dict[str, object]:
    return {
        "payment_wei": str(int(quote.payment_wei)),
        "stake_wei": str(int(quote.stake_wei)),
        "payment_inr": str(quote.payment_inr),
        "stake_inr": str(quote.stake_inr),
        "stake_percent": quote.stake_percent,
        "fee_percent": quote.fee_percent,
        "seats_available": quote.seats_available,
        "max_seats": quote.max_seats,
        "starts_at": int(quote.starts_at.timestamp()),
        "rate_source": quote.rate_source,
        "rate_as_of": quote.rate_as_of.isoformat(),
        "block_number": quote.block_number,
        "title": terms.event.experience.title,
        "row_inserted": terms.withdrawn or not terms.has_row,
    }


def _quote_of(transaction: Transaction, terms: BookingTerms) -> Quote:
    details = transaction.terms
    payment, stake = Wei(int(details["payment_wei"])), Wei(int(details["stake_wei"]))
    payment_inr, stake_inr = Decimal(details["payment_inr"]), Decimal(details["stake_inr"])
    return Quote(
        event_id=transaction.event_id,
        chain_event_id=transaction.chain_event_id or terms.chain_event_id,
        title=details["title"],
        starts_at=chain_moment(details["starts_at"]),
        seats=transaction.arguments["seats"],
        seats_available=details["seats_available"],
        max_seats=details["max_seats"],
        payment_wei=payment,
        stake_wei=stake,
        total_wei=payment + stake,
        payment_inr=payment_inr,
        stake_inr=stake_inr,
        total_inr=payment_inr + stake_inr,
        stake_percent=details["stake_percent"],
        fee_percent=details["fee_percent"],
        eth_price_inr=transaction.eth_price_inr or Decimal(0),
        rate_source=details["rate_source"],
        rate_as_of=datetime.fromisoformat(details["rate_as_of"]),
        block_number=details["block_number"],
    )
