"""EIP-1559 fees: from recent blocks, under a cap that is never exceeded."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from mayhouse_cli.errors import FeeTooHigh, Refused
from mayhouse_cli.models import Fees, Urgency
from mayhouse_cli.money import Wei, format_gwei

# EIP-7825 (Fusaka): no transaction may ask for more gas than this.
GAS_PER_TRANSACTION: Final = 2**24
# geth's default --miner.gasprice, below which its miners take nothing.
LEAST_PRIORITY_FEE: Final = Wei(1_000_000)
# What an estimate may be short by when the state moves before the transaction is mined.
_GAS_MARGIN_PERCENT: Final = 20


class Preset(NamedTuple):
    """What an urgency pays: above the base fee, and how far that may rise meanwhile."""

    percentile: int
    """Of what recent blocks' transactions paid above the base fee, weighed by their gas."""
    base_fee_percent: int
    """The most that is paid of the present base fee: a full block raises it by 12.5 %."""


PRESETS: Final[Mapping[Urgency, Preset]] = {
    Urgency.LOW: Preset(percentile=25, base_fee_percent=125),  # two full blocks, almost
    Urgency.NORMAL: Preset(percentile=50, base_fee_percent=200),  # six, almost
    Urgency.HIGH: Preset(percentile=90, base_fee_percent=300),  # nine
}


def choose_fees(
    base_fee: Wei,
    priority_fee: Wei,
    gas_estimate: int,
    cap: Wei,
    urgency: Urgency = Urgency.NORMAL,
) -> Fees:
    """Price a transaction: room for a rising base fee, less where the cap allows less.

    FeeTooHigh when not even the present base fee fits under `cap` (wei per gas), Refused when
    the work does not fit into one transaction.
    """
    if gas_estimate > GAS_PER_TRANSACTION:
        raise Refused(
            f"This needs {gas_estimate:,} gas; a transaction can have {GAS_PER_TRANSACTION:,}",
            hint="The event has too many bookings for one transaction.",
        )
    tip = max(priority_fee, LEAST_PRIORITY_FEE)
    needed = base_fee + tip
    if needed > cap:
        raise FeeTooHigh(
            f"Gas costs {format_gwei(needed)} gwei now, the cap is {format_gwei(cap)} gwei",
            hint="Wait for a cheaper block, or allow more with --max-fee.",
        )
    gas_limit = min(gas_estimate * (100 + _GAS_MARGIN_PERCENT) // 100, GAS_PER_TRANSACTION)
    most_base_fee = base_fee * PRESETS[urgency].base_fee_percent // 100
    return Fees(gas_limit, min(most_base_fee + tip, cap), tip)
