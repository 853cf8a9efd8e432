"""The sandbox's contract keeps the deployed one's rules, hazards, storage and gas.

Signatures and layouts are written out here instead of being read from the artifact, so that the
artifact is held to the specification and not to itself.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from tests.chain_node import ChainNode, RpcError

ARTIFACT = Path(__file__).parents[2] / "mayhouse_cli" / "chain" / "MayhouseExperience.json"

PRICE = 12_500_000_000_000_000  # 2,500 INR at 200,000 INR/ETH
STAKE = 2_500_000_000_000_000  # 20 % of it
TICKET = PRICE + STAKE
SEATS = 4
HOST_STAKE = SEATS * STAKE
FEE = PRICE * 5 // 100
DAY = 86_400
EXPERIENCE_ID = "550e8400-e29b-41d4-a716-446655440000"  # the platform's ids are UUIDs
GAS_CAP = 2**24  # per transaction (EIP-7825)

CREATED, ACTIVE, FULL, COMPLETED, CANCELLED = range(5)
BOOKING_ACTIVE, BOOKING_COMPLETED, BOOKING_NO_SHOW, BOOKING_CANCELLED = range(4)

BARE = ""  # a revert without a reason
OVERFLOW = "0x4e487b71" + f"{0x11:064x}"  # Panic(0x11)
NO_ADDRESS = "0x" + "00" * 20

# Accepting 0 wei and stopping; storing a word, which needs more than the 2300 gas of `.transfer`.
CODE_ACCEPTING = "0x00"
CODE_STORING = "0x6001600055"

EVENT_RUN = "(uint256,address,string,uint256,uint256,uint256,uint256,uint256,uint8,bool,uint256)"
BOOKING = "(uint256,uint256,address,uint256,uint256,uint256,uint8,uint256)"
COST = ("uint256", "uint256", "uint256")
# Indexed parameters, then the others.
EVENTS = {
    "EventRunCreated": (("uint256", "address"), ("string", "uint256", "uint256", "uint256")),
    "BookingCreated": (("uint256", "uint256", "address"), ("uint256", "uint256", "uint256")),
    "EventCompleted": (("uint256",), ("uint256", "uint256")),
    "BookingCompleted": (("uint256", "address"), ("uint256",)),
    "BookingNoShow": (("uint256", "address"), ("uint256",)),
    "EventCancelled": (("uint256",), ("uint256",)),
    "StakeWithdrawn": (("address",), ("uint256", "string")),
}
TOPICS = {
    "0x" + keccak(text=f"{name}({','.join(indexed + plain)})").hex(): name
    for name, (indexed, plain) in EVENTS.items()
}

Receipt = dict[str, Any]


class EventRun(NamedTuple):
    """The struct that `getEventRun` gives."""

    event_run_id: int
    host: str
    experience_id: str
    price_per_seat: int
    max_seats: int
    seats_booked: int
    host_stake: int
    event_timestamp: int
    status: int
    host_stake_withdrawn: bool
    created_at: int


class Booking(NamedTuple):
    """The struct that `getBooking` gives."""

    booking_id: int
    event_run_id: int
    user: str
    seat_count: int
    total_payment: int
    user_stake: int
    status: int
    booked_at: int


def calldata(signature: str, *arguments: object) -> str:
    """Encode a call by its canonical signature."""
    types = [each for each in signature[signature.index("(") + 1 : -1].split(",") if each]
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


def reason(error: RpcError) -> str:
    """Return a revert's text, empty for a bare one, or its data when it is something else."""
    revert = str(error.data or "0x").removeprefix("0x")
    if not revert:
        return BARE
    if revert.startswith("08c379a0"):
        (text,) = decode(["string"], bytes.fromhex(revert[8:]))
        return str(text)
    return "0x" + revert


def word(value: int | str) -> str:
    """Return a storage word that holds a number or an address."""
    number = int(value, 16) if isinstance(value, str) else value
    return f"0x{number:064x}"


def entry_slot(key: int | str, base: int) -> int:
    """Return the slot of a mapping's entry: the hash of key and base slot."""
    return int.from_bytes(keccak(hexstr=word(key) + word(base).removeprefix("0x")))


