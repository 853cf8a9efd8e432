"""What the chain shows of a recorded transaction, brought into the record and the rows.

Everything a receipt changes is written in one database transaction, under the record's lock,
so that two processes that see the same receipt write it once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mayhouse_cli.errors import DatabaseUnreachable, MayhouseError, Unrecorded
from mayhouse_cli.models import Receipt, Sighting, Status, Transaction
from mayhouse_cli.operations import outcomes
from mayhouse_cli.operations.reverification import creation_named, why_another_event
from mayhouse_cli.operations.transactions import TransactionResult, short
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class _Claim:
    """A transaction and the receipt that, deep enough, proves its on-chain number."""

    transaction: Transaction
    receipt: Receipt | None


def look(transaction: Transaction, session: Session) -> Transaction:
    """Look at the chain once and bring the record to what it shows."""
    sighting, creation = _sight(transaction, session)
    receipt = believable(transaction, sighting.receipt)
    if receipt is None:
        return _absorb_absence(transaction, sighting, session)
    deep = is_deep(transaction, receipt, sighting)
    if not deep and transaction.block_hash == receipt.block_hash:
        return transaction  # known already; looked at more closely once it is deep
    if _why_anothers(transaction, receipt, sighting, creation) is not None:
        return _absorb_absence(transaction, sighting, session)
    absorb = _absorb_end if deep else _absorb_shallow
    return absorb(transaction, receipt, session)


def why_not_believed(transaction: Transaction, session: Session) -> str | None:
    """Why what was mined is nothing of ours; None when nothing was, or all is well."""
    sighting, creation = _sight(transaction, session)
    if sighting.receipt is None:
        return None
    return _why_anothers(transaction, sighting.receipt, sighting, creation)


def _sight(transaction: Transaction, session: Session) -> tuple[Sighting, Transaction | None]:
    """Find the receipt and, in the same round trip, what tells that it is of our event."""
    with recording(transaction, session):
        creation = creation_named(transaction, session)
    return session.chain.sight(transaction, creation), creation


def _why_anothers(
    transaction: Transaction, receipt: Receipt, sighting: Sighting, creation: Transaction | None
) -> str | None:
    """A reorg can bring our bytes onto another event: at its price, all looks like ours."""
    if not receipt.succeeded or is_cancel(transaction, receipt):
        return None
    return why_another_event(transaction, sighting, creation)


def is_deep(transaction: Transaction, receipt: Receipt, sighting: Sighting) -> bool:
    return sighting.head.number - receipt.block_number + 1 >= transaction.wanted_depth


def _absorb_end(transaction: Transaction, receipt: Receipt, session: Session) -> Transaction:
    error = None
    if not receipt.succeeded:
        error = session.chain.revert_reason(transaction, receipt)
    with recording(transaction, session):
        displaced = _displaced_by(transaction, receipt, session)
    with recording(transaction, session), session.transaction():
        if displaced:
            # Those that have changed places are rewritten together, by one process at a time.
            session.journal.lock(transaction.chain_id, transaction.sender)
        current = session.journal.get_locked(transaction.id)
        if not current.status.is_unfinished:
            return current
        for claim in displaced:
            take_back(claim.transaction, session)
        _finish(current, receipt, error, session)
        for claim in displaced:
            if claim.receipt is not None:
                _finish(session.journal.get(claim.transaction.id), claim.receipt, None, session)
        return session.journal.get(transaction.id)


def _absorb_shallow(transaction: Transaction, receipt: Receipt, session: Session) -> Transaction:
    with recording(transaction, session), session.transaction():
        current = session.journal.get_locked(transaction.id)
        if not current.status.is_unfinished:
            return current
        if current.status is Status.MINED and current.block_hash != receipt.block_hash:
            session.journal.mark_pending_again(transaction.id)
        session.journal.mark_mined(transaction.id, receipt, None)
        return session.journal.get(transaction.id)


def _displaced_by(transaction: Transaction, receipt: Receipt, session: Session) -> list[_Claim]:
    """Whoever the record gives our number to: after a deep reorg both have to be looked at.

    Follows the numbers until one is free: events that changed places form a circle.
    """
    claims: list[_Claim] = []
    seen = {transaction.id}
    number = _number(transaction, receipt)
    while number is not None:
        holder = session.journal.holder(transaction.kind, number)
        if holder is None or holder.id in seen:
            break
        seen.add(holder.id)
        sighting = session.chain.sight(holder)
        proof = believable(holder, sighting.receipt)
        if proof is not None and not is_deep(holder, proof, sighting):
            proof = None
        claims.append(_Claim(holder, proof))
        number = _number(holder, proof) if proof is not None else None
    return claims


def _number(transaction: Transaction, receipt: Receipt) -> int | None:
    if transaction.kind not in outcomes.CREATES_NUMBER or not receipt.succeeded:
        return None
    if is_cancel(transaction, receipt):
        return None
    return outcomes.proven_id(transaction, receipt)


def take_back(transaction: Transaction, session: Session) -> None:
    """Undo what a receipt proved that is no longer on chain; the caller holds the transaction."""
    session.journal.mark_pending_again(transaction.id)
    known_as = session.journal.get(transaction.id).tx_hash
    # What did not happen has changed no rows, but for an event's or booking's own.
    if transaction.status is Status.CONFIRMED or transaction.kind in outcomes.CREATES_NUMBER:
        outcomes.take_back(transaction, known_as, session)


def believable(transaction: Transaction, receipt: Receipt | None) -> Receipt | None:
    """A success counts only with the contract's own event of this intent."""
    if receipt is None or not receipt.succeeded or is_cancel(transaction, receipt):
        return receipt
    if not outcomes.needs_proof(transaction):
        return receipt
    return receipt if outcomes.proven_id(transaction, receipt) is not None else None


