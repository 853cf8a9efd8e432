"""`mayhouse audit`: escrow solvency, and the record against the chain."""

from collections.abc import Iterable

import typer

from mayhouse_cli.commands.amounts import plural
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import CheckFoundProblems
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.audit import EscrowSummary
from mayhouse_cli.operations.audit import audit as run_audit
from mayhouse_cli.operations.audit_findings import Finding
from mayhouse_cli.operations.drift_words import Severity
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import ALARM, WAITING, Block, Line, Table, dim, good


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "audit", exits=(0, 1, 2, 3, 5, 9))(audit)


def audit(common: CommonOptions) -> None:
    """Check that the contract can pay everybody, and the database against it; changes nothing.

    Exits 1 with findings; a notice needs nobody, and is only told.

    Example: mayhouse audit
    """
    invocation = Invocation(common)
    with invocation.session(SIGN_SECONDS) as session:
        result = run_audit(session)
    blocks: list[Block] = [*_escrow_blocks(result.escrow), *finding_blocks(result.findings)]
    checked = ", ".join(
        (
            plural(result.events_checked, "event"),
            plural(result.bookings_checked, "booking"),
            plural(result.transactions_checked, "confirmed transaction"),
        )
    )
    if result.transactions_unfinished:
        waiting = f"{plural(result.transactions_unfinished, 'transaction')} not final yet"
        blocks.append(Line(f"! {waiting}: mayhouse tx list --unfinished", WAITING))
    if result.alarms:
        invocation.output.findings(blocks)
        raise CheckFoundProblems(
            f"{plural(len(result.alarms), 'finding')} in {checked}",
            hint=result.alarms[0].remedy,
            known=result,
        )
    invocation.show(result, [*blocks, good(f"{checked}, all as recorded")])


def finding_blocks(findings: Iterable[Finding]) -> list[Block]:
    """Show findings and notices, each with its remedy."""
    blocks: list[Block] = []
    for finding in findings:
        serious = finding.severity is Severity.FINDING
        mark, style = ("✗", ALARM) if serious else ("!", WAITING)
        blocks.append(Line(f"{mark} {finding.code}  {finding.subject}", style))
        blocks.append(Line(f"  {finding.detail}"))
        blocks.append(dim(f"  {finding.remedy}"))
    return blocks


def _escrow_blocks(escrow: EscrowSummary) -> list[Block]:
    unattributed = (
        _row("  neither of them", escrow.unattributed_wei)
        if escrow.unattributed_wei is not None
        else ["  neither of them", "not known: some was withdrawn"]
    )
    rows = [
        _row("the contract holds", escrow.balance_wei),
        _row("it owes", escrow.liabilities_wei),
        _row("  of it to strangers", escrow.foreign_liabilities_wei),
        _row("surplus", escrow.surplus_wei),
        _row("  fees earned in all", escrow.fees_earned_wei),
        _row("  stakes forfeited in all", escrow.forfeits_wei),
        unattributed,
    ]
    return [Line(f"Escrow at block {escrow.block_number:,}"), Table(rows, indent=2), Line()]


def _row(name: str, amount: Wei) -> list[str]:
    return [name, f"{format_eth(amount)} ETH"]
