"""Everything the contract holds at one block, streamed by number, with no scan of logs.

One mechanism and one fallback. The mechanism is a loop of 74 bytes that `eth_call` runs in place
of an account that does not exist (a state override, which geth, anvil and the hosted providers
take): it calls the contract's own view for every number of a range and gives all answers at once,
some hundreds a request. Where a node does not take it, the same views are asked one by one in
JSON-RPC batches. Both halve the range when a node refuses it, and widen it again while answers
come quickly. Structs are cut at their fixed places, without an ABI decoder.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, TypeVar

from eth_utils.address import to_checksum_address

from mayhouse_cli.chain import contract, wire
from mayhouse_cli.chain.rpc import Fault, Request, Rpc
from mayhouse_cli.errors import RpcUnreachable
from mayhouse_cli.models import (
    Address,
    Block,
    BookingStatus,
    Call,
    EventStatus,
    Hash,
    OnChainBooking,
    OnChainEvent,
)
from mayhouse_cli.money import Wei

# Of the contract's storage: its event counter and its booking counter; numbers run from 1.
EVENT_COUNTER: Final = "0x3"
BOOKING_COUNTER: Final = "0x9"

# calldata: contract, selector (on the left), first number, last number; a word each.
# answer: for each number the length of the view's answer, a word, and the answer.
# It reverts when a view does, or when the node's gas for calls is used up.
_READER: Final = (
    "602035600052"  # memory[0] = selector
    "6040"  # out = 64; the call's input stands below
    "604035"  # number = first; stack: out, number
    "5b"  # each number (11):
    "80600452"  # memory[4] = number
    "6000600060246000600035"  # no fixed place for the answer; 36 bytes from 0; the contract
    "5afa"  # static call with all gas
    "15604457"  # failed: go to 68
    "903d8152"  # memory[out] = length of the answer
    "602001"  # out += 32
    "3d6000823e"  # memory[out] = answer
    "3d01"  # out += length
    "90600101"  # number += 1
    "806060351015600b57"  # not beyond the last: go to 11
    "50604090036040f3"  # return memory from 64 to out
    "5b60006000fd"  # 68: revert
)
_READER_AT: Final = "0x" + "ce" * 20  # nobody's account
_WORD: Final = 32
_EVENT_HEAD: Final = 11 * _WORD
# A word each; of an address the last twenty bytes count, of a status the last one.
_BOOKING: Final = Struct("32s 32s 12x20s 32s 32s 32s 31xB 32s")
_BOOKING_STATUSES: Final = tuple(BookingStatus)

# A booking costs about 20,000 gas to read, and nodes give a call 16 to 50 million.
_FIRST_SIZE: Final = 250
_MOST: Final = 1_000
_FIRST_BATCH: Final = 100
_QUICK_SECONDS: Final = 1.0
_HEADERS: Final = 100

Thing = TypeVar("Thing", OnChainEvent, OnChainBooking)


class ContractCensus:
    """The port Census through the configured nodes."""

    def __init__(self, rpc: Rpc, address: Address, block: Block, balance: Wei) -> None:
        """Count at `block`; the balance was read there."""
        self.block = block
        self.balance = balance
        self._rpc = rpc
        self._contract = address
        self._at = hex(block.number)
        self._reads_ranges = True
        counters = self._rpc.ask(
            [("eth_getStorageAt", [address, s, self._at]) for s in (EVENT_COUNTER, BOOKING_COUNTER)]
        )
        with wire.understanding():
            self.event_count, self.booking_count = (
                wire.integer(wire.usable(answer)) for answer in counters
            )

    def events(self) -> Iterator[Sequence[OnChainEvent]]:
        """Give every event, in the order of their numbers."""
        return self._stream("getEventRun", self.event_count, decode_event)

    def bookings(self) -> Iterator[Sequence[OnChainBooking]]:
        """Give every booking, in the order of their numbers."""
        return self._stream("getBooking", self.booking_count, decode_booking)

    def block_hashes(self, numbers: Sequence[int]) -> dict[int, Hash | None]:
        """Give the hashes of these blocks as the chain has them now."""
        hashes: dict[int, Hash | None] = {}
        for start in range(0, len(numbers), _HEADERS):
            some = numbers[start : start + _HEADERS]
            answers = self._rpc.ask([("eth_getBlockByNumber", [hex(n), False]) for n in some])
            with wire.understanding():
                for number, answer in zip(some, answers, strict=True):
                    hashes[number] = wire.block_hash(wire.not_fault(answer))
        return hashes

    def confirm(self) -> None:
        """RpcUnreachable when a reorg has undone the block meanwhile."""
        if self.block_hashes([self.block.number])[self.block.number] != self.block.hash:
            raise RpcUnreachable(
                f"Block {self.block.number} was undone while the contract was read",
                hint="The chain is reorganising; run it again.",
            )

    def _stream(
        self, view: str, count: int, decode: Callable[[bytes], Thing]
    ) -> Iterator[Sequence[Thing]]:
        first, size, most = 1, _FIRST_SIZE, _MOST
        while first <= count:
            last = min(first + size - 1, count)
            began = time.monotonic()
            structs = self._structs(view, first, last)
            if isinstance(structs, Fault):
                size = most = size // 2
                if not size:
                    size = most = self._fall_back(structs)
                continue
            with wire.understanding():
                things = [decode(struct) for struct in structs]
                if [thing.id for thing in things] != list(range(first, last + 1)):
                    raise ValueError(view)
            yield things
            first = last + 1
            if time.monotonic() - began < _QUICK_SECONDS:
                size = min(size * 2, most)

    def _fall_back(self, fault: Fault) -> int:
        """Ask number by number from now on; RpcUnreachable when that is refused as well."""
        if not self._reads_ranges:
            raise RpcUnreachable(
                f"The node could not read the contract: {fault.message}", hint="Run it again."
            )
        self._reads_ranges = False
        return _FIRST_BATCH

    def _structs(self, view: str, first: int, last: int) -> Sequence[bytes] | Fault:
        return (
            self._range(view, first, last) if self._reads_ranges else self._batch(view, first, last)
        )

    def _range(self, view: str, first: int, last: int) -> Sequence[bytes] | Fault:
        selector = contract.calldata(Call(view, (first,)))[:4]
        data = (
            bytes.fromhex(self._contract[2:]).rjust(_WORD, b"\0")
            + selector.ljust(_WORD, b"\0")
            + first.to_bytes(_WORD, "big")
            + last.to_bytes(_WORD, "big")
        )
        body = {"to": _READER_AT, "data": "0x" + data.hex()}
        override = {_READER_AT: {"code": "0x" + _READER}}
        (answer,) = self._rpc.ask([("eth_call", [body, self._at, override])])
        if isinstance(answer, Fault):
            return answer
        with wire.understanding():
            structs = unpack(bytes.fromhex(answer[2:]))
        # A node that passes over the override has called an account without code.
        if len(structs) != last - first + 1:
            return Fault(0, "it does not take a state override")
        return structs

    def _batch(self, view: str, first: int, last: int) -> Sequence[bytes] | Fault:
        answers = self._rpc.ask([self._request(view, number) for number in range(first, last + 1)])
        fault = next((answer for answer in answers if isinstance(answer, Fault)), None)
        if fault is not None:
            return fault
        with wire.understanding():
            return [bytes.fromhex(wire.not_fault(answer)[2:]) for answer in answers]

    def _request(self, view: str, number: int) -> Request:
        body = {"to": self._contract, "data": "0x" + contract.calldata(Call(view, (number,))).hex()}
        return ("eth_call", [body, self._at])


def unpack(packed: bytes) -> list[bytes]:
    """Take the reader's answer apart."""
    structs, place = [], 0
    while place < len(packed):
        start = place + _WORD
        place = start + int.from_bytes(packed[place:start], "big")
        structs.append(packed[start:place])
    return structs


