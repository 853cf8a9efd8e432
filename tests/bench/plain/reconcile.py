"""Compare the bookings of the database with the chain's: the plain way, from the logs."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from web3 import HTTPProvider, Web3

web3 = Web3(HTTPProvider(os.environ["BLOCKCHAIN_RPC_URL"], request_kwargs={"timeout": 600}))
abi = json.loads(Path(os.environ["CONTRACT_ARTIFACT"]).read_text(encoding="utf-8"))["abi"]
contract = web3.eth.contract(Web3.to_checksum_address(os.environ["CONTRACT_ADDRESS"]), abi=abi)


def logs_of(event: Any) -> list[Any]:  # noqa: ANN401 made by web3 from the ABI
    """Fetch the logs of one event of the contract, each decoded by process_log."""
    found = web3.eth.get_logs(
        {"address": contract.address, "fromBlock": 0, "toBlock": "latest", "topics": [event.topic]}
    )
    return [event.process_log(log) for log in found]


booked = logs_of(contract.events.BookingCreated())
status = {}
for name in ("BookingCompleted", "BookingNoShow"):
    for log in logs_of(contract.events[name]()):
        status[log["args"]["bookingId"]] = name
events = logs_of(contract.events.EventRunCreated())
with psycopg.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
    cursor.execute(
        "CREATE TEMPORARY TABLE events_on_chain (id bigint, experience text, tx_hash text)"
    )
    cursor.executemany(
        "INSERT INTO events_on_chain VALUES (%s, %s, %s)",
        [
            (
                log["args"]["eventRunId"],
                log["args"]["experienceId"],
                log["transactionHash"].to_0x_hex(),
            )
            for log in events
        ],
    )
    cursor.execute(
        "CREATE TEMPORARY TABLE on_chain"
        " (id bigint, event bigint, seats int, stake numeric, tx_hash text, status text)"
    )
    cursor.executemany(
        "INSERT INTO on_chain VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (
                log["args"]["bookingId"],
                log["args"]["eventRunId"],
                log["args"]["seatCount"],
                log["args"]["userStake"],
                log["transactionHash"].to_0x_hex(),
                status.get(log["args"]["bookingId"]),
            )
            for log in booked
        ],
    )
    cursor.execute(
        "SELECT c.id, b.id FROM on_chain c FULL JOIN (SELECT b.*, e.blockchain_event_run_id"
        " FROM event_run_bookings b JOIN event_runs e ON e.id = b.event_run_id) b"
        " ON b.blockchain_booking_id = c.id"
        " WHERE b.id IS NULL OR c.id IS NULL OR b.blockchain_event_run_id <> c.event"
        " OR b.traveler_count <> c.seats OR b.blockchain_stake_amount_wei <> c.stake"
        " OR b.blockchain_tx_hash <> c.tx_hash"
    )
    different = cursor.fetchall()
    cursor.execute(
        "SELECT c.id, e.id FROM events_on_chain c FULL JOIN event_runs e"
        " ON e.blockchain_event_run_id = c.id"
        " WHERE e.id IS NULL OR c.id IS NULL OR e.experience_id::text <> c.experience"
        " OR e.blockchain_tx_hash <> c.tx_hash"
    )
    different += cursor.fetchall()
print(f"{len(booked)} bookings, {len(different)} differ")  # noqa: T201 its result
sys.exit(bool(different))
