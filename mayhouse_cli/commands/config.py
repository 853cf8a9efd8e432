"""`mayhouse config`: what is configured, and where it comes from."""

import os
from pathlib import Path

from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.operations import settings
from mayhouse_cli.operations.settings import SettingShown
from mayhouse_cli.options import CommonOptions, command, group
from mayhouse_cli.render import Block, Line, Table, dim

app = group("See what is configured and where it comes from.")


@command(app, "show", exits=(0, 2, 3))
def show(common: CommonOptions) -> None:
    """Show every setting as it holds, with its origin; secrets stay hidden.

    Example: mayhouse config show --json
    """
    invocation = Invocation(common)
    result = settings.show_settings(invocation.config)
    rows = [[one.key, _value(one), one.origin or one.environment] for one in result.settings]
    invocation.show(result, [Table(rows, ["setting", "value", "from, or set by"])])


def _value(one: SettingShown) -> str:
    if one.value is None:
        return f"not set ({one.otherwise})" if one.otherwise else "not set"
    return f"{one.value} {one.unit}".rstrip()


@command(app, "path", exits=(0, 2, 3))
def path(common: CommonOptions) -> None:
    """Show which config file is in use, and where others are looked for.

    Example: mayhouse config path
    """
    invocation = Invocation(common)
    result = settings.show_places(common.config, os.environ, Path.cwd())
    blocks: list[Block] = [
        Line(result.file) if result.file else dim("No config file: the environment alone counts."),
        Table([[one.source, one.state, one.path] for one in result.places], indent=2),
    ]
    invocation.show(result, blocks)