class Experience:
    """A deployed contract and the people around it, by role."""

    def __init__(self, node: ChainNode) -> None:
        """Deploy the artifact's bytecode from the platform's account."""
        self.node = node
        self.platform, self.host, self.traveler, self.second, self.stranger = node.accounts[:5]
        bytecode = json.loads(ARTIFACT.read_text("utf-8"))["bytecode"]
        receipt = node.transact({"from": self.platform, "data": bytecode})
        self.address = str(receipt["contractAddress"])

    def view(self, signature: str, *arguments: object, returns: tuple[str, ...]) -> Any:  # noqa: ANN401
        """Return what a view gives: one value, or a tuple when it gives several."""
        call = {"to": self.address, "data": calldata(signature, *arguments)}
        answer = self.node.rpc("eth_call", call, "latest")
        values = decode(returns, bytes.fromhex(answer.removeprefix("0x")))
        return values[0] if len(values) == 1 else values

    def send(self, signature: str, *arguments: object, sender: str, value: int = 0) -> Receipt:
        """Send a call with the most gas a transaction may have, and return its receipt."""
        transaction = {
            "from": sender,
            "to": self.address,
            "data": calldata(signature, *arguments),
            "value": hex(value),
            "gas": hex(GAS_CAP),
        }
        return self.node.transact(transaction)

    def done(self, signature: str, *arguments: object, sender: str, value: int = 0) -> Receipt:
        """Send a call that must not revert."""
        receipt = self.send(signature, *arguments, sender=sender, value=value)
        assert receipt["status"] == "0x1", self.refusal(
            signature, *arguments, sender=sender, value=value
        )
        return receipt

    def refusal(self, signature: str, *arguments: object, sender: str, value: int = 0) -> str:
        """Return why a call reverts; not reverting fails the test."""
        call = {
            "from": sender,
            "to": self.address,
            "data": calldata(signature, *arguments),
            "value": hex(value),
        }
        with pytest.raises(RpcError) as refused:
            self.node.rpc("eth_call", call, "latest")
        return reason(refused.value)

    def create(
        self,
        *,
        host: str | None = None,
        price: int = PRICE,
        seats: int = SEATS,
        stake: int | None = None,
        timestamp: int | None = None,
    ) -> int:
        """Create an event run, by default tomorrow's of the host, and return its id."""
        receipt = self.done(
            "createEventRun(string,uint256,uint256,uint256)",
            EXPERIENCE_ID,
            price,
            seats,
            timestamp or self.now() + DAY,
            sender=host or self.host,
            value=price * seats * 20 // 100 if stake is None else stake,
        )
        return int(receipt["logs"][0]["topics"][1], 16)

    def book(
        self, event: int, user: str | None = None, *, seats: int = 1, value: int | None = None
    ) -> int:
        """Book seats, by default one for the traveler at its price, and return the booking's id."""
        receipt = self.done(
            "bookEvent(uint256,uint256)",
            event,
            seats,
            sender=user or self.traveler,
            value=seats * TICKET if value is None else value,
        )
        return int(receipt["logs"][0]["topics"][1], 16)

    def occur(self, event: int) -> None:
        """Move the chain's clock to the very start of the event."""
        self.mine_at(self.event_run(event).event_timestamp)

    def complete(self, event: int, attended: list[int], *, sender: str | None = None) -> Receipt:
        """Complete an event, by default by the platform."""
        return self.done(
            "completeEvent(uint256,uint256[])", event, attended, sender=sender or self.platform
        )

    def cancel(self, event: int) -> Receipt:
        """Cancel an event of the host."""
        return self.done("cancelEvent(uint256)", event, sender=self.host)

    def event_run(self, event: int) -> EventRun:
        """Read an event run."""
        return EventRun(*self.view("getEventRun(uint256)", event, returns=(EVENT_RUN,)))

    def booking(self, booking: int) -> Booking:
        """Read a booking."""
        return Booking(*self.view("getBooking(uint256)", booking, returns=(BOOKING,)))

    def logs(self, receipt: Receipt) -> list[tuple[Any, ...]]:
        """Return the receipt's events, each as its name and its values."""
        decoded: list[tuple[Any, ...]] = []
        for log in receipt["logs"]:
            name = TOPICS[log["topics"][0]]
            indexed, plain = EVENTS[name]
            keys = "".join(topic.removeprefix("0x") for topic in log["topics"][1:])
            values = bytes.fromhex(log["data"].removeprefix("0x"))
            decoded.append((name, *decode(indexed, bytes.fromhex(keys)), *decode(plain, values)))
        return decoded

    def payouts(self, receipt: Receipt) -> list[tuple[str, int]]:
        """Return the payments that a transaction made, in their order."""
        trace = self.node.rpc(
            "debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"}
        )
        return [(each["to"], int(each["value"], 16)) for each in trace.get("calls", [])]

    def balance(self, address: str | None = None) -> int:
        """Return a balance in wei, by default the contract's."""
        return int(self.node.rpc("eth_getBalance", address or self.address, "latest"), 16)

    def storage(self, slot: int) -> str:
        """Read one word of the contract's storage."""
        return str(self.node.rpc("eth_getStorageAt", self.address, word(slot), "latest"))

    def now(self) -> int:
        """Return the latest block's time."""
        return int(self.node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)  # noqa: FBT003

    def mine_at(self, timestamp: int) -> None:
        """Mine an empty block at a time."""
        self.node.rpc("evm_setNextBlockTimestamp", timestamp)
        self.node.rpc("evm_mine")


def gas(receipt: Receipt) -> int:
    """Return the gas that a transaction used."""
    return int(receipt["gasUsed"], 16)


@pytest.fixture
def contract(node: ChainNode) -> Experience:
    """Give a fresh contract without any event."""
    return Experience(node)


@pytest.fixture
def event(contract: Experience) -> int:
    """Give tomorrow's event of the host, with four seats and no booking."""
    return contract.create()


# --- Deployment ---


def test_deployer_is_owner(contract: Experience) -> None:
    """The account that deploys owns the contract."""
    assert contract.view("owner()", returns=("address",)) == contract.platform


def test_fee_is_five_percent(contract: Experience) -> None:
    """A new contract takes the deployed one's platform fee."""
    assert contract.view("platformFeePercentage()", returns=("uint256",)) == 5


def test_stake_is_twenty_percent(contract: Experience) -> None:
    """A new contract asks the deployed one's stake."""
    assert contract.view("stakePercentage()", returns=("uint256",)) == 20


def test_required_stake_probe(contract: Experience) -> None:
    """The probe that tells this contract from its siblings gives 20 % of 1000."""
    stake = contract.view("calculateRequiredStake(uint256,uint256)", 1000, 1, returns=("uint256",))
    assert stake == 200


def test_required_stake_is_rounded_down(contract: Experience) -> None:
    """20 % of 3 times 33 wei is 19.8, and 19 is asked."""
    stake = contract.view("calculateRequiredStake(uint256,uint256)", 33, 3, returns=("uint256",))
    assert stake == 19


