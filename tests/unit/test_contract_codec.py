"""The contract's language: calldata there and back, answers, events, and reasons of refusals."""

from typing import Any, Final

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.chain import contract
from mayhouse_cli.chain.rpc import Fault
from mayhouse_cli.models import Address, BookingStatus, Call, EventStatus
from mayhouse_cli.money import MAX_UINT256

WALLET: Final = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
OTHER: Final = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
RUN: Final = "(uint256,address,string,uint256,uint256,uint256,uint256,uint256,uint8,bool,uint256)"
BOOKING: Final = "(uint256,uint256,address,uint256,uint256,uint256,uint8,uint256)"
NO_ONE: Final = "0x" + "00" * 20
UNUSED: Final = False  # hostStakeWithdrawn, which tells nothing that the status does not

numbers = st.integers(0, MAX_UINT256)
calls = st.one_of(
    st.tuples(st.just("createEventRun"), st.tuples(st.text(), numbers, numbers, numbers)),
    st.tuples(st.just("bookEvent"), st.tuples(numbers, numbers)),
    st.tuples(
        st.just("completeEvent"),
        st.tuples(numbers, st.lists(numbers, max_size=20).map(tuple)),
    ),
    st.tuples(st.just("cancelEvent"), st.tuples(numbers)),
).map(lambda parts: Call(*parts))


# --- calls ------------------------------------------------------------------------------


@given(calls)
def test_calldata_reads_back_as_the_same_call(call: Call) -> None:
    """Whatever is signed can be told from the record."""
    assert contract.decode_calldata(contract.calldata(call)) == call


@pytest.mark.parametrize(
    ("call", "selector"),
    [
        (Call("createEventRun", ("e", 1, 1, 1)), "ceeee3c4"),
        (Call("bookEvent", (1, 1)), "861a92ec"),
        (Call("completeEvent", (1, [])), "b6707048"),
        (Call("cancelEvent", (1,)), "3f69babd"),
    ],
)
def test_calls_begin_with_the_deployed_contracts_selectors(call: Call, selector: str) -> None:
    """The selectors were read from the deployed contract, not from our own artifact."""
    assert contract.calldata(call).hex().startswith(selector)


def test_calldata_of_another_contract_is_not_read() -> None:
    """Bytes that name no function of ours are refused, not guessed."""
    with pytest.raises(ValueError, match="not a call of this contract"):
        contract.decode_calldata(bytes.fromhex("a9059cbb") + bytes(64))


# --- answers ----------------------------------------------------------------------------


def answered(kind: str, *values: object) -> str:
    """What a node would answer."""
    return "0x" + encode([kind], [values]).hex()


def test_an_event_reads_as_its_fields() -> None:
    """Each field is where the contract's struct has it."""
    fields = (7, WALLET, "e-1", 10, 4, 3, 8, 1_900_000_000, 2, UNUSED, 1_800_000_000)
    answer = answered(RUN, *fields)
    event = contract.decode_event_run(answer)
    assert event is not None
    assert (event.id, event.host, event.experience_id, event.status) == (
        7,
        WALLET,
        "e-1",
        EventStatus.FULL,
    )
    assert (event.price_per_seat, event.max_seats, event.seats_booked) == (10, 4, 3)
    assert (event.host_stake, event.starts_at, event.created_at) == (
        8,
        1_900_000_000,
        1_800_000_000,
    )


def test_a_booking_reads_as_its_fields() -> None:
    """Each field is where the contract's struct has it."""
    booking = contract.decode_booking(answered(BOOKING, 5, 7, OTHER, 2, 20, 4, 1, 1_800_000_001))
    assert booking is not None
    assert (booking.id, booking.event_id, booking.user, booking.seats) == (5, 7, OTHER, 2)
    assert (booking.payment, booking.stake, booking.booked_at) == (20, 4, 1_800_000_001)
    assert booking.status is BookingStatus.COMPLETED


def test_zeros_are_no_event() -> None:
    """The contract answers an unknown id with zeros, and does not revert."""
    zeros = answered(RUN, 0, NO_ONE, "", 0, 0, 0, 0, 0, 0, UNUSED, 0)
    assert contract.decode_event_run(zeros) is None


def test_zeros_are_no_booking() -> None:
    """The contract answers an unknown id with zeros, and does not revert."""
    assert contract.decode_booking(answered(BOOKING, 0, 0, NO_ONE, 0, 0, 0, 0, 0)) is None


@pytest.mark.parametrize("answer", ["0x", "0x01", "0x" + "ff" * 64])
def test_an_answer_of_another_shape_is_an_error(answer: str) -> None:
    """What does not decode is not taken for zeros."""
    with pytest.raises(ValueError, match=r".+"):
        contract.decode_event_run(answer)


