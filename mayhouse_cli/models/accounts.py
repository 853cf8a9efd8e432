"""What is owed to whom, and whether it is paid."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from mayhouse_cli.models.addresses import Hash
from mayhouse_cli.models.platform import Person
from mayhouse_cli.money import Wei


class PayableKind(StrEnum):
    """Why somebody is owed something."""

    HOST_PAYOUT = "host_payout"
    STAKE_RETURN = "stake_return"
    REFUND = "refund"


class Standing(StrEnum):
    """Where a payable stands."""

    OWED = "owed"
    SENDING = "sending"
    """A transfer for it is recorded and not finished."""
    PAID = "paid"
    WITHDRAWN = "withdrawn"
    """A reorg took back what it comes from: nothing is owed unless that is confirmed again."""


@dataclass(frozen=True)
class Payable:
    """An amount that is owed to a host or traveler, and what pays or paid it."""

    id: UUID
    kind: PayableKind
    event_id: UUID | None
    chain_event_id: int
    booking_id: UUID | None
    chain_booking_id: int | None
    payee_id: UUID
    payee: Person | None
    """None when the platform has deleted the person's row."""
    amount: Wei
    amount_inr: Decimal | None
    standing: Standing
    transfer_id: UUID | None
    """The transfer that pays or paid it on chain."""
    tx_hash: Hash | None
    reference: str | None
    """What paid it outside the chain."""
    paid_at: datetime | None
    paid_by: str | None
    undone_at: datetime | None
    """When a reorg took back the completion or cancellation it comes from."""
    created_at: datetime
    settled_amount: Wei
    """Of its settlement line; the two are written together and never changed."""
    settled_payee_id: UUID | None

    @property
    def why_not_as_settled(self) -> str | None:
        """How it differs from the line it comes from; None when it does not."""
        if self.amount != self.settled_amount:
            return f"it says {int(self.amount)} wei, its settlement {int(self.settled_amount)} wei"
        if self.payee_id != self.settled_payee_id:
            return f"it is owed to {self.payee_id}, by its settlement to {self.settled_payee_id}"
        return None


@dataclass(frozen=True)
class PayableFilter:
    """Which payables are wanted; None means any."""

    standings: frozenset[Standing] | None = None
    event_id: UUID | None = None
    chain_event_id: int | None = None
    settlement_of: UUID | None = None
    """The completion or cancellation they come from."""
    payee_id: UUID | None = None
    reference: str | None = None
