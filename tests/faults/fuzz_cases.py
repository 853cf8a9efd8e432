"""What is thrown at the command line: lines made of its own commands and options, and files."""

import os
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

import tomli_w
import typer.main
from hypothesis import strategies as st
from typer.core import TyperCommand, TyperGroup

from mayhouse_cli.cli import app
from mayhouse_cli.config import SETTINGS
from tests.faults.fuzzing import Case
from tests.mayhouse import ASHA, EXPERIENCE_ID, HOST_ID

Words = tuple[str, ...]
Leaf = tuple[Words, tuple[Any, ...]]
"""A command's words, and its parameters as Typer has them."""

# They start servers, or play a whole story; a case has a tenth of a second for the network.
NEVER: Final[frozenset[Words]] = frozenset({("demo",), ("sandbox", "up"), ("sandbox", "reset")})
# Of what stands on the shared platform they would take the rest of the cases away.
ENDS_ALL: Final = frozenset({"freeze", "rotate", "sandbox", "set-fee", "set-stake", "withdraw"})

NASTY: Final = (
    "", " ", "-", "--", "---", "-1", "0", "-0", "1e9", "1e-19", "1e400", "NaN", "inf", "-inf",
    "0x", "0x0", "0xg", "1_000", "１２", "٣", "0.1", "0,1", ".5", "5.", "1" * 30, "9" * 5_000,
    str(2**31), str(2**63), str(2**63 - 1), str(2**256), "-9" * 40, "true", "null", "None",
    "\0", "a\0b", "\n", "a\nb", "\r", "\t", "\x1b[31mred\x1b[0m", "\x7f", "\x85", "\u2028",
    "\u202e", "\ufeff", "\ud800", "\udcff", "é" * 300, "😀", "[bold]x[/bold]", "[/]", "{}", "%s",
    "%n", "{0}", "$HOME", "~", "~nobody", "*", "'; DROP TABLE users; --", "A" * 100_000,
    "00000000-0000-0000-0000-000000000000", "2026-11-28T18:00", "2026-02-30T00:00Z",
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00+23:59", "10000-01-01T00:00Z", "99999999d",
    "1h", "-1h", "0s", "1.5d", "0x" + "f" * 40, "0x" + "0" * 40, "0x" + "F" * 39 + "g",
    "--json", "--help", "-qv", "--config", "--nonsense", "--seats=", "--seats=x", "-y=1",
)  # fmt: skip
# Paths are named one by one: nothing may be written outside of the case's folder.
PATHS: Final = ("", ".", "no-such-file", "no/such/file", "config.toml", "input.csv", "/dev/null",
                "/dev/null/x", "x" * 300, "\0", "new.prom", "é.csv", "-")  # fmt: skip
PLAUSIBLE: Final = {
    "event": ("1", "2", "99"),
    "booking": ("1", "7"),
    "seats": ("1", "4"),
    "price_inr": ("2500", "2500.50"),
    "price": ("200000",),
    "experience": (EXPERIENCE_ID,),
    "traveler": (ASHA,),
    "host_wallet": ("0x70997970C51812dc3A010C7d01b50e0d17dc79C8",),
    "starts_at": ("2027-11-28T18:00+05:30",),
    "reason": ("rain",),
    "by": ("1d",),
    "percent": ("5",),
    "to": (HOST_ID,),
    "max_fee": ("200",),
    "timeout": ("0.1", "0.2"),
}
SECONDS: Final = ("0", "-1", "0.1", "0.05", "1e9", "NaN", "inf", "x", "")


@cache
def commands() -> tuple[Leaf, ...]:
    """Every command that can be run here, out of the command line itself."""

    def below(one: object, path: Words) -> Iterator[Leaf]:
        if isinstance(one, TyperGroup):
            for name, child in one.commands.items():
                yield from below(child, (*path, name))
        elif path not in NEVER:
            assert isinstance(one, TyperCommand)
            yield path, tuple(one.params)

    return tuple(below(typer.main.get_command(app), ()))


# --- values ------------------------------------------------------------------------------------

_TEXT: Final = st.text(
    st.characters(exclude_characters="/"), max_size=30
)  # without a codec, surrogates are among them
_ODD: Final = st.one_of(st.sampled_from(NASTY), st.sampled_from(NASTY), _TEXT, st.integers().map(str))


