"""A platform on a real chain and database, beside the model of what must be true of its money.

Our own deeds go through the operations, in this process; strangers and an owner past the tool
make plain calls. Every deed is compared at once: what moved, what it says, what it settled.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from eth_utils.address import to_checksum_address

from mayhouse_cli.bootstrap import OpenSession
from mayhouse_cli.config import load_config
from mayhouse_cli.errors import Refused
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import (
    booking_creation,
    bookings,
    event_cancellation,
    event_completion,
    event_creation,
    percentages,
)
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.audit import audit
from mayhouse_cli.operations.booking_creation import BookingRequest
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.operations.percentage_effects import FEE, STAKE
from tests.faults.lifecycle_checks import Checks
from tests.faults.lifecycle_model import Booking, Event, Model, wei_of
from tests.mayhouse import ASHA, BINA, CHITRA, EXPERIENCE_ID, PLATFORM, Mayhouse
from tests.raw_contract import RawContract

TRAVELERS: Final = (ASHA, BINA, CHITRA)
CHOICES: Final = SigningChoices(wait=True, confirmations=1, max_fee=Wei(10**12))


@dataclass(frozen=True)
class EventTerms:
    """What an event is drawn as; the start is seconds from the chain's time."""

    paise: int
    seats: int
    rate: int
    starts_in: int


def rupees(paise: int) -> Decimal:
    """Paise as the tool takes them."""
    return Decimal(paise) / 100


