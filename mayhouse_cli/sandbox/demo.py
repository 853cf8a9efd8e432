"""The demo: one event from its creation to its payout, by the commands' own operations.

Each step is checked (`demo_checks`) against amounts worked out apart (`demo_expectations`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from mayhouse_cli.models import BookingStatus, EventStatus
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import booking_creation, bookings, event_completion, event_creation
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.booking_creation import BookingCreated, BookingRequest
from mayhouse_cli.operations.bookings import Quote
from mayhouse_cli.operations.completion_results import EventCompleted
from mayhouse_cli.operations.event_creation import EventCreated, EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.operations.transactions import TransactionResult
from mayhouse_cli.ports import Session
from mayhouse_cli.sandbox.demo_checks import Checks
from mayhouse_cli.sandbox.demo_expectations import (
    ETH_PRICE_INR,
    PRICE_INR,
    PRICE_WEI,
    SEATS,
    SEATS_OF_WHO_COMES,
    SEATS_OF_WHO_DOES_NOT,
    rupees_of,
)
from mayhouse_cli.sandbox.demo_result import DemoAmount, DemoStep
from mayhouse_cli.sandbox.stack import Warped
from mayhouse_cli.store.seed import EXPERIENCES, TRAVELERS, SeededPerson

DAY: Final = 86_400
HALF_PAST_TWELVE: Final = 45_000  # UTC, which is six in the evening in India
AFTER_THE_START: Final = 4 * 3_600


class Clock(Protocol):
    """The sandbox's chain time."""

    def chain_time(self) -> int: ...
    def warp(self, seconds: int) -> Warped: ...


