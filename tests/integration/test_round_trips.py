"""How often each command asks the node: one request for all it reads, one to send, one to look."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, PLATFORM, SEED, Mayhouse, Run
from tests.raw_contract import calldata
from tests.rpc_server import Reply, RpcServer

READ: Final = "read"
SEND: Final = "send"
LOOK: Final = "look"
READS: Final = [READ]
SIGNS: Final = [READ, SEND, LOOK]
RECEIPT: Final = "eth_getTransactionReceipt"
RAW: Final = "eth_sendRawTransaction"


def kind_of(methods: list[str]) -> str:
    """What a request was made for."""
    if RAW in methods:
        return SEND
    return LOOK if RECEIPT in methods and "eth_feeHistory" not in methods else READ


@dataclass
class Counted:
    """A platform whose commands go through a node that counts."""

    mayhouse: Mayhouse
    proxy: RpcServer
    trips: dict[str, list[str]] = field(default_factory=dict)

    def run(self, name: str, *words: str) -> Run:
        """Run a command that must succeed, and keep its round trips under a name."""
        self.proxy.heard.clear()
        run = self.mayhouse.json(*words, BLOCKCHAIN_RPC_URL=self.proxy.url)
        assert run.code == 0, run.err
        heard = [[call["method"] for call in calls] for calls in self.proxy.heard]
        self.trips[name] = [kind_of(methods) for methods in heard]
        return run

    def create_event(self, name: str) -> None:
        """Create an event."""
        terms = ("--experience", EXPERIENCE_ID, "--price-inr", "2500", "--seats", "4")
        self.run(name, "event", "create", *terms, "--starts-at", self.mayhouse.starts_in(), "-y")


@pytest.fixture(scope="module")
def counted(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Counted]:
    """The commands of an event's life, each counted once."""
    snapshot = node_process.snapshot()
    folder = tmp_path_factory.mktemp("counted")
    with database_server.database() as url, RpcServer(upstream=node_process.url) as proxy:
        query(url, SEED)
        counted = Counted(Mayhouse(node_process, url, contract, folder), proxy)
        tell_a_story(counted)
        yield counted
    node_process.revert(snapshot)


def tell_a_story(counted: Counted) -> None:
    """Two events: one takes place, one is cancelled."""
    run, book = counted.run, ("booking", "create", "1", "--seats", "1", "-y", "--traveler")
    run("balance check", "balance", "check")
    counted.create_event("event create")
    run("booking quote", "booking", "quote", "1", "--seats", "1")
    run("booking create", *book, ASHA)
    run("a second booking create", *book, BINA)
    counted.mayhouse.warp(90_000)
    run("event show", "event", "show", "1")
    run("event complete", "event", "complete", "1", "--attended", "1", "-y")
    # The percentage that reads begin with is wrong now: what they simulate must be asked again.
    stake = calldata("updateStakePercentage(uint256)", 30)
    counted.mayhouse.node.transact(
        {"from": PLATFORM, "to": counted.mayhouse.contract, "data": stake}
    )
    counted.create_event("event create at another percentage")
    cancel = ("event", "cancel", "2")
    plan = run("event cancel --plan", *cancel, "--reason", "rain", "--plan").data["plan_hash"]
    run("event cancel", *cancel, "--execute", plan)
    run("tx list", "tx", "list")


@pytest.mark.parametrize(
    ("command", "trips"),
    [
        ("balance check", READS),
        ("booking quote", READS),
        ("event show", READS),
        ("event cancel --plan", READS),
        ("event create", SIGNS),
        ("booking create", SIGNS),
        ("a second booking create", SIGNS),
        ("event complete", SIGNS),
        ("event cancel", SIGNS),
        ("event create at another percentage", [READ, *SIGNS]),
        ("tx list", []),
    ],
)
def test_a_command_asks_the_node_no_more_often_than_it_must(
    counted: Counted, command: str, trips: list[str]
) -> None:
    """The chain id, the code and the probe are in the batch; the node mines at once."""
    assert counted.trips[command] == trips


def test_where_a_provider_refuses_batches_each_question_is_asked_alone(counted: Counted) -> None:
    """The same answer, with one refused batch and nothing but single questions after it."""
    counted.proxy.refuses_batches = Reply(413)
    try:
        result = counted.run("alone", "event", "show", "1").data
    finally:
        counted.proxy.refuses_batches = None
    assert result["on_chain"]["status"] == "completed"
    refused, *alone = counted.proxy.heard
    assert len(refused) == len(alone) > 1
    assert all(len(calls) == 1 for calls in alone)