@cache
def values_of(name: str, kind: type[Any]) -> st.SearchStrategy[str]:
    """Values of one parameter: of its type, beyond its bounds, and of no type at all."""
    if name == "timeout":
        return st.sampled_from(SECONDS)
    if kind is Path:
        return st.sampled_from(PATHS)
    choices = tuple(str(one.value) for one in kind) if issubclass(kind, Enum) else ()
    usual = PLAUSIBLE.get(name, ("1",)) + choices
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), _ODD)


@st.composite
def command_lines(draw: st.DrawFn, *, real: bool = False) -> Words:
    """A command with some of its parameters, and then perhaps something done to it."""
    leaves = [one for one in commands() if not (real and ENDS_ALL & {*one[0]})]
    path, parameters = draw(st.sampled_from(leaves))
    options = [one for one in parameters if one.param_type_name == "option" and not one.required]
    chosen = [one for one in parameters if one not in options]
    chosen += draw(st.lists(st.sampled_from(options), max_size=4))
    words = [*path]
    for parameter in chosen:
        named = parameter.param_type_name == "option"
        if named:
            words.append(draw(st.sampled_from(parameter.opts)))
        if not (named and parameter.is_flag):
            words.append(draw(values_of(parameter.name, parameter.type_descriptor.annotation)))
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2)))):
        _mutate(words, draw)
    return tuple(words)


def _mutate(words: list[str], draw: st.DrawFn) -> None:
    place = draw(st.integers(0, len(words)))
    how = draw(st.sampled_from(("drop", "put", "change", "repeat", "cut")))
    if how == "put" or place == len(words):
        words.insert(place, draw(_ODD))
    elif how == "drop":
        del words[place]
    elif how == "change":
        words[place] = draw(_ODD)
    elif how == "repeat":
        words.insert(place, words[place])
    else:
        words[place] = words[place][: draw(st.integers(0, 3))]


def line_cases(*, real: bool = False) -> st.SearchStrategy[Case]:
    """Command lines, for a person or for a script."""
    return st.builds(Case, command_lines(real=real), as_json=st.booleans())


# --- config files --------------------------------------------------------------------------------

_NAMES: Final = tuple(name for one in SETTINGS for name in one.names_in_file)
_PLAIN: Final = st.one_of(
    st.sampled_from(tuple(one for one in NASTY if one.isprintable() and "\ud800" not in one)),
    st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
)
_VALUES: Final = st.one_of(
    _PLAIN, st.lists(_PLAIN, max_size=3), st.dictionaries(st.sampled_from(_NAMES), _PLAIN)
)
# A command of the configuration is run: these do nothing, or cannot.
_COMMANDS: Final = st.sampled_from(
    (["true"], ["false"], ["/dev/null"], [], "true", 1, [1], ["no-such-program"], [["true"]])
)
_GOOD: Final = tuple(
    {one.key: one.default or one.example for one in SETTINGS if one.file_allowed}.items()
)
_READERS: Final[tuple[Words, ...]] = (
    ("config", "show"),
    ("config", "path"),
    ("rate", "show"),
    ("event", "list"),
    ("balance", "check"),
    ("wallet", "show"),
    ("event", "create", "1", "-y"),
    ("doctor", "--offline"),
    ("migrate", "--check"),
    ("--config", "config.toml", "config", "show"),
)


@st.composite
def config_texts(draw: st.DrawFn) -> bytes:
    """A config file: some good lines, wrong types, unknown keys; then perhaps broken."""
    content: dict[str, Any] = dict(draw(st.lists(st.sampled_from(_GOOD), max_size=3)))
    for key in draw(st.lists(st.sampled_from(_NAMES), max_size=3)):
        content[key] = draw(_COMMANDS if key.endswith("_command") else _VALUES)
    if draw(st.integers(0, 3)) == 0:
        content[draw(st.sampled_from(_NAMES))[:-1] + "z"] = draw(_PLAIN)
    text = tomli_w.dumps({key: value for key, value in content.items() if value is not None})
    raw = text.encode("utf-8", errors="surrogatepass")
    return _break(raw, draw) if draw(st.booleans()) else raw


