"""Reconciliation: each way in which rows and chain can differ is found, and mended where proven."""

from collections.abc import Iterator
from typing import Final

import pytest

from mayhouse_cli.errors import Refused
from mayhouse_cli.operations.event_cancellation import plan_cancellation
from tests.chain_node import ChainNode
from tests.compared import (
    ACTIVE,
    ATTENDED,
    CANCELLED,
    COMPLETED,
    NO_SHOW,
    OPEN,
    REFUNDED,
    STRANGER,
    Compared,
    built,
    cloned,
)
from tests.database_server import DatabaseServer
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, PLATFORM
from tests.twin_session import choices

NEW_ROW: Final = "00000000-0000-4000-8000-0000000000c9"
NEW_BOOKING: Final = "00000000-0000-4000-8000-0000000000b9"
OTHER_HASH: Final = "0x" + "ab" * 32
PRICE: Final = 12_500_000_000_000_000
CREATE: Final = "createEventRun(string,uint256,uint256,uint256)"
BOOK: Final = "bookEvent(uint256,uint256)"


def event(number: int, *changes: str) -> str:
    """Change an event's row."""
    where = f"WHERE blockchain_event_run_id = {number}"
    return f"UPDATE event_runs SET {', '.join(changes)} {where}"  # noqa: S608 made of constants


def booking(number: int, *changes: str) -> str:
    """Change a booking's row."""
    where = f"WHERE blockchain_booking_id = {number}"
    return f"UPDATE event_run_bookings SET {', '.join(changes)} {where}"  # noqa: S608 the same


def new_event(columns: str, values: str, source: str) -> str:
    """Add an event's row with these blockchain columns, selected from somewhere."""
    return (
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"  # noqa: S608 the same
        f" {columns}) SELECT '{NEW_ROW}', '{EXPERIENCE_ID}', now(), now() + interval '1 hour', 4,"
        f" {values} FROM {source}"
    )


NO_EVENT_NUMBER: Final = "blockchain_event_run_id = NULL"
NO_BOOKING_NUMBER: Final = "blockchain_booking_id = NULL"
SWAPPED_EVENTS: Final = (
    "UPDATE event_runs SET blockchain_event_run_id = blockchain_event_run_id + 90;"
    "UPDATE event_runs SET blockchain_event_run_id = CASE blockchain_event_run_id"
    " WHEN 92 THEN 3 WHEN 93 THEN 2 ELSE 1 END"
)
SWAPPED_BOOKINGS: Final = (
    "UPDATE event_run_bookings SET blockchain_booking_id = blockchain_booking_id + 90;"
    "UPDATE event_run_bookings SET blockchain_booking_id = CASE blockchain_booking_id"
    " WHEN 93 THEN 4 WHEN 94 THEN 3 ELSE blockchain_booking_id - 90 END"
)
FORGOTTEN_CREATION: Final = (
    "DELETE FROM mayhouse.attempts WHERE transaction_id IN (SELECT id FROM mayhouse.transactions"
    " WHERE kind = 'create_event' AND chain_object_id = 2);"
    "DELETE FROM mayhouse.transactions WHERE kind = 'create_event' AND chain_object_id = 2"
)

NEW_BOOKING_ROW: Final = (
    "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"  # noqa: S608 the same
    f" SELECT '{NEW_BOOKING}', id, '{ASHA}', 1 FROM event_runs"
    " WHERE blockchain_event_run_id = 1"
)
OTHER_EXPERIENCE: Final = (
    "INSERT INTO experiences (id, host_id, title, price_inr)"  # noqa: S608 the same
    f" SELECT '{NEW_ROW}', host_id, 'Other', 1 FROM experiences LIMIT 1;"
)


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Compared]:
    """One platform for the whole file; nothing changes its database."""
    folder = tmp_path_factory.mktemp("compared")
    with built(node_process, contract, database_server, folder) as platform:
        yield platform


@pytest.fixture
def compared(platform: Compared, database_server: DatabaseServer) -> Iterator[Compared]:
    """The platform on a database of the test's own, its chain put back afterwards."""
    snapshot = platform.mayhouse.node.snapshot()
    with cloned(platform, database_server) as compared:
        yield compared
    platform.mayhouse.node.revert(snapshot)


