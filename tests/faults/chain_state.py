"""What really is on chain, read without any of the tool's own code."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from tests.chain_node import ChainNode
from tests.mayhouse import PLATFORM

EVENT_TYPE: Final = (
    "(uint256,address,string,uint256,uint256,uint256,uint256,uint256,uint8,bool,uint256)"
)
BOOKING_TYPE: Final = "(uint256,uint256,address,uint256,uint256,uint256,uint8,uint256)"
EVENT_COUNTER, BOOKING_COUNTER = "0x3", "0x9"  # the contract's storage slots
EVENT_STATUS: Final = ("scheduled", "scheduled", "scheduled", "completed", "cancelled")
BOOKING_STATUS: Final = ("confirmed", "experience_completed", "no_show", "cancelled")


def topic(signature: str) -> str:
    """The first topic of a contract event."""
    return "0x" + keccak(text=signature).hex()


EVENT_CREATED: Final = topic("EventRunCreated(uint256,address,string,uint256,uint256,uint256)")
BOOKING_CREATED: Final = topic("BookingCreated(uint256,uint256,address,uint256,uint256,uint256)")
COMPLETED: Final = topic("EventCompleted(uint256,uint256,uint256)")


@dataclass(frozen=True)
class Mined:
    """A transaction of the platform's wallet in a block."""

    hash: str
    nonce: int
    succeeded: bool
    block_number: int
    block_hash: str
    gas_used: int
    fee: int
    logs: tuple[dict[str, Any], ...]

    def numbers(self, first_topic: str) -> list[int]:
        """The numbers of what its contract events of this kind name."""
        return [int(log["topics"][1], 16) for log in self.logs if log["topics"][0] == first_topic]

    def words(self, first_topic: str) -> list[int]:
        """The unindexed numbers of its one contract event of this kind."""
        (log,) = [log for log in self.logs if log["topics"][0] == first_topic]
        data = log["data"][2:]
        return [int(data[start : start + 64], 16) for start in range(0, len(data), 64)]


@dataclass(frozen=True)
class EventOnChain:
    """An event run as the contract keeps it."""

    number: int
    host: str
    experience: str
    price: int
    seats: int
    stake: int
    starts_at: int
    status: str


@dataclass(frozen=True)
class BookingOnChain:
    """A booking as the contract keeps it."""

    number: int
    event: int
    seats: int
    payment: int
    stake: int
    status: str


class ChainState:
    """The wallet's transactions since a block, and everything the contract holds."""

    def __init__(self, node: ChainNode, contract: str, since: int) -> None:
        """Look at blocks after `since` only; each is read once, so nothing may be undone."""
        self._node = node
        self._contract = contract
        self._next = since + 1
        self._mined: dict[str, Mined] = {}

    def mined(self) -> dict[str, Mined]:
        """Every transaction of the wallet, by hash."""
        head = int(self._node.rpc("eth_blockNumber"), 16)
        for number in range(self._next, head + 1):
            whole = True
            block = self._node.rpc("eth_getBlockByNumber", hex(number), whole)
            for transaction in block["transactions"]:
                if transaction["from"].lower() == PLATFORM.lower():
                    self._mined[transaction["hash"]] = self._read(transaction)
        self._next = head + 1
        return self._mined

    def _read(self, transaction: dict[str, Any]) -> Mined:
        receipt = self._node.rpc("eth_getTransactionReceipt", transaction["hash"])
        gas_used = int(receipt["gasUsed"], 16)
        return Mined(
            hash=transaction["hash"],
            nonce=int(transaction["nonce"], 16),
            succeeded=receipt["status"] == "0x1",
            block_number=int(receipt["blockNumber"], 16),
            block_hash=receipt["blockHash"],
            gas_used=gas_used,
            fee=gas_used * int(receipt["effectiveGasPrice"], 16),
            logs=tuple(receipt["logs"]),
        )

    def events(self) -> dict[int, EventOnChain]:
        """Every event run the contract has given a number."""
        found = {}
        for number in range(1, self._counter(EVENT_COUNTER) + 1):
            one = self._call("getEventRun(uint256)", number, EVENT_TYPE)
            _, host, experience, price, seats, _, stake, starts_at, status, *_ = one
            found[number] = EventOnChain(
                number, host, experience, price, seats, stake, starts_at, EVENT_STATUS[status]
            )
        return found

    def bookings(self) -> dict[int, BookingOnChain]:
        """Every booking the contract has given a number."""
        found = {}
        for number in range(1, self._counter(BOOKING_COUNTER) + 1):
            one = self._call("getBooking(uint256)", number, BOOKING_TYPE)
            _, event, _, seats, payment, stake, status, _ = one
            found[number] = BookingOnChain(
                number, event, seats, payment, stake, BOOKING_STATUS[status]
            )
        return found

    def _counter(self, slot: str) -> int:
        return int(self._node.rpc("eth_getStorageAt", self._contract, slot, "latest"), 16)

    def _call(self, view: str, number: int, type_: str) -> tuple[Any, ...]:
        data = "0x" + keccak(text=view)[:4].hex() + number.to_bytes(32, "big").hex()
        answer = self._node.rpc("eth_call", {"to": self._contract, "data": data}, "latest")
        (decoded,) = decode([type_], bytes.fromhex(answer[2:]))
        fields: tuple[Any, ...] = decoded
        return fields
