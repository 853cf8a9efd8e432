"""`mayhouse event settle`: the statement of settled events, as a table, CSV or printable page."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from mayhouse_cli.bootstrap import OpenSession
from mayhouse_cli.commands.amounts import moment, plural
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import MayhouseError, WrongUsage
from mayhouse_cli.money import Wei, format_eth, format_inr
from mayhouse_cli.operations import statements
from mayhouse_cli.operations.statement_lines import StatementLine, Totals
from mayhouse_cli.operations.statement_page import LABELS, PARTIES, as_page
from mayhouse_cli.operations.statement_sheet import as_sheet
from mayhouse_cli.operations.statements import Statement, Statements
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.private_files import write_over
from mayhouse_cli.render import Block, Line, Table, dim, good

STDOUT: Final = "-"


def register(app: typer.Typer) -> None:
    """Add the verb to the events' group."""
    command(app, "settle")(settle)


def settle(
    common: CommonOptions,
    events: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EVENT]...", help="Database ids or on-chain numbers.", show_default=False
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            show_default=False,
            help="All events settled from this Indian day on.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DATE", show_default=False, help="And before this day, not on it."
        ),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", show_default=False, help="Write a CSV; - prints it."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", show_default=False, help="Write one printable page."
        ),
    ] = None,
) -> None:
    """Show who got and keeps what of settled events, in rupees and ETH, with gas apart.

    Example: mayhouse event settle --from 2026-11-01 --to 2026-12-01 --csv november.csv
    """
    invocation = Invocation(common)
    names, period = _wanted(events or [], start, end)
    if csv == STDOUT and common.json:
        raise WrongUsage(
            "Both --json and --csv - would print", hint="Give --csv a file, or leave --json out."
        )
    with invocation.session() as session:
        if period is not None:
            result = statements.settle_period(*period, session)
        else:
            result = statements.settle_events(names, session)
        written = _write(result, csv, html, session)
    if csv == STDOUT:
        invocation.output.plain(as_sheet(result))
        return
    notes = [
        f"event {one.chain_event_id}: {note}" for one in result.statements for note in one.notes
    ]
    invocation.show(
        result, [*_blocks(result), *(good(f"Written: {one}") for one in written)], notes
    )


def _wanted(
    events: list[str], start: str | None, end: str | None
) -> tuple[list[str], tuple[date, date] | None]:
    if start is None and end is None:
        if not events:
            raise WrongUsage(
                "Which events?", hint="Name them, or give a period with --from and --to."
            )
        return events, None
    first = None if start is None else _day(start, "--from")
    behind = None if end is None else _day(end, "--to")
    if events or first is None or behind is None:
        raise WrongUsage(
            "A period is --from and --to together, and no events",
            hint="Like --from 2026-11-01 --to 2026-12-01 for all of November.",
        )
    if first >= behind:
        raise WrongUsage(
            f"The period from {start} to before {end} has no day",
            hint="--to is the first day that is not part of it.",
        )
    return [], (first, behind)


def _day(text: str, option: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise WrongUsage(f"Not a day for {option}: {text}", hint="Like 2026-11-01.") from None
    if not date.min < day < date.max:
        raise WrongUsage(f"Not a usable day for {option}: {text}", hint="Check the year.")
    return day


def _write(
    result: Statements, csv: str | None, html: Path | None, session: OpenSession
) -> list[str]:
    """Write each file whole or not at all; both are made before either is written."""
    files: list[tuple[Path, str, str]] = []
    if csv is not None and csv != STDOUT:
        files.append((Path(csv), as_sheet(result) + "\n", "--csv"))
    if html is not None:
        page = as_page(result, session.config.chain_name, session.now())
        files.append((html, page, "--html"))
    for path, text, option in files:
        try:
            write_over(path, text.encode("utf-8", errors="replace"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "that is no path"
            raise MayhouseError(
                f"{path} cannot be written: {reason}",
                hint=f"Check {option}: its folder must exist and be writable. "
                "What stood there is as it was.",
            ) from None
    return [str(path) for path, _, _ in files]


# --- how it looks -----------------------------------------------------------------------


def _blocks(result: Statements) -> Iterator[Block]:
    for one in result.statements:
        yield from _statement(one)
        yield Line()
    if not result.statements:
        yield dim("Nothing was settled in that time.")
    elif len(result.statements) > 1:
        yield Line(f"All {plural(len(result.statements), 'event')}", "bold")
        yield _totals(result.totals)


def _statement(one: Statement) -> Iterator[Block]:
    yield Line(f"{one.title}   event {one.chain_event_id}", "bold")
    settled = f" {moment(one.settled_at)}" if one.settled_at else ""
    yield dim(f"  {one.ended}{settled}")
    rows = [_row(line) for line in one.lines]
    yield Table(rows, ["", "whose", "INR", "ETH", ""], frozenset({2, 3}), indent=2)
    for line in one.lines:
        if line.note:
            yield dim(f"  {_label(line)}: {line.note}")
    yield Line()
    yield _totals(one.totals)
    yield Line()
    gas = [
        [
            each.kind,
            each.status,
            _inr(each.fee_inr) if each.fee_wei is not None else "-",
            format_eth(each.fee_wei) if each.fee_wei is not None else "-",
        ]
        for each in one.gas
    ]
    yield Table(gas, ["gas, apart", "", "INR", "ETH"], frozenset({2, 3}), indent=2)
    yield Line(f"  {one.transaction.explorer_url or one.transaction.tx_hash}")


def _label(line: StatementLine) -> str:
    label = LABELS[line.line].lower()
    return f"{label} #{line.chain_booking_id}" if line.chain_booking_id is not None else label


def _row(line: StatementLine) -> list[str]:
    whose = line.name or PARTIES.get(line.party, line.party)
    if line.note and line.party_id is None:
        whose = "a stranger"
    eth = "" if line.line == "rounding" else format_eth(line.amount_wei)
    return [_label(line), whose, _inr(line.amount_inr), eth, line.payable_status or ""]


def _totals(totals: Totals) -> Table:
    sums: list[tuple[str, Decimal | None, Wei]] = [
        ("came in", totals.came_in_inr, totals.came_in_wei),
        ("left the contract", totals.left_contract_inr, totals.left_contract_wei),
        ("stayed in it", totals.stayed_inr, totals.stayed_wei),
        ("rounding", totals.rounding_inr, Wei(0)),
        ("gas, apart", totals.gas_inr, totals.gas_wei),
    ]
    rows = [[name, _inr(inr), format_eth(wei)] for name, inr, wei in sums]
    return Table(rows, ["sums", "INR", "ETH"], frozenset({1, 2}), indent=2)


def _inr(amount: Decimal | None) -> str:
    return "no rate" if amount is None else format_inr(amount)
