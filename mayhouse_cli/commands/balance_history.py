"""`mayhouse balance history`: each wallet's days, drawn at a terminal, and its forecast."""

import sys
from typing import Annotated, Final

import typer

from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.money import Wei, format_eth, format_eth_briefly
from mayhouse_cli.operations.balance_history import BalanceDay, WalletHistory, tell_history
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, Table, dim

_WIDTH: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def register(app: typer.Typer) -> None:
    """Add the command to its group."""
    command(app, "history")(history)


def history(
    common: CommonOptions,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=3_650, help="Look back so far.")
    ] = 7,
    wallet: Annotated[
        str | None,
        typer.Option(
            "--wallet",
            metavar="ROLE",
            show_default=False,
            help="Show one alone: platform, treasury, host (all of them) or host-….",
        ),
    ] = None,
) -> None:
    """Show what `balance check` recorded, and when a wallet will be low.

    Spending is what a balance fell by between readings, whatever came in;
    the forecast goes on with it in a straight line. Days are in UTC.

    Example: mayhouse balance history --days 30 --wallet platform
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result = tell_history(days, wallet, session)
    blocks: list[Block] = []
    for one in result.wallets:
        blocks += _wallet(one, drawn=sys.stdout.isatty())
    nothing = [dim("No readings in that time: `mayhouse balance check` records them.")]
    invocation.show(result, blocks[1:] or nothing)


def _wallet(wallet: WalletHistory, *, drawn: bool) -> list[Block]:
    headers = ["day", "balance ETH", "lowest", "spent", "came in"]
    most = max(day.balance_wei for day in wallet.days)
    rows = [_day(day) + ([_bar(day.balance_wei, most)] if drawn else []) for day in wallet.days]
    return [
        Line(),
        Line(f"{wallet.role}  {wallet.address}  {format_eth_briefly(wallet.balance_wei)} ETH"),
        Table(
            rows,
            headers=[*headers, ""] if drawn else headers,
            right=frozenset({1, 2, 3, 4}),
            indent=2,
        ),
        Line(f"  {_forecast(wallet)}"),
    ]


def _day(day: BalanceDay) -> list[str]:
    amounts = (day.balance_wei, day.lowest_wei, day.spent_wei, day.topped_up_wei)
    return [day.day.isoformat(), *map(format_eth_briefly, amounts)]


def _bar(balance: Wei, most: Wei) -> str:
    eighths = int(balance) * _WIDTH * 8 // max(int(most), 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _forecast(wallet: WalletHistory) -> str:
    if wallet.spend_per_day_wei is None:
        return "Too few readings for a forecast."
    spent = f"{format_eth_briefly(wallet.spend_per_day_wei)} ETH spent a day"
    ends = [
        f"below {format_eth(threshold, least_decimals=0)} ETH "
        + ("already" if wallet.balance_wei < threshold else f"from {day.isoformat()} on")
        for threshold, day in (
            (wallet.warning_wei, wallet.reaches_warning_on),
            (wallet.critical_wei, wallet.reaches_critical_on),
        )
        if day is not None
    ]
    return "; ".join([spent, *ends])
