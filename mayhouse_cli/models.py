"""The nouns: what stands on chain, what stands in the database, and a transaction's record.

Times on chain are seconds since the epoch as the contract keeps them; times in the database
are aware datetimes. Amounts are Wei or Decimal rupees. An on-chain number (`chain_event_id`,
`chain_booking_id`) is the contract's counter; an id without "chain" is a database uuid.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Final, NewType
from uuid import UUID

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.money import Wei

Address = NewType("Address", str)
"""An account, checksummed as EIP-55 says."""
Hash = NewType("Hash", str)
"""A transaction's or block's hash: 0x and 64 hexadecimal digits."""

ZERO_ADDRESS: Final = Address("0x" + "0" * 40)


def parse_address(text: str) -> Address:
    """Read an account's address; mixed case must be a right EIP-55 checksum, else WrongUsage."""
    # Imported here: hashing is needed by few commands and costs start-up time in all.
    from eth_utils.address import to_checksum_address  # noqa: PLC0415

    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text, re.ASCII):
        raise WrongUsage(
            f"Not an Ethereum address: {text}", hint="It is 0x and 40 hexadecimal digits."
        )
    checksummed = to_checksum_address(text.lower())
    if text[2:] not in (text[2:].lower(), text[2:].upper(), checksummed[2:]):
        raise WrongUsage(
            f"The address {text} has a wrong checksum",
            hint="A letter is mistyped, or its case was changed: copy it again.",
        )
    return Address(checksummed)


# --- on chain ---------------------------------------------------------------------------


class EventStatus(IntEnum):
    """The contract's EventStatus, in its order."""

    CREATED = 0
    ACTIVE = 1
    FULL = 2
    COMPLETED = 3
    CANCELLED = 4

    @property
    def is_open(self) -> bool:
        """Neither completed nor cancelled: the contract still holds its money."""
        return self < EventStatus.COMPLETED


class BookingStatus(IntEnum):
    """The contract's BookingStatus, in its order."""

    ACTIVE = 0
    COMPLETED = 1
    NO_SHOW = 2
    CANCELLED = 3


@dataclass(frozen=True)
class Block:
    """A block as the node reported it; `base_fee` is wei per gas."""

    number: int
    hash: Hash
    timestamp: int
    base_fee: Wei


@dataclass(frozen=True)
class OnChainEvent:
    """The contract's EventRun."""

    id: int
    host: Address
    experience_id: str
    price_per_seat: Wei
    max_seats: int
    seats_booked: int
    host_stake: Wei
    starts_at: int
    status: EventStatus
    created_at: int

    @property
    def seats_available(self) -> int:
        """What can still be booked: nothing once the event is Full, whatever the counts say."""
        return self.max_seats - self.seats_booked if self.status == EventStatus.ACTIVE else 0


@dataclass(frozen=True)
class OnChainBooking:
    """The contract's Booking."""

    id: int
    event_id: int
    user: Address
    seats: int
    payment: Wei
    stake: Wei
    status: BookingStatus
    booked_at: int


@dataclass(frozen=True)
class Cost:
    """The contract's own price of a booking: ticket, refundable stake, and their sum."""

    payment: Wei
    stake: Wei
    total: Wei


@dataclass(frozen=True)
class Call:
    """One call of a contract function, with the wei sent along."""

    function: str
    arguments: tuple[Any, ...]
    value: Wei = Wei(0)


@dataclass(frozen=True)
class Fees:
    """EIP-1559 prices in wei per gas, and the most gas the transaction may use."""

    gas_limit: int
    max_fee: Wei
    max_priority_fee: Wei

    @property
    def most(self) -> Wei:
        """The most the transaction can cost in fees."""
        return self.max_fee * self.gas_limit


@dataclass(frozen=True)
class ContractEvent:
    """A decoded log of the contract: its name and arguments by name."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What the chain says of a mined transaction; `fee` is gas used times the price paid."""

    tx_hash: Hash
    succeeded: bool
    recipient: Address
    block_number: int
    block_hash: Hash
    gas_used: int
    fee: Wei
    events: tuple[ContractEvent, ...]

    def first(self, name: str) -> ContractEvent | None:
        """The first decoded event of that name, if there is one."""
        return next((event for event in self.events if event.name == name), None)

    def every(self, name: str) -> tuple[ContractEvent, ...]:
        """All decoded events of that name, in the order of their logs."""
        return tuple(event for event in self.events if event.name == name)


# --- one batch of reads -----------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What a command needs to know of the chain, asked in one batch at one block."""

    sender: Address | None = None
    call: Call | None = None
    chain_event_id: int | None = None
    with_event_bookings: bool = False
    chain_booking_ids: tuple[int, ...] = ()
    cost_of: tuple[int, int] | None = None
    """(on-chain event, seats): ask the contract's own view for the price."""
    stake_for: tuple[Wei, int] | None = None
    """(price per seat, seats): ask the contract's own view for the host's stake."""
    accounts: tuple[Address, ...] = ()
    """Accounts whose balance and code are wanted."""