# --- Creating an event run ---


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ((0, 0, 0, 0), "Price must be greater than 0"),
        ((PRICE, 0, 0, 0), "Must have at least 1 seat"),
        ((PRICE, SEATS, -1, 0), "Event must be in the future"),
        ((PRICE, SEATS, 1, HOST_STAKE - 1), "Insufficient stake amount"),
        ((2**255, 2, 1, 0), OVERFLOW),
    ],
)
def test_creation_is_refused(
    contract: Experience, terms: tuple[int, int, int, int], expected: str
) -> None:
    """Each rule of creation has its reason, and they are checked in this order."""
    price, seats, hours_ahead, value = terms
    refusal = contract.refusal(
        "createEventRun(string,uint256,uint256,uint256)",
        EXPERIENCE_ID,
        price,
        seats,
        contract.now() + hours_ahead * 3600,
        sender=contract.host,
        value=value,
    )
    assert refusal == expected


def test_creation_at_the_blocks_own_time_is_refused(contract: Experience) -> None:
    """The future begins after the block's time."""
    timestamp = contract.now() + 100
    contract.node.rpc("evm_setNextBlockTimestamp", timestamp)
    receipt = contract.send(
        "createEventRun(string,uint256,uint256,uint256)",
        EXPERIENCE_ID,
        PRICE,
        SEATS,
        timestamp,
        sender=contract.host,
        value=HOST_STAKE,
    )
    assert receipt["status"] == "0x0"


def test_created_event_run_is_active(contract: Experience) -> None:
    """A new event run takes bookings at once and holds what it was created with."""
    timestamp = contract.now() + DAY
    event = contract.create(timestamp=timestamp)
    assert contract.event_run(event) == EventRun(
        event_run_id=1,
        host=contract.host,
        experience_id=EXPERIENCE_ID,
        price_per_seat=PRICE,
        max_seats=SEATS,
        seats_booked=0,
        host_stake=HOST_STAKE,
        event_timestamp=timestamp,
        status=ACTIVE,
        host_stake_withdrawn=False,
        created_at=contract.now(),
    )


def test_creation_is_announced(contract: Experience) -> None:
    """The receipt carries the id of the new event run."""
    receipt = contract.done(
        "createEventRun(string,uint256,uint256,uint256)",
        EXPERIENCE_ID,
        PRICE,
        SEATS,
        contract.now() + DAY,
        sender=contract.host,
        value=HOST_STAKE,
    )
    assert contract.logs(receipt) == [
        ("EventRunCreated", 1, contract.host, EXPERIENCE_ID, PRICE, SEATS, HOST_STAKE)
    ]


def test_event_ids_count_up(contract: Experience) -> None:
    """Ids are given from 1 without a gap, whoever creates."""
    created = [contract.create(), contract.create(host=contract.stranger), contract.create()]
    assert created == [1, 2, 3]


def test_all_of_the_value_is_the_host_stake(contract: Experience) -> None:
    """What a host sends above the required stake is stake too."""
    event = contract.create(stake=HOST_STAKE + 7)
    assert contract.event_run(event).host_stake == HOST_STAKE + 7


def test_tiny_price_needs_no_stake(contract: Experience) -> None:
    """Hazard: 20 % of 4 wei is 0, and the event run is created without a stake."""
    event = contract.create(price=4, seats=1, stake=0)
    assert contract.event_run(event).status == ACTIVE


def test_timestamp_in_milliseconds_is_taken(contract: Experience) -> None:
    """Hazard: nothing refuses an event fifty thousand years ahead."""
    milliseconds = contract.now() * 1000
    event = contract.create(timestamp=milliseconds)
    assert contract.event_run(event).event_timestamp == milliseconds


def test_stranger_creates_among_ours(contract: Experience, event: int) -> None:
    """Hazard: anyone hosts, also with the experience id of someone else."""
    foreign = contract.create(host=contract.stranger)
    ours, theirs = contract.event_run(event), contract.event_run(foreign)
    assert (theirs.host, theirs.experience_id) == (contract.stranger, ours.experience_id)


def test_host_events_are_listed(contract: Experience) -> None:
    """A host's list holds the host's event runs and no one else's."""
    first = contract.create()
    contract.create(host=contract.stranger)
    second = contract.create()
    listed = contract.view("getHostEvents(address)", contract.host, returns=("uint256[]",))
    assert list(listed) == [first, second]


# --- Booking ---


def test_booking_unknown_event_is_refused(contract: Experience) -> None:
    """There is nothing to book under an id that was never given."""
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", 1, 1, sender=contract.traveler, value=TICKET
    )
    assert refusal == "Event run does not exist"


@pytest.mark.parametrize(
    ("seats", "value", "expected"),
    [
        (0, 0, "Must book at least 1 seat"),
        (SEATS + 1, (SEATS + 1) * TICKET, "Not enough seats available"),
        (1, TICKET - 1, "Insufficient payment + stake"),
    ],
)
def test_booking_is_refused(
    contract: Experience, event: int, seats: int, value: int, expected: str
) -> None:
    """Each rule of booking has its reason."""
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", event, seats, sender=contract.traveler, value=value
    )
    assert refusal == expected


def test_booking_after_the_event_is_refused(contract: Experience, event: int) -> None:
    """Once the event has begun it cannot be booked."""
    contract.occur(event)
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", event, 1, sender=contract.traveler, value=TICKET
    )
    assert refusal == "Event has already occurred"


def test_booking_in_the_last_second(contract: Experience, event: int) -> None:
    """A block one second before the event still books it."""
    contract.node.rpc("evm_setNextBlockTimestamp", contract.event_run(event).event_timestamp - 1)
    assert contract.book(event) == 1


@pytest.mark.parametrize("ending", ["complete", "cancel"])
def test_booking_a_finalized_event_is_refused(
    contract: Experience, event: int, ending: str
) -> None:
    """A completed or cancelled event run takes no bookings."""
    if ending == "complete":
        contract.occur(event)
        contract.complete(event, [])
    else:
        contract.cancel(event)
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", event, 1, sender=contract.traveler, value=TICKET
    )
    assert refusal == "Event is not accepting bookings"


