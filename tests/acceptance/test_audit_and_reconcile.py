"""`audit` and `reconcile` as cron and an operator run them."""

import pytest

from tests.mayhouse import ASHA, PLATFORM, Mayhouse
from tests.raw_contract import RawContract
from tests.terminal import Terminal

OWED = 25_000_000_000_000_000  # wei, of an event with four seats and one booking
LOST = "UPDATE event_runs SET blockchain_event_run_id = NULL, blockchain_status = 'pending'"


@pytest.fixture
def platform(mayhouse: Mayhouse) -> Mayhouse:
    """A platform with one event and one booking."""
    mayhouse.book(mayhouse.create_event()["chain_event_id"], ASHA)
    return mayhouse


def test_a_drained_escrow_is_an_alarm(platform: Mayhouse) -> None:
    """Exit 1 with the exact shortfall; before the withdrawal exit 0, with the whole escrow."""
    sound = platform.json("audit").data
    assert sound["escrow"]["liabilities_wei"] == sound["escrow"]["balance_wei"] == str(OWED)
    assert (sound["escrow"]["surplus_wei"], sound["findings"]) == ("0", [])
    RawContract(platform.node, platform.contract).do("emergencyWithdraw()", sender=PLATFORM)
    run = platform.json("audit")
    assert (run.code, run.error["code"]) == (1, "findings")
    data = run.document["data"]
    assert (data["escrow"]["surplus_wei"], data["escrow"]["balance_wei"]) == (f"-{OWED}", "0")
    (finding,) = data["findings"]
    assert finding["code"] == "escrow_short"
    assert f"{OWED} wei are missing" in finding["detail"]


def test_a_person_reads_the_escrow_and_each_remedy(platform: Mayhouse) -> None:
    """What is held and owed, then what was found."""
    platform.execute("UPDATE event_run_bookings SET booking_status = 'cancelled'")
    run = platform.run("audit")
    assert run.code == 1
    assert "it owes 0.025000 ETH" in " ".join(run.out.split())
    assert "✗ booking_cancelled_in_database  booking 1" in run.out
    assert "--attended or --no-show of `mayhouse event complete 1`" in run.out


def test_a_fix_needs_consent(platform: Mayhouse) -> None:
    """Exit 4 where nobody can be asked, and nothing is written."""
    platform.execute(LOST)
    run = platform.json("reconcile", "--fix")
    assert (run.code, "--yes" in run.error["hint"]) == (4, True)
    assert platform.row("SELECT blockchain_event_run_id AS n FROM event_runs") == {"n": None}


def test_a_fix_is_written_once_and_the_next_run_is_clean(platform: Mayhouse) -> None:
    """Found with exit 1, mended with exit 0, and then nothing is left to do."""
    platform.execute(LOST)
    found = platform.json("reconcile")
    assert (found.code, found.document["data"]["findings"][0]["code"]) == (1, "event_number_lost")
    (change,) = platform.json("reconcile", "--fix", "-y").data["changes"]
    assert (change["before"]["number"], change["after"]["number"]) == (None, "1")
    clean = platform.json("reconcile", "--fix", "-y").data
    assert (clean["changes"], clean["findings"]) == ([], [])


def test_each_change_is_shown_before_it_is_agreed_to(platform: Mayhouse) -> None:
    """Before and after, at a terminal; declined, nothing is written."""
    platform.execute(LOST)
    with Terminal("reconcile", "--fix", env=platform.environment, cwd=platform.folder) as terminal:
        shown = terminal.expect("[y/N]")
        terminal.type("n")
        assert terminal.finish() == 4
    assert "number: none -> 1" in shown
    assert "sync: pending -> confirmed" in shown
    assert platform.row("SELECT blockchain_event_run_id AS n FROM event_runs") == {"n": None}
