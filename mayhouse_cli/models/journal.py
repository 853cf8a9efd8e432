"""The life of a transaction: what is intended, signed, recorded, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from mayhouse_cli.models.addresses import Address, Hash
from mayhouse_cli.models.onchain import Call, ContractEvent, Fees
from mayhouse_cli.money import Wei


class Kind(StrEnum):
    """What a transaction is for."""

    CREATE_EVENT = "create_event"
    BOOK_EVENT = "book_event"
    COMPLETE_EVENT = "complete_event"
    CANCEL_EVENT = "cancel_event"
    TRANSFER = "transfer"
    SET_FEE = "set_fee"
    SET_STAKE = "set_stake"
    WITHDRAW = "withdraw"
    FILL_NONCE = "fill_nonce"


class Status(StrEnum):
    """Where a transaction stands; docs/transactions.md draws the way."""

    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    CONFIRMED = "confirmed"
    REVERTED = "reverted"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_unfinished(self) -> bool:
        """Something may still come of it on chain that the record does not hold yet."""
        return self in (Status.SIGNED, Status.SENT, Status.MINED)

    @property
    def is_impossible(self) -> bool:
        """It did not happen and can no longer happen."""
        return not self.is_unfinished and self is not Status.CONFIRMED


class AttemptOutcome(StrEnum):
    """How one signed version of a transaction fared."""

    SIGNED = "signed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    MINED = "mined"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Payload:
    """Everything that is signed, but the key."""

    chain_id: int
    nonce: int
    recipient: Address
    value: Wei
    calldata: bytes
    fees: Fees


@dataclass(frozen=True)
class SignedPayload:
    """The bytes to broadcast, and the hash they will be known by."""

    payload: Payload
    raw: bytes = field(repr=False)
    tx_hash: Hash


@dataclass(frozen=True)
class Intent:
    """What is to happen on chain once, whatever dies on the way.

    `arguments` is what was asked for, compared when the intent is run again; `terms` is what
    followed from it at that time (prices in wei, percentages, rate) and explains the result.
    """

    key: str
    kind: Kind
    recipient: Address
    arguments: Mapping[str, Any]
    wanted_depth: int
    call: Call = Call("", ())
    calldata: bytes = b""
    terms: Mapping[str, Any] = field(default_factory=dict)
    unique_by_arguments: bool = False
    """Neither a row nor a key tells it apart, so an unfinished twin is taken for itself."""
    event_id: UUID | None = None
    booking_id: UUID | None = None
    chain_event_id: int | None = None
    eth_price_inr: Decimal | None = None
    amount_inr: Decimal | None = None
    reason: str | None = None


@dataclass(frozen=True)
class NewTransaction:
    """An intent with its signed bytes, to be recorded as its so-and-so-many-th generation."""

    intent: Intent
    signed: SignedPayload
    generation: int


@dataclass(frozen=True)
class Attempt:
    """One signed version of a transaction."""

    number: int
    purpose: str
    tx_hash: Hash
    raw: bytes = field(repr=False)
    fees: Fees
    outcome: AttemptOutcome
    error: str | None
    signed_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class Transaction:
    """The record of one generation of an intent, with its attempts, oldest first."""

    id: UUID
    intent_key: str
    generation: int
    kind: Kind
    arguments: Mapping[str, Any]
    terms: Mapping[str, Any]
    outcome: tuple[ContractEvent, ...]
    """The contract's events that prove what happened; empty until confirmed."""
    chain_id: int
    contract: Address
    sender: Address
    recipient: Address
    nonce: int
    value: Wei
    calldata: bytes = field(repr=False)
    event_id: UUID | None
    booking_id: UUID | None
    chain_event_id: int | None
    chain_object_id: int | None
    eth_price_inr: Decimal | None
    amount_inr: Decimal | None
    wanted_depth: int
    status: Status
    tx_hash: Hash
    block_number: int | None
    block_hash: Hash | None
    gas_used: int | None
    fee: Wei | None
    error: str | None
    actor: str
    reason: str | None
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[Attempt, ...]
    undone: tuple[Mapping[str, Any], ...] = ()
    """Blocks it stood in until a reorg took them back: number, hash, and when that was seen."""

    @property
    def newest(self) -> Attempt:
        """The highest-numbered attempt: the only one that may be sent."""
        return self.attempts[-1]


@dataclass(frozen=True)
class TransactionFilter:
    """Which recorded transactions are wanted; None means any."""

    unfinished: bool | None = None
    event_id: UUID | None = None
    chain_event_id: int | None = None
    sender: Address | None = None
    limit: int = 50


@dataclass(frozen=True)
class Pin:
    """What one database serves: one chain, one contract, one sender."""

    chain_id: int
    genesis_hash: Hash
    contract: Address
    sender: Address
