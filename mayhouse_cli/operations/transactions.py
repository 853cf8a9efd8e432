"""Recorded transactions as an operator sees them: list, show, and the fields of every result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import Unconfirmed
from mayhouse_cli.models import (
    Address,
    Hash,
    Question,
    Snapshot,
    Status,
    Transaction,
    TransactionFilter,
    inlined,
)
from mayhouse_cli.money import Wei, format_gwei
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class TransactionResult:
    """The transaction's fields of every result; null where nothing was signed."""

    transaction_id: UUID | None
    tx_hash: Hash | None
    status: str
    block_number: int | None
    fee_wei: Wei | None
    explorer_url: str | None
    recorded: bool

    @classmethod
    def of(cls, transaction: Transaction, session: Session) -> "TransactionResult":
        """Read them from a record."""
        return cls(
            transaction_id=transaction.id,
            tx_hash=transaction.tx_hash,
            status=transaction.status.value,
            block_number=transaction.block_number,
            fee_wei=transaction.fee,
            explorer_url=session.config.explorer_link(transaction.tx_hash),
            recorded=True,
        )


TOPUP_KEY: Final = "topup:"
"""How the key of an intent begins that the treasury signs."""
PLANNED: Final = TransactionResult(None, None, "planned", None, None, None, recorded=False)
"""The fields of a dry run: nothing signed, nothing recorded."""


def short(transaction: Transaction) -> str:
    """The beginning of a transaction's id, enough for a person to name it."""
    return str(transaction.id)[:8]


def unconfirmed(transaction: Transaction, what: str, session: Session) -> Unconfirmed:
    """The error of a transaction that is out and not final."""
    after = f" after {session.deadline.seconds:g} s" if session.deadline.passed else ""
    return Unconfirmed(
        f"{what}{after}: {transaction.tx_hash}",
        hint=f"Do not run it again. Next: mayhouse tx resume {short(transaction)}",
        details={"transaction_id": str(transaction.id), "tx_hash": transaction.tx_hash},
        known=TransactionResult.of(transaction, session),
    )


@dataclass(frozen=True)
class AttemptSummary:
    """One signed version of a transaction."""

    attempt: int
    purpose: str
    tx_hash: Hash
    max_fee_wei: Wei
    """The most it could pay per gas."""
    outcome: str
    error: str | None
    signed_at: datetime


@dataclass(frozen=True)
class TransactionSummary:
    """A recorded transaction."""

    id: UUID
    kind: str
    status: str
    generation: int
    event_id: UUID | None
    booking_id: UUID | None
    chain_event_id: int | None
    chain_object_id: int | None
    nonce: int
    tx_hash: Hash
    value_wei: Wei
    fee_wei: Wei | None
    block_number: int | None
    sender: Address
    error: str | None
    actor: str
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[AttemptSummary, ...]


@dataclass(frozen=True)
class TransactionList:
    """`tx list`: newest first."""

    transactions: tuple[TransactionSummary, ...]


@dataclass(frozen=True)
class TransactionDetails:
    """`tx show`: the whole record."""

    transaction: TransactionSummary = inlined()
    intent_key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    wanted_depth: int = 1
    block_hash: Hash | None = None
    gas_used: int | None = None
    explorer_url: str | None = None
    undone: tuple[Mapping[str, Any], ...] = ()
    """Blocks it stood in until a reorg took them back."""


def summary(transaction: Transaction) -> TransactionSummary:
    """Summarize a record."""
    return TransactionSummary(
        id=transaction.id,
        kind=transaction.kind.value,
        status=transaction.status.value,
        generation=transaction.generation,
        event_id=transaction.event_id,
        booking_id=transaction.booking_id,
        chain_event_id=transaction.chain_event_id,
        chain_object_id=transaction.chain_object_id,
        nonce=transaction.nonce,
        tx_hash=transaction.tx_hash,
        value_wei=transaction.value,
        fee_wei=transaction.fee,
        block_number=transaction.block_number,
        sender=transaction.sender,
        error=transaction.error,
        actor=transaction.actor,
        created_at=transaction.created_at,
        finished_at=transaction.finished_at,
        attempts=tuple(
            AttemptSummary(
                attempt=attempt.number,
                purpose=attempt.purpose,
                tx_hash=attempt.tx_hash,
                max_fee_wei=attempt.fees.max_fee,
                outcome=attempt.outcome.value,
                error=attempt.error,
                signed_at=attempt.signed_at,
            )
            for attempt in transaction.attempts
        ),
    )


