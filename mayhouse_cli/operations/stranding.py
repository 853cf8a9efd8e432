"""What a wallet still holds on chain, which only its own key can bring back."""

from dataclasses import dataclass

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Address, BookingStatus, Transaction, TransactionFilter
from mayhouse_cli.operations.freezing import SWEEP_KEY
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session

_MOST_NAMED = 5


@dataclass(frozen=True)
class Held:
    """Open events it hosts, active bookings it paid, transactions of it that are out."""

    events: tuple[int, ...] = ()
    bookings: tuple[int, ...] = ()
    unfinished: tuple[Transaction, ...] = ()


def held_by(wallet: Address, session: Session) -> Held:
    """Read the journal, then the whole contract at one block."""
    unfinished = tuple(
        one
        for one in session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
        if one.sender == wallet and not one.intent_key.startswith(SWEEP_KEY)
    )
    census = session.chain.census()
    events = tuple(
        event.id
        for some in census.events()
        for event in some
        if event.host == wallet and event.status.is_open
    )
    bookings = tuple(
        booking.id
        for some in census.bookings()
        for booking in some
        if booking.user == wallet and booking.status is BookingStatus.ACTIVE
    )
    census.confirm()
    return Held(events, bookings, unfinished)


def refuse_to_strand(held: Held, wallet: Address) -> None:
    """Refused, naming all of it, while the wallet holds anything."""
    told = []
    if held.unfinished:
        named = ", ".join(short(one) for one in held.unfinished[:_MOST_NAMED])
        told.append(f"{len(held.unfinished)} unfinished transactions ({named})")
    if held.events:
        told.append(f"{len(held.events)} open events ({_named(held.events)})")
    if held.bookings:
        told.append(f"{len(held.bookings)} active bookings ({_named(held.bookings)})")
    if told:
        raise Refused(
            f"{wallet} still holds {', '.join(told)}: only its key can end them",
            hint="Finish them first: mayhouse tx resume, event complete, event cancel.",
            details={
                "events": list(held.events),
                "bookings": list(held.bookings),
                "transactions": [str(one.id) for one in held.unfinished],
            },
        )


def _named(numbers: tuple[int, ...]) -> str:
    more = ", ..." if len(numbers) > _MOST_NAMED else ""
    return ", ".join(map(str, numbers[:_MOST_NAMED])) + more
