"""How a time is written for people: one place, for results and for errors alike.

The platform's events take place in India. RFC 3339 in UTC is what --json is for.
"""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

INDIA: Final = ZoneInfo("Asia/Kolkata")


def moment(when: datetime) -> str:
    """Write a time as people in India read it: "Sat 28 Nov 2026, 18:00 IST"."""
    try:
        return f"{when.astimezone(INDIA):%a %d %b %Y, %H:%M} IST"
    except OverflowError:  # the last representable moment stands for nonsense on chain
        return when.isoformat()


def moment_of(seconds: int) -> str:
    """Write a time of the chain; a stranger's may lie beyond every calendar."""
    try:
        return moment(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def length(seconds: int) -> str:
    """Write a length of time in the unit that suits it: "40 s", "12 min", "3 h", "2 days"."""
    for unit, size in (("days", 2 * 86_400), ("h", 2 * 3_600), ("min", 2 * 60)):
        if seconds >= size:
            return f"{seconds // (size // 2)} {unit}"
    return f"{seconds} s"
