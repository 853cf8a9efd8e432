"""Top-ups in memory: their numbers, and what is looked at before one is sent again."""

from dataclasses import replace

import pytest

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import Status
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import topup
from mayhouse_cli.operations.replacement import fill, plan_fill
from mayhouse_cli.operations.topup import TopUp
from mayhouse_cli.operations.transactions import list_stuck
from tests.twin_chain import PLATFORM, STRANGER
from tests.twin_session import TREASURY, MemorySession, choices, platform

ETH = 10**18


def short() -> MemorySession:
    """A platform one ETH below its threshold; both wallets have 100."""
    return platform(
        balance_warning_eth=Wei(101 * ETH),
        topup_target_eth=Wei(101 * ETH),
        topup_daily_cap_eth=Wei(10 * ETH),
        treasury_wallet="treasury",
    )


def top_up(session: MemorySession) -> TopUp:
    """Run the command."""
    session.wait_for(5)
    plan = topup.plan_topup(choices(wait=False), session)
    return topup.top_up(plan, choices(wait=False), session)


def keys(session: MemorySession) -> list[tuple[str, int]]:
    """Each top-up's number and generation."""
    return [(one.intent_key.rpartition(":")[2], one.generation) for one in session.recorded]


def test_a_number_is_given_again_only_when_its_top_up_cannot_happen() -> None:
    """A second after a confirmed one; a second generation after a replaced one."""
    session = short()
    top_up(session)
    session.resume()
    top_up(session)
    session.chain.use_nonce(TREASURY)
    session.chain.mine()
    top_up(session)
    assert keys(session) == [("1", 1), ("2", 1), ("2", 2)]
    assert session.recorded[1].status is Status.REPLACED


def test_a_top_up_that_another_run_recorded_first_is_told_as_made_before() -> None:
    """Two runs of one moment have one plan; the second signs nothing, and says so."""
    session = short()
    session.wait_for(5)
    plans = [topup.plan_topup(choices(), session) for _ in range(2)]
    made = [topup.top_up(plan, choices(), session) for plan in plans]
    assert [one.topped_up_before for one in made] == [False, True]
    assert len({one.transaction.tx_hash for one in made}) == len(session.recorded) == 1


def test_the_platforms_key_signs_no_top_up() -> None:
    """Only the treasury is asked to."""
    session = short()
    top_up(session)
    assert [one.sender for one in session.recorded] == [TREASURY]
    assert (session.signer.signed, session.signer.unlocked) == ([], 0)


def test_the_days_cap_is_held_against_the_record_that_is_made() -> None:
    """Under the lock, whatever the plan had seen: nothing is recorded and nothing is sent."""
    session = short()
    plan = topup.plan_topup(choices(), session)
    session.set(topup_daily_cap_eth=Wei(ETH // 2))
    with pytest.raises(Refused, match="over their cap"):
        topup.top_up(plan, choices(), session)
    assert (session.recorded, session.chain.sent) == ([], [])


def test_what_is_stuck_is_told_for_each_wallet() -> None:
    """Each has nonces of its own: the treasury's are not held against the platform's."""
    session = short()
    session.create_event()
    session.wait_for(5)
    top_up(session)
    session.chain.mines = False
    session.wait_for(1)
    with pytest.raises(Unconfirmed):
        session.create_event(seats=2)
    stuck = list_stuck(session)
    assert [one.waits_for for one in stuck.transactions] == ["a block", "a block"]
    assert stuck.missing_nonces == ()


def test_a_top_up_of_a_wallet_that_was_given_up_is_not_sent_again() -> None:
    """Its nonce is filled by the treasury; the money stays there."""
    session = short()
    top_up(session)
    session.chain.pool.clear()
    pin = session.journal.pinned()
    assert pin is not None
    assert pin.sender == PLATFORM
    session.memory.rows.pin = replace(pin, sender=STRANGER)
    with pytest.raises(Refused):  # it did not happen
        session.resume()
    (only,) = session.recorded
    assert only.status is Status.CANCELLED
    filler = session.treasury.signed[-1]
    assert (filler.recipient, filler.value) == (TREASURY, 0)


def test_a_gap_of_the_treasury_is_filled_by_the_treasury() -> None:
    """The hint is the command that helps: the next top-up may be long in coming."""
    session = short()
    session.chain.mines = False
    session.chain.head.nonces[TREASURY] = 0
    session.chain.pool[TREASURY, 0] = b"sent from elsewhere"
    top_up(session)
    session.chain.pool.clear()
    stuck = list_stuck(session)
    assert stuck.missing_nonces == (0,)
    assert "`tx cancel --nonce 0 --treasury` fills it" in stuck.transactions[0].waits_for
    with pytest.raises(Refused, match="Nothing waits behind nonce 0"):
        plan_fill(0, choices(), session)  # the platform's own
    session.wait_for(5)
    fill(plan_fill(0, choices(wait=False), session, of_treasury=True), session, wait=False)
    filler = session.last
    assert (filler.sender, filler.recipient, filler.nonce) == (TREASURY, TREASURY, 0)
    session.resume()
    assert [one.status for one in session.recorded] == [Status.CONFIRMED, Status.CONFIRMED]
