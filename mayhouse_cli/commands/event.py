"""`mayhouse event`: create, list, show, complete and cancel event runs."""

from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import moment, transaction_lines
from mayhouse_cli.commands.arguments import parse_moment, parse_uuid, split
from mayhouse_cli.commands.event_views import (
    cancellation_blocks,
    cancelled_blocks,
    completed_blocks,
    completion_blocks,
    creation_blocks,
    creation_done,
    event_blocks,
)
from mayhouse_cli.commands.invocation import DECIDE_ANEW, SIGN_SECONDS, Invocation
from mayhouse_cli.errors import ConsentMissing, WrongUsage
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import format_inr, parse_inr
from mayhouse_cli.operations import event_cancellation, event_completion, event_creation, events
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.attendance_file import read_attendance_file
from mayhouse_cli.operations.event_cancellation import CancellationPlan
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.options import (
    MOST_SEATS,
    CommonOptions,
    EventArgument,
    LimitOption,
    SigningOptions,
    command,
    group,
)
from mayhouse_cli.render import Block, Table, dim

app = group("Create, complete and cancel event runs.")


# --- create -----------------------------------------------------------------------------


@command(app, "create")
def create(
    common: CommonOptions,
    signing: SigningOptions,
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="[EVENT]",
            help="Database id of an event run that has a row.",
            show_default=False,
        ),
    ] = None,
    experience: Annotated[
        str | None,
        typer.Option(
            "--experience", metavar="ID", help="Experience of a new event run.", show_default=False
        ),
    ] = None,
    price_inr: Annotated[
        str | None,
        typer.Option(
            "--price-inr", metavar="N", help="Price of a seat in rupees.", show_default=False
        ),
    ] = None,
    seats: Annotated[
        int | None,
        typer.Option(
            "--seats",
            metavar="N",
            min=1,
            max=MOST_SEATS,
            help="Seats on offer.",
            show_default=False,
        ),
    ] = None,
    starts_at: Annotated[
        str | None,
        typer.Option(
            "--starts-at",
            metavar="RFC3339",
            show_default=False,
            help="Start, with its time zone: 2026-11-28T18:00+05:30.",
        ),
    ] = None,
    ends_at: Annotated[
        str | None,
        typer.Option(
            "--ends-at",
            metavar="RFC3339",
            show_default=False,
            help="End; three hours after the start by default.",
        ),
    ] = None,
    host_wallet: Annotated[
        str | None,
        typer.Option(
            "--host-wallet",
            metavar="0x..",
            show_default=False,
            help="Where the host is paid; not the host on chain.",
        ),
    ] = None,
    allow_large: Annotated[
        bool, typer.Option("--allow-large", help="Accept more seats than are safe to complete.")
    ] = False,
) -> None:
    """Create an event run on chain and record it.

    Example: mayhouse event create --experience ID --price-inr 2500 --seats 4
    --starts-at 2026-11-28T18:00+05:30
    """
    invocation = Invocation(common)
    request = EventRequest(
        event_id=event,
        experience_id=parse_uuid(experience, "--experience"),
        price_inr=parse_inr(price_inr, "price") if price_inr is not None else None,
        seats=seats,
        starts_at=parse_moment(starts_at, "start"),
        ends_at=parse_moment(ends_at, "end"),
        host_wallet=parse_address(host_wallet) if host_wallet else None,
        allow_large=allow_large,
    )
    choices = invocation.signing_choices(signing)
    with invocation.session(SIGN_SECONDS) as session:
        plan = event_creation.plan_creation(request, choices, session)
        result = event_creation.planned(plan, session)
        if not signing.dry_run:
            invocation.consent(plan.prepared.spending(session), signing, creation_blocks(result))
            session.deadline.restart()
            result = event_creation.create(plan, choices, session)
    blocks = [
        *creation_blocks(result),
        *transaction_lines(result.transaction, creation_done(result)),
    ]
    invocation.show(result, blocks, plan.warnings)


# --- list and show ----------------------------------------------------------------------


@command(app, "list")
def list_(common: CommonOptions, limit: LimitOption = 50) -> None:
    """List the event runs of the database, the latest start first.

    Example: mayhouse event list --limit 10
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = events.list_events(limit, session)
    rows = [
        [
            str(one.chain_event_id or "-"),
            one.title,
            moment(one.starts_at),
            str(one.seats),
            format_inr(one.price_inr),
            one.status,
            one.blockchain_status,
            str(one.event_id),
        ]
        for one in result.events
    ]
    headers = ["event", "experience", "starts", "seats", "price", "status", "chain", "row"]
    blocks: list[Block] = [Table(rows, headers, frozenset({0, 3, 4}))]
    invocation.show(result, blocks if rows else [dim("No events yet.")])


@command(app, "show")
def show(common: CommonOptions, event: EventArgument) -> None:
    """Show an event run: its row, its on-chain state, its bookings and transactions.

    Example: mayhouse event show 42
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = events.show_event(event, session)
    invocation.show(result, event_blocks(result))