def list_transactions(wanted: TransactionFilter, session: Session) -> TransactionList:
    """List recorded transactions."""
    return TransactionList(tuple(summary(one) for one in session.journal.list(wanted)))


def show_transaction(beginning: str, session: Session) -> TransactionDetails:
    """Show the one transaction whose id or hash begins so; NotFound otherwise."""
    return details(session.journal.find(beginning), session)


def details(transaction: Transaction, session: Session) -> TransactionDetails:
    """Show a whole record."""
    return TransactionDetails(
        transaction=summary(transaction),
        intent_key=transaction.intent_key,
        arguments=transaction.arguments,
        wanted_depth=transaction.wanted_depth,
        block_hash=transaction.block_hash,
        gas_used=transaction.gas_used,
        explorer_url=session.config.explorer_link(transaction.tx_hash),
        undone=transaction.undone,
    )


@dataclass(frozen=True)
class StuckTransaction:
    """An unfinished transaction, and what it waits for."""

    transaction: TransactionSummary = inlined()
    waits_for: str = ""


@dataclass(frozen=True)
class StuckList:
    """`tx list --stuck`: the lowest nonce first, and the nonces that nobody holds."""

    transactions: tuple[StuckTransaction, ...]
    missing_nonces: tuple[int, ...]


def list_stuck(session: Session) -> StuckList:
    """Explain every unfinished transaction from the chain's own count and fees."""
    unfinished = session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
    waiting = sorted(unfinished, key=lambda one: one.nonce)
    stuck: list[StuckTransaction] = []
    all_missing: list[int] = []
    for sender in dict.fromkeys(one.sender for one in waiting):  # each has nonces of its own
        own = [one for one in waiting if one.sender == sender]
        snapshot = session.chain.read(Question(sender=sender))
        missing = _missing_nonces(own[-1], snapshot.pending_nonce, session)
        of_treasury = any(one.intent_key.startswith(TOPUP_KEY) for one in own)
        stuck += [
            StuckTransaction(summary(one), _why(one, snapshot, missing, of_treasury=of_treasury))
            for one in own
        ]
        all_missing += missing
    return StuckList(tuple(stuck), tuple(all_missing))


def _missing_nonces(last: Transaction, pending_count: int, session: Session) -> tuple[int, ...]:
    """The nonces below the last one that nobody holds: just those that can be filled."""
    missing: list[int] = []
    nonce = session.journal.next_nonce(last.chain_id, last.sender, pending_count)
    while nonce < last.nonce:
        missing.append(nonce)
        nonce = session.journal.next_nonce(last.chain_id, last.sender, nonce + 1)
    return tuple(missing)


def _why(
    transaction: Transaction, snapshot: Snapshot, missing: Sequence[int], *, of_treasury: bool
) -> str:
    if transaction.status is Status.MINED:
        return f"more blocks: it wants {transaction.wanted_depth}"
    if transaction.nonce < snapshot.used_nonces:
        return "nothing: its nonce is used, `tx resume` tells by what"
    gap = next((nonce for nonce in missing if nonce < transaction.nonce), None)
    if gap is not None:
        whose = " --treasury" if of_treasury else ""
        return f"nonce {gap}, which nobody holds: `tx cancel --nonce {gap}{whose}` fills it"
    if transaction.nonce > snapshot.used_nonces:
        return f"nonce {snapshot.used_nonces} to be mined first"
    if transaction.newest.fees.max_fee < snapshot.block.base_fee:
        return (
            f"a base fee under {format_gwei(transaction.newest.fees.max_fee)} gwei (now "
            f"{format_gwei(snapshot.block.base_fee)}): `tx speedup` pays more"
        )
    return "a block"
