"""Killed at every point on its way, each command still happens once and is recorded in full."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.faults import crashing, processes
from tests.faults.checkpoints import Checkpoint
from tests.faults.conftest import COUNTS
from tests.faults.oracle import Findings, Oracle
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, Mayhouse, Run

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
BOOKING_ROW: Final = "00000000-0000-4000-8000-0000000000b1"
KILLED: Final = -9
REFUSED: Final = 6
SENT: Final = "after ContractClient.send"

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
        assert self.runs > 20, "hardly any point was met: the steps are not wrapped any more"
        self.findings.demand_none()


def run(mayhouse: Mayhouse, *words: str) -> Run:
    """Run a command that must succeed."""
    done = processes.start(
        *words, "--json", env=mayhouse.environment, folder=mayhouse.folder
    ).wait()
    assert done.code == 0, done
    return done


def killed_at(number: int, mayhouse: Mayhouse, *words: str) -> str | None:
    """Run a command to be killed at its n-th point; gives the point, None when it came through."""
    done = processes.start(
        *words,
        "--json",
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=crashing.die_at,
        arguments=(number,),
    ).wait()
    return _point_of(done)


def _point_of(done: Run) -> str | None:
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


# --- the platform before each ------------------------------------------------------------


@pytest.fixture
def since(mayhouse: Mayhouse) -> int:
    """The last block before the platform's wallet acts."""
    return int(mayhouse.node.rpc("eth_blockNumber"), 16)


@pytest.fixture
def event_row(mayhouse: Mayhouse, since: int) -> str:
    """An event's row that is not on chain yet."""
    _ = since
    mayhouse.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
        " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4)",
        EVENT_ROW,
        EXPERIENCE_ID,
        *2 * (mayhouse.starts_in(),),
    )
    return EVENT_ROW


@pytest.fixture
def event(mayhouse: Mayhouse, event_row: str) -> str:
    """The number of an event on chain."""
    return str(run(mayhouse, "event", "create", event_row, "-y").data["chain_event_id"])


@pytest.fixture
def booking_row(mayhouse: Mayhouse, event: str) -> str:
    """A booking's row that is not on chain yet."""
    _ = event
    mayhouse.execute(
        "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"
        " VALUES (%s, %s, %s, 2)",
        BOOKING_ROW,
        EVENT_ROW,
        ASHA,
    )
    return BOOKING_ROW


@pytest.fixture
def booked_event(mayhouse: Mayhouse, event: str) -> str:
    """An event with two bookings, of which one will have come."""
    for traveler, seats in ((ASHA, "2"), (BINA, "1")):
        words = ("booking", "create", event, "--seats", seats, "--traveler", traveler, "-y")
        run(mayhouse, *words)
    return event


# --- the sweeps --------------------------------------------------------------------------


def test_an_event_creation_survives_a_kill_at_every_point(
    mayhouse: Mayhouse,
    since: int,
    event_row: str,
    record_property: Record,
) -> None:
    """Wherever `event create` dies, one resume and the same command give one event."""
    words = ["event", "create", event_row, "-y"]
    sweep(mayhouse, since, words).close("event create", record_property)


def test_a_booking_survives_a_kill_at_every_point(
    mayhouse: Mayhouse,
    since: int,
    booking_row: str,
    record_property: Record,
) -> None:
    """Wherever `booking create` dies, one resume and the same command give one booking."""
    words = ["booking", "create", "--booking", booking_row, "-y"]
    sweep(mayhouse, since, words).close("booking create", record_property)


def test_a_completion_survives_a_kill_at_every_point(
    mayhouse: Mayhouse,
    since: int,
    booked_event: str,
    record_property: Record,
) -> None:
    """Wherever `event complete` dies, everyone is paid once and the settlement is whole."""
    mayhouse.warp(90_000)
    plan = run(mayhouse, "event", "complete", booked_event, "--attended", "1", "--plan").data
    words = ["event", "complete", booked_event, "--execute", plan["plan_hash"]]
    sweep(mayhouse, since, words).close("event complete", record_property)


def test_a_cancellation_survives_a_kill_at_every_point(
    mayhouse: Mayhouse,
    since: int,
    booked_event: str,
    record_property: Record,
) -> None:
    """Wherever `event cancel` dies, everyone is refunded once and the settlement is whole."""
    plan = run(mayhouse, "event", "cancel", booked_event, "--reason", "rain", "--plan").data
    words = ["event", "cancel", booked_event, "--execute", plan["plan_hash"]]
    sweep(mayhouse, since, words).close("event cancel", record_property)


@pytest.mark.parametrize("mined", ["before", "after"])
def test_a_speedup_survives_a_kill_at_every_point(
    mayhouse: Mayhouse,
    since: int,
    event_row: str,
    record_property: Record,
    mined: str,
) -> None:
    """Wherever `tx speedup` dies, either version is mined once, before or after the resume."""
    node, automine = mayhouse.node, True
    node.rpc("evm_setAutomine", not automine)
    data = run(mayhouse, "event", "create", event_row, "-y", "--no-wait").data
    raw = mayhouse.row("SELECT raw FROM mayhouse.attempts")["raw"]
    counted = Sweep()
    point: str | None = "none yet"
    try:
        with Checkpoint(mayhouse) as checkpoint:
            while point is not None and not (mined == "after" and point == SENT):
                with checkpoint.restored():
                    node.rpc("evm_setAutomine", not automine)
                    if counted.runs:  # going back has emptied the pool
                        node.rpc("eth_sendRawTransaction", "0x" + raw.hex())
                    point = _kill_a_speedup(counted, mayhouse, since, data["tx_hash"], mined)
    finally:
        node.rpc("anvil_dropAllTransactions")
        node.rpc("evm_setAutomine", automine)
    counted.close(f"tx speedup, mined {mined} the resume", record_property)


def _kill_a_speedup(
    counted: Sweep, mayhouse: Mayhouse, since: int, tx_hash: str, mined: str
) -> str | None:
    oracle = Oracle(mayhouse, since)
    url = mayhouse.node.url
    done = processes.start(
        *("tx", "speedup", tx_hash, "-y", "--json"),
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=crashing.mine_after_sending,
        arguments=(url, counted.runs + 1),
    ).wait()
    point = _point_of(done)
    if point is not None:
        if mined == "before":
            mayhouse.node.rpc("evm_mine")
        found = oracle.resume(crashing.mine_after_sending, (url,))
        counted.add(point, found, _refused_again(oracle, mayhouse, tx_hash))
    return point


def _refused_again(oracle: Oracle, mayhouse: Mayhouse, tx_hash: str) -> Findings:
    """What is mined cannot be sped up: nothing more is signed."""
    attempts = mayhouse.rows("SELECT tx_hash FROM mayhouse.attempts")
    again = oracle.run("tx", "speedup", tx_hash, "-y")
    found = oracle.examine()
    if again.code != REFUSED:
        found.losses.append(f"speedup again: ended with {again.code}: {again.out}")
    if mayhouse.rows("SELECT tx_hash FROM mayhouse.attempts") != attempts:
        found.duplicates.append("speedup again: it signed one more version")
    return found
