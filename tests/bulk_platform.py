"""What tests of whole files share: files, travelers, and a chain that mines by the second."""

import csv
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.chain_node import ChainNode
from tests.faults.chain_state import BOOKING_CREATED
from tests.mayhouse import PLATFORM, Mayhouse


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a file as a spreadsheet would."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a result file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def add_travelers(mayhouse: Mayhouse, count: int) -> list[str]:
    """Add so many travelers without wallets; gives their ids."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with psycopg.connect(mayhouse.database_url) as connection:
        connection.cursor().executemany(
            "INSERT INTO users (id, full_name, username, role) VALUES (%s, %s, %s, 'user')",
            [(one, f"Traveler {one[:8]}", one) for one in ids],
        )
    return ids


@contextmanager
def mining_by_interval(node: ChainNode, seconds: int = 1) -> Iterator[None]:
    """Have a block every so many seconds of 60 million gas, and none in between."""
    node.rpc("evm_setAutomine", False)  # noqa: FBT003 the node's own parameter
    node.rpc("evm_setBlockGasLimit", hex(60_000_000))
    node.rpc("evm_setIntervalMining", seconds)
    try:
        yield
    finally:
        node.rpc("evm_setIntervalMining", 0)
        node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter


def on_chain(mayhouse: Mayhouse, event: int) -> list[str]:
    """The hashes of all successful bookings of an event, by the contract's own logs."""
    topic = "0x" + f"{event:064x}"
    logs: list[dict[str, Any]] = mayhouse.node.rpc(
        "eth_getLogs",
        {
            "address": mayhouse.contract,
            "fromBlock": "0x0",
            "topics": [BOOKING_CREATED, None, topic],
        },
    )
    return [log["transactionHash"] for log in logs]


def next_nonce(mayhouse: Mayhouse) -> int:
    """The wallet's next nonce by the chain."""
    return int(mayhouse.node.rpc("eth_getTransactionCount", PLATFORM, "latest"), 16)


def loads(text: str) -> dict[str, Any]:
    """Read a document."""
    loaded: dict[str, Any] = json.loads(text)
    return loaded
