"""A file of bookings or events to make: its columns by their names, its rows by their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.operations.spreadsheets import (
    SAVE_AS,
    Purpose,
    Row,
    Sheet,
    heading,
    read_sheet,
)

_IMPORT: Final = Purpose("an import", "Check the file's name.", 50_000_000)


@dataclass(frozen=True)
class Columns:
    """The columns that a file may have, by the names that people give them."""

    names: Mapping[str, frozenset[str]]
    enough: tuple[frozenset[str], ...]
    """A file needs all columns of one of these sets."""
    example: str


@dataclass(frozen=True)
class FileRow:
    """A row: its line, and its filled cells by the names of their columns."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class ImportFile:
    """All rows of a file, and what is wrong with it whatever they say."""

    source: str
    rows: tuple[FileRow, ...]
    problems: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]


def named(*words: str, of: Sequence[str] = ("",)) -> frozenset[str]:
    """Every heading that these words make with one of the endings."""
    return frozenset(f"{word} {ending}".strip() for word in words for ending in of)


IDS: Final = ("", "id", "number", "no", "nr")


def read_import_file(path: Path, columns: Columns) -> ImportFile:
    """Read a CSV with the known columns; WrongUsage when it is no such file."""
    sheet = read_sheet(path, lambda cells: _is_enough(_places(cells, columns), columns), _IMPORT)
    if not sheet.rows:
        raise WrongUsage(f"{path} is empty", hint=_first_line(columns))
    header, *rows = sheet.rows
    places = _places(header.cells, columns)
    if not _is_enough(places, columns):
        raise WrongUsage(
            f"{path} lacks a column; line {header.line} is {', '.join(header.cells)[:100]}",
            hint=_first_line(columns),
        )
    twice = [name for name, where in places.items() if len(where) > 1]
    if twice:
        raise WrongUsage(f"{path} has several columns for {twice[0]}", hint="Leave one of them.")
    if not rows and sheet.unreadable_from is None:
        raise WrongUsage(f"{path} has no rows below its header", hint=_first_line(columns))
    return ImportFile(
        source=str(path),
        rows=tuple(_file_row(row, places) for row in rows),
        problems=tuple(_problems(sheet, len(header.cells))),
        warnings=tuple(_warnings(sheet, columns)),
    )


def _places(header: Sequence[str], columns: Columns) -> dict[str, list[int]]:
    headings = [heading(cell) for cell in header]
    found = {
        name: [index for index, one in enumerate(headings) if one in known]
        for name, known in columns.names.items()
    }
    return {name: where for name, where in found.items() if where}


def _is_enough(places: Mapping[str, Sequence[int]], columns: Columns) -> bool:
    return any(needed <= places.keys() for needed in columns.enough)


def _file_row(row: Row, places: Mapping[str, Sequence[int]]) -> FileRow:
    cells = {
        name: row.cells[index]
        for name, (index,) in places.items()
        if index < len(row.cells) and row.cells[index]
    }
    return FileRow(row.line, cells)


def _problems(sheet: Sheet, width: int) -> list[tuple[int, str]]:
    wide = [row for row in sheet.rows[1:] if any(row.cells[width:])]
    problems = [(row.line, "more cells than the header") for row in wide]
    if sheet.unreadable_from is not None:
        problems.append((sheet.unreadable_from, "a quote is not closed"))
    return problems


def _warnings(sheet: Sheet, columns: Columns) -> list[str]:
    known = frozenset[str]().union(*columns.names.values())
    unread = [cell for cell in sheet.rows[0].cells if cell and heading(cell) not in known]
    warnings = [f"Columns that are not read: {', '.join(unread)[:200]}"] if unread else []
    if sheet.encoding_is_guessed:
        warnings.append(f"The file is not UTF-8: letters may be misread. {SAVE_AS}")
    return warnings


def _first_line(columns: Columns) -> str:
    return f"Its first line names the columns: {columns.example}"