@dataclass(frozen=True)
class Snapshot:
    """The answers to a Question, all true at `block`; what was not asked is None or empty."""

    block: Block
    genesis_hash: Hash
    owner: Address
    stake_percent: int
    fee_percent: int
    contract_balance: Wei
    priority_fee: Wei
    """What recent blocks were paid per gas above their base fee (their median)."""
    sender_balance: Wei = Wei(0)
    pending_nonce: int = 0
    gas_estimate: int | None = None
    revert_reason: str | None = None
    """Why the asked call would fail now; None when it would not."""
    event: OnChainEvent | None = None
    event_booking_ids: tuple[int, ...] = ()
    bookings: Mapping[int, OnChainBooking] = field(default_factory=dict)
    cost: Cost | None = None
    required_stake: Wei | None = None
    balances: Mapping[Address, Wei] = field(default_factory=dict)
    with_code: frozenset[Address] = frozenset()
    """Those of the asked accounts that have code: contracts and delegated accounts."""


class SendOutcome(StrEnum):
    """How a node answered to raw bytes; everything it does not clearly say is unknown."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SendAnswer:
    """The outcome of handing raw bytes to the nodes, with the node's own words."""

    outcome: SendOutcome
    reason: str | None = None


@dataclass(frozen=True)
class Sighting:
    """Where a nonce and the transactions that compete for it stand at one head."""

    head: Block
    receipt: Receipt | None
    """The receipt of whichever attempt was mined, if its block is canonical."""
    nonce_used_at_depth: bool
    """Something has used the nonce, deep enough that it will not be undone."""


# --- the platform's rows ----------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """A row of `users`: a host or a traveler."""

    id: UUID
    name: str
    wallet: Address | None


@dataclass(frozen=True)
class ExperienceRow:
    """A row of `experiences`, with its host."""

    id: UUID
    title: str
    price_inr: Decimal
    status: str
    host: Person


@dataclass(frozen=True)
class EventRow:
    """A row of `event_runs`, with its experience."""

    id: UUID
    experience: ExperienceRow
    starts_at: datetime
    ends_at: datetime
    seats: int
    special_price_inr: Decimal | None
    status: str
    blockchain_status: str
    chain_event_id: int | None
    tx_hash: Hash | None

    @property
    def price_inr(self) -> Decimal:
        """The price of a seat: the run's special price when it has one, else the experience's."""
        if self.special_price_inr is not None:
            return self.special_price_inr
        return self.experience.price_inr


@dataclass(frozen=True)
class BookingRow:
    """A row of `event_run_bookings`, with its traveler."""

    id: UUID
    event_id: UUID
    traveler: Person
    seats: int
    status: str
    chain_booking_id: int | None
    tx_hash: Hash | None
    stake_wei: Wei | None


@dataclass(frozen=True)
class NewEvent:
    """What an operator asks for when the event has no row yet."""

    id: UUID
    experience_id: UUID
    starts_at: datetime
    ends_at: datetime
    seats: int
    price_inr: Decimal


@dataclass(frozen=True)
class NewBooking:
    """What an operator asks for when the booking has no row yet."""

    id: UUID
    event_id: UUID
    traveler_id: UUID
    seats: int
    total_inr: Decimal
    platform_fee_inr: Decimal
    host_earnings_inr: Decimal


# --- the life of a transaction ----------------------------------------------------------


class Kind(StrEnum):
    """What a transaction is for."""

    CREATE_EVENT = "create_event"
    BOOK_EVENT = "book_event"
    COMPLETE_EVENT = "complete_event"
    CANCEL_EVENT = "cancel_event"
    TRANSFER = "transfer"
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
    limit: int = 50


@dataclass(frozen=True)
class Pin:
    """What one database serves: one chain, one contract, one sender."""

    chain_id: int
    genesis_hash: Hash
    contract: Address
    sender: Address


@dataclass(frozen=True)
class Rate:
    """The price of one ETH in rupees, who says so, and since when."""

    eth_price_inr: Decimal
    source: str
    as_of: datetime


@dataclass(frozen=True)
class SettlementLine:
    """One line of an event's settlement: an amount and whom it is owed to."""

    line: str
    party: str
    amount: Wei
    booking_id: UUID | None = None
    chain_booking_id: int | None = None
    party_id: UUID | None = None
    amount_inr: Decimal | None = None


@dataclass(frozen=True)
class Plan:
    """A prepared completion or cancellation, bound by its hash to the state it was made on."""

    hash: str
    kind: Kind
    event_id: UUID | None
    chain_event_id: int
    content: Mapping[str, Any]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True)
class Wallet:
    """A wallet's address and label as recorded; never its key."""

    address: Address
    label: str
    role: str
    created_at: datetime


def inlined() -> Any:  # noqa: ANN401 dataclasses.field is typed so
    """Mark a result's field whose own fields stand in the JSON document in its place."""
    return field(metadata={"inlined": True})
