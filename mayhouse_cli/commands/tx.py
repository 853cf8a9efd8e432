"""`mayhouse tx`: the recorded transactions, and finishing what is unfinished."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import brief, eth, moment
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import MayhouseError, WrongUsage
from mayhouse_cli.models import Kind, Status, TransactionFilter
from mayhouse_cli.money import format_gwei
from mayhouse_cli.operations import replacement, resumption, transactions
from mayhouse_cli.operations.outcomes import inserted_row
from mayhouse_cli.operations.replacement import Replacement
from mayhouse_cli.operations.transactions import TransactionDetails, TransactionSummary, short
from mayhouse_cli.options import CommonOptions, LimitOption, SigningOptions, command, group
from mayhouse_cli.ports import Session
from mayhouse_cli.render import WAITING, Block, Line, Table, dim, good, state
from mayhouse_cli.signing import open_signer, open_treasury

app = group("Look at recorded transactions and finish them.")

_HEADERS = ["id", "kind", "status", "nonce", "value", "fee", "hash"]
_AMOUNTS = frozenset({3, 4, 5})
# The hash is whole or left out: the beginning of the id names a transaction as well.
_SPARE = (6, 3, 5)

TransactionArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", show_default=False, help="Any beginning of the transaction's id or hash."
    ),
]


@command(app, "list")
def list_(
    common: CommonOptions,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Only those that are not final yet.")
    ] = False,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="The unfinished ones, and what each waits for.")
    ] = False,
    limit: LimitOption = 50,
) -> None:
    """List recorded transactions, newest first.

    Example: mayhouse tx list --unfinished
    """
    invocation = Invocation(common)
    if stuck:
        _list_stuck(invocation)
        return
    wanted = TransactionFilter(unfinished=True if unfinished else None, limit=limit)
    with invocation.session() as session:
        result = transactions.list_transactions(wanted, session)
    rows = [_row(one) for one in result.transactions]
    blocks: list[Block] = [Table(rows, _HEADERS, _AMOUNTS, spare=_SPARE)]
    invocation.show(result, blocks if rows else [dim("No transactions.")])


def _list_stuck(invocation: Invocation) -> None:
    with invocation.session() as session:
        result = transactions.list_stuck(session)
    blocks: list[Block] = []
    for one in result.transactions:
        blocks.append(Table([_row(one.transaction)], _HEADERS, _AMOUNTS, spare=_SPARE))
        blocks.append(dim(f"  waits for {one.waits_for}"))
    invocation.show(result, blocks or [good("Nothing is stuck")])


def _row(one: TransactionSummary) -> list[str | Line]:
    return [
        str(one.id)[:8],
        one.kind,
        state(one.status),
        str(one.nonce),
        eth(one.value_wei),
        brief(one.fee_wei) if one.fee_wei is not None else "-",
        one.tx_hash,
    ]


@command(app, "show")
def show(common: CommonOptions, transaction: TransactionArgument) -> None:
    """Show one transaction with every signed version of it.

    Example: mayhouse tx show 7f3a
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = transactions.show_transaction(transaction, session)
    invocation.show(result, _details(result))


def _details(result: TransactionDetails) -> Iterator[Block]:
    one = result.transaction
    yield Line(f"{one.kind}   {one.status}", "bold")
    rows = [
        ["id", str(one.id)],
        ["hash", one.tx_hash],
        ["intent", f"{result.intent_key}, generation {one.generation}"],
        ["from", one.sender],
        ["nonce", str(one.nonce)],
        ["value", eth(one.value_wei)],
        ["fee", eth(one.fee_wei) if one.fee_wei is not None else "-"],
        ["block", f"{one.block_number:,}" if one.block_number is not None else "-"],
        ["by", f"{one.actor}, {moment(one.created_at)}"],
    ]
    rows.extend(
        ["undone", f"block {block['block_number']:,} {block['block_hash']}"]
        for block in result.undone
    )
    if one.error:
        rows.append(["error", one.error])
    if result.explorer_url:
        rows.append(["link", result.explorer_url])
    yield Table(rows, indent=2)
    yield Line()
    yield Table(
        [
            [
                str(item.attempt),
                item.purpose,
                item.outcome,
                f"{format_gwei(item.max_fee_wei)} gwei",
                item.tx_hash,
                item.error or "",
            ]
            for item in one.attempts
        ],
        ["attempt", "for", "outcome", "max fee", "hash", "error"],
        frozenset({0, 3}),
        indent=2,
    )


