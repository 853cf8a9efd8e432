"""`event settle`: the statement as a table, a document, a CSV and a page."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.faults import processes
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, HOST_ID, SEED, Mayhouse

PRICE = 12_500_000_000_000_000
STAKE = 2_500_000_000_000_000
HOST_STAKE = 10_000_000_000_000_000
TITLE = '=HYPERLINK("http://x") <b>walk</b>'


def quickly(mayhouse: Mayhouse, *words: str) -> dict[str, Any]:
    """Run a command that must succeed, in a process that has imported it all; gives its data."""
    child = processes.start(*words, "--json", env=mayhouse.environment, folder=mayhouse.folder)
    return child.wait().data


def book(mayhouse: Mayhouse, event: str, traveler: str, seats: int) -> None:
    """Book an event for a traveler."""
    who = ("--seats", str(seats), "--traveler", traveler)
    quickly(mayhouse, "booking", "create", event, *who, "-y")


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """An event completed (one came), one cancelled, one open; the first booked at another rate."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        here = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        here.execute("UPDATE experiences SET title = %s", TITLE)
        for _ in range(3):
            start = ("--starts-at", here.starts_in(), "--price-inr", "2500", "--seats", "4")
            quickly(here, "event", "create", "--experience", EXPERIENCE_ID, *start, "-y")
        dearer = replace(here, settings={"ETH_PRICE_INR": "210000.07"})
        book(dearer, "1", ASHA, 2)
        book(here, "1", BINA, 1)
        book(here, "2", ASHA, 1)
        plan = quickly(here, "event", "cancel", "2", "--reason", "rain", "--plan")
        quickly(here, "event", "cancel", "2", "--execute", plan["plan_hash"])
        here.warp(90_000)
        quickly(here, "event", "complete", "1", "--attended", "1", "-y")
        yield here
    node_process.revert(snapshot)


@pytest.fixture(scope="module")
def statement(platform: Mayhouse) -> Mapping[str, Any]:
    """The completed event's."""
    (one,) = quickly(platform, "event", "settle", "1")["statements"]
    assert isinstance(one, dict)
    return one


def paise(amount: str) -> int:
    """Rupees of two places as an integer."""
    whole, _, fraction = amount.lstrip("-").partition(".")
    assert len(fraction) == 2
    return (-1 if amount.startswith("-") else 1) * int(whole + fraction)


