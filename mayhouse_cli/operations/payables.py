"""What is owed to hosts and travelers: listed, and added up."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.models import Address, Hash, Payable, PayableFilter, Standing
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.lookup import find_known_event
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class PayableSummary:
    """A payable as `payout list` shows it."""

    payable_id: UUID
    kind: str
    status: str
    event_id: UUID | None
    chain_event_id: int
    booking_id: UUID | None
    chain_booking_id: int | None
    payee_id: UUID
    payee: str | None
    wallet: Address | None
    amount_wei: Wei
    amount_eth: str
    amount_inr: Decimal | None
    transaction_id: UUID | None
    tx_hash: Hash | None
    explorer_url: str | None
    reference: str | None
    paid_at: datetime | None
    paid_by: str | None
    undone_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class PayableList:
    """`payout list`: oldest first, with what is owed and paid of those listed."""

    payables: tuple[PayableSummary, ...]
    owed_wei: Wei
    sending_wei: Wei
    paid_wei: Wei


def list_payables(wanted: PayableFilter, session: Session) -> PayableList:
    """List payables and add them up."""
    found = session.payables.list(wanted)

    def total(standing: Standing) -> Wei:
        return sum((one.amount for one in found if one.standing is standing), Wei(0))

    return PayableList(
        tuple(summary(one, session) for one in found),
        owed_wei=total(Standing.OWED),
        sending_wei=total(Standing.SENDING),
        paid_wei=total(Standing.PAID),
    )


def summary(payable: Payable, session: Session) -> PayableSummary:
    """A payable with its person and links."""
    tx_hash = payable.tx_hash
    return PayableSummary(
        payable_id=payable.id,
        kind=payable.kind.value,
        status=payable.standing.value,
        event_id=payable.event_id,
        chain_event_id=payable.chain_event_id,
        booking_id=payable.booking_id,
        chain_booking_id=payable.chain_booking_id,
        payee_id=payable.payee_id,
        payee=payable.payee.name if payable.payee else None,
        wallet=payable.payee.wallet if payable.payee else None,
        amount_wei=payable.amount,
        amount_eth=format_eth(payable.amount),
        amount_inr=payable.amount_inr,
        transaction_id=payable.transfer_id,
        tx_hash=tx_hash,
        explorer_url=session.config.explorer_link(tx_hash) if tx_hash else None,
        reference=payable.reference,
        paid_at=payable.paid_at,
        paid_by=payable.paid_by,
        undone_at=payable.undone_at,
        created_at=payable.created_at,
    )


def wanted_payables(event: str | None, payee: str | None, session: Session) -> PayableFilter:
    """Read an event and a person; NotFound when a wallet is nobody's."""
    wanted = PayableFilter()
    if event is not None:
        found = find_known_event(event, session)
        row = found.row
        wanted = replace(
            wanted, event_id=row.id if row else None, chain_event_id=found.chain_event_id
        )
    return wanted if payee is None else replace(wanted, payee_id=_person(payee))


def _person(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise WrongUsage(
            f"Not a person's database id: {text}",
            hint="It looks like 3f2b8c1e-0000-4000-8000-000000000001.",
        ) from None
