"""What a completion or cancellation settles, line by line, and what of it is owed to whom."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from mayhouse_cli.models import Address, ContractEvent, Kind, SettlementLine, Transaction
from mayhouse_cli.money import Wei, rupees
from mayhouse_cli.operations.settled_bookings import SettledBooking, settled_bookings
from mayhouse_cli.operations.settlement_rates import (
    StoredRates,
    host_stake_inr,
    inr_of,
    paise,
    share_inr,
    total_inr,
)
from mayhouse_cli.operations.settlement_sums import check

OWED: Final = frozenset({"host_payout", "stake_returned", "refund"})
"""Lines that the platform's wallet received for somebody else."""


def payable_of(transaction: Transaction) -> UUID | None:
    """Which payable a transfer pays; None when it pays none."""
    text = transaction.arguments.get("payable_id")
    return UUID(text) if text else None


# --- lines ------------------------------------------------------------------------------


def settlement_lines(
    transaction: Transaction, events: Sequence[ContractEvent], rates: StoredRates
) -> list[SettlementLine]:
    """Settle an ended event by what its receipt proves; MayhouseError when it does not add up."""
    if transaction.kind is Kind.COMPLETE_EVENT:
        lines = completion_lines(transaction, events, rates)
    else:
        lines = cancellation_lines(transaction, events, rates)
    check(transaction, lines, rates)
    return lines


def completion_lines(
    transaction: Transaction, events: Sequence[ContractEvent], rates: StoredRates
) -> list[SettlementLine]:
    """Settle a completed event: what the contract paid, and whom each amount belongs to."""
    bookings = settled_bookings(transaction.terms)
    by_id = {booking.chain_booking_id: booking for booking in bookings}
    completed = next(event for event in events if event.name == "EventCompleted")
    payout = Wei(completed.arguments["hostPayout"])
    host_stake = Wei(completed.arguments["hostStakeReturned"])
    revenue = sum((booking.payment for booking in bookings), Wei(0))
    fee = revenue - payout
    revenue_inr = total_inr(inr_of(one.payment, rates, one.chain_booking_id) for one in bookings)
    fee_inr = payout_inr = None
    if revenue_inr is not None:
        fee_inr = share_inr(bookings, rates, fee, revenue)
        payout_inr = share_inr(bookings, rates, payout, revenue)
    host_id = _host_id(transaction)
    lines = [
        SettlementLine("ticket_revenue", "platform", revenue, amount_inr=revenue_inr),
        SettlementLine("platform_fee", "platform", fee, amount_inr=fee_inr),
        SettlementLine("host_payout", "host", payout, party_id=host_id, amount_inr=payout_inr),
        _host_stake_line(host_stake, rates),
    ]
    for event in events:
        if event.name == "BookingCompleted":
            returned = Wei(event.arguments["stakeReturned"])
            lines.append(_stake_line("stake_returned", "traveler", returned, event, by_id, rates))
        elif event.name == "BookingNoShow":
            kept = Wei(event.arguments["stakeForfeit"])
            lines.append(_stake_line("stake_forfeited", "platform", kept, event, by_id, rates))
    if revenue_inr is not None and fee_inr is not None and payout_inr is not None:
        left = rupees(paise(revenue_inr) - paise(fee_inr) - paise(payout_inr))
        if left:
            lines.append(SettlementLine("rounding", "platform", Wei(0), amount_inr=left))
    return lines


def cancellation_lines(
    transaction: Transaction, events: Sequence[ContractEvent], rates: StoredRates
) -> list[SettlementLine]:
    """Settle a cancelled event: each traveler's refund, and the host's stake.

    What the contract refunded beyond the recorded bookings went to bookings that came after the
    plan: one line, of nobody that is known here.
    """
    lines = []
    for booking in settled_bookings(transaction.terms):
        number = booking.chain_booking_id
        parts = (inr_of(booking.payment, rates, number), inr_of(booking.stake, rates, number))
        lines.append(
            SettlementLine(
                "refund",
                "traveler",
                booking.payment + booking.stake,
                booking.booking_id,
                number,
                booking.traveler_id,
                total_inr(parts),
            )
        )
    known = sum((line.amount for line in lines), Wei(0))
    cancelled = next((event for event in events if event.name == "EventCancelled"), None)
    refunded = Wei(cancelled.arguments["refundsIssued"]) if cancelled else known
    if refunded != known:
        lines.append(SettlementLine("refund", "traveler", refunded - known))
    host_stake = Wei(int(transaction.terms["host_stake_wei"]))
    return [*lines, _host_stake_line(host_stake, rates)]


def owed_lines(
    transaction: Transaction,
    lines: Iterable[SettlementLine],
    rates: StoredRates,
    owner: Address | None,
) -> list[SettlementLine]:
    """What our wallet now holds for somebody with a row: never nothing, never a stranger's.

    A host or traveler whom the contract paid at a wallet of his own is owed nothing more.
    """
    ours = {transaction.sender, owner}
    users = {one.chain_booking_id: one.user for one in settled_bookings(transaction.terms)}

    def came_to_us(line: SettlementLine) -> bool:
        if line.line == "host_payout":
            return transaction.terms.get("event_host", transaction.sender) in ours
        user = users.get(line.chain_booking_id or 0)
        return user is None or user in ours or line.chain_booking_id in rates.booked_by_us

    return [
        line
        for line in lines
        if line.line in OWED and line.amount and line.party_id is not None and came_to_us(line)
    ]


def _stake_line(
    line: str,
    party: str,
    amount: Wei,
    event: ContractEvent,
    by_id: Mapping[int, SettledBooking],
    rates: StoredRates,
) -> SettlementLine:
    number = int(event.arguments["bookingId"])
    booking = by_id.get(number)
    return SettlementLine(
        line,
        party,
        amount,
        booking_id=booking.booking_id if booking else None,
        chain_booking_id=number,
        party_id=booking.traveler_id if booking and party == "traveler" else None,
        amount_inr=inr_of(amount, rates, number),
    )


def _host_stake_line(amount: Wei, rates: StoredRates) -> SettlementLine:
    inr = host_stake_inr(amount, rates)
    return SettlementLine("host_stake_returned", "platform_float", amount, amount_inr=inr)


def _host_id(transaction: Transaction) -> UUID | None:
    text = transaction.terms.get("host_id")
    return UUID(text) if text else None
