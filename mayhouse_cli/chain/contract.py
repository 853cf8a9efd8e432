"""The contract's own language: encoding calls, decoding answers, events and reverts.

Everything here follows from the one artifact, `MayhouseExperience.json`, which the sandbox
deploys as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from eth_abi.abi import encode
from eth_abi.codec import ABIDecoder
from eth_abi.decoding import StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import BaseEquals, registry
from eth_utils.abi import (
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)
from eth_utils.address import to_checksum_address

from mayhouse_cli.chain.rpc import Fault
from mayhouse_cli.models import (
    Address,
    BookingStatus,
    Call,
    ContractEvent,
    EventStatus,
    OnChainBooking,
    OnChainEvent,
)
from mayhouse_cli.money import Wei

# Solidity's built-in errors: Error(string) and Panic(uint256).
_ERROR_STRING: Final = "08c379a0"
_PANIC: Final = "4e487b71"
_PANICS: Final = {
    0x01: "an assertion failed",
    0x11: "an arithmetic overflow",
    0x12: "a division by zero",
    0x32: "an index out of bounds",
}
REVERT_CODE: Final = 3


class _AnyText(StringDecoder):
    """Reads what is no UTF-8 as U+FFFD: a stranger can put any bytes into a string on chain."""

    @staticmethod
    def decoder_fn(data: bytes, handle_string_errors: str = "") -> str:  # noqa: ARG004 the decoder's own signature
        return data.decode("utf-8", errors="replace")


_STRING: Final = BaseEquals("string", with_sub=False)  # type: ignore[no-untyped-call]


def _lenient_decoder() -> ABIDecoder:
    ours = registry.copy()  # type: ignore[no-untyped-call]
    ours.unregister_decoder("string")
    ours.register_decoder(_STRING, _AnyText, label="string")
    return ABIDecoder(ours)


decode: Final = _lenient_decoder().decode


@dataclass(frozen=True)
class _Function:
    selector: bytes
    inputs: list[str]
    outputs: list[str]


@dataclass(frozen=True)
class _Event:
    name: str
    indexed: list[tuple[str, str]]
    unindexed: list[tuple[str, str]]


@cache
def artifact() -> Mapping[str, Any]:
    """The compiled contract: `abi` and `bytecode` (creation code, no constructor arguments)."""
    text = resources.files("mayhouse_cli.chain").joinpath("MayhouseExperience.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _functions() -> Mapping[str, _Function]:
    return {
        item["name"]: _Function(
            function_abi_to_4byte_selector(item),
            get_abi_input_types(item),
            get_abi_output_types(item),
        )
        for item in artifact()["abi"]
        if item["type"] == "function"
    }


@cache
def _events() -> Mapping[str, _Event]:
    return {
        "0x" + event_abi_to_log_topic(item).hex(): _Event(
            item["name"],
            [(one["name"], one["type"]) for one in item["inputs"] if one["indexed"]],
            [(one["name"], one["type"]) for one in item["inputs"] if not one["indexed"]],
        )
        for item in artifact()["abi"]
        if item["type"] == "event"
    }


def calldata(call: Call) -> bytes:
    """Encode a call: the selector and its arguments."""
    function = _functions()[call.function]
    return function.selector + encode(function.inputs, call.arguments)


def decode_calldata(data: bytes) -> Call:
    """Read recorded calldata back; the value sent along is not part of it."""
    for name, function in _functions().items():
        if data[:4] == function.selector:
            return Call(name, tuple(decode(function.inputs, data[4:])))
    raise ValueError("the calldata is not a call of this contract")


def decode_result(function: str, answer: str) -> tuple[Any, ...]:
    """Read what a view returned; ValueError when it is not what this contract would return."""
    try:
        return tuple(decode(_functions()[function].outputs, bytes.fromhex(answer[2:])))
    except DecodingError as error:
        raise ValueError(f"{function} returned something else") from error


def decode_event_run(answer: str) -> OnChainEvent | None:
    """Read `getEventRun`; an unknown id comes back as zeros, and so as None."""
    (run,) = decode_result("getEventRun", answer)
    host = Address(to_checksum_address(run[1]))
    if not int(run[1], 16):
        return None
    return OnChainEvent(
        id=run[0],
        host=host,
        experience_id=run[2],
        price_per_seat=Wei(run[3]),
        max_seats=run[4],
        seats_booked=run[5],
        host_stake=Wei(run[6]),
        starts_at=run[7],
        status=EventStatus(run[8]),
        created_at=run[10],
    )


def decode_booking(answer: str) -> OnChainBooking | None:
    """Read `getBooking`; an unknown id comes back as zeros, and so as None."""
    (booking,) = decode_result("getBooking", answer)
    if not int(booking[2], 16):
        return None
    return OnChainBooking(
        id=booking[0],
        event_id=booking[1],
        user=Address(to_checksum_address(booking[2])),
        seats=booking[3],
        payment=Wei(booking[4]),
        stake=Wei(booking[5]),
        status=BookingStatus(booking[6]),
        booked_at=booking[7],
    )


def decode_logs(logs: Sequence[Mapping[str, Any]], contract: Address) -> tuple[ContractEvent, ...]:
    """Read the contract's own events from a receipt's logs; others' logs are passed over."""
    decoded = []
    for log in logs:
        event = _events().get(log["topics"][0]) if log["topics"] else None
        if event is not None and log["address"].lower() == contract.lower():
            decoded.append(ContractEvent(event.name, _log_arguments(event, log)))
    return tuple(decoded)


def _log_arguments(event: _Event, log: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for (name, kind), topic in zip(event.indexed, log["topics"][1:], strict=True):
        arguments[name] = decode([kind], bytes.fromhex(topic[2:]))[0]
    kinds = [kind for _, kind in event.unindexed]
    values = decode(kinds, bytes.fromhex(log["data"][2:]))
    arguments.update(zip((name for name, _ in event.unindexed), values, strict=True))
    return arguments


def revert_reason(fault: Fault) -> str | None:
    """Why the contract refused, from a node's error; None when the error is not a revert."""
    data = _revert_data(fault.data)
    if data is None:
        if fault.code != REVERT_CODE and "revert" not in fault.message.lower():
            return None
        _, _, told = fault.message.partition("execution reverted")
        return told.lstrip(": ").strip() or "without a reason"
    if data.startswith(_ERROR_STRING):
        try:
            return str(decode(["string"], bytes.fromhex(data[8:]))[0])
        except DecodingError:
            return "without a readable reason"
    if data.startswith(_PANIC) and len(data) >= 72:  # noqa: PLR2004 selector and one word
        code = int(data[8:72], 16)
        return f"panic 0x{code:02x}: {_PANICS.get(code, 'an internal error')}"
    return f"with the unknown error 0x{data[:8]}" if data else "without a reason"


def _revert_data(data: object) -> str | None:
    """Find the hexadecimal data in the places where different nodes put it."""
    if isinstance(data, Mapping):
        return _revert_data(data.get("data"))
    if isinstance(data, str):
        text = data.removeprefix("Reverted ").strip()
        if text.startswith("0x") and all(digit in "0123456789abcdefABCDEF" for digit in text[2:]):
            return text[2:].lower()
    return None
