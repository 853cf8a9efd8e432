"""What a receipt proves about a row that disagrees with the chain; no guess is made."""

from typing import Final, TypeAlias

from mayhouse_cli.models import ContractEvent, Drift, Receipt, Side
from mayhouse_cli.operations.escrow import our_wallets
from mayhouse_cli.ports import Session

Values: TypeAlias = dict[str, str | None]

_ENDS_OF_EVENTS: Final = {"EventCompleted": "completed", "EventCancelled": "cancelled"}
_ENDS_OF_BOOKINGS: Final = {
    "BookingCompleted": "experience_completed",
    "BookingNoShow": "no_show",
}
_NOTHING: Final[Values] = {}


def proven_values(drift: Drift, receipt: Receipt, session: Session) -> Values:
    """Give the row's values that this receipt proves; empty when it proves none.

    It counts only as a success, sent to the contract, with the contract's own event of this row.
    """
    if not receipt.succeeded or receipt.recipient != session.chain.contract:
        return _NOTHING
    if drift.code.endswith("_number_taken"):
        return _given_up(drift, receipt)
    if drift.code.endswith("_ended_on_chain"):
        return _ended(drift, receipt)
    if drift.side is Side.EVENT:
        return _created(drift, receipt, session)
    return _booked(drift, receipt, session)


def _created(drift: Drift, receipt: Receipt, session: Session) -> Values:
    row = session.events.by_id(drift.row_id) if drift.row_id else None
    made = receipt.first("EventRunCreated")
    if row is None or made is None or made.arguments["experienceId"] != str(row.experience.id):
        return _NOTHING
    if not _is_ours(made, "host", session):
        return _NOTHING
    number = str(made.arguments["eventRunId"])
    return {"number": number, "tx_hash": receipt.tx_hash, "sync": "confirmed"}


def _booked(drift: Drift, receipt: Receipt, session: Session) -> Values:
    row = session.bookings.by_id(drift.row_id) if drift.row_id else None
    event = session.events.by_id(row.event_id) if row else None
    made = receipt.first("BookingCreated")
    if row is None or event is None or made is None:
        return _NOTHING
    fits = (
        made.arguments["eventRunId"] == event.chain_event_id
        and made.arguments["seatCount"] == row.seats
        and _is_ours(made, "user", session)
    )
    if not fits:
        return _NOTHING
    return {
        "number": str(made.arguments["bookingId"]),
        "tx_hash": receipt.tx_hash,
        "stake": str(int(made.arguments["userStake"])),
    }


def _given_up(drift: Drift, receipt: Receipt) -> Values:
    """The number belongs to what this receipt made, and so not to the row."""
    name, key = (
        ("EventRunCreated", "eventRunId")
        if drift.side is Side.EVENT
        else ("BookingCreated", "bookingId")
    )
    made = receipt.first(name)
    if made is None or str(made.arguments[key]) != drift.row["number"]:
        return _NOTHING
    hash_too = drift.row["tx_hash"] == receipt.tx_hash
    state: Values = {"sync": "pending"} if drift.side is Side.EVENT else {"stake": None}
    return {"number": None, **({"tx_hash": None} if hash_too else {}), **state}


def _ended(drift: Drift, receipt: Receipt) -> Values:
    names, key, number = (
        (_ENDS_OF_EVENTS, "eventRunId", drift.number)
        if drift.side is Side.EVENT
        else (_ENDS_OF_BOOKINGS, "bookingId", drift.number)
    )
    for event in receipt.events:
        if event.name in names and event.arguments[key] == number:
            return {"status": names[event.name]}
    # A cancellation names no bookings: it ends all that were active, as the chain shows.
    cancelled = receipt.first("EventCancelled")
    whole_event = cancelled is not None and cancelled.arguments["eventRunId"]
    if drift.on_chain == "cancelled" and whole_event == drift.chain_event_id:
        return {"status": "cancelled"}
    return _NOTHING


def _is_ours(made: ContractEvent, party: str, session: Session) -> bool:
    return made.arguments[party].lower() in {one.lower() for one in our_wallets(session)}
