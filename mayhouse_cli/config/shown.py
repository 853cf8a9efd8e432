"""How settings are shown: amounts as people write them, and nothing of a secret."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from mayhouse_cli.config.setting import Setting
from mayhouse_cli.config.settings import SETTINGS
from mayhouse_cli.money import Wei, format_eth, format_gwei

HIDDEN: Final = "set (hidden)"


def environment_secrets(environment: Mapping[str, str]) -> list[str]:
    """Every secret that stands in the environment itself, whether it can be read or not."""
    names = (setting.environment_name for setting in SETTINGS if setting.secret)
    return [environment[name] for name in names if environment.get(name)]


def masked(setting: Setting, value: object) -> str:
    """Show a value as it could be written; of a secret only that it is set, of a URL its host."""
    if setting.secret:
        return _hosts(value) if setting.key == "blockchain_rpc_url" else HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Wei):
        return format_gwei(value) if setting.unit == "gwei" else format_eth(value, least_decimals=0)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _hosts(value: object) -> str:
    """Name the hosts alone: a provider's key is in the path, and may be in user and password."""
    return ", ".join(map(_host, value)) if isinstance(value, tuple) else HIDDEN


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    shown = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
    return shown if url.rstrip("/") == shown else f"{shown}/…"
