"""`mayhouse payout`: list what is owed, pay it on chain, or mark it as paid outside."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import brief, eth, moment, plural
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import ConsentMissing, MayhouseError, WrongUsage
from mayhouse_cli.models import Standing
from mayhouse_cli.money import format_inr
from mayhouse_cli.operations import payables, payout_sending, payouts
from mayhouse_cli.operations.intents import Spending
from mayhouse_cli.operations.payables import PayableSummary
from mayhouse_cli.operations.payout_batch import Payout, PayoutBatch, PayoutOutcome
from mayhouse_cli.options import CommonOptions, SigningOptions, command, group
from mayhouse_cli.render import Block, Line, Table, dim, good

app = group("Pay hosts and travelers what they are owed.")

EventOption = Annotated[
    str | None,
    typer.Option("--event", metavar="EVENT", help="Only of this event.", show_default=False),
]
_RIGHT = frozenset({1, 4})
_WHY = {"host_payout": "host payout", "stake_return": "stake back", "refund": "refund"}


@command(app, "list")
def list_(
    common: CommonOptions,
    owed: Annotated[bool, typer.Option("--owed", help="Only what is not paid yet.")] = False,
    paid: Annotated[bool, typer.Option("--paid", help="Only what is paid.")] = False,
    event: EventOption = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="PERSON", help="Only to this host or traveler.", show_default=False
        ),
    ] = None,
) -> None:
    """List what hosts and travelers are or were owed, oldest first.

    Example: mayhouse payout list --owed --event 42
    """
    if owed and paid:
        raise WrongUsage("--owed and --paid exclude each other", hint="Leave both out for all.")
    invocation = Invocation(common)
    with invocation.session() as session:
        wanted = payables.wanted_payables(event, to, session)
        if owed:
            wanted = replace(wanted, standings=payouts.OPEN)
        elif paid:
            wanted = replace(wanted, standings=frozenset({Standing.PAID}))
        result = payables.list_payables(wanted, session)
    blocks: list[Block] = [dim("Nothing is listed.")]
    if result.payables:
        headers = ["payable", "event", "for", "to", "ETH", "status"]
        headers += ["INR", "paid on", "by"] if paid else []
        right = _RIGHT | {headers.index("INR")} if paid else _RIGHT
        told = f"of the listed: owed {eth(result.owed_wei)}, on its way {eth(result.sending_wei)}"
        blocks = [
            Table([_row(one, paid=paid) for one in result.payables], headers, right),
            dim(f"{told}, paid {eth(result.paid_wei)}"),
        ]
    invocation.show(result, blocks)


def _row(one: PayableSummary, *, paid: bool) -> list[str]:
    status = f"{one.status}, undone by a reorg" if one.undone_at else one.status
    inr = format_inr(one.amount_inr) if one.amount_inr is not None else "no rate"
    when = moment(one.paid_at) if one.paid_at else "-"
    what = ", ".join(told for told in (one.reference, one.tx_hash) if told)
    return [
        str(one.payable_id)[:8],
        str(one.chain_event_id),
        _WHY[one.kind],
        one.payee or "-",
        eth(one.amount_wei).removesuffix(" ETH"),
        status if one.wallet or one.status == "paid" else f"{status}, no wallet",
        *([inr, when, what] if paid else []),
    ]


# --- send -------------------------------------------------------------------------------


@command(app, "send")
def send(
    common: CommonOptions,
    signing: SigningOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PAYABLE]...", help="Any beginning of a payable's id.", show_default=False
        ),
    ] = None,
    event: EventOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is owed.")] = False,
) -> None:
    """Pay what is owed to the wallets on record, each exactly once.

    Example: mayhouse payout send --event 42
    """
    if sum((bool(names), event is not None, everything)) != 1:
        raise WrongUsage("Name payables, or --event, or --all", hint="`mayhouse payout list`.")
    if signing.idempotency_key is not None:
        raise WrongUsage(
            "A payout takes no --idempotency-key", hint="Each payable is paid once by itself."
        )
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    with invocation.session(SIGN_SECONDS) as session:
        wanted = payables.wanted_payables(event, None, session)
        plan = payouts.plan_payouts(names or [], wanted, choices, session)
        result = payout_sending.planned(plan, session)
        if not signing.dry_run:
            _consent(invocation, plan.spending, signing, result)
            session.deadline.restart()
            try:
                result = payout_sending.send(plan, choices, session)
            except MayhouseError as left:
                if isinstance(left.known, PayoutBatch):
                    invocation.output.findings(_batch_blocks(left.known))
                raise
    blocks: list[Block] = [dim("Nothing is owed.")]
    if result.payouts:
        blocks = _batch_blocks(result)
    if signing.dry_run and plan.spending is not None:
        blocks.append(Table(_sums(plan.spending, result), indent=2))
    invocation.show(result, blocks)


def _consent(
    invocation: Invocation,
    spending: Spending | None,
    signing: SigningOptions,
    planned: PayoutBatch,
) -> None:
    """Ask once for the whole batch: who, how much, what in all, and the gas."""
    if spending is None or signing.yes:
        return
    new = _planned(planned)
    if not invocation.may_ask:
        raise ConsentMissing(
            f"Paying {plural(new, 'payable')} ({eth(spending.value)} and gas) needs consent, "
            "and nobody can be asked",
            hint="Look at it with --dry-run, then add --yes.",
        )
    rows = _sums(spending, planned)
    invocation.output.note([*_batch_blocks(planned), Line(), Table(rows, indent=2), Line()])
    invocation.confirm("Sign and send?")


def _planned(batch: PayoutBatch) -> int:
    return sum(one.outcome is PayoutOutcome.PLANNED for one in batch.payouts)


def _sums(spending: Spending, planned: PayoutBatch) -> list[list[str]]:
    inr = f"   {format_inr(spending.value_inr)}" if spending.value_inr is not None else ""
    return [
        ["chain", spending.chain_name],
        ["from", spending.sender],
        ["payouts", str(_planned(planned))],
        ["in all", f"{eth(spending.value)}{inr}"],
        ["gas at most", brief(spending.most_fee + 10**12)],
        ["balance after", f"at least {brief(spending.balance_after)}"],
    ]


def _batch_blocks(batch: PayoutBatch) -> list[Block]:
    rows = [_payout(one) for one in batch.payouts]
    blocks: list[Block] = [Table(rows, right=frozenset({3, 4}), indent=2)]
    for one in batch.payouts:
        name = str(one.payable_id)[:8]
        if one.reason:
            blocks.append(Line(f"  {name} refused: {one.reason}", "yellow"))
        elif one.recipient:
            blocks.append(dim(f"  {name} to {one.recipient}"))
        if one.transaction.tx_hash:
            link = one.transaction.explorer_url or one.transaction.tx_hash
            blocks.append(Line(f"  {name} {link}"))
    return [*blocks, *_ending(batch)]


def _payout(one: Payout) -> list[str]:
    return [
        str(one.payable_id)[:8],
        _WHY[one.kind],
        one.payee or "-",
        format_inr(one.amount_inr) if one.amount_inr is not None else "no rate",
        eth(one.amount_wei),
        "paid before" if one.paid_before else one.outcome.value.replace("_", " "),
    ]


def _ending(batch: PayoutBatch) -> Iterable[Block]:
    counts = (
        (batch.sent, "sent and not confirmed: mayhouse tx resume"),
        (batch.refused, "refused"),
        (batch.not_sent, "not sent, owed as before"),
    )
    if any(one.outcome is PayoutOutcome.PLANNED for one in batch.payouts):
        yield dim("  Nothing was signed yet.")
    if paid := batch.paid - batch.paid_before:
        wei = batch.paid_wei - batch.paid_before_wei
        yield good(f"{paid} paid, {eth(wei)}, gas {brief(batch.fees_wei)}")
    if batch.paid_before:
        yield dim(f"  {batch.paid_before} paid before, {eth(batch.paid_before_wei)}")
    for count, what in counts:
        if count:
            yield Line(f"! {count} {what}", "yellow")
