"""Where settings come from, in one order; what is read is checked before anything is done.

Order: option, environment, project `config.toml`, user config, default. A file named by
`--config` or `MAYHOUSE_CONFIG` stands alone instead of the two files. A secret can also come
from a file (`NAME_FILE`, or `name_file` in the config), from `$CREDENTIALS_DIRECTORY/name`
or from a command in the config (`name_command`); never from an argument. The keystore's password
is taken from the plain environment last of all: every child process and crash report sees that.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import platformdirs

from mayhouse_cli.config import readers
from mayhouse_cli.config.effective import Config, DeferredSecret, is_bare_address
from mayhouse_cli.config.secret_sources import (
    check_command,
    read_credential,
    read_secret_file,
    run_secret_command,
)
from mayhouse_cli.config.setting import Setting
from mayhouse_cli.config.settings import BY_KEY, CONFIG_NAME, SETTINGS
from mayhouse_cli.errors import ConfigurationError, CredentialsError, WrongUsage
from mayhouse_cli.private_files import why_not_private
from mayhouse_cli.redaction import secrets_of_this_process


class _Found(NamedTuple):
    """A setting's text, or how to get it when it is used, and where it stands."""

    text: str | Callable[[], str]
    origin: str
    folder: Path
    """Where a relative path starts: in a file at the file's folder, else where we are."""


# A private key pasted into the wrong place must not be quoted back.
_KEY_LIKE: Final = re.compile(r"[0-9a-fA-F]{60,}")


class _Table(NamedTuple):
    """A config file's content, and why no secret may be taken from it, with the remedy."""

    path: Path
    content: Mapping[str, Any]
    problem: tuple[str, str] | None


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
    files = config_files(named, env, here)
    tables = [_read_table(path) for path in files]
    folder = files[0].resolve().parent if files else here
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        found = _find(setting, options or {}, env, here, tables)
        if found is not None:
            values[setting.key] = _value(setting, found)
            origins[setting.key] = found.origin
    return Config(values, origins, folder, files[0] if files else None, files)


