"""The state at a glance: chain, wallet, record.

Each part is asked by itself: one that fails says so in a word, and the others stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from mayhouse_cli.errors import MayhouseError, Stopped
from mayhouse_cli.models import Address, Question, Snapshot
from mayhouse_cli.models.overview import Overview
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.balances import state_of
from mayhouse_cli.operations.patience import wait_at_most
from mayhouse_cli.operations.watched_wallets import platform_thresholds
from mayhouse_cli.ports import Session

# Without either of them there is nothing to look at yet.
_FIRST_SETTINGS: Final = ("blockchain_rpc_url", "database_url")
# The database's part of the time; a node may take what is left of it.
_DATABASE_SHARE: Final = 2
_SILENT: Final = "no answer in time"

Given = TypeVar("Given")


class OverviewReader(Protocol):
    """The record, counted."""

    def look(self) -> Overview:
        """Count and add up, in one statement."""


class GlancingSession(Session, Protocol):
    """A session that also counts."""

    @property
    def overview(self) -> OverviewReader: ...


@dataclass(frozen=True)
class Glance:
    """`mayhouse` alone: what is known; null where a part failed, and why in `problems`."""

    configured: bool
    """False when neither a node nor a database is named anywhere."""
    chain_id: int | None = None
    chain_name: str | None = None
    contract: Address | None = None
    wallet: Address | None = None
    balance_wei: Wei | None = None
    balance_eth: str | None = None
    balance_state: str | None = None
    """OK, WARNING or CRITICAL, by the thresholds of `balance check`."""
    block_number: int | None = None
    frozen: bool | None = None
    frozen_reason: str | None = None
    open_events: int | None = None
    next_start: datetime | None = None
    events_over: int | None = None
    unfinished: int | None = None
    unfinished_since: datetime | None = None
    payables: int | None = None
    owed_wei: Wei | None = None
    owed_eth: str | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    """By part (wallet, chain, database), why it is not known."""

    @property
    def is_blind(self) -> bool:
        """Whether neither the node nor the database has answered."""
        return {"chain", "database"} <= self.problems.keys()


def look(session: GlancingSession) -> Glance:
    """Ask the database once and the node once, within the session's time."""
    config = session.config
    if all(config.get(key) is None for key in _FIRST_SETTINGS):
        return Glance(configured=False)
    problems: dict[str, str] = {}

    def part(name: str, seconds: float, call: Callable[[], Given]) -> Given | None:
        try:
            return wait_at_most(seconds, call)
        except TimeoutError:
            problems[name] = _SILENT
        except Stopped:
            raise
        except MayhouseError as failure:
            problems[name] = failure.message
        return None

    left = session.deadline.remaining
    found = part("database", left / _DATABASE_SHARE, lambda: session.overview.look())  # noqa: PLW0108 the part itself may fail
    wallet = part("wallet", session.deadline.remaining, lambda: session.signer.address)
    question = Question(accounts=(wallet,) if wallet else ())
    snapshot = part("chain", session.deadline.remaining, lambda: session.chain.read(question))
    balance = snapshot.balances.get(wallet) if snapshot and wallet else None
    return Glance(
        configured=True,
        chain_id=config.chain_id,
        chain_name=config.chain_name,
        contract=config.get("contract_address"),
        wallet=wallet,
        balance_wei=balance,
        balance_eth=format_eth(balance) if balance is not None else None,
        balance_state=_state(balance, session) if balance is not None else None,
        block_number=_block(snapshot),
        problems=problems,
        **(_counted(found) if found else {}),
    )


def _block(snapshot: Snapshot | None) -> int | None:
    return snapshot.block.number if snapshot else None


def _state(balance: Wei, session: Session) -> str:
    thresholds = platform_thresholds(session.config, None, None)
    return state_of(balance, thresholds.warning, thresholds.critical).name


def _counted(found: Overview) -> dict[str, Any]:
    counted = {name: value for name, value in vars(found).items() if name != "owed"}
    owed = {"owed_wei": found.owed, "owed_eth": format_eth(found.owed)}
    return {**counted, **owed, "frozen": found.frozen_reason is not None}
