"""The accounts' twins: settlements and payables, under the same rules as the tables."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from mayhouse_cli.errors import NotFound
from mayhouse_cli.models import (
    Cost,
    Kind,
    Payable,
    PayableFilter,
    PayableKind,
    SettlementLine,
    Standing,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei
from tests.twins import Memory, Owed

_KINDS: Final = {
    "host_payout": PayableKind.HOST_PAYOUT,
    "stake_returned": PayableKind.STAKE_RETURN,
    "refund": PayableKind.REFUND,
}


class MemorySettlements:
    """The port Settlements."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        self._memory.rows.settlements[transaction.id] = tuple(lines)

    def lines(self, transaction_id: UUID) -> Sequence[SettlementLine]:
        return self._memory.rows.settlements.get(transaction_id, ())

    def fees_earned(self, until_block: int) -> Wei:
        rows = self._memory.rows
        return sum(
            (
                line.amount
                for number, lines in rows.settlements.items()
                for line in lines
                if line.line == "platform_fee"
                and rows.transactions[number].kind is Kind.COMPLETE_EVENT
                and rows.transactions[number].status is Status.CONFIRMED
                and (rows.transactions[number].block_number or 0) <= until_block
            ),
            Wei(0),
        )

    def take_back(self, transaction_id: UUID) -> None:
        rows = self._memory.rows
        kept = {one.line for one in rows.payables.values() if one.settled_by == transaction_id}
        rows.settlements[transaction_id] = tuple(
            one for one in rows.settlements.get(transaction_id, ()) if one in kept
        )

    def settled_between(self, start: datetime, end: datetime) -> Sequence[UUID]:
        return [
            one.id
            for one in self._memory.rows.transactions.values()
            if one.kind in (Kind.COMPLETE_EVENT, Kind.CANCEL_EVENT)
            and one.status is Status.CONFIRMED
            and one.finished_at is not None
            and start <= one.finished_at < end
        ]

    def quoted_rate(self, chain_event_id: int, seats: int, cost: Cost) -> Decimal | None:
        wanted = (chain_event_id, seats, cost)
        found = [one[3] for one in self._memory.rows.quotes if one[:3] == wanted]
        return found[-1].eth_price_inr if found else None

    def rate_at(self, moment: datetime) -> Decimal | None:
        del moment
        rates = self._memory.rows.rates
        return rates[-1].eth_price_inr if rates else None


class MemoryPayables:
    """The port Payables."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        rows = self._memory.rows
        known = {
            (one.settled_by, one.line.line, one.line.chain_booking_id): payable_id
            for payable_id, one in rows.payables.items()
        }
        for line in lines:
            payable_id = known.get((transaction.id, line.line, line.chain_booking_id))
            if payable_id is None:
                owed = Owed(
                    transaction.id, line, transaction.event_id, transaction.chain_event_id or 0
                )
                rows.payables[uuid4()] = owed
            else:
                self._change(payable_id, undone=False)

    def take_back(self, transaction_id: UUID) -> None:
        rows = self._memory.rows
        for payable_id, one in [*rows.payables.items()]:
            if one.settled_by != transaction_id:
                continue
            if self._made(payable_id, one).standing in (Standing.OWED, Standing.WITHDRAWN):
                del rows.payables[payable_id]
            else:
                self._change(payable_id, undone=True)

    def list(self, wanted: PayableFilter) -> Sequence[Payable]:
        found = []
        for payable_id, one in self._memory.rows.payables.items():
            made = self._made(payable_id, one)
            named = (wanted.event_id, wanted.chain_event_id) == (None, None)
            if (
                wanted.standings in (None, wanted.standings and wanted.standings | {made.standing})
                and (named or made.event_id == wanted.event_id)
                and wanted.settlement_of in (None, one.settled_by)
                and wanted.payee_id in (None, made.payee_id)
                and wanted.reference in (None, made.reference)
            ):
                found.append(made)
        return found

    def get(self, payable_id: UUID) -> Payable | None:
        one = self._memory.rows.payables.get(payable_id)
        return self._made(payable_id, one) if one else None

    def get_locked(self, payable_id: UUID) -> Payable | None:
        assert self._memory.in_transaction, "the lock would be given back at once"
        return self.get(payable_id)

    def find(self, beginning: str) -> Payable:
        found = [
            (payable_id, one)
            for payable_id, one in self._memory.rows.payables.items()
            if str(payable_id).startswith(beginning)
        ]
        if len(found) != 1:
            raise NotFound(f"Not one payable: {beginning}")
        return self._made(*found[0])

    def mark_paid(self, payable_id: UUID, transaction: Transaction) -> None:
        self._change(payable_id, paid_by=transaction.id)

    def mark_paid_outside(self, payable_id: UUID, reference: str, actor: str) -> None:
        del actor
        self._change(payable_id, reference=reference)

    def unmark(self, payable_id: UUID) -> None:
        self._change(payable_id, reference=None)

    def mark_unpaid(self, payable_id: UUID, transaction_id: UUID) -> None:
        del transaction_id
        self._change(payable_id, paid_by=None)

    def _change(self, payable_id: UUID, **fields: object) -> None:
        rows = self._memory.rows
        if payable_id in rows.payables:
            rows.payables[payable_id] = replace(rows.payables[payable_id], **fields)  # type: ignore[arg-type]

    def _made(self, payable_id: UUID, one: Owed) -> Payable:
        rows = self._memory.rows
        transfer = next(
            (
                each
                for each in rows.transactions.values()
                if each.intent_key == f"payable:{payable_id}" and not each.status.is_impossible
            ),
            None,
        )
        standing = Standing.WITHDRAWN if one.undone else Standing.OWED
        if one.paid_by or one.reference:
            standing = Standing.PAID
        elif transfer is not None:
            standing = Standing.SENDING
        payee_id = one.line.party_id
        assert payee_id is not None
        return Payable(
            id=payable_id,
            kind=_KINDS[one.line.line],
            event_id=one.event_id,
            chain_event_id=one.chain_event_id,
            booking_id=one.line.booking_id,
            chain_booking_id=one.line.chain_booking_id,
            payee_id=payee_id,
            payee=rows.people.get(payee_id),
            amount=one.line.amount if one.changed_amount is None else one.changed_amount,
            amount_inr=one.line.amount_inr,
            standing=standing,
            transfer_id=transfer.id if transfer else None,
            tx_hash=transfer.tx_hash if transfer else None,
            reference=one.reference,
            paid_at=self._memory.now if standing is Standing.PAID else None,
            paid_by="tester" if standing is Standing.PAID else None,
            undone_at=self._memory.now if one.undone else None,
            created_at=self._memory.now,
            settled_amount=one.line.amount,
            settled_payee_id=one.line.party_id,
        )