def check_values(texts: Mapping[str, str], folder: Path, origin: str) -> Config:
    """Read settings that are to be written to `folder`/config.toml, as that file would be."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        text = texts.get(setting.key, setting.default)
        if text is not None:
            origins[setting.key] = origin if setting.key in texts else "default"
            found = _Found(text, origins[setting.key], folder)
            values[setting.key] = _value(setting, found)
    return Config(values, origins, folder, folder / CONFIG_NAME)


def config_files(
    named: Path | None, environment: Mapping[str, str], here: Path
) -> tuple[Path, ...]:
    """The config files that count, the first one most; a named one must be there."""
    if named is None and environment.get("MAYHOUSE_CONFIG"):
        named = here / environment["MAYHOUSE_CONFIG"]
    if named is None:
        return tuple(path for path in (here / CONFIG_NAME, user_config_file()) if path.is_file())
    if not named.is_file():
        raise ConfigurationError(
            f"There is no config file {named}",
            hint="Check --config and MAYHOUSE_CONFIG; `mayhouse init` writes a file.",
        )
    return (named,)


def _read_table(path: Path) -> _Table:
    try:
        with path.open("rb") as file:
            problem = why_not_private(os.fstat(file.fileno()), path)
            # Editors on Windows put a byte order mark in front.
            table = tomllib.loads(file.read().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="Check that this user may read it."
        ) from None
    except (ValueError, RecursionError) as error:
        # The parser's message holds a position and perhaps a key, not a value.
        reason = error if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise ConfigurationError(
            f"{path} is not valid TOML: {reason}", hint="Compare it with config.example.toml."
        ) from None
    for key in table:
        _check_known(key, path)
    return _Table(path, table, problem)


def _check_known(key: str, path: Path) -> None:
    known = [name for setting in SETTINGS for name in setting.names_in_file]
    if key in known:
        return
    if key in BY_KEY:
        raise ConfigurationError(
            f"{path}: {key} must not stand in a config file",
            hint=f"Use {key}_file or {key}_command, or {BY_KEY[key].environment_name}.",
        )
    near = get_close_matches(key, known, n=1)
    raise ConfigurationError(
        f"{path}: unknown key {key}",
        hint=f"Did you mean {near[0]}?" if near else "See config.example.toml for all keys.",
    )


def _find(
    setting: Setting,
    options: Mapping[str, str],
    env: Mapping[str, str],
    here: Path,
    tables: list[_Table],
) -> _Found | None:
    if setting.key in options:
        return _Found(options[setting.key], "option", here)
    told = _in_environment(setting, env, here)
    if told and not setting.environment_last:
        return told
    named = _in_named_file(setting, env, here) if setting.secret else None
    kept = _in_credentials(setting, env, here) if setting.secret else None
    written = next((found for table in tables if (found := _in_table(setting, table))), None)
    places = (named, written, kept, told) if setting.environment_last else (named, kept, written)
    if found := next(filter(None, places), None):
        return found
    return _Found(setting.default, "default", here) if setting.default is not None else None


def _in_environment(setting: Setting, env: Mapping[str, str], here: Path) -> _Found | None:
    text = env.get(setting.environment_name)
    return _Found(text, f"environment {setting.environment_name}", here) if text else None


def _in_named_file(setting: Setting, env: Mapping[str, str], here: Path) -> _Found | None:
    variable = f"{setting.environment_name}_FILE"
    if not env.get(variable):
        return None
    path = here / env[variable]
    return _Found(partial(read_secret_file, path), f"file from {variable}", here)


def _in_credentials(setting: Setting, env: Mapping[str, str], here: Path) -> _Found | None:
    if not env.get("CREDENTIALS_DIRECTORY"):
        return None
    path = here / env["CREDENTIALS_DIRECTORY"] / setting.key
    if not path.is_file():
        return None
    return _Found(partial(read_credential, path), "credentials directory", here)


def _in_table(setting: Setting, source: _Table) -> _Found | None:
    path, table, problem = source
    folder = path.resolve().parent
    if setting.key in table:
        text = _as_text(table[setting.key], setting.key, path)
        refused = setting.secret and problem is not None and not is_bare_address(text)
        return _Found(partial(_refuse, source) if refused else text, str(path), folder)
    if not setting.secret:
        return None
    if (name := f"{setting.key}_file") in table:
        secret = _absolute(_as_text(table[name], name, path), folder, f"{name} ({path})")
        return _Found(partial(read_secret_file, Path(secret)), f"{path} ({name})", folder)
    if (name := f"{setting.key}_command") in table:
        command = check_command(table[name], name, path)
        run = partial(run_secret_command, command, name, path)
        return _Found(run, f"{path} ({name})", folder)
    return None


def _refuse(source: _Table) -> str:
    """Raised when the secret is used, so that `doctor` and what needs no secret still run."""
    reason, remedy = source.problem or ("", "")
    raise CredentialsError(f"The config file {source.path} holds secrets and {reason}", hint=remedy)


def _as_text(value: object, key: str, path: Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:#x}" if value.bit_length() > 256 else str(value)  # noqa: PLR2004 any amount
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, datetime):
        return value.isoformat()
    hint = "Amounts stand in quotes, so that none is rounded." if isinstance(value, float) else None
    raise ConfigurationError(
        f"{path}: {key} cannot be a {type(value).__name__}", hint=hint or "Write it as text."
    )


def _value(setting: Setting, found: _Found) -> Any:  # noqa: ANN401 settings are of many types
    if isinstance(fetch := found.text, str):
        return _read(setting, fetch, found)
    return DeferredSecret(lambda: _read(setting, fetch(), found))


def _read(setting: Setting, text: str, found: _Found) -> Any:  # noqa: ANN401 settings are of many types
    shown = f"{setting.key} ({found.origin})"
    if setting.secret:
        secrets_of_this_process.learn([text])
    try:
        value = setting.read(text if setting.verbatim else text.strip())
    except WrongUsage as error:
        reason = _KEY_LIKE.sub("[hidden]", error.message)
        raise ConfigurationError(f"{shown}: {reason}", hint=error.hint) from None
    except ValueError as error:
        reason = _KEY_LIKE.sub("[hidden]", str(error))
        raise ConfigurationError(
            f"{shown} is wrong: {reason}", hint="See config.example.toml for how to write it."
        ) from None
    return _absolute(value, found.folder, shown) if setting.read is readers.path else value


def _absolute(written: str, folder: Path, shown: str) -> str:
    if written == "system":  # libpq's word for the authorities of the operating system
        return written
    try:
        return str(folder / Path(written).expanduser())
    except RuntimeError:
        raise ConfigurationError(
            f"{shown}: there is no such home folder: {written}", hint="Write the path whole."
        ) from None
