"""`mayhouse` alone, or `mayhouse status`: the state at a glance, or the first steps."""

from collections.abc import Iterator

import typer

from mayhouse_cli.commands.amounts import brief, eth, moment, plural
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import RpcUnreachable
from mayhouse_cli.operations import glance
from mayhouse_cli.operations.glance import Glance
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import ALARM, WAITING, Block, Line, Table, dim

GLANCE_SECONDS = 3.0
_FIRST_STEPS = (
    ("mayhouse demo", "the whole story, on a chain of this machine"),
    ("mayhouse sandbox up", "the same set-up to try commands on"),
    ("mayhouse init", "write a config.toml, or take over an .env"),
    ("mayhouse wallet new", "make the key that signs"),
    ("mayhouse doctor", "check everything, each with its remedy"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "status", exits=(0, 2, 3, 5))(status)


def status(common: CommonOptions) -> None:
    """Show the state at a glance: what `mayhouse` alone shows, or the first steps.

    Example: mayhouse status --json
    """
    invocation = Invocation(common)
    with invocation.session(GLANCE_SECONDS) as session:
        result = glance.look(session)
    if result.is_blind:
        invocation.output.findings(_blocks(result))
        raise RpcUnreachable(
            "Neither the node nor the database answered",
            hint="`mayhouse doctor` tells what is wrong with each.",
            known=result,
        )
    invocation.show(result, _blocks(result) if result.configured else _first_steps())


def _first_steps() -> list[Block]:
    return [
        Line("Nothing is configured yet", "bold"),
        Table([list(step) for step in _FIRST_STEPS], indent=2),
        dim("  mayhouse --help lists every command."),
    ]


def _blocks(result: Glance) -> Iterator[Block]:
    if result.frozen:
        yield Line(f"✗ Signing is frozen: {result.frozen_reason}", ALARM)
    block = f", block {result.block_number:,}" if result.block_number is not None else ""
    failed = result.problems
    rows: list[list[str | Line]] = [
        ["chain", _or_problem(f"{result.chain_name}{block}", failed.get("chain"))],
        ["contract", result.contract or Line("not configured", WAITING)],
        ["wallet", _or_problem(result.wallet or "", failed.get("wallet"))],
        ["balance", _balance(result)],
    ]
    if "database" in failed:
        rows.append(["database", Line(failed["database"], ALARM)])
    else:
        rows += _rows_of_the_record(result)
    yield Table(rows, indent=2)
    for step in _next_steps(result):
        yield dim(f"  next: {step}")


def _or_problem(text: str, problem: str | None) -> str | Line:
    return Line(problem, ALARM) if problem else text


def _balance(result: Glance) -> str | Line:
    if result.balance_wei is None:
        return Line("not known", "dim")
    text = brief(result.balance_wei)
    if result.balance_state in (None, "OK"):
        return text
    return Line(f"{text}, {str(result.balance_state).lower()}", _LEVELS[str(result.balance_state)])


_LEVELS = {"WARNING": WAITING, "CRITICAL": ALARM}


def _rows_of_the_record(result: Glance) -> Iterator[list[str | Line]]:
    over = f", {result.events_over} of them over" if result.events_over else ""
    yield ["events", Line(f"{result.open_events or 'none'} open{over}", WAITING if over else "")]
    if result.next_start is not None:
        yield ["next", moment(result.next_start)]
    yield ["transactions", _unfinished(result)]
    if result.unfinished_since is not None:
        yield ["since", moment(result.unfinished_since)]
    yield ["owed", _owed(result)]
    yield ["signing", Line("frozen", ALARM) if result.frozen else "permitted"]


def _unfinished(result: Glance) -> str | Line:
    return Line(f"{result.unfinished} unfinished", WAITING) if result.unfinished else "all final"


def _owed(result: Glance) -> str | Line:
    if not result.payables or result.owed_wei is None:
        return "nothing"
    return Line(f"{eth(result.owed_wei)}, {plural(result.payables, 'payable')}", WAITING)


def _next_steps(result: Glance) -> Iterator[str]:
    """What would be done about what is shown; the most pressing first."""
    if result.problems:
        yield "mayhouse doctor"
    if result.frozen:
        yield "mayhouse thaw"
    if result.unfinished:
        yield "mayhouse tx resume"
    if result.events_over:
        yield "mayhouse event list"
    if result.payables:
        yield "mayhouse payout list --owed"
