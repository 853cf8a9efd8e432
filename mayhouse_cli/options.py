"""The options that commands share, each declared once, and the way a command takes them.

A command's parameter may be an option group, a dataclass such as `CommonOptions`: `command`
spreads its fields into options of their own and hands the command the filled dataclass. The
common options are accepted before the verb as well; the one nearer to the verb wins.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import typer

from mayhouse_cli.models import Urgency

_COMMON: Final = "Common options"
_SIGNING: Final = "Signing"


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
_GROUPS: Final = (CommonOptions, SigningOptions)
_META: Final = "mayhouse.common"


def command(app: typer.Typer, name: str) -> Callable[[Command], Command]:
    """Register a command whose option groups are spread into options."""

    def register(function: Command) -> Command:
        app.command(name)(_spread(function))
        return function

    return register


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
    groups = {name: hints[name] for name in parameters if hints[name] in _GROUPS}

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
    run.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in signature}
    run.__doc__ = function.__doc__
    run.__name__ = function.__name__
    return run


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
