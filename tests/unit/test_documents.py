"""What the documents name is there: commands, options, files, layers, pictures."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from mayhouse_cli.config import SETTINGS
from mayhouse_cli.errors import MayhouseError
from tests.documents import (
    DOCUMENTS,
    ROOT,
    anchors,
    command_lines,
    every_command,
    options_of,
    prose,
    unrun_blocks,
)

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE: Final = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE: Final = ROOT / "mayhouse_cli"
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Settings that a document may name beside those of the table: they are the process's own.
OTHER_VARIABLES: Final = {"MAYHOUSE_CONFIG", "MAYHOUSE_SANDBOX", "MAYHOUSE_ANVIL"}


def by_name(document: Path) -> str:
    """The id of a test of one document."""
    return document.name


def first_column(text: str, heading: str) -> list[str]:
    """The first cells of the table whose first heading this is."""
    table = re.search(
        rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE
    )
    assert table, f"no table begins with {heading}"
    return re.findall(r"^\| (.*?) \| ", table[1], re.MULTILINE)


# --- commands ---------------------------------------------------------------------------


def test_the_readme_lists_every_command_and_no_other() -> None:
    """Its table against the program's own tree of commands."""
    listed = []
    for cell in first_column(README, "command"):
        for named in re.findall(r"`mayhouse ([^`]+)`", cell):
            group, _, verbs = named.partition(" ")
            listed += [f"{group} {verb}".strip() for verb in verbs.split("\\|")]
    assert len(listed) == len(set(listed))
    assert set(listed) == every_command()


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_a_document_names_commands_and_options_that_there_are(document: Path) -> None:
    """Nobody types a line of it in vain."""
    wrong = []
    for words in command_lines(document):
        verbs = words[1].split("|") if len(words) > 1 and "|" in words[1] else words[1:2]
        for verb in verbs or [""]:
            known = options_of([words[0], *([verb] if re.fullmatch(r"[a-z-]+", verb) else [])])
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            if known is None or not options - {"--help"} <= known:
                wrong.append(" ".join(words))
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_no_shell_block_escapes_its_run(document: Path) -> None:
    """A block with commands says that it is a shell's; docs/operations.md has tests of its own."""
    if document.name != "operations.md":
        assert list(unrun_blocks(document)) == []


def test_the_readmes_make_targets_are_there() -> None:
    """And those of the other documents."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= targets, document.name


def test_the_readmes_exit_codes_are_those_of_the_errors() -> None:
    """The table has a row for each code that an error can end with."""
    cells = first_column(README, "code")
    told = {int(code) for cell in cells for code in cell.split(",")}
    pending, codes = [MayhouseError], {0}
    while pending:
        one = pending.pop()
        pending += one.__subclasses__()
        codes.add(one.exit_code)
    assert told == codes


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_a_document_names_variables_that_are_read(document: Path) -> None:
    """A variable of the environment that is misspelt is silently ignored."""
    known = {setting.environment_name for setting in SETTINGS} | OTHER_VARIABLES
    named = set(re.findall(r"\bMAYHOUSE_[A-Z_]+\b", prose(document)))
    assert {name.removesuffix("_FILE") for name in named} <= known


# --- files ------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_links_lead_somewhere(document: Path) -> None:
    """To a file of the repository, and to a heading that it has."""
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_can_be_found_from_the_readme() -> None:
    """A page that nothing leads to is not read."""
    pages = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert [name for name in pages if f"(docs/{name})" not in README] == []


def test_every_picture_is_shown_and_loads_nothing() -> None:
    """Pictures that no document shows are old; one that loads something tells who reads it."""
    pictures = sorted((ROOT / "docs/pictures").glob("*.svg"))
    shown = set(re.findall(r"\]\(docs/pictures/([\w.]+)\)", README))
    assert {path.name for path in pictures} == shown
    for path in pictures:
        drawn = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|href|/tmp/|/home/", drawn), path.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_files_of_the_code_that_a_document_names_are_there(document: Path) -> None:
    """`operations/payouts.py` and the like, from the package on or from the top."""
    for name in re.findall(r"`([\w./]+\.(?:py|sql|sh|toml))`", prose(document)):
        places = (ROOT / name, PACKAGE / name, *PACKAGE.glob(f"*/{name}"))
        assert name.endswith("config.toml") or any(path.exists() for path in places), name


# --- the map ----------------------------------------------------------------------------


def layers() -> list[list[str]]:
    """The layers of the contract that `make lint` checks, from the top."""
    (contract,) = (
        one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    )
    return [layer.split(" | ") for layer in contract["layers"]]


def test_the_drawing_shows_the_layers_of_the_import_contract() -> None:
    """In their order, each pointing at the next, and nothing else."""
    (drawing,) = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    titles: dict[str, str] = dict(re.findall(r'(\w+)\["(.*?)"\]', drawing))
    arrows: dict[str, str] = dict(re.findall(r"(\w+)(?:\[.*?\])? --> (\w+)", drawing))
    assert len(arrows) == drawing.count("-->") == len(titles) - 1
    (top,) = set(arrows) - set(arrows.values())
    drawn = [top]
    while drawn[-1] in arrows:
        drawn.append(arrows[drawn[-1]])
    assert [titles[node].split(" · ") for node in drawn] == layers()


def test_the_map_explains_every_file_and_folder_in_the_order_of_the_layers() -> None:
    """What is there is on the map, from the top down; what is on the map is there."""
    explained = [cell.strip("`/").removesuffix(".py")
                 for cell in first_column(ARCHITECTURE, "in `mayhouse_cli/`")]  # fmt: skip
    present = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    present |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(explained) == present
    placed = {name: rank for rank, layer in enumerate(layers()) for name in layer}
    ranks = [placed[name] for name in explained]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    """Its first lines orient whoever opens it."""
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert told
    assert len(told.split()) > 2


def test_contributing_names_places_that_there_are() -> None:
    """Every path in it, from the top of the repository."""
    for name in re.findall(r"`((?:mayhouse_cli|tests|sql|docs|tools)/[\w./]*)`", CONTRIBUTING):
        assert (ROOT / name).exists(), name
