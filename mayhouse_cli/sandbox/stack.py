"""The sandbox: Postgres, chain, contract, wallet and config of one folder, as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import platformdirs

from mayhouse_cli.config import LOCAL_CHAIN_ID
from mayhouse_cli.sandbox.files import SandboxFiles
from mayhouse_cli.sandbox.node import LocalNode
from mayhouse_cli.sandbox.node_binary import find_anvil
from mayhouse_cli.sandbox.postgres import EmbeddedPostgres
from mayhouse_cli.sandbox.postgres_programs import find_binaries
from mayhouse_cli.sandbox.status import SandboxStatus, look

# In the config for a user to change; everything else there follows from what runs.
CONFIG_DEFAULTS: Final[Mapping[str, Any]] = {"eth_price_inr": "200000", "confirmations": 1}


@dataclass(frozen=True)
class Warped:
    """`sandbox warp`: where the chain's clock stands now."""

    seconds: int
    chain_time: datetime
    block_number: int


@dataclass(frozen=True)
class Stopped:
    """`sandbox down`."""

    folder: str
    was_running: bool


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

    def down(self) -> Stopped:
        """Stop both; their data stays."""
        self._files.require()
        with self._files.locked():
            return Stopped(str(self.folder), self._stop())

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
        return look(self._files, self._node(), self._postgres)

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
        node.start()
        self._progress("Starting Postgres")
        self._postgres.start()
        done = [] if ran[0] else ["chain started"]
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

    def _node(self) -> LocalNode:
        """The node as it runs; only `up` needs to know its program."""
        return LocalNode(self._files.chain, Path("anvil"), port=None)
