"""`mayhouse booking`: quote, create, list and show bookings."""

from collections.abc import Iterator
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import eth, moment, plural, rate_words, transaction_lines
from mayhouse_cli.commands.arguments import parse_uuid
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.money import format_inr
from mayhouse_cli.operations import booking_creation, bookings
from mayhouse_cli.operations.booking_creation import BookingCreated, BookingRequest
from mayhouse_cli.operations.bookings import BookingDetails, Quote
from mayhouse_cli.options import (
    MOST_SEATS,
    BookingArgument,
    CommonOptions,
    EventArgument,
    LimitOption,
    SeatsOption,
    SigningOptions,
    command,
    group,
)
from mayhouse_cli.render import WAITING, Block, Line, Table, dim, heading, state

app = group("Quote, make and look up bookings.")


@command(app, "quote")
def quote(common: CommonOptions, event: EventArgument, seats: SeatsOption) -> None:
    """Price a booking by the contract's own view, and store the quote.

    Example: mayhouse booking quote 42 --seats 2
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = bookings.quote(event, seats, session)
    invocation.show(result, _quote_blocks(result))


def _quote_blocks(quote: Quote) -> list[Block]:
    per_seat = quote.payment_inr / quote.seats
    # Rounded once for all seats, the sum need not be a multiple of the price.
    about = "" if per_seat == round(per_seat, 2) else "about "
    rows = [
        [
            f"{plural(quote.seats, 'seat')} x {about}{format_inr(per_seat)}",
            format_inr(quote.payment_inr),
            eth(quote.payment_wei),
        ],
        [
            f"stake {quote.stake_percent} %, refundable",
            format_inr(quote.stake_inr),
            eth(quote.stake_wei),
        ],
        ["to pay", format_inr(quote.total_inr), eth(quote.total_wei)],
    ]
    head = heading(
        quote.title,
        f"event {quote.chain_event_id}",
        moment(quote.starts_at),
        f"{quote.seats_available} of {plural(quote.max_seats, 'seat')} left",
    )
    at = rate_words(quote.eth_price_inr, quote.rate_source, quote.rate_as_of)
    return [
        head,
        Line(),
        Table(rows, right=frozenset({1, 2}), indent=2),
        Line(),
        dim(f"  at {at} · block {quote.block_number:,}"),
    ]


@command(app, "create")
def create(
    common: CommonOptions,
    signing: SigningOptions,
    event: Annotated[
        str | None,
        typer.Argument(metavar="EVENT", help="Database id or on-chain number.", show_default=False),
    ] = None,
    seats: Annotated[
        int | None,
        typer.Option(
            "--seats",
            metavar="N",
            min=1,
            max=MOST_SEATS,
            help="How many seats.",
            show_default=False,
        ),
    ] = None,
    traveler: Annotated[
        str | None,
        typer.Option(
            "--traveler", metavar="ID", help="Database id of who books.", show_default=False
        ),
    ] = None,
    booking: Annotated[
        str | None,
        typer.Option(
            "--booking",
            metavar="ID",
            help="Database id of a booking that has a row.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Book an event on chain for a traveler and record it.

    Example: mayhouse booking create 42 --seats 2 --traveler ID
    """
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    request = BookingRequest(booking, event, seats, parse_uuid(traveler, "--traveler"))
    with invocation.session(SIGN_SECONDS) as session:
        plan = booking_creation.plan_booking(request, choices, session)
        result = booking_creation.planned(plan, session)
        if not signing.dry_run:
            spending = plan.prepared.spending(session)
            told = [Line(f"! {text}", WAITING) for text in plan.warnings]
            invocation.consent(spending, signing, [*_quote_blocks(plan.quote), *told])
            session.deadline.restart()
            result = booking_creation.create(plan, choices, session)
    invocation.show(result, _created_blocks(result), plan.warnings)


def _created_blocks(result: BookingCreated) -> list[Block]:
    return [
        *_quote_blocks(result.quote),
        dim(f"  for {result.traveler}, row {result.booking_id}"),
        *transaction_lines(result.transaction, f"Booking {result.chain_booking_id} made"),
    ]


@command(app, "list")
def list_(
    common: CommonOptions,
    event: Annotated[
        str | None,
        typer.Option(
            "--event", metavar="EVENT", help="Only those of this event.", show_default=False
        ),
    ] = None,
    limit: LimitOption = 50,
) -> None:
    """List the bookings of the database, newest first.

    Example: mayhouse booking list --event 42
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = bookings.list_bookings(event, limit, session)
    rows: list[list[str | Line]] = [
        [
            str(one.chain_booking_id or "-"),
            one.traveler,
            str(one.seats),
            state(one.status)
            if one.chain_booking_id
            else Line(f"{one.status}, not on chain", WAITING),
            eth(one.stake_wei) if one.stake_wei is not None else "-",
            str(one.booking_id),
        ]
        for one in result.bookings
    ]
    headers = ["booking", "traveler", "seats", "status", "stake", "row"]
    # Without its row a booking is named by its number alone, if it has one.
    spare = (5, 4, 2) if all(one.chain_booking_id for one in result.bookings) else (4, 2)
    blocks: list[Block] = [Table(rows, headers, frozenset({0, 2, 4}), spare=spare)]
    invocation.show(result, blocks if rows else [dim("No bookings yet.")])


@command(app, "show")
def show(common: CommonOptions, booking: BookingArgument) -> None:
    """Show a booking: its row and its on-chain state.

    Example: mayhouse booking show 7
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = bookings.show_booking(booking, session)
    invocation.show(result, _details(result))


def _details(result: BookingDetails) -> Iterator[Block]:
    number = f"booking {result.chain_booking_id}" if result.chain_booking_id else "not on chain"
    yield Line(f"{result.traveler or 'a stranger'}   {number}", "bold")
    rows = [
        ["row", str(result.booking_id or "none: a stranger's booking")],
        ["event", f"{result.chain_event_id or '-'}   {result.event_id or ''}"],
        ["seats", str(result.seats)],
        ["status", result.status or "-"],
        ["on chain", result.chain_status or "-"],
    ]
    if result.payment_wei is not None and result.stake_wei is not None:
        rows += [["payment", eth(result.payment_wei)], ["stake", eth(result.stake_wei)]]
    if result.tx_hash:
        rows.append(["transaction", result.explorer_url or result.tx_hash])
    yield Table(rows, indent=2)
