"""Each hazard of the deployed contract: shown without a guard, then refused by the command.

The first half of a test makes the plain call that the contract lets anyone make, and shows the
loss; the second half runs the command on the same state, and it names the cause.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from eth_account import Account

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, BINA, CHITRA, EXPERIENCE_ID, PLATFORM, SEED, Mayhouse
from tests.raw_contract import BARE, MOST_GAS, RawContract, calldata

PRICE: Final = 12_500_000_000_000_000  # 2,500 INR at 200,000 INR/ETH
STAKE: Final = PRICE // 5
DAY: Final = 86_400
# anvil's sixth development account, unlocked as all of them are.
STRANGER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
# A wallet of nobody's, its key made up.
OTHER_KEY: Final = "0x" + "5a" * 32
# Of the stranger: anvil's documentation prints it, worth nothing.
STRANGER_KEY: Final = "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"
# Stores a word when it is paid: more than the 2300 gas of `.transfer` can do.
STORING: Final = "0x6001600055"
# owner() gives the caller, calculateRequiredStake(..) gives 7 and every other view gives 20: the
# views that a sibling contract shares, and another stake.
SIBLING: Final = (
    "0x60003560e01c80636ac6790c1460245780638da5cb5b14602f57"
    "601460005260206000f35b600760005260206000f35b3360005260206000f3"
)

CREATE: Final = "createEventRun(string,uint256,uint256,uint256)"
BOOK: Final = "bookEvent(uint256,uint256)"
COMPLETE: Final = "completeEvent(uint256,uint256[])"
CANCEL: Final = "cancelEvent(uint256)"
COST: Final = "calculateBookingCost(uint256,uint256)"
EVENT_RUN: Final = (
    "(uint256,address,string,uint256,uint256,uint256,uint256,uint256,uint8,bool,uint256)"
)
BOOKING: Final = "(uint256,uint256,address,uint256,uint256,uint256,uint8,uint256)"
NO_SHOW: Final = 2

# Of the platform below: an event that has begun, a stranger's, and one that is open.
BEGUN, STRANGERS, OPEN = 1, 2, 3
OURS, OURS_TOO, FOREIGN = 1, 2, 3


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """One platform for the whole file: every command here is refused, or only looks.

    Event 1 has begun: bookings 1 and 2 are ours, 3 is a stranger's. Event 2 is a stranger's.
    Event 3 is open.
    """
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        platform = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        raw = RawContract(node_process, contract)
        platform.create_event()
        platform.book(BEGUN, ASHA)
        platform.book(BEGUN, BINA)
        raw.do(BOOK, BEGUN, 1, sender=STRANGER, value=PRICE + STAKE)
        never = platform.chain_time + 10_000 * DAY
        raw.do(CREATE, "a stranger's", PRICE, 1, never, sender=STRANGER, value=STAKE)
        platform.warp(2 * DAY)
        platform.create_event()
        yield platform
    node_process.revert(snapshot)


@pytest.fixture
def raw(platform: Mayhouse) -> Iterator[RawContract]:
    """The contract without guards; what a test does to the chain is undone after it."""
    unguarded = RawContract(platform.node, platform.contract)
    with undone(unguarded):
        yield unguarded


@contextmanager
def undone(raw: RawContract) -> Iterator[None]:
    """Put the chain back to where it was, so that the command meets the same state."""
    snapshot = raw.node.snapshot()
    yield
    raw.node.revert(snapshot)


def refused(platform: Mayhouse, *words: str, code: int = 6, **changes: str) -> dict[str, Any]:
    """Run a command that must be refused before anything is signed; gives its error."""
    before = _traces(platform)
    run = platform.json(*words, **changes)
    assert run.code == code, run
    assert _traces(platform) == before
    assert run.error["message"]
    assert run.error["hint"]
    assert not run.error["message"].endswith("0x")  # a bare revert says nothing
    return run.error


def _traces(platform: Mayhouse) -> tuple[int, int]:
    return platform.transactions_sent(), len(platform.rows("SELECT FROM mayhouse.transactions"))


def status_of(raw: RawContract, booking: int) -> int:
    """A booking's status on chain."""
    ((*_, status, _),) = raw.view("getBooking(uint256)", booking, returns=[BOOKING])
    return int(status)


def complete(*more: str) -> list[str]:
    """Give the words that complete the event that has begun."""
    return ["event", "complete", str(BEGUN), *more, "-y"]


def create(platform: Mayhouse, *more: str, price: str = "2500", starts_at: str = "") -> list[str]:
    """Give the words that create an event."""
    words = ["event", "create", "--experience", EXPERIENCE_ID, "--price-inr", price]
    return [*words, "--starts-at", starts_at or platform.starts_in(), "-y", *more]


