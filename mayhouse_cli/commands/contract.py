"""`mayhouse contract`: how the contract stands, its percentages, and what it has earned."""

from typing import Annotated, Final

import typer

from mayhouse_cli.commands.amounts import plural, transaction_lines
from mayhouse_cli.commands.contract_views import (
    change_blocks,
    contract_blocks,
    withdrawal_blocks,
)
from mayhouse_cli.commands.invocation import (
    DECIDE_ANEW,
    SIGN_SECONDS,
    Invocation,
    spending_blocks,
)
from mayhouse_cli.errors import ConsentMissing, WrongUsage
from mayhouse_cli.operations import contract_admin, percentages, withdrawal
from mayhouse_cli.operations.intents import Prepared
from mayhouse_cli.operations.percentage_effects import FEE, STAKE, Percentage
from mayhouse_cli.operations.percentages import PercentagePlan
from mayhouse_cli.operations.withdrawal import WithdrawalPlan
from mayhouse_cli.options import CommonOptions, SigningOptions, command, group
from mayhouse_cli.ports import Session
from mayhouse_cli.render import Block, Line, dim

app = group("The contract: its state, its percentages, what it has earned.")

_MOST_DIGITS: Final = 78  # of a uint256

PercentArgument = Annotated[
    int, typer.Argument(metavar="PERCENT", min=0, max=100, help="A whole number.")
]
OpenEventsOption = Annotated[
    int | None,
    typer.Option(
        "--open-events",
        metavar="N",
        min=0,
        show_default=False,
        help="How many open events pay their host another amount, as --dry-run lists them.",
    ),
]


@command(app, "show")
def show(common: CommonOptions) -> None:
    """Show the contract: owner, percentages, what it holds and what it owes.

    Example: mayhouse contract show
    """
    invocation = Invocation(common)
    with invocation.session(SIGN_SECONDS) as session:
        result = contract_admin.show_contract(session)
    invocation.show(result, contract_blocks(result))


@command(app, "set-fee")
def set_fee(
    common: CommonOptions,
    signing: SigningOptions,
    percent: PercentArgument,
    open_events: OpenEventsOption = None,
) -> None:
    """Change the platform's fee, at most 10 %; it counts for open events as well.

    Example: mayhouse contract set-fee 6 --dry-run
    """
    _set(common, signing, FEE, percent, open_events)


@command(app, "set-stake")
def set_stake(common: CommonOptions, signing: SigningOptions, percent: PercentArgument) -> None:
    """Change the stake percentage, at most 50 %, of events and bookings to come.

    Example: mayhouse contract set-stake 25 --dry-run
    """
    _set(common, signing, STAKE, percent, None)


def _set(
    common: CommonOptions,
    signing: SigningOptions,
    percentage: Percentage,
    percent: int,
    open_events: int | None,
) -> None:
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    with invocation.session(SIGN_SECONDS) as session:
        plan = percentages.plan_change(percentage, percent, choices, session)
        result = percentages.planned(plan, session)
        if not signing.dry_run:
            _consent_to_change(invocation, signing, plan, open_events, session)
            session.deadline.restart()
            result = percentages.change(plan, choices, session)
    blocks = change_blocks(result)
    if plan.prepared is None:
        blocks.append(dim("  The contract has this value already: nothing was sent."))
    else:
        blocks += transaction_lines(result.transaction, f"The {percentage.name} is {percent} %")
    invocation.show(result, blocks)


def _consent_to_change(
    invocation: Invocation,
    signing: SigningOptions,
    plan: PercentagePlan,
    open_events: int | None,
    session: Session,
) -> None:
    """A change that takes money from hosts is agreed to by the number of their events."""
    prepared = plan.prepared
    if prepared is None or prepared.earlier is not None:
        return
    blocks = change_blocks(percentages.planned(plan, session))
    if open_events is not None:
        plan.check_open_events(open_events)
    elif plan.open_events:
        what = f"The payout of {plural(plan.open_events, 'open event')} changes"
        hint = "Look at them with --dry-run, then add --open-events with their number."
        plan.check_open_events(
            _typed(invocation, blocks, prepared, session, f"Type {plan.open_events}", what, hint)
        )
        return
    invocation.consent(prepared.spending(session), signing, blocks)


@command(app, "withdraw")
def withdraw(
    common: CommonOptions,
    signing: SigningOptions,
    accept_foreign_wei: Annotated[
        str | None,
        typer.Option(
            "--accept-foreign-wei",
            metavar="WEI",
            show_default=False,
            help="Exactly what strangers are owed, which goes along.",
        ),
    ] = None,
) -> None:
    """Withdraw the contract's whole balance to its owner, when nothing of ours is owed.

    Example: mayhouse contract withdraw --dry-run
    """
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    accepted = _parse_wei(accept_foreign_wei) if accept_foreign_wei is not None else None
    with invocation.session(SIGN_SECONDS) as session:
        plan = withdrawal.plan_withdrawal(choices, session)
        if accepted is not None and plan.prepared.earlier is None:
            plan = plan.accept(accepted)
        warnings: tuple[str, ...] = ()
        result = withdrawal.planned(plan, session)
        if not signing.dry_run:
            plan = _consent_to_withdraw(invocation, signing, plan, session)
            session.deadline.restart()
            result, warnings = withdrawal.withdraw(plan, choices, session)
    blocks = [*withdrawal_blocks(result), *transaction_lines(result.transaction, "Withdrawn")]
    invocation.show(result, blocks, warnings)


def _consent_to_withdraw(
    invocation: Invocation, signing: SigningOptions, plan: WithdrawalPlan, session: Session
) -> WithdrawalPlan:
    blocks = withdrawal_blocks(withdrawal.planned(plan, session))
    foreign = plan.foreign_to_accept
    if foreign is None:
        invocation.consent(plan.prepared.spending(session), signing, blocks)
        return plan
    what = f"The contract owes strangers {int(foreign)} wei, which would go along"
    hint = "Look at it with --dry-run, then add --accept-foreign-wei with that amount."
    question = f"Type {int(foreign)}"
    return plan.accept(_typed(invocation, blocks, plan.prepared, session, question, what, hint))


# --- what is typed ----------------------------------------------------------------------


def _typed(
    invocation: Invocation,
    blocks: list[Block],
    prepared: Prepared,
    session: Session,
    question: str,
    what: str,
    hint: str,
) -> int:
    """Have a number typed that stands in what is shown: a habitual "y" must not be enough."""
    if not invocation.may_ask:
        raise ConsentMissing(f"{what}; --yes is not enough here", hint=hint)
    spending = prepared.spending(session)
    costs = spending_blocks(spending) if spending else []
    invocation.output.note([*blocks, *costs, Line(f"{what}.", "yellow")])
    try:
        return _parse_wei(invocation.ask(f"{question} to sign and send:"))
    except WrongUsage:
        raise ConsentMissing("Declined; nothing was signed", hint=DECIDE_ANEW) from None


def _parse_wei(text: str) -> int:
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= _MOST_DIGITS):
        raise WrongUsage(f"Not an amount of wei: {text}", hint="Write its digits alone.")
    return int(cleaned)
