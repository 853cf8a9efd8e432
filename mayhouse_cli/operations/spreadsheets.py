"""What spreadsheets save as text: rows in any encoding and dialect, each with its line.

A line is counted as an editor shows it: the first physical line of the row, however many lines
its quoted cells span, blank ones and a `sep=;` line included.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import WrongUsage

SAVE_AS: Final = "Save it as CSV in UTF-8."
_DELIMITERS: Final = (",", ";", "\t")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
# The first bytes of .xlsx (a zip) and of .xls.
_WORKBOOK_MARKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Excel's own first line, by which a file names its delimiter.
_SEP_LINE: Final = re.compile(r'"?sep=([^"\r\n])"?\1*[ ]*(\r\n|\r|\n|$)', re.IGNORECASE)
# How a cell is written that must not be read as a number: ="007"
_FORMULA_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)
_BLANK_EDGES: Final = re.compile(r"^[\s\ufeff\u200b\u2060]+|[\s\ufeff\u200b\u2060]+$")


@dataclass(frozen=True)
class Purpose:
    """What a file is for, as its errors say it."""

    name: str
    hint: str
    largest: int
    """In bytes."""


# An event's list has some hundred rows.
ATTENDANCE: Final = Purpose("an attendance list", "Check --attendance.", 5_000_000)


@dataclass(frozen=True)
class Row:
    """A row that is not blank: its line, and its cells without the blanks around them."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """The rows of a file, the header first."""

    rows: tuple[Row, ...]
    unreadable_from: int | None
    """The line of a row whose quotes do not close: it and all after it are not in `rows`."""
    encoding_is_guessed: bool
    """Its letters beyond ASCII were read as Windows-1252, and may be others."""


def heading(cell: str) -> str:
    """Reduce a column's name to its words: small letters, whatever is between them one space."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", cell).casefold()))


def read_sheet(
    path: Path,
    is_header: Callable[[Sequence[str]], bool],
    purpose: Purpose = ATTENDANCE,
) -> Sheet:
    """Read a file of delimited text; WrongUsage when it is none.

    The delimiter is the one with which the first row `is_header`; quoted text in a header can
    hold any number of the others.
    """
    text, is_guessed = _text(path, purpose)
    if named := _SEP_LINE.match(text):
        rows, broken = _rows(text[named.end() :], named[1], lines_before=1)
        return Sheet(rows, broken, is_guessed)
    readings = [_rows(text, delimiter, lines_before=0) for delimiter in _DELIMITERS]
    # The first of those that are alike: a header that nobody knows is told as it is.
    rows, broken = max(readings, key=lambda reading: _fit(reading[0], reading[1], is_header))
    return Sheet(rows, broken, is_guessed)


def _fit(
    rows: Sequence[Row], broken: int | None, is_header: Callable[[Sequence[str]], bool]
) -> tuple[bool, bool, int]:
    """How well a delimiter fits; where nothing but delimiters is left, the file is blank."""
    header = rows[0].cells if rows else ()
    return not rows and broken is None, is_header(header), len(header)


def _rows(text: str, delimiter: str, lines_before: int) -> tuple[tuple[Row, ...], int | None]:
    # Strictly: a quote that is never closed would otherwise swallow the rest of the list.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows: list[Row] = []
    line = lines_before + 1
    try:
        for cells in reader:
            cleaned = tuple(_cell(one) for one in cells)
            if any(cleaned):
                rows.append(Row(line, cleaned))
            line = lines_before + reader.line_num + 1
    except csv.Error:
        return tuple(rows), line
    return tuple(rows), None


def _cell(text: str) -> str:
    trimmed = _BLANK_EDGES.sub("", text)
    if formula := _FORMULA_TEXT.fullmatch(trimmed):
        return _BLANK_EDGES.sub("", formula[1].replace('""', '"'))
    return trimmed


def _text(path: Path, purpose: Purpose) -> tuple[str, bool]:
    """Decode a file; gives its text, and whether the encoding had to be guessed."""
    content = _content(path, purpose)
    if content.startswith(_WORKBOOK_MARKS):
        raise WrongUsage(f"{path} is a workbook, not a CSV", hint=SAVE_AS)
    try:
        if content.startswith(_UTF16_MARKS):
            text, is_guessed = content.decode("utf-16"), False
        else:
            text, is_guessed = _decoded(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongUsage(
            f"{path} is neither UTF-8, UTF-16 nor Windows-1252 text (line {line})", hint=SAVE_AS
        ) from None
    if "\0" in text:
        raise WrongUsage(f"{path} is no text, or UTF-16 without its mark", hint=SAVE_AS)
    return text, is_guessed


def _decoded(content: bytes) -> tuple[str, bool]:
    try:
        return content.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return content.decode("cp1252"), True


def _content(path: Path, purpose: Purpose) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(purpose.largest + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise WrongUsage(f"{path} cannot be read: {reason}", hint=purpose.hint) from None
    if len(content) > purpose.largest:
        raise WrongUsage(f"{path} is too large for {purpose.name}", hint=SAVE_AS)
    return content
