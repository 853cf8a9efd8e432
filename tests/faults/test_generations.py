"""A transaction that was mined and refused: told with its reason, and the next try happens once."""

from collections.abc import Iterator
from typing import Final

import pytest

from mayhouse_cli.models import Call
from mayhouse_cli.money import Wei
from tests.mayhouse import ASHA, BINA, Mayhouse
from tests.rpc_server import Refusal, RpcServer
from tests.stopped_chain import BOOKING_COUNTER, EVENT_COUNTER, StoppedChain, stopped

KEY: Final = ("--idempotency-key", "november")


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


def revert_in_its_block(chain: StoppedChain, row: str, *more: str) -> str:
    """Send a creation, change the stake before it is mined, and have it refused."""
    tx_hash: str = chain.send("event", "create", row, *more)["tx_hash"]
    chain.set_stake_percent(40)
    chain.mine()
    run = chain.resume()
    assert (run.code, chain.record(tx_hash)["status"]) == (6, "reverted")
    chain.set_stake_percent(20)
    return tx_hash


# --- a mined revert -----------------------------------------------------------------------


@pytest.fixture
def event(chain: StoppedChain) -> int:
    """The number of a confirmed event of ours, of four seats."""
    chain.send("event", "create", chain.new_event_row())
    chain.mine()
    assert chain.resume().code == 0
    return 1


