"""Nonces that nobody holds, that something else used, and fees that the chain has outgrown."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.mayhouse import Mayhouse
from tests.stopped_chain import EVENT_COUNTER, SHORT, StoppedChain, stopped

SPIKE: Final = 500 * 10**9


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


@pytest.fixture
def waiting(chain: StoppedChain) -> str:
    """The hash of a creation that is out and not mined."""
    return create(chain, 1)


def create(chain: StoppedChain, number: int) -> str:
    """Send the creation of a row's event."""
    tx_hash: str = chain.send("event", "create", chain.new_event_row(number))["tx_hash"]
    return tx_hash


def stuck(chain: StoppedChain) -> dict[str, Any]:
    """What `tx list --stuck` says."""
    return chain.run("tx", "list", "--stuck").data


# --- a fee spike --------------------------------------------------------------------------


@pytest.fixture
def spike(chain: StoppedChain, waiting: str) -> str:
    """The same, when the base fee has outgrown it and the pool has dropped it."""
    chain.set_base_fee(SPIKE)
    chain.drop(waiting)
    return waiting


def test_what_the_pool_dropped_is_mined_after_the_spike(chain: StoppedChain, spike: str) -> None:
    """Resume sends the same bytes again, until a block takes them: the same hash."""
    assert chain.resume().data["transactions"][0]["status"] == "sent"
    chain.set_base_fee(1)
    assert chain.resume().code == 0
    chain.mine()
    resumed = chain.resume().data["transactions"][0]
    assert (resumed["status"], resumed["tx_hash"]) == ("confirmed", spike)
    assert (len(chain.attempts(spike)), chain.counter(EVENT_COUNTER)) == (1, 1)


def test_a_refusal_in_the_spike_does_not_fail_what_was_sent_before(
    chain: StoppedChain, spike: str
) -> None:
    """Another node may still hold it: the nonce is not given to anything else."""
    chain.resume()
    assert chain.record(spike)["status"] == "sent"
    chain.set_base_fee(1)
    second = create(chain, 2)
    assert chain.record(second)["nonce"] == chain.record(spike)["nonce"] + 1


def test_a_stuck_one_is_explained(chain: StoppedChain, spike: str) -> None:
    """The list says what the base fee is, and what pays more."""
    (one,) = stuck(chain)["transactions"]
    assert one["tx_hash"] == spike
    assert "(now 500)" in one["waits_for"]
    assert "tx speedup" in one["waits_for"]


def test_a_stuck_one_under_the_cap_cannot_be_sped_up(chain: StoppedChain, spike: str) -> None:
    """The configured cap is below the base fee: exit 6 naming --max-fee."""
    run = chain.run("tx", "speedup", spike, "-y", "--max-fee", "100")
    assert (run.code, run.error["code"]) == (6, "fee_cap")
    assert "--max-fee" in run.error["hint"]


def test_a_higher_cap_frees_it(chain: StoppedChain, spike: str) -> None:
    """Paid for, it is mined in the spike."""
    dearer = chain.send("tx", "speedup", spike, "--max-fee", "2000")["tx_hash"]
    chain.mine()
    assert chain.resume().data["transactions"][0]["tx_hash"] == dearer


# --- a gap --------------------------------------------------------------------------------


@pytest.fixture
def gap(chain: StoppedChain, waiting: str) -> int:
    """A nonce that was freed, below one that waits."""
    second = create(chain, 2)
    chain.mayhouse.execute(
        "UPDATE mayhouse.transactions SET status = 'failed' WHERE tx_hash = %s", waiting
    )
    chain.drop(waiting)
    chain.hand_over(chain.raw(second))  # this node drops what waits behind as well
    nonce: int = chain.record(waiting)["nonce"]
    return nonce


def test_a_gap_is_named(chain: StoppedChain, gap: int) -> None:
    """By its nonce, with the command that fills it."""
    found = stuck(chain)
    assert found["missing_nonces"] == [gap]
    assert f"tx cancel --nonce {gap}" in found["transactions"][0]["waits_for"]
    assert str(gap) in chain.text("tx", "list", "--stuck").out


def test_the_next_transaction_fills_a_gap(chain: StoppedChain, gap: int) -> None:
    """And what waited behind it is mined with it."""
    chain.mine()  # another time, so that the bytes are not those of the first
    assert chain.record(create(chain, 3))["nonce"] == gap
    chain.mine()
    assert chain.resume().data["finished"] == 2
    assert (chain.counter(EVENT_COUNTER), stuck(chain)["transactions"]) == (2, [])