def test_booking_holds_payment_and_stake(contract: Experience, event: int) -> None:
    """A booking records what was paid for its seats, and the stake apart from it."""
    booking = contract.book(event, seats=2)
    assert contract.booking(booking) == Booking(
        booking_id=1,
        event_run_id=event,
        user=contract.traveler,
        seat_count=2,
        total_payment=2 * PRICE,
        user_stake=2 * STAKE,
        status=BOOKING_ACTIVE,
        booked_at=contract.now(),
    )


def test_booking_is_announced(contract: Experience, event: int) -> None:
    """The receipt carries the id of the new booking."""
    receipt = contract.done(
        "bookEvent(uint256,uint256)", event, 2, sender=contract.traveler, value=2 * TICKET
    )
    assert contract.logs(receipt) == [
        ("BookingCreated", 1, event, contract.traveler, 2, 2 * PRICE, 2 * STAKE)
    ]


def test_booking_takes_seats(contract: Experience, event: int) -> None:
    """Seats are counted over all bookings."""
    contract.book(event, seats=2)
    contract.book(event, contract.second)
    assert contract.event_run(event).seats_booked == 3


def test_booking_ids_count_over_all_events(contract: Experience, event: int) -> None:
    """Booking ids are one row of numbers for the whole contract."""
    other = contract.create()
    assert [contract.book(event), contract.book(other), contract.book(event)] == [1, 2, 3]


def test_event_bookings_are_listed(contract: Experience, event: int) -> None:
    """An event's list holds its own bookings in their order."""
    other = contract.create()
    booked = [contract.book(event), contract.book(other), contract.book(event, contract.second)]
    listed = contract.view("getEventBookings(uint256)", event, returns=("uint256[]",))
    assert list(listed) == [booked[0], booked[2]]


def test_user_bookings_are_listed(contract: Experience, event: int) -> None:
    """A user's list holds the user's bookings over all events."""
    other = contract.create()
    booked = [contract.book(event), contract.book(event, contract.second), contract.book(other)]
    listed = contract.view("getUserBookings(address)", contract.traveler, returns=("uint256[]",))
    assert list(listed) == [booked[0], booked[2]]


def test_quote_is_what_booking_costs(contract: Experience, event: int) -> None:
    """The view gives payment, stake and their sum."""
    quote = contract.view("calculateBookingCost(uint256,uint256)", event, 3, returns=COST)
    assert quote == (3 * PRICE, 3 * STAKE, 3 * TICKET)


def test_quote_stake_is_rounded_down(contract: Experience) -> None:
    """20 % of 2 times 7 wei is 2.8, and 2 is asked."""
    event = contract.create(price=7)
    quote = contract.view("calculateBookingCost(uint256,uint256)", event, 2, returns=COST)
    assert quote == (14, 2, 16)


def test_quote_for_unknown_event_is_refused(contract: Experience) -> None:
    """The quote alone among the views reverts for an unknown id."""
    refusal = contract.refusal(
        "calculateBookingCost(uint256,uint256)", 1, 1, sender=contract.traveler
    )
    assert refusal == "Event run does not exist"


def test_quote_is_outdated_by_a_new_percentage(contract: Experience, event: int) -> None:
    """Hazard: a stake raised between quote and booking makes the quoted value too small."""
    contract.done("updateStakePercentage(uint256)", 21, sender=contract.platform)
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", event, 1, sender=contract.traveler, value=TICKET
    )
    assert refusal == "Insufficient payment + stake"


def test_last_seat_makes_the_event_full(contract: Experience, event: int) -> None:
    """The booking that takes the last seat changes the status."""
    contract.book(event, seats=SEATS)
    assert contract.event_run(event).status == FULL


def test_full_event_is_not_accepting_bookings(contract: Experience, event: int) -> None:
    """A full event is refused by its status, not by its seats."""
    contract.book(event, seats=SEATS)
    refusal = contract.refusal(
        "bookEvent(uint256,uint256)", event, 1, sender=contract.second, value=TICKET
    )
    assert refusal == "Event is not accepting bookings"


def test_overpayment_is_unrecorded(contract: Experience, event: int) -> None:
    """Hazard: a booking that was paid too much says nothing of it."""
    booking = contract.booking(contract.book(event, value=TICKET + 9))
    assert (booking.total_payment, booking.user_stake) == (PRICE, STAKE)


def test_overpayment_is_kept(contract: Experience, event: int) -> None:
    """Hazard: what was paid too much stays in the contract even when all is refunded."""
    contract.book(event, value=TICKET + 9)
    contract.cancel(event)
    assert contract.balance() == 9


def test_stranger_books_our_event(contract: Experience, event: int) -> None:
    """Hazard: a stranger's booking stands among the platform's."""
    contract.book(event)
    foreign = contract.book(event, contract.stranger)
    listed = contract.view("getEventBookings(uint256)", event, returns=("uint256[]",))
    assert foreign in listed


# --- Completing ---


@pytest.mark.parametrize("role", ["traveler", "stranger"])
def test_completion_by_others_is_refused(contract: Experience, event: int, role: str) -> None:
    """Neither a guest nor a stranger settles an event."""
    contract.occur(event)
    refusal = contract.refusal(
        "completeEvent(uint256,uint256[])", event, [], sender=getattr(contract, role)
    )
    assert refusal == "Only host or owner can complete event"


@pytest.mark.parametrize("role", ["host", "platform"])
def test_completion_by_host_or_owner(contract: Experience, event: int, role: str) -> None:
    """Host and owner may both settle an event."""
    contract.occur(event)
    contract.complete(event, [], sender=getattr(contract, role))
    assert contract.event_run(event).status == COMPLETED


def test_completion_of_unknown_event_is_refused(contract: Experience) -> None:
    """There is nothing to complete under an id that was never given."""
    refusal = contract.refusal("completeEvent(uint256,uint256[])", 1, [], sender=contract.platform)
    assert refusal == "Event run does not exist"