# --- escrow -----------------------------------------------------------------------------


def test_a_withdrawal_takes_no_live_escrow(platform: Mayhouse, raw: RawContract) -> None:
    """The contract would send all it holds; the command refuses while anything is owed."""
    held = raw.balance
    with undone(raw):
        raw.do("withdrawPlatformFees()", sender=PLATFORM)
        assert raw.balance == 0
    error = refused(platform, "contract", "withdraw", "-y")
    assert error["details"]["liabilities_wei"] == str(held)


def test_a_drained_escrow_is_named_by_what_is_missing(platform: Mayhouse, raw: RawContract) -> None:
    """A completion would revert without a reason; the command says how much must come back."""
    raw.do("emergencyWithdraw()", sender=PLATFORM)
    assert raw.refusal(COMPLETE, BEGUN, [OURS, OURS_TOO], sender=PLATFORM) == BARE
    error = refused(platform, *complete("--all-attended", "--no-show", str(FOREIGN)))
    paid = 3 * PRICE * 95 // 100 + 2 * STAKE + 4 * STAKE
    assert error["details"]["shortfall_wei"] == str(paid)
    assert "escrow was withdrawn" in error["hint"]


# --- strangers --------------------------------------------------------------------------


def test_a_strangers_booking_is_not_left_out_by_silence(
    platform: Mayhouse, raw: RawContract
) -> None:
    """Left out of the list it loses its stake; the command lists what nobody decided about."""
    with undone(raw):
        raw.do(COMPLETE, BEGUN, [OURS, OURS_TOO], sender=PLATFORM)
        assert status_of(raw, FOREIGN) == NO_SHOW
    error = refused(platform, *complete("--attended", f"{OURS},{OURS_TOO}"))
    assert error["details"]["chain_booking_ids"] == [FOREIGN]


def test_a_strangers_event_is_shown_as_foreign(platform: Mayhouse, raw: RawContract) -> None:
    """It can never be ended, and stands among ours; the command says whose it is not."""
    refusal = raw.refusal(COMPLETE, STRANGERS, [], sender=PLATFORM)
    assert refusal == "Event has not occurred yet"
    shown = platform.json("event", "show", str(STRANGERS)).data
    assert (shown["foreign"], shown["on_chain"]["host"]) == (True, STRANGER)


# --- who may sign -----------------------------------------------------------------------


def test_only_the_owners_key_sets_the_fee(platform: Mayhouse, raw: RawContract) -> None:
    """Ownership cannot move: another signer is told whose key it takes."""
    assert raw.refusal("transferOwnership(address)", STRANGER, sender=PLATFORM) == BARE
    words = ("contract", "set-fee", "6", "-y")
    error = refused(platform, *words, PLATFORM_PRIVATE_KEY=OTHER_KEY)
    assert error["details"]["owner"] == PLATFORM


def test_only_the_host_cancels(platform: Mayhouse, raw: RawContract) -> None:
    """Not even the owner can; the command says who must sign."""
    assert raw.refusal(CANCEL, STRANGERS, sender=PLATFORM) == "Only host can call this"
    words = ("event", "cancel", str(STRANGERS), "--reason", "rain", "--plan")
    assert STRANGER in refused(platform, *words)["message"]


# --- attendance -------------------------------------------------------------------------


def test_an_empty_list_forfeits_nothing_by_accident(platform: Mayhouse, raw: RawContract) -> None:
    """The empty list takes every stake; the command wants that said in so many words."""
    everyone = (OURS, OURS_TOO, FOREIGN)
    with undone(raw):
        raw.do(COMPLETE, BEGUN, [], sender=PLATFORM)
        assert {status_of(raw, each) for each in everyone} == {NO_SHOW}
    words = complete("--all-attended", "--no-show", "1,2,3")
    assert "--nobody-attended" in refused(platform, *words)["hint"]


@pytest.mark.parametrize(
    ("numbers", "reason", "code"),
    [
        pytest.param([OURS, OURS], "Booking not active", 2, id="twice"),
        pytest.param([999], "Booking not for this event", 6, id="unknown"),
    ],
)
def test_wrong_bookings_are_named(
    platform: Mayhouse, raw: RawContract, numbers: list[int], reason: str, code: int
) -> None:
    """One wrong number reverts the completion of all; the command names it."""
    assert raw.refusal(COMPLETE, BEGUN, numbers, sender=PLATFORM) == reason
    words = complete("--attended", ",".join(map(str, numbers)), "--no-show", "3")
    assert f"Booking {numbers[0]} " in refused(platform, *words, code=code)["message"]


