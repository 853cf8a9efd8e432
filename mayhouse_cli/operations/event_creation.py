"""Create an event run on chain and record it."""

from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    Call,
    ExperienceRow,
    Intent,
    Kind,
    NewEvent,
    Question,
    Rate,
    Snapshot,
    Transaction,
    inlined,
)
from mayhouse_cli.money import Wei, inr_to_wei, percent_of
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import find_event
from mayhouse_cli.operations.rates import current_rate, keep_rate
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment

# The first reads are made with this percentage; when the contract's differs they are repeated.
USUAL_STAKE_PERCENT: Final = 20
# A completion costs about 42,824 gas a booking, and 2^24 is the most a transaction can have.
MANY_SEATS: Final = 250
TOO_MANY_SEATS: Final = 300
FURTHEST_START: Final = timedelta(days=2 * 366)
LATEST_START: Final = timedelta(hours=3)


@dataclass(frozen=True)
class EventRequest:
    """What `event create` is asked for: a row by its id, or everything a new row needs."""

    event_id: str | None = None
    experience_id: UUID | None = None
    price_inr: Decimal | None = None
    seats: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    host_wallet: Address | None = None
    allow_large: bool = False


@dataclass(frozen=True)
class EventTerms:
    """What is put on chain: read from the row or from the request."""

    experience: ExperienceRow
    event_id: UUID
    starts_at: datetime
    seats: int
    price_inr: Decimal


@dataclass(frozen=True)
class CreationPlan:
    """A creation that can be agreed to: its terms, its price, and what will be signed."""

    prepared: Prepared
    terms: EventTerms
    new_row: NewEvent | None
    host_wallet: Address | None
    rate: Rate | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventCreated:
    """`event create`: the event as it stands on chain and in the database."""

    event_id: UUID
    chain_event_id: int | None
    experience_id: UUID
    title: str
    price_inr: Decimal
    price_per_seat_wei: Wei
    seats: int
    stake_wei: Wei
    eth_price_inr: Decimal
    rate_source: str | None
    rate_as_of: datetime | None
    starts_at: datetime
    transaction: TransactionResult = inlined()


# --- create -----------------------------------------------------------------------------


@waits_for_fee
def plan_creation(request: EventRequest, choices: SigningChoices, session: Session) -> CreationPlan:
    """Read, guard and price a new event; signs nothing.

    Refused and its kin for whatever the contract or a guard would not have.
    """
    terms, new_row = terms_of(request, session)
    arguments = creation_arguments(terms)
    intent = Intent(
        key=choices.key_or(f"event:{terms.event_id}:create"),
        kind=Kind.CREATE_EVENT,
        recipient=session.chain.contract,
        arguments=arguments,
        wanted_depth=choices.confirmations,
        event_id=terms.event_id,
        amount_inr=terms.price_inr,
        unique_by_arguments=new_row is not None and choices.idempotency_key is None,
    )
    earlier = intents.earlier_run(intent, session)
    if earlier is not None:
        return CreationPlan(Prepared(intent, None, None, earlier), terms, None, None, None)
    warnings = _guard_terms(terms, request, session)
    rate = current_rate(session)
    wallet = request.host_wallet or terms.experience.host.wallet
    snapshot, price, stake = _price(terms, rate, wallet, session)
    _guard_start(terms, snapshot)
    _guard_host(terms, wallet, snapshot)
    call = _creation_call(terms, price, stake)
    details = {
        "price_per_seat_wei": str(int(price)),
        "stake_percent": snapshot.stake_percent,
        "fee_percent": snapshot.fee_percent,
        "host_id": str(terms.experience.host.id),
        "event_id": str(terms.event_id),
        "rate_source": rate.source,
        "rate_as_of": rate.as_of.isoformat(),
    }
    intent = replace(
        intent,
        call=call,
        calldata=session.chain.calldata(call),
        terms=details,
        eth_price_inr=rate.eth_price_inr,
    )
    prepared = intents.prepare(intent, snapshot, choices.max_fee, session)
    if new_row is not None:
        warnings = (*warnings, *_same_starts(terms, session))
    return CreationPlan(prepared, terms, new_row, request.host_wallet, rate, warnings)


def _same_starts(terms: EventTerms, session: Session) -> list[str]:
    """Tell of events of this experience at this start: perhaps the command ran before."""
    return [
        f"Event {row.chain_event_id or row.id} ({row.experience.title}, {moment(row.starts_at)}) "
        "is of this experience and starts at this time already"
        for row in session.events.starting(terms.experience.id, terms.starts_at)
        if row.status != "cancelled" and row.blockchain_status != "failed"
    ]


