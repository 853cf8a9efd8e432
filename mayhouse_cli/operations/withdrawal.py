"""Withdraw what the contract has earned: it sends its whole balance, so only when nobody is owed.

`withdrawPlatformFees` takes live escrow with it, and completions then fail. So it is refused while
anything of ours is owed; what strangers are owed can be accepted by its exact wei. A stranger can
still book between the last look and the block: the escrow is read again after it, and what is
missing then is told.
"""

from dataclasses import dataclass, replace
from uuid import uuid4

from mayhouse_cli.errors import ConfigurationError, ConsentMissing, Refused, Unreachable
from mayhouse_cli.models import Call, Intent, Kind, Question, Status, Transaction, inlined
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.contract_admin import (
    refuse_all_but_the_owner,
    refuse_while_unfinished,
)
from mayhouse_cli.operations.escrow import Escrow, read_escrow
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.sightings import recording
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Withdrawn:
    """`contract withdraw`: the whole balance, and what it was made of."""

    withdrawn_wei: Wei
    """The contract's balance when it was agreed to."""
    fees_earned_wei: Wei
    forfeits_wei: Wei
    unattributed_wei: Wei | None
    liabilities_wei: Wei
    foreign_liabilities_wei: Wei
    surplus_wei: Wei
    read_at_block: int
    balance_after_wei: Wei | None
    """Read again after the confirmation; None where it could not be, or nothing was sent."""
    shortfall_after_wei: Wei | None
    """What the contract lacks then to pay everybody."""
    transaction: TransactionResult = inlined()


@dataclass(frozen=True)
class WithdrawalPlan:
    """A withdrawal that can be agreed to."""

    prepared: Prepared
    escrow: Escrow
    accepted_foreign: Wei | None

    @property
    def foreign_to_accept(self) -> Wei | None:
        """What must still be typed; None when nothing of strangers' is taken, or it was typed."""
        foreign = self.escrow.foreign_liabilities
        if self.prepared.earlier is not None or not foreign or self.accepted_foreign == foreign:
            return None
        return foreign

    def accept(self, typed: int) -> "WithdrawalPlan":
        """Take over what strangers are owed; ConsentMissing unless it is the exact amount."""
        if self.foreign_to_accept is None and typed == self.escrow.foreign_liabilities:
            return self
        if typed != self.foreign_to_accept:
            raise ConsentMissing(
                f"Strangers are owed {int(self.escrow.foreign_liabilities)} wei, not {typed}",
                hint="Nothing was signed. The exact amount must be typed.",
                details={"foreign_liabilities_wei": str(int(self.escrow.foreign_liabilities))},
            )
        accepted = Wei(typed)
        arguments = {"accepted_foreign_wei": str(typed)}
        prepared = replace(self.prepared, intent=replace(self.prepared.intent, arguments=arguments))
        return replace(self, prepared=prepared, accepted_foreign=accepted)


@waits_for_fee
def plan_withdrawal(choices: SigningChoices, session: Session) -> WithdrawalPlan:
    """Read and guard; signs nothing. What strangers are owed is left to be accepted."""
    intent = Intent(
        key=choices.key_or(f"contract:withdraw:{uuid4()}"),
        kind=Kind.WITHDRAW,
        recipient=session.chain.contract,
        arguments={},
        wanted_depth=choices.confirmations,
    )
    earlier = session.journal.latest(intent)
    if earlier is not None:
        # Under the user's own key the first run answers, whatever strangers are owed by now.
        earlier = intents.earlier_run(replace(intent, arguments=earlier.arguments), session)
    if earlier is not None:
        return WithdrawalPlan(Prepared(intent, None, None, earlier), _escrow_of(earlier), None)
    refuse_while_unfinished(session)
    refuse_all_but_the_owner(session.chain.read(Question()), session)
    escrow = read_escrow(session)
    _refuse_what_is_owed(escrow)
    call = Call("withdrawPlatformFees", ())
    snapshot = session.chain.read(Question(sender=session.signer.address, call=call))
    intent = replace(
        intent,
        arguments={"accepted_foreign_wei": "0"},
        call=call,
        calldata=session.chain.calldata(call),
        terms=_terms(escrow),
    )
    prepared = intents.prepare(intent, snapshot, choices.max_fee, session)
    return WithdrawalPlan(prepared, escrow, None)


def _refuse_what_is_owed(escrow: Escrow) -> None:
    details = _terms(escrow)
    if escrow.our_liabilities:
        raise Refused(
            f"The contract holds {format_eth(escrow.our_liabilities)} ETH that our open events "
            "and bookings are owed; a withdrawal would take it along",
            hint="Complete or cancel our open events first: mayhouse event list",
            details=details,
        )
    if escrow.surplus <= 0:
        raise Refused(
            f"There is no surplus to withdraw: the contract holds {format_eth(escrow.balance)} "
            f"ETH and owes {format_eth(escrow.liabilities)} ETH",
            hint="See `mayhouse contract show`.",
            details=details,
        )


