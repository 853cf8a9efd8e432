"""In-memory twins of the ports: what the operations see of a database.

Faithful where it matters: a transaction keeps everything or nothing, arguments and terms come
back as JSON gives them, and a database that is `lost` refuses every access.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import DatabaseUnreachable, NotFound
from mayhouse_cli.models import (
    Address,
    BookingRow,
    Cost,
    EventRow,
    ExperienceRow,
    Hash,
    NewBooking,
    NewEvent,
    Person,
    Pin,
    Plan,
    Rate,
    SettlementLine,
    Snapshot,
    Transaction,
    Wallet,
)
from mayhouse_cli.money import Wei

START: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)


def as_json(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Give a value as it comes back from a column of JSON."""
    return json.loads(json.dumps(value, default=_plain, allow_nan=False))


def _plain(value: object) -> object:
    match value:
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return dict(value)
        case datetime():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


@dataclass
class Rows:
    """Everything that is in the database."""

    transactions: dict[UUID, Transaction] = field(default_factory=dict)
    pin: Pin | None = None
    frozen: str | None = None
    experiences: dict[UUID, ExperienceRow] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    events: dict[UUID, EventRow] = field(default_factory=dict)
    bookings: dict[UUID, BookingRow] = field(default_factory=dict)
    quoted: dict[int, tuple[int, int]] = field(default_factory=dict)
    settlements: dict[UUID, tuple[SettlementLine, ...]] = field(default_factory=dict)
    rates: list[Rate] = field(default_factory=list)
    plans: dict[str, Plan] = field(default_factory=dict)
    readings: list[tuple[Address, Wei, str]] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)


class Memory:
    """The database: its rows, its clock, and whether it can be reached."""

    def __init__(self) -> None:
        self._rows = Rows()
        self._open = False
        self.lost = False
        self.now = START

    @property
    def rows(self) -> Rows:
        """The rows, unless the database is lost."""
        if self.lost:
            raise DatabaseUnreachable("The database does not answer", hint="Start it.")
        return self._rows

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._open

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything or nothing; inside another one, join it."""
        if self._open:
            yield
            return
        # The records are frozen: copying the collections is copying the database.
        before = copy.copy(self.rows)
        for name, kept in vars(before).items():
            setattr(before, name, copy.copy(kept))
        self._open = True
        try:
            yield
            _ = self.rows  # a commit needs the database too
        except BaseException:
            self._rows = before
            raise
        finally:
            self._open = False


class MemoryEvents:
    """The port Events."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def by_id(self, event_id: UUID) -> EventRow | None:
        return self._memory.rows.events.get(event_id)

    def by_chain_id(self, chain_event_id: int) -> EventRow | None:
        rows = self._memory.rows.events.values()
        return next((row for row in rows if row.chain_event_id == chain_event_id), None)

    def experience(self, experience_id: UUID) -> ExperienceRow | None:
        return self._memory.rows.experiences.get(experience_id)

    def list(self, limit: int) -> Sequence[EventRow]:
        rows = self._memory.rows.events.values()
        return sorted(rows, key=lambda row: row.starts_at, reverse=True)[:limit]

    def insert(self, event: NewEvent) -> None:
        experience = self._memory.rows.experiences[event.experience_id]
        self._memory.rows.events[event.id] = EventRow(
            id=event.id,
            experience=experience,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            seats=event.seats,
            special_price_inr=event.price_inr,
            status="scheduled",
            blockchain_status="pending",
            chain_event_id=None,
            tx_hash=None,
        )

    def set_wallet(self, user_id: UUID, wallet: Address) -> None:
        rows = self._memory.rows
        rows.people[user_id] = replace(rows.people[user_id], wallet=wallet)

    def mark_pending(self, event_id: UUID, tx_hash: Hash) -> None:
        if event_id not in self._memory.rows.events:
            raise NotFound(f"There is no event run {event_id}")
        self._change(event_id, chain_event_id=None, tx_hash=tx_hash, blockchain_status="pending")

    def mark_created(self, event_id: UUID, chain_event_id: int, tx_hash: Hash) -> None:
        self._change(
            event_id,
            chain_event_id=chain_event_id,
            tx_hash=tx_hash,
            blockchain_status="confirmed",
        )

    def mark_failed(self, event_id: UUID) -> None:
        self._change(event_id, blockchain_status="failed")

    def mark_ended(self, event_id: UUID, status: str) -> None:
        self._change(event_id, status=status)

    def _change(self, event_id: UUID, **fields: Any) -> None:  # noqa: ANN401 - any field
        rows = self._memory.rows
        rows.events[event_id] = replace(rows.events[event_id], **fields)