def test_completion_before_the_event_is_refused(contract: Experience, event: int) -> None:
    """One second too early is too early."""
    contract.mine_at(contract.event_run(event).event_timestamp - 10)
    refusal = contract.refusal("completeEvent(uint256,uint256[])", event, [], sender=contract.host)
    assert refusal == "Event has not occurred yet"


def test_completion_in_the_events_first_second(contract: Experience, event: int) -> None:
    """A block at the very time of the event may complete it."""
    contract.node.rpc("evm_setNextBlockTimestamp", contract.event_run(event).event_timestamp)
    contract.complete(event, [])
    assert contract.event_run(event).status == COMPLETED


@pytest.mark.parametrize("ending", ["complete", "cancel"])
def test_completion_after_finalization_is_refused(
    contract: Experience, event: int, ending: str
) -> None:
    """An event ends once."""
    contract.occur(event)
    if ending == "complete":
        contract.complete(event, [])
    else:
        contract.cancel(event)
    refusal = contract.refusal("completeEvent(uint256,uint256[])", event, [], sender=contract.host)
    assert refusal == "Event already finalized"


@pytest.mark.parametrize(
    ("attended", "expected"),
    [
        ([1, 1], "Booking not active"),
        ([1, 2], "Booking not for this event"),
        ([1, 99], "Booking not for this event"),
        ([0], "Booking not for this event"),
    ],
    ids=["duplicate", "another event's", "unknown", "zero"],
)
def test_completion_with_wrong_booking_is_refused(
    contract: Experience, event: int, attended: list[int], expected: str
) -> None:
    """One wrong id in the list refuses the whole completion."""
    contract.book(event)
    contract.book(contract.create())
    contract.occur(event)
    refusal = contract.refusal(
        "completeEvent(uint256,uint256[])", event, attended, sender=contract.host
    )
    assert refusal == expected


def test_completion_pays_to_the_wei(contract: Experience, event: int) -> None:
    """Guests get their stakes in the list's order, then the host its revenue and its stake."""
    first = contract.book(event, seats=2)
    contract.book(event, contract.stranger)  # stays away
    second = contract.book(event, contract.second)
    contract.occur(event)
    receipt = contract.complete(event, [second, first])
    assert contract.payouts(receipt) == [
        (contract.second, STAKE),
        (contract.traveler, 2 * STAKE),
        (contract.host, 4 * (PRICE - FEE)),
        (contract.host, HOST_STAKE),
    ]


def test_completion_changes_the_balances(contract: Experience, event: int) -> None:
    """What was paid out arrives, to the wei."""
    bookings = [contract.book(event), contract.book(event, contract.second)]
    contract.occur(event)
    people = (contract.traveler, contract.second, contract.host)
    before = [contract.balance(each) for each in people]
    contract.complete(event, bookings)
    gained = [contract.balance(each) - had for each, had in zip(people, before, strict=True)]
    assert gained == [STAKE, STAKE, 2 * (PRICE - FEE) + HOST_STAKE]


def test_completion_keeps_fee_and_forfeits(contract: Experience, event: int) -> None:
    """Fees and no-show stakes stay in the contract, and nothing else does."""
    attended = contract.book(event)
    contract.book(event, contract.second)
    contract.occur(event)
    contract.complete(event, [attended])
    assert contract.balance() == 2 * FEE + STAKE


def test_completion_is_announced(contract: Experience, event: int) -> None:
    """Each booking's end is told, the attended ones first, and the event's last."""
    absent = contract.book(event)
    attended = contract.book(event, contract.second)
    contract.occur(event)
    receipt = contract.complete(event, [attended])
    assert contract.logs(receipt) == [
        ("BookingCompleted", attended, contract.second, STAKE),
        ("BookingNoShow", absent, contract.traveler, STAKE),
        ("EventCompleted", event, 2 * (PRICE - FEE), HOST_STAKE),
    ]


def test_completion_settles_each_booking(contract: Experience, event: int) -> None:
    """Attended and absent bookings are told apart by their status."""
    attended, absent = contract.book(event), contract.book(event)
    contract.occur(event)
    contract.complete(event, [attended])
    statuses = [contract.booking(each).status for each in (attended, absent)]
    assert statuses == [BOOKING_COMPLETED, BOOKING_NO_SHOW]


@pytest.mark.parametrize("ending", ["complete", "cancel"])
def test_ending_returns_the_host_stake_once(contract: Experience, event: int, ending: str) -> None:
    """The stake's amount stays on record beside the flag that it was returned."""
    contract.occur(event)
    if ending == "complete":
        contract.complete(event, [])
    else:
        contract.cancel(event)
    run = contract.event_run(event)
    assert (run.host_stake, run.host_stake_withdrawn) == (HOST_STAKE, True)


def test_empty_list_forfeits_every_stake(contract: Experience, event: int) -> None:
    """Hazard: completing with nobody listed makes everybody a no-show."""
    bookings = [contract.book(event), contract.book(event, contract.second)]
    contract.occur(event)
    contract.complete(event, [])
    assert {contract.booking(each).status for each in bookings} == {BOOKING_NO_SHOW}


def test_unlisted_stranger_loses_the_stake(contract: Experience, event: int) -> None:
    """Hazard: a booking that no database row knows is a no-show unless it is named."""
    ours = contract.book(event)
    foreign = contract.book(event, contract.stranger)
    contract.occur(event)
    receipt = contract.complete(event, [ours])
    assert ("BookingNoShow", foreign, contract.stranger, STAKE) in contract.logs(receipt)


