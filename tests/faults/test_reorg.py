"""Reorgs while a transaction waits for its depth: what was undone is pending again, not lost."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.mayhouse import Mayhouse
from tests.stopped_chain import EVENT_COUNTER, SHORT, StoppedChain, stopped

K: Final = 3
DEPTHS: Final = range(1, K + 1)


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


def mined(chain: StoppedChain, depth: int = 1) -> str:
    """Have a creation mined, not deep enough, so that a reorg of this depth undoes it."""
    sent: str = chain.send("event", "create", chain.new_event_row(), "--confirmations", str(K))[
        "tx_hash"
    ]
    chain.mine(min(depth, K - 1))
    assert chain.resume().code == 0
    assert chain.record(sent)["status"] == "mined"
    return sent


# --- mined again ------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_waiting_command_follows_its_transaction_into_another_block(
    chain: StoppedChain, depth: int
) -> None:
    """Undone and included again while the command waits, it is confirmed where it stands now."""
    row = chain.new_event_row()
    command = chain.start("event", "create", row, "-y", "--confirmations", str(K))
    chain.wait_for("sent")
    chain.mine(min(depth, K - 1))
    tx_hash = chain.wait_for("mined")
    old = chain.record(tx_hash)["block_hash"]
    chain.reorg(depth, chain.raw(tx_hash))
    chain.mine(K)
    data = command.wait().data
    assert (data["status"], data["tx_hash"], chain.counter(EVENT_COUNTER)) == (
        "confirmed",
        tx_hash,
        1,
    )
    assert chain.record(tx_hash)["block_hash"] != old
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": tx_hash}


def test_a_block_that_was_undone_before_it_counted_leaves_no_number(chain: StoppedChain) -> None:
    """Until it is deep enough the row is pending, and after a reorg it still is."""
    tx_hash = mined(chain)
    chain.reorg(1)
    chain.resume()
    row = chain.mayhouse.row("SELECT id FROM event_runs")["id"]
    assert chain.event_row(row) == {"number": None, "status": "pending", "hash": tx_hash}


# --- dropped ----------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_transaction_that_a_reorg_dropped_is_sent_again(chain: StoppedChain, depth: int) -> None:
    """Resume hands over the same bytes, and the event is on chain once."""
    tx_hash = mined(chain, depth)
    chain.reorg(depth)
    assert chain.nonce("pending") == chain.nonce()
    assert chain.resume().data["transactions"][0]["status"] == "sent"
    chain.mine(K)
    resumed = chain.resume().data["transactions"][0]
    assert (resumed["status"], resumed["tx_hash"]) == ("confirmed", tx_hash)
    assert chain.counter(EVENT_COUNTER) == 1
    assert len(chain.attempts(tx_hash)) == 1


def test_a_waiting_command_ends_once_another_host_has_sent_it_again(chain: StoppedChain) -> None:
    """The command itself sends nothing twice; a resume beside it does, and both see the end."""
    command = chain.start("event", "create", chain.new_event_row(), "-y", "--confirmations", str(K))
    chain.wait_for("sent")
    chain.mine()
    tx_hash = chain.wait_for("mined")
    chain.reorg(1)
    chain.wait_for("sent")
    assert chain.nonce("pending") == chain.nonce()
    chain.resume()
    chain.mine(K)
    assert (command.wait().data["tx_hash"], chain.counter(EVENT_COUNTER)) == (tx_hash, 1)


def test_a_dropped_transaction_that_is_not_sent_again_is_7(chain: StoppedChain) -> None:
    """A command that waits for it ends in time and names the resume."""
    row = chain.new_event_row()
    command = chain.start(
        *("event", "create", row, "-y", "--confirmations", str(K), "--timeout", SHORT)
    )
    chain.wait_for("sent")
    chain.mine()
    chain.wait_for("mined")
    chain.reorg(1)
    run = command.wait()
    assert (run.code, run.error["code"]) == (7, "unconfirmed")
    assert run.document["data"]["tx_hash"] in run.error["message"]


def test_the_blocks_that_were_undone_are_kept(chain: StoppedChain) -> None:
    """Each reorg adds one to the history, which `tx show` lists."""
    tx_hash = mined(chain)
    blocks = []
    for _ in range(2):
        blocks.append(chain.record(tx_hash)["block_hash"])
        chain.reorg(1, chain.raw(tx_hash))
        chain.resume()
    assert [one["block_hash"] for one in chain.run("tx", "show", tx_hash).data["undone"]] == blocks
    shown = chain.text("tx", "show", tx_hash).out
    assert all(block in shown for block in blocks)


# --- another transaction at the nonce -----------------------------------------------------


def test_a_rival_at_the_nonce_ends_it_at_depth_and_is_named(chain: StoppedChain) -> None:
    """Something else of the wallet stands there now: exit 6 with its hash, the event not made."""
    row = chain.new_event_row()
    command = chain.start("event", "create", row, "-y", "--confirmations", str(K))
    chain.wait_for("sent")
    chain.mine()
    tx_hash = chain.wait_for("mined")
    rival, raw = chain.rival_of(tx_hash)
    chain.reorg(1, raw)
    chain.wait_for("sent")
    chain.mine(K)
    run = command.wait()
    assert (run.code, run.document["data"]["status"]) == (6, "replaced")
    assert rival in run.error["message"]
    assert chain.event_row(row)["status"] == "failed"


def test_a_rival_that_is_not_deep_ends_nothing(chain: StoppedChain) -> None:
    """Another reorg can take it away again: ours is then mined after all."""
    tx_hash = mined(chain)
    _, raw = chain.rival_of(tx_hash)
    chain.reorg(1, raw)
    assert chain.resume().data["transactions"][0]["status"] == "sent"
    chain.reorg(1, chain.raw(tx_hash))
    chain.mine(K)
    assert chain.resume().data["transactions"][0]["status"] == "confirmed"


def test_after_a_rival_the_command_is_a_second_generation(chain: StoppedChain) -> None:
    """Running it again makes the event, once, under the same key."""
    tx_hash = mined(chain)
    _, raw = chain.rival_of(tx_hash)
    chain.reorg(1, raw)
    chain.mine(K)
    assert chain.resume().code == 6
    again = chain.send("event", "create", str(chain.record(tx_hash)["event_id"]))
    chain.mine()
    assert chain.resume().data["finished"] == 1
    assert chain.record(again["tx_hash"])["generation"] == 2
    assert chain.counter(EVENT_COUNTER) == 1


# --- another outcome ----------------------------------------------------------------------


def test_a_success_that_a_reorg_turns_into_a_revert_is_a_revert(chain: StoppedChain) -> None:
    """The same bytes are refused in their new block, and that is what counts."""
    row = chain.new_event_row()
    command = chain.start("event", "create", row, "-y", "--confirmations", str(K))
    chain.wait_for("sent")
    chain.mine()
    tx_hash = chain.wait_for("mined")
    chain.reorg(1)
    chain.set_stake_percent(40)
    chain.hand_over(chain.raw(tx_hash))
    chain.mine(K)
    run = command.wait()
    assert (run.code, run.error["code"]) == (6, "reverted")
    assert "Insufficient stake amount" in run.error["message"]
    assert chain.event_row(row) == {"number": None, "status": "failed", "hash": tx_hash}


def test_a_revert_that_a_reorg_turns_into_a_success_is_a_success(chain: StoppedChain) -> None:
    """Nothing is given up before its block is deep enough."""
    row = chain.new_event_row()
    tx_hash = chain.send("event", "create", row, "--confirmations", str(K))["tx_hash"]
    chain.set_stake_percent(40)
    chain.mine()
    assert chain.resume().data["transactions"][0]["status"] == "mined"
    assert chain.record(tx_hash)["receipt_succeeded"] is False
    chain.reorg(1)
    chain.set_stake_percent(20)
    chain.hand_over(chain.raw(tx_hash))
    chain.mine(K)
    assert chain.resume().data["transactions"][0]["status"] == "confirmed"
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": tx_hash}
