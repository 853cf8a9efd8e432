"""`mayhouse balance topup`: fill the platform's wallet up from the treasury, as cron does it."""

import typer

from mayhouse_cli.commands.amounts import brief, eth, transaction_lines
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.operations import topup
from mayhouse_cli.operations.topup import TopUp
from mayhouse_cli.options import CommonOptions, SigningOptions, command
from mayhouse_cli.render import Block, Line, Table, good
from mayhouse_cli.signing import open_treasury


def register(app: typer.Typer) -> None:
    """Add the command to its group."""
    command(app, "topup")(top_up)


def top_up(common: CommonOptions, signing: SigningOptions) -> None:
    """Fill the platform's wallet up to topup_target_eth when it is below balance_warning_eth.

    The treasury's keystore pays (treasury_wallet). What is on its way already
    counts as balance, so it can run as often as it likes; topup_daily_cap_eth
    bounds any 24 hours. Exits 0 when nothing is needed, 6 when the treasury has
    too little or the cap is used up.

    Example: mayhouse balance topup --dry-run
    """
    if signing.idempotency_key is not None:
        raise WrongUsage(
            "A top-up takes no --idempotency-key",
            hint="What is on its way counts as balance: leave the option out.",
        )
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing, open_treasury)
    with invocation.session(SIGN_SECONDS) as session:
        plan = topup.plan_topup(choices, session)
        result = topup.planned(plan)
        if plan.prepared is not None and not signing.dry_run:
            invocation.consent(plan.prepared.spending(session), signing, _outlook(result))
            session.deadline.restart()
            result = topup.top_up(plan, choices, session)
    invocation.show(result, _blocks(result), plan.warnings)


def _blocks(result: TopUp) -> list[Block]:
    if result.needed:
        words = "Topped up before, by another run" if result.topped_up_before else "Topped up"
        return [*_outlook(result), *transaction_lines(result.transaction, words)]
    above = f"{brief(result.balance_wei)}, and is topped up below {eth(result.warning_wei)}"
    blocks: list[Block] = [good(f"Nothing to do: the platform's wallet has {above}")]
    if result.on_its_way_wei:
        on_its_way = f"{eth(result.on_its_way_wei)} are on their way: mayhouse tx resume"
        blocks.append(Line(f"  {on_its_way}"))
    return blocks


def _outlook(result: TopUp) -> list[Block]:
    rows = [
        ["platform", result.platform_address, brief(result.balance_wei)],
        ["treasury", result.treasury_address, ""],
        ["on its way", "", eth(result.on_its_way_wei)],
        ["filled up to", "", eth(result.target_wei)],
        ["top-up", "", eth(result.amount_wei)],
        ["in 24 hours before", f"of at most {eth(result.daily_cap_wei)}",
         eth(result.sent_in_24h_wei)],
    ]  # fmt: skip
    return [
        Line("Top up the platform's wallet", "bold"),
        Table(rows, right=frozenset({2}), indent=2),
    ]
