"""JSON-RPC over HTTP: batches, chain ids, several nodes, and sends that are asked once."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import pytest

from mayhouse_cli.chain.rpc import Fault, NoAnswer, NotGiven, Request, Rpc
from mayhouse_cli.errors import RpcUnreachable, WrongChain
from mayhouse_cli.ports import Deadline
from tests.chain_node import closed_port
from tests.rpc_server import CHAIN_ID, HANG, RESET, Refusal, Reply, RpcServer, once

NUMBER: Final[Request] = ("eth_blockNumber", [])
BALANCE: Final[Request] = ("eth_getBalance", ["0x" + "11" * 20, "latest"])
SCRIPT: Final = {
    "eth_blockNumber": "0x7",
    "eth_getBalance": "0x5",
    "eth_sendRawTransaction": "0x" + "ab" * 32,
}
TOO_MANY: Final = Reply(429, b"slow down", {"Retry-After": "0"})
FAILURES: Final = {
    "429": TOO_MANY,
    "500": Reply(500, b"oops"),
    "502": Reply(502, b"<html>Bad gateway</html>"),
    "401": Reply(401, b"no such key"),
    "a web page": Reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"}),
    "nothing": Reply(200, b""),
    "bytes": Reply(200, b"\xff\xfe"),
    "a number": Reply(200, b"7"),
    "an object that answers nothing": Reply(200, b"{}"),
    "a list of numbers": Reply(200, b"[1, 2, 3]"),
    "objects that answer nothing": Reply(200, b'[{"id": 0}, {"id": 1}, {"id": 2}]'),
    "a reset": RESET,
}
every_failure = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)


@pytest.fixture
def first() -> Iterator[RpcServer]:
    """The node that is asked first."""
    with RpcServer(SCRIPT) as server:
        yield server


@pytest.fixture
def second() -> Iterator[RpcServer]:
    """The node that is asked when the first fails; told apart by its block number."""
    with RpcServer({**SCRIPT, "eth_blockNumber": "0x8"}) as server:
        yield server


def rpc(*servers: RpcServer, seconds: float = 5) -> Rpc:
    """A client of these nodes."""
    return Rpc([server.url for server in servers], CHAIN_ID, Deadline(seconds))


# --- batches ----------------------------------------------------------------------------


def test_many_questions_are_one_http_request(first: RpcServer) -> None:
    """A round trip costs more than all questions in it, and the chain id rides along."""
    assert rpc(first).ask([NUMBER, BALANCE]) == ["0x7", "0x5"]
    assert len(first.heard) == 1


def test_the_chain_id_is_asked_once(first: RpcServer) -> None:
    """A node that was on our chain is not asked again by the same command."""
    nodes = rpc(first)
    nodes.ask([NUMBER])
    nodes.ask([NUMBER])
    assert first.methods.count("eth_chainId") == 1


def test_answers_in_another_order_are_put_in_ours(first: RpcServer) -> None:
    """JSON-RPC leaves the order of a batch's answers open."""
    first.shuffles_batches = True
    assert rpc(first).ask([NUMBER, BALANCE]) == ["0x7", "0x5"]


def test_an_error_in_a_batch_leaves_the_other_answers(first: RpcServer) -> None:
    """A failing item is a Fault in its place, with the node's code, words and data."""
    first.script["eth_getBalance"] = Refusal(3, "execution reverted", "0x08c379a0")
    answers = rpc(first).ask([NUMBER, BALANCE])
    assert answers == ["0x7", Fault(3, "execution reverted", "0x08c379a0")]


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(-32600, "batch requests are not allowed"),
        Reply(400, b"batch requests are not allowed"),
        Reply(413, b"too many requests in the batch"),
        Reply(200, b'[{"jsonrpc":"2.0","id":0,"error":{"code":-32014,"message":"too many"}}]'),
    ],
    ids=["an error object", "HTTP 400", "HTTP 413", "a list of one error"],
)
def test_a_node_that_refuses_batches_is_asked_one_by_one(
    first: RpcServer, refusal: Reply | Refusal
) -> None:
    """Free plans of hosted providers refuse batches in several ways."""
    first.refuses_batches = refusal
    assert rpc(first, seconds=1).ask([NUMBER, BALANCE]) == ["0x7", "0x5"]


