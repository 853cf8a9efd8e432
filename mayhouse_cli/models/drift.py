"""Where the database and the chain disagree, and what a receipt proves about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from mayhouse_cli.models.addresses import Address, Hash
from mayhouse_cli.models.journal import Kind, Status
from mayhouse_cli.models.onchain import Block


class Side(StrEnum):
    """Which of the two kinds of rows a drift is about."""

    EVENT = "event"
    BOOKING = "booking"


@dataclass(frozen=True)
class Drift:
    """One way in which a row and the chain disagree, or what only one of them has."""

    code: str
    side: Side
    row_id: UUID | None
    """Of `event_runs` or `event_run_bookings`; None for what only the chain has."""
    number: int | None
    """The on-chain number of the event or booking; None where neither side tells one."""
    chain_event_id: int | None
    """The on-chain number of the event it is, or belongs to."""
    recorded: str | None
    on_chain: str | None
    tx_hash: Hash | None
    """The recorded transaction whose receipt can prove what is true, where there is one."""
    row: Mapping[str, str | None]
    """What the row says of the chain, by the names that a `Change` uses."""
    more: int
    """How many others of this code there are that are not listed; told with each."""


@dataclass(frozen=True)
class Change:
    """New values of a row that receipts prove."""

    side: Side
    row_id: UUID
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    tx_hashes: tuple[Hash, ...]
    """The transactions whose receipts prove it."""


@dataclass(frozen=True)
class Comparison:
    """By what a comparison tells ours from strangers', and now from then."""

    block: Block
    """Where the chain was read."""
    ours: frozenset[Address]
    signer: Address | None
    moved: frozenset[UUID] = frozenset()
    """Recorded transactions that a reorg has undone: what they made is not compared."""


@dataclass(frozen=True)
class RecordedEnd:
    """A finished transaction and the block in which it is recorded to stand.

    One that was replaced stands in none: something else had used its nonce.
    """

    id: UUID
    kind: Kind
    status: Status
    tx_hash: Hash
    block_number: int | None
    block_hash: Hash | None


@dataclass(frozen=True)
class OpenEnd:
    """A transaction that is recorded and not finished."""

    id: UUID
    kind: Kind
    status: Status
    tx_hash: Hash
    created_at: datetime


@dataclass(frozen=True)
class LedgerFault:
    """Something in the record that contradicts the rest of it."""

    code: str
    subject: str
    detail: str
    transaction_id: UUID
