"""The options that commands share, each declared once, and the way a command takes them.

A command's parameter may be an option group, a dataclass such as `CommonOptions`: `command`
spreads its fields into options of their own and hands the command the filled dataclass. The
common options are accepted before the verb as well; the one nearer to the verb wins.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from mayhouse_cli.models import Urgency

_COMMON: Final = "Common"
_SIGNING: Final = "Signing"
_FILE: Final = "A whole file"


@dataclass(frozen=True)
class CommonOptions:
    """Accepted by every command, before or after the verb."""

    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Use this config file alone.",
            rich_help_panel=_COMMON,
            show_default=False,
        ),
    ] = None
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=_COMMON)
    ] = False
    quiet: Annotated[
        bool,
        typer.Option("-q", "--quiet", help="Print nothing on success.", rich_help_panel=_COMMON),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Say more of what happens, on stderr.", rich_help_panel=_COMMON
        ),
    ] = False
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask anything.", rich_help_panel=_COMMON)
    ] = False
    no_color: Annotated[
        bool, typer.Option("--no-color", help="Print without colours.", rich_help_panel=_COMMON)
    ] = False
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            max=86_400,
            show_default=False,
            help="Wait at most so long for the network: 10 s to read, 180 s to sign.",
            rich_help_panel=_COMMON,
        ),
    ] = None

    def over(self, outer: "CommonOptions | None") -> "CommonOptions":
        """These, and where they say nothing the ones given before the verb."""
        if outer is None:
            return self
        return CommonOptions(
            **{
                field.name: getattr(self, field.name) or getattr(outer, field.name)
                for field in dataclasses.fields(self)
            }
        )


@dataclass(frozen=True)
class SigningOptions:
    """Taken by every command that signs."""

    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Simulate and print; never sign.", rich_help_panel=_SIGNING),
    ] = False
    yes: Annotated[
        bool,
        typer.Option(
            "-y",
            "--yes",
            help="Agree to the spending without being asked.",
            rich_help_panel=_SIGNING,
        ),
    ] = False
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return once it is sent.", rich_help_panel=_SIGNING)
    ] = False
    confirmations: Annotated[
        int | None,
        typer.Option(
            "--confirmations",
            metavar="N",
            min=1,
            max=10_000,
            show_default=False,
            help="Blocks until it counts, its own included.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    max_fee: Annotated[
        str | None,
        typer.Option(
            "--max-fee",
            metavar="GWEI",
            show_default=False,
            help="Never pay more per gas.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    urgency: Annotated[
        Urgency | None,
        typer.Option(
            "--urgency",
            case_sensitive=False,
            show_default=False,
            help="How soon it should be mined, and what is paid for it.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    wait_for_fee: Annotated[
        str | None,
        typer.Option(
            "--wait-for-fee",
            metavar="GWEI",
            show_default=False,
            help="Wait until gas costs no more, and pay no more.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    deadline: Annotated[
        str | None,
        typer.Option(
            "--deadline",
            metavar="TIME",
            show_default=False,
            help="Give --wait-for-fee up then: like 30m, 2h, or 2026-11-28T18:00+05:30.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="K",
            show_default=False,
            help="Run at most once under this key, however often it is called.",
            rich_help_panel=_SIGNING,
        ),
    ] = None
    mainnet: Annotated[
        bool,
        typer.Option(
            "--mainnet", help="Permit signing on Ethereum mainnet.", rich_help_panel=_SIGNING
        ),
    ] = False
    allow_raw_key: Annotated[
        bool,
        typer.Option(
            "--allow-raw-key",
            help="Permit PLATFORM_PRIVATE_KEY to sign on Ethereum mainnet.",
            rich_help_panel=_SIGNING,
        ),
    ] = False


@dataclass(frozen=True)
class BulkOptions:
    """Taken by every command that makes a whole file."""

    result: Annotated[
        Path | None,
        typer.Option(
            "--result",
            metavar="FILE.csv",
            show_default=False,
            help="What became of each row; FILE.result.csv beside the file by default.",
            rich_help_panel=_FILE,
        ),
    ] = None
    window: Annotated[
        int,
        typer.Option(
            "--window",
            metavar="N",
            min=1,
            max=1_000,
            help="Transactions out at first: grows to four times, shrinks where refused.",
            rich_help_panel=_FILE,
        ),
    ] = 64
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try again what the contract refused in an earlier run.",
            rich_help_panel=_FILE,
        ),
    ] = False


MOST_SEATS: Final = 2**31 - 1
"""What the platform's integer columns hold."""

EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help="Database id or on-chain number.", show_default=False)
]
BookingArgument = Annotated[
    str,
    typer.Argument(metavar="BOOKING", help="Database id or on-chain number.", show_default=False),
]
SeatsOption = Annotated[
    int,
    typer.Option(
        "--seats", metavar="N", min=1, max=MOST_SEATS, show_default=False, help="How many seats."
    ),
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="List at most so many.")
]

current_options: ContextVar[CommonOptions] = ContextVar("current_options")
"""The common options of the running command, for whoever has to report its failure."""
current_command: ContextVar[str] = ContextVar("current_command")
"""The running command as its JSON document names it, like "event.create"."""

Command = TypeVar("Command", bound=Callable[..., None])
# In the order of a help page, after the command's own.
_GROUPS: Final = (BulkOptions, SigningOptions, CommonOptions)
_META: Final = "mayhouse.common"

_EXIT_WORDS: Final = {
    0: "done",
    1: "something was found",
    2: "wrong usage",
    3: "configuration",
    4: "no consent",
    5: "unreachable, safe to run again",
    6: "refused",
    7: "sent, not confirmed: tx resume",
    8: "sent, not recorded: tx resume",
    9: "migrations",
}
_READING: Final = (0, 2, 3, 5, 6, 9)
_SIGNING_EXITS: Final = (0, 2, 3, 4, 5, 6, 7, 8, 9)


class HelpPage(TyperCommand):
    """A command whose help page names no type where a flag takes no value."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 of Typer's own copy of Click
        """Give --help, which is a flag as well."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.metavar = ""
        return option


def command(
    app: typer.Typer, name: str, exits: Sequence[int] | str | None = None
) -> Callable[[Command], Command]:
    """Register a command whose option groups are spread into options.

    `exits` are the codes that its help page explains, or the words for codes of its own; those
    of what reads or signs by default.
    """

    def register(function: Command) -> Command:
        epilog = _exits_told(function, exits)
        app.command(name, cls=HelpPage, epilog=epilog)(_spread(function))
        return function

    return register


def _exits_told(function: Callable[..., None], exits: Sequence[int] | str | None) -> str:
    if isinstance(exits, str):
        return f"Exit codes: {exits}."
    signs = SigningOptions in get_type_hints(function).values()
    codes = exits or (_SIGNING_EXITS if signs else _READING)
    return f"Exit codes: {'; '.join(f'{code} {_EXIT_WORDS[code]}' for code in codes)}."


def group(help_text: str) -> typer.Typer:
    """Make a command group that accepts the common options before its verbs."""
    app = typer.Typer(help=help_text, pretty_exceptions_enable=False)
    accept_common_options(app)
    return app


def accept_common_options(app: typer.Typer) -> None:
    """Let the common options stand before the verb."""

    def before_the_verb(common: CommonOptions) -> None:
        """Nothing to do here: `_spread` keeps them for the verb."""

    app.callback()(_spread(before_the_verb))


def command_name(command_path: str) -> str:
    """Name a command as its JSON document does: "mayhouse event create" is "event.create"."""
    return ".".join(command_path.split()[1:])


def _spread(function: Callable[..., None]) -> Callable[..., None]:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    groups = {name: kind for kind in _GROUPS for name in parameters if hints[name] is kind}

    def run(ctx: typer.Context, **values: Any) -> None:  # noqa: ANN401 as Typer calls it
        current_command.set(command_name(ctx.command_path))
        arguments = {name: values[name] for name in parameters if name not in groups}
        for name, kind in groups.items():
            filled = kind(**{field.name: values[field.name] for field in dataclasses.fields(kind)})
            if isinstance(filled, CommonOptions):
                filled = filled.over(ctx.meta.get(_META))
                ctx.meta[_META] = filled
                current_options.set(filled)
            arguments[name] = filled
        function(**arguments)

    signature = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, parameter in parameters.items():
        if name not in groups:
            signature.append(
                parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            )
    for kind in groups.values():
        signature.extend(_options_of(kind))
    for one in signature:
        _name_no_type_of_a_flag(one.annotation)
    run.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in signature}
    run.__doc__ = function.__doc__
    run.__name__ = function.__name__
    return run


def _name_no_type_of_a_flag(annotation: Any) -> None:  # noqa: ANN401 an annotation
    if getattr(annotation, "__origin__", None) is bool:
        for option in annotation.__metadata__:
            option.metavar = ""


def _options_of(kind: type[Any]) -> list[inspect.Parameter]:
    hints: Mapping[str, Any] = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(kind)
    ]
