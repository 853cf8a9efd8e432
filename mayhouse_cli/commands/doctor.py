"""`mayhouse doctor`: every prerequisite checked, each failure with its remedy."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from mayhouse_cli.commands.amounts import plural
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import CheckFoundProblems, ConfigurationError
from mayhouse_cli.operations import doctor as diagnoses
from mayhouse_cli.operations.diagnosis import CheckState
from mayhouse_cli.operations.doctor import Diagnosis
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, dim

_MARKS: Final = {
    CheckState.OK: ("✓", ""),
    CheckState.WARNING: ("!", "yellow"),
    CheckState.FAILED: ("✗", "bold red"),
    CheckState.SKIPPED: ("-", "dim"),
}


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "doctor", exits=(0, 1, 2))(doctor)


def doctor(
    common: CommonOptions,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check only what needs no network.")
    ] = False,
) -> None:
    """Check everything the tool needs; exits 1 when something does not work.

    Example: mayhouse doctor --offline
    """
    invocation = Invocation(common)
    result = _diagnose(invocation, offline=offline)
    if result.failures:
        invocation.output.findings(_blocks(result))
        raise CheckFoundProblems(
            f"{plural(result.failures, 'check')} failed",
            hint="Each names its remedy; the first may be the cause of others.",
            known=result,
        )
    invocation.show(result, _blocks(result))


def _diagnose(invocation: Invocation, *, offline: bool) -> Diagnosis:
    try:
        _ = invocation.config
    except ConfigurationError as error:
        return diagnoses.undiagnosed(error)
    invocation.output.progress("Checking")
    with invocation.session() as session:
        return diagnoses.diagnose(session, offline=offline)


def _blocks(result: Diagnosis) -> Iterator[Block]:
    width = max(len(check.name) for check in result.checks)
    for check in result.checks:
        mark, style = _MARKS[check.state]
        yield Line(f"{mark} {check.name:<{width}}   {check.detail}", style)
        if check.remedy and check.state in (CheckState.WARNING, CheckState.FAILED):
            yield dim(f"    {check.remedy}")
