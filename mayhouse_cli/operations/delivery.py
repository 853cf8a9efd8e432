"""From a recorded transaction to its end: send, watch, prove, and write down what followed.

Every step works from the record and the chain alone: `tx resume` is `send` and `watch` again,
from any machine and at any time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    WrongChain,
    WrongContract,
)
from mayhouse_cli.models import (
    AttemptOutcome,
    SendAnswer,
    SendOutcome,
    Status,
    Transaction,
)
from mayhouse_cli.operations import outcomes
from mayhouse_cli.operations.intents import Prepared, record
from mayhouse_cli.operations.sightings import look, unrecorded
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
    with naming(transaction, session):
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
    with naming(transaction, session):
        return watch(transaction, session)


def send(transaction: Transaction, session: Session, *, first: bool = False) -> Transaction:
    """Send the newest attempt's recorded bytes, once, and keep what the node said.

    Only the process that has just recorded them may say that it is the `first`. Everybody else
    records, and commits, that they may be out before sending them. So a record that is still
    `signed` under its lock has been sent by nobody, and that alone lets a rejection end it.

    Refused when the node rejects bytes that were never sent before, DatabaseUnreachable when
    nothing has left, Unrecorded when something may have.
    """
    left = False
    try:
        if not first:
            transaction = _record_doubt(transaction, session)
        # The record is held while the bytes leave: another host that replaces the transaction
        # has to wait, and so nobody ever sends an older version after a newer one.
        with session.transaction():
            current = session.journal.get_locked(transaction.id)
            if not current.status.is_unfinished:
                return current
            left = True
            answer = session.chain.send(current.newest.raw)
            _keep_answer(current, answer, session, first=first)
            transaction = session.journal.get(transaction.id)
    except DatabaseUnreachable as lost:
        raise (
            unrecorded(transaction, lost, session) if left else _not_sent(transaction, lost)
        ) from None
    if transaction.status is Status.FAILED:
        raise Refused(
            f"The node rejected the transaction: {transaction.error}",
            hint="It did not happen and its nonce is free: mend the cause and run it again.",
            known=TransactionResult.of(transaction, session),
        )
    return transaction


def _record_doubt(transaction: Transaction, session: Session) -> Transaction:
    """Keep that the bytes may be out, whatever becomes of the process that sends them next."""
    with session.transaction():
        current = session.journal.get_locked(transaction.id)
        if current.status.is_unfinished and current.newest.outcome is AttemptOutcome.SIGNED:
            session.journal.mark_attempt(current.newest.tx_hash, AttemptOutcome.UNKNOWN, None)
            session.journal.mark_sent(transaction.id)
        return session.journal.get(transaction.id)


def _keep_answer(
    transaction: Transaction, answer: SendAnswer, session: Session, *, first: bool
) -> None:
    outcome = AttemptOutcome(answer.outcome.value)
    session.journal.mark_attempt(transaction.newest.tx_hash, outcome, answer.reason)
    untouched = transaction.status is Status.SIGNED and len(transaction.attempts) == 1
    if first and untouched and answer.outcome is SendOutcome.REJECTED:
        session.journal.finish(transaction.id, Status.FAILED, None, None, answer.reason)
        outcomes.write_failure(transaction, session)
    elif transaction.status is Status.SIGNED:
        session.journal.mark_sent(transaction.id)


def _not_sent(transaction: Transaction, lost: DatabaseUnreachable) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"Recorded and not sent: {lost.message}",
        hint=f"When the database is back: mayhouse tx resume {short(transaction)}",
        details={"transaction_id": str(transaction.id), "tx_hash": transaction.tx_hash},
    )


def watch(transaction: Transaction, session: Session) -> Transaction:
    """Look for the receipt until it is confirmed at the wanted depth.

    Unconfirmed when the deadline passes first, Reverted when the contract refused it on
    chain, Refused when something else took its place.
    """
    return judge(watch_any_end(transaction, session), session)


def watch_any_end(transaction: Transaction, session: Session) -> Transaction:
    """Look for the receipt until the transaction has ended, whichever way."""
    session.progress(f"Waiting for {transaction.tx_hash}")
    waits = 0
    while (transaction := look_after(transaction, session)).status.is_unfinished:
        if session.deadline.passed:
            raise unconfirmed(transaction, "Sent, not confirmed", session)
        session.chain.pause(waits)
        waits += 1
    return transaction


def look_after(transaction: Transaction, session: Session) -> Transaction:
    """Look once; Unconfirmed when the chain fails, Unrecorded when the database does."""
    try:
        return look(transaction, session)
    except DatabaseUnreachable as lost:
        raise unrecorded(transaction, lost, session) from None
    except (RpcUnreachable, WrongChain, WrongContract) as lost:
        raise unconfirmed(
            transaction, f"Sent, then lost sight of ({lost.message})", session
        ) from None


@contextmanager
def naming(transaction: Transaction, session: Session) -> Iterator[None]:
    """When a signal ends the command: say which transaction is out, and how to go on."""
    try:
        yield
    except (Interrupted, Terminated) as stopped:
        stopped.known = TransactionResult.of(transaction, session)
        stopped.message = f"{stopped.message} Not confirmed yet: {transaction.tx_hash}"
        stopped.hint = f"Do not run it again. Next: mayhouse tx resume {short(transaction)}"
        raise


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
