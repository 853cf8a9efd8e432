"""Sending bytes to a real node, and finding what became of them: receipts, reorgs, rivals."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.models import Address, Call, Fees, SendOutcome, Transaction
from mayhouse_cli.money import Wei
from tests.chain_client import FEES, PRICE, STAKE, Platform, client_of, with_attempt
from tests.chain_node import ChainNode
from tests.rpc_server import Refusal, RpcServer

POOR = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")


@pytest.fixture
def platform(node: ChainNode, contract: str) -> Iterator[Platform]:
    """The platform's wallet on the worker's node, which mines at once after the test too."""
    platform = Platform(node, contract)
    yield platform
    platform.mine_at_once(on=True)


@pytest.fixture
def client(platform: Platform) -> ContractClient:
    """A client of that node."""
    return client_of(platform.contract, platform.node.url)


@pytest.fixture
def proxy(node: ChainNode) -> Iterator[RpcServer]:
    """A node that asks the real one, and can be told to answer otherwise."""
    with RpcServer(upstream=node.url) as server:
        yield server


# --- sending ----------------------------------------------------------------------------


def test_bytes_that_a_node_takes_are_accepted(platform: Platform, client: ContractClient) -> None:
    """The answer of a node that holds the bytes is their hash."""
    assert client.send(platform.sign(platform.creation()).raw).outcome is SendOutcome.ACCEPTED


def test_the_same_bytes_again_are_of_unknown_outcome(
    platform: Platform, client: ContractClient
) -> None:
    """A node that holds them already refuses them, and they may still be mined."""
    platform.mine_at_once(on=False)
    raw = platform.sign(platform.creation()).raw
    client.send(raw)
    answer = client.send(raw)
    assert (answer.outcome, answer.reason) == (
        SendOutcome.UNKNOWN,
        "transaction already imported",
    )


def test_a_used_nonce_is_of_unknown_outcome(platform: Platform, client: ContractClient) -> None:
    """It may have been used by these very bytes."""
    mined = platform.send(platform.creation())
    answer = client.send(mined.newest.raw)
    assert (answer.outcome, answer.reason) == (SendOutcome.UNKNOWN, "nonce too low")


def test_a_replacement_that_pays_too_little_is_rejected(
    platform: Platform, client: ContractClient
) -> None:
    """The node keeps what it has, and does not hold the new bytes."""
    platform.mine_at_once(on=False)
    client.send(platform.sign(platform.creation(), nonce=platform.nonce).raw)
    cheaper = replace(FEES, max_fee=Wei(FEES.max_fee - 1))
    answer = client.send(platform.sign(platform.creation(), fees=cheaper).raw)
    assert (answer.outcome, answer.reason) == (
        SendOutcome.REJECTED,
        "replacement transaction underpriced",
    )


@pytest.mark.parametrize(
    ("fees", "chain_id", "value", "words"),
    [
        (FEES, 31337, 10**30, "Insufficient funds"),
        (Fees(2_000_000, Wei(1), Wei(1)), 31337, STAKE, "max fee per gas less than block base"),
        (FEES, 1, STAKE, "invalid chain id for signer"),
    ],
    ids=["no funds", "below the base fee", "another chain"],
)
def test_a_clear_refusal_is_a_rejection(
    platform: Platform, client: ContractClient, fees: Fees, chain_id: int, value: int, words: str
) -> None:
    """The node's own words are kept with it."""
    signed = platform.sign(platform.creation(value), fees=fees, chain_id=chain_id)
    answer = client.send(signed.raw)
    assert answer.outcome is SendOutcome.REJECTED
    assert words in (answer.reason or "")


def test_a_nonce_ahead_waits_in_the_pool(platform: Platform, client: ContractClient) -> None:
    """A gap before it does not make the node refuse it."""
    signed = platform.sign(platform.creation(), nonce=platform.nonce + 1)
    assert client.send(signed.raw).outcome is SendOutcome.ACCEPTED


# --- receipts ---------------------------------------------------------------------------


def names_of(client: ContractClient, transaction: Transaction) -> list[str]:
    """The events in the receipt of a mined transaction."""
    receipt = client.sight(transaction).receipt
    assert receipt is not None
    return [event.name for event in receipt.events]


