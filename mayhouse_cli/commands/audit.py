"""`mayhouse audit`: the record against the chain."""

import typer

from mayhouse_cli.commands.amounts import plural
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import CheckFoundProblems
from mayhouse_cli.operations.audit import Audit
from mayhouse_cli.operations.audit import audit as run_audit
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, good


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "audit")(audit)


def audit(common: CommonOptions) -> None:
    """Check the recorded transactions against the chain; changes nothing.

    Example: mayhouse audit
    """
    invocation = Invocation(common)
    with invocation.session(SIGN_SECONDS) as session:
        result = run_audit(session)
    if result.findings:
        invocation.output.findings(_blocks(result))
        count = len(result.findings)
        raise CheckFoundProblems(
            f"{plural(count, 'finding')} in {plural(result.transactions_checked, 'transaction')}",
            hint=result.findings[0].remedy,
            known=result,
        )
    checked = plural(result.transactions_checked, "confirmed transaction")
    invocation.show(result, [good(f"{checked}, all as recorded")])


def _blocks(result: Audit) -> list[Block]:
    blocks: list[Block] = []
    for finding in result.findings:
        blocks.append(Line(f"✗ {finding.code}  {finding.subject}", "red"))
        blocks.append(Line(f"  {finding.detail}"))
        blocks.append(Line(f"  {finding.remedy}", "dim"))
    return blocks
