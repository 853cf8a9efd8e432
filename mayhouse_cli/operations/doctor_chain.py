"""What `doctor` looks at on the chain: each node, the contract, the wallet's balance."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from mayhouse_cli.errors import (
    Interrupted,
    MayhouseError,
    Terminated,
    Unreachable,
    WrongContract,
)
from mayhouse_cli.models import Question, Snapshot
from mayhouse_cli.money import Wei, format_eth, format_eth_briefly, format_gwei
from mayhouse_cli.operations.balances import BalanceState, state_of
from mayhouse_cli.operations.diagnosis import (
    Check,
    Examination,
    NotExamined,
    Verdict,
    examine,
    failed,
    fine,
    warning,
)
from mayhouse_cli.times import length

# Ten slots of 12 seconds without a block: the node, or its provider, is behind.
_OLD_HEAD_SECONDS: Final = 120
_BLOCKS_BEHIND: Final = 3
# A block's time is at most the start of its slot: one from the future is our clock's fault.
_CLOCK_SECONDS: Final = 15


@dataclass(frozen=True)
class _Probe:
    """How one node answered."""

    host: str
    milliseconds: int
    snapshot: Snapshot | None
    error: MayhouseError | None

    @property
    def is_usable(self) -> bool:
        """It answers on the right chain, whatever stands at the contract's address."""
        return self.error is None or isinstance(self.error, WrongContract)


def nodes(examination: Examination) -> tuple[Check, ...]:
    """Every configured node by itself; one that fails beside one that works is a warning."""
    probes: list[_Probe] = []

    def ask_all() -> Verdict:
        examination.need_network()
        urls = examination.parts.config.require("blockchain_rpc_url")
        probes.extend(_ask(url, examination) for url in urls)
        return fine(f"{len(probes)} asked")

    asked = examine("node", ask_all)
    if not probes:
        return (asked,)
    examination.snapshots = tuple(one.snapshot for one in probes if one.snapshot)
    errors = [one.error for one in probes if isinstance(one.error, WrongContract)]
    examination.wrong_contract = errors[0] if errors else None
    return tuple(
        examine(f"node {probe.host}", partial(_verdict, probe, probes, examination))
        for probe in probes
    )


def _ask(url: str, examination: Examination) -> _Probe:
    accounts = (examination.wallet,) if examination.wallet else ()
    node = examination.parts.node(url)
    snapshot, failure = None, None
    started = time.monotonic()
    try:
        snapshot = node.read(Question(sender=examination.wallet, accounts=accounts))
    except (Interrupted, Terminated):
        raise
    except MayhouseError as error:
        failure = error
    milliseconds = round((time.monotonic() - started) * 1000)
    return _Probe(urlsplit(url).hostname or "?", milliseconds, snapshot, failure)


def _verdict(probe: _Probe, probes: Sequence[_Probe], examination: Examination) -> Verdict:
    config = examination.parts.config
    if not probe.is_usable and probe.error is not None:
        if isinstance(probe.error, Unreachable) and any(one.is_usable for one in probes):
            return warning(probe.error.message, "Another node answers; replace or remove this one.")
        raise probe.error
    told = f"{config.chain_name} ({config.chain_id}) in {probe.milliseconds} ms"
    if probe.snapshot is None:
        return fine(told)
    block = probe.snapshot.block
    age = int(examination.parts.now().timestamp()) - block.timestamp
    told += f", block {block.number:,}" + ("" if config.is_local else f", {age} s old")
    if age > _OLD_HEAD_SECONDS and not config.is_local:
        return warning(told, "It lags behind the chain; name another node before it.")
    behind = examination.snapshot.block.number - block.number
    if behind > _BLOCKS_BEHIND:
        return warning(f"{told}, {behind} behind another node", "Name it after the others.")
    return fine(told)


def contract(examination: Examination) -> Verdict:
    """The address is that of the contract this tool fits."""
    address = examination.parts.config.require("contract_address")
    examination.need_network()
    if examination.wrong_contract is not None:
        raise examination.wrong_contract
    held = examination.snapshot.contract_balance
    return fine(f"{address} answers as MayhouseExperience and holds {format_eth(held)} ETH")


def owner(examination: Examination) -> Verdict:
    """The owner, who can never be replaced, is a wallet that the configuration knows."""
    examination.need_network()
    found, config = examination.snapshot.owner, examination.parts.config
    configured = config.get("owner_address")
    if configured is not None and configured != found:
        return failed(
            f"the contract's owner is {found}, owner_address says {configured}",
            f'Set owner_address = "{found}", or correct contract_address.',
        )
    if found == examination.wallet:
        return fine(f"{found}, the signing wallet")
    if configured is not None:
        return fine(f"{found}, as owner_address says")
    return warning(
        f"{found} is neither the signing wallet nor owner_address",
        f'If it is yours, set owner_address = "{found}" and keep its key for ever.',
    )


def percentages(examination: Examination) -> Verdict:
    """What the contract takes as stake and as fee."""
    examination.need_network()
    snapshot = examination.snapshot
    told = f"stake {snapshot.stake_percent} %, platform fee {snapshot.fee_percent} %"
    if snapshot.stake_percent == 0:
        return warning(told, "No stake is taken, and the tool refuses events without one.")
    return fine(told)


def balance(examination: Examination) -> Verdict:
    """The signing wallet holds enough, by the thresholds of `balance check`."""
    examination.need_network()
    wallet, config = examination.need_wallet(), examination.parts.config
    if wallet not in examination.snapshot.balances:
        raise NotExamined("no node told it")
    held = examination.snapshot.balances[wallet]
    warn = Wei(config.require("balance_warning_eth"))
    critical = Wei(config.require("balance_critical_eth"))
    told = f"{format_eth_briefly(held)} ETH"
    remedy = f"Send ETH to {wallet}."
    match state_of(held, warn, critical):
        case BalanceState.CRITICAL:
            return failed(f"{told} is below the critical {_eth(critical)}", remedy)
        case BalanceState.WARNING:
            return warning(f"{told} is below {_eth(warn)}", remedy)
        case _:
            return fine(told)


def _eth(wei: Wei) -> str:
    return f"{format_eth(wei, least_decimals=0)} ETH"


def fee_cap(examination: Examination) -> Verdict:
    """The configured cap leaves room above what gas costs now."""
    examination.need_network()
    base, cap = examination.snapshot.block.base_fee, examination.parts.config.max_fee
    told = f"{format_gwei(cap)} gwei; the base fee is {format_gwei(base)} gwei"
    if cap <= base:
        return failed(told, "Nothing can be sent: raise max_fee_gwei, or wait for lower fees.")
    if cap < base * 2:
        return warning(told, "A rise of the fee stops what is sent: raise max_fee_gwei.")
    return fine(told)


def clock(examination: Examination) -> Verdict:
    """This machine's clock against the newest block's time."""
    examination.need_network()
    snapshot = examination.snapshot
    ahead = snapshot.block.timestamp - int(examination.parts.now().timestamp())
    if examination.parts.config.is_local:
        side = "ahead of" if ahead >= 0 else "behind"
        return fine(f"the local chain is {length(abs(ahead))} {side} this machine's clock")
    if ahead > _CLOCK_SECONDS:
        return failed(
            f"this machine's clock is {length(ahead)} behind the chain",
            "Set it: timedatectl set-ntp 1.",
        )
    if -ahead > _OLD_HEAD_SECONDS:
        return warning(
            f"the newest block is {-ahead} s old",
            "Every node lags, or this machine's clock is ahead.",
        )
    return fine(f"{-ahead} s after the newest block")
