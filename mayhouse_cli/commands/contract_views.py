"""What `mayhouse contract` shows: results as lines and tables."""

from decimal import Decimal

from mayhouse_cli.commands.amounts import eth
from mayhouse_cli.money import Wei, format_inr
from mayhouse_cli.operations.contract_admin import ContractDetails
from mayhouse_cli.operations.percentages import PercentageChanged
from mayhouse_cli.operations.withdrawal import Withdrawn
from mayhouse_cli.render import Block, Line, Table, dim


def contract_blocks(result: ContractDetails) -> list[Block]:
    signs = "signs here" if result.signer_is_owner else f"{result.signer or 'nobody'} signs here"
    about = [
        ["address", result.address],
        ["chain", f"{result.chain} ({result.chain_id})"],
        ["owner", f"{result.owner}, {signs}"],
        ["fee", f"{result.fee_percent} %"],
        ["stake", f"{result.stake_percent} %"],
        ["events", f"{result.events}, of them open {result.open_events}"],
        ["bookings", str(result.bookings)],
    ]
    if result.explorer_url:
        about.append(["link", result.explorer_url])
    money = [
        ["holds", eth(result.balance_wei)],
        ["owes", eth(result.liabilities_wei)],
        ["  of it strangers", eth(result.foreign_liabilities_wei)],
        ["surplus", eth(result.surplus_wei)],
        ["  fees earned in all", eth(result.fees_earned_wei)],
        ["  forfeited stakes in all", eth(result.forfeits_wei)],
        ["  unattributed", _known(result.unattributed_wei)],
    ]
    alarm: list[Block] = []
    if result.surplus_wei < 0:
        alarm = [Line(f"! The escrow is short by {eth(-result.surplus_wei)}", "bold red")]
    return [
        Line("MayhouseExperience", "bold"),
        Table(about, indent=2),
        Line(),
        Table(money, right=frozenset({1}), indent=2),
        dim(f"  at block {result.block_number:,}"),
        *alarm,
    ]


def change_blocks(result: PercentageChanged) -> list[Block]:
    blocks: list[Block] = [
        Line(f"The {result.percentage}: {result.percent_before} % -> {result.percent} %", "bold")
    ]
    if result.payouts:
        rows = [
            [
                str(one.chain_event_id),
                one.title + (" (a stranger's)" if one.foreign else ""),
                str(one.active_bookings),
                *_amounts(one.payout_before_wei, one.payout_before_inr),
                *_amounts(one.payout_after_wei, one.payout_after_inr),
            ]
            for one in result.payouts
        ]
        headers = ["event", "", "bookings", "host is paid", "", "then", ""]
        blocks.append(Table(rows, headers, frozenset({0, 2, 3, 4, 5, 6}), indent=2))
    if result.stakes:
        rows = [
            [
                str(one.chain_event_id or one.event_id),
                one.title,
                one.stake_of,
                _known(one.stake_before_wei),
                _known(one.stake_after_wei),
            ]
            for one in result.stakes
        ]
        headers = ["event", "", "stake of", "now", "then"]
        blocks.append(Table(rows, headers, frozenset({3, 4}), indent=2))
    blocks += [
        Line(f"  To be quoted again before a booking: event {one.chain_event_id}, {one.title}")
        for one in result.drifting_quotes
    ]
    return blocks


def withdrawal_blocks(result: Withdrawn) -> list[Block]:
    rows = [
        ["whole balance, withdrawn", eth(result.withdrawn_wei)],
        ["  surplus", eth(result.surplus_wei)],
        ["  owed to strangers", eth(result.foreign_liabilities_wei)],
        ["fees earned in all", eth(result.fees_earned_wei)],
        ["forfeited stakes in all", eth(result.forfeits_wei)],
        ["unattributed", _known(result.unattributed_wei)],
    ]
    if result.balance_after_wei is not None:
        rows.append(["the contract holds now", eth(result.balance_after_wei)])
    return [
        Line("Withdraw the contract's balance to its owner", "bold"),
        Table(rows, right=frozenset({1}), indent=2),
        dim(f"  at block {result.read_at_block:,}"),
    ]


def _amounts(wei: Wei, inr: Decimal | None) -> list[str]:
    return [eth(wei), format_inr(inr) if inr is not None else ""]


def _known(wei: Wei | None) -> str:
    return eth(wei) if wei is not None else "not known"
