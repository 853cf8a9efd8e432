"""The sums of a settlement, which hold to the wei and to the paisa.

In wei, with every booking's payment and stake as they were recorded:

    ticket_revenue                 = platform_fee + host_payout
    payments + stakes + host stake = what leaves the contract + what stays in it
    what leaves the contract       = host_payout + each stake_returned + host_stake_returned,
                                     or each refund + host_stake_returned
    what stays in it               = platform_fee + each stake_forfeited

In rupees every booking has a rate of its own, the one stored with it: its payment and its stake
are converted with it, each rounded to the paisa. Revenue and refunds are sums of those. Fee and
host payout are shares of all payments together, worked out exactly and rounded once each, and
what these two roundings leave is the line `rounding`, so that the same identities hold:

    ticket_revenue                 = platform_fee + host_payout + rounding
    payments + stakes + host stake = what leaves + what stays + rounding

An amount that rests on a booking without a known rate, such as a stranger's, has no rupees; the
identity in rupees is then not there to be checked. `check` refuses what does not hold before
anything is kept. Gas is no part of any of it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.models import SettlementLine, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.settled_bookings import settled_bookings
from mayhouse_cli.operations.settlement_rates import (
    StoredRates,
    host_stake_inr,
    inr_of,
    total_inr,
)

LEAVES: Final = frozenset({"host_payout", "stake_returned", "refund", "host_stake_returned"})
STAYS: Final = frozenset({"platform_fee", "stake_forfeited"})
# updatePlatformFee refuses more: "Fee cannot exceed 10%".
_MOST_FEE_PERCENT: Final = 10


def check(transaction: Transaction, lines: Sequence[SettlementLine], rates: StoredRates) -> None:
    """MayhouseError unless the identities of this module hold between record and receipt."""
    inrs = [
        inr_of(amount, rates, one.chain_booking_id)
        for one in settled_bookings(transaction.terms)
        for amount in (one.payment, one.stake)
    ]
    stake = host_stake_inr(_host_stake(transaction), rates)
    unknown = _of_nobody(lines)
    came_in_inr = None if unknown else total_inr([*inrs, stake])
    wrong = why_wrong(lines, _came_in(transaction) + sum_of(unknown, LEAVES), came_in_inr)
    if wrong is not None:
        raise MayhouseError(
            f"The settlement of event {transaction.chain_event_id} does not add up: {wrong}",
            hint="Nothing of it is recorded; it needs a person. Compare `mayhouse event show "
            f"{transaction.chain_event_id}` with `mayhouse tx show {transaction.id}`.",
        )


def why_kept_is_wrong(transaction: Transaction, lines: Sequence[SettlementLine]) -> str | None:
    """The same of lines that were kept: against the bookings in wei, among each other in rupees."""
    return why_wrong(lines, _came_in(transaction) + sum_of(_of_nobody(lines), LEAVES), None)


def _came_in(transaction: Transaction) -> Wei:
    bookings = settled_bookings(transaction.terms)
    paid = sum((one.payment + one.stake for one in bookings), Wei(0))
    return paid + _host_stake(transaction)


def _host_stake(transaction: Transaction) -> Wei:
    return Wei(int(transaction.terms["host_stake_wei"]))


def _of_nobody(lines: Sequence[SettlementLine]) -> list[SettlementLine]:
    """Refunds of bookings that came after the plan, which only the receipt knows of."""
    return [one for one in lines if one.line == "refund" and one.chain_booking_id is None]


def why_wrong(
    lines: Sequence[SettlementLine], came_in: Wei, came_in_inr: Decimal | None
) -> str | None:
    """Which identity does not hold; None when all do."""
    fee, payout = sum_of(lines, {"platform_fee"}), sum_of(lines, {"host_payout"})
    revenue = sum_of(lines, {"ticket_revenue"})
    if revenue != fee + payout:
        return f"revenue {revenue} wei is not fee {fee} + payout {payout}"
    if any(one.amount < 0 for one in lines) or fee * 100 > revenue * _MOST_FEE_PERCENT:
        return f"a fee of {fee} wei on {revenue}"
    out = sum_of(lines, LEAVES | STAYS)
    if came_in != out:
        return f"{came_in} wei came in, {out} are accounted for"
    left = total_inr(_inrs(lines, {"rounding"}))
    share = total_inr([*_inrs(lines, {"platform_fee", "host_payout"}), left])
    revenue_inr = total_inr(_inrs(lines, {"ticket_revenue"}))
    if revenue_inr is not None and revenue_inr != share:
        return f"revenue of {revenue_inr} rupees is not {share}"
    out_inr = total_inr([*_inrs(lines, LEAVES | STAYS), left])
    if came_in_inr is not None and came_in_inr != out_inr:
        return f"{came_in_inr} rupees came in, {out_inr} are accounted for"
    return None


def sum_of(lines: Iterable[SettlementLine], names: Iterable[str]) -> Wei:
    """Add up the wei of the lines of these names."""
    wanted = set(names)
    return sum((one.amount for one in lines if one.line in wanted), Wei(0))


def _inrs(lines: Iterable[SettlementLine], names: Iterable[str]) -> list[Decimal | None]:
    wanted = set(names)
    return [one.amount_inr for one in lines if one.line in wanted]
