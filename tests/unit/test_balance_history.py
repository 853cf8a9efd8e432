"""What recorded readings tell: spending without top-ups, and the day a threshold is reached."""

from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import NotFound
from mayhouse_cli.models import Address, BalanceReading
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.balance_history import WalletHistory, tell_history
from tests.twin_chain import PLATFORM
from tests.twin_session import CHAIN_ID, MemorySession, platform
from tests.twins import START

ETH: Final = 10**18
TENTH: Final = 10**17
TREASURY: Final = Address("0x" + "7" * 40)


def reading(hours: float, balance: int, role: str = "platform") -> BalanceReading:
    """A reading so many hours before now, the first of November at noon."""
    address = PLATFORM if role == "platform" else TREASURY
    read_at = START - timedelta(hours=hours)
    return BalanceReading(address, role, CHAIN_ID, Wei(balance), "OK", 7, read_at)


def with_readings(*readings: BalanceReading) -> MemorySession:
    """A platform with these readings, the oldest first."""
    session = platform()
    session.readings.add(readings)
    return session


def told(*readings: BalanceReading, days: int = 7) -> WalletHistory:
    """The history of the one wallet of these readings."""
    (wallet,) = tell_history(days, None, with_readings(*readings)).wallets
    return wallet


def test_spending_goes_on_in_a_straight_line() -> None:
    """0.1 ETH a day from 0.6 ETH: 0.2 ETH is reached in four days, 0.1 ETH in five."""
    wallet = told(reading(48, 8 * TENTH), reading(24, 7 * TENTH), reading(0, 6 * TENTH))
    assert wallet.spend_per_day_wei == TENTH
    assert wallet.reaches_warning_on == date(2026, 11, 5)
    assert wallet.reaches_critical_on == date(2026, 11, 6)


def test_a_top_up_is_not_spending_below_zero() -> None:
    """Between two top-ups the same is spent as without them."""
    wallet = told(
        *(reading(48, 3 * TENTH), reading(36, 2 * TENTH), reading(30, 9 * TENTH)),
        reading(0, 8 * TENTH),
    )
    assert wallet.spend_per_day_wei == TENTH
    assert sum(day.topped_up_wei for day in wallet.days) == 7 * TENTH


@pytest.mark.parametrize(
    "readings",
    [
        [reading(0, ETH)],
        [reading(0.5, 2 * ETH), reading(0, ETH)],
        [reading(48, ETH), reading(0, ETH)],
        [reading(48, ETH), reading(0, 2 * ETH)],
        [reading(48, ETH + 1), reading(0, ETH)],
    ],
    ids=["one reading", "half an hour", "nothing spent", "only topped up", "in ten years"],
)
def test_no_day_is_named_that_cannot_be_told(readings: list[BalanceReading]) -> None:
    """Better nothing than a number that says nothing."""
    wallet = told(*readings)
    assert (wallet.reaches_warning_on, wallet.reaches_critical_on) == (None, None)


def test_a_balance_below_its_threshold_has_reached_it() -> None:
    """The day is the reading's own, and the next threshold's is still told."""
    wallet = told(reading(24, 2 * TENTH), reading(0, TENTH + TENTH // 2))
    assert wallet.reaches_warning_on == START.date()
    assert wallet.reaches_critical_on == date(2026, 11, 2)


def test_days_are_those_of_utc() -> None:
    """What went in the night belongs to the day on which it was seen."""
    days = told(reading(24, 9), reading(13, 8), reading(11, 3), reading(0, 5)).days
    kept = [(one.day.day, one.balance_wei, one.lowest_wei) for one in days]
    assert kept == [(31, 8, 8), (1, 5, 3)]
    assert [(one.spent_wei, one.topped_up_wei) for one in days] == [(1, 0), (5, 2)]


@given(st.lists(st.integers(0, 10**24), min_size=1, max_size=40))
def test_days_account_for_every_wei(balances: list[int]) -> None:
    """First balance minus what was spent plus what was topped up is the last one."""
    hours = range(len(balances), 0, -1)
    wallet = told(*(reading(3 * hour, one) for hour, one in zip(hours, balances, strict=True)))
    spent = sum(day.spent_wei for day in wallet.days)
    topped_up = sum(day.topped_up_wei for day in wallet.days)
    assert balances[0] - spent + topped_up == balances[-1] == wallet.balance_wei


def test_only_the_days_asked_for_count() -> None:
    """An older reading is not part of the line."""
    wallet = told(reading(72, ETH), reading(24, 3 * TENTH), reading(0, 3 * TENTH), days=2)
    assert (wallet.readings, wallet.spend_per_day_wei) == (2, 0)


def test_one_wallet_can_be_asked_for() -> None:
    """By the role it was read as, "host" standing for every host."""
    session = with_readings(reading(2, ETH), reading(1, ETH, "host-77777777"))
    roles = {
        role: [one.role for one in tell_history(7, role, session).wallets]
        for role in (None, "platform", "host", "host-77777777")
    }
    assert roles == {
        None: ["platform", "host-77777777"],
        "platform": ["platform"],
        "host": ["host-77777777"],
        "host-77777777": ["host-77777777"],
    }


def test_a_wallet_without_readings_is_told_from_no_readings_at_all() -> None:
    """A typing mistake names the roles there are; an empty history is no error."""
    assert tell_history(7, "treasury", platform()).wallets == ()
    with pytest.raises(NotFound) as refusal:
        tell_history(7, "tresury", with_readings(reading(1, ETH)))
    assert refusal.value.hint == "There are readings of: platform."


def test_thresholds_are_those_of_the_role() -> None:
    """The treasury's forecast goes to the treasury's thresholds."""
    session = with_readings(reading(1, ETH, "treasury"))
    session.set(treasury_warning_eth=Wei(5 * ETH))
    (wallet,) = tell_history(7, None, session).wallets
    assert (wallet.warning_wei, wallet.critical_wei) == (5 * ETH, TENTH)
