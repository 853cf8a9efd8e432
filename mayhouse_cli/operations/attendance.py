"""Who came and who did not: what an operator says, held against the active bookings on chain.

Leaving somebody out costs that traveler the stake, so nothing is assumed: a booking with a row
that is not named is a no-show only where others are named as attended, and a booking that the
database does not stand behind must be named by its on-chain number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.operations.lookup import parse_reference
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking


@dataclass(frozen=True)
class AttendanceRequest:
    """Who came and who did not, as an operator says it: database ids or on-chain numbers."""

    attended: tuple[str, ...] = ()
    no_show: tuple[str, ...] = ()
    all_attended: bool = False
    nobody_attended: bool = False
    names_everyone: bool = False
    """It comes from a list that is meant to be complete: leaving anyone out is an error."""


def attendance(
    ending: EndingEvent, request: AttendanceRequest
) -> tuple[tuple[OpenBooking, ...], tuple[OpenBooking, ...]]:
    """Split the active bookings into who came and who did not; refuses what nobody decided."""
    _check_request(request)
    absent = _resolve(ending, request.no_show)
    if request.all_attended:
        came = [one for one in ending.bookings if one.is_ours and one not in absent]
    else:
        came = _resolve(ending, request.attended)
    both = [one.on_chain.id for one in came if one in absent]
    if both:
        raise WrongUsage(
            f"Named as attended and as no-show: {_listed(both)}", hint="Decide for each."
        )
    undecided = [
        one
        for one in ending.bookings
        if one not in came
        and one not in absent
        and (request.names_everyone or one.why_it_must_be_named)
    ]
    if undecided:
        told = ", ".join(
            f"{one.on_chain.id} ({one.why_it_must_be_named or 'not in the list'})"
            for one in undecided
        )
        raise Refused(
            f"Active on chain, and nobody said whether they came: {told}",
            hint="Name each by its on-chain number in --attended or --no-show, or in the list.",
            details={"chain_booking_ids": [one.on_chain.id for one in undecided]},
        )
    missed = tuple(one for one in ending.bookings if one not in came)
    if missed and not came and not request.nobody_attended:
        raise Refused(
            "Nobody would count as attended, and every stake would be kept",
            hint="Say so with --nobody-attended if that is meant.",
        )
    return tuple(came), missed


def _check_request(request: AttendanceRequest) -> None:
    ways = [bool(request.attended), request.all_attended, request.nobody_attended]
    if sum(ways) != 1:
        raise WrongUsage(
            "Say who came, in exactly one way",
            hint="--attended ID,ID or --attendance FILE or --all-attended or --nobody-attended.",
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


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
