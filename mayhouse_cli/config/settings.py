"""The table of settings: all that can be configured, and nothing else about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mayhouse_cli.config import readers
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import parse_eth, parse_gwei, parse_rate

LOCAL_CHAIN_ID: Final = 31337
MAINNET_CHAIN_ID: Final = 1
SEPOLIA_CHAIN_ID: Final = 11155111
SEPOLIA_CONTRACT: Final = "0x09aB660CEac220678b42E0e23DebCb1475e1eAD5"
"""The contract as it is deployed on Sepolia."""
CONFIG_NAME: Final = "config.toml"


@dataclass(frozen=True)
class Setting:
    """One key: how its text is read, where it may come from, what it is for."""

    key: str
    read: Callable[[str], Any]
    summary: str
    default: str | None = None
    env: str | None = None
    secret: bool = False
    file_allowed: bool = True
    """Whether the value itself may stand in a config file; a key or password may not."""
    unit: str = ""
    otherwise: str = ""
    """What holds when it is set nowhere and has no fixed default."""
    example: str = ""
    """A value for config.example.toml, where there is no default to show."""
    verbatim: bool = False
    """Spaces at its ends belong to it."""

    @property
    def environment_name(self) -> str:
        """The variable that sets it: the platform's own name, or MAYHOUSE_ and the key."""
        return self.env or f"MAYHOUSE_{self.key.upper()}"

    @property
    def names_in_file(self) -> tuple[str, ...]:
        """The keys by which a config file may set it."""
        names = (self.key,) if self.file_allowed else ()
        return (*names, f"{self.key}_file", f"{self.key}_command") if self.secret else names


_CHAIN: Final = (
    Setting(
        "blockchain_rpc_url",
        readers.web_addresses,
        "The Ethereum node to talk to; several, as a list, for failover.",
        env="BLOCKCHAIN_RPC_URL",
        secret=True,
        example="https://sepolia.infura.io/v3/YOUR-KEY",
    ),
    Setting(
        "chain_id",
        readers.positive,
        "The chain every node must be on: 11155111 is Sepolia, 1 is mainnet.",
        default=str(SEPOLIA_CHAIN_ID),
        env="CHAIN_ID",
    ),
    Setting(
        "contract_address",
        parse_address,
        "The deployed MayhouseExperience contract.",
        env="CONTRACT_ADDRESS",
        example=SEPOLIA_CONTRACT,
    ),
    Setting(
        "explorer_url",
        readers.web_address,
        "The block explorer that links lead to.",
        otherwise="known for Sepolia and mainnet, no links elsewhere",
        example="https://sepolia.etherscan.io",
    ),
    Setting(
        "confirmations",
        readers.positive,
        "Blocks until a transaction counts, its own included.",
        otherwise="2, and 1 on a local chain",
        example="2",
    ),
)
_LIMITS: Final = (
    Setting(
        "max_fee_gwei",
        parse_gwei,
        "Never pay more than this for a unit of gas.",
        default="200",
        unit="gwei",
    ),
    Setting(
        "max_transaction_eth",
        parse_eth,
        "Refuse to send more than this in one transaction.",
        unit="ETH",
        otherwise="no limit",
        example="0.5",
    ),
    Setting(
        "max_daily_eth",
        parse_eth,
        "Refuse to send more than this in any 24 hours.",
        unit="ETH",
        otherwise="no limit",
        example="2",
    ),
    Setting(
        "balance_warning_eth",
        parse_eth,
        "`mayhouse balance check` warns below this.",
        default="0.2",
        unit="ETH",
    ),
    Setting(
        "balance_critical_eth",
        parse_eth,
        "`mayhouse balance check` is critical below this.",
        default="0.1",
        unit="ETH",
    ),
)
_WALLET: Final = (
    Setting(
        "platform_address",
        parse_address,
        "The wallet that signs; a key of another wallet is refused.",
        otherwise="the key's own address",
        example="0x1111111111111111111111111111111111111111",
    ),
    Setting(
        "owner_address",
        parse_address,
        "The contract's owner, when it is another wallet than the one that signs.",
        example="0x1111111111111111111111111111111111111111",
    ),
    Setting("wallet", readers.text, "Name of the keystore that signs.", default="platform"),
    Setting(
        "keystore_dir",
        readers.path,
        "Where keystores are kept.",
        otherwise="the folder keystore beside the config file",
        example="keystore",
    ),
    Setting(
        "password",
        readers.text,
        "The keystore's password; never in a config file itself.",
        env="MAYHOUSE_KEYSTORE_PASSWORD",
        secret=True,
        file_allowed=False,
        otherwise="asked for at a terminal",
        verbatim=True,
    ),
    Setting(
        "platform_private_key",
        readers.text,
        "The raw key, for CI on a test chain; never in a config file itself. Prefer a keystore.",
        env="PLATFORM_PRIVATE_KEY",
        secret=True,
        file_allowed=False,
        otherwise="the keystore is used",
    ),
)
_RATE: Final = (
    Setting(
        "eth_price_inr",
        parse_rate,
        "What one ETH costs: your word of now, unless eth_price_as_of tells its age.",
        env="ETH_PRICE_INR",
        unit="INR per ETH",
        example="200000",
    ),
    Setting(
        "eth_price_as_of",
        readers.moment,
        "When eth_price_inr was true; with it, its age counts.",
        example="2026-11-28T18:00+05:30",
    ),
    Setting(
        "rate_max_age_minutes",
        readers.positive,
        "An older rate is refused.",
        default="60",
        unit="minutes",
    ),
    Setting(
        "rate_max_jump_percent",
        readers.positive,
        "A rate further than this from the last one is refused.",
        default="20",
        unit="%",
    ),
)
_DATABASE: Final = (
    Setting(
        "database_url",
        readers.text,
        "The platform's Postgres; on Supabase the pooler's URL works.",
        env="DATABASE_URL",
        secret=True,
        example="postgresql://mayhouse:PASSWORD@db.example.com:5432/postgres",
    ),
    Setting(
        "migration_database_url",
        readers.text,
        "Postgres for `mayhouse migrate`, when it needs another role or endpoint.",
        env="MIGRATION_DATABASE_URL",
        secret=True,
        otherwise="database_url",
        example="postgresql://postgres:PASSWORD@db.example.com:5432/postgres",
    ),
    Setting(
        "database_root_certificate",
        readers.path,
        "The authority that signed the server's certificate; Supabase has one of its own.",
        otherwise="the authorities that this machine trusts",
        example="prod-ca-2021.crt",
    ),
    Setting(
        "database_allow_insecure",
        readers.flag,
        "Permit a connection off this machine without verified encryption.",
        default="false",
    ),
)
GROUPS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "The chain": _CHAIN,
    "Limits": _LIMITS,
    "The wallet that signs": _WALLET,
    "The price of one ETH in rupees": _RATE,
    "The database": _DATABASE,
}
SETTINGS: Final = tuple(setting for group in GROUPS.values() for setting in group)
BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
