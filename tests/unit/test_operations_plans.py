"""Stored plans: bound by a hash to all that they were made on, for a while, and used once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mayhouse_cli.errors import NotFound, Refused, RpcUnreachable, WrongUsage
from mayhouse_cli.models import Address, Call, EventStatus, Hash, Person, Plan, Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import event_cancellation, event_completion
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.ending_plans import hash_of, state_of
from mayhouse_cli.operations.settling import read_ending_event
from tests.twin_chain import STRANGER
from tests.twin_session import EXPERIENCE_ID, SEAT, MemorySession, choices, platform

CAME: Final = AttendanceRequest(attended=("1", "2"))
Change = Callable[[MemorySession], None]


def planned() -> tuple[MemorySession, Plan]:
    """An event that has begun, with bookings 1 to 3, and a stored plan: 1 and 2 came."""
    session = platform().with_bookings(1, 1, 1)
    session.begin_event()
    plan = event_completion.plan_completion("1", CAME, choices(), session)
    return session, event_completion.store(plan, session)


def execute(session: MemorySession, plan: Plan) -> None:
    """Execute a stored completion."""
    ready = event_completion.plan_execution("1", plan.hash, choices(), session)
    event_completion.complete(ready, choices(), session)


# --- what a plan is bound to ------------------------------------------------------------


def of_event(**fields: Any) -> Change:  # noqa: ANN401 - any field
    """The event on chain is different."""

    def change(session: MemorySession) -> None:
        events = session.chain.head.events
        events[1] = replace(events[1], **fields)

    return change


def of_booking(**fields: Any) -> Change:  # noqa: ANN401 - any field
    """A booking on chain is different."""

    def change(session: MemorySession) -> None:
        bookings = session.chain.head.bookings
        bookings[2] = replace(bookings[2], **fields)

    return change


def of_row(**fields: Any) -> Change:  # noqa: ANN401 - any field
    """A booking's row is different."""

    def change(session: MemorySession) -> None:
        row = session.bookings.by_chain_id(2)
        assert row is not None
        session.memory.rows.bookings[row.id] = replace(row, **fields)

    return change


def of_chain(**fields: Any) -> Change:  # noqa: ANN401 - any field
    """The contract or its percentages are different."""

    def change(session: MemorySession) -> None:
        for name, value in fields.items():
            setattr(session.chain, name, value)

    return change


def another_booking(session: MemorySession) -> None:
    session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)


def a_lost_row(session: MemorySession) -> None:
    row = session.bookings.by_chain_id(2)
    assert row is not None
    del session.memory.rows.bookings[row.id]


def another_row_id(session: MemorySession) -> None:
    row = session.bookings.by_chain_id(2)
    assert row is not None
    del session.memory.rows.bookings[row.id]
    session.memory.rows.bookings[UUID(int=99)] = replace(row, id=UUID(int=99))


def another_host_in_the_database(session: MemorySession) -> None:
    row = session.row()
    host = replace(row.experience.host, id=UUID(int=99))
    session.memory.rows.events[row.id] = replace(row, experience=replace(row.experience, host=host))