# --- complete ---------------------------------------------------------------------------


@command(app, "complete")
def complete(
    common: CommonOptions,
    signing: SigningOptions,
    event: EventArgument,
    attended: Annotated[
        str | None,
        typer.Option(
            "--attended",
            metavar="ID,ID",
            show_default=False,
            help="Bookings that came: database ids or on-chain numbers.",
        ),
    ] = None,
    attendance: Annotated[
        Path | None,
        typer.Option(
            "--attendance",
            metavar="FILE.csv",
            show_default=False,
            help="List of all bookings: columns booking, attended.",
        ),
    ] = None,
    all_attended: Annotated[
        bool, typer.Option("--all-attended", help="Everyone who booked came.")
    ] = False,
    nobody_attended: Annotated[
        bool, typer.Option("--nobody-attended", help="Nobody came: every stake is kept.")
    ] = False,
    no_show: Annotated[
        str | None,
        typer.Option(
            "--no-show",
            metavar="ID,ID",
            show_default=False,
            help="Bookings that did not come, where they must be named.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show and store the plan; sign nothing.")
    ] = False,
    execute: Annotated[
        str | None,
        typer.Option(
            "--execute",
            metavar="PLAN_HASH",
            show_default=False,
            help="Carry out a stored plan, if nothing has moved; its hash is the consent.",
        ),
    ] = None,
) -> None:
    """Complete an event: stakes go back to those who came, the host is paid.

    Example: mayhouse event complete 42 --attended 7,8
    """
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    request = AttendanceRequest(
        split(attended, "--attended"), split(no_show, "--no-show"), all_attended, nobody_attended
    )
    if attendance is not None:
        if request != AttendanceRequest():
            raise WrongUsage("--attendance names everyone", hint="Leave the other lists away.")
        request = read_attendance_file(attendance)
    if execute is not None and (request != AttendanceRequest() or plan):
        raise WrongUsage(
            "--execute goes with neither lists nor --plan", hint="The plan holds who came."
        )
    with invocation.session(SIGN_SECONDS) as session:
        if execute is not None:
            made = event_completion.plan_execution(event, execute, choices, session)
        else:
            made = event_completion.plan_completion(event, request, choices, session)
        kept = event_completion.store(made, session) if plan else None
        result = event_completion.planned(made, kept, session)
        if not (signing.dry_run or plan):
            if execute is None:
                invocation.consent(
                    made.prepared.spending(session), signing, completion_blocks(made)
                )
            session.deadline.restart()
            result = event_completion.complete(made, choices, session)
    invocation.show(result, completed_blocks(made, result))


# --- cancel -----------------------------------------------------------------------------


@command(app, "cancel")
def cancel(
    common: CommonOptions,
    signing: SigningOptions,
    event: EventArgument,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why; kept in the journal.", show_default=False
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show and store the plan; sign nothing.")
    ] = False,
    execute: Annotated[
        str | None,
        typer.Option(
            "--execute",
            metavar="PLAN_HASH",
            show_default=False,
            help="Carry out a plan at most 15 minutes old; its hash is the consent.",
        ),
    ] = None,
) -> None:
    """Cancel an event: everyone is refunded.

    Example: mayhouse event cancel 42 --reason "host is ill" --plan
    """
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    if execute is None and not (reason or "").strip():
        raise WrongUsage("A cancellation needs a reason", hint='Give it with --reason "...".')
    if execute is not None and (reason is not None or plan):
        raise WrongUsage(
            "--execute takes the reason from its plan", hint="Leave --reason and --plan out."
        )
    with invocation.session(SIGN_SECONDS) as session:
        if execute is not None:
            made = event_cancellation.plan_execution(event, execute, choices, session)
        else:
            made = event_cancellation.plan_cancellation(
                event, (reason or "").strip(), choices, session
            )
        kept = event_cancellation.store(made, session) if plan else None
        result = event_cancellation.planned(made, kept, session)
        if not (signing.dry_run or plan):
            if execute is None and made.prepared.earlier is None:
                _consent_to_cancel(invocation, made, event)
            session.deadline.restart()
            result = event_cancellation.cancel(made, choices, session)
    invocation.show(result, cancelled_blocks(made, result))


def _consent_to_cancel(invocation: Invocation, plan: CancellationPlan, event: str) -> None:
    """Have the event typed: a habitual "y" must not refund an event; --yes is not enough."""
    if not invocation.may_ask:
        raise ConsentMissing(
            f"Cancelling event {plan.chain_event_id} needs more than --yes here",
            hint=f"Look at it with `mayhouse event cancel {event} --reason ... --plan`, then "
            "--execute its hash within 15 minutes.",
        )
    invocation.output.note(cancellation_blocks(plan))
    typed = invocation.ask(f"Type {plan.chain_event_id} to cancel this event:")
    if typed != str(plan.chain_event_id):
        raise ConsentMissing("Declined; nothing was signed", hint=DECIDE_ANEW)
