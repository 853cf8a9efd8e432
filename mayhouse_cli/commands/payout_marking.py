"""`mayhouse payout mark` and `unmark`: what was paid outside the chain, and was not after all."""

from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import eth, plural
from mayhouse_cli.commands.invocation import DECIDE_ANEW, Invocation
from mayhouse_cli.errors import ConsentMissing
from mayhouse_cli.models import Payable
from mayhouse_cli.money import format_inr
from mayhouse_cli.operations import payables, payout_marking
from mayhouse_cli.operations.payout_marking import Mark
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, Table, good

_EXITS = (0, 2, 3, 4, 5, 6, 9)
PayableArgument = Annotated[
    str,
    typer.Argument(metavar="PAYABLE", help="Any beginning of its id.", show_default=False),
]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Agree to it without being asked.")]


def register(app: typer.Typer) -> None:
    """Add both commands to the payouts' group."""
    command(app, "mark", exits=_EXITS)(mark)
    command(app, "unmark", exits=_EXITS)(unmark)


def mark(
    common: CommonOptions,
    payable: PayableArgument,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="TEXT",
            show_default=False,
            help="What paid it: a bank transfer's number.",
        ),
    ],
    yes: YesOption = False,
) -> None:
    """Record that a payable was paid outside the chain; asks first, and it is then never sent.

    Example: mayhouse payout mark 7f3a --reference "UPI 4431 2207 9954"
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        plan = payout_marking.plan_mark(payable, reference, session)
        if not plan.is_made_already:
            shown = [*_told(plan.payable), *(Line(f"! {one}", "yellow") for one in _doubts(plan))]
            _consent(invocation, shown, f"Mark it as paid by {plan.reference}?", yes=yes)
        marked = payout_marking.mark(plan, session)
        result = payables.summary(marked, session)
    words = "Marked as paid before" if plan.is_made_already else "Marked as paid"
    blocks = [good(f"{words}: {result.reference}"), *_told(marked)]
    invocation.show(result, blocks, _doubts(plan))


def unmark(
    common: CommonOptions,
    payable: PayableArgument,
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="TEXT", show_default=False, help="Why it was not paid."),
    ],
    yes: YesOption = False,
) -> None:
    """Take back that a payable was paid outside the chain; asks first, and it is owed again.

    Example: mayhouse payout unmark 7f3a --reason "the transfer was for another event"
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        found = payout_marking.find_marked(payable, session)
        question = f"Take back that it was paid by {found.reference}?"
        _consent(invocation, _told(found), question, yes=yes)
        left = payout_marking.unmark(found, reason, session)
        result = payables.summary(left, session)
    invocation.show(result, [good(f"No longer marked, {result.status} now"), *_told(left)])


def _consent(invocation: Invocation, shown: list[Block], question: str, *, yes: bool) -> None:
    if yes:
        return
    if not invocation.may_ask:
        raise ConsentMissing(
            "Changing what is owed needs consent, and nobody can be asked",
            hint="Look at it in `mayhouse payout list`, then add --yes.",
        )
    invocation.output.note(shown)
    if invocation.ask(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise ConsentMissing("Declined; nothing was changed", hint=DECIDE_ANEW)


def _told(payable: Payable) -> list[Block]:
    inr = payable.amount_inr
    rows = [
        ["payable", str(payable.id)],
        ["to", payable.payee.name if payable.payee else str(payable.payee_id)],
        ["for", f"{payable.kind.value.replace('_', ' ')} of event {payable.chain_event_id}"],
        ["amount", eth(payable.amount) + (f"   {format_inr(inr)}" if inr is not None else "")],
    ]
    return [Table(rows, indent=2)]


def _doubts(plan: Mark) -> list[str]:
    """Warn of a reference that has paid something else."""
    if not plan.used_for:
        return []
    names = ", ".join(str(one.id)[:8] for one in plan.used_for)
    count = plural(len(plan.used_for), "other payable")
    return [f"{plan.reference} is the reference of {count} already: {names}"]