def test_a_node_that_refused_a_batch_is_not_sent_another(first: RpcServer) -> None:
    """What was learnt of a node holds for the whole command."""
    first.refuses_batches = Refusal(-32600, "batch requests are not allowed")
    nodes = rpc(first)
    nodes.ask([NUMBER, BALANCE])
    nodes.ask([NUMBER, BALANCE])
    assert [len(calls) for calls in first.heard] == [3, 1, 1, 1, 1, 1]


def test_a_single_question_that_is_too_large_is_a_fault(first: RpcServer) -> None:
    """Asking it again would not help; whoever asked can ask for less."""
    nodes = rpc(first)
    nodes.ask([NUMBER])
    first.replies = [Reply(413, b"too large")]
    (answer,) = nodes.ask([BALANCE])
    assert isinstance(answer, Fault)
    assert answer.message.startswith("HTTP 413")


# --- the chain id -----------------------------------------------------------------------


def test_a_node_on_another_chain_is_refused(first: RpcServer) -> None:
    """The message names the host and both chains."""
    first.script["eth_chainId"] = "0x1"
    with pytest.raises(WrongChain, match=r"127\.0\.0\.1 is on chain 1, configured is 31337"):
        rpc(first).ask([NUMBER])


def test_the_second_nodes_chain_id_is_checked_too(first: RpcServer, second: RpcServer) -> None:
    """A failover must not lead to another chain."""
    first.always = RESET
    second.script["eth_chainId"] = "0x1"
    with pytest.raises(WrongChain):
        rpc(first, second).ask([NUMBER])


@pytest.mark.parametrize("answer", ["banana", "", None, 31337, Refusal(-32000, "no")])
def test_a_chain_id_that_is_none_is_no_answer(
    first: RpcServer, second: RpcServer, answer: object
) -> None:
    """A node that cannot say its chain is passed over."""
    first.script["eth_chainId"] = answer
    assert rpc(first, second).ask([NUMBER]) == ["0x8"]


# --- failover and retries ---------------------------------------------------------------


@every_failure
def test_the_next_node_answers_when_the_first_does_not(
    first: RpcServer, second: RpcServer, failure: Reply
) -> None:
    """Whatever is no JSON-RPC answer leads to the next URL, in a batch and alone."""
    first.always = failure
    assert rpc(first, second).ask([NUMBER, BALANCE]) == ["0x8", "0x5"]


def test_the_next_node_answers_when_nobody_listens(second: RpcServer) -> None:
    """A refused connection is a failure like the others."""
    with closed_port() as port:
        nodes = Rpc([f"http://127.0.0.1:{port}", second.url], CHAIN_ID, Deadline(5))
        assert nodes.ask([NUMBER]) == ["0x8"]


def test_a_node_that_hangs_does_not_use_up_the_deadline(
    first: RpcServer, second: RpcServer
) -> None:
    """Each node gets its share of the time, so that the next one can still answer."""
    first.always = HANG
    started = time.monotonic()
    assert rpc(first, second, seconds=0.6).ask([NUMBER]) == ["0x8"]
    assert time.monotonic() - started < 0.6


def test_a_read_is_tried_again_until_a_node_answers(first: RpcServer) -> None:
    """A short outage is not the operator's business."""
    first.replies = [FAILURES["502"], RESET]
    assert rpc(first).ask([NUMBER]) == ["0x7"]
    assert len(first.heard) == 3


