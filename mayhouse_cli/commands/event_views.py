"""What `mayhouse event` shows: results and plans as lines and tables."""

from collections.abc import Iterator, Sequence

from mayhouse_cli.commands.amounts import eth, inr_of, moment, plural, transaction_lines
from mayhouse_cli.money import format_inr, format_rate
from mayhouse_cli.operations.event_cancellation import CancellationPlan, EventCancelled
from mayhouse_cli.operations.event_completion import CompletionPlan, EventCompleted
from mayhouse_cli.operations.event_creation import EventCreated
from mayhouse_cli.operations.events import EventDetails
from mayhouse_cli.operations.settling import OpenBooking
from mayhouse_cli.render import Block, Line, Table, dim


def creation_done(result: EventCreated) -> str:
    return f"Event {result.chain_event_id} created"


def creation_blocks(result: EventCreated) -> list[Block]:
    rate = result.eth_price_inr
    rows = [
        ["price of a seat", format_inr(result.price_inr), eth(result.price_per_seat_wei)],
        ["host stake, advanced", inr_of(result.stake_wei, rate), eth(result.stake_wei)],
    ]
    return [
        Line(
            f"{result.title}   {moment(result.starts_at)}   {plural(result.seats, 'seat')}", "bold"
        ),
        dim(f"  row {result.event_id}"),
        Table(rows, right=frozenset({1, 2}), indent=2),
        dim(f"  at {format_rate(rate)} per ETH"),
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
        rows += [
            ["on chain", chain.status],
            ["host on chain", chain.host],
            ["price on chain", eth(chain.price_per_seat_wei)],
            ["seats", f"{chain.seats_booked} of {chain.max_seats} booked"],
            ["host stake", eth(chain.host_stake_wei)],
        ]
    yield Table(rows, indent=2)
    if result.bookings:
        yield Line()
        yield Table(
            [
                [
                    str(one.chain_booking_id or "-"),
                    one.traveler or ("a stranger" if one.foreign else "ours, not recorded yet"),
                    str(one.seats),
                    eth(one.payment_wei) if one.payment_wei is not None else "-",
                    eth(one.stake_wei) if one.stake_wei is not None else "-",
                    one.status or ("foreign" if one.foreign else "tx resume"),
                    one.chain_status or "-",
                    str(one.booking_id or "-"),
                ]
                for one in result.bookings
            ],
            ["booking", "traveler", "seats", "payment", "stake", "status", "on chain", "row"],
            frozenset({0, 2, 3, 4}),
            indent=2,
        )
    for transaction in result.transactions:
        yield dim(f"  {transaction.kind} {transaction.status} {transaction.tx_hash}")


def completion_blocks(plan: CompletionPlan) -> list[Block]:
    payments, rate = plan.payments, plan.rate
    if payments is None:
        return []
    came, missed = plan.attended, plan.no_show
    rows = [
        [
            "came",
            _counted(came),
            "stakes back",
            eth(payments.stakes_returned),
            inr_of(payments.stakes_returned, rate),
        ],
        [
            "no-show",
            _counted(missed),
            "stake kept",
            eth(payments.stakes_forfeited),
            inr_of(payments.stakes_forfeited, rate),
        ],
        [
            "host",
            plan.host_name or "-",
            f"revenue - {plan.fee_percent} %",
            eth(payments.host_payout),
            inr_of(payments.host_payout, rate),
        ],
        ["platform", "", "fee", eth(payments.platform_fee), inr_of(payments.platform_fee, rate)],
        ["host stake, advanced by us", "", "returned", eth(payments.host_stake), ""],
    ]
    blocks: list[Block] = [
        Line(f'Complete event {plan.chain_event_id} "{plan.title}"', "bold"),
        Table(rows, right=frozenset({3, 4}), indent=2),
    ]
    for booking in missed:
        who = booking.row.traveler.name if booking.row else "a stranger"
        text = (
            f"  no-show: booking {booking.on_chain.id}, {who}, loses {eth(booking.on_chain.stake)}"
        )
        blocks.append(Line(text, "yellow"))
    return blocks


def _counted(bookings: Sequence[OpenBooking]) -> str:
    seats = sum(one.on_chain.seats for one in bookings)
    return f"{plural(len(bookings), 'booking')}, {plural(seats, 'seat')}"


def completed_blocks(plan: CompletionPlan, result: EventCompleted) -> list[Block]:
    details = completion_blocks(plan)
    if result.transaction.tx_hash is None and result.plan_hash:
        return [*details, *_plan_lines("complete", plan.chain_event_id, result.plan_hash)]
    return [*details, *transaction_lines(result.transaction, "Completed")]


def _plan_lines(verb: str, number: int, plan_hash: str) -> list[Block]:
    return [
        dim("  Nothing was signed. To carry it out:"),
        Line(f"  mayhouse event {verb} {number} --execute {plan_hash}"),
    ]


def cancellation_blocks(plan: CancellationPlan) -> list[Block]:
    rows = [
        [
            f"booking {one.on_chain.id}",
            one.row.traveler.name if one.row else "a stranger",
            plural(one.on_chain.seats, "seat"),
            eth(one.on_chain.payment + one.on_chain.stake),
            inr_of(one.on_chain.payment + one.on_chain.stake, plan.rate),
        ]
        for one in plan.bookings
    ]
    rows += [
        ["refunded", "", "", eth(plan.refunded), inr_of(plan.refunded, plan.rate)],
        ["host stake, advanced by us", "", "", eth(plan.host_stake), ""],
    ]
    return [
        Line(f'Cancel event {plan.chain_event_id} "{plan.title}"', "bold"),
        dim(f"  {plan.reason}"),
        Table(rows, right=frozenset({3, 4}), indent=2),
    ]


def cancelled_blocks(plan: CancellationPlan, result: EventCancelled) -> list[Block]:
    details = cancellation_blocks(plan) if plan.ending is not None else []
    if result.transaction.tx_hash is None and result.plan_hash:
        return [*details, *_plan_lines("cancel", plan.chain_event_id, result.plan_hash)]
    return [*details, *transaction_lines(result.transaction, "Cancelled")]
