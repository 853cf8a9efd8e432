"""What becomes of each payable of a batch of payouts, and the batch as a result."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.models import Address, Payable, Transaction, inlined
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
    reason: str | None
    transaction: TransactionResult = inlined()


@dataclass(frozen=True)
class PayoutBatch:
    """`payout send`: every payable of the batch, and their sums."""

    payouts: tuple[Payout, ...]
    paid: int
    sent: int
    refused: int
    not_sent: int
    paid_wei: Wei
    total_wei: Wei
    total_inr: Decimal | None
    fees_wei: Wei


class Batch:
    """What has become of each payable so far."""

    def __init__(self, plan: PayoutPlan, session: Session) -> None:
        self.plan = plan
        self._session = session
        self._outcomes: dict[UUID, tuple[PayoutOutcome, str | None]] = {
            one: (PayoutOutcome.REFUSED, why) for one, why in plan.refused.items()
        }
        self.transactions: dict[UUID, Transaction] = {
            one: prepared.earlier
            for one, prepared in plan.prepared.items()
            if prepared.earlier is not None
        }

    def keep(self, payable: Payable, transaction: Transaction) -> None:
        """It is out, or has ended well."""
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

        def count(outcome: PayoutOutcome) -> int:
            return sum(one.outcome is outcome for one in payouts)

        fees = [one.transaction.fee_wei for one in payouts]
        return PayoutBatch(
            payouts=payouts,
            paid=len(paid),
            sent=count(PayoutOutcome.SENT),
            refused=count(PayoutOutcome.REFUSED),
            not_sent=count(PayoutOutcome.NOT_SENT),
            paid_wei=sum((one.amount_wei for one in paid), Wei(0)),
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
            reason=reason,
            transaction=TransactionResult.of(transaction, self._session)
            if transaction
            else nothing,
        )
