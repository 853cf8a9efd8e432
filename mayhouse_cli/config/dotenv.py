"""Reading the .env file of an older set-up: data, never a program, and never into a message."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import ConfigurationError

_ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)", re.DOTALL)
# A quoted value may be followed by a comment only.
_DOUBLE_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?', re.DOTALL)
_SINGLE_QUOTED: Final = re.compile(r"'([^']*)'\s*(?:#.*)?", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_VARIABLE: Final = re.compile(r"\$(\{|[A-Za-z_])")


@dataclass(frozen=True)
class DotenvEntry:
    """One assignment of the file."""

    value: str = field(repr=False)
    line: int
    refers_to_variable: bool
    """It holds $NAME, which a shell would replace and this reader does not."""


def read_dotenv(path: Path) -> dict[str, DotenvEntry]:
    """Read a .env file's assignments; ConfigurationError names the line it cannot read.

    A name that is set twice to different values is refused: which one counts differs from
    reader to reader.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(
            f"{path} cannot be read: {reason}", hint="Check the path of --from-env-file."
        ) from None
    entries: dict[str, DotenvEntry] = {}
    # Not splitlines(): it would also break a value at rarer characters.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, entry = _read_line(stripped, number, path)
        before = entries.setdefault(name, entry)
        if before.value != entry.value:
            raise ConfigurationError(
                f"{path} sets {name} twice, in lines {before.line} and {number}",
                hint="Remove the one that does not count.",
            )
    return entries


def _read_line(line: str, number: int, path: Path) -> tuple[str, DotenvEntry]:
    assignment = _ASSIGNMENT.fullmatch(line)
    if assignment is None:
        raise ConfigurationError(
            f"{path}, line {number}: not NAME=value", hint="Correct it, or make it a comment (#)."
        )
    name, raw = assignment[1], assignment[2]
    if raw[:1] not in ("'", '"'):
        value = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
        return name, DotenvEntry(value, number, bool(_VARIABLE.search(value)))
    quoted = (_SINGLE_QUOTED if raw[0] == "'" else _DOUBLE_QUOTED).fullmatch(raw)
    if quoted is None:
        raise ConfigurationError(
            f"{path}, line {number}: the quotes around the value of {name} do not match",
            hint="A value stands on one line, between two quotes of the same kind.",
        )
    if raw[0] == "'":
        return name, DotenvEntry(quoted[1], number, refers_to_variable=False)
    refers = bool(_VARIABLE.search(re.sub(r"\\.", "", quoted[1])))
    value = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), quoted[1])
    return name, DotenvEntry(value, number, refers)
