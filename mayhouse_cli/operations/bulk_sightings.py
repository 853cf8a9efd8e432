"""What the chain shows of many recorded transactions, brought into the record in one go.

What counts is decided by the rules of `sightings` alone. The plain cases, a confirmation or a
receipt that is not deep enough, are written together; whatever is not plain (a revert, a cancel,
a rival, a reorg, a number that is recorded for another) goes its way there, one by one.
"""

from collections.abc import Sequence

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Receipt, Sighting, Status, Transaction
from mayhouse_cli.operations import outcomes
from mayhouse_cli.operations.reverification import why_other_events
from mayhouse_cli.operations.sightings import believable, is_cancel, is_deep, look
from mayhouse_cli.ports import Session

Seen = tuple[Transaction, Receipt]


def look_all(transactions: Sequence[Transaction], session: Session) -> list[Transaction]:
    """Look at the chain once and bring each record to what it shows; in the order given.

    DatabaseUnreachable when it could not be recorded; what is out stays out.
    """
    if not transactions:
        return []
    sightings = session.chain.sight_all(transactions)
    plain, odd = _sorted_out(list(zip(transactions, sightings, strict=True)))
    others = why_other_events([one for one, _, _ in plain], session)
    # What was mined on another event proves nothing; one that was believed before is undone.
    odd += [one for one, _, _ in plain if one.id in others and one.status is Status.MINED]
    plain = [each for each in plain if each[0].id not in others]
    try:
        odd += _write(plain, session)
    except Refused:  # a row stands in the way of one of them: which one, each shows by itself
        odd += [one for one, _, _ in plain]
    for one in odd:
        look(one, session)
    known = {one.id: one for one in session.journal.get_all([one.id for one in transactions])}
    return [known[one.id] for one in transactions]


def _sorted_out(
    seen: Sequence[tuple[Transaction, Sighting]],
) -> tuple[list[tuple[Transaction, Receipt, bool]], list[Transaction]]:
    """Those with a success to write, and whether it is deep enough; and those to look at alone."""
    plain: list[tuple[Transaction, Receipt, bool]] = []
    odd: list[Transaction] = []
    for transaction, sighting in seen:
        receipt = believable(transaction, sighting.receipt)
        if receipt is None:
            if sighting.nonce_used_at_depth or transaction.status is Status.MINED:
                odd.append(transaction)
            continue
        deep = is_deep(transaction, receipt, sighting)
        moved = transaction.block_hash not in (None, receipt.block_hash)
        if moved or not receipt.succeeded or is_cancel(transaction, receipt):
            odd.append(transaction)
        elif deep or transaction.block_hash is None:
            plain.append((transaction, receipt, deep))
    return plain, odd


def _write(
    plain: Sequence[tuple[Transaction, Receipt, bool]], session: Session
) -> list[Transaction]:
    """Write what is plain; gives those whose number is recorded for another."""
    if not plain:
        return []
    with session.transaction():
        locked = session.journal.get_all_locked([one.id for one, _, _ in plain])
        open_ = {one.id: one for one in locked if one.status.is_unfinished}
        current = [
            (open_[one.id], receipt, deep) for one, receipt, deep in plain if one.id in open_
        ]
        session.journal.mark_mined_all(
            [(one, receipt) for one, receipt, deep in current if not deep]
        )
        return _confirm([(one, receipt) for one, receipt, deep in current if deep], session)


def _confirm(ends: Sequence[Seen], session: Session) -> list[Transaction]:
    numbered = [(one, receipt, outcomes.proven_id(one, receipt) or 0) for one, receipt in ends]
    held: set[tuple[str, int]] = set()
    for kind in {one.kind for one, _ in ends}:
        numbers = [number for one, _, number in numbered if one.kind is kind]
        held |= {(kind, number) for number in session.journal.held_numbers(kind, numbers)}
    free = [each for each in numbered if (each[0].kind, each[2]) not in held]
    outcomes.write_outcomes(free, session)
    session.journal.confirm_all(free)
    return [one for one, _, number in numbered if (one.kind, number) in held]
