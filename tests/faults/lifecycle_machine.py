"""Everything that can happen to the money of one contract: what is drawn, and what must hold."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.faults.lifecycle_model import Event
from tests.faults.lifecycle_platform import TRAVELERS, EventTerms, Platform

EVENTS: Final = 14
BOOKINGS: Final = 30
STEPS_AN_AUDIT: Final = 10
EVERY_RUN: Final = {"overpayments", "changes", "plain ETH", "cancellations", "no-shows"}
FAR: Final = 60 * 86_400  # seconds

rates: Final = st.integers(10_000_000, 40_000_000)  # paise per ETH
choice: Final = st.integers(0, 999)  # of a list, modulo its length
odd_wei: Final = st.one_of(st.just(0), st.integers(1, 10**15))
terms: Final = st.builds(
    EventTerms,
    paise=st.integers(1, 9_999_999),
    seats=st.integers(1, 6),
    rate=rates,
    starts_in=st.integers(3_600, FAR),
)
booked: Final = st.tuples(choice, choice, st.integers(1, 2), rates, odd_wei)
some: Final = st.sampled_from(("fee", "stake"))


class Lifecycles(RuleBasedStateMachine):
    """Everything that can happen to the money of one contract, in any order."""

    def __init__(self, new_platform: Iterator[Platform], counts: Counter[str]) -> None:
        """Take a platform of this run's own."""
        super().__init__()
        self.platform = next(new_platform)
        self.model = self.platform.model
        self.counts = counts
        self.steps = 0

    @initialize(
        told=st.integers(0, 2**32),
        events=st.lists(terms, min_size=EVENTS, max_size=EVENTS + 3),
        bookings=st.lists(booked, min_size=BOOKINGS, max_size=BOOKINGS + 6),
        stakes=st.lists(st.integers(1, 50), min_size=EVENTS, max_size=EVENTS),
        absences=st.lists(st.sampled_from((0b1, 0b101, 0b111)), min_size=2, max_size=4),
        plain=st.integers(1, 10**17),
    )
    def begin(
        self,
        told: int,
        events: list[EventTerms],
        bookings: list[tuple[int, int, int, int, int]],
        stakes: list[int],
        absences: list[int],
        plain: int,
    ) -> None:
        """A season is offered and booked, under stakes that change on the way."""
        assume(told)  # the very first run that is tried is the simplest one there is
        for number, event in enumerate(events):
            self.platform.create(event)
            if number % 4 == 3:
                self.platform.set_percentage_outside("stake", stakes[number % EVENTS])
            for one in bookings[2 * number : 2 * number + 2]:
                self._book_somewhere(*one, foreign=number % 3 == 0)
        for one in bookings[2 * len(events) :]:
            self._book_somewhere(*one, foreign=False)
        self._go_through_all(absences, plain)
        assert self.platform.counts["events"] >= EVENTS
        assert self.platform.counts["bookings"] >= BOOKINGS
        assert {what for what, number in self.platform.counts.items() if number} >= EVERY_RUN

    def _go_through_all(self, absences: list[int], plain: int) -> None:
        """Whatever else is drawn, every run has some of each."""
        stranger, *_ = self.platform.strangers
        if not self.platform.counts["overpayments"]:
            self._book_somewhere(0, 0, 1, FAR, 1, foreign=True)
        self.platform.set_percentage("fee", (self.model.fee + plain) % 11)
        self.platform.send_plain(stranger, plain)
        self.platform.cancel(self._soon(plain, ours=True))
        for absent in absences:
            event = next(event for event in self.model.open if event.bookings)
            self.platform.begin(event)
            self.platform.complete(event, _came(event, absent))

    def _book_somewhere(
        self, where: int, who: int, seats: int, rate: int, more: int, *, foreign: bool
    ) -> None:
        room = [event for event in self._bookable if event.free >= seats]
        event = (
            room[where % len(room)]
            if room
            else self.platform.create(EventTerms(250_000, 6, rate, FAR))
        )
        if foreign or not event.is_ours:
            strangers = self.platform.strangers
            self.platform.book_foreign(event, strangers[who % len(strangers)], seats, more)
        else:
            self.platform.book(event, TRAVELERS[who % len(TRAVELERS)], seats, rate)

    @property
    def _bookable(self) -> list[Event]:
        # The next block is a second later, and more on a busy machine.
        soon = self.platform.now + 600
        return [event for event in self.model.open if event.starts_at > soon and event.free]

    def _soon(self, index: int, *, ours: bool) -> Event:
        """One of the three that start first."""
        first = [event for event in self.model.open if event.is_ours == ours][:3]
        return first[index % len(first)]

    def _is_open(self, *, ours: bool) -> bool:
        return any(event.is_ours == ours for event in self.model.open)

    # --- what can happen ---

    @rule(event=terms)
    def create(self, event: EventTerms) -> None:
        """An event of ours; under no stake at all it is refused."""
        if self.model.stake:
            self.platform.create(event)
        else:
            self.platform.refuses_to_create(event)

    @rule(event=terms)
    def create_for_nothing(self, event: EventTerms) -> None:
        """A price of zero is an error, never an event."""
        self.platform.refuses_to_create(EventTerms(0, event.seats, event.rate, event.starts_in))

    @rule(
        who=choice,
        price=st.one_of(st.integers(1, 9), st.integers(1, 10**17)),
        seats=st.integers(1, 6),
        starts_in=st.integers(3_600, FAR),
        more=odd_wei,
    )
    def create_foreign(self, who: int, price: int, seats: int, starts_in: int, more: int) -> None:
        """A stranger's event, down to a wei a seat and so without any stake."""
        host = self.platform.strangers[who % len(self.platform.strangers)]
        self.platform.create_foreign(host, price, seats, starts_in, more)

    @rule(one=booked)
    def book(self, one: tuple[int, int, int, int, int]) -> None:
        """By a traveler of ours, or a stranger where the event is one's."""
        if self.model.stake or self._bookable:
            self._book_somewhere(*one, foreign=False)

    @rule(one=booked)
    def book_foreign(self, one: tuple[int, int, int, int, int]) -> None:
        """By a stranger, who may pay too much."""
        if self.model.stake or self._bookable:
            self._book_somewhere(*one, foreign=True)

    @rule(where=choice)
    def quote(self, where: int) -> None:
        """A quote binds the next booking to its percentages."""
        if found := [event for event in self._bookable if event.is_ours]:
            self.platform.quote(found[where % len(found)], 1)

    @rule(who=choice, amount=st.integers(1, 10**17))
    def send_plain(self, who: int, amount: int) -> None:
        """Plain ETH."""
        self.platform.send_plain(self.platform.strangers[who % 4], amount)

    @rule(name=some, percent=st.integers(0, 50), outside=st.booleans())
    def change_percentage(self, name: str, percent: int, *, outside: bool) -> None:
        """A fee or stake changes, by the tool or past it."""
        percent = percent % 11 if name == "fee" else percent
        if outside:
            self.platform.set_percentage_outside(name, percent)
        else:
            self.platform.set_percentage(name, percent)

    @precondition(lambda self: self._is_open(ours=True))
    @rule(index=choice)
    def cancel(self, index: int) -> None:
        """Before or after its start."""
        self.platform.cancel(self._soon(index, ours=True))

    @precondition(lambda self: self._is_open(ours=True))
    @rule(index=choice, absent=st.integers(0, 2**16 - 1))
    def complete(self, index: int, absent: int) -> None:
        """Some come, and some do not."""
        event = self._soon(index, ours=True)
        self.platform.begin(event)
        self.platform.complete(event, _came(event, absent))

    @precondition(lambda self: self._is_open(ours=False))
    @rule(index=choice, absent=st.integers(0, 2**16 - 1), by_us=st.booleans())
    def complete_foreign(self, index: int, absent: int, *, by_us: bool) -> None:
        """A stranger's event is completed by himself, or by us as the contract's owner."""
        event = self._soon(index, ours=False)
        self.platform.begin(event)
        if by_us:
            self.platform.complete(event, _came(event, absent))
        else:
            self.platform.end_foreign(event, _came(event, absent))

    @precondition(lambda self: self._is_open(ours=False))
    @rule(index=choice)
    def cancel_foreign(self, index: int) -> None:
        """Only he can."""
        self.platform.end_foreign(self._soon(index, ours=False), None)

    @rule(who=choice)
    def drain(self, who: int) -> None:
        """The owner takes all of it past the tool, and it is put back."""
        if self.platform.raw.balance:
            self.platform.drain_and_refill(self.platform.strangers[who % 4])

    # --- what must always hold ---

    @invariant()
    def the_money_adds_up(self) -> None:
        """Escrow, surplus and payables, after every step."""
        self.platform.checks.money()

    @invariant()
    def the_audit_finds_what_there_is(self) -> None:
        """Dearer, and so only now and then."""
        if self.steps % STEPS_AN_AUDIT == 0:
            self.platform.checks.findings(self.platform.now)
        self.steps += 1

    def teardown(self) -> None:
        """Count what was done."""
        if self.platform.counts:
            self.counts.update({"runs": 1, **self.platform.counts})
        self.platform.close()


def _came(event: Event, absent: int) -> set[int]:
    """Everyone whose bit is not set."""
    return {one.number for bit, one in enumerate(event.bookings) if not absent >> bit & 1}
