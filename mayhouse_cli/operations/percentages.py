"""Change the fee or the stake percentage of the contract, knowing what that changes.

The fee is read by the contract at completion, so a change of it changes the payout of hosts whose
travelers have paid already. The stake is taken at creation and booking, so a change of it makes
quotes drift. The functions emit no event: a receipt that succeeded is the proof, since the hash
binds it to the recorded call; the value is read again afterwards for the operators' log.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from mayhouse_cli.errors import ConfigurationError, ConsentMissing, Refused, Unreachable
from mayhouse_cli.models import Call, Intent, Question, Status, Transaction, inlined
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.contract_admin import (
    refuse_all_but_the_owner,
    refuse_while_unfinished,
    survey,
)
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.percentage_effects import (
    FEE,
    STAKE,
    ChangedPayout,
    ChangedStake,
    DriftingQuote,
    Percentage,
    as_terms,
    changed_payouts,
    changed_stakes,
    drifting_quotes,
    of_terms,
)
from mayhouse_cli.operations.sightings import recording
from mayhouse_cli.operations.transactions import PLANNED, TransactionResult
from mayhouse_cli.ports import Session

UNCHANGED: Final = replace(PLANNED, status="unchanged")


@dataclass(frozen=True)
class PercentagePlan:
    """A change that can be agreed to, with everything it touches."""

    percentage: Percentage
    before: int
    after: int
    prepared: Prepared | None
    """None when the contract has this value already."""
    payouts: tuple[ChangedPayout, ...] = ()
    stakes: tuple[ChangedStake, ...] = ()
    quotes: tuple[DriftingQuote, ...] = ()

    @property
    def open_events(self) -> int:
        """How many open events pay another amount: the number that must be typed."""
        return len(self.payouts)

    def check_open_events(self, typed: int) -> None:
        """ConsentMissing unless the number is the one that was shown."""
        if typed != self.open_events:
            raise ConsentMissing(
                f"Open events whose payout changes: {self.open_events}, not {typed}",
                hint="Look at them with --dry-run, and give their number.",
                details={"open_events": self.open_events},
            )


@dataclass(frozen=True)
class PercentageChanged:
    """`contract set-fee` and `contract set-stake`."""

    percentage: str
    percent_before: int
    percent: int
    percent_now: int | None
    """Read again after the confirmation; None where it could not be, or nothing was sent."""
    payouts: tuple[ChangedPayout, ...]
    stakes: tuple[ChangedStake, ...]
    drifting_quotes: tuple[DriftingQuote, ...]
    transaction: TransactionResult = inlined()


# --- plan -------------------------------------------------------------------------------


@waits_for_fee
def plan_change(
    percentage: Percentage, percent: int, choices: SigningChoices, session: Session
) -> PercentagePlan:
    """Read, guard, and find everything that the change touches; signs nothing."""
    if percent > percentage.highest:
        raise Refused(
            f"The {percentage.name} cannot be {percent} %: the contract takes at most "
            f"{percentage.highest} %",
            hint="Nothing was sent.",
        )
    intent = _intent(percentage, percent, choices, session)
    earlier = intents.earlier_run(intent, session)
    if earlier is not None:
        return _plan_of(percentage, intent, earlier)
    refuse_while_unfinished(session)
    now = session.chain.read(Question())
    if percentage.of(now) == percent:
        return PercentagePlan(percentage, percent, percent, None)
    refuse_all_but_the_owner(now, session)
    call = Call(percentage.function, (percent,))
    snapshot = session.chain.read(Question(sender=session.signer.address, call=call))
    found = survey(session).open_events
    payouts = changed_payouts(found, snapshot, percent, session) if percentage is FEE else ()
    stakes = changed_stakes(found, snapshot, percent, session) if percentage is STAKE else ()
    quotes = drifting_quotes(found, snapshot, percentage, percent, session)
    before = percentage.of(snapshot)
    intent = replace(
        intent,
        call=call,
        calldata=session.chain.calldata(call),
        terms={
            "percent_before": before,
            "payouts": as_terms(payouts),
            "stakes": as_terms(stakes),
            "quotes": as_terms(quotes),
        },
    )
    prepared = intents.prepare(intent, snapshot, choices.max_fee, session)
    return PercentagePlan(percentage, before, percent, prepared, payouts, stakes, quotes)


def _plan_of(percentage: Percentage, intent: Intent, earlier: Transaction) -> PercentagePlan:
    """What was planned by the run that answers for this one."""
    terms = earlier.terms
    return PercentagePlan(
        percentage=percentage,
        before=terms["percent_before"],
        after=earlier.arguments["percent"],
        prepared=Prepared(intent, None, None, earlier),
        payouts=of_terms(ChangedPayout, terms["payouts"]),
        stakes=of_terms(ChangedStake, terms["stakes"]),
        quotes=of_terms(DriftingQuote, terms["quotes"]),
    )


def _intent(
    percentage: Percentage, percent: int, choices: SigningChoices, session: Session
) -> Intent:
    """An intent of its own each time: the same value may be set again after another one."""
    return Intent(
        key=choices.key_or(f"contract:{percentage.name}:{uuid4()}"),
        kind=percentage.kind,
        recipient=session.chain.contract,
        arguments={"percent": percent},
        wanted_depth=choices.confirmations,
        unique_by_arguments=choices.idempotency_key is None,
    )


# --- change -----------------------------------------------------------------------------


def change(plan: PercentagePlan, choices: SigningChoices, session: Session) -> PercentageChanged:
    """Record, send and watch a planned change; reads the value again when it is confirmed."""
    if plan.prepared is None:
        return planned(plan, session)

    def write_rows(transaction: Transaction) -> None:
        refuse_while_unfinished(session, transaction)

    transaction = delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)
    now = None
    if transaction.status is Status.CONFIRMED and plan.prepared.earlier is None:
        now = _read_again(plan.percentage, transaction, session)
    return replace(
        planned(plan, session),
        percent_now=now,
        transaction=TransactionResult.of(transaction, session),
    )


def _read_again(percentage: Percentage, transaction: Transaction, session: Session) -> int | None:
    try:
        snapshot = session.chain.read(Question())
    except (Unreachable, ConfigurationError):  # of the node; it is confirmed all the same
        return None
    now = percentage.of(snapshot)
    with recording(transaction, session):
        log(
            session,
            {"kind": transaction.kind.value, **transaction.arguments},
            transaction.id,
            before={"percent": transaction.terms["percent_before"]},
            after={"percent": now, "block_number": snapshot.block.number},
        )
    return now


def planned(plan: PercentagePlan, session: Session) -> PercentageChanged:
    """What `change` would give, with nothing signed."""
    result = PLANNED
    if plan.prepared is None:
        result = UNCHANGED
    elif plan.prepared.earlier is not None:
        result = TransactionResult.of(plan.prepared.earlier, session)
    return PercentageChanged(
        percentage=plan.percentage.name,
        percent_before=plan.before,
        percent=plan.after,
        percent_now=None,
        payouts=plan.payouts,
        stakes=plan.stakes,
        drifting_quotes=plan.quotes,
        transaction=result,
    )
