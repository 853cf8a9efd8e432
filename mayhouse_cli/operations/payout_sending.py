"""Sending a batch of payouts: each is a transfer of its own, and one's failure is not another's.

All are recorded and sent first and watched afterwards, so that a batch takes about as long as
its slowest transfer.
"""

from collections.abc import Iterator
from dataclasses import replace

from mayhouse_cli.errors import (
    DatabaseUnreachable,
    MayhouseError,
    Refused,
    RpcUnreachable,
    Unconfirmed,
    Unrecorded,
)
from mayhouse_cli.models import Payable, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.payout_batch import Batch, PayoutBatch, PayoutOutcome
from mayhouse_cli.operations.payouts import (
    TRANSFER_GAS,
    PayoutPlan,
    intent_of,
    look_at,
    refuse_unless_owed,
    why_code,
)
from mayhouse_cli.ports import Session


def planned(plan: PayoutPlan, session: Session) -> PayoutBatch:
    """What `send` would do, with nothing signed."""
    return Batch(plan, session).result(PayoutOutcome.PLANNED)


def send(plan: PayoutPlan, choices: SigningChoices, session: Session) -> PayoutBatch:
    """Record and send each, then watch each; what is owed afterwards can be sent again.

    Refused (6) when any was refused, Unconfirmed (7) when any is out and not confirmed,
    Unrecorded (8) when the database was lost with any out; `known` is the batch.
    """
    batch = Batch(plan, session)
    try:
        _send_all(batch, choices, session)
        if choices.wait:
            _watch_all(batch, session)
    except MayhouseError as stopped:
        raise _stopped(stopped, batch) from None
    result = batch.result(PayoutOutcome.NOT_SENT)
    _raise_what_is_left(result, batch, wait=choices.wait)
    return result


def _send_all(batch: Batch, choices: SigningChoices, session: Session) -> None:
    most = _most_fee(batch.plan)
    for payable in batch.plan.new:
        session.progress(f"Paying {payable.amount} wei of payable {payable.id}")
        try:
            transaction, is_new = _send_one(payable, replace(choices, max_fee=most), session)
            batch.keep(payable, transaction, is_new=is_new)
        except Refused as refusal:
            batch.refuse(payable, refusal)


def _most_fee(plan: PayoutPlan) -> Wei:
    """What was agreed to bounds the whole batch, however the fees move while it is sent."""
    fees = [one.fees.max_fee for one in plan.prepared.values() if one.fees is not None]
    return max(fees, default=Wei(0))


def _send_one(
    payable: Payable, choices: SigningChoices, session: Session
) -> tuple[Transaction, bool]:
    """Record and send one; whether this run did it, or another process was quicker."""
    intent = intent_of(payable, choices)
    wallet = intent.recipient
    snapshot = look_at([wallet], session)
    if wallet in snapshot.with_code:
        raise Refused(why_code(wallet))
    fees = session.chain.fees(snapshot, choices.max_fee, TRANSFER_GAS)
    sender = session.signer.address
    intents.check_funds(sender, snapshot.sender_balance, payable.amount, fees.most)

    def write_rows(_: Transaction) -> None:
        refuse_unless_owed(payable.id, wallet, payable.amount, session)

    transaction, is_new = intents.record(Prepared(intent, snapshot, fees), session, write_rows)
    if not is_new:  # what the other one does is watched
        return transaction, is_new
    with delivery.naming(transaction, session):
        return delivery.send(transaction, session, first=True), is_new


def _watch_all(batch: Batch, session: Session) -> None:
    for payable in batch.plan.payables:
        transaction = batch.transactions.get(payable.id)
        if transaction is None or not transaction.status.is_unfinished:
            continue
        try:
            with delivery.naming(transaction, session):
                batch.keep(payable, delivery.join(transaction, session, wait=True))
        except Refused as refusal:
            batch.keep(payable, session.journal.get(transaction.id))
            batch.refuse(payable, refusal)
        except Unconfirmed:
            batch.keep(payable, session.journal.get(transaction.id))


# --- how it ended -----------------------------------------------------------------------


def _stopped(error: MayhouseError, batch: Batch) -> MayhouseError:
    """What ended the batch, with all that is known; worse when something is out."""
    result = batch.result(PayoutOutcome.NOT_SENT)
    if result.sent and isinstance(error, DatabaseUnreachable):
        error = Unrecorded(
            f"{result.sent} payouts are sent, and the database is lost: {error.message}",
            hint="When it is back: mayhouse tx resume, then the same command again.",
        )
    elif result.sent and isinstance(error, RpcUnreachable):
        error = Unconfirmed(
            f"{result.sent} payouts are sent, {result.not_sent} are not: {error.message}",
            hint="Next: mayhouse tx resume, then the same command again.",
        )
    error.known = result
    return error


def _raise_what_is_left(result: PayoutBatch, batch: Batch, *, wait: bool) -> None:
    told = ", ".join(_told(result))
    if result.sent and wait:
        first = next(one for one in result.payouts if one.outcome is PayoutOutcome.SENT)
        raise Unconfirmed(
            f"Not all are confirmed: {told}; first {first.transaction.tx_hash}",
            hint="Do not pay them otherwise. Next: mayhouse tx resume",
            known=result,
        )
    if result.refused:
        refused = next(one for one in result.payouts if one.outcome is PayoutOutcome.REFUSED)
        raise Refused(
            f"Not all were paid: {told}; first {str(refused.payable_id)[:8]}: {refused.reason}",
            hint="What is owed still is in `mayhouse payout list --owed`.",
            details={str(one): why for one, why in batch.plan.refused.items()},
            known=result,
        )


def _told(result: PayoutBatch) -> Iterator[str]:
    counts = (
        (result.paid - result.paid_before, "paid"),
        (result.paid_before, "paid before"),
        (result.sent, "sent"),
        (result.refused, "refused"),
        (result.not_sent, "not sent"),
    )
    yield from (f"{count} {what}" for count, what in counts if count)
