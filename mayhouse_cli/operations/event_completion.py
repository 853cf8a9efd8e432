"""Complete an event: who came gets the stake back, who did not loses it, the host is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.models import BookingRow, Call, Intent, Kind, Plan
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import intents
from mayhouse_cli.operations.attendance import (
    AttendanceRequest,
    attendance,
    check_request,
    likely_attendance,
    recorded_attendance,
)
from mayhouse_cli.operations.completion_results import (
    NOTHING_PAID,
    BookingReference,
    EventCompleted,
    Payments,
    completed,
    work_out,
)
from mayhouse_cli.operations.ending_plans import (
    EndingPlan,
    PlannedStake,
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
from mayhouse_cli.operations.settled_bookings import terms_of_bookings
from mayhouse_cli.operations.settling import (
    EndingEvent,
    LikelyCall,
    OpenBooking,
    guard_escrow,
    guard_travelers,
    read_ending_event,
    simulate,
)
from mayhouse_cli.operations.transactions import PLANNED
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment_of

# The plan is bound to the state by its hash; a day lets someone else look at it first.
COMPLETION_PLAN_LIVES: Final = timedelta(days=1)


@dataclass(frozen=True)
class CompletionPlan(EndingPlan):
    """A completion that can be agreed to: who counts as what, who gets what, what is signed."""

    fee_percent: int = 0
    host_name: str | None = None
    attended: tuple[OpenBooking, ...] = ()
    no_show: tuple[OpenBooking, ...] = ()
    payments: Payments = NOTHING_PAID


# --- plan -------------------------------------------------------------------------------


@waits_for_fee
def plan_completion(
    event: str, request: AttendanceRequest, choices: SigningChoices, session: Session
) -> CompletionPlan:
    """Read, guard, and work out every payment; signs nothing."""
    earlier = _earlier(event, request, choices, session)
    if earlier is not None:
        return earlier
    ending = read_ending_event(event, session, _likely_call(request))
    attended, no_show = attendance(ending, request)
    return _plan(ending, attended, no_show, choices, session, None)


@waits_for_fee
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
    ending = read_ending_event(event, session, _likely_call(request))
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
    check_request(request)
    reference, number = find_event_on_chain(event, session)
    row = reference.row
    intent = _intent(row.id if row else None, number, {}, choices, session)
    before = session.journal.latest(intent)
    if before is None or before.status.is_impossible:
        return None
    intent = replace(intent, arguments=recorded_attendance(before, request, row, session))
    earlier = intents.earlier_run(intent, session)
    return CompletionPlan(Prepared(intent, None, None, earlier), reference.title, number)


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


def _call(number: int, came: Sequence[int]) -> Call:
    return Call("completeEvent", (number, list(came)))


def _likely_call(request: AttendanceRequest) -> LikelyCall:
    def call(number: int, rows: Sequence[BookingRow]) -> Call | None:
        came = likely_attendance(request, rows, number)
        return None if came is None else _call(number, came)

    return call


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
    guard_travelers(ending)
    guard_escrow(ending.snapshot, payments.leaves_contract)
    call = _call(ending.event.id, came)
    payees = [booking.on_chain.user for booking in attended] + [ending.event.host]
    snapshot = simulate(call, payees, ending, session)
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
        content=content,
        ending=ending,
        plan=plan,
        fee_percent=ending.snapshot.fee_percent,
        host_name=row.experience.host.name if row else None,
        attended=attended,
        no_show=no_show,
        payments=payments,
    )


def store(plan: CompletionPlan, session: Session) -> Plan:
    """Keep a plan for `--execute`, for a day."""
    return keep_plan(plan, COMPLETION_PLAN_LIVES, session)


# --- execute ----------------------------------------------------------------------------


def complete(plan: CompletionPlan, choices: SigningChoices, session: Session) -> EventCompleted:
    """Record, send and watch a planned completion."""
    return completed(carry_out(plan, choices, session), session)


def planned(plan: CompletionPlan, kept: Plan | None, session: Session) -> EventCompleted:
    """What `complete` would give, with nothing signed."""
    if plan.prepared.earlier is not None:
        return completed(plan.prepared.earlier, session)
    payments = plan.payments
    return EventCompleted(
        event_id=plan.ending.event_id if plan.ending else None,
        chain_event_id=plan.chain_event_id,
        attended=tuple(BookingReference.of(booking.settled) for booking in plan.attended),
        no_show=tuple(BookingReference.of(booking.settled) for booking in plan.no_show),
        host_payout_wei=payments.host_payout,
        platform_fee_wei=payments.platform_fee,
        stakes_returned_wei=payments.stakes_returned,
        stakes_forfeited_wei=payments.stakes_forfeited,
        host_stake_returned_wei=payments.host_stake,
        plan_hash=kept.hash if kept else None,
        transaction=PLANNED,
        plan=PlanTerms.of(plan, kept, session, _stakes(plan)),
    )


def _stakes(plan: CompletionPlan) -> tuple[PlannedStake, ...]:
    came = {one.on_chain.id for one in plan.attended}
    return tuple(
        PlannedStake(
            chain_booking_id=one.chain_booking_id,
            traveler_id=one.traveler_id,
            returned_wei=one.stake if one.chain_booking_id in came else Wei(0),
            forfeited_wei=Wei(0) if one.chain_booking_id in came else one.stake,
        )
        for one in (booking.settled for booking in (*plan.attended, *plan.no_show))
    )


# --- guards -----------------------------------------------------------------------------


def _guard_time_and_signer(ending: EndingEvent, session: Session) -> None:
    event, block = ending.event, ending.snapshot.block
    if block.timestamp < event.starts_at:
        hours = (event.starts_at - block.timestamp) // 3600 + 1
        raise Refused(
            f"Event {event.id} has not begun; it starts at {moment_of(event.starts_at)}",
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
