"""Replacing what waits: a speed-up pays more for the same, a cancel takes the nonce for nothing.

Both sign the nonce again with higher fees and are recorded before they are sent. Which of the
competing versions happens is decided by the one that is mined, never by the last one sent.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mayhouse_cli.errors import FeeTooHigh, Refused
from mayhouse_cli.models import (
    Attempt,
    Fees,
    Intent,
    Kind,
    Payload,
    Question,
    Status,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.money import Wei, format_gwei
from mayhouse_cli.operations import delivery, freezing, intents
from mayhouse_cli.operations.intents import Prepared, SigningChoices, Spending
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.sightings import look
from mayhouse_cli.operations.signers import signer_of
from mayhouse_cli.operations.transactions import TransactionDetails, details, short
from mayhouse_cli.ports import Session

# Nodes want 10 % more on both fees; one client refuses exactly 10 %, so an eighth more.
_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
TRANSFER_GAS: Final = 21_000
SPEEDUP: Final = "speedup"
CANCEL: Final = "cancel"
_MOST_LOGGED: Final = 10_000


@dataclass(frozen=True)
class Replacement:
    """A further version of a recorded transaction, ready to be recorded."""

    transaction: Transaction
    purpose: str
    payload: Payload
    spending: Spending
    is_ordered: bool = True
    """Asked for by a person; a cancel can also be signed for what must not be sent again."""
    while_frozen: bool = False
    """Signed in spite of a freeze: how to stop what is out."""


def bumped(fee: Wei) -> Wei:
    """An eighth more, rounded up, and at least one wei more."""
    return max(Wei(-(-fee * _BUMP_NUMERATOR // _BUMP_DENOMINATOR)), fee + 1)


def replacement_fees(attempts: Sequence[Attempt], market: Fees, gas_limit: int, cap: Wei) -> Fees:
    """Both fees above the highest of any attempt by the rule, and not below the market.

    FeeTooHigh when the rule alone needs more than `cap` wei per gas.
    """
    least_max = bumped(max(attempt.fees.max_fee for attempt in attempts))
    least_priority = bumped(max(attempt.fees.max_priority_fee for attempt in attempts))
    if max(least_max, least_priority) > cap:
        raise FeeTooHigh(
            f"A replacement needs {format_gwei(max(least_max, least_priority))} gwei, "
            f"the cap is {format_gwei(cap)} gwei",
            hint="Allow more with --max-fee, or wait: the first version can still be mined.",
        )
    priority = min(max(least_priority, market.max_priority_fee), cap)
    return Fees(gas_limit, max(min(max(least_max, market.max_fee), cap), priority), priority)


def plan_speedup(beginning: str, choices: SigningChoices, session: Session) -> Replacement:
    """Prepare the newest version again at a higher price. Refused when that can do nothing."""
    transaction = _waiting(beginning, session)
    newest = transaction.newest
    if newest.purpose == CANCEL:
        raise Refused(
            f"Transaction {short(transaction)} is being cancelled",
            hint="`mayhouse tx resume` shows which version wins.",
        )
    return _plan(transaction, SPEEDUP, newest.fees.gas_limit, choices, session)


def plan_cancel(beginning: str, choices: SigningChoices, session: Session) -> Replacement:
    """Prepare an empty transfer to ourselves under the same nonce."""
    return _plan(_waiting(beginning, session), CANCEL, TRANSFER_GAS, choices, session)


def _waiting(beginning: str, session: Session) -> Transaction:
    transaction = session.journal.find(beginning)
    if transaction.status.is_unfinished:
        transaction = look(transaction, session)
    if transaction.status not in (Status.SIGNED, Status.SENT):
        raise Refused(
            f"Transaction {short(transaction)} is {transaction.status} and cannot be replaced",
            hint=f"See `mayhouse tx show {short(transaction)}`.",
        )
    return transaction


def _plan(
    transaction: Transaction,
    purpose: str,
    gas_limit: int,
    choices: SigningChoices,
    session: Session,
) -> Replacement:
    signer_of(transaction.sender, session)
    snapshot = session.chain.read(Question(sender=transaction.sender))
    if snapshot.used_nonces > transaction.nonce:
        raise Refused(
            f"Nonce {transaction.nonce} of transaction {short(transaction)} is used already",
            hint=f"`mayhouse tx resume {short(transaction)}` tells by what, once it is deep.",
        )
    market = session.chain.fees(snapshot, choices.max_fee, gas_limit)
    fees = replacement_fees(transaction.attempts, market, gas_limit, choices.max_fee)
    is_cancel = purpose == CANCEL
    value = Wei(0) if is_cancel else transaction.value
    intents.check_funds(transaction.sender, snapshot.sender_balance, value, fees.most)
    recipient = transaction.sender if is_cancel else transaction.recipient
    payload = Payload(
        transaction.chain_id,
        transaction.nonce,
        recipient,
        value,
        b"" if is_cancel else transaction.calldata,
        fees,
    )
    spending = Spending(
        chain_name=session.config.chain_name,
        contract=transaction.contract,
        sender=transaction.sender,
        recipient=recipient,
        value=value,
        value_inr=None,
        most_fee=fees.most,
        balance=snapshot.sender_balance,
    )
    return Replacement(transaction, purpose, payload, spending)


def cancel_instead(transaction: Transaction, session: Session) -> Transaction:
    """Record a cancel for what must not be sent again; whoever calls sends it."""
    choices = SigningChoices(
        wait=True, confirmations=transaction.wanted_depth, max_fee=session.config.max_fee
    )
    plan = _plan(transaction, CANCEL, TRANSFER_GAS, choices, session)
    return record_attempt(dataclasses.replace(plan, is_ordered=False), session)


def was_ordered(transaction: Transaction, session: Session) -> bool:
    """Whether the newest cancel of a transaction was asked for by a person."""
    entries = session.operator_log.list(
        transaction.event_id, transaction.chain_event_id, _MOST_LOGGED
    )
    cancels = (
        one.arguments
        for one in entries
        if one.transaction_id == transaction.id and one.arguments.get("purpose") == CANCEL
    )
    return bool(next(cancels, {}).get("ordered"))


def replace(replacement: Replacement, session: Session, *, wait: bool) -> TransactionDetails:
    """Record the further version, send it, and watch whichever is mined.

    Refused when another host replaced it meanwhile, or when a cancel came too late.
    """
    transaction = record_attempt(replacement, session)
    with delivery.naming(transaction, session):
        transaction = delivery.send(transaction, session)
        if not wait:
            return details(transaction, session)
        transaction = delivery.watch_any_end(transaction, session)
    if replacement.purpose == SPEEDUP:
        return details(delivery.judge(transaction, session), session)
    if transaction.status is Status.CANCELLED:
        return details(transaction, session)
    if transaction.status is Status.REPLACED:
        raise Refused(
            f"Neither was mined: {transaction.error}",
            hint=f"See `mayhouse tx show {short(transaction)}`.",
            known=details(transaction, session),
        )
    raise Refused(
        f"Too late to cancel: the original was mined ({transaction.status}) as "
        f"{transaction.tx_hash}",
        hint=f"See `mayhouse tx show {short(transaction)}`.",
        known=details(transaction, session),
    )


def record_attempt(replacement: Replacement, session: Session) -> Transaction:
    """Sign and record under the lock; nothing is sent yet."""
    seen = replacement.transaction
    signer = signer_of(seen.sender, session)
    # Before a person is asked for the password.
    freezing.refuse_to_sign(session, while_frozen=replacement.while_frozen)
    signer.unlock()
    with session.transaction():
        session.journal.lock(seen.chain_id, seen.sender)
        freezing.refuse_to_sign(session, while_frozen=replacement.while_frozen)
        current = session.journal.get_locked(seen.id)
        if current.newest.number != seen.newest.number or not current.status.is_unfinished:
            raise Refused(
                f"Transaction {short(seen)} was changed by another process",
                hint=f"Look at it again: mayhouse tx show {short(seen)}",
            )
        signed = signer.sign(replacement.payload)
        replaced = session.journal.add_attempt(seen.id, signed, replacement.purpose)
        log(
            session,
            {
                "kind": seen.kind.value,
                "purpose": replacement.purpose,
                "nonce": seen.nonce,
                "ordered": replacement.is_ordered,
            },
            seen.id,
            before=_version(current.newest),
            after=_version(replaced.newest),
        )
        return replaced


def _version(attempt: Attempt) -> dict[str, object]:
    return {"tx_hash": attempt.tx_hash, "max_fee_wei": str(int(attempt.fees.max_fee))}


# --- a nonce that no transaction of ours holds -----------------------------------------------


def plan_fill(
    nonce: int, choices: SigningChoices, session: Session, *, of_treasury: bool = False
) -> Prepared:
    """Prepare to fill a gap: an empty transfer to ourselves under a nonce nobody holds."""
    treasury = session.treasury if of_treasury else None
    sender = (treasury or session.signer).address
    waiting = [
        one
        for one in session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
        if one.sender == sender
    ]
    holder = next((one for one in waiting if one.nonce == nonce), None)
    if holder is not None:
        raise Refused(
            f"Nonce {nonce} belongs to transaction {short(holder)}",
            hint=f"Cancel that one: mayhouse tx cancel {short(holder)}",
        )
    snapshot = session.chain.read(Question(sender=sender))
    free = session.journal.next_nonce(session.config.chain_id, sender, snapshot.pending_nonce)
    if nonce != free:
        raise Refused(
            f"Nonce {nonce} is not the one that is missing: the next free one is {free}",
            hint="`mayhouse tx list --stuck` shows what waits, and for which nonce.",
        )
    if all(one.nonce < nonce for one in waiting):
        raise Refused(
            f"Nothing waits behind nonce {nonce}",
            hint="The next transaction takes it; there is no gap to fill.",
        )
    fees = session.chain.fees(snapshot, choices.max_fee, TRANSFER_GAS)
    intents.check_funds(sender, snapshot.sender_balance, Wei(0), fees.most)
    intent = Intent(
        key=f"nonce:{sender}:{nonce}" if of_treasury else f"nonce:{nonce}",
        kind=Kind.FILL_NONCE,
        recipient=sender,
        arguments={"nonce": nonce},
        wanted_depth=choices.confirmations,
    )
    return Prepared(intent, snapshot, fees, nonce=nonce, treasury=treasury)


def fill(prepared: Prepared, session: Session, *, wait: bool) -> TransactionDetails:
    """Record, send and watch the filler."""
    transaction = delivery.carry_out(prepared, session, lambda _: None, wait=wait)
    return details(transaction, session)
