"""The journal's twin: one dictionary, under the same rules as the tables in Postgres."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    Attempt,
    AttemptOutcome,
    ContractEvent,
    Hash,
    Intent,
    Kind,
    Pin,
    Receipt,
    SignedPayload,
    Status,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.money import Wei
from tests.twin_journal_batches import MemoryJournalBatches
from tests.twins import Memory, as_json

_SETTLED: Final = (AttemptOutcome.MINED, AttemptOutcome.DROPPED, AttemptOutcome.ACCEPTED)


class MemoryJournal(MemoryJournalBatches):
    """The port Journal."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._order: dict[UUID, int] = {}

    # --- what the database is bound to ---

    def lock(self, chain_id: int, sender: Address) -> None:
        """There is one process: it need not wait, only be in a transaction."""
        del chain_id, sender
        assert self._memory.in_transaction, "the lock would be given back at once"

    def pin(self, pin: Pin) -> Pin:
        self._memory.rows.pin = self._memory.rows.pin or pin
        return self._memory.rows.pin

    def pinned(self) -> Pin | None:
        return self._memory.rows.pin

    # --- recording ---

    def next_nonce(self, chain_id: int, sender: Address, pending_count: int) -> int:
        held = {
            one.nonce
            for one in self._all()
            if (one.chain_id, one.sender) == (chain_id, sender) and one.status != Status.FAILED
        }
        nonce = pending_count
        while nonce in held:
            nonce += 1
        return nonce

    def nonces_from_outside(
        self, chain_id: int, sender: Address, used_nonces: int
    ) -> tuple[int, ...]:
        held = {
            one.nonce
            for one in self._all()
            if (one.chain_id, one.sender) == (chain_id, sender)
            and one.status not in (Status.FAILED, Status.REPLACED)
        }
        return tuple(n for n in range(min(held, default=used_nonces), used_nonces) if n not in held)

    def latest(self, intent: Intent) -> Transaction | None:
        found = [one for one in self._all() if one.intent_key == intent.key or _same(one, intent)]
        return max(found, key=lambda one: self._rank(one, intent.key), default=None)

    def _rank(self, one: Transaction, key: str) -> tuple[bool, bool, int]:
        return not one.status.is_impossible, one.intent_key == key, self._order[one.id]

    def same_arguments(self, intent: Intent) -> Transaction | None:
        wanted = (intent.kind, as_json(intent.arguments))
        return self._newest(
            lambda one: (
                one.status.is_unfinished
                and (one.kind, one.arguments) == wanted
                and one.intent_key != intent.key
            )
        )

    def insert(
        self,
        intent: Intent,
        signed: SignedPayload,
        generation: int,
        sender: Address,
        contract: Address,
        actor: str,
    ) -> Transaction:
        payload, now = signed.payload, self._memory.now
        attempt = Attempt(
            number=1,
            purpose="original",
            tx_hash=signed.tx_hash,
            raw=signed.raw,
            fees=payload.fees,
            outcome=AttemptOutcome.SIGNED,
            error=None,
            signed_at=now,
            sent_at=None,
        )
        new = Transaction(
            id=uuid4(),
            intent_key=intent.key,
            generation=generation,
            kind=intent.kind,
            arguments=as_json(intent.arguments),
            terms=as_json(intent.terms),
            outcome=(),
            chain_id=payload.chain_id,
            contract=contract,
            sender=sender,
            recipient=payload.recipient,
            nonce=payload.nonce,
            value=payload.value,
            calldata=payload.calldata,
            event_id=intent.event_id,
            booking_id=intent.booking_id,
            chain_event_id=intent.chain_event_id,
            chain_object_id=None,
            eth_price_inr=intent.eth_price_inr,
            amount_inr=intent.amount_inr,
            wanted_depth=intent.wanted_depth,
            status=Status.SIGNED,
            tx_hash=signed.tx_hash,
            block_number=None,
            block_hash=None,
            gas_used=None,
            fee=None,
            error=None,
            actor=actor,
            reason=intent.reason,
            created_at=now,
            finished_at=None,
            attempts=(attempt,),
        )
        self._refuse_second(new)
        self._memory.rows.transactions[new.id] = new
        self._order[new.id] = len(self._order)
        return new

    def add_attempt(self, transaction_id: UUID, signed: SignedPayload, purpose: str) -> Transaction:
        one = self.get(transaction_id)
        attempt = Attempt(
            number=one.newest.number + 1,
            purpose=purpose,
            tx_hash=signed.tx_hash,
            raw=signed.raw,
            fees=signed.payload.fees,
            outcome=AttemptOutcome.SIGNED,
            error=None,
            signed_at=self._memory.now,
            sent_at=None,
        )
        self._keep(one, attempts=(*one.attempts, attempt), tx_hash=signed.tx_hash)
        return self.get(transaction_id)

    def _refuse_second(self, new: Transaction) -> None:
        home = (new.chain_id, new.contract)
        for one in self._all():
            same_key = (one.chain_id, one.contract, one.intent_key) == (*home, new.intent_key)
            same_nonce = (one.chain_id, one.sender, one.nonce) == (
                new.chain_id,
                new.sender,
                new.nonce,
            )
            broken = {
                "transactions_one_live_per_intent": same_key and not one.status.is_impossible,
                "transactions_one_per_generation": same_key and one.generation == new.generation,
                "transactions_one_per_nonce": same_nonce and one.status != Status.FAILED,
            }
            for constraint in (name for name, is_broken in broken.items() if is_broken):
                raise Refused("A row refuses this", details={"constraint": constraint})

    # --- what became of it ---

    def mark_attempt(self, tx_hash: Hash, outcome: AttemptOutcome, error: str | None) -> None:
        for one in self._all():
            attempts = tuple(
                _answered(attempt, outcome, error, self._memory.now)
                if attempt.tx_hash == tx_hash
                else attempt
                for attempt in one.attempts
            )
            self._keep(one, attempts=attempts)

    def mark_sent(self, transaction_id: UUID) -> None:
        one = self.get(transaction_id)
        if one.status is Status.SIGNED:
            self._keep(one, status=Status.SENT)

    def mark_mined(self, transaction_id: UUID, receipt: Receipt, error: str | None) -> None:
        one = self.get(transaction_id)
        if one.status.is_unfinished:
            self._keep(one, status=Status.MINED, error=error, **_of(receipt))

    def mark_pending_again(self, transaction_id: UUID) -> None:
        one = self.get(transaction_id)
        back = {
            AttemptOutcome.MINED: AttemptOutcome.ACCEPTED,
            AttemptOutcome.DROPPED: AttemptOutcome.UNKNOWN,
        }
        attempts = tuple(
            replace(each, outcome=back.get(each.outcome, each.outcome)) for each in one.attempts
        )
        block = {"block_number": one.block_number, "block_hash": one.block_hash}
        undone = {**block, "undone_at": self._memory.now.isoformat()}
        self._keep(
            one,
            status=Status.SENT,
            attempts=attempts,
            undone=(*one.undone, undone) if one.block_hash else one.undone,
            tx_hash=one.newest.tx_hash,
            chain_object_id=None,
            outcome=(),
            error=None,
            finished_at=None,
            **dict.fromkeys(("block_number", "block_hash", "gas_used", "fee")),
        )

    def finish(
        self,
        transaction_id: UUID,
        status: Status,
        receipt: Receipt | None,
        chain_object_id: int | None,
        error: str | None,
    ) -> None:
        one = self.get(transaction_id)
        if not one.status.is_unfinished and one.status is not status:
            raise Refused(f"Transaction {one.id} ended as {one.status} before: it is not {status}")
        if receipt is None and status in (Status.CONFIRMED, Status.REVERTED):
            raise Refused("A row refuses this", details={"constraint": "mined_has_its_block"})
        events = receipt.events if receipt else ()
        self._keep(
            one,
            status=status,
            chain_object_id=chain_object_id,
            error=error,
            outcome=tuple(ContractEvent(e.name, as_json(e.arguments)) for e in events),
            finished_at=one.finished_at or self._memory.now,
            **(_of(receipt) if receipt else {}),
            **({"attempts": _raced(one, receipt.tx_hash)} if receipt else {}),
        )

    # --- finding ---

    def holder(self, kind: Kind, chain_object_id: int) -> Transaction | None:
        wanted = (kind, chain_object_id, Status.CONFIRMED)
        return self._newest(lambda one: (one.kind, one.chain_object_id, one.status) == wanted)

    def get(self, transaction_id: UUID) -> Transaction:
        found = self._memory.rows.transactions.get(transaction_id)
        if found is None:
            raise NotFound(f"No transaction {transaction_id} is recorded")
        return found

    get_locked = get

    def find(self, beginning: str) -> Transaction:
        text = beginning.strip().lower()
        if len(text) < 4:
            raise WrongUsage(f"Too short to name a transaction: {beginning}")
        found = self._named(text) or self._named(f"0x{text}")
        if len(found) != 1:
            raise NotFound(f"{len(found)} transactions begin with {beginning}")
        return found[0]

    def _named(self, text: str) -> Sequence[Transaction]:
        return [
            one
            for one in self._all()
            if one.id.hex.startswith(text.replace("-", ""))
            or any(attempt.tx_hash.startswith(text) for attempt in one.attempts)
        ]

    def knows(self, tx_hash: Hash) -> bool:
        return any(each.tx_hash == tx_hash for one in self._all() for each in one.attempts)

    def list(self, wanted: TransactionFilter) -> Sequence[Transaction]:
        anything = wanted.event_id is None and wanted.chain_event_id is None
        return [
            one
            for one in self._newest_first()
            if wanted.unfinished in (None, one.status.is_unfinished)
            and wanted.sender in (None, one.sender)
            and (anything or _is_on(one, wanted.event_id, wanted.chain_event_id))
        ][: wanted.limit]

    def unfinished_of_event(
        self, event_id: UUID | None, chain_event_id: int | None
    ) -> Sequence[Transaction]:
        return [
            one
            for one in self._newest_first()
            if one.status.is_unfinished and _is_on(one, event_id, chain_event_id)
        ]

    def spent_since(self, sender: Address, since: datetime) -> Wei:
        counted = [
            one.value
            for one in self._all()
            if one.sender == sender and one.created_at >= since and not one.status.is_impossible
        ]
        return sum(counted, Wei(0))

    def senders(self) -> Sequence[Address]:
        return sorted({one.sender for one in self._all()})

    def _all(self) -> Sequence[Transaction]:
        return [*self._memory.rows.transactions.values()]

    def _newest_first(self) -> Sequence[Transaction]:
        return sorted(self._all(), key=lambda one: self._order[one.id], reverse=True)

    def _newest(self, fits: Callable[[Transaction], bool]) -> Transaction | None:
        return next((one for one in self._newest_first() if fits(one)), None)

    def _keep(self, one: Transaction, **fields: Any) -> None:  # noqa: ANN401 - any field
        self._memory.rows.transactions[one.id] = replace(one, **fields)


