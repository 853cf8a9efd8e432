"""From what an operator types (a uuid or an on-chain number) to the row and the number."""

from dataclasses import dataclass
from uuid import UUID

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import BookingRow, EventRow, TransactionFilter
from mayhouse_cli.ports import Session

# The database keeps on-chain numbers as bigint.
_MAX_NUMBER = 2**63 - 1


@dataclass(frozen=True)
class EventReference:
    """An event as named by an operator: its row when it has one, its number when it has one."""

    row: EventRow | None
    chain_event_id: int | None

    @property
    def title(self) -> str:
        return self.row.experience.title if self.row else "an event without a row"


def parse_reference(text: str, what: str) -> UUID | int:
    """Read a database id or an on-chain number; WrongUsage when it is neither."""
    cleaned = text.strip()
    if cleaned.isascii() and cleaned.isdigit() and 0 < int(cleaned[:40]) <= _MAX_NUMBER:
        return int(cleaned)
    try:
        if len(cleaned) >= 32:  # noqa: PLR2004 the digits of a uuid; shorter ones are typing errors
            return UUID(cleaned)
    except ValueError:
        pass
    raise WrongUsage(
        f"Not {what}: {text}",
        hint="Name it by its database id (a uuid) or its on-chain number (from 1).",
    )


def find_event(text: str, session: Session) -> EventReference:
    """Find an event by uuid or number. NotFound for an unknown uuid; a number may be rowless."""
    reference = parse_reference(text, "an event")
    if isinstance(reference, int):
        return EventReference(session.events.by_chain_id(reference), reference)
    row = session.events.by_id(reference)
    if row is None:
        raise NotFound(
            f"There is no event {reference} in the database",
            hint="`mayhouse event list` shows the events.",
        )
    return EventReference(row, row.chain_event_id)


def find_known_event(text: str, session: Session) -> EventReference:
    """Find an event that something is on record of; NotFound for a number that none has.

    One without a row counts when a transaction of ours names it.
    """
    reference = find_event(text, session)
    number = reference.chain_event_id
    if reference.row is not None or number is None:
        return reference
    if not session.journal.list(TransactionFilter(chain_event_id=number, limit=1)):
        raise NotFound(
            f"Nothing is on record of event {number}",
            hint="`mayhouse event list` shows the events and their on-chain numbers.",
        )
    return reference


def find_event_on_chain(text: str, session: Session) -> tuple[EventReference, int]:
    """Find an event that must be on chain already; Refused while its creation is pending."""
    reference = find_event(text, session)
    if reference.chain_event_id is None:
        raise Refused(
            f"Event {text} is not on chain yet",
            hint=f"`mayhouse event create {text}` creates it; `mayhouse tx list` shows what waits.",
        )
    return reference, reference.chain_event_id


def find_booking(text: str, session: Session) -> tuple[BookingRow | None, int | None]:
    """Find a booking by uuid or number: its row when it has one, its number when it has one."""
    reference = parse_reference(text, "a booking")
    if isinstance(reference, int):
        return session.bookings.by_chain_id(reference), reference
    row = session.bookings.by_id(reference)
    if row is None:
        raise NotFound(
            f"There is no booking {reference} in the database",
            hint="`mayhouse booking list` shows the bookings.",
        )
    return row, row.chain_booking_id


def unknown_event(chain_event_id: int) -> NotFound:
    """The error for a number that the contract does not know: it answers with zeros."""
    return NotFound(
        f"The contract knows no event {chain_event_id}",
        hint="`mayhouse event list` shows the events and their on-chain numbers.",
    )
