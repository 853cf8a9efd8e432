"""The chain beside the database: staged in temporary tables, and compared as sets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    Change,
    Comparison,
    Drift,
    Kind,
    LedgerFault,
    OnChainBooking,
    OnChainEvent,
    OpenEnd,
    RecordedEnd,
    Side,
    Status,
)
from mayhouse_cli.store import drift_sql, ledger_sql, mirror_sql
from mayhouse_cli.store.database import Cursor, Database

MOST_LISTED: Final = 1_000  # drifts of one code; the rest is counted
_PAGE: Final = 5_000
# The chain's texts may hold what a text in Postgres may not, and are compared with uuids alone.
_LONGEST_TEXT: Final = 200

_LOCK: Final = {Side.EVENT: drift_sql.LOCK_EVENT, Side.BOOKING: drift_sql.LOCK_BOOKING}
_CLEAR: Final = {Side.EVENT: drift_sql.CLEAR_EVENT, Side.BOOKING: drift_sql.CLEAR_BOOKING}
_REWRITE: Final = {Side.EVENT: drift_sql.REWRITE_EVENT, Side.BOOKING: drift_sql.REWRITE_BOOKING}


class PostgresMirror:
    """The port Mirror on temporary tables of one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(
        self,
        events: Iterable[Sequence[OnChainEvent]],
        bookings: Iterable[Sequence[OnChainBooking]],
    ) -> None:
        """Stage everything that streams by; the caller holds the transaction."""
        with self._database.transaction() as cursor:
            cursor.execute(mirror_sql.STAGE)
            # A COPY for each part, since a statement has a time-out and the node may be slow.
            for some_events in events:
                with cursor.copy(mirror_sql.COPY_EVENTS) as copy:
                    copy.write("".join(map(_event_line, some_events)))
            for some_bookings in bookings:
                with cursor.copy(mirror_sql.COPY_BOOKINGS) as copy:
                    copy.write("".join(map(_booking_line, some_bookings)))
            cursor.execute(mirror_sql.ANALYZE_CHAIN)

    def drifts(self, comparison: Comparison) -> Sequence[Drift]:
        """Compare what was staged with the rows; at most so many of each code are listed."""
        values = {
            "block_number": comparison.block.number,
            "time": comparison.block.timestamp,
            "ours": [wallet.lower() for wallet in comparison.ours],
            "signer": comparison.signer.lower() if comparison.signer else None,
            "moved": list(comparison.moved),
            "limit": MOST_LISTED,
        }
        with self._database.transaction() as cursor:
            for statement in mirror_sql.PREPARATION:
                cursor.execute(statement, values)
            return [
                _drift(row)
                for statement in (drift_sql.EVENT_DRIFTS, drift_sql.BOOKING_DRIFTS)
                for row in cursor.execute(statement, values)
            ]

    def recorded_ends(self) -> Iterator[Sequence[RecordedEnd]]:
        """Give the finished transactions that stand in a block, some at a time."""
        after = UUID(int=0)
        while True:
            with self._database.transaction() as cursor:
                wanted = {"after": after, "limit": _PAGE}
                rows = cursor.execute(drift_sql.RECORDED_ENDS, wanted).fetchall()
            if not rows:
                return
            yield [
                RecordedEnd(**{**row, "kind": Kind(row["kind"]), "status": Status(row["status"])})
                for row in rows
            ]
            after = rows[-1]["id"]

    def old_unfinished(self, before: object) -> Sequence[OpenEnd]:
        """Give what was recorded before that moment and is still unfinished, oldest first."""
        with self._database.transaction() as cursor:
            wanted = {"before": before, "limit": MOST_LISTED}
            return [
                OpenEnd(**{**row, "kind": Kind(row["kind"]), "status": Status(row["status"])})
                for row in cursor.execute(drift_sql.OLD_UNFINISHED, wanted)
            ]

    def ledger_faults(self) -> Sequence[LedgerFault]:
        """Find what the record says that contradicts the rest of it."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(ledger_sql.LEDGER_FAULTS, {"limit": MOST_LISTED})
            return [LedgerFault(**row) for row in rows]

    def rewrite(self, changes: Sequence[Change]) -> None:
        """Write the new values; Refused, and nothing kept, when a row has changed meanwhile."""
        with self._database.transaction() as cursor:
            for change in changes:
                _refuse_changed(change, cursor)
                cursor.execute(_CLEAR[change.side], {"id": change.row_id})
            for change in changes:
                values = {"id": change.row_id, **change.before, **change.after}
                cursor.execute(_REWRITE[change.side], values)


def _refuse_changed(change: Change, cursor: Cursor) -> None:
    row = cursor.execute(_LOCK[change.side], {"id": change.row_id}).fetchone()
    if row != dict(change.before):
        raise Refused(
            f"The {change.side}'s row {change.row_id} was changed meanwhile; nothing was written",
            hint="Run it again: mayhouse reconcile --fix",
        )


def _event_line(event: OnChainEvent) -> str:
    return (
        f"{event.id}\t{event.host.lower()}\t{_text(event.experience_id)}\t"
        f"{event.price_per_seat:d}\t{event.max_seats}\t{event.seats_booked}\t"
        f"{event.starts_at}\t{event.status:d}\n"
    )


def _booking_line(booking: OnChainBooking) -> str:
    return (
        f"{booking.id}\t{booking.event_id}\t{booking.user.lower()}\t{booking.seats}\t"
        f"{booking.payment:d}\t{booking.stake:d}\t{booking.status:d}\n"
    )


def _text(text: str) -> str:
    """Write a text for COPY, which gives meaning to a backslash, and takes no NUL."""
    return "".join(
        character if character.isprintable() and character != "\\" else "?"
        for character in text[:_LONGEST_TEXT]
    )


def _drift(row: Mapping[str, Any]) -> Drift:
    return Drift(
        code=row["code"],
        side=Side(row["side"]),
        row_id=row["row_id"],
        number=row["number"],
        chain_event_id=row["chain_event_id"],
        recorded=row["recorded"],
        on_chain=row["on_chain"],
        tx_hash=row["tx_hash"],
        row=row["row_values"],
        more=row["more"],
    )
