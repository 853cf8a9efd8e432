"""How amounts, times and transactions are written for reading, the same in every command."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from mayhouse_cli import times
from mayhouse_cli.money import (
    Wei,
    format_eth,
    format_eth_briefly,
    format_inr,
    format_rate,
    wei_to_inr,
)
from mayhouse_cli.operations.transactions import TransactionResult
from mayhouse_cli.render import Block, Line, dim, good

moment = times.moment


def eth(wei: int) -> str:
    """Exact, at least six decimals."""
    return f"{format_eth(wei)} ETH"


def eth_column(amounts: Iterable[int]) -> list[str]:
    """Exact, and all with as many decimals as the longest of them has."""
    exact = list(amounts)
    decimals = max((len(format_eth(wei).partition(".")[2]) for wei in exact), default=0)
    return [f"{format_eth(wei, least_decimals=decimals)} ETH" for wei in exact]


def brief(wei: int) -> str:
    """With six decimals, rounded down: for fees and balances, which nobody is owed."""
    return f"{format_eth_briefly(wei)} ETH"


def inr_of(wei: Wei, rate: Decimal | None) -> str:
    """In rupees at a rate; empty without one."""
    return format_inr(wei_to_inr(wei, rate)) if rate else ""


def rate_words(eth_price_inr: Decimal, source: str, as_of: datetime) -> str:
    """Tell a rate with who says so and how old it is: "₹200,000 per ETH (config, now)"."""
    return f"{format_rate(eth_price_inr)} per ETH ({source}, {_age(as_of)})"


def _age(when: datetime) -> str:
    minutes = int((datetime.now(UTC) - when).total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 2 * 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2 * 24 * 60 else f"{minutes // (24 * 60)} days ago"


def plural(count: int, noun: str) -> str:
    """Count a noun: "1 seat", "2 seats"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def transaction_lines(transaction: TransactionResult, done: str) -> list[Block]:
    """Say how a transaction ended, with its hash and link whole."""
    if transaction.tx_hash is None:
        return [dim("  Dry run: nothing was signed.")]
    if transaction.block_number is None:
        lines: list[Block] = [
            Line(f"Sent, not confirmed yet ({transaction.status})", "yellow"),
            dim(f"  mayhouse tx resume {str(transaction.transaction_id)[:8]} finishes it"),
        ]
    else:
        fee = f" · fee {brief(transaction.fee_wei)}" if transaction.fee_wei is not None else ""
        lines = [good(f"{done} in block {transaction.block_number:,}{fee}")]
    return [*lines, Line(f"  {transaction.explorer_url or transaction.tx_hash}")]
