"""From a recorded transaction to its end: send, watch, prove, and write down what followed.

Every step works from the record and the chain alone: `tx resume` is `send` and `watch` again,
from any machine and at any time.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from mayhouse_cli.errors import (
    DatabaseUnreachable,
    Interrupted,
    MayhouseError,
    Refused,
    Reverted,
    RpcUnreachable,
    Terminated,
    Unrecorded,
)
from mayhouse_cli.models import (
    AttemptOutcome,
    Receipt,
    SendOutcome,
    Sighting,
    Status,
    Transaction,
)
from mayhouse_cli.operations import outcomes
from mayhouse_cli.operations.intents import Prepared, record
from mayhouse_cli.operations.transactions import TransactionResult, short, unconfirmed
from mayhouse_cli.ports import Session

# A transaction that is only signed belongs to a process at work, unless it is older than this.
SIGNED_AND_ABANDONED: Final = timedelta(seconds=15)


def carry_out(
    prepared: Prepared,
    session: Session,
    write_rows: Callable[[Transaction], None],
    *,
    wait: bool,
) -> Transaction:
    """Record, send and watch a prepared intent; or take over from the run that came first."""
    if prepared.earlier is not None:
        return join(prepared.earlier, session, wait=wait)
    transaction, is_new = record(prepared, session, write_rows)
    if not is_new:
        return join(transaction, session, wait=wait)
    transaction = send(transaction, session, first=True)
    return watch(transaction, session) if wait else transaction


def join(transaction: Transaction, session: Session, *, wait: bool) -> Transaction:
    """Give the result of a run that came first; watched, never sent, while it is unfinished."""
    if not transaction.status.is_unfinished:
        return transaction
    abandoned = (
        transaction.status is Status.SIGNED
        and session.now() - transaction.created_at > SIGNED_AND_ABANDONED
    )
    if abandoned or not wait:
        raise unconfirmed(transaction, "Recorded before, and not finished", session)
    return watch(transaction, session)


def send(transaction: Transaction, session: Session, *, first: bool = False) -> Transaction:
    """Send the newest attempt's recorded bytes, once, and keep what the node said.

    Only the process that has just recorded them knows that it is the `first` to send them; for
    any other an earlier sending is in doubt, whatever the record says, and a rejection now
    proves nothing. Refused when the node rejects bytes that were never sent before.
    """
    attempt = transaction.newest
    answer = session.chain.send(attempt.raw)
    with recording(transaction, session), session.transaction():
        current = session.journal.get_locked(transaction.id)
        session.journal.mark_attempt(
            attempt.tx_hash, AttemptOutcome(answer.outcome.value), answer.reason
        )
        untouched = current.status is Status.SIGNED and len(current.attempts) == 1
        if first and untouched and answer.outcome is SendOutcome.REJECTED:
            session.journal.finish(transaction.id, Status.FAILED, None, None, answer.reason)
            outcomes.write_failure(transaction, session)
        elif current.status is Status.SIGNED:
            session.journal.mark_sent(transaction.id)
        transaction = session.journal.get(transaction.id)
    if transaction.status is Status.FAILED:
        raise Refused(
            f"The node rejected the transaction: {answer.reason}",
            hint="It did not happen and its nonce is free: mend the cause and run it again.",
            known=TransactionResult.of(transaction, session),
        )
    return transaction


def watch(transaction: Transaction, session: Session) -> Transaction:
    """Look for the receipt until it is final at the wanted depth.

    Unconfirmed when the deadline passes first, Reverted when the contract refused it on
    chain, Refused when something else took its place.
    """
    session.progress(f"Waiting for {transaction.tx_hash}")
    waits = 0
    try:
        while True:
            transaction = look(transaction, session)
            if not transaction.status.is_unfinished:
                return judge(transaction, session)
            if session.deadline.passed:
                raise unconfirmed(transaction, "Sent, not confirmed", session)
            session.chain.pause(waits)
            waits += 1
    except RpcUnreachable as lost:
        raise unconfirmed(
            transaction, f"Sent, then lost sight of ({lost.message})", session
        ) from None
    except (Interrupted, Terminated) as stopped:
        stopped.known = TransactionResult.of(transaction, session)
        stopped.message = f"{stopped.message} Sent, not confirmed: {transaction.tx_hash}"
        stopped.hint = f"Do not run it again. Next: mayhouse tx resume {short(transaction)}"
        raise


def look(transaction: Transaction, session: Session) -> Transaction:
    """Look at the chain once and bring the record to what it shows."""
    sighting = session.chain.sight(transaction)
    receipt = _believable(transaction, sighting.receipt)
    if receipt is None:
        return _absorb_absence(transaction, sighting, session)
    depth = sighting.head.number - receipt.block_number + 1
    error = None
    if not receipt.succeeded:
        error = session.chain.revert_reason(transaction, receipt)
    with recording(transaction, session), session.transaction():
        current = session.journal.get_locked(transaction.id)
        if not current.status.is_unfinished:
            return current
        if depth < transaction.wanted_depth:
            session.journal.mark_mined(transaction.id, receipt, error)
        else:
            _finish(current, receipt, error, session)
        return session.journal.get(transaction.id)


def _believable(transaction: Transaction, receipt: Receipt | None) -> Receipt | None:
    """A success counts only with the contract's own event of this intent."""
    if receipt is None or not receipt.succeeded or _is_cancel(transaction, receipt):
        return receipt
    if not outcomes.needs_proof(transaction):
        return receipt
    return receipt if outcomes.proven_id(transaction, receipt) is not None else None


