"""What completions and cancellations show: who gets what, and how it ended."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from mayhouse_cli.commands.amounts import (
    brief,
    eth,
    eth_column,
    moment,
    plural,
    transaction_lines,
)
from mayhouse_cli.money import Wei, format_inr
from mayhouse_cli.operations.completion_results import EventCompleted
from mayhouse_cli.operations.ending_plans import EndingPlan
from mayhouse_cli.operations.ending_rupees import (
    advanced_inr,
    refunds_inr,
    shares_inr,
    stakes_inr,
)
from mayhouse_cli.operations.event_cancellation import CancellationPlan, EventCancelled
from mayhouse_cli.operations.event_completion import CompletionPlan
from mayhouse_cli.operations.intents import Spending
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking
from mayhouse_cli.render import Block, Line, Table, dim

_AMOUNTS = frozenset({4, 5})


class _Row(NamedTuple):
    words: list[str]
    wei: Wei
    inr: Decimal | None


def completion_blocks(plan: CompletionPlan) -> list[Block]:
    """Show every payee with what they get, every no-show with what they lose, and the sums."""
    if plan.ending is None:
        return []
    payments, rates = plan.payments, plan.ending.rates
    shares = shares_inr(plan.ending, payments)
    rows = [
        _Row(_words(one, "stake back"), one.on_chain.stake, stakes_inr([one], rates))
        for one in plan.attended
    ]
    rows += [
        _Row(
            ["came", "", _counted(plan.attended), "stakes back"],
            payments.stakes_returned,
            stakes_inr(plan.attended, rates),
        ),
        _Row(
            ["no-show", "", _counted(plan.no_show), "stake kept"],
            payments.stakes_forfeited,
            stakes_inr(plan.no_show, rates),
        ),
        _Row(
            ["host", plan.host_name or "-", "", f"revenue - {plan.fee_percent} %"],
            payments.host_payout,
            shares.host_payout,
        ),
        _Row(["platform", "", "", "fee"], payments.platform_fee, shares.platform_fee),
        _host_stake(plan.ending),
    ]
    blocks: list[Block] = [
        Line(f'Complete event {plan.chain_event_id} "{plan.title}"', "bold"),
        _table(rows),
    ]
    for booking in plan.no_show:
        lost = eth(booking.on_chain.stake)
        text = f"  no-show: booking {booking.on_chain.id}, {_who(booking)}, loses {lost}"
        blocks.append(Line(text, "yellow"))
    return blocks


def completed_blocks(
    plan: CompletionPlan, result: EventCompleted, spending: Spending | None
) -> list[Block]:
    words = "Completed already" if plan.is_done_already else "Completed"
    if result.transaction.tx_hash is None:
        return [*completion_blocks(plan), *_unsigned_lines("complete", plan, result, spending)]
    return [*completion_blocks(plan), *transaction_lines(result.transaction, words)]


def cancellation_blocks(plan: CancellationPlan) -> list[Block]:
    """Show every traveler with the refund, and the sums."""
    if plan.ending is None:
        return []
    rates = plan.ending.rates
    rows = [
        _Row(
            _words(one, "refund"),
            one.on_chain.payment + one.on_chain.stake,
            refunds_inr([one], rates),
        )
        for one in plan.bookings
    ]
    rows += [
        _Row(
            ["refunded", "", _counted(plan.bookings), "ticket and stake"],
            plan.refunded,
            refunds_inr(plan.bookings, rates),
        ),
        _host_stake(plan.ending),
    ]
    return [
        Line(f'Cancel event {plan.chain_event_id} "{plan.title}"', "bold"),
        dim(f"  {plan.reason}"),
        _table(rows),
    ]


def cancelled_blocks(
    plan: CancellationPlan, result: EventCancelled, spending: Spending | None
) -> list[Block]:
    words = "Cancelled already" if plan.is_done_already else "Cancelled"
    if result.transaction.tx_hash is None:
        return [*cancellation_blocks(plan), *_unsigned_lines("cancel", plan, result, spending)]
    return [*cancellation_blocks(plan), *transaction_lines(result.transaction, words)]


def _host_stake(ending: EndingEvent) -> _Row:
    words = ["host stake, advanced by us", "", "", "returned"]
    return _Row(words, ending.event.host_stake, advanced_inr(ending))


def _table(rows: Sequence[_Row]) -> Table:
    amounts = eth_column(row.wei for row in rows)
    cells = [
        [*row.words, amount, format_inr(row.inr) if row.inr is not None else ""]
        for row, amount in zip(rows, amounts, strict=True)
    ]
    return Table(cells, right=_AMOUNTS, indent=2)


def _words(booking: OpenBooking, what: str) -> list[str]:
    on_chain = booking.on_chain
    return [f"booking {on_chain.id}", _who(booking), plural(on_chain.seats, "seat"), what]


def _who(booking: OpenBooking) -> str:
    return booking.row.traveler.name if booking.row else "a stranger"


def _counted(bookings: Sequence[OpenBooking]) -> str:
    seats = sum(one.on_chain.seats for one in bookings)
    return f"{plural(len(bookings), 'booking')}, {plural(seats, 'seat')}"


def _unsigned_lines(
    verb: str,
    plan: EndingPlan,
    result: EventCompleted | EventCancelled,
    spending: Spending | None,
) -> list[Block]:
    lines: list[Block] = []
    if spending is not None:
        after = brief(spending.balance_after)
        # A millionth more: what is shown must not be less than what it can cost.
        most = brief(spending.most_fee + 10**12)
        lines.append(
            dim(f"  gas at most {most} · balance after at least {after}, before what comes back")
        )
    until = result.plan.expires_at if result.plan else None
    if result.plan_hash is None or until is None:
        return [*lines, *transaction_lines(result.transaction, "")]
    return [
        *lines,
        dim(
            f"  Nothing was signed. Until {moment(until)}, if nothing moves, it is carried out by:"
        ),
        Line(f"  mayhouse event {verb} {plan.chain_event_id} --execute {result.plan_hash}"),
    ]
