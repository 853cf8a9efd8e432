"""The rate: where it comes from; refused when missing, old, from the future, or far off."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Rate
from mayhouse_cli.operations.rates import (
    current_rate,
    display_rate,
    keep_rate,
    set_rate,
    show_rate,
)
from tests.twin_session import MemorySession, config_of, platform
from tests.twins import START


def rated(price: str | None = "200000", **settings: Any) -> MemorySession:  # noqa: ANN401
    """A session with this price of one ETH."""
    return platform(eth_price_inr=Decimal(price) if price else None, **settings)


def refusal_of(session: MemorySession) -> str:
    """Why the rate is not taken, with the remedy."""
    with pytest.raises(ConfigurationError) as refusal:
        current_rate(session)
    return f"{refusal.value.message} {refusal.value.hint}"


def test_a_rate_without_a_time_is_of_now() -> None:
    """It is the operator's word."""
    assert current_rate(rated()) == Rate(Decimal(200_000), "environment", START)


def test_a_rate_of_a_file_says_so() -> None:
    """The source is stored with everything that used it."""
    session = rated()
    session.config = config_of(origin="/etc/mayhouse/config.toml")
    assert current_rate(session).source == "config"


def test_a_missing_rate_is_refused() -> None:
    """There is no other number to fall back to."""
    assert "Set ETH_PRICE_INR" in refusal_of(rated(None))


@pytest.mark.parametrize("minutes", [0, 60, -5])
def test_a_rate_of_the_allowed_age_is_taken(minutes: int) -> None:
    """An hour by default, and a few minutes of clocks that disagree."""
    as_of = START - timedelta(minutes=minutes)
    assert current_rate(rated(eth_price_as_of=as_of)).as_of == as_of


def test_a_stale_rate_is_refused() -> None:
    """The age, the limit and the setting are named."""
    told = refusal_of(rated(eth_price_as_of=START - timedelta(minutes=61)))
    assert "61 minutes old; 60 are allowed" in told
    assert "rate_max_age_minutes" in told


def test_a_rate_one_second_too_old_is_refused() -> None:
    """The limit is the limit."""
    refusal_of(rated(eth_price_as_of=START - timedelta(minutes=60, seconds=1)))


def test_a_longer_age_can_be_allowed() -> None:
    """The setting counts."""
    old = START - timedelta(minutes=120)
    current_rate(rated(eth_price_as_of=old, rate_max_age_minutes=120))


def test_a_rate_from_the_future_is_refused() -> None:
    """Its time zone is probably wrong."""
    told = refusal_of(rated(eth_price_as_of=START + timedelta(hours=5, minutes=30)))
    assert "lies in the future" in told


@pytest.mark.parametrize("price", ["160000", "240000", "200000.00000001"])
def test_a_change_within_the_limit_is_taken(price: str) -> None:
    """Just twenty percent, up or down, is allowed."""
    session = rated(price)
    session.rates.add(Rate(Decimal(200_000), "config", START))
    assert current_rate(session).eth_price_inr == Decimal(price)


@pytest.mark.parametrize("price", ["159999.99999999", "240000.00000001", "20000", "2000000"])
def test_a_jump_is_refused(price: str) -> None:
    """One hundred-millionth beyond, or a digit too few or too many."""
    session = rated(price)
    session.rates.add(Rate(Decimal(200_000), "config", START))
    assert "rate_max_jump_percent" in refusal_of(session)


def test_a_rate_is_stored_once() -> None:
    """The same rate used again adds nothing."""
    session = rated()
    for _ in range(3):
        keep_rate(current_rate(session), session)
    assert len(session.memory.rows.rates) == 1


def test_another_rate_is_stored_beside_the_last() -> None:
    """The history of what was used stays."""
    session = rated()
    keep_rate(current_rate(session), session)
    session.set(eth_price_inr=Decimal(210_000))
    keep_rate(current_rate(session), session)
    assert [one.eth_price_inr for one in session.memory.rows.rates] == [200_000, 210_000]


# --- stored rates -----------------------------------------------------------------------


def stored(price: int, minutes_ago: int = 0, **settings: Any) -> MemorySession:  # noqa: ANN401
    """A session without a configured price, and with a stored one."""
    session = rated(None, **settings)
    session.rates.add(Rate(Decimal(price), "operator", START - timedelta(minutes=minutes_ago)))
    return session


