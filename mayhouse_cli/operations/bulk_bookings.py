"""`booking import`: a file of bookings, checked as a whole and priced at one block."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mayhouse_cli.errors import MayhouseError, Stopped
from mayhouse_cli.models import Call, OnChainEvent, Question, Rate, Snapshot
from mayhouse_cli.money import Wei, inr_to_wei, percent_of
from mayhouse_cli.operations import bulk_earlier
from mayhouse_cli.operations.booking_creation import (
    details_of,
    guard_ours,
    guard_percentages,
    new_row,
)
from mayhouse_cli.operations.bookings import Quote, bookable, make_quote, required_cost
from mayhouse_cli.operations.bulk_booking_rows import (
    COLUMNS,
    BookingRows,
    WantedBooking,
    intent_of,
    repeats,
)
from mayhouse_cli.operations.bulk_earlier import Earlier
from mayhouse_cli.operations.bulk_files import ImportFile, read_import_file
from mayhouse_cli.operations.bulk_rows import (
    BulkPlan,
    Item,
    Listed,
    Problem,
    Terms,
    refuse_problems,
)
from mayhouse_cli.operations.bulk_spending import sum_up
from mayhouse_cli.operations.event_creation import USUAL_STAKE_PERCENT
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.operations.lookup import EventReference
from mayhouse_cli.operations.rates import current_rate
from mayhouse_cli.operations.reverification import event_terms
from mayhouse_cli.ports import Session

Class = tuple[int, int]
"""An event's number and how many seats of it: what bookings of one price have in common."""


@dataclass(frozen=True)
class BookingFile:
    """A file whose rows are all understood: what it asks for, and what exists of that."""

    file: ImportFile
    wanted: tuple[WantedBooking, ...]
    earlier: Earlier
    warnings: tuple[str, ...]


def read_bookings(
    path: Path,
    choices: SigningChoices,
    session: Session,
    *,
    allow_repeats: bool,
    retry_failed: bool,
) -> BookingFile:
    """Read the file and hold it against the database; Refused with all of its bad lines."""
    file = read_import_file(path, COLUMNS)
    rows = BookingRows(file.rows, session)
    problems = [*file.problems, *rows.problems]
    if not allow_repeats:
        problems += repeats(rows.wanted, session)
    listed = [
        Listed(one.line, intent_of(one, choices.confirmations, session), one.terms.seats)
        for one in rows.wanted
    ]
    earlier, conflicts = bulk_earlier.find(listed, session, retry_failed=retry_failed)
    problems += conflicts
    if problems:
        left = [one for one in rows.wanted if one.line in earlier.left]
        problems += _without_seats(left, {line for line, _ in problems}, session)
    refuse_problems(file.source, problems)
    warnings = list(file.warnings)
    if rows.repeated:
        told = sum(rows.repeated) - len(rows.repeated)
        rows_repeat = "1 row repeats" if told == 1 else f"{told} rows repeat"
        warnings.append(f"{rows_repeat} another row: each is a booking of its own")
    return BookingFile(file, tuple(rows.wanted), earlier, tuple(warnings))


@waits_for_fee
def plan_bookings(listed: BookingFile, choices: SigningChoices, session: Session) -> BulkPlan:
    """Guard and price what is left to be made, as a whole; signs nothing.

    Refused with every line that the contract would not take now, InsufficientFunds and kin for
    the sum.
    """
    earlier = listed.earlier
    rows = [one for one in listed.wanted if one.line in earlier.left]
    if not rows:
        return BulkPlan(
            listed.file.source, earlier.listed, (), earlier.ended, None, None, listed.warnings
        )
    rate = current_rate(session)
    snapshots = _price(rows, rate, session)
    problems, quotes = _guard(rows, snapshots, rate, session)
    refuse_problems(listed.file.source, problems)
    # The dearest sets the limit for all: a booking that is the first of its event or its wallet
    # costs more, and in which order they are mined nobody knows.
    gas = max(snapshot.gas_estimate or 0 for snapshot in snapshots.values())
    items = [
        _item(one, quotes[one.line], snapshots[_class(one)], gas, choices, session) for one in rows
    ]
    first = next(iter(snapshots.values()))
    terms = Terms(rate, (first.stake_percent, first.fee_percent), choices.max_fee)
    spending, agreed = sum_up(items, first, terms, session)
    return BulkPlan(
        source=listed.file.source,
        listed=earlier.listed,
        items=tuple(items),
        earlier=earlier.ended,
        terms=agreed,
        spending=spending,
        warnings=listed.warnings,
    )


def _class(row: WantedBooking) -> Class:
    return row.terms.chain_event_id, row.terms.seats


