"""The platform wallet's balance against its thresholds, as monitoring wants to know it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mayhouse_cli.errors import DatabaseUnreachable, MayhouseError, WrongUsage
from mayhouse_cli.models import Address, Question, Snapshot
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.ports import Session

# Gas of one operation, measured on the contract itself; for a forecast only.
GAS_OF: Final = {"events": 342_901, "bookings": 331_943, "completions": 97_553}


class BalanceState(IntEnum):
    """A monitoring plugin's states; the value is its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class WalletBalance:
    """One wallet's balance, its thresholds and what it still pays for in gas."""

    role: str
    address: Address
    balance_wei: Wei
    balance_eth: str
    warning_wei: Wei
    critical_wei: Wei
    state: str
    operations_left: dict[str, int]


@dataclass(frozen=True)
class BalanceCheck:
    """`balance check`: the worst state, and every wallet's."""

    state: str
    wallets: tuple[WalletBalance, ...]
    block_number: int
    chain_id: int
    recorded: bool


def check_balance(
    warning: Wei | None, critical: Wei | None, session: Session
) -> tuple[BalanceCheck, tuple[str, ...]]:
    """Read the balance, compare, and record the reading; gives warnings beside the result.

    A database that is down does not change the state: it is said as a warning.
    """
    warn_below = (
        warning if warning is not None else Wei(session.config.require("balance_warning_eth"))
    )
    critical_below = (
        critical if critical is not None else Wei(session.config.require("balance_critical_eth"))
    )
    if critical_below > warn_below:
        raise WrongUsage(
            f"The critical threshold ({format_eth(critical_below)} ETH) is above the warning "
            f"({format_eth(warn_below)} ETH)",
            hint="Critical is the lower one.",
        )
    address = session.config.get("platform_address") or session.signer.address
    snapshot = session.chain.read(Question(accounts=(address,)))
    balance = snapshot.balances[address]
    state = state_of(balance, warn_below, critical_below)
    warnings: tuple[str, ...] = ()
    try:
        session.ledger.add_balance_reading(
            address, "platform", session.config.chain_id, balance, state.name, snapshot.block.number
        )
    except MayhouseError as error:
        warnings = (f"The reading was not recorded: {error.message}",)
        if not isinstance(error, DatabaseUnreachable):
            warnings = (f"The reading was not recorded: {error.message} ({error.hint})",)
    wallet = WalletBalance(
        role="platform",
        address=address,
        balance_wei=balance,
        balance_eth=format_eth(balance),
        warning_wei=warn_below,
        critical_wei=critical_below,
        state=state.name,
        operations_left=operations_left(balance, snapshot),
    )
    check = BalanceCheck(
        state.name, (wallet,), snapshot.block.number, session.config.chain_id, not warnings
    )
    return check, warnings


def state_of(balance: Wei, warning: Wei, critical: Wei) -> BalanceState:
    """Below a threshold, not at it, is the worse state."""
    if balance < critical:
        return BalanceState.CRITICAL
    return BalanceState.WARNING if balance < warning else BalanceState.OK


def operations_left(balance: Wei, snapshot: Snapshot) -> dict[str, int]:
    """How many of each operation the balance still pays gas for, at the present fees."""
    price = max(int(snapshot.block.base_fee) + int(snapshot.priority_fee), 1)
    return {name: int(balance) // (gas * price) for name, gas in GAS_OF.items()}
