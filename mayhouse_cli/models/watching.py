"""What watching the balances keeps: the readings of a wallet over time."""

from dataclasses import dataclass
from datetime import datetime

from mayhouse_cli.models.addresses import Address
from mayhouse_cli.money import Wei


@dataclass(frozen=True)
class BalanceReading:
    """What a balance check found of one wallet."""

    address: Address
    role: str
    chain_id: int
    balance: Wei
    state: str
    block_number: int | None
    read_at: datetime
