"""Killed at every point on its way, each command still happens once and is recorded in full."""

from typing import Final

import pytest

from tests.faults import crashing
from tests.faults.checkpoints import Checkpoint
from tests.faults.oracle import Findings, Oracle
from tests.faults.sweeping import Record, Sweep, killed_at, run, sweep
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, Mayhouse

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
BOOKING_ROW: Final = "00000000-0000-4000-8000-0000000000b1"
REFUSED: Final = 6
SENT: Final = "after ContractClient.send"


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


def test_a_creation_that_wants_two_blocks_survives_a_kill_at_every_point(
    mayhouse: Mayhouse, since: int, event_row: str, record_property: Record
) -> None:
    """The same between the first block and the one that makes it final."""
    words = ["event", "create", event_row, "-y", "--confirmations", "2"]
    one_more = (crashing.mine_when_seen, (mayhouse.node.url,))
    counted = Sweep()
    point: str | None = "none yet"
    with Checkpoint(mayhouse) as checkpoint:
        while point is not None:
            with checkpoint.restored():
                oracle = Oracle(mayhouse, since)
                wanted = counted.runs + 1
                prepare, arguments = one_more
                point = killed_at(wanted, mayhouse, *words, prepare=prepare, arguments=arguments)
                if point is not None:
                    mayhouse.node.rpc("evm_mine")
                    resumed = oracle.resume(*one_more)
                    again = oracle.run_again(
                        *words, recorded_before=0, prepare=prepare, arguments=arguments
                    )
                    counted.add(point, resumed, again)
    counted.close("event create, two blocks deep", record_property)


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
    point = killed_at(
        counted.runs + 1,
        mayhouse,
        *("tx", "speedup", tx_hash, "-y"),
        prepare=crashing.mine_after_sending,
        arguments=(url,),
    )
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
