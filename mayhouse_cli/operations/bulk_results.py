"""What became of each row of a file: as a result, and as a file beside it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import MayhouseError, WrongUsage
from mayhouse_cli.models import Hash, Kind, Status, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.bulk_rows import BulkPlan, Listed, row_id
from mayhouse_cli.ports import Session
from mayhouse_cli.private_files import write_over

PLANNED: Final = "planned"
NOT_MADE: Final = "not_made"
_REJECTED: Final = "rejected"


@dataclass(frozen=True)
class BulkRow:
    """What became of one row."""

    line: int
    event_id: UUID | None
    booking_id: UUID | None
    chain_event_id: int | None
    chain_booking_id: int | None
    seats: int
    transaction_id: UUID | None
    tx_hash: Hash | None
    explorer_url: str | None
    block_number: int | None
    fee_wei: Wei | None
    status: str
    error: str | None


@dataclass(frozen=True)
class BulkResult:
    """`booking import` and `event create --from`: the counts, and every row."""

    source: str
    result_file: str | None
    total: int
    confirmed: int
    confirmed_before: int
    """Of the confirmed ones: by an earlier run, or by another one at the same time."""
    sent: int
    failed: int
    not_made: int
    value_wei: Wei
    """Of what this run has confirmed."""
    fee_wei: Wei
    rows: tuple[BulkRow, ...]


def result_of(
    plan: BulkPlan,
    transactions: Mapping[int, Transaction],
    failures: Mapping[int, str],
    session: Session,
    *,
    by_others: frozenset[UUID] = frozenset(),
    otherwise: str = NOT_MADE,
    result_file: Path | None = None,
) -> BulkResult:
    """Tell of every row; `otherwise` is what holds for those nothing has happened to."""
    rows = tuple(
        _row(one, transactions.get(one.line), failures.get(one.line), otherwise, session)
        for one in plan.listed
    )
    confirmed = [one for one in transactions.values() if one.status is Status.CONFIRMED]
    earlier = {one.id for one in plan.earlier.values() if one.status is Status.CONFIRMED}
    new = [one for one in confirmed if one.id not in earlier | by_others]
    states = [one.status for one in rows]
    sent = sum(state in (Status.SIGNED, Status.SENT, Status.MINED) for state in states)
    not_made = states.count(NOT_MADE) + states.count(PLANNED)
    return BulkResult(
        source=plan.source,
        result_file=str(result_file) if result_file else None,
        total=len(rows),
        confirmed=len(confirmed),
        confirmed_before=len(confirmed) - len(new),
        sent=sent,
        failed=len(rows) - len(confirmed) - sent - not_made,
        not_made=not_made,
        value_wei=sum((one.value for one in new), Wei(0)),
        fee_wei=sum((one.fee for one in new if one.fee is not None), Wei(0)),
        rows=rows,
    )


def _row(
    listed: Listed,
    transaction: Transaction | None,
    failure: str | None,
    otherwise: str,
    session: Session,
) -> BulkRow:
    intent = listed.intent
    is_booking = intent.kind is Kind.BOOK_EVENT
    number = transaction.chain_object_id if transaction else None
    status = otherwise if failure is None else _REJECTED
    if transaction is not None and not (failure and transaction.status is Status.FAILED):
        status = transaction.status.value
    tx_hash = transaction.tx_hash if transaction else None
    return BulkRow(
        line=listed.line,
        event_id=intent.event_id,
        booking_id=intent.booking_id if is_booking else None,
        chain_event_id=intent.chain_event_id if is_booking else number,
        chain_booking_id=number if is_booking else None,
        seats=listed.seats,
        transaction_id=transaction.id if transaction else None,
        tx_hash=tx_hash,
        explorer_url=session.config.explorer_link(tx_hash) if tx_hash else None,
        block_number=transaction.block_number if transaction else None,
        fee_wei=transaction.fee if transaction else None,
        status=status,
        error=failure or (transaction.error if transaction else None),
    )


# --- the file ---------------------------------------------------------------------------


def result_path(source: Path, chosen: Path | None) -> Path:
    """Where the result goes: beside the file, unless told otherwise."""
    return chosen or source.with_name(f"{source.stem}.result.csv")


def refuse_foreign_file(path: Path, listed: Sequence[Listed]) -> None:
    """WrongUsage when something stands there that is no earlier result of these very rows."""
    if not path.exists():
        if not path.parent.is_dir():
            raise WrongUsage(f"There is no folder for the result {path}", hint="Make it first.")
        return
    ours = {str(row_id(one.intent)) for one in listed}
    try:
        header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        is_ours = tuple(header) == _header(listed) and {row[1] for row in rows} <= ours
    except (OSError, ValueError, IndexError, csv.Error):
        is_ours = False
    if not is_ours:
        raise WrongUsage(
            f"{path} stands there and is not the result of an earlier run of this file",
            hint="Name another file with --result; nothing was sent.",
        )


def write_result(path: Path, result: BulkResult, kind: Kind) -> None:
    """Write a row for each row; MayhouseError when that fails, and what was done stands."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    is_booking = kind is Kind.BOOK_EVENT
    writer.writerow(_BOOKINGS if is_booking else _EVENTS)
    writer.writerows(_cells(result.rows, is_booking=is_booking))
    try:
        write_over(path, text.getvalue().encode())
    except OSError as error:
        raise MayhouseError(
            f"The result could not be written to {path}: {error.strerror}",
            hint="What was done stands, and is recorded: run it again with another --result.",
            known=result,
        ) from None


_BOOKINGS: Final = ("line", "booking_id", "chain_booking_id", "tx_hash", "status", "error")
_EVENTS: Final = ("line", "event_id", "chain_event_id", "tx_hash", "status", "error")


def _header(listed: Sequence[Listed]) -> tuple[str, ...]:
    return _BOOKINGS if listed[0].intent.kind is Kind.BOOK_EVENT else _EVENTS


def _cells(rows: Iterable[BulkRow], *, is_booking: bool) -> Iterable[Sequence[object]]:
    for one in rows:
        ids = (
            (one.booking_id, one.chain_booking_id)
            if is_booking
            else (one.event_id, one.chain_event_id)
        )
        yield (one.line, *ids, one.tx_hash, one.status, one.error)
