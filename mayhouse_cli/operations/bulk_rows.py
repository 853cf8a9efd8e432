"""What is made of a file's rows: the ones to sign, and how the database keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    Address,
    Intent,
    Kind,
    NewBooking,
    NewEvent,
    Rate,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.intents import Spending
from mayhouse_cli.operations.outcomes import inserted_row
from mayhouse_cli.operations.rates import keep_rate
from mayhouse_cli.ports import Session

# Any fixed one does: rows that a file makes get the same ids whenever it is read.
_NAMESPACE: Final = UUID("5f0f8a3e-6a55-4b7e-9d0a-2f6f3c1d7b42")
_MOST_TOLD: Final = 20
"""Problems in the message; the details hold all of them."""

Problem = tuple[int, str]


@dataclass(frozen=True)
class Item:
    """A row of the file that is to be made on chain."""

    line: int
    intent: Intent
    gas: int
    """What it needs, as estimated."""
    row: NewBooking | NewEvent | None = None
    """The row that the database does not have yet."""
    host_wallet: Address | None = None

    @property
    def row_id(self) -> UUID:
        """Its row's id in the database."""
        return row_id(self.intent)


@dataclass(frozen=True)
class Terms:
    """What was agreed to, and must still hold for each batch that is signed."""

    rate: Rate
    percentages: tuple[int, int]
    """The contract's stake and fee."""
    max_fee: Wei
    """The most that is paid per gas, however the fees move while it goes on."""


@dataclass(frozen=True)
class Listed:
    """A row of the file with its intent, known before any price is."""

    line: int
    intent: Intent
    seats: int


@dataclass(frozen=True)
class BulkPlan:
    """A file that can be agreed to: what is made of it, what was made before, and the sum."""

    source: str
    listed: tuple[Listed, ...]
    items: tuple[Item, ...]
    """The rows to make."""
    earlier: Mapping[int, Transaction]
    """By its line, what an earlier run has made of a row, or has on its way."""
    terms: Terms | None
    spending: Spending | None
    warnings: tuple[str, ...] = ()


def row_id(intent: Intent) -> UUID:
    """The id of the row that an intent is for."""
    found = intent.booking_id if intent.kind is Kind.BOOK_EVENT else intent.event_id
    if found is None:
        raise Refused("The row of the file has no row of the database")
    return found


def id_of(key: str) -> UUID:
    """The id that a row with this key gets, whenever and wherever the file is read."""
    return uuid5(_NAMESPACE, key)


def write_rows(made: Sequence[tuple[Item, Transaction]], rate: Rate, session: Session) -> None:
    """Add the platform's rows, and keep that they wait; joins the transaction that records."""
    bookings = [item.row for item, _ in made if isinstance(item.row, NewBooking)]
    session.bookings.insert_all(bookings)
    # The rows of an earlier run that did not happen were cancelled with it.
    again = [one for _, one in made if one.generation > 1 and inserted_row(one)]
    ids = [one.booking_id for one in again if one.booking_id is not None]
    session.bookings.change_status(ids, "cancelled", "confirmed")
    session.bookings.mark_pending_all(
        {item.row_id: one.tx_hash for item, one in made if one.kind is Kind.BOOK_EVENT}
    )
    for item, one in made:
        if one.kind is Kind.CREATE_EVENT:
            _write_event(item, one, session)
    keep_rate(rate, session)


def _write_event(item: Item, transaction: Transaction, session: Session) -> None:
    if isinstance(item.row, NewEvent) and session.events.by_id(item.row.id) is None:
        session.events.insert(item.row)
    if item.host_wallet is not None:
        event = session.events.by_id(item.row_id)
        if event is not None:
            session.events.set_wallet(event.experience.host.id, item.host_wallet)
    session.events.mark_pending(item.row_id, transaction.tx_hash)


def refuse_drift(snapshot: Snapshot, terms: Terms) -> None:
    """Refused when the contract takes another stake or fee than was agreed to."""
    now = (snapshot.stake_percent, snapshot.fee_percent)
    if now != terms.percentages:
        raise Refused(
            f"Stake and fee are {now[0]} % and {now[1]} % now; agreed to were "
            f"{terms.percentages[0]} % and {terms.percentages[1]} %",
            hint="Run it again to see the new sum.",
        )


def refuse_problems(source: str, problems: Sequence[Problem]) -> None:
    """Refused with every bad row by its line; nothing was sent."""
    if not problems:
        return
    told = [f"line {line}: {text}" for line, text in sorted(problems)]
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    raise Refused(
        f"{source}: {'; '.join(told[:_MOST_TOLD])}{more}",
        hint="Nothing was sent. Mend these lines or leave them out, and run it again.",
        details={"problems": told},
    )
