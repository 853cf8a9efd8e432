"""The rate: refused when it is missing, old, from the future, or far from the last one."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Rate
from mayhouse_cli.operations.rates import current_rate, keep_rate
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
    session.ledger.add_rate(Rate(Decimal(200_000), "config", START))
    assert current_rate(session).eth_price_inr == Decimal(price)


@pytest.mark.parametrize("price", ["159999.99999999", "240000.00000001", "20000", "2000000"])
def test_a_jump_is_refused(price: str) -> None:
    """One hundred-millionth beyond, or a digit too few or too many."""
    session = rated(price)
    session.ledger.add_rate(Rate(Decimal(200_000), "config", START))
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
