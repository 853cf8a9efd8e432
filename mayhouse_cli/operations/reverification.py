"""Whether what recorded bytes name is still ours, before they are sent again.

On-chain numbers are counters. After a reorg the number in our calldata can belong to a
stranger's event, and the same bytes would then pay him, with the excess lost. The reorg may
have undone the event alone, and nothing of the transaction that names it: so the event is
looked at before every sending, and the guards run again where the world may have moved on.
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


def why_not_ours(transaction: Transaction, session: Session) -> str | None:
    """Check again what the calldata names, and would do; None when it may be sent again."""
    if transaction.kind in (Kind.FILL_NONCE, Kind.TRANSFER):
        return None
    stale = bool(transaction.undone) or session.now() - transaction.created_at > OLD_AFTER
    if transaction.chain_event_id is None and not stale:
        return None
    call = session.chain.call_of(transaction) if stale else None
    snapshot = session.chain.read(
        Question(sender=transaction.sender, call=call, chain_event_id=transaction.chain_event_id)
    )
    if transaction.chain_event_id is not None:
        reason = _why_another_event(transaction, snapshot, session)
        if reason is not None:
            return reason
    return snapshot.revert_reason


def why_another_event(transaction: Transaction, session: Session) -> str | None:
    """Whether the number in the calldata is another event's now; None when it is still ours."""
    if transaction.chain_event_id is None:
        return None
    snapshot = session.chain.read(Question(chain_event_id=transaction.chain_event_id))
    return _why_another_event(transaction, snapshot, session)


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
    # Newest first: a creation that was tried again counts as it ended last.
    creation = next((one for one in related if one.kind is Kind.CREATE_EVENT), None)
    if creation is None:
        return None
    receipt = session.chain.sight(creation).receipt
    created = receipt.first("EventRunCreated") if receipt else None
    if created is None:
        return f"the creation of event {transaction.chain_event_id} is no longer on chain"
    if created.arguments["eventRunId"] != transaction.chain_event_id:
        return f"its event has the number {created.arguments['eventRunId']} now"
    return None