class Story:
    """Tells one event's story on a sandbox; can be told again on the same one."""

    def __init__(self, session: Session, clock: Clock) -> None:
        """Take the sandbox's session and clock; nothing happens yet."""
        self._session = session
        self._clock = clock
        self._checks = Checks(session)
        self._expected = self._checks.expected
        config = session.config
        self._choices = SigningChoices(
            wait=True, confirmations=config.confirmations, max_fee=config.max_fee
        )

    def steps(self) -> Iterator[DemoStep]:
        """Do and check one step after the other."""
        event, step = self._create()
        yield step
        yield self._quote(event)
        comes, step = self._book(event, "book_two", TRAVELERS[0], SEATS_OF_WHO_COMES)
        yield step
        misses, step = self._book(event, "book_one", TRAVELERS[1], SEATS_OF_WHO_DOES_NOT)
        yield step
        yield self._warp(event)
        yield self._complete(event, comes, misses)
        yield self._escrow()

    # --- the steps ---

    def _create(self) -> tuple[EventCreated, DemoStep]:
        evening = (self._clock.chain_time() // DAY + 3) * DAY + HALF_PAST_TWELVE
        request = EventRequest(
            experience_id=EXPERIENCES[0].id,
            price_inr=PRICE_INR,
            seats=SEATS,
            starts_at=datetime.fromtimestamp(evening, UTC),
        )
        self._session.deadline.restart()
        plan = event_creation.plan_creation(request, self._choices, self._session)
        event = event_creation.create(plan, self._choices, self._session)
        stake = self._expected.host_stake
        self._checks.same("price of a seat in wei", PRICE_WEI, event.price_per_seat_wei)
        self._checks.same("host stake in wei", stake, event.stake_wei)
        self._checks.money(event.transaction, into_contract=stake)
        self._checks.event(event, "scheduled", EventStatus.ACTIVE)
        amounts = [
            DemoAmount.of("price_per_seat", "price of a seat", event.price_per_seat_wei),
            DemoAmount.of("host_stake", "host stake, advanced by the platform", event.stake_wei),
        ]
        data = {
            "event_id": event.event_id,
            "chain_event_id": event.chain_event_id,
            "experience": event.title,
            "seats": event.seats,
            "starts_at": event.starts_at,
            "eth_price_inr": event.eth_price_inr,
        }
        return event, self._step("create", "Create an event", amounts, data, event.transaction)

    def _quote(self, event: EventCreated) -> DemoStep:
        seats = SEATS_OF_WHO_COMES
        quote = bookings.quote(str(event.event_id), seats, self._session)
        expected = self._expected
        self._checks.all_same(
            "quote",
            {
                "payment in wei": (expected.payment(seats), quote.payment_wei),
                "stake in wei": (expected.stake(seats), quote.stake_wei),
                "total in wei": (expected.total(seats), quote.total_wei),
                "payment in rupees": (rupees_of(expected.payment(seats)), quote.payment_inr),
                "stake in rupees": (rupees_of(expected.stake(seats)), quote.stake_inr),
                "seats left": (SEATS, quote.seats_available),
                "rate": (ETH_PRICE_INR, quote.eth_price_inr),
            },
        )
        amounts = _cost(quote, "to pay")
        data = {"seats": seats, "seats_available": quote.seats_available}
        return self._step("quote", f"Quote {seats} seats", amounts, data)

    def _book(
        self, event: EventCreated, name: str, traveler: SeededPerson, seats: int
    ) -> tuple[BookingCreated, DemoStep]:
        request = BookingRequest(event=str(event.event_id), seats=seats, traveler_id=traveler.id)
        self._session.deadline.restart()
        plan = booking_creation.plan_booking(request, self._choices, self._session)
        booking = booking_creation.create(plan, self._choices, self._session)
        total = self._expected.total(seats)
        self._checks.same(f"{name}, paid in wei", total, booking.quote.total_wei)
        self._checks.money(booking.transaction, into_contract=total)
        self._checks.booking(booking, seats, "confirmed", BookingStatus.ACTIVE)
        amounts = _cost(booking.quote, "paid")
        data = {
            "booking_id": booking.booking_id,
            "chain_booking_id": booking.chain_booking_id,
            "traveler_id": booking.traveler_id,
            "traveler": booking.traveler,
            "seats": seats,
        }
        title = f"Book {_seats(seats)} for {booking.traveler}"
        return booking, self._step(name, title, amounts, data, booking.transaction)

    def _warp(self, event: EventCreated) -> DemoStep:
        over = int(event.starts_at.timestamp()) + AFTER_THE_START
        warped = self._clock.warp(over - self._clock.chain_time())
        self._checks.same("chain time is past the start", True, warped.chain_time > event.starts_at)  # noqa: FBT003 what is expected
        data = {"seconds": warped.seconds, "chain_time": warped.chain_time}
        return self._step("warp", "Move the chain's clock past the event", [], data)

    def _complete(
        self, event: EventCreated, comes: BookingCreated, misses: BookingCreated
    ) -> DemoStep:
        request = AttendanceRequest(attended=(str(comes.booking_id),))
        self._session.deadline.restart()
        plan = event_completion.plan_completion(
            str(event.event_id), request, self._choices, self._session
        )
        done = event_completion.complete(plan, self._choices, self._session)
        expected = self._expected
        self._checks.all_same(
            "completion, in wei",
            {
                "host payout": (expected.host_payout, done.host_payout_wei),
                "platform fee": (expected.fee, done.platform_fee_wei),
                "stake back": (expected.stake(SEATS_OF_WHO_COMES), done.stakes_returned_wei),
                "stake kept": (expected.kept_stake, done.stakes_forfeited_wei),
                "host stake back": (expected.host_stake, done.host_stake_returned_wei),
            },
        )
        self._checks.money(done.transaction, into_contract=-expected.paid_out)
        self._checks.event(event, "completed", EventStatus.COMPLETED)
        came = (comes, SEATS_OF_WHO_COMES, "experience_completed", BookingStatus.COMPLETED)
        missed = (misses, SEATS_OF_WHO_DOES_NOT, "no_show", BookingStatus.NO_SHOW)
        self._checks.booking(*came)
        self._checks.booking(*missed)
        self._checks.settlement(done.transaction)
        amounts = _payments(done, comes.traveler, misses.traveler, expected.fee_percent)
        data = {
            "attended": [comes.booking_id],
            "no_show": [misses.booking_id],
            "chain_event_id": event.chain_event_id,
        }
        title = "Complete it: one came, one did not"
        return self._step("complete", title, amounts, data, done.transaction)

    def _escrow(self) -> DemoStep:
        balance = self._checks.read().contract_balance
        before = self._checks.held_before
        self._checks.same(
            "the contract holds more in wei than before", self._expected.kept, balance - before
        )
        amounts = [
            DemoAmount.of("held_before", "held before", before),
            DemoAmount.of("platform_fee", "fee", Wei(self._expected.fee)),
            DemoAmount.of("stakes_forfeited", "stake kept", Wei(self._expected.kept_stake)),
            DemoAmount.of("held_now", "held now", balance),
        ]
        return self._step("escrow", "What the contract holds", amounts, {})

    def _step(
        self,
        name: str,
        title: str,
        amounts: Sequence[DemoAmount],
        data: Mapping[str, Any],
        transaction: TransactionResult | None = None,
    ) -> DemoStep:
        differences = self._checks.take()
        return DemoStep(
            name=name,
            title=title,
            ok=not differences,
            amounts=tuple(amounts),
            data=data,
            tx_hash=transaction.tx_hash if transaction else None,
            block_number=transaction.block_number if transaction else None,
            fee_wei=transaction.fee_wei if transaction else None,
            differences=differences,
        )


def _cost(quote: Quote, total: str) -> list[DemoAmount]:
    stake = f"stake {quote.stake_percent} %, refundable"
    return [
        DemoAmount.of("payment", _seats(quote.seats), quote.payment_wei),
        DemoAmount.of("stake", stake, quote.stake_wei),
        DemoAmount.of("total", total, quote.total_wei),
    ]


def _payments(done: EventCompleted, came: str, missed: str, fee_percent: int) -> list[DemoAmount]:
    """Say who got what."""
    host = f"{EXPERIENCES[0].host.name}, revenue - {fee_percent} %"
    back = "host stake, back to the platform"
    return [
        DemoAmount.of("stakes_returned", f"stake back: {came} came", done.stakes_returned_wei),
        DemoAmount.of(
            "stakes_forfeited", f"stake kept: {missed} did not", done.stakes_forfeited_wei
        ),
        DemoAmount.of("host_payout", host, done.host_payout_wei),
        DemoAmount.of("platform_fee", "platform's fee", done.platform_fee_wei),
        DemoAmount.of("host_stake_returned", back, done.host_stake_returned_wei),
    ]


def _seats(count: int) -> str:
    return "1 seat" if count == 1 else f"{count} seats"