@command(app, "resume", exits=(0, 1, 2, 3, 5, 6, 7, 8, 9))
def resume(
    common: CommonOptions,
    transaction: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            show_default=False,
            help="Any beginning of an id or hash; all unfinished ones by default.",
        ),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Send and look once, without waiting (for cron).")
    ] = False,
    max_age: Annotated[
        float,
        typer.Option(
            "--max-age",
            metavar="HOURS",
            min=0,
            max=10_000,
            help="With --no-wait: exit 1 when one is older.",
        ),
    ] = 1.0,
    mainnet: Annotated[
        bool,
        typer.Option("--mainnet", help="Permit signing the cancel of what must not be sent again."),
    ] = False,
    allow_raw_key: Annotated[
        bool, typer.Option("--allow-raw-key", help="With PLATFORM_PRIVATE_KEY, on mainnet.")
    ] = False,
) -> None:
    """Finish what is unfinished, from the record alone; safe at any time.

    Signs only to fill the nonce of what must not be sent again, as after a reorg;
    on Ethereum mainnet that needs --mainnet, and everything else is done without.

    Example: mayhouse tx resume
    """
    invocation = Invocation(common)
    signing = SigningOptions(mainnet=mainnet, allow_raw_key=allow_raw_key)
    may_sign = invocation.may_sign(signing)
    with invocation.session(SIGN_SECONDS) as session:
        try:
            result = resumption.resume(
                transaction,
                session,
                wait=not no_wait,
                max_age=timedelta(hours=max_age),
                may_sign=may_sign,
            )
        except MayhouseError as left:
            if isinstance(left.known, resumption.Resumed):
                for problem in left.known.problems:
                    invocation.output.warn(problem)
            raise
    rows = [_row(one) for one in result.transactions]
    blocks: list[Block] = [Table(rows, _HEADERS, _AMOUNTS, 2, _SPARE)] if rows else []
    end = (
        Line(f"! {result.unfinished} still unfinished", "yellow")
        if result.unfinished
        else good("Nothing is unfinished")
    )
    well = resumption.what_went_well(result)
    ends = [dim(f"  {well}"), end] if well else [end]
    invocation.show(result, [*blocks, *ends], result.problems)


@command(app, "speedup")
def speedup(
    common: CommonOptions, signing: SigningOptions, transaction: TransactionArgument
) -> None:
    """Sign a waiting transaction again with higher fees.

    Example: mayhouse tx speedup 7f3a --max-fee 80
    """
    _refuse_key(signing)
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    with invocation.session(SIGN_SECONDS) as session:
        plan = replacement.plan_speedup(transaction, choices, session)
        _replace(invocation, signing, plan, session)


