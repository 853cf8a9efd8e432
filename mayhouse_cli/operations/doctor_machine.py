"""What `doctor` looks at on this machine: config files, settings, key and password."""

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from mayhouse_cli.config import SETTINGS, Config, DeferredSecret
from mayhouse_cli.money import format_eth
from mayhouse_cli.operations.diagnosis import (
    Examination,
    NotExamined,
    Verdict,
    failed,
    fine,
    warning,
)

_OPEN_TO_WRITE: Final = 0o022
_OPEN_TO_READ: Final = 0o044
# At 12 seconds a block, this many take longer than a signing command waits by default (180 s).
_PATIENT_BLOCKS: Final = 15


def config_file(examination: Examination) -> Verdict:
    """It was read, or there is none and the environment has to be enough."""
    files = examination.parts.config.files
    return fine(", ".join(map(str, files)) if files else "none: the environment alone counts")


def config_file_mode(examination: Examination) -> Verdict:
    """Others must not change it (it may name commands), nor read it when it holds secrets."""
    config = examination.parts.config
    if not config.files:
        raise NotExamined("there is no config file")
    for file in config.files:
        mode = stat.S_IMODE(file.stat().st_mode)
        remedy = f"chmod 600 {shlex.quote(str(file))}"
        if file.stat().st_uid not in (os.geteuid(), 0):
            return failed(f"{file} belongs to another user", f"sudo chown $(id -u) {file}")
        if mode & _OPEN_TO_WRITE:
            return failed(f"other users may change {file} (mode {mode:o})", remedy)
        if mode & _OPEN_TO_READ and _holds_secrets(config, file):
            return failed(f"other users may read the secrets in {file} (mode {mode:o})", remedy)
    return fine("closed to others, or without secrets")


def _holds_secrets(config: Config, file: Path) -> bool:
    """Whether a secret itself stands in the file, not where it is to be found."""
    return any(
        setting.secret and config.origins.get(setting.key) == str(file) for setting in SETTINGS
    )


def settings(examination: Examination) -> Verdict:
    """Settings that are valid each by itself and make no sense together."""
    config = examination.parts.config
    warn, critical = config.require("balance_warning_eth"), config.require("balance_critical_eth")
    if critical > warn:
        return failed(
            f"balance_critical_eth ({format_eth(critical)} ETH) is above balance_warning_eth "
            f"({format_eth(warn)} ETH)",
            "Critical is the lower one.",
        )
    if config.confirmations == 1 and not config.is_local:
        return warning(
            "1 confirmation: a reorganisation can undo what was reported as done",
            "Set confirmations to 2 or more.",
        )
    if config.confirmations >= _PATIENT_BLOCKS and not config.is_local:
        return warning(
            f"{config.confirmations} confirmations take longer than a command waits by default",
            "Lower confirmations, or pass --timeout to what signs.",
        )
    return fine(f"confirmations on {config.chain_name}: {config.confirmations}")


def signing_key(examination: Examination) -> Verdict:
    """There is a key, and it is the one of platform_address."""
    config = examination.parts.config
    if examination.offline and _is_command(config, "platform_private_key"):
        raise NotExamined("offline: its command may need the network")
    examination.wallet = config.get("platform_address")
    # Compares the key, the keystore and platform_address with each other.
    address = examination.parts.signer.address
    examination.wallet = address
    name = config.require("wallet")
    if config.values.get("platform_private_key") is not None:
        origin = config.origins["platform_private_key"]
        if config.is_local:
            return fine(f"{address}, a raw key ({origin})")
        return warning(
            f"{address}, a raw key ({origin})",
            f"`mayhouse wallet import {name}` keeps it encrypted; then remove the raw one.",
        )
    if config.get("platform_address") is None and not config.is_local:
        return warning(
            f"{address}, keystore {name}; no platform_address to compare it with",
            f'Set platform_address = "{address}", so that another key is noticed.',
        )
    return fine(f"{address}, keystore {name}")


def keystore_file(examination: Examination) -> Verdict:
    """Its owner alone may read it."""
    vault = examination.parts.vault
    path = vault.path(examination.parts.config.require("wallet"))
    if not path.is_file():
        raise NotExamined(f"there is no {path}")
    vault.address(path.stem)  # refuses one that is open to others
    mode = stat.S_IMODE(path.stat().st_mode)
    return fine(f"{path} (mode {mode:o})")


def keystore_password(examination: Examination) -> Verdict:
    """It is configured, and it opens the keystore."""
    config = examination.parts.config
    path = examination.parts.vault.path(config.require("wallet"))
    if config.values.get("platform_private_key") is not None or not path.is_file():
        raise NotExamined("no keystore is in use")
    if config.values.get("password") is None:
        return warning(
            "none is configured: a person is asked for it, and cron cannot sign",
            "Set MAYHOUSE_KEYSTORE_PASSWORD, its _FILE, or password_command.",
        )
    origin = config.origins["password"]
    if examination.offline and _is_command(config, "password"):
        raise NotExamined("offline: its command may need the network")
    if examination.wallet is None:
        raise NotExamined("needs the signing key")
    examination.parts.signer.unlock()
    return fine(f"opens the keystore ({origin})")


def _is_command(config: Config, key: str) -> bool:
    deferred = isinstance(config.values.get(key), DeferredSecret)
    return deferred and config.origins[key].endswith("_command)")
