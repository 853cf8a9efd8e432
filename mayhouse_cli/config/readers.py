"""How the text of a setting becomes its value; a ValueError or WrongUsage says what is wrong.

A message made here quotes no setting that can be a secret: a URL carries the provider's key.
"""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from mayhouse_cli.models import Urgency

_LONGEST_QUOTED: Final = 24


def text(value: str) -> str:
    """Take it as it is."""
    return value


def path(value: str) -> str:
    """Name a file or folder; where it starts is settled by where it was written."""
    if "\0" in value:
        raise ValueError("a path cannot hold a NUL")
    return value


def positive(value: str) -> int:
    """Read a whole number from 1."""
    # Longer numbers mean nothing here, and Python refuses the longest in words of its own.
    if not value.isascii() or not value.isdigit() or len(value.lstrip("0")) > 18:  # noqa: PLR2004 as many digits fit a bigint
        raise ValueError(f"not a whole number: {_quoted(value)}")
    if (number := int(value)) < 1:
        raise ValueError("it must be at least 1")
    return number


def _quoted(value: str) -> str:
    """Quote what was written, but no part of what is long enough to be a key in the wrong place."""
    return value if len(value) <= _LONGEST_QUOTED else f"{len(value)} characters"


def document_path(value: str) -> str:
    """Read the way to a value in a JSON document, like `data.0.price`."""
    if not value.isprintable() or not all(value.split(".")):
        raise ValueError("write names with points in between, like ethereum.inr or data.0.price")
    return value


def urgency(value: str) -> Urgency:
    """Read how soon a transaction should be mined."""
    try:
        return Urgency(value.lower())
    except ValueError:
        raise ValueError(f"{_quoted(value)} is none of {', '.join(Urgency)}") from None


def flag(value: str) -> bool:
    """Read true or false."""
    if value.lower() not in ("true", "false"):
        raise ValueError(f"neither true nor false: {value}")
    return value.lower() == "true"


def moment(value: str) -> datetime:
    """Read an RFC 3339 time, which has a time zone."""
    when = datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(f"it has no time zone: {value}; write 2026-11-28T18:00+05:30")
    return when


def web_address(value: str) -> str:
    """Read one http:// or https:// address."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or any(character.isspace() for character in value):
        raise ValueError("it must be an http:// or https:// address")
    return value


def web_addresses(value: str) -> tuple[str, ...]:
    """Read one or several addresses with commas in between."""
    addresses = tuple(one.strip() for one in value.split(",") if one.strip())
    if not addresses:
        raise ValueError("it is empty")
    return tuple(web_address(one) for one in addresses)
