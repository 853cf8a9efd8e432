"""Whether what recorded bytes name is still ours, before they are sent again.

On-chain numbers are counters. After a reorg the number in our calldata can belong to a
stranger's event, and the same bytes would then pay him, with the excess lost.
"""

from datetime import timedelta
from typing import Final

from mayhouse_cli.models import (
    Kind,
    OnChainEvent,
    Question,
    Snapshot,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.ports import Session

OLD_AFTER: Final = timedelta(minutes=15)


def must_be_checked(transaction: Transaction, session: Session) -> bool:
    """Whether the world may have changed below it: a reorg undid it, or it is old."""
    return bool(transaction.undone) or session.now() - transaction.created_at > OLD_AFTER


def why_not_ours(transaction: Transaction, session: Session) -> str | None:
    """Run the guards again on what the calldata names; None when it may be sent again."""
    if transaction.kind in (Kind.FILL_NONCE, Kind.TRANSFER):
        return None
    call = session.chain.call_of(transaction)
    snapshot = session.chain.read(
        Question(sender=transaction.sender, call=call, chain_event_id=transaction.chain_event_id)
    )
    if transaction.chain_event_id is not None:
        reason = _why_another_event(transaction, snapshot, session)
        if reason is not None:
            return reason
    return snapshot.revert_reason


def event_terms(event: OnChainEvent) -> dict[str, str]:
    """What a transaction's terms keep of the event it names, to know it again by."""
    return {
        "event_host": event.host,
        "experience_id": event.experience_id,
        "event_price_wei": str(int(event.price_per_seat)),
    }


def _why_another_event(
    transaction: Transaction, snapshot: Snapshot, session: Session
) -> str | None:
    event, terms = snapshot.event, transaction.terms
    if event is None:
        return f"the contract knows no event {transaction.chain_event_id} now"
    found = event_terms(event)
    if any(terms.get(key) != value for key, value in found.items()):
        return f"event {event.id} is another one now (host {event.host})"
    return _why_creation_moved(transaction, session)


def _why_creation_moved(transaction: Transaction, session: Session) -> str | None:
    """The event's own creation must still give it this number, in a canonical block."""
    related = (
        session.journal.list(TransactionFilter(event_id=transaction.event_id, limit=1_000))
        if transaction.event_id
        else ()
    )
    creation = next(
        (
            one
            for one in related
            if one.kind is Kind.CREATE_EVENT and one.chain_object_id is not None
        ),
        None,
    )
    if creation is None:
        return None
    receipt = session.chain.sight(creation).receipt
    created = receipt.first("EventRunCreated") if receipt else None
    if created is None:
        return f"the creation of event {transaction.chain_event_id} is no longer on chain"
    if created.arguments["eventRunId"] != transaction.chain_event_id:
        return f"its event has the number {created.arguments['eventRunId']} now"
    return None
