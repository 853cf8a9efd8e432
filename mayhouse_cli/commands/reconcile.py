"""`mayhouse reconcile`: the database against the chain, both ways."""

from collections.abc import Sequence
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import plural
from mayhouse_cli.commands.audit import finding_blocks
from mayhouse_cli.commands.invocation import DECIDE_ANEW, SIGN_SECONDS, Invocation
from mayhouse_cli.errors import CheckFoundProblems, ConsentMissing
from mayhouse_cli.models import Change
from mayhouse_cli.operations import reconciliation
from mayhouse_cli.operations.reconciliation import Reconciliation
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, dim, good


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "reconcile", exits=(0, 1, 2, 3, 5, 6, 9))(reconcile)


def reconcile(
    common: CommonOptions,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write what a transaction's receipt proves; asks first.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", help="Agree to what --fix writes without being asked.")
    ] = False,
) -> None:
    """Compare every event and booking of the database with the chain, and the other way round.

    Exits 1 with findings left; a notice needs nobody, and is only told.

    Example: mayhouse reconcile --fix
    """
    invocation = Invocation(common)

    def agree(changes: Sequence[Change]) -> None:
        _consent(invocation, changes, yes=yes)

    with invocation.session(SIGN_SECONDS) as session:
        result = reconciliation.reconcile(session, agree if fix else None)
    blocks = [*_change_blocks(result.changes), *finding_blocks(result.findings)]
    if result.alarms:
        invocation.output.findings(blocks)
        raise CheckFoundProblems(
            f"{plural(len(result.alarms), 'finding')} in {_checked(result)}",
            hint=result.alarms[0].remedy,
            known=result,
        )
    invocation.show(result, [*blocks, good(f"{_checked(result)}: database and chain agree")])


def _consent(invocation: Invocation, changes: Sequence[Change], *, yes: bool) -> None:
    if yes:
        return
    if not invocation.may_ask:
        raise ConsentMissing(
            f"Changing {plural(len(changes), 'row')} needs consent, and nobody can be asked",
            hint="Look at it without --fix, then add --yes.",
        )
    invocation.output.note(_change_blocks(changes))
    if invocation.ask("Write these? [y/N]").lower() not in ("y", "yes"):
        raise ConsentMissing("Declined; nothing was written", hint=DECIDE_ANEW)


def _change_blocks(changes: Sequence[Change]) -> list[Block]:
    blocks: list[Block] = []
    for change in changes:
        blocks.append(Line(f"{change.side} row {change.row_id}"))
        for name, before in change.before.items():
            after = change.after[name]
            if after != before:
                blocks.append(Line(f"  {name}: {before or 'none'} -> {after or 'none'}"))
        blocks.append(dim(f"  proven by {', '.join(change.tx_hashes)}"))
    return blocks


def _checked(result: Reconciliation) -> str:
    events = plural(result.events_checked, "event")
    return f"{events} and {plural(result.bookings_checked, 'booking')}"
