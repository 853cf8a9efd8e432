"""What a mined transaction proves, and what the platform's rows say after it.

The one place that turns a receipt into database changes. It needs nothing but the record and
the receipt, so that `tx resume` on another machine comes to the same rows.
"""

from collections.abc import Sequence
from uuid import UUID

from mayhouse_cli.models import Hash, Kind, Receipt, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import settlement
from mayhouse_cli.operations.settled_bookings import settled_bookings
from mayhouse_cli.operations.settlement_rates import stored_rates
from mayhouse_cli.ports import Session

_PROVING_EVENT = {
    Kind.CREATE_EVENT: ("EventRunCreated", "eventRunId"),
    Kind.BOOK_EVENT: ("BookingCreated", "bookingId"),
    Kind.COMPLETE_EVENT: ("EventCompleted", "eventRunId"),
    Kind.CANCEL_EVENT: ("EventCancelled", "eventRunId"),
}


CREATES_NUMBER = frozenset({Kind.CREATE_EVENT, Kind.BOOK_EVENT})
"""What gives an object a number of its own on chain."""


def proven_id(transaction: Transaction, receipt: Receipt) -> int | None:
    """The on-chain number that the receipt gives this very intent; None when it proves nothing.

    A receipt counts only with the contract's event of this intent in it: the right kind, the
    right sender, the right event.
    """
    name, key = _PROVING_EVENT[transaction.kind]
    event = receipt.first(name)
    if event is None or receipt.recipient != transaction.recipient:
        return None
    arguments = event.arguments
    match transaction.kind:
        case Kind.CREATE_EVENT:
            fits = (
                arguments["experienceId"] == transaction.arguments["experience_id"]
                and arguments["hostStake"] == transaction.value
            )
        case Kind.BOOK_EVENT:
            fits = (
                arguments["eventRunId"] == transaction.chain_event_id
                and arguments["totalPayment"] + arguments["userStake"] == transaction.value
            )
        case _:
            fits = arguments["eventRunId"] == transaction.chain_event_id
    return int(arguments[key]) if fits else None


def needs_proof(transaction: Transaction) -> bool:
    """Whether success shows in an event of the contract; a plain transfer has none."""
    return transaction.kind in _PROVING_EVENT


def write_outcome(
    transaction: Transaction, receipt: Receipt, chain_id: int, session: Session
) -> None:
    """Bring the platform's rows to what the receipt proved; the caller holds the transaction."""
    match transaction.kind:
        case Kind.CREATE_EVENT if transaction.event_id:
            session.events.mark_created(transaction.event_id, chain_id, receipt.tx_hash)
        case Kind.BOOK_EVENT if transaction.booking_id:
            stake = Wei(_argument(receipt, "BookingCreated", "userStake"))
            session.bookings.mark_booked(transaction.booking_id, chain_id, receipt.tx_hash, stake)
        case Kind.COMPLETE_EVENT:
            came = [e.arguments["bookingId"] for e in receipt.every("BookingCompleted")]
            missed = [e.arguments["bookingId"] for e in receipt.every("BookingNoShow")]
            session.bookings.mark_status(came, "experience_completed")
            session.bookings.mark_status(missed, "no_show")
            _end_event(transaction, "completed", session)
            _settle(transaction, receipt, session)
        case Kind.CANCEL_EVENT:
            settled = settled_bookings(transaction.terms)
            session.bookings.mark_status([b.chain_booking_id for b in settled], "cancelled")
            _end_event(transaction, "cancelled", session)
            _settle(transaction, receipt, session)
        case Kind.TRANSFER if (payable_id := settlement.payable_of(transaction)) is not None:
            session.payables.mark_paid(payable_id, transaction)
        case _:
            pass


def write_outcomes(ends: Sequence[tuple[Transaction, Receipt, int]], session: Session) -> None:
    """The same for many, with the number each made; bookings go in one statement."""
    booked: list[tuple[UUID, int, Hash, Wei]] = []
    for transaction, receipt, chain_id in ends:
        if transaction.kind is Kind.BOOK_EVENT and transaction.booking_id:
            stake = Wei(_argument(receipt, "BookingCreated", "userStake"))
            booked.append((transaction.booking_id, chain_id, receipt.tx_hash, stake))
        else:
            write_outcome(transaction, receipt, chain_id, session)
    session.bookings.mark_booked_all(booked)


def take_back(transaction: Transaction, known_as: Hash, session: Session) -> None:
    """Bring the rows back to waiting: what they say of the chain is no longer true."""
    match transaction.kind:
        case Kind.CREATE_EVENT if transaction.event_id:
            session.events.mark_pending(transaction.event_id, known_as)
        case Kind.BOOK_EVENT if transaction.booking_id:
            session.bookings.mark_pending(transaction.booking_id, known_as)
            if transaction.status.is_impossible and inserted_row(transaction):
                session.bookings.change_status([transaction.booking_id], "cancelled", "confirmed")
        case Kind.COMPLETE_EVENT | Kind.CANCEL_EVENT:
            settled = settled_bookings(transaction.terms)
            session.bookings.mark_status([b.chain_booking_id for b in settled], "confirmed")
            _end_event(transaction, "scheduled", session)
            session.payables.take_back(transaction.id)
            session.settlements.take_back(transaction.id)
        case Kind.TRANSFER if (payable_id := settlement.payable_of(transaction)) is not None:
            session.payables.mark_unpaid(payable_id, transaction.id)
        case _:
            pass


def write_failure(transaction: Transaction, session: Session) -> None:
    """What can no longer happen: the event is failed, a booking's row that we made cancelled.

    A booking's row that was there before stays: it is the platform's to decide about.
    """
    if transaction.kind is Kind.CREATE_EVENT and transaction.event_id:
        session.events.mark_failed(transaction.event_id)
    elif transaction.booking_id and inserted_row(transaction):
        session.bookings.change_status([transaction.booking_id], "confirmed", "cancelled")


def inserted_row(transaction: Transaction) -> bool:
    """Whether the booking's row was made with this intent, and is ours to cancel with it."""
    return transaction.kind is Kind.BOOK_EVENT and bool(transaction.terms.get("row_inserted"))


def _settle(transaction: Transaction, receipt: Receipt, session: Session) -> None:
    """Keep the lines, and what they owe to whom, with the end that they follow from."""
    rates = stored_rates(transaction, session)
    lines = settlement.settlement_lines(transaction, receipt.events, rates)
    session.settlements.add(transaction, lines)
    owner = session.config.get("owner_address")
    session.payables.add(transaction, settlement.owed_lines(transaction, lines, rates, owner))


def _end_event(transaction: Transaction, status: str, session: Session) -> None:
    if transaction.event_id:
        session.events.mark_ended(transaction.event_id, status)


def _argument(receipt: Receipt, name: str, argument: str) -> int:
    event = receipt.first(name)
    return int(event.arguments[argument]) if event else 0
