"""`mayhouse demo`: one event's whole story on the sandbox, every amount checked."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import typer

from mayhouse_cli.bootstrap import open_session
from mayhouse_cli.commands.amounts import brief, moment
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.commands.sandbox import DEFAULT_FOLDER, FolderOption, folder_option
from mayhouse_cli.config import load_config
from mayhouse_cli.errors import CheckFoundProblems
from mayhouse_cli.money import format_inr, format_rate
from mayhouse_cli.options import CommonOptions, command, current_command
from mayhouse_cli.render import Block, Line, dim, good
from mayhouse_cli.sandbox.demo import Story
from mayhouse_cli.sandbox.demo_expectations import ETH_PRICE_INR
from mayhouse_cli.sandbox.demo_result import DemoAmount, DemoResult, DemoStep
from mayhouse_cli.sandbox.stack import Sandbox
from mayhouse_cli.sandbox.status import SandboxStatus

# The worked example has its own rate, however far it is from the last one used here.
_OPTIONS = {"eth_price_inr": str(ETH_PRICE_INR), "rate_max_jump_percent": "1000000000"}


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "demo", exits=(0, 1, 2, 5, 6))(demo)


def demo(common: CommonOptions, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Tell the whole story on the sandbox: create, quote, book, attend, complete.

    Example: mayhouse demo
    """
    invocation = Invocation(common)
    output = invocation.output
    sandbox = Sandbox(folder, output.progress)
    status = sandbox.up()
    # Nothing from the environment: it could name another chain, and another key.
    config = load_config(sandbox.config_file, _OPTIONS, environment={})
    timeout = common.timeout or SIGN_SECONDS
    steps: list[DemoStep] = []
    with open_session(config, timeout, output.progress, invocation.ask_password, "demo") as session:
        _tell(invocation, _beginning(status))
        for step in Story(session, sandbox).steps():
            steps.append(step)
            _tell(invocation, _step_blocks(len(steps), step))
    result = DemoResult(status.folder, status.config, tuple(steps))
    wrong = [str(one) for step in steps for one in step.differences]
    if wrong:
        raise CheckFoundProblems(
            f"The demo did not come out as it must: {'; '.join(wrong)}",
            hint=f"Begin with a fresh sandbox: mayhouse sandbox reset{folder_option(folder)}",
            known=result,
        )
    invocation.show(result, _ending(result, folder))


def _tell(invocation: Invocation, blocks: list[Block]) -> None:
    """Show a part of the story at once; the JSON document comes whole at the end."""
    if not invocation.common.json:
        invocation.output.result(current_command.get(), None, blocks)


def _beginning(status: SandboxStatus) -> list[Block]:
    return [
        Line("One event, from its creation to its payout, on a local chain", "bold"),
        dim(f"  contract {status.contract_address}"),
        dim(f"  wallet   {status.wallet_address}"),
        dim(f"  at {format_rate(ETH_PRICE_INR)} per ETH"),
    ]


def _step_blocks(number: int, step: DemoStep) -> list[Block]:
    blocks = [Line(), Line(f"{number}  {step.title}", "bold"), *_about(step)]
    blocks += [Line(_amount_line(amount)) for amount in step.amounts]
    if step.tx_hash is not None:
        fee = f" · gas {brief(step.fee_wei)}" if step.fee_wei is not None else ""
        blocks.append(dim(f"   block {step.block_number:,}{fee}"))
        blocks.append(dim(f"   {step.tx_hash}"))
    blocks += [Line(f"   ✗ {difference}", "bold red") for difference in step.differences]
    return blocks


def _about(step: DemoStep) -> Iterator[Block]:
    data = step.data
    if step.name == "create":
        text = f"{data['experience']} · {moment(data['starts_at'])} · {data['seats']} seats"
        yield Line(f"   event {data['chain_event_id']} · {text}")
    elif step.name == "warp":
        yield Line(f"   On chain it is {moment(data['chain_time'])} now")
    elif "chain_booking_id" in data:
        yield Line(f"   booking {data['chain_booking_id']}")


def _amount_line(amount: DemoAmount) -> str:
    """One width for the whole story, so that every amount stands below the last."""
    inr, ether = format_inr(amount.amount_inr), amount.amount_eth
    return f"   {amount.label:<38}{inr:>12}{ether:>14} ETH"


def _ending(result: DemoResult, folder: Path) -> list[Block]:
    event = result.steps[0].data["chain_event_id"]
    return [
        Line(),
        good("Every amount is what contract and books say it must be"),
        dim("The sandbox is still up. To look at the event, or to stop:"),
        Line(f"  export MAYHOUSE_CONFIG={shlex.quote(result.config)}"),
        Line(f"  mayhouse event show {event}"),
        Line("  mayhouse tx list"),
        Line(f"  mayhouse sandbox down{folder_option(folder)}"),
    ]