def _price(rows: Sequence[WantedBooking], rate: Rate, session: Session) -> Mapping[Class, Snapshot]:
    """Simulate one booking of each class at one block; again where its price was not foreseen."""
    totals: dict[Class, Wei] = {}
    for row in rows:
        price = inr_to_wei(row.terms.event.price_inr, rate.eth_price_inr) * row.terms.seats
        totals[_class(row)] = price + percent_of(price, USUAL_STAKE_PERCENT)
    while True:
        questions = [
            Question(
                sender=session.signer.address,
                call=Call("bookEvent", one, total),
                chain_event_id=one[0],
                cost_of=one,
            )
            for one, total in totals.items()
        ]
        snapshots = dict(zip(totals, session.chain.read_all(questions), strict=True))
        required = {
            one: snapshot.cost.total if snapshot.cost is not None else totals[one]
            for one, snapshot in snapshots.items()
        }
        if required == totals:
            return snapshots
        totals = required


def _guard(
    rows: Sequence[WantedBooking],
    snapshots: Mapping[Class, Snapshot],
    rate: Rate,
    session: Session,
) -> tuple[list[Problem], Mapping[int, Quote]]:
    asked = _seats_asked(rows)
    found = {
        one: _quote(row, snapshots[one], asked, rate, session)
        for one, row in {_class(row): row for row in rows}.items()
    }
    problems: list[Problem] = []
    quotes: dict[int, Quote] = {}
    for row in rows:
        quote = found[_class(row)]
        if isinstance(quote, Quote):
            quotes[row.line] = quote
        else:
            problems.append((row.line, quote))
    return problems, quotes


def _without_seats(
    rows: Sequence[WantedBooking], told: Collection[int], session: Session
) -> list[Problem]:
    """Name the rows without a seat beside others that are bad, as far as the chain can be asked."""
    events = [*_seats_asked(rows)]
    try:
        found = session.chain.read_all([Question(chain_event_id=one) for one in events])
    except Stopped:
        raise
    except MayhouseError:
        return []
    snapshots = dict(zip(events, found, strict=True))
    problems: dict[int, str] = {}
    fitting: list[tuple[WantedBooking, OnChainEvent]] = []
    for row in rows:
        number, seats = _class(row)
        try:
            fitting.append((row, bookable(snapshots[number], number, seats)))
        except Stopped:
            raise
        except MayhouseError as refusal:
            problems[row.line] = refusal.message
    # What cannot be booked even alone takes no seat from the others.
    asked = _seats_asked([row for row, _ in fitting])
    for row, event in fitting:
        if why := _why_too_many(event, asked):
            problems[row.line] = why
    return [(line, why) for line, why in problems.items() if line not in told]


def _seats_asked(rows: Sequence[WantedBooking]) -> Counter[int]:
    asked = Counter[int]()
    for row in rows:
        asked[row.terms.chain_event_id] += row.terms.seats
    return asked


def _why_too_many(event: OnChainEvent, asked: Mapping[int, int]) -> str | None:
    if asked[event.id] <= event.seats_available:
        return None
    return (
        f"event {event.id} has {event.seats_available} of {event.max_seats} seats left; "
        f"the file asks for {asked[event.id]}"
    )


def _quote(
    row: WantedBooking, snapshot: Snapshot, asked: Mapping[int, int], rate: Rate, session: Session
) -> Quote | str:
    """Price a class, or say why none of its bookings can be made."""
    number, seats = _class(row)
    try:
        event = bookable(snapshot, number, seats)
        guard_ours(event, row.terms, session)
        guard_percentages(snapshot, row.terms, session)
        cost = required_cost(snapshot, number)
    except Stopped:
        raise
    except MayhouseError as refusal:
        return refusal.message
    if too_many := _why_too_many(event, asked):
        return too_many
    if snapshot.revert_reason is not None:
        return f"the contract would refuse this: {snapshot.revert_reason}"
    reference = EventReference(row.terms.event, number)
    return make_quote(reference, event, seats, cost, snapshot, rate)


def _item(
    row: WantedBooking,
    quote: Quote,
    snapshot: Snapshot,
    gas: int,
    choices: SigningChoices,
    session: Session,
) -> Item:
    call = Call("bookEvent", _class(row), quote.total_wei)
    kept = {} if snapshot.event is None else event_terms(snapshot.event)
    intent = replace(
        intent_of(row, choices.confirmations, session),
        call=call,
        calldata=session.chain.calldata(call),
        terms={**details_of(row.terms, quote), **kept},
        eth_price_inr=quote.eth_price_inr,
        amount_inr=quote.total_inr,
    )
    return Item(row.line, intent, gas, new_row(row.terms, quote))
