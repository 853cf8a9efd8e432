"""What stands on chain, and what a command asks of it; times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from mayhouse_cli.models.addresses import Address, Hash
from mayhouse_cli.money import Wei


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


class Urgency(StrEnum):
    """How soon a transaction should be mined."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


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
    placed: tuple[Hash, ...] = ()
    """Transactions of which it is wanted in what block they stand."""


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
    """What recent blocks were paid per gas above their base fee, as the urgency asks for."""
    sender_balance: Wei = Wei(0)
    pending_nonce: int = 0
    used_nonces: int = 0
    """The sender's count at the newest block: the nonce that is mined next."""
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
    placements: Mapping[Hash, Hash | None] = field(default_factory=dict)
    """The hash of the block that each asked transaction stands in; None where there is none."""


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
    no_room: bool = False
    """A node had no room for it now: fewer at a time may be taken."""


@dataclass(frozen=True)
class Sighting:
    """Where a nonce and the transactions that compete for it stand at one head."""

    head: Block
    receipt: Receipt | None
    """The receipt of whichever attempt was mined, if its block is canonical."""
    nonce_used_at_depth: bool
    """Something else has used the nonce, deep enough that it will not be undone."""
    rival: Hash | None = None
    """What used it, where the node could show it."""
    event: OnChainEvent | None = None
    """The event whose number the calldata names, at that head."""
    creation: Receipt | None = None
    """The canonical receipt of that event's creation, where it was asked for."""
