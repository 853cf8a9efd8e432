"""What another fee or stake percentage changes: payouts of hosts, stakes to come, quotes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

from mayhouse_cli.models import Kind, Snapshot
from mayhouse_cli.money import Wei, inr_to_wei, percent_of, wei_to_inr
from mayhouse_cli.operations.contract_admin import OpenEvent, rate_for_reading
from mayhouse_cli.ports import Session

_ALL_ROWS: Final = 10_000


@dataclass(frozen=True)
class Percentage:
    """One of the contract's two percentages, and the highest value that it takes."""

    name: str
    kind: Kind
    function: str
    highest: int

    def of(self, snapshot: Snapshot) -> int:
        """Its value in a snapshot."""
        return snapshot.fee_percent if self.kind is Kind.SET_FEE else snapshot.stake_percent


FEE: Final = Percentage("fee", Kind.SET_FEE, "updatePlatformFee", 10)
STAKE: Final = Percentage("stake", Kind.SET_STAKE, "updateStakePercentage", 50)


@dataclass(frozen=True)
class ChangedPayout:
    """What a host would be paid before and after a change of the fee."""

    event_id: UUID | None
    chain_event_id: int
    title: str
    foreign: bool
    active_bookings: int
    payout_before_wei: Wei
    payout_after_wei: Wei
    payout_before_inr: Decimal | None
    payout_after_inr: Decimal | None


@dataclass(frozen=True)
class ChangedStake:
    """A stake still to be taken: a host's for an event not on chain yet, or that of one seat."""

    event_id: UUID | None
    chain_event_id: int | None
    title: str
    stake_of: str
    stake_before_wei: Wei | None
    stake_after_wei: Wei | None
    """None without a rate to turn the row's rupees into wei."""


@dataclass(frozen=True)
class DriftingQuote:
    """An event whose newest quote would no longer hold."""

    event_id: UUID | None
    chain_event_id: int
    title: str


Effect = TypeVar("Effect", ChangedPayout, ChangedStake, DriftingQuote)


def as_terms(effects: Sequence[Effect]) -> list[dict[str, object]]:
    """Write them into a transaction's terms, for whoever runs the same command again."""
    return [
        {
            key: str(int(value)) if isinstance(value, Wei) else value
            for key, value in asdict(one).items()
        }
        for one in effects
    ]


def of_terms(effect: type[Effect], kept: Sequence[Mapping[str, Any]]) -> tuple[Effect, ...]:
    """Read them back."""
    return tuple(
        effect(**{key: _as_it_was(key, value) for key, value in one.items()}) for one in kept
    )


def _as_it_was(key: str, value: Any) -> Any:  # noqa: ANN401 JSON
    if value is None:
        return None
    if key.endswith("_wei"):
        return Wei(int(value))
    if key.endswith("_inr"):
        return Decimal(value)
    return UUID(value) if key == "event_id" else value


def changed_payouts(
    found: Sequence[OpenEvent], snapshot: Snapshot, percent: int, session: Session
) -> tuple[ChangedPayout, ...]:
    """The open events whose host would be paid another amount: the fee is read at completion."""
    rate = rate_for_reading(session)
    changed = []
    for one in found:
        before = one.revenue - percent_of(one.revenue, snapshot.fee_percent)
        after = one.revenue - percent_of(one.revenue, percent)
        if before == after:
            continue
        event_id, title = _row_of(one, session)
        changed.append(
            ChangedPayout(
                event_id=event_id,
                chain_event_id=one.event.id,
                title=title,
                foreign=one.foreign,
                active_bookings=one.active_bookings,
                payout_before_wei=before,
                payout_after_wei=after,
                payout_before_inr=wei_to_inr(before, rate) if rate else None,
                payout_after_inr=wei_to_inr(after, rate) if rate else None,
            )
        )
    return tuple(changed)


def changed_stakes(
    found: Sequence[OpenEvent], snapshot: Snapshot, percent: int, session: Session
) -> tuple[ChangedStake, ...]:
    """Events that take further bookings, and rows whose event is still to be created."""
    seats = []
    for one in found:
        if one.event.seats_available and not one.foreign:
            event_id, title = _row_of(one, session)
            price = one.event.price_per_seat
            stakes = percent_of(price, snapshot.stake_percent), percent_of(price, percent)
            seats.append(ChangedStake(event_id, one.event.id, title, "a seat", *stakes))
    rate, hosts = rate_for_reading(session), []
    for row in session.events.list(_ALL_ROWS):
        ended = row.status in ("completed", "cancelled") or row.starts_at <= session.now()
        if row.chain_event_id is None and not ended:
            total = inr_to_wei(row.price_inr, rate) * row.seats if rate else None
            hosts.append(
                ChangedStake(
                    event_id=row.id,
                    chain_event_id=None,
                    title=row.experience.title,
                    stake_of="the host",
                    stake_before_wei=_part(total, snapshot.stake_percent),
                    stake_after_wei=_part(total, percent),
                )
            )
    return (*seats, *hosts)


def _part(total: Wei | None, percent: int) -> Wei | None:
    return percent_of(total, percent) if total is not None else None


def drifting_quotes(
    found: Sequence[OpenEvent],
    snapshot: Snapshot,
    percentage: Percentage,
    percent: int,
    session: Session,
) -> tuple[DriftingQuote, ...]:
    """Where the newest quote holds now: a booking will be refused until it is quoted again."""
    now = (snapshot.stake_percent, snapshot.fee_percent)
    after = (now[0], percent) if percentage is FEE else (percent, now[1])
    holding = [
        one
        for one in found
        if now != after and session.ledger.quoted_percentages(one.event.id) == now
    ]
    return tuple(
        DriftingQuote(event_id, one.event.id, title)
        for one in holding
        for event_id, title in [_row_of(one, session)]
    )


def _row_of(one: OpenEvent, session: Session) -> tuple[UUID | None, str]:
    row = session.events.by_chain_id(one.event.id)
    return (row.id, row.experience.title) if row else (None, "an event without a row")
