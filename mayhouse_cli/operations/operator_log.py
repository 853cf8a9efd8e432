"""The operators' log: one row for each change that a command makes, written with the change.

What is signed gets its row in the database transaction that records it, so that there is none
without the other. `before` is what the decision rested on. What came of it is not written twice:
the row names the transaction. Only where nothing on record can tell what is true afterwards (the
contract's own settings, its balance) a second row says so in `after`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from mayhouse_cli.models import LogEntry
from mayhouse_cli.operations.lookup import EventReference, find_known_event
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class OperatorLogList:
    """`log`: newest first."""

    entries: tuple[LogEntry, ...]


def log(
    session: Session,
    arguments: Mapping[str, object],
    transaction_id: UUID | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add a row of the running command; joins the database transaction that is open.

    No secret may stand in what is given: it stays for ever.
    """
    session.operator_log.add(
        session.actor, session.command, arguments, transaction_id, before, after
    )


def log_all(
    session: Session,
    transactions: Sequence[tuple[UUID, Mapping[str, object], Mapping[str, object]]],
) -> None:
    """Add a row for each transaction: its id, its arguments, and what was before it."""
    session.operator_log.add_all(session.actor, session.command, transactions)


def list_log(event: str | None, limit: int, session: Session) -> OperatorLogList:
    """List who did what, newest first; of one event alone when it is named."""
    found = find_known_event(event, session) if event is not None else EventReference(None, None)
    row_id = found.row.id if found.row else None
    return OperatorLogList(tuple(session.operator_log.list(row_id, found.chain_event_id, limit)))
