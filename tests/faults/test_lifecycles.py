"""Random lifecycles of a platform: whatever happens, its money adds up to the wei and the paisa.

Each run begins with at least 14 events and 30 bookings, strangers' among them, and goes on with
whatever can happen then. MAYHOUSE_SEED repeats it.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.faults.counts import COUNTS
from tests.faults.lifecycle_machine import Lifecycles
from tests.faults.lifecycle_platform import Platform
from tests.mayhouse import SEED, Mayhouse

STEPS: Final = 40

Record = Callable[[str, object], None]


@contextmanager
def platforms(
    node: ChainNode, contract: str, server: DatabaseServer, folder: Path
) -> Iterator[Iterator[Platform]]:
    """Give platforms one after the other, each on the same empty contract."""

    def one_after_the_other() -> Iterator[Platform]:
        while True:
            snapshot = node.snapshot()
            with server.database() as url:
                query(url, SEED)
                yield Platform(Mayhouse(node, url, contract, folder))
            node.revert(snapshot)

    running = one_after_the_other()
    try:
        yield running
    finally:
        running.close()  # type: ignore[attr-defined] # of the generator that it is


def live(runs: int, made: Iterator[Platform], record: Record) -> None:
    """Go through so many random lifecycles."""
    told = int(os.environ.get("MAYHOUSE_SEED") or random.SystemRandom().randrange(10**9))
    counts: Counter[str] = Counter()

    @seed(told)
    class Run(Lifecycles):
        def __init__(self) -> None:
            super().__init__(made, counts)

    wanted = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        phases=[Phase.generate],  # a smaller failure would take hours to find
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Run, settings=wanted)
    except BaseException as found:
        found.add_note(f"MAYHOUSE_SEED={told}")
        raise
    shown = ", ".join(f"{number} {what}" for what, number in counts.items())
    record(COUNTS, f"lifecycles: {shown}, 0 wei amiss, MAYHOUSE_SEED={told}")


@pytest.mark.parametrize(
    "runs", [pytest.param(2, id="2"), pytest.param(30, id="30", marks=pytest.mark.sweep)]
)
def test_the_money_of_random_lifecycles_adds_up(
    node: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    folder: Path,
    runs: int,
    record_property: Record,
) -> None:
    """Liabilities, surplus, settlements and rupees are exact after whatever happened."""
    with platforms(node, contract, database_server, folder) as made:
        live(runs, made, record_property)
