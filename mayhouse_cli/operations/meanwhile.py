"""What may happen between a plan and its record, and must not go unseen.

A booking of ours that is made after an event's end was planned would be refunded or lose its stake
on chain, and be missing from the terms that say who is owed what. So either of the two looks for
the other in the database transaction that records it, under the journal's lock, where nothing of
ours can come in between. And a percentage that changes while a person thinks would have the wrong
amount sent, of which the contract keeps what is too much.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import Intent, Kind, Question, Snapshot, Transaction, TransactionFilter
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session

_EVERYTHING: Final = 1_000_000
_ENDS: Final = frozenset({Kind.COMPLETE_EVENT, Kind.CANCEL_EVENT})
# What is planned and recorded at one go needs no second look at the chain.
FRESH: Final = timedelta(seconds=3)


def recorded_on(
    event_id: UUID | None, chain_event_id: int, session: Session
) -> Sequence[Transaction]:
    """Everything recorded on an event that happened or still may, newest first.

    A number can have been another event's before a reorg: what is finished must be of the same row.
    What is not may still be mined, and its bytes name nothing but the number.
    """
    wanted = TransactionFilter(event_id=event_id, chain_event_id=chain_event_id, limit=_EVERYTHING)
    found = [one for one in session.journal.list(wanted) if not one.status.is_impossible]
    return [
        one
        for one in found
        if one.status.is_unfinished or event_id is None or one.event_id in (event_id, None)
    ]


def refuse_unfinished(number: int, recorded: Iterable[Transaction]) -> None:
    """Unconfirmed when one of these on an event is unfinished: it changes who is owed what."""
    first = next((one for one in recorded if one.status.is_unfinished), None)
    if first is not None:
        raise Unconfirmed(
            f"A transaction on event {number} is unfinished: {first.kind} {short(first)}",
            hint=f"Nothing was signed. Finish that one first: mayhouse tx resume {short(first)}",
            details={"transaction_id": str(first.id), "tx_hash": first.tx_hash},
        )


def refuse_recorded_since(
    known: frozenset[UUID], ending: Transaction, number: int, session: Session
) -> None:
    """Refused when our own hand has done anything to an event since its end was planned.

    Unconfirmed while that is unfinished. `known` is what was recorded before the plan read the
    chain; the caller holds the journal's lock.
    """
    recorded = recorded_on(ending.event_id, number, session)
    others = [one for one in recorded if one.id != ending.id]
    refuse_unfinished(number, others)
    new = next((one for one in others if one.id not in known), None)
    if new is not None:
        raise Refused(
            f"Event {number} has moved since this was planned: {new.kind} {short(new)}",
            hint="Nothing was sent. Run it again, and look at it again.",
            details={"transaction_id": str(new.id), "tx_hash": new.tx_hash},
        )


def refuse_while_ending(event_id: UUID, number: int, session: Session) -> None:
    """Refused when an end of the event is recorded, Unconfirmed while that is unfinished.

    Called when a booking is planned, and again when it is recorded, under the journal's lock.
    """
    recorded = recorded_on(event_id, number, session)
    end = next((one for one in recorded if one.kind in _ENDS), None)
    if end is None:
        return
    refuse_unfinished(number, [end])
    raise Refused(
        f"Event {number} takes no more bookings: {end.kind} {short(end)} is {end.status}",
        hint=f"See `mayhouse event show {number}`; nothing was sent.",
        details={"transaction_id": str(end.id), "tx_hash": end.tx_hash},
    )


def refuse_drift(intent: Intent, read: Snapshot, read_at: datetime, session: Session) -> None:
    """Refused when a percentage is not what the intent's terms say.

    The chain is asked again when what was `read` for the plan is no longer fresh: a person has
    been asked for consent or a password in between.
    """
    names = [name for name in ("stake_percent", "fee_percent") if name in intent.terms]
    if not names:
        return
    is_fresh = session.now() - read_at <= FRESH
    now = read if is_fresh else session.chain.read(Question())
    found = {"stake_percent": now.stake_percent, "fee_percent": now.fee_percent}
    moved = [name for name in names if found[name] != intent.terms[name]]
    if moved:
        told = " and ".join(
            f"the {name.removesuffix('_percent')} is {found[name]} %, not {intent.terms[name]} %"
            for name in moved
        )
        raise Refused(
            f"The contract was changed since this was planned: {told}",
            hint="Nothing was signed. Run it again to see the amounts of now.",
            details={"moved": moved},
        )
