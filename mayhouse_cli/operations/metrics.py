"""The balance check for the node exporter's textfile collector: written whole or not at all."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.money import format_eth
from mayhouse_cli.operations.balances import BalanceCheck, BalanceState
from mayhouse_cli.operations.watched_wallets import PLATFORM

_LAST_SUCCESS: Final = "mayhouse_balance_check_last_success_timestamp_seconds"
_STATE: Final = "mayhouse_balance_check_state"
_HELP: Final = {
    "mayhouse_wallet_balance_ether": "Balance of a wallet in ether.",
    "mayhouse_wallet_balance_threshold_ether": "Balance below which the check alerts, in ether.",
    _STATE: "State of the last check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    "mayhouse_balance_check_success": "Whether the last check could read the balance.",
    "mayhouse_balance_check_duration_seconds": "How long the last check took.",
    "mayhouse_balance_check_last_run_timestamp_seconds": "When the check last ran.",
    _LAST_SUCCESS: "When the check last could read the balance.",
}

Sample = tuple[str, str, str]
"""Name, labels in braces or nothing, value."""


def write_metrics(path: Path, check: BalanceCheck | None, duration: float, now: float) -> None:
    """Write the metrics of a check, or of one that failed (None: no balance, the state unknown).

    The last success of the file before is carried on, and its wallets, which are unknown now.
    ConfigurationError when the folder cannot be written; a reader never sees half a file.
    """
    _refuse_no_file(path)
    before = _text_of(path) if check is None else ""
    samples = _of_check(check) if check is not None else _of_failure(before)
    last_success = f"{now:.0f}" if check is not None else _last_success(before)
    samples += [
        ("mayhouse_balance_check_success", "", "1" if check is not None else "0"),
        ("mayhouse_balance_check_duration_seconds", "", f"{duration:.3f}"),
        ("mayhouse_balance_check_last_run_timestamp_seconds", "", f"{now:.0f}"),
    ]
    if last_success is not None:
        samples.append((_LAST_SUCCESS, "", last_success))
    _replace(path, _exposition(samples))


def _of_check(check: BalanceCheck) -> list[Sample]:
    samples: list[Sample] = []
    for wallet in check.wallets:
        labels = f'role="{wallet.role}",address="{wallet.address}",chain_id="{check.chain_id}"'
        balance = format_eth(wallet.balance_wei, least_decimals=1)
        samples.append(("mayhouse_wallet_balance_ether", f"{{{labels}}}", balance))
        for severity, wei in (("warning", wallet.warning_wei), ("critical", wallet.critical_wei)):
            samples.append(
                (
                    "mayhouse_wallet_balance_threshold_ether",
                    f'{{role="{wallet.role}",severity="{severity}"}}',
                    format_eth(wei, least_decimals=1),
                )
            )
        samples.append(_state(wallet.role, BalanceState[wallet.state]))
    return samples


def _of_failure(before: str) -> list[Sample]:
    roles = re.findall(rf'^{_STATE}{{role="([\w-]+)"}} \d$', before, re.MULTILINE)
    return [_state(role, BalanceState.UNKNOWN) for role in roles or [PLATFORM]]


def _state(role: str, state: BalanceState) -> Sample:
    return (_STATE, f'{{role="{role}"}}', str(state.value))


def _exposition(samples: Iterable[Sample]) -> str:
    lines: list[str] = []
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample[0], []).append(sample)
    for name, group in by_name.items():
        lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
        lines += [f"{name}{labels} {value}" for _, labels, value in group]
    return "\n".join(lines) + "\n"


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _last_success(before: str) -> str | None:
    found = re.search(rf"^{_LAST_SUCCESS} (\d+)$", before, re.MULTILINE)
    return found[1] if found else None


def _refuse_no_file(path: Path) -> None:
    # Renaming over a device, as root can, would take it from the whole machine.
    if not path.name or (path.exists() and not path.is_file()):
        raise ConfigurationError(
            f"The metrics file {path} is no file", hint="Check --textfile: name a file in a folder."
        )


def _replace(path: Path, text: str) -> None:
    """Write beside the target and rename: the collector runs under another user, hence 0644."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigurationError(
            f"The metrics file {path} cannot be written: {error.strerror}",
            hint="Check --textfile: its folder must exist and be writable.",
        ) from None
