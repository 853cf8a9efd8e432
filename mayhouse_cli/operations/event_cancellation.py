"""Cancel an event: every traveler is refunded, and the host's stake returns.

What it shares with completing is in `settling.py`, its plans are in `ending_plans.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Call, Intent, Kind, Plan, Transaction, inlined
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import intents
from mayhouse_cli.operations.ending_plans import (
    EndingPlan,
    PlanTerms,
    carry_out,
    keep_plan,
    load_plan,
    refuse_expired,
    refuse_when_moved,
    state_of,
)
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import find_event_on_chain
from mayhouse_cli.operations.reverification import event_terms
from mayhouse_cli.operations.settled_bookings import (
    SettledBooking,
    settled_bookings,
    terms_of_bookings,
)
from mayhouse_cli.operations.settling import (
    EndingEvent,
    OpenBooking,
    guard_escrow,
    guard_travelers,
    read_ending_event,
    simulate,
)
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session

CANCELLATION_PLAN_LIVES: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Refund:
    """What one booking gets back: ticket and stake."""

    booking_id: UUID | None
    chain_booking_id: int
    traveler_id: UUID | None
    refund_wei: Wei

    @classmethod
    def of(cls, booking: SettledBooking) -> "Refund":
        """Read it from a record."""
        return cls(
            booking_id=booking.booking_id,
            chain_booking_id=booking.chain_booking_id,
            traveler_id=booking.traveler_id,
            refund_wei=booking.payment + booking.stake,
        )


@dataclass(frozen=True)
class CancellationPlan(EndingPlan):
    """A cancellation that can be agreed to: who is refunded what, and what is signed."""

    reason: str = ""
    bookings: tuple[OpenBooking, ...] = ()
    refunded: Wei = Wei(0)
    host_stake: Wei = Wei(0)


@dataclass(frozen=True)
class EventCancelled:
    """`event cancel`: every refund, and the stake that returned."""

    event_id: UUID | None
    chain_event_id: int
    reason: str
    refunds: tuple[Refund, ...]
    refunded_wei: Wei
    host_stake_returned_wei: Wei
    plan_hash: str | None
    transaction: TransactionResult = inlined()
    plan: PlanTerms | None = None
    """None once it is signed."""


@waits_for_fee
def plan_cancellation(
    event: str, reason: str, choices: SigningChoices, session: Session
) -> CancellationPlan:
    """Read, guard, and work out every refund; signs nothing."""
    return _plan_or_earlier(event, reason, choices, session, None)


@waits_for_fee
def plan_execution(
    event: str, plan_hash: str, choices: SigningChoices, session: Session
) -> CancellationPlan:
    """Make the stored plan again from the present state; Refused when anything moved since."""
    plan = load_plan(plan_hash, Kind.CANCEL_EVENT, event, session)
    return _plan_or_earlier(event, plan.content["reason"], choices, session, plan)


def _plan_or_earlier(
    event: str, reason: str, choices: SigningChoices, session: Session, plan: Plan | None
) -> CancellationPlan:
    reference, number = find_event_on_chain(event, session)
    intent = _intent(reference.row.id if reference.row else None, number, reason, choices, session)
    earlier = intents.earlier_run(intent, session)
    if earlier is not None:
        prepared = Prepared(intent, None, None, earlier)
        return CancellationPlan(prepared, reference.title, number, reason=reason)
    if plan is not None:
        refuse_expired(plan, session)
    ending = read_ending_event(event, session, lambda of_event, _: _call(of_event))
    content = {**state_of(ending, session), "reason": reason}
    if plan is not None:
        refuse_when_moved(plan, content)
    return _plan(intent, ending, content, choices, session, plan)


def _intent(
    event_id: UUID | None, number: int, reason: str, choices: SigningChoices, session: Session
) -> Intent:
    return Intent(
        key=choices.key_or(f"event:{event_id or number}:cancel"),
        kind=Kind.CANCEL_EVENT,
        recipient=session.chain.contract,
        arguments={"chain_event_id": number},
        wanted_depth=choices.confirmations,
        event_id=event_id,
        chain_event_id=number,
        reason=reason,
    )


def _call(number: int) -> Call:
    return Call("cancelEvent", (number,))


def _plan(
    intent: Intent,
    ending: EndingEvent,
    content: Mapping[str, Any],
    choices: SigningChoices,
    session: Session,
    plan: Plan | None,
) -> CancellationPlan:
    event = ending.event
    if event.host != session.signer.address:
        raise Refused(
            f"Only the host {event.host} can cancel event {event.id}; "
            f"{session.signer.address} signs here",
            hint="Sign with the host's wallet.",
        )
    refunded = sum((one.on_chain.payment + one.on_chain.stake for one in ending.bookings), Wei(0))
    guard_travelers(ending)
    guard_escrow(ending.snapshot, refunded + event.host_stake)
    call = _call(event.id)
    payees = [booking.on_chain.user for booking in ending.bookings] + [event.host]
    snapshot = simulate(call, payees, ending, session)
    intent = replace(
        intent,
        call=call,
        calldata=session.chain.calldata(call),
        terms={
            **event_terms(ending.event),
            "bookings": terms_of_bookings([booking.settled for booking in ending.bookings]),
            "host_stake_wei": str(int(event.host_stake)),
            "plan_hash": plan.hash if plan else None,
        },
    )
    return CancellationPlan(
        prepared=intents.prepare(intent, snapshot, choices.max_fee, session),
        title=ending.reference.title,
        chain_event_id=event.id,
        content=content,
        ending=ending,
        plan=plan,
        reason=intent.reason or "",
        bookings=ending.bookings,
        refunded=refunded,
        host_stake=event.host_stake,
    )


def store(plan: CancellationPlan, session: Session) -> Plan:
    """Keep a plan for `--execute`, for a quarter of an hour."""
    return keep_plan(plan, CANCELLATION_PLAN_LIVES, session)


def cancel(plan: CancellationPlan, choices: SigningChoices, session: Session) -> EventCancelled:
    """Record, send and watch a planned cancellation."""
    return cancelled(carry_out(plan, choices, session), session)


def planned(plan: CancellationPlan, kept: Plan | None, session: Session) -> EventCancelled:
    """What `cancel` would give, with nothing signed."""
    if plan.prepared.earlier is not None:
        return cancelled(plan.prepared.earlier, session)
    return EventCancelled(
        event_id=plan.ending.event_id if plan.ending else None,
        chain_event_id=plan.chain_event_id,
        reason=plan.reason,
        refunds=tuple(Refund.of(booking.settled) for booking in plan.bookings),
        refunded_wei=plan.refunded,
        host_stake_returned_wei=plan.host_stake,
        plan_hash=kept.hash if kept else None,
        transaction=PLANNED,
        plan=PlanTerms.of(plan, kept, session),
    )


def cancelled(transaction: Transaction, session: Session) -> EventCancelled:
    """Read the result from the record."""
    refunds = tuple(Refund.of(booking) for booking in settled_bookings(transaction.terms))
    return EventCancelled(
        event_id=transaction.event_id,
        chain_event_id=transaction.chain_event_id or 0,
        reason=transaction.reason or "",
        refunds=refunds,
        refunded_wei=sum((refund.refund_wei for refund in refunds), Wei(0)),
        host_stake_returned_wei=Wei(int(transaction.terms["host_stake_wei"])),
        plan_hash=transaction.terms.get("plan_hash"),
        transaction=TransactionResult.of(transaction, session),
    )
