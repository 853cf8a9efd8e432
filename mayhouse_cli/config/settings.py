"""The table of settings: all that can be configured, and nothing else about it."""

from collections.abc import Mapping
from typing import Final

from mayhouse_cli.config import readers
from mayhouse_cli.config.setting import Setting
from mayhouse_cli.config.watching import WATCHING
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import parse_eth, parse_gwei, parse_rate

LOCAL_CHAIN_ID: Final = 31337
MAINNET_CHAIN_ID: Final = 1
SEPOLIA_CHAIN_ID: Final = 11155111
SEPOLIA_CONTRACT: Final = "0x09aB660CEac220678b42E0e23DebCb1475e1eAD5"
"""The contract as it is deployed on Sepolia."""
CONFIG_NAME: Final = "config.toml"

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
        "urgency",
        readers.urgency,
        "How soon a transaction should be mined, and what is paid for it: low, normal or high.",
        default="normal",
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
        environment_last=True,
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
    Setting(
        "rate_url",
        readers.web_address,
        "Where `mayhouse rate fetch` gets the price: the address of a JSON document.",
        secret=True,
        example="https://api.coingecko.com/api/v3/simple/price?ids=ethereum&vs_currencies=inr"
        "&include_last_updated_at=true",
    ),
    Setting(
        "rate_path",
        readers.document_path,
        "Where the price of one ETH in rupees stands in that document: names, and numbers of list "
        "items from 0, with points in between.",
        example="ethereum.inr",
    ),
    Setting(
        "rate_as_of_path",
        readers.document_path,
        "Where the time of the price stands: RFC 3339, or seconds or milliseconds since 1970.",
        otherwise="the price is of the moment it is fetched",
        example="ethereum.last_updated_at",
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
    "Watching the balances": WATCHING,
    "The wallet that signs": _WALLET,
    "The price of one ETH in rupees": _RATE,
    "The database": _DATABASE,
}
SETTINGS: Final = tuple(setting for group in GROUPS.values() for setting in group)
BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
