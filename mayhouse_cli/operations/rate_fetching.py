"""`rate fetch`: from an endpoint's JSON document to a stored rate, or to a refusal.

The number is taken as it stands in the document, never through a float. An endpoint is not
believed: what is missing, not a number, out of range, old or far from the last stored rate is
refused with the remedy, and nothing is stored.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction
from typing import Final

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Rate
from mayhouse_cli.money import plain
from mayhouse_cli.operations.rates import RateSet, refuse_jump, refuse_stale, store
from mayhouse_cli.ports import Session

_NUMBER = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?([eE][+-]?\d{1,3})?", re.ASCII)
# numeric(20,8), the column: what an endpoint says below a hundred-millionth of a rupee is dropped.
_STEP: Final = Decimal("0.00000001")
_MOST_DIGITS_BEFORE_POINT: Final = 12
_EXACT: Final = Context(prec=200, rounding=ROUND_DOWN)
# Seconds since 1970 have that many only after the year 5138; milliseconds since 1973.
_LEAST_MILLISECONDS: Final = 10**11
_LONGEST_SHOWN: Final = 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def fetch_rate(session: Session) -> RateSet:
    """Ask the configured endpoint and store its rate.

    Unreachable when it does not answer in time; ConfigurationError for an answer that cannot be
    used, with the setting that would mend it.
    """
    config, source = session.config, session.rate_source
    path: str = config.require("rate_path")
    document = source.read()
    price = price_in(document, path)
    as_of_path: str | None = config.get("rate_as_of_path")
    as_of = moment_in(document, as_of_path) if as_of_path else session.now()
    rate = Rate(price, f"fetched from {source.host}", as_of)
    refuse_stale(
        rate,
        "The endpoint is behind. Check rate_as_of_path, or store a price with `mayhouse rate set`.",
        session,
    )
    refuse_jump(
        rate,
        f"Check rate_path ({path}). If the market moved so far: `mayhouse rate set "
        f"{price:f} --accept-jump`.",
        session,
    )
    return store(rate, {"rate_path": path}, session)


def price_in(document: object, path: str) -> Decimal:
    """Read the price of one ETH at a path; ConfigurationError names what is wrong with it."""
    found = _at(document, path, "rate_path")
    number = _number(found)
    if number is None or not number.is_finite():
        raise _unusable(found, path, "rate_path", "not a number")
    if number <= 0:
        raise _unusable(found, path, "rate_path", "not above zero")
    if number.adjusted() >= _MOST_DIGITS_BEFORE_POINT or number < _STEP:
        raise _unusable(found, path, "rate_path", "no price of one ETH in rupees")
    return plain(number.quantize(_STEP, context=_EXACT))


def moment_in(document: object, path: str) -> datetime:
    """Read a time at a path: RFC 3339 with its zone, or seconds or milliseconds since 1970."""
    found = _at(document, path, "rate_as_of_path")
    number = _number(found)
    try:
        if number is not None:
            return _since_1970(number)
        when = datetime.fromisoformat(found if isinstance(found, str) else "")
    except (ValueError, OverflowError):
        raise _unusable(found, path, "rate_as_of_path", "no time") from None
    if when.tzinfo is None:
        raise _unusable(found, path, "rate_as_of_path", "a time without its zone")
    return when.astimezone(UTC)


def _since_1970(number: Decimal) -> datetime:
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS_BEFORE_POINT + 1:
        raise ValueError("out of range")
    unit = 1000 if number >= _LEAST_MILLISECONDS else 1
    return _EPOCH + timedelta(microseconds=int(Fraction(number) * 10**6 / unit))


def _at(document: object, path: str, setting: str) -> object:
    found = document
    for step in path.split("."):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, Sequence) and not isinstance(found, str) and _is_index(step, found):
            found = found[int(step)]
        else:
            raise ConfigurationError(
                f"The endpoint's answer has nothing at {path} (no {step})",
                hint=f"Look at the answer and set {setting}, like ethereum.inr or data.0.price.",
            )
    return found


def _is_index(step: str, items: Sequence[object]) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(items)  # noqa: PLR2004 no list is so long


def _number(found: object) -> Decimal | None:
    """A JSON number, or a text that is nothing but one, exactly; None for anything else."""
    if isinstance(found, bool):
        return None
    if isinstance(found, (int, Decimal)):
        return Decimal(found)
    if isinstance(found, str) and _NUMBER.fullmatch(found.strip()):
        return Decimal(found.strip())
    return None


def _unusable(found: object, path: str, setting: str, what: str) -> ConfigurationError:
    kinds = {dict: "an object", list: "a list", type(None): "null", bool: str(found).lower()}
    shown = kinds.get(type(found)) or str(found)
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[:_LONGEST_SHOWN] + "…"
    return ConfigurationError(
        f"The endpoint's answer at {path} is {what}: {shown}",
        hint=f"Check {setting} and the endpoint; `mayhouse rate set` stores a price by hand.",
    )
