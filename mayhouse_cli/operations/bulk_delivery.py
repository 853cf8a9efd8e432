"""Recorded transactions handed to the nodes together, under the rules of `delivery.send`."""

from collections.abc import Sequence
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    AttemptOutcome,
    SendAnswer,
    SendOutcome,
    Status,
    Transaction,
)
from mayhouse_cli.operations import freezing, outcomes
from mayhouse_cli.operations.replacement import CANCEL
from mayhouse_cli.operations.resumption import push_all
from mayhouse_cli.operations.reverification import is_stale, why_other_events
from mayhouse_cli.ports import Session


def send_all(
    transactions: Sequence[Transaction], session: Session, *, first: bool
) -> dict[UUID, SendAnswer]:
    """Send the newest bytes of each, in the order of their nonces, and keep the answers.

    Only the process that has just recorded them may say that it is the `first`: a rejection
    then ends a transaction, and its nonce is free again.
    """
    ids = [one.id for one in transactions]
    if not first:
        _record_doubt(ids, session)
    with session.transaction():
        locked = session.journal.get_all_locked(ids)
        current = [one for one in locked if one.status.is_unfinished]
        answers = session.chain.send_all([one.newest.raw for one in current])
        answered = list(zip(current, answers, strict=True))
        ended = {one.id for one, answer in answered if first and _ends(one, answer)}
        session.journal.keep_answers(
            [
                (one, AttemptOutcome(answer.outcome.value), answer.reason)
                for one, answer in answered
                if one.id not in ended
            ]
        )
        for one, answer in answered:
            if one.id in ended:
                _end(one, answer, session)
    return {one.id: answer for one, answer in answered}


def _ends(transaction: Transaction, answer: SendAnswer) -> bool:
    """Nobody has sent these bytes before, and the node does not have them."""
    untouched = transaction.status is Status.SIGNED and len(transaction.attempts) == 1
    return untouched and answer.outcome is SendOutcome.REJECTED


def _end(transaction: Transaction, answer: SendAnswer, session: Session) -> None:
    rejected = AttemptOutcome.REJECTED
    session.journal.mark_attempt(transaction.newest.tx_hash, rejected, answer.reason)
    session.journal.finish(transaction.id, Status.FAILED, None, None, answer.reason)
    outcomes.write_failure(transaction, session)


def _record_doubt(ids: Sequence[UUID], session: Session) -> None:
    """Keep that the bytes may be out, whatever becomes of the process that sends them next."""
    with session.transaction():
        doubtful = [
            (one, AttemptOutcome.UNKNOWN, None)
            for one in session.journal.get_all_locked(ids)
            if one.status.is_unfinished and one.newest.outcome is AttemptOutcome.SIGNED
        ]
        session.journal.keep_answers(doubtful)


def send_again(transactions: Sequence[Transaction], session: Session) -> dict[UUID, str]:
    """Send again what was not seen, by the rules of `tx resume`; gives the problems with any.

    Together go those whose event is still ours and whose guards are fresh; any other one goes
    the long way there. Refused while signing is frozen.
    """
    frozen = session.installation.freeze()
    if frozen is not None:
        raise Refused(f"Nothing is sent again while signing is frozen: {freezing.told(frozen)}")
    others = why_other_events(transactions, session)
    plain, problems = [], dict[UUID, str]()
    for one in transactions:
        if one.id in others or is_stale(one, session) or one.newest.purpose == CANCEL:
            push_all([one], problems, session)
        else:
            plain.append(one)
    if plain:
        send_all(plain, session, first=False)
    return problems
