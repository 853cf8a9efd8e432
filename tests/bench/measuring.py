"""Ratios against the plain way of doing the same, both measured in one run, turn by turn."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median

LONGEST_RUN = 900.0  # seconds


@dataclass(frozen=True)
class Measured:
    """One line of the result."""

    what: str
    against: str
    ours: str
    plain: str
    ratio: float
    bound: Fraction
    runs: int

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.ratio <= self.bound


@dataclass(frozen=True)
class Process:
    """A command line to be timed, in an environment and a folder."""

    words: Sequence[str | Path]
    env: Mapping[str, str]
    folder: Path

    def seconds(self) -> float:
        """Run it once; it must succeed."""
        return self._run()[0]

    def peak(self) -> int:
        """Run it once; gives the most memory it held, in kibibytes."""
        return self._run()[1]

    def _run(self) -> tuple[float, int]:
        out = self.folder / "benchmark.out"
        began = time.perf_counter()
        with out.open("wb") as stream:
            process = subprocess.Popen(
                self.words, env=dict(self.env), cwd=self.folder, stdout=stream, stderr=stream
            )
            _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, out.read_text(encoding="utf-8")[-2000:]
        return took, used.ru_maxrss


def compare(
    what: str,
    against: str,
    bound: Fraction,
    ours: Callable[[], float],
    plain: Callable[[], float],
    runs: int,
) -> Measured:
    """Give the median of the ratios of so many pairs, after one of each that does not count."""
    ours(), plain()
    pairs = [(ours(), plain()) if number % 2 else (plain(), ours())[::-1] for number in range(runs)]
    return Measured(
        what,
        against,
        f"{median(mine for mine, _ in pairs):.2f} s",
        f"{median(theirs for _, theirs in pairs):.2f} s",
        median(mine / theirs for mine, theirs in pairs),
        bound,
        runs,
    )
