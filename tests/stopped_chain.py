"""A platform whose chain mines, and undoes blocks, when the test says so.

Commands run in forked children (see `faults/processes.py`), so that a test can afford many.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from mayhouse_cli.chain import contract as codec
from mayhouse_cli.chain.signer import LocalSigner
from mayhouse_cli.models import Address, Call, Fees, OnChainEvent, Payload
from mayhouse_cli.money import Wei
from tests.faults import processes
from tests.mayhouse import EXPERIENCE_ID, PLATFORM, PLATFORM_KEY, Mayhouse, Run

STRANGER: Final = "0x976EA74026E726554dB657fA54763abd0C3a0aa9"
EVENT_COUNTER: Final = "0x3"
BOOKING_COUNTER: Final = "0x9"
STAKE_PERCENT: Final = "0x2"
GROUND: Final = 8  # empty blocks below everything a test does, for reorgs to go through
SHORT: Final = "1.5"  # seconds to wait for what will not come
_PATIENCE: Final = 20.0


@dataclass
class StoppedChain:
    """The script on a chain that stands still unless told otherwise."""

    mayhouse: Mayhouse

    # --- the script ---

    def start(self, *words: str, **changes: str) -> processes.Child:
        """Start a command for its JSON document, and leave it running."""
        env = {**self.mayhouse.environment, **changes}
        return processes.start(*words, "--json", env=env, folder=self.mayhouse.folder)

    def run(self, *words: str, **changes: str) -> Run:
        """Run a command for its JSON document."""
        return self.start(*words, **changes).wait()

    def text(self, *words: str) -> Run:
        """Run a command for what a person reads."""
        folder = self.mayhouse.folder
        return processes.start(*words, env=self.mayhouse.environment, folder=folder).wait()

    def send(self, *words: str, **changes: str) -> dict[str, Any]:
        """Run a command that signs, without waiting; it must succeed."""
        return self.run(*words, "-y", "--no-wait", **changes).data

    def resume(self, *words: str) -> Run:
        """Send and look once."""
        return self.run("tx", "resume", *words, "--no-wait")

    # --- the database ---

    def new_event_row(self, number: int = 1) -> str:
        """Add an event's row that is not on chain, and give its id."""
        row = f"00000000-0000-4000-8000-0000000000c{number}"
        start = self.mayhouse.starts_in()
        self.mayhouse.execute(
            "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
            " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4)",
            row,
            EXPERIENCE_ID,
            start,
            start,
        )
        return row

    def new_booking_row(self, event_row: str, traveler: str, seats: int = 1) -> str:
        """Add a booking's row that is not on chain, and give its id."""
        row = f"00000000-0000-4000-8000-0000000000b{len(self.mayhouse.rows(_BOOKING_ROWS)) + 1}"
        self.mayhouse.execute(
            "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"
            " VALUES (%s, %s, %s, %s)",
            row,
            event_row,
            traveler,
            seats,
        )
        return row

    def event_row(self, row: str) -> dict[str, Any]:
        """What an event's row says of the chain."""
        return self.mayhouse.row(
            "SELECT blockchain_event_run_id AS number, blockchain_status::text AS status,"
            " blockchain_tx_hash AS hash FROM event_runs WHERE id = %s",
            row,
        )

    def record(self, tx_hash: str) -> dict[str, Any]:
        """The record of the transaction that has, or had, this hash."""
        return self.mayhouse.row(
            "SELECT * FROM mayhouse.transactions WHERE id ="
            " (SELECT transaction_id FROM mayhouse.attempts WHERE tx_hash = %s)",
            tx_hash,
        )

    def attempts(self, tx_hash: str) -> list[dict[str, Any]]:
        """All signed versions of that transaction, oldest first."""
        return self.mayhouse.rows(
            "SELECT number, purpose, tx_hash, outcome, gas_limit::int,"
            " max_fee_per_gas_wei::int8 AS max_fee, max_priority_fee_per_gas_wei::int8 AS tip"
            " FROM mayhouse.attempts WHERE transaction_id = %s ORDER BY number",
            self.record(tx_hash)["id"],
        )

    def raw(self, tx_hash: str) -> str:
        """The recorded bytes of a hash."""
        row = self.mayhouse.row("SELECT raw FROM mayhouse.attempts WHERE tx_hash = %s", tx_hash)
        return "0x" + bytes(row["raw"]).hex()

    def wait_for_attempt(self, tx_hash: str, number: int) -> None:
        """Wait until so many versions are recorded, and the last of them has left."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            attempts = self.attempts(tx_hash)
            if len(attempts) == number and attempts[-1]["outcome"] != "signed":
                return
            assert time.monotonic() < deadline, f"no version {number}: {attempts}"
            time.sleep(0.02)

    def wait_for(self, status: str) -> str:
        """Wait until the newest record has this status, and give its hash."""
        deadline = time.monotonic() + _PATIENCE
        query = "SELECT tx_hash, status FROM mayhouse.transactions ORDER BY created_at DESC LIMIT 1"
        while True:
            rows = self.mayhouse.rows(query)
            if rows and rows[0]["status"] == status:
                tx_hash: str = rows[0]["tx_hash"]
                return tx_hash
            assert time.monotonic() < deadline, f"never {status}: {rows}"
            time.sleep(0.02)

    # --- the chain ---

    def mine(self, blocks: int = 1) -> None:
        """Mine so many blocks, the first with what waits."""
        for _ in range(blocks):
            self.mayhouse.node.rpc("evm_mine")

    def reorg(self, depth: int, *raws: str) -> None:
        """Undo so many blocks; these bytes stand in the first of as many new ones."""
        self.mayhouse.node.reorg(depth, *raws)

    def drop(self, tx_hash: str) -> None:
        """Make the node forget a transaction that waits."""
        self.mayhouse.node.rpc("anvil_dropTransaction", tx_hash)

    def hand_over(self, raw: str) -> None:
        """Give the node bytes without recording anything."""
        self.mayhouse.node.rpc("eth_sendRawTransaction", raw)

    def rival_of(self, tx_hash: str) -> tuple[str, str]:
        """Sign something else under the same nonce; gives its hash and bytes."""
        nonce = self.record(tx_hash)["nonce"]
        fees = Fees(21_000, Wei(10**12), Wei(10**11))
        signed = LocalSigner(bytes.fromhex(PLATFORM_KEY[2:])).sign(
            Payload(31337, nonce, Address(STRANGER), Wei(1), b"", fees)
        )
        return signed.tx_hash, "0x" + signed.raw.hex()

    def nonce(self, block: str = "latest") -> int:
        """How many nonces the platform's wallet has used."""
        return int(self.mayhouse.node.rpc("eth_getTransactionCount", PLATFORM, block), 16)

    def counter(self, slot: str) -> int:
        """A counter of the contract: of its events, or of its bookings."""
        return int(self.mayhouse.node.rpc("eth_getStorageAt", self._contract, slot, "latest"), 16)

    def set_stake_percent(self, percent: int) -> None:
        """Change the stake that the contract asks for."""
        value = f"0x{percent:064x}"
        self.mayhouse.node.rpc("anvil_setStorageAt", self._contract, STAKE_PERCENT, value)

    def set_base_fee(self, wei: int) -> None:
        """Set what the next block asks for, and mine it."""
        self.mayhouse.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))
        self.mine()

    def stranger_does(self, call: Call, *, tip: int = 10**9) -> None:
        """Put a stranger's call into the pool."""
        self.mayhouse.node.rpc(
            "eth_sendTransaction",
            {
                "from": STRANGER,
                "to": self._contract,
                "value": hex(call.value),
                "data": "0x" + codec.calldata(call).hex(),
                "gas": hex(500_000),
                "maxFeePerGas": hex(10**12),
                "maxPriorityFeePerGas": hex(tip),
            },
        )

    def stranger_creates(self, price: int) -> None:
        """Have a stranger create an event of four seats, for the next number."""
        start = self.mayhouse.chain_time + 80_000
        stake = Wei(price * 4 // 5)
        self.stranger_does(Call("createEventRun", (EXPERIENCE_ID, price, 4, start), stake))
        self.mine()

    def event(self, number: int) -> OnChainEvent | None:
        """An event as the contract has it."""
        return codec.decode_event_run(self._view(Call("getEventRun", (number,))))

    def bookings_of(self, number: int) -> list[int]:
        """The numbers of an event's bookings."""
        answer = self._view(Call("getEventBookings", (number,)))
        return [*codec.decode_result("getEventBookings", answer)[0]]

    @property
    def _contract(self) -> str:
        return self.mayhouse.contract

    def _view(self, call: Call) -> str:
        body = {"to": self._contract, "data": "0x" + codec.calldata(call).hex()}
        answer: str = self.mayhouse.node.rpc("eth_call", body, "latest")
        return answer


_BOOKING_ROWS: Final = "SELECT FROM event_run_bookings"


@contextmanager
def stopped(mayhouse: Mayhouse) -> Iterator[StoppedChain]:
    """Stop the chain of a platform, and let it go on afterwards."""
    automine = True
    mayhouse.node.rpc("evm_setAutomine", not automine)
    chain = StoppedChain(mayhouse)
    try:
        chain.mine(GROUND)
        yield chain
    finally:
        mayhouse.node.rpc("anvil_dropAllTransactions")
        mayhouse.node.rpc("evm_setAutomine", automine)
