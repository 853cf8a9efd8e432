"""A file of bookings against a node that has no room, rejects or forgets: each happens once."""

from pathlib import Path

import pytest

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import Call, SendAnswer, SendOutcome, Status
from mayhouse_cli.operations import bulk
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
