"""The effective settings of one command.

Where their values come from is `loading.py`, what can be set at all is `settings.py`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from mayhouse_cli.config.settings import (
    BY_KEY,
    CONFIG_NAME,
    LOCAL_CHAIN_ID,
    MAINNET_CHAIN_ID,
    SEPOLIA_CHAIN_ID,
    SETTINGS,
)
from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.money import Wei

_EXPLORERS: Final = {
    MAINNET_CHAIN_ID: "https://etherscan.io",
    SEPOLIA_CHAIN_ID: "https://sepolia.etherscan.io",
}
_CHAIN_NAMES: Final = {
    MAINNET_CHAIN_ID: "mainnet",
    SEPOLIA_CHAIN_ID: "Sepolia",
    LOCAL_CHAIN_ID: "local",
}


class DeferredSecret:
    """A secret that a command or file yields, fetched at the first use and kept."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self._fetch = fetch
        self._value: Any = None

    @property
    def fetched(self) -> bool:
        """Whether it has been used, so that there is something to redact."""
        return self._value is not None

    def value(self) -> Any:  # noqa: ANN401 settings are of many types
        """Fetch once; CredentialsError when the command or file does not yield it."""
        if self._value is None:
            self._value = self._fetch()
        return self._value


@dataclass(frozen=True)
class Config:
    """The effective settings; what needs a key, a node or a database asks with `require`."""

    values: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, str]
    folder: Path
    """Where the keystore folder is by default: the config file's folder."""
    file: Path | None
    """The config file that counts first."""
    files: tuple[Path, ...] = ()
    """Every config file that was read."""

    def with_option(self, key: str, value: object) -> "Config":
        """The same with a command's own option, which goes before all other sources."""
        return replace(
            self,
            values={**self.values, key: value},
            origins={**self.origins, key: "option"},
        )

    def require(self, key: str) -> Any:  # noqa: ANN401 each key has its own type
        """Give a setting that the command cannot do without; ConfigurationError otherwise."""
        if (value := self.get(key)) is None:
            setting = BY_KEY[key]
            in_file = setting.names_in_file[0]
            raise ConfigurationError(
                f"No {key} is configured",
                hint=f"Set {setting.environment_name}, or {in_file} in {self.file or CONFIG_NAME}; "
                "`mayhouse init` writes one.",
            )
        return value

    def get(self, key: str) -> Any:  # noqa: ANN401 settings are of many types
        """Give a setting, or None when it is set nowhere and has no default."""
        value = self.values.get(key)
        return value.value() if isinstance(value, DeferredSecret) else value

    def effective(self, key: str) -> Any:  # noqa: ANN401 settings are of many types
        """Give what holds for a setting, unset ones included; a DeferredSecret stays unread."""
        match key:
            case "confirmations":
                return self.confirmations
            case "explorer_url":
                return self.explorer
            case "keystore_dir":
                return str(self.keystore_folder)
            case _:
                return self.values.get(key)

    @property
    def chain_id(self) -> int:
        return int(self.values["chain_id"])

    @property
    def is_local(self) -> bool:
        """Whether this is a development chain, where nothing has a price."""
        return self.chain_id == LOCAL_CHAIN_ID

    @property
    def confirmations(self) -> int:
        """Blocks until a transaction counts: as set, else 1 locally and 2 anywhere else."""
        return int(self.values.get("confirmations") or (1 if self.is_local else 2))

    @property
    def max_fee(self) -> Wei:
        """The cap in wei per gas."""
        return Wei(self.values["max_fee_gwei"])

    @property
    def keystore_folder(self) -> Path:
        if self.values.get("keystore_dir"):
            return self.folder / str(self.values["keystore_dir"])
        if self.file is not None:
            return self.folder / "keystore"
        return platformdirs.user_data_path("mayhouse") / "keystore"

    @property
    def chain_name(self) -> str:
        return _CHAIN_NAMES.get(self.chain_id, f"chain {self.chain_id}")

    @property
    def explorer(self) -> str | None:
        """The block explorer's address; None where the chain has none."""
        return self.values.get("explorer_url") or _EXPLORERS.get(self.chain_id)

    def explorer_link(self, tx_hash: str) -> str | None:
        """Link a transaction on the block explorer; None where the chain has none."""
        return f"{self.explorer.rstrip('/')}/tx/{tx_hash}" if self.explorer else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value this process has read, as text, for redaction."""
        found: list[str] = []
        for setting in SETTINGS:
            value = self.values.get(setting.key) if setting.secret else None
            if isinstance(value, DeferredSecret):
                value = value.value() if value.fetched else None
            if value:
                found.extend(map(str, value if isinstance(value, tuple) else (value,)))
        return tuple(text for text in found if not is_bare_address(text))


def is_bare_address(text: str) -> bool:
    """Whether it is no more than scheme and hosts, as of a local node: nothing to hide."""
    return bool(re.fullmatch(r"(https?://[\w.:\[\]-]+/?,?)+", text, re.ASCII))
