"""How much faster a file is booked than by a loop that waits for each receipt, in one run.

On a chain with a block of 60 million gas each second. Run it with
`python -m tests.bench.bulk`; a later one that judges it calls `measure`.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from eth_account import Account
from web3 import HTTPProvider, Web3

from tests.bulk_platform import add_travelers, mining_by_interval, write_csv
from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ARTIFACT, SEED, Mayhouse, deploy

BOOKINGS: Final = 300
LOOPED: Final = 8
RUNS: Final = 3
# anvil's second development account.
LOOP_KEY: Final = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


def measure(runs: int = RUNS) -> float:
    """Give the ratio of the medians of seconds a booking: the loop's to the tool's."""
    looped, imported = [], []
    for _ in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="mayhouse-bench-"))
        try:
            with ChainNode() as node, DatabaseServer() as server, server.database() as url:
                query(url, SEED)
                mayhouse = Mayhouse(node, url, deploy(node), folder)
                looped.append(seconds_of_loop(mayhouse))
                imported.append(seconds_of_import(mayhouse))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    ratio = median(looped) / median(imported)
    print(  # noqa: T201 the benchmark's result
        f"a booking: loop {median(looped):.3f} s, import {median(imported):.4f} s, "
        f"ratio {ratio:.1f} (medians of {runs})"
    )
    return ratio


def seconds_of_import(mayhouse: Mayhouse, count: int = BOOKINGS) -> float:
    """Seconds a booking of a whole run of the script, its start included."""
    event = mayhouse.create_event("--allow-large", seats=count)["chain_event_id"]
    travelers = add_travelers(mayhouse, count)
    file = write_csv(
        mayhouse.folder / "bench.csv",
        ("event", "traveler", "seats"),
        [(event, one, 1) for one in travelers],
    )
    with mining_by_interval(mayhouse.node):
        started = time.monotonic()
        made = mayhouse.json("booking", "import", str(file), "-y").data
        seconds = time.monotonic() - started
    if made["confirmed"] != count:
        raise AssertionError(made)
    return seconds / count


def seconds_of_loop(mayhouse: Mayhouse, count: int = LOOPED) -> float:
    """Seconds a booking of the usual loop: sign, send, wait for the receipt."""
    event = mayhouse.create_event(seats=count)["chain_event_id"]
    web3 = Web3(HTTPProvider(mayhouse.node.url))
    artifact = json.loads(ARTIFACT.read_text())
    address = Web3.to_checksum_address(mayhouse.contract)
    contract: Any = web3.eth.contract(address, abi=artifact["abi"])
    account = Account.from_key(LOOP_KEY)
    with mining_by_interval(mayhouse.node):
        started = time.monotonic()
        for _ in range(count):
            *_, total = contract.functions.calculateBookingCost(event, 1).call()
            transaction = contract.functions.bookEvent(event, 1).build_transaction(
                {
                    "from": account.address,
                    "value": total,
                    "nonce": web3.eth.get_transaction_count(account.address),
                }
            )
            signed = account.sign_transaction(transaction)
            web3.eth.wait_for_transaction_receipt(
                web3.eth.send_raw_transaction(signed.raw_transaction)
            )
        return (time.monotonic() - started) / count


if __name__ == "__main__":
    measure()
