"""What a replacement pays: an eighth above every version before it, and never above the cap."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mayhouse_cli.errors import FeeTooHigh
from mayhouse_cli.models import Attempt, AttemptOutcome, Fees, Hash
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.replacement import bumped, replacement_fees

GAS = 300_001
NO_CAP = Wei(10**30)

prices = st.integers(0, 10**13).map(Wei)
pairs = st.tuples(prices, prices).map(lambda pair: (max(pair), min(pair)))
versions = st.lists(pairs, min_size=1, max_size=5)


def attempts_at(fees: Sequence[tuple[Wei, Wei]]) -> list[Attempt]:
    """Versions that could pay so much, oldest first."""
    return [
        Attempt(
            number=number,
            purpose="original",
            tx_hash=Hash(f"0x{number:064x}"),
            raw=b"",
            fees=Fees(GAS, max_fee, tip),
            outcome=AttemptOutcome.ACCEPTED,
            error=None,
            signed_at=datetime(2026, 1, 1, tzinfo=UTC),
            sent_at=None,
        )
        for number, (max_fee, tip) in enumerate(fees, 1)
    ]


def replaced(
    fees: Sequence[tuple[Wei, Wei]], market: tuple[Wei, Wei] = (Wei(0), Wei(0)), cap: Wei = NO_CAP
) -> Fees:
    """The fees of the next version."""
    return replacement_fees(attempts_at(fees), Fees(GAS, *market), GAS, cap)


@given(prices)
def test_a_raised_fee_is_the_least_that_is_an_eighth_higher(fee: Wei) -> None:
    """Rounded up, never down, and not by more than a wei."""
    raised = bumped(fee)
    assert raised * 8 >= fee * 9
    assert raised > fee
    assert (raised - 1) * 8 < fee * 9 or raised == fee + 1


@pytest.mark.parametrize(
    ("fee", "raised"), [(0, 1), (1, 2), (7, 8), (8, 9), (9, 11), (10**9 + 1, 1_125_000_002)]
)
def test_odd_wei_are_rounded_up(fee: int, raised: int) -> None:
    """A node that counts exactly takes it."""
    assert bumped(Wei(fee)) == raised


@given(versions)
def test_both_fees_are_above_the_highest_of_any_version(fees: list[tuple[Wei, Wei]]) -> None:
    """The dearest may not be the newest."""
    new = replaced(fees)
    assert new.max_fee * 8 >= max(pair[0] for pair in fees) * 9
    assert new.max_priority_fee * 8 >= max(pair[1] for pair in fees) * 9


@given(versions, pairs, prices)
def test_the_cap_is_never_exceeded(
    fees: list[tuple[Wei, Wei]], market: tuple[Wei, Wei], cap: Wei
) -> None:
    """Whatever the market asks; and a tip is never above the whole fee."""
    try:
        new = replaced(fees, market, cap)
    except FeeTooHigh:
        return
    assert new.max_priority_fee <= new.max_fee <= cap


@given(versions, pairs)
def test_what_the_rule_asks_for_is_the_least_cap(
    fees: list[tuple[Wei, Wei]], market: tuple[Wei, Wei]
) -> None:
    """With a wei less it is refused, naming the option that allows more."""
    least = bumped(max(pair[0] for pair in fees))
    assert replaced(fees, market, least).max_fee == least
    with pytest.raises(FeeTooHigh) as refusal:
        replaced(fees, market, Wei(least - 1))
    assert "--max-fee" in (refusal.value.hint or "")


@given(versions, pairs)
def test_a_dearer_market_is_paid(fees: list[tuple[Wei, Wei]], market: tuple[Wei, Wei]) -> None:
    """The rule alone would leave it waiting."""
    assume(market[0] > 0)
    new = replaced(fees, market)
    assert new.max_fee >= market[0]
    assert new.max_priority_fee >= market[1]


@given(pairs, st.integers(1, 10))
def test_it_can_be_raised_again_and_again(first: tuple[Wei, Wei], times: int) -> None:
    """Each version is a tenth above the one before, as nodes want it."""
    fees = [first]
    for _ in range(times):
        new = replaced(fees)
        assert new.max_fee * 10 >= fees[-1][0] * 11
        assert new.max_priority_fee * 10 >= fees[-1][1] * 11
        fees.append((new.max_fee, new.max_priority_fee))


@given(versions)
def test_the_gas_limit_is_the_one_that_is_asked_for(fees: list[tuple[Wei, Wei]]) -> None:
    """A speed-up keeps what was simulated; it never grows with each version."""
    assert replaced(fees).gas_limit == GAS