def _is_cancel(transaction: Transaction, receipt: Receipt) -> bool:
    return any(
        attempt.purpose == "cancel" and attempt.tx_hash == receipt.tx_hash
        for attempt in transaction.attempts
    )


def _finish(
    transaction: Transaction, receipt: Receipt, error: str | None, session: Session
) -> None:
    if _is_cancel(transaction, receipt):
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
            error = f"nonce {transaction.nonce} was used by another transaction"
            session.journal.finish(transaction.id, Status.REPLACED, None, None, error)
            outcomes.write_failure(transaction, session)
        elif current.status is Status.MINED:
            session.journal.mark_pending_again(transaction.id)
        return session.journal.get(transaction.id)


class recording:  # noqa: N801 reads as a statement: with recording(transaction, session)
    """Turn a lost database into Unrecorded: the transaction is out, and resume records it."""

    def __init__(self, transaction: Transaction, session: Session) -> None:
        """Remember whose hash to name."""
        self._transaction = transaction
        self._session = session

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Name the hash and the remedy when the database is what failed."""
        if isinstance(error, DatabaseUnreachable):
            raise Unrecorded(
                f"Sent, and the database could not be updated: {self._transaction.tx_hash}",
                hint="Do not run it again. When the database is back: "
                f"mayhouse tx resume {short(self._transaction)}",
                details={"cause": error.message},
                known=TransactionResult.of(self._transaction, self._session),
            ) from None


def judge(transaction: Transaction, session: Session) -> Transaction:
    """Give a confirmed transaction back; any other end is an error that says which."""
    if transaction.status is Status.CONFIRMED:
        return transaction
    known = TransactionResult.of(transaction, session)
    error: type[MayhouseError] = Reverted if transaction.status is Status.REVERTED else Refused
    words = {
        Status.REVERTED: f"Mined, and refused by the contract: {transaction.error}",
        Status.REPLACED: f"It did not happen: {transaction.error}",
        Status.CANCELLED: "It did not happen: its cancellation was mined",
        Status.FAILED: f"It did not happen: {transaction.error}",
    }
    raise error(
        f"{words[transaction.status]} ({transaction.tx_hash})",
        hint=f"See `mayhouse tx show {short(transaction)}`; running the command again retries.",
        details={"transaction_id": str(transaction.id)},
        known=known,
    )
