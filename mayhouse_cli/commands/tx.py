"""`mayhouse tx`: the recorded transactions, and finishing what is unfinished."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from mayhouse_cli.commands.amounts import brief, eth, moment
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.models import TransactionFilter
from mayhouse_cli.money import format_gwei
from mayhouse_cli.operations import resumption, transactions
from mayhouse_cli.operations.transactions import TransactionDetails, TransactionSummary
from mayhouse_cli.options import CommonOptions, LimitOption, command, group
from mayhouse_cli.render import Block, Line, Table, dim, good

app = group("Look at recorded transactions and finish them.")

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
    limit: LimitOption = 50,
) -> None:
    """List recorded transactions, newest first.

    Example: mayhouse tx list --unfinished
    """
    invocation = Invocation(common)
    wanted = TransactionFilter(unfinished=True if unfinished else None, limit=limit)
    with invocation.session() as session:
        result = transactions.list_transactions(wanted, session)
    rows = [_row(one) for one in result.transactions]
    headers = ["id", "kind", "status", "nonce", "value", "fee", "hash"]
    blocks: list[Block] = [Table(rows, headers, frozenset({3, 4, 5}))]
    invocation.show(result, blocks if rows else [dim("No transactions.")])


def _row(one: TransactionSummary) -> list[str]:
    return [
        str(one.id)[:8],
        one.kind,
        one.status,
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
        ["attempt", "for", "outcome", "max fee", "hash", ""],
        frozenset({0, 3}),
        indent=2,
    )


@command(app, "resume")
def resume(
    common: CommonOptions,
    transaction: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
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
) -> None:
    """Finish what is unfinished, from the record alone; safe at any time.

    Example: mayhouse tx resume
    """
    invocation = Invocation(common)
    with invocation.session(SIGN_SECONDS) as session:
        result = resumption.resume(
            transaction, session, wait=not no_wait, max_age=timedelta(hours=max_age)
        )
    rows = [_row(one) for one in result.transactions]
    blocks: list[Block] = [Table(rows, indent=2)] if rows else []
    done = "Nothing is unfinished" if not result.unfinished else f"{result.unfinished} unfinished"
    invocation.show(result, [*blocks, good(done)])
