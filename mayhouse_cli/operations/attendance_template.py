"""An attendance list to fill in: every active booking of an event, safe to open in a spreadsheet.

`--attendance` reads it back with its last column filled.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.settling import read_ending_event
from mayhouse_cli.ports import Session

COLUMNS: Final = ("booking", "booking_id", "traveler", "seats", "stake_eth", "attended")
# With its mark a spreadsheet reads UTF-8 as UTF-8.
_ENCODING: Final = "utf-8-sig"
# What a spreadsheet takes for the beginning of a formula, in full width too (after NFKC).
_FORMULA: Final = re.compile(r"'*[=+\-@]")


@dataclass(frozen=True)
class BookingToDecide:
    """One row of the template."""

    chain_booking_id: int
    booking_id: UUID | None
    traveler: str | None
    seats: int
    stake_wei: Wei


@dataclass(frozen=True)
class AttendanceTemplate:
    """`event complete EVENT --attendance-template`: who has to be decided about."""

    event_id: UUID | None
    chain_event_id: int
    file: str | None
    """Where it was written; None when it goes to stdout."""
    bookings: tuple[BookingToDecide, ...]


def attendance_template(event: str, file: Path | None, session: Session) -> AttendanceTemplate:
    """Read the active bookings of an event; written to `file` when one is given.

    A file that exists is WrongUsage: it may be a list that somebody has filled in.
    """
    ending = read_ending_event(event, session)
    template = AttendanceTemplate(
        event_id=ending.event_id,
        chain_event_id=ending.event.id,
        file=str(file) if file is not None else None,
        bookings=tuple(
            BookingToDecide(
                chain_booking_id=one.on_chain.id,
                booking_id=one.row.id if one.row else None,
                traveler=one.row.traveler.name if one.row else None,
                seats=one.on_chain.seats,
                stake_wei=one.on_chain.stake,
            )
            for one in ending.bookings
        ),
    )
    if file is not None:
        _write(file, as_csv(template))
    return template


def as_csv(template: AttendanceTemplate) -> str:
    """Write the list down, with an empty column for who came."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in template.bookings:
        writer.writerow(
            [
                one.chain_booking_id,
                one.booking_id or "",
                _as_text(one.traveler or ""),
                one.seats,
                format_eth(one.stake_wei),
                "",
            ]
        )
    return text.getvalue()


def _as_text(name: str) -> str:
    """Keep a name on one line, and from being read as a formula: travelers choose it."""
    spaced = "".join(" " if unicodedata.category(one) == "Cc" else one for one in name)
    line = " ".join(spaced.split())
    visible = "".join(one for one in line if unicodedata.category(one) != "Cf")
    return f"'{line}" if _FORMULA.match(unicodedata.normalize("NFKC", visible).lstrip()) else line


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding=_ENCODING, newline="") as stream:
            stream.write(text)
    except FileExistsError:
        raise WrongUsage(
            f"{file} exists already", hint="It may be filled in: name another file."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise WrongUsage(f"{file} cannot be written: {reason}", hint="Name another file.") from None
