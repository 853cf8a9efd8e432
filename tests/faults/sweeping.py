"""Killing a command at each of its points in turn, and counting what comes of it."""

from collections.abc import Callable
from typing import Final

from tests.faults import crashing, processes
from tests.faults.checkpoints import Checkpoint
from tests.faults.counts import COUNTS
from tests.faults.oracle import Findings, Oracle
from tests.mayhouse import Mayhouse, Run

KILLED: Final = -9

Record = Callable[[str, object], None]


class Sweep:
    """What one command's sweep has counted and found."""

    def __init__(self) -> None:
        self.points: set[str] = set()
        self.runs = 0
        self.findings = Findings()

    def add(self, point: str, *found: Findings) -> None:
        """Count one run that was killed at this point."""
        self.points.add(point)
        self.runs += 1
        for one in found:
            self.findings.add(one, f"run {self.runs}, killed {point}")

    def close(self, name: str, record: Record) -> None:
        """Report the counts, and fail if anything was found."""
        duplicates, losses = len(self.findings.duplicates), len(self.findings.losses)
        record(
            COUNTS,
            f"kill sweep, {name}: {len(self.points)} points, {self.runs} kills, "
            f"{duplicates} duplicates, {losses} losses",
        )
        assert self.runs > 15, "hardly any point was met: the steps are not wrapped any more"
        self.findings.demand_none()


def run(mayhouse: Mayhouse, *words: str) -> Run:
    """Run a command that must succeed."""
    done = processes.start(
        *words, "--json", env=mayhouse.environment, folder=mayhouse.folder
    ).wait()
    assert done.code == 0, done
    return done


def killed_at(
    number: int,
    mayhouse: Mayhouse,
    *words: str,
    prepare: Callable[..., None] = crashing.die_at,
    arguments: tuple[str, ...] = (),
) -> str | None:
    """Run a command to be killed at its n-th point; gives the point, None when it came through."""
    done = processes.start(
        *words,
        "--json",
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=prepare,
        arguments=(*arguments, number),
    ).wait()
    assert done.code in (0, KILLED), done
    return done.err.splitlines()[-1] if done.code == KILLED else None


def sweep(mayhouse: Mayhouse, since: int, words: list[str]) -> Sweep:
    """Kill the command at each of its points in turn; resume, run it again, and judge."""
    counted = Sweep()
    point: str | None = "none yet"
    with Checkpoint(mayhouse) as checkpoint:
        while point is not None:
            with checkpoint.restored():
                oracle = Oracle(mayhouse, since)
                before = oracle.recorded()
                point = killed_at(counted.runs + 1, mayhouse, *words)
                if point is not None:
                    resumed = oracle.resume()
                    counted.add(point, resumed, oracle.run_again(*words, recorded_before=before))
    return counted
