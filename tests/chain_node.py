"""A local chain for tests: the native anvil binary behind plain JSON-RPC."""

import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import psutil

TOOLS = Path(__file__).parent.parent / "tools"
STARTING_TIME_LIMIT = 15.0  # seconds
# Below those that systems give to outgoing connections, any of which could take a free one.
PORTS = range(20_000, 30_000)
PORTS_TRIED = 5
REVERTS_TRIED = 20
SETTLING_SECONDS = 0.005


class RpcError(Exception):
    """The node answered a request with an error object."""

    def __init__(self, message: str, code: int, data: Any = None) -> None:  # noqa: ANN401 - any JSON
        """Keep the three fields of the error object."""
        super().__init__(f"{code}: {message}")
        self.message = message
        self.code = code
        self.data = data


def anvil_binary() -> Path:
    """Find the native binary: the npm wrapper loses exit codes and leaves the node running."""
    found = sorted(TOOLS.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    if not found:
        raise FileNotFoundError("no anvil under tools/node_modules: run `make tools`")
    return found[0]


def bound_socket() -> socket.socket:
    """Bind a port of the loopback interface; who connects is refused, and nobody else gets it."""
    while True:
        bound = socket.socket()
        try:
            bound.bind(("127.0.0.1", random.choice(PORTS)))
        except OSError:
            bound.close()  # taken: another one
        else:
            return bound


@contextmanager
def closed_port() -> Iterator[int]:
    """Give a TCP port on which nobody listens, and keep it so."""
    with bound_socket() as bound:
        yield bound.getsockname()[1]


class ChainNode:
    """One running anvil. Its accounts are unlocked: `eth_sendTransaction` needs no key."""

    def __init__(self, *options: str) -> None:
        """Start anvil with `options` added and return once it answers."""
        for tried in range(1, PORTS_TRIED + 1):
            with closed_port() as self.port:
                pass
            self._heads: dict[str, str] = {}
            self._connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._process = self._spawn(options)
            try:
                self._wait_until_ready()
            except BaseException as error:
                self.stop()
                # Somebody else may have taken the port in between.
                if not isinstance(error, TimeoutError) or tried == PORTS_TRIED:
                    raise
            else:
                self.accounts: list[str] = self.rpc("eth_accounts")
                break

    def _spawn(self, options: Sequence[str]) -> "subprocess.Popen[bytes]":
        # Without the limit anvil takes transactions above the real cap of 2^24 gas (EIP-7825).
        return subprocess.Popen(
            [
                anvil_binary(),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--enable-tx-gas-limit", "--silent"),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        """The address of the JSON-RPC endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def rpc(self, method: str, *params: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return the result of one request, or raise `RpcError`."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        try:
            self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = json.loads(self._connection.getresponse().read())
        except (OSError, HTTPException):
            self._connection.close()  # the next request connects afresh
            raise
        if "error" in answer:
            error = answer["error"]
            raise RpcError(error["message"], error["code"], error.get("data"))
        return answer["result"]

    def transact(self, transaction: dict[str, str]) -> dict[str, Any]:
        """Send a transaction of an unlocked account and return its receipt, reverted or not."""
        receipt: dict[str, Any] = self.rpc("eth_sendTransactionSync", transaction)
        return receipt

    def snapshot(self) -> str:
        """Remember the present state of the chain under the id returned."""
        snapshot: str = self.rpc("evm_snapshot")
        self._heads[snapshot] = self.rpc("eth_blockNumber")
        return snapshot

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot, which is used up by it; nothing waits, and automine is on."""
        head = self._heads.pop(snapshot)
        self.rpc("evm_setIntervalMining", 0)
        self.rpc("evm_setAutomine", False)  # noqa: FBT003 the node's own parameter
        for _ in range(REVERTS_TRIED):
            # A mined transaction leaves the pool a little after its receipt is there. Found there
            # after the revert, it gives the next one a nonce too high, which is lost without an
            # error; and a block that was being made, or bytes on their way from a killed process,
            # come after the revert. So what is left has to prove that it rests.
            self.rpc("anvil_dropAllTransactions")
            if not self.rpc("evm_revert", snapshot):
                raise LookupError(f"anvil knows no snapshot {snapshot}")
            snapshot = self.rpc("evm_snapshot")
            time.sleep(SETTLING_SECONDS)
            pool = self.rpc("txpool_status")
            if self.rpc("eth_blockNumber") == head and not any(int(n, 16) for n in pool.values()):
                self.rpc("evm_setAutomine", True)  # noqa: FBT003 as above
                return
        raise TimeoutError("anvil does not rest after it was put back")

    def reorg(self, depth: int, *raws: str) -> None:
        """Undo so many blocks; these bytes stand in the first of as many new ones."""
        # Another miner: a block with the same contents in the same second would be the same block.
        self.rpc("anvil_setCoinbase", f"0x{time.time_ns():040x}")
        self.rpc("anvil_reorg", depth, [[raw, 0] for raw in raws])

    def stop(self) -> None:
        """End the process; calling it again does nothing."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        """Give the running node."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the node."""
        self.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTING_TIME_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"anvil did not start (exit code {self._process.returncode})")
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether it is this process that answers, and no other one with the same port."""
        try:
            self.rpc("eth_chainId")
            listens = psutil.Process(self._process.pid).net_connections("tcp")
        except (OSError, HTTPException, ValueError, RpcError, psutil.Error):
            return False
        return any(one.laddr.port == self.port for one in listens)