def _break(raw: bytes, draw: st.DrawFn) -> bytes:
    place = draw(st.integers(0, len(raw)))
    what = draw(st.sampled_from((b"", b"\xff\xfe", b"\0", b"[[", b'"', b"=", b"\n", b"\xc3", b"x=1\n" * 3,
                                 b"\xef\xbb\xbf", b"a." * 2_000, b"[" * 2_000, b"# " * 100_000)))  # fmt: skip
    return raw[:place] + what + raw[place + draw(st.integers(0, 3)) :]


def config_cases() -> st.SearchStrategy[Case]:
    """Config files in the folder, and commands that read them."""
    files = st.one_of(config_texts(), config_texts(), st.binary(max_size=60))
    return st.builds(
        Case,
        st.sampled_from(_READERS),
        files.map(lambda raw: {"config.toml": raw}),
        as_json=st.booleans(),
    )


# --- environment -----------------------------------------------------------------------------------

_VARIABLES: Final = tuple(
    one.environment_name
    for one in SETTINGS
    if one.key not in ("sandbox", "sandbox_folder") and "COMMAND" not in one.environment_name
)
_AROUND: Final = ("NO_COLOR", "FORCE_COLOR", "CI", "TERM", "COLUMNS", "LANG", "TZ",
                  "XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY", "MAYHOUSE_CONFIG", "USER")  # fmt: skip
_ADDRESSES: Final = (
    "http://127.0.0.1:1", "http://", "http:///x", "https://127.0.0.1:1,http://127.0.0.1:2",
    "http://[::1", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://u:p@127.0.0.1:1/k?k=v",
    "postgresql://127.0.0.1:1/x", "postgresql://u:p%zz@127.0.0.1/x", "postgresql://", "//", ",",
    "postgresql://u@127.0.0.1:1/x?sslmode=bogus", "postgresql://u@/x?host=/dev/null",
)  # fmt: skip


def _can_be_set(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def environment_cases() -> st.SearchStrategy[Case]:
    """Variables with anything in them that a system lets stand there."""
    values = st.one_of(_ODD, st.sampled_from(_ADDRESSES), st.sampled_from(PATHS))
    # A megabyte of a variable is more than a system takes.
    settable = values.filter(_can_be_set)
    env = st.dictionaries(
        st.sampled_from(_VARIABLES + _AROUND), settable, min_size=1, max_size=4
    )
    return st.builds(Case, st.sampled_from(_READERS), env=env, as_json=st.booleans())


# --- lists in files ----------------------------------------------------------------------------------

_CELLS: Final = st.one_of(
    st.sampled_from(("1", "2", ASHA, EXPERIENCE_ID, "yes", "no", "x", "came", "2500", "k-1", "")),
    st.sampled_from(("2027-11-28T18:00+05:30", "=1+1", '"', '""', "a;b", "a,b", "\t")),
    _ODD,
)
_COLUMNS: Final = ("event", "traveler", "seats", "booking", "key", "experience", "price_inr",
                   "starts_at", "attended", "came", "Booking ID", "no_show", "x", "")  # fmt: skip
_IMPORTS: Final[tuple[Words, ...]] = (
    ("booking", "import", "input.csv", "--dry-run"),
    ("event", "import", "input.csv", "--dry-run"),
    ("event", "complete", "1", "--attendance", "input.csv", "--plan"),
    ("event", "complete", "1", "--attendance", "input.csv", "--dry-run"),
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A file with columns and rows, in one of the ways programs write them; perhaps broken."""
    mark = draw(st.sampled_from((",", ";", "\t")))
    rows = [draw(st.lists(st.sampled_from(_COLUMNS), min_size=1, max_size=4))]
    rows += draw(st.lists(st.lists(_CELLS, max_size=5), max_size=4))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    text = end.join(mark.join(row) for row in rows)
    coding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")))
    raw = text.encode(coding, errors="replace")
    return _break(raw, draw) if draw(st.integers(0, 2)) == 0 else raw


def file_cases() -> st.SearchStrategy[Case]:
    """Files of bookings, events and attendance."""
    files = st.one_of(tables(), tables(), tables(), st.binary(max_size=60))
    return st.builds(
        Case,
        st.sampled_from(_IMPORTS),
        files.map(lambda raw: {"input.csv": raw}),
        as_json=st.booleans(),
    )
