"""What completing and cancelling share: the event with all its bookings, and their guards."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from uuid import UUID

from mayhouse_cli.errors import Refused, RpcUnreachable
from mayhouse_cli.models import (
    Address,
    BookingRow,
    BookingStatus,
    Call,
    EventRow,
    Hash,
    Kind,
    OnChainBooking,
    OnChainEvent,
    Question,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.attendance_list import Guest
from mayhouse_cli.operations.events import read_event
from mayhouse_cli.operations.lookup import EventReference, find_event_on_chain, unknown_event
from mayhouse_cli.operations.meanwhile import recorded_on, refuse_unfinished
from mayhouse_cli.operations.settled_bookings import SettledBooking
from mayhouse_cli.operations.settlement_rates import StoredRates, rates_of
from mayhouse_cli.ports import Session

# The platform's columns hold any text; a node takes nothing else.
_HASH: Final = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)
# More receipts than this are asked for in batches of their own.
_MOST_ALONG: Final = 100


LikelyCall: TypeAlias = Callable[[int, Sequence[BookingRow]], Call | None]
"""Predicts the call that will be signed from the event's number and its bookings' rows."""


@dataclass(frozen=True)
class OpenBooking:
    """An active booking on chain, with its row when it has one."""

    on_chain: OnChainBooking
    row: BookingRow | None

    @property
    def is_ours(self) -> bool:
        """It has a row, and the row says that it stands."""
        return self.row is not None and self.row.status != "cancelled"

    @property
    def why_it_must_be_named(self) -> str | None:
        if self.row is None:
            return "no row in the database"
        return "cancelled in the database" if self.row.status == "cancelled" else None

    @property
    def guest(self) -> Guest:
        return Guest(
            chain_booking_id=self.on_chain.id,
            booking_id=self.row.id if self.row else None,
            traveler=self.row.traveler if self.row else None,
            seats=self.on_chain.seats,
        )

    @property
    def settled(self) -> SettledBooking:
        return SettledBooking(
            chain_booking_id=self.on_chain.id,
            booking_id=self.row.id if self.row else None,
            traveler_id=self.row.traveler.id if self.row else None,
            seats=self.on_chain.seats,
            payment=self.on_chain.payment,
            stake=self.on_chain.stake,
            user=self.on_chain.user,
        )


@dataclass(frozen=True)
class EndingEvent:
    """An open event with its active bookings, as read at one block."""

    reference: EventReference
    event: OnChainEvent
    snapshot: Snapshot
    bookings: tuple[OpenBooking, ...]
    blocks: Mapping[Hash, Hash | None]
    """The block in which each transaction of the rows (creation, bookings) stands now."""
    recorded: frozenset[UUID]
    """The transactions of ours on it that were recorded before it was read."""
    booked_for: Mapping[UUID, str]
    """By each booking's row, the traveler whom its transaction was signed for."""
    rates: StoredRates
    """What was stored with its bookings, at which its end will be settled."""
    asked: Question
    """What was asked along with it: the likely call was simulated at the same block."""

    @property
    def row(self) -> EventRow | None:
        return self.reference.row

    @property
    def event_id(self) -> UUID | None:
        return self.reference.row.id if self.reference.row else None


def nothing_likely(number: int, rows: Sequence[BookingRow]) -> Call | None:
    """Predict no call: none will be made."""
    _ = number, rows
    return None


def read_ending_event(
    text: str, session: Session, likely: LikelyCall = nothing_likely
) -> EndingEvent:
    """Read an event that is to be completed or cancelled; simulate the likely call with it.

    NotFound when the contract does not know it, Refused when it has ended, Unconfirmed while
    a transaction of ours on it is unfinished: its outcome would change who is owed what.
    """
    reference, number = find_event_on_chain(text, session)
    row = reference.row
    recorded = recorded_on(row.id if row else None, number, session)
    refuse_unfinished(number, recorded)
    asked = _asked_along(number, row, likely, session)
    snapshot = read_event(number, row, session, asked)
    event = snapshot.event
    if event is None:
        raise unknown_event(number)
    if row is not None and event.experience_id != str(row.experience.id):
        raise Refused(
            f"Event {number} on chain is of experience {event.experience_id}, not of the row's",
            hint=f"See `mayhouse event show {number}`; nothing was sent.",
        )
    if not event.status.is_open:
        raise Refused(
            f"Event {number} is {event.status.name.lower()} already",
            hint=f"See `mayhouse event show {number}`.",
        )
    bookings = _open_bookings(row, snapshot, session)
    rows = [row, *(one.row for one in bookings)]
    blocks = _blocks(_hashes(rows), snapshot, session)
    _refuse_undone(number, blocks, recorded, session)
    known = frozenset(one.id for one in recorded)
    booked_for = {
        one.booking_id: str(one.arguments["traveler_id"])
        for one in reversed(recorded)
        if one.kind is Kind.BOOK_EVENT and one.booking_id and one.arguments.get("traveler_id")
    }
    rates = rates_of([one.settled for one in bookings], number, recorded, session)
    return EndingEvent(
        reference, event, snapshot, bookings, blocks, known, booked_for, rates, asked
    )