def test_without_a_configured_rate_the_newest_stored_one_counts() -> None:
    """By the time it is of, and with its own source."""
    session = stored(200_000, 10)
    session.rates.add(Rate(Decimal(1), "operator", START - timedelta(minutes=20)))
    assert current_rate(session).eth_price_inr == 200_000
    assert current_rate(session).source == "operator"


def test_a_configured_rate_that_was_used_does_not_outlive_its_configuration() -> None:
    """An unset variable is a missing rate, however freshly it was used."""
    session = rated()
    keep_rate(current_rate(session), session)
    session.set(eth_price_inr=None)
    assert "No price of ETH" in refusal_of(session)


def test_a_stored_rate_is_held_against_what_was_used_since() -> None:
    """Set before the market moved, it is far from what was configured after that."""
    session = stored(200_000, 30)
    session.rates.add(Rate(Decimal(250_000), "config", START))
    assert current_rate(session).eth_price_inr == 200_000
    session.set(rate_max_jump_percent=19)
    assert "20 % off" in refusal_of(session)


def test_a_configured_rate_goes_before_a_stored_one() -> None:
    """The operator's word of now."""
    session = stored(200_000)
    session.set(eth_price_inr=Decimal(210_000))
    assert current_rate(session).eth_price_inr == 210_000


def test_a_stale_configured_rate_is_not_replaced_by_a_fresh_stored_one() -> None:
    """It is refused: falling back would be using another number silently."""
    session = stored(200_000)
    session.set(eth_price_inr=Decimal(200_000), eth_price_as_of=START - timedelta(hours=2))
    assert "120 minutes old" in refusal_of(session)


def test_a_stored_rate_grows_stale() -> None:
    """An hour, and not a second more; the remedy is to renew it."""
    assert current_rate(stored(200_000, 60)).eth_price_inr == 200_000
    assert "mayhouse rate fetch" in refusal_of(stored(200_000, 61))


def test_without_any_rate_both_remedies_are_named() -> None:
    """Configure one, or store one."""
    told = refusal_of(rated(None))
    assert "ETH_PRICE_INR" in told
    assert "mayhouse rate set" in told


def test_a_rate_that_would_be_refused_is_not_shown_either() -> None:
    """Amounts without a usable rate have no rupees beside them."""
    assert display_rate(stored(200_000)) == 200_000
    assert display_rate(stored(200_000, 61)) is None
    assert display_rate(rated(None)) is None


def test_setting_a_rate_stores_the_operators_word() -> None:
    """With its own time where one is given, and a row in the operators' log."""
    session = rated(None)
    at = START - timedelta(minutes=3)
    set_rate(Decimal(190_000), at, accept_jump=False, session=session)
    assert session.memory.rows.rates == [Rate(Decimal(190_000), "operator", at)]
    assert session.memory.rows.log[-1].arguments["eth_price_inr"] == "190000"


def test_a_jump_is_set_only_when_it_is_accepted() -> None:
    """A digit too many is the usual mistake; the option says that it is none."""
    session = stored(200_000)
    with pytest.raises(ConfigurationError, match="900 % off") as refused:
        set_rate(Decimal(2_000_000), None, accept_jump=False, session=session)
    assert "--accept-jump" in (refused.value.hint or "")
    set_rate(Decimal(2_000_000), None, accept_jump=True, session=session)
    assert current_rate(session).eth_price_inr == 2_000_000


@pytest.mark.parametrize("minutes", [61, -6])
def test_accepting_a_jump_accepts_nothing_else(minutes: int) -> None:
    """Neither an old price nor one from the future."""
    session = rated(None)
    as_of = START - timedelta(minutes=minutes)
    with pytest.raises(ConfigurationError):
        set_rate(Decimal(200_000), as_of, accept_jump=True, session=session)
    assert session.memory.rows.rates == []


def test_a_report_says_what_would_be_used_and_why_not() -> None:
    """With the refusal in the words of the command that would have made it."""
    report = show_rate(5, stored(200_000, 61))
    assert (report.eth_price_inr, report.age_seconds) == (Decimal(200_000), 3660)
    assert not report.usable
    assert "61 minutes old" in (report.reason or "")
    assert [one.rate.eth_price_inr for one in report.history] == [200_000]


def test_a_report_of_nothing_has_nothing() -> None:
    """No rate, no age, and the remedy."""
    report = show_rate(5, rated(None))
    assert (report.eth_price_inr, report.age_seconds, report.usable) == (None, None, False)
    assert "mayhouse rate set" in (report.remedy or "")
