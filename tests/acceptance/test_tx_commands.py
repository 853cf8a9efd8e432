"""`mayhouse tx` as an operator sees it: what is listed, shown, and how it is named."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.mayhouse import Mayhouse
from tests.stopped_chain import StoppedChain, stopped

KEYS: Final = {
    *("id", "kind", "status", "event_id", "booking_id", "nonce", "tx_hash"),
    *("value_wei", "fee_wei", "attempts"),
}
ATTEMPT_KEYS: Final = {"attempt", "tx_hash", "max_fee_wei", "outcome"}


@pytest.fixture
def chain(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """A platform whose chain stands still."""
    with stopped(mayhouse) as chain:
        yield chain


@pytest.fixture
def waiting(chain: StoppedChain) -> str:
    """The hash of a creation that is out and not mined."""
    return create(chain, 1)


def create(chain: StoppedChain, number: int) -> str:
    """Send the creation of a row's event."""
    tx_hash: str = chain.send("event", "create", chain.new_event_row(number))["tx_hash"]
    return tx_hash


def identity(chain: StoppedChain, tx_hash: str) -> str:
    """The id of a transaction."""
    return str(chain.record(tx_hash)["id"])


# --- list ---------------------------------------------------------------------------------


def test_a_list_without_transactions_says_so(chain: StoppedChain) -> None:
    """An empty table would look like a failure."""
    assert chain.text("tx", "list").out == "No transactions.\n"
    assert chain.run("tx", "list").data == {"transactions": []}


def test_a_list_is_newest_first(chain: StoppedChain, waiting: str) -> None:
    """With the keys that scripts rely on."""
    second = create(chain, 2)
    listed = chain.run("tx", "list").data["transactions"]
    assert [one["tx_hash"] for one in listed] == [second, waiting]
    assert set(listed[0]) >= KEYS
    assert set(listed[0]["attempts"][0]) >= ATTEMPT_KEYS


def test_a_listed_hash_is_whole(chain: StoppedChain, waiting: str) -> None:
    """The id is shortened to what names it; hash and status are not."""
    (line,) = [one for one in chain.text("tx", "list").out.splitlines() if waiting in one]
    assert line.startswith(identity(chain, waiting)[:8])
    assert "create_event   sent" in line


def test_unfinished_lists_only_what_is_open(chain: StoppedChain, waiting: str) -> None:
    """What is confirmed is left out."""
    chain.mine()
    assert chain.resume().code == 0
    second = create(chain, 2)
    listed = chain.run("tx", "list", "--unfinished").data["transactions"]
    assert [one["tx_hash"] for one in listed] == [second]
    assert waiting in chain.run("tx", "list").out


def test_a_limit_keeps_the_newest(chain: StoppedChain, waiting: str) -> None:
    """At most so many."""
    second = create(chain, 2)
    listed = chain.run("tx", "list", "--limit", "1").data["transactions"]
    assert [one["tx_hash"] for one in listed] == [second]
    assert second != waiting


def test_nothing_stuck_says_so(chain: StoppedChain) -> None:
    """With its two keys for a script."""
    assert "Nothing is stuck" in chain.text("tx", "list", "--stuck").out
    data = chain.run("tx", "list", "--stuck").data
    assert data == {"transactions": [], "missing_nonces": []}


def test_stuck_tells_what_each_waits_for(chain: StoppedChain, waiting: str) -> None:
    """The lowest nonce first: that one holds up the others."""
    create(chain, 2)
    listed = chain.run("tx", "list", "--stuck").data["transactions"]
    nonce = chain.record(waiting)["nonce"]
    assert [one["waits_for"] for one in listed] == ["a block", f"nonce {nonce} to be mined first"]
    assert "waits for a block" in chain.text("tx", "list", "--stuck").out


def test_stuck_tells_how_many_blocks_are_wanted(chain: StoppedChain) -> None:
    """What is mined only waits for depth."""
    chain.send("event", "create", chain.new_event_row(), "--confirmations", "3")
    chain.mine()
    chain.resume()
    (one,) = chain.run("tx", "list", "--stuck").data["transactions"]
    assert one["waits_for"] == "more blocks: it wants 3"


