"""The deployed contract without the tool's guards: what anyone can do to it with a plain call."""

from collections.abc import Sequence
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from tests.chain_node import ChainNode, RpcError

MOST_GAS: Final = 2**24  # of one transaction (EIP-7825)
BARE: Final = ""
"""A revert without a reason."""


def calldata(signature: str, *arguments: object) -> str:
    """Encode a call by its canonical signature."""
    types = [each for each in signature[signature.index("(") + 1 : -1].split(",") if each]
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


class RawContract:
    """The contract at an address, called from unlocked accounts."""

    def __init__(self, node: ChainNode, address: str) -> None:
        """Take the node and the address."""
        self.node = node
        self.address = address

    @property
    def balance(self) -> int:
        """What it holds, in wei."""
        return int(self.node.rpc("eth_getBalance", self.address, "latest"), 16)

    def view(self, signature: str, *arguments: object, returns: Sequence[str]) -> tuple[Any, ...]:
        """Ask a view."""
        call = {"to": self.address, "data": calldata(signature, *arguments)}
        answer = self.node.rpc("eth_call", call, "latest")
        values: tuple[Any, ...] = decode(returns, bytes.fromhex(answer.removeprefix("0x")))
        return values

    def do(self, signature: str, *arguments: object, sender: str, value: int = 0) -> dict[str, Any]:
        """Send a call that must succeed; gives its receipt."""
        receipt = self.send(signature, *arguments, sender=sender, value=value)
        assert receipt["status"] == "0x1", signature
        return receipt

    def send(
        self, signature: str, *arguments: object, sender: str, value: int = 0
    ) -> dict[str, Any]:
        """Send a call with the most gas there is; gives its receipt, reverted or not."""
        return self.node.transact(
            {
                "from": sender,
                "to": self.address,
                "value": hex(value),
                "data": calldata(signature, *arguments),
                "gas": hex(MOST_GAS),
            }
        )

    def number_made(self, receipt: dict[str, Any]) -> int:
        """The number of the event or booking that a receipt tells of."""
        return int(receipt["logs"][0]["topics"][1], 16)

    def refusal(self, signature: str, *arguments: object, sender: str, value: int = 0) -> str:
        """Why a call reverts: the contract's own words, or `BARE`."""
        call = {
            "from": sender,
            "to": self.address,
            "value": hex(value),
            "data": calldata(signature, *arguments),
        }
        try:
            self.node.rpc("eth_call", call, "latest")
        except RpcError as error:
            data = str(error.data or "0x").removeprefix("0x")
            if not data:
                return BARE
            (text,) = decode(["string"], bytes.fromhex(data[8:]))
            return str(text)
        raise AssertionError(f"{signature} does not revert")
