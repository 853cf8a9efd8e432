"""The installed script, interrupted or terminated: it ends at once, and says what is out."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.faults.oracle import Oracle
from tests.mayhouse import EXPERIENCE_ID, SCRIPT, Mayhouse
from tests.rpc_server import HANG, RpcServer

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
CREATE: Final = ("event", "create", EVENT_ROW, "-y")
PROMPT: Final = 1.0  # seconds from a signal to the end
TRIES: Final = 5  # one of so many is prompt, however busy the machine is
SOON: Final = 5.0  # seconds in which every one ends: far less than anything it waits for
PATIENCE: Final = 30.0  # seconds until the script has come to where it is to be stopped
SIGNALS: Final = [
    pytest.param(signal.SIGINT, 130, id="SIGINT"),
    pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
]


@pytest.fixture(autouse=True)
def event_row(mayhouse: Mayhouse) -> None:
    """An event's row that is not on chain yet."""
    mayhouse.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
        " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4)",
        EVENT_ROW,
        EXPERIENCE_ID,
        *2 * (mayhouse.starts_in(),),
    )


@pytest.fixture
def still_chain(mayhouse: Mayhouse) -> Iterator[Mayhouse]:
    """A platform whose chain takes transactions and mines none."""
    automine = True
    mayhouse.node.rpc("evm_setAutomine", not automine)
    yield mayhouse
    mayhouse.node.rpc("anvil_dropAllTransactions")
    mayhouse.node.rpc("evm_setAutomine", automine)


@dataclass
class Ended:
    """How the script ended after a signal."""

    code: int
    out: str
    err: str
    seconds: float
    """From the signal to the end, without what a busy machine has cost."""

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