# --- show, and how a transaction is named ---------------------------------------------------


def test_show_tells_everything(chain: StoppedChain, waiting: str) -> None:
    """The list's keys, and what only the record knows."""
    shown = chain.run("tx", "show", waiting).data
    assert set(shown) >= KEYS | {"intent_key", "arguments", "wanted_depth", "block_hash", "undone"}
    assert shown["attempts"][0]["tx_hash"] == waiting
    assert (shown["attempts"][0]["attempt"], shown["attempts"][0]["outcome"]) == (1, "accepted")
    assert shown["attempts"][0]["max_fee_wei"].isdigit()


def test_show_lists_every_version_for_a_person(chain: StoppedChain, waiting: str) -> None:
    """Number, purpose, outcome, fee and the whole hash of each."""
    dearer = chain.send("tx", "speedup", waiting)["tx_hash"]
    out = chain.text("tx", "show", waiting).out
    (line,) = [one for one in out.splitlines() if dearer in one and "speedup" in one]
    assert line.split()[:3] == ["2", "speedup", "accepted"]
    assert "gwei" in line
    assert waiting in out


def name_of(chain: StoppedChain, tx_hash: str, how: str) -> str:
    """Name a transaction as an operator may."""
    names = {
        "id": identity(chain, tx_hash),
        "beginning": identity(chain, tx_hash)[:8],
        "capitals": identity(chain, tx_hash)[:8].upper(),
        "no dashes": identity(chain, tx_hash).replace("-", "")[:12],
        "hash": tx_hash,
        "beginning of hash": tx_hash[:10],
    }
    return names[how]


@pytest.mark.parametrize(
    "how", ["id", "beginning", "capitals", "no dashes", "hash", "beginning of hash"]
)
def test_a_transaction_has_many_names(chain: StoppedChain, waiting: str, how: str) -> None:
    """Any beginning of its id or hash will do."""
    assert chain.run("tx", "show", name_of(chain, waiting, how)).data["tx_hash"] == waiting


def test_an_older_versions_hash_names_it_too(chain: StoppedChain, waiting: str) -> None:
    """It is what an operator may have noted down."""
    dearer = chain.send("tx", "speedup", waiting)["tx_hash"]
    assert chain.run("tx", "show", waiting).data["tx_hash"] == dearer


@pytest.mark.parametrize("verb", ["show", "resume", "speedup", "cancel"])
@pytest.mark.parametrize("name", ["0xdeadbeef", "no-such-thing"])
def test_an_unknown_name_is_6(chain: StoppedChain, verb: str, name: str) -> None:
    """And says where to look."""
    run = chain.run("tx", verb, name)
    assert (run.code, run.error["code"]) == (6, "not_found")
    assert "tx list" in run.error["hint"]


def test_a_name_of_several_is_6_and_lists_them(chain: StoppedChain, waiting: str) -> None:
    """Nothing is guessed where money moves."""
    ids = [identity(chain, one) for one in (waiting, create(chain, 2))]
    chain.mayhouse.execute("UPDATE mayhouse.attempts SET tx_hash = '0xabcd' || right(tx_hash, 60)")
    run = chain.run("tx", "cancel", "0xabcd", "-y")
    assert (run.code, run.error["code"]) == (6, "not_found")
    assert all(one in run.error["message"] for one in ids)


def test_a_name_that_is_too_short_is_wrong_usage(chain: StoppedChain, waiting: str) -> None:
    """It would fit by chance."""
    assert chain.run("tx", "show", waiting[:3]).code == 2


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_a_replacement_takes_no_key_of_its_own(chain: StoppedChain, verb: str) -> None:
    """A key that would protect nothing is refused, not ignored."""
    run = chain.run("tx", verb, "7f3a", "--idempotency-key", "december", "-y")
    assert (run.code, run.error["code"]) == (2, "usage")
