"""The session's twin: one command's parts in memory, and a platform to work on.

A host with an experience of 2,500 rupees and three travelers; one ETH is 200,000 rupees.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.config import SETTINGS, Config
from mayhouse_cli.models import Address, EventRow, ExperienceRow, Person, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import booking_creation, event_creation, resumption
from mayhouse_cli.operations.booking_creation import BookingCreated, BookingRequest
from mayhouse_cli.operations.event_creation import EventCreated, EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.ports import Deadline, RateSource
from tests.twin_accounts import MemoryPayables, MemorySettlements
from tests.twin_chain import PLATFORM, MemoryChain, Patience
from tests.twin_installation import MemoryInstallation
from tests.twin_journal import MemoryJournal
from tests.twin_mirror import MemoryMirror
from tests.twin_signer import PlainSigner
from tests.twins import (
    A_DAY,
    START,
    Memory,
    MemoryAlerts,
    MemoryBookings,
    MemoryEvents,
    MemoryLedger,
    MemoryNotifier,
    MemoryOperatorLog,
    MemoryRates,
    MemoryReadings,
    MemoryWallets,
)

CHAIN_ID: Final = 31337
TREASURY: Final = Address("0x" + "7" * 40)
HOST_ID: Final = UUID(int=1)
EXPERIENCE_ID: Final = UUID(int=2)
TRAVELERS: Final = (UUID(int=11), UUID(int=12), UUID(int=13))
EVENT_ID: Final = UUID(int=21)
THE_ROW: Final = EventRequest(event_id=str(EVENT_ID))
SEAT: Final = Wei(12_500_000_000_000_000)
"""2,500 rupees at 200,000 rupees per ETH."""


class Killed(BaseException):
    """The process ends here, and nothing of it gets to clean up."""


def config_of(origin: str = "environment", **values: Any) -> Config:  # noqa: ANN401 - any value
    """A configuration of the defaults and these values."""
    defaults = {one.key: one.read(one.default) for one in SETTINGS if one.default is not None}
    known = {**defaults, "chain_id": CHAIN_ID, "eth_price_inr": Decimal(200_000), **values}
    return Config(known, dict.fromkeys(known, origin), Path(), None)


class Endpoint:
    """The port RateSource: a document that is there at once."""

    host = "rates.example"

    def __init__(self, document: object) -> None:
        self._document = document

    def read(self) -> object:
        return self._document


class MemorySession:
    """The port Session; `another()` is a second process on the same chain and database."""

    def __init__(self, memory: Memory, chain: MemoryChain, **settings: Any) -> None:  # noqa: ANN401
        self.memory = memory
        self.chain = chain
        self.config = config_of(**settings)
        self.deadline: Deadline = chain.deadline
        self.actor = "tester"
        self.command = "test"
        self.told: list[str] = []
        self.progress = self.told.append
        self.signer = PlainSigner(PLATFORM)
        self.treasury = PlainSigner(TREASURY)
        self.journal = MemoryJournal(memory)
        self.installation = MemoryInstallation(memory)
        self.events = MemoryEvents(memory)
        self.bookings = MemoryBookings(memory)
        self.ledger = MemoryLedger(memory)
        self.mirror = MemoryMirror(memory)
        self.settlements = MemorySettlements(memory)
        self.payables = MemoryPayables(memory)
        self.wallets = MemoryWallets(memory)
        self.operator_log = MemoryOperatorLog(memory)
        self.rates = MemoryRates(memory)
        self.readings = MemoryReadings(memory)
        self.alerts = MemoryAlerts(memory)
        self.notifier = MemoryNotifier()
        self.rate_source: RateSource = Endpoint({"ethereum": {"inr": 200_000}})

    def transaction(self) -> AbstractContextManager[object]:
        return self.memory.transaction()

    def now(self) -> datetime:
        return self.memory.now

    # --- what a test does ---

    def set(self, **settings: Any) -> None:  # noqa: ANN401 - any value
        """Change settings."""
        self.config = config_of(**{**self.config.values, **settings})

    def wait_for(self, looks: int) -> None:
        """Give the next command so much patience."""
        self.chain.deadline.looks = looks

    @property
    def recorded(self) -> list[Transaction]:
        """All recorded transactions, oldest first."""
        return [*self.memory.rows.transactions.values()]

    @property
    def last(self) -> Transaction:
        """The transaction that was recorded last."""
        return self.recorded[-1]

    def row(self) -> EventRow:
        """The row of the first event."""
        return next(iter(self.memory.rows.events.values()))

    def create_event(self, seats: int = 4, price: str = "2500.00") -> EventCreated:
        """Create an event without a row, a day ahead."""
        plan = event_creation.plan_creation(event_request(seats, price), choices(), self)
        return event_creation.create(plan, choices(), self)

    def book(self, traveler: int = 0, seats: int = 1, confirmations: int = 1) -> BookingCreated:
        """Book the first event for one of the travelers."""
        request = BookingRequest(event="1", seats=seats, traveler_id=TRAVELERS[traveler])
        signing = choices(confirmations=confirmations)
        plan = booking_creation.plan_booking(request, signing, self)
        return booking_creation.create(plan, signing, self)

    def with_bookings(self, *seats: int, price: str = "2500.00") -> "MemorySession":
        """Create an event with bookings of so many seats, by the travelers in turn."""
        self.create_event(max(4, sum(seats)), price)
        for number, of_booking in enumerate(seats):
            self.wait_for(5)
            self.book(number % len(TRAVELERS), of_booking)
        self.wait_for(5)
        return self

    def create_row(self, **options: Any) -> Transaction:  # noqa: ANN401 - any option
        """Create the event of `with_row`; gives its record."""
        signing = choices(**options)
        plan = event_creation.plan_creation(THE_ROW, signing, self)
        event_creation.create(plan, signing, self)
        return self.last

    def resume(self) -> Transaction:
        """Resume everything with new patience, on a chain that mines; gives the first record."""
        self.wait_for(5)
        self.chain.mines = True
        resumption.resume(None, self, wait=True, max_age=A_DAY)
        return self.recorded[0]

    def begin_event(self) -> None:
        """Let two days pass on chain."""
        self.chain.warp(172_800)


def platform(**settings: Any) -> MemorySession:  # noqa: ANN401 - any value
    """A session on a platform of its own."""
    session = MemorySession(Memory(), MemoryChain(Patience(5)), **settings)
    rows = session.memory.rows
    host = Person(HOST_ID, "Asha Host", Address("0x" + "a" * 40))
    rows.people = {HOST_ID: host}
    for number, traveler_id in enumerate(TRAVELERS):
        rows.people[traveler_id] = Person(traveler_id, f"Traveler {number}", None)
    rows.experiences = {
        EXPERIENCE_ID: ExperienceRow(
            EXPERIENCE_ID, "Old Delhi on foot", Decimal("2500.00"), "approved", host
        )
    }
    return session


def with_row(session: MemorySession) -> MemorySession:
    """Give the platform a row of an event that is not on chain yet."""
    rows = session.memory.rows
    rows.events[EVENT_ID] = EventRow(
        id=EVENT_ID,
        experience=rows.experiences[EXPERIENCE_ID],
        starts_at=START + timedelta(days=1),
        ends_at=START + timedelta(days=1, hours=3),
        seats=4,
        special_price_inr=None,
        status="scheduled",
        blockchain_status="pending",
        chain_event_id=None,
        tx_hash=None,
    )
    return session


def choices(**changes: Any) -> SigningChoices:  # noqa: ANN401 - any option
    """The usual options of a signing command."""
    usual = SigningChoices(wait=True, confirmations=1, max_fee=Wei(10**10))
    return replace(usual, **changes)


def event_request(seats: int = 4, price: str = "2500.00") -> EventRequest:
    """A new event, a day ahead."""
    return EventRequest(
        experience_id=EXPERIENCE_ID,
        price_inr=Decimal(price),
        seats=seats,
        starts_at=START + timedelta(days=1),
    )
