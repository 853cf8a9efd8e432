"""Many processes of the tool, quickly: each is forked from a server that has imported it all.

What runs in the child is the console script's own entry, with its own environment, folder and
streams; a child is killed like any process. Starting the script itself costs a second of
imports, which a sweep of a thousand kills cannot pay.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.mayhouse import Run

PRELOADED: Final = [
    "pytest",  # a child looks at its parent's main script, which is pytest's own
    "tests.faults.crashing",
    "tests.faults.preloaded",
]
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(PRELOADED)


def _child(
    words: list[str],
    env: dict[str, str],
    folder: str,
    out: str,
    err: str,
    prepare: Callable[..., None] | None,
    arguments: tuple[Any, ...],
) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for path, number in ((os.devnull, 0), (out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 the stream that replaces pytest's
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 open as long as the child lives
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 open as long as the child lives
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if prepare is not None:
        prepare(*arguments)
    from mayhouse_cli.cli import run  # noqa: PLC0415 loaded by the fork server already

    code = run(words)
    sys.stdout.flush()
    os._exit(code)


@dataclass
class Child:
    """One running process of the tool."""

    process: Any
    out: Path
    err: Path
    started: float = field(default_factory=time.monotonic)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def wait(self, seconds: float = 120) -> Run:
        """Wait for its end; a killed one has the negative number of its signal as its code."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "the process did not end"
        run = Run(
            self.process.exitcode,
            self.out.read_text(encoding="utf-8"),
            self.err.read_text(encoding="utf-8"),
        )
        assert "Traceback" not in run.err, run.err
        self.out.unlink()
        self.err.unlink()
        return run


def start(
    *words: str,
    env: Mapping[str, str],
    folder: Path,
    prepare: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Child:
    """Start a process of the tool; `prepare(*arguments)` runs in it first."""
    handles = [tempfile.mkstemp(dir=folder) for _ in range(2)]
    for handle, _ in handles:
        os.close(handle)
    out, err = (Path(path) for _, path in handles)
    process = _FORKS.Process(
        target=_child,
        args=(list(words), dict(env), str(folder), str(out), str(err), prepare, arguments),
    )
    process.start()
    return Child(process, out, err)
