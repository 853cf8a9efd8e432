"""Reading a node's raw answers: hexadecimal words into blocks, amounts and the contract's structs.

Each function raises ValueError, TypeError or KeyError for an answer of another shape.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median_low
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from mayhouse_cli.chain import contract
from mayhouse_cli.chain.rpc import Answer, Fault
from mayhouse_cli.errors import RpcUnreachable
from mayhouse_cli.models import Address, Block, Cost, Hash, Question
from mayhouse_cli.money import Wei

_OUT_OF_SHAPE = (ValueError, TypeError, KeyError, IndexError, AttributeError, DecodingError)

# How nodes tell that the called code itself failed, where it did not revert.
_EVM = ("evm", "opcode", "out of gas", "stack", "jump")


@contextmanager
def understanding() -> Iterator[None]:
    """Turn an answer of an unexpected shape into RpcUnreachable: the node is not usable."""
    try:
        yield
    except _OUT_OF_SHAPE as error:
        raise RpcUnreachable(
            f"The Ethereum node gave an answer that cannot be read ({type(error).__name__})",
            hint="It is failing, or not an Ethereum node: check BLOCKCHAIN_RPC_URL.",
        ) from None


def as_it_is(answer: Answer) -> Answer:
    return answer


def not_fault(answer: Answer) -> Any:
    if isinstance(answer, Fault):
        raise ValueError(answer.message)  # noqa: TRY004 the caller tells values apart, not types
    return answer


def usable(answer: Answer) -> Any:
    if isinstance(answer, Fault) or answer is None:
        raise RpcUnreachable("The node does not tell where the chain is", hint="Run it again.")
    return answer


def verdict(answer: Answer) -> None:
    """RpcUnreachable unless a call was carried out: given a result, or failed in the EVM."""
    if isinstance(answer, Fault):
        words = answer.message.lower()
        if contract.revert_reason(answer) is None and not any(word in words for word in _EVM):
            raise RpcUnreachable(
                f"The node could not carry out a call: {answer.message}", hint="Run it again."
            )
    elif not isinstance(answer, str):
        raise RpcUnreachable("The node gave a call no result", hint="Run it again.")


def integer(answer: Any) -> int:
    return int(answer, 16)


def word(answer: Any) -> int:
    if not isinstance(answer, str) or len(answer) != 66:  # noqa: PLR2004 0x and 64 digits
        raise ValueError("not one word")
    return int(answer, 16)


def code(answer: Any) -> str:
    """The code at an address; no answer is not taken for some."""
    if not isinstance(answer, str) or not answer.startswith("0x"):
        raise ValueError("no code")
    return answer


def wei(answer: Any) -> Wei:
    return Wei(int(answer, 16))


def address(answer: Any) -> Address:
    return Address(to_checksum_address(f"0x{word(answer):040x}"))


def block(answer: Any) -> Block:
    return Block(
        number=integer(answer["number"]),
        hash=Hash(answer["hash"]),
        timestamp=integer(answer["timestamp"]),
        base_fee=Wei(integer(answer.get("baseFeePerGas", "0x0"))),
    )


def block_hash(answer: Answer) -> Hash | None:
    return Hash(answer["hash"]) if isinstance(answer, Mapping) else None


def placement(tx_hash: Hash, receipt: Any) -> Hash | None:
    """The block of a receipt; ValueError for the receipt of another transaction than the asked."""
    if not receipt:
        return None
    if str(receipt["transactionHash"]).lower() != tx_hash:
        raise ValueError("the receipt is of another transaction")
    return Hash(receipt["blockHash"])


def priority_fee(answer: Any) -> Wei:
    rewards = [integer(row[0]) for row in answer.get("reward") or [] if row]
    return Wei(median_low(rewards)) if rewards else Wei(0)


def decoded(decode: Callable[[str], Any], answer: str | None) -> Any:
    return None if answer is None else decode(answer)


def booking_ids(answer: str | None) -> tuple[int, ...]:
    return () if answer is None else tuple(contract.decode_result("getEventBookings", answer)[0])


def bookings(question: Question, seen: Mapping[str, Any]) -> dict[int, Any]:
    decoded = {
        booking_id: contract.decode_booking(seen[f"booking {booking_id}"])
        for booking_id in question.chain_booking_ids
    }
    return {booking_id: booking for booking_id, booking in decoded.items() if booking}


def cost(answer: str | None) -> Cost | None:
    if answer is None:
        return None
    payment, stake, total = contract.decode_result("calculateBookingCost", answer)
    return Cost(Wei(payment), Wei(stake), Wei(total))


def stake(answer: str | None) -> Wei | None:
    if answer is None:
        return None
    return Wei(contract.decode_result("calculateRequiredStake", answer)[0])


def why_it_fails(answers: Mapping[str, Answer]) -> str | None:
    """The contract's, or the gas limit's, refusal of the simulated call."""
    for name in ("simulation", "gas_estimate"):
        answer = answers.get(name)
        if isinstance(answer, Fault):
            reason = contract.revert_reason(answer)
            # Words about gas are a verdict as well; any other error says nothing of the call.
            return answer.message if reason is None and "gas" in answer.message else reason
    return None
