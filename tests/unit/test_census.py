"""The census: structs cut at fixed places, ranges that adapt to what a node takes."""

from collections.abc import Sequence
from typing import Any, Final, cast

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.chain import contract as codec
from mayhouse_cli.chain.census import ContractCensus, decode_booking, decode_event, unpack
from mayhouse_cli.chain.rpc import Answer, Fault, Request, Rpc
from mayhouse_cli.errors import RpcUnreachable
from mayhouse_cli.models import Address, Block, Hash
from mayhouse_cli.money import Wei

EVENT: Final = "(uint256,address,string,uint256,uint256,uint256,uint256,uint256,uint8,bool,uint256)"
BOOKING: Final = "(uint256,uint256,address,uint256,uint256,uint256,uint8,uint256)"
CONTRACT: Final = Address("0x" + "c" * 40)
BLOCK: Final = Block(7, Hash("0x" + "b" * 64), 1_700_000_000, Wei(1))
WALLET: Final = "0x" + "1" * 40

uints = st.integers(0, 2**256 - 1)
# An account of zeros is how the contract answers for an unknown number.
addresses = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")


@given(st.tuples(uints, uints, addresses, uints, uints, uints, st.integers(0, 3), uints))
def test_a_booking_is_read_as_the_abi_decoder_reads_it(fields: tuple[Any, ...]) -> None:
    """For every struct there can be."""
    struct = encode([BOOKING], [fields])
    assert decode_booking(struct) == codec.decode_booking("0x" + struct.hex())


@given(
    fields=st.tuples(uints, addresses, st.text(max_size=120), *[uints] * 5),
    status=st.integers(0, 4),
    withdrawn=st.booleans(),
)
def test_an_event_is_read_as_the_abi_decoder_reads_it(
    fields: tuple[Any, ...], status: int, *, withdrawn: bool
) -> None:
    """For every struct there can be, whatever the length of its text."""
    answer = encode([EVENT], [(*fields, status, withdrawn, 5)])
    assert decode_event(answer) == codec.decode_event_run("0x" + answer.hex())


@given(st.binary(max_size=64))
def test_an_event_with_a_text_that_is_no_utf_8_is_read(text: bytes) -> None:
    """A stranger can put any bytes there, and must not be able to stop an audit."""
    answer = encode([EVENT.replace("string", "bytes")], [(1, WALLET, text, *[1] * 5, 1, False, 1)])
    assert decode_event(answer) == codec.decode_event_run("0x" + answer.hex())


@pytest.mark.parametrize("cut", [1, 32, 300])
def test_a_cut_struct_is_refused(cut: int) -> None:
    """A half answer is never taken for zeros."""
    booking = encode([BOOKING], [(1, 1, WALLET, 1, 1, 1, 0, 1)])
    event = encode([EVENT], [(1, WALLET, "x" * 36, 1, 1, 1, 1, 1, 1, False, 1)])
    for decode, struct in ((decode_booking, booking), (decode_event, event)):
        with pytest.raises(ValueError, match=r"^(not an?|an EventRun without)"):
            decode(struct[:-cut])


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_the_readers_answer_is_taken_apart(structs: list[bytes]) -> None:
    """A length before each."""
    assert unpack(b"".join(len(one).to_bytes(32, "big") + one for one in structs)) == structs


class Node:
    """As much of a node as a census asks: bookings, and limits to what it takes."""

    def __init__(self, bookings: int, *, at_once: int, overrides: bool = True) -> None:
        self.bookings = bookings
        self.at_once = at_once
        self.overrides = overrides
        self.sizes: list[int] = []
        self.hash = BLOCK.hash

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer each; a call with an override counts as many bookings as it wants."""
        if len(requests) > max(self.at_once, 2):
            return [Fault(-32000, "batch too large")] * len(requests)
        return [self._answer(method, *params) for method, params in requests]

    def _answer(self, method: str, *params: Any) -> Answer:  # noqa: ANN401 - any JSON
        if method == "eth_getStorageAt":
            return f"0x{self.bookings if params[1] == '0x9' else 0:064x}"
        if method == "eth_getBlockByNumber":
            return {"hash": self.hash}
        data = bytes.fromhex(params[0]["data"][2:])
        if len(params) == 2:
            self.sizes.append(1)
            return "0x" + self._booking(int.from_bytes(data[4:], "big")).hex()
        if not self.overrides:
            return "0x"
        first, last = (int.from_bytes(data[at : at + 32], "big") for at in (64, 96))
        self.sizes.append(last - first + 1)
        if last - first + 1 > self.at_once:
            return Fault(-32000, "out of gas")
        structs = [self._booking(number) for number in range(first, last + 1)]
        return "0x" + b"".join(len(one).to_bytes(32, "big") + one for one in structs).hex()

    @staticmethod
    def _booking(number: int) -> bytes:
        return encode([BOOKING], [(number, 1, WALLET, 1, 10, 2, 0, 1)])


def census_of(node: Node) -> ContractCensus:
    """A census through this node."""
    return ContractCensus(cast("Rpc", node), CONTRACT, BLOCK, Wei(0))


def numbers(census: ContractCensus) -> list[int]:
    """The bookings' numbers, as they stream by."""
    return [booking.id for some in census.bookings() for booking in some]


@pytest.mark.parametrize("at_once", [1, 7, 100, 5_000])
@pytest.mark.parametrize("overrides", [True, False], ids=["ranges", "one by one"])
def test_every_booking_is_read_once_in_order(at_once: int, *, overrides: bool) -> None:
    """Whatever a node takes at once."""
    node = Node(600, at_once=at_once, overrides=overrides)
    assert numbers(census_of(node)) == [*range(1, 601)]


def test_a_range_that_is_refused_is_halved_and_kept_small() -> None:
    """One refusal each for 250, 125 and 62, and none for what follows."""
    node = Node(600, at_once=40)
    numbers(census_of(node))
    assert node.sizes[:4] == [250, 125, 62, 31]
    assert max(node.sizes[3:]) == 31


def test_ranges_grow_while_answers_are_quick() -> None:
    """A large history needs few questions."""
    node = Node(5_000, at_once=5_000)
    numbers(census_of(node))
    assert node.sizes == [250, 500, 1_000, 1_000, 1_000, 1_000, 250]


def test_an_empty_contract_is_read() -> None:
    """Nothing is asked for."""
    node = Node(0, at_once=10)
    assert (numbers(census_of(node)), node.sizes) == ([], [])


def test_a_node_that_refuses_everything_is_unreachable() -> None:
    """Not an endless halving."""
    node = Node(5, at_once=0, overrides=False)
    node.ask = lambda requests: (  # type: ignore[method-assign]
        ["0x5"] * 2 if requests[0][0] == "eth_getStorageAt" else [Fault(0, "no")] * len(requests)
    )
    with pytest.raises(RpcUnreachable, match="no"):
        numbers(census_of(node))


def test_another_answer_than_was_asked_for_is_refused() -> None:
    """A node that lags behind gives zeros for what it does not know."""
    node = Node(5, at_once=10)
    node._booking = lambda _: bytes(256)  # type: ignore[method-assign, assignment]
    with pytest.raises(RpcUnreachable):
        numbers(census_of(node))


def test_a_block_that_was_undone_is_told() -> None:
    """What was read of two branches is not added up."""
    node = Node(1, at_once=10)
    census = census_of(node)
    census.confirm()
    node.hash = Hash("0x" + "d" * 64)
    with pytest.raises(RpcUnreachable, match="undone"):
        census.confirm()
