"""Resume: bring every unfinished transaction to its end from the record alone."""

from dataclasses import dataclass
from datetime import timedelta

from mayhouse_cli.errors import (
    CheckFoundProblems,
    Interrupted,
    MayhouseError,
    Refused,
    Terminated,
    Unconfirmed,
    Unrecorded,
)
from mayhouse_cli.models import Kind, Status, Transaction, TransactionFilter
from mayhouse_cli.operations import delivery
from mayhouse_cli.operations.replacement import CANCEL, cancel_instead
from mayhouse_cli.operations.reverification import why_another_event, why_not_ours
from mayhouse_cli.operations.sightings import look, take_back
from mayhouse_cli.operations.transactions import TransactionSummary, short, summary
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Resumed:
    """`tx resume`: what it worked on, and what is left."""

    transactions: tuple[TransactionSummary, ...]
    finished: int
    unfinished: int
    problems: tuple[str, ...]
    """What could not be sent again or replaced, and why; each stays unfinished."""


def resume(beginning: str | None, session: Session, *, wait: bool, max_age: timedelta) -> Resumed:
    """Send again what was not seen yet, and watch everything until the deadline.

    Refused (6) when something it finished did not happen; Unconfirmed (7) when something still
    waits and was waited for; without waiting, CheckFoundProblems (1) when one is older than
    `max_age`.
    """
    problems: list[str] = []
    wanted = _wanted(beginning, session)
    open_ones = [one for one in wanted if one.status.is_unfinished]
    moved = [_push(transaction, problems, session) for transaction in open_ones]
    if wait:
        moved = [
            transaction if _is_told(transaction, problems) else _watch(transaction, session)
            for transaction in moved
        ]
    result = Resumed(
        transactions=tuple(summary(one) for one in (moved or wanted)),
        finished=sum(not one.status.is_unfinished for one in moved),
        unfinished=sum(one.status.is_unfinished for one in moved),
        problems=tuple(problems),
    )
    _raise_what_is_left(moved, result, session, wait=wait, max_age=max_age)
    return result


def _wanted(beginning: str | None, session: Session) -> list[Transaction]:
    if beginning is not None:
        return [reopen(session.journal.find(beginning), session)]
    unfinished = session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
    return sorted(unfinished, key=lambda one: one.nonce)


def reopen(transaction: Transaction, session: Session) -> Transaction:
    """Take a finished transaction up again when a deep reorg has undone the block of its end.

    Refused when its intent has been tried again meanwhile: both may happen now.
    """
    if transaction.status.is_unfinished or transaction.block_hash is None:
        return transaction
    receipt = session.chain.sight(transaction).receipt
    if receipt is not None and receipt.block_hash == transaction.block_hash:
        return transaction
    with session.transaction():
        current = session.journal.get_locked(transaction.id)
        if current.status is transaction.status and current.block_hash == transaction.block_hash:
            _refuse_second_life(current, session)
            take_back(current, session)
        return session.journal.get(transaction.id)


def _refuse_second_life(transaction: Transaction, session: Session) -> None:
    if transaction.status is Status.CONFIRMED:
        return
    recorded = session.journal.list(TransactionFilter(limit=1_000_000))
    for one in recorded:
        if one.intent_key == transaction.intent_key and not one.status.is_impossible:
            raise Refused(
                f"Transaction {short(transaction)} was tried again as {short(one)}, and a reorg "
                "has undone its end: both may happen",
                hint=f"Look at both: mayhouse tx show {short(one)}",
                details={"transaction_id": str(one.id), "tx_hash": one.tx_hash},
            )


def _push(transaction: Transaction, problems: list[str], session: Session) -> Transaction:
    """Look first: what is mined already must not be sent again."""
    reason = _why_not_believed(transaction, session)
    if reason is not None:
        problems.append(f"{short(transaction)}: {reason}")
        return transaction
    transaction = look(transaction, session)
    if transaction.status not in (Status.SIGNED, Status.SENT):
        return transaction
    try:
        with delivery.naming(transaction, session):
            return _send_again(transaction, session)
    except Refused as refusal:
        # One that is stuck, for its fee or for lack of funds, must not hold up the others.
        problems.append(f"{short(transaction)}: {refusal.message}")
        return session.journal.get(transaction.id)


def _is_told(transaction: Transaction, problems: list[str]) -> bool:
    return any(problem.startswith(short(transaction)) for problem in problems)


def _why_not_believed(transaction: Transaction, session: Session) -> str | None:
    """A booking that a reorg brought onto a stranger's event is no booking of ours."""
    if transaction.kind is not Kind.BOOK_EVENT:
        return None
    reason = why_another_event(transaction, session)
    receipt = session.chain.sight(transaction).receipt if reason is not None else None
    cancels = {one.tx_hash for one in transaction.attempts if one.purpose == CANCEL}
    if receipt is None or not receipt.succeeded or receipt.tx_hash in cancels:
        return None
    return f"mined, but {reason}; nothing is recorded of it, and it needs a person"


def _send_again(transaction: Transaction, session: Session) -> Transaction:
    if transaction.newest.purpose != CANCEL:
        reason = why_not_ours(transaction, session)
        if reason is not None:
            session.progress(f"Not sent again, its nonce is filled: {reason}")
            transaction = cancel_instead(transaction, session)
    return delivery.send(transaction, session)


def _watch(transaction: Transaction, session: Session) -> Transaction:
    if not transaction.status.is_unfinished:
        return transaction
    try:
        with delivery.naming(transaction, session):
            return delivery.watch(transaction, session)
    except (Unrecorded, Interrupted, Terminated):
        raise
    except MayhouseError:
        return session.journal.get(transaction.id)


def _raise_what_is_left(
    moved: list[Transaction],
    result: Resumed,
    session: Session,
    *,
    wait: bool,
    max_age: timedelta,
) -> None:
    waiting = [one for one in moved if one.status.is_unfinished]
    ended_badly = [one for one in moved if one.status.is_impossible]
    if waiting and wait:
        raise Unconfirmed(
            f"Still waiting for {len(waiting)} of {len(moved)}, first {waiting[0].tx_hash}",
            hint=f"Run it again later; `mayhouse tx show {short(waiting[0])}` tells more.",
            known=result,
        )
    old = [one for one in waiting if session.now() - one.created_at > max_age]
    if old:
        hours = max_age.total_seconds() / 3600
        raise CheckFoundProblems(
            f"{len(old)} unfinished for more than {hours:g} h, first {old[0].tx_hash}",
            hint=f"See `mayhouse tx show {short(old[0])}`.",
            known=result,
        )
    if ended_badly:
        first = ended_badly[0]
        raise Refused(
            f"{len(ended_badly)} did not happen, first {first.tx_hash}: "
            f"{first.error or first.status}",
            hint=f"See `mayhouse tx show {short(first)}`; running its command again retries.",
            known=result,
        )
