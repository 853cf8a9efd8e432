"""The documents as they are written: their shell blocks, tables, links and commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer.main

from mayhouse_cli.cli import app
from mayhouse_cli.commands.directory import ENTRIES, load

ROOT: Final = Path(__file__).parent.parent
DOCUMENTS: Final = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)
FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
STAND_IN: Final = re.compile(r"^<!-- on the sandbox: (\w+) -->$", re.MULTILINE)
SHELL: Final = ("sh", "console")


@dataclass(frozen=True)
class Step:
    """A shell block; or the name of what stands for something a person does elsewhere."""

    line: int
    script: str = ""
    stand_in: str = ""


def steps(document: Path) -> list[Step]:
    """The shell blocks and stand-ins of a document, in order."""
    text = document.read_text(encoding="utf-8")
    found = [
        (block.start(), Step(line_of(text, block.start()), script=_script(*block.group(2, 3))))
        for block in FENCE.finditer(text)
        if block[2] in SHELL
    ]
    found += [
        (note.start(), Step(line_of(text, note.start()), stand_in=note[1]))
        for note in STAND_IN.finditer(text)
    ]
    return [step for _, step in sorted(found, key=lambda one: one[0])]


def _script(language: str, block: str) -> str:
    """What is typed: of a console block the lines behind a prompt, with their continuations."""
    if language == "sh":
        return block
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)
    return "".join(f"{one}\n" for one in typed)


def line_of(text: str, position: int) -> int:
    """The number of the line, as an editor counts."""
    return text.count("\n", 0, position) + 1


def unrun_blocks(document: Path) -> Iterator[str]:
    """The first lines of blocks that look like a shell's and are not run."""
    text = document.read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        if block[2] == "" and re.search(r"^ *(\$ |mayhouse |cd |export )", block[3], re.MULTILINE):
            yield block[3].splitlines()[0]


def prose(document: Path) -> str:
    """A document without its blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def command_lines(document: Path) -> list[list[str]]:
    """The words of each command line that is named in the text, from behind `mayhouse` on."""
    inline = re.findall(r"`mayhouse ([a-z][^`]*)`", " ".join(prose(document).split()))
    return [line.replace("\\|", "|").split() for line in inline]


def options_of(words: list[str]) -> set[str] | None:
    """The options of the command that these words begin with; None when there is none such."""
    if words[0] not in ENTRIES:
        return None
    found: Any = load(words[0])  # of Typer's own copy of Click, without types
    verbs = getattr(found, "commands", None)
    if verbs is not None and len(words) > 1 and not words[1].startswith("-"):
        found = verbs.get(words[1])
    if found is None:
        return None
    return {name for one in found.params for name in (*one.opts, *one.secondary_opts)}


def every_command() -> set[str]:
    """Every command of the installed program, as it is typed."""
    names: set[str] = set()
    top: Any = typer.main.get_command(app)
    for name in top.commands:
        found: Any = load(name)
        verbs = getattr(found, "commands", None)
        names |= {name} if verbs is None else {f"{name} {verb}" for verb in verbs}
    return names


def anchors(document: Path) -> set[str]:
    """What a link behind a # can name: headings, as they are shown on the web."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
