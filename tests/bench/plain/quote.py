"""Quote a booking and keep the quote: the plain way, in five round trips.

Two of them are for the chain id, which web3 asks for by itself.
"""

import json
import os
import sys
from pathlib import Path

import psycopg
from web3 import HTTPProvider, Web3

event, seats = int(sys.argv[1]), int(sys.argv[2])
web3 = Web3(HTTPProvider(os.environ["BLOCKCHAIN_RPC_URL"], cache_allowed_requests=True))
abi = json.loads(Path(os.environ["CONTRACT_ARTIFACT"]).read_text(encoding="utf-8"))["abi"]
contract = web3.eth.contract(Web3.to_checksum_address(os.environ["CONTRACT_ADDRESS"]), abi=abi)
run = contract.functions.getEventRun(event).call()
payment, stake, total = contract.functions.calculateBookingCost(event, seats).call()
percent = contract.functions.stakePercentage().call()
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS plain_quotes"
        " (event bigint, seats int, payment numeric, stake numeric, percent int)"
    )
    connection.execute(
        "INSERT INTO plain_quotes VALUES (%s, %s, %s, %s, %s)",
        (event, seats, payment, stake, percent),
    )
left = run[4] - run[5]
print(f"{seats} of {left} seats: {total} wei, {stake} of it stake ({percent} %)")  # noqa: T201 its result
