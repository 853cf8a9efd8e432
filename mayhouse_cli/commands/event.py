"""`mayhouse event`: create, list, show, complete and cancel event runs."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from mayhouse_cli.commands.amounts import eth, inr_of, moment, plural, transaction_lines
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import ConsentMissing, WrongUsage
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import format_inr, format_rate, parse_inr
from mayhouse_cli.operations import event_cancellation, event_completion, event_creation, events
from mayhouse_cli.operations.event_cancellation import CancellationPlan, EventCancelled
from mayhouse_cli.operations.event_completion import (
    AttendanceRequest,
    CompletionPlan,
    EventCompleted,
)
from mayhouse_cli.operations.event_creation import EventCreated, EventRequest
from mayhouse_cli.operations.events import EventDetails
from mayhouse_cli.operations.settling import OpenBooking
from mayhouse_cli.options import (
    CommonOptions,
    EventArgument,
    LimitOption,
    SigningOptions,
    command,
    group,
)
from mayhouse_cli.render import Block, Line, Table, dim

app = group("Create, complete and cancel event runs.")

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|z|[+-]\d{2}:\d{2})", re.ASCII
)


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
            "--seats", metavar="N", min=1, max=2**63 - 1, help="Seats on offer.", show_default=False
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
            invocation.consent(plan.prepared.spending(session), signing, _creation_details(result))
            session.deadline.restart()
            result = event_creation.create(plan, choices, session)
    blocks = [*_creation_details(result), *transaction_lines(result.transaction, _created(result))]
    invocation.show(result, blocks, plan.warnings)


def _created(result: EventCreated) -> str:
    return f"Event {result.chain_event_id} created"


def _creation_details(result: EventCreated) -> list[Block]:
    rate = result.eth_price_inr
    rows = [
        ["price of a seat", format_inr(result.price_inr), eth(result.price_per_seat_wei)],
        ["host stake, advanced", inr_of(result.stake_wei, rate), eth(result.stake_wei)],
    ]
    return [
        Line(
            f"{result.title}   {moment(result.starts_at)}   {plural(result.seats, 'seat')}", "bold"
        ),
        dim(f"  row {result.event_id}"),
        Table(rows, right=frozenset({1, 2}), indent=2),
        dim(f"  at {format_rate(rate)} per ETH"),
    ]


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
    invocation.show(result, _details(result))


def _details(result: EventDetails) -> Iterator[Block]:
    number = f"event {result.chain_event_id}" if result.chain_event_id else "not on chain"
    yield Line(f"{result.title}   {number}", "bold")
    rows = [["row", str(result.event_id or "none: a stranger's event")]]
    if result.starts_at and result.price_inr is not None:
        rows += [
            ["host", result.host_name or "-"],
            ["starts", moment(result.starts_at)],
            ["price", format_inr(result.price_inr)],
            ["status", f"{result.status}, chain {result.blockchain_status}"],
        ]
    if chain := result.on_chain:
        rows += [
            ["on chain", chain.status],
            ["host on chain", chain.host],
            ["price on chain", eth(chain.price_per_seat_wei)],
            ["seats", f"{chain.seats_booked} of {chain.max_seats} booked"],
            ["host stake", eth(chain.host_stake_wei)],
        ]
    yield Table(rows, indent=2)
    if result.bookings:
        yield Line()
        yield Table(
            [
                [
                    str(one.chain_booking_id or "-"),
                    one.traveler or "a stranger",
                    str(one.seats),
                    eth(one.payment_wei) if one.payment_wei is not None else "-",
                    eth(one.stake_wei) if one.stake_wei is not None else "-",
                    one.status or "foreign",
                    one.chain_status or "-",
                    str(one.booking_id or "-"),
                ]
                for one in result.bookings
            ],
            ["booking", "traveler", "seats", "payment", "stake", "status", "on chain", "row"],
            frozenset({0, 2, 3, 4}),
            indent=2,
        )
    for transaction in result.transactions:
        yield dim(f"  {transaction.kind} {transaction.status} {transaction.tx_hash}")


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
            help="Carry out a stored plan, if nothing has moved since.",
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
    if execute is not None and (request != AttendanceRequest() or plan):
        raise WrongUsage("--execute needs no lists", hint="The plan holds who came.")
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
                    made.prepared.spending(session), signing, _completion_details(made)
                )
            session.deadline.restart()
            result = event_completion.complete(made, choices, session)
    invocation.show(result, _completed_blocks(made, result))


def _completion_details(plan: CompletionPlan) -> list[Block]:
    payments, rate = plan.payments, plan.rate
    if payments is None:
        return []
    came, missed = plan.attended, plan.no_show
    rows = [
        [
            "came",
            _counted(came),
            "stakes back",
            eth(payments.stakes_returned),
            inr_of(payments.stakes_returned, rate),
        ],
        [
            "no-show",
            _counted(missed),
            "stake kept",
            eth(payments.stakes_forfeited),
            inr_of(payments.stakes_forfeited, rate),
        ],
        [
            "host",
            plan.host_name or "-",
            f"revenue - {plan.fee_percent} %",
            eth(payments.host_payout),
            inr_of(payments.host_payout, rate),
        ],
        ["platform", "", "fee", eth(payments.platform_fee), inr_of(payments.platform_fee, rate)],
        ["host stake, advanced by us", "", "returned", eth(payments.host_stake), ""],
    ]
    blocks: list[Block] = [
        Line(f'Complete event {plan.chain_event_id} "{plan.title}"', "bold"),
        Table(rows, right=frozenset({3, 4}), indent=2),
    ]
    for booking in missed:
        who = booking.row.traveler.name if booking.row else "a stranger"
        text = (
            f"  no-show: booking {booking.on_chain.id}, {who}, loses {eth(booking.on_chain.stake)}"
        )
        blocks.append(Line(text, "yellow"))
    return blocks


def _counted(bookings: Sequence[OpenBooking]) -> str:
    seats = sum(one.on_chain.seats for one in bookings)
    return f"{plural(len(bookings), 'booking')}, {plural(seats, 'seat')}"


def _completed_blocks(plan: CompletionPlan, result: EventCompleted) -> list[Block]:
    details = _completion_details(plan)
    if result.transaction.tx_hash is None and result.plan_hash:
        return [*details, *_plan_lines("complete", plan.chain_event_id, result.plan_hash)]
    return [*details, *transaction_lines(result.transaction, "Completed")]


def _plan_lines(verb: str, number: int, plan_hash: str) -> list[Block]:
    return [
        dim("  Nothing was signed. To carry it out:"),
        Line(f"  mayhouse event {verb} {number} --execute {plan_hash}"),
    ]


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
            help="Carry out a plan that is at most 15 minutes old.",
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
        raise WrongUsage("--execute takes the reason from its plan", hint="Leave the rest away.")
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
    invocation.show(result, _cancelled_blocks(made, result))


def _consent_to_cancel(invocation: Invocation, plan: CancellationPlan, event: str) -> None:
    """Have the event typed: a habitual "y" must not refund an event; --yes is not enough."""
    if not invocation.may_ask:
        raise ConsentMissing(
            f"Cancelling event {plan.chain_event_id} needs more than --yes here",
            hint=f"Look at it with `mayhouse event cancel {event} --reason ... --plan`, then "
            "--execute its hash within 15 minutes.",
        )
    invocation.output.note(_cancellation_details(plan))
    typed = typer.prompt(
        f"Type {plan.chain_event_id} to cancel this event",
        err=True,
        default="",
        show_default=False,
    )
    if typed.strip() != str(plan.chain_event_id):
        raise ConsentMissing("Declined; nothing was signed")


def _cancellation_details(plan: CancellationPlan) -> list[Block]:
    rows = [
        [
            f"booking {one.on_chain.id}",
            one.row.traveler.name if one.row else "a stranger",
            plural(one.on_chain.seats, "seat"),
            eth(one.on_chain.payment + one.on_chain.stake),
            inr_of(one.on_chain.payment + one.on_chain.stake, plan.rate),
        ]
        for one in plan.bookings
    ]
    rows += [
        ["refunded", "", "", eth(plan.refunded), inr_of(plan.refunded, plan.rate)],
        ["host stake, advanced by us", "", "", eth(plan.host_stake), ""],
    ]
    return [
        Line(f'Cancel event {plan.chain_event_id} "{plan.title}"', "bold"),
        dim(f"  {plan.reason}"),
        Table(rows, right=frozenset({3, 4}), indent=2),
    ]


def _cancelled_blocks(plan: CancellationPlan, result: EventCancelled) -> list[Block]:
    details = _cancellation_details(plan) if plan.ending is not None else []
    if result.transaction.tx_hash is None and result.plan_hash:
        return [*details, *_plan_lines("cancel", plan.chain_event_id, result.plan_hash)]
    return [*details, *transaction_lines(result.transaction, "Cancelled")]


# --- reading arguments ------------------------------------------------------------------


def parse_moment(text: str | None, what: str) -> datetime | None:
    """Read RFC 3339 with its offset; WrongUsage names what is missing."""
    if text is None:
        return None
    cleaned = text.strip()
    if cleaned.isascii() and cleaned.isdigit():
        unit = "milliseconds" if len(cleaned) > 10 else "seconds"  # noqa: PLR2004 epoch seconds
        raise WrongUsage(
            f"The {what} looks like {unit} since 1970: {text}",
            hint="Write a date with its time zone: 2026-11-28T18:00+05:30.",
        )
    if _RFC3339.fullmatch(cleaned):
        try:
            return datetime.fromisoformat(cleaned.upper())
        except ValueError:
            pass
    elif _RFC3339.fullmatch(cleaned + "Z"):
        raise WrongUsage(
            f"The {what} has no time zone: {text}",
            hint=f"Write {cleaned}+05:30 for Indian time.",
        )
    raise WrongUsage(f"Not a time: {text}", hint="Write it like 2026-11-28T18:00+05:30.")


def parse_uuid(text: str | None, option: str) -> UUID | None:
    """Read a database id; WrongUsage when it is none."""
    if text is None:
        return None
    try:
        return UUID(text.strip())
    except ValueError:
        raise WrongUsage(
            f"Not a database id for {option}: {text}",
            hint="It looks like 3f2b8c1e-0000-4000-8000-000000000001.",
        ) from None


def split(text: str | None, option: str) -> tuple[str, ...]:
    """Read a comma separated list; WrongUsage when it names nothing."""
    if text is None:
        return ()
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if not items:
        raise WrongUsage(f"{option} names nobody", hint="If nobody came, say --nobody-attended.")
    return items
