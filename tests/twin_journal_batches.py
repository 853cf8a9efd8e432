"""The journal's twin for many transactions at once: each method is the single one, repeated."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    Hash,
    Intent,
    Kind,
    NewTransaction,
    Receipt,
    SignedPayload,
    Status,
    Transaction,
    TransactionFilter,
)


class _Journal(Protocol):
    def latest(self, intent: Intent) -> Transaction | None: ...
    def next_nonce(self, chain_id: int, sender: Address, pending_count: int) -> int: ...
    def knows(self, tx_hash: Hash) -> bool: ...
    def insert(
        self,
        intent: Intent,
        signed: SignedPayload,
        generation: int,
        sender: Address,
        contract: Address,
        actor: str,
    ) -> Transaction: ...
    def mark_attempt(self, tx_hash: Hash, outcome: AttemptOutcome, error: str | None) -> None: ...
    def mark_sent(self, transaction_id: UUID) -> None: ...
    def mark_mined(self, transaction_id: UUID, receipt: Receipt, error: str | None) -> None: ...
    def finish(
        self,
        transaction_id: UUID,
        status: Status,
        receipt: Receipt | None,
        chain_object_id: int | None,
        error: str | None,
    ) -> None: ...
    def get(self, transaction_id: UUID) -> Transaction: ...
    def holder(self, kind: Kind, chain_object_id: int) -> Transaction | None: ...
    def list(self, wanted: TransactionFilter) -> Sequence[Transaction]: ...


class MemoryJournalBatches:
    """The port JournalBatches, for a twin of the journal to take up."""

    def latest_all(self: _Journal, intents: Sequence[Intent]) -> Mapping[str, Transaction]:
        found = {one.key: self.latest(one) for one in intents}
        return {key: one for key, one in found.items() if one is not None}

    def free_nonces(
        self: _Journal, chain_id: int, sender: Address, pending_count: int, count: int
    ) -> Sequence[int]:
        nonces: list[int] = []
        for _ in range(count):
            after = nonces[-1] + 1 if nonces else pending_count
            nonces.append(self.next_nonce(chain_id, sender, after))
        return nonces

    def known(self: _Journal, hashes: Sequence[Hash]) -> frozenset[Hash]:
        return frozenset(one for one in hashes if self.knows(one))

    def insert_all(
        self: _Journal,
        new: Sequence[NewTransaction],
        sender: Address,
        contract: Address,
        actor: str,
    ) -> Sequence[Transaction]:
        return [
            self.insert(one.intent, one.signed, one.generation, sender, contract, actor)
            for one in new
        ]

    def keep_answers(
        self: _Journal, answers: Sequence[tuple[Transaction, AttemptOutcome, str | None]]
    ) -> None:
        for one, outcome, error in answers:
            self.mark_attempt(one.newest.tx_hash, outcome, error)
            self.mark_sent(one.id)

    def mark_mined_all(self: _Journal, mined: Sequence[tuple[Transaction, Receipt]]) -> None:
        for one, receipt in mined:
            self.mark_mined(one.id, receipt, None)

    def confirm_all(self: _Journal, ends: Sequence[tuple[Transaction, Receipt, int]]) -> None:
        for one, receipt, number in ends:
            self.finish(one.id, Status.CONFIRMED, receipt, number, None)

    def get_all(self: _Journal, ids: Sequence[UUID]) -> Sequence[Transaction]:
        return sorted((self.get(one) for one in ids), key=lambda one: one.nonce)

    get_all_locked = get_all

    def held_numbers(self: _Journal, kind: Kind, numbers: Sequence[int]) -> frozenset[int]:
        return frozenset(one for one in numbers if self.holder(kind, one) is not None)

    def creations(self: _Journal, event_ids: Sequence[UUID]) -> Mapping[UUID, Transaction]:
        newest: dict[UUID, Transaction] = {}
        for one in self.list(TransactionFilter(limit=1_000_000)):
            if one.kind is Kind.CREATE_EVENT and one.event_id in event_ids and one.event_id:
                newest.setdefault(one.event_id, one)
        return newest
