"""Telling people when a wallet's state has changed: once, and again only when it recovers.

The state that was announced is kept in the database and changed only after the hook took the
announcement: one that fails is tried again by the next check, and one that was taken and could
not be kept is repeated. A check that cannot read a balance announces nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mayhouse_cli.errors import Interrupted, MayhouseError, Terminated
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei, format_eth, format_eth_briefly
from mayhouse_cli.operations.balances import BalanceCheck, BalanceState, WalletBalance, state_of
from mayhouse_cli.operations.patience import wait_at_most
from mayhouse_cli.ports import Session

_GRACE: Final = 0.25


@dataclass(frozen=True)
class AnnouncedWallet:
    """A wallet as it is announced, with the state announced before."""

    wallet: WalletBalance
    state: BalanceState
    previous: BalanceState


def announce_changes(check: BalanceCheck, session: Session) -> str | None:
    """Post what has changed since the last announcement; gives why that failed, if it did.

    Of several checks at once exactly one announces. ConfigurationError when no hook is set.
    """
    notifier = session.notifier
    if not check.recorded:
        return "No alert was sent: without the database it is not known which were sent before"
    margin = int(session.config.require("balance_recovery_margin_percent"))

    def announce() -> None:
        # The lock is held while the hook answers: another check waits, then finds it done.
        with session.transaction():
            announced = session.alerts.announced(check.chain_id)
            wallets = states_to_announce(check.wallets, announced, margin)
            if all(one.state == one.previous for one in wallets):
                return
            notifier.post(announcement(wallets, session.config.chain_name))
            states = {one.wallet.address: one.state.name for one in wallets}
            session.alerts.keep(check.chain_id, states)

    try:
        wait_at_most(session.deadline.remaining + _GRACE, announce)
    except TimeoutError:
        return "The alert was not confirmed in time; the next check tries again"
    except (Interrupted, Terminated):
        raise
    except MayhouseError as failure:
        return f"The alert was not sent: {failure.message}; the next check tries again"
    return None


def states_to_announce(
    wallets: Sequence[WalletBalance], announced: Mapping[Address, str], margin_percent: int
) -> tuple[AnnouncedWallet, ...]:
    """Worse at once, better only at the margin above the threshold that was gone below."""
    told = []
    for wallet in wallets:
        previous = BalanceState[announced.get(wallet.address, BalanceState.OK.name)]
        recovering = state_of(
            wallet.balance_wei,
            _raised(wallet.warning_wei, margin_percent),
            _raised(wallet.critical_wei, margin_percent),
        )
        state = max(BalanceState[wallet.state], min(previous, recovering))
        told.append(AnnouncedWallet(wallet, state, previous))
    return tuple(told)


def _raised(threshold: Wei, percent: int) -> Wei:
    # Rounded up, so that a margin of some wei is never none.
    return Wei(-(-int(threshold) * (100 + percent) // 100))


def announcement(wallets: Sequence[AnnouncedWallet], chain_name: str) -> dict[str, object]:
    """The document for the hook; `text` is what Slack and its like show."""
    changed = [one for one in wallets if one.state != one.previous]
    return {
        "text": "\n".join(_sentence(one, chain_name) for one in changed),
        "state": max(one.state for one in wallets).name,
        "previous": max(one.previous for one in wallets).name,
        "wallets": [
            {
                "role": one.wallet.role,
                "address": str(one.wallet.address),
                "balance_wei": str(int(one.wallet.balance_wei)),
                "balance_eth": one.wallet.balance_eth,
                "warning_wei": str(int(one.wallet.warning_wei)),
                "critical_wei": str(int(one.wallet.critical_wei)),
                "state": one.state.name,
                "previous": one.previous.name,
            }
            for one in wallets
        ],
    }


def _sentence(one: AnnouncedWallet, chain_name: str) -> str:
    # No < or &, which have a meaning of their own there.
    wallet = one.wallet
    limits = (
        f"warning below {format_eth(wallet.warning_wei, least_decimals=0)}, "
        f"critical below {format_eth(wallet.critical_wei, least_decimals=0)}"
    )
    return (
        f"{one.state.name} (was {one.previous.name}): the {wallet.role} wallet {wallet.address} "
        f"on {chain_name} has {format_eth_briefly(wallet.balance_wei)} ETH ({limits})"
    )
