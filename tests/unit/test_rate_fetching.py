"""An endpoint's document: the number exactly as it stands there, or a refusal that says why."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Rate
from mayhouse_cli.operations.rate_fetching import fetch_rate, moment_in, price_in
from tests.twin_session import Endpoint, MemorySession, platform
from tests.twins import START

# What numeric(20,8) holds: at most twelve digits before the point and eight after it.
prices = st.integers(1, 10**20 - 1).map(lambda steps: Decimal(steps).scaleb(-8))
names = st.text(st.characters(exclude_characters=".", exclude_categories=["C", "Z"]), min_size=1)


def parsed(text: str) -> object:
    """Read JSON as the web adapter does."""
    return json.loads(text, parse_float=Decimal, parse_constant=Decimal)


def refusal(call: Any, *arguments: object) -> str:  # noqa: ANN401 any function
    """Why a document is not taken, with the remedy."""
    with pytest.raises(ConfigurationError) as refused:
        call(*arguments)
    return f"{refused.value.message} {refused.value.hint}"


def fetching(document: object, **settings: Any) -> MemorySession:  # noqa: ANN401 any value
    """A session without a configured price, whose endpoint answers with this."""
    session = platform(eth_price_inr=None, **{"rate_path": "price", **settings})
    session.rate_source = Endpoint(document)
    return session


# --- the number -------------------------------------------------------------------------


@given(prices)
def test_a_number_is_read_exactly(price: Decimal) -> None:
    """Written as a number or as a text, no digit is lost on the way."""
    for text in (f'{{"price": {price:f}}}', f'{{"price": "{price:f}"}}'):
        assert price_in(parsed(text), "price") == price


@given(prices, st.integers(-30, 30))
def test_an_exponent_changes_nothing(price: Decimal, shift: int) -> None:
    """1.9875e5 is 198750, whatever the exponent."""
    text = f'{{"price": {price.scaleb(-shift):f}e{shift}}}'
    assert price_in(parsed(text), "price") == price


def test_what_no_column_holds_is_dropped() -> None:
    """Below a hundred-millionth of a rupee nothing is kept, and nothing rounds up."""
    assert price_in(parsed("[198750.123456789999]"), "0") == Decimal("198750.12345678")


@given(st.lists(st.one_of(names, st.integers(0, 3)), min_size=1, max_size=5), prices)
def test_any_path_leads_to_its_value(steps: list[str | int], price: Decimal) -> None:
    """Names of objects and numbers of list items, however deep."""
    document: object = price
    for step in reversed(steps):
        document = [None] * step + [document] if isinstance(step, int) else {step: document}
    assert price_in(document, ".".join(map(str, steps))) == price


@pytest.mark.parametrize(
    "document",
    ["null", "5", '"inr"', "[]", "{}", '{"data": []}', '{"data": [{"inr": 5}]}', '{"data": "x"}'],
)
def test_a_missing_path_is_refused(document: str) -> None:
    """The path, the step that is missing and the setting are named."""
    told = refusal(price_in, parsed(document), "data.1.inr")
    assert "nothing at data.1.inr (no " in told
    assert "rate_path" in told


@pytest.mark.parametrize("index", ["-1", "1", "\u0661", "99999999999999", "0x0", ""])
def test_only_a_plain_index_counts_in_a_list(index: str) -> None:
    """No item from the end, none beyond it, no other digits."""
    refusal(price_in, [200_000], index)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("0", "not above zero"),
        ("0.0", "not above zero"),
        ("-200000", "not above zero"),
        ("NaN", "not a number"),
        ("Infinity", "not a number"),
        ("null", "not a number: null"),
        ("true", "not a number: true"),
        ('"198,750.50"', "not a number"),
        ('"1_000"', "not a number"),
        ('"\u0661\u0662"', "not a number"),
        ('""', "not a number"),
        ("[200000]", "not a number: a list"),
        ('{"inr": 5}', "not a number: an object"),
        ("1e12", "no price of one ETH"),
        ("1e-9", "no price of one ETH"),
        ("1e999999", "no price of one ETH"),
    ],
)
def test_what_is_no_price_is_refused(value: str, told: str) -> None:
    """Said in its own words, with the setting to check."""
    said = refusal(price_in, parsed(f'{{"price": {value}}}'), "price")
    assert told in said
    assert "Check rate_path" in said


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists))
def test_nothing_else_is_taken_for_a_price(value: object) -> None:
    """Any other value is a refusal, never a crash and never a price."""
    if isinstance(value, str) and any(character.isdigit() for character in value):
        return
    refusal(price_in, {"price": value}, "price")


# --- its time ---------------------------------------------------------------------------


@given(st.datetimes(datetime(1973, 4, 1), datetime(2400, 1, 1)))  # noqa: DTZ001 UTC is added
def test_every_way_to_write_a_time_is_read(moment: datetime) -> None:
    """RFC 3339, seconds and milliseconds since 1970, as numbers and as texts."""
    when = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    milliseconds = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert moment_in({"at": milliseconds}, "at") == when
    assert moment_in({"at": str(milliseconds)}, "at") == when
    assert moment_in({"at": Decimal(milliseconds).scaleb(-3)}, "at") == when
    assert moment_in({"at": when.isoformat()}, "at") == when


@pytest.mark.parametrize(
    "value",
    [None, True, "", "yesterday", "2026-11-28T18:00", 10**30, Decimal("NaN"), [], -(10**20)],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    """A time without its zone is none either."""
    assert "rate_as_of_path" in refusal(moment_in, {"at": value}, "at")


# --- the whole --------------------------------------------------------------------------


def test_a_fetched_rate_is_stored_with_its_source_and_time() -> None:
    """Without a time of its own it is of the moment it was fetched."""
    session = fetching({"price": Decimal("198750.50")})
    result = fetch_rate(session)
    kept = Rate(Decimal("198750.5"), "fetched from rates.example", START)
    assert session.memory.rows.rates == [kept]
    assert result.recorded


def test_the_same_again_is_stored_once() -> None:
    """The endpoint has nothing new to say."""
    at = START - timedelta(minutes=5)
    session = fetching({"price": 200_000, "at": at.isoformat()}, rate_as_of_path="at")
    assert [fetch_rate(session).recorded, fetch_rate(session).recorded] == [True, False]
    assert len(session.memory.rows.rates) == 1


@pytest.mark.parametrize("factor", [Decimal("0.1"), Decimal("0.79"), Decimal("1.21"), Decimal(10)])
def test_a_jump_is_refused_with_the_remedy(factor: Decimal) -> None:
    """The remedy names the command that stores it all the same."""
    session = fetching({"price": 200_000 * factor})
    last = Rate(Decimal(200_000), "operator", START)
    session.rates.add(last)
    assert f"mayhouse rate set {200_000 * factor:f}".rstrip("0").rstrip(".") in refusal(
        fetch_rate, session
    )
    assert session.memory.rows.rates == [last]


@pytest.mark.parametrize("minutes", [61, -6])
def test_an_old_or_future_rate_is_refused(minutes: int) -> None:
    """An endpoint that stopped, or whose clock is wrong, is not believed."""
    at = START - timedelta(minutes=minutes)
    session = fetching({"price": 200_000, "at": at.isoformat()}, rate_as_of_path="at")
    refusal(fetch_rate, session)
    assert session.memory.rows.rates == []


def test_a_rate_older_than_the_newest_is_refused() -> None:
    """It would never be used."""
    session = fetching({"price": 200_000, "at": "2026-11-01T11:59:00Z"}, rate_as_of_path="at")
    session.rates.add(Rate(Decimal(201_000), "operator", START))
    assert "a newer one is stored already" in refusal(fetch_rate, session)
    assert len(session.memory.rows.rates) == 1


def test_without_a_path_nothing_is_asked() -> None:
    """The setting that is missing is named."""
    assert "rate_path" in refusal(fetch_rate, fetching({"price": 1}, rate_path=None))
