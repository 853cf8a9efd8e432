"""Reorgs deeper than was waited for: found by the audit, mended by a resume, paying no stranger."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.mayhouse import ASHA, Mayhouse
from tests.stopped_chain import BOOKING_COUNTER, EVENT_COUNTER, StoppedChain, stopped

K: Final = 3
PRICE: Final = 10**16  # wei, of a stranger's seat: below ours


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


@pytest.fixture
def confirmed(chain: StoppedChain) -> str:
    """The hash of a creation that is confirmed, K blocks deep."""
    return create(chain, 1, K)


def create(chain: StoppedChain, number: int, depth: int = 1) -> str:
    """Create an event of a row, and confirm it."""
    row = chain.new_event_row(number)
    tx_hash: str = chain.send("event", "create", row, "--confirmations", str(depth))["tx_hash"]
    chain.mine(depth)
    assert chain.resume().data["finished"] == 1
    return tx_hash


def event_of(chain: StoppedChain, tx_hash: str) -> dict[str, object]:
    """What the row says that this creation made."""
    return chain.event_row(str(chain.record(tx_hash)["event_id"]))


# --- found and mended -------------------------------------------------------------------


def test_an_audit_finds_nothing_where_nothing_moved(chain: StoppedChain, confirmed: str) -> None:
    """Exit 0 with how many it looked at."""
    data = chain.run("audit").data
    assert (data["transactions_checked"], data["findings"]) == (1, [])
    assert event_of(chain, confirmed)["status"] == "confirmed"


@pytest.mark.parametrize("again", [False, True], ids=["gone", "in another block"])
def test_an_audit_finds_a_late_reorg(chain: StoppedChain, confirmed: str, *, again: bool) -> None:
    """Exit 1, naming the hash and the command that mends it."""
    raw = chain.raw(confirmed)
    chain.reorg(K + 2, *([raw] if again else []))
    run = chain.run("audit")
    (finding,) = run.document["data"]["findings"]
    short = str(chain.record(confirmed)["id"])[:8]
    assert (run.code, run.error["code"]) == (1, "findings")
    assert (finding["code"], finding["subject"]) == ("late_reorg", confirmed)
    assert finding["remedy"] == f"mayhouse tx resume {short}"


def test_an_audit_changes_nothing(chain: StoppedChain, confirmed: str) -> None:
    """What it found is still there for the next one."""
    before = chain.record(confirmed)
    chain.reorg(K + 2)
    assert chain.run("audit").code == 1
    assert chain.record(confirmed) == before


def test_a_person_reads_what_to_do(chain: StoppedChain, confirmed: str) -> None:
    """Hash and remedy are in the text as well."""
    chain.reorg(K + 2)
    out = chain.text("audit").out
    assert confirmed in out
    assert "mayhouse tx resume" in out


def test_a_resume_of_all_leaves_what_is_confirmed_alone(
    chain: StoppedChain, confirmed: str
) -> None:
    """Only the one that is named is taken up again."""
    chain.reorg(K + 2)
    assert chain.resume().data["transactions"] == []
    assert chain.record(confirmed)["status"] == "confirmed"


def test_a_resume_by_name_takes_it_up_again(chain: StoppedChain, confirmed: str) -> None:
    """The row gives up its number, the history keeps the block, the same bytes go out again."""
    old = chain.record(confirmed)["block_hash"]
    chain.reorg(K + 2)
    data = chain.resume(confirmed).data["transactions"][0]
    assert (data["status"], data["tx_hash"]) == ("sent", confirmed)
    assert event_of(chain, confirmed) == {"number": None, "status": "pending", "hash": confirmed}
    assert [one["block_hash"] for one in chain.record(confirmed)["undone"]] == [old]
    assert chain.nonce("pending") == chain.nonce() + 1


def test_what_was_taken_up_again_is_confirmed_again(chain: StoppedChain, confirmed: str) -> None:
    """In its new block, once, and the audit has nothing to say any more."""
    chain.reorg(K + 2)
    chain.resume(confirmed)
    chain.mine(K)
    assert chain.resume().data["transactions"][0]["status"] == "confirmed"
    assert event_of(chain, confirmed) == {"number": 1, "status": "confirmed", "hash": confirmed}
    assert (chain.run("audit").code, chain.counter(EVENT_COUNTER)) == (0, 1)


def test_what_stands_in_another_block_is_confirmed_there(
    chain: StoppedChain, confirmed: str
) -> None:
    """One resume is enough: nothing has to be sent."""
    old = chain.record(confirmed)["block_hash"]
    chain.reorg(K + 2, chain.raw(confirmed))
    assert chain.resume(confirmed).data["transactions"][0]["status"] == "confirmed"
    assert chain.record(confirmed)["block_hash"] != old
    assert chain.run("audit").code == 0


# --- numbers that moved -------------------------------------------------------------------


@pytest.fixture
def swapped(chain: StoppedChain) -> tuple[str, str]:
    """Two confirmed events whose numbers the chain has the other way round than the record."""
    first, second = create(chain, 1), create(chain, 2)
    chain.reorg(4, chain.raw(first), chain.raw(second))
    chain.mayhouse.execute(
        "UPDATE mayhouse.transactions SET chain_object_id = 3 - chain_object_id;"
        "UPDATE event_runs SET blockchain_event_run_id = blockchain_event_run_id + 10;"
        "UPDATE event_runs SET blockchain_event_run_id = 13 - blockchain_event_run_id"
    )
    assert [event_of(chain, one)["number"] for one in (first, second)] == [2, 1]
    return first, second


@pytest.mark.parametrize("named", [0, 1])
def test_events_that_swapped_their_numbers_are_both_rewritten(
    chain: StoppedChain, swapped: tuple[str, str], named: int
) -> None:
    """Whichever is resumed, both rows follow at once, though the numbers are unique."""
    assert chain.resume(swapped[named]).code == 0
    assert [event_of(chain, one)["number"] for one in swapped] == [1, 2]
    assert [chain.record(one)["status"] for one in swapped] == ["confirmed", "confirmed"]
    assert chain.run("audit").code == 0


def test_events_that_a_stranger_moved_up_are_all_rewritten(chain: StoppedChain) -> None:
    """A stranger takes the first number: each of ours takes the next one's, in one resume."""
    ours = [create(chain, number) for number in (1, 2, 3)]
    chain.reorg(K + 2)
    chain.stranger_creates(PRICE)
    for one in ours:
        chain.hand_over(chain.raw(one))
    chain.mine()
    assert chain.run("audit").error["message"].startswith("3 findings")
    assert chain.resume(ours[0]).code == 0
    assert [event_of(chain, one)["number"] for one in ours] == [2, 3, 4]
    assert chain.run("audit").code == 0


