"""The sandbox: Postgres, chain, contract, wallet and config of one folder, as a whole."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import platformdirs

from mayhouse_cli.config import LOCAL_CHAIN_ID
from mayhouse_cli.errors import MayhouseError, RpcUnreachable
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.sandbox.files import SandboxFiles
from mayhouse_cli.sandbox.node import LocalNode
from mayhouse_cli.sandbox.node_binary import find_anvil
from mayhouse_cli.sandbox.postgres import EmbeddedPostgres
from mayhouse_cli.sandbox.postgres_programs import find_binaries

# In the config for a user to change; everything else there follows from what runs.
CONFIG_DEFAULTS: Final[Mapping[str, Any]] = {"eth_price_inr": "200000", "confirmations": 1}


@dataclass(frozen=True)
class SampleExperience:
    """An experience that every sandbox has."""

    id: UUID
    title: str
    price_inr: Decimal
    host: str


@dataclass(frozen=True)
class SampleTraveler:
    """A traveler that every sandbox has."""

    id: UUID
    name: str


@dataclass(frozen=True)
class SandboxStatus:
    """`sandbox up`, `status` and `reset`: what runs and where; null for what is down."""

    folder: str
    config: str
    chain_running: bool
    database_running: bool
    rpc_url: str | None
    chain_id: int
    block_number: int | None
    chain_time: datetime | None
    database_url: str | None
    contract_address: Address | None
    wallet: str
    wallet_address: Address | None
    balance_wei: Wei | None
    balance_eth: str | None
    experiences: tuple[SampleExperience, ...]
    travelers: tuple[SampleTraveler, ...]
    problems: tuple[str, ...]
    done: tuple[str, ...] = ()
    """What `up` had to do; empty when everything was there."""


@dataclass(frozen=True)
class Warped:
    """`sandbox warp`: where the chain's clock stands now."""

    seconds: int
    chain_time: datetime
    block_number: int


