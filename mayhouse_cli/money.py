"""Amounts: wei as exact integers, rupees as Decimal with two places, and nothing in between.

No float and no rounding context comes near an amount; every conversion is done on integers
and fractions, and the only two roundings are named here: rupees to wei drops what is below
a wei, wei to rupees rounds half up to the paisa.
"""

import operator
import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, Self

from mayhouse_cli.errors import WrongUsage

WEI_PER_ETH: Final = 10**18
WEI_PER_GWEI: Final = 10**9
MAX_UINT256: Final = 2**256 - 1
PAISE: Final = Decimal("0.01")
# numeric(10,2), the type of the platform's price columns.
MAX_INR: Final = Decimal("99999999.99")

_PLAIN_NUMBER = re.compile(r"\d{1,60}(\.\d{1,60})?", re.ASCII)


class Wei(int):
    """An amount in wei, or a difference of two; arithmetic with integers stays in wei."""

    __slots__ = ()

    def __new__(cls, value: int) -> Self:
        """Take an integer only: a float or a Decimal has already lost or hidden something."""
        return super().__new__(cls, operator.index(value))

    def __add__(self, other: int) -> "Wei":
        return Wei(int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> "Wei":
        return Wei(int(self) - int(other))

    def __mul__(self, factor: int) -> "Wei":
        return Wei(int(self) * int(factor))

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> "Wei":
        return Wei(int(self) // int(divisor))

    def __neg__(self) -> "Wei":
        return Wei(-int(self))


def parse_eth(text: str) -> Wei:
    """Read a plain amount of ETH ("0.2"); more than 18 decimals is WrongUsage, not rounded."""
    return _parse_scaled(text, 18, "ETH")


def parse_gwei(text: str) -> Wei:
    """Read a plain amount of gwei ("1.5"); more than 9 decimals is WrongUsage, not rounded."""
    return _parse_scaled(text, 9, "gwei")


def _parse_scaled(text: str, decimals: int, unit: str) -> Wei:
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        raise WrongUsage(f"Not an amount of {unit}: {text}", hint="Write it plainly, like 0.25.")
    whole, _, fraction = text.strip().partition(".")
    if len(fraction.rstrip("0")) > decimals:
        raise WrongUsage(
            f"{text} {unit} has more than {decimals} decimals",
            hint=f"One wei is the smallest amount: {decimals} decimals at most.",
        )
    wei = Wei(int(whole + fraction.rstrip("0").ljust(decimals, "0")))
    if wei > MAX_UINT256:
        raise WrongUsage(
            f"{text} {unit} is more than the contract can hold", hint="Check the digits."
        )
    return wei


def format_eth(wei: int, *, least_decimals: int = 6) -> str:
    """Write wei as ETH exactly: at least so many decimals, more where the amount has them."""
    return _format_scaled(wei, 18, least_decimals)


def format_eth_briefly(wei: int) -> str:
    """Write wei as ETH with six decimals, what is below them dropped: for fees and balances.

    What is less than a millionth is written with its first digit: it is not nothing.
    """
    amount = abs(int(wei))
    decimals = max(6, 19 - len(str(amount))) if amount else 6
    told = amount // 10 ** (18 - decimals)
    sign = "-" if wei < 0 else ""
    return f"{sign}{told // 10**decimals}.{told % 10**decimals:0{decimals}d}"


def format_gwei(wei: int) -> str:
    """Write wei as gwei, exactly and without trailing zeros."""
    return _format_scaled(wei, 9, 0)


def _format_scaled(wei: int, decimals: int, least_decimals: int) -> str:
    whole, rest = divmod(abs(int(wei)), 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0").ljust(least_decimals, "0")
    sign = "-" if wei < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def parse_inr(text: str, what: str = "amount") -> Decimal:
    """Read a plain rupee amount with at most two decimals, 0 to 99,999,999.99."""
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        raise WrongUsage(f"Not a {what} in rupees: {text}", hint="Write it plainly, like 2500.50.")
    # A Decimal made from text is exact; only arithmetic would use the rounding context.
    amount = Decimal(text.strip())
    if amount > MAX_INR:
        raise WrongUsage(f"The {what} is too large: {text}", hint=f"At most {format_inr(MAX_INR)}.")
    if Fraction(amount) * 100 % 1:
        raise WrongUsage(
            f"The {what} has a fraction of a paisa: {text}",
            hint="Rupees have two decimals at most.",
        )
    return rupees(int(Fraction(amount) * 100))


def parse_rate(text: str) -> Decimal:
    """Read the price of one ETH in rupees: above zero, at most eight decimals."""
    cleaned = text.strip()
    if not _PLAIN_NUMBER.fullmatch(cleaned) or not Decimal(cleaned):
        raise WrongUsage(
            f"Not a price of one ETH in rupees: {text}", hint="Like 200000 or 198750.50."
        )
    whole, _, fraction = cleaned.partition(".")
    if len(fraction.rstrip("0")) > 8 or len(whole.lstrip("0")) > 12:  # noqa: PLR2004 numeric(20,8)
        raise WrongUsage(
            f"The price of one ETH is out of range: {text}", hint="Like 200000 or 198750.50."
        )
    return plain(Decimal(cleaned))


def plain(number: Decimal) -> Decimal:
    """Write a number in its shortest form: a column of fixed scale gives 200000.00000000."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else number


def rupees(paise: int) -> Decimal:
    """Make a rupee amount of a whole number of paise, exactly, at any size."""
    return Decimal((1 if paise < 0 else 0, tuple(map(int, str(abs(paise)))), -2))


def inr_to_wei(inr: Decimal, eth_price_inr: Decimal) -> Wei:
    """Convert rupees at a rate in rupees per ETH; what is below a wei is dropped."""
    return Wei(int(Fraction(inr) * WEI_PER_ETH // Fraction(eth_price_inr)))


def wei_to_inr(wei: int, eth_price_inr: Decimal) -> Decimal:
    """Convert wei at a rate in rupees per ETH, rounded half up to the paisa."""
    exact_paise = Fraction(abs(int(wei))) * Fraction(eth_price_inr) * 100 / WEI_PER_ETH
    paise = int(exact_paise + Fraction(1, 2))
    return rupees(-paise if wei < 0 else paise)


def percent_of(amount: Wei, percent: int) -> Wei:
    """Take a whole percentage the way the contract does: integer division, rest dropped."""
    return Wei(int(amount) * percent // 100)


def format_inr(inr: Decimal) -> str:
    """Write rupees for reading: "₹1,500.00"."""
    return f"{'-' if inr < 0 else ''}₹{inr.copy_abs():,.2f}"


def format_rate(eth_price_inr: Decimal) -> str:
    """Write the price of one ETH for reading: "₹200,000" or "₹198,750.50"."""
    whole, _, fraction = f"{eth_price_inr:f}".partition(".")
    fraction = fraction.rstrip("0")
    if fraction:
        fraction = fraction.ljust(2, "0")
    return f"₹{int(whole):,}" + (f".{fraction}" if fraction else "")
