"""The census's twin: the state after one block, given one by one."""

from collections.abc import Iterator, Mapping, Sequence

from mayhouse_cli.errors import RpcUnreachable
from mayhouse_cli.models import Block, Hash, OnChainBooking, OnChainEvent
from tests.twin_contract import World


class MemoryCensus:
    """The port Census on the blocks of a chain in memory, which may change meanwhile."""

    def __init__(self, block: Block, blocks: list[World]) -> None:
        self.block = block
        self._blocks = blocks
        self._world = blocks[-1]
        self.balance = self._world.held

    def events(self) -> Iterator[Sequence[OnChainEvent]]:
        for event in self._world.events.values():
            yield [event]

    def bookings(self) -> Iterator[Sequence[OnChainBooking]]:
        for booking in self._world.bookings.values():
            yield [booking]

    def block_hashes(self, numbers: Sequence[int]) -> Mapping[int, Hash | None]:
        hashes = {world.number: world.hash for world in self._blocks}
        return {number: hashes.get(number) for number in numbers}

    def confirm(self) -> None:
        if self.block_hashes([self.block.number])[self.block.number] != self.block.hash:
            raise RpcUnreachable("The block was undone")
