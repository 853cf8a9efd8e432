"""Complete an event: who came gets the stake back, who did not loses it, the host is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.models import Call, Intent, Kind, Plan, Transaction, inlined
from mayhouse_cli.money import Wei, percent_of
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.attendance import AttendanceRequest, attendance
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import find_event_on_chain, parse_reference
from mayhouse_cli.operations.outcomes import settled_bookings, terms_of_bookings
from mayhouse_cli.operations.reverification import event_terms
from mayhouse_cli.operations.settling import (
    EndingEvent,
    OpenBooking,
    guard_escrow,
    keep_plan,
    load_plan,
    read_ending_event,
    refuse_expired,
    refuse_when_moved,
    simulate,
    state_of,
)
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session

# The plan is bound to the state by its hash; a day lets someone else look at it first.
COMPLETION_PLAN_LIVES: Final = timedelta(days=1)


@dataclass(frozen=True)
class BookingReference:
    """A booking by both its names."""

    booking_id: UUID | None
    chain_booking_id: int


@dataclass(frozen=True)
class Payments:
    """What a completion pays and keeps, in wei; by integer division, as the contract does."""

    revenue: Wei
    host_payout: Wei
    platform_fee: Wei
    stakes_returned: Wei
    stakes_forfeited: Wei
    host_stake: Wei

    @property
    def leaves_contract(self) -> Wei:
        """By how much the contract's balance falls."""
        return self.stakes_returned + self.host_payout + self.host_stake


@dataclass(frozen=True)
class CompletionPlan:
    """A completion that can be agreed to: who counts as what, who gets what, what is signed."""

    prepared: Prepared
    title: str
    chain_event_id: int
    fee_percent: int
    host_name: str | None
    attended: tuple[OpenBooking, ...]
    no_show: tuple[OpenBooking, ...]
    payments: Payments | None
    rate: Decimal | None
    content: Mapping[str, Any]
    ending: EndingEvent | None
    plan: Plan | None = None


@dataclass(frozen=True)
class EventCompleted:
    """`event complete`: who counted as what, and every amount that moved or stayed."""

    event_id: UUID | None
    chain_event_id: int
    attended: tuple[BookingReference, ...]
    no_show: tuple[BookingReference, ...]
    host_payout_wei: Wei
    platform_fee_wei: Wei
    stakes_returned_wei: Wei
    stakes_forfeited_wei: Wei
    host_stake_returned_wei: Wei
    plan_hash: str | None
    transaction: TransactionResult = inlined()


# --- plan -------------------------------------------------------------------------------


def plan_completion(
    event: str, request: AttendanceRequest, choices: SigningChoices, session: Session
) -> CompletionPlan:
    """Read, guard, and work out every payment; signs nothing."""
    earlier = _earlier(event, request, choices, session)
    if earlier is not None:
        return earlier
    ending = read_ending_event(event, session)
    attended, no_show = attendance(ending, request)
    return _plan(ending, attended, no_show, choices, session, None)


def plan_execution(
    event: str, plan_hash: str, choices: SigningChoices, session: Session
) -> CompletionPlan:
    """Make the stored plan again from the present state; Refused when anything moved since."""
    plan = load_plan(plan_hash, Kind.COMPLETE_EVENT, event, session)
    request = AttendanceRequest(
        attended=tuple(map(str, plan.content["attended"])),
        no_show=tuple(map(str, plan.content["no_show"])),
        nobody_attended=not plan.content["attended"],
    )
    earlier = _earlier(event, request, choices, session)
    if earlier is not None:
        return earlier
    refuse_expired(plan, session)
    ending = read_ending_event(event, session)
    try:
        attended, no_show = attendance(ending, request)
    except (Refused, WrongUsage):
        refuse_when_moved(plan, state_of(ending, session))
        raise
    return _plan(ending, attended, no_show, choices, session, plan)


def _earlier(
    event: str, request: AttendanceRequest, choices: SigningChoices, session: Session
) -> CompletionPlan | None:
    """A completion of this event that is unfinished or done answers for this one."""
    reference, number = find_event_on_chain(event, session)
    row = reference.row
    intent = _intent(row.id if row else None, number, {}, choices, session)
    before = session.journal.latest(intent)
    if before is None or before.status.is_impossible:
        return None
    numbers = _numbers_of(before, request)
    intent = replace(intent, arguments=numbers)
    earlier = intents.earlier_run(intent, session)
    return CompletionPlan(
        prepared=Prepared(intent, None, None, earlier),
        title=reference.title,
        chain_event_id=number,
        fee_percent=0,
        host_name=None,
        attended=(),
        no_show=(),
        payments=None,
        rate=None,
        content={},
        ending=None,
    )