def creation_arguments(terms: EventTerms) -> dict[str, object]:
    """What is asked for, as the journal compares it."""
    return {
        "experience_id": str(terms.experience.id),
        "price_inr": f"{terms.price_inr:.2f}",
        "seats": terms.seats,
        "starts_at": _utc_text(terms.starts_at),
    }


def create(plan: CreationPlan, choices: SigningChoices, session: Session) -> EventCreated:
    """Record, send and watch a planned creation; the row is written with the record."""

    def write_rows(transaction: Transaction) -> None:
        if plan.new_row is not None:
            session.events.insert(plan.new_row)
        if plan.host_wallet is not None:
            session.events.set_wallet(plan.terms.experience.host.id, plan.host_wallet)
        session.events.mark_pending(plan.terms.event_id, transaction.tx_hash)
        if plan.rate is not None:
            keep_rate(plan.rate, session)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    return created(transaction, plan.terms.experience.title, session)


def planned(plan: CreationPlan, session: Session) -> EventCreated:
    """What `create` would give, with nothing signed."""
    if plan.prepared.earlier is not None:
        return created(plan.prepared.earlier, plan.terms.experience.title, session)
    intent = plan.prepared.intent
    return EventCreated(
        event_id=plan.terms.event_id,
        chain_event_id=None,
        experience_id=plan.terms.experience.id,
        title=plan.terms.experience.title,
        price_inr=plan.terms.price_inr,
        price_per_seat_wei=Wei(int(intent.terms["price_per_seat_wei"])),
        seats=plan.terms.seats,
        stake_wei=intent.call.value,
        eth_price_inr=intent.eth_price_inr or Decimal(0),
        rate_source=plan.rate.source if plan.rate else None,
        rate_as_of=plan.rate.as_of if plan.rate else None,
        starts_at=plan.terms.starts_at,
        transaction=PLANNED,
    )


def created(transaction: Transaction, title: str, session: Session) -> EventCreated:
    """Read the result from the record, so that the first run and a later one say the same."""
    arguments, terms = transaction.arguments, transaction.terms
    return EventCreated(
        event_id=UUID(terms["event_id"]),
        chain_event_id=transaction.chain_object_id,
        experience_id=UUID(arguments["experience_id"]),
        title=title,
        price_inr=Decimal(arguments["price_inr"]),
        price_per_seat_wei=Wei(int(terms["price_per_seat_wei"])),
        seats=arguments["seats"],
        stake_wei=transaction.value,
        eth_price_inr=transaction.eth_price_inr or Decimal(0),
        rate_source=terms.get("rate_source"),
        rate_as_of=_moment(terms.get("rate_as_of")),
        starts_at=datetime.fromisoformat(arguments["starts_at"]),
        transaction=TransactionResult.of(transaction, session),
    )


def _moment(text: str | None) -> datetime | None:
    """Read a time of the record; one of an older version may have none."""
    return datetime.fromisoformat(text) if text else None


def terms_of(request: EventRequest, session: Session) -> tuple[EventTerms, NewEvent | None]:
    """Read what is to be created, and the row that the database does not have yet."""
    if request.event_id is not None:
        return _terms_of_row(request, session), None
    missing = [
        name
        for name, value in (
            ("--experience", request.experience_id),
            ("--price-inr", request.price_inr),
            ("--seats", request.seats),
            ("--starts-at", request.starts_at),
        )
        if value is None
    ]
    if (
        missing
        or request.experience_id is None
        or request.price_inr is None
        or request.seats is None
        or request.starts_at is None
    ):
        raise WrongUsage(
            f"Missing: {', '.join(missing)}",
            hint="Name an event of the database, or give all four of a new one.",
        )
    if request.starts_at.year >= MAXYEAR:
        raise WrongUsage("The start lies too far ahead", hint="Check the year.")
    experience = session.events.experience(request.experience_id)
    if experience is None:
        raise NotFound(
            f"There is no experience {request.experience_id} in the database",
            hint="Check the id in the platform's experiences table.",
        )
    row = NewEvent(
        id=uuid4(),
        experience_id=experience.id,
        starts_at=request.starts_at,
        ends_at=request.ends_at or request.starts_at + LATEST_START,
        seats=request.seats,
        price_inr=request.price_inr,
    )
    if row.ends_at <= row.starts_at:
        raise WrongUsage("The event would end before it starts", hint="Check --ends-at.")
    terms = EventTerms(experience, row.id, row.starts_at, row.seats, row.price_inr)
    return terms, row


