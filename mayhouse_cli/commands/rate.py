"""`mayhouse rate`: the price of one ETH in rupees that is used, and its history."""

from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import moment, rate_words
from mayhouse_cli.commands.arguments import parse_moment
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.money import format_rate, parse_rate
from mayhouse_cli.operations import rate_fetching, rates
from mayhouse_cli.operations.rates import RateReport, RateSet
from mayhouse_cli.options import CommonOptions, LimitOption, command, group
from mayhouse_cli.render import Block, Line, Table, dim, good

app = group("The price of one ETH in rupees.")


@command(app, "show")
def show(common: CommonOptions, limit: LimitOption = 20) -> None:
    """Show the rate that would be used now, whether it may be, and the stored ones.

    Example: mayhouse rate show --limit 5
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = rates.show_rate(limit, session)
    invocation.show(result, _report(result))


def _report(result: RateReport) -> list[Block]:
    blocks: list[Block] = []
    if result.eth_price_inr is not None and result.source and result.as_of:
        blocks.append(Line(rate_words(result.eth_price_inr, result.source, result.as_of), "bold"))
    if result.reason:
        blocks += [Line(f"! {result.reason}", "yellow"), Line(f"  {result.remedy}")]
    else:
        blocks.append(good("It would be used now"))
    if result.history:
        rows = [
            [
                format_rate(one.rate.eth_price_inr),
                one.rate.source,
                moment(one.rate.as_of),
                moment(one.fetched_at),
            ]
            for one in result.history
        ]
        headers = ["per ETH", "source", "as of", "stored"]
        blocks += [Line(), Table(rows, headers, frozenset({0}), indent=2)]
    return blocks


@command(app, "set")
def set_(
    common: CommonOptions,
    price: Annotated[
        str,
        typer.Argument(metavar="INR_PER_ETH", help="Like 198750.50.", show_default=False),
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="RFC3339",
            show_default=False,
            help="When it was true; now by default.",
        ),
    ] = None,
    accept_jump: Annotated[
        bool,
        typer.Option("--accept-jump", help="It is right, however far from the last one."),
    ] = False,
) -> None:
    """Store a rate by hand; used where none is configured, until it is too old.

    Example: mayhouse rate set 198750.50
    """
    invocation = Invocation(common)
    rate, when = parse_rate(price), parse_moment(as_of, "time of the price")
    with invocation.session() as session:
        result = rates.set_rate(rate, when, accept_jump=accept_jump, session=session)
        warnings = rates.overruled(session)
    invocation.show(result, _stored(result), warnings)


@command(app, "fetch")
def fetch(common: CommonOptions) -> None:
    """Ask the endpoint of rate_url and store its rate, unless it is absurd or old.

    Example: mayhouse rate fetch
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = rate_fetching.fetch_rate(session)
        warnings = rates.overruled(session)
    invocation.show(result, _stored(result), warnings)


def _stored(result: RateSet) -> list[Block]:
    words = rate_words(result.eth_price_inr, result.source, result.as_of)
    lines: list[Block] = [good(f"Stored: {words}" if result.recorded else f"Unchanged: {words}")]
    if result.recorded and result.before_inr is not None:
        lines.append(dim(f"  before it {format_rate(result.before_inr)}"))
    return lines
