"""`mayhouse freeze` and `mayhouse thaw`: have nothing signed, and permit it again."""

from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import moment
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import ConsentMissing
from mayhouse_cli.operations import freezing
from mayhouse_cli.operations.freezing import Frozen
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, dim, good


def register(app: typer.Typer) -> None:
    """Add both commands to the top level."""
    command(app, "freeze")(freeze)
    command(app, "thaw", exits=(0, 2, 3, 4, 5, 9))(thaw)


def freeze(
    common: CommonOptions,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", show_default=False, help="Why; every refusal says it."
        ),
    ],
) -> None:
    """Refuse every signing command on every machine until it is thawed.

    Example: mayhouse freeze --reason "the key may have leaked"
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = freezing.freeze(reason, session)
    words = "Signing is frozen" if result.changed else "Signing was frozen already"
    blocks: list[Block] = [
        good(words) if result.changed else Line(f"! {words}", "yellow"),
        dim(f"  {_told(result)}"),
        dim("  `mayhouse tx list --unfinished` shows what is out; `mayhouse thaw` ends it."),
    ]
    invocation.show(result, blocks)


def thaw(
    common: CommonOptions,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", help="Permit it without being asked.")
    ] = False,
) -> None:
    """Permit signing again, once what it was frozen for is mended.

    Example: mayhouse thaw
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        found = freezing.find(session)
        if found is not None and not yes:
            if not invocation.may_ask:
                raise ConsentMissing(
                    f"Signing is frozen: {freezing.told(found)}",
                    hint="Nobody can be asked here: add --yes when that is mended.",
                )
            invocation.output.note([Line(f"Signing is frozen: {freezing.told(found)}")])
            invocation.confirm("Permit signing again?")
        result = freezing.thaw(session)
    blocks: list[Block] = [good("Signing is permitted")]
    if result.changed:
        blocks.append(dim(f"  It was frozen: {_told(result)}"))
    invocation.show(result, blocks)


def _told(result: Frozen) -> str:
    since = f", {moment(result.frozen_at)}" if result.frozen_at else ""
    return f"{result.reason} (by {result.frozen_by or 'nobody who is named'}{since})"
