"""What a completion pays and gives: every amount, before it is signed and from its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mayhouse_cli.models import Transaction, inlined
from mayhouse_cli.money import Wei, percent_of
from mayhouse_cli.operations.ending_plans import PlanTerms
from mayhouse_cli.operations.settled_bookings import SettledBooking, settled_bookings
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking
from mayhouse_cli.operations.transactions import TransactionResult
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Payments:
    """What a completion pays and keeps, in wei; by integer division, as the contract does."""

    revenue: Wei
    host_payout: Wei
    platform_fee: Wei
    stakes_returned: Wei
    stakes_forfeited: Wei
    host_stake: Wei

    @property
    def leaves_contract(self) -> Wei:
        """By how much the contract's balance falls."""
        return self.stakes_returned + self.host_payout + self.host_stake


NOTHING_PAID: Final = Payments(*[Wei(0)] * 6)


def work_out(
    ending: EndingEvent, attended: Sequence[OpenBooking], no_show: Sequence[OpenBooking]
) -> Payments:
    """Work out every amount of a completion from the bookings and the contract's fee."""
    everyone = [*attended, *no_show]
    revenue = sum((one.on_chain.payment for one in everyone), Wei(0))
    fee = percent_of(revenue, ending.snapshot.fee_percent)
    return Payments(
        revenue=revenue,
        host_payout=revenue - fee,
        platform_fee=fee,
        stakes_returned=sum((one.on_chain.stake for one in attended), Wei(0)),
        stakes_forfeited=sum((one.on_chain.stake for one in no_show), Wei(0)),
        host_stake=ending.event.host_stake,
    )


@dataclass(frozen=True)
class BookingReference:
    """A booking by both its names."""

    booking_id: UUID | None
    chain_booking_id: int

    @classmethod
    def of(cls, booking: SettledBooking) -> "BookingReference":
        """Read it from a record."""
        return cls(booking.booking_id, booking.chain_booking_id)


@dataclass(frozen=True)
class EventCompleted:
    """`event complete`: who counted as what, and every amount that moved or stayed."""

    event_id: UUID | None
    chain_event_id: int
    attended: tuple[BookingReference, ...]
    no_show: tuple[BookingReference, ...]
    host_payout_wei: Wei
    platform_fee_wei: Wei
    stakes_returned_wei: Wei
    stakes_forfeited_wei: Wei
    host_stake_returned_wei: Wei
    plan_hash: str | None
    transaction: TransactionResult = inlined()
    plan: PlanTerms | None = None
    """None once it is signed."""


def completed(transaction: Transaction, session: Session) -> EventCompleted:
    """Read the result from the record; before it is confirmed, from what was planned."""
    settled = settled_bookings(transaction.terms)
    came = set(transaction.arguments["attended"])
    revenue = sum((booking.payment for booking in settled), Wei(0))
    fee = percent_of(revenue, transaction.terms["fee_percent"])
    payout = revenue - fee
    host_stake = Wei(int(transaction.terms["host_stake_wei"]))
    for event in transaction.outcome:
        if event.name == "EventCompleted":
            payout = Wei(event.arguments["hostPayout"])
            host_stake = Wei(event.arguments["hostStakeReturned"])
    attended = [booking for booking in settled if booking.chain_booking_id in came]
    no_show = [booking for booking in settled if booking.chain_booking_id not in came]
    return EventCompleted(
        event_id=transaction.event_id,
        chain_event_id=transaction.chain_event_id or 0,
        attended=tuple(BookingReference.of(booking) for booking in attended),
        no_show=tuple(BookingReference.of(booking) for booking in no_show),
        host_payout_wei=payout,
        platform_fee_wei=revenue - payout,
        stakes_returned_wei=sum((booking.stake for booking in attended), Wei(0)),
        stakes_forfeited_wei=sum((booking.stake for booking in no_show), Wei(0)),
        host_stake_returned_wei=host_stake,
        plan_hash=transaction.terms.get("plan_hash"),
        transaction=TransactionResult.of(transaction, session),
    )
