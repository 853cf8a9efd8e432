"""Ratios against the plain way of doing the same, both measured in one run, turn by turn."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Final

LONGEST_RUN: Final = 900.0  # seconds
# A process inherits the peak of the one it was forked from: so it is forked from a small one.
_PEAK: Final = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


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
        began = time.perf_counter()
        self._run(self.words)
        return time.perf_counter() - began

    def peak(self) -> int:
        """Run it once; gives the most memory it held, in kibibytes."""
        return int(self._run([sys.executable, "-c", _PEAK, *self.words]).splitlines()[-1])

    def _run(self, words: Sequence[str | Path]) -> str:
        ran = subprocess.run(
            words,
            env=dict(self.env),
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=LONGEST_RUN,
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        return ran.stdout


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
