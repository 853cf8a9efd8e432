"""What is thrown at the command line: lines made of its own commands and options."""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer.main
from hypothesis import strategies as st
from typer.core import TyperCommand, TyperGroup

from mayhouse_cli.cli import app
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
    "0x", "0x0", "0xg", "1_000", "\uff11\uff12", "\u0663",
    "0.1", "0,1", ".5", "5.", "1" * 30, "9" * 5_000,
    str(2**31), str(2**63), str(2**63 - 1), str(2**256), "-9" * 40, "true", "null", "None",
    "\0", "a\0b", "\n", "a\nb", "\r", "\t", "\x1b[31mred\x1b[0m", "\x7f", "\x85", "\u2028",
    "\u202e", "\ufeff", "\ud800", "\udcff", "é" * 300, "😀", "[bold]x[/bold]", "[/]", "{}", "%s",
    "%n", "{0}", "$HOME", "~", "~nobody", "*", "'; DROP TABLE users; --", "A" * 100_000,
    "00000000-0000-0000-0000-000000000000", "2026-11-28T18:00", "2026-02-30T00:00Z",
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00+23:59", "10000-01-01T00:00Z", "99999999d",
    "1h", "-1h", "0s", "1.5d", "0x" + "f" * 40, "0x" + "0" * 40, "0x" + "F" * 39 + "g",
    "--json", "--help", "-qv", "--config", "--nonsense", "--seats=", "--seats=x", "-y=1",
)  # fmt: skip
# Paths are named one by one, all below the case's folder: whoever runs the tests may be root.
PATHS: Final = ("", ".", "no-such-file", "no/such/file", "config.toml", "input.csv", "folder",
                "config.toml/x", "x" * 300, "\0", "new.prom", "é.csv", "-")  # fmt: skip
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
ODD: Final = st.one_of(
    st.sampled_from(NASTY), st.sampled_from(NASTY), _TEXT, st.integers().map(str)
)


@st.composite
def mostly(
    draw: st.DrawFn, times: int, usual: st.SearchStrategy[Any], strange: st.SearchStrategy[Any]
) -> Any:  # noqa: ANN401 as drawn
    """So many usual ones for a strange one; `one_of` would count equal branches once."""
    return draw(strange if draw(st.sampled_from((False,) * times + (True,))) else usual)


@cache
def values_of(name: str, kind: type[Any]) -> st.SearchStrategy[str]:
    """Values of one parameter: of its type, beyond its bounds, and of no type at all."""
    if name == "timeout":
        return st.sampled_from(SECONDS)
    if kind is Path:
        return st.sampled_from(PATHS)
    choices = tuple(str(one.value) for one in kind) if issubclass(kind, Enum) else ()
    usual = PLAUSIBLE.get(name, ("1",)) + choices
    return mostly(4, st.sampled_from(usual), ODD)


@st.composite
def command_lines(draw: st.DrawFn, *, real: bool = False) -> Words:
    """A command with some of its parameters, and then perhaps something done to it."""
    leaves = [one for one in commands() if not (real and ENDS_ALL & {*one[0]})]
    path, parameters = draw(st.sampled_from(leaves))
    options = [one for one in parameters if one.param_type_name == "option" and not one.required]
    chosen = [one for one in parameters if one not in options]
    chosen += draw(st.lists(st.sampled_from(options), max_size=3))
    words = [*path]
    for parameter in chosen:
        named = parameter.param_type_name == "option"
        if named:
            words.append(draw(st.sampled_from(parameter.opts)))
        if not (named and parameter.is_flag):
            words.append(draw(values_of(parameter.name, parameter.type_descriptor.annotation)))
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 0, 1, 1, 2)))):
        _mutate(words, draw)
    return tuple(words)


def _mutate(words: list[str], draw: st.DrawFn) -> None:
    place = draw(st.integers(0, len(words)))
    how = draw(st.sampled_from(("drop", "put", "change", "repeat", "cut")))
    if how == "put" or place == len(words):
        words.insert(place, draw(ODD))
    elif how == "drop":
        del words[place]
    elif how == "change":
        words[place] = draw(ODD)
    elif how == "repeat":
        words.insert(place, words[place])
    else:
        words[place] = words[place][: draw(st.integers(0, 3))]


def line_cases(*, real: bool = False) -> st.SearchStrategy[Case]:
    """Command lines, for a person or for a script."""
    return st.builds(Case, command_lines(real=real), as_json=st.booleans())
