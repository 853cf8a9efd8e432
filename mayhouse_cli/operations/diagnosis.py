"""The words of a diagnosis: what was examined, how it stands, and what would help."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mayhouse_cli.errors import Interrupted, MayhouseError, Terminated, WrongContract
from mayhouse_cli.models import Address, Snapshot
from mayhouse_cli.ports import Chain, KeyVault, Session


class CheckState(StrEnum):
    """How a prerequisite stands; a warning does not keep anything from working."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One prerequisite, examined."""

    name: str
    state: CheckState
    detail: str
    remedy: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What an examination found, without its name."""

    state: CheckState
    detail: str
    remedy: str | None = None


def fine(detail: str) -> Verdict:
    """Nothing is wrong."""
    return Verdict(CheckState.OK, detail)


def warning(detail: str, remedy: str) -> Verdict:
    """It works, and something about it is worth knowing."""
    return Verdict(CheckState.WARNING, detail, remedy)


def failed(detail: str, remedy: str) -> Verdict:
    """Something that is needed does not work."""
    return Verdict(CheckState.FAILED, detail, remedy)


class NotExamined(Exception):
    """What the examination needs is missing; that has a failure of its own already."""


class DatabaseFacts(Protocol):
    """What a database tells about itself and the connection to it."""

    @property
    def place(self) -> str: ...
    @property
    def server_version(self) -> str: ...
    @property
    def is_encrypted(self) -> bool: ...
    @property
    def is_verified(self) -> bool:
        """Whether the server has proved who it is."""

    @property
    def is_local(self) -> bool: ...


class Parts(Session, Protocol):
    """A session that also shows its parts one by one."""

    @property
    def vault(self) -> KeyVault: ...
    def node(self, url: str) -> Chain:
        """The contract through one node alone, for a share of the command's time."""

    def database_facts(self) -> DatabaseFacts: ...
    def unapplied_migrations(self) -> Sequence[str]:
        """Name the migrations that are pending, or differ from what was applied."""


@dataclass
class Examination:
    """What is known so far; later examinations build on what earlier ones found."""

    parts: Parts
    offline: bool
    wallet: Address | None = None
    snapshots: tuple[Snapshot, ...] = ()
    wrong_contract: WrongContract | None = None
    has_database: bool = False
    has_schema: bool = False

    @property
    def snapshot(self) -> Snapshot:
        """The newest state that a node told; NotExamined without one."""
        if not self.snapshots:
            raise NotExamined("no node told the chain's state")
        return max(self.snapshots, key=lambda snapshot: snapshot.block.number)

    def need_network(self) -> None:
        """NotExamined when told to stay offline."""
        if self.offline:
            raise NotExamined("offline")

    def need_schema(self) -> None:
        """NotExamined unless the database is there, with this version's tables."""
        self.need_network()
        if not self.has_database:
            raise NotExamined("needs the database")
        if not self.has_schema:
            raise NotExamined("needs the migrations")

    def need_wallet(self) -> Address:
        """Give the signing wallet's address; NotExamined when it is not known."""
        if self.wallet is None:
            raise NotExamined("needs to know the signing wallet")
        return self.wallet


def examine(name: str, look: Callable[[], Verdict]) -> Check:
    """Examine one thing; its failure is its verdict and keeps no other from being examined."""
    try:
        verdict = look()
    except NotExamined as reason:
        return Check(name, CheckState.SKIPPED, str(reason))
    except (Interrupted, Terminated):
        raise
    except MayhouseError as error:
        return Check(name, CheckState.FAILED, error.message, error.hint)
    return Check(name, verdict.state, verdict.detail, verdict.remedy)
