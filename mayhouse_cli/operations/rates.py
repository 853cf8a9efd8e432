"""The price of one ETH in rupees: where it comes from, and when it is refused.

A configured price is the operator's word and goes first; without one the newest that was set or
fetched counts. Whichever it is, it is used or refused: there is no falling back to the other. A
configured price that was used is kept as history and held against jumps, but is not used again
when it is configured no more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import CONFIGURED_SOURCES, Rate, StoredRate
from mayhouse_cli.money import format_rate
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment

OPERATOR = "operator"
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class RateReport:
    """`rate show`: the rate that would be used now, whether it may be, and the history."""

    eth_price_inr: Decimal | None
    source: str | None
    as_of: datetime | None
    age_seconds: int | None
    usable: bool
    reason: str | None
    """Why it would be refused."""
    remedy: str | None
    history: tuple[StoredRate, ...]


@dataclass(frozen=True)
class RateSet:
    """`rate set` and `rate fetch`: the rate that is stored, and the one before it."""

    eth_price_inr: Decimal
    source: str
    as_of: datetime
    before_inr: Decimal | None
    recorded: bool
    """False when just this was stored already."""


# --- the rate in use --------------------------------------------------------------------


def current_rate(session: Session) -> Rate:
    """The rate in use, refused when it is missing, too old, or far from the last one stored.

    ConfigurationError names the remedy; there is no fallback to another number.
    """
    rate = _rate_in_use(session)
    if rate is None:
        raise ConfigurationError(
            "No price of ETH in rupees is known",
            hint="Set ETH_PRICE_INR (eth_price_inr in the config file), or store one with "
            "`mayhouse rate set` or `mayhouse rate fetch`.",
        )
    _guard_in_use(rate, session)
    return rate


def display_rate(session: Session) -> Decimal | None:
    """The rate for amounts that are only shown; None where it is missing or would be refused."""
    try:
        return current_rate(session).eth_price_inr
    except ConfigurationError:
        return None


def _rate_in_use(session: Session) -> Rate | None:
    price: Decimal | None = session.config.get("eth_price_inr")
    if price is None:
        return session.rates.last_given()
    origin = session.config.origins["eth_price_inr"]
    source = "environment" if origin.startswith("environment") else "config"
    return Rate(price, source, session.config.get("eth_price_as_of") or session.now())


def _guard_in_use(rate: Rate, session: Session) -> None:
    renew = "Renew it with `mayhouse rate fetch` or `mayhouse rate set`"
    if rate.source in CONFIGURED_SOURCES:
        renew = "Set eth_price_inr and eth_price_as_of anew"
    refuse_stale(rate, f"{renew}, or raise rate_max_age_minutes.", session)
    refuse_jump(
        rate,
        "Check it for a missing or extra digit. If it is right: `mayhouse rate set "
        f"{rate.eth_price_inr:f} --accept-jump`, or raise rate_max_jump_percent.",
        session,
    )


def keep_rate(rate: Rate, session: Session) -> None:
    """Store a rate that was used, when it is not the last one stored."""
    last = session.rates.last()
    if last is None or last.eth_price_inr != rate.eth_price_inr or last.source != rate.source:
        session.rates.add(rate)


# --- guards -----------------------------------------------------------------------------


def refuse_stale(rate: Rate, remedy: str, session: Session) -> None:
    """ConfigurationError when a rate is older than is allowed, or from the future."""
    limit = timedelta(minutes=session.config.require("rate_max_age_minutes"))
    age = session.now() - rate.as_of
    if age > limit:
        minutes = int(age.total_seconds() // 60)
        raise ConfigurationError(
            f"The price of ETH is {minutes} minutes old; {limit.total_seconds() // 60:.0f} are "
            f"allowed, and it is of {moment(rate.as_of)}",
            hint=remedy,
        )
    if -age > _CLOCKS_DIFFER:
        raise ConfigurationError(
            f"The price of ETH lies in the future: it is of {moment(rate.as_of)}",
            hint="Check its time zone: +05:30 is Indian time.",
        )


def refuse_jump(rate: Rate, remedy: str, session: Session) -> None:
    """ConfigurationError when a rate is further from the last stored one than is allowed."""
    last = session.rates.last()
    if last is None:
        return
    percent = session.config.require("rate_max_jump_percent")
    change = abs(Fraction(rate.eth_price_inr) / Fraction(last.eth_price_inr) - 1)
    if change > Fraction(percent, 100):
        raise ConfigurationError(
            f"{format_rate(rate.eth_price_inr)} per ETH is {round(change * 100):,} % off the last "
            f"one, {format_rate(last.eth_price_inr)}; {percent} % is allowed",
            hint=remedy,
        )


# --- show and set -----------------------------------------------------------------------


def show_rate(limit: int, session: Session) -> RateReport:
    """Say which rate would be used now and whether it may be, with the newest stored ones."""
    history = tuple(session.rates.history(limit))
    refusal: ConfigurationError | None = None
    try:
        current_rate(session)
    except ConfigurationError as refused:
        refusal = refused
    rate = _rate_in_use(session)
    age = session.now() - rate.as_of if rate else None
    return RateReport(
        eth_price_inr=rate.eth_price_inr if rate else None,
        source=rate.source if rate else None,
        as_of=rate.as_of if rate else None,
        age_seconds=int(age.total_seconds()) if age is not None else None,
        usable=refusal is None,
        reason=refusal.message if refusal else None,
        remedy=refusal.hint if refusal else None,
        history=history,
    )


def set_rate(
    price: Decimal, as_of: datetime | None, *, accept_jump: bool, session: Session
) -> RateSet:
    """Store the operator's word; `accept_jump` lifts the jump guard, and no other."""
    rate = Rate(price, OPERATOR, as_of or session.now())
    refuse_stale(rate, "Give a price that is of now, or raise rate_max_age_minutes.", session)
    if not accept_jump:
        refuse_jump(
            rate,
            "Check it for a missing or extra digit. If it is right, add --accept-jump.",
            session,
        )
    return store(rate, {"accept_jump": accept_jump}, session)


def store(rate: Rate, arguments: dict[str, object], session: Session) -> RateSet:
    """Keep a rate that passed its guards, with a row in the operators' log.

    ConfigurationError when a newer one is stored already: this one would never be used.
    """
    with session.transaction():
        last = session.rates.last_given()
        if last is not None and rate.as_of < last.as_of:
            raise ConfigurationError(
                f"This price is of {moment(rate.as_of)}; a newer one is stored already, of "
                f"{moment(last.as_of)} ({last.source})",
                hint="See `mayhouse rate show`. The newest counts: nothing was stored.",
            )
        if last != rate:
            session.rates.add(rate)
            told = {"eth_price_inr": f"{rate.eth_price_inr:f}", "source": rate.source}
            log(
                session,
                {**told, "as_of": rate.as_of.isoformat(), **arguments},
                before={"eth_price_inr": f"{last.eth_price_inr:f}"} if last else None,
            )
    return RateSet(
        eth_price_inr=rate.eth_price_inr,
        source=rate.source,
        as_of=rate.as_of,
        before_inr=last.eth_price_inr if last else None,
        recorded=last != rate,
    )


def overruled(session: Session) -> tuple[str, ...]:
    """The warning that a stored rate is not the one in use."""
    if session.config.get("eth_price_inr") is None:
        return ()
    origin = session.config.origins["eth_price_inr"]
    return (f"It is stored, and not used: eth_price_inr is configured ({origin}) and goes first.",)
