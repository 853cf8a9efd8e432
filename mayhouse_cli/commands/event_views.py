"""What `mayhouse event create` and `show` say, as lines and tables."""

from collections.abc import Iterator, Sequence

from mayhouse_cli.commands.amounts import eth_column, inr_of, moment, plural, rate_words
from mayhouse_cli.money import format_inr, format_rate
from mayhouse_cli.operations.event_creation import EventCreated
from mayhouse_cli.operations.events import EventBooking, EventDetails
from mayhouse_cli.operations.transactions import TransactionSummary
from mayhouse_cli.render import Block, Line, Table, dim, heading, state


def creation_done(result: EventCreated, *, before: bool) -> str:
    return f"Event {result.chain_event_id} created{' already' if before else ''}"


def creation_blocks(result: EventCreated) -> list[Block]:
    rate = result.eth_price_inr
    at = f"{format_rate(rate)} per ETH"
    if result.rate_source and result.rate_as_of:
        at = rate_words(rate, result.rate_source, result.rate_as_of)
    price, stake = eth_column([result.price_per_seat_wei, result.stake_wei])
    rows = [
        ["price of a seat", format_inr(result.price_inr), price],
        ["host stake, advanced", inr_of(result.stake_wei, rate), stake],
    ]
    return [
        heading(result.title, moment(result.starts_at), plural(result.seats, "seat")),
        dim(f"  row {result.event_id}"),
        Table(rows, right=frozenset({1, 2}), indent=2),
        dim(f"  at {at}"),
    ]


def event_blocks(result: EventDetails) -> Iterator[Block]:
    number = f"event {result.chain_event_id}" if result.chain_event_id else "not on chain"
    yield Line(f"{result.title}   {number}", "bold")
    rows = [["row", str(result.event_id or "none: a stranger's event")]]
    if result.starts_at and result.price_inr is not None:
        rows += [
            ["host", result.host_name or "-"],
            ["starts", moment(result.starts_at)],
            ["price", format_inr(result.price_inr)],
            ["status", f"{result.status}, chain {result.blockchain_status}"],
        ]
    if chain := result.on_chain:
        price, stake = eth_column([chain.price_per_seat_wei, chain.host_stake_wei])
        rows += [
            ["on chain", chain.status],
            ["host on chain", chain.host],
            ["price on chain", price],
            ["seats", f"{chain.seats_booked} of {chain.max_seats} booked"],
            ["host stake", stake],
        ]
    yield Table(rows, indent=2)
    if result.bookings:
        yield Line()
        yield _bookings_table(result.bookings)
    if result.transactions:
        yield Line()
        yield from _transaction_blocks(result.transactions)


def _bookings_table(bookings: Sequence[EventBooking]) -> Table:
    known = [one for one in bookings if one.payment_wei is not None and one.stake_wei is not None]
    payments = dict(zip(known, eth_column(one.payment_wei or 0 for one in known), strict=True))
    stakes = dict(zip(known, eth_column(one.stake_wei or 0 for one in known), strict=True))
    rows = [
        [
            str(one.chain_booking_id or "-"),
            one.traveler or ("a stranger" if one.foreign else "ours, not recorded yet"),
            str(one.seats),
            payments.get(one, "-"),
            stakes.get(one, "-"),
            one.status or ("foreign" if one.foreign else "tx resume"),
            one.chain_status or "-",
            str(one.booking_id or "-"),
        ]
        for one in bookings
    ]
    headers = ["booking", "traveler", "seats", "payment", "stake", "status", "on chain", "row"]
    spare = (7, 6, 4) if all(one.chain_booking_id for one in bookings) else (6, 4)
    return Table(rows, headers, frozenset({0, 2, 3, 4}), indent=2, spare=spare)


def _transaction_blocks(transactions: Sequence[TransactionSummary]) -> Iterator[Block]:
    rows: list[list[str | Line]] = [
        [str(one.id)[:8], one.kind, state(one.status), one.tx_hash] for one in transactions
    ]
    yield Table(rows, ["transaction", "kind", "status", "hash"], indent=2, spare=(3,))
    for one in transactions:
        if one.finished_at is None:
            yield Line(f"  mayhouse tx resume {str(one.id)[:8]} finishes the {one.kind}", "yellow")