def _asked_along(
    number: int, row: EventRow | None, likely: LikelyCall, session: Session
) -> Question:
    """What can be asked with the event, going by the rows: one round trip instead of three."""
    rows = session.bookings.of_event(row.id) if row else ()
    hashes = _hashes([row, *rows])
    asked = Question(placed=tuple(hashes) if len(hashes) <= _MOST_ALONG else ())
    call = likely(number, rows)
    if call is None:
        return asked
    signer = session.signer.address
    owner: Address | None = session.config.get("owner_address")
    payees = (signer,) if owner in (None, signer) else (signer, owner)
    return replace(asked, sender=signer, call=call, accounts=payees)


def _hashes(rows: Sequence[EventRow | BookingRow | None]) -> list[Hash]:
    hashes = [one.tx_hash for one in rows if one and one.tx_hash and _HASH.fullmatch(one.tx_hash)]
    return list(dict.fromkeys(hashes))


def _blocks(
    hashes: Sequence[Hash], snapshot: Snapshot, session: Session
) -> Mapping[Hash, Hash | None]:
    missing = [one for one in hashes if one not in snapshot.placements]
    found = session.chain.placements(missing) if missing else {}
    return {one: {**snapshot.placements, **found}[one] for one in hashes}


def _refuse_undone(
    number: int,
    blocks: Mapping[Hash, Hash | None],
    recorded: Sequence[Transaction],
    session: Session,
) -> None:
    """Refused when a reorg undid what we recorded: numbers may be those of others now.

    RpcUnreachable when the recorded block stands and the node shows no receipt of what is in it:
    such a node is behind, and proves no reorg. A hash that is not of our journal is the platform's
    own word, and binds nothing.
    """
    undone = [one for one, block in blocks.items() if block is None and session.journal.knows(one)]
    if not undone:
        return
    stood = {
        one.block_number: one.block_hash
        for one in recorded
        if one.tx_hash in undone and one.block_number is not None
    }
    if stood and dict(session.chain.block_hashes([*stood])) == stood:
        raise RpcUnreachable(
            f"The Ethereum node does not show {undone[0]}, whose block it has",
            hint="Nothing was sent. The node is behind or failing: run it again in a moment.",
        )
    raise Refused(
        f"A reorg undid {undone[0]}, by which event {number} or a booking of it was made",
        hint="Nothing was sent. `mayhouse audit` names what a reorg undid, and how to go on.",
        details={"tx_hashes": undone},
    )


def _open_bookings(
    row: EventRow | None, snapshot: Snapshot, session: Session
) -> tuple[OpenBooking, ...]:
    rows = session.bookings.of_event(row.id) if row else ()
    by_number = {booking.chain_booking_id: booking for booking in rows}
    return tuple(
        OpenBooking(snapshot.bookings[number], by_number.get(number))
        for number in snapshot.event_booking_ids
        if number in snapshot.bookings and snapshot.bookings[number].status is BookingStatus.ACTIVE
    )


def simulate(
    call: Call, payees: Sequence[Address], ending: EndingEvent, session: Session
) -> Snapshot:
    """Simulate an ending, and look whether any payee has code that could block its payment.

    Nothing is asked again where just this was simulated when the event was read.
    """
    snapshot, asked = ending.snapshot, ending.asked
    if asked.call != call or not set(payees).issubset(asked.accounts):
        accounts = tuple(dict.fromkeys(payees))
        snapshot = session.chain.read(
            Question(sender=session.signer.address, call=call, accounts=accounts)
        )
    for payee in payees:
        if payee in snapshot.with_code:
            raise Refused(
                f"The payee {payee} has code and could block the payment of everyone",
                hint="Nothing was sent. A contract or a delegated account must not be paid "
                "with the 2300 gas that this contract gives.",
                details={"payee": payee},
            )
    return snapshot


def guard_travelers(ending: EndingEvent) -> None:
    """Refused when a row names another traveler than the booking that was signed for it."""
    for row in (one.row for one in ending.bookings if one.row is not None):
        traveler_id = ending.booked_for.get(row.id, str(row.traveler.id))
        if traveler_id != str(row.traveler.id):
            raise Refused(
                f"Booking {row.chain_booking_id} was made for traveler {traveler_id}; "
                f"its row {row.id} names {row.traveler.id} now",
                hint="Nothing was sent. Put the traveler of the row back, and run it again.",
                details={"booking_id": str(row.id), "traveler_id": traveler_id},
            )


def guard_escrow(snapshot: Snapshot, needed: Wei) -> None:
    """Refused when the contract does not hold what it would have to pay (a drained escrow)."""
    if snapshot.contract_balance < needed:
        short_by = needed - snapshot.contract_balance
        raise Refused(
            f"The contract holds {format_eth(snapshot.contract_balance)} ETH and must pay "
            f"{format_eth(needed)} ETH: {format_eth(short_by)} ETH are missing",
            hint="Its escrow was withdrawn. Send the missing amount to the contract first.",
            details={"shortfall_wei": str(int(short_by))},
        )
