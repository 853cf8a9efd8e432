"""Speed-ups: recorded before they are sent, dear enough, under the cap, and refused when vain."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from tests.mayhouse import Mayhouse
from tests.rpc_server import Refusal, RpcServer
from tests.stopped_chain import EVENT_COUNTER, StoppedChain, stopped

GWEI: Final = 10**9


class StrictPool:
    """A node's rule for its pool: a replacement pays 10 % more, of both fees."""

    def __init__(self, chain: StoppedChain) -> None:
        """Hand what passes the rule on to the chain."""
        self._chain = chain
        self._best: dict[int, tuple[int, int]] = {}

    def take(self, params: list[str]) -> Any:  # noqa: ANN401 any JSON
        """Answer `eth_sendRawTransaction`."""
        one = TypedTransaction.from_bytes(HexBytes(params[0])).as_dict()
        fees = (int(one["maxFeePerGas"]), int(one["maxPriorityFeePerGas"]))
        known = self._best.get(int(one["nonce"]))
        if known is not None and any(
            new * 10 < old * 11 for new, old in zip(fees, known, strict=True)
        ):
            return Refusal(-32000, "replacement transaction underpriced")
        self._best[int(one["nonce"])] = fees
        return self._chain.mayhouse.node.rpc("eth_sendRawTransaction", params[0])


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


# --- speed-up -----------------------------------------------------------------------------


def test_a_speedup_raises_both_fees_by_an_eighth(chain: StoppedChain, waiting: str) -> None:
    """Above the highest of any version, and nothing else of the transaction changes."""
    for _ in range(2):
        chain.send("tx", "speedup", waiting)
    first, second, third = chain.attempts(waiting)
    for lower, higher in ((first, second), (second, third)):
        assert higher["max_fee"] * 8 >= lower["max_fee"] * 9
        assert higher["tip"] * 8 >= lower["tip"] * 9
    assert third["gas_limit"] == first["gas_limit"]
    assert third["purpose"] == "speedup"


def test_a_speedup_is_what_is_mined(chain: StoppedChain, waiting: str) -> None:
    """The event is on chain once, and row and record name the hash that was mined."""
    dearer = chain.send("tx", "speedup", waiting)["tx_hash"]
    chain.mine()
    assert chain.resume().data["transactions"][0]["tx_hash"] == dearer
    row = str(chain.record(waiting)["event_id"])
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": dearer}
    assert [one["outcome"] for one in chain.attempts(waiting)] == ["dropped", "mined"]
    assert chain.counter(EVENT_COUNTER) == 1


def test_a_speedup_waits_for_the_end(chain: StoppedChain, waiting: str) -> None:
    """Without --no-wait it gives the confirmed transaction."""
    command = chain.start("tx", "speedup", waiting, "-y")
    chain.wait_for_attempt(waiting, 2)
    chain.mine()
    assert command.wait().data["status"] == "confirmed"


def test_a_speedup_is_recorded_before_it_is_sent(
    chain: StoppedChain, proxy: RpcServer, waiting: str
) -> None:
    """When the bytes arrive at the node, the database has them."""
    recorded: list[int] = []

    def take(params: list[str]) -> Any:  # noqa: ANN401 any JSON
        query = "SELECT number FROM mayhouse.attempts WHERE raw = %s"
        row = chain.mayhouse.row(query, bytes.fromhex(params[0][2:]))
        recorded.append(row["number"])
        return chain.mayhouse.node.rpc("eth_sendRawTransaction", params[0])

    proxy.script["eth_sendRawTransaction"] = take
    chain.send("tx", "speedup", waiting)
    assert recorded == [2]


def test_a_node_that_wants_a_tenth_more_takes_it(chain: StoppedChain, proxy: RpcServer) -> None:
    """Of both fees, however often it is raised."""
    proxy.script["eth_sendRawTransaction"] = StrictPool(chain).take
    tx_hash = chain.send("event", "create", chain.new_event_row())["tx_hash"]
    for verb in ("speedup", "speedup", "cancel"):
        chain.send("tx", verb, tx_hash)
    assert {one["outcome"] for one in chain.attempts(tx_hash)} == {"accepted"}


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_the_cap_holds_for_a_replacement(chain: StoppedChain, waiting: str, verb: str) -> None:
    """Exit 6 naming --max-fee, and nothing is signed."""
    (first,) = chain.attempts(waiting)
    cap = str(Decimal(first["max_fee"] * 11 // 10) / GWEI)
    run = chain.run("tx", verb, waiting, "-y", "--max-fee", cap)
    assert (run.code, run.error["code"]) == (6, "fee_cap")
    assert "--max-fee" in run.error["hint"]
    assert len(chain.attempts(waiting)) == 1


def test_a_replacement_is_not_above_the_cap(chain: StoppedChain, waiting: str) -> None:
    """Where the market would want more than the cap allows, the cap is paid."""
    (first,) = chain.attempts(waiting)
    base_fee = first["max_fee"] * 2
    chain.set_base_fee(base_fee)
    cap = (base_fee + first["tip"]) * 6 // 5
    chain.send("tx", "speedup", waiting, "--max-fee", str(Decimal(cap) / GWEI))
    assert chain.attempts(waiting)[1]["max_fee"] == cap


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_what_is_mined_cannot_be_replaced(chain: StoppedChain, verb: str) -> None:
    """Not even before it is deep enough: its nonce is used."""
    words = ("event", "create", chain.new_event_row(), "--confirmations", "3")
    tx_hash = chain.send(*words)["tx_hash"]
    chain.mine()
    run = chain.run("tx", verb, tx_hash, "-y")
    assert (run.code, run.error["code"]) == (6, "refused")
    assert "is mined" in run.error["message"]
    assert len(chain.attempts(tx_hash)) == 1


def test_what_is_being_cancelled_cannot_be_sped_up(chain: StoppedChain, waiting: str) -> None:
    """A second cancel pays more instead."""
    chain.send("tx", "cancel", waiting)
    run = chain.run("tx", "speedup", waiting, "-y")
    assert (run.code, "being cancelled" in run.error["message"]) == (6, True)
    assert chain.send("tx", "cancel", waiting)["attempts"][2]["purpose"] == "cancel"


def freeze(chain: StoppedChain) -> None:
    """Freeze all signing."""
    chain.mayhouse.execute(
        "UPDATE mayhouse.installation SET frozen = true, frozen_reason = 'a leaked key'"
    )


def test_a_freeze_refuses_a_speedup(chain: StoppedChain, waiting: str) -> None:
    """Exit 6 with the reason, and nothing is signed."""
    freeze(chain)
    run = chain.run("tx", "speedup", waiting, "-y")
    assert (run.code, "a leaked key" in run.error["message"]) == (6, True)
    assert len(chain.attempts(waiting)) == 1


def test_a_freeze_lets_a_cancel_pass_that_is_meant(chain: StoppedChain, waiting: str) -> None:
    """It moves nothing and is how to stop what is out, but it signs: so it has to be said."""
    freeze(chain)
    assert chain.run("tx", "cancel", waiting, "-y").code == 6
    assert len(chain.attempts(waiting)) == 1
    cancelled = chain.send("tx", "cancel", waiting, "--while-frozen")
    assert cancelled["attempts"][1]["outcome"] == "accepted"
