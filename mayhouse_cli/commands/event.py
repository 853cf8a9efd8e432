"""`mayhouse event create`, `list` and `show`; `event_ending` has `complete` and `cancel`."""

from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands import event_import
from mayhouse_cli.commands.amounts import moment, transaction_lines
from mayhouse_cli.commands.arguments import parse_moment, parse_uuid
from mayhouse_cli.commands.event_views import creation_blocks, creation_done, event_blocks
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import format_inr, parse_inr
from mayhouse_cli.operations import event_creation, events
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.options import (
    MOST_SEATS,
    BulkOptions,
    CommonOptions,
    EventArgument,
    LimitOption,
    SigningOptions,
    command,
    group,
)
from mayhouse_cli.render import WAITING, Block, Line, Table, dim, state

app = group("Create, complete and cancel event runs.")


# --- create -----------------------------------------------------------------------------


@command(app, "create")
def create(
    common: CommonOptions,
    signing: SigningOptions,
    bulk: BulkOptions,
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="EVENT",
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
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE.csv",
            show_default=False,
            help="Create one for each row: experience, price_inr, seats, starts_at; or event.",
        ),
    ] = None,
) -> None:
    """Create an event run on chain and record it.

    Example: mayhouse event create --experience ID --price-inr 2500 --seats 4
    --starts-at 2026-11-28T18:00+05:30
    """
    invocation = Invocation(common)
    if from_file is not None:
        given = (event, experience, price_inr, seats, starts_at, ends_at, host_wallet)
        if any(one is not None for one in given):
            raise WrongUsage(
                "--from takes the terms of all events from the file",
                hint="Leave the event and the options of a single one away.",
            )
        event_import.create_from(from_file, invocation, signing, bulk, allow_large=allow_large)
        return
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
            told = [Line(f"! {text}", WAITING) for text in plan.warnings]
            spending = plan.prepared.spending(session)
            invocation.consent(spending, signing, [*creation_blocks(result), *told])
            session.deadline.restart()
            result = event_creation.create(plan, choices, session)
    blocks = [
        *creation_blocks(result),
        *transaction_lines(
            result.transaction,
            creation_done(result, before=plan.prepared.earlier is not None),
        ),
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
    rows: list[list[str | Line]] = [
        [
            str(one.chain_event_id or "-"),
            one.title,
            moment(one.starts_at),
            str(one.seats),
            format_inr(one.price_inr),
            one.status,
            state(one.blockchain_status),
            str(one.event_id),
        ]
        for one in result.events
    ]
    headers = ["event", "experience", "starts", "seats", "price", "status", "chain", "row"]
    # Without its row an event is named by its number alone, if it has one.
    spare = (7, 6, 3, 4) if all(one.chain_event_id for one in result.events) else (6, 3, 4)
    blocks: list[Block] = [Table(rows, headers, frozenset({0, 3, 4}), spare=spare)]
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
