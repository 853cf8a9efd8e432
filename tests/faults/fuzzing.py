"""One command line in this very process, watched: how it ends, what it prints, what it writes."""

import contextvars
import faulthandler
import io
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from mayhouse_cli.cli import run
from mayhouse_cli.redaction import secrets_of_this_process

PATIENCE: Final = 20.0  # seconds; a command gets 0.1 for the network
# Written by Python itself.
_ELSEWHERE: Final = re.compile(r"/__pycache__(/|$)")


@dataclass(frozen=True)
class Case:
    """One command line, and what it finds around it."""

    words: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    as_json: bool = True

    @property
    def arguments(self) -> list[str]:
        """The whole line: the common options stand where no mutation can swallow them."""
        return ["--timeout", "0.1", *(("--json",) if self.as_json else ()), *self.words]

    @property
    def is_plugin(self) -> bool:
        """Whether it speaks as a monitoring plugin does."""
        words = [word for word in self.words if not word.startswith("-")]
        return ("balance", "check") in pairwise(words)

    @property
    def asks_for_help(self) -> bool:
        """Whether a page of text is an answer to it."""
        return bool({"--help", "--version", "completion"} & {*self.words})


@dataclass
class Ended:
    """What a case came to."""

    code: object
    out: str
    err: str
    outside: list[str]
    left: str
    """All that stands in its folder now."""


class Hang(BaseException):
    """The command has not ended in time."""


class _Guard:
    """Notes what is written outside the folder, once it watches."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.found: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if not writes or isinstance(path, int):
                return
            # What is written to a device is lost; to replace or remove one is another matter.
            if os.fsdecode(path) not in (os.devnull, "/dev/tty"):
                self._look(path, f"open {mode}")
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.rename", "os.link"):
            self._look(arguments[0], event)
            if event in ("os.rename", "os.link"):
                self._look(arguments[1], event)

    def _look(self, path: object, what: str) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a hook must not open anything
        inside = name == self.folder or name.startswith(f"{self.folder}/")
        if not inside and not _ELSEWHERE.search(name):
            self.found.append(f"{what} {name}")


_GUARD: Final = _Guard()


@cache
def _watch_files() -> None:
    """Once a process: it cannot be taken away again, and notes something only during a case."""
    sys.addaudithook(_GUARD)


def run_case(case: Case, folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run it as in a process of its own, and put back whatever it has changed in this one."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    out, err = _stream(), _stream()
    with _as_at_the_start(folder, {**environment, **case.env}, out, err), _guarded(folder) as found:
        try:
            # What a command keeps in context variables is its own.
            code: object = contextvars.copy_context().run(run, case.arguments)
        except Hang:
            code = "it hangs"
        except BaseException as escaped:  # noqa: BLE001 whatever it is, it is what is looked for
            code = f"{type(escaped).__name__} leaves run(): {escaped}"
    left = _read_all(folder, planted=case.files)
    return Ended(code, _text(out), _text(err), found, left)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw = stream.buffer.raw if isinstance(stream.buffer, io.BufferedWriter) else stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8", errors="replace")


def _read_all(folder: Path, planted: Mapping[str, bytes]) -> str:
    files = (one for one in folder.rglob("*") if one.is_file() and one.name not in planted)
    return "\n".join(one.read_text(encoding="utf-8", errors="replace") for one in files)


@contextmanager
def _guarded(folder: Path) -> Iterator[list[str]]:
    _watch_files()
    _GUARD.folder, _GUARD.found = str(folder), []
    try:
        yield _GUARD.found
    finally:
        _GUARD.folder = None


@contextmanager
def _as_at_the_start(
    folder: Path, environment: Mapping[str, str], out: io.TextIOWrapper, err: io.TextIOWrapper
) -> Iterator[None]:
    """A process that has just begun: its streams, environment, folder, signals, logs, hooks."""
    before = dict(os.environ)
    here = Path.cwd()
    streams = sys.stdin, sys.stdout, sys.stderr
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions
    signals = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    secrets_of_this_process.__init__()  # type: ignore[misc] # it forgets nothing by itself
    try:
        with warnings.catch_warnings(), _watchdog():
            warnings.simplefilter("ignore")
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
            sys.stdout, sys.stderr = out, err
            yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)
        for number, handler in signals.items():
            signal.signal(number, handler)
        sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions = hooks
        root.setLevel(level)
        root.handlers[:] = handlers


@contextmanager
def _watchdog() -> Iterator[None]:
    """End a case that hangs; should it not even listen to that, end the process with its place."""

    def give_up(number: int, frame: FrameType | None) -> NoReturn:
        _ = number, frame
        raise Hang

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    faulthandler.dump_traceback_later(3 * PATIENCE, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def case_folder() -> Iterator[Path]:
    """A folder of one case's own."""
    folder = Path(tempfile.mkdtemp(prefix="mayhouse-fuzz-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
