"""What the recorded readings tell of each wallet: its days, its spending, and where it leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

from mayhouse_cli.errors import NotFound
from mayhouse_cli.models import Address, BalanceReading
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.watched_wallets import platform_thresholds, thresholds_of
from mayhouse_cli.ports import Session

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
# Less says nothing of a day, and a forecast further than this nothing at all.
_SHORTEST_SPAN: Final = timedelta(hours=1)
_FURTHEST: Final = timedelta(days=3_650)


@dataclass(frozen=True)
class BalanceDay:
    """One day in UTC, as far as there are readings of it."""

    day: date
    balance_wei: Wei
    """At the day's last reading."""
    lowest_wei: Wei
    spent_wei: Wei
    """What the balance fell by from reading to reading, the day's first one included."""
    topped_up_wei: Wei
    """What it rose by."""


@dataclass(frozen=True)
class WalletHistory:
    """One wallet's readings, and the straight line through its spending."""

    role: str
    address: Address
    balance_wei: Wei
    balance_eth: str
    read_at: datetime
    readings: int
    warning_wei: Wei
    critical_wei: Wei
    spend_per_day_wei: Wei | None
    """Top-ups left out; None when there are too few readings to tell."""
    reaches_warning_on: date | None
    """None when it cannot be told, or not within ten years."""
    reaches_critical_on: date | None
    days: tuple[BalanceDay, ...]


@dataclass(frozen=True)
class BalanceHistory:
    """`balance history`."""

    chain_id: int
    since: datetime
    wallets: tuple[WalletHistory, ...]


def tell_history(days: int, role: str | None, session: Session) -> BalanceHistory:
    """Tell the last so many days of all wallets, or of those with a role.

    "host" stands for every host; NotFound when there are readings, but none of that role.
    """
    since = session.now() - timedelta(days=days)
    chain_id = session.config.chain_id
    readings = session.readings.since(chain_id, since)
    by_wallet: dict[Address, list[BalanceReading]] = {}
    for reading in readings:
        by_wallet.setdefault(reading.address, []).append(reading)
    found = [_wallet(one, session) for one in by_wallet.values()]
    wanted = [one for one in found if role in (None, one.role, one.role.partition("-")[0])]
    if found and not wanted:
        raise NotFound(
            f"There is no reading of a wallet called {role}",
            hint=f"There are readings of: {', '.join(sorted({one.role for one in found}))}.",
        )
    return BalanceHistory(chain_id, since, tuple(wanted))


def _wallet(readings: Sequence[BalanceReading], session: Session) -> WalletHistory:
    last, platform = readings[-1], platform_thresholds(session.config)
    thresholds = thresholds_of(last.role, session.config, platform)
    span, spent = last.read_at - readings[0].read_at, _fallen(readings)
    return WalletHistory(
        role=last.role,
        address=last.address,
        balance_wei=last.balance,
        balance_eth=format_eth(last.balance),
        read_at=last.read_at,
        readings=len(readings),
        warning_wei=thresholds.warning,
        critical_wei=thresholds.critical,
        spend_per_day_wei=spent * (_DAY // _MICROSECOND) // (span // _MICROSECOND)
        if span >= _SHORTEST_SPAN
        else None,
        reaches_warning_on=_reaches(thresholds.warning, last, spent, span),
        reaches_critical_on=_reaches(thresholds.critical, last, spent, span),
        days=_days(readings),
    )


def _reaches(threshold: Wei, last: BalanceReading, spent: Wei, span: timedelta) -> date | None:
    """The day on which the balance falls to a threshold if it goes on as it did."""
    left = int(last.balance) - int(threshold)
    if left < 0:
        return last.read_at.astimezone(UTC).date()
    if span < _SHORTEST_SPAN or not spent:
        return None
    wait = left * (span // _MICROSECOND) // int(spent)
    if wait > _FURTHEST // _MICROSECOND:
        return None
    return (last.read_at.astimezone(UTC) + timedelta(microseconds=wait)).date()


def _fallen(readings: Sequence[BalanceReading]) -> Wei:
    return sum((max(a.balance - b.balance, Wei(0)) for a, b in pairwise(readings)), Wei(0))


def _risen(readings: Sequence[BalanceReading]) -> Wei:
    return sum((max(b.balance - a.balance, Wei(0)) for a, b in pairwise(readings)), Wei(0))


def _days(readings: Sequence[BalanceReading]) -> tuple[BalanceDay, ...]:
    days: list[BalanceDay] = []
    before: list[BalanceReading] = []
    for day, group in groupby(readings, lambda one: one.read_at.astimezone(UTC).date()):
        of_day = [*group]
        # From the evening before on: what was spent in the night belongs to the day.
        days.append(
            BalanceDay(
                day=day,
                balance_wei=of_day[-1].balance,
                lowest_wei=min(one.balance for one in of_day),
                spent_wei=_fallen([*before, *of_day]),
                topped_up_wei=_risen([*before, *of_day]),
            )
        )
        before = of_day[-1:]
    return tuple(days)
