"""The contract and the ledger in plain integers: wei, paise, and nothing of the tool's own code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from tests.mayhouse import HOST_ID, PLATFORM

WEI_PER_ETH: Final = 10**18

Line = tuple[str, int | None, int]
"""A settlement line's name, booking and wei."""
Owed = tuple[str, int, int | None, str, int]
"""A payable's kind, event, booking, payee and wei."""


def wei_of(paise: int, rate: int) -> int:
    """What is below a wei is dropped; the rate is paise per ETH."""
    return paise * WEI_PER_ETH // rate


def paise_of(wei: int, rate: int | None) -> int | None:
    """Rounded half up; nothing is nothing at any rate, and unknown without one."""
    if not wei:
        return 0
    return None if rate is None else half_up(Fraction(wei * rate, WEI_PER_ETH))


def half_up(exact: Fraction) -> int:
    """Round to the nearest integer, a half upwards."""
    return int(exact + Fraction(1, 2))


def added(amounts: Sequence[int | None]) -> int | None:
    """A sum; unknown when any part of it is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


@dataclass
class Booking:
    """A booking as the contract must have it, and whose it is."""

    number: int
    user: str
    seats: int
    payment: int
    stake: int
    traveler: str | None = None
    """None of a stranger's, which has no row."""
    rate: int | None = None
    status: str = "active"

    @property
    def held(self) -> int:
        """What the contract keeps for it while it is active."""
        return self.payment + self.stake


@dataclass
class Event:
    """An event run as the contract must have it, and at which rate it was made."""

    number: int
    host: str
    price: int
    seats: int
    stake: int
    starts_at: int
    rate: int | None = None
    quoted: tuple[int, int] | None = None
    """Stake and fee percentage of the last quote."""
    bookings: list[Booking] = field(default_factory=list)
    status: str = "open"

    @property
    def is_ours(self) -> bool:
        """Hosted by the platform's wallet; all of those have a row here."""
        return self.host == PLATFORM

    @property
    def free(self) -> int:
        """Seats that can still be booked."""
        return self.seats - sum(booking.seats for booking in self.bookings)

    @property
    def strangers(self) -> list[Booking]:
        """Bookings that a completion has to name."""
        return [booking for booking in self.bookings if booking.traveler is None]


@dataclass(frozen=True)
class End:
    """What the end of an event pays, keeps, and leaves the platform owing."""

    lines: tuple[Line, ...]
    payments: tuple[tuple[str, int], ...]
    owed: tuple[Owed, ...]

    @property
    def leaves(self) -> int:
        """By how much the contract's balance falls."""
        return sum(amount for _, amount in self.payments)


@dataclass
class Model:
    """Everything that must be true of the contract's money."""

    fee: int = 5
    stake: int = 20
    balance: int = 0
    fees_recorded: int = 0
    """Of completions that the tool has made; it knows of no others."""
    untraced: int = 0
    """Overpayments, plain ETH, and the fees of completions that others made."""
    events: dict[int, Event] = field(default_factory=dict)
    owed: list[Owed] = field(default_factory=list)

    def stake_for(self, payment: int) -> int:
        """The stake that the contract asks for, on either side."""
        return payment * self.stake // 100

    @property
    def bookings(self) -> list[Booking]:
        """All that were ever made."""
        return [booking for event in self.events.values() for booking in event.bookings]

    @property
    def open(self) -> list[Event]:
        """Events that have not ended, in the order of their starts."""
        still = [event for event in self.events.values() if event.status == "open"]
        return sorted(still, key=lambda event: (event.starts_at, event.number))

    def liabilities(self, *, foreign_only: bool = False) -> int:
        """Stakes of hosts of open events, payments and stakes of active bookings."""
        hosts = [(event.host, event.stake) for event in self.open]
        users = [(one.user, one.held) for one in self.bookings if one.status == "active"]
        return sum(
            amount for party, amount in (*hosts, *users) if not (foreign_only and party == PLATFORM)
        )

    @property
    def forfeits(self) -> int:
        """The stakes of everybody who did not come."""
        return sum(one.stake for one in self.bookings if one.status == "no_show")

    # --- what happens ---

    def create(self, event: Event) -> None:
        """All that was sent along is the host's stake."""
        self.events[event.number] = event
        self.balance += event.stake

    def book(self, event: Event, booking: Booking, overpaid: int = 0) -> None:
        """What is paid too much stays, and nothing tells of it."""
        event.bookings.append(booking)
        self.balance += booking.held + overpaid
        self.untraced += overpaid

    def receive(self, amount: int) -> None:
        """Plain ETH."""
        self.balance += amount
        self.untraced += amount

    def complete(self, event: Event, came: set[int], *, recorded: bool) -> End:
        """Who came gets the stake back, then the host is paid; fees and other stakes stay."""
        revenue = sum(booking.payment for booking in event.bookings)
        fee = revenue * self.fee // 100
        lines: list[Line] = [
            ("ticket_revenue", None, revenue),
            ("platform_fee", None, fee),
            ("host_payout", None, revenue - fee),
            ("host_stake_returned", None, event.stake),
        ]
        payments = [(event.host, revenue - fee), (event.host, event.stake)]
        owed: list[Owed] = []
        if event.is_ours:
            owed.append(("host_payout", event.number, None, HOST_ID, revenue - fee))
        for booking in event.bookings:
            attended = booking.number in came
            booking.status = "completed" if attended else "no_show"
            line = "stake_returned" if attended else "stake_forfeited"
            lines.append((line, booking.number, booking.stake))
            if attended:
                payments.append((booking.user, booking.stake))
                owed += self._owed_to("stake_return", event, booking, booking.stake)
        self.fees_recorded += fee if recorded else 0
        self.untraced += 0 if recorded else fee
        return self._end(event, "completed", End(tuple(lines), tuple(payments), tuple(owed)))

    def cancel(self, event: Event) -> End:
        """Everybody gets everything back."""
        lines: list[Line] = [("host_stake_returned", None, event.stake)]
        payments, owed = [(event.host, event.stake)], list[Owed]()
        for booking in event.bookings:
            booking.status = "cancelled"
            lines.append(("refund", booking.number, booking.held))
            payments.append((booking.user, booking.held))
            owed += self._owed_to("refund", event, booking, booking.held)
        return self._end(event, "cancelled", End(tuple(lines), tuple(payments), tuple(owed)))

    def _owed_to(self, kind: str, event: Event, booking: Booking, amount: int) -> list[Owed]:
        if booking.traveler is None:
            return []
        return [(kind, event.number, booking.number, booking.traveler, amount)]

    def _end(self, event: Event, status: str, end: End) -> End:
        event.status = status
        self.balance -= end.leaves
        self.owed += [one for one in end.owed if one[-1]]
        return end
