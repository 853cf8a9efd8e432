"""Cancels: the nonce is taken for nothing, unless the original is mined first."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mayhouse import Mayhouse
from tests.rpc_server import Refusal, RpcServer
from tests.stopped_chain import EVENT_COUNTER, SHORT, StoppedChain, stopped


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


@pytest.fixture
def proxy(chain: StoppedChain) -> Iterator[RpcServer]:
    """A node before the real one, for what the real one would not do."""
    with RpcServer(upstream=chain.mayhouse.node.url) as server:
        chain.mayhouse.settings["BLOCKCHAIN_RPC_URL"] = server.url
        yield server


@pytest.fixture
def waiting(chain: StoppedChain) -> str:
    """The hash of a creation that is out and not mined."""
    tx_hash: str = chain.send("event", "create", chain.new_event_row())["tx_hash"]
    return tx_hash


def test_a_cancel_that_wins_ends_the_transaction(chain: StoppedChain, waiting: str) -> None:
    """No event on chain, the row is failed, and only gas was paid."""
    cancel = chain.send("tx", "cancel", waiting)["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    record = chain.record(waiting)
    assert (record["status"], record["tx_hash"]) == ("cancelled", cancel)
    assert chain.event_row(str(record["event_id"]))["status"] == "failed"
    assert chain.counter(EVENT_COUNTER) == 0
    assert record["fee_wei"] > 0


def test_a_cancel_that_waits_and_wins_is_0(chain: StoppedChain, waiting: str) -> None:
    """It did what was asked for."""
    command = chain.start("tx", "cancel", waiting, "-y")
    chain.wait_for_attempt(waiting, 2)
    chain.mine()
    assert command.wait().data["status"] == "cancelled"


def test_after_a_cancel_the_command_is_a_second_generation(
    chain: StoppedChain, waiting: str
) -> None:
    """Running it again makes the event."""
    chain.send("tx", "cancel", waiting)
    chain.mine()
    assert chain.resume().code == 0
    again = chain.send("event", "create", str(chain.record(waiting)["event_id"]))["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    assert (chain.record(again)["generation"], chain.counter(EVENT_COUNTER)) == (2, 1)


def test_a_cancel_that_comes_too_late_says_that_the_original_won(
    chain: StoppedChain, proxy: RpcServer, waiting: str
) -> None:
    """Mined between the look and the send: exit 6, and the event stands in the rows."""

    def mine_first(params: list[str]) -> Any:  # noqa: ANN401 any JSON
        chain.mine()
        _ = params
        return Refusal(-32003, "nonce too low")

    proxy.script["eth_sendRawTransaction"] = mine_first
    run = chain.run("tx", "cancel", waiting, "-y")
    assert (run.code, run.document["data"]["status"]) == (6, "confirmed")
    assert "original" in run.error["message"]
    assert waiting in run.error["message"]
    row = str(chain.record(waiting)["event_id"])
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": waiting}
    assert [one["outcome"] for one in chain.attempts(waiting)] == ["mined", "dropped"]


def test_a_replacement_that_is_not_mined_in_time_is_7(chain: StoppedChain, waiting: str) -> None:
    """It names the resume, as everything that waits."""
    run = chain.run("tx", "cancel", waiting, "-y", "--timeout", SHORT)
    assert (run.code, "tx resume" in run.error["hint"]) == (7, True)


def test_a_replacement_that_is_stopped_names_its_hash(chain: StoppedChain, waiting: str) -> None:
    """It is out: the signal's message says which, and how to go on."""
    command = chain.start("tx", "cancel", waiting, "-y")
    chain.wait_for_attempt(waiting, 2)
    command.kill(signal.SIGTERM)
    run = command.wait()
    assert (run.code, run.error["code"]) == (143, "terminated")
    assert chain.attempts(waiting)[1]["tx_hash"] in run.error["message"]
    assert "tx resume" in run.error["hint"]


def test_a_cancel_whose_nonce_went_elsewhere_says_so(chain: StoppedChain, waiting: str) -> None:
    """Neither the original nor the cancel was mined: exit 6 naming what was."""
    rival, raw = chain.rival_of(waiting)
    command = chain.start("tx", "cancel", waiting, "-y")
    chain.wait_for_attempt(waiting, 2)
    chain.hand_over(raw)
    chain.mine()
    run = command.wait()
    assert (run.code, run.document["data"]["status"]) == (6, "replaced")
    assert rival in run.error["message"]
    assert "original" not in run.error["message"]
