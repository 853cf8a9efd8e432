"""An attendance list as a file: one row a booking, who came and who did not."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.operations.attendance import AttendanceRequest

_BOOKING: Final = frozenset({"booking", "booking id", "chain booking id", "id"})
_ATTENDED: Final = frozenset({"attended", "came", "present", "attendance"})
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "attended", "came", "present"})
_NO: Final = frozenset({"no", "n", "false", "0", "no-show", "no show", "absent"})
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_LARGEST: Final = 5_000_000  # bytes; an event's list has some hundred lines


def read_attendance_file(path: Path) -> AttendanceRequest:
    """Read a CSV with a column for the booking and one for whether they came.

    Every booking of the event has to be in it. Refused names each bad row with its line;
    nothing is assumed about a row that cannot be read.
    """
    rows = csv.reader(io.StringIO(_text(path), newline=""), delimiter=_delimiter(path))
    lines = [(rows.line_num, [cell.strip() for cell in row]) for row in rows]
    filled = [(number, row) for number, row in lines if any(row)]
    if not filled:
        raise WrongUsage(f"{path} is empty", hint="It needs the columns booking and attended.")
    booking, attended = _columns(path, filled[0][1])
    came: list[str] = []
    missed: list[str] = []
    problems: list[str] = []
    for number, row in filled[1:]:
        name = row[booking] if booking < len(row) else ""
        word = row[attended].lower() if attended < len(row) else ""
        if not name:
            problems.append(f"line {number} names no booking")
        elif word not in _YES | _NO:
            problems.append(f"line {number} says neither yes nor no but {word or 'nothing'}")
        else:
            (came if word in _YES else missed).append(name)
    if problems:
        raise Refused(
            f"{path}: {'; '.join(problems)}",
            hint="Attendance is a booking's, not a seat's: write yes or no for each booking.",
            details={"problems": problems},
        )
    return AttendanceRequest(
        attended=tuple(came), no_show=tuple(missed), nobody_attended=not came, names_everyone=True
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise WrongUsage(
            f"{path} cannot be read: {error.strerror}", hint="Check --attendance."
        ) from None
    if len(content) > _LARGEST:
        raise WrongUsage(f"{path} is too large for an attendance list")
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise WrongUsage(
            f"{path} is neither UTF-8 nor UTF-16 text", hint="Save it as CSV in UTF-8."
        ) from None


def _delimiter(path: Path) -> str:
    """The spreadsheet's own: whichever of , ; and tab the first line has most of."""
    first = next(iter(_nonempty_lines(_text(path))), "")
    return max((",", ";", "\t"), key=first.count)


def _nonempty_lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


def _columns(path: Path, header: list[str]) -> tuple[int, int]:
    names = [cell.lower().replace("_", " ").replace("-", " ") for cell in header]
    booking = [index for index, name in enumerate(names) if name in _BOOKING]
    attended = [index for index, name in enumerate(names) if name in _ATTENDED]
    if len(booking) != 1 or len(attended) != 1:
        raise WrongUsage(
            f"{path} needs one column booking and one column attended; it has {', '.join(header)}",
            hint="Name them in the first line: booking,attended",
        )
    return booking[0], attended[0]
