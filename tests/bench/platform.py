"""A platform to measure on: a chain behind a node that is far away, a database, the script."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

from tests.bench.measuring import Process
from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ARTIFACT, SCRIPT, SEED, Mayhouse, deploy
from tests.rpc_server import Reply, RpcServer

PLAIN: Final = Path(__file__).parent / "plain"
JSON: Final = {"Content-Type": "application/json"}


class DistantNode(RpcServer):
    """Passes each request on as it is, a batch as one, after `delay` seconds."""

    def __init__(self, upstream: str, delay: float) -> None:
        """Stand before `upstream`."""
        super().__init__(upstream=upstream)
        self._address = upstream.removeprefix("http://")
        self._delay = delay
        self.requests = 0

    def reply_to(self, body: bytes) -> Reply:
        """Wait, and ask the node behind."""
        self.requests += 1
        time.sleep(self._delay)
        connection = HTTPConnection(self._address, timeout=60)
        try:
            connection.request("POST", "/", body, JSON)
            return Reply(body=connection.getresponse().read(), headers=JSON)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        handler = super()._handler()
        handler.disable_nagle_algorithm = True  # the delay is ours alone
        return handler


@dataclass
class Measurable:
    """What a command and its plain counterpart are run on."""

    mayhouse: Mayhouse
    url: str

    def ours(self, *words: str) -> Process:
        """A command of the script."""
        return self._process([SCRIPT, *words])

    def plain(self, name: str, *words: str) -> Process:
        """A plain script of the folder beside this file."""
        return self._process([sys.executable, PLAIN / f"{name}.py", *words])

    def _process(self, words: Sequence[str | Path]) -> Process:
        env = {
            **self.mayhouse.environment,
            "BLOCKCHAIN_RPC_URL": self.url,
            "CONTRACT_ARTIFACT": str(ARTIFACT),
        }
        return Process(words, env, self.mayhouse.folder)


@contextmanager
def measurable(*options: str) -> Iterator[Measurable]:
    """A platform of its own; the options are the chain node's."""
    folder = Path(tempfile.mkdtemp(prefix="mayhouse-bench-"))
    try:
        with ChainNode(*options) as node, DatabaseServer() as server, server.database() as url:
            query(url, SEED)
            yield Measurable(Mayhouse(node, url, deploy(node), folder), node.url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
