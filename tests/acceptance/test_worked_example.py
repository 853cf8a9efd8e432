"""The worked example, end to end: 2,500 rupees, 4 seats, 200,000 rupees for one ETH."""

from decimal import Decimal
from typing import Any

import pytest

from tests.mayhouse import ASHA, BINA, CHITRA, EXPERIENCE_ID, PLATFORM, Mayhouse

PRICE = 12_500_000_000_000_000
STAKE = 2_500_000_000_000_000
HOST_STAKE = 10_000_000_000_000_000


def contract_balance(mayhouse: Mayhouse) -> int:
    """What the contract holds, in wei."""
    return int(mayhouse.node.rpc("eth_getBalance", mayhouse.contract, "latest"), 16)


def test_an_event_is_priced_to_the_wei_and_recorded(mayhouse: Mayhouse) -> None:
    """2,500 INR at 200,000 is 0.0125 ETH; the row holds id, hash and status."""
    data = mayhouse.create_event()
    assert (data["price_per_seat_wei"], data["stake_wei"]) == (str(PRICE), str(HOST_STAKE))
    row = mayhouse.row("SELECT * FROM event_runs WHERE id = %s", data["event_id"])
    assert row["blockchain_event_run_id"] == data["chain_event_id"] == 1
    assert row["blockchain_tx_hash"] == data["tx_hash"]
    assert row["blockchain_status"] == "confirmed"
    assert row["max_capacity"] == 4
    assert contract_balance(mayhouse) == HOST_STAKE


def test_a_quote_is_the_contracts_own_price(mayhouse: Mayhouse) -> None:
    """Two seats cost 0.025 ETH and 0.005 ETH of stake; the quote is stored with its rate."""
    event = mayhouse.create_event()["chain_event_id"]
    data = mayhouse.json("booking", "quote", str(event), "--seats", "2").data
    assert (data["payment_wei"], data["stake_wei"]) == (str(2 * PRICE), str(2 * STAKE))
    assert (data["payment_inr"], data["stake_inr"], data["total_inr"]) == (
        "5000.00", "1000.00", "6000.00",
    )  # fmt: skip
    stored = mayhouse.row("SELECT * FROM mayhouse.quotes")
    assert stored["total_wei"] == 2 * PRICE + 2 * STAKE
    assert (stored["eth_price_inr"], stored["stake_percent"]) == (Decimal(200_000), 20)


def test_a_booking_pays_exactly_the_quote(mayhouse: Mayhouse) -> None:
    """Ticket and stake arrive in the contract to the wei; the row holds id, hash and stake."""
    event = mayhouse.create_event()["chain_event_id"]
    data = mayhouse.book(event, ASHA, 2)
    assert contract_balance(mayhouse) == HOST_STAKE + 2 * (PRICE + STAKE)
    row = mayhouse.row("SELECT * FROM event_run_bookings WHERE id = %s", data["booking_id"])
    assert row["blockchain_booking_id"] == data["chain_booking_id"] == 1
    assert row["blockchain_tx_hash"] == data["tx_hash"]
    assert row["blockchain_stake_amount_wei"] == 2 * STAKE
    assert str(row["traveler_id"]) == ASHA
    assert row["total_experience_cost_inr"] == Decimal("6000.00")
    assert row["mayhouse_platform_fee_inr"] == Decimal("250.00")
    assert row["host_earnings_inr"] == Decimal("4750.00")


@pytest.fixture
def completed(mayhouse: Mayhouse) -> dict[str, Any]:
    """Two bookings, the first attended, the second a no-show."""
    event = mayhouse.create_event()["chain_event_id"]
    came, missed = mayhouse.book(event, ASHA, 2), mayhouse.book(event, BINA, 1)
    mayhouse.warp(90_000)
    before = contract_balance(mayhouse)
    run = mayhouse.json("event", "complete", str(event), "--attended", came["booking_id"], "-y")
    return {"data": run.data, "came": came, "missed": missed, "before": before}