def signalled(
    mayhouse: Mayhouse,
    number: int,
    when: Callable[[], bool],
    *words: str,
    again: int | None = None,
    **changes: str,
) -> Ended:
    """Start the script, send it a signal once `when` is true, and see how it ends.

    `again` is one more signal, right after the first.
    """
    with subprocess.Popen(
        [SCRIPT, *words],
        env={**mayhouse.environment, **changes},
        cwd=mayhouse.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as script:
        try:
            wait_until(when)
            stopped = time.monotonic()
            script.send_signal(number)
            if again is not None:
                script.send_signal(again)
            held_up_before = held_up(script)
            while os.waitid(os.P_PID, script.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                assert time.monotonic() - stopped < PATIENCE, "the script did not end"
                time.sleep(0.005)
            seconds = time.monotonic() - stopped - (held_up(script) - held_up_before)
            out, err = script.communicate(timeout=PATIENCE)
        finally:
            script.kill()
    assert "Traceback" not in err, err
    return Ended(script.returncode, out, err, seconds)


def held_up(script: "subprocess.Popen[str]") -> float:
    """Seconds in which it could have run and others had the processor; 0 where none tells."""
    told = Path(f"/proc/{script.pid}/schedstat")
    return int(told.read_text(encoding="ascii").split()[1]) / 1e9 if told.exists() else 0.0


def promptly(signalled_once: Callable[[], Ended]) -> Ended:
    """Interrupt a command that can be run again until one ends promptly; gives that one."""
    ended = signalled_once()
    for _ in range(TRIES - 1):
        if ended.seconds < PROMPT:
            break
        ended = signalled_once()
    assert ended.seconds < PROMPT
    return ended


def wait_until(when: Callable[[], bool]) -> None:
    """Look until it is so, and then for a moment more."""
    deadline = time.monotonic() + PATIENCE
    while not when():
        assert time.monotonic() < deadline, "the script never came so far"
        time.sleep(0.01)
    time.sleep(0.1)


def recorded_as(mayhouse: Mayhouse, status: str) -> Callable[[], bool]:
    """Whether a transaction has this status by now."""
    return lambda: bool(
        mayhouse.rows("SELECT FROM mayhouse.transactions WHERE status = %s", status)
    )


def tx_hash_of(mayhouse: Mayhouse) -> str:
    """The hash of the one recorded transaction."""
    tx_hash: str = mayhouse.row("SELECT tx_hash FROM mayhouse.transactions")["tx_hash"]
    return tx_hash


def once(oracle: Oracle) -> None:
    """One resume and the same command again make exactly one event."""
    oracle.resume().demand_none()
    oracle.run_again(*CREATE, recorded_before=0).demand_none()


# --- while waiting -----------------------------------------------------------------------


def test_a_waiting_command_names_hash_and_remedy_on_stderr(still_chain: Mayhouse) -> None:
    """A person reads what is out and how to finish it."""
    ended = signalled(still_chain, signal.SIGINT, recorded_as(still_chain, "sent"), *CREATE)
    assert (ended.code, ended.out) == (130, "")
    assert tx_hash_of(still_chain) in ended.err
    assert "mayhouse tx resume" in ended.err
    assert ended.seconds < SOON


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_waiting_command_gives_the_hash_in_its_document(
    still_chain: Mayhouse, number: int, code: int
) -> None:
    """A program finds the hash in data and the remedy in the hint."""
    ended = signalled(still_chain, number, recorded_as(still_chain, "sent"), *CREATE, "--json")
    document = ended.document
    assert ended.code == code
    assert document["data"]["tx_hash"] == tx_hash_of(still_chain)
    assert "mayhouse tx resume" in document["error"]["hint"]
    assert ended.seconds < SOON


def test_a_waiting_resume_names_what_it_waits_for(still_chain: Mayhouse) -> None:
    """Resume that is terminated says which transaction is still out."""
    sent = still_chain.json(*CREATE, "--no-wait").data["tx_hash"]

    def terminated() -> Ended:
        with RpcServer(upstream=still_chain.node.url) as heard:
            return signalled(
                still_chain,
                signal.SIGTERM,
                lambda: heard.methods.count("eth_getTransactionReceipt") > 2,
                *("tx", "resume", "--json"),
                BLOCKCHAIN_RPC_URL=heard.url,
            )

    ended = promptly(terminated)
    assert (ended.code, ended.document["data"]["tx_hash"]) == (143, sent)
    assert "mayhouse tx resume" in ended.document["error"]["hint"]


def test_a_second_signal_does_not_cut_off_what_is_said(still_chain: Mayhouse) -> None:
    """An impatient operator still gets the whole document, and the first signal's code."""
    sent = still_chain.json(*CREATE, "--no-wait").data["tx_hash"]
    with RpcServer(upstream=still_chain.node.url) as heard:
        ended = signalled(
            still_chain,
            signal.SIGINT,
            lambda: heard.methods.count("eth_getTransactionReceipt") > 2,
            *("tx", "resume", "--json"),
            again=signal.SIGTERM,
            BLOCKCHAIN_RPC_URL=heard.url,
        )
    assert (ended.code, ended.err) == (130, "")
    assert ended.document["data"]["tx_hash"] == sent


def test_a_waiting_speedup_names_its_newest_version(still_chain: Mayhouse) -> None:
    """An interrupted speed-up says the hash that it has sent last."""
    first = still_chain.json(*CREATE, "--no-wait").data["tx_hash"]

    def newest_is_out() -> bool:
        return bool(
            still_chain.rows(
                "SELECT FROM mayhouse.attempts WHERE number = 2 AND outcome = 'accepted'"
            )
        )

    words = ("tx", "speedup", first, "-y")
    ended = signalled(still_chain, signal.SIGINT, newest_is_out, *words)
    assert ended.code == 130
    assert tx_hash_of(still_chain) in ended.err
    assert "mayhouse tx resume" in ended.err
    assert ended.seconds < SOON


# --- before anything is recorded ---------------------------------------------------------


def test_a_hanging_read_is_left_at_once_and_nothing_is_recorded(mayhouse: Mayhouse) -> None:
    """A node that says nothing does not hold the script, and nothing has happened."""
    oracle = Oracle(mayhouse)

    def terminated() -> Ended:
        with RpcServer(upstream=mayhouse.node.url) as silent:
            silent.always = HANG
            return signalled(
                mayhouse,
                signal.SIGTERM,
                lambda: bool(silent.heard),
                *CREATE,
                BLOCKCHAIN_RPC_URL=silent.url,
            )

    assert (promptly(terminated).code, oracle.recorded()) == (143, 0)
    once(oracle)


def test_waiting_for_another_process_is_left_at_once_and_takes_no_nonce(
    mayhouse: Mayhouse,
) -> None:
    """While another process allocates a nonce, a signal ends the wait for it."""
    oracle = Oracle(mayhouse)

    def waits_for_the_lock() -> bool:
        return bool(mayhouse.rows("SELECT FROM pg_locks WHERE NOT granted"))

    def interrupted() -> Ended:
        with holding_rows(mayhouse):
            return signalled(mayhouse, signal.SIGINT, waits_for_the_lock, *CREATE, "--json")

    assert (promptly(interrupted).code, oracle.recorded()) == (130, 0)
    once(oracle)


@contextmanager
def holding_rows(mayhouse: Mayhouse) -> Iterator[None]:
    """Hold the row that the first signing has to write."""
    with psycopg.connect(mayhouse.database_url) as other:
        other.execute("SELECT FROM mayhouse.installation FOR UPDATE")
        yield


# --- while sending -----------------------------------------------------------------------


@pytest.mark.parametrize("arrives", [True, False], ids=["bytes arrive", "bytes are lost"])
def test_a_hanging_send_is_left_at_once_and_resume_finds_out(
    mayhouse: Mayhouse, *, arrives: bool
) -> None:
    """The node took the bytes and never answered: whichever became of them, it happens once."""
    oracle = Oracle(mayhouse)
    asked: list[str] = []
    sent_before = mayhouse.transactions_sent()

    def take(parameters: list[str]) -> str:
        if arrives:
            mayhouse.node.rpc("eth_sendRawTransaction", *parameters)
        asked.append(parameters[0])
        silent.closing.wait(PATIENCE)
        return ""

    with RpcServer({"eth_sendRawTransaction": take}, upstream=mayhouse.node.url) as silent:
        words = (*CREATE, "--json")
        ended = signalled(
            mayhouse, signal.SIGINT, lambda: bool(asked), *words, BLOCKCHAIN_RPC_URL=silent.url
        )
    assert ended.code == 130
    assert ended.document["data"]["tx_hash"] == tx_hash_of(mayhouse)
    assert ended.seconds < SOON
    assert mayhouse.transactions_sent() - sent_before == int(arrives)
    once(oracle)