@command(app, "cancel")
def cancel(
    common: CommonOptions,
    signing: SigningOptions,
    transaction: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            show_default=False,
            help="Any beginning of the waiting transaction's id or hash.",
        ),
    ] = None,
    nonce: Annotated[
        int | None,
        typer.Option(
            "--nonce",
            metavar="N",
            min=0,
            max=2**63 - 1,
            show_default=False,
            help="Fill a nonce that no recorded transaction holds.",
        ),
    ] = None,
    treasury: Annotated[
        bool, typer.Option("--treasury", help="With --nonce: the treasury's, not the platform's.")
    ] = False,
    while_frozen: Annotated[
        bool, typer.Option("--while-frozen", help="Sign this one thing in spite of a freeze.")
    ] = False,
) -> None:
    """Take the nonce of a waiting transaction for nothing, so that it cannot happen.

    Example: mayhouse tx cancel 7f3a
    """
    if (transaction is None) == (nonce is None):
        raise WrongUsage("Either a transaction or --nonce", hint="`mayhouse tx list --stuck`.")
    if treasury and nonce is None:
        raise WrongUsage("--treasury goes with --nonce", hint="An ID tells its wallet by itself.")
    _refuse_key(signing)
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing, open_treasury if treasury else open_signer)
    with invocation.session(SIGN_SECONDS) as session:
        if transaction is not None:
            plan = replacement.plan_cancel(transaction, choices, session)
            plan = replace(plan, while_frozen=while_frozen)
            _replace(invocation, signing, plan, session)
            return
        filler = replacement.plan_fill(nonce or 0, choices, session, of_treasury=treasury)
        filler = replace(filler, while_frozen=while_frozen)
        if signing.dry_run:
            invocation.show(filler.spending(session), [dim("Dry run: nothing was signed.")])
            return
        invocation.consent(filler.spending(session), signing, [Line(f"Fill nonce {nonce}")])
        session.deadline.restart()
        result = replacement.fill(filler, session, wait=choices.wait)
    invocation.show(result, _details(result))


def _refuse_key(signing: SigningOptions) -> None:
    """A replacement belongs to the intent it replaces: a key of its own would protect nothing."""
    if signing.idempotency_key is not None:
        raise WrongUsage(
            "A replacement takes no --idempotency-key",
            hint="It keeps the key of the transaction that it replaces; leave the option out.",
        )
    if signing.wait_for_fee is not None:
        raise WrongUsage(
            "A replacement takes no --wait-for-fee",
            hint="The transaction that it replaces waits already; cap the price with --max-fee.",
        )


def _replace(
    invocation: Invocation, signing: SigningOptions, plan: Replacement, session: Session
) -> None:
    old, new = plan.transaction.newest.fees, plan.payload.fees
    told = (
        f"{plan.purpose} {short(plan.transaction)} ({plan.transaction.kind}, nonce "
        f"{plan.transaction.nonce}): at most {format_gwei(old.max_fee)} -> "
        f"{format_gwei(new.max_fee)} gwei a gas"
    )
    if plan.purpose == plan.transaction.newest.purpose == replacement.CANCEL:
        told = f"A cancel has gone out already and may win as it is. To raise its fees: {told}"
    if signing.dry_run:
        result = transactions.details(plan.transaction, session)
        invocation.show(result, [Line(told), dim("  Dry run: nothing was signed.")])
        return
    invocation.consent(plan.spending, signing, [Line(told)])
    session.deadline.restart()
    result = replacement.replace(plan, session, wait=not signing.no_wait)
    invocation.show(result, [*_details(result), *_race(plan, result)])


def _race(plan: Replacement, result: TransactionDetails) -> list[Block]:
    """Say what a cancel means for the original, and for the row of a booking."""
    if plan.purpose != replacement.CANCEL:
        return []
    beginning = short(plan.transaction)
    if Status(result.transaction.status).is_unfinished:
        told = f"! A cancel of {beginning} has gone out; the original may still be mined first"
        return [Line(told, WAITING), dim(f"  mayhouse tx resume {beginning} tells which won")]
    blocks: list[Block] = [good(f"Cancelled: {plan.transaction.kind} {beginning} cannot happen")]
    if plan.transaction.kind is Kind.BOOK_EVENT:
        told = (
            "is cancelled as well"
            if inserted_row(plan.transaction)
            else (
                "was there before and stays as it is: cancel it at the platform, or book it again"
            )
        )
        blocks.append(dim(f"  The booking's row {plan.transaction.booking_id} {told}"))
    return blocks
