"""A batch of payouts planned: which payables are paid, where to, and which cannot be.

A payable is paid by a transfer through the journal like everything else; its intent's key is the
payable's own, so that at most one transfer of it is ever alive. Recording the transfer locks the
payable, and so does marking it: whichever comes second sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import NotFound, Refused
from mayhouse_cli.models import (
    ZERO_ADDRESS,
    Address,
    Call,
    Fees,
    Intent,
    Kind,
    Payable,
    PayableFilter,
    Question,
    Snapshot,
    Standing,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations import intents
from mayhouse_cli.operations.intents import Prepared, SigningChoices, Spending
from mayhouse_cli.operations.settlement_rates import total_inr
from mayhouse_cli.ports import Session

# What a transfer to an account without code costs, by the protocol.
TRANSFER_GAS: Final = 21_000
OPEN: Final = frozenset({Standing.OWED, Standing.SENDING})


@dataclass(frozen=True)
class PayoutPlan:
    """A batch that can be agreed to: each payable with where it goes, or why it does not."""

    payables: tuple[Payable, ...]
    refused: dict[UUID, str]
    """Why a payable is not paid here, by its id."""
    prepared: dict[UUID, Prepared]
    spending: Spending | None
    """Of the whole batch; None when there is nothing to sign."""

    @property
    def new(self) -> tuple[Payable, ...]:
        """Those that are signed now; of the others an earlier run answers."""
        return tuple(
            one
            for one in self.payables
            if one.id in self.prepared and self.prepared[one.id].earlier is None
        )


# --- plan -------------------------------------------------------------------------------


def plan_payouts(
    names: Sequence[str],
    wanted: PayableFilter,
    choices: SigningChoices,
    session: Session,
) -> PayoutPlan:
    """Read, guard and price a batch; signs nothing. What cannot be paid is told, not raised."""
    payables = _chosen(names, wanted, session)
    refused: dict[UUID, str] = {}
    prepared: dict[UUID, Prepared] = {}
    to_pay: list[tuple[Payable, Address]] = []
    for payable in payables:
        intent = intent_of(payable, choices)
        is_asked = payable.transfer_id is not None and payable.why_not_as_settled is None
        earlier = intents.earlier_run(intent, session) if is_asked else None
        why = why_not_payable(payable, session)
        wallet = payable.payee.wallet if payable.payee else None
        if earlier is not None:
            prepared[payable.id] = Prepared(intent, None, None, earlier)
        elif payable.standing is Standing.PAID:
            pass  # marked: paid before, like one that a transfer has paid
        elif why is not None or wallet is None:
            refused[payable.id] = why or "no wallet address is on record"
        else:
            to_pay.append((payable, wallet))
    if not to_pay:
        return PayoutPlan(payables, refused, prepared, None)
    snapshot = look_at([wallet for _, wallet in to_pay], session)
    fees = session.chain.fees(snapshot, choices.max_fee, TRANSFER_GAS)
    for payable, wallet in to_pay:
        if wallet in snapshot.with_code:
            refused[payable.id] = why_code(wallet)
        else:
            intent = intent_of(payable, choices)
            prepared[payable.id] = Prepared(intent, snapshot, fees)
    plan = PayoutPlan(payables, refused, prepared, None)
    return replace(plan, spending=_spending(plan.new, snapshot, fees, session))


def _chosen(names: Sequence[str], wanted: PayableFilter, session: Session) -> tuple[Payable, ...]:
    if not names:
        return tuple(session.payables.list(replace(wanted, standings=OPEN)))
    found = {one.id: one for one in (session.payables.find(name) for name in names)}
    return tuple(found.values())


def look_at(wallets: Sequence[Address], session: Session) -> Snapshot:
    """Read our own account, and whether these have code."""
    accounts = tuple(dict.fromkeys(wallets))
    return session.chain.read(Question(sender=session.signer.address, accounts=accounts))


def _spending(
    new: Sequence[Payable], snapshot: Snapshot, fees: Fees, session: Session
) -> Spending | None:
    """InsufficientFunds unless the wallet can pay the whole batch."""
    if not new:
        return None
    sender = session.signer.address
    value = sum((one.amount for one in new), Wei(0))
    most_fee = fees.most * len(new)
    intents.check_funds(sender, snapshot.sender_balance, value, most_fee)
    return Spending(
        chain_name=session.config.chain_name,
        contract=session.chain.contract,
        sender=sender,
        recipient=sender,
        value=value,
        value_inr=total_inr(one.amount_inr for one in new),
        most_fee=most_fee,
        balance=snapshot.sender_balance,
    )


def intent_of(payable: Payable, choices: SigningChoices) -> Intent:
    """What pays a payable: exactly what is owed, to the wallet on record; gas is the platform's.

    The arguments do not hold the wallet: one that is mended after a failed transfer is no other
    intent.
    """
    wallet = payable.payee.wallet if payable.payee else None
    return Intent(
        key=f"payable:{payable.id}",
        kind=Kind.TRANSFER,
        recipient=wallet or ZERO_ADDRESS,
        arguments={"payable_id": str(payable.id), "amount_wei": str(int(payable.amount))},
        wanted_depth=choices.confirmations,
        call=Call("", (), payable.amount),
        terms={"kind": payable.kind.value, "payee_id": str(payable.payee_id)},
        event_id=payable.event_id,
        booking_id=payable.booking_id,
        amount_inr=payable.amount_inr,
    )


def why_not_payable(payable: Payable, session: Session) -> str | None:
    """Why nothing may be sent for it, by what is on record; None when it may."""
    changed = payable.why_not_as_settled
    if changed is not None and payable.standing is not Standing.PAID:
        return f"it was changed in the database: {changed}; see `mayhouse audit`"
    match payable.standing:
        case Standing.PAID:
            paid = payable.reference or payable.tx_hash
            return f"it is paid already ({paid})"
        case Standing.WITHDRAWN:
            return "a reorg took back what it comes from; nothing is owed until that is confirmed"
        case Standing.OWED | Standing.SENDING:
            return _why_not_to(payable.payee.wallet if payable.payee else None, session)


def _why_not_to(wallet: Address | None, session: Session) -> str | None:
    """Our own wallet is none of these: where it is on record as theirs, we hold it for them."""
    if wallet is None:
        return "no wallet address is on record: pay it outside the chain, then `payout mark`"
    if wallet == ZERO_ADDRESS:
        return "the wallet on record is the zero address: whatever is sent there is lost"
    if wallet == session.chain.contract:
        return "the wallet on record is the contract itself: it would keep the money"
    return None


def why_code(wallet: Address) -> str:
    """A contract or a delegated account: what it would do with the money cannot be told."""
    return (
        f"{wallet} has code, and a plain transfer may fail or be swept: "
        "pay it outside the chain, then `payout mark`"
    )


def refuse_unless_owed(payable_id: UUID, recipient: Address, amount: Wei, session: Session) -> None:
    """Under the payable's lock, in the transaction that records its transfer: look once more."""
    payable = session.payables.get_locked(payable_id)
    if payable is None:
        raise NotFound("The payable is gone: a reorg took back what it comes from")
    # Its own transfer is recorded already, in this very transaction.
    if payable.standing not in OPEN or payable.undone_at is not None:
        raise Refused(
            f"Payable {payable_id} is {payable.standing} now",
            hint=f"See `mayhouse payout list`; {format_eth(payable.amount)} ETH were not sent.",
        )
    changed = payable.why_not_as_settled
    if changed is None and payable.amount != amount:
        changed = f"it says {int(payable.amount)} wei, {int(amount)} wei were agreed to"
    if changed is not None:
        raise Refused(
            f"Payable {payable_id} was changed in the database: {changed}",
            hint="Nothing was sent for it. `mayhouse audit` names every one of these.",
        )
    if payable.payee is None or payable.payee.wallet != recipient:
        raise Refused(
            f"The wallet on record for payable {payable_id} has changed",
            hint="Look at it again, and run the command again.",
        )
