"""Create an event on chain and record it: the plain way, in eight round trips.

Two of them are for the chain id, which web3 asks for by itself.
"""

import json
import os
import sys
from pathlib import Path

import psycopg
from web3 import HTTPProvider, Web3
from web3.types import TxParams

experience, price, seats, start = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
web3 = Web3(HTTPProvider(os.environ["BLOCKCHAIN_RPC_URL"], cache_allowed_requests=True))
account = web3.eth.account.from_key(os.environ["PLATFORM_PRIVATE_KEY"])
abi = json.loads(Path(os.environ["CONTRACT_ARTIFACT"]).read_text(encoding="utf-8"))["abi"]
contract = web3.eth.contract(Web3.to_checksum_address(os.environ["CONTRACT_ADDRESS"]), abi=abi)
stake = contract.functions.calculateRequiredStake(price, seats).call()
tip = web3.to_wei(1, "gwei")
base_fee = web3.eth.get_block("latest")["baseFeePerGas"]
terms: TxParams = {
    "from": account.address,
    "value": stake,
    "chainId": int(os.environ["CHAIN_ID"]),
    "nonce": web3.eth.get_transaction_count(account.address),
    "maxPriorityFeePerGas": tip,
    "maxFeePerGas": web3.to_wei(2 * base_fee + tip, "wei"),
}
creation = contract.functions.createEventRun(experience, price, seats, start)
transaction = creation.build_transaction(terms)
signed = account.sign_transaction(transaction)
tx_hash = web3.eth.send_raw_transaction(signed.raw_transaction)
receipt = web3.eth.wait_for_transaction_receipt(tx_hash)
(created,) = contract.events.EventRunCreated().process_receipt(receipt)
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"
        " special_pricing_inr, blockchain_event_run_id, blockchain_tx_hash, blockchain_status)"
        " VALUES (gen_random_uuid(), %s, to_timestamp(%s), to_timestamp(%s), %s, %s, %s, %s,"
        " 'confirmed')",
        (
            experience,
            start,
            start + 10_800,
            seats,
            2500,
            created["args"]["eventRunId"],
            tx_hash.to_0x_hex(),
        ),
    )
print(f"event {created['args']['eventRunId']} in block {receipt['blockNumber']}")  # noqa: T201 its result