def _numbers_of(before: Transaction, request: AttendanceRequest) -> dict[str, list[int]]:
    """Translate a request with the recorded bookings, to compare it with what was recorded."""
    settled = settled_bookings(before.terms)
    everyone = {booking.chain_booking_id for booking in settled}
    by_uuid = {booking.booking_id: booking.chain_booking_id for booking in settled}

    def numbers(names: Sequence[str]) -> set[int]:
        found = [parse_reference(name, "a booking") for name in names]
        return {one if isinstance(one, int) else by_uuid.get(one, 0) for one in found}

    if request.all_attended:
        came = everyone - numbers(request.no_show)
    else:
        came = set() if request.nobody_attended else numbers(request.attended)
    return {"attended": sorted(came), "no_show": sorted(everyone - came)}


def _intent(
    event_id: UUID | None,
    number: int,
    arguments: Mapping[str, Any],
    choices: SigningChoices,
    session: Session,
) -> Intent:
    return Intent(
        key=choices.key_or(f"event:{event_id or number}:complete"),
        kind=Kind.COMPLETE_EVENT,
        recipient=session.chain.contract,
        arguments=arguments,
        wanted_depth=choices.confirmations,
        event_id=event_id,
        chain_event_id=number,
    )


def _plan(
    ending: EndingEvent,
    attended: tuple[OpenBooking, ...],
    no_show: tuple[OpenBooking, ...],
    choices: SigningChoices,
    session: Session,
    plan: Plan | None,
) -> CompletionPlan:
    came = [booking.on_chain.id for booking in attended]
    missed = [booking.on_chain.id for booking in no_show]
    content = {**state_of(ending, session), "attended": came, "no_show": missed}
    if plan is not None:
        refuse_when_moved(plan, content)
    _guard_time_and_signer(ending, session)
    payments = work_out(ending, attended, no_show)
    guard_escrow(ending.snapshot, payments.leaves_contract)
    call = Call("completeEvent", (ending.event.id, came))
    payees = [booking.on_chain.user for booking in attended] + [ending.event.host]
    snapshot = simulate(call, payees, session)
    row = ending.row
    intent = replace(
        _intent(
            ending.event_id,
            ending.event.id,
            {"attended": sorted(came), "no_show": sorted(missed)},
            choices,
            session,
        ),
        call=call,
        calldata=session.chain.calldata(call),
        terms={
            **event_terms(ending.event),
            "bookings": terms_of_bookings([one.settled for one in (*attended, *no_show)]),
            "host_id": str(row.experience.host.id) if row else None,
            "fee_percent": ending.snapshot.fee_percent,
            "host_stake_wei": str(int(payments.host_stake)),
            "plan_hash": plan.hash if plan else None,
        },
    )
    return CompletionPlan(
        prepared=intents.prepare(intent, snapshot, choices.max_fee, session),
        title=ending.reference.title,
        chain_event_id=ending.event.id,
        fee_percent=ending.snapshot.fee_percent,
        host_name=row.experience.host.name if row else None,
        attended=attended,
        no_show=no_show,
        payments=payments,
        rate=session.config.get("eth_price_inr"),
        content=content,
        ending=ending,
        plan=plan,
    )


def work_out(
    ending: EndingEvent, attended: Sequence[OpenBooking], no_show: Sequence[OpenBooking]
) -> Payments:
    """Work out every amount of a completion from the bookings and the contract's fee."""
    everyone = [*attended, *no_show]
    revenue = sum((one.on_chain.payment for one in everyone), Wei(0))
    fee = percent_of(revenue, ending.snapshot.fee_percent)
    return Payments(
        revenue=revenue,
        host_payout=revenue - fee,
        platform_fee=fee,
        stakes_returned=sum((one.on_chain.stake for one in attended), Wei(0)),
        stakes_forfeited=sum((one.on_chain.stake for one in no_show), Wei(0)),
        host_stake=ending.event.host_stake,
    )


