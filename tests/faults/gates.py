"""What holds processes of the tool, so that several of them meet at one moment.

The functions here run in the child, as the `prepare` of `tests.faults.processes.start`.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.faults.crashing import watch_points
from tests.faults.processes import Child

PATIENCE: Final = 30.0  # seconds


@contextmanager
def closed_gate(path: Path) -> Iterator[None]:
    """Hold everyone who comes to `pass_gate` with this path; all go on at once at the end."""
    with path.open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def pass_gate(path: Path) -> None:
    """Wait until the gate is open."""
    with path.open() as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)


def stop_at(point: str) -> None:
    """Stop this process when it first comes to the point; SIGCONT lets it go on."""
    stopped = False

    def look(name: str) -> None:
        nonlocal stopped
        if name == point and not stopped:
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)

    watch_points(look)


def wait_until_stopped(child: Child) -> None:
    """Return once the process has stopped itself."""
    deadline = time.monotonic() + PATIENCE
    while _state(child.process.pid) != "T":
        assert time.monotonic() < deadline, "the process never came to the point"
        time.sleep(0.01)


def _state(process: int) -> str:
    told = Path(f"/proc/{process}/stat")
    if told.exists():
        return told.read_text(encoding="utf-8").rpartition(") ")[2][0]
    return os.popen(f"ps -o state= -p {process}").read().strip()[:1]  # noqa: S605 a number
