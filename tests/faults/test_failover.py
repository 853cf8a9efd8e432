"""Two nodes, one of them useless or wrong: the installed script goes on with the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chain_node import closed_port
from tests.faults import kinds
from tests.faults.oracle import Oracle
from tests.faults.proxy import FaultyProxy, Rule
from tests.faults.scenarios import EVENT_ROW, add_event_row
from tests.mayhouse import Mayhouse
from tests.rpc_server import HANG, Reply, RpcServer

KEY = "1f0e9d8c7b6a5f4e"
CREATE = ("event", "create", EVENT_ROW, "-y", "--timeout", "8")


@contextmanager
def first_node(failure: str) -> Iterator[str]:
    """Give the URL of a node that fails in this way."""
    if failure == "dead":
        with closed_port() as port:
            yield f"http://127.0.0.1:{port}"
        return
    with RpcServer({"eth_chainId": "0x1"}) as server:
        if failure == "429":
            server.always = Reply(429, b"slow down", {"Retry-After": "1"})
        elif failure == "hangs":
            server.always = HANG
        yield server.url


@pytest.fixture(params=["dead", "429", "hangs", "wrong chain"])
def urls(request: pytest.FixtureRequest, mayhouse: Mayhouse) -> Iterator[str]:
    """Two URLs with a provider's key each, of which only the second one is of use."""
    with first_node(request.param) as url, FaultyProxy(mayhouse.node.url) as second:
        yield f"{url}/v3/{KEY},{second.url}/v3/{KEY}"


@pytest.fixture
def lagging(mayhouse: Mayhouse) -> Iterator[FaultyProxy]:
    """The first of two nodes, which will be told to know less than the second."""
    with FaultyProxy(mayhouse.node.url) as node:
        mayhouse.settings["BLOCKCHAIN_RPC_URL"] = f"{node.url},{mayhouse.node.url}"
        yield node


def test_the_second_node_reads_sends_and_confirms(mayhouse: Mayhouse, urls: str) -> None:
    """An event is created, recorded and true although the first node is of no use."""
    add_event_row(mayhouse)
    oracle = Oracle(mayhouse)
    run = mayhouse.json(*CREATE, "--verbose", BLOCKCHAIN_RPC_URL=urls)
    assert run.data["status"] == "confirmed"
    oracle.examine().demand_none()
    assert KEY not in run.out + run.err


def test_the_keys_of_two_failing_nodes_are_not_printed(mayhouse: Mayhouse, urls: str) -> None:
    """`doctor` asks each node by itself, and tells what is wrong with neither URL's key."""
    useless = urls.partition(",")[0]
    with closed_port() as port:
        both = f"{useless},http://127.0.0.1:{port}/v3/{KEY}"
        run = mayhouse.run("doctor", "-v", "--timeout", "2", BLOCKCHAIN_RPC_URL=both)
    assert run.code != 0
    assert KEY not in run.out + run.err


def test_a_receipt_missing_on_one_node_makes_nothing_failed(
    mayhouse: Mayhouse, lagging: FaultyProxy
) -> None:
    """A node that forgot the receipt leaves it open; once it knows, resume has the same end."""
    add_event_row(mayhouse)
    oracle = Oracle(mayhouse)
    lagging.rules = [
        Rule(kinds.RECEIPT, kinds.MISSING_RECEIPT),
    ]
    run = mayhouse.json("event", "create", EVENT_ROW, "-y", "--timeout", "1.5")
    assert run.code in (0, 7)
    statuses = mayhouse.rows("SELECT status FROM mayhouse.transactions")
    assert statuses[0]["status"] in ("sent", "confirmed")
    lagging.heal()
    assert mayhouse.json("tx", "resume").code == 0
    oracle.examine().demand_none()


def test_a_used_nonce_without_a_rival_makes_nothing_failed(
    mayhouse: Mayhouse, lagging: FaultyProxy
) -> None:
    """A count that says the nonce is gone, and no transaction to show for it, proves nothing."""
    add_event_row(mayhouse)
    oracle = Oracle(mayhouse)
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
    try:
        sent = mayhouse.json("event", "create", EVENT_ROW, "-y", "--no-wait")
        assert sent.code == 0
        lagging.rules = [Rule(kinds.COUNT, kinds.USED_NONCE)]
        resumed = mayhouse.json("tx", "resume", "--timeout", "1.5")
    finally:
        mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    assert resumed.code == 7
    mayhouse.node.rpc("evm_mine")
    lagging.heal()
    assert mayhouse.json("tx", "resume").code == 0
    oracle.examine().demand_none()


def test_a_low_nonce_on_one_node_is_not_used_again(
    mayhouse: Mayhouse, lagging: FaultyProxy
) -> None:
    """The first node has not seen our last transaction; the record has."""
    oracle = Oracle(mayhouse)
    mayhouse.create_event()
    add_event_row(mayhouse)
    lagging.rules = [Rule(kinds.COUNT, kinds.STALE_NONCE)]
    data = mayhouse.json("event", "create", EVENT_ROW, "-y", "--timeout", "8").data
    assert data["chain_event_id"] == 2
    oracle.examine().demand_none()