def test_a_wrong_row_of_a_file_is_named(platform: Mayhouse, raw: RawContract) -> None:
    """Number 0 belongs to no booking; the command names the row of the file."""
    refusal = raw.refusal(COMPLETE, BEGUN, [0], sender=PLATFORM)
    assert refusal == "Booking not for this event"
    (platform.folder / "came.csv").write_text("booking,attended\n1,yes\n2,yes\n3,no\n0,yes\n")
    error = refused(platform, *complete("--attendance", "came.csv"))
    assert "line 5" in error["message"]


# --- payees -----------------------------------------------------------------------------


@pytest.mark.parametrize("is_delegated", [False, True], ids=["a contract", "delegated"])
def test_a_payee_with_code_is_named(
    platform: Mayhouse, raw: RawContract, *, is_delegated: bool
) -> None:
    """One payee that does more than accept stops everyone's payment; the command names it."""
    elsewhere = "0x" + "c0de" * 10
    code = "0xef0100" + elsewhere.removeprefix("0x") if is_delegated else STORING
    raw.node.rpc("anvil_setCode", elsewhere, STORING)
    raw.node.rpc("anvil_setCode", STRANGER, code)
    everyone = [OURS, OURS_TOO, FOREIGN]
    assert raw.refusal(COMPLETE, BEGUN, everyone, sender=PLATFORM) == BARE
    error = refused(platform, *complete("--attended", "1,2,3"))
    assert error["details"]["payee"] == STRANGER


def test_a_host_with_code_is_refused_at_creation(platform: Mayhouse, raw: RawContract) -> None:
    """A transfer of 2300 gas to such a wallet fails; the command names the host."""
    host = "0x" + "c0de" * 10
    raw.node.rpc("anvil_setCode", host, STORING)
    receipt = raw.node.transact(
        {"from": PLATFORM, "to": host, "value": "0x1", "gas": hex(21_000 + 2_300)}
    )
    assert receipt["status"] == "0x0"
    error = refused(platform, *create(platform, "--seats", "4", "--host-wallet", host))
    assert "Asha Host" in error["message"]


# --- prices -----------------------------------------------------------------------------


def test_a_booking_never_overpays(mayhouse: Mayhouse) -> None:
    """What is paid too much is kept; the command sends what the contract's own view says."""
    event = mayhouse.create_event()["chain_event_id"]
    raw = RawContract(mayhouse.node, mayhouse.contract)
    *_, total = raw.view(COST, event, 2, returns=["uint256"] * 3)
    before = raw.balance
    with undone(raw):
        booking = raw.number_made(raw.do(BOOK, event, 2, sender=STRANGER, value=total + 7))
        ((*_, payment, stake, _, _),) = raw.view("getBooking(uint256)", booking, returns=[BOOKING])
        assert (raw.balance - before, payment + stake) == (total + 7, total)
    mayhouse.book(event, CHITRA, 2)
    assert raw.balance - before == total


def test_a_stake_that_changed_since_the_quote_is_refused(
    platform: Mayhouse, raw: RawContract
) -> None:
    """With the quoted sum too much would be paid and kept; the command wants a new quote."""
    quote = platform.json("booking", "quote", str(OPEN), "--seats", "1").data
    raw.do("updateStakePercentage(uint256)", 10, sender=PLATFORM)
    with undone(raw):
        before = raw.balance
        raw.do(BOOK, OPEN, 1, sender=STRANGER, value=int(quote["total_wei"]))
        *_, total = raw.view(COST, OPEN, 1, returns=["uint256"] * 3)
        assert raw.balance - before == total + PRICE // 10
    error = refused(
        platform, "booking", "create", str(OPEN), "--seats", "1", "--traveler", ASHA, "-y"
    )
    assert "booking quote" in error["hint"]


def test_a_fee_that_changed_since_the_plan_is_refused(platform: Mayhouse, raw: RawContract) -> None:
    """The fee is read at completion, so the host would get less; the plan names what moved."""
    lists = ("--attended", "1,2", "--no-show", "3", "--plan")
    plan = platform.json("event", "complete", str(BEGUN), *lists).data
    raw.do("updatePlatformFee(uint256)", 10, sender=PLATFORM)
    with undone(raw):
        before = raw.balance
        raw.do(COMPLETE, BEGUN, [OURS, OURS_TOO], sender=PLATFORM)
        paid = before - raw.balance - 2 * STAKE - 4 * STAKE
        assert paid == 3 * PRICE * 9 // 10 < int(plan["host_payout_wei"])
    error = refused(platform, "event", "complete", str(BEGUN), "--execute", plan["plan_hash"])
    assert error["details"]["moved"] == ["fee_percent"]


