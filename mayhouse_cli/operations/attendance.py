"""Who came and who did not: what an operator says, held against the active bookings on chain.

Leaving somebody out costs that traveler the stake, so nothing is assumed: a booking with a row
that is not named is a no-show only where others are named as attended, and a booking that the
database does not stand behind must be named by its on-chain number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mayhouse_cli.errors import MayhouseError, NotFound, Refused, Stopped, WrongUsage
from mayhouse_cli.models import BookingRow, EventRow, Transaction
from mayhouse_cli.operations.attendance_file import AttendanceList
from mayhouse_cli.operations.attendance_list import Guest, decide
from mayhouse_cli.operations.lookup import parse_reference
from mayhouse_cli.operations.settled_bookings import SettledBooking, settled_bookings
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class AttendanceRequest:
    """Who came and who did not, as an operator says it: database ids or on-chain numbers."""

    attended: tuple[str, ...] = ()
    no_show: tuple[str, ...] = ()
    all_attended: bool = False
    nobody_attended: bool = False
    listed: AttendanceList | None = None
    """A list that is meant to be complete: leaving anyone out is an error."""


def attendance(
    ending: EndingEvent, request: AttendanceRequest
) -> tuple[tuple[OpenBooking, ...], tuple[OpenBooking, ...]]:
    """Split the active bookings into who came and who did not; refuses what nobody decided."""
    check_request(request)
    came = _named_as_attended(ending, request)
    missed = tuple(one for one in ending.bookings if one not in came)
    if missed and not came and not request.nobody_attended:
        raise Refused(
            "Nobody would count as attended, and every stake would be kept",
            hint="If that is meant, say --nobody-attended and nothing else.",
        )
    return came, missed


def likely_attendance(
    request: AttendanceRequest, rows: Sequence[BookingRow], number: int
) -> list[int] | None:
    """Who came, going by the rows alone, in the order of `attendance`; None when they cannot tell.

    A prediction to simulate: what is signed is decided by `attendance`.
    """
    standing = [one for one in rows if one.chain_booking_id and one.status == "confirmed"]
    standing.sort(key=lambda one: one.chain_booking_id or 0)
    numbers = {one.id: one.chain_booking_id or 0 for one in standing}
    try:
        if request.listed is not None:
            guests = [Guest(numbers[one.id], one.id, one.traveler, one.seats) for one in standing]
            return sorted(decide(request.listed, guests, number)[0])
        absent, came = (
            [
                one if isinstance(one, int) else numbers[one]
                for one in (parse_reference(name, "a booking") for name in names)
            ]
            for names in (request.no_show, request.attended)
        )
    except Stopped:
        raise
    except (MayhouseError, KeyError):
        return None
    return [one for one in numbers.values() if one not in absent] if request.all_attended else came


def check_request(request: AttendanceRequest) -> None:
    """WrongUsage unless who came is said in exactly one way."""
    listed = request.listed is not None
    ways = [bool(request.attended), request.all_attended, request.nobody_attended, listed]
    if sum(ways) != 1:
        raise WrongUsage(
            "Say who came, in exactly one way",
            hint="--attended ID,ID or --attendance FILE or --all-attended or --nobody-attended.",
        )
    if listed and request.no_show:
        raise WrongUsage("--attendance names everyone", hint="Leave --no-show away.")


def recorded_attendance(
    before: Transaction, request: AttendanceRequest, row: EventRow | None, session: Session
) -> dict[str, list[int]]:
    """Translate a request with the recorded bookings, to compare it with what was recorded."""
    settled = settled_bookings(before.terms)
    everyone = {booking.chain_booking_id for booking in settled}
    by_uuid = {booking.booking_id: booking.chain_booking_id for booking in settled}

    def numbers(names: Sequence[str]) -> set[int]:
        found = [parse_reference(name, "a booking") for name in names]
        return {one if isinstance(one, int) else by_uuid.get(one, 0) for one in found}

    if request.listed is not None:
        guests = _recorded_guests(settled, row, session)
        came = set(decide(request.listed, guests, before.chain_event_id or 0)[0])
    elif request.all_attended:
        came = everyone - numbers(request.no_show)
    else:
        came = set() if request.nobody_attended else numbers(request.attended)
    return {"attended": sorted(came), "no_show": sorted(everyone - came)}


def _recorded_guests(
    settled: Sequence[SettledBooking], row: EventRow | None, session: Session
) -> list[Guest]:
    rows = session.bookings.of_event(row.id) if row else ()
    travelers = {booking.id: booking.traveler for booking in rows}
    return [
        Guest(
            chain_booking_id=one.chain_booking_id,
            booking_id=one.booking_id,
            traveler=travelers.get(one.booking_id) if one.booking_id else None,
            seats=one.seats,
        )
        for one in settled
    ]


def _named_as_attended(ending: EndingEvent, request: AttendanceRequest) -> tuple[OpenBooking, ...]:
    if request.listed is not None:
        guests = [booking.guest for booking in ending.bookings]
        numbers, _ = decide(request.listed, guests, ending.event.id)
        return tuple(one for one in ending.bookings if one.on_chain.id in numbers)
    absent = _resolve(ending, request.no_show)
    if request.all_attended:
        came = [one for one in ending.bookings if one.is_ours and one not in absent]
    else:
        came = _resolve(ending, request.attended)
    both = [one.on_chain.id for one in came if one in absent]
    if both:
        raise WrongUsage(
            f"Named as attended and as no-show: {', '.join(map(str, both))}",
            hint="Decide for each.",
        )
    _refuse_undecided(ending, [*came, *absent])
    return tuple(came)


def _refuse_undecided(ending: EndingEvent, named: Sequence[OpenBooking]) -> None:
    undecided = [one for one in ending.bookings if one not in named and one.why_it_must_be_named]
    if undecided:
        told = ", ".join(f"{one.on_chain.id} ({one.why_it_must_be_named})" for one in undecided)
        raise Refused(
            f"Active on chain, and nobody said whether they came: {told}",
            hint="Name each by its on-chain number in --attended or --no-show.",
            details={"chain_booking_ids": [one.on_chain.id for one in undecided]},
        )


def _resolve(ending: EndingEvent, names: Sequence[str]) -> list[OpenBooking]:
    """Turn what an operator typed into active bookings of this event; each named once."""
    found: list[OpenBooking] = []
    for name in names:
        reference = parse_reference(name, "a booking")
        booking = next(
            (
                one
                for one in ending.bookings
                if reference in (one.on_chain.id, one.row.id if one.row else None)
            ),
            None,
        )
        if booking is None:
            raise NotFound(
                f"Booking {name} is not an active booking of event {ending.event.id}",
                hint=f"`mayhouse event show {ending.event.id}` lists its bookings.",
            )
        if booking in found:
            raise WrongUsage(f"Booking {name} is named twice", hint="Name each booking once.")
        found.append(booking)
    return found
