"""The operators' log: who did what, in rows that a trigger lets nobody change or delete."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from mayhouse_cli.models import LogEntry
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.journal_rows import as_jsonb

ADD: Final = """
    INSERT INTO mayhouse.operator_log
        (actor, command, arguments, transaction_id, before, after)
    VALUES
        (%(actor)s, %(command)s, %(arguments)s, %(transaction_id)s, %(before)s, %(after)s)
"""

# An event's rows are those of its transactions; its creation got its number from the receipt.
ENTRIES: Final = """
    SELECT log.at, log.actor, log.command, log.arguments, log.transaction_id, log.before,
           log.after
    FROM mayhouse.operator_log AS log
    WHERE %(event_id)s::uuid IS NULL AND %(chain_event_id)s::numeric IS NULL
       OR EXISTS (
            SELECT FROM mayhouse.transactions AS made
            WHERE made.id = log.transaction_id
              AND (made.event_id = %(event_id)s::uuid
                   OR made.chain_event_id = %(chain_event_id)s::numeric
                   OR made.kind = 'create_event'
                      AND made.chain_object_id = %(chain_event_id)s::numeric))
    ORDER BY log.id DESC
    LIMIT %(limit)s
"""


class PostgresOperatorLog:
    """The port OperatorLog on the table `mayhouse.operator_log`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        actor: str,
        command: str,
        arguments: Mapping[str, object],
        transaction_id: UUID | None = None,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Add a row, in the transaction that is open."""
        entry = {
            "actor": actor,
            "command": command,
            "arguments": as_jsonb(arguments),
            "transaction_id": transaction_id,
            "before": as_jsonb(before) if before is not None else None,
            "after": as_jsonb(after) if after is not None else None,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD, entry)

    def add_all(
        self,
        actor: str,
        command: str,
        rows: Sequence[tuple[UUID, Mapping[str, object], Mapping[str, object]]],
    ) -> None:
        """Add a row for each transaction, in the transaction that is open."""
        entries = [
            {
                "actor": actor,
                "command": command,
                "arguments": as_jsonb(arguments),
                "transaction_id": transaction_id,
                "before": as_jsonb(before),
                "after": None,
            }
            for transaction_id, arguments, before in rows
        ]
        with self._database.transaction() as cursor:
            cursor.executemany(ADD, entries)

    def list(
        self, event_id: UUID | None, chain_event_id: int | None, limit: int
    ) -> Sequence[LogEntry]:
        """Give the newest rows, of one event or of everything."""
        wanted = {"event_id": event_id, "chain_event_id": chain_event_id, "limit": limit}
        with self._database.transaction() as cursor:
            return [LogEntry(**row) for row in cursor.execute(ENTRIES, wanted)]
