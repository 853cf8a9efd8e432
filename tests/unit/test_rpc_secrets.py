"""The key in a node's URL reaches no message, no exception and no traceback."""

import traceback
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from mayhouse_cli.chain.rpc import NoAnswer, Rpc
from mayhouse_cli.chain.words import judge
from mayhouse_cli.errors import MayhouseError, RpcUnreachable, WrongChain
from mayhouse_cli.ports import Deadline
from tests.rpc_server import CHAIN_ID, HANG, RESET, Reply, RpcServer

CANARY: Final = "c4n4ry-key"
FAILURES: Final = {
    "401": Reply(401, CANARY.encode()),
    "404": Reply(404, CANARY.encode()),
    "429": Reply(429, CANARY.encode()),
    "500": Reply(500, CANARY.encode()),
    "a web page": Reply(200, f"<html>{CANARY}</html>".encode()),
    "an endless redirect": Reply(307, b"", {"Location": f"/v3/{CANARY}"}),
    "a broken length": Reply(200, b"{}", {"Transfer-Encoding": "chunked"}),
    "a broken compression": Reply(200, b"{}", {"Content-Encoding": "gzip"}),
    "a hang": HANG,
    "a reset": RESET,
}


def words_of(error: BaseException) -> str:
    """Everything that a program could show of an exception and of those behind it."""
    told = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        told += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


@pytest.fixture
def server() -> Iterator[RpcServer]:
    """A node that will fail."""
    with RpcServer() as server:
        yield server


def with_key(url: str) -> list[str]:
    """The places of a URL where providers put their keys."""
    user_info = url.replace("http://", f"http://user:{CANARY}@")
    return [f"{url}/v3/{CANARY}", f"{url}/?key={CANARY}", f"{user_info}/"]


def asked(nodes: Rpc) -> None:
    """Read two things, in a batch."""
    nodes.ask([("eth_blockNumber", []), ("eth_gasPrice", [])])


def refusal_of(url: str, seconds: float = 0.1) -> MayhouseError:
    """How a read from a node at this URL fails."""
    with pytest.raises(MayhouseError) as refusal:
        asked(Rpc([url], CHAIN_ID, Deadline(seconds)))
    return refusal.value


@pytest.mark.parametrize("place", range(3), ids=["path", "query", "user info"])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failed_read_names_the_host_alone(server: RpcServer, failure: Reply, place: int) -> None:
    """Neither the message nor any exception behind it holds the key."""
    server.always = failure
    error = refusal_of(with_key(server.url)[place])
    assert isinstance(error, RpcUnreachable)
    assert "127.0.0.1" in error.message
    assert CANARY not in words_of(error)


@pytest.mark.parametrize("place", range(3), ids=["path", "query", "user info"])
def test_a_refused_connection_names_the_host_alone(place: int) -> None:
    """The HTTP library puts the whole URL into its own message."""
    with RpcServer() as gone:
        url = gone.url
    assert CANARY not in words_of(refusal_of(with_key(url)[place]))


@pytest.mark.parametrize(
    "url", ["http://nowhere.invalid/{}", "http://127.0.0.1:99999/{}", "http://a..b/{}"]
)
def test_an_unusable_address_keeps_its_path_to_itself(url: str) -> None:
    """An address that cannot be used at all fails like any other node, without its path."""
    assert CANARY not in words_of(refusal_of(url.format(CANARY)))


def test_a_wrong_chain_names_the_host_alone(server: RpcServer) -> None:
    """Not only failures of the network are told to people."""
    server.script["eth_chainId"] = "0x1"
    error = refusal_of(with_key(server.url)[0], seconds=1)
    assert isinstance(error, WrongChain)
    assert CANARY not in words_of(error)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failed_send_keeps_the_key_to_itself(server: RpcServer, failure: Reply) -> None:
    """What a send gives back is written into the journal."""
    server.always = failure
    answers = Rpc([with_key(server.url)[0]], CHAIN_ID, Deadline(0.2)).send(b"\x02")
    assert isinstance(answers[0], NoAnswer)
    assert CANARY not in str(judge(answers).reason) + str(answers[0]) + repr(answers[0])


def test_the_parts_of_a_client_do_not_show_the_key(server: RpcServer) -> None:
    """A debugger's or logger's repr of the client tells no URL."""
    nodes = Rpc([with_key(server.url)[0]], CHAIN_ID, Deadline(1))
    shown: list[Callable[[object], str]] = [repr, str]
    assert all(CANARY not in show(nodes) for show in shown)
