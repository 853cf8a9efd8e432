"""What is configured and where it comes from, with nothing of a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mayhouse_cli.config import (
    CONFIG_NAME,
    SETTINGS,
    Config,
    Setting,
    config_files,
    masked,
    user_config_file,
)


@dataclass(frozen=True)
class SettingShown:
    """One setting as it holds; a secret's value says no more than that it is set."""

    key: str
    value: str | None
    """None when it is set nowhere and has no default."""
    unit: str
    origin: str | None
    environment: str
    secret: bool
    otherwise: str
    """What holds while it is not set."""


@dataclass(frozen=True)
class SettingsShown:
    """`config show`."""

    settings: tuple[SettingShown, ...]


@dataclass(frozen=True)
class ConfigPlace:
    """A place where a config file is looked for."""

    path: str
    source: str
    state: str


@dataclass(frozen=True)
class ConfigPlaces:
    """`config path`: the file that counts first, and every place looked at."""

    file: str | None
    places: tuple[ConfigPlace, ...]


def show_settings(config: Config) -> SettingsShown:
    """List every setting; no command is run and no secret file is read for it."""
    return SettingsShown(tuple(_shown(setting, config) for setting in SETTINGS))


def _shown(setting: Setting, config: Config) -> SettingShown:
    value = config.effective(setting.key)
    return SettingShown(
        key=setting.key,
        value=masked(setting, value) if value is not None else None,
        unit=setting.unit,
        origin=config.origins.get(setting.key, "default") if value is not None else None,
        environment=setting.environment_name,
        secret=setting.secret,
        otherwise=setting.otherwise,
    )


def show_places(named: Path | None, environment: Mapping[str, str], here: Path) -> ConfigPlaces:
    """Tell where config files are looked for; ConfigurationError when a named one is missing."""
    used = config_files(named, environment, here)
    by_name = named is not None or bool(environment.get("MAYHOUSE_CONFIG"))
    places = []
    if by_name:
        source = "--config" if named is not None else "MAYHOUSE_CONFIG"
        places.append(ConfigPlace(str(used[0]), source, "in use"))
    for path, source in ((here / CONFIG_NAME, "project"), (user_config_file(), "user")):
        places.append(ConfigPlace(str(path), source, _state(path, used)))
    return ConfigPlaces(str(used[0]) if used else None, tuple(places))


def _state(path: Path, used: tuple[Path, ...]) -> str:
    if path in used:
        return "in use" if path == used[0] else "in use, after the first"
    return "not read" if path.is_file() else "not there"
