"""Whether what recorded bytes name is still ours, before they are sent again.

On-chain numbers are counters. After a reorg the number in our calldata can belong to a
stranger's event, and the same bytes would then pay him, with the excess lost. The reorg may
have undone the event alone, and nothing of the transaction that names it: so the event is
looked at before every sending, and the guards run again where the world may have moved on.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from mayhouse_cli.models import (
    Kind,
    OnChainEvent,
    Question,
    Receipt,
    Sighting,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import format_eth
from mayhouse_cli.operations.escrow import read_escrow
from mayhouse_cli.operations.settlement import payable_of
from mayhouse_cli.ports import Session

OLD_AFTER: Final = timedelta(minutes=15)
TOPUP: Final = "topup"
"""The argument by which a transfer to the platform's own wallet is known: its ordinal."""


def why_not_ours(transaction: Transaction, session: Session) -> str | None:
    """Check again what the calldata names, and would do; None when it may be sent again."""
    if transaction.kind is Kind.FILL_NONCE:
        return None
    if transaction.kind is Kind.TRANSFER:
        return _why_not_owed(transaction, session)
    if transaction.kind is Kind.WITHDRAW and (reason := _why_owed(transaction, session)):
        return reason
    call = session.chain.call_of(transaction) if is_stale(transaction, session) else None
    # Whatever it calls: this read proves that the contract still stands at its address.
    snapshot = session.chain.read(
        Question(sender=transaction.sender, call=call, chain_event_id=transaction.chain_event_id)
    )
    if transaction.chain_event_id is not None:
        reason = _why_another_event(transaction, snapshot, session)
        if reason is not None:
            return reason
    return snapshot.revert_reason


def is_stale(transaction: Transaction, session: Session) -> bool:
    """Whether the guards have to run again before it is sent again."""
    return bool(transaction.undone) or session.now() - transaction.created_at > OLD_AFTER


def _why_not_owed(transaction: Transaction, session: Session) -> str | None:
    """What a transfer pays must still be owed: its completion may be undone as well."""
    if TOPUP in transaction.arguments:
        return _why_not_the_platforms(transaction, session)
    payable_id = payable_of(transaction)
    if payable_id is None:
        return None
    payable = session.payables.get(payable_id)
    if payable is None or payable.undone_at is not None:
        return f"a reorg took back what payable {payable_id} comes from"
    return f"payable {payable_id} was marked as paid" if payable.reference else None


def _why_not_the_platforms(transaction: Transaction, session: Session) -> str | None:
    """A wallet that was given up, perhaps because its key had leaked, is not filled again."""
    pinned = session.journal.pinned()
    if pinned is None or pinned.sender == transaction.recipient:
        return None
    return f"{transaction.recipient} is not the platform's wallet any more"


def _why_owed(transaction: Transaction, session: Session) -> str | None:
    """A withdrawal takes whatever the contract holds: no more may be owed than was accepted."""
    escrow = read_escrow(session)
    if escrow.liabilities <= int(transaction.terms["liabilities_wei"]):
        return None
    return f"the contract owes {format_eth(escrow.liabilities)} ETH now, and would lose it"


def creation_named(transaction: Transaction, session: Session) -> Transaction | None:
    """The recorded creation of the event in the calldata; None where none of ours is named."""
    if transaction.chain_event_id is None or transaction.event_id is None:
        return None
    return session.journal.creations([transaction.event_id]).get(transaction.event_id)


def why_another_event(
    transaction: Transaction, sighting: Sighting, creation: Transaction | None
) -> str | None:
    """Whether the number in the calldata is another event's now; None when it is still ours.

    The sighting was made with the creation.
    """
    if transaction.chain_event_id is None:
        return None
    reason = _why_another(transaction, sighting.event)
    if reason is None and creation is not None:
        reason = _why_moved(transaction.chain_event_id, _number_made(sighting.creation))
    return reason


def why_other_events(transactions: Sequence[Transaction], session: Session) -> Mapping[UUID, str]:
    """Why the numbers in the calldata are other events' now; empty while all are ours."""
    naming = [one for one in transactions if one.chain_event_id is not None]
    numbers = sorted({one.chain_event_id for one in naming if one.chain_event_id is not None})
    if not numbers:
        return {}
    questions = [Question(chain_event_id=number) for number in numbers]
    snapshots = dict(zip(numbers, session.chain.read_all(questions), strict=True))
    moved = _numbers_created(naming, session)
    reasons: dict[UUID, str] = {}
    for one in naming:
        number = one.chain_event_id or 0
        reason = _why_another(one, snapshots[number].event)
        if reason is None and one.event_id in moved:
            reason = _why_moved(number, moved[one.event_id])
        if reason is not None:
            reasons[one.id] = reason
    return reasons


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
    reason = _why_another(transaction, snapshot.event)
    created = _numbers_created([transaction], session)
    if reason is None and transaction.event_id in created:
        reason = _why_moved(transaction.chain_event_id or 0, created[transaction.event_id])
    return reason


def _why_another(transaction: Transaction, event: OnChainEvent | None) -> str | None:
    terms = transaction.terms
    if event is None:
        return f"the contract knows no event {transaction.chain_event_id} now"
    found = event_terms(event)
    if any(terms.get(key) != value for key, value in found.items()):
        return f"event {event.id} is another one now (host {event.host})"
    return None


def _numbers_created(
    transactions: Sequence[Transaction], session: Session
) -> Mapping[UUID | None, int | None]:
    """The number that each event's own creation gives it in a canonical block, if any does.

    Of a creation that was tried again the newest counts, as it ended last.
    """
    event_ids = {one.event_id for one in transactions if one.event_id is not None}
    creations = session.journal.creations(sorted(event_ids)) if event_ids else {}
    sightings = session.chain.sight_all([*creations.values()]) if creations else ()
    return {
        event_id: _number_made(sighting.receipt)
        for event_id, sighting in zip(creations, sightings, strict=True)
    }


def _number_made(receipt: Receipt | None) -> int | None:
    made = receipt.first("EventRunCreated") if receipt else None
    return int(made.arguments["eventRunId"]) if made else None


def _why_moved(number: int, created: int | None) -> str | None:
    """The event's own creation must still give it this number."""
    if created is None:
        return f"the creation of event {number} is no longer on chain"
    return f"its event has the number {created} now" if created != number else None
