"""An attendance list held against the bookings of its event: every row decides one booking.

All problems are told at once, each with its line, and nothing is assumed about any of them.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.models import Person
from mayhouse_cli.operations.attendance_file import (
    AMBIGUOUS,
    NO,
    YES,
    AttendanceList,
    ListedBooking,
)
from mayhouse_cli.operations.lookup import parse_reference
from mayhouse_cli.operations.spreadsheets import SAVE_AS

_MOST_TOLD: Final = 20
"""Problems in the message; the details hold all of them."""
# Control characters are spaces; marks of direction and joining are nothing.
_IN_A_KEY: Final = {"Cc": " ", "Cf": ""}
# "1 of 2", "2/3", "2 seats", "2": somebody counted seats.
_COUNT: Final = re.compile(r"\d+([ ]*(of|/|seats?|people)[ ]*\d*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Guest:
    """A booking of the event, with all that a list may know it by."""

    chain_booking_id: int
    booking_id: UUID | None
    traveler: Person | None
    seats: int

    @property
    def told(self) -> str:
        who = f" ({self.traveler.name})" if self.traveler else " (no row in the database)"
        return f"booking {self.chain_booking_id}{who}"


def name_key(text: str) -> str:
    """Reduce a name to what survives a spreadsheet: no case, no spacing, no leading quote."""
    visible = "".join(_IN_A_KEY.get(unicodedata.category(one), one) for one in text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    # An apostrophe is what keeps a spreadsheet from reading "=cmd()" as a formula.
    return " ".join(folded.split()).lstrip("' ")


def decide(
    listed: AttendanceList, guests: Sequence[Guest], chain_event_id: int
) -> tuple[frozenset[int], frozenset[int]]:
    """Give the on-chain numbers of those who came and of those who did not; Refused else."""
    problems = list(listed.problems)
    told_in: dict[Guest, int] = {}
    came: set[int] = set()
    finder = _Finder(guests, chain_event_id)
    for row in listed.rows:
        found = finder.find(row)
        if isinstance(found, Guest) and found in told_in:
            found = f"{found.told} stands in line {told_in[found]} already"
        answer = _answer(row, found.seats if isinstance(found, Guest) else 1)
        if isinstance(found, Guest):
            told_in[found] = row.line
            if answer is True:
                came.add(found.chain_booking_id)
        problems += [(row.line, one) for one in (found, answer) if isinstance(one, str)]
    left_out = [guest for guest in guests if guest not in told_in]
    if problems or left_out:
        raise _wrong(listed, problems, left_out)
    everyone = {guest.chain_booking_id for guest in guests}
    return frozenset(came), frozenset(everyone - came)


class _Finder:
    """Bookings by everything that names them."""

    def __init__(self, guests: Sequence[Guest], chain_event_id: int) -> None:
        self._event = chain_event_id
        self._by_reference: dict[UUID | int | None, Guest] = {}
        by_traveler: defaultdict[str, set[Guest]] = defaultdict(set)
        for guest in guests:
            self._by_reference[guest.chain_booking_id] = guest
            self._by_reference[guest.booking_id] = guest
            for key in _keys(guest.traveler):
                by_traveler[key].add(guest)
        self._by_traveler: Mapping[str, set[Guest]] = by_traveler

    def find(self, row: ListedBooking) -> Guest | str:
        """The one booking that all filled cells of a row name; a string says what is wrong."""
        if not row.bookings and not row.travelers:
            return "names no booking"
        guest: Guest | None = None
        for cell in row.bookings:
            found = self._booking(cell)
            if isinstance(found, str):
                return found
            if guest is not None and found != guest:
                return f"{guest.told} and {found.told} are two bookings"
            guest = found
        return self._of_travelers(row.travelers) if guest is None else self._checked(guest, row)

    def _booking(self, cell: str) -> Guest | str:
        try:
            guest = self._by_reference.get(parse_reference(cell, "a booking"))
        except WrongUsage:
            return f'"{cell}" is neither a booking\'s database id nor its on-chain number'
        return guest or f"{cell} is not an active booking of event {self._event}"

    def _of_travelers(self, cells: Sequence[str]) -> Guest | str:
        named = ", ".join(cells)
        fitting = [self._by_traveler.get(name_key(cell), set()) for cell in cells]
        common = set.intersection(*fitting)
        if not common:
            return f'"{named}" has no active booking of event {self._event}'
        if len(common) > 1:
            numbers = ", ".join(str(one) for one in sorted(g.chain_booking_id for g in common))
            return f'"{named}" fits the bookings {numbers}: name one by its number'
        return next(iter(common))

    def _checked(self, guest: Guest, row: ListedBooking) -> Guest | str:
        """Both named: rows whose columns were sorted apart must not cost anyone the stake."""
        if guest.traveler is None:
            return guest
        keys = _keys(guest.traveler)
        others = [cell for cell in row.travelers if name_key(cell) not in keys]
        return f'{guest.told} is not of "{others[0]}"' if others else guest


def _keys(traveler: Person | None) -> frozenset[str]:
    if traveler is None:
        return frozenset()
    names = (traveler.name, str(traveler.id), traveler.email, traveler.wallet)
    return frozenset(name_key(name) for name in names if name)


def _answer(row: ListedBooking, seats: int) -> bool | str:
    word = " ".join(row.answer.casefold().split())
    if word == "1" and seats > 1:
        return f'"1" may mean yes or one of {seats} seats: decide yes or no for the booking'
    if word in YES | NO:
        return word in YES
    if word == AMBIGUOUS:
        return f'"{row.answer}" may mean came or absent: write yes or no'
    if not word:
        return "says neither yes nor no"
    if _COUNT.fullmatch(word):
        return f'"{row.answer}" counts seats: decide yes or no for the whole booking'
    return f'"{row.answer}" is neither yes nor no'


def _wrong(
    listed: AttendanceList, problems: Sequence[tuple[int, str]], left_out: Sequence[Guest]
) -> Refused:
    told = [f"line {line}: {text}" for line, text in sorted(problems)]
    told += [f"not in the list: {guest.told}" for guest in left_out]
    shown = "; ".join(told[:_MOST_TOLD])
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    hint = "Nothing was sent. Every active booking needs one row that says yes or no."
    if any("seats: decide" in text for _, text in problems):
        hint = "Attendance is a booking's, not a seat's: a stake is returned or kept as a whole."
    if listed.encoding_is_guessed:
        hint += f" The file is not UTF-8, so names may be misread. {SAVE_AS}"
    return Refused(
        f"{listed.source}: {shown}{more}",
        hint=hint,
        details={
            "problems": told,
            "chain_booking_ids": [guest.chain_booking_id for guest in left_out],
        },
    )