def test_a_completion_pays_everyone_to_the_wei(
    mayhouse: Mayhouse, completed: dict[str, Any]
) -> None:
    """Stakes back to who came, revenue less 5 % to the host, the rest stays in the contract."""
    data = completed["data"]
    assert int(data["host_payout_wei"]) == 3 * PRICE * 95 // 100
    assert int(data["platform_fee_wei"]) == 3 * PRICE * 5 // 100
    assert int(data["stakes_returned_wei"]) == 2 * STAKE
    assert int(data["stakes_forfeited_wei"]) == STAKE
    assert int(data["host_stake_returned_wei"]) == HOST_STAKE
    paid = 2 * STAKE + 3 * PRICE * 95 // 100 + HOST_STAKE
    assert contract_balance(mayhouse) == completed["before"] - paid


def test_a_completion_names_who_came_and_who_did_not(
    completed: dict[str, Any],
) -> None:
    """Both lists carry the database id and the on-chain number."""
    data, came, missed = completed["data"], completed["came"], completed["missed"]
    keys = ("booking_id", "chain_booking_id")
    assert data["attended"] == [{key: came[key] for key in keys}]
    assert data["no_show"] == [{key: missed[key] for key in keys}]


def test_a_completion_updates_event_and_bookings(
    mayhouse: Mayhouse, completed: dict[str, Any]
) -> None:
    """The platform's rows say completed, experience_completed and no_show."""
    assert mayhouse.row("SELECT status FROM event_runs")["status"] == "completed"
    rows = mayhouse.rows("SELECT id, booking_status FROM event_run_bookings")
    statuses = {str(row["id"]): row["booking_status"] for row in rows}
    assert statuses[completed["came"]["booking_id"]] == "experience_completed"
    assert statuses[completed["missed"]["booking_id"]] == "no_show"