def _same(one: Transaction, intent: Intent) -> bool:
    """Whether it is for the very row that the intent is for."""
    if one.kind is not intent.kind:
        return False
    match one.kind:
        case Kind.CREATE_EVENT:
            return one.event_id is not None and one.event_id == intent.event_id
        case Kind.BOOK_EVENT:
            return one.booking_id is not None and one.booking_id == intent.booking_id
        case Kind.COMPLETE_EVENT | Kind.CANCEL_EVENT if None in (one.event_id, intent.event_id):
            number = intent.chain_event_id
            return number is not None and one.chain_event_id == number
        case Kind.COMPLETE_EVENT | Kind.CANCEL_EVENT:
            return one.event_id == intent.event_id
        case _:
            return False


def _is_on(one: Transaction, event_id: UUID | None, chain_event_id: int | None) -> bool:
    created = one.chain_object_id if one.kind is Kind.CREATE_EVENT else None
    by_number = chain_event_id is not None and chain_event_id in (one.chain_event_id, created)
    return by_number or (event_id is not None and one.event_id == event_id)


def _answered(
    attempt: Attempt, outcome: AttemptOutcome, error: str | None, now: datetime
) -> Attempt:
    """Accepted outranks unknown outranks rejected: what may have left once stays so."""
    doubtful = attempt.outcome is AttemptOutcome.UNKNOWN and outcome is AttemptOutcome.REJECTED
    kept = attempt.outcome if attempt.outcome in _SETTLED or doubtful else outcome
    return replace(attempt, outcome=kept, error=error, sent_at=attempt.sent_at or now)


def _raced(one: Transaction, tx_hash: Hash) -> tuple[Attempt, ...]:
    """The mined hash decides between the attempts."""
    return tuple(
        replace(
            each,
            outcome=AttemptOutcome.MINED if each.tx_hash == tx_hash else AttemptOutcome.DROPPED,
        )
        for each in one.attempts
    )


def _of(receipt: Receipt) -> dict[str, Any]:
    return {
        "tx_hash": receipt.tx_hash,
        "block_number": receipt.block_number,
        "block_hash": receipt.block_hash,
        "gas_used": receipt.gas_used,
        "fee": receipt.fee,
    }
