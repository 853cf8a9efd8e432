"""Which wallets are watched, each once and with its own thresholds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mayhouse_cli.config import Config
from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.ports import Session

PLATFORM: Final = "platform"
TREASURY: Final = "treasury"
HOST: Final = "host"


@dataclass(frozen=True)
class Thresholds:
    """Below `warning`, not at it, is a warning; below `critical` is critical."""

    warning: Wei
    critical: Wei


@dataclass(frozen=True)
class WatchedWallet:
    """A wallet by the one name that monitoring knows it under."""

    role: str
    address: Address
    thresholds: Thresholds


def configured_wallets(given: Thresholds, session: Session) -> tuple[WatchedWallet, ...]:
    """The platform's wallet with the given thresholds, and the treasury where there is one.

    ConfigurationError when no wallet is configured, WrongUsage when thresholds contradict.
    """
    platform: Address = session.config.get("platform_address") or session.signer.address
    treasury: Address | None = session.config.get("treasury_address")
    wallets = [WatchedWallet(PLATFORM, platform, given)]
    if treasury is not None and treasury != platform:
        own = thresholds_of(TREASURY, session.config, given)
        wallets.append(WatchedWallet(TREASURY, treasury, own))
    return tuple(wallets)


def hosting_wallets(
    hosts: Iterable[Address], known: Sequence[WatchedWallet], config: Config
) -> tuple[WatchedWallet, ...]:
    """The hosts of open events that are none of the wallets known already."""
    listed = {wallet.address for wallet in known}
    return tuple(
        # The same name at every check, whichever other hosts come and go.
        WatchedWallet(role, host, thresholds_of(role, config, known[0].thresholds))
        for host in hosts
        if host not in listed
        for role in [f"{HOST}-{host[2:10].lower()}"]
    )


def platform_thresholds(
    config: Config, warning: Wei | None = None, critical: Wei | None = None
) -> Thresholds:
    """The thresholds given on the command line, else the configured ones."""
    return _agreeing(
        PLATFORM,
        Thresholds(
            Wei(config.require("balance_warning_eth")) if warning is None else warning,
            Wei(config.require("balance_critical_eth")) if critical is None else critical,
        ),
    )


def thresholds_of(role: str, config: Config, otherwise: Thresholds) -> Thresholds:
    """A role's own thresholds, else the platform's."""
    if role == PLATFORM:
        return otherwise
    kind = role.partition("-")[0]
    warning = config.get(f"{kind}_warning_eth")
    critical = config.get(f"{kind}_critical_eth")
    return _agreeing(
        role,
        Thresholds(
            otherwise.warning if warning is None else Wei(warning),
            otherwise.critical if critical is None else Wei(critical),
        ),
    )


def _agreeing(role: str, thresholds: Thresholds) -> Thresholds:
    if thresholds.critical > thresholds.warning:
        raise WrongUsage(
            f"The {role} wallet's critical threshold ({format_eth(thresholds.critical)} ETH) is "
            f"above the warning ({format_eth(thresholds.warning)} ETH)",
            hint="Critical is the lower one.",
        )
    return thresholds
