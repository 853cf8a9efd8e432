"""Amounts: exact in and out, and rounded in two named places only."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.money import (
    MAX_INR,
    MAX_UINT256,
    Wei,
    format_eth,
    format_eth_briefly,
    format_gwei,
    format_inr,
    format_rate,
    inr_to_wei,
    parse_eth,
    parse_gwei,
    parse_inr,
    parse_rate,
    percent_of,
    plain,
    rupees,
    wei_to_inr,
)

WEI = st.integers(0, MAX_UINT256)
# 1 to 99,999.99 rupees, in paise.
PRICES = st.integers(100, 9_999_999).map(rupees)
# 1,000 to 10,000,000 rupees for one ETH, with up to eight decimals.
RATES = st.integers(1_000 * 10**8, 10_000_000 * 10**8).map(
    lambda units: Decimal((0, tuple(map(int, str(units))), -8))
)
NOT_PLAIN = [
    "",
    " ",
    ".5",
    "5.",
    "1e3",
    "+1",
    "-1",
    "1,000",
    "0x10",
    "NaN",
    "inf",
    "1_000",
    "٣",
    "²",
]


# --- wei ---


@pytest.mark.parametrize("value", [1.0, Decimal(1), "1", None, Fraction(1)])
def test_wei_takes_integers_only(value: object) -> None:
    """A float or a Decimal has already lost or hidden something."""
    with pytest.raises(TypeError):
        Wei(value)  # type: ignore[arg-type]


@given(WEI, st.integers(-(2**64), 2**64))
def test_arithmetic_with_integers_stays_in_wei(amount: int, other: int) -> None:
    """Sums, differences, products and quotients keep their type and are exact."""
    wei = Wei(amount)
    results = [wei + other, other + wei, wei - other, wei * other, other * wei, -wei]
    assert results == [
        amount + other,
        amount + other,
        amount - other,
        *([amount * other] * 2),
        -amount,
    ]
    assert all(type(result) is Wei for result in results)


def test_a_sum_of_wei_is_wei() -> None:
    """The built-in sum starts at the integer 0."""
    total = sum([Wei(1), Wei(2)])
    assert total == 3
    assert type(total) is Wei


@given(WEI, st.integers(1, 10**6))
def test_division_drops_the_rest(amount: int, divisor: int) -> None:
    """Integer division, as the contract does it."""
    assert Wei(amount) // divisor == amount // divisor


# --- ETH and gwei as text ---


@given(WEI)
def test_eth_is_written_and_read_exactly(amount: int) -> None:
    """Every amount the contract can hold survives the round trip to the wei."""
    assert parse_eth(format_eth(amount)) == amount


@given(st.integers(0, 10**40))
def test_gwei_is_written_and_read_exactly(amount: int) -> None:
    """Every fee survives the round trip to the wei."""
    assert parse_gwei(format_gwei(amount)) == amount


@given(st.integers(0, 10**40), st.integers(1, 18))
def test_text_has_its_arithmetic_value(digits: int, decimals: int) -> None:
    """What is read is the number that stands there, times 10^18."""
    whole, fraction = divmod(digits, 10**decimals)
    text = f"{whole}.{fraction:0{decimals}d}"
    assert parse_eth(text) == Fraction(text) * 10**18


@pytest.mark.parametrize("text", ["0.0000000000000000001", "1.1234567890123456789"])
def test_more_than_18_decimals_is_refused(text: str) -> None:
    """An amount below a wei is an error, not a rounding."""
    with pytest.raises(WrongUsage, match="more than 18 decimals"):
        parse_eth(text)


def test_zeros_beyond_18_decimals_mean_nothing() -> None:
    """Trailing zeros are no precision that could be lost."""
    assert parse_eth("1." + "0" * 25) == 10**18


def test_more_than_9_decimals_of_gwei_is_refused() -> None:
    """A fee below a wei is an error, not a rounding."""
    with pytest.raises(WrongUsage, match="more than 9 decimals"):
        parse_gwei("0.0000000001")


@pytest.mark.parametrize("text", NOT_PLAIN)
@pytest.mark.parametrize("read", [parse_eth, parse_gwei, parse_inr, parse_rate])
def test_only_plain_numbers_are_amounts(read: object, text: str) -> None:
    """No signs, exponents, separators or foreign digits."""
    assert callable(read)
    with pytest.raises(WrongUsage):
        read(text)


@pytest.mark.parametrize("read", [parse_eth, parse_gwei, parse_inr, parse_rate])
def test_spaces_around_an_amount_do_not_matter(read: object) -> None:
    """A copied amount often brings a space along."""
    assert callable(read)
    assert read(" 5 ") == read("5")


def test_more_than_a_uint256_is_refused() -> None:
    """What the contract cannot hold is no amount."""
    assert parse_eth(format_eth(MAX_UINT256)) == MAX_UINT256
    with pytest.raises(WrongUsage, match="more than the contract can hold"):
        parse_eth(format_eth(MAX_UINT256 + 1))


@pytest.mark.parametrize(
    ("wei", "least", "text"),
    [
        (0, 6, "0.000000"),
        (0, 0, "0"),
        (10**18, 6, "1.000000"),
        (10**18, 0, "1"),
        (25 * 10**15, 6, "0.025000"),
        (12_500_000_000_000_000, 6, "0.012500"),
        (1, 6, "0.000000000000000001"),
        (-(10**17), 0, "-0.1"),
        (-1, 6, "-0.000000000000000001"),
    ],
)
def test_eth_is_written_with_the_decimals_it_has(wei: int, least: int, text: str) -> None:
    """At least so many decimals, more where the amount has them, never fewer than exact."""
    assert format_eth(wei, least_decimals=least) == text


@pytest.mark.parametrize(
    ("wei", "text"), [(0, "0"), (10**9, "1"), (1_500_000_000, "1.5"), (1, "0.000000001")]
)
def test_gwei_is_written_without_trailing_zeros(wei: int, text: str) -> None:
    """Fees are read by people."""
    assert format_gwei(wei) == text


# --- rupees ---


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2500", "2500.00"),
        ("2500.5", "2500.50"),
        ("0.01", "0.01"),
        ("1.500", "1.50"),
        ("0", "0.00"),
    ],
)
def test_rupees_have_two_decimals(text: str, amount: str) -> None:
    """An amount is kept as the database keeps it."""
    assert str(parse_inr(text)) == amount


def test_a_fraction_of_a_paisa_is_refused() -> None:
    """Nothing is rounded on the way in."""
    with pytest.raises(WrongUsage, match="fraction of a paisa"):
        parse_inr("1.005")


def test_rupees_beyond_the_database_are_refused() -> None:
    """numeric(12,2) holds 9,999,999,999.99 at most."""
    assert parse_inr(str(MAX_INR)) == MAX_INR
    with pytest.raises(WrongUsage, match="too large"):
        parse_inr("10000000000")


def test_a_wrong_amount_is_called_what_it_is() -> None:
    """The message names the amount that was asked for."""
    with pytest.raises(WrongUsage, match="Not a price in rupees: abc"):
        parse_inr("abc", "price")


@given(st.integers(-(10**60), 10**60))
def test_paise_become_rupees_exactly_at_any_size(paise: int) -> None:
    """No rounding context comes near, however many digits there are."""
    amount = rupees(paise)
    assert Fraction(amount) == Fraction(paise, 100)
    assert amount.as_tuple().exponent == -2


# --- the rate ---


@pytest.mark.parametrize("text", ["0", "0.0", "0.000000001", "1000000000000"])
def test_a_rate_is_above_zero_and_within_its_column(text: str) -> None:
    """numeric(20,8): twelve digits before the point and eight after."""
    with pytest.raises(WrongUsage):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("200000", "200000"), ("198750.50", "198750.5"), ("0.00000001", "0.00000001"), ("7.000", "7")],
)
def test_a_rate_is_kept_in_its_shortest_form(text: str, rate: str) -> None:
    """The same rate is the same text, whatever zeros it came with."""
    assert f"{parse_rate(text):f}" == rate


@given(RATES)
def test_the_shortest_form_changes_no_value(rate: Decimal) -> None:
    """Only zeros are dropped."""
    assert Fraction(plain(rate)) == Fraction(rate)


# --- conversion ---


def test_the_worked_example() -> None:
    """2,500 rupees at 200,000 rupees for one ETH."""
    assert inr_to_wei(Decimal(2500), Decimal(200_000)) == 12_500_000_000_000_000
    assert wei_to_inr(12_500_000_000_000_000, Decimal(200_000)) == Decimal("2500.00")


@given(PRICES, RATES)
def test_a_price_survives_the_way_to_wei_and_back(price: Decimal, rate: Decimal) -> None:
    """Every price from 1 to 99,999.99 rupees comes back, at any sane rate."""
    assert wei_to_inr(inr_to_wei(price, rate), rate) == price


@given(PRICES, RATES)
def test_rupees_to_wei_drops_what_is_below_a_wei(price: Decimal, rate: Decimal) -> None:
    """The largest whole number of wei that is worth no more than the price."""
    exact = Fraction(price) * 10**18 / Fraction(rate)
    wei = inr_to_wei(price, rate)
    assert wei <= exact < wei + 1


@given(WEI, RATES)
def test_wei_to_rupees_rounds_half_up_to_the_paisa(wei: int, rate: Decimal) -> None:
    """The nearest paisa; at exactly one half the higher one."""
    exact_paise = Fraction(wei) * Fraction(rate) * 100 / 10**18
    paise = Fraction(wei_to_inr(wei, rate)) * 100
    assert -Fraction(1, 2) < paise - exact_paise <= Fraction(1, 2)


@given(WEI, RATES)
def test_a_debt_converts_as_its_amount(wei: int, rate: Decimal) -> None:
    """The sign does not change how is rounded."""
    assert wei_to_inr(-wei, rate) == -Fraction(wei_to_inr(wei, rate))


@given(PRICES, RATES, st.integers(1, 5))
def test_no_rounding_context_reaches_a_conversion(
    price: Decimal, rate: Decimal, digits: int
) -> None:
    """A library that sets a small precision changes no amount."""
    wei = inr_to_wei(price, rate)
    with localcontext(prec=digits):
        assert inr_to_wei(price, rate) == wei
        assert wei_to_inr(wei, rate) == price


@given(WEI, st.integers(0, 100))
def test_a_percentage_is_taken_as_the_contract_does(amount: int, percent: int) -> None:
    """Integer division: the rest is dropped."""
    part = percent_of(Wei(amount), percent)
    assert part == amount * percent // 100
    assert type(part) is Wei


# --- for reading ---


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.00", "₹0.00"),
        ("1500", "₹1,500.00"),
        ("2500.5", "₹2,500.50"),
        ("9999999999.99", "₹9,999,999,999.99"),
        ("-20.00", "-₹20.00"),
    ],
)
def test_rupees_are_written_for_reading(amount: str, text: str) -> None:
    """The sign stands before the symbol, and thousands are grouped."""
    assert format_inr(Decimal(amount)) == text


@given(st.integers(-(10**70), 10**70))
def test_rupees_are_written_exactly_at_any_size(paise: int) -> None:
    """A stranger's event can hold any number: none of its digits is made up."""
    text = format_inr(rupees(paise)).replace("₹", "").replace(",", "")
    assert Fraction(text) == Fraction(paise, 100)


@pytest.mark.parametrize(
    ("rate", "text"),
    [("200000", "₹200,000"), ("198750.50", "₹198,750.50"), ("0.00000001", "₹0.00000001")],
)
def test_a_rate_is_written_for_reading(rate: str, text: str) -> None:
    """Whole rupees, or at least paise."""
    assert format_rate(Decimal(rate)) == text


@pytest.mark.parametrize(
    ("wei", "told"),
    [
        (0, "0.000000"),
        (1, "0.000000000000000001"),
        (999_999_999_999, "0.0000009"),
        (10**12, "0.000001"),
        (-21_000 * 7, "-0.0000000000001"),
        (1_234_567_999_999_999_999, "1.234567"),
    ],
)
def test_what_is_not_nothing_is_not_told_as_nothing(wei: int, told: str) -> None:
    """A fee of less than a millionth of an ether has its first digit."""
    assert format_eth_briefly(wei) == told