def withdraw(
    plan: WithdrawalPlan, choices: SigningChoices, session: Session
) -> tuple[Withdrawn, tuple[str, ...]]:
    """Look at the escrow again, record, send and watch; gives the result and warnings.

    Refused when the escrow is not what was agreed to any more.
    """
    if plan.prepared.earlier is None:
        _refuse_when_moved(plan, read_escrow(session))

    def write_rows(transaction: Transaction) -> None:
        refuse_while_unfinished(session, transaction)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    result = replace(planned(plan, session), transaction=TransactionResult.of(transaction, session))
    if transaction.status is not Status.CONFIRMED or plan.prepared.earlier is not None:
        return result, ()
    after = _read_again(plan, transaction, session)
    if after is None:
        return result, ("The contract's balance could not be read again after it.",)
    result = replace(result, balance_after_wei=after.balance, shortfall_after_wei=after.shortfall)
    unforeseen = after.shortfall - plan.escrow.foreign_liabilities
    if unforeseen > 0:
        told = (
            f"Somebody booked meanwhile: the contract lacks {format_eth(unforeseen)} ETH more than "
            f"was accepted. Send it {int(unforeseen)} wei, or its events cannot be completed."
        )
        return result, (told,)
    return result, ()


def _refuse_when_moved(plan: WithdrawalPlan, now: Escrow) -> None:
    if plan.foreign_to_accept is not None:
        raise ConsentMissing(
            f"Strangers are owed {int(plan.foreign_to_accept)} wei of the contract's balance",
            hint=f"Take it along with --accept-foreign-wei {int(plan.foreign_to_accept)}",
        )
    before = plan.escrow
    if (now.balance, now.liabilities) != (before.balance, before.liabilities):
        raise Refused(
            f"The escrow has moved: it holds {format_eth(now.balance)} ETH and owes "
            f"{format_eth(now.liabilities)} ETH now",
            hint="Nothing was sent. Look at it again.",
            details=_terms(now),
        )


def _read_again(plan: WithdrawalPlan, transaction: Transaction, session: Session) -> Escrow | None:
    try:
        with recording(transaction, session):
            after = read_escrow(session)
            log(
                session,
                {"kind": transaction.kind.value, **transaction.arguments},
                transaction.id,
                before=_terms(plan.escrow),
                after=_terms(after),
            )
    except (Unreachable, ConfigurationError):  # of the node; it is confirmed all the same
        return None
    return after


def planned(plan: WithdrawalPlan, session: Session) -> Withdrawn:
    """What `withdraw` would give, with nothing signed."""
    escrow, earlier = plan.escrow, plan.prepared.earlier
    return Withdrawn(
        withdrawn_wei=escrow.balance,
        fees_earned_wei=escrow.fees_earned,
        forfeits_wei=escrow.forfeits,
        unattributed_wei=escrow.unattributed,
        liabilities_wei=escrow.liabilities,
        foreign_liabilities_wei=escrow.foreign_liabilities,
        surplus_wei=escrow.surplus,
        read_at_block=escrow.block_number,
        balance_after_wei=None,
        shortfall_after_wei=None,
        transaction=TransactionResult.of(earlier, session) if earlier else PLANNED,
    )


def _terms(escrow: Escrow) -> dict[str, object]:
    rest = escrow.unattributed
    return {
        "balance_wei": str(int(escrow.balance)),
        "liabilities_wei": str(int(escrow.liabilities)),
        "foreign_liabilities_wei": str(int(escrow.foreign_liabilities)),
        "surplus_wei": str(int(escrow.surplus)),
        "fees_earned_wei": str(int(escrow.fees_earned)),
        "forfeits_wei": str(int(escrow.forfeits)),
        "unattributed_wei": str(int(rest)) if rest is not None else None,
        "block_number": escrow.block_number,
    }


def _escrow_of(transaction: Transaction) -> Escrow:
    terms = transaction.terms
    rest = terms["unattributed_wei"]
    return Escrow(
        block_number=terms["block_number"],
        balance=Wei(int(terms["balance_wei"])),
        liabilities=Wei(int(terms["liabilities_wei"])),
        foreign_liabilities=Wei(int(terms["foreign_liabilities_wei"])),
        surplus=Wei(int(terms["surplus_wei"])),
        fees_earned=Wei(int(terms["fees_earned_wei"])),
        forfeits=Wei(int(terms["forfeits_wei"])),
        unattributed=Wei(int(rest)) if rest is not None else None,
    )