CHANGES: Final[dict[str, Change]] = {
    "host stake": of_event(host_stake=Wei(1)),
    "host": of_event(host=STRANGER),
    "fullness": of_event(status=EventStatus.FULL),
    "payment": of_booking(payment=Wei(1)),
    "stake": of_booking(stake=Wei(1)),
    "seats": of_booking(seats=2),
    "user": of_booking(user=STRANGER),
    "stake percentage": of_chain(stake_percent=21),
    "fee percentage": of_chain(fee_percent=6),
    "contract": of_chain(contract=Address("0x" + "9" * 40)),
    "a booking more": another_booking,
    "a booking cancelled in the database": of_row(status="cancelled"),
    "a row lost": a_lost_row,
    "another row": another_row_id,
    "whose booking it is": of_row(traveler=Person(UUID(int=99), "Another", None)),
    "whose event it is": another_host_in_the_database,
    "start": of_event(starts_at=1),
    "experience's price": of_event(price_per_seat=Wei(1)),
    "when it was created": of_event(created_at=1),
    "when it was booked": of_booking(booked_at=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_plan_is_not_executed_when_anything_moved(change: Change) -> None:
    """Whatever of the state is different now, the plan that somebody looked at is void."""
    session, plan = planned()
    session.chain.sent.clear()
    change(session)
    with pytest.raises(Refused, match="has moved since the plan was made"):
        execute(session, plan)
    assert not session.chain.sent


@given(st.data())
def test_a_plan_is_not_executed_after_any_amount_moved(data: st.DataObject) -> None:
    """A single wei more or less, anywhere, is enough."""
    session, plan = planned()
    number = data.draw(st.integers(0, 3))
    by = data.draw(st.integers(-(10**15), 10**15).filter(bool))
    head = session.chain.head
    if number == 0:
        stake = Wei(head.events[1].host_stake + by)
        head.events[1] = replace(head.events[1], host_stake=stake)
    else:
        name = data.draw(st.sampled_from(["payment", "stake"]))
        booking = head.bookings[number]
        changed: dict[str, Any] = {name: Wei(getattr(booking, name) + by)}
        head.bookings[number] = replace(booking, **changed)
    with pytest.raises(Refused, match="has moved since the plan was made"):
        execute(session, plan)


def test_a_plan_is_not_executed_after_a_reorg_moved_the_creation() -> None:
    """Everything is there again, in other blocks: numbers may have changed hands meanwhile."""
    session, plan = planned()
    session.chain.reorg(len(session.chain.blocks) - 1)
    session.chain.mine()
    session.begin_event()
    session.chain.sent.clear()
    with pytest.raises(Refused, match="has moved since the plan was made") as refusal:
        execute(session, plan)
    assert {"created_in", "bookings"} <= set(refusal.value.details["moved"])
    assert not session.chain.sent


def test_an_event_whose_creation_a_reorg_undid_is_not_ended() -> None:
    """Its number is another's now, though host and experience look the same."""
    session = platform().with_bookings()
    event = session.chain.head.events[1]
    session.chain.reorg(len(session.chain.blocks) - 1, forget=True)
    session.chain.mine()
    session.chain.head.events[1] = event
    with pytest.raises(Refused, match="A reorg undid") as refusal:
        cancellation_of(session)
    assert refusal.value.details == {"tx_hashes": [session.last.tx_hash]}


def test_a_node_that_hides_a_receipt_proves_no_reorg() -> None:
    """The block it stood in is there still: the node is behind, and it may be run again."""
    session = platform().with_bookings()
    del session.chain.head.receipts[session.last.tx_hash]
    with pytest.raises(RpcUnreachable, match="whose block it has"):
        cancellation_of(session)


def test_a_refusal_names_what_moved() -> None:
    """An operator need not search for it."""
    session, plan = planned()
    session.chain.fee_percent = 6
    with pytest.raises(Refused, match=r"\(fee_percent\)") as refusal:
        execute(session, plan)
    assert refusal.value.details == {"moved": ["fee_percent"]}


def test_a_plan_of_an_unmoved_state_is_executed() -> None:
    """Blocks and time may pass."""
    session, plan = planned()
    session.chain.mine(5)
    session.memory.now += timedelta(hours=23)
    execute(session, plan)
    assert (session.last.status, session.last.arguments["attended"]) == (Status.CONFIRMED, [1, 2])


leaves = st.one_of(st.none(), st.integers(), st.text(max_size=5))
contents = st.dictionaries(
    st.text(max_size=5), st.one_of(leaves, st.lists(st.lists(leaves, max_size=3), max_size=3))
)


@given(contents, contents)
def test_different_contents_have_different_hashes(one: dict[str, Any], two: dict[str, Any]) -> None:
    """No part can be changed for another without the hash telling."""
    assume(one != two)
    assert hash_of(one) != hash_of(two)


@given(contents)
def test_the_order_of_a_content_does_not_matter(content: dict[str, Any]) -> None:
    """The hash is of one canonical writing."""
    assert hash_of(dict(reversed(content.items()))) == hash_of(content)


@pytest.mark.parametrize("other", [("1",), ("1", "2", "3"), ("3",)])
def test_another_attendance_is_another_plan(other: tuple[str, ...]) -> None:
    """Who came is part of what was looked at."""
    session, plan = planned()
    request = AttendanceRequest(attended=other)
    another = event_completion.plan_completion("1", request, choices(), session)
    assert event_completion.store(another, session).hash != plan.hash


def test_the_genesis_block_and_the_chain_are_part_of_a_plan() -> None:
    """A plan made on a test chain is none for the real one."""
    session, _ = planned()
    ending = read_ending_event("1", session)
    other = replace(ending, snapshot=replace(ending.snapshot, genesis_hash=Hash("0x" + "9" * 64)))
    before = state_of(ending, session)
    assert hash_of(state_of(other, session)) != hash_of(before)
    session.set(chain_id=1)
    assert hash_of(state_of(ending, session)) != hash_of(before)


# --- how long, how often, for what ------------------------------------------------------


def cancellation_of(session: MemorySession) -> Plan:
    """A stored plan to cancel the first event."""
    plan = event_cancellation.plan_cancellation("1", "rain", choices(), session)
    return event_cancellation.store(plan, session)


@pytest.mark.parametrize(("minutes", "is_alive"), [(15, True), (16, False)])
def test_a_cancellation_plan_lives_a_quarter_of_an_hour(*, minutes: int, is_alive: bool) -> None:
    """After that somebody must look again."""
    session = platform().with_bookings(1)
    plan = cancellation_of(session)
    session.memory.now += timedelta(minutes=minutes)
    if is_alive:
        assert event_cancellation.plan_execution("1", plan.hash, choices(), session).plan == plan
        return
    with pytest.raises(Refused, match="has expired"):
        event_cancellation.plan_execution("1", plan.hash, choices(), session)


def test_a_cancellation_plan_is_executed_with_its_reason() -> None:
    """The reason is part of what was looked at."""
    session = platform().with_bookings(1)
    plan = cancellation_of(session)
    ready = event_cancellation.plan_execution("1", plan.hash, choices(), session)
    event_cancellation.cancel(ready, choices(), session)
    assert (session.last.reason, session.last.status) == ("rain", Status.CONFIRMED)


def test_a_plan_executed_again_gives_the_first_result() -> None:
    """It is used once, and nothing is sent a second time."""
    session, plan = planned()
    execute(session, plan)
    sent = len(session.chain.sent)
    execute(session, plan)
    assert len(session.chain.sent) == sent


def test_a_plan_of_another_kind_is_told() -> None:
    """A completion's hash does not cancel, and the message says what it is."""
    session, plan = planned()
    with pytest.raises(Refused, match="the plan of a completion of event 1") as refusal:
        event_cancellation.plan_execution("1", plan.hash, choices(), session)
    assert f"event complete 1 --execute {plan.hash}" in (refusal.value.hint or "")


def test_an_option_is_no_plan() -> None:
    """`--execute --dry-run` has forgotten the hash, whatever the next word is."""
    session, _ = planned()
    with pytest.raises(WrongUsage, match="--dry-run is an option"):
        event_completion.plan_execution("1", "--dry-run", choices(), session)


def test_a_plan_for_another_event_is_refused() -> None:
    """Both the plan and the event are named, and must agree."""
    session, plan = planned()
    arguments = (str(EXPERIENCE_ID), int(SEAT), 1, session.chain.head.time + 999)
    session.chain.do(Call("createEventRun", arguments, SEAT))
    with pytest.raises(Refused, match="That plan is for event 1, not 2"):
        event_completion.plan_execution("2", plan.hash, choices(), session)


def test_a_plan_is_named_by_the_beginning_of_its_hash() -> None:
    """As transactions are."""
    session, plan = planned()
    ready = event_completion.plan_execution("1", f" {plan.hash[:8].upper()}", choices(), session)
    assert ready.plan == plan


def test_an_ambiguous_beginning_of_a_hash_is_refused() -> None:
    """Nobody consents to one of two."""
    session, plan = planned()
    other = plan.hash[:8] + "0" * 56
    session.memory.rows.plans[other] = replace(plan, hash=other)
    with pytest.raises(Refused, match="Several plans begin with"):
        event_completion.plan_execution("1", plan.hash[:8], choices(), session)


def test_a_beginning_of_a_few_characters_is_wrong_usage() -> None:
    """It would match by chance."""
    session, plan = planned()
    with pytest.raises(WrongUsage, match="Too short"):
        event_completion.plan_execution("1", plan.hash[:3], choices(), session)


def test_an_unknown_hash_is_not_found() -> None:
    """The message says how to make a plan."""
    session, _ = planned()
    with pytest.raises(NotFound):
        event_completion.plan_execution("1", "0" * 64, choices(), session)