class Sandbox:
    """The sandbox of one folder, whichever process started it."""

    def __init__(self, folder: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        """Name the folder; nothing is touched yet. `progress` is told what is waited for."""
        self._files = SandboxFiles(folder)
        self._postgres = EmbeddedPostgres(self._files.folder)
        self._progress = progress

    @property
    def folder(self) -> Path:
        return self._files.folder

    @property
    def config_file(self) -> Path:
        return self._files.config

    def up(self, port: int | None = None) -> SandboxStatus:
        """Start what is down, make what is missing, and leave everything else as it is.

        What this call started is stopped again when it fails.
        """
        find_binaries()  # says at once that the extra `sandbox` is missing
        self._files.claim()
        with self._files.locked():
            return self._up(port)

    def down(self) -> bool:
        """Stop both; their data stays. Whether anything ran."""
        self._files.require()
        with self._files.locked():
            return self._stop()

    def reset(self, port: int | None = None) -> SandboxStatus:
        """Delete the sandbox's own files and begin again."""
        self._files.require()
        with self._files.locked():
            self._stop()
            self._files.clear()
        return self.up(port)

    def warp(self, seconds: int) -> Warped:
        """Move the chain's clock forward; it never goes back."""
        self._files.require()
        node = self._node()
        reached = node.warp(seconds)
        block = int(node.rpc("eth_blockNumber"), 16)
        return Warped(seconds, datetime.fromtimestamp(reached, UTC), block)

    def chain_time(self) -> int:
        """The time that the next block would have, in Unix seconds."""
        return self._node().chain_time()

    def status(self) -> SandboxStatus:
        """Look at everything and change nothing."""
        from mayhouse_cli.store import seed  # noqa: PLC0415 loads the database client

        node = self._node()
        made = self._files.is_sandbox
        found = SandboxStatus(
            folder=str(self.folder),
            config=str(self.config_file),
            chain_running=made and node.running,
            database_running=made and self._postgres.running,
            rpc_url=None,
            chain_id=LOCAL_CHAIN_ID,
            block_number=None,
            chain_time=None,
            database_url=None,
            contract_address=self._contract,
            wallet="platform",
            wallet_address=self._wallet,
            balance_wei=None,
            balance_eth=None,
            experiences=tuple(
                SampleExperience(one.id, one.title, one.price_inr, one.host.name)
                for one in seed.EXPERIENCES
            ),
            travelers=tuple(SampleTraveler(one.id, one.name) for one in seed.TRAVELERS),
            problems=(),
        )
        if found.database_running:
            found = replace(found, database_url=self._postgres.url)
        with suppress(RpcUnreachable):
            if found.chain_running:
                found = self._with_chain(found, node)
        return replace(found, problems=tuple(self._problems(found, node)))

    # --- up and down ---

    def _up(self, port: int | None) -> SandboxStatus:
        self._progress("Looking for the local chain's program")
        cache = platformdirs.user_cache_path("mayhouse")
        node = LocalNode(self._files.chain, find_anvil(cache), port=port)
        ran = (node.running, self._postgres.running)
        try:
            done = self._start(node, ran) + self._fill(node)
        except BaseException:
            if not ran[0]:
                node.stop()
            if not ran[1]:
                self._postgres.stop()
            raise
        return replace(self.status(), done=tuple(done))

    def _start(self, node: LocalNode, ran: tuple[bool, bool]) -> list[str]:
        self._progress("Starting the local chain")
        url = node.start()
        self._progress("Starting Postgres")
        self._postgres.start()
        done = [] if ran[0] else [f"chain started on {url}"]
        if node.restored:
            done.append("chain restored from an earlier copy: its last blocks are lost")
        return done if ran[1] else [*done, "Postgres started"]

    def _fill(self, node: LocalNode) -> list[str]:
        from mayhouse_cli.sandbox import contents  # noqa: PLC0415 loads slowly

        self._progress("Preparing the database and the contract")
        with contents.open_database(self._postgres.url) as database:
            done = contents.prepare_database(database)
            wallet, told = contents.prepare_wallet(self._files, node, database)
            done += told + contents.prepare_contract(self._files, node, database, wallet)
        required = {
            "blockchain_rpc_url": node.url,
            "chain_id": LOCAL_CHAIN_ID,
            "contract_address": self._files.deployment().contract,
            "database_url": self._postgres.url,
            "wallet": contents.WALLET,
            "platform_address": wallet,
            "keystore_dir": "keystore",
            "password_file": "password",
        }
        if self._files.update_config(required, CONFIG_DEFAULTS):
            done.append("config.toml written")
        return done

    def _stop(self) -> bool:
        node = self._node()
        ran = node.running or self._postgres.running
        self._progress("Stopping")
        node.stop()
        self._postgres.stop()
        return ran

    # --- looking ---

    def _node(self) -> LocalNode:
        """The node as it runs; only `up` needs to know its program."""
        return LocalNode(self._files.chain, Path("anvil"), port=None)

    @property
    def _contract(self) -> Address | None:
        kept = self._files.deployment().contract
        return Address(kept) if kept else None

    @property
    def _wallet(self) -> Address | None:
        kept = self._files.deployment().wallet
        return Address(kept) if kept else None

    def _with_chain(self, found: SandboxStatus, node: LocalNode) -> SandboxStatus:
        balance = None
        if found.wallet_address:
            balance = Wei(int(node.rpc("eth_getBalance", [found.wallet_address, "latest"]), 16))
        return replace(
            found,
            rpc_url=node.url,
            block_number=int(node.rpc("eth_blockNumber"), 16),
            chain_time=datetime.fromtimestamp(node.chain_time(), UTC),
            balance_wei=balance,
            balance_eth=format_eth(balance) if balance is not None else None,
        )

    def _problems(self, found: SandboxStatus, node: LocalNode) -> list[str]:
        if not self._files.is_sandbox:
            return [f"there is no sandbox in {self.folder}"]
        problems = []
        if not found.chain_running:
            problems.append("the local chain is not running")
        elif found.rpc_url is None:
            problems.append("the local chain does not answer")
        elif not self._has_code(found.contract_address, node):
            problems.append("the contract is not on the chain")
        if not found.database_running:
            problems.append("Postgres is not running")
        if not self.config_file.is_file():
            problems.append("config.toml is missing")
        return problems

    def _has_code(self, contract: Address | None, node: LocalNode) -> bool:
        if contract is None:
            return False
        try:
            return bool(node.rpc("eth_getCode", [contract, "latest"]) != "0x")
        except MayhouseError:
            return False
