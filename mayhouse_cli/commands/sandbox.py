"""`mayhouse sandbox`: an embedded Postgres, a local chain and the contract, in one folder."""

import os
import shlex
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from mayhouse_cli.commands.amounts import brief, moment
from mayhouse_cli.commands.arguments import parse_duration
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.config import SETTINGS
from mayhouse_cli.errors import CheckFoundProblems
from mayhouse_cli.money import format_inr
from mayhouse_cli.options import CommonOptions, command, group
from mayhouse_cli.render import Block, Line, Table, dim, good
from mayhouse_cli.sandbox.stack import Sandbox, Warped
from mayhouse_cli.sandbox.status import SandboxStatus

app = group("Run a local set-up to try everything on: Postgres, a chain, the contract.")

FolderOption = Annotated[
    Path,
    typer.Option(
        "--folder",
        metavar="DIR",
        envvar="MAYHOUSE_SANDBOX",
        show_envvar=False,
        help="The sandbox's folder; MAYHOUSE_SANDBOX names another default.",
    ),
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="N",
        min=1,
        max=65535,
        show_default=False,
        help="Port of the local chain; a free one is chosen and kept by default.",
    ),
]
DEFAULT_FOLDER: Final = Path("sandbox")

_SUGGESTED_START: Final = timedelta(days=3)
# What the sandbox's config says, and the environment would overrule.
_SANDBOX_KEYS: Final = frozenset(
    (
        *("blockchain_rpc_url", "chain_id", "contract_address", "database_url", "wallet"),
        *("platform_address", "platform_private_key", "keystore_dir", "password"),
        *("eth_price_inr", "confirmations", "owner_address"),
    )
)


@command(app, "up", exits=(0, 2, 5, 6))
def up(
    common: CommonOptions, folder: FolderOption = DEFAULT_FOLDER, port: PortOption = None
) -> None:
    """Start the sandbox, made when it is not there yet; repairs what is missing.

    Example: mayhouse sandbox up
    """
    invocation = Invocation(common)
    result = Sandbox(folder, invocation.output.progress).up(port)
    invocation.show(result, up_blocks(result), overruling())


@command(app, "down", exits=(0, 2, 5, 6))
def down(common: CommonOptions, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Stop the sandbox; chain and database are kept for the next `up`.

    Example: mayhouse sandbox down
    """
    invocation = Invocation(common)
    result = Sandbox(folder, invocation.output.progress).down()
    told = "Stopped; everything is kept" if result.was_running else "Nothing was running"
    invocation.show(result, [good(told)])


@command(app, "status", exits=(0, 1, 2, 6))
def status(common: CommonOptions, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Tell what runs and where; exits 1 when something is down.

    Example: mayhouse sandbox status
    """
    invocation = Invocation(common)
    result = Sandbox(folder).status()
    if result.problems:
        invocation.output.findings(_facts(result))
        raise CheckFoundProblems(
            f"The sandbox is not up: {', '.join(result.problems)}",
            hint=f"Start it: mayhouse sandbox up{folder_option(folder)}",
            known=result,
        )
    invocation.show(result, [*_facts(result), Line(), *_samples(result)], overruling())


@command(app, "warp", exits=(0, 2, 5, 6))
def warp(
    common: CommonOptions,
    by: Annotated[
        str,
        typer.Argument(
            metavar="DURATION", show_default=False, help="Like 2d, 3h, 90m, 1h30m or 600s."
        ),
    ],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Move the chain's clock forward, past the start of an event for example.

    Example: mayhouse sandbox warp 2d
    """
    invocation = Invocation(common)
    seconds = parse_duration(by)
    result = Sandbox(folder).warp(seconds)
    invocation.show(result, [_warped(result)])


@command(app, "reset", exits=(0, 2, 5, 6))
def reset(
    common: CommonOptions, folder: FolderOption = DEFAULT_FOLDER, port: PortOption = None
) -> None:
    """Delete the sandbox's own files and start anew; other folders are refused.

    Example: mayhouse sandbox reset
    """
    invocation = Invocation(common)
    result = Sandbox(folder, invocation.output.progress).reset(port)
    invocation.show(result, up_blocks(result), overruling())


def overruling() -> list[str]:
    """Warn of environment variables that win over the sandbox's config file."""
    names = [
        name
        for setting in SETTINGS
        if setting.key in _SANDBOX_KEYS
        for name in (setting.environment_name, f"{setting.environment_name}_FILE")
        if os.environ.get(name) and (setting.secret or not name.endswith("_FILE"))
    ]
    if not names:
        return []
    return [f"The environment wins over the sandbox's config: unset {' '.join(names)}"]


# --- how it looks -----------------------------------------------------------------------


def up_blocks(result: SandboxStatus) -> list[Block]:
    """Say what was done, what runs, and what to do with it."""
    done = [dim(f"  {line}") for line in textwrap.wrap(", ".join(result.done), 76)]
    return [
        good("The sandbox is up" if done else "The sandbox was up already"),
        *done,
        Line(),
        *_facts(result),
        Line(),
        *_samples(result),
        Line(),
        dim("Point the other commands at it, then try one:"),
        Line(f"  export MAYHOUSE_CONFIG={shlex.quote(result.config)}"),
        Line(f"  {_suggestion(result)}"),
    ]


def _facts(result: SandboxStatus) -> list[Block]:
    block = f"block {result.block_number:,}" if result.block_number is not None else ""
    rows = [
        ["chain", f"{result.rpc_url} · {block}" if result.rpc_url else "down"],
        ["chain time", moment(result.chain_time) if result.chain_time else "-"],
        ["database", result.database_url or "down"],
        ["contract", result.contract_address or "-"],
        ["wallet", result.wallet_address or "-"],
        ["balance", brief(result.balance_wei) if result.balance_wei is not None else "-"],
        ["config", result.config],
    ]
    return [Table(rows, indent=2)]


def _samples(result: SandboxStatus) -> list[Block]:
    """Experiences and travelers in one table, so that their ids stand below each other."""
    rows = [
        *([one.title, format_inr(one.price_inr), str(one.id)] for one in result.experiences),
        *([one.name, "traveler", str(one.id)] for one in result.travelers),
    ]
    return [Table(rows, ["to try with", "a seat", "id"], frozenset({1}), indent=2)]


def _suggestion(result: SandboxStatus) -> str:
    """A command that works as it stands: the start lies ahead of the chain's clock."""
    now = result.chain_time or datetime.now(UTC)
    day = (now + _SUGGESTED_START).date()
    return (
        f"mayhouse event create --experience {result.experiences[0].id} --price-inr 2500 "
        f"--seats 4 --starts-at {day}T18:00+05:30"
    )


def _warped(result: Warped) -> Line:
    return good(f"On chain it is {moment(result.chain_time)} now, block {result.block_number:,}")


def folder_option(folder: Path) -> str:
    """Write the option for a command that is told; nothing for the folder that is meant anyway."""
    return "" if folder == DEFAULT_FOLDER else f" --folder {shlex.quote(str(folder))}"
