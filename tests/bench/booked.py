"""Many bookings, each made by a transaction of its own, in large blocks; and a row for each."""

import json
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any, Final

import psycopg

from tests.mayhouse import ASHA, EXPERIENCE_ID, PLATFORM, Mayhouse
from tests.raw_contract import calldata

LARGE_BLOCKS: Final = ("--gas-limit", "4000000000", "--block-base-fee-per-gas", "0")
SEATS: Final = 100
"""Of an event, each booked alone."""
PRICE: Final = 12_500_000_000_000_000
STAKE: Final = PRICE // 5
_A_BLOCK: Final = 500
_CREATE: Final = "createEventRun(string,uint256,uint256,uint256)"
_BOOK: Final = "bookEvent(uint256,uint256)"
_EVENTS: Final = (
    "COPY event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"
    " special_pricing_inr, blockchain_event_run_id, blockchain_tx_hash, blockchain_status)"
    " FROM STDIN"
)
_BOOKINGS: Final = (
    "COPY event_run_bookings (id, event_run_id, traveler_id, traveler_count,"
    " total_experience_cost_inr, booking_status, blockchain_booking_id, blockchain_tx_hash,"
    " blockchain_stake_amount_wei) FROM STDIN"
)


def book_many(mayhouse: Mayhouse, bookings: int) -> None:
    """Book single seats of as many events as are needed, on a chain without any."""
    events, start = bookings // SEATS, mayhouse.chain_time + 10**6
    created = _send(
        mayhouse,
        [
            {
                "data": calldata(_CREATE, EXPERIENCE_ID, PRICE, SEATS, start),
                "value": hex(STAKE * SEATS),
            }
            for _ in range(events)
        ],
    )
    booked = _send(
        mayhouse,
        [
            {"data": calldata(_BOOK, number // SEATS + 1, 1), "value": hex(PRICE + STAKE)}
            for number in range(events * SEATS)
        ],
    )
    with psycopg.connect(mayhouse.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_timestamp(%s)::text, to_timestamp(%s)::text", (start, start + 1))
        (times,) = cursor.fetchall()
        with cursor.copy(_EVENTS) as copy:
            for number, tx_hash in enumerate(created, 1):
                terms = (*times, SEATS, 2500, number, tx_hash, "confirmed")
                copy.write_row((_event_id(number), EXPERIENCE_ID, *terms))
        with cursor.copy(_BOOKINGS) as copy:
            for number, tx_hash in enumerate(booked, 1):
                event = _event_id((number - 1) // SEATS + 1)
                terms = (1, 3000, "confirmed", number, tx_hash, STAKE)
                copy.write_row((_booking_id(number), event, ASHA, *terms))
        cursor.execute("ANALYZE")  # which a live server does by itself


def _event_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _booking_id(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


def _send(mayhouse: Mayhouse, calls: Sequence[dict[str, Any]]) -> list[str]:
    """Send the calls in their order from the platform's wallet; gives their hashes."""
    node, automine = mayhouse.node, True
    node.rpc("evm_setAutomine", not automine)
    nonce = mayhouse.transactions_sent()
    common = {
        "from": PLATFORM,
        "to": mayhouse.contract,
        "gas": hex(500_000),
        "gasPrice": hex(10**9),
    }
    connection = HTTPConnection("127.0.0.1", node.port, timeout=300)
    hashes: list[str] = []
    for first in range(0, len(calls), _A_BLOCK):
        body = [
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "eth_sendTransaction",
                "params": [{**common, **call, "nonce": hex(nonce + number)}],
            }
            for number, call in enumerate(calls[first : first + _A_BLOCK], first)
        ]
        connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        answers = json.loads(connection.getresponse().read())
        hashes += [answer["result"] for answer in sorted(answers, key=lambda one: one["id"])]
        node.rpc("evm_mine")
    connection.close()
    node.rpc("evm_setAutomine", automine)
    assert mayhouse.transactions_sent() == nonce + len(calls)
    return hashes
