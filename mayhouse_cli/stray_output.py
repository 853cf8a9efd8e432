"""What others would print by themselves: logs, warnings, exceptions that nobody catches.

All of it comes out masked, in one line each, on stderr. `faulthandler`, where the interpreter's
environment turns it on, prints files and line numbers only: there is nothing to mask in it.
"""

import logging
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from types import TracebackType
from typing import Final, TextIO

from mayhouse_cli.redaction import secrets_of_this_process


def take_over(*, verbose: bool) -> None:
    """Let nothing reach stderr unmasked from now on; libraries tell more with `verbose`."""
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda one: _tell_defect(one.exc_value)
    threading.excepthook = lambda one: _tell_defect(one.exc_value)
    warnings.showwarning = _show_warning
    logging.raiseExceptions = False  # a log call with wrong arguments would print them
    logging.getLogger().addHandler(_LOGS)
    logging.getLogger().setLevel(logging.INFO if verbose else logging.WARNING)


def place_of(bug: BaseException) -> str:
    """Tell where, not what: an unforeseen exception's text may hold anything."""
    frames = [
        frame
        for frame in traceback.extract_tb(bug.__traceback__)
        if "mayhouse_cli" in frame.filename
    ]
    place = f"in {frames[-1].name}, line {frames[-1].lineno}" if frames else "outside the tool"
    return f"{type(bug).__name__} {place}"


def show_traceback(bug: BaseException) -> None:
    """Show an exception and those behind it, for whoever has to find the defect."""
    _write("".join(traceback.format_exception(bug)))


class _MaskedLog(logging.Handler):
    """Writes a log record's line; the traceback that it may carry stays out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, or nothing when its arguments do not fit it."""
        with suppress(Exception):
            _write_line(f"! {record.name}: {record.getMessage()}")


_LOGS: Final = _MaskedLog()


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _ = kind, trace
    _tell_defect(error)


def _tell_defect(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        _write_line(f"! A defect in mayhouse: {place_of(error)}")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _ = filename, lineno, file, line
    _write_line(f"! {category.__name__}: {message}")


def _write_line(text: str) -> None:
    _write(" ".join(text.split()) + "\n")


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(secrets_of_this_process.masked(text))
        sys.stderr.flush()
