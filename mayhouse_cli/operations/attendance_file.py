"""An attendance list as a file: one row a booking, who came and who did not.

Here the file is read; `attendance_list` holds its rows against the bookings of the event, so
that everything that is wrong with a list is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.operations.spreadsheets import SAVE_AS, Row, heading, read_sheet

# Headers in small letters, whatever is between their words being one space.
_BOOKING: Final = frozenset(
    f"{name}{suffix}"
    for name in ("booking", "chain booking", "on chain", "row", "booking row")
    for suffix in ("", " id", "id", " number", " no", " nr")
) | {"id", "number"}
_TRAVELER: Final = frozenset(
    f"{who}{suffix}"
    for who in ("traveler", "traveller", "guest", "participant", "user", "full")
    for suffix in ("", " id", " name", " email", " e mail", " wallet")
) | {"name", "email", "e mail", "email address", "wallet", "wallet address"}
_ATTENDED: Final = frozenset(
    {"attended", "attended yes no", "came", "present", "attendance", "did they come", "checked in"}
)
YES: Final = frozenset({"yes", "y", "true", "1", "p", "✓", "✔", "attended", "came", "present"})
NO: Final = frozenset({"no", "n", "false", "0", "no-show", "no show", "noshow", "absent", "a"})
AMBIGUOUS: Final = "x"
"""On some lists who came, on a register who was absent."""
_MOST_SHOWN: Final = 60  # characters of a line that is shown as it was found


@dataclass(frozen=True)
class ListedBooking:
    """A row of the list: what names the booking, and whether it came, as written."""

    line: int
    bookings: tuple[str, ...]
    """What stands in its columns for the booking: database ids or on-chain numbers."""
    travelers: tuple[str, ...]
    """What stands in its columns for the traveler: names, ids, addresses."""
    answer: str


@dataclass(frozen=True)
class AttendanceList:
    """A list that is meant to be complete, and what is wrong with it whatever the event is."""

    source: str
    rows: tuple[ListedBooking, ...]
    problems: tuple[tuple[int, str], ...]
    """Lines, and what is wrong with each."""
    encoding_is_guessed: bool = False


@dataclass(frozen=True)
class _Columns:
    bookings: tuple[int, ...]
    travelers: tuple[int, ...]
    attended: tuple[int, ...]

    @property
    def are_complete(self) -> bool:
        return bool(self.bookings or self.travelers) and len(self.attended) == 1


def read_attendance_file(path: Path) -> AttendanceList:
    """Read a CSV with a column for the booking or traveler, and one for whether they came.

    WrongUsage when it is no such file; rows that cannot be understood are kept as problems.
    """
    sheet = read_sheet(path, lambda cells: _columns(cells).are_complete)
    problems = []
    if sheet.unreadable_from is not None:
        problems.append((sheet.unreadable_from, "a quote is not closed"))
    if not sheet.rows:
        raise WrongUsage(
            f"{path} is empty"
            if not problems
            else f"{path}: line {problems[0][0]}: {problems[0][1]}",
            hint="Its first line names the columns: booking,attended",
        )
    header, *rows = sheet.rows
    columns = _columns(header.cells)
    if not columns.are_complete:
        raise _without_columns(path, header, columns)
    width = len(header.cells)
    problems += [(row.line, "more cells than the header") for row in rows if any(row.cells[width:])]
    return AttendanceList(
        source=str(path),
        rows=tuple(_listed(row, columns) for row in rows),
        problems=tuple(problems),
        encoding_is_guessed=sheet.encoding_is_guessed,
    )


def _columns(header: Sequence[str]) -> _Columns:
    names = [heading(cell) for cell in header]

    def called(known: frozenset[str]) -> tuple[int, ...]:
        return tuple(index for index, name in enumerate(names) if name in known)

    return _Columns(called(_BOOKING), called(_TRAVELER), called(_ATTENDED))


def _listed(row: Row, columns: _Columns) -> ListedBooking:
    def filled(indexes: Sequence[int]) -> tuple[str, ...]:
        cells = (row.cells[index] for index in indexes if index < len(row.cells))
        return tuple(cell for cell in cells if cell)

    answer = "".join(filled(columns.attended))
    return ListedBooking(row.line, filled(columns.bookings), filled(columns.travelers), answer)


def _without_columns(path: Path, header: Row, columns: _Columns) -> WrongUsage:
    told = ", ".join(header.cells)
    told = told if len(told) <= _MOST_SHOWN else f"{told[:_MOST_SHOWN]}..."
    first = "Its first line names the columns: booking,attended"
    answers = [cell for cell in header.cells if cell.casefold() in YES | NO]
    if answers and not columns.attended:
        return WrongUsage(f"{path} has no header: line {header.line} is {told}", hint=first)
    if len(columns.attended) > 1:
        return WrongUsage(
            f"{path} has {len(columns.attended)} columns for who came: {told}",
            hint="Leave one of them.",
        )
    what = "who came" if columns.bookings or columns.travelers else "the booking or the traveler"
    return WrongUsage(
        f"{path} has no column for {what}; line {header.line} is {told}",
        hint=f"{first}. {SAVE_AS}" if len(header.cells) == 1 else first,
    )
