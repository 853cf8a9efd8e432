"""The sandbox's chain with a real anvil: what survives a stop, a kill and a second `up`."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from mayhouse_cli.errors import ConfigurationError, Refused, RpcUnreachable, WrongUsage
from mayhouse_cli.sandbox.node import LocalNode
from mayhouse_cli.sandbox.node_binary import find_anvil

REPOSITORY = Path(__file__).parents[2]
ACCOUNT = "0x00000000000000000000000000000000000000A1"
DAY = 24 * 3600
STARTERS = 6
STATE_INTERVAL = 1.0  # seconds between two writes of the state
START_IN_A_PROCESS = """
import sys
from pathlib import Path
from mayhouse_cli.sandbox.node import LocalNode
print(LocalNode(Path(sys.argv[1]), Path(sys.argv[2]), port=None).start())
"""

MakeNode = Callable[..., LocalNode]


@pytest.fixture(scope="session")
def binary() -> Path:
    """Give the anvil of the repository's own tools."""
    return find_anvil(REPOSITORY / "tools")


@pytest.fixture
def make_node(tmp_path: Path, binary: Path) -> Iterator[MakeNode]:
    """Make nodes, by default of one folder, and stop them after the test."""
    made: list[LocalNode] = []

    def make(folder: str = "chain", port: int | None = None, chain_id: int = 31337) -> LocalNode:
        made.append(LocalNode(tmp_path / folder, binary, port=port, chain_id=chain_id))
        return made[-1]

    yield make
    for node in made:
        node.stop()
    left = nodes_of(tmp_path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "a node was left running"


@pytest.fixture
def node(make_node: MakeNode) -> LocalNode:
    """Give a started node."""
    node = make_node()
    node.start()
    return node


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Give the path of the default node's `node.json`."""
    return tmp_path / "chain" / "node.json"


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Give a port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@contextmanager
def held(port: int) -> Iterator[None]:
    """Listen on a port; one that stays taken all the while is somebody else's, which is the same.

    A node that has just died holds its port until its last thread is gone.
    """
    deadline = time.monotonic() + 10
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while time.monotonic() < deadline:
            with suppress(OSError):
                other.bind(("127.0.0.1", port))
                other.listen()
                break
            time.sleep(0.02)
        yield


def block(node: LocalNode, which: str = "latest") -> dict[str, Any]:
    """Read a block."""
    found: dict[str, Any] = node.rpc("eth_getBlockByNumber", [which, False])
    return found


def pay(node: LocalNode, wei: int) -> dict[str, Any]:
    """Pay ACCOUNT from one of anvil's own accounts and return the receipt."""
    payer = node.rpc("eth_accounts")[0]
    sent = node.rpc("eth_sendTransaction", [{"from": payer, "to": ACCOUNT, "value": hex(wei)}])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # anvil mines just after it has answered
        receipt: dict[str, Any] | None = node.rpc("eth_getTransactionReceipt", [sent])
        if receipt is not None:
            return receipt
        time.sleep(0.01)
    raise TimeoutError(sent)


def kill(record: Path) -> None:
    """Kill the recorded node as a crash would."""
    pid = json.loads(record.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    psutil.Process(pid).wait(5)


def nodes_of(folder: Path) -> list[int]:
    """List the nodes whose state is somewhere below a folder."""
    return [
        found.pid
        for found in psutil.process_iter(["cmdline"])
        if "--state" in (arguments := found.info["cmdline"] or ())
        and any(argument.startswith(f"{folder}/") for argument in arguments)
    ]


def start_in_a_process(folder: Path, binary: Path) -> "subprocess.Popen[str]":
    """Start a folder's node from a process that ends at once afterwards."""
    return subprocess.Popen(
        [sys.executable, "-c", START_IN_A_PROCESS, folder, binary],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_chain_survives(node: LocalNode, end: Callable[[], None]) -> None:
    """Fill the chain, end its node, start it again and compare."""
    receipt = pay(node, 7)
    genesis, newest = block(node, "0x0"), block(node)
    end()
    assert not node.running
    node.start()
    assert not node.restored
    assert (block(node, "0x0"), block(node)) == (genesis, newest)
    assert node.rpc("eth_getTransactionReceipt", [receipt["transactionHash"]]) == receipt
    assert node.rpc("eth_getBalance", [ACCOUNT, "latest"]) == hex(7)


def test_the_started_node_serves_the_chain_id(make_node: MakeNode) -> None:
    """`start` returns an endpoint that answers already, with the id asked for."""
    node = make_node(chain_id=4242)
    url = node.start()
    assert url == node.url
    assert int(node.rpc("eth_chainId"), 16) == 4242


def test_the_cap_on_a_transactions_gas_is_real(node: LocalNode) -> None:
    """The sandbox refuses what the real chain refuses: more than 2^24 gas in a transaction."""
    payer = node.rpc("eth_accounts")[0]
    with pytest.raises(Refused):
        node.rpc("eth_sendTransaction", [{"from": payer, "to": ACCOUNT, "gas": hex(2**24 + 1)}])


def test_the_chain_survives_a_stop(node: LocalNode) -> None:
    """Blocks, receipts and balances are there after down and up."""
    assert_chain_survives(node, node.stop)


def test_the_chain_survives_a_kill(node: LocalNode, record: Path) -> None:
    """What is older than the interval between two writes outlives a killed node."""

    def end() -> None:
        time.sleep(STATE_INTERVAL + 0.5)
        kill(record)

    assert_chain_survives(node, end)


def test_older_states_can_be_read_after_a_restart(node: LocalNode) -> None:
    """A read at an earlier block works after a restart as it did before."""
    before = pay(node, 7)["blockNumber"]
    pay(node, 1)
    node.stop()
    node.start()
    assert node.rpc("eth_getBalance", [ACCOUNT, before]) == hex(7)


def test_the_genesis_stays_the_same_over_many_restarts(node: LocalNode, record: Path) -> None:
    """The database pins the genesis hash: no number of stops, kills and warps changes it."""
    genesis = block(node, "0x0")
    for restart in range(6):
        node.warp(DAY)
        time.sleep(STATE_INTERVAL)
        if restart % 2:
            kill(record)
        else:
            node.stop()
        node.start()
        assert block(node, "0x0") == genesis
        assert block(node, "earliest") == genesis


def test_a_started_chain_is_never_lost_whole(node: LocalNode, record: Path) -> None:
    """A kill in anvil's very first write leaves the genesis the database was pinned to."""
    genesis = block(node, "0x0")
    kill(record)
    record.with_name("chain.json").write_bytes(b"")
    time.sleep(1.1)  # a chain made anew would have another time in its genesis block
    node.start()
    assert block(node, "0x0") == genesis


def test_a_state_file_cut_off_falls_back_to_the_checkpoint(node: LocalNode, record: Path) -> None:
    """A kill while anvil writes costs what came after the checkpoint, and that is told."""
    kept = pay(node, 7)
    node.checkpoint()
    pay(node, 1)
    node.stop()
    state = record.with_name("chain.json")
    state.write_bytes(state.read_bytes()[:-100])
    node.start()
    assert node.restored
    assert block(node)["hash"] == kept["blockHash"]


def test_warped_time_survives_a_restart(node: LocalNode) -> None:
    """After two days' warp, down and up, time goes on from there and not from today."""
    warped = node.warp(2 * DAY)
    assert abs(warped - (time.time() + 2 * DAY)) < 10
    node.stop()
    node.start()
    assert warped <= node.chain_time() <= warped + 10
    mined = pay(node, 1)["blockNumber"]
    assert warped <= int(block(node, mined)["timestamp"], 16) <= warped + 10


def test_time_can_be_warped_again_after_a_restart(node: LocalNode) -> None:
    """Warps add up over a restart."""
    first = node.warp(DAY)
    node.stop()
    node.start()
    assert DAY <= node.warp(DAY) - first < DAY + 10


def test_chain_time_passes(node: LocalNode) -> None:
    """After a warp and a restart the clock runs on, without a block."""
    node.warp(DAY)
    node.stop()
    node.start()
    before = node.chain_time()
    time.sleep(1.1)
    assert node.chain_time() > before


def test_time_does_not_go_back(node: LocalNode) -> None:
    """A warp by nothing or backwards is refused before the node is asked."""
    with pytest.raises(WrongUsage):
        node.warp(0)


def test_fund_sets_a_balance(node: LocalNode) -> None:
    """An account has exactly what it was given."""
    node.fund(ACCOUNT, 10**18)
    assert node.rpc("eth_getBalance", [ACCOUNT, "latest"]) == hex(10**18)


def test_a_second_start_returns_the_running_node(node: LocalNode, make_node: MakeNode) -> None:
    """`up` on a running sandbox changes nothing."""
    genesis = block(node, "0x0")
    other = make_node()
    assert other.start() == node.url
    assert block(other, "0x0") == genesis


def test_starts_at_once_start_one_node(make_node: MakeNode, tmp_path: Path) -> None:
    """Several `up` at the same moment end with the same endpoint and one process."""
    nodes = [make_node() for _ in range(STARTERS)]
    together = threading.Barrier(STARTERS)

    def start(node: LocalNode) -> str:
        together.wait()
        return node.start()

    with ThreadPoolExecutor(STARTERS) as pool:
        urls = set(pool.map(start, nodes))
    assert urls == {nodes[0].url}
    assert len(nodes_of(tmp_path / "chain")) == 1


def test_the_node_outlives_its_starter_and_is_stopped_by_another(
    tmp_path: Path, binary: Path, make_node: MakeNode
) -> None:
    """`down` stops what an `up` that has long ended had started."""
    folder = tmp_path / "chain"
    start_in_a_process(folder, binary).communicate(timeout=30)
    node = make_node()
    assert node.running
    node.stop()
    assert nodes_of(folder) == []


def test_two_folders_hold_two_chains(make_node: MakeNode) -> None:
    """Nodes of different folders neither share a port nor a chain."""
    first, second = make_node("one"), make_node("two")
    assert first.start() != second.start()
    first.fund(ACCOUNT, 5)
    assert second.rpc("eth_getBalance", [ACCOUNT, "latest"]) == hex(0)


def test_stopping_twice_or_before_a_start_does_nothing(make_node: MakeNode) -> None:
    """`down` can be run at any time."""
    node = make_node()
    node.stop()
    node.start()
    node.stop()
    node.stop()
    assert not node.running


def test_the_port_is_kept_over_a_restart(node: LocalNode) -> None:
    """The endpoint stays the same, so that what was configured with it goes on working."""
    url = node.url
    node.stop()
    assert node.start() == url


def test_a_kept_port_taken_meanwhile_is_replaced(node: LocalNode) -> None:
    """Without a wish for a port, one that somebody else has now is no error."""
    url = node.url
    node.stop()
    with held(int(url.rpartition(":")[2])):
        assert node.start() != url


def test_a_wanted_port_that_is_taken_is_an_error(make_node: MakeNode, taken_port: int) -> None:
    """A port the user asked for is not replaced by another one behind their back."""
    with pytest.raises(ConfigurationError, match=f"Port {taken_port} is taken"):
        make_node(port=taken_port).start()


def test_another_port_than_the_running_nodes_is_an_error(
    node: LocalNode, make_node: MakeNode, taken_port: int
) -> None:
    """A running node is not passed off as one on the port that was asked for."""
    with pytest.raises(ConfigurationError, match="already runs on port"):
        make_node(port=taken_port).start()
    assert node.running


def test_another_chain_id_than_the_running_nodes_is_an_error(
    node: LocalNode, make_node: MakeNode
) -> None:
    """A running node with another chain id is named, and left alone."""
    with pytest.raises(ConfigurationError, match="chain id 31337, not 1"):
        make_node(chain_id=1).start()
    assert node.running


def test_a_dead_pid_is_cleaned_up(node: LocalNode, record: Path) -> None:
    """After a crash `running` is False and `start` starts a new process."""
    kill(record)
    assert not node.running
    node.start()
    assert node.running


def test_a_pid_that_is_another_process_now_is_left_alone(make_node: MakeNode, record: Path) -> None:
    """A reused pid is neither taken for the node nor killed by `stop`."""
    record.parent.mkdir()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record.write_text(json.dumps({"port": 1, "pid": stranger.pid}))
        node = make_node()
        assert not node.running
        node.stop()
        node.start()
        assert json.loads(record.read_text())["pid"] != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


def test_an_unreadable_record_is_replaced(make_node: MakeNode, record: Path) -> None:
    """A damaged `node.json` counts as none."""
    record.parent.mkdir()
    record.write_text("{")
    node = make_node()
    node.start()
    assert node.running


def test_a_request_to_a_stopped_node_says_what_to_run(make_node: MakeNode) -> None:
    """Without a node the error names the command that starts one."""
    with pytest.raises(RpcUnreachable) as caught:
        make_node().rpc("eth_chainId")
    assert "mayhouse sandbox up" in str(caught.value.hint)


def test_a_node_that_dies_at_once_is_told_with_its_reason(tmp_path: Path) -> None:
    """What the program said is the error, and no process is left recorded."""
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\necho 'Error: out of luck' >&2\nexit 1\n")
    broken.chmod(0o755)
    node = LocalNode(tmp_path / "chain", broken, port=None)
    with pytest.raises(RpcUnreachable, match="did not start: Error: out of luck"):
        node.start()
    assert not node.running


def test_a_program_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    """A binary that has disappeared since it was found is a matter of configuration."""
    with pytest.raises(ConfigurationError, match="anvil cannot be run"):
        LocalNode(tmp_path / "chain", tmp_path / "gone", port=None).start()
