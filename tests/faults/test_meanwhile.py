"""What comes between a plan and its record: another process, or a contract that was changed."""

import signal
import time
from typing import Final

import pytest

from tests.faults.gates import stop_at, wait_until_stopped
from tests.faults.oracle import Oracle
from tests.faults.processes import Child, start
from tests.faults.scenarios import EVENT_ROW, add_event_row
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, PLATFORM, Mayhouse
from tests.raw_contract import RawContract
from tests.terminal import Terminal

BEFORE_THE_LOCK: Final = "before PostgresJournal.lock"
THINKING: Final = 3.5  # seconds: longer than a plan is fresh


@pytest.fixture
def oracle(mayhouse: Mayhouse) -> Oracle:
    """An event with one booking, judged from here on."""
    add_event_row(mayhouse)
    oracle = Oracle(mayhouse)
    assert oracle.run("event", "create", EVENT_ROW, "-y").code == 0
    assert oracle.run(*booking_of(ASHA)).code == 0
    return oracle


def booking_of(traveler: str) -> tuple[str, ...]:
    """The words that book a seat."""
    return ("booking", "create", "1", "--seats", "1", "--traveler", traveler, "-y")


def stopped(mayhouse: Mayhouse, *words: str) -> Child:
    """Start a command, which stops when all is planned and nothing recorded."""
    child = start(
        *(*words, "--json"),
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=stop_at,
        arguments=(BEFORE_THE_LOCK,),
    )
    wait_until_stopped(child)
    return child


def cancellation(oracle: Oracle) -> tuple[str, ...]:
    """A stored plan's execution, which asks nothing."""
    plan = oracle.run("event", "cancel", "1", "--reason", "rain", "--plan").data["plan_hash"]
    return ("event", "cancel", "1", "--execute", plan)


def owed(mayhouse: Mayhouse) -> list[str]:
    """Who is owed a refund."""
    rows = mayhouse.rows("SELECT payee_id FROM mayhouse.payables WHERE kind = 'refund' ORDER BY 1")
    return [str(row["payee_id"]) for row in rows]


def test_a_cancellation_does_not_forget_a_traveler_who_booked_meanwhile(
    mayhouse: Mayhouse, oracle: Oracle
) -> None:
    """It is refused; planned again, both travelers are owed their refund."""
    sleeper = stopped(mayhouse, *cancellation(oracle))
    assert oracle.run(*booking_of(BINA)).code == 0
    sleeper.kill(signal.SIGCONT)
    refused = sleeper.wait()
    assert (refused.code, refused.error["code"]) == (6, "refused")
    assert "has moved since this was planned" in refused.error["message"]
    assert oracle.run(*cancellation(oracle)).code == 0
    assert owed(mayhouse) == [ASHA, BINA]
    oracle.examine().demand_none()


def test_a_traveler_does_not_pay_for_what_was_cancelled_meanwhile(
    mayhouse: Mayhouse, oracle: Oracle
) -> None:
    """The booking is refused before anything is sent."""
    words = cancellation(oracle)
    sleeper = stopped(mayhouse, *booking_of(BINA))
    assert oracle.run(*words).code == 0
    sent = mayhouse.transactions_sent()
    sleeper.kill(signal.SIGCONT)
    refused = sleeper.wait()
    assert (refused.code, refused.error["code"]) == (6, "refused")
    assert "takes no more bookings" in refused.error["message"]
    assert mayhouse.transactions_sent() == sent
    assert owed(mayhouse) == [ASHA]
    oracle.examine().demand_none()


def test_a_stake_that_falls_while_a_person_thinks_is_not_paid_at_the_old_rate(
    mayhouse: Mayhouse,
) -> None:
    """The contract would keep what is too much; the question was about another amount."""
    words = ("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500")
    more = ("--seats", "4", "--starts-at", mayhouse.starts_in())
    with Terminal(*words, *more, env=mayhouse.environment, cwd=mayhouse.folder) as terminal:
        terminal.expect("Sign and send?")
        contract = RawContract(mayhouse.node, mayhouse.contract)
        contract.do("updateStakePercentage(uint256)", 10, sender=PLATFORM)
        time.sleep(THINKING)
        terminal.type("y")
        assert terminal.finish() == 6
    assert "the stake is 10 %, not 20 %" in " ".join(terminal.seen.split())
    assert not mayhouse.rows("SELECT FROM mayhouse.transactions")
    assert contract.balance == 0
