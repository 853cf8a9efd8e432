"""Times for people: Indian time, in one place."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mayhouse_cli.times import length, moment, moment_of


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_a_moment_is_told_in_india(zone: timezone) -> None:
    """Whatever zone it comes in."""
    when = datetime(2026, 11, 28, 12, 30, tzinfo=UTC).astimezone(zone)
    assert moment(when) == "Sat 28 Nov 2026, 18:00 IST"


def test_a_time_beyond_every_calendar_is_told_as_a_number() -> None:
    """A stranger's event may start at any number of seconds."""
    assert moment_of(1_795_869_000) == "Sat 28 Nov 2026, 18:00 IST"
    assert moment_of(2**255) == str(2**255)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h")],
)
def test_a_length_has_the_unit_that_suits_it(seconds: int, told: str) -> None:
    """Never one of anything large: 119 minutes tell more than one hour."""
    assert length(seconds) == told
    assert length(2 * 86_400) == "2 days"
