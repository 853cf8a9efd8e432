"""Real parts for every test that asks: one node and one Postgres a worker, undone after each."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.faults.counts import pytest_terminal_summary
from tests.mayhouse import SEED, Mayhouse, deploy

__all__ = ["pytest_terminal_summary"]
"""A hook is found only in the conftest that every process of a run loads."""

# A busy machine is slow, not wrong; what must be fast is measured as a ratio elsewhere.
settings.register_profile("mayhouse", deadline=None)
settings.load_profile("mayhouse")


@pytest.fixture(scope="session")
def node_process() -> Iterator[ChainNode]:
    """One anvil for the worker."""
    with ChainNode() as node:
        yield node


@pytest.fixture
def node(node_process: ChainNode) -> Iterator[ChainNode]:
    """The worker's anvil, its state put back after the test."""
    snapshot = node_process.snapshot()
    yield node_process
    node_process.revert(snapshot)


@pytest.fixture(scope="session")
def contract(node_process: ChainNode) -> str:
    """The contract's address, deployed once from the platform's wallet."""
    return deploy(node_process)


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """One Postgres server for the worker."""
    with DatabaseServer() as server:
        yield server


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """A migrated database of the test's own."""
    with database_server.database() as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: DatabaseServer) -> Iterator[str]:
    """An empty database of the test's own."""
    with database_server.database(migrated=False) as url:
        yield url


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own, which a server started as another user can reach."""
    path = Path(tempfile.mkdtemp(prefix="mayhouse-folder-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def mayhouse(contract: str, node: ChainNode, database_url: str, folder: Path) -> Mayhouse:
    """The script on a platform of the test's own: a host, an experience, three travelers."""
    query(database_url, SEED)
    return Mayhouse(node, database_url, contract, folder)
