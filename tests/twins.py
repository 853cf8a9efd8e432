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

from mayhouse_cli.errors import DatabaseUnreachable, MayhouseError, NotFound
from mayhouse_cli.models import (
    CONFIGURED_SOURCES,
    Address,
    BalanceReading,
    BookingRow,
    Cost,
    EventRow,
    ExperienceRow,
    Freeze,
    Hash,
    LogEntry,
    NewBooking,
    NewEvent,
    Person,
    Pin,
    Plan,
    Rate,
    Rotation,
    SettlementLine,
    Snapshot,
    StoredRate,
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


@dataclass(frozen=True)
class Owed:
    """A row of `payables`: the line it comes from, and what paid it."""

    settled_by: UUID
    line: SettlementLine
    event_id: UUID | None
    chain_event_id: int
    paid_by: UUID | None = None
    reference: str | None = None
    undone: bool = False
    changed_amount: Wei | None = None
    """Written by another hand, beside what its line says."""


@dataclass
class Rows:
    """Everything that is in the database."""

    transactions: dict[UUID, Transaction] = field(default_factory=dict)
    pin: Pin | None = None
    frozen: Freeze | None = None
    rotation: Rotation | None = None
    experiences: dict[UUID, ExperienceRow] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    events: dict[UUID, EventRow] = field(default_factory=dict)
    bookings: dict[UUID, BookingRow] = field(default_factory=dict)
    quoted: dict[int, tuple[int, int]] = field(default_factory=dict)
    settlements: dict[UUID, tuple[SettlementLine, ...]] = field(default_factory=dict)
    payables: dict[UUID, Owed] = field(default_factory=dict)
    quotes: list[tuple[int, int, Cost, Rate]] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    plans: dict[str, Plan] = field(default_factory=dict)
    readings: list[BalanceReading] = field(default_factory=list)
    announced: dict[Address, str] = field(default_factory=dict)
    log: list[LogEntry] = field(default_factory=list)
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

    def starting(self, experience_id: UUID, starts_at: datetime) -> Sequence[EventRow]:
        rows = self._memory.rows.events.values()
        same = (experience_id, starts_at)
        return [row for row in rows if (row.experience.id, row.starts_at) == same]

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

    def travelers(self, ids: Sequence[UUID]) -> Mapping[UUID, Person]:
        people = self._memory.rows.people
        return {one: people[one] for one in ids if one in people}

    def by_ids(self, ids: Sequence[UUID]) -> Mapping[UUID, BookingRow]:
        rows = self._memory.rows.bookings
        return {one: rows[one] for one in ids if one in rows}

    def insert_all(self, bookings: Sequence[NewBooking]) -> None:
        for one in bookings:
            if one.id not in self._memory.rows.bookings:
                self.insert(one)

    def mark_pending_all(self, hashes: Mapping[UUID, Hash]) -> None:
        for booking_id, tx_hash in hashes.items():
            self.mark_pending(booking_id, tx_hash)

    def mark_booked_all(self, booked: Sequence[tuple[UUID, int, Hash, Wei]]) -> None:
        for one in booked:
            self.mark_booked(*one)

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

    def change_status(self, booking_ids: Sequence[UUID], was: str, now: str) -> None:
        for row in [*self._memory.rows.bookings.values()]:
            if row.id in booking_ids and row.status == was:
                self._change(row.id, status=now)

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
        del event, actor
        self._memory.rows.quotes.append((chain_event_id, seats, cost, rate))
        percentages = (snapshot.stake_percent, snapshot.fee_percent)
        self._memory.rows.quoted[chain_event_id] = percentages

    def quoted_percentages(self, chain_event_id: int) -> tuple[int, int] | None:
        return self._memory.rows.quoted.get(chain_event_id)

    def add_plan(self, plan: Plan, actor: str) -> None:
        del actor
        self._memory.rows.plans[plan.hash] = replace(plan, content=as_json(plan.content))

    def plans(self, beginning: str) -> Sequence[Plan]:
        plans = self._memory.rows.plans.values()
        return [plan for plan in plans if plan.hash.startswith(beginning)][:2]

    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None:
        del transaction_id
        rows = self._memory.rows
        rows.plans[plan_hash] = replace(rows.plans[plan_hash], used_at=self._memory.now)


class MemoryRates:
    """The port Rates."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def last(self) -> Rate | None:
        return max(reversed(self._memory.rows.rates), key=lambda one: one.as_of, default=None)

    def last_given(self) -> Rate | None:
        given = [one.rate for one in self.history(10_000)]
        return next((one for one in given if one.source not in CONFIGURED_SOURCES), None)

    def add(self, rate: Rate) -> None:
        self._memory.rows.rates.append(rate)

    def history(self, limit: int) -> Sequence[StoredRate]:
        kept = enumerate(self._memory.rows.rates)
        newest = sorted(kept, key=lambda row: (row[1].as_of, row[0]), reverse=True)
        return [StoredRate(self._memory.now, one) for _, one in newest[:limit]]


class MemoryOperatorLog:
    """The port OperatorLog."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(
        self,
        actor: str,
        command: str,
        arguments: Mapping[str, object],
        transaction_id: UUID | None = None,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        given = (as_json(arguments), transaction_id, as_json(before), as_json(after))
        self._memory.rows.log.append(LogEntry(self._memory.now, actor, command, *given))

    def add_all(
        self,
        actor: str,
        command: str,
        rows: Sequence[tuple[UUID, Mapping[str, object], Mapping[str, object]]],
    ) -> None:
        for transaction_id, arguments, before in rows:
            self.add(actor, command, arguments, transaction_id, before)

    def list(
        self, event_id: UUID | None, chain_event_id: int | None, limit: int
    ) -> Sequence[LogEntry]:
        everything = (event_id, chain_event_id) == (None, None)
        made = {
            one.id
            for one in self._memory.rows.transactions.values()
            if (event_id is not None and one.event_id == event_id)
            or (chain_event_id is not None and one.chain_event_id == chain_event_id)
        }
        found = [one for one in self._memory.rows.log if everything or one.transaction_id in made]
        return found[::-1][:limit]


class MemoryReadings:
    """The port Readings; the wallets of ours are told to it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.hosts: tuple[Address, ...] = ()
        self.quoted = Wei(0)

    def add(self, readings: Sequence[BalanceReading]) -> None:
        self._memory.rows.readings.extend(readings)

    def since(self, chain_id: int, since: datetime) -> Sequence[BalanceReading]:
        rows = self._memory.rows.readings
        return [row for row in rows if row.chain_id == chain_id and row.read_at >= since]

    def open_hosts(self, chain_id: int) -> Sequence[Address]:
        del chain_id
        _ = self._memory.rows
        return self.hosts

    def unbooked_quotes(self, since: datetime) -> Wei:
        del since
        _ = self._memory.rows
        return self.quoted


class MemoryAlerts:
    """The port Alerts."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def announced(self, chain_id: int) -> Mapping[Address, str]:
        del chain_id
        return dict(self._memory.rows.announced)

    def keep(self, chain_id: int, states: Mapping[Address, str]) -> None:
        del chain_id
        self._memory.rows.announced.update(states)


class MemoryNotifier:
    """The port Notifier: keeps what it is told, or fails as a test says."""

    def __init__(self) -> None:
        self.posted: list[Mapping[str, Any]] = []
        self.failure: MayhouseError | None = None

    def post(self, document: Mapping[str, object]) -> None:
        if self.failure is not None:
            raise self.failure
        self.posted.append(as_json(document))


class MemoryWallets:
    """The port Wallets."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, address: Address, label: str, role: str) -> None:
        self._memory.rows.wallets.append(Wallet(address, label, role, self._memory.now))

    def list(self) -> Sequence[Wallet]:
        return self._memory.rows.wallets


A_DAY: Final = timedelta(days=1)
