"""Statements of settled events: every line with its party and payable, the sums, and the gas."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from mayhouse_cli.errors import MayhouseError, Refused
from mayhouse_cli.models import (
    EventRow,
    Kind,
    Payable,
    PayableFilter,
    SettlementLine,
    Status,
    Transaction,
    TransactionFilter,
    inlined,
)
from mayhouse_cli.money import format_eth, wei_to_inr
from mayhouse_cli.operations import settlement, settlement_rates, settlement_sums
from mayhouse_cli.operations.lookup import EventReference, find_event
from mayhouse_cli.operations.settled_bookings import settled_bookings
from mayhouse_cli.operations.statement_lines import GasLine, StatementLine, Totals, totals_of
from mayhouse_cli.operations.transactions import TransactionResult, short
from mayhouse_cli.ports import Session

INDIA: Final = ZoneInfo("Asia/Kolkata")
ENDS: Final = (Kind.COMPLETE_EVENT, Kind.CANCEL_EVENT)
_EVERYTHING: Final = 1_000_000


@dataclass(frozen=True)
class Statement:
    """`event settle` of one event."""

    event_id: UUID | None
    chain_event_id: int
    title: str
    starts_at: datetime | None
    ended: str
    settled_at: datetime | None
    lines: tuple[StatementLine, ...]
    gas: tuple[GasLine, ...]
    totals: Totals
    notes: tuple[str, ...]
    transaction: TransactionResult = inlined()


@dataclass(frozen=True)
class Statements:
    """`event settle`: one statement an event, and the sums of all of them."""

    period_from: date | None
    period_to: date | None
    """The first day that is not part of it."""
    statements: tuple[Statement, ...]
    totals: Totals


def settle_events(names: Sequence[str], session: Session) -> Statements:
    """Make the statements of these events; Refused when one is not settled, saying what stands."""
    ends = [_end_of(find_event(name, session), name, session) for name in names]
    return _statements(list({one.id: one for one in ends}.values()), None, None, session)


def settle_period(start: date, end: date, session: Session) -> Statements:
    """Make the statements of what was settled from one Indian day on and before another."""
    moments = [datetime.combine(day, time(), INDIA) for day in (start, end)]
    found = session.settlements.settled_between(moments[0], moments[1])
    ends = [session.journal.get(one) for one in found]
    return _statements(ends, start, end, session)


def _statements(
    ends: Sequence[Transaction], start: date | None, end: date | None, session: Session
) -> Statements:
    made = [_statement(one, session) for one in ends]
    lines = [line for one in made for line in one.lines]
    gas = [line for one in made for line in one.gas]
    return Statements(start, end, tuple(made), totals_of(lines, gas))


def _end_of(reference: EventReference, name: str, session: Session) -> Transaction:
    row, number = reference.row, reference.chain_event_id
    recorded = (
        session.journal.list(
            TransactionFilter(
                event_id=row.id if row else None, chain_event_id=number, limit=_EVERYTHING
            )
        )
        if row is not None or number is not None
        else ()
    )
    ours = [one for one in recorded if row is None or one.event_id in (row.id, None)]
    ends = [one for one in ours if one.kind in ENDS]
    settled = next((one for one in ends if one.status is Status.CONFIRMED), None)
    if settled is not None:
        return settled
    raise _not_settled(row, number, name, ends)


def _not_settled(
    row: EventRow | None, number: int | None, name: str, ends: Sequence[Transaction]
) -> Refused:
    waiting = next((one for one in ends if one.status.is_unfinished), None)
    if waiting is not None:
        stands = f"its {waiting.kind} {short(waiting)} is {waiting.status}"
        hint = f"Finish it: mayhouse tx resume {short(waiting)}"
    elif row is None:
        stands = "it has no row, and no completion or cancellation of it is recorded"
        hint = f"See `mayhouse event show {name}`."
    elif row.status in ("completed", "cancelled"):
        stands = f"its row says {row.status}, and nothing that this tool sent has ended it"
        hint = f"See `mayhouse event show {name}` and `mayhouse audit`."
    else:
        on_chain = f"event {number} on chain" if number is not None else "not on chain"
        stands = f"it is {row.status}, {on_chain}"
        hint = f"`mayhouse event complete {name}` or `mayhouse event cancel {name}` settles it."
    details = {
        "event_id": str(row.id) if row else None,
        "chain_event_id": number,
        "status": row.status if row else None,
        "transaction_id": str(waiting.id) if waiting else None,
    }
    return Refused(f"Event {name} is not settled: {stands}", hint=hint, details=details)


# --- one event --------------------------------------------------------------------------


def _statement(end: Transaction, session: Session) -> Statement:
    row = session.events.by_id(end.event_id) if end.event_id else None
    payables = session.payables.list(PayableFilter(settlement_of=end.id))
    by_line = {(_line_of(one), one.chain_booking_id): one for one in payables}
    users = {one.chain_booking_id: one.user for one in settled_bookings(end.terms)}
    kept = session.settlements.lines(end.id)
    if (wrong := settlement_sums.why_kept_is_wrong(end, kept)) is not None:
        raise MayhouseError(
            f"The kept settlement of event {end.chain_event_id} does not add up: {wrong}",
            hint=f"Its lines were changed; compare them with `mayhouse tx show {end.id}`.",
        )
    lines = []
    for line in kept:
        payable = by_line.get((line.line, line.chain_booking_id))
        paid_to = users.get(line.chain_booking_id or 0)
        if line.line == "host_payout":
            paid_to = end.terms.get("event_host")
        lines.append(_line(line, payable, paid_to, row, session))
    gas = [_gas_line(one, session) for one in reversed(settlement_rates.of_event(end, session))]
    return Statement(
        event_id=end.event_id,
        chain_event_id=end.chain_event_id or 0,
        title=row.experience.title if row else "an event without a row",
        starts_at=row.starts_at if row else None,
        ended="completed" if end.kind is Kind.COMPLETE_EVENT else "cancelled",
        settled_at=end.finished_at,
        lines=tuple(lines),
        gas=tuple(gas),
        totals=totals_of(lines, gas),
        notes=tuple(_notes(lines, payables)),
        transaction=TransactionResult.of(end, session),
    )


def _line_of(payable: Payable) -> str:
    return "stake_returned" if payable.kind.value == "stake_return" else payable.kind.value


def _line(
    line: SettlementLine,
    payable: Payable | None,
    paid_to: str | None,
    row: EventRow | None,
    session: Session,
) -> StatementLine:
    tx_hash = payable.tx_hash if payable else None
    return StatementLine(
        line=line.line,
        party=line.party,
        party_id=line.party_id,
        name=_name(line, row, session),
        booking_id=line.booking_id,
        chain_booking_id=line.chain_booking_id,
        amount_wei=line.amount,
        amount_eth=format_eth(line.amount),
        amount_inr=line.amount_inr,
        payable_id=payable.id if payable else None,
        payable_status=payable.standing.value if payable else None,
        paid_tx_hash=tx_hash,
        paid_explorer_url=session.config.explorer_link(tx_hash) if tx_hash else None,
        paid_reference=payable.reference if payable else None,
        note=_note(line, payable, paid_to),
    )


def _name(line: SettlementLine, row: EventRow | None, session: Session) -> str | None:
    if line.party_id is None:
        return None
    if row is not None and row.experience.host.id == line.party_id:
        return row.experience.host.name
    person = session.bookings.traveler(line.party_id)
    return person.name if person else None


def _note(line: SettlementLine, payable: Payable | None, paid_to: str | None) -> str | None:
    if line.line not in settlement.OWED or payable is not None or not line.amount:
        return None
    to = f" ({paid_to})" if paid_to else ""
    if line.party_id is None and line.line == "host_payout":
        return f"no row of a host: the contract paid the host on chain{to}"
    if line.party_id is None:
        return f"a stranger's booking: the contract paid it itself{to}"
    return f"the contract paid this wallet itself{to}"


def _notes(lines: Sequence[StatementLine], payables: Sequence[Payable]) -> Iterable[str]:
    if unknown := sum(one.amount_inr is None for one in lines):
        yield f"{unknown} lines have no rupees: no rate is stored with what they rest on"
    for one in payables:
        if one.tx_hash and one.reference:
            yield f"payable {one.id} was paid twice: by {one.tx_hash} and by {one.reference}"
        of_line = next((line for line in lines if line.payable_id == one.id), None)
        if of_line is not None and of_line.amount_wei != one.amount:
            yield f"payable {one.id} is of {one.amount} wei, its line of {of_line.amount_wei}"


def _gas_line(transaction: Transaction, session: Session) -> GasLine:
    """At the rate stored with the transaction, else the newest that was stored by then."""
    rate = transaction.eth_price_inr
    fee = transaction.fee
    if rate is None and fee is not None:
        rate = session.settlements.rate_at(transaction.created_at)
    return GasLine(
        transaction_id=transaction.id,
        kind=transaction.kind.value,
        status=transaction.status.value,
        tx_hash=transaction.tx_hash,
        explorer_url=session.config.explorer_link(transaction.tx_hash),
        fee_wei=fee,
        fee_eth=format_eth(fee) if fee is not None else None,
        fee_inr=wei_to_inr(fee, rate) if fee is not None and rate is not None else None,
    )