# --- events -----------------------------------------------------------------------------

COMPLETED_TOPIC: Final = next(
    topic for topic, event in contract._events().items() if event.name == "EventCompleted"
)


def log(address: str = WALLET, topic: str = COMPLETED_TOPIC) -> dict[str, Any]:
    """A log as nodes give it: EventCompleted(7, 95, 20)."""
    data = "0x" + encode(["uint256", "uint256"], [95, 20]).hex()
    return {"address": address, "topics": [topic, f"0x{7:064x}"], "data": data}


def test_an_event_is_read_from_its_topics_and_its_rest() -> None:
    """Indexed and unindexed arguments come together under their names."""
    (event,) = contract.decode_logs([log(WALLET.lower())], WALLET)
    assert event.name == "EventCompleted"
    assert event.arguments == {"eventRunId": 7, "hostPayout": 95, "hostStakeReturned": 20}


@pytest.mark.parametrize(
    "strange",
    [log(OTHER), log(topic="0x" + "ee" * 32), {**log(), "topics": []}],
    ids=["another contract", "another event", "no topic"],
)
def test_what_others_log_is_passed_over(strange: dict[str, Any]) -> None:
    """The same event of a stranger's contract proves nothing."""
    assert [event.name for event in contract.decode_logs([strange, log()], WALLET)] == [
        "EventCompleted"
    ]


# --- refusals ---------------------------------------------------------------------------

TOLD: Final = "0x08c379a0" + encode(["string"], ["Not enough seats available"]).hex()
NO_UTF_8: Final = "0x08c379a0" + encode(["bytes"], [b"\xff\xfe"]).hex()
PANIC: Final = f"0x4e487b71{0x11:064x}"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(3, "execution reverted: Not enough seats available", TOLD),
        Fault(3, "execution reverted", TOLD),
        Fault(-32000, "VM Exception while processing transaction", {"data": TOLD}),
        Fault(-32000, "err", {"originalError": {"code": 3}, "data": {"data": TOLD}}),
        Fault(-32015, "VM execution error.", f"Reverted {TOLD}"),
        Fault(-32000, "execution reverted: Not enough seats available"),
        Fault(3, "execution reverted: Not enough seats available", "no hexadecimal"),
        Fault(3, "execution reverted", TOLD.upper().replace("0X", "0x")),
    ],
)
def test_the_contracts_words_are_found_wherever_a_node_puts_them(fault: Fault) -> None:
    """Known from geth, anvil, hosted providers, Nethermind and nodes without data."""
    assert contract.revert_reason(fault) == "Not enough seats available"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(3, "execution reverted", "0x"), "without a reason"),
        (Fault(-32015, "VM execution error.", "Reverted 0x"), "without a reason"),
        (Fault(3, "execution reverted"), "without a reason"),
        (Fault(3, "execution reverted", PANIC), "panic 0x11: an arithmetic overflow"),
        (Fault(3, "err", f"0x4e487b71{0x99:064x}"), "panic 0x99: an internal error"),
        (Fault(3, "execution reverted", "0xdeadbeef00"), "with the unknown error 0xdeadbeef"),
        (Fault(3, "execution reverted", "0x08c379a0ff"), "without a readable reason"),
        (Fault(3, "execution reverted", NO_UTF_8), "\ufffd\ufffd"),
        (Fault(3, "execution reverted", "0x4e487b71"), "with the unknown error 0x4e487b71"),
    ],
)
def test_a_refusal_without_words_is_still_told(fault: Fault, reason: str) -> None:
    """A bare revert, a panic, a custom error and broken data each read as what they are."""
    assert contract.revert_reason(fault) == reason


@given(st.text())
def test_any_words_of_the_contract_come_back(words: str) -> None:
    """The string is read from the data, whatever it holds."""
    data = "0x08c379a0" + encode(["string"], [words]).hex()
    assert contract.revert_reason(Fault(3, "execution reverted", data)) == words


@given(st.binary(max_size=200))
def test_no_data_makes_the_reading_itself_fail(data: bytes) -> None:
    """A node, or a contract in between, can put any bytes there."""
    assert contract.revert_reason(Fault(3, "execution reverted", "0x" + data.hex()))


@given(st.binary(max_size=200))
def test_no_broken_string_makes_the_reading_itself_fail(data: bytes) -> None:
    """Bytes after the string's selector need not be a string."""
    fault = Fault(3, "execution reverted", "0x08c379a0" + data.hex())
    assert isinstance(contract.revert_reason(fault), str)


def test_a_failure_that_is_no_revert_has_no_reason() -> None:
    """A node's own trouble must not be told as the contract's word."""
    assert contract.revert_reason(Fault(-32005, "rate limited")) is None
