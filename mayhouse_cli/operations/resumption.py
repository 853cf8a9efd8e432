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
from mayhouse_cli.models import Status, Transaction, TransactionFilter
from mayhouse_cli.operations import delivery
from mayhouse_cli.operations.replacement import CANCEL, cancel_instead
from mayhouse_cli.operations.reverification import must_be_checked, why_not_ours
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
        moved = [_watch(transaction, session) for transaction in moved]
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
    """Take a confirmed transaction up again when a deep reorg has undone its block."""
    if transaction.status is not Status.CONFIRMED:
        return transaction
    receipt = session.chain.sight(transaction).receipt
    if receipt is not None and receipt.block_hash == transaction.block_hash:
        return transaction
    with session.transaction():
        current = session.journal.get_locked(transaction.id)
        if current.status is Status.CONFIRMED and current.block_hash == transaction.block_hash:
            take_back(current, session)
        return session.journal.get(transaction.id)


def _push(transaction: Transaction, problems: list[str], session: Session) -> Transaction:
    """Look first: what is mined already must not be sent again."""
    transaction = look(transaction, session)
    if transaction.status not in (Status.SIGNED, Status.SENT):
        return transaction
    try:
        return _send_again(transaction, session)
    except Refused as refusal:
        # One that is stuck, for its fee or for lack of funds, must not hold up the others.
        problems.append(f"{short(transaction)}: {refusal.message}")
        return session.journal.get(transaction.id)


def _send_again(transaction: Transaction, session: Session) -> Transaction:
    if transaction.newest.purpose != CANCEL and must_be_checked(transaction, session):
        reason = why_not_ours(transaction, session)
        if reason is not None:
            session.progress(f"Not sent again, its nonce is filled: {reason}")
            transaction = cancel_instead(transaction, session)
    return delivery.send(transaction, session)


def _watch(transaction: Transaction, session: Session) -> Transaction:
    if not transaction.status.is_unfinished:
        return transaction
    try:
        return delivery.watch(transaction, session)
    except (Unrecorded, Interrupted, Terminated):
        raise
    except MayhouseError:
        return session.journal.get(transaction.id)


def _raise_what_is_left(
    moved: list[Transaction], result: Resumed, session: Session, *, wait: bool, max_age: timedelta
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
        raise CheckFoundProblems(
            f"{len(old)} unfinished for more than {max_age}, first {old[0].tx_hash}",
            hint=f"See `mayhouse tx show {short(old[0])}`.",
            known=result,
        )
    if ended_badly:
        first = ended_badly[0]
        raise Refused(
            f"{len(ended_badly)} did not happen, first {first.tx_hash}: {first.error}",
            hint=f"See `mayhouse tx show {short(first)}`; running its command again retries.",
            known=result,
        )
