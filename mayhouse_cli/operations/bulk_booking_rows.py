"""The rows of a file of bookings, held against the database: which bookings they ask for.

A row's key says which booking it is, in whatever file it stands: the database's own row, the
row's `key`, or event, traveler and seats, where the n-th equal row of a file is the n-th such
booking. So a file can be run again, also with rows added, mended or left out, and makes nothing
twice; who wants one more of the same for another reason gives it a key.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import MayhouseError, Stopped
from mayhouse_cli.models import BookingRow, EventRow, Intent, Kind, Person
from mayhouse_cli.operations.booking_creation import BookingTerms, guard_row, was_withdrawn
from mayhouse_cli.operations.bulk_files import IDS, Columns, FileRow, named
from mayhouse_cli.operations.bulk_rows import Problem, id_of
from mayhouse_cli.operations.intents import OWN_KEY_PREFIX
from mayhouse_cli.operations.lookup import find_event_on_chain, parse_reference
from mayhouse_cli.ports import Session

COLUMNS: Final = Columns(
    names={
        "event": named("event", "event run", "chain event", "on chain event", of=IDS),
        "traveler": named("traveler", "traveller", "user", "guest", of=IDS),
        "seats": named("seats", "seat count", "number of seats", "seat", "traveler count"),
        "booking": named("booking", "booking row", "row", of=IDS),
        "key": named("key", "idempotency key"),
    },
    enough=(frozenset({"event", "traveler", "seats"}), frozenset({"booking"})),
    example="event,traveler,seats",
)
_MOST_SEATS: Final = 2**31 - 1


@dataclass(frozen=True)
class WantedBooking:
    """A row that names an event, a traveler and seats of the database."""

    line: int
    terms: BookingTerms
    key: str


class BookingRows:
    """Reads rows; each event, traveler and booking is looked up once."""

    def __init__(self, rows: Sequence[FileRow], session: Session) -> None:
        """Look up all that the rows name."""
        self._session = session
        self._events: dict[str, tuple[EventRow, int] | str] = {}
        self._travelers = session.bookings.travelers(_uuids(rows, "traveler"))
        self._bookings = session.bookings.by_ids(_uuids(rows, "booking"))
        self._equal: Counter[tuple[UUID, UUID, int]] = Counter()
        self.problems: list[Problem] = []
        self.wanted: list[WantedBooking] = []
        self._lines: dict[str, int] = {}
        for row in rows:
            self._add(row)

    @property
    def repeated(self) -> list[int]:
        """How many rows ask for another booking of the same, told in a warning."""
        return [count for count in self._equal.values() if count > 1]

    def _add(self, row: FileRow) -> None:
        found = self._of_row(row) if "booking" in row.cells else self._of_names(row)
        if isinstance(found, str):
            self.problems.append((row.line, found))
        elif found.key in self._lines:
            told = f"asks for the same booking as line {self._lines[found.key]}"
            self.problems.append((row.line, told))
        else:
            self._lines[found.key] = row.line
            self.wanted.append(found)

    def _of_row(self, row: FileRow) -> WantedBooking | str:
        booking = self._bookings.get(_uuid(row.cells["booking"]) or UUID(int=0))
        if booking is None:
            return f"there is no booking {row.cells['booking']} in the database"
        event = self._event(str(booking.event_id))
        if isinstance(event, str):
            return event
        try:
            withdrawn = was_withdrawn(booking, self._session)
            guard_row(booking, withdrawn=withdrawn)
        except Stopped:
            raise
        except MayhouseError as refusal:
            return refusal.message
        if differs := _why_differs(row, booking, event[1]):
            return differs
        terms = BookingTerms(
            booking.id,
            event[0],
            event[1],
            booking.traveler,
            booking.seats,
            has_row=True,
            withdrawn=withdrawn,
        )
        return WantedBooking(row.line, terms, self._own_key(row) or f"booking:{booking.id}")

    def _of_names(self, row: FileRow) -> WantedBooking | str:
        missing = [name for name in ("event", "traveler", "seats") if name not in row.cells]
        if missing:
            return f"has no {missing[0]}"
        event, traveler = self._event(row.cells["event"]), self._traveler(row.cells["traveler"])
        seats = _seats(row.cells["seats"])
        for found in (event, traveler, seats):
            if isinstance(found, str):
                return found
        if isinstance(event, str) or isinstance(traveler, str) or isinstance(seats, str):
            return "cannot be read"
        key = self._own_key(row) or self._key_of_content(event[0].id, traveler.id, seats)
        terms = BookingTerms(id_of(key), event[0], event[1], traveler, seats, has_row=False)
        return WantedBooking(row.line, terms, key)

    def _own_key(self, row: FileRow) -> str | None:
        return OWN_KEY_PREFIX + row.cells["key"] if "key" in row.cells else None

    def _key_of_content(self, event_id: UUID, traveler_id: UUID, seats: int) -> str:
        self._equal[event_id, traveler_id, seats] += 1
        number = self._equal[event_id, traveler_id, seats]
        return _content_key(event_id, traveler_id, seats, number)

    def _event(self, text: str) -> tuple[EventRow, int] | str:
        if text not in self._events:
            self._events[text] = self._find_event(text)
        return self._events[text]

    def _find_event(self, text: str) -> tuple[EventRow, int] | str:
        try:
            reference, number = find_event_on_chain(text, self._session)
        except Stopped:
            raise
        except MayhouseError as unknown:
            return unknown.message
        if reference.row is None:
            return f"event {number} has no row in the database: it is not the platform's"
        return reference.row, number

    def _traveler(self, text: str) -> Person | str:
        traveler_id = _uuid(text)
        if traveler_id is None:
            return f"not a traveler's database id: {text}"
        found = self._travelers.get(traveler_id)
        return found or f"there is no traveler {text} in the database"


def intent_of(wanted: WantedBooking, depth: int, session: Session) -> Intent:
    """What a row asks for, as `booking create` would ask for it; without its price."""
    terms = wanted.terms
    return Intent(
        key=wanted.key,
        kind=Kind.BOOK_EVENT,
        recipient=session.chain.contract,
        arguments={
            "event_id": str(terms.event.id),
            "traveler_id": str(terms.traveler.id),
            "seats": terms.seats,
        },
        wanted_depth=depth,
        event_id=terms.event.id,
        booking_id=terms.booking_id,
        chain_event_id=terms.chain_event_id,
    )


def repeats(wanted: Iterable[WantedBooking], session: Session) -> list[Problem]:
    """Rows whose event, traveler and seats are booked already, other than by an import."""
    by_event: dict[UUID, list[WantedBooking]] = {}
    ours: set[UUID] = set()
    for one in wanted:
        by_event.setdefault(one.terms.event.id, []).append(one)
        ours.add(one.terms.booking_id)
    problems: list[Problem] = []
    for event_id, rows in by_event.items():
        made = _made(event_id, ours, session)
        for one in rows:
            same = made.get((one.terms.traveler.id, one.terms.seats))
            if same is not None and one.key.startswith("import:"):
                told = (
                    f"booking {same} is the same: event, traveler and seats (if one more is "
                    "meant: --allow-repeats, or a key of its own in a column named key)"
                )
                problems.append((one.line, told))
    return problems


def _made(
    event_id: UUID, ours: set[UUID], session: Session
) -> Mapping[tuple[UUID, int], int | UUID]:
    """Bookings of an event that are made or on their way, and were not made by any import."""
    waiting = {one.booking_id for one in session.journal.unfinished_of_event(event_id, None)}
    rows = session.bookings.of_event(event_id)
    equal = Counter((row.traveler.id, row.seats) for row in rows)
    imported = {
        id_of(_content_key(event_id, *terms, number))
        for terms, count in equal.items()
        for number in range(1, count + 1)
    }
    return {
        (row.traveler.id, row.seats): row.chain_booking_id or row.id
        for row in rows
        if row.id not in ours | imported
        and row.status != "cancelled"
        and (row.chain_booking_id is not None or row.id in waiting)
    }


def _content_key(event_id: UUID, traveler_id: UUID, seats: int, number: int) -> str:
    return f"import:booking:{event_id}:{traveler_id}:{seats}:{number}"


def _uuids(rows: Sequence[FileRow], column: str) -> list[UUID]:
    found = {_uuid(row.cells[column]) for row in rows if column in row.cells}
    return [one for one in found if one is not None]


def _uuid(text: str) -> UUID | None:
    try:
        found = parse_reference(text, "a row")
    except Stopped:
        raise
    except MayhouseError:
        return None
    return found if isinstance(found, UUID) else None


def _seats(text: str) -> int | str:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= _MOST_SEATS):
        return f"not a number of seats: {text}"
    return int(text)


def _why_differs(row: FileRow, booking: BookingRow, number: int) -> str | None:
    """What a row says besides its booking must be what the booking says."""
    said = (
        ("event", (str(booking.event_id), str(number))),
        ("traveler", (str(booking.traveler.id),)),
        ("seats", (str(booking.seats),)),
    )
    for name, known in said:
        cell = row.cells.get(name)
        if cell is not None and cell.lower() not in known:
            return f"the booking's {name} is {known[0]}, not {cell}"
    return None
