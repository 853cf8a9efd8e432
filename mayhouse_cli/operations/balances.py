"""The wallets' balances against their thresholds, as monitoring wants to know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

from mayhouse_cli.errors import (
    DatabaseUnreachable,
    Interrupted,
    MayhouseError,
    RpcUnreachable,
    Terminated,
)
from mayhouse_cli.models import Address, BalanceReading, Question, Snapshot
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.patience import wait_at_most
from mayhouse_cli.operations.watched_wallets import (
    WatchedWallet,
    configured_wallets,
    hosting_wallets,
    platform_thresholds,
)
from mayhouse_cli.ports import Session

# Gas of one operation, measured on the contract itself; for a forecast only.
GAS_OF: Final = {"events": 342_901, "bookings": 331_943, "completions": 97_553}
# Of the command's time: a database that hangs must leave the node enough.
_DATABASE_SHARE: Final = 3
# Seconds after the deadline in which a part may still say itself what went wrong.
_GRACE: Final = 0.25


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
    float_needed_wei: Wei | None = None
    """What the platform's wallet pays when the open quotes are booked; None when not known."""

    @property
    def float_is_short(self) -> bool:
        """Whether the platform's wallet could not pay for all open quotes."""
        return (
            self.float_needed_wei is not None
            and self.float_needed_wei > self.wallets[0].balance_wei
        )


@dataclass(frozen=True)
class _Rows:
    """What the database tells before the chain is asked, or why it does not."""

    hosts: Sequence[Address] = ()
    float_needed: Wei | None = None
    failure: MayhouseError | None = None


def check_balance(
    warning: Wei | None, critical: Wei | None, session: Session
) -> tuple[BalanceCheck, tuple[str, ...]]:
    """Read the balances, compare, and record the readings; gives warnings beside the result.

    A database that is down or hangs does not change the state: it is said as a warning. Every
    error means that there is no reading.
    """
    given = platform_thresholds(session.config, warning, critical)
    wallets = configured_wallets(given, session)
    rows = _look_at_rows(session)
    wallets += hosting_wallets(rows.hosts, wallets, session.config)
    snapshot = _read(wallets, session)
    found = tuple(_compare(wallet, snapshot) for wallet in wallets)
    failure = rows.failure or _record(found, snapshot, session)
    check = BalanceCheck(
        state=max(BalanceState[one.state] for one in found).name,
        wallets=found,
        block_number=snapshot.block.number,
        chain_id=session.config.chain_id,
        recorded=failure is None,
        float_needed_wei=rows.float_needed,
    )
    return check, _warnings(rows.failure, failure)


def _look_at_rows(session: Session) -> _Rows:
    since = session.now() - timedelta(hours=session.config.require("quote_float_hours"))

    def look() -> _Rows:
        with session.transaction():
            hosts = session.readings.open_hosts(session.config.chain_id)
            return _Rows(hosts, session.readings.unbooked_quotes(since))

    try:
        return wait_at_most(session.deadline.remaining / _DATABASE_SHARE, look)
    except TimeoutError:
        return _Rows(failure=_hangs())
    except (Interrupted, Terminated):
        raise
    except MayhouseError as failure:
        return _Rows(failure=failure)


def _read(wallets: Sequence[WatchedWallet], session: Session) -> Snapshot:
    question = Question(accounts=tuple(wallet.address for wallet in wallets))
    try:
        return wait_at_most(
            session.deadline.remaining + _GRACE, lambda: session.chain.read(question)
        )
    except TimeoutError:
        raise RpcUnreachable(
            "The Ethereum node did not answer in time",
            hint="Check BLOCKCHAIN_RPC_URL and the network, or wait longer with --timeout.",
        ) from None


def _compare(wallet: WatchedWallet, snapshot: Snapshot) -> WalletBalance:
    balance, thresholds = snapshot.balances[wallet.address], wallet.thresholds
    return WalletBalance(
        role=wallet.role,
        address=wallet.address,
        balance_wei=balance,
        balance_eth=format_eth(balance),
        warning_wei=thresholds.warning,
        critical_wei=thresholds.critical,
        state=state_of(balance, thresholds.warning, thresholds.critical).name,
        operations_left=operations_left(balance, snapshot),
    )


def _record(
    found: Sequence[WalletBalance], snapshot: Snapshot, session: Session
) -> MayhouseError | None:
    now, chain_id = session.now(), session.config.chain_id
    readings = [
        BalanceReading(
            one.address, one.role, chain_id, one.balance_wei, one.state, snapshot.block.number, now
        )
        for one in found
    ]
    try:
        wait_at_most(session.deadline.remaining + _GRACE, lambda: session.readings.add(readings))
    except TimeoutError:
        return _hangs()
    except (Interrupted, Terminated):
        raise
    except MayhouseError as failure:
        return failure
    return None


def _hangs() -> DatabaseUnreachable:
    return DatabaseUnreachable("The database did not answer in time")


def _warnings(before: MayhouseError | None, failure: MayhouseError | None) -> tuple[str, ...]:
    if failure is None:
        return ()
    also = ", and other wallets that host events are not known" if before is not None else ""
    remedy = "" if isinstance(failure, DatabaseUnreachable) else f" ({failure.hint})"
    return (f"The reading was not recorded{also}: {failure.message}{remedy}",)


def state_of(balance: Wei, warning: Wei, critical: Wei) -> BalanceState:
    """Below a threshold, not at it, is the worse state."""
    if balance < critical:
        return BalanceState.CRITICAL
    return BalanceState.WARNING if balance < warning else BalanceState.OK


def operations_left(balance: Wei, snapshot: Snapshot) -> dict[str, int]:
    """How many of each operation the balance still pays gas for, at the present fees."""
    price = max(int(snapshot.block.base_fee) + int(snapshot.priority_fee), 1)
    return {name: int(balance) // (gas * price) for name, gas in GAS_OF.items()}
