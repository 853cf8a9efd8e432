"""Read the platform wallet's balance, judge it, keep the reading: the plain way."""

import os

import psycopg
from web3 import HTTPProvider, Web3

WARNING, CRITICAL = 0.2, 0.1

web3 = Web3(HTTPProvider(os.environ["BLOCKCHAIN_RPC_URL"]))
address = web3.eth.account.from_key(os.environ["PLATFORM_PRIVATE_KEY"]).address
balance = web3.eth.get_balance(address)
ether = float(web3.from_wei(balance, "ether"))
state = "critical" if ether < CRITICAL else "warning" if ether < WARNING else "ok"
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS readings (address text, wei numeric, state text)"
    )
    connection.execute("INSERT INTO readings VALUES (%s, %s, %s)", (address, balance, state))
print(f"BALANCE {state.upper()} - {ether:.6f} ETH")  # noqa: T201 its result