def test_a_platform_that_agrees_with_the_chain_has_no_findings(compared: Compared) -> None:
    """Nor notices; everything was looked at."""
    result = compared.reconcile()
    assert (result.findings, result.changes) == ((), ())
    assert (result.events_checked, result.bookings_checked) == (3, 5)


PROVABLE: Final = {
    "an event's number": ("event_number_lost", event(OPEN, NO_EVENT_NUMBER)),
    "an event's number and hash": (
        "event_number_lost",
        event(OPEN, NO_EVENT_NUMBER, "blockchain_tx_hash = NULL", "blockchain_status = 'pending'"),
    ),
    "an event's number that is not in the journal": (
        "event_number_lost",
        event(OPEN, NO_EVENT_NUMBER) + ";" + FORGOTTEN_CREATION,
    ),
    "two events' numbers": ("event_number_wrong", SWAPPED_EVENTS),
    "an event's hash": (
        "event_hash_wrong",
        event(OPEN, f"blockchain_tx_hash = '{OTHER_HASH}'"),
    ),
    "an event's chain status": ("event_sync_wrong", event(OPEN, "blockchain_status = 'failed'")),
    "a completed event's status": ("event_ended_on_chain", event(COMPLETED, "status = 'sold_out'")),
    "a cancelled event's status": (
        "event_ended_on_chain",
        event(CANCELLED, "status = 'completed'"),
    ),
    "a booking's number": (
        "booking_number_lost",
        booking(ACTIVE, NO_BOOKING_NUMBER, "blockchain_stake_amount_wei = NULL"),
    ),
    "two bookings' numbers": ("booking_number_wrong", SWAPPED_BOOKINGS),
    "a booking's hash": (
        "booking_hash_wrong",
        booking(ACTIVE, f"blockchain_tx_hash = '{OTHER_HASH}'"),
    ),
    "a booking's stake": (
        "booking_stake_differs",
        booking(ACTIVE, "blockchain_stake_amount_wei = 1"),
    ),
    "who came": ("booking_ended_on_chain", booking(ATTENDED, "booking_status = 'no_show'")),
    "who did not": ("booking_ended_on_chain", booking(NO_SHOW, "booking_status = 'confirmed'")),
    "a refunded booking": (
        "booking_ended_on_chain",
        booking(REFUNDED, "booking_status = 'confirmed'"),
    ),
    "everything of an event": (
        "event_number_lost",
        event(COMPLETED, NO_EVENT_NUMBER, "status = 'scheduled'", "blockchain_tx_hash = NULL")
        + ";"
        + booking(ATTENDED, NO_BOOKING_NUMBER, "booking_status = 'confirmed'"),
    ),
}


@pytest.mark.parametrize(("code", "spoilt"), PROVABLE.values(), ids=PROVABLE)
def test_what_a_receipt_proves_is_found_and_mended(
    compared: Compared, code: str, spoilt: str
) -> None:
    """Found without --fix and left alone; with it the rows are as they were, and stay clean."""
    before = compared.rows()
    compared.spoil(spoilt)
    after = compared.rows()
    found = compared.reconcile()
    assert code in {one.code for one in found.alarms}
    assert {one.remedy for one in found.alarms if one.code == code} == {"mayhouse reconcile --fix"}
    assert compared.rows() == after
    mended = compared.reconcile(fix=True)
    assert (mended.findings, compared.rows()) == ((), before)
    assert mended.changes


def test_a_number_that_another_row_has_taken_is_given_back(compared: Compared) -> None:
    """The receipt gives it to the row of its creation; the other one keeps nothing of it."""
    before = compared.rows()
    taken = new_event("blockchain_event_run_id, blockchain_status", "2, 'confirmed'", "experiences")
    compared.spoil(event(OPEN, NO_EVENT_NUMBER) + ";" + taken)
    found = {one.code for one in compared.reconcile().alarms}
    assert found == {"event_number_lost", "event_number_taken"}
    assert compared.reconcile(fix=True).findings == ()
    assert [row for row in compared.rows() if row[0] != NEW_ROW] == before
    (taken,) = [row for row in compared.rows() if row[0] == NEW_ROW]
    assert (taken[1], taken[3]) == (None, "pending")


