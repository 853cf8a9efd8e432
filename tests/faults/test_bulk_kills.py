"""`booking import` killed at random moments and run again: each row is booked exactly once.

MAYHOUSE_SEED repeats a run; the moments themselves still depend on the machine.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.bulk_platform import add_travelers, mining_by_interval, on_chain, read_csv, write_csv
from tests.faults import processes
from tests.faults.counts import COUNTS
from tests.faults.oracle import Oracle
from tests.mayhouse import Mayhouse, Run

Record = Callable[[str, object], None]
LONGEST: Final = 2.5  # seconds until a kill


class Import:
    """A file of bookings over two events, and its runs."""

    def __init__(self, mayhouse: Mayhouse, rows: int) -> None:
        """Create the events and the travelers."""
        self.mayhouse = mayhouse
        self.oracle = Oracle(mayhouse)
        self.events = [
            mayhouse.create_event("--allow-large", seats=rows)["chain_event_id"] for _ in range(2)
        ]
        travelers = add_travelers(mayhouse, rows // 2)
        self.file = write_csv(
            mayhouse.folder / "many.csv",
            ("event", "traveler", "seats"),
            [(self.events[n % 2], travelers[n // 2], 1) for n in range(rows)],
        )

    @property
    def booked(self) -> int:
        """How many bookings the contract has made, by its own logs."""
        return sum(len(on_chain(self.mayhouse, one)) for one in self.events)

    def start(self, window: int = 64) -> processes.Child:
        """Begin a run."""
        words = ("booking", "import", str(self.file), "-y", "--json", "--window", str(window))
        here = self.mayhouse
        return processes.start(*words, env=here.environment, folder=here.folder)

    def finish(self, rows: int) -> Run:
        """Run it to its end; all rows must be booked then, once, and the database say so."""
        run = self.start().wait(300)
        assert run.code == 0, run.out
        assert run.data["confirmed"] == run.data["total"] == rows
        assert self.booked == rows
        self.oracle.examine().demand_none()
        result = read_csv(Path(run.data["result_file"]))
        assert len({row["chain_booking_id"] for row in result}) == rows
        return run


def kill_randomly(mayhouse: Mayhouse, rows: int, window: int, kills: int, record: Record) -> None:
    """Kill so many runs of a file of so many rows, and finish it; a small window goes slowly."""
    seed = os.environ.get("MAYHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))
    drawn = random.Random(seed)
    whole = Import(mayhouse, rows)
    killed, after = 0, []
    with mining_by_interval(mayhouse.node):
        while killed < kills:
            child = whole.start(window)
            time.sleep(drawn.uniform(0.5, LONGEST))
            child.kill()
            if child.wait().code != -signal.SIGKILL:
                continue  # it was done before
            killed += 1
            after.append(whole.booked)
        try:
            whole.finish(rows)
        except AssertionError as found:
            found.add_note(f"MAYHOUSE_SEED={seed}, after {killed} kills at {after} bookings")
            raise
    record(
        COUNTS,
        f"import: {rows} rows, {killed} kills at {after} bookings, {rows} bookings in the end, "
        f"MAYHOUSE_SEED={seed}",
    )


def test_a_file_that_is_killed_a_few_times_is_booked_once(
    mayhouse: Mayhouse, record_property: Record
) -> None:
    """Each run goes on where the one before was killed."""
    kill_randomly(mayhouse, 120, 8, 2, record_property)


@pytest.mark.sweep
def test_a_thousand_rows_killed_ten_times_are_a_thousand_bookings(
    mayhouse: Mayhouse, record_property: Record
) -> None:
    """Exactly a thousand, and the database is equal to the chain."""
    kill_randomly(mayhouse, 1_000, 16, 10, record_property)


def test_an_interrupted_file_says_at_once_how_to_go_on(mayhouse: Mayhouse) -> None:
    """While it waits for blocks that do not come; the next run makes the rest."""
    whole = Import(mayhouse, 100)
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 the node's own parameter
    child = whole.start()
    end = time.monotonic() + 60
    while not mayhouse.row(
        "SELECT count(*) AS n FROM mayhouse.attempts WHERE sent_at > '-infinity'"
        " AND outcome = 'accepted'"
    )["n"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    child.kill(signal.SIGINT)
    run = child.wait(30)
    assert run.code == 130
    assert run.error["hint"].startswith("Nothing is made twice. To go on: mayhouse booking import")
    assert run.document["data"]["confirmed"] == 0
    assert run.document["data"]["sent"] >= 64
    assert len(read_csv(Path(run.document["data"]["result_file"]))) == 100
    with mining_by_interval(mayhouse.node):
        whole.finish(100)
