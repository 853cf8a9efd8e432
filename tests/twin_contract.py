"""The contract's twin: its rules and payments on integers, as the state after one block."""

import copy
from dataclasses import dataclass, field, replace
from typing import Final

from mayhouse_cli.models import (
    Address,
    BookingStatus,
    Call,
    ContractEvent,
    Cost,
    EventStatus,
    Hash,
    OnChainBooking,
    OnChainEvent,
    Receipt,
)
from mayhouse_cli.money import Wei
from tests.twins import START

GENESIS: Final = Hash("0x" + "0" * 64)
Events = list[ContractEvent]


class Revert(Exception):
    """The contract refuses; the message is its own."""


@dataclass
class World:
    """The state after one block."""

    number: int = 0
    hash: Hash = GENESIS
    time: int = int(START.timestamp())
    events: dict[int, OnChainEvent] = field(default_factory=dict)
    bookings: dict[int, OnChainBooking] = field(default_factory=dict)
    nonces: dict[Address, int] = field(default_factory=dict)
    receipts: dict[Hash, Receipt] = field(default_factory=dict)
    reasons: dict[Hash, str] = field(default_factory=dict)
    held: Wei = Wei(0)
    """What the contract holds."""

    def copy(self) -> "World":
        """Give a state that can change without this one; what it holds is frozen."""
        other = copy.copy(self)
        for name, kept in vars(self).items():
            setattr(other, name, copy.copy(kept))
        return other

    def call(self, sender: Address, call: Call, percents: tuple[int, int]) -> Events:
        """Execute a call of the contract; Revert changes nothing that is kept."""
        run = getattr(self, f"_{call.function}")
        events: Events = run(sender, call.value, percents, *call.arguments)
        return events

    def _createEventRun(  # noqa: N802 - the contract's own name
        self,
        sender: Address,
        value: Wei,
        percents: tuple[int, int],
        experience: str,
        price: int,
        seats: int,
        start: int,
    ) -> Events:
        if start <= self.time:
            raise Revert("Event must be in the future")
        if value < price * seats * percents[0] // 100:
            raise Revert("Insufficient stake amount")
        number = len(self.events) + 1
        self.events[number] = OnChainEvent(
            id=number,
            host=sender,
            experience_id=experience,
            price_per_seat=Wei(price),
            max_seats=seats,
            seats_booked=0,
            host_stake=value,
            starts_at=start,
            status=EventStatus.ACTIVE,
            created_at=self.time,
        )
        self.held += value
        arguments = {"eventRunId": number, "host": sender, "experienceId": experience}
        return [ContractEvent("EventRunCreated", {**arguments, "hostStake": int(value)})]

    def _bookEvent(  # noqa: N802 - the contract's own name
        self, sender: Address, value: Wei, percents: tuple[int, int], event_id: int, seats: int
    ) -> Events:
        event = self.events.get(event_id)
        if event is None:
            raise Revert("Event run does not exist")
        if seats > event.seats_available:
            raise Revert("Not enough seats available")
        cost = cost_of(event, seats, percents[0])
        if value < cost.total:
            raise Revert("Insufficient payment + stake")
        number = len(self.bookings) + 1
        self.bookings[number] = OnChainBooking(
            id=number,
            event_id=event_id,
            user=sender,
            seats=seats,
            payment=cost.payment,
            stake=cost.stake,
            status=BookingStatus.ACTIVE,
            booked_at=self.time,
        )
        self.events[event_id] = replace(event, seats_booked=event.seats_booked + seats)
        self.held += value
        arguments = {
            "bookingId": number,
            "eventRunId": event_id,
            "totalPayment": int(cost.payment),
            "userStake": int(cost.stake),
        }
        return [ContractEvent("BookingCreated", arguments)]

    def _completeEvent(  # noqa: N802 - the contract's own name
        self, _: Address, __: Wei, percents: tuple[int, int], event_id: int, came: list[int]
    ) -> Events:
        event = self.events[event_id]
        if self.time < event.starts_at:
            raise Revert("Event has not occurred yet")
        told: Events = []
        active = self._active(event_id)
        if any(number not in active for number in came) or len(set(came)) != len(came):
            raise Revert("Booking not active")
        for number, booking in active.items():
            attended = number in came
            status = BookingStatus.COMPLETED if attended else BookingStatus.NO_SHOW
            self.bookings[number] = replace(booking, status=status)
            name = "BookingCompleted" if attended else "BookingNoShow"
            key = "stakeReturned" if attended else "stakeForfeit"
            told.append(ContractEvent(name, {"bookingId": number, key: int(booking.stake)}))
            self._pay(booking.stake if attended else Wei(0))
        revenue = sum((booking.payment for booking in active.values()), Wei(0))
        payout = revenue - revenue * percents[1] // 100
        self._pay(payout + event.host_stake)
        self.events[event_id] = replace(event, status=EventStatus.COMPLETED)
        arguments = {"hostPayout": int(payout), "hostStakeReturned": int(event.host_stake)}
        return [*told, ContractEvent("EventCompleted", {"eventRunId": event_id, **arguments})]

    def _cancelEvent(  # noqa: N802 - the contract's own name
        self, sender: Address, _: Wei, __: tuple[int, int], event_id: int
    ) -> Events:
        event = self.events[event_id]
        if sender != event.host:
            raise Revert("Only host can call this")
        active = self._active(event_id)
        for number, booking in active.items():
            self.bookings[number] = replace(booking, status=BookingStatus.CANCELLED)
            self._pay(booking.payment + booking.stake)
        self._pay(event.host_stake)
        self.events[event_id] = replace(event, status=EventStatus.CANCELLED)
        refunded = sum(booking.payment + booking.stake for booking in active.values())
        arguments = {"eventRunId": event_id, "refundsIssued": int(refunded)}
        return [ContractEvent("EventCancelled", arguments)]

    def _withdrawPlatformFees(  # noqa: N802 - the contract's own name
        self, _: Address, __: Wei, ___: tuple[int, int]
    ) -> Events:
        if not self.held:
            raise Revert("No fees to withdraw")
        self.held = Wei(0)
        return []

    def _updatePlatformFee(  # noqa: N802 - the contract's own name
        self, _: Address, __: Wei, ___: tuple[int, int], percent: int
    ) -> Events:
        if percent > 10:
            raise Revert("Fee cannot exceed 10%")
        return []  # a session's percentages stand in its chain, not in a block

    def _active(self, event_id: int) -> dict[int, OnChainBooking]:
        return {
            number: one
            for number, one in self.bookings.items()
            if one.event_id == event_id and one.status is BookingStatus.ACTIVE
        }

    def _pay(self, amount: Wei) -> None:
        if amount > self.held:
            raise Revert("without a reason")
        self.held -= amount


def cost_of(event: OnChainEvent, seats: int, stake_percent: int) -> Cost:
    """The contract's price: integer division, the rest dropped."""
    payment = event.price_per_seat * seats
    stake = payment * stake_percent // 100
    return Cost(payment, stake, payment + stake)
