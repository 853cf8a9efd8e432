"""Temporary: the node and database fixtures, until `tests/conftest.py` has them."""

from collections.abc import Iterator

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer


@pytest.fixture(scope="session")
def node_process() -> Iterator[ChainNode]:
    """Give one anvil for the whole session."""
    with ChainNode() as node:
        yield node


@pytest.fixture
def node(node_process: ChainNode) -> Iterator[ChainNode]:
    """Give the session's anvil and put its state back after the test."""
    snapshot = node_process.snapshot()
    yield node_process
    node_process.revert(snapshot)


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """Give one Postgres server for the whole session."""
    with DatabaseServer() as server:
        yield server


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """Give a migrated database of the test's own."""
    with database_server.database() as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: DatabaseServer) -> Iterator[str]:
    """Give an empty database of the test's own."""
    with database_server.database(migrated=False) as url:
        yield url
