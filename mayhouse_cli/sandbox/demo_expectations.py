"""What the demo must come to, worked out on its own: plain integers, none of the tool's helpers.

2,500 rupees at 200,000 rupees per ETH is 12,500,000,000,000,000 wei a seat. With the contract's
usual 20 % stake and 5 % fee, four seats on offer, two booked by who comes and one by who does
not:

    host stake   4 x 0.0125 x 20 %          0.010000 ETH
    booking 1    2 x 0.0125 + 20 %          0.030000 ETH
    booking 2    1 x 0.0125 + 20 %          0.015000 ETH
    host         0.0375 - 5 %               0.035625 ETH
    kept         fee 0.001875 + stake of the no-show 0.0025
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PRICE_INR: Final = Decimal("2500.00")
ETH_PRICE_INR: Final = Decimal(200_000)
SEATS: Final = 4
SEATS_OF_WHO_COMES: Final = 2
SEATS_OF_WHO_DOES_NOT: Final = 1
PRICE_WEI: Final = 2_500 * 10**18 // 200_000


@dataclass(frozen=True)
class Expected:
    """Every amount of the story in wei; the percentages are the contract's own."""

    stake_percent: int
    fee_percent: int

    @property
    def host_stake(self) -> int:
        return PRICE_WEI * SEATS * self.stake_percent // 100

    def payment(self, seats: int) -> int:
        """What the seats cost."""
        return PRICE_WEI * seats

    def stake(self, seats: int) -> int:
        """What a traveler leaves as a deposit."""
        return PRICE_WEI * seats * self.stake_percent // 100

    def total(self, seats: int) -> int:
        """What a traveler pays in all."""
        return self.payment(seats) + self.stake(seats)

    @property
    def kept_stake(self) -> int:
        """What who does not come loses."""
        return self.stake(SEATS_OF_WHO_DOES_NOT)

    @property
    def revenue(self) -> int:
        return self.payment(SEATS_OF_WHO_COMES) + self.payment(SEATS_OF_WHO_DOES_NOT)

    @property
    def fee(self) -> int:
        return self.revenue * self.fee_percent // 100

    @property
    def host_payout(self) -> int:
        return self.revenue - self.fee

    @property
    def paid_out(self) -> int:
        """By how much the contract's balance falls at completion."""
        return self.stake(SEATS_OF_WHO_COMES) + self.host_payout + self.host_stake

    @property
    def kept(self) -> int:
        """What the contract holds of the event in the end."""
        return self.fee + self.kept_stake


def rupees_of(wei: int) -> Decimal:
    """Rupees at the demo's rate; every amount of the story is a whole number of paise."""
    return Decimal(wei * 200_000 * 100 // 10**18) / 100
