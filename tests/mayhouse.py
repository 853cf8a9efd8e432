"""The installed script against real parts: what an operator types, and what comes back."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from eth_utils.address import to_checksum_address
from psycopg.rows import dict_row

from tests.chain_node import ChainNode

SCRIPT: Final = Path(sys.executable).parent / "mayhouse"
ARTIFACT: Final = Path(__file__).parent.parent / "mayhouse_cli/chain/MayhouseExperience.json"
# anvil's first development account, whose key its documentation prints: worth nothing.
PLATFORM_KEY: Final = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
PLATFORM: Final = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

HOST_ID: Final = "00000000-0000-4000-8000-000000000001"
EXPERIENCE_ID: Final = "00000000-0000-4000-8000-0000000000e1"
ASHA: Final = "00000000-0000-4000-8000-0000000000a1"
BINA: Final = "00000000-0000-4000-8000-0000000000a2"
CHITRA: Final = "00000000-0000-4000-8000-0000000000a3"

SEED: Final = f"""
    INSERT INTO users (id, wallet_address, full_name, username, role) VALUES
        ('{HOST_ID}', '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', 'Asha Host', 'asha', 'host'),
        ('{ASHA}', '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc', 'Traveler One', 't1', 'user'),
        ('{BINA}', '0x90f79bf6eb2c4f870365e785982e1f101e93b906', 'Traveler Two', 't2', 'user'),
        ('{CHITRA}', '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65', 'Traveler Three', 't3', 'user');
    INSERT INTO experiences (id, host_id, title, price_inr, status, traveler_max_capacity) VALUES
        ('{EXPERIENCE_ID}', '{HOST_ID}', 'Old Delhi food walk [spicy]', 2500, 'approved', 4);
"""  # noqa: S608 made of the constants above


@dataclass(frozen=True)
class Run:
    """How one run of the script ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded

    @property
    def data(self) -> dict[str, Any]:
        """The result of a run that must have succeeded."""
        document = self.document
        assert document["ok"], document["error"]
        loaded: dict[str, Any] = document["data"]
        return loaded

    @property
    def error(self) -> dict[str, Any]:
        """The error of a run that must have failed."""
        document = self.document
        assert not document["ok"], document["data"]
        loaded: dict[str, Any] = document["error"]
        return loaded


def clean_environment(home: str) -> dict[str, str]:
    """An environment without anything of the machine's that the tool would read."""
    return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}


def run_script(*words: str, env: Mapping[str, str], cwd: str | Path, stdin: str = "") -> Run:
    """Run the installed script in a process of its own; its input is a pipe, never a terminal."""
    finished = subprocess.run(
        [SCRIPT, *words],
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        input=stdin,
    )
    assert "Traceback" not in finished.stderr, finished.stderr
    return Run(finished.returncode, finished.stdout, finished.stderr)


@dataclass
class Mayhouse:
    """A platform of a test's own: a chain with the contract, a database, and the script."""

    node: ChainNode
    database_url: str
    contract: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """All that the script needs, without any file."""
        return {
            **clean_environment(str(self.folder)),
            "BLOCKCHAIN_RPC_URL": self.node.url,
            "CHAIN_ID": "31337",
            "CONTRACT_ADDRESS": self.contract,
            "PLATFORM_PRIVATE_KEY": PLATFORM_KEY,
            "DATABASE_URL": self.database_url,
            "ETH_PRICE_INR": "200000",
            **self.settings,
        }

    def run(self, *words: str, stdin: str = "", **changes: str) -> Run:
        """Run a command; `changes` are environment variables of this run alone."""
        return run_script(*words, env={**self.environment, **changes}, cwd=self.folder, stdin=stdin)

    def json(self, *words: str, **changes: str) -> Run:
        """Run a command for its JSON document."""
        return self.run(*words, "--json", **changes)

    # --- what a test needs around the script ---

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read from the database."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def row(self, query: str, *values: object) -> dict[str, Any]:
        """Read exactly one row."""
        (row,) = self.rows(query, *values)
        return row

    def execute(self, statement: str, *values: object) -> None:
        """Change the database behind the script's back."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement.encode(), values)

    @property
    def chain_time(self) -> int:
        """The time of the newest block."""
        hashes_only = False
        head = self.node.rpc("eth_getBlockByNumber", "latest", hashes_only)
        return int(head["timestamp"], 16)

    def warp(self, seconds: int) -> None:
        """Move the chain's time forward, and mine."""
        self.node.rpc("evm_increaseTime", seconds)
        self.node.rpc("evm_mine")

    def starts_in(self, seconds: int = 86_400) -> str:
        """A start so far after the chain's time, as it is typed."""
        return datetime.fromtimestamp(self.chain_time + seconds, UTC).isoformat()

    def transactions_sent(self) -> int:
        """How many transactions the platform's wallet has sent in all."""
        return int(self.node.rpc("eth_getTransactionCount", PLATFORM, "latest"), 16)

    def create_event(self, *more: str, seats: int = 4, price: str = "2500") -> dict[str, Any]:
        """Create an event that must succeed; gives its data."""
        return self.json(
            "event",
            "create",
            "--experience",
            EXPERIENCE_ID,
            "--price-inr",
            price,
            "--seats",
            str(seats),
            "--starts-at",
            self.starts_in(),
            "-y",
            *more,
        ).data

    def book(self, event: int | str, traveler: str, seats: int = 1) -> dict[str, Any]:
        """Book an event for a traveler; must succeed; gives its data."""
        return self.json(
            "booking", "create", str(event), "--seats", str(seats), "--traveler", traveler, "-y"
        ).data


def deploy(node: ChainNode) -> str:
    """Deploy the contract from the platform's wallet, which so becomes its owner."""
    bytecode = json.loads(ARTIFACT.read_text())["bytecode"]
    receipt = node.transact({"from": PLATFORM, "data": bytecode, "gas": hex(8_000_000)})
    return to_checksum_address(receipt["contractAddress"])
