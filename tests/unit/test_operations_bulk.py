"""A file of bookings against a node that has no room, rejects or forgets: each happens once."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from mayhouse_cli.errors import FeeTooHigh, Refused, RpcUnreachable, Unconfirmed
from mayhouse_cli.models import Call, Kind, NewBooking, SendAnswer, SendOutcome, Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import bulk, event_cancellation
from mayhouse_cli.operations.bulk import Target
from mayhouse_cli.operations.bulk_bookings import BookingFile, plan_bookings, read_bookings
from mayhouse_cli.operations.bulk_results import BulkResult
from tests.twin_contract import cost_of
from tests.twin_session import TRAVELERS, MemorySession, choices, platform

NO_ROOM = SendAnswer(SendOutcome.REJECTED, "txpool is full", no_room=True)
REJECTED = SendAnswer(SendOutcome.REJECTED, "insufficient funds")


@pytest.fixture
def session() -> MemorySession:
    """A platform with an event of forty seats."""
    here = platform()
    here.create_event(seats=40)
    here.wait_for(50)
    return here


def write(folder: Path, rows: int) -> Path:
    """A file of so many bookings by three travelers."""
    file = folder / "bookings.csv"
    lines = [f"1;{TRAVELERS[n % 3]};1" for n in range(rows)]
    file.write_text("\n".join(["event;traveler;seats", *lines]))
    return file


def run(file: Path, session: MemorySession, window: int = 8) -> BulkResult:
    """Import a file, as the command does."""
    target = Target(file, f"mayhouse booking import {file}", window=window)

    def read() -> BookingFile:
        return read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)

    listed = read()
    bulk.finish_earlier(listed.earlier, target, session)
    plan = plan_bookings(read(), choices(), session)
    return bulk.make(plan, choices(), target, session)


def booked(session: MemorySession) -> int:
    """How many bookings are on chain."""
    return len(session.chain.head.bookings)


def test_rows_that_a_node_has_no_room_for_are_sent_again_later(
    session: MemorySession, tmp_path: Path
) -> None:
    """The free nonces are taken first, so that what was taken behind them goes on."""
    accepted = SendAnswer(SendOutcome.ACCEPTED)
    session.chain.answers = [accepted, NO_ROOM, accepted, NO_ROOM, NO_ROOM]
    result = run(write(tmp_path, 12), session)
    assert (result.confirmed, result.failed) == (12, 0)
    assert booked(session) == 12
    failed = [one for one in session.recorded if one.status is Status.FAILED]
    assert len(failed) == 3
    nonces = sorted(one.nonce for one in session.recorded if one.status is Status.CONFIRMED)
    assert nonces == list(range(13))


def test_a_row_that_a_node_rejects_does_not_stop_the_rest(
    session: MemorySession, tmp_path: Path
) -> None:
    """Its nonce goes to the next row."""
    session.chain.answers = [SendAnswer(SendOutcome.ACCEPTED), REJECTED]
    with pytest.raises(Refused) as refused:
        run(write(tmp_path, 20), session)
    result = refused.value.known
    assert isinstance(result, BulkResult)
    assert (result.confirmed, result.failed, booked(session)) == (19, 1, 19)
    assert result.rows[1].error == "the node rejected it: insufficient funds"


def test_a_gap_that_no_row_is_left_to_fill_is_filled_by_an_empty_transfer(
    session: MemorySession, tmp_path: Path
) -> None:
    """What waits behind it would wait for ever."""
    session.chain.answers = [SendAnswer(SendOutcome.ACCEPTED), REJECTED]
    with pytest.raises(Refused) as refused:
        run(write(tmp_path, 4), session)
    result = refused.value.known
    assert isinstance(result, BulkResult)
    assert (result.confirmed, result.failed, booked(session)) == (3, 1, 3)


def test_rows_refused_on_chain_are_told_and_the_rest_is_made(
    session: MemorySession, tmp_path: Path
) -> None:
    """A stranger takes seats between the plan and the blocks."""
    file = write(tmp_path, 40)
    target = Target(file, "again", window=8)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plan = plan_bookings(listed, choices(), session)
    cost = cost_of(session.chain.head.events[1], 3, 20)
    session.chain.do(Call("bookEvent", (1, 3), cost.total))
    with pytest.raises(Refused) as refused:
        bulk.make(plan, choices(), target, session)
    result = refused.value.known
    assert isinstance(result, BulkResult)
    assert (result.confirmed, result.failed) == (37, 3)
    with pytest.raises(Refused):  # told again, and not tried again by itself
        run(file, session)
    assert booked(session) == 38


def test_what_an_earlier_run_has_left_is_finished_first(
    session: MemorySession, tmp_path: Path
) -> None:
    """A chain that stands still ends it with 7; the next run makes the rest."""
    file = write(tmp_path, 12)
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        run(file, session)
    session.chain.mines = True
    session.wait_for(50)
    session.chain.pool.clear()  # and the node has forgotten what it had
    assert run(file, session).confirmed == 12
    assert booked(session) == 12


def test_nodes_that_never_have_room_end_it_with_5(session: MemorySession, tmp_path: Path) -> None:
    """Nothing is out then, and the same command can be run again."""
    session.chain.answers = [NO_ROOM] * 10_000
    session.wait_for(20)
    with pytest.raises(RpcUnreachable) as unreachable:
        run(write(tmp_path, 3), session)
    assert isinstance(unreachable.value.known, BulkResult)
    assert (unreachable.value.known.not_made, booked(session)) == (3, 0)
    session.chain.answers.clear()
    session.wait_for(50)
    assert run(write(tmp_path, 3), session).confirmed == 3


def test_what_was_agreed_to_bounds_the_price_of_the_whole_file(
    session: MemorySession, tmp_path: Path
) -> None:
    """Gas that costs more later is waited for and never paid."""
    file = write(tmp_path, 3)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plan = plan_bookings(listed, choices(), session)
    assert plan.terms is not None
    dear = replace(plan, terms=replace(plan.terms, max_fee=Wei(1)))
    with pytest.raises(FeeTooHigh) as refused:
        bulk.make(dear, choices(), Target(file, "again"), session)
    assert isinstance(refused.value.known, BulkResult)
    assert refused.value.known.not_made == 3
    assert len(session.recorded) == 1


def test_a_stake_that_changes_meanwhile_stops_what_is_not_signed_yet(
    session: MemorySession, tmp_path: Path
) -> None:
    """Every batch is held against the terms that were agreed to."""
    file = write(tmp_path, 3)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plan = plan_bookings(listed, choices(), session)
    session.chain.stake_percent = 25
    with pytest.raises(Refused, match="agreed to were 20 %"):
        bulk.make(plan, choices(), Target(file, "again"), session)
    assert len(session.recorded) == 1


def test_rows_of_the_database_and_rows_with_a_key_are_made_once(
    session: MemorySession, tmp_path: Path
) -> None:
    """However the rest of the file is changed between two runs."""
    row = UUID(int=99)
    event = session.row().id
    price = Decimal(2500)
    session.bookings.insert(NewBooking(row, event, TRAVELERS[0], 2, price, price, price))
    file = tmp_path / "mixed.csv"
    header = "Booking ID\tEvent\tTraveler\tSeats\tKey"
    lines = [f"{row}\t\t\t\t", f"\t1\t{TRAVELERS[1]}\t1\tspring-1"]
    file.write_text("\n".join([header, *lines]), encoding="utf-16")
    first = run(file, session)
    assert [one.seats for one in first.rows] == [2, 1]
    assert session.bookings.by_ids([row])[row].chain_booking_id == 1
    more = f"\t1\t{TRAVELERS[1]}\t1\tspring-2"
    file.write_text("\n".join([header, *reversed(lines), more]))
    session.wait_for(50)
    again = run(file, session)
    assert (again.confirmed, again.confirmed_before, booked(session)) == (3, 2, 3)


def test_rows_that_another_run_recorded_first_are_told_as_made_before(
    session: MemorySession, tmp_path: Path
) -> None:
    """Two runs of one moment have one plan; the second makes nothing, and says so."""
    file = write(tmp_path, 3)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plans = [plan_bookings(listed, choices(), session) for _ in range(2)]
    target = Target(file, f"mayhouse booking import {file}", window=8)
    first, second = (bulk.make(plan, choices(), target, session) for plan in plans)
    assert (first.confirmed, first.confirmed_before, booked(session)) == (3, 0, 3)
    assert (second.confirmed, second.confirmed_before, second.fee_wei) == (3, 3, 0)


def test_what_a_row_says_besides_its_booking_must_be_true(
    session: MemorySession, tmp_path: Path
) -> None:
    """Columns that were sorted apart must not book for another."""
    row = UUID(int=99)
    price = Decimal(2500)
    new = NewBooking(row, session.row().id, TRAVELERS[0], 2, price, price, price)
    session.bookings.insert(new)
    file = tmp_path / "mixed.csv"
    file.write_text(f"booking,seats\n{row},3\n{UUID(int=98)},1\n")
    with pytest.raises(Refused) as refused:
        run(file, session)
    assert refused.value.details["problems"] == [
        "line 2: the booking's seats is 2, not 3",
        f"line 3: there is no booking {UUID(int=98)} in the database",
    ]


def test_seats_that_are_not_there_are_named_beside_other_bad_rows(
    session: MemorySession, tmp_path: Path
) -> None:
    """All bad lines in one go, or the file is mended twice."""
    file = tmp_path / "bad.csv"
    rows = [f"1,{TRAVELERS[0]},one", f"1,{TRAVELERS[0]},999", f"1,{TRAVELERS[1]},2"]
    file.write_text("\n".join(["event,traveler,seats", *rows]))
    with pytest.raises(Refused) as refused:
        run(file, session)
    not_a_number, too_many = refused.value.details["problems"]
    assert not_a_number == "line 2: not a number of seats: one"
    assert too_many.startswith("line 3: ")
    assert "40" in too_many


def test_a_repeated_import_row_after_a_rejection_stands_again(
    session: MemorySession, tmp_path: Path
) -> None:
    """Its row was cancelled with the first run, and is confirmed with the second."""
    file = write(tmp_path, 1)
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        run(file, session)
    (row,) = session.memory.rows.bookings
    assert session.memory.rows.bookings[row].status == "cancelled"
    session.wait_for(50)
    assert run(file, session).confirmed == 1
    assert session.memory.rows.bookings[row].status == "confirmed"


def test_an_event_that_is_being_ended_meanwhile_is_not_booked(
    session: MemorySession, tmp_path: Path
) -> None:
    """An end that was recorded after the plan does not know of these bookings."""
    file = write(tmp_path, 3)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plan = plan_bookings(listed, choices(), session)
    end = event_cancellation.plan_cancellation("1", "rain", choices(), session)
    session.chain.mines = False
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        event_cancellation.cancel(end, choices(), session)
    session.chain.mines = True
    session.wait_for(50)
    with pytest.raises(Unconfirmed, match="A transaction on event 1 is unfinished"):
        bulk.make(plan, choices(), Target(file, "again"), session)
    assert [one.kind for one in session.recorded] == [Kind.CREATE_EVENT, Kind.CANCEL_EVENT]


def test_a_batch_over_the_cap_of_a_day_is_not_signed(
    session: MemorySession, tmp_path: Path
) -> None:
    """The sum of its rows counts, when it is planned and again under the lock."""
    cost = cost_of(session.chain.head.events[1], 1, 20).total
    cap = Wei(session.last.value + 3 * cost - 1)
    file = write(tmp_path, 3)
    listed = read_bookings(file, choices(), session, allow_repeats=False, retry_failed=False)
    plan = plan_bookings(listed, choices(), session)
    session.set(max_daily_eth=cap)
    with pytest.raises(Refused, match="over the cap"):
        bulk.make(plan, choices(), Target(file, "again"), session)
    with pytest.raises(Refused, match="over the cap"):
        run(file, session)
    assert (len(session.recorded), booked(session)) == (1, 0)
    (tmp_path / "fewer").mkdir()
    assert run(write(tmp_path / "fewer", 2), session).confirmed == 2