def outbid(chain: StoppedChain, number: int) -> None:
    """Have a stranger book all seats, ahead of everything that waits for the same block."""
    event = chain.event(number)
    assert event is not None
    cost = Wei(event.price_per_seat * event.max_seats * 6 // 5)
    chain.stranger_does(Call("bookEvent", (number, event.max_seats), cost), tip=10**11)


@pytest.mark.parametrize(
    "together",
    [
        pytest.param(True, id="in its block"),
        pytest.param(False, id="a block before"),
    ],
)
def test_a_booking_whose_seats_went_first_is_6_with_the_reason(
    chain: StoppedChain, event: int, *, together: bool
) -> None:
    """Free when it was simulated, gone when it was mined: the contract's words are told."""
    words = ("booking", "create", str(event), "--traveler", ASHA, "--seats", "2", "-y")
    command = chain.start(*words)
    tx_hash = chain.wait_for("sent")
    if not together:
        chain.drop(tx_hash)
    outbid(chain, event)
    chain.mine()
    if not together:
        chain.hand_over(chain.raw(tx_hash))
        chain.mine()
    run = command.wait()
    assert (run.code, run.error["code"]) == (6, "reverted")
    assert "Event is not accepting bookings" in run.error["message"]


def test_a_mined_revert_records_gas_and_no_success(chain: StoppedChain, event: int) -> None:
    """The booking's row has no number, and what the attempt cost is kept."""
    words = ("booking", "create", str(event), "--traveler", ASHA, "--seats", "2")
    tx_hash = chain.send(*words)["tx_hash"]
    outbid(chain, event)
    chain.mine()
    assert chain.resume().code == 6
    record = chain.record(tx_hash)
    assert (record["status"], record["chain_object_id"]) == ("reverted", None)
    assert record["gas_used"] > 0
    assert record["fee_wei"] > 0
    row = chain.mayhouse.row("SELECT blockchain_booking_id AS number FROM event_run_bookings")
    assert row["number"] is None
    assert len(chain.bookings_of(event)) == 1


def test_a_failed_booking_can_be_made_elsewhere(chain: StoppedChain, event: int) -> None:
    """A revert holds neither seat nor nonce: the next booking goes through."""
    row = chain.new_booking_row(
        str(chain.mayhouse.row("SELECT id FROM event_runs")["id"]), BINA, seats=1
    )
    tx_hash = chain.send("booking", "create", "--booking", row)["tx_hash"]
    chain.set_stake_percent(40)
    chain.mine()
    assert chain.resume().code == 6
    chain.set_stake_percent(20)
    again = chain.send("booking", "create", "--booking", row)["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    assert [chain.record(one)["generation"] for one in (tx_hash, again)] == [1, 2]
    assert chain.bookings_of(event) == [1]


# --- the next generation ------------------------------------------------------------------


def test_the_same_command_succeeds_later_exactly_once(chain: StoppedChain) -> None:
    """As generation 2 of the same intent; a third run gives the second one's result."""
    row = chain.new_event_row()
    first = revert_in_its_block(chain, row)
    second = chain.send("event", "create", row)["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    third = chain.run("event", "create", row, "-y").data
    assert (third["tx_hash"], third["status"]) == (second, "confirmed")
    assert [chain.record(one)["generation"] for one in (first, second)] == [1, 2]
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": second}
    assert chain.counter(EVENT_COUNTER) == 1


def test_the_first_generation_stays_in_the_history(chain: StoppedChain) -> None:
    """Its end and its cost are not overwritten by the second."""
    row = chain.new_event_row()
    first = revert_in_its_block(chain, row)
    before = chain.record(first)
    chain.send("event", "create", row)
    chain.mine()
    assert chain.resume().code == 0
    assert chain.record(first) == before


def test_while_the_second_waits_nothing_is_sent(chain: StoppedChain) -> None:
    """Two generations never live at once."""
    row = chain.new_event_row()
    revert_in_its_block(chain, row)
    second = chain.send("event", "create", row)["tx_hash"]
    run = chain.run("event", "create", row, "-y", "--no-wait")
    assert (run.code, run.document["data"]["tx_hash"]) == (7, second)
    assert len(chain.mayhouse.rows("SELECT FROM mayhouse.transactions")) == 2


def test_a_users_own_key_keeps_answering_with_the_failure(chain: StoppedChain) -> None:
    """Exit 6 naming the transaction, however often; nothing is signed."""
    row = chain.new_event_row()
    first = revert_in_its_block(chain, row, *KEY)
    for _ in range(2):
        run = chain.run("event", "create", row, "-y", *KEY)
        assert (run.code, run.error["code"]) == (6, "intent_conflict")
        assert run.error["details"]["transaction_id"] == str(chain.record(first)["id"])
    assert len(chain.mayhouse.rows("SELECT FROM mayhouse.transactions")) == 1


def test_a_key_that_failed_leaves_its_row_free(chain: StoppedChain) -> None:
    """Under a new key, as the refusal says, the same row can be tried again."""
    row = chain.new_event_row()
    revert_in_its_block(chain, row, *KEY)
    chain.send("event", "create", row, "--idempotency-key", "december")
    chain.mine()
    assert chain.resume().code == 0
    assert chain.event_row(row)["status"] == "confirmed"


@pytest.mark.parametrize(
    "price_moved",
    [
        pytest.param(False, id="at the same price"),
        pytest.param(True, id="at another price"),
    ],
)
def test_what_the_node_rejected_can_be_run_again(chain: StoppedChain, *, price_moved: bool) -> None:
    """Never in any pool: its nonce is free, and the next try takes it."""
    row = chain.new_event_row()
    with RpcServer(upstream=chain.mayhouse.node.url) as proxy:
        proxy.script["eth_sendRawTransaction"] = Refusal(-32000, "txpool is full")
        url = {"BLOCKCHAIN_RPC_URL": proxy.url}
        assert chain.run("event", "create", row, "-y", **url).code == 6
    nonce = chain.nonce()
    if price_moved:
        chain.set_base_fee(10**9)
    again = chain.send("event", "create", row)["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    assert (chain.record(again)["nonce"], chain.record(again)["generation"]) == (nonce, 2)


# --- bookings wait for their event ----------------------------------------------------------


@pytest.mark.parametrize("blocks", [0, 1], ids=["not mined", "not deep enough"])
def test_an_event_that_is_not_confirmed_cannot_be_booked(chain: StoppedChain, blocks: int) -> None:
    """By its number or its row, exit 6: a reorg could give the number to somebody else."""
    row = chain.new_event_row()
    chain.send("event", "create", row, "--confirmations", "3")
    if blocks:
        chain.mine(blocks)
        assert chain.resume().data["transactions"][0]["status"] == "mined"
    for event in (row, "1"):
        words = ("booking", "create", event, "--traveler", ASHA, "--seats", "1", "-y")
        assert chain.run(*words).code == 6
    assert chain.counter(BOOKING_COUNTER) == 0
    assert chain.mayhouse.rows("SELECT FROM event_run_bookings") == []
