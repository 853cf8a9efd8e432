"""What of a sandbox runs and where, as one result."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from mayhouse_cli.config import LOCAL_CHAIN_ID
from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.sandbox.files import SandboxFiles
from mayhouse_cli.sandbox.node import LocalNode
from mayhouse_cli.sandbox.postgres import EmbeddedPostgres


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
    wallet_address: Address | None
    balance_wei: Wei | None
    balance_eth: str | None
    experiences: tuple[SampleExperience, ...]
    travelers: tuple[SampleTraveler, ...]
    problems: tuple[str, ...]
    done: tuple[str, ...] = ()
    """What `up` had to do; empty when everything was there."""


def look(files: SandboxFiles, node: LocalNode, postgres: EmbeddedPostgres) -> SandboxStatus:
    """Look at everything and change nothing; what is wrong stands in `problems`."""
    from mayhouse_cli.store import seed  # noqa: PLC0415 loads the database client

    kept = files.deployment()
    database_running = files.is_sandbox and postgres.running
    found = SandboxStatus(
        folder=str(files.folder),
        config=str(files.config),
        chain_running=files.is_sandbox and node.running,
        database_running=database_running,
        rpc_url=None,
        chain_id=LOCAL_CHAIN_ID,
        block_number=None,
        chain_time=None,
        database_url=postgres.url if database_running else None,
        contract_address=kept.contract,
        wallet_address=kept.wallet,
        balance_wei=None,
        balance_eth=None,
        experiences=tuple(
            SampleExperience(one.id, one.title, one.price_inr, one.host.name)
            for one in seed.EXPERIENCES
        ),
        travelers=tuple(SampleTraveler(one.id, one.name) for one in seed.TRAVELERS),
        problems=(),
    )
    has_code = False
    if found.chain_running:
        with suppress(MayhouseError):  # it has just died: `rpc_url` stays null
            has_code = _has_code(kept.contract, node)
            found = _with_chain(found, node)
    return replace(found, problems=tuple(_problems(found, files, has_code=has_code)))


def _with_chain(found: SandboxStatus, node: LocalNode) -> SandboxStatus:
    balance = None
    if found.wallet_address:
        balance = Wei(int(node.rpc("eth_getBalance", [found.wallet_address, "latest"]), 16))
    return replace(
        found,
        block_number=int(node.rpc("eth_blockNumber"), 16),
        chain_time=datetime.fromtimestamp(node.chain_time(), UTC),
        balance_wei=balance,
        balance_eth=format_eth(balance) if balance is not None else None,
        rpc_url=node.url,
    )


def _has_code(contract: Address | None, node: LocalNode) -> bool:
    return contract is not None and bool(node.rpc("eth_getCode", [contract, "latest"]) != "0x")


def _problems(found: SandboxStatus, files: SandboxFiles, *, has_code: bool) -> list[str]:
    if not files.is_sandbox:
        return [f"there is no sandbox in {files.folder}"]
    problems = []
    if not found.chain_running:
        problems.append("the local chain is not running")
    elif found.rpc_url is None:
        problems.append("the local chain does not answer")
    elif not has_code:
        problems.append("the contract is not on the chain")
    if not found.database_running:
        problems.append("Postgres is not running")
    if not files.config.is_file():
        problems.append("config.toml is missing")
    return problems
