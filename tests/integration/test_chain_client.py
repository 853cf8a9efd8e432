"""The contract client's reads on a real node: one batch, one block, the right contract."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from mayhouse_cli.chain import contract as codec
from mayhouse_cli.errors import FeeTooHigh, RpcUnreachable, WrongContract
from mayhouse_cli.models import Address, BookingStatus, Call, EventStatus, Question
from mayhouse_cli.money import Wei
from tests.chain_client import EXPERIENCE, PRICE, STAKE, Platform, client_of
from tests.chain_node import ChainNode
from tests.rpc_server import Refusal, RpcServer

STRANGER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
NOBODY = Address("0x00000000000000000000000000000000DeaDBeef")
# PUSH 20, store it, return 32 bytes: every view answers 20, as a sibling contract's would.
ANSWERS_TWENTY = "0x601460005260206000f3"
REFUSES_ALL = "0x60006000fd"
RATE_LIMITED = Refusal(-32005, "daily request count exceeded, request rate limited")


@pytest.fixture
def platform(node: ChainNode, contract: str) -> Platform:
    """The platform's wallet on the worker's node."""
    return Platform(node, contract)


@pytest.fixture
def proxy(node: ChainNode) -> Iterator[RpcServer]:
    """A node that asks the real one, counts, and can be told to answer otherwise."""
    with RpcServer(upstream=node.url) as server:
        yield server


def whole_question(platform: Platform, event: int, booking: int) -> Question:
    """A question with everything in it that can be asked at once."""
    return Question(
        sender=platform.signer.address,
        call=Call("bookEvent", (event, 1), Wei(PRICE * 6 // 5)),
        chain_event_id=event,
        with_event_bookings=True,
        chain_booking_ids=(booking,),
        cost_of=(event, 2),
        stake_for=(Wei(PRICE), 4),
        accounts=(STRANGER, Address(platform.contract)),
    )


# --- one batch at one block -------------------------------------------------------------


def test_a_whole_question_is_one_http_request(platform: Platform, proxy: RpcServer) -> None:
    """Everything that a command needs to know costs one round trip, the chain id included."""
    question = whole_question(platform, *platform.event_with_booking())
    client_of(platform.contract, proxy.url).read(question)
    assert len(proxy.heard) == 1


def test_a_question_is_answered_one_by_one_where_batches_are_refused(
    platform: Platform, proxy: RpcServer
) -> None:
    """A provider without batches gives the same snapshot."""
    question = whole_question(platform, *platform.event_with_booking())
    in_a_batch = client_of(platform.contract, proxy.url).read(question)
    proxy.refuses_batches = Refusal(-32600, "batch requests are not allowed")
    assert client_of(platform.contract, proxy.url).read(question) == in_a_batch


def test_an_event_and_its_bookings_are_read_as_they_stand(platform: Platform) -> None:
    """The structs, the ids, the price and the stake come from the contract's own views."""
    event, booking = platform.event_with_booking()
    question = whole_question(platform, event, booking)
    seen = client_of(platform.contract, platform.node.url).read(question)
    assert seen.event is not None
    assert seen.cost is not None
    assert (seen.event.host, seen.event.experience_id) == (platform.signer.address, EXPERIENCE)
    assert (seen.event.status, seen.event.seats_booked) == (EventStatus.ACTIVE, 1)
    assert seen.event_booking_ids == (booking,)
    assert seen.bookings[booking].status is BookingStatus.ACTIVE
    assert (seen.cost.payment, seen.cost.stake) == (2 * PRICE, 2 * PRICE // 5)
    assert seen.required_stake == STAKE


def test_the_chains_side_is_read_as_it_stands(platform: Platform) -> None:
    """Block, owner, percentages, balances, nonce and code are the node's own."""
    event, booking = platform.event_with_booking()
    question = whole_question(platform, event, booking)
    seen = client_of(platform.contract, platform.node.url).read(question)
    assert seen.block.hash == platform.head()["hash"]
    assert seen.owner == platform.signer.address
    assert (seen.stake_percent, seen.fee_percent) == (20, 5)
    assert seen.contract_balance == STAKE + PRICE * 6 // 5
    assert seen.pending_nonce == platform.nonce
    assert seen.with_code == {platform.contract}
    assert seen.balances[STRANGER] == platform.balance(STRANGER)


def test_an_unknown_event_is_none(platform: Platform) -> None:
    """Zeros are no event, and the price that reverts for it is no failure of the node."""
    question = Question(chain_event_id=999, with_event_bookings=True, cost_of=(999, 1))
    seen = client_of(platform.contract, platform.node.url).read(question)
    assert (seen.event, seen.cost, seen.event_booking_ids) == (None, None, ())


def test_a_batch_that_straddles_two_blocks_is_read_again(
    platform: Platform, proxy: RpcServer
) -> None:
    """A block that comes between the first and the last read spoils the whole batch."""
    asked: list[str] = []

    def block(params: list[Any]) -> Any:  # noqa: ANN401 - any JSON
        asked.append(params[0])
        if asked[-1] == "latest" and asked.count("latest") == 2:
            platform.node.rpc("evm_mine")
        return platform.node.rpc("eth_getBlockByNumber", *params)

    proxy.script["eth_getBlockByNumber"] = block
    seen = client_of(platform.contract, proxy.url).read(Question())
    assert len(proxy.heard) == 2
    assert seen.block.hash == platform.head()["hash"]


def test_a_head_that_never_rests_is_read_at_one_block(platform: Platform, proxy: RpcServer) -> None:
    """However fast the blocks come, the second batch asks for one of them by its number."""

    def block(params: list[Any]) -> Any:  # noqa: ANN401 - any JSON
        platform.node.rpc("evm_mine")
        return platform.node.rpc("eth_getBlockByNumber", *params)

    proxy.script["eth_getBlockByNumber"] = block
    question = whole_question(platform, *platform.event_with_booking())
    seen = client_of(platform.contract, proxy.url).read(question)
    asked = [call["params"] for call in proxy.heard[-1]]
    assert len(proxy.heard) == 2
    assert not any("latest" in params for params in asked)
    number, whole = hex(seen.block.number), False
    assert seen.block.hash == platform.node.rpc("eth_getBlockByNumber", number, whole)["hash"]
    assert seen.event_booking_ids


def test_a_node_that_switches_between_branches_is_told(
    platform: Platform, proxy: RpcServer
) -> None:
    """One number with two hashes is the node's failure, not a wrong snapshot."""
    hashes = count(1)

    def block(params: list[Any]) -> Any:  # noqa: ANN401 - any JSON
        shown = platform.node.rpc("eth_getBlockByNumber", *params)
        return {**shown, "hash": f"0x{next(hashes):064x}"}

    proxy.script["eth_getBlockByNumber"] = block
    with pytest.raises(RpcUnreachable, match="another block of the same number"):
        client_of(platform.contract, proxy.url).read(Question())


@pytest.mark.parametrize("method", ["eth_call", "eth_getBlockByNumber"])
@pytest.mark.parametrize("answer", [None, "0x", "zzz", 7, [], {}])
def test_an_answer_of_another_shape_is_no_crash(
    platform: Platform, proxy: RpcServer, method: str, answer: object
) -> None:
    """Garbage from a node ends in an error that names the remedy, never in a traceback."""
    proxy.script[method] = answer
    with pytest.raises((RpcUnreachable, WrongContract)):
        client_of(platform.contract, proxy.url, seconds=1).read(Question(chain_event_id=1))


@pytest.mark.parametrize(
    "method",
    ["eth_call", "eth_estimateGas", "eth_getCode", "eth_getBalance", "eth_getTransactionCount"],
)
def test_a_rate_limit_within_a_batch_is_the_nodes_failure(
    platform: Platform, proxy: RpcServer, method: str
) -> None:
    """Hosted providers refuse single items; that is no wrong contract and no revert."""
    question = whole_question(platform, *platform.event_with_booking())
    proxy.script[method] = RATE_LIMITED
    with pytest.raises(RpcUnreachable):
        client_of(platform.contract, proxy.url, seconds=1).read(question)


def test_a_rate_limit_on_the_simulation_is_not_the_contracts_word(
    platform: Platform, proxy: RpcServer
) -> None:
    """Only a revert tells why the contract would refuse a call."""

    def call(params: list[Any]) -> Any:  # noqa: ANN401 - any JSON
        return RATE_LIMITED if "from" in params[0] else platform.node.rpc("eth_call", *params)

    question = whole_question(platform, *platform.event_with_booking())
    proxy.script["eth_call"] = call
    with pytest.raises(RpcUnreachable):
        client_of(platform.contract, proxy.url, seconds=1).read(question)


def test_a_strangers_unreadable_text_is_no_failure_of_the_node(platform: Platform) -> None:
    """Anyone may put bytes that are no UTF-8 into an event; it must not stop our reading."""
    data = codec.calldata(Call("createEventRun", ("????", PRICE, 4, platform.later)))
    platform.node.transact(
        {
            "from": STRANGER,
            "to": platform.contract,
            "value": hex(STAKE),
            "data": "0x" + data.replace(b"????", b"\xff\xfe\xfd\xfc").hex(),
        }
    )
    seen = client_of(platform.contract, platform.node.url).read(Question(chain_event_id=1))
    assert seen.event is not None
    assert seen.event.host == STRANGER


# --- simulation and fees ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call("bookEvent", (999, 1), Wei(1)), "Event run does not exist"),
        (Call("cancelEvent", (999,)), "Event run does not exist"),
        (Call("createEventRun", ("e", PRICE, 1, 1), Wei(PRICE)), "Event must be in the future"),
        (Call("createEventRun", ("e", 0, 1, 2**40)), "Price must be greater than 0"),
        (Call("createEventRun", ("e", 2**255, 9, 2**40)), "panic 0x11: an arithmetic overflow"),
    ],
)
def test_a_simulated_refusal_is_told_in_the_contracts_words(
    platform: Platform, call: Call, reason: str
) -> None:
    """The node's revert data is decoded before anything is signed."""
    question = Question(sender=platform.signer.address, call=call)
    seen = client_of(platform.contract, platform.node.url).read(question)
    assert seen.revert_reason == reason