def test_fee_is_read_at_completion(contract: Experience, event: int) -> None:
    """Hazard: a fee raised after the booking is taken from it all the same."""
    booking = contract.book(event)
    contract.done("updatePlatformFee(uint256)", 10, sender=contract.platform)
    contract.occur(event)
    receipt = contract.complete(event, [booking])
    assert contract.logs(receipt)[-1] == ("EventCompleted", event, PRICE * 9 // 10, HOST_STAKE)


def test_fee_is_rounded_down_once(contract: Experience) -> None:
    """The fee is 5 % of the whole revenue: 2 of 2 times 29 wei, where each alone would give 1."""
    event = contract.create(price=29)
    bookings = [contract.book(event, value=34), contract.book(event, value=34)]
    contract.occur(event)
    receipt = contract.complete(event, bookings)
    assert contract.logs(receipt)[-1] == ("EventCompleted", event, 56, 23)


@pytest.mark.parametrize("role", ["second", "host"])
def test_payee_with_code_blocks_completion(contract: Experience, event: int, role: str) -> None:
    """Hazard: one payee whose code does more than accept stops the payment of everyone."""
    bookings = [contract.book(event), contract.book(event, contract.second)]
    contract.occur(event)
    contract.node.rpc("anvil_setCode", getattr(contract, role), CODE_STORING)
    refusal = contract.refusal(
        "completeEvent(uint256,uint256[])", event, bookings, sender=contract.platform
    )
    assert refusal == BARE


def test_delegated_payee_blocks_completion(contract: Experience, event: int) -> None:
    """Hazard: an account delegated to code (EIP-7702) is a payee with code too."""
    booking = contract.book(event)
    contract.occur(event)
    contract.node.rpc("anvil_setCode", contract.stranger, CODE_STORING)
    delegation = "0xef0100" + contract.stranger.removeprefix("0x")
    contract.node.rpc("anvil_setCode", contract.traveler, delegation)
    refusal = contract.refusal(
        "completeEvent(uint256,uint256[])", event, [booking], sender=contract.platform
    )
    assert refusal == BARE


def test_no_show_with_code_blocks_nothing(contract: Experience, event: int) -> None:
    """Who gets no payment cannot stop one."""
    contract.book(event)
    contract.occur(event)
    contract.node.rpc("anvil_setCode", contract.traveler, CODE_STORING)
    contract.complete(event, [])
    assert contract.event_run(event).status == COMPLETED


def test_payee_that_only_accepts_is_paid(contract: Experience, event: int) -> None:
    """Code as such is no obstacle: 2300 gas are enough to accept."""
    booking = contract.book(event)
    contract.occur(event)
    contract.node.rpc("anvil_setCode", contract.traveler, CODE_ACCEPTING)
    receipt = contract.complete(event, [booking])
    assert contract.payouts(receipt)[0] == (contract.traveler, STAKE)


# --- Cancelling ---


@pytest.mark.parametrize("role", ["platform", "traveler"])
def test_cancel_by_others_is_refused(contract: Experience, event: int, role: str) -> None:
    """Hazard: the host alone cancels, not even the owner can."""
    refusal = contract.refusal("cancelEvent(uint256)", event, sender=getattr(contract, role))
    assert refusal == "Only host can call this"


def test_cancel_of_unknown_event_is_refused(contract: Experience) -> None:
    """There is nothing to cancel under an id that was never given."""
    refusal = contract.refusal("cancelEvent(uint256)", 1, sender=contract.host)
    assert refusal == "Event run does not exist"


@pytest.mark.parametrize("ending", ["complete", "cancel"])
def test_cancel_after_finalization_is_refused(
    contract: Experience, event: int, ending: str
) -> None:
    """An event that has ended cannot be cancelled."""
    contract.occur(event)
    if ending == "complete":
        contract.complete(event, [])
    else:
        contract.cancel(event)
    refusal = contract.refusal("cancelEvent(uint256)", event, sender=contract.host)
    assert refusal == "Event already finalized"


def test_cancel_after_the_event(contract: Experience, event: int) -> None:
    """An event that has begun can still be cancelled."""
    contract.occur(event)
    contract.cancel(event)
    assert contract.event_run(event).status == CANCELLED


def test_cancel_of_a_full_event(contract: Experience, event: int) -> None:
    """A sold-out event can be cancelled as any other."""
    contract.book(event, seats=SEATS)
    contract.cancel(event)
    assert contract.event_run(event).status == CANCELLED


def test_cancel_refunds_to_the_wei(contract: Experience, event: int) -> None:
    """Each booking gets payment and stake back, then the host its stake."""
    contract.book(event, seats=2)
    contract.book(event, contract.stranger)
    receipt = contract.cancel(event)
    assert contract.payouts(receipt) == [
        (contract.traveler, 2 * TICKET),
        (contract.stranger, TICKET),
        (contract.host, HOST_STAKE),
    ]


def test_cancel_empties_the_contract(contract: Experience, event: int) -> None:
    """Neither fee nor stake is kept of a cancelled event."""
    contract.book(event, seats=3)
    contract.cancel(event)
    assert contract.balance() == 0


def test_cancel_is_announced(contract: Experience, event: int) -> None:
    """The receipt carries the sum of the refunds, without the host stake."""
    contract.book(event)
    contract.book(event, contract.second, seats=2)
    receipt = contract.cancel(event)
    assert contract.logs(receipt) == [("EventCancelled", event, 3 * TICKET)]


def test_cancel_settles_each_booking(contract: Experience, event: int) -> None:
    """Every booking of a cancelled event is cancelled."""
    bookings = [contract.book(event), contract.book(event, contract.second)]
    contract.cancel(event)
    assert {contract.booking(each).status for each in bookings} == {BOOKING_CANCELLED}


def test_payee_with_code_blocks_cancellation(contract: Experience, event: int) -> None:
    """Hazard: one payee whose code does more than accept stops the refund of everyone."""
    contract.book(event)
    contract.book(event, contract.second)
    contract.node.rpc("anvil_setCode", contract.second, CODE_STORING)
    refusal = contract.refusal("cancelEvent(uint256)", event, sender=contract.host)
    assert refusal == BARE


# --- The owner ---


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("updatePlatformFee(uint256)", (1,)),
        ("updateStakePercentage(uint256)", (1,)),
        ("withdrawPlatformFees()", ()),
        ("emergencyWithdraw()", ()),
    ],
)
def test_others_are_refused_the_owners_calls(
    contract: Experience, event: int, signature: str, arguments: tuple[int, ...]
) -> None:
    """A host is not an owner."""
    refusal = contract.refusal(signature, *arguments, sender=contract.event_run(event).host)
    assert refusal == "Only owner can call this"


