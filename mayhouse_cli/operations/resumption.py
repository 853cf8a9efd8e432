"""Resume: bring every unfinished transaction to its end from the record alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from mayhouse_cli.errors import (
    CheckFoundProblems,
    CredentialsError,
    Refused,
    RpcUnreachable,
    Unconfirmed,
)
from mayhouse_cli.models import Intent, Question, Status, Transaction, TransactionFilter
from mayhouse_cli.operations import delivery
from mayhouse_cli.operations.freezing import may_leave_while_frozen, told
from mayhouse_cli.operations.replacement import CANCEL, cancel_instead, was_ordered
from mayhouse_cli.operations.reverification import why_not_ours
from mayhouse_cli.operations.sightings import look, take_back, why_not_believed
from mayhouse_cli.operations.transactions import TransactionSummary, short, summary
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Resumed:
    """`tx resume`: what it worked on, and what is left."""

    transactions: tuple[TransactionSummary, ...]
    finished: int
    unfinished: int
    confirmed: int
    cancelled_as_ordered: int
    """Whose cancel was asked for by a person, and won."""
    problems: tuple[str, ...]
    """What could not be sent again or replaced, and why; each stays unfinished."""


def resume(
    beginning: str | None,
    session: Session,
    *,
    wait: bool,
    max_age: timedelta,
    may_sign: bool = True,
) -> Resumed:
    """Send again what was not seen yet, and watch everything until the deadline.

    Without `may_sign`, what may not be sent again is told and left: no cancel is signed for it.

    Refused (6) when something it finished did not happen, other than by a cancel that was asked
    for before; Unconfirmed (7) when something still
    waits and was waited for; without waiting, CheckFoundProblems (1) when one is older than
    `max_age`.
    """
    wanted = _wanted(beginning, session)
    problems: dict[UUID, str] = {}
    unfinished = [one for one in wanted if one.status.is_unfinished]
    moved = push_all(unfinished, problems, session, may_sign=may_sign)
    if wait:
        moved = _watch_all(moved, problems, session)
    as_ordered = [one for one in moved if _ended_as_ordered(one, session)]
    result = Resumed(
        transactions=tuple(summary(one) for one in (moved or wanted)),
        finished=sum(not one.status.is_unfinished for one in moved),
        unfinished=sum(one.status.is_unfinished for one in moved),
        confirmed=sum(one.status is Status.CONFIRMED for one in moved),
        cancelled_as_ordered=len(as_ordered),
        problems=tuple(f"{short(one)}: {problems[one.id]}" for one in moved if one.id in problems),
    )
    others = [one for one in moved if one not in as_ordered]
    _raise_what_is_left(others, result, session, wait=wait, max_age=max_age)
    return result


def _ended_as_ordered(transaction: Transaction, session: Session) -> bool:
    """A cancel that somebody asked for and that won is neither a revert nor a failure."""
    return transaction.status is Status.CANCELLED and was_ordered(transaction, session)


def what_went_well(result: Resumed) -> str:
    """Count the ends that were asked for: "2 confirmed, 1 cancelled as ordered"; or nothing."""
    counted = (
        (result.confirmed, "confirmed"),
        (result.cancelled_as_ordered, "cancelled as ordered"),
    )
    return ", ".join(f"{count} {what}" for count, what in counted if count)


def _wanted(beginning: str | None, session: Session) -> list[Transaction]:
    if beginning is not None:
        return [reopen(session.journal.find(beginning), session)]
    unfinished = session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
    return sorted(unfinished, key=lambda one: one.nonce)


def reopen(transaction: Transaction, session: Session) -> Transaction:
    """Take a finished transaction up again when a deep reorg has undone what ended it.

    Refused when its intent has been tried again meanwhile: both may happen now.
    """
    if transaction.status.is_unfinished or not _is_undone(transaction, session):
        return transaction
    with session.transaction():
        current = session.journal.get_locked(transaction.id)
        if current.status is transaction.status and current.block_hash == transaction.block_hash:
            _refuse_second_life(current, session)
            take_back(current, session)
        return session.journal.get(transaction.id)


def _is_undone(transaction: Transaction, session: Session) -> bool:
    """Whether the chain no longer shows the end: its own block, or the rival with its nonce."""
    if transaction.status is Status.FAILED:
        return False
    receipt = session.chain.sight(transaction).receipt
    if transaction.status is not Status.REPLACED:
        return receipt is None or receipt.block_hash != transaction.block_hash
    if receipt is not None:
        return True
    snapshot = session.chain.read(Question(sender=transaction.sender))
    return snapshot.used_nonces <= transaction.nonce


def _refuse_second_life(transaction: Transaction, session: Session) -> None:
    if transaction.status is Status.CONFIRMED:
        return
    intent = Intent(
        key=transaction.intent_key,
        kind=transaction.kind,
        recipient=transaction.recipient,
        arguments=transaction.arguments,
        wanted_depth=transaction.wanted_depth,
        event_id=transaction.event_id,
        booking_id=transaction.booking_id,
        chain_event_id=transaction.chain_event_id,
    )
    rival = session.journal.latest(intent)
    if rival is not None and not rival.status.is_impossible:
        raise Refused(
            f"Transaction {short(transaction)} was tried again as {short(rival)}, and a reorg "
            "has undone its end: both may happen",
            hint=f"Look at both: mayhouse tx show {short(rival)}",
            details={"transaction_id": str(rival.id), "tx_hash": rival.tx_hash},
        )


def push_all(
    unfinished: Sequence[Transaction],
    problems: dict[UUID, str],
    session: Session,
    *,
    may_sign: bool = True,
) -> list[Transaction]:
    """Look at each, and send it again where that is due; one that cannot be is a problem.

    Those that are told as problems stay unfinished.
    """
    moved: list[Transaction] = []
    for transaction in unfinished:
        try:
            with delivery.naming(transaction, session):
                moved.append(_push(transaction, problems, session, may_sign=may_sign))
        except (Refused, CredentialsError, RpcUnreachable) as failure:
            if isinstance(failure, RpcUnreachable) and not moved:
                raise  # nothing was sent yet, and the others would fare no better
            problems[transaction.id] = failure.message
            moved.append(session.journal.get(transaction.id))
    return moved


def _push(
    transaction: Transaction, problems: dict[UUID, str], session: Session, *, may_sign: bool
) -> Transaction:
    """Look first: what is mined already must not be sent again."""
    transaction = look(transaction, session)
    if transaction.status not in (Status.SIGNED, Status.SENT):
        return transaction
    reason = why_not_believed(transaction, session)
    if reason is not None:
        problems[transaction.id] = (
            f"mined, but {reason}; nothing is recorded of it, and it needs a person"
        )
        return transaction
    return _send_again(transaction, session, may_sign=may_sign)


def _send_again(transaction: Transaction, session: Session, *, may_sign: bool) -> Transaction:
    frozen = session.installation.freeze()
    if frozen is not None and not may_leave_while_frozen(transaction):
        raise Refused(f"Not sent again while signing is frozen: {told(frozen)}")
    if transaction.newest.purpose != CANCEL:
        reason = why_not_ours(transaction, session)
        if reason is not None and not may_sign:
            raise Refused(f"Not sent again: {reason}. To fill its nonce is signed: add --mainnet")
        if reason is not None:
            session.progress(f"Not sent again, its nonce is filled: {reason}")
            transaction = cancel_instead(transaction, session)
    return delivery.send(transaction, session)


def _watch_all(
    moved: Sequence[Transaction], problems: Mapping[UUID, str], session: Session
) -> list[Transaction]:
    """Look at all in turn until the deadline: one that is stuck must not hide the others' ends."""
    seen = {one.id: one for one in moved}
    waits, told = 0, None
    while waiting := [
        one for one in seen.values() if one.status.is_unfinished and one.id not in problems
    ]:
        with delivery.naming(waiting[0], session):
            if waits:
                if session.deadline.passed:
                    break
                session.chain.pause(waits - 1)
            if told != waiting[0].id:
                told = waiting[0].id
                session.progress(f"Waiting for {waiting[0].tx_hash}")
            for one in waiting:
                seen[one.id] = _look(one, session)
        waits += 1
    return [*seen.values()]


def _look(transaction: Transaction, session: Session) -> Transaction:
    try:
        return delivery.look_after(transaction, session)
    except (Refused, Unconfirmed):  # ended otherwise by another process; or the chain is away
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
    well = what_went_well(result)
    besides = f"; {well}" if well else ""
    if waiting and wait:
        raise Unconfirmed(
            f"Still waiting for {len(waiting)} of {len(result.transactions)}, "
            f"first {waiting[0].tx_hash}{besides}",
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
            f"{first.error or first.status}{besides}",
            hint=f"See `mayhouse tx show {short(first)}`; running its command again retries.",
            known=result,
        )