def test_a_change_is_logged_with_what_was_before_and_what_proves_it(compared: Compared) -> None:
    """One row of the operators' log for each row that was written."""
    compared.spoil(event(OPEN, NO_EVENT_NUMBER, "blockchain_status = 'pending'"))
    (change,) = compared.reconcile(fix=True).changes
    entry = compared.mayhouse.row(
        "SELECT command, arguments, before, after FROM mayhouse.operator_log"
        " WHERE after IS NOT NULL ORDER BY id DESC LIMIT 1"
    )
    assert entry["command"] == "reconcile"
    assert entry["arguments"]["proven_by"] == list(change.tx_hashes)
    assert (entry["before"]["number"], entry["after"]["number"]) == (None, str(OPEN))
    assert (entry["before"]["sync"], entry["after"]["sync"]) == ("pending", "confirmed")


def test_nothing_is_written_when_a_row_was_changed_meanwhile(compared: Compared) -> None:
    """What was shown is not what would be overwritten."""
    compared.spoil(event(OPEN, NO_EVENT_NUMBER))
    with pytest.raises(Refused, match="changed meanwhile"):
        compared.reconcile(
            fix=True,
            meanwhile="UPDATE event_runs SET status = 'low_seats'"
            " WHERE blockchain_event_run_id IS NULL",
        )
    numbers = {row[1] for row in compared.rows() if row[3] is not None}
    assert numbers == {COMPLETED, None, CANCELLED}


UNPROVABLE: Final = {
    "seats of an event": ("event_seats_differ", event(OPEN, "max_capacity = 3")),
    "start of an event": (
        "event_start_differs",
        event(OPEN, "start_datetime = start_datetime + interval '1 hour'"),
    ),
    "price of an event": ("event_price_differs", event(OPEN, "special_pricing_inr = 3000")),
    "a cancellation that never was": (
        "event_cancelled_in_database",
        event(OPEN, "status = 'cancelled'"),
    ),
    "a completion that never was": (
        "event_completed_in_database",
        event(OPEN, "status = 'completed'"),
    ),
    "a live booking that is cancelled here": (
        "booking_cancelled_in_database",
        booking(ACTIVE, "booking_status = 'cancelled'"),
    ),
    "a live booking that came here": (
        "booking_ended_in_database",
        booking(ACTIVE, "booking_status = 'experience_completed'"),
    ),
    "seats of a booking": ("booking_seats_differ", booking(ACTIVE, "traveler_count = 2")),
    "an event that the contract does not know": (
        "event_not_on_chain",
        new_event("blockchain_event_run_id", "99", "experiences"),
    ),
    "an event with the hash of a completion": (
        "event_number_lost",
        new_event(
            "blockchain_tx_hash",
            "tx_hash",
            "mayhouse.transactions WHERE kind = 'complete_event'",
        ),
    ),
    "a confirmed event without number or hash": (
        "event_number_missing",
        new_event("blockchain_status", "'confirmed'", "experiences"),
    ),
    "a booking that was never made": ("booking_never_made", NEW_BOOKING_ROW),
    "a row of another experience": (
        "event_is_another",
        OTHER_EXPERIENCE + event(OPEN, f"experience_id = '{NEW_ROW}'"),
    ),
}


@pytest.mark.parametrize(("code", "spoilt"), UNPROVABLE.values(), ids=UNPROVABLE)
def test_what_no_receipt_proves_is_found_and_left_alone(
    compared: Compared, code: str, spoilt: str
) -> None:
    """It is named with another remedy than --fix."""
    compared.spoil(spoilt)
    before = compared.rows()
    result = compared.reconcile(fix=True)
    assert code in {one.code for one in result.alarms}
    assert "--fix" not in {one.code: one.remedy for one in result.alarms}[code]
    assert (compared.rows(), result.changes) == (before, ())


