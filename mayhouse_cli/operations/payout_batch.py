"""What becomes of each payable of a batch of payouts, and the batch as a result."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.models import Address, Payable, Standing, Transaction, inlined
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.payouts import PayoutPlan
from mayhouse_cli.operations.settlement_rates import total_inr
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session

NOTHING: Final = replace(PLANNED, status="none")
"""The fields of a payable for which nothing is signed."""


class PayoutOutcome(StrEnum):
    """How a payable of the batch fared."""

    PLANNED = "planned"
    PAID = "paid"
    SENT = "sent"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    """The batch ended before it; it is owed as before."""


@dataclass(frozen=True)
class Payout:
    """One payable of a batch."""

    payable_id: UUID
    kind: str
    event_id: UUID | None
    chain_event_id: int
    payee_id: UUID
    payee: str | None
    recipient: Address | None
    amount_wei: Wei
    amount_eth: str
    amount_inr: Decimal | None
    outcome: PayoutOutcome
    paid_before: bool
    """By another run, or outside the chain: this run has paid nothing for it."""
    reason: str | None
    transaction: TransactionResult = inlined()


@dataclass(frozen=True)
class PayoutBatch:
    """`payout send`: every payable of the batch, and their sums."""

    payouts: tuple[Payout, ...]
    paid: int
    paid_before: int
    """Of those paid: not by this run."""
    sent: int
    refused: int
    not_sent: int
    paid_wei: Wei
    paid_before_wei: Wei
    total_wei: Wei
    total_inr: Decimal | None
    fees_wei: Wei
    """Of the transfers of this run."""


class Batch:
    """What has become of each payable so far."""

    def __init__(self, plan: PayoutPlan, session: Session) -> None:
        self.plan = plan
        self._session = session
        self._outcomes: dict[UUID, tuple[PayoutOutcome, str | None]] = {
            one: (PayoutOutcome.REFUSED, why) for one, why in plan.refused.items()
        }
        self._before = {one.id for one in plan.payables} - {one.id for one in plan.new}
        self.transactions: dict[UUID, Transaction] = {
            one: prepared.earlier
            for one, prepared in plan.prepared.items()
            if prepared.earlier is not None
        }

    def keep(self, payable: Payable, transaction: Transaction, *, is_new: bool = True) -> None:
        """It is out, or has ended well; by another run's transfer when it is not new."""
        if not is_new:
            self._before.add(payable.id)
        self.transactions[payable.id] = transaction
        is_out = transaction.status.is_unfinished
        self._outcomes[payable.id] = (PayoutOutcome.SENT if is_out else PayoutOutcome.PAID, None)

    def refuse(self, payable: Payable, why: MayhouseError) -> None:
        """It did not happen."""
        self._outcomes[payable.id] = (PayoutOutcome.REFUSED, why.message)

    def result(self, otherwise: PayoutOutcome) -> PayoutBatch:
        """Tell of all; `otherwise` is what holds for those nothing has happened to."""
        payouts = tuple(self._told(one, otherwise) for one in self.plan.payables)
        paid = [one for one in payouts if one.outcome is PayoutOutcome.PAID]
        before = [one for one in paid if one.paid_before]

        def count(outcome: PayoutOutcome) -> int:
            return sum(one.outcome is outcome for one in payouts)

        ours = [one for one in payouts if one.payable_id not in self._before]
        fees = [one.transaction.fee_wei for one in ours]
        return PayoutBatch(
            payouts=payouts,
            paid=len(paid),
            paid_before=len(before),
            sent=count(PayoutOutcome.SENT),
            refused=count(PayoutOutcome.REFUSED),
            not_sent=count(PayoutOutcome.NOT_SENT),
            paid_wei=sum((one.amount_wei for one in paid), Wei(0)),
            paid_before_wei=sum((one.amount_wei for one in before), Wei(0)),
            total_wei=sum((one.amount_wei for one in payouts), Wei(0)),
            total_inr=total_inr(one.amount_inr for one in payouts),
            fees_wei=sum((fee for fee in fees if fee is not None), Wei(0)),
        )

    def _told(self, payable: Payable, otherwise: PayoutOutcome) -> Payout:
        transaction = self.transactions.get(payable.id)
        outcome, reason = self._outcomes.get(payable.id, (otherwise, None))
        if payable.id not in self._outcomes and transaction is not None:
            is_out = transaction.status.is_unfinished
            outcome = PayoutOutcome.SENT if is_out else PayoutOutcome.PAID
        elif payable.id not in self._outcomes and payable.standing is Standing.PAID:
            outcome = PayoutOutcome.PAID
        nothing = PLANNED if outcome is PayoutOutcome.PLANNED else NOTHING
        return Payout(
            payable_id=payable.id,
            kind=payable.kind.value,
            event_id=payable.event_id,
            chain_event_id=payable.chain_event_id,
            payee_id=payable.payee_id,
            payee=payable.payee.name if payable.payee else None,
            recipient=payable.payee.wallet if payable.payee else None,
            amount_wei=payable.amount,
            amount_eth=format_eth(payable.amount),
            amount_inr=payable.amount_inr,
            outcome=outcome,
            paid_before=outcome is PayoutOutcome.PAID and payable.id in self._before,
            reason=reason,
            transaction=TransactionResult.of(transaction, self._session)
            if transaction
            else nothing,
        )
