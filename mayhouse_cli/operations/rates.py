"""The price of one ETH in rupees: where it comes from, and when it is refused."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Rate
from mayhouse_cli.money import format_rate
from mayhouse_cli.ports import Session


def current_rate(session: Session) -> Rate:
    """The configured rate, refused when it is missing, too old, or far from the last one used.

    ConfigurationError names the remedy; there is no fallback to another number.
    """
    price: Decimal | None = session.config.get("eth_price_inr")
    if price is None:
        raise ConfigurationError(
            "No price of ETH in rupees is configured",
            hint="Set ETH_PRICE_INR, or eth_price_inr in the config file.",
        )
    origin = session.config.origins["eth_price_inr"]
    source = "environment" if origin.startswith("environment") else "config"
    rate = Rate(price, source, session.config.get("eth_price_as_of") or session.now())
    _refuse_stale(rate, session)
    _refuse_jump(rate, session)
    return rate


def _refuse_stale(rate: Rate, session: Session) -> None:
    limit = timedelta(minutes=session.config.require("rate_max_age_minutes"))
    age = session.now() - rate.as_of
    if age > limit:
        minutes = int(age.total_seconds() // 60)
        raise ConfigurationError(
            f"The price of ETH is {minutes} minutes old; {limit.total_seconds() // 60:.0f} are "
            "allowed",
            hint="Set eth_price_inr and eth_price_as_of anew, or raise rate_max_age_minutes.",
        )
    if rate.as_of > session.now() + timedelta(minutes=5):
        raise ConfigurationError(
            f"eth_price_as_of lies in the future: {rate.as_of.isoformat()}",
            hint="Check its time zone: +05:30 is Indian time.",
        )


def _refuse_jump(rate: Rate, session: Session) -> None:
    last = session.ledger.last_rate()
    if last is None:
        return
    percent = session.config.require("rate_max_jump_percent")
    change = abs(Fraction(rate.eth_price_inr) / Fraction(last.eth_price_inr) - 1)
    if change > Fraction(percent, 100):
        raise ConfigurationError(
            f"{format_rate(rate.eth_price_inr)} per ETH is {float(change):.0%} off the last one, "
            f"{format_rate(last.eth_price_inr)}; {percent} % is allowed",
            hint="Check it for a missing or extra digit; else raise rate_max_jump_percent.",
        )


def keep_rate(rate: Rate, session: Session) -> None:
    """Store a rate that was used, when it is not the last one stored."""
    last = session.ledger.last_rate()
    if last is None or last.eth_price_inr != rate.eth_price_inr or last.source != rate.source:
        session.ledger.add_rate(rate)
