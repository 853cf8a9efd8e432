"""Writing a config file: every key with its meaning, those that are known set, private at once."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Final

import tomli_w

from mayhouse_cli.config import readers
from mayhouse_cli.config.setting import Setting
from mayhouse_cli.config.settings import BY_KEY, GROUPS
from mayhouse_cli.errors import ConfigurationError, Refused
from mayhouse_cli.private_files import write_new, write_over

_WIDTH: Final = 96
_INTRODUCTION: Final = """
The configuration of mayhouse: every key, what it means, its default, and the environment
variable that sets it instead. A line that begins with # and a key sets nothing: take the # away.

What counts first: an option, the environment, ./config.toml, the user's own config.toml
(`mayhouse config path` tells where), the default. A file named by --config or MAYHOUSE_CONFIG
counts alone, instead of the two.

A secret need not be written here. NAME_file is the path of a file that holds it (from this
file's folder on), NAME_command a command that prints it, as a list of words and run without a
shell. In the environment, VARIABLE_FILE names such a file, and a file called NAME in
$CREDENTIALS_DIRECTORY is found by itself. A file that holds a secret, this one included, must be
its owner's alone (chmod 600), or the secret is refused. The keystore's password is looked for in
that order: a file, a command, the credentials, and the plain environment last.

Amounts stand in quotes, so that none is rounded.
"""


def example_toml(values: Mapping[str, str] | None = None) -> str:
    """Give the text of a config file that explains every key, with those in `values` set."""
    known = values or {}
    lines = [f"# {line}".rstrip() for line in _INTRODUCTION.strip().split("\n")]
    for title, settings in GROUPS.items():
        lines += ["", "", f"# --- {title} ---"]
        for setting in settings:
            lines += ["", *_comment(setting.summary), *_comment(_facts(setting))]
            lines += _assignments(setting, known.get(setting.key))
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    # A link or command is not broken in two.
    wrapped = wrap(text, _WIDTH - 2, break_on_hyphens=False, break_long_words=False)
    return [f"# {line}" for line in wrapped]


def _facts(setting: Setting) -> str:
    unit = f" {setting.unit}" if setting.unit else ""
    if setting.default is not None:
        default = f"Default: {setting.default}{unit}."
    else:
        default = f"Unset: {setting.otherwise}." if setting.otherwise else "No default."
        default += f" In {setting.unit}." if setting.unit else ""
    secret = " Secret." if setting.secret else ""
    return f"{default} Environment: {setting.environment_name}.{secret}"


def _assignments(setting: Setting, value: str | None) -> list[str]:
    if value is not None:
        return [_assignment(setting, value)]
    shown = setting.default if setting.default is not None else setting.example
    lines = [f"#{_assignment(setting, shown)}"] if setting.file_allowed else []
    if setting.secret:
        name = setting.key
        lines.append(f'#{name}_file = "/run/secrets/{name}"')
        lines.append(f'#{name}_command = ["pass", "show", "mayhouse/{name}"]')
    return lines


def _assignment(setting: Setting, text: str) -> str:
    value: str | int | bool | list[str] = text
    if setting.read is readers.positive:
        value = readers.positive(text)
    elif setting.read is readers.flag:
        value = readers.flag(text)
    elif setting.read is readers.web_addresses and "," in text:
        value = list(readers.web_addresses(text))
    return tomli_w.dumps({setting.key: value}).strip()


def write_config(path: Path, values: Mapping[str, str]) -> None:
    """Write a new config file with these settings, readable by its owner alone.

    Refused when the file is there already, ConfigurationError when it cannot be written; in
    both cases nothing has changed.
    """
    text = example_toml(values)
    if set(tomllib.loads(text)) != set(values):
        raise ConfigurationError(f"{path} would not hold what was given; nothing was written")
    try:
        taken = not write_new(path, text.encode())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", hint="Check the folder."
        ) from None
    if taken:
        raise Refused(
            f"There is a file {path} already",
            hint="Edit it, move it away, or name another with --config.",
        )


def changed_toml(text: str, path: Path, values: Mapping[str, str]) -> str:
    """Give a config file's text with these settings changed and all else as it stood.

    ConfigurationError when it is not written so that this can be done line by line.
    """
    before = tomllib.loads(text)
    changed = text
    for key, value in values.items():
        line = _assignment(BY_KEY[key], value)
        active, explained = (rf"(?m)^{mark}{key}[ \t]*=.*$" for mark in ("", "#"))
        pattern = active if key in before else explained
        changed, times = re.subn(pattern, line.replace("\\", r"\\"), changed, count=1)
        if not times:
            changed = f"{changed.rstrip()}\n\n{line}\n"
    try:
        readable = tomllib.loads(changed) == {**before, **values}
    except tomllib.TOMLDecodeError:
        readable = False
    if not readable:
        raise ConfigurationError(
            f"{path} cannot be changed line by line",
            hint=f"Write {', '.join(values)} as lines of their own, then run it again.",
        )
    return changed


def change_config(path: Path, values: Mapping[str, str]) -> None:
    """Change settings of a config file, which is there whole before and after.

    ConfigurationError when it cannot be read, changed or written.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        changed = changed_toml(text, path, values)
        if changed != text:
            write_over(path, changed.encode())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", hint="Check the file and its folder."
        ) from None
