"""A script of commands, each killed at a random moment: nothing is doubled, nothing is lost.

MAYHOUSE_SEED repeats a run; the moments themselves still depend on the machine.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from tests.faults import crashing, processes
from tests.faults.checkpoints import Checkpoint
from tests.faults.counts import COUNTS
from tests.faults.oracle import Findings, Oracle
from tests.mayhouse import ASHA, BINA, CHITRA, EXPERIENCE_ID, Mayhouse

TRAVELERS: Final = (ASHA, BINA, CHITRA)
SEATS: Final = 4
DAY: Final = 86_400
KILLS_ON_ONE_PLATFORM: Final = 40

Record = Callable[[str, object], None]


@dataclass
class Event:
    """An event of the script that is on chain and open."""

    row: str
    number: str
    starts_at: int
    bookings: list[int] = field(default_factory=list)


class Script:
    """Random commands on one platform; after each, one resume, the oracle, and the same again."""

    def __init__(self, mayhouse: Mayhouse, drawn: random.Random) -> None:
        self._mayhouse = mayhouse
        self._drawn = drawn
        self._oracle = Oracle(mayhouse)
        self._events: list[Event] = []
        self._moment = 0.1  # seconds that a command takes, about
        self.kills = 0
        self.steps = 0

    def step(self) -> None:
        """Do one thing that can be done now; AssertionError when the oracle finds anything."""
        self.steps += 1
        acts: list[Callable[[], Findings]] = [self._create, self._create_and_speed_up]
        if self._events:
            acts += [self._book] * 3 + [self._complete, self._cancel]
        self._drawn.choice(acts)().demand_none()

    # --- the commands ----------------------------------------------------------------------

    def _create(self) -> Findings:
        event = self._new_event()
        found = self._killed_then_judged("event", "create", event.row, "-y")
        self._keep(event)
        return found

    def _create_and_speed_up(self) -> Findings:
        event, node, before = self._new_event(), self._mayhouse.node, self._oracle.recorded()
        create = ("event", "create", event.row, "-y")
        with standing_still(self._mayhouse):
            sent = self._oracle.run(*create, "--no-wait").data["tx_hash"]
            self._kill("tx", "speedup", sent, "-y")
            if self._drawn.random() < 0.5:  # either version, or the newest alone
                node.rpc("evm_mine")
            found = self._oracle.resume(crashing.mine_after_sending, (node.url,))
        found.add(self._oracle.run_again(*create, recorded_before=before), "again")
        self._keep(event)
        return found

    def _book(self) -> Findings:
        event = self._drawn.choice(self._events)
        row = str(UUID(int=self._drawn.getrandbits(128), version=4))
        if len(event.bookings) == SEATS:
            return self._cancel()
        self._mayhouse.execute(
            "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"
            " VALUES (%s, %s, %s, 1)",
            row,
            event.row,
            self._drawn.choice(TRAVELERS),
        )
        found = self._killed_then_judged("booking", "create", "--booking", row, "-y")
        number = self._mayhouse.row(
            "SELECT blockchain_booking_id AS number FROM event_run_bookings WHERE id = %s", row
        )["number"]
        event.bookings.append(number)
        return found

    def _complete(self) -> Findings:
        event = min(self._events, key=lambda one: one.starts_at)
        self._events.remove(event)
        self._mayhouse.warp(max(1, event.starts_at - self._mayhouse.chain_time))
        came = [str(number) for number in event.bookings if self._drawn.random() < 0.5]
        who = ("--attended", ",".join(came)) if came else ("--nobody-attended",)
        return self._killed_then_judged("event", "complete", event.number, *who, "-y")

    def _cancel(self) -> Findings:
        event = self._drawn.choice(self._events)
        self._events.remove(event)
        words = ("event", "cancel", event.number)
        plan = self._oracle.run(*words, "--reason", "rain", "--plan").data
        return self._killed_then_judged(*words, "--execute", plan["plan_hash"])

    # --- how each is done ------------------------------------------------------------------

    def _new_event(self) -> Event:
        row = str(UUID(int=self._drawn.getrandbits(128), version=4))
        starts_at = self._mayhouse.chain_time + DAY + self._drawn.randrange(10 * DAY)
        start = datetime.fromtimestamp(starts_at, UTC)
        self._mayhouse.execute(
            "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
            " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', %s)",
            row,
            EXPERIENCE_ID,
            start,
            start,
            SEATS,
        )
        return Event(row, "", starts_at)

    def _keep(self, event: Event) -> None:
        number = self._mayhouse.row(
            "SELECT blockchain_event_run_id AS number FROM event_runs WHERE id = %s", event.row
        )["number"]
        event.number = str(number)
        self._events.append(event)

    def _killed_then_judged(self, *words: str) -> Findings:
        before = self._oracle.recorded()
        self._kill(*words)
        found = self._oracle.resume()
        found.add(self._oracle.run_again(*words, recorded_before=before), "again")
        return found

    def _kill(self, *words: str) -> None:
        """Kill the command at a random moment of its way; it may be quicker than that."""
        here, started = self._mayhouse, time.monotonic()
        child = processes.start(*words, env=here.environment, folder=here.folder)
        child.process.join(self._drawn.uniform(0.005, self._moment * 0.9))
        child.kill()
        if child.wait().code < 0:
            self.kills += 1
            self._moment = min(1.0, self._moment * 1.05)
        else:
            took = time.monotonic() - started
            self._moment = max(0.05, self._moment * 0.8 + took * 0.2)


@contextmanager
def standing_still(mayhouse: Mayhouse) -> Iterator[None]:
    """The chain mines only when it is told to."""
    automine = True
    mayhouse.node.rpc("evm_setAutomine", not automine)
    try:
        yield
    finally:
        mayhouse.node.rpc("evm_setAutomine", automine)


def kill_randomly(mayhouse: Mayhouse, kills: int, record: Record) -> None:
    """Kill so many commands, on a new platform now and then."""
    seed = os.environ.get("MAYHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))
    drawn = random.Random(seed)
    done = steps = 0
    script = None
    try:
        with Checkpoint(mayhouse) as checkpoint:
            while done < kills:
                wanted = min(KILLS_ON_ONE_PLATFORM, kills - done)
                with checkpoint.restored():
                    script = Script(mayhouse, drawn)
                    while script.kills < wanted:
                        script.step()
                done, steps = done + script.kills, steps + script.steps
    except AssertionError as found:
        found.add_note(f"MAYHOUSE_SEED={seed}, after {done} kills; step {script and script.steps}")
        raise
    record(
        COUNTS,
        f"random kills: {done} of {steps} commands, 0 duplicates, 0 losses, MAYHOUSE_SEED={seed}",
    )


def test_forty_kills_at_random_moments_lose_and_double_nothing(
    mayhouse: Mayhouse, record_property: Record
) -> None:
    """After each, one resume brings the database to what is on chain."""
    kill_randomly(mayhouse, 40, record_property)


@pytest.mark.sweep
def test_a_thousand_kills_at_random_moments_lose_and_double_nothing(
    mayhouse: Mayhouse, record_property: Record
) -> None:
    """The same, until rare moments have been met too."""
    kill_randomly(mayhouse, 1_000, record_property)
