"""`mayhouse balance`: the wallets' balances, in the language of monitoring plugins."""

import time
from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands import balance_history, topup
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.money import Wei, format_eth, format_eth_briefly, parse_eth
from mayhouse_cli.operations import balances
from mayhouse_cli.operations.alerts import announce_changes
from mayhouse_cli.operations.balances import BalanceCheck, BalanceState
from mayhouse_cli.operations.metrics import write_metrics
from mayhouse_cli.options import CommonOptions, command, group
from mayhouse_cli.render import Line, Output

app = group("Watch the wallets' balances, and top the platform's up.")
balance_history.register(app)
topup.register(app)

COMMAND = "balance.check"


@command(app, "check", exits="0 OK; 1 WARNING; 2 CRITICAL; 3 UNKNOWN, whatever went wrong")
def check(
    common: CommonOptions,
    warning: Annotated[
        str | None,
        typer.Option(
            "--warning",
            metavar="ETH",
            help="Warn when the platform's wallet is below this.",
            show_default=False,
        ),
    ] = None,
    critical: Annotated[
        str | None,
        typer.Option(
            "--critical",
            metavar="ETH",
            help="Critical when the platform's wallet is below this.",
            show_default=False,
        ),
    ] = None,
    textfile: Annotated[
        Path | None,
        typer.Option(
            "--textfile",
            metavar="FILE.prom",
            show_default=False,
            help="Write metrics for the node exporter's textfile collector.",
        ),
    ] = None,
    notify: Annotated[
        bool,
        typer.Option(
            "--notify",
            help="Post to webhook_url when a wallet's state has changed: once, and when it has "
            "recovered past balance_recovery_margin_percent. A post that fails is tried again by "
            "the next check; without the database, nothing is posted.",
        ),
    ] = False,
) -> None:
    """Check the balances; exits 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

    Checks the platform's wallet, treasury_address and other wallets of ours that
    host open events, all in one question to the node. Below a threshold, not at
    it, is the worse state. 3 is all that is no reading: wrong usage, wrong
    configuration, no answer within --timeout.

    Example: mayhouse balance check --warning 0.2 --critical 0.1 --notify
    """
    invocation = Invocation(common)
    started = time.monotonic()
    problem = None
    try:
        if notify:
            invocation.config.require("webhook_url")
        with invocation.session() as session:
            result, warnings = balances.check_balance(_eth(warning), _eth(critical), session)
            if notify:
                problem = announce_changes(result, session)
    except MayhouseError:
        if textfile is not None:
            write_metrics(textfile, None, time.monotonic() - started, time.time())
        raise
    if textfile is not None:
        write_metrics(textfile, result, time.monotonic() - started, time.time())
    _tell(result, warnings, problem, invocation)
    raise typer.Exit(BalanceState[result.state].value)


def _eth(text: str | None) -> Wei | None:
    return parse_eth(text) if text is not None else None


def _tell(
    result: BalanceCheck, warnings: tuple[str, ...], problem: str | None, invocation: Invocation
) -> None:
    """Say nothing of an OK with --quiet, unless somebody was to be told and was not."""
    silent = invocation.common.quiet and result.state == BalanceState.OK.name
    told = () if silent and not invocation.common.json else warnings
    for text in (*told, *((problem,) if problem is not None else ())):
        invocation.output.warn(text)
    if invocation.common.json:
        invocation.show(result, [])
    elif not silent:
        invocation.output.findings([Line(check_line(result))])


def check_line(check: BalanceCheck) -> str:
    """Write the one line that monitoring reads, with performance data after the bar."""
    told, measured = [], []
    for wallet in check.wallets:
        warn, critical = _number(wallet.warning_wei), _number(wallet.critical_wei)
        balance = format_eth_briefly(wallet.balance_wei)
        told.append(f"{wallet.role} {balance} ETH (warning <{warn}, critical <{critical})")
        measured.append(f"{wallet.role}_eth={_number(wallet.balance_wei)};{warn}:;{critical}:;0")
    if check.float_needed_wei is not None and check.float_is_short:
        told.append(f"open quotes need {format_eth_briefly(check.float_needed_wei)} ETH")
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
