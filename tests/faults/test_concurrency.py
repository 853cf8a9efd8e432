"""Many processes, two hosts, one database: each intent once, each nonce once, newest bytes last."""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.faults.counts import COUNTS
from tests.faults.gates import closed_gate, pass_gate, stop_at, wait_until_stopped
from tests.faults.oracle import Oracle
from tests.faults.processes import Child, start
from tests.faults.proxy import FaultyProxy
from tests.faults.scenarios import add_event_row
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, HOST_ID, Mayhouse, Run

EACH: Final = 25  # events a host
SAME: Final = 20  # runs of one intent
BEFORE_THE_LOCK: Final = "before PostgresJournal.lock"


@dataclass
class Host:
    """A machine of its own: its folder, its environment, its way to the node."""

    mayhouse: Mayhouse
    url: str
    folder: Path

    def start(self, *words: str, gate: Path | None = None, stop: str | None = None) -> Child:
        """Start a command there, held by a gate or stopping itself at a point."""
        environment = {
            **self.mayhouse.environment,
            "HOME": str(self.folder),
            "BLOCKCHAIN_RPC_URL": self.url,
        }
        words = (*words, "--json", "--timeout", "60")
        if gate is not None:
            return start(
                *words, env=environment, folder=self.folder, prepare=pass_gate, arguments=(gate,)
            )
        if stop is not None:
            return start(
                *words, env=environment, folder=self.folder, prepare=stop_at, arguments=(stop,)
            )
        return start(*words, env=environment, folder=self.folder)


@pytest.fixture
def proxy(mayhouse: Mayhouse) -> Iterator[FaultyProxy]:
    """A proxy with the 10 % rule before the test's node."""
    with FaultyProxy(mayhouse.node.url, strict_replacements=True) as proxy:
        yield proxy


