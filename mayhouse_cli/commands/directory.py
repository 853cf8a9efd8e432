"""Where each command is found, and its line of help: a command loads its own files alone.

To load and build them all takes longer than most commands run.
"""

from collections import UserDict
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer.main
from typer.core import TyperCommand, TyperGroup


class Entry(NamedTuple):
    """A word of the top level."""

    summary: str
    """As the help page of the top level shows it."""
    files: tuple[str, ...]
    """The first one has the group's `app` or registers the command; the others add verbs to it."""


COMPLETE: Final = "__complete"
"""With which a shell asks what could stand at the end of a line; no command's name."""

AT_A_GLANCE: Final = "status"
"""What `mayhouse` shows when no command is named."""

ENTRIES: Final[Mapping[str, Entry]] = {
    AT_A_GLANCE: Entry(
        "Show the state at a glance: what `mayhouse` alone shows, or the first steps.", ("glance",)
    ),
    "init": Entry(
        "Write ./config.toml, or the file that --config names; never over an existing one.",
        ("init",),
    ),
    "doctor": Entry(
        "Check everything the tool needs; exits 1 when something does not work.", ("doctor",)
    ),
    "migrate": Entry("Apply the SQL migrations in order, each in one transaction.", ("migrate",)),
    "log": Entry(
        "List the operators' log, newest first: every change, who made it and when.", ("log",)
    ),
    "freeze": Entry(
        "Refuse every signing command on every machine until it is thawed.", ("freeze",)
    ),
    "thaw": Entry("Permit signing again, once what it was frozen for is mended.", ("freeze",)),
    "demo": Entry(
        "Tell the whole story on the sandbox: create, quote, book, attend, complete.", ("demo",)
    ),
    "audit": Entry(
        "Check that the contract can pay everybody, and the database against it; changes nothing.",
        ("audit",),
    ),
    "reconcile": Entry(
        "Compare every event and booking of the database with the chain, and the other way round.",
        ("reconcile",),
    ),
    "sandbox": Entry(
        "Run a local set-up to try everything on: Postgres, a chain, the contract.", ("sandbox",)
    ),
    "event": Entry(
        "Create, complete and cancel event runs.", ("event", "event_ending", "settlement")
    ),
    "booking": Entry("Quote, make and look up bookings.", ("booking", "booking_import")),
    "balance": Entry("Watch the wallets' balances, and top the platform's up.", ("balance",)),
    "wallet": Entry(
        "Make and look after the wallets of this machine.", ("wallet", "wallet_rotation")
    ),
    "rate": Entry("The price of one ETH in rupees.", ("rate",)),
    "tx": Entry("Look at recorded transactions and finish them.", ("tx",)),
    "payout": Entry("Pay hosts and travelers what they are owed.", ("payout", "payout_marking")),
    "contract": Entry(
        "The contract: its state, its percentages, what it has earned.", ("contract",)
    ),
    "config": Entry("See what is configured and where it comes from.", ("config",)),
    "completion": Entry(
        "Print the script with which a shell completes commands, options and ids.",
        ("completion",),
    ),
}


@cache
def load(name: str) -> Any:  # noqa: ANN401 of Typer's own copy of Click, without types
    """Load and build a command, or a group with its verbs."""
    first, *others = (import_module(f"{__package__}.{file}") for file in ENTRIES[name].files)
    if not hasattr(first, "app"):
        app = typer.Typer(pretty_exceptions_enable=False)
        first.register(app)
        return typer.main.get_group(app).commands[name]
    for other in others:
        other.register(first.app)
    group = typer.main.get_group(first.app)
    group.name = name
    return group


class _Loading(UserDict[str, Any]):
    """The commands by name, each loaded when it is taken out."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 as above
        return load(name) if name in ENTRIES else super().__getitem__(name)


class Directory(TyperGroup):
    """The top level: its help and its completions are told from the entries."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 whatever Typer gives
        """Know every command by name."""
        super().__init__(**attributes)
        self.commands = _Loading(ENTRIES)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 as above
        """Read what stands before the command; without one, the state is shown."""
        rest: list[str] = super().parse_args(ctx, args)
        if not (ctx._protected_args or ctx.resilient_parsing):  # noqa: SLF001 there is no other way in
            ctx._protected_args = [AT_A_GLANCE]  # noqa: SLF001 as above
        return rest

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 as above
        """Give the names, in the order of the help page."""
        _ = ctx
        return list(ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ANN401 as above
        """Give what a list needs to show of a command."""
        _ = ctx
        entry = ENTRIES.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.summary) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 as above
        """Give the command itself: it is going to be run, or to show its own help."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest
