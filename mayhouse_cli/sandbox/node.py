"""The sandbox's chain: one anvil per folder, kept over restarts, with a clock that can be moved.

Beside `node.json` (which process, which port) and `node.log`, the folder holds `chain.json`,
which anvil writes, and `checkpoint.json`, an earlier copy of it that is always whole.
"""

import fcntl
import gzip
import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from mayhouse_cli.errors import ConfigurationError, Refused, RpcUnreachable, WrongUsage

HOST: Final = "127.0.0.1"
# As many recent states as a full node keeps. Without them a restarted anvil knows the latest
# state only; with all of them the file grows with the square of the chain's length.
KEPT_STATES: Final = 128

_START_TIME_LIMIT: Final = 30.0  # seconds
_STOP_TIME_LIMIT: Final = 15.0  # seconds, in which anvil writes its state
_KILL_TIME_LIMIT: Final = 5.0  # seconds
_RPC_TIME_LIMIT: Final = 30.0  # seconds
_PORT_TIME_LIMIT: Final = 0.5  # seconds
_POLL: Final = 0.02  # seconds
_EXEC_POLLS: Final = 50
_PORTS_TRIED: Final = 5
# Below those that systems give to outgoing connections, which could hold a kept port for a while.
_PORTS: Final = range(20_000, 30_000)

# A proxy from the environment has no business between us and our own machine.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class _Record:
    """`node.json`. A stopped node has no pid, and keeps its port for the next start."""

    port: int
    pid: int | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class LocalNode:
    """The chain of one folder, whichever process started it."""

    restored = False
    """True when the last start had to go back to the checkpoint, so that later blocks are lost."""

    def __init__(
        self, folder: Path, binary: Path, *, port: int | None, chain_id: int = 31337
    ) -> None:
        """Describe it; nothing is started. Without `port` a free one is chosen and kept."""
        self._folder = folder.absolute()
        self._binary = binary
        self._port = port
        self._chain_id = chain_id
        self._chain = self._folder / "chain.json"
        self._checkpoint = self._folder / "checkpoint.json"
        self._log = self._folder / "node.log"

    @property
    def running(self) -> bool:
        """Whether the recorded process is alive and is this folder's node."""
        return self._living() is not None

    @property
    def url(self) -> str:
        """The JSON-RPC endpoint. Raises `RpcUnreachable` when the node is not running."""
        record = self._living()
        if record is None:
            raise RpcUnreachable(
                "The local chain is not running", hint="Start it: mayhouse sandbox up"
            )
        return record.url

    def start(self) -> str:
        """Return the endpoint of the running node, started if need be.

        The chain goes on where it stopped: blocks, receipts, balances and its clock. Safe to
        call from several processes at once. Raises `ConfigurationError` and `RpcUnreachable`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            record = self._living()
            if record is not None:
                self._check_port(record)
            if record is None or not self._serves(record):
                record = self._launch()
            self.checkpoint()
            return record.url

    def stop(self) -> None:
        """Stop the node and keep its state; calling it again does nothing."""
        if not self._folder.is_dir():
            return
        with self._locked():
            record = self._load()
            if record is not None:
                self._end(record)

    def checkpoint(self) -> None:
        """Keep the present state even if anvil is killed while it writes its own file.

        It overwrites `chain.json` in place, once a second; cut off there, the file is unreadable.
        """
        state: str = self.rpc("anvil_dumpState")
        _write_whole(self._checkpoint, gzip.decompress(bytes.fromhex(state[2:])))

    def chain_time(self) -> int:
        """Return the chain's clock: the time the next block would have, in Unix seconds."""
        return self._block_time("pending")

    def warp(self, seconds: int) -> int:
        """Move the chain's clock forward, mine a block, and return that block's time."""
        if seconds < 1:
            raise WrongUsage(f"Chain time only moves forward, not by {seconds} s")
        self.rpc("evm_increaseTime", [seconds])
        self.rpc("evm_mine")
        return self._block_time("latest")

    def fund(self, address: str, wei: int) -> None:
        """Set, not add to, the balance of an account."""
        self.rpc("anvil_setBalance", [address, hex(wei)])

    def rpc(self, method: str, params: Sequence[object] = ()) -> Any:  # noqa: ANN401 - any JSON
        """Return a request's result. Raises `Refused` on an error answer, `RpcUnreachable`."""
        return _call(self.url, method, params, _RPC_TIME_LIMIT)

    def _block_time(self, block: str) -> int:
        return int(self.rpc("eth_getBlockByNumber", [block, False])["timestamp"], 16)

    def _launch(self) -> _Record:
        """Start anvil, on another port when the free one that was chosen is taken meanwhile."""
        clock = self._recovered_time()
        for tried in range(1, _PORTS_TRIED + 1):
            port = self._choose_port()
            record = _Record(port, self._spawn(port, clock))
            self._save(record)
            if self._serves(record):
                return record
            self._save(_Record(port))
            reason = self._last_words()
            if self._port is not None or tried == _PORTS_TRIED or "in use" not in reason:
                raise RpcUnreachable(
                    f"The local chain did not start: {reason}", hint=f"Its log is {self._log}"
                )
        raise AssertionError  # the last attempt has returned or raised

    def _spawn(self, port: int, clock: int | None) -> int:
        command = [
            *(str(self._binary), "--host", HOST, "--port", str(port)),
            *("--chain-id", str(self._chain_id), "--enable-tx-gas-limit"),
            *("--state", str(self._chain), "--state-interval", "1"),
            *("--preserve-historical-states", "--prune-history", str(KEPT_STATES)),
        ]
        if clock is not None:
            # Where the clock starts. It dates anvil's own genesis block, too: never before the
            # true one, which stands in the state file and wins.
            command += ["--timestamp", str(clock)]
        log = str(self._log)
        try:
            # Not a Popen, which warns when it is forgotten while its process lives on.
            return os.posix_spawn(
                self._binary,
                command,
                os.environ,
                setsid=True,  # Ctrl-C in the terminal of `up` must not reach it
                setsigdef=[signal.SIGTERM],
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
            )
        except OSError as error:
            raise ConfigurationError(
                f"The local chain's anvil cannot be run: {error.strerror}",
                hint=f"Looked for at {self._binary}",
            ) from error

    def _serves(self, record: _Record) -> bool:
        """Wait until it answers; False when it died, or was ended here for staying mute."""
        deadline = time.monotonic() + _START_TIME_LIMIT
        while time.monotonic() < deadline:
            found = None
            with suppress(RpcUnreachable):
                found = int(_call(record.url, "eth_chainId", (), 2.0), 16)
            if not self._is_ours(record):  # asked second: another program may have answered
                return False
            if found is not None:
                self._check_chain_id(found)
                return True
            time.sleep(_POLL)
        self._end(record)
        return False

    def _end(self, record: _Record) -> None:
        """End the process if it is ours still, and keep the port for the next start."""
        for sign, limit in ((signal.SIGTERM, _STOP_TIME_LIMIT), (signal.SIGKILL, _KILL_TIME_LIMIT)):
            if record.pid is None or not self._is_ours(record):
                break
            with suppress(ProcessLookupError):
                os.kill(record.pid, sign)
            deadline = time.monotonic() + limit
            while self._is_ours(record) and time.monotonic() < deadline:
                time.sleep(_POLL)
        self._save(_Record(record.port))

    def _is_ours(self, record: _Record) -> bool:
        """Tell our node from the next owner of its pid: only it has our file as an argument.

        Unlike a process's start time, that still holds when the system's clock has been set.
        """
        return record.pid is not None and str(self._chain) in _arguments(record.pid)

    def _check_port(self, record: _Record) -> None:
        if self._port not in (None, record.port):
            raise ConfigurationError(
                f"The local chain already runs on port {record.port}, not {self._port}",
                hint="Stop it first: mayhouse sandbox down",
            )

    def _check_chain_id(self, found: int) -> None:
        if found != self._chain_id:
            raise ConfigurationError(
                f"The local chain already runs with chain id {found}, not {self._chain_id}",
                hint="Stop it first: mayhouse sandbox down",
            )

    def _choose_port(self) -> int:
        if self._port is not None:
            if not _falls_free(self._port):
                raise ConfigurationError(
                    f"Port {self._port} is taken by another program",
                    hint="Choose another one, or none and let the sandbox find a free one.",
                )
            return self._port
        last = self._load()
        if last is not None and _falls_free(last.port):
            return last.port
        for port in SystemRandom().sample(_PORTS, 100):
            if _is_free(port):
                return port
        raise ConfigurationError("No free port was found for the local chain", hint="Name one.")

    def _recovered_time(self) -> int | None:
        """Make `chain.json` loadable, and return where its clock goes on; None for a new chain.

        Anvil keeps the blocks but forgets that its clock was moved: the next block would be
        older than its parent.
        """
        state = _loadable(self._chain)
        self.restored = state is None and self._checkpoint.exists()
        if state is None:
            with suppress(FileNotFoundError):
                self._chain.rename(self._folder / "chain.unreadable.json")
        if self.restored:
            state = _loadable(self._checkpoint)
        if state is None:
            return None
        content, newest = state
        _write_whole(self._chain, content)
        return max(newest, int(time.time()))

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return next((line for line in lines if line.lower().startswith("error")), "it said nothing")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "node.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when the file is closed, or we die
            yield

    def _living(self) -> _Record | None:
        record = self._load()
        return record if record is not None and self._is_ours(record) else None

    def _load(self) -> _Record | None:
        try:
            return _Record(**json.loads((self._folder / "node.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _save(self, record: _Record) -> None:
        _write_whole(self._folder / "node.json", json.dumps(asdict(record)).encode())


def _arguments(pid: int) -> list[str]:
    """Return a process's command line, which is empty when it is dead."""
    import psutil  # noqa: PLC0415 - only the sandbox's extra brings it

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for _ in range(_EXEC_POLLS):
            if process.status() == psutil.STATUS_ZOMBIE:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                break
            found: list[str] = process.cmdline()
            if found:
                return found
            time.sleep(_POLL)  # just spawned: the new program's arguments are not in place yet
    return []


def _call(url: str, method: str, params: Sequence[object], time_limit: float) -> Any:  # noqa: ANN401 - any JSON
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    request = urllib.request.Request(  # noqa: S310 - always http
        url, body.encode(), {"Content-Type": "application/json"}
    )
    try:
        with _DIRECT.open(request, timeout=time_limit) as response:
            answer = json.load(response)
    except (OSError, HTTPException, ValueError) as error:
        raise RpcUnreachable(
            f"The local chain did not answer {method}: {error}", hint="Try: mayhouse sandbox up"
        ) from error
    if "error" in answer:
        raise Refused(
            f"The local chain refused {method}: {answer['error'].get('message')}",
            details=answer["error"],
        )
    return answer["result"]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As anvil does: connections of its last run that linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
        return True


def _falls_free(port: int) -> bool:
    """Wait a little: a node that has just died holds its port until its last thread is gone."""
    deadline = time.monotonic() + _PORT_TIME_LIMIT
    while not _is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _loadable(path: Path) -> tuple[bytes, int] | None:
    """Read a state file into what anvil can load, and the time of its newest block.

    None when there is no file, or it was cut off. Each start of anvil adds a genesis block of its
    own, and the next one would take any of them for the chain's: only the eldest is the true one.
    """
    try:
        state = json.loads(path.read_bytes())
        eldest_first = sorted(state["blocks"], key=_number_and_time)
        state["blocks"] = [
            block
            for place, block in enumerate(eldest_first)
            if place == 0 or _number_and_time(block)[0] > 0
        ]
        return json.dumps(state).encode(), _number_and_time(eldest_first[-1])[1]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _number_and_time(block: dict[str, Any]) -> tuple[int, int]:
    header = block["header"]
    return int(header["number"], 16), int(header["timestamp"], 16)


def _write_whole(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a kill, finds the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
