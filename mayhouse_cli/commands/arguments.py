"""Reading what was typed: times with their zone, database ids, lists."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import WrongUsage

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|z|[+-]\d{2}:\d{2})", re.ASCII
)
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d{1,9}[dhms])+", re.ASCII)
# A sandbox's clock never goes back: a typing error costs a reset.
_LONGEST: Final = 3_660 * 86_400


def parse_moment(text: str | None, what: str) -> datetime | None:
    """Read RFC 3339 with its offset; WrongUsage names what is missing."""
    if text is None:
        return None
    cleaned = text.strip()
    if cleaned.isascii() and cleaned.isdigit():
        unit = "milliseconds" if len(cleaned) > 10 else "seconds"  # noqa: PLR2004 epoch seconds
        raise WrongUsage(
            f"The {what} looks like {unit} since 1970: {text}",
            hint="Write a date with its time zone: 2026-11-28T18:00+05:30.",
        )
    if _RFC3339.fullmatch(cleaned):
        try:
            return datetime.fromisoformat(cleaned.upper())
        except ValueError:
            pass
    elif _RFC3339.fullmatch(cleaned + "Z"):
        raise WrongUsage(
            f"The {what} has no time zone: {text}",
            hint=f"Write {cleaned}+05:30 for Indian time.",
        )
    raise WrongUsage(f"Not a time: {text}", hint="Write it like 2026-11-28T18:00+05:30.")


def parse_duration(text: str) -> int:
    """Read "1h30m" into seconds; WrongUsage for what is none, is zero or is over ten years."""
    cleaned = text.strip().lower()
    parts = re.findall(r"(\d+)([dhms])", cleaned) if _DURATION.fullmatch(cleaned) else []
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST:
        raise WrongUsage(
            f"Not a length of time: {text}",
            hint="Write it like 2d, 3h, 90m, 1h30m or 600s; ten years at most.",
        )
    return seconds


def parse_deadline(text: str) -> datetime:
    """Read a moment ahead, in RFC 3339 or as a length of time from now; WrongUsage otherwise."""
    now = datetime.now(UTC)
    if _DURATION.fullmatch(text.strip().lower()):
        return now + timedelta(seconds=parse_duration(text))
    deadline = parse_moment(text, "deadline")
    if deadline is None or deadline <= now:
        raise WrongUsage(
            f"The deadline has passed: {text}", hint="Give a time ahead, or a length like 2h."
        )
    return deadline


def parse_uuid(text: str | None, option: str) -> UUID | None:
    """Read a database id; WrongUsage when it is none."""
    if text is None:
        return None
    try:
        return UUID(text.strip())
    except ValueError:
        raise WrongUsage(
            f"Not a database id for {option}: {text}",
            hint="It looks like 3f2b8c1e-0000-4000-8000-000000000001.",
        ) from None


def split(text: str | None, option: str) -> tuple[str, ...]:
    """Read a comma separated list; WrongUsage when it names nothing."""
    if text is None:
        return ()
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if not items:
        raise WrongUsage(f"{option} names nobody", hint="If nobody came, say --nobody-attended.")
    return items
