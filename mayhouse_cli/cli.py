"""Assembles the command groups; the only place where an error becomes an exit code."""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import FrameType
from typing import Final

import typer

from mayhouse_cli.commands.directory import COMPLETE, Directory
from mayhouse_cli.commands.invocation import current_output, make_output
from mayhouse_cli.config import environment_secrets
from mayhouse_cli.errors import (
    ConfigurationError,
    ConsentMissing,
    Interrupted,
    MayhouseError,
    Terminated,
    WrongUsage,
)
from mayhouse_cli.options import (
    CommonOptions,
    accept_common_options,
    command_name,
    current_command,
    current_options,
)
from mayhouse_cli.redaction import secrets_of_this_process
from mayhouse_cli.stray_output import place_of, show_traceback, take_over

# A monitoring plugin says "unknown" with this, whatever went wrong.
PLUGIN_UNKNOWN: Final = 3
MOST_BYTES_OF_A_NAME: Final = 255  # NAME_MAX of the usual file systems
_AFTER_A_SIGNAL: Final = "`mayhouse tx list --unfinished` shows whether anything was recorded."

app = typer.Typer(
    name="mayhouse",
    help="Run the money side of an experience-booking platform.",
    cls=Directory,
    add_completion=False,  # `completion` has scripts of its own, which never run what they read
    pretty_exceptions_enable=False,
)
accept_common_options(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; every failure is reported here."""
    _open_closed_streams()
    if arguments[:1] == [COMPLETE]:
        from mayhouse_cli.commands.completion import answer

        answer(typer.main.get_command(app), arguments[1:])
        return 0
    for stream in (sys.stdout, sys.stderr):
        # An ASCII terminal shows a "?" instead of a rupee sign, not a traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    if os.environ.get("NO_COLOR"):
        # Typer's help pages listen to it alone; they must not be coloured either.
        os.environ.pop("FORCE_COLOR", None)
    _turn_signals_into_errors()
    take_over(verbose=_guess_options(arguments).verbose)
    # Also for failures that come before the configuration is read.
    secrets_of_this_process.learn(environment_secrets(os.environ))
    try:
        return _run_app(arguments)
    except MayhouseError as error:
        return _report(error, arguments)


def _open_closed_streams() -> None:
    """Give a command that was started with a closed stream (`>&-`) one that goes nowhere."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
            setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115 open as long as the process lives


def _run_app(arguments: Sequence[str]) -> int:
    """Run the command; whatever goes wrong leaves here as one of our errors."""
    try:
        _refuse_undecodable(arguments)
        code = app(args=list(arguments), prog_name="mayhouse", standalone_mode=False)
    except MayhouseError:
        raise
    except SystemExit:
        return 0  # a help page whose reader had enough
    except typer.Abort:
        raise ConsentMissing(
            "Stopped at a question; nothing was signed", hint="Run it again to decide anew."
        ) from None
    except typer.TyperException as usage:
        current_command.set(_command_of(usage))
        raise _as_wrong_usage(usage) from None
    except Exception as bug:  # noqa: BLE001 no input gives a traceback
        if isinstance(bug, OSError) and bug.errno == errno.ENAMETOOLONG:
            raise _as_unusable_name(arguments) from None
        if _guess_options(arguments).verbose:
            show_traceback(bug)
        raise _as_bug(bug) from None
    return code if isinstance(code, int) else 0


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise WrongUsage(
                "An argument is not UTF-8 text", hint="Check the terminal's encoding."
            ) from None


def _report(error: MayhouseError, arguments: Sequence[str]) -> int:
    options = _guess_options(arguments).over(current_options.get(None))
    output = current_output.get(None) or make_output(options)
    if _is_plugin(arguments):
        from mayhouse_cli.commands.balance import report_unknown

        report_unknown(error, output)
        return PLUGIN_UNKNOWN
    output.failure(current_command.get(""), error)
    return error.exit_code


def _guess_options(arguments: Sequence[str]) -> CommonOptions:
    """The options that matter for a report, when the command line itself could not be read."""
    before_the_end = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return CommonOptions(
        json="--json" in before_the_end,
        verbose="-v" in before_the_end or "--verbose" in before_the_end,
        no_color="--no-color" in before_the_end,
    )


def _is_plugin(arguments: Sequence[str]) -> bool:
    """Whether this is `balance check`, which speaks the language of monitoring plugins."""
    words = [word for word in arguments if not word.startswith("-")]
    return any(pair == ("balance", "check") for pair in pairwise(words))


def _command_of(usage: typer.TyperException) -> str:
    context = getattr(usage, "ctx", None)
    return command_name(context.command_path) if context is not None else ""


def _as_wrong_usage(usage: typer.TyperException) -> WrongUsage:
    message = usage.format_message().rstrip(".")
    command = _command_of(usage).replace(".", " ")
    return WrongUsage(message, hint=f"See `mayhouse {command} --help`.".replace("  ", " "))


def _as_unusable_name(arguments: Sequence[str]) -> MayhouseError:
    """No system takes it, whatever it was to be opened for; it may be a key in the wrong place."""
    typed = any(len(os.fsencode(one)) > MOST_BYTES_OF_A_NAME for one in arguments)
    kind = WrongUsage if typed else ConfigurationError
    return kind(
        f"A file's name is longer than {MOST_BYTES_OF_A_NAME} bytes",
        hint="Is the content given where the name of its file is wanted?",
    )


def _as_bug(bug: Exception) -> MayhouseError:
    """Tell where, not what: an unforeseen exception's text may hold a secret."""
    return MayhouseError(
        f"A defect in mayhouse: {place_of(bug)}",
        hint="Please report it, with what -v shows. `mayhouse tx list` tells whether anything was "
        "sent.",
    )


def _turn_signals_into_errors() -> None:
    """SIGINT and SIGTERM end a wait as errors do, so that the hash and the remedy are said.

    One is enough: a second would cut off what the first has to say.
    """

    def let_pass(number: int, frame: FrameType | None) -> None:
        _ = number, frame

    def ignore_more() -> None:
        # Not SIG_IGN: of a signal that is under way already Python would complain on stderr.
        signal.signal(signal.SIGINT, let_pass)
        signal.signal(signal.SIGTERM, let_pass)

    def interrupt(number: int, frame: FrameType | None) -> None:
        _ = number, frame
        ignore_more()
        raise Interrupted("Interrupted.", hint=_AFTER_A_SIGNAL)

    def terminate(number: int, frame: FrameType | None) -> None:
        _ = number, frame
        ignore_more()
        raise Terminated("Terminated.", hint=_AFTER_A_SIGNAL)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