def test_a_start_in_milliseconds_is_refused(platform: Mayhouse, raw: RawContract) -> None:
    """On chain it is an event in fifty thousand years; the command names the unit."""
    start = (platform.chain_time + DAY) * 1000
    with undone(raw):
        created = raw.do(CREATE, "x", PRICE, 1, start, sender=PLATFORM, value=STAKE)
        event = raw.number_made(created)
        refusal = raw.refusal(COMPLETE, event, [], sender=PLATFORM)
        assert refusal == "Event has not occurred yet"
    words = create(platform, "--seats", "1", starts_at=str(start))
    assert "milliseconds" in refused(platform, *words, code=2)["message"]


def test_an_event_without_a_stake_is_refused(platform: Mayhouse, raw: RawContract) -> None:
    """The contract takes an event whose stake is rounded to nothing; the command does not."""
    raw.do("updateStakePercentage(uint256)", 0, sender=PLATFORM)
    with undone(raw):
        soon = platform.chain_time + DAY
        raw.do(CREATE, "x", 4, 1, soon, sender=PLATFORM, value=0)
    error = refused(platform, *create(platform, "--seats", "4"))
    assert "no stake" in error["message"]


# --- addresses and numbers --------------------------------------------------------------


def test_a_sibling_contract_is_refused(platform: Mayhouse, raw: RawContract) -> None:
    """Owner and percentages read as ours; the probe tells that it is another contract."""
    sibling = RawContract(platform.node, "0x" + "51b11e" + "00" * 17)
    raw.node.rpc("anvil_setCode", sibling.address, SIBLING)
    assert sibling.view("stakePercentage()", returns=["uint256"]) == (20,)
    words = create(platform, "--seats", "4")
    error = refused(platform, *words, code=3, CONTRACT_ADDRESS=sibling.address)
    assert error["code"] == "wrong_contract"


def test_an_unknown_number_is_no_event(platform: Mayhouse, raw: RawContract) -> None:
    """The contract answers with zeros; the command says that it knows no such event."""
    ((number, host, *_),) = raw.view("getEventRun(uint256)", 999, returns=[EVENT_RUN])
    assert (number, int(host, 16)) == (0, 0)
    error = refused(platform, "event", "show", "999")
    assert (error["code"], error["message"]) == ("not_found", "The contract knows no event 999")


def test_a_number_that_a_reorg_gave_away_is_not_paid(mayhouse: Mayhouse) -> None:
    """After a reorg the same bytes would pay a stranger; the command looks at the host first."""
    event = mayhouse.create_event()["chain_event_id"]
    raw = RawContract(mayhouse.node, mayhouse.contract)
    soon = mayhouse.chain_time + DAY
    rival = {
        "chainId": 31337,
        "nonce": int(raw.node.rpc("eth_getTransactionCount", STRANGER, "latest"), 16),
        "to": raw.address,
        "value": 4 * STAKE,
        "data": calldata(CREATE, "a stranger's", PRICE, 4, soon),
        "gas": 500_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
    }
    signed = Account.sign_transaction(rival, STRANGER_KEY)
    raw.node.reorg(1, "0x" + bytes(signed.raw_transaction).hex())
    ((_, host, *_),) = raw.view("getEventRun(uint256)", event, returns=[EVENT_RUN])
    assert host == STRANGER.lower()
    with undone(raw):
        raw.do(BOOK, event, 1, sender=PLATFORM, value=PRICE + STAKE)
    words = ("booking", "create", str(event), "--seats", "1", "--traveler", ASHA, "-y")
    assert STRANGER in refused(mayhouse, *words)["message"]


# --- size -------------------------------------------------------------------------------


def test_more_seats_than_can_be_completed_are_refused(platform: Mayhouse, raw: RawContract) -> None:
    """400 bookings need more gas than a transaction may have; so many seats are not offered."""
    soon = platform.chain_time + DAY
    event = raw.number_made(raw.do(CREATE, "x", 1000, 400, soon, sender=PLATFORM, value=80_000))
    raw.node.rpc("anvil_setBlockGasLimit", hex(400 * 400_000))
    raw.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - as the node takes it
    booking = {"from": STRANGER, "to": raw.address, "value": hex(1200), "gas": hex(400_000)}
    for _ in range(400):
        raw.node.rpc("eth_sendTransaction", {**booking, "data": calldata(BOOK, event, 1)})
    raw.node.rpc("evm_mine")
    raw.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    platform.warp(2 * DAY)
    everyone = list(range(FOREIGN + 1, FOREIGN + 401))
    receipt = raw.send(COMPLETE, event, everyone, sender=PLATFORM)
    assert (receipt["status"], int(receipt["gasUsed"], 16)) == ("0x0", MOST_GAS)
    error = refused(platform, *create(platform, "--seats", "400"))
    assert "--allow-large" in error["hint"]
    named = ",".join(map(str, everyone))
    error = refused(platform, "event", "complete", str(event), "--attended", named, "-y")
    assert "gas" in error["message"]
