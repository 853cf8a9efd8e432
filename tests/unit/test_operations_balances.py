"""The balance check: its states to the wei, and that a lost database does not hide them."""

from typing import Final

import pytest

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.balances import check_balance
from tests.twin_chain import PLATFORM
from tests.twin_session import MemorySession, platform

WARNING: Final = Wei(2 * 10**17)
CRITICAL: Final = Wei(10**17)


@pytest.fixture
def session() -> MemorySession:
    """A platform with the default thresholds of 0.2 and 0.1 ETH."""
    return platform()


@pytest.mark.parametrize(
    ("balance", "state"),
    [
        (WARNING + 1, "OK"),
        (WARNING, "OK"),
        (WARNING - 1, "WARNING"),
        (CRITICAL + 1, "WARNING"),
        (CRITICAL, "WARNING"),
        (CRITICAL - 1, "CRITICAL"),
        (Wei(0), "CRITICAL"),
    ],
)
def test_only_below_a_threshold_is_worse(session: MemorySession, balance: Wei, state: str) -> None:
    """At the threshold it is still well, one wei below it is not."""
    session.chain.balance = balance
    check, warnings = check_balance(None, None, session)
    assert (check.state, check.wallets[0].balance_wei, warnings) == (state, balance, ())


def test_thresholds_can_be_given(session: MemorySession) -> None:
    """They stand above the configured ones."""
    session.chain.balance = Wei(50)
    assert check_balance(Wei(51), Wei(50), session)[0].state == "WARNING"


def test_equal_thresholds_leave_no_warning_between(session: MemorySession) -> None:
    """One threshold for both is a choice, not an error."""
    session.chain.balance = Wei(49)
    assert check_balance(Wei(50), Wei(50), session)[0].state == "CRITICAL"


def test_a_critical_threshold_above_the_warning_is_refused(session: MemorySession) -> None:
    """They were mixed up."""
    with pytest.raises(WrongUsage, match="is above the warning"):
        check_balance(Wei(50), Wei(51), session)


def test_the_reading_is_recorded(session: MemorySession) -> None:
    """Its history is what an alert is checked against."""
    session.chain.balance = CRITICAL
    check, _ = check_balance(None, None, session)
    assert check.recorded
    assert session.memory.rows.readings == [(PLATFORM, CRITICAL, "WARNING")]


def test_a_lost_database_does_not_change_the_state(session: MemorySession) -> None:
    """Monitoring must see the balance all the same; that nothing was kept is a warning."""
    session.chain.balance = CRITICAL
    session.memory.lost = True
    check, warnings = check_balance(None, None, session)
    assert (check.state, check.recorded) == ("WARNING", False)
    assert "The reading was not recorded" in warnings[0]


def test_the_check_needs_no_password(session: MemorySession) -> None:
    """It runs from a timer, with nobody there."""
    check_balance(None, None, session)
    assert session.signer.unlocked == 0
