"""The lines of a statement and the sums of them, in wei and in rupees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from mayhouse_cli.models import Hash
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.settlement_rates import total_inr
from mayhouse_cli.operations.settlement_sums import LEAVES, STAYS

_NAMED: Final = {
    "revenue": "ticket_revenue",
    "platform_fee": "platform_fee",
    "host_payout": "host_payout",
    "stakes_returned": "stake_returned",
    "stakes_forfeited": "stake_forfeited",
    "refunded": "refund",
    "host_stake_returned": "host_stake_returned",
}


@dataclass(frozen=True)
class StatementLine:
    """One line of a settlement, whose it is, and what became of it."""

    line: str
    party: str
    party_id: UUID | None
    name: str | None
    booking_id: UUID | None
    chain_booking_id: int | None
    amount_wei: Wei
    amount_eth: str
    amount_inr: Decimal | None
    """None where no rate is known."""
    payable_id: UUID | None
    payable_status: str | None
    paid_tx_hash: Hash | None
    paid_explorer_url: str | None
    paid_reference: str | None
    note: str | None


@dataclass(frozen=True)
class GasLine:
    """What one transaction of the event cost the platform; nothing until it is mined."""

    transaction_id: UUID
    kind: str
    status: str
    tx_hash: Hash
    explorer_url: str | None
    fee_wei: Wei | None
    fee_eth: str | None
    fee_inr: Decimal | None


@dataclass(frozen=True)
class Totals:
    """The sums of the identities in `settlement.py`; rupees are None when any line has none."""

    came_in_wei: Wei
    came_in_inr: Decimal | None
    left_contract_wei: Wei
    left_contract_inr: Decimal | None
    stayed_wei: Wei
    stayed_inr: Decimal | None
    rounding_inr: Decimal | None
    revenue_wei: Wei
    revenue_inr: Decimal | None
    platform_fee_wei: Wei
    platform_fee_inr: Decimal | None
    host_payout_wei: Wei
    host_payout_inr: Decimal | None
    stakes_returned_wei: Wei
    stakes_returned_inr: Decimal | None
    stakes_forfeited_wei: Wei
    stakes_forfeited_inr: Decimal | None
    refunded_wei: Wei
    refunded_inr: Decimal | None
    host_stake_returned_wei: Wei
    host_stake_returned_inr: Decimal | None
    gas_wei: Wei
    gas_inr: Decimal | None
    lines_without_inr: int


def totals_of(lines: Sequence[StatementLine], gas: Sequence[GasLine]) -> Totals:
    """Add up the lines by their names, and the gas apart from them."""
    by_name: dict[str, list[StatementLine]] = {}
    for line in lines:
        by_name.setdefault(line.line, []).append(line)
    left, left_inr = _sum(by_name, LEAVES)
    stayed, stayed_inr = _sum(by_name, STAYS)
    rounding_inr = _sum(by_name, {"rounding"})[1]
    sums = {name: _sum(by_name, {line}) for name, line in _NAMED.items()}
    mined = [one for one in gas if one.fee_wei is not None]
    return Totals(
        came_in_wei=left + stayed,
        came_in_inr=total_inr((left_inr, stayed_inr, rounding_inr)),
        left_contract_wei=left,
        left_contract_inr=left_inr,
        stayed_wei=stayed,
        stayed_inr=stayed_inr,
        rounding_inr=rounding_inr,
        revenue_wei=sums["revenue"][0],
        revenue_inr=sums["revenue"][1],
        platform_fee_wei=sums["platform_fee"][0],
        platform_fee_inr=sums["platform_fee"][1],
        host_payout_wei=sums["host_payout"][0],
        host_payout_inr=sums["host_payout"][1],
        stakes_returned_wei=sums["stakes_returned"][0],
        stakes_returned_inr=sums["stakes_returned"][1],
        stakes_forfeited_wei=sums["stakes_forfeited"][0],
        stakes_forfeited_inr=sums["stakes_forfeited"][1],
        refunded_wei=sums["refunded"][0],
        refunded_inr=sums["refunded"][1],
        host_stake_returned_wei=sums["host_stake_returned"][0],
        host_stake_returned_inr=sums["host_stake_returned"][1],
        gas_wei=sum((one.fee_wei for one in mined if one.fee_wei is not None), Wei(0)),
        gas_inr=total_inr(one.fee_inr for one in mined),
        lines_without_inr=sum(one.amount_inr is None for one in lines),
    )


def _sum(
    by_name: Mapping[str, Sequence[StatementLine]], names: Iterable[str]
) -> tuple[Wei, Decimal | None]:
    wanted = [line for name in names for line in by_name.get(name, ())]
    wei = sum((line.amount_wei for line in wanted), Wei(0))
    return wei, total_inr(line.amount_inr for line in wanted)