def test_what_is_under_way_is_not_judged(compared: Compared) -> None:
    """An unfinished creation explains a row without a number, and an event without a row."""
    compared.spoil(event(OPEN, NO_EVENT_NUMBER, "blockchain_status = 'pending'"))
    compared.spoil(
        "UPDATE mayhouse.transactions SET status = 'sent', chain_object_id = NULL"
        " WHERE kind = 'create_event' AND chain_object_id = 2"
    )
    codes = {one.code for one in compared.reconcile().alarms}
    assert not any(code.startswith("event_") for code in codes)


# --- what only the chain has ----------------------------------------------------------------


def create(compared: Compared, sender: str) -> None:
    """Create an event by a plain call; it gets number 4."""
    start = compared.mayhouse.chain_time + 90_000
    arguments = (EXPERIENCE_ID, PRICE, 4, start)
    compared.contract.do(CREATE, *arguments, sender=sender, value=PRICE * 4 // 5)


def test_a_strangers_event_is_a_notice(compared: Compared) -> None:
    """He may open as many as he likes: the check does not fail."""
    create(compared, STRANGER)
    result = compared.reconcile()
    (notice,) = result.findings
    assert (notice.code, notice.subject, result.alarms) == ("foreign_event", "event 4", ())
    assert STRANGER.lower() in notice.detail


def test_a_strangers_booking_of_our_event_is_a_finding(compared: Compared) -> None:
    """It takes a seat of ours, and the completion must name it."""
    compared.contract.do(BOOK, OPEN, 1, sender=STRANGER, value=PRICE * 6 // 5)
    (finding,) = compared.reconcile().alarms
    assert (finding.code, finding.subject) == ("foreign_booking", "booking 6")
    assert "--no-show" in finding.remedy


def test_an_event_of_our_wallet_without_a_row_is_a_finding(compared: Compared) -> None:
    """Its stake is ours, and nobody would ever complete it."""
    create(compared, PLATFORM)
    (finding,) = compared.reconcile().alarms
    assert (finding.code, finding.subject) == ("event_without_row", "event 4")


def test_a_booking_of_our_wallet_without_a_row_is_a_finding(compared: Compared) -> None:
    """Its money is somebody's, and no row says whose."""
    compared.contract.do(BOOK, OPEN, 1, sender=PLATFORM, value=PRICE * 6 // 5)
    (finding,) = compared.reconcile().alarms
    assert (finding.code, finding.subject) == ("booking_without_row", "booking 6")


def test_our_booking_of_a_strangers_event_is_a_finding(compared: Compared) -> None:
    """Only he can end it."""
    create(compared, STRANGER)
    compared.contract.do(BOOK, 4, 1, sender=PLATFORM, value=PRICE * 6 // 5)
    codes = [one.code for one in compared.reconcile().alarms]
    assert codes == ["booking_of_a_strangers_event"]


def test_a_changed_traveler_is_told_and_its_event_cannot_be_ended(compared: Compared) -> None:
    """Whose stake it is stands in the booking's own record; nothing is rewritten."""
    compared.spoil(booking(ACTIVE, f"traveler_id = '{ASHA}'"))
    (finding,) = compared.reconcile(fix=True).alarms
    assert (finding.code, finding.subject) == ("traveler_changed", f"booking {ACTIVE}")
    assert BINA in finding.remedy
    with compared.session() as session, pytest.raises(Refused, match=f"{BINA}.*{ASHA}"):
        plan_cancellation(str(OPEN), "rain", choices(), session)


def test_a_booking_whose_transaction_did_not_happen_is_told(compared: Compared) -> None:
    """Its event is open still, and its row says that it stands."""
    compared.spoil(
        "UPDATE mayhouse.transactions SET status = 'failed', chain_object_id = NULL"  # noqa: S608 the same
        f" WHERE kind = 'book_event' AND chain_object_id = {ACTIVE};"
        + booking(ACTIVE, "blockchain_booking_id = NULL")
    )
    found = {one.code: one.detail for one in compared.reconcile().alarms}
    assert "did not happen" in found["booking_never_made"]
