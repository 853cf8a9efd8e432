"""How each drift between rows and chain is told: its words, its remedy, whether it fails the check.

The codes are those of the comparison in SQL; the texts name the row, the numbers and what each
side says. A remedy is for what `reconcile --fix` does not mend, or could not prove.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """Whether it fails the check."""

    FINDING = "finding"
    NOTICE = "notice"


@dataclass(frozen=True)
class Wording:
    """How a drift is told; `by_hand` is for one that `reconcile --fix` could not prove."""

    detail: str
    by_hand: str
    fixable: bool = False
    severity: Severity = Severity.FINDING


def _fixable(detail: str, by_hand: str) -> Wording:
    return Wording(detail, by_hand, fixable=True)


def _notice(detail: str, remedy: str) -> Wording:
    return Wording(detail, remedy, severity=Severity.NOTICE)


SHOW_EVENT: Final = "mayhouse event show {event}"
_SHOW_ROW: Final = "mayhouse event show {row_id}"
SHOW_BOOKING: Final = "mayhouse booking show {row_id}"
SHOW_TX: Final = "mayhouse tx show {tx_hash}"
RESUME: Final = "mayhouse tx resume {tx_hash}"
_NAME_IT: Final = "name {number} in --attended or --no-show of `mayhouse event complete {event}`"
_CORRECT_ROW: Final = "correct the row; what holds is in `mayhouse event show {event}`"

_EVENTS: Final = {
    "event_number_lost": _fixable(
        "its creation {tx_hash} is recorded, and the row has no number", _SHOW_ROW
    ),
    "event_number_missing": Wording(
        "the row says that it is confirmed, and has neither number nor hash",
        "mayhouse event create {row_id}",
    ),
    "event_number_wrong": _fixable(
        "the row has number {recorded}, its creation {tx_hash} made number {on_chain}", SHOW_TX
    ),
    "event_number_taken": _fixable(
        "the row {row_id} has the number of another one, whose creation is {tx_hash}", SHOW_TX
    ),
    "event_hash_wrong": _fixable(
        "the row has the hash {recorded}, its creation is {on_chain}", SHOW_TX
    ),
    "event_sync_wrong": _fixable("it is on chain, and the row says {recorded}", SHOW_EVENT),
    "event_not_on_chain": Wording(
        "the row {row_id} has a number that the contract does not know", RESUME
    ),
    "event_is_another": Wording(
        "the row {row_id} is of {recorded}; on chain it is of {on_chain}", RESUME
    ),
    "event_ended_on_chain": _fixable(
        "it is {on_chain} on chain, and the row says {recorded}", SHOW_EVENT
    ),
    "event_cancelled_in_database": Wording(
        "it is cancelled in the database and open on chain: nobody was refunded",
        "mayhouse event cancel {event} --reason TEXT",
    ),
    "event_completed_in_database": Wording(
        "it is completed in the database and open on chain: nobody was paid",
        "mayhouse event complete {event} --attendance FILE.csv",
    ),
    "event_seats_differ": Wording(
        "the row has {recorded} seats, the contract sells {on_chain}", _CORRECT_ROW
    ),
    "event_start_differs": Wording(
        "the row starts at {recorded_time}, the contract has {on_chain_time}", _CORRECT_ROW
    ),
    "event_price_differs": Wording(
        "a seat costs {recorded} INR in the row; on chain it was offered for {on_chain} INR",
        _CORRECT_ROW,
    ),
    "event_price_not_as_recorded": Wording(
        "a seat costs {on_chain} wei on chain, its creation was for {recorded} wei", SHOW_EVENT
    ),
    "event_hosted_elsewhere": Wording(
        "its host is {on_chain}, not the wallet that signs: only that one can cancel it",
        "configure the wallet of {on_chain} (wallet, platform_address), then "
        "mayhouse event show {event}",
    ),
    "event_overdue": Wording(
        "it ended at {on_chain_time} and is not completed: everybody's money is held",
        "mayhouse event complete {event} --attendance FILE.csv",
    ),
    "event_just_over": _notice(
        "it ended at {on_chain_time} and is not completed yet",
        "mayhouse event complete {event} --attendance FILE.csv",
    ),
    "event_too_large": Wording(
        "it has {on_chain} bookings: above about 390 no transaction can complete it",
        "mayhouse event complete {event} --all-attended --dry-run",
    ),
    "event_growing_large": _notice(
        "it has {on_chain} bookings, and seats enough to grow past 250: completion nears the "
        "gas limit",
        SHOW_EVENT,
    ),
    "event_without_row": Wording(
        "the platform's wallet hosts it, and it has no row ({on_chain})", SHOW_EVENT
    ),
    "foreign_event": _notice("a stranger's, {on_chain}: nothing of ours is in it", SHOW_EVENT),
}
_BOOKINGS: Final = {
    "booking_number_lost": _fixable(
        "its booking {tx_hash} is recorded, and the row has no number", SHOW_BOOKING
    ),
    "booking_number_wrong": _fixable(
        "the row has number {recorded}, its booking {tx_hash} made number {on_chain}", SHOW_TX
    ),
    "booking_number_taken": _fixable(
        "the row {row_id} has the number of another one, which {tx_hash} made", SHOW_TX
    ),
    "booking_hash_wrong": _fixable(
        "the row has the hash {recorded}, its booking is {on_chain}", SHOW_TX
    ),
    "booking_not_on_chain": Wording(
        "the row {row_id} has a number that the contract does not know", RESUME
    ),
    "booking_is_another": Wording(
        "the row {row_id} is of {recorded}; on chain it is of {on_chain}", RESUME
    ),
    "booking_stake_differs": _fixable(
        "the row has a stake of {recorded} wei, the contract holds {on_chain} wei", SHOW_BOOKING
    ),
    "booking_seats_differ": Wording(
        "the row has {recorded} seats, {on_chain} are booked on chain", SHOW_BOOKING
    ),
    "booking_ended_on_chain": _fixable(
        "it is {on_chain} on chain, and the row says {recorded}", SHOW_BOOKING
    ),
    "booking_cancelled_in_database": Wording(
        "it is cancelled in the database and live on chain, where one booking cannot be cancelled",
        _NAME_IT,
    ),
    "booking_ended_in_database": Wording(
        "it is {recorded} in the database and live on chain",
        "mayhouse event complete {event} --attendance FILE.csv",
    ),
    "booking_never_made": Wording(
        "the row says {recorded}, and it was never booked on chain: {on_chain}", SHOW_BOOKING
    ),
    "traveler_changed": Wording(
        "{tx_hash} was made for traveler {on_chain}, the row names {recorded}: who is owed?",
        "put traveler {on_chain} back in the row {row_id}; until then its event cannot be ended",
    ),
    "booking_waits": _notice(
        "it is not booked on chain yet", "mayhouse booking create --booking {row_id}"
    ),
    "booking_without_row": Wording("the platform's wallet paid it, and it has no row", _NAME_IT),
    "booking_ended_without_row": _notice(
        "the platform's wallet paid it, it is {on_chain}, and it has no row", SHOW_EVENT
    ),
    "booking_of_a_strangers_event": Wording(
        "our booking is of event {event}, which a stranger hosts: only he can end it", SHOW_EVENT
    ),
    "foreign_booking": Wording(
        "a stranger's, {on_chain}, on our event {event}: a completion must name it", _NAME_IT
    ),
}
DRIFTS: Final = {**_EVENTS, **_BOOKINGS}
FIXABLE: Final = frozenset(code for code, wording in DRIFTS.items() if wording.fixable)
