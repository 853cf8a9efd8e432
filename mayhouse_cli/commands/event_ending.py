"""`mayhouse event complete` and `mayhouse event cancel`: the two ends of an event."""

from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands.arguments import split
from mayhouse_cli.commands.ending_views import (
    cancellation_blocks,
    cancelled_blocks,
    completed_blocks,
    completion_blocks,
)
from mayhouse_cli.commands.invocation import (
    DECIDE_ANEW,
    SIGN_SECONDS,
    Invocation,
    spending_blocks,
)
from mayhouse_cli.errors import ConsentMissing, WrongUsage
from mayhouse_cli.operations import event_cancellation, event_completion
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.attendance_file import read_attendance_file
from mayhouse_cli.operations.attendance_template import as_csv, attendance_template
from mayhouse_cli.operations.event_cancellation import CancellationPlan
from mayhouse_cli.operations.intents import Spending
from mayhouse_cli.options import CommonOptions, EventArgument, SigningOptions, command
from mayhouse_cli.render import dim

PlanOption = Annotated[bool, typer.Option("--plan", help="Show and store the plan; sign nothing.")]
ExecuteOption = Annotated[
    str | None,
    typer.Option(
        "--execute",
        metavar="PLAN_HASH",
        show_default=False,
        help="Carry out a stored plan, if nothing has moved. A terminal shows it again and asks, "
        "unless --yes; elsewhere the hash is the consent.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group of events."""
    command(app, "complete")(complete)
    command(app, "cancel")(cancel)


def complete(
    common: CommonOptions,
    signing: SigningOptions,
    event: EventArgument,
    template_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Where --attendance-template is written; stdout without it.",
        ),
    ] = None,
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
            help="List of all bookings: columns booking (or traveler) and attended (yes/no).",
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
    attendance_template: Annotated[
        bool,
        typer.Option(
            "--attendance-template",
            help="Only write the list that --attendance reads, to be filled in.",
        ),
    ] = False,
    plan: PlanOption = False,
    execute: ExecuteOption = None,
) -> None:
    """Complete an event: stakes go back to those who came, the host is paid.

    Example: mayhouse event complete 42 --attended 7,8
    """
    invocation = Invocation(common)
    request = _request(attended, no_show, attendance, all_attended, nobody_attended)
    is_plain = request == AttendanceRequest() and execute is None and not plan
    if attendance_template or template_file is not None:
        if not (attendance_template and is_plain):
            raise WrongUsage(
                "A FILE goes with --attendance-template alone, and that with no other list",
                hint="mayhouse event complete EVENT --attendance-template list.csv",
            )
        return _write_template(invocation, event, template_file)
    choices = invocation.signing_choices(signing)
    if execute is not None and (request != AttendanceRequest() or plan):
        raise WrongUsage(
            "--execute goes with neither lists nor --plan", hint="The plan holds who came."
        )
    with invocation.session(SIGN_SECONDS) as session:
        if execute is not None:
            made = event_completion.plan_execution(event, execute, choices, session)
        else:
            made = event_completion.plan_completion(event, request, choices, session)
        spending = made.prepared.spending(session)
        kept = event_completion.store(made, session) if plan else None
        result = event_completion.planned(made, kept, session)
        if not (signing.dry_run or plan):
            if execute is None or invocation.may_ask:
                invocation.consent(spending, signing, completion_blocks(made))
            session.deadline.restart()
            result = event_completion.complete(made, choices, session)
    return invocation.show(result, completed_blocks(made, result, spending))


def _request(
    attended: str | None,
    no_show: str | None,
    attendance: Path | None,
    all_attended: bool,  # noqa: FBT001 an option
    nobody_attended: bool,  # noqa: FBT001 an option
) -> AttendanceRequest:
    request = AttendanceRequest(
        split(attended, "--attended"), split(no_show, "--no-show"), all_attended, nobody_attended
    )
    if attendance is None:
        return request
    if request != AttendanceRequest():
        raise WrongUsage("--attendance names everyone", hint="Leave the other lists away.")
    return AttendanceRequest(listed=read_attendance_file(attendance))


def _write_template(invocation: Invocation, event: str, file: Path | None) -> None:
    with invocation.session() as session:
        template = attendance_template(event, file, session)
    if file is None and not (invocation.common.json or invocation.common.quiet):
        for line in as_csv(template).splitlines():
            invocation.output.plain(line)
        return
    told = f"{len(template.bookings)} to decide in {file}; then --attendance {file}"
    invocation.show(template, [dim(told)])


# --- cancel -----------------------------------------------------------------------------


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
    plan: PlanOption = False,
    execute: ExecuteOption = None,
) -> None:
    """Cancel an event: everyone is refunded.

    A plan of it lives for 15 minutes.

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
        spending = made.prepared.spending(session)
        kept = event_cancellation.store(made, session) if plan else None
        result = event_cancellation.planned(made, kept, session)
        if not (signing.dry_run or plan):
            if execute is None:
                _consent_to_cancel(invocation, made, spending, event)
            elif invocation.may_ask:
                invocation.consent(spending, signing, cancellation_blocks(made))
            session.deadline.restart()
            result = event_cancellation.cancel(made, choices, session)
    invocation.show(result, cancelled_blocks(made, result, spending))


def _consent_to_cancel(
    invocation: Invocation, plan: CancellationPlan, spending: Spending | None, event: str
) -> None:
    """Have the event typed: a habitual "y" must not refund an event; --yes is not enough."""
    if spending is None:
        return
    if not invocation.may_ask:
        raise ConsentMissing(
            f"Cancelling event {plan.chain_event_id} needs more than --yes here",
            hint=f"Look at it with `mayhouse event cancel {event} --reason ... --plan`, then "
            "--execute its hash within 15 minutes.",
        )
    invocation.output.note([*cancellation_blocks(plan), *spending_blocks(spending)])
    typed = invocation.ask(f"Type {plan.chain_event_id} to cancel this event:")
    if typed != str(plan.chain_event_id):
        raise ConsentMissing("Declined; nothing was signed", hint=DECIDE_ANEW)
