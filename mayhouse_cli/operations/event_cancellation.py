"""Cancel an event: every traveler is refunded, and the host's stake returns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Call, Intent, Kind, Plan, Transaction, inlined
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import find_event_on_chain
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

CANCELLATION_PLAN_LIVES: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Refund:
    """What one booking gets back: ticket and stake."""

    booking_id: UUID | None
    chain_booking_id: int
    refund_wei: Wei


@dataclass(frozen=True)
class CancellationPlan:
    """A cancellation that can be agreed to: who is refunded what, and what is signed."""

    prepared: Prepared
    title: str
    chain_event_id: int
    reason: str
    bookings: tuple[OpenBooking, ...]
    refunded: Wei
    host_stake: Wei
    rate: Decimal | None
    content: Mapping[str, Any]
    ending: EndingEvent | None
    plan: Plan | None = None


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


def plan_cancellation(
    event: str, reason: str, choices: SigningChoices, session: Session
) -> CancellationPlan:
    """Read, guard, and work out every refund; signs nothing."""
    return _plan_or_earlier(event, reason, choices, session, None)


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
        return CancellationPlan(
            prepared=Prepared(intent, None, None, earlier),
            title=reference.title,
            chain_event_id=number,
            reason=reason,
            bookings=(),
            refunded=Wei(0),
            host_stake=Wei(0),
            rate=None,
            content={},
            ending=None,
        )
    if plan is not None:
        refuse_expired(plan, session)
    ending = read_ending_event(event, session)
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
    guard_escrow(ending.snapshot, refunded + event.host_stake)
    call = Call("cancelEvent", (event.id,))
    payees = [booking.on_chain.user for booking in ending.bookings] + [event.host]
    snapshot = simulate(call, payees, session)
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
        reason=intent.reason or "",
        bookings=ending.bookings,
        refunded=refunded,
        host_stake=event.host_stake,
        rate=session.config.get("eth_price_inr"),
        content=content,
        ending=ending,
        plan=plan,
    )


def store(plan: CancellationPlan, session: Session) -> Plan:
    """Keep a plan for `--execute`, for a quarter of an hour."""
    if plan.ending is None:
        raise Refused(
            f"Event {plan.chain_event_id} has a cancellation already",
            hint="`mayhouse tx list` shows it.",
        )
    return keep_plan(Kind.CANCEL_EVENT, plan.ending, plan.content, CANCELLATION_PLAN_LIVES, session)


def cancel(plan: CancellationPlan, choices: SigningChoices, session: Session) -> EventCancelled:
    """Record, send and watch a planned cancellation."""

    def write_rows(transaction: Transaction) -> None:
        if plan.plan is not None:
            session.ledger.use_plan(plan.plan.hash, transaction.id)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    return cancelled(transaction, session)


def planned(plan: CancellationPlan, kept: Plan | None, session: Session) -> EventCancelled:
    """What `cancel` would give, with nothing signed."""
    if plan.prepared.earlier is not None:
        return cancelled(plan.prepared.earlier, session)
    return EventCancelled(
        event_id=plan.ending.event_id if plan.ending else None,
        chain_event_id=plan.chain_event_id,
        reason=plan.reason,
        refunds=tuple(
            Refund(
                one.row.id if one.row else None,
                one.on_chain.id,
                one.on_chain.payment + one.on_chain.stake,
            )
            for one in plan.bookings
        ),
        refunded_wei=plan.refunded,
        host_stake_returned_wei=plan.host_stake,
        plan_hash=kept.hash if kept else None,
        transaction=PLANNED,
    )


def cancelled(transaction: Transaction, session: Session) -> EventCancelled:
    """Read the result from the record."""
    settled = settled_bookings(transaction.terms)
    refunds = tuple(
        Refund(one.booking_id, one.chain_booking_id, one.payment + one.stake) for one in settled
    )
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
