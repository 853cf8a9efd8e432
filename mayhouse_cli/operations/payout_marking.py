"""A payable paid outside the chain: marked so, and the mark taken back when it was a mistake."""

from dataclasses import dataclass

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.models import Payable, PayableFilter, Standing
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Mark:
    """A mark that can be agreed to."""

    payable: Payable
    reference: str
    is_made_already: bool
    used_for: tuple[Payable, ...]
    """Other payables that this reference has paid: one payment of several, or a mistake."""


def plan_mark(name: str, reference: str, session: Session) -> Mark:
    """Look at what is to be marked; WrongUsage for a reference that says nothing.

    Refused while a transfer of it may still happen or has happened.
    """
    cleaned = " ".join(reference.split())
    if not cleaned:
        raise WrongUsage("The reference is empty", hint="Say what paid it: a bank transfer's id.")
    payable = session.payables.find(name)
    is_made = _is_marked(payable, cleaned)
    if not is_made:
        _refuse_to_mark(payable)
    same = session.payables.list(PayableFilter(reference=cleaned))
    return Mark(payable, cleaned, is_made, tuple(one for one in same if one.id != payable.id))


def mark(plan: Mark, session: Session) -> Payable:
    """Keep that a payable was paid outside the chain; marked so before, it stays as it is.

    Refused when a transfer of it, or another hand, was quicker.
    """
    with session.transaction():
        payable = session.payables.get_locked(plan.payable.id) or plan.payable
        if _is_marked(payable, plan.reference):
            return payable
        _refuse_to_mark(payable)
        session.payables.mark_paid_outside(payable.id, plan.reference, session.actor)
        arguments = {"payable_id": str(payable.id), "reference": plan.reference}
        log(session, arguments, before={"standing": payable.standing.value})
        return session.payables.get(payable.id) or payable


def _is_marked(payable: Payable, reference: str) -> bool:
    return payable.standing is Standing.PAID and payable.reference == reference


def _refuse_to_mark(payable: Payable) -> None:
    name = str(payable.id)[:8]
    if payable.standing is Standing.OWED:
        if payable.why_not_as_settled is None:
            return
        raise Refused(
            f"Payable {name} was changed in the database: {payable.why_not_as_settled}",
            hint="`mayhouse audit` names every one of these; nothing was marked.",
            details={"payable_id": str(payable.id)},
        )
    transfer = str(payable.transfer_id)[:8]
    told = {
        Standing.SENDING: (
            f"Payable {name} is being paid by transaction {transfer}",
            f"Finish that first: mayhouse tx resume {transfer}",
        ),
        Standing.PAID: (
            f"Payable {name} is paid already ({payable.reference or payable.tx_hash})",
            "It is owed once. `mayhouse payout list --paid` shows what paid it.",
        ),
        Standing.WITHDRAWN: (
            f"Payable {name} is withdrawn: a reorg took back what it comes from",
            "Nothing is owed until that is confirmed again: see `mayhouse audit`.",
        ),
    }
    message, hint = told[payable.standing]
    raise Refused(message, hint=hint, details={"payable_id": str(payable.id)})


# --- take a mark back -------------------------------------------------------------------


def find_marked(name: str, session: Session) -> Payable:
    """Find a payable whose mark can be taken back; Refused when it is not marked."""
    payable = session.payables.find(name)
    _refuse_unmarked(payable)
    return payable


def unmark(payable: Payable, reason: str, session: Session) -> Payable:
    """Owe it again, unless a transfer has paid it too; Refused when it is not marked any more."""
    cleaned = " ".join(reason.split())
    if not cleaned:
        raise WrongUsage("The reason is empty", hint="Say why it was not paid by that.")
    with session.transaction():
        found = session.payables.get_locked(payable.id) or payable
        _refuse_unmarked(found)
        session.payables.unmark(found.id)
        left = session.payables.get(found.id) or found
        before = {
            "standing": found.standing.value,
            "reference": found.reference,
            "paid_at": found.paid_at.isoformat() if found.paid_at else None,
            "paid_by": found.paid_by,
        }
        arguments = {"payable_id": str(found.id), "reason": cleaned}
        log(session, arguments, before=before, after={"standing": left.standing.value})
        return left


def _refuse_unmarked(payable: Payable) -> None:
    if payable.standing is Standing.PAID and payable.reference is not None:
        return
    paid_by = f": {payable.tx_hash} paid it" if payable.standing is Standing.PAID else ""
    raise Refused(
        f"Payable {str(payable.id)[:8]} is not marked, it is {payable.standing}{paid_by}",
        hint="Only a mark can be taken back. `mayhouse payout list` shows what paid what.",
        details={"payable_id": str(payable.id)},
    )
