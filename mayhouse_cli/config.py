"""The configuration: one table of settings, read in one order, frozen, with origins kept.

Order: option, environment, project `config.toml`, user config, default. A file named by
`--config` or `MAYHOUSE_CONFIG` stands alone instead of the two files. A secret can also come
from a file (`NAME_FILE`, or `name_file` in the config), from `$CREDENTIALS_DIRECTORY/name`
or from a command in the config (`name_command`); never from an argument.
"""

import os
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from mayhouse_cli.errors import ConfigurationError, CredentialsError, WrongUsage
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import Wei, parse_eth, parse_gwei, parse_rate

LOCAL_CHAIN_ID: Final = 31337
MAINNET_CHAIN_ID: Final = 1
SEPOLIA_CHAIN_ID: Final = 11155111
CONFIG_NAME: Final = "config.toml"
Source = str | Callable[[], str] | None
SECRET_COMMAND_SECONDS: Final = 30

_EXPLORERS: Final = {
    MAINNET_CHAIN_ID: "https://etherscan.io",
    SEPOLIA_CHAIN_ID: "https://sepolia.etherscan.io",
}


@dataclass(frozen=True)
class Setting:
    """One key: how its text is read, where else it may come from, what it is for."""

    key: str
    read: Callable[[str], Any]
    summary: str
    default: str | None = None
    env: str | None = None
    secret: bool = False
    file_allowed: bool = True
    """Whether the value itself may stand in a config file; a key or password may not."""

    @property
    def environment_name(self) -> str:
        """The variable that sets it: the platform's own name, or MAYHOUSE_ and the key."""
        return self.env or f"MAYHOUSE_{self.key.upper()}"


def _text(text: str) -> str:
    return text


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"not a whole number: {text}")
    return int(text)


def _positive(text: str) -> int:
    if (number := _integer(text)) < 1:
        raise ValueError("it must be at least 1")
    return number


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"neither true nor false: {text}")
    return text.lower() == "true"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"it has no time zone: {text}; write 2026-11-28T18:00+05:30")
    return moment


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in text.split(",") if url.strip())
    for url in urls:
        # The URL carries the provider's key in its path: no part of it may reach a message.
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in url):
            raise ValueError("each must be an http:// or https:// address")
    if not urls:
        raise ValueError("it is empty")
    return urls


SETTINGS: Final = (
    Setting(
        "blockchain_rpc_url",
        _urls,
        "node to talk to; several, comma separated, for failover",
        env="BLOCKCHAIN_RPC_URL",
        secret=True,
    ),
    Setting(
        "chain_id",
        _positive,
        "the chain every node must be on: 11155111 is Sepolia",
        default=str(SEPOLIA_CHAIN_ID),
        env="CHAIN_ID",
    ),
    Setting(
        "contract_address",
        parse_address,
        "the deployed MayhouseExperience contract",
        env="CONTRACT_ADDRESS",
    ),
    Setting("explorer_url", _text, "block explorer for links; known for Sepolia and mainnet"),
    Setting(
        "confirmations",
        _positive,
        "blocks until a transaction counts, its own included; 2, and 1 on a local chain",
    ),
    Setting("max_fee_gwei", parse_gwei, "never pay more per gas than this", default="200"),
    Setting(
        "platform_address", parse_address, "the wallet that signs; its key is checked against this"
    ),
    Setting(
        "owner_address", parse_address, "the contract's owner, when it is not the signing wallet"
    ),
    Setting("wallet", _text, "name of the keystore that signs", default="platform"),
    Setting("keystore_dir", _text, "where keystores are kept; beside the config file by default"),
    Setting(
        "platform_private_key",
        _text,
        "the raw key, for CI on a test chain; prefer a keystore",
        env="PLATFORM_PRIVATE_KEY",
        secret=True,
        file_allowed=False,
    ),
    Setting(
        "password",
        _text,
        "the keystore's password",
        env="MAYHOUSE_KEYSTORE_PASSWORD",
        secret=True,
        file_allowed=False,
    ),
    Setting(
        "eth_price_inr", parse_rate, "rupees for one ETH: your word of now", env="ETH_PRICE_INR"
    ),
    Setting("eth_price_as_of", _moment, "when eth_price_inr was true; with it, its age counts"),
    Setting("rate_max_age_minutes", _positive, "an older rate is refused", default="60"),
    Setting(
        "rate_max_jump_percent",
        _positive,
        "a rate further from the last one is refused",
        default="20",
    ),
    Setting(
        "database_url",
        _text,
        "Postgres; on Supabase the pooler's URL works",
        env="DATABASE_URL",
        secret=True,
    ),
    Setting(
        "migration_database_url",
        _text,
        "Postgres for `migrate`, when it needs another",
        env="MIGRATION_DATABASE_URL",
        secret=True,
    ),
    Setting("database_root_certificate", _text, "authority that signed the server's certificate"),
    Setting(
        "database_allow_insecure",
        _flag,
        "permit a connection without verified encryption",
        default="false",
    ),
    Setting("balance_warning_eth", parse_eth, "`balance check` warns below this", default="0.2"),
    Setting(
        "balance_critical_eth", parse_eth, "`balance check` is critical below this", default="0.1"
    ),
    Setting("max_transaction_eth", parse_eth, "refuse to send more than this at once"),
    Setting("max_daily_eth", parse_eth, "refuse to send more than this in any 24 hours"),
)
_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


