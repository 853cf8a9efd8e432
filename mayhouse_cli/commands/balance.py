"""`mayhouse balance`: the wallet's balance, in the language of monitoring plugins."""

import time
from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.money import Wei, format_eth, format_eth_briefly, parse_eth
from mayhouse_cli.operations import balances
from mayhouse_cli.operations.balances import BalanceCheck, BalanceState
from mayhouse_cli.operations.metrics import write_metrics
from mayhouse_cli.options import CommonOptions, command, group
from mayhouse_cli.render import Line, Output

app = group("Watch the platform wallet's balance.")

COMMAND = "balance.check"


@command(app, "check")
def check(
    common: CommonOptions,
    warning: Annotated[
        str | None,
        typer.Option("--warning", metavar="ETH", help="Warn below this.", show_default=False),
    ] = None,
    critical: Annotated[
        str | None,
        typer.Option("--critical", metavar="ETH", help="Critical below this.", show_default=False),
    ] = None,
    textfile: Annotated[
        Path | None,
        typer.Option(
            "--textfile",
            metavar="FILE",
            show_default=False,
            help="Write metrics for the node exporter's textfile collector.",
        ),
    ] = None,
) -> None:
    """Check the balance; exits 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

    Example: mayhouse balance check --warning 0.2 --critical 0.1
    """
    invocation = Invocation(common)
    started = time.monotonic()
    try:
        with invocation.session() as session:
            result, warnings = balances.check_balance(
                parse_eth(warning) if warning is not None else None,
                parse_eth(critical) if critical is not None else None,
                session,
            )
    except MayhouseError:
        if textfile is not None:
            write_metrics(textfile, None, time.monotonic() - started, time.time())
        raise
    if textfile is not None:
        write_metrics(textfile, result, time.monotonic() - started, time.time())
    state = BalanceState[result.state]
    if state is BalanceState.OK and common.quiet:
        invocation.show(result, [])
    elif common.json:
        invocation.show(result, [], warnings)
    else:
        for text in warnings:
            invocation.output.warn(text)
        invocation.output.findings([Line(check_line(result))])
    raise typer.Exit(state.value)


def check_line(check: BalanceCheck) -> str:
    """Write the one line that monitoring reads, with performance data after the bar."""
    told, measured = [], []
    for wallet in check.wallets:
        warn, critical = _number(wallet.warning_wei), _number(wallet.critical_wei)
        balance = format_eth_briefly(wallet.balance_wei)
        told.append(f"{wallet.role} {balance} ETH (warning <{warn}, critical <{critical})")
        measured.append(f"{wallet.role}_eth={_number(wallet.balance_wei)};{warn}:;{critical}:;0")
    return f"BALANCE {check.state} - {', '.join(told)} | {' '.join(measured)}"


def _number(wei: Wei) -> str:
    return format_eth(wei, least_decimals=0)


def report_unknown(error: MayhouseError, output: Output) -> None:
    """Say UNKNOWN in one line on stdout, where monitoring reads; whatever went wrong."""
    if output.as_json:
        output.failure(COMMAND, error)
        return
    message = " ".join(error.message.split()).replace("|", "/")
    output.findings([Line(f"BALANCE UNKNOWN - {message}")])
