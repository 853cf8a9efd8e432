"""The first set-up: a config file, and from an old .env file a keystore as well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mayhouse_cli.config import (
    SEPOLIA_CHAIN_ID,
    SEPOLIA_CONTRACT,
    SETTINGS,
    Config,
    DotenvEntry,
    write_config,
)
from mayhouse_cli.errors import ConfigurationError, MayhouseError, Refused
from mayhouse_cli.models import Address
from mayhouse_cli.ports import KeyVault

STARTER: Mapping[str, str] = {
    "chain_id": str(SEPOLIA_CHAIN_ID),
    "contract_address": SEPOLIA_CONTRACT,
}
"""What is known before anything is asked."""


@dataclass(frozen=True)
class FoundSettings:
    """The settings of a .env file, by key, and the names in it that mean nothing here."""

    texts: Mapping[str, str] = field(repr=False)
    private_key: str | None = field(default=None, repr=False)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyToKeep:
    """A private key on its way into a keystore."""

    key: bytes = field(repr=False)
    password: str = field(repr=False)
    address: Address


@dataclass(frozen=True)
class SetUp:
    """`init`: what was written, and what was left aside."""

    config: str
    settings: tuple[str, ...]
    """The keys that the file sets."""
    wallet: str | None
    address: Address | None
    keystore: str | None
    env_file: str | None
    ignored: tuple[str, ...]


def settings_of(entries: Mapping[str, DotenvEntry], path: Path) -> FoundSettings:
    """Find the settings among a .env file's names; empty values count as not there."""
    by_name = {setting.environment_name: setting for setting in SETTINGS}
    texts: dict[str, str] = {}
    ignored: list[str] = []
    for name, entry in entries.items():
        setting = by_name.get(name)
        if setting is None or setting.key == "password":
            ignored.append(name)
        elif entry.refers_to_variable:
            raise ConfigurationError(
                f"{path}, line {entry.line}: {name} refers to another variable",
                hint="Write its value out, or put a $ that is part of it in single quotes.",
            )
        elif entry.value:
            texts[setting.key] = entry.value
    private_key = texts.pop("platform_private_key", None)
    if texts.get("chain_id", STARTER["chain_id"]) == STARTER["chain_id"]:
        texts = {**STARTER, **texts}
    return FoundSettings(texts, private_key, tuple(ignored))


def refuse_existing(path: Path) -> None:
    """Refused when the config file is there, before anything is asked or read."""
    if path.is_symlink() or path.exists():
        raise Refused(
            f"There is a file {path} already",
            hint="Edit it, move it away, or name another with --config.",
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"There is no folder {path.parent}", hint="Make it first: mkdir -p -m 700."
        )


def set_up(
    path: Path,
    found: FoundSettings,
    checked: Config,
    vault: KeyVault,
    keep: KeyToKeep | None = None,
    env_file: Path | None = None,
) -> SetUp:
    """Write the config file, then the keystore; when that fails, the file is taken back.

    `checked` is what the settings come to. In this order no key is ever deleted.
    """
    wallet = str(checked.require("wallet"))
    texts = dict(found.texts)
    if keep is not None:
        texts["platform_address"] = keep.address
    write_config(path, texts)
    if keep is not None:
        _keep(keep, wallet, vault, path)
    return SetUp(
        config=str(path),
        settings=tuple(setting.key for setting in SETTINGS if setting.key in texts),
        wallet=wallet if keep else None,
        address=keep.address if keep else None,
        keystore=str(vault.path(wallet)) if keep else None,
        env_file=str(env_file) if env_file else None,
        ignored=found.ignored,
    )


def _keep(keep: KeyToKeep, wallet: str, vault: KeyVault, config: Path) -> None:
    try:
        vault.add_key(wallet, keep.key, keep.password)
    except BaseException as failure:
        # An interruption may come when the keystore has just got its name.
        whole = vault.path(wallet).exists() and not isinstance(failure, Refused)
        if not whole:
            config.unlink()
        if isinstance(failure, MayhouseError):
            failure.message += (
                f" ({config} and the keystore {wallet} are complete)"
                if whole
                else f" ({config} was taken back: nothing was kept)"
            )
        raise