def test_a_cancel_fills_a_gap(chain: StoppedChain, gap: int) -> None:
    """With nothing but gas, and the event behind it is made."""
    filler = chain.send("tx", "cancel", "--nonce", str(gap))
    assert (filler["kind"], filler["nonce"], filler["value_wei"]) == ("fill_nonce", gap, "0")
    chain.mine()
    assert chain.resume().data["finished"] == 2
    assert chain.record(filler["tx_hash"])["status"] == "confirmed"
    assert chain.counter(EVENT_COUNTER) == 1


def test_a_filler_that_is_lost_is_sent_again(chain: StoppedChain, gap: int) -> None:
    """It is recorded as everything else."""
    filler = chain.send("tx", "cancel", "--nonce", str(gap))["tx_hash"]
    chain.drop(filler)
    assert chain.resume().code == 0
    chain.mine()
    assert chain.resume().data["finished"] == 2
    assert chain.record(filler)["status"] == "confirmed"


def test_a_nonce_that_is_held_is_not_filled(chain: StoppedChain, waiting: str) -> None:
    """Exit 6 naming its transaction, which is what can be cancelled."""
    nonce = chain.record(waiting)["nonce"]
    run = chain.run("tx", "cancel", "--nonce", str(nonce), "-y")
    short = str(chain.record(waiting)["id"])[:8]
    assert (run.code, f"tx cancel {short}" in run.error["hint"]) == (6, True)
    assert len(chain.attempts(waiting)) == 1


@pytest.mark.parametrize("away", [-1, 2], ids=["used", "beyond"])
def test_only_the_missing_nonce_is_filled(chain: StoppedChain, gap: int, away: int) -> None:
    """Exit 6 naming the one that is missing; nothing is recorded."""
    run = chain.run("tx", "cancel", "--nonce", str(gap + away), "-y")
    assert (run.code, str(gap) in run.error["message"]) == (6, True)
    assert chain.mayhouse.rows("SELECT FROM mayhouse.transactions WHERE kind = 'fill_nonce'") == []


def test_a_nonce_that_nothing_waits_for_is_not_filled(chain: StoppedChain) -> None:
    """Without a gap there is nothing to fill, and no gas to be paid for it."""
    run = chain.run("tx", "cancel", "--nonce", str(chain.nonce()), "-y", "--timeout", SHORT)
    assert (run.code, run.error["code"]) == (6, "refused")


# --- a nonce used from outside --------------------------------------------------------------


def test_a_nonce_used_from_outside_is_reported_with_the_rival(
    chain: StoppedChain, waiting: str
) -> None:
    """Resume is 6 and names what took it; the event is not made."""
    rival, raw = chain.rival_of(waiting)
    chain.hand_over(raw)
    chain.mine()
    run = chain.resume()
    record = chain.record(waiting)
    assert (run.code, record["status"]) == (6, "replaced")
    assert rival in run.error["message"]
    assert rival in record["error"]
    assert chain.event_row(str(record["event_id"]))["status"] == "failed"


def test_a_command_that_loses_its_nonce_is_6(chain: StoppedChain) -> None:
    """While it waits, the same."""
    command = chain.start("event", "create", chain.new_event_row(), "-y")
    rival, raw = chain.rival_of(chain.wait_for("sent"))
    chain.hand_over(raw)
    chain.mine()
    run = command.wait()
    assert (run.code, rival in run.error["message"]) == (6, True)


def test_what_waits_behind_a_nonce_used_from_outside_goes_on(
    chain: StoppedChain, waiting: str
) -> None:
    """Only the one that lost its nonce ends."""
    second = create(chain, 2)
    chain.hand_over(chain.rival_of(waiting)[1])
    chain.mine()
    run = chain.run("tx", "resume", "--timeout", SHORT)
    assert (run.code, run.document["data"]["finished"]) == (6, 2)
    assert chain.record(second)["status"] == "confirmed"


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_a_nonce_that_is_used_is_not_signed_again(chain: StoppedChain, verb: str) -> None:
    """Though the rival is not deep enough yet to end the transaction: exit 6."""
    words = ("event", "create", chain.new_event_row(), "--confirmations", "3")
    tx_hash = chain.send(*words)["tx_hash"]
    chain.hand_over(chain.rival_of(tx_hash)[1])
    chain.mine()
    run = chain.run("tx", verb, tx_hash, "-y")
    assert (run.code, "is used already" in run.error["message"]) == (6, True)
    assert len(chain.attempts(tx_hash)) == 1
