"""`mayhouse demo`: the story comes out, is checked, and says so when it does not."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.sandbox_folder import SandboxFolder

# The worked example: 2,500 rupees at 200,000 rupees per ETH, 20 % stake, 5 % fee.
AMOUNTS = {
    "create": [12_500_000_000_000_000, 10_000_000_000_000_000],
    "quote": [25_000_000_000_000_000, 5_000_000_000_000_000, 30_000_000_000_000_000],
    "book_two": [25_000_000_000_000_000, 5_000_000_000_000_000, 30_000_000_000_000_000],
    "book_one": [12_500_000_000_000_000, 2_500_000_000_000_000, 15_000_000_000_000_000],
    "warp": [],
    "complete": [
        *(5_000_000_000_000_000, 2_500_000_000_000_000, 35_625_000_000_000_000),
        *(1_875_000_000_000_000, 10_000_000_000_000_000),
    ],
}
# A database that keeps something else than it is told.
FALSIFY = """
    CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.blockchain_stake_amount_wei := NEW.blockchain_stake_amount_wei + 1;
        RETURN NEW;
    END $$;
    CREATE TRIGGER falsify BEFORE UPDATE ON event_run_bookings
        FOR EACH ROW EXECUTE FUNCTION falsify();
"""
MEND = "DROP TRIGGER falsify ON event_run_bookings; DROP FUNCTION falsify()"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxFolder]:
    """A place for the demo's sandbox, which the demo itself brings up."""
    with SandboxFolder() as made:
        yield made


def test_the_demo_tells_the_story(sandbox: SandboxFolder) -> None:
    """Exit 0, each amount in both currencies below the last, every hash whole."""
    told = sandbox.run("demo")
    assert told.code == 0, told.err
    assert told.err == ""
    assert len(re.findall(r"^   0x[0-9a-f]{64}$", told.out, re.MULTILINE)) == 4
    amounts = re.findall(r"^   .*₹[\d,.]+ +\d\.\d{6} ETH$", told.out, re.MULTILINE)
    assert len(amounts) == sum(map(len, AMOUNTS.values())) + 4
    assert len({len(line) for line in amounts}) == 1
    assert "host stake, back to the platform         ₹2,000.00      0.010000 ETH" in told.out
    assert "\x1b" not in told.out


def test_the_demo_can_be_told_again(sandbox: SandboxFolder) -> None:
    """On the same sandbox the document holds every step, checked, with the worked example."""
    steps = sandbox.run("demo", "--json").data["steps"]
    assert all(step["ok"] for step in steps)
    found = {step["name"]: [int(one["amount_wei"]) for one in step["amounts"]] for step in steps}
    held_before, fee, kept, held_now = found.pop("escrow")
    assert found == AMOUNTS
    assert (fee, kept) == (1_875_000_000_000_000, 2_500_000_000_000_000)
    assert held_now == held_before + fee + kept


def test_the_demo_never_leaves_the_sandbox(sandbox: SandboxFolder) -> None:
    """An environment that names another chain, contract and key is not read."""
    elsewhere = {
        "BLOCKCHAIN_RPC_URL": "http://127.0.0.1:1",
        "CHAIN_ID": "11155111",
        "CONTRACT_ADDRESS": "0x" + "1" * 40,
        "PLATFORM_PRIVATE_KEY": "0x" + "2" * 64,
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "ETH_PRICE_INR": "1",
    }
    assert sandbox.run("demo", "--quiet", **elsewhere).code == 0


def test_the_demo_finds_what_is_wrong(sandbox: SandboxFolder) -> None:
    """One wei too much in one row: exit 1 names what was expected and what was found."""
    url = sandbox.run("sandbox", "up", "--json").data["database_url"]
    with psycopg.connect(url) as connection:
        connection.execute(FALSIFY)
    told = sandbox.run("demo", "--json")
    with psycopg.connect(url) as connection:
        connection.execute(MEND)
    assert (told.code, told.error["code"]) == (1, "findings")
    assert "5000000000000000" in told.error["message"]
    assert "5000000000000001" in told.error["message"]
    wrong = [step["name"] for step in told.document["data"]["steps"] if not step["ok"]]
    assert wrong == ["book_two", "book_one", "complete"]
