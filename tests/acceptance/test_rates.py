"""`mayhouse rate` against a real endpoint and database: what is stored, and what never is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.json_server import JsonServer
from tests.mayhouse import Mayhouse, Run

PRICE = '{"ethereum": {"inr": %s}}'


@pytest.fixture
def endpoint() -> Iterator[JsonServer]:
    """An endpoint that says 198750.50."""
    with JsonServer(PRICE % "198750.50") as server:
        yield server


@pytest.fixture
def unpriced(mayhouse: Mayhouse, endpoint: JsonServer) -> Mayhouse:
    """A platform without a configured price, and with an endpoint."""
    mayhouse.settings.update(
        ETH_PRICE_INR="", MAYHOUSE_RATE_URL=endpoint.url, MAYHOUSE_RATE_PATH="ethereum.inr"
    )
    return mayhouse


def refused(mayhouse: Mayhouse, *words: str, **changes: str) -> Run:
    """A `rate fetch` that must fail: nothing stored, a remedy, and no secret told."""
    before = mayhouse.rows("SELECT * FROM mayhouse.rates")
    result = mayhouse.json("rate", "fetch", *words, **changes)
    assert result.error["hint"]
    assert mayhouse.rows("SELECT * FROM mayhouse.rates") == before
    for secret in ("SECRET-KEY", "pass-word", "/price"):
        assert secret not in result.out + result.err
    return result


def test_a_fetched_rate_is_used_and_told(unpriced: Mayhouse) -> None:
    """Stored exactly, used by event and quote where none is configured, with source and age."""
    assert unpriced.json("rate", "fetch").data["eth_price_inr"] == "198750.5"
    kept = unpriced.row("SELECT pair, rate, source FROM mayhouse.rates")
    source = "fetched from 127.0.0.1"
    assert kept == {"pair": "ETH/INR", "rate": Decimal("198750.50"), "source": source}
    created = unpriced.create_event()
    assert (created["eth_price_inr"], created["rate_source"]) == ("198750.5", source)
    quote = unpriced.run("booking", "quote", "1", "--seats", "2")
    assert "at ₹198,750.50 per ETH (fetched from 127.0.0.1, now) · block" in quote.out
    shown = unpriced.json("rate", "show").data
    assert (shown["usable"], len(shown["history"])) == (True, 1)


@pytest.mark.parametrize(
    ("status", "body", "told", "code"),
    [
        pytest.param(500, "", "HTTP 500", 5, id="server error"),
        pytest.param(404, "", "HTTP 404", 3, id="wrong address"),
        pytest.param(302, "", "not followed", 3, id="redirect"),
        pytest.param(200, "<html>Sign in</html>", "answered with HTML", 3, id="HTML"),
        pytest.param(200, " " * 1_000_001, "more than 1,000,000 bytes", 3, id="too large"),
        pytest.param(200, '{"ethereum": {"usd": 5}}', "nothing at ethereum.inr", 3, id="no path"),
        pytest.param(200, PRICE % "-198750.50", "not above zero", 3, id="negative"),
        pytest.param(200, PRICE % "0", "not above zero", 3, id="zero"),
        pytest.param(200, PRICE % "NaN", "not a number", 3, id="NaN"),
        pytest.param(200, "[" * 100_000, "not with JSON", 3, id="nested without end"),
    ],
)
def test_a_bad_answer_is_refused(
    unpriced: Mayhouse, endpoint: JsonServer, status: int, body: str, told: str, code: int
) -> None:
    """What helps later is exit 5, what must be mended is exit 3."""
    endpoint.status, endpoint.body = status, body
    endpoint.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    result = refused(unpriced)
    assert told in result.error["message"]
    assert (result.code, result.error["retryable"]) == (code, code == 5)


def test_an_endpoint_that_is_down_is_exit_5(unpriced: Mayhouse) -> None:
    """Port 1 of the loopback refuses connections."""
    url = "http://user:pass-word@127.0.0.1:1/price?key=SECRET-KEY"
    assert refused(unpriced, MAYHOUSE_RATE_URL=url).code == 5


def test_an_endpoint_that_drips_ends_at_the_timeout(
    unpriced: Mayhouse, endpoint: JsonServer
) -> None:
    """Each read is fast; the whole is bounded all the same."""
    endpoint.drips = True
    result = refused(unpriced, "--timeout", "0.6")
    assert result.code == 5
    assert "did not answer within 0.6 s" in result.error["message"]


def test_an_old_price_is_refused(unpriced: Mayhouse, endpoint: JsonServer) -> None:
    """The endpoint's own time counts where it is configured."""
    at = datetime.now(UTC) - timedelta(minutes=61)
    endpoint.body = json.dumps({"ethereum": {"inr": 200_000, "at": int(at.timestamp())}})
    result = refused(unpriced, MAYHOUSE_RATE_AS_OF_PATH="ethereum.at")
    assert result.code == 3
    assert "61 minutes old" in result.error["message"]


def test_an_absurd_price_is_refused_until_a_person_says_it_is_right(
    unpriced: Mayhouse, endpoint: JsonServer
) -> None:
    """Ten times the last one: the remedy is a command that works as it is told."""
    assert unpriced.run("rate", "fetch").code == 0
    endpoint.body = PRICE % "1987505"
    result = refused(unpriced)
    assert result.code == 3
    assert "mayhouse rate set 1987505 --accept-jump" in result.error["hint"]
    assert unpriced.run("rate", "set", "1987505").code == 3
    assert unpriced.run("rate", "set", "1987505", "--accept-jump").code == 0
    newest = unpriced.row("SELECT rate, source FROM mayhouse.rates ORDER BY id DESC LIMIT 1")
    assert newest == {"rate": Decimal(1987505), "source": "operator"}


def test_without_an_endpoint_the_setting_is_named(mayhouse: Mayhouse) -> None:
    """Nothing is asked of anyone."""
    result = refused(mayhouse)
    assert result.code == 3
    assert "MAYHOUSE_RATE_URL" in result.error["hint"]


def test_no_rate_at_all_is_refused_with_both_remedies(unpriced: Mayhouse) -> None:
    """`rate show` says it as a result, an event's creation as a refusal."""
    shown = unpriced.run("rate", "show")
    assert shown.code == 0
    assert "No price of ETH in rupees is known" in shown.out
    for remedy in ("ETH_PRICE_INR", "mayhouse rate set", "mayhouse rate fetch"):
        assert remedy in shown.out


def test_a_stored_rate_that_is_overruled_says_so(mayhouse: Mayhouse) -> None:
    """The configured one goes first, and a person who sets another must know it."""
    result = mayhouse.json("rate", "set", "201000")
    assert result.data["recorded"]
    assert "environment ETH_PRICE_INR" in result.document["warnings"][0]
    assert mayhouse.json("rate", "show").data["eth_price_inr"] == "200000"