class DeferredSecret:
    """A secret that a command or file yields, fetched at the first use and kept."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self._fetch = fetch
        self._value: Any = None

    @property
    def fetched(self) -> bool:
        """Whether it has been used, so that there is something to redact."""
        return self._value is not None

    def value(self) -> Any:  # noqa: ANN401
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
    """Where relative paths in the config start: the config file's folder."""
    file: Path | None

    def require(self, key: str) -> Any:  # noqa: ANN401 each key has its own type
        """Give a setting that the command cannot do without; ConfigurationError otherwise."""
        if (value := self.get(key)) is None:
            setting = _BY_KEY[key]
            raise ConfigurationError(
                f"No {key} is configured",
                hint=f"Set {setting.environment_name}, or {key} in {self.file or CONFIG_NAME}; "
                "`mayhouse init` writes one.",
            )
        return value

    def get(self, key: str) -> Any:  # noqa: ANN401
        """Give a setting, or None when it is set nowhere and has no default."""
        value = self.values.get(key)
        return value.value() if isinstance(value, DeferredSecret) else value

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
            return self.folder / Path(self.values["keystore_dir"]).expanduser()
        if self.file is not None:
            return self.folder / "keystore"
        return platformdirs.user_data_path("mayhouse") / "keystore"

    @property
    def chain_name(self) -> str:
        names = {MAINNET_CHAIN_ID: "mainnet", SEPOLIA_CHAIN_ID: "Sepolia", LOCAL_CHAIN_ID: "local"}
        return names.get(self.chain_id, f"chain {self.chain_id}")

    def explorer_link(self, tx_hash: str) -> str | None:
        """Link a transaction on the block explorer; None where the chain has none."""
        base = self.values.get("explorer_url") or _EXPLORERS.get(self.chain_id)
        return f"{base.rstrip('/')}/tx/{tx_hash}" if base else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value this process has read, as text, for redaction."""
        kept = [self.values.get(setting.key) for setting in SETTINGS if setting.secret]
        found = [
            value.value() if isinstance(value, DeferredSecret) and value.fetched else value
            for value in kept
            if not isinstance(value, DeferredSecret) or value.fetched
        ]
        flat = [
            part
            for value in found
            if value
            for part in (value if isinstance(value, tuple) else (value,))
        ]
        return tuple(str(part) for part in flat)


def user_config_file() -> Path:
    """Where a user's own configuration lives, by the platform's convention."""
    return platformdirs.user_config_path("mayhouse") / CONFIG_NAME


def load_config(
    named: Path | None = None,
    options: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    working_folder: Path | None = None,
) -> Config:
    """Read all sources in order. ConfigurationError names the key, its origin and the remedy."""
    env = os.environ if environment is None else environment
    here = working_folder or Path.cwd()
    if named is None and env.get("MAYHOUSE_CONFIG"):
        named = Path(env["MAYHOUSE_CONFIG"])
    files = _config_files(named, here)
    tables = [(path, _read_table(path)) for path in files]
    main_file = files[0] if files else None
    folder = main_file.resolve().parent if main_file else here
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        source, origin = _find(setting, options or {}, env, tables)
        if callable(source):
            values[setting.key] = _deferred(setting, source, origin)
        elif source is not None:
            values[setting.key] = _read(setting, source, origin)
        if source is not None:
            origins[setting.key] = origin
    return Config(values, origins, folder, main_file)


def _deferred(setting: Setting, fetch: Callable[[], str], origin: str) -> DeferredSecret:
    return DeferredSecret(lambda: _read(setting, fetch(), origin))


def _config_files(named: Path | None, here: Path) -> list[Path]:
    if named is not None:
        if not named.is_file():
            raise ConfigurationError(
                f"There is no config file {named}",
                hint="Check --config and MAYHOUSE_CONFIG; `mayhouse init` writes a file.",
            )
        return [named]
    return [path for path in (here / CONFIG_NAME, user_config_file()) if path.is_file()]


def _read_table(path: Path) -> Mapping[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The parser's message holds a position, not the line: no secret can be in it.
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}", hint="Compare it with config.example.toml."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    for key in table:
        _check_known(key, path)
    return table


def _check_known(key: str, path: Path) -> None:
    known = {name for setting in SETTINGS for name in _names_in_file(setting)}
    if key in known:
        return
    if key in _BY_KEY:
        raise ConfigurationError(
            f"{path}: {key} must not stand in a config file",
            hint=f"Use {key}_file or {key}_command, or {_BY_KEY[key].environment_name}.",
        )
    near = get_close_matches(key, known, n=1)
    raise ConfigurationError(
        f"{path}: unknown key {key}",
        hint=f"Did you mean {near[0]}?" if near else "See config.example.toml for all keys.",
    )


def _names_in_file(setting: Setting) -> list[str]:
    names = [setting.key] if setting.file_allowed else []
    return names + ([f"{setting.key}_file", f"{setting.key}_command"] if setting.secret else [])


def _find(
    setting: Setting,
    options: Mapping[str, str],
    env: Mapping[str, str],
    tables: list[tuple[Path, Mapping[str, Any]]],
) -> tuple[Source, str]:
    if setting.key in options:
        return options[setting.key], "option"
    if env.get(setting.environment_name):
        return env[setting.environment_name], f"environment {setting.environment_name}"
    if setting.secret:
        source, origin = _secret_from_environment_file(setting, env)
        if source is not None:
            return source, origin
    for path, table in tables:
        source, origin = _from_table(setting, path, table)
        if source is not None:
            return source, origin
    return setting.default, "default"


def _secret_from_environment_file(setting: Setting, env: Mapping[str, str]) -> tuple[Source, str]:
    variable = f"{setting.environment_name}_FILE"
    if env.get(variable):
        path = Path(env[variable])
        return partial(read_secret_file, path), f"file from {variable}"
    if env.get("CREDENTIALS_DIRECTORY"):
        path = Path(env["CREDENTIALS_DIRECTORY"]) / setting.key
        if path.is_file():
            return partial(read_secret_file, path), "credentials directory"
    return None, ""


def _from_table(setting: Setting, path: Path, table: Mapping[str, Any]) -> tuple[Source, str]:
    if setting.key in table:
        return _as_text(table[setting.key], setting.key, path), str(path)
    if setting.secret and (name := f"{setting.key}_file") in table:
        secret = path.resolve().parent / Path(_as_text(table[name], name, path)).expanduser()
        return partial(read_secret_file, secret), f"{path} ({name})"
    if setting.secret and (name := f"{setting.key}_command") in table:
        return partial(_run_secret_command, table[name], name, path), f"{path} ({name})"
    return None, ""


def _as_text(value: object, key: str, path: Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, datetime):
        return value.isoformat()
    hint = "Amounts stand in quotes, so that none is rounded." if isinstance(value, float) else None
    raise ConfigurationError(
        f"{path}: {key} cannot be a {type(value).__name__}", hint=hint or "Write it as text."
    )


def read_secret_file(path: Path) -> str:
    """Read a secret from a file, without its line end; CredentialsError when it cannot be."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialsError(
            f"The secret file {path} cannot be read: {reason}",
            hint="Check the path and that this user may read it.",
        ) from None
    return text.rstrip("\r\n")


