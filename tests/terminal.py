"""The installed script at a pseudo-terminal: what a person sees, types and presses."""

import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Self

from tests.mayhouse import SCRIPT

CTRL_C: Final = "\x03"
CTRL_D: Final = "\x04"
# Takes the terminal on its stdin as its own, without which Ctrl-C would signal nobody.
_LAUNCH: Final = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
_ROWS: Final = 40
_PATIENCE: Final = 30.0  # seconds


class Terminal:
    """One run of the script with a terminal as stdin and stderr, and as stdout unless piped."""

    def __init__(
        self,
        *words: str,
        env: Mapping[str, str],
        cwd: str | Path,
        pipe_stdout: bool = False,
        program: str | Path = SCRIPT,
        columns: int = 100,
    ) -> None:
        """Start the script, or another program."""
        self.seen = ""
        self._unread = 0
        self._master, slave = os.openpty()
        termios.tcsetwinsize(self._master, (_ROWS, columns))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, program, *words],
                env={"TERM": "xterm", **env},
                cwd=cwd,
                stdin=slave,
                stdout=subprocess.PIPE if pipe_stdout else slave,
                stderr=slave,
                start_new_session=True,
                encoding="utf-8",
            )
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def expect(self, text: str) -> str:
        """Wait until the terminal shows a text; gives what came since the last one, up to it."""
        deadline = time.monotonic() + _PATIENCE
        while (found := self.seen.find(text, self._unread)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"never shown: {text!r}, but {self.seen!r}")
        start, self._unread = self._unread, found + len(text)
        return self.seen[start : self._unread]

    def expect_hidden(self) -> None:
        """Wait until the terminal no longer shows what is typed."""
        deadline = time.monotonic() + _PATIENCE
        while termios.tcgetattr(self._master)[3] & termios.ECHO:
            if time.monotonic() > deadline:
                raise AssertionError(f"typing stays visible; shown was {self.seen!r}")
            time.sleep(0.01)

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        self.press(line + "\n")

    def press(self, keys: str) -> None:
        """Press keys, without Enter."""
        os.write(self._master, keys.encode())

    def finish(self) -> int:
        """Wait for the end; gives the exit code. What was shown is in `seen`."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline):
            pass
        return self._process.wait(_PATIENCE)

    def piped_stdout(self) -> str:
        """What the script wrote to its piped stdout, after its end."""
        stream: IO[str] | None = self._process.stdout
        assert stream is not None, "stdout is the terminal"
        return stream.read()

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.seen += chunk.decode(errors="replace").replace("\r\n", "\n")
        return bool(chunk)