def is_cancel(transaction: Transaction, receipt: Receipt) -> bool:
    return any(
        attempt.purpose == "cancel" and attempt.tx_hash == receipt.tx_hash
        for attempt in transaction.attempts
    )


def _finish(
    transaction: Transaction, receipt: Receipt, error: str | None, session: Session
) -> None:
    if is_cancel(transaction, receipt):
        session.journal.finish(transaction.id, Status.CANCELLED, receipt, None, None)
        outcomes.write_failure(transaction, session)
    elif not receipt.succeeded:
        session.journal.finish(transaction.id, Status.REVERTED, receipt, None, error)
        outcomes.write_failure(transaction, session)
    else:
        number = None
        if outcomes.needs_proof(transaction):
            number = outcomes.proven_id(transaction, receipt)
        outcomes.write_outcome(transaction, receipt, number or 0, session)
        session.journal.finish(transaction.id, Status.CONFIRMED, receipt, number, None)


def _absorb_absence(transaction: Transaction, sighting: Sighting, session: Session) -> Transaction:
    """No receipt: waiting, or a reorg took it back, or another transaction has its nonce."""
    if not sighting.nonce_used_at_depth and transaction.status is not Status.MINED:
        return transaction
    with recording(transaction, session), session.transaction():
        current = session.journal.get_locked(transaction.id)
        if not current.status.is_unfinished:
            return current
        if sighting.nonce_used_at_depth:
            rival = f" {sighting.rival}" if sighting.rival else ""
            error = f"nonce {transaction.nonce} was used by another transaction{rival}"
            session.journal.finish(transaction.id, Status.REPLACED, None, None, error)
            outcomes.write_failure(transaction, session)
        elif current.status is Status.MINED:
            session.journal.mark_pending_again(transaction.id)
        return session.journal.get(transaction.id)


@contextmanager
def recording(transaction: Transaction, session: Session) -> Iterator[None]:
    """Turn a lost database into Unrecorded: the transaction is out, and resume records it."""
    try:
        yield
    except DatabaseUnreachable as lost:
        raise unrecorded(transaction, lost, session) from None


def unrecorded(transaction: Transaction, lost: MayhouseError, session: Session) -> Unrecorded:
    """The error of a transaction that is out while the database is lost."""
    return Unrecorded(
        f"Sent, and the database could not be updated: {transaction.tx_hash}",
        hint="Do not run it again. When the database is back: "
        f"mayhouse tx resume {short(transaction)}",
        details={"cause": lost.message},
        known=TransactionResult.of(transaction, session),
    )
