"""Ends that a deeper reorg has undone: the rows go back, and forward again, once."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.mayhouse import ASHA, BINA, Mayhouse
from tests.stopped_chain import StoppedChain, stopped

DAYS: Final = 2 * 86_400
STATUS: Final = "SELECT status::text AS status FROM event_runs"
BOOKINGS: Final = (
    "SELECT booking_status::text AS status FROM event_run_bookings ORDER BY blockchain_booking_id"
)


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


@pytest.fixture
def completed(chain: StoppedChain) -> str:
    """The hash of a confirmed completion: one traveler came, one did not."""
    chain.send("event", "create", chain.new_event_row())
    confirm(chain)
    for traveler in (ASHA, BINA):
        chain.send("booking", "create", "1", "--traveler", traveler, "--seats", "1")
        confirm(chain)
    chain.mayhouse.warp(DAYS)
    tx_hash: str = chain.send("event", "complete", "1", "--attended", "1")["tx_hash"]
    confirm(chain)
    return tx_hash


def confirm(chain: StoppedChain) -> None:
    """Have what is out mined and recorded."""
    chain.mine()
    assert chain.resume().data["finished"] == 1


def statuses(chain: StoppedChain) -> list[str]:
    """What the rows of the event and its bookings say."""
    rows = [*chain.mayhouse.rows(STATUS), *chain.mayhouse.rows(BOOKINGS)]
    return [row["status"] for row in rows]


def settlement(chain: StoppedChain) -> list[dict[str, object]]:
    """Every settlement line."""
    return chain.mayhouse.rows(
        "SELECT line, chain_booking_id, amount_wei FROM mayhouse.settlements ORDER BY 1, 2"
    )


def test_a_completion_that_is_gone_is_taken_back(chain: StoppedChain, completed: str) -> None:
    """Event and bookings are as before it, until it is mined again."""
    assert statuses(chain) == ["completed", "experience_completed", "no_show"]
    chain.reorg(1)
    assert chain.resume(completed).data["transactions"][0]["status"] == "sent"
    assert statuses(chain) == ["scheduled", "confirmed", "confirmed"]


@pytest.mark.parametrize("again", [False, True], ids=["gone", "in another block"])
def test_a_completion_is_settled_once(chain: StoppedChain, completed: str, *, again: bool) -> None:
    """Mined again, the rows and the lines are those of the first time."""
    before = settlement(chain)
    chain.reorg(1, *([chain.raw(completed)] if again else []))
    chain.resume(completed)
    chain.mine()
    chain.resume()
    assert chain.record(completed)["status"] == "confirmed"
    assert statuses(chain) == ["completed", "experience_completed", "no_show"]
    assert settlement(chain) == before
    assert chain.run("audit").code == 0


# --- what had not happened ------------------------------------------------------------------


@pytest.fixture
def reverted(chain: StoppedChain) -> str:
    """The hash of a creation that was mined and refused."""
    tx_hash: str = chain.send("event", "create", chain.new_event_row())["tx_hash"]
    chain.set_stake_percent(40)
    chain.mine()
    assert chain.resume().code == 6
    chain.set_stake_percent(20)
    return tx_hash


def undo(chain: StoppedChain) -> None:
    """Undo the last block, and the change of the stake that the contract asks for."""
    chain.reorg(1)
    chain.set_stake_percent(20)


def test_a_revert_that_is_gone_is_found(chain: StoppedChain, reverted: str) -> None:
    """Its bytes can be mined again, and then succeed."""
    assert chain.run("audit").code == 0
    undo(chain)
    run = chain.run("audit")
    (finding,) = run.document["data"]["findings"]
    assert (run.code, finding["code"], finding["subject"]) == (1, "late_reorg", reverted)


def test_a_revert_that_became_a_success_is_recorded_as_one(
    chain: StoppedChain, reverted: str
) -> None:
    """Nothing that happened is lost."""
    undo(chain)
    chain.hand_over(chain.raw(reverted))
    chain.mine()
    assert chain.resume(reverted).data["transactions"][0]["status"] == "confirmed"
    row = str(chain.record(reverted)["event_id"])
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": reverted}
    assert chain.run("audit").code == 0


def test_a_cancel_that_is_gone_is_taken_up_again(chain: StoppedChain) -> None:
    """Only the cancel is sent, not the original; whichever is mined counts."""
    original = chain.send("event", "create", chain.new_event_row())["tx_hash"]
    cancel = chain.send("tx", "cancel", original)["tx_hash"]
    chain.mine()
    assert chain.resume().code == 0
    chain.reorg(1, chain.raw(original))
    assert chain.run("audit").code == 1
    assert chain.resume(cancel).data["transactions"][0]["status"] == "confirmed"
    assert chain.record(original)["tx_hash"] == original


def test_a_revert_that_was_tried_again_is_not_taken_up(chain: StoppedChain, reverted: str) -> None:
    """Two generations of one intent are a person's to sort out: exit 6 naming the other."""
    row = str(chain.record(reverted)["event_id"])
    again = chain.send("event", "create", row)["tx_hash"]
    chain.reorg(1)
    run = chain.resume(reverted)
    assert (run.code, run.error["details"]["tx_hash"]) == (6, again)
    assert chain.record(reverted)["status"] == "reverted"