def test_a_retry_waits_as_long_as_the_node_asks(first: RpcServer) -> None:
    """Retry-After is honoured where it is longer than our own pause."""
    first.replies = [Reply(429, b"", {"Retry-After": "1"})]
    started = time.monotonic()
    rpc(first).ask([NUMBER])
    assert time.monotonic() - started >= 0.8


def test_a_wait_beyond_the_deadline_is_not_begun(first: RpcServer) -> None:
    """An hour's Retry-After ends the command at once, naming the failure."""
    first.always = Reply(429, b"", {"Retry-After": "3600"})
    started = time.monotonic()
    with pytest.raises(RpcUnreachable, match="HTTP 429, too many requests"):
        rpc(first).ask([NUMBER])
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_is_not_tried_again(first: RpcServer, status: int) -> None:
    """What waiting does not heal is said at once."""
    first.always = Reply(status, b"")
    with pytest.raises(RpcUnreachable, match=f"HTTP {status}"):
        rpc(first).ask([NUMBER])
    assert len(first.heard) == 1


# --- sending ----------------------------------------------------------------------------


def sends(*servers: RpcServer) -> list[int]:
    """How often each node was given bytes."""
    return [server.methods.count("eth_sendRawTransaction") for server in servers]


def test_bytes_accepted_by_one_node_go_to_no_other(first: RpcServer, second: RpcServer) -> None:
    """One acceptance is enough."""
    assert rpc(first, second).send(b"\x02\x01") == ["0x" + "ab" * 32]
    assert sends(first, second) == [1, 0]


@every_failure
def test_a_send_that_got_no_answer_is_not_repeated_to_that_node(
    first: RpcServer, second: RpcServer, failure: Reply
) -> None:
    """Each node is asked at most once, and the failure stands among the answers."""
    nodes = rpc(first, second)
    nodes.ask([NUMBER])
    first.always = failure
    answers: list[Any] = nodes.send(b"\x02\x01")
    assert [type(answer) for answer in answers] == [NoAnswer, str]
    assert sends(first, second) == [1, 1]


def test_bytes_refused_by_one_node_are_offered_to_the_next(
    first: RpcServer, second: RpcServer
) -> None:
    """A node that lags may refuse what another takes."""
    first.script["eth_sendRawTransaction"] = Refusal(-32000, "nonce too high")
    answers = rpc(first, second).send(b"\x02\x01")
    assert answers == [Fault(-32000, "nonce too high"), "0x" + "ab" * 32]


@pytest.mark.parametrize("chain_id", ["0x1", Reply(502, b"")], ids=["another", "unknown"])
def test_no_bytes_go_to_a_node_whose_chain_is_not_ours(
    first: RpcServer, second: RpcServer, chain_id: object
) -> None:
    """Its chain id is asked first, and the answers say that it was not given the bytes."""
    if isinstance(chain_id, Reply):
        first.always = chain_id
    first.script["eth_chainId"] = chain_id
    answers: list[Any] = rpc(first, second).send(b"\x02\x01")
    assert [type(answer) for answer in answers] == [NotGiven, str]
    assert sends(first, second) == [0, 1]


@pytest.mark.parametrize("answer", [None, 7, {}])
def test_an_answer_that_is_no_hash_leaves_it_open(first: RpcServer, answer: object) -> None:
    """Only a hash says that the bytes were taken."""
    first.script["eth_sendRawTransaction"] = answer
    answers: list[Any] = rpc(first).send(b"\x02\x01")
    assert [type(answer) for answer in answers] == [NoAnswer]


def test_the_same_bytes_go_to_every_node(first: RpcServer, second: RpcServer) -> None:
    """Failover never signs anew."""
    first.script["eth_sendRawTransaction"] = once(Refusal(-32000, "busy"))
    rpc(first, second).send(b"\x02\x01")
    given = [calls[0]["params"] for server in (first, second) for calls in server.heard[1:]]
    assert all(one == other for one, other in pairwise(given))
    assert given[0] == ["0x0201"]