@pytest.mark.parametrize(
    ("signature", "percentage", "expected"),
    [
        ("updatePlatformFee(uint256)", 11, "Fee cannot exceed 10%"),
        ("updateStakePercentage(uint256)", 51, "Stake cannot exceed 50%"),
    ],
)
def test_percentage_above_its_limit_is_refused(
    contract: Experience, signature: str, percentage: int, expected: str
) -> None:
    """Fee and stake have a highest value."""
    refusal = contract.refusal(signature, percentage, sender=contract.platform)
    assert refusal == expected


@pytest.mark.parametrize(
    ("update", "getter", "percentage"),
    [
        ("updatePlatformFee(uint256)", "platformFeePercentage()", 10),
        ("updatePlatformFee(uint256)", "platformFeePercentage()", 0),
        ("updateStakePercentage(uint256)", "stakePercentage()", 50),
        ("updateStakePercentage(uint256)", "stakePercentage()", 0),
    ],
)
def test_percentage_within_its_limit_is_set(
    contract: Experience, update: str, getter: str, percentage: int
) -> None:
    """The limits themselves are allowed."""
    contract.done(update, percentage, sender=contract.platform)
    assert contract.view(getter, returns=("uint256",)) == percentage


def test_withdrawing_from_an_empty_contract_is_refused(contract: Experience) -> None:
    """Without a balance there are no fees."""
    refusal = contract.refusal("withdrawPlatformFees()", sender=contract.platform)
    assert refusal == "No fees to withdraw"


@pytest.mark.parametrize("signature", ["withdrawPlatformFees()", "emergencyWithdraw()"])
def test_withdrawal_takes_live_escrow(contract: Experience, event: int, signature: str) -> None:
    """Hazard: a withdrawal sends the whole balance, stakes and payments of open events too."""
    contract.book(event)
    receipt = contract.done(signature, sender=contract.platform)
    assert contract.payouts(receipt) == [(contract.platform, HOST_STAKE + TICKET)]


def test_drained_contract_completes_nothing(contract: Experience, event: int) -> None:
    """Hazard: after a withdrawal a completion reverts without a reason."""
    booking = contract.book(event)
    contract.done("withdrawPlatformFees()", sender=contract.platform)
    contract.occur(event)
    refusal = contract.refusal(
        "completeEvent(uint256,uint256[])", event, [booking], sender=contract.host
    )
    assert refusal == BARE


def test_plain_ether_is_accepted(contract: Experience) -> None:
    """ETH sent without a call stays in the contract and belongs to nobody."""
    transaction = {"from": contract.stranger, "to": contract.address, "value": hex(123)}
    contract.node.transact(transaction)
    assert contract.balance() == 123


@pytest.mark.parametrize(
    "signature", ["transferOwnership(address)", "cancelBooking(uint256)", "renounceOwnership()"]
)
def test_what_the_contract_cannot_do(contract: Experience, signature: str) -> None:
    """Ownership does not move, and no booking is cancelled by itself."""
    arguments: tuple[object, ...] = ()
    if "address" in signature:
        arguments = (contract.stranger,)
    elif "uint256" in signature:
        arguments = (1,)
    assert contract.refusal(signature, *arguments, sender=contract.platform) == BARE


# --- Reading ---


def test_unknown_event_reads_as_zeros(contract: Experience) -> None:
    """Hazard: an unknown event run does not revert; its host is the zero address."""
    zeros = EventRun(0, NO_ADDRESS, "", 0, 0, 0, 0, 0, CREATED, False, 0)  # noqa: FBT003
    assert contract.event_run(99) == zeros


def test_unknown_booking_reads_as_zeros(contract: Experience) -> None:
    """Hazard: an unknown booking does not revert; its status looks active."""
    assert contract.booking(99) == Booking(0, 0, NO_ADDRESS, 0, 0, 0, BOOKING_ACTIVE, 0)


def test_unknown_lists_are_empty(contract: Experience) -> None:
    """Hazard: the bookings of an unknown event are an empty list, not an error."""
    listed = contract.view("getEventBookings(uint256)", 99, returns=("uint256[]",))
    assert listed == ()


def test_public_event_run_is_the_struct(contract: Experience, event: int) -> None:
    """The public getter gives the fields of the struct one by one."""
    fields = tuple(EVENT_RUN.strip("()").split(","))
    values = contract.view("eventRuns(uint256)", event, returns=fields)
    assert EventRun(*values) == contract.event_run(event)


def test_public_booking_is_the_struct(contract: Experience, event: int) -> None:
    """The public getter gives the fields of the struct one by one."""
    booking = contract.book(event)
    fields = tuple(BOOKING.strip("()").split(","))
    values = contract.view("bookings(uint256)", booking, returns=fields)
    assert Booking(*values) == contract.booking(booking)


def test_public_lists_give_their_entries(contract: Experience, event: int) -> None:
    """The three public lists are read entry by entry."""
    booking = contract.book(event)
    entries = (
        contract.view("eventRunBookings(uint256,uint256)", event, 0, returns=("uint256",)),
        contract.view("userBookings(address,uint256)", contract.traveler, 0, returns=("uint256",)),
        contract.view("hostEventRuns(address,uint256)", contract.host, 0, returns=("uint256",)),
    )
    assert entries == (booking, booking, event)


