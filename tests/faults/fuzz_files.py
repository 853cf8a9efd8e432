"""What is thrown at a command from around it: config files, variables, lists in files."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import tomli_w
from hypothesis import strategies as st

from mayhouse_cli.config import SETTINGS
from tests.faults.fuzz_lines import NASTY, ODD, PATHS, Words, mostly
from tests.faults.fuzzing import Case
from tests.mayhouse import ASHA, BINA, CHITRA, EXPERIENCE_ID

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
    (["true"], ["false"], ["no/such/program"], [], "true", 1, [1], ["no-such-program"], [["true"]])
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


_BREAKS: Final = (
    b"", b"\xff\xfe", b"\0", b"[[", b'"', b"=", b"\n", b"\xc3", b"x=1\n" * 3, b"\xef\xbb\xbf",
    b"a." * 2_000, b"[" * 2_000, b"# " * 100_000,
)  # fmt: skip


def _break(raw: bytes, draw: st.DrawFn) -> bytes:
    place = draw(st.integers(0, len(raw)))
    what = draw(st.sampled_from(_BREAKS))
    return raw[:place] + what + raw[place + draw(st.integers(0, 3)) :]


def config_cases() -> st.SearchStrategy[Case]:
    """Config files in the folder, and commands that read them."""
    files = mostly(3, config_texts(), st.binary(max_size=60))
    return st.builds(
        Case,
        st.sampled_from(_READERS),
        files.map(lambda raw: {"config.toml": raw}),
        as_json=st.booleans(),
    )


# --- environment ---------------------------------------------------------------------------------

_VARIABLES: Final = tuple(
    one.environment_name
    for one in SETTINGS
    if one.key not in ("sandbox", "sandbox_folder") and "COMMAND" not in one.environment_name
)
_AROUND: Final = ("NO_COLOR", "FORCE_COLOR", "CI", "TERM", "COLUMNS", "LANG", "TZ",
                  "XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY", "MAYHOUSE_CONFIG",
                  "USER")  # fmt: skip
_ADDRESSES: Final = (
    "http://127.0.0.1:1", "http://", "http:///x", "https://127.0.0.1:1,http://127.0.0.1:2",
    "http://[::1", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://u:p@127.0.0.1:1/k?k=v",
    "postgresql://127.0.0.1:1/x", "postgresql://u:p%zz@127.0.0.1/x", "postgresql://", "//", ",",
    "postgresql://u@127.0.0.1:1/x?sslmode=bogus", "postgresql://u@/x?host=nowhere",
)  # fmt: skip


def _can_be_set(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def environment_cases() -> st.SearchStrategy[Case]:
    """Variables with anything in them that a system lets stand there."""
    values = st.one_of(ODD, st.sampled_from(_ADDRESSES), st.sampled_from(PATHS))
    # A megabyte of a variable is more than a system takes.
    settable = values.filter(_can_be_set)
    env = st.dictionaries(st.sampled_from(_VARIABLES + _AROUND), settable, min_size=1, max_size=4)
    return st.builds(Case, st.sampled_from(_READERS), env=env, as_json=st.booleans())


# --- lists in files ------------------------------------------------------------------------------

_CELLS: Final[Mapping[str, Words]] = {
    "event": ("1", "1", "1", "1", "1", "99"),
    "traveler": (ASHA, BINA, CHITRA),
    "seats": ("1", "1", "1", "2", "4"),
    "key": ("k-1", "k-2", "k-3", "k-4", ""),
    "experience": (EXPERIENCE_ID,),
    "price_inr": ("2500", "2500.50", "2500", "2500", "0"),
    "starts_at": (*["2027-11-28T18:00+05:30"] * 5, "2020-01-01T00:00Z", "2027-11-28T18:00"),
    "booking": ("1", "2"),
    "attended": ("yes", "no", "came", ""),
}
_STRANGE: Final = st.one_of(st.sampled_from(("=1+1", '"', '""', "a;b", "a,b", "\t", "")), ODD)
_IMPORTS: Final[tuple[tuple[Words, Words], ...]] = (
    (("booking", "import", "input.csv", "--dry-run"), ("event", "traveler", "seats", "key")),
    (
        ("event", "create", "--from", "input.csv", "--dry-run"),
        ("experience", "price_inr", "seats", "starts_at"),
    ),
    (("event", "complete", "1", "--attendance", "input.csv", "--plan"), ("booking", "attended")),
    (("event", "complete", "1", "--attendance", "input.csv", "--dry-run"), ("booking", "attended")),
)


@st.composite
def _tables(draw: st.DrawFn, columns: Words) -> bytes:
    """A file with columns and rows, in one of the ways programs write them; perhaps broken."""
    rows = [[draw(_cell(column)) for column in columns] for _ in range(draw(st.integers(0, 4)))]
    names = [*columns]
    if draw(st.integers(0, 4)) == 0:
        names[draw(st.integers(0, len(names) - 1))] = draw(_STRANGE)
    mark = draw(st.sampled_from((",", ";", "\t")))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    text = end.join(mark.join(row) for row in [names, *rows])
    coding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")))
    raw = text.encode(coding, errors="replace")
    return _break(raw, draw) if draw(st.integers(0, 4)) == 0 else raw


@cache
def _cell(column: str) -> st.SearchStrategy[str]:
    return mostly(20, st.sampled_from(_CELLS[column]), _STRANGE)


@st.composite
def file_cases(draw: st.DrawFn) -> Case:
    """Files of bookings, events and attendance."""
    words, columns = draw(st.sampled_from(_IMPORTS))
    files = mostly(8, _tables(columns), st.binary(max_size=60))
    return Case(words, {"input.csv": draw(files)}, as_json=draw(st.booleans()))