def test_a_rival_that_is_gone_gives_the_nonce_back(chain: StoppedChain) -> None:
    """What it had replaced is found by audit, taken up by its id, and happens once."""
    tx_hash = chain.send("event", "create", chain.new_event_row())["tx_hash"]
    chain.hand_over(chain.rival_of(tx_hash)[1])
    chain.mine()
    assert chain.resume().code == 6
    assert chain.run("audit").code == 0
    chain.reorg(1)
    chain.mayhouse.node.rpc("anvil_dropAllTransactions")
    (finding,) = chain.run("audit").document["data"]["findings"]
    assert (finding["code"], finding["subject"]) == ("late_reorg", tx_hash)
    chain.resume(tx_hash)
    chain.mine()
    chain.resume()
    row = str(chain.record(tx_hash)["event_id"])
    assert chain.event_row(row) == {"number": 1, "status": "confirmed", "hash": tx_hash}
    assert chain.run("audit").code == 0


# --- mined on a stranger's event before anybody could cancel it -------------------------------


def booked_on_a_strangers(chain: StoppedChain, *, alike: bool) -> str:
    """Have our booking mined when its number is a stranger's event, at our price or half of it."""
    creation = chain.send("event", "create", chain.new_event_row())
    confirm(chain)
    words = ("booking", "create", "1", "--traveler", ASHA, "--seats", "1")
    tx_hash: str = chain.send(*words)["tx_hash"]
    chain.reorg(1)
    chain.mayhouse.node.rpc("anvil_dropAllTransactions")
    chain.stranger_creates(int(creation["price_per_seat_wei"]) // (1 if alike else 2))
    chain.hand_over(chain.raw(creation["tx_hash"]))
    chain.hand_over(chain.raw(tx_hash))
    chain.mine()
    assert chain.bookings_of(1) == [1]
    return tx_hash


def test_a_booking_of_a_strangers_event_is_not_confirmed(chain: StoppedChain) -> None:
    """At the same price its receipt looks like ours: the traveler has no seat all the same."""
    tx_hash = booked_on_a_strangers(chain, alike=True)
    chain.resume()
    assert chain.record(tx_hash)["status"] != "confirmed"


def test_a_booking_that_was_lost_to_a_stranger_is_told(chain: StoppedChain) -> None:
    """Nothing is recorded of it as a success, and resume says that a person has to decide."""
    tx_hash = booked_on_a_strangers(chain, alike=False)
    run = chain.resume()
    assert any("it needs a person" in problem for problem in run.document["warnings"])
    assert chain.record(tx_hash)["status"] == "sent"