# --- Storage ---


@pytest.fixture
def booked(contract: Experience) -> Experience:
    """Give a contract with two events and three bookings, the last two for event 2."""
    for event in (contract.create(), contract.create()):
        contract.book(event)
    contract.book(2, contract.second)
    return contract


@pytest.mark.parametrize(
    ("slot", "expected"),
    [(1, 5), (2, 20), (3, 2), (9, 3)],
    ids=["fee", "stake percentage", "event counter", "booking counter"],
)
def test_number_is_in_its_slot(booked: Experience, slot: int, expected: int) -> None:
    """Percentages and counters are read from the storage of a pinned block."""
    assert booked.storage(slot) == word(expected)


def test_owner_is_in_slot_0(booked: Experience) -> None:
    """The first slot holds the owner and nothing else."""
    assert booked.storage(0) == word(booked.platform)


def test_event_runs_are_in_slot_4(booked: Experience) -> None:
    """An event run takes ten words; status and the stake's flag share one."""
    booked.cancel(2)
    run = booked.event_run(2)
    first = entry_slot(2, 4)
    words = [booked.storage(first + offset) for offset in range(10)]
    del words[2]  # the text's length; what it holds is elsewhere
    assert words == [
        word(2),
        word(booked.host),
        word(PRICE),
        word(SEATS),
        word(2),
        word(HOST_STAKE),
        word(run.event_timestamp),
        word(CANCELLED + 256 * run.host_stake_withdrawn),
        word(run.created_at),
    ]


def test_bookings_are_in_slot_5(booked: Experience) -> None:
    """A booking takes eight words in the order of its fields."""
    first = entry_slot(3, 5)
    words = [booked.storage(first + offset) for offset in range(8)]
    assert words == [word(each) for each in booked.booking(3)]


@pytest.mark.parametrize(
    ("base", "owner", "entries"),
    [(6, 2, [2, 3]), (7, "traveler", [1, 2]), (8, "host", [1, 2])],
    ids=["bookings of an event", "bookings of a user", "events of a host"],
)
def test_list_is_in_its_slot(
    booked: Experience, base: int, owner: int | str, entries: list[int]
) -> None:
    """Each list keeps its length under its key, and the entries from that slot's hash on."""
    key = getattr(booked, owner) if isinstance(owner, str) else owner
    length_slot = entry_slot(key, base)
    first = int.from_bytes(keccak(hexstr=word(length_slot)))
    words = [booked.storage(length_slot)] + [booked.storage(first + i) for i in range(2)]
    assert words == [word(each) for each in (2, *entries)]


# --- Gas: the figures measured for the deployed contract, where one wallet plays every part ---


def close_to(documented: int) -> Any:  # noqa: ANN401 - pytest's approx has no public type
    """Match what is within 15 % of a figure."""
    return pytest.approx(documented, rel=0.15)


def sold(contract: Experience, bookings: int) -> int:
    """Create an event with as many single-seat bookings, all by the platform's wallet."""
    event = contract.create(host=contract.platform, seats=max(bookings, SEATS))
    for _ in range(bookings):
        contract.book(event, contract.platform)
    return event


def test_gas_of_creation(contract: Experience) -> None:
    """Creating the first event costs what was measured."""
    receipt = contract.done(
        "createEventRun(string,uint256,uint256,uint256)",
        EXPERIENCE_ID,
        PRICE,
        SEATS,
        contract.now() + DAY,
        sender=contract.platform,
        value=HOST_STAKE,
    )
    assert gas(receipt) == close_to(342_901)


@pytest.mark.parametrize(("earlier", "documented"), [(0, 331_943), (1, 263_543)])
def test_gas_of_booking(contract: Experience, earlier: int, documented: int) -> None:
    """The first booking costs more than the same wallet's next."""
    event = sold(contract, earlier)
    receipt = contract.done(
        "bookEvent(uint256,uint256)", event, 1, sender=contract.platform, value=TICKET
    )
    assert gas(receipt) == close_to(documented)


@pytest.mark.parametrize(("bookings", "documented"), [(1, 97_553), (10, 482_879), (100, 4_336_161)])
def test_gas_of_completion(contract: Experience, bookings: int, documented: int) -> None:
    """Completing with all attended costs what was measured."""
    event = sold(contract, bookings)
    contract.occur(event)
    receipt = contract.complete(event, list(range(1, bookings + 1)))
    assert gas(receipt) == close_to(documented)


def test_gas_of_a_no_show(contract: Experience) -> None:
    """Each booking of a completion with nobody attended costs what was measured."""
    small, large = sold(contract, 1), sold(contract, 11)
    contract.occur(large)
    spent = gas(contract.complete(large, [])) - gas(contract.complete(small, []))
    assert spent / 10 == close_to(33_068)


def test_gas_of_a_refund(contract: Experience) -> None:
    """Each booking of a cancellation costs what was measured."""
    small, large = sold(contract, 1), sold(contract, 11)
    spent = [
        gas(contract.done("cancelEvent(uint256)", each, sender=contract.platform))
        for each in (small, large)
    ]
    assert (spent[1] - spent[0]) / 10 == close_to(38_047)


def test_large_event_cannot_be_completed(contract: Experience) -> None:
    """Hazard: 400 bookings need more gas than a transaction may have."""
    event = sold(contract, 400)
    contract.occur(event)
    receipt = contract.send(
        "completeEvent(uint256,uint256[])",
        event,
        list(range(1, 401)),
        sender=contract.platform,
    )
    assert (receipt["status"], gas(receipt)) == ("0x0", GAS_CAP)