def test_a_call_that_would_succeed_has_no_reason_and_a_price(platform: Platform) -> None:
    """The estimate is priced at the node's present fees."""
    client = client_of(platform.contract, platform.node.url)
    question = Question(sender=platform.signer.address, call=platform.creation())
    seen = client.read(question)
    assert seen.revert_reason is None
    assert seen.gas_estimate is not None
    fees = client.fees(seen, Wei(10**11))
    assert fees.gas_limit >= seen.gas_estimate
    assert fees.max_fee >= seen.block.base_fee


def test_a_cap_below_the_nodes_base_fee_is_refused(platform: Platform) -> None:
    """What is signed is never above the cap."""
    client = client_of(platform.contract, platform.node.url)
    seen = client.read(Question(sender=platform.signer.address, call=platform.creation()))
    with pytest.raises(FeeTooHigh):
        client.fees(seen, seen.block.base_fee)


# --- the right contract -----------------------------------------------------------------


def test_an_address_without_code_is_refused(platform: Platform) -> None:
    """A call to it would succeed and do nothing."""
    with pytest.raises(WrongContract, match="There is no contract at"):
        client_of(NOBODY, platform.node.url).read(Question())


@pytest.mark.parametrize("code", [ANSWERS_TWENTY, REFUSES_ALL])
def test_another_contract_is_refused(platform: Platform, code: str) -> None:
    """A sibling with the same views gives itself away by the probe."""
    platform.node.rpc("anvil_setCode", NOBODY, code)
    with pytest.raises(WrongContract, match="is not MayhouseExperience"):
        client_of(NOBODY, platform.node.url).read(Question())


# --- waiting ----------------------------------------------------------------------------


def test_a_pause_does_not_outlast_the_deadline(platform: Platform) -> None:
    """The last wait of a command ends with its time."""
    client = client_of(platform.contract, platform.node.url, seconds=0.05)
    started = time.monotonic()
    client.pause(20)
    assert time.monotonic() - started < 0.2