@pytest.fixture
def hosts(mayhouse: Mayhouse, proxy: FaultyProxy) -> tuple[Host, Host]:
    """Two machines on one database, the second one's node behind a proxy."""
    folders = [mayhouse.folder / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    return Host(mayhouse, mayhouse.node.url, folders[0]), Host(mayhouse, proxy.url, folders[1])


@pytest.fixture
def oracle(mayhouse: Mayhouse) -> Oracle:
    """Judges everything from here on."""
    return Oracle(mayhouse)


def event_rows(mayhouse: Mayhouse, number: int) -> list[str]:
    """Add so many rows of events that differ."""
    rows = [f"00000000-0000-4000-8000-0000000c{one:04}" for one in range(number)]
    for one, row in enumerate(rows):
        add_event_row(mayhouse, row, 2500 + one)
    return rows


def together(mayhouse: Mayhouse, hosts: Sequence[Host], *commands: Sequence[str]) -> list[Run]:
    """Run the commands at the same moment, the hosts taking turns."""
    gate = mayhouse.folder / "gate"
    with closed_gate(gate):
        children = [
            hosts[one % len(hosts)].start(*words, gate=gate) for one, words in enumerate(commands)
        ]
    return [child.wait() for child in children]


def nonces(mayhouse: Mayhouse) -> list[int]:
    """The recorded nonces in order."""
    rows = mayhouse.rows("SELECT nonce FROM mayhouse.transactions ORDER BY nonce")
    return [row["nonce"] for row in rows]


def attempts(mayhouse: Mayhouse) -> list[int]:
    """The recorded attempts' numbers."""
    return [row["number"] for row in mayhouse.rows("SELECT number FROM mayhouse.attempts")]


# --- one database, many processes -------------------------------------------------------------


def test_fifty_events_of_two_hosts_take_fifty_nonces_in_a_row(
    mayhouse: Mayhouse,
    hosts: tuple[Host, Host],
    oracle: Oracle,
    record_property: Callable[[str, object], None],
) -> None:
    """25 creations each at one moment: no gap, no replacement, every row right."""
    first = mayhouse.transactions_sent()
    rows = event_rows(mayhouse, 2 * EACH)
    commands = [("event", "create", row, "-y") for row in rows]
    runs = together(mayhouse, hosts, *commands)
    failed = sum(run.code != 0 for run in runs)
    record_property(COUNTS, f"two hosts: {len(runs)} creations at once, {failed} failed")
    assert [run.error for run in runs if run.code] == []
    assert nonces(mayhouse) == list(range(first, first + 2 * EACH))
    assert attempts(mayhouse) == [1] * 2 * EACH
    assert len({run.data["chain_event_id"] for run in runs}) == 2 * EACH
    oracle.examine().demand_none()


def test_one_row_run_by_twenty_processes_is_one_event(
    mayhouse: Mayhouse, hosts: tuple[Host, Host], oracle: Oracle
) -> None:
    """Whoever comes later watches the first one's transaction, and says the same."""
    (row,) = event_rows(mayhouse, 1)
    runs = together(mayhouse, hosts, *[("event", "create", row, "-y")] * SAME)
    assert [run.error for run in runs if run.code] == []
    assert all(run.data == runs[0].data for run in runs)
    assert attempts(mayhouse) == [1]
    oracle.examine().demand_none()


def test_one_idempotency_key_run_by_twenty_processes_is_one_event(
    mayhouse: Mayhouse, hosts: tuple[Host, Host], oracle: Oracle
) -> None:
    """Without a row, the key alone makes the runs one, and only one row is written."""
    words = ("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500")
    more = ("--seats", "4", "--starts-at", mayhouse.starts_in(), "--idempotency-key", "k1", "-y")
    runs = together(mayhouse, hosts, *[(*words, *more)] * SAME)
    assert [run.error for run in runs if run.code] == []
    assert all(run.data == runs[0].data for run in runs)
    assert len(mayhouse.rows("SELECT FROM event_runs")) == 1
    oracle.examine().demand_none()


def test_a_process_that_slept_through_a_nonce_takes_another(
    mayhouse: Mayhouse, hosts: tuple[Host, Host], oracle: Oracle
) -> None:
    """Stopped after the chain was read and before the lock: the old pending count is not used."""
    here, there = hosts
    slow, quick = event_rows(mayhouse, 2)
    sleeper = here.start("event", "create", slow, "-y", stop=BEFORE_THE_LOCK)
    wait_until_stopped(sleeper)
    assert there.start("event", "create", quick, "-y").wait().code == 0
    sleeper.kill(signal.SIGCONT)
    assert sleeper.wait().code == 0
    first, second = nonces(mayhouse)
    assert second == first + 1
    oracle.examine().demand_none()


def test_the_daily_cap_holds_for_sends_at_the_same_moment(
    mayhouse: Mayhouse, hosts: tuple[Host, Host], oracle: Oracle
) -> None:
    """Three stakes of about 0.01 ETH at once under a cap of 0.025: one is refused."""
    for host in hosts:
        (host.folder / "config.toml").write_text('max_daily_eth = "0.025"\n', encoding="utf-8")
    rows = event_rows(mayhouse, 3)
    runs = together(mayhouse, hosts, *(("event", "create", row, "-y") for row in rows))
    (refused,) = [run for run in runs if run.code]
    assert (refused.code, refused.error["code"]) == (6, "refused")
    assert "over the cap" in refused.error["message"]
    oracle.examine().demand_none()


def test_the_daily_cap_holds_whatever_pays(
    mayhouse: Mayhouse, hosts: tuple[Host, Host], oracle: Oracle
) -> None:
    """An import, a payout and a creation at once: any two fit under the cap, one is refused."""
    first = str(mayhouse.create_event()["chain_event_id"])
    mayhouse.book(first, ASHA)
    mayhouse.warp(90_000)
    assert hosts[0].start("event", "complete", first, "--all-attended", "-y").wait().code == 0
    second = mayhouse.create_event(price="2600")["chain_event_id"]
    (row,) = event_rows(mayhouse, 1)
    file = mayhouse.folder / "bookings.csv"
    file.write_text(f"event,traveler,seats\n{second},{BINA},1\n", encoding="utf-8")
    payable = mayhouse.row("SELECT id FROM mayhouse.payables WHERE payee_id = %s", HOST_ID)["id"]
    # Of ETH, 0.0354 were sent; a booking is 0.0156, the payout 0.011875, a creation 0.01.
    for host in hosts:
        (host.folder / "config.toml").write_text('max_daily_eth = "0.0635"\n', encoding="utf-8")
    booking = ("booking", "import", str(file), "-y")
    payout = ("payout", "send", str(payable), "-y")
    runs = together(mayhouse, hosts, booking, payout, ("event", "create", row, "-y"))
    (refused,) = [run for run in runs if run.code]
    assert (refused.code, "over the cap" in refused.error["message"]) == (6, True)
    oracle.examine().demand_none()


# --- one transaction, two hosts ---------------------------------------------------------------


def race(mayhouse: Mayhouse, host: Host, row: str, drawn: random.Random) -> list[Run]:
    """Leave a creation waiting, then resume, speed up and cancel it all at once; then mine."""
    created = host.start("event", "create", row, "-y", "--no-wait").wait()
    transaction = created.data["transaction_id"]
    resume = ("tx", "resume", transaction, "--no-wait")
    speedup = ("tx", "speedup", transaction, "-y", "--no-wait")
    cancel = ("tx", "cancel", transaction, "-y", "--no-wait")
    rivals = [resume, resume, speedup, drawn.choice((speedup, cancel))]
    drawn.shuffle(rivals)
    runs = together(mayhouse, [host], *rivals)
    mayhouse.node.rpc("evm_mine")
    ended = host.start("tx", "resume", transaction).wait()
    return [*runs, ended]


def races(
    mayhouse: Mayhouse, proxy: FaultyProxy, folder: Path, rounds: int, seed: int
) -> list[Run]:
    """Run the race for so many transactions, each after the other."""
    host = Host(mayhouse, proxy.url, folder)
    drawn = random.Random(seed)
    rows = event_rows(mayhouse, rounds)
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
    try:
        runs = [run for row in rows for run in race(mayhouse, host, row, drawn)]
    finally:
        mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    return runs


def sent_backwards(proxy: FaultyProxy) -> list[str]:
    """Where a nonce's cheaper bytes were sent after dearer ones."""
    dearest: dict[int, int] = {}
    found = []
    for one in proxy.sent:
        if one.max_fee < dearest.get(one.nonce, 0):
            found.append(f"nonce {one.nonce}: {one.max_fee} after {dearest[one.nonce]}")
        dearest[one.nonce] = max(one.max_fee, dearest.get(one.nonce, 0))
    return found


@pytest.mark.parametrize(
    "rounds", [pytest.param(3, id="3"), pytest.param(40, id="40", marks=pytest.mark.sweep)]
)
def test_older_bytes_are_never_sent_after_newer_ones(
    mayhouse: Mayhouse,
    proxy: FaultyProxy,
    oracle: Oracle,
    rounds: int,
    record_property: Callable[[str, object], None],
) -> None:
    """Resume, speed-up and cancel of one transaction at once: fees only rise, the end is true."""
    runs = races(mayhouse, proxy, mayhouse.folder, rounds, seed=rounds)
    backwards = sent_backwards(proxy)
    record_property(COUNTS, f"races: {rounds} rounds, {len(backwards)} older bytes sent last")
    assert backwards == []
    assert [one.error for one in proxy.sent if one.error and "underpriced" in one.error] == []
    assert [run.error for run in runs if run.code not in (0, 6)] == []
    oracle.examine().demand_none()