def test_the_lines_say_whose_every_wei_is(statement: Mapping[str, Any]) -> None:
    """By party and person, with what is owed and what is not."""
    told = {
        (one["line"], one["party"], one["name"], int(one["amount_wei"]), one["payable_status"])
        for one in statement["lines"]
        if one["line"] != "rounding"
    }
    assert told == {
        ("ticket_revenue", "platform", None, 3 * PRICE, None),
        ("platform_fee", "platform", None, 3 * PRICE * 5 // 100, None),
        ("host_payout", "host", "Asha Host", 3 * PRICE * 95 // 100, "owed"),
        ("host_stake_returned", "platform_float", None, HOST_STAKE, None),
        ("stake_returned", "traveler", "Traveler One", 2 * STAKE, "owed"),
        ("stake_forfeited", "platform", None, STAKE, None),
    }


def test_rupees_are_at_each_bookings_own_rate_and_sum_exactly(
    statement: Mapping[str, Any],
) -> None:
    """Two seats at 210,000.07 and one at 200,000: revenue is fee, payout and rounding."""
    inr = {one["line"]: paise(one["amount_inr"]) for one in statement["lines"]}
    assert inr["ticket_revenue"] == 525_000 + 250_000
    assert inr["stake_returned"] == 105_000
    assert inr["stake_forfeited"] == 50_000
    assert inr["ticket_revenue"] == (
        inr["platform_fee"] + inr["host_payout"] + inr.get("rounding", 0)
    )
    totals = statement["totals"]
    assert paise(totals["came_in_inr"]) == (
        paise(totals["left_contract_inr"])
        + paise(totals["stayed_inr"])
        + paise(totals["rounding_inr"])
    )


def test_the_sums_are_what_the_contract_paid_and_kept(statement: Mapping[str, Any]) -> None:
    """To the wei, with gas apart."""
    totals = statement["totals"]
    left = 3 * PRICE * 95 // 100 + 2 * STAKE + HOST_STAKE
    assert int(totals["left_contract_wei"]) == left
    assert int(totals["stayed_wei"]) == 3 * PRICE * 5 // 100 + STAKE
    assert int(totals["came_in_wei"]) == 3 * (PRICE + STAKE) + HOST_STAKE
    assert int(totals["gas_wei"]) == sum(int(one["fee_wei"]) for one in statement["gas"]) > 0


def test_the_gas_of_every_transaction_is_told(
    platform: Mayhouse, statement: Mapping[str, Any]
) -> None:
    """Creation, bookings and completion, each with its hash, as recorded."""
    kinds = [one["kind"] for one in statement["gas"]]
    assert kinds == ["create_event", "book_event", "book_event", "complete_event"]
    recorded = {
        row["tx_hash"]: str(row["fee_wei"])
        for row in platform.rows("SELECT tx_hash, fee_wei FROM mayhouse.transactions")
    }
    assert all(recorded[one["tx_hash"]] == one["fee_wei"] for one in statement["gas"])
    assert all(paise(one["fee_inr"]) >= 0 for one in statement["gas"])


def test_a_cancellation_refunds_ticket_and_stake(platform: Mayhouse) -> None:
    """And returns what the platform advanced."""
    (one,) = quickly(platform, "event", "settle", "2")["statements"]
    lines = [(line["line"], int(line["amount_wei"]), line["amount_inr"]) for line in one["lines"]]
    assert lines == [
        ("refund", PRICE + STAKE, "3000.00"),
        ("host_stake_returned", HOST_STAKE, "2000.00"),
    ]
    assert one["ended"] == "cancelled"


def test_an_event_that_is_not_settled_is_refused_with_what_stands(platform: Mayhouse) -> None:
    """Exit 6, and what would settle it."""
    run = platform.json("event", "settle", "3")
    assert (run.code, run.error["details"]["status"]) == (6, "scheduled")
    assert "event 3 on chain" in run.error["message"]
    assert "event complete 3" in run.error["hint"]


def test_the_table_fits_its_words(platform: Mayhouse) -> None:
    """Labels, persons, rupees, and the hash whole; the title as it is."""
    run = platform.run("event", "settle", "1", "2")
    assert TITLE in run.out
    assert "stake kept, no-show #2" in run.out
    assert "All 2 events" in run.out
    hashes = platform.rows(
        "SELECT tx_hash FROM mayhouse.transactions WHERE kind IN ('complete_event','cancel_event')"
    )
    assert all(row["tx_hash"] in run.out for row in hashes)


def test_a_period_is_of_indian_days_and_half_open(platform: Mayhouse) -> None:
    """Settled today in India: found with today as its first day, not as the day after its last."""
    (row,) = platform.rows(
        "SELECT max(finished_at) AS at FROM mayhouse.transactions WHERE kind = 'complete_event'"
    )
    today = row["at"].astimezone(ZoneInfo("Asia/Kolkata")).date()
    tomorrow, before = today + timedelta(days=1), today - timedelta(days=2)
    words = ("event", "settle", "--from", str(today), "--to", str(tomorrow))
    found = quickly(platform, *words)
    assert 1 in [one["chain_event_id"] for one in found["statements"]]
    assert (found["period_from"], found["period_to"]) == (str(today), str(tomorrow))
    totals = sum(int(one["totals"]["came_in_wei"]) for one in found["statements"])
    assert int(found["totals"]["came_in_wei"]) == totals
    platform.execute(
        "UPDATE mayhouse.transactions SET finished_at = %s WHERE kind = 'cancel_event'",
        datetime.combine(today, datetime.min.time(), ZoneInfo("Asia/Kolkata")).astimezone(UTC),
    )
    words = ("event", "settle", "--from", str(before), "--to", str(today))
    none = quickly(platform, *words)
    assert none["statements"] == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("1", "--from", "2026-11-01", "--to", "2026-12-01"),
        ("--from", "2026-11-01"),
        ("--from", "2026-12-01", "--to", "2026-12-01"),
        ("--from", "yesterday", "--to", "2026-12-01"),
        ("1", "--csv", "-", "--json"),
    ],
)
def test_a_senseless_choice_is_wrong_usage(platform: Mayhouse, words: tuple[str, ...]) -> None:
    """With what to say instead."""
    child = processes.start(
        "event", "settle", *words, env=platform.environment, folder=platform.folder
    )
    run = child.wait()
    assert run.code == 2
    assert run.out == "" or '"usage"' in run.out


def test_the_csv_is_exact_and_no_formula(platform: Mayhouse) -> None:
    """On stdout alone: a row a line, amounts as they are recorded, the title as text."""
    run = platform.run("event", "settle", "1", "--csv", "-")
    rows = [*csv.DictReader(io.StringIO(run.out))]
    assert run.out.startswith("section,")
    assert {row["event"] for row in rows} == {"'" + TITLE}
    kept = platform.rows(
        "SELECT line, amount_wei, amount_inr FROM mayhouse.settlements WHERE chain_event_id = 1"
    )
    settled = [row for row in rows if row["section"] == "settlement"]
    assert sorted((row["line"], row["amount_wei"], row["amount_inr"]) for row in settled) == sorted(
        (one["line"], str(one["amount_wei"]), str(one["amount_inr"])) for one in kept
    )
    assert HOST_ID in {row["party_id"] for row in settled}
    assert len([row for row in rows if row["section"] == "gas"]) == 4


def test_files_are_replaced_whole_or_left_alone(platform: Mayhouse) -> None:
    """A page and a sheet over older ones; a folder in the way is told, and nothing is left."""
    page, sheet = platform.folder / "a.html", platform.folder / "a.csv"
    page.write_text("old")
    words = ("event", "settle", "1", "--html", str(page), "--csv", str(sheet))
    url = "https://explorer.example"
    assert platform.run(*words, MAYHOUSE_EXPLORER_URL=url).code == 0
    text = page.read_text(encoding="utf-8")
    (end,) = platform.rows("SELECT tx_hash FROM mayhouse.transactions WHERE kind='complete_event'")
    assert f'href="{url}/tx/{end["tx_hash"]}"' in text
    assert "<b>walk" not in text
    assert "₹7,750.00" in text
    assert "0.037500" in text
    assert sheet.read_text(encoding="utf-8").startswith("section,")
    (platform.folder / "taken").mkdir()
    run = platform.run("event", "settle", "1", "--csv", str(platform.folder / "taken"))
    assert (run.code, "cannot be written" in run.err) == (1, True)
    assert not [one for one in platform.folder.iterdir() if one.name.startswith(".mayhouse.")]