class MemoryBookings:
    """The port Bookings."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def by_id(self, booking_id: UUID) -> BookingRow | None:
        return self._memory.rows.bookings.get(booking_id)

    def by_chain_id(self, chain_booking_id: int) -> BookingRow | None:
        rows = self._memory.rows.bookings.values()
        return next((row for row in rows if row.chain_booking_id == chain_booking_id), None)

    def of_event(self, event_id: UUID) -> Sequence[BookingRow]:
        return [row for row in self._memory.rows.bookings.values() if row.event_id == event_id]

    def list(self, event_id: UUID | None, limit: int) -> Sequence[BookingRow]:
        rows = self._memory.rows.bookings.values()
        return [row for row in rows if event_id in (None, row.event_id)][:limit]

    def traveler(self, traveler_id: UUID) -> Person | None:
        return self._memory.rows.people.get(traveler_id)

    def insert(self, booking: NewBooking) -> None:
        self._memory.rows.bookings[booking.id] = BookingRow(
            id=booking.id,
            event_id=booking.event_id,
            traveler=self._memory.rows.people[booking.traveler_id],
            seats=booking.seats,
            status="confirmed",
            chain_booking_id=None,
            tx_hash=None,
            stake_wei=None,
        )

    def mark_pending(self, booking_id: UUID, tx_hash: Hash) -> None:
        self._change(booking_id, chain_booking_id=None, stake_wei=None, tx_hash=tx_hash)

    def mark_booked(
        self, booking_id: UUID, chain_booking_id: int, tx_hash: Hash, stake: Wei
    ) -> None:
        self._change(
            booking_id, chain_booking_id=chain_booking_id, tx_hash=tx_hash, stake_wei=stake
        )

    def mark_status(self, chain_booking_ids: Sequence[int], status: str) -> None:
        for row in [*self._memory.rows.bookings.values()]:
            if row.chain_booking_id in chain_booking_ids:
                self._change(row.id, status=status)

    def _change(self, booking_id: UUID, **fields: Any) -> None:  # noqa: ANN401 - any field
        rows = self._memory.rows
        rows.bookings[booking_id] = replace(rows.bookings[booking_id], **fields)


class MemoryLedger:
    """The port Ledger."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add_quote(
        self,
        event: EventRow | None,
        chain_event_id: int,
        seats: int,
        cost: Cost,
        snapshot: Snapshot,
        rate: Rate,
        actor: str,
    ) -> None:
        del event, seats, cost, rate, actor
        percentages = (snapshot.stake_percent, snapshot.fee_percent)
        self._memory.rows.quoted[chain_event_id] = percentages

    def quoted_percentages(self, chain_event_id: int) -> tuple[int, int] | None:
        return self._memory.rows.quoted.get(chain_event_id)

    def add_settlement(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        self._memory.rows.settlements[transaction.id] = tuple(lines)

    def settlement(self, transaction_id: UUID) -> Sequence[SettlementLine]:
        return self._memory.rows.settlements.get(transaction_id, ())

    def last_rate(self) -> Rate | None:
        return self._memory.rows.rates[-1] if self._memory.rows.rates else None

    def add_rate(self, rate: Rate) -> None:
        self._memory.rows.rates.append(rate)

    def add_plan(self, plan: Plan, actor: str) -> None:
        del actor
        self._memory.rows.plans[plan.hash] = replace(plan, content=as_json(plan.content))

    def plan(self, plan_hash: str) -> Plan | None:
        return self._memory.rows.plans.get(plan_hash)

    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None:
        del transaction_id
        rows = self._memory.rows
        rows.plans[plan_hash] = replace(rows.plans[plan_hash], used_at=self._memory.now)

    def add_balance_reading(
        self,
        address: Address,
        role: str,
        chain_id: int,
        balance: Wei,
        state: str,
        block_number: int,
    ) -> None:
        del role, chain_id, block_number
        self._memory.rows.readings.append((address, balance, state))

    def log(
        self, actor: str, command: str, arguments: Mapping[str, object], transaction_id: UUID | None
    ) -> None:
        del arguments, transaction_id
        self._memory.rows.log.append((actor, command))


class MemoryWallets:
    """The port Wallets."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, address: Address, label: str, role: str) -> None:
        self._memory.rows.wallets.append(Wallet(address, label, role, self._memory.now))

    def list(self) -> Sequence[Wallet]:
        return self._memory.rows.wallets


A_DAY: Final = timedelta(days=1)