def test_a_receipt_tells_block_fee_and_event(platform: Platform, client: ContractClient) -> None:
    """The fee is gas used times the price that was paid."""
    created = platform.send(platform.creation())
    receipt = client.sight(created).receipt
    assert receipt is not None
    raw = platform.node.rpc("eth_getTransactionReceipt", created.tx_hash)
    assert receipt.block_hash == platform.head()["hash"]
    assert receipt.fee == int(raw["gasUsed"], 16) * int(raw["effectiveGasPrice"], 16)
    assert receipt.events[0].name == "EventRunCreated"
    assert receipt.events[0].arguments["host"].lower() == platform.signer.address.lower()
    assert receipt.events[0].arguments["hostStake"] == STAKE


def test_the_receipt_of_a_booking_is_read(platform: Platform, client: ContractClient) -> None:
    """Payment and stake are the contract's own split of the value."""
    event, _ = platform.event_with_booking()
    booked = platform.send(Call("bookEvent", (event, 2), Wei(2 * PRICE * 6 // 5)))
    receipt = client.sight(booked).receipt
    assert receipt is not None
    assert receipt.events[0].arguments["eventRunId"] == event
    assert receipt.events[0].arguments["totalPayment"] == 2 * PRICE
    assert receipt.events[0].arguments["userStake"] == 2 * PRICE // 5


def test_the_receipt_of_a_completion_is_read(platform: Platform, client: ContractClient) -> None:
    """Every booking's fate is in it, beside the end of the event."""
    event, booking = platform.event_with_booking()
    platform.send(Call("bookEvent", (event, 1), Wei(PRICE * 6 // 5)))
    platform.node.rpc("evm_increaseTime", 172_800)
    platform.node.rpc("evm_mine")
    names = names_of(client, platform.send(Call("completeEvent", (event, (booking,)))))
    assert {"BookingCompleted", "BookingNoShow", "EventCompleted"} <= set(names)


def test_the_receipt_of_a_cancellation_is_read(platform: Platform, client: ContractClient) -> None:
    """The event that ends it is there."""
    event, _ = platform.event_with_booking()
    assert "EventCancelled" in names_of(client, platform.send(Call("cancelEvent", (event,))))


def test_a_mined_refusal_has_a_receipt_and_a_reason(
    platform: Platform, client: ContractClient
) -> None:
    """Replayed on the state before its block, the contract says why."""
    refused = platform.send(Call("bookEvent", (999, 1), Wei(5)))
    receipt = client.sight(refused).receipt
    assert receipt is not None
    assert not receipt.succeeded
    assert client.revert_reason(refused, receipt) == "Event run does not exist"


def test_a_second_attempts_receipt_is_found(platform: Platform, client: ContractClient) -> None:
    """The mined hash decides between the versions of a transaction."""
    platform.mine_at_once(on=False)
    first = platform.record(platform.creation())
    client.send(first.newest.raw)
    dearer = replace(FEES, max_fee=FEES.max_fee * 2, max_priority_fee=FEES.max_priority_fee * 2)
    signed = platform.sign(platform.creation(), fees=dearer)
    client.send(signed.raw)
    platform.node.rpc("evm_mine")
    receipt = client.sight(with_attempt(first, signed)).receipt
    assert receipt is not None
    assert receipt.tx_hash == signed.tx_hash


def test_a_receipt_of_another_transaction_is_not_believed(
    platform: Platform, proxy: RpcServer
) -> None:
    """A node that mixes up its answers proves nothing."""
    other = platform.send(platform.creation())
    waiting = platform.record(platform.creation())
    answer = platform.node.rpc("eth_getTransactionReceipt", other.tx_hash)
    proxy.script["eth_getTransactionReceipt"] = answer
    assert client_of(platform.contract, proxy.url).sight(waiting).receipt is None


# --- reorgs -----------------------------------------------------------------------------


def test_a_reorg_takes_the_receipt_away(platform: Platform, client: ContractClient) -> None:
    """The nonce is free again, so it may still happen."""
    created = platform.send(platform.creation())
    platform.node.reorg(1)
    sighting = client.sight(created)
    assert (sighting.receipt, sighting.nonce_used_at_depth) == (None, False)


def test_a_transaction_mined_again_after_a_reorg_is_found(
    platform: Platform, client: ContractClient
) -> None:
    """It stands in another block than before, and that one counts."""
    created = platform.send(platform.creation())
    before = client.sight(created).receipt
    platform.node.reorg(1, "0x" + created.newest.raw.hex())
    after = client.sight(created).receipt
    assert before is not None
    assert after is not None
    assert before.block_hash != after.block_hash


def test_a_receipt_in_a_block_that_is_gone_is_not_believed(
    platform: Platform, proxy: RpcServer
) -> None:
    """A node that still gives the old receipt is checked against the chain."""
    created = platform.send(platform.creation())
    old = platform.node.rpc("eth_getTransactionReceipt", created.tx_hash)
    platform.node.reorg(1)
    platform.node.rpc("evm_mine")
    proxy.script["eth_getTransactionReceipt"] = old
    assert client_of(platform.contract, proxy.url).sight(created).receipt is None


# --- rivals -----------------------------------------------------------------------------


def rival_of(platform: Platform, depth: int) -> Transaction:
    """A recorded transaction whose nonce something else has used just now."""
    loser = platform.record(platform.creation(), depth=depth)
    platform.node.transact(
        {"from": platform.signer.address, "to": POOR, "nonce": hex(loser.nonce), "value": "0x1"}
    )
    return loser


def test_a_nonce_used_by_another_is_told_at_depth(
    platform: Platform, client: ContractClient
) -> None:
    """In its own block it is deep enough for a depth of one."""
    assert client.sight(rival_of(platform, depth=1)).nonce_used_at_depth


def test_the_rival_is_named(platform: Platform, client: ContractClient) -> None:
    """Its hash tells an operator what else the wallet is used for."""
    loser = rival_of(platform, depth=1)
    assert client.sight(loser).rival == platform.head()["transactions"][0]


def test_a_nonce_used_too_shallow_is_not_told(platform: Platform, client: ContractClient) -> None:
    """A reorg could give it back."""
    assert not client.sight(rival_of(platform, depth=2)).nonce_used_at_depth


def test_a_nonce_used_becomes_deep(platform: Platform, client: ContractClient) -> None:
    """One block later it counts at a depth of two."""
    loser = rival_of(platform, depth=2)
    platform.node.rpc("evm_mine")
    assert client.sight(loser).nonce_used_at_depth


def test_a_receipt_that_could_not_be_read_leaves_the_nonce_open(
    platform: Platform, proxy: RpcServer
) -> None:
    """The nonce may have been used by the very transaction whose receipt was refused."""
    created = platform.send(platform.creation())
    proxy.script["eth_getTransactionReceipt"] = Refusal(-32603, "internal error")
    sighting = client_of(platform.contract, proxy.url).sight(created)
    assert (sighting.receipt, sighting.nonce_used_at_depth) == (None, False)


def test_a_stale_receipt_leaves_the_nonce_open(platform: Platform, proxy: RpcServer) -> None:
    """Mined again in another block, the transaction itself has used its nonce."""
    created = platform.send(platform.creation())
    old: dict[str, Any] = platform.node.rpc("eth_getTransactionReceipt", created.tx_hash)
    platform.node.reorg(1, "0x" + created.newest.raw.hex())
    proxy.script["eth_getTransactionReceipt"] = old
    sighting = client_of(platform.contract, proxy.url).sight(created)
    assert (sighting.receipt, sighting.nonce_used_at_depth) == (None, False)


def test_a_receipt_missing_from_one_node_alone_leaves_the_nonce_open(
    platform: Platform, proxy: RpcServer
) -> None:
    """Another node has the receipt: the first one's index lags behind its state."""
    created = platform.send(platform.creation())
    proxy.script["eth_getTransactionReceipt"] = None
    sighting = client_of(platform.contract, proxy.url, platform.node.url).sight(created)
    assert not sighting.nonce_used_at_depth