def test_a_completion_records_what_it_paid(mayhouse: Mayhouse, completed: dict[str, Any]) -> None:
    """The settlement's lines say whom every wei belongs to."""
    assert completed["data"]["status"] == "confirmed"
    rows = mayhouse.rows("SELECT line, party, amount_wei FROM mayhouse.settlements")
    lines = {row["line"]: (row["party"], int(row["amount_wei"])) for row in rows}
    assert lines == {
        "ticket_revenue": ("platform", 3 * PRICE),
        "platform_fee": ("platform", 3 * PRICE * 5 // 100),
        "host_payout": ("host", 3 * PRICE * 95 // 100),
        "host_stake_returned": ("platform_float", HOST_STAKE),
        "stake_returned": ("traveler", 2 * STAKE),
        "stake_forfeited": ("platform", STAKE),
    }


def test_the_second_event_is_number_two(mayhouse: Mayhouse) -> None:
    """Ids are decoded from the receipt's event, not assumed."""
    mayhouse.create_event()
    assert mayhouse.create_event(price="1200")["chain_event_id"] == 2


def test_a_stake_above_the_range_of_bigint_is_kept_exactly(mayhouse: Mayhouse) -> None:
    """9.22 ETH is where BIGINT overflows: a stake of 12.5 ETH comes back to the wei."""
    event = mayhouse.create_event(price="12500000", seats=2)
    assert event["stake_wei"] == "25000000000000000000"
    booking = mayhouse.book(event["chain_event_id"], ASHA)
    assert booking["stake_wei"] == "12500000000000000000"
    row = mayhouse.row("SELECT blockchain_stake_amount_wei AS stake FROM event_run_bookings")
    assert row["stake"] == 12_500_000_000_000_000_000


def test_an_id_above_two_to_the_31_is_kept_exactly(mayhouse: Mayhouse) -> None:
    """The contract's counter moved beyond an INTEGER: the row holds the number."""
    counter_slot = "0x" + f"{3:064x}"
    mayhouse.node.rpc(
        "anvil_setStorageAt", mayhouse.contract, counter_slot, "0x" + f"{2**31 + 6:064x}"
    )
    data = mayhouse.create_event()
    assert data["chain_event_id"] == 2**31 + 7
    row = mayhouse.row("SELECT blockchain_event_run_id AS number FROM event_runs")
    assert row["number"] == 2**31 + 7
    assert mayhouse.book(2**31 + 7, CHITRA)["chain_event_id"] == 2**31 + 7


def test_an_event_of_the_database_is_created_from_its_row(mayhouse: Mayhouse) -> None:
    """The special price of the run wins over the experience's."""
    row = "00000000-0000-4000-8000-0000000000f1"
    mayhouse.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"
        " special_pricing_inr, status) VALUES (%s, %s, now() + interval '3 days',"
        " now() + interval '4 days', 3, 1000, 'scheduled')",
        row, EXPERIENCE_ID,
    )  # fmt: skip
    data = mayhouse.json("event", "create", row, "-y").data
    assert (data["event_id"], data["price_inr"], data["seats"]) == (row, "1000.00", 3)
    assert data["price_per_seat_wei"] == "5000000000000000"


def test_a_booking_of_the_database_is_made_from_its_row(mayhouse: Mayhouse) -> None:
    """`--booking` takes event, seats and traveler from the row."""
    event = mayhouse.create_event()
    row = "00000000-0000-4000-8000-0000000000b1"
    mayhouse.execute(
        "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count,"
        " total_experience_cost_inr, booking_status) VALUES (%s, %s, %s, 2, 6000, 'confirmed')",
        row, event["event_id"], CHITRA,
    )  # fmt: skip
    data = mayhouse.json("booking", "create", "--booking", row, "-y").data
    assert (data["booking_id"], data["traveler_id"], data["seats"]) == (row, CHITRA, 2)


def test_a_cancellation_refunds_everyone_and_returns_the_stake(mayhouse: Mayhouse) -> None:
    """By plan and hash: ticket and stake of each booking, and the host's stake."""
    event = mayhouse.create_event()["chain_event_id"]
    mayhouse.book(event, ASHA, 2)
    mayhouse.book(event, BINA, 1)
    plan = mayhouse.json("event", "cancel", str(event), "--reason", "host is ill", "--plan").data
    assert plan["status"] == "planned"
    data = mayhouse.json("event", "cancel", str(event), "--execute", plan["plan_hash"]).data
    assert data["refunded_wei"] == str(3 * (PRICE + STAKE))
    assert data["host_stake_returned_wei"] == str(HOST_STAKE)
    assert contract_balance(mayhouse) == 0
    assert mayhouse.row("SELECT status FROM event_runs")["status"] == "cancelled"
    statuses = mayhouse.rows("SELECT DISTINCT booking_status AS status FROM event_run_bookings")
    assert statuses == [{"status": "cancelled"}]
    reason = mayhouse.row("SELECT reason FROM mayhouse.transactions WHERE kind = 'cancel_event'")
    assert reason["reason"] == "host is ill"


def test_the_platform_signs_and_pays_for_everything(mayhouse: Mayhouse) -> None:
    """Host and traveler on chain are the platform's own wallet."""
    event = mayhouse.create_event()["chain_event_id"]
    booking = mayhouse.book(event, ASHA)["chain_booking_id"]
    shown = mayhouse.json("event", "show", str(event)).data
    assert shown["on_chain"]["host"] == PLATFORM
    assert mayhouse.json("booking", "show", str(booking)).data["traveler_id"] == ASHA


def test_gas_is_recorded_with_every_transaction(mayhouse: Mayhouse) -> None:
    """Block, gas and fee stand in the journal when a transaction is confirmed."""
    data = mayhouse.create_event()
    row = mayhouse.row("SELECT * FROM mayhouse.transactions")
    assert row["fee_wei"] == int(data["fee_wei"]) > 0
    assert row["gas_used"] > 300_000
    assert (row["status"], row["block_number"]) == ("confirmed", data["block_number"])
