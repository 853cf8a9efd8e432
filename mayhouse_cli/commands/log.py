"""`mayhouse log`: who did what, and when."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mayhouse_cli.commands.amounts import moment
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.operations.operator_log import list_log
from mayhouse_cli.options import CommonOptions, LimitOption, command
from mayhouse_cli.render import Block, Table, dim


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "log")(log)


def log(
    common: CommonOptions,
    limit: LimitOption = 50,
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            metavar="EVENT",
            help="Only of this event: database id or on-chain number.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the operators' log, newest first: every change, who made it and when.

    Example: mayhouse log --limit 10
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = list_log(event, limit, session)
    rows = [
        [
            moment(one.at),
            one.actor,
            one.command,
            str(one.transaction_id)[:8] if one.transaction_id else "-",
            _told(one.arguments),
            *([_told(one.after)] if one.after is not None else []),
        ]
        for one in result.entries
    ]
    headers = ["when", "who", "command", "tx", "arguments", "after"]
    blocks: list[Block] = [Table([[*row, ""][: len(headers)] for row in rows], headers)]
    invocation.show(result, blocks if rows else [dim("Nothing was changed yet.")])


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {value if isinstance(value, (str, int)) else json.dumps(value)}"
        for key, value in values.items()
    )