# --- a number that belongs to a stranger now ----------------------------------------------


@pytest.fixture(params=["not mined", "mined"])
def booking(chain: StoppedChain, request: pytest.FixtureRequest) -> str:
    """A booking of our event 1, when a reorg has given that number to a stranger."""
    create(chain, 1)
    words = ("booking", "create", "1", "--traveler", ASHA, "--seats", "1", "--confirmations", "3")
    tx_hash: str = chain.send(*words)["tx_hash"]
    if request.param == "mined":
        chain.mine()
        assert chain.resume().data["transactions"][0]["status"] == "mined"
    chain.reorg(2)
    chain.mayhouse.node.rpc("anvil_dropAllTransactions")
    chain.stranger_creates(PRICE)
    return tx_hash


def creation(chain: StoppedChain) -> str:
    """The hash of our event's creation."""
    query = "SELECT tx_hash FROM mayhouse.transactions WHERE kind = 'create_event'"
    tx_hash: str = chain.mayhouse.row(query)["tx_hash"]
    return tx_hash


def test_the_hazard_is_real(chain: StoppedChain, booking: str) -> None:
    """The recorded bytes would book the stranger's event, and lose the excess."""
    chain.hand_over(chain.raw(creation(chain)))
    chain.hand_over(chain.raw(booking))
    chain.mine()
    event = chain.event(1)
    assert event is not None
    assert chain.bookings_of(1) == [1]
    assert chain.record(booking)["value_wei"] > event.price_per_seat * 6 // 5


def test_a_booking_does_not_pay_a_stranger(chain: StoppedChain, booking: str) -> None:
    """Its nonce is filled by a cancel, its intent ends, and the stranger has no booking."""
    attempts = chain.resume().data["transactions"][0]["attempts"]
    assert [one["purpose"] for one in attempts] == ["original", "cancel"]
    assert chain.resume(creation(chain)).code == 0
    chain.mine(K)
    assert chain.resume().code == 6
    assert chain.record(booking)["status"] == "cancelled"
    assert chain.counter(BOOKING_COUNTER) == 0


def test_the_event_moves_to_its_new_number(chain: StoppedChain, booking: str) -> None:
    """Ours comes after the stranger's, and can be booked there."""
    assert chain.record(booking)["chain_event_id"] == 1
    chain.resume()
    chain.resume(creation(chain))
    chain.mine(K)
    chain.resume()
    assert event_of(chain, creation(chain))["number"] == 2
    chain.send("booking", "create", "2", "--traveler", ASHA, "--seats", "1")
    chain.mine()
    assert chain.resume().code == 0
    assert (chain.bookings_of(1), chain.bookings_of(2)) == ([], [1])


def test_a_booking_does_not_pay_for_another_event_of_ours(chain: StoppedChain) -> None:
    """A number that a like event of the platform has now is another event all the same."""
    first, second = create(chain, 1), create(chain, 2)
    words = ("booking", "create", "2", "--traveler", ASHA, "--seats", "1")
    booking = chain.send(*words)["tx_hash"]
    chain.reorg(K)
    chain.mayhouse.node.rpc("anvil_dropAllTransactions")
    chain.stranger_creates(PRICE)
    chain.hand_over(chain.raw(first))
    chain.mine()
    assert chain.resume(second).data["transactions"][0]["status"] == "sent"
    chain.resume(booking)
    assert [one["purpose"] for one in chain.attempts(booking)] == ["original", "cancel"]
