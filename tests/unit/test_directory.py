"""The directory of commands: what it says of each without loading it, held against the command."""

from inspect import cleandoc
from pathlib import Path

import pytest

from mayhouse_cli import commands
from mayhouse_cli.commands.directory import ENTRIES, load

HERE = Path(commands.__path__[0])


@pytest.mark.parametrize("name", ENTRIES)
def test_the_help_page_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    """The line is written twice, so that no command has to be loaded for it."""
    first_paragraph = cleandoc(load(name).help).split("\n\n")[0]
    assert " ".join(first_paragraph.split()) == ENTRIES[name].summary


def test_every_command_can_be_reached() -> None:
    """A file that registers commands is named by an entry or by the file of its group."""
    named = {file for entry in ENTRIES.values() for file in entry.files}
    for path in HERE.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.stem != "directory" and ("\n@command(" in text or "\ndef register(" in text):
            registered = [one for one in named if f"{path.stem}.register(" in source_of(one)]
            assert path.stem in named or registered, path.name


def source_of(file: str) -> str:
    """The text of a command's file."""
    return (HERE / f"{file}.py").read_text(encoding="utf-8")