def store(plan: CompletionPlan, session: Session) -> Plan:
    """Keep a plan for `--execute`."""
    if plan.ending is None:
        raise Refused(
            f"Event {plan.chain_event_id} has a completion already",
            hint="`mayhouse tx list` shows it.",
        )
    return keep_plan(Kind.COMPLETE_EVENT, plan.ending, plan.content, COMPLETION_PLAN_LIVES, session)


# --- execute ----------------------------------------------------------------------------


def complete(plan: CompletionPlan, choices: SigningChoices, session: Session) -> EventCompleted:
    """Record, send and watch a planned completion."""

    def write_rows(transaction: Transaction) -> None:
        if plan.plan is not None:
            session.ledger.use_plan(plan.plan.hash, transaction.id)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    return completed(transaction, session)


def planned(plan: CompletionPlan, kept: Plan | None, session: Session) -> EventCompleted:
    """What `complete` would give, with nothing signed."""
    if plan.prepared.earlier is not None or plan.payments is None:
        return completed(_existing(plan), session)
    payments = plan.payments
    return EventCompleted(
        event_id=plan.ending.event_id if plan.ending else None,
        chain_event_id=plan.chain_event_id,
        attended=tuple(_reference(booking) for booking in plan.attended),
        no_show=tuple(_reference(booking) for booking in plan.no_show),
        host_payout_wei=payments.host_payout,
        platform_fee_wei=payments.platform_fee,
        stakes_returned_wei=payments.stakes_returned,
        stakes_forfeited_wei=payments.stakes_forfeited,
        host_stake_returned_wei=payments.host_stake,
        plan_hash=kept.hash if kept else None,
        transaction=PLANNED,
    )


def _existing(plan: CompletionPlan) -> Transaction:
    if plan.prepared.earlier is None:
        raise Refused(f"Event {plan.chain_event_id} has nothing to complete")
    return plan.prepared.earlier


def completed(transaction: Transaction, session: Session) -> EventCompleted:
    """Read the result from the record; before it is confirmed, from what was planned."""
    settled = settled_bookings(transaction.terms)
    came = set(transaction.arguments["attended"])
    revenue = sum((booking.payment for booking in settled), Wei(0))
    fee = percent_of(revenue, transaction.terms["fee_percent"])
    payout = revenue - fee
    host_stake = Wei(int(transaction.terms["host_stake_wei"]))
    for event in transaction.outcome:
        if event.name == "EventCompleted":
            payout = Wei(event.arguments["hostPayout"])
            host_stake = Wei(event.arguments["hostStakeReturned"])
    references = [(b, BookingReference(b.booking_id, b.chain_booking_id)) for b in settled]
    return EventCompleted(
        event_id=transaction.event_id,
        chain_event_id=transaction.chain_event_id or 0,
        attended=tuple(ref for b, ref in references if b.chain_booking_id in came),
        no_show=tuple(ref for b, ref in references if b.chain_booking_id not in came),
        host_payout_wei=payout,
        platform_fee_wei=revenue - payout,
        stakes_returned_wei=sum((b.stake for b in settled if b.chain_booking_id in came), Wei(0)),
        stakes_forfeited_wei=sum(
            (b.stake for b in settled if b.chain_booking_id not in came), Wei(0)
        ),
        host_stake_returned_wei=host_stake,
        plan_hash=transaction.terms.get("plan_hash"),
        transaction=TransactionResult.of(transaction, session),
    )


def _reference(booking: OpenBooking) -> BookingReference:
    return BookingReference(booking.row.id if booking.row else None, booking.on_chain.id)


# --- guards -----------------------------------------------------------------------------


def _guard_time_and_signer(ending: EndingEvent, session: Session) -> None:
    event, block = ending.event, ending.snapshot.block
    if block.timestamp < event.starts_at:
        starts = datetime.fromtimestamp(event.starts_at, UTC)
        hours = (event.starts_at - block.timestamp) // 3600 + 1
        raise Refused(
            f"Event {event.id} has not begun; it starts at {starts.isoformat()}",
            hint="Complete it after its start, by the chain's time."
            + (
                f" In the sandbox: mayhouse sandbox warp {hours}h"
                if session.config.is_local
                else ""
            ),
        )
    signer = session.signer.address
    if signer not in (event.host, ending.snapshot.owner):
        raise Refused(
            f"Only the host {event.host} or the owner {ending.snapshot.owner} can complete "
            f"event {event.id}; {signer} signs here",
            hint="Sign with one of those wallets.",
        )
