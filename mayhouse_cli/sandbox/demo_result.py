"""What the demo tells: its steps, their amounts, and whatever is not as it must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from mayhouse_cli.models import Hash
from mayhouse_cli.money import Wei, format_eth, wei_to_inr
from mayhouse_cli.sandbox.demo_expectations import ETH_PRICE_INR


@dataclass(frozen=True)
class Difference:
    """Something that is not as it must be."""

    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: {self.expected} expected, {self.found} found"


@dataclass(frozen=True)
class DemoAmount:
    """An amount that a step moved, fixed or kept."""

    name: str
    label: str
    amount_wei: Wei
    amount_eth: str
    amount_inr: Decimal

    @classmethod
    def of(cls, name: str, label: str, wei: Wei) -> Self:
        """Write the amount in all three ways."""
        return cls(name, label, wei, format_eth(wei), wei_to_inr(wei, ETH_PRICE_INR))


@dataclass(frozen=True)
class DemoStep:
    """One step of the story, checked."""

    name: str
    title: str
    ok: bool
    amounts: tuple[DemoAmount, ...]
    data: Mapping[str, Any]
    tx_hash: Hash | None
    block_number: int | None
    fee_wei: Wei | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class DemoResult:
    """`demo`: the whole story."""

    folder: str
    config: str
    steps: tuple[DemoStep, ...]
