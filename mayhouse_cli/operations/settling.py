"""What completing and cancelling share: the event with all its bookings, guarded and planned."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from mayhouse_cli.errors import NotFound, Refused, Unconfirmed
from mayhouse_cli.models import (
    Address,
    BookingRow,
    BookingStatus,
    Call,
    EventRow,
    Kind,
    OnChainBooking,
    OnChainEvent,
    Plan,
    Question,
    Snapshot,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.events import read_event
from mayhouse_cli.operations.lookup import EventReference, find_event_on_chain, unknown_event
from mayhouse_cli.operations.outcomes import SettledBooking
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session


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
    def settled(self) -> SettledBooking:
        return SettledBooking(
            chain_booking_id=self.on_chain.id,
            booking_id=self.row.id if self.row else None,
            traveler_id=self.row.traveler.id if self.row else None,
            seats=self.on_chain.seats,
            payment=self.on_chain.payment,
            stake=self.on_chain.stake,
        )


@dataclass(frozen=True)
class EndingEvent:
    """An open event with its active bookings, as read at one block."""

    reference: EventReference
    event: OnChainEvent
    snapshot: Snapshot
    bookings: tuple[OpenBooking, ...]

    @property
    def row(self) -> EventRow | None:
        return self.reference.row

    @property
    def event_id(self) -> UUID | None:
        return self.reference.row.id if self.reference.row else None


def read_ending_event(text: str, session: Session) -> EndingEvent:
    """Read an event that is to be completed or cancelled.

    NotFound when the contract does not know it, Refused when it has ended, Unconfirmed while
    a transaction of ours on it is unfinished: its outcome would change who is owed what.
    """
    reference, number = find_event_on_chain(text, session)
    row = reference.row
    unfinished = session.journal.unfinished_of_event(row.id if row else None, number)
    if unfinished:
        first = unfinished[0]
        raise Unconfirmed(
            f"A transaction on event {number} is unfinished: {first.kind} {short(first)}",
            hint=f"Finish it first: mayhouse tx resume {short(first)}",
            details={"transaction_id": str(first.id), "tx_hash": first.tx_hash},
        )
    snapshot = read_event(number, row, session)
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
    return EndingEvent(reference, event, snapshot, _open_bookings(row, snapshot, session))


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


def simulate(call: Call, payees: Sequence[Address], session: Session) -> Snapshot:
    """Simulate an ending, and look whether any payee has code that could block its payment."""
    snapshot = session.chain.read(
        Question(sender=session.signer.address, call=call, accounts=tuple(dict.fromkeys(payees)))
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


# --- plans ------------------------------------------------------------------------------


def state_of(ending: EndingEvent, session: Session) -> dict[str, Any]:
    """Everything about the event that a plan is bound to."""
    return {
        "chain_id": session.config.chain_id,
        "contract": session.chain.contract,
        "genesis": ending.snapshot.genesis_hash,
        "chain_event_id": ending.event.id,
        "event_id": str(ending.event_id) if ending.event_id else None,
        "host": ending.event.host,
        "host_id": str(ending.row.experience.host.id) if ending.row else None,
        "host_stake_wei": str(int(ending.event.host_stake)),
        "status": ending.event.status.name,
        "stake_percent": ending.snapshot.stake_percent,
        "fee_percent": ending.snapshot.fee_percent,
        "bookings": [
            [
                booking.on_chain.id,
                booking.on_chain.user,
                booking.on_chain.seats,
                str(int(booking.on_chain.payment)),
                str(int(booking.on_chain.stake)),
                str(booking.row.id) if booking.row else None,
                booking.row.status if booking.row else None,
                str(booking.row.traveler.id) if booking.row else None,
            ]
            for booking in ending.bookings
        ],
    }


def hash_of(content: Mapping[str, Any]) -> str:
    """Bind a plan: the SHA-256 of its content in one canonical writing."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_plan(
    kind: Kind,
    ending: EndingEvent,
    content: Mapping[str, Any],
    lives: timedelta,
    session: Session,
) -> Plan:
    """Store a plan, to be executed by its hash until it expires."""
    now = session.now()
    plan = Plan(
        hash=hash_of(content),
        kind=kind,
        event_id=ending.event_id,
        chain_event_id=ending.event.id,
        content=content,
        made_at=now,
        expires_at=now + lives,
    )
    session.ledger.add_plan(plan, session.actor)
    return plan


def load_plan(plan_hash: str, kind: Kind, event: str, session: Session) -> Plan:
    """Find a stored plan that may be executed now; Refused when it is for another event."""
    plan = session.ledger.plan(plan_hash.strip().lower())
    if plan is None or plan.kind is not kind:
        raise NotFound(
            f"There is no such plan: {plan_hash}", hint="Make one with --plan, and give its hash."
        )
    _, number = find_event_on_chain(event, session)
    if plan.chain_event_id != number:
        raise Refused(
            f"That plan is for event {plan.chain_event_id}, not {number}",
            hint="Name the event that the plan was made for.",
        )
    return plan


def refuse_expired(plan: Plan, session: Session) -> None:
    """Refused when a plan is too old to be carried out; what it did already still answers."""
    if session.now() > plan.expires_at:
        raise Refused("That plan has expired", hint="Make a new one with --plan.")


def refuse_when_moved(plan: Plan, content: Mapping[str, Any]) -> None:
    """Refused when anything that the plan is bound to is different now; names what."""
    if hash_of(content) == plan.hash:
        return
    moved = [key for key in content if content[key] != plan.content.get(key)]
    raise Refused(
        f"The event has moved since the plan was made ({', '.join(moved)})",
        hint="Nothing was sent. Make a new plan with --plan and look at it again.",
        details={"moved": moved},
    )
