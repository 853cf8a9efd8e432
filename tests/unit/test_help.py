"""Every command's help page: one sentence, an example that parses, its exit codes, its options."""

import re
import shlex
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final

import pytest
import typer.main

from mayhouse_cli.cli import app
from mayhouse_cli.commands.directory import ENTRIES, load

PANELS: Final = [None, "A whole file", "Signing", "Common"]
"""In the order of a page: a command's own options come first."""
EXAMPLE = re.compile(r"Example: (mayhouse [^`]+)$", re.DOTALL)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with the words that name it."""
    for name in ENTRIES:
        loaded = load(name)
        verbs = getattr(loaded, "commands", None)
        if verbs is None:
            yield name, loaded
        else:
            yield from ((f"{name} {verb}", command) for verb, command in verbs.items())


ALL: Final = dict(commands())


def paragraphs(words: str) -> list[str]:
    """The help text of a command, without its exit codes."""
    return [" ".join(part.split()) for part in cleandoc(ALL[words].help).split("\n\n")]


@pytest.fixture(params=ALL)
def words(request: pytest.FixtureRequest) -> str:
    """The words that name a command."""
    return str(request.param)


def test_a_page_begins_with_one_sentence(words: str) -> None:
    """A sentence that ends, short enough for a list of commands."""
    sentence = paragraphs(words)[0]
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert len(sentence) <= 90
    assert ". " not in sentence.replace("e.g. ", "")


def test_a_page_has_an_example_that_parses(words: str) -> None:
    """It ends its text, names just this command, and the real parser takes it."""
    found = EXAMPLE.search(paragraphs(words)[-1])
    assert found, "no example"
    typed = shlex.split(found[1])
    assert typed[: 1 + len(words.split())] == ["mayhouse", *words.split()]
    context = typer.main.get_command(app).make_context("mayhouse", typed[1:])
    parse(context)


def parse(context: Any) -> None:  # noqa: ANN401 of Typer's own copy of Click
    """Read a line as a run would, down to the command, and run nothing."""
    while hasattr(context.command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, arguments = context.command.resolve_command(context, rest)
        context = command.make_context(name, arguments, parent=context)


def test_a_page_tells_the_exit_codes(words: str) -> None:
    """Each with its meaning; those of what signs include a transaction's two."""
    epilog = ALL[words].epilog or ""
    assert re.fullmatch(r"Exit codes: 0 [^;]+(; \d+ [^;]+)+\.", epilog)
    codes = [int(code) for code in re.findall(r"(?:: |; )(\d+) ", epilog)]
    assert codes == sorted(set(codes))
    if any(option.name == "dry_run" and option.rich_help_panel for option in ALL[words].params):
        assert {4, 6, 7, 8} <= set(codes)


def test_a_page_groups_its_options(words: str) -> None:
    """The command's own first, then those of signing, then the common ones; each explained."""
    options = [one for one in ALL[words].params if one.param_type_name == "option"]
    order = [PANELS.index(one.rich_help_panel) for one in options]
    assert order == sorted(order)
    assert len(PANELS) - 1 in order
    assert [one.name for one in ALL[words].params if not one.help] == []


def test_the_top_level_lists_every_command() -> None:
    """In the order of its directory."""
    top = typer.main.get_command(app)
    assert list(ENTRIES) == top.list_commands(None)  # type: ignore[attr-defined]


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    """Both for a noun and for a verb."""
    for typed, meant in (("evnt", "event"), ("event shwo", "show")):
        context = typer.main.get_command(app).make_context("mayhouse", typed.split())
        with pytest.raises(typer.TyperException) as caught:
            parse(context)
        assert f"Did you mean '{meant}'?" in caught.value.format_message()