def _run_secret_command(command: object, key: str, path: Path) -> str:
    if (
        not isinstance(command, list)
        or not command
        or not all(isinstance(word, str) for word in command)
    ):
        raise ConfigurationError(
            f"{path}: {key} must be a list of words",
            hint=f'{key} = ["pass", "show", "mayhouse"]',
        )
    try:
        finished = subprocess.run(  # noqa: S603 the operator's own command, no shell
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECRET_COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        # What the command printed may hold the secret; only how it ended is said.
        ended = getattr(error, "returncode", None)
        reason = f"exit code {ended}" if ended is not None else type(error).__name__
        raise CredentialsError(
            f"{path}: the command of {key} failed ({reason})",
            hint=f"Run it by hand: {command[0]} ...",
        ) from None
    return finished.stdout.rstrip("\r\n")


def _read(setting: Setting, text: str, origin: str) -> Any:  # noqa: ANN401
    shown = setting.key if origin == "default" else f"{setting.key} ({origin})"
    try:
        return setting.read(text.strip())
    except WrongUsage as error:
        raise ConfigurationError(f"{shown}: {error.message}", hint=error.hint) from None
    except ValueError as error:
        reason = "it cannot be read" if setting.secret and setting.read is _text else str(error)
        raise ConfigurationError(
            f"{shown} is wrong: {reason}", hint="See config.example.toml for how to write it."
        ) from None


def masked(setting: Setting, value: object) -> str:
    """Show a value for reading; of a secret only that it is set, of a URL its host."""
    if isinstance(value, DeferredSecret):
        return "set (hidden)"
    if not setting.secret:
        if isinstance(value, Wei):
            return str(int(value))
        return str(value)
    if setting.key == "blockchain_rpc_url" and isinstance(value, tuple):
        return ", ".join(f"{urlsplit(url).scheme}://{urlsplit(url).hostname}/…" for url in value)
    return "set (hidden)"
