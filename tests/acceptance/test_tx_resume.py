"""`mayhouse tx resume`, `speedup` and `cancel` as an operator or a cron job sees them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mayhouse import Mayhouse
from tests.stopped_chain import SHORT, StoppedChain, stopped


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


# --- resume -------------------------------------------------------------------------------


def test_nothing_to_resume_is_0(chain: StoppedChain) -> None:
    """Cron may run it at any time."""
    data = chain.run("tx", "resume").data
    assert (data["transactions"], data["finished"], data["unfinished"]) == ([], 0, 0)
    assert "Nothing is unfinished" in chain.text("tx", "resume").out


def test_everything_finished_is_0(chain: StoppedChain, waiting: str) -> None:
    """Each is listed with its end."""
    second = create(chain, 2)
    chain.mine()
    out = chain.text("tx", "resume").out
    assert waiting in out
    assert second in out
    assert out.count("confirmed ") == 2
    assert "  2 confirmed\n" in out


def test_a_cancel_that_was_ordered_is_0(chain: StoppedChain, waiting: str) -> None:
    """It neither reverted nor failed; it is counted beside what was confirmed."""
    chain.send("tx", "cancel", waiting)
    create(chain, 2)
    chain.mine()
    data = chain.run("tx", "resume").data
    assert (data["finished"], data["confirmed"], data["cancelled_as_ordered"]) == (2, 1, 1)


def test_something_that_waits_is_7(chain: StoppedChain, waiting: str) -> None:
    """It is named, and how to learn more."""
    run = chain.run("tx", "resume", "--timeout", SHORT)
    assert (run.code, waiting in run.error["message"]) == (7, True)
    assert f"tx show {identity(chain, waiting)[:8]}" in run.error["hint"]
    assert run.document["data"]["unfinished"] == 1


def test_no_wait_is_0_while_it_is_young(chain: StoppedChain, waiting: str) -> None:
    """A cron job is not alarmed by what has just been sent."""
    assert chain.run("tx", "resume", "--no-wait").data["unfinished"] == 1
    assert "1 still unfinished" in chain.text("tx", "resume", "--no-wait").out
    assert chain.record(waiting)["status"] == "sent"


@pytest.mark.parametrize(("hours", "code"), [("1", 1), ("3", 0)])
def test_no_wait_is_1_once_it_is_old(
    chain: StoppedChain, waiting: str, hours: str, code: int
) -> None:
    """Older than --max-age is a finding."""
    chain.mayhouse.execute(
        "UPDATE mayhouse.transactions SET created_at = created_at - interval '2 hours'"
    )
    run = chain.run("tx", "resume", "--no-wait", "--max-age", hours)
    assert run.code == code
    assert run.document["data"]["transactions"][0]["tx_hash"] == waiting


def test_a_resume_by_name_leaves_the_others_alone(chain: StoppedChain, waiting: str) -> None:
    """Only the one that is named is looked at."""
    create(chain, 2)
    chain.mine()
    assert chain.run("tx", "resume", waiting).data["finished"] == 1
    assert len(chain.run("tx", "list", "--unfinished").data["transactions"]) == 1


def test_what_cannot_be_replaced_is_told(chain: StoppedChain, waiting: str) -> None:
    """Too old and refused now, its nonce must be filled, and the cap is too low for that."""
    chain.mayhouse.execute(
        "UPDATE mayhouse.transactions SET created_at = created_at - interval '2 hours'"
    )
    chain.set_stake_percent(40)
    (chain.mayhouse.folder / "config.toml").write_text('max_fee_gwei = "0.001"\n')
    run = chain.run("tx", "resume", "--timeout", SHORT)
    assert run.code == 7
    (problem,) = run.document["warnings"]
    assert identity(chain, waiting)[:8] in problem
    assert "the cap is" in problem


# --- speedup and cancel ---------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_a_replacement_needs_consent(chain: StoppedChain, waiting: str, verb: str) -> None:
    """Exit 4 naming --yes, and nothing is signed."""
    run = chain.run("tx", verb, waiting)
    assert (run.code, "--yes" in run.error["hint"]) == (4, True)
    assert len(chain.attempts(waiting)) == 1


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_a_dry_run_shows_both_fees(chain: StoppedChain, waiting: str, verb: str) -> None:
    """And signs nothing."""
    out = chain.text("tx", verb, waiting, "--dry-run").out
    assert out.startswith(f"{verb} {identity(chain, waiting)[:8]} (create_event, nonce ")
    assert "->" in out
    assert len(chain.attempts(waiting)) == 1


@pytest.mark.parametrize("words", [[], ["7f3a", "--nonce", "3"]], ids=["neither", "both"])
def test_a_cancel_is_of_a_transaction_or_a_nonce(chain: StoppedChain, words: list[str]) -> None:
    """Exactly one of them."""
    assert chain.run("tx", "cancel", *words, "-y").code == 2


def test_a_replacement_gives_the_whole_record(chain: StoppedChain, waiting: str) -> None:
    """The same document as `tx show`."""
    data: dict[str, Any] = chain.send("tx", "speedup", waiting)
    assert data == chain.run("tx", "show", waiting).data


@pytest.mark.parametrize("verb", ["speedup", "cancel"])
def test_what_is_finished_is_not_replaced(chain: StoppedChain, waiting: str, verb: str) -> None:
    """Exit 6 with its state."""
    chain.mine()
    assert chain.resume().code == 0
    run = chain.run("tx", verb, waiting, "-y")
    assert (run.code, "is confirmed" in run.error["message"]) == (6, True)
