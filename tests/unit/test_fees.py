"""Fees: room for the next blocks, never above the cap, never more gas than a transaction has."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.chain.fees import GAS_PER_TRANSACTION, LEAST_PRIORITY_FEE, choose_fees
from mayhouse_cli.errors import FeeTooHigh, Refused
from mayhouse_cli.models import Fees
from mayhouse_cli.money import WEI_PER_GWEI, Wei

GWEI: Final = WEI_PER_GWEI
prices = st.integers(0, 10**13).map(Wei)
estimates = st.integers(21_000, GAS_PER_TRANSACTION)


def test_the_fee_leaves_room_for_a_doubled_base_fee() -> None:
    """Six full blocks may come before ours."""
    assert choose_fees(Wei(10 * GWEI), Wei(2 * GWEI), 100_000, Wei(200 * GWEI)) == Fees(
        120_000, Wei(22 * GWEI), Wei(2 * GWEI)
    )


def test_a_cap_below_the_room_takes_the_room() -> None:
    """The cap wins over the headroom as long as the present block can be paid."""
    fees = choose_fees(Wei(10 * GWEI), Wei(2 * GWEI), 100_000, Wei(13 * GWEI))
    assert fees.max_fee == 13 * GWEI


def test_a_cap_of_just_what_is_needed_is_enough() -> None:
    """The cap itself may be paid."""
    assert choose_fees(Wei(10), Wei(2 * GWEI), 21_000, Wei(2 * GWEI + 10)).max_fee == 2 * GWEI + 10


def test_a_cap_one_wei_too_low_is_refused() -> None:
    """The message names the price, the cap and the option."""
    with pytest.raises(FeeTooHigh, match=r"12 gwei now, the cap is 11\.999999999 gwei") as refusal:
        choose_fees(Wei(10 * GWEI), Wei(2 * GWEI), 21_000, Wei(12 * GWEI - 1))
    assert "--max-fee" in (refusal.value.hint or "")


def test_a_tip_that_miners_ignore_is_raised() -> None:
    """An empty chain's history says 0, which no miner takes."""
    assert choose_fees(Wei(7), Wei(0), 21_000, Wei(GWEI)).max_priority_fee == LEAST_PRIORITY_FEE


def test_the_gas_limit_stops_at_what_a_transaction_can_have() -> None:
    """The margin must not make an event that fits into one that is refused."""
    fees = choose_fees(Wei(7), Wei(0), GAS_PER_TRANSACTION, Wei(GWEI))
    assert fees.gas_limit == 2**24


def test_more_gas_than_a_transaction_can_have_is_refused() -> None:
    """2^24 is the most, and one more is too much at any price."""
    with pytest.raises(Refused, match=r"16,777,217 gas; a transaction can have 16,777,216"):
        choose_fees(Wei(7), Wei(0), 2**24 + 1, Wei(GWEI))


@given(prices, prices, estimates, prices)
def test_no_fee_is_ever_above_the_cap(base: Wei, tip: Wei, gas: int, cap: Wei) -> None:
    """Either it is refused, or what is signed pays the present block and keeps to the cap."""
    try:
        fees = choose_fees(base, tip, gas, cap)
    except FeeTooHigh:
        assert cap < base + max(tip, LEAST_PRIORITY_FEE)
        return
    assert base + fees.max_priority_fee <= fees.max_fee <= cap
    assert fees.max_priority_fee <= fees.max_fee
    assert gas <= fees.gas_limit <= GAS_PER_TRANSACTION