def decode_booking(struct: bytes) -> OnChainBooking:
    """Read a Booking: eight words. ValueError for anything else."""
    if len(struct) != _BOOKING.size:
        raise ValueError("not a Booking")
    number, event, user, seats, payment, stake, status, booked_at = _BOOKING.unpack(struct)
    integer = int.from_bytes
    return OnChainBooking(
        id=integer(number),
        event_id=integer(event),
        user=_address(user),
        seats=integer(seats),
        payment=Wei(integer(payment)),
        stake=Wei(integer(stake)),
        status=_BOOKING_STATUSES[status],
        booked_at=integer(booked_at),
    )


def decode_event(answer: bytes) -> OnChainEvent:
    """Read an EventRun: an offset, eleven words, and the experience's text after them."""
    struct = answer[_WORD:]
    if len(struct) < _EVENT_HEAD + _WORD or len(struct) % _WORD:
        raise ValueError("not an EventRun")
    text = _number(struct, 2) // _WORD
    length = _number(struct, text)
    experience = struct[(text + 1) * _WORD :][:length]
    if len(experience) != length:
        raise ValueError("an EventRun without its text")
    return OnChainEvent(
        id=_number(struct, 0),
        host=_address(struct[44:64]),
        # A stranger can put any bytes into it.
        experience_id=experience.decode("utf-8", errors="replace"),
        price_per_seat=Wei(_number(struct, 3)),
        max_seats=_number(struct, 4),
        seats_booked=_number(struct, 5),
        host_stake=Wei(_number(struct, 6)),
        starts_at=_number(struct, 7),
        status=EventStatus(_number(struct, 8)),
        created_at=_number(struct, 10),
    )


def _number(struct: bytes, word: int) -> int:
    return int.from_bytes(struct[word * _WORD : (word + 1) * _WORD], "big")


# A checksum is a hash of its own, and most of what there is belongs to few wallets.
@lru_cache(maxsize=4096)
def _address(twenty: bytes) -> Address:
    return Address(to_checksum_address(twenty))