class Platform:
    """One platform from its first event on."""

    def __init__(self, mayhouse: Mayhouse) -> None:
        """Open a session on it, as one command would."""
        self._mayhouse = mayhouse
        self._node = mayhouse.node
        self.raw = RawContract(mayhouse.node, mayhouse.contract)
        self.model = Model()
        self.counts: Counter[str] = Counter()
        self.strangers = [to_checksum_address(one) for one in mayhouse.node.accounts[5:9]]
        config = load_config(environment=mayhouse.environment, working_folder=mayhouse.folder)
        self._session = OpenSession(config, 60, lambda _: None, lambda _: "", "test")
        self.checks = Checks(self._session, self.raw, self.model, self.strangers)
        self.use_rate(20_000_000)

    def close(self) -> None:
        """Leave the database to be dropped."""
        self._session.close()

    def use_rate(self, rate: int) -> None:
        """Configure another rate, in paise per ETH, however far it is from the last."""
        values = {**self._session.config.values, "eth_price_inr": rupees(rate)}
        values["rate_max_jump_percent"] = 100_000
        self._session.config = replace(self._session.config, values=values)

    @property
    def now(self) -> int:
        """The chain's time."""
        return self._mayhouse.chain_time

    def _ready(self) -> OpenSession:
        """The session with a command's whole time before it."""
        self._session.deadline.restart()
        return self._session

    # --- ours ---

    def create(self, terms: EventTerms) -> Event:
        """An event of ours; its stake must be in the contract."""
        self.use_rate(terms.rate)
        price = wei_of(terms.paise, terms.rate)
        event = Event(
            number=0,
            host=PLATFORM,
            price=price,
            seats=terms.seats,
            stake=self.model.stake_for(price * terms.seats),
            starts_at=self.now + terms.starts_in,
            rate=terms.rate,
        )
        request = EventRequest(
            experience_id=UUID(EXPERIENCE_ID),
            price_inr=rupees(terms.paise),
            seats=terms.seats,
            starts_at=datetime.fromtimestamp(event.starts_at, UTC),
        )
        with self.checks.moving(event.stake) as sent:
            plan = event_creation.plan_creation(request, CHOICES, self._ready())
            made = event_creation.create(plan, CHOICES, self._session)
            sent(made.transaction)
        assert made.chain_event_id is not None
        event.number = made.chain_event_id
        self.model.create(event)
        self.counts["events"] += 1
        return event

    def refuses_to_create(self, terms: EventTerms) -> None:
        """An event whose stake or price is nothing is not made."""
        with pytest.raises(Refused):
            self.create(terms)

    def book(self, event: Event, traveler: str, seats: int, rate: int) -> None:
        """A booking of ours, quoted again when the last quote does not hold any more."""
        self.use_rate(rate)
        request = BookingRequest(event=str(event.number), seats=seats, traveler_id=UUID(traveler))
        if event.quoted not in (None, (self.model.stake, self.model.fee)):
            with pytest.raises(Refused, match="the last quote said"):
                booking_creation.plan_booking(request, CHOICES, self._ready())
            self.quote(event, seats)
        payment = event.price * seats
        stake = self.model.stake_for(payment)
        with self.checks.moving(payment + stake) as sent:
            plan = booking_creation.plan_booking(request, CHOICES, self._ready())
            made = booking_creation.create(plan, CHOICES, self._session)
            sent(made.transaction)
        assert made.chain_booking_id is not None
        assert (made.quote.payment_wei, made.quote.stake_wei) == (payment, stake)
        booking = Booking(made.chain_booking_id, PLATFORM, seats, payment, stake, traveler, rate)
        self.model.book(event, booking)
        self.counts["bookings"] += 1

    def quote(self, event: Event, seats: int) -> None:
        """What it would cost now, kept with both percentages."""
        quoted = bookings.quote(str(event.number), seats, self._ready())
        payment = event.price * seats
        assert quoted.total_wei == payment + self.model.stake_for(payment)
        event.quoted = (self.model.stake, self.model.fee)

    def complete(self, event: Event, came: set[int]) -> None:
        """An end by us, as host or owner; strangers are named, the others only where they came."""
        named = tuple(str(number) for number in sorted(came))
        missed = tuple(str(one.number) for one in event.strangers if one.number not in came)
        request = AttendanceRequest(named, missed, nobody_attended=not came)
        end = self.model.complete(event, came, recorded=True)
        with self.checks.moving(0, end.payments) as sent:
            plan = event_completion.plan_completion(
                str(event.number), request, CHOICES, self._ready()
            )
            done = event_completion.complete(plan, CHOICES, self._session)
            sent(done.transaction)
        assert done.host_payout_wei + done.stakes_returned_wei + event.stake == end.leaves
        self.checks.settlement(event, end, done.transaction)
        self.counts["completions"] += 1
        self.counts["no-shows"] += len(event.bookings) - len(came)

    def cancel(self, event: Event) -> None:
        """Refund everybody."""
        end = self.model.cancel(event)
        with self.checks.moving(0, end.payments) as sent:
            plan = event_cancellation.plan_cancellation(
                str(event.number), "rain", CHOICES, self._ready()
            )
            done = event_cancellation.cancel(plan, CHOICES, self._session)
            sent(done.transaction)
        assert done.refunded_wei + event.stake == end.leaves
        self.checks.settlement(event, end, done.transaction)
        self.counts["cancellations"] += 1

    def set_percentage(self, name: str, percent: int) -> None:
        """Change the fee or the stake by the tool."""
        percentage = FEE if name == "fee" else STAKE
        plan = percentages.plan_change(percentage, percent, CHOICES, self._ready())
        done = percentages.change(plan, CHOICES, self._session)
        assert done.percent_before == getattr(self.model, name)
        setattr(self.model, name, percent)
        self.counts["changes"] += 1

    # --- others ---

    def set_percentage_outside(self, name: str, percent: int) -> None:
        """The owner changes it past the tool."""
        function = "updatePlatformFee" if name == "fee" else "updateStakePercentage"
        self.raw.do(f"{function}(uint256)", percent, sender=PLATFORM)
        setattr(self.model, name, percent)
        self.counts["changes"] += 1

    def create_foreign(self, host: str, price: int, seats: int, starts_in: int, more: int) -> Event:
        """A stranger's event, perhaps with more stake than asked for."""
        stake = self.model.stake_for(price * seats) + more
        event = Event(0, host, price, seats, stake, self.now + starts_in)
        receipt = self.raw.do(
            "createEventRun(string,uint256,uint256,uint256)",
            *("a stranger's", price, seats, event.starts_at),
            sender=host,
            value=stake,
        )
        event.number = self.raw.number_made(receipt)
        self.model.create(event)
        self.counts["foreign events"] += 1
        return event

    def book_foreign(self, event: Event, user: str, seats: int, overpaid: int) -> None:
        """A stranger's booking of any event."""
        payment = event.price * seats
        stake = self.model.stake_for(payment)
        receipt = self.raw.do(
            "bookEvent(uint256,uint256)",
            *(event.number, seats),
            sender=user,
            value=payment + stake + overpaid,
        )
        booking = Booking(self.raw.number_made(receipt), user, seats, payment, stake)
        self.model.book(event, booking, overpaid)
        self.counts["bookings"] += 1
        self.counts["overpayments"] += overpaid > 0

    def end_foreign(self, event: Event, came: set[int] | None) -> None:
        """A stranger ends his own event; None cancels it."""
        if came is None:
            self.raw.do("cancelEvent(uint256)", event.number, sender=event.host)
            self.model.cancel(event)
        else:
            numbers = (event.number, sorted(came))
            self.raw.do("completeEvent(uint256,uint256[])", *numbers, sender=event.host)
            self.model.complete(event, came, recorded=False)
        self.counts["foreign ends"] += 1

    def send_plain(self, sender: str, amount: int) -> None:
        """Plain ETH, from anyone."""
        self._node.transact({"from": sender, "to": self.raw.address, "value": hex(amount)})
        self.model.receive(amount)
        self.counts["plain ETH"] += 1

    def drain_and_refill(self, sender: str) -> None:
        """The owner takes everything past the tool; `audit` must cry until it is put back."""
        held = self.raw.balance
        self.raw.do("withdrawPlatformFees()", sender=PLATFORM)
        short = audit(self._ready())
        wanted = self.model.liabilities()
        assert (short.escrow.surplus_wei, short.escrow.shortfall_wei) == (-wanted, wanted)
        codes = [one.code for one in short.alarms if one.code == "escrow_short"]
        assert codes == ["escrow_short"] * (wanted > 0)
        self._node.transact({"from": sender, "to": self.raw.address, "value": hex(held)})
        self.counts["drains"] += 1

    def begin(self, event: Event) -> None:
        """Let its start come, if it has not yet."""
        left = event.starts_at - self.now
        if left > 0:
            self._mayhouse.warp(left)
