"""Many cases at once: each lane has a node, a proxy and a database that every case gets afresh.

A case is a generator: it yields a running process of the tool and is sent how it ended, so
that one thread looks after all lanes while the processes wait.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from itertools import count
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.faults.processes import Child, start
from tests.faults.proxy import FaultyProxy
from tests.mayhouse import SEED, Mayhouse, Run, deploy

Outcome = TypeVar("Outcome")
Steps = Generator[Child, Run, Outcome]
PATIENCE: Final = 60.0  # seconds that one run may take

_numbers = count(1)


class Lane:
    """A platform that is put back to a prepared stage before every case."""

    def __init__(self, server: DatabaseServer, folder: Path) -> None:
        """Start a node with the contract, and a proxy before it."""
        self._server = server
        self._folder = folder
        self._stack = ExitStack()
        self.node = self._stack.enter_context(ChainNode())
        self.proxy = self._stack.enter_context(FaultyProxy(self.node.url))
        self._contract = deploy(self.node)
        self._template = ""
        self._bare = self.node.snapshot()
        self._stage = ""
        self.first_block = int(self.node.rpc("eth_blockNumber"), 16)
        self._database: str | None = None
        self.mayhouse = self._platform("postgres")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def prepare(self, make: Callable[[Mayhouse], None]) -> None:
        """Make the stage that every case starts from."""
        self.node.rpc("evm_setAutomine", True)  # noqa: FBT003 - the node's own parameter
        self.node.revert(self._bare)
        self._bare = self.node.snapshot()
        self._template = f"stage_{next(_numbers)}"
        self._server._administer(f"CREATE DATABASE {self._template} TEMPLATE migrated")
        query(self._server.url(self._template), SEED)
        make(self._platform(self._template))
        self._stage = self.node.snapshot()

    def restore(self) -> None:
        """Put chain and database back to the stage; the proxy behaves and knows nothing."""
        self.proxy.forget()
        self.proxy.mines = False
        self.node.revert(self._stage)
        self._stage = self.node.snapshot()
        self.drop()
        name = f"lane_{next(_numbers)}"
        self._server._administer(
            f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy"
        )
        self._database = name
        self.mayhouse = self._platform(name)

    def drop(self) -> None:
        """Drop the case's database."""
        if self._database is not None:
            self._server._administer(f"DROP DATABASE {self._database} WITH (FORCE)")
            self._database = None

    def start(self, *words: str) -> Child:
        """Start the tool on this lane's platform, through the proxy."""
        environment = {**self.mayhouse.environment, "BLOCKCHAIN_RPC_URL": self.proxy.url}
        return start(*words, "--json", env=environment, folder=self._folder)

    def _platform(self, database: str) -> Mayhouse:
        return Mayhouse(self.node, self._server.url(database), self._contract, self._folder)


class Lanes(Generic[Outcome]):
    """Drives cases over lanes, as many at a time as there are lanes."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._free = deque(lanes)
        self._running: dict[object, tuple[Lane, Steps[Outcome], Child, float]] = {}
        self.outcomes: list[Outcome] = []

    def drive(self, cases: Iterable[Callable[[Lane], Steps[Outcome]]]) -> list[Outcome]:
        """Run every case to its end and give the outcomes."""
        for case in cases:
            while not self._free:
                self._turn()
            lane = self._free.popleft()
            steps = case(lane)
            self._keep(lane, steps, next(steps))
        while self._running:
            self._turn()
        return self.outcomes

    def _keep(self, lane: Lane, steps: Steps[Outcome], child: Child) -> None:
        self._running[child.process.sentinel] = (lane, steps, child, time.monotonic())

    def _turn(self) -> None:
        """Wait until a process has ended, and take its case a step further."""
        for sentinel in wait(
            [one[2].process.sentinel for one in self._running.values()], timeout=1.0
        ):
            lane, steps, child, _ = self._running.pop(sentinel)
            run = child.wait()
            try:
                self._keep(lane, steps, steps.send(run))
            except StopIteration as end:
                self.outcomes.append(end.value)
                self._free.append(lane)
        for _, _, child, started in self._running.values():
            if time.monotonic() - started > PATIENCE:
                child.kill()
