"""Who used a nonce: found in the chain itself, because a count alone proves nothing.

A node can lag, forget a receipt or count wrongly. A transaction of ours is given up only for
a rival that stands in a canonical block with our sender and our nonce.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mayhouse_cli.chain import wire
from mayhouse_cli.chain.rpc import Fault, Rpc
from mayhouse_cli.models import Address, Block, Hash

# Nodes that are no archives keep the state of the last 128 blocks; others are asked further.
RECENT_BLOCKS: Final = 120
FURTHEST_BLOCKS: Final = 100_000


@dataclass(frozen=True)
class NonceUse:
    """The transaction that used a nonce, and the block it stands in."""

    tx_hash: Hash
    block_number: int


def find_nonce_use(rpc: Rpc, sender: Address, nonce: int, head: Block) -> NonceUse | None:
    """Find the transaction that used a sender's nonce; None when the node cannot show it.

    Looks for the first block after which the sender's count is above the nonce, by halving.
    """
    for reach in (RECENT_BLOCKS, FURTHEST_BLOCKS):
        start = max(0, head.number - reach)
        before = _count_at(rpc, sender, start)
        if before is None:
            return None
        if before <= nonce:
            block = _first_block_above(rpc, sender, nonce, start, head.number)
            return _in_block(rpc, sender, nonce, block) if block is not None else None
        if start == 0:
            return None
    return None


def _count_at(rpc: Rpc, sender: Address, block: int) -> int | None:
    (answer,) = rpc.ask([("eth_getTransactionCount", [sender, hex(block)])])
    return wire.integer(answer) if isinstance(answer, str) else None


def _first_block_above(rpc: Rpc, sender: Address, nonce: int, below: int, above: int) -> int | None:
    while above - below > 1:
        middle = (below + above) // 2
        count = _count_at(rpc, sender, middle)
        if count is None:
            return None
        below, above = (middle, above) if count <= nonce else (below, middle)
    return above


def _in_block(rpc: Rpc, sender: Address, nonce: int, block: int) -> NonceUse | None:
    (answer,) = rpc.ask([("eth_getBlockByNumber", [hex(block), True])])
    if isinstance(answer, Fault) or not isinstance(answer, Mapping):
        return None
    for one in answer["transactions"]:
        if one["from"].lower() == sender.lower() and wire.integer(one["nonce"]) == nonce:
            return NonceUse(Hash(one["hash"]), block)
    return None
