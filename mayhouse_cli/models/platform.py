"""The platform's rows, and what the tool keeps beside them: rates, plans, settlements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.models.addresses import Address, Hash
from mayhouse_cli.models.journal import Kind
from mayhouse_cli.models.results import inlined
from mayhouse_cli.money import Wei


@dataclass(frozen=True)
class Person:
    """A row of `users`: a host or a traveler."""

    id: UUID
    name: str
    wallet: Address | None
    email: str | None = field(default=None, repr=False)
    """Known where an attendance list may name a traveler by it."""


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


@dataclass(frozen=True)
class Rate:
    """The price of one ETH in rupees, who says so, and since when."""

    eth_price_inr: Decimal
    source: str
    as_of: datetime


CONFIGURED_SOURCES: Final = ("config", "environment")
"""Sources of a rate that is the operator's word only as long as it stands in the configuration."""


@dataclass(frozen=True)
class StoredRate:
    """A row of the history of rates: the rate, and when it was stored."""

    fetched_at: datetime
    rate: Rate = inlined()


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
class LogEntry:
    """One row of the operators' log: who did what when, and what was before and after it."""

    at: datetime
    actor: str
    command: str
    arguments: Mapping[str, Any]
    transaction_id: UUID | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Wallet:
    """A wallet's address and label as recorded; never its key."""

    address: Address
    label: str
    role: str
    created_at: datetime
