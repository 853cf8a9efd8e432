"""The configuration: one table of settings, read in one order, frozen, with origins kept."""

from mayhouse_cli.config.dotenv import DotenvEntry, read_dotenv
from mayhouse_cli.config.effective import Config, DeferredSecret
from mayhouse_cli.config.loading import check_values, config_files, load_config, user_config_file
from mayhouse_cli.config.secret_sources import read_secret_file
from mayhouse_cli.config.setting import Setting
from mayhouse_cli.config.settings import (
    BY_KEY,
    CONFIG_NAME,
    LOCAL_CHAIN_ID,
    MAINNET_CHAIN_ID,
    SEPOLIA_CHAIN_ID,
    SEPOLIA_CONTRACT,
    SETTINGS,
)
from mayhouse_cli.config.shown import environment_secrets, masked
from mayhouse_cli.config.writing import change_config, changed_toml, example_toml, write_config

__all__ = [
    "BY_KEY",
    "CONFIG_NAME",
    "LOCAL_CHAIN_ID",
    "MAINNET_CHAIN_ID",
    "SEPOLIA_CHAIN_ID",
    "SEPOLIA_CONTRACT",
    "SETTINGS",
    "Config",
    "DeferredSecret",
    "DotenvEntry",
    "Setting",
    "change_config",
    "changed_toml",
    "check_values",
    "config_files",
    "environment_secrets",
    "example_toml",
    "load_config",
    "masked",
    "read_dotenv",
    "read_secret_file",
    "user_config_file",
    "write_config",
]