def _terms_of_row(request: EventRequest, session: Session) -> EventTerms:
    given = (
        request.experience_id,
        request.price_inr,
        request.seats,
        request.starts_at,
        request.ends_at,
    )
    if any(value is not None for value in given):
        raise WrongUsage(
            "An event of the database takes its terms from its row",
            hint="Leave --experience, --price-inr, --seats, --starts-at and --ends-at away.",
        )
    reference = find_event(request.event_id or "", session)
    if reference.row is None:
        raise Refused(
            f"Event {request.event_id} is on chain and has no row in the database",
            hint="Name the row to create by its database id.",
        )
    row = reference.row
    return EventTerms(row.experience, row.id, row.starts_at, row.seats, row.price_inr)


def _creation_call(terms: EventTerms, price: Wei, stake: Wei) -> Call:
    start = int(terms.starts_at.timestamp())
    return Call("createEventRun", (str(terms.experience.id), int(price), terms.seats, start), stake)


def _price(
    terms: EventTerms, rate: Rate, wallet: Address | None, session: Session
) -> tuple[Snapshot, Wei, Wei]:
    """Read the chain with the stake predicted; read again when the prediction was wrong."""
    price = inr_to_wei(terms.price_inr, rate.eth_price_inr)
    stake = percent_of(price * terms.seats, USUAL_STAKE_PERCENT)
    accounts = (wallet,) if wallet else ()
    while True:
        snapshot = session.chain.read(
            Question(
                sender=session.signer.address,
                call=_creation_call(terms, price, stake),
                stake_for=(price, terms.seats),
                accounts=accounts,
            )
        )
        required = snapshot.required_stake or Wei(0)
        if not required:
            raise Refused(
                "The price is so small that the contract would take no stake",
                hint="Check the price and the rate.",
            )
        if required == stake:
            return snapshot, price, stake
        stake = required


# --- guards -----------------------------------------------------------------------------


def _guard_terms(terms: EventTerms, request: EventRequest, session: Session) -> tuple[str, ...]:
    if terms.price_inr <= 0:
        raise Refused("The price is zero", hint="The contract takes no event without a price.")
    if terms.seats < 1:
        raise Refused("An event needs at least one seat", hint="Check --seats.")
    if terms.experience.status not in ("approved", "draft", "submitted"):
        raise Refused(
            f"The experience is {terms.experience.status}", hint="Only a live one can be offered."
        )
    row = session.events.by_id(terms.event_id)
    if row is not None and row.chain_event_id is not None:
        raise Refused(
            f"This row is event {row.chain_event_id} on chain already, by no transaction of ours",
            hint=f"See `mayhouse event show {row.id}`.",
        )
    if row is not None and row.status in ("completed", "cancelled"):
        raise Refused(f"The event is {row.status} in the database", hint="Make a new one.")
    if terms.seats > TOO_MANY_SEATS and not request.allow_large:
        raise Refused(
            f"{terms.seats} seats, each booked alone, are too many to complete at once",
            hint=f"Offer at most {TOO_MANY_SEATS}, or accept the risk with --allow-large.",
        )
    if terms.seats > MANY_SEATS:
        return (f"With {terms.seats} seats booked one by one, completion nears the gas limit.",)
    return ()


def _guard_start(terms: EventTerms, snapshot: Snapshot) -> None:
    chain_time = datetime.fromtimestamp(snapshot.block.timestamp, UTC)
    if terms.starts_at <= chain_time:
        raise Refused(
            f"The start lies in the past: {moment(terms.starts_at)}",
            hint=f"On chain it is {moment(chain_time)} now.",
        )
    if terms.starts_at > chain_time + FURTHEST_START:
        raise Refused(
            f"The start lies more than two years ahead: {moment(terms.starts_at)}",
            hint="Check the year.",
        )


def _guard_host(terms: EventTerms, wallet: Address | None, snapshot: Snapshot) -> None:
    if wallet in snapshot.with_code:
        raise Refused(
            f"The wallet of the host {terms.experience.host.name}, {wallet}, has code and could "
            "block a payout",
            hint="Give the host's plain wallet with --host-wallet.",
        )


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
