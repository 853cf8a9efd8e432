"""The contract's own settings: shown, changed by its owner alone, and what it earned withdrawn."""

from typing import Any, Final

import pytest

from tests.mayhouse import PLATFORM, Mayhouse
from tests.raw_contract import RawContract, calldata
from tests.terminal import Terminal

PRICE: Final = 12_500_000_000_000_000  # 2,500 INR at 200,000 INR/ETH
STAKE: Final = PRICE // 5
DAY: Final = 86_400
# anvil's sixth development account, unlocked as all of them are.
STRANGER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"

CREATE: Final = "createEventRun(string,uint256,uint256,uint256)"
BOOK: Final = "bookEvent(uint256,uint256)"
COMPLETE: Final = "completeEvent(uint256,uint256[])"


@pytest.fixture
def raw(mayhouse: Mayhouse) -> RawContract:
    """The same contract without guards: to make events and bookings without the script."""
    return RawContract(mayhouse.node, mayhouse.contract)


def open_event(mayhouse: Mayhouse, raw: RawContract, host: str = PLATFORM) -> int:
    """Make an event of one seat, and give its number."""
    start = mayhouse.chain_time + DAY
    return raw.number_made(raw.do(CREATE, "x", PRICE, 1, start, sender=host, value=STAKE))


def booked_event(mayhouse: Mayhouse, raw: RawContract) -> tuple[int, int]:
    """Make an event of ours with one booking of ours, and give both numbers."""
    event = open_event(mayhouse, raw)
    receipt = raw.do(BOOK, event, 1, sender=PLATFORM, value=PRICE + STAKE)
    return event, raw.number_made(receipt)


def completed_event(mayhouse: Mayhouse, raw: RawContract) -> None:
    """Leave the fee of one booking in the contract."""
    event, booking = booked_event(mayhouse, raw)
    mayhouse.warp(2 * DAY)
    raw.do(COMPLETE, event, [booking], sender=PLATFORM)


def fee_of(raw: RawContract) -> int:
    """The fee percentage on chain."""
    (percent,) = raw.view("platformFeePercentage()", returns=["uint256"])
    return int(percent)


def logged(mayhouse: Mayhouse) -> list[dict[str, Any]]:
    """The operators' log, oldest first."""
    return mayhouse.rows(
        "SELECT command, arguments, before, after, transaction_id FROM mayhouse.operator_log"
        " ORDER BY id"
    )


# --- show -------------------------------------------------------------------------------


def test_show_tells_owner_percentages_and_escrow(mayhouse: Mayhouse, raw: RawContract) -> None:
    """What the contract holds, owes and has left over, to the wei, of us and of strangers."""
    before = mayhouse.json("contract", "show").data
    booked_event(mayhouse, raw)
    open_event(mayhouse, raw, STRANGER)
    mayhouse.node.transact({"from": STRANGER, "to": raw.address, "value": "0x7"})
    data = mayhouse.json("contract", "show").data
    assert (data["address"], data["chain_id"], data["code_present"]) == (raw.address, 31337, True)
    assert (data["owner"], data["signer"], data["signer_is_owner"]) == (PLATFORM, PLATFORM, True)
    assert (data["fee_percent"], data["stake_percent"]) == (5, 20)
    assert (data["events"] - before["events"], data["bookings"] - before["bookings"]) == (2, 1)
    assert data["open_events"] == 2
    owed = PRICE + 3 * STAKE
    assert (data["liabilities_wei"], data["foreign_liabilities_wei"]) == (str(owed), str(STAKE))
    assert (data["balance_wei"], data["surplus_wei"]) == (str(owed + 7), "7")
    assert data["unattributed_wei"] == "7"


def test_show_needs_no_wallet(mayhouse: Mayhouse) -> None:
    """Reading takes no key; the owner is named all the same."""
    run = mayhouse.run("contract", "show", PLATFORM_PRIVATE_KEY="")
    assert run.code == 0
    assert f"{PLATFORM}, nobody signs here" in " ".join(run.out.split())


# --- percentages ------------------------------------------------------------------------


def test_a_fee_is_set_once_and_can_be_set_again(mayhouse: Mayhouse, raw: RawContract) -> None:
    """The value it has already is not sent; after another one it can be set again."""
    first = mayhouse.json("contract", "set-fee", "6", "-y").data
    assert (first["percent_before"], first["percent_now"], first["status"]) == (5, 6, "confirmed")
    sent = mayhouse.transactions_sent()
    same = mayhouse.json("contract", "set-fee", "6", "-y").data
    assert (same["status"], same["tx_hash"], mayhouse.transactions_sent()) == (
        "unchanged", None, sent,
    )  # fmt: skip
    mayhouse.json("contract", "set-fee", "5", "-y")
    assert mayhouse.json("contract", "set-fee", "6", "-y").data["percent_now"] == 6
    assert fee_of(raw) == 6


def test_a_change_is_logged_with_before_and_after(mayhouse: Mayhouse) -> None:
    """One row is written with the record, one with the value that was read after it."""
    data = mayhouse.json("contract", "set-stake", "25", "-y").data
    recorded, confirmed = logged(mayhouse)
    assert recorded["command"] == confirmed["command"] == "contract.set-stake"
    assert recorded["arguments"]["percent"] == 25
    assert (recorded["before"]["percent_before"], recorded["after"]) == (20, None)
    assert (confirmed["before"], confirmed["after"]["percent"]) == ({"percent": 20}, 25)
    assert {str(row["transaction_id"]) for row in (recorded, confirmed)} == {data["transaction_id"]}


def test_a_fee_of_open_events_takes_their_number(mayhouse: Mayhouse, raw: RawContract) -> None:
    """The hosts' payouts are listed before and after; --yes alone and a wrong number decline."""
    event, _ = booked_event(mayhouse, raw)
    open_event(mayhouse, raw)  # nobody booked: its payout stays zero
    (payout,) = mayhouse.json("contract", "set-fee", "7", "--dry-run").data["payouts"]
    assert (payout["chain_event_id"], payout["active_bookings"]) == (event, 1)
    assert payout["payout_before_wei"] == str(PRICE * 95 // 100)
    assert payout["payout_after_wei"] == str(PRICE * 93 // 100)
    assert (payout["payout_before_inr"], payout["payout_after_inr"]) == ("2375.00", "2325.00")
    alone = mayhouse.json("contract", "set-fee", "7", "-y")
    assert (alone.code, "--open-events" in alone.error["hint"]) == (4, True)
    wrong = mayhouse.json("contract", "set-fee", "7", "-y", "--open-events", "2")
    assert (wrong.code, wrong.error["details"]) == (4, {"open_events": 1})
    assert fee_of(raw) == 5
    words = ("contract", "set-fee", "7", "-y", "--open-events", "1", "--idempotency-key", "seven")
    done = mayhouse.json(*words).data
    assert (fee_of(raw), done["payouts"]) == (7, [payout])
    again = mayhouse.json(*words).data
    assert again == {**done, "percent_now": None}


@pytest.mark.parametrize(("typed", "code", "fee"), [("1", 0, 7), ("y", 4, 5)])
def test_the_number_of_open_events_is_typed_at_a_terminal(
    mayhouse: Mayhouse, raw: RawContract, typed: str, code: int, fee: int
) -> None:
    """A habitual "y" takes no money from a host."""
    booked_event(mayhouse, raw)
    words = ("contract", "set-fee", "7", "--yes")
    with Terminal(*words, env=mayhouse.environment, cwd=mayhouse.folder) as terminal:
        terminal.expect("Type 1 to sign and send:")
        terminal.type(typed)
        assert terminal.finish() == code
    assert fee_of(raw) == fee


def test_a_stake_tells_what_it_changes(mayhouse: Mayhouse, raw: RawContract) -> None:
    """Stakes of bookings to come, and quotes that will have to be made again."""
    event = mayhouse.create_event()
    number = event["chain_event_id"]
    mayhouse.json("booking", "quote", str(number), "--seats", "1")
    data = mayhouse.json("contract", "set-stake", "10", "--dry-run").data
    (stake,) = data["stakes"]
    assert (stake["chain_event_id"], stake["stake_of"]) == (number, "a seat")
    stakes = (stake["stake_before_wei"], stake["stake_after_wei"])
    assert stakes == (str(STAKE), str(PRICE // 10))
    (quote,) = data["drifting_quotes"]
    assert (quote["chain_event_id"], quote["event_id"]) == (number, event["event_id"])
    assert raw.view("stakePercentage()", returns=["uint256"]) == (20,)


def test_a_change_on_its_way_is_not_sent_twice(mayhouse: Mayhouse, raw: RawContract) -> None:
    """Twice in a row is one transaction, and nothing else of the owner's is sent meanwhile."""
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - as the node takes it
    try:
        sent = mayhouse.json("contract", "set-fee", "6", "-y", "--no-wait").data
        again = mayhouse.json("contract", "set-fee", "6", "-y", "--no-wait")
        other = mayhouse.json("contract", "withdraw", "-y")
    finally:
        mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    for run in (again, other):
        assert (run.code, run.error["details"]["tx_hash"]) == (7, sent["tx_hash"])
    mayhouse.node.rpc("evm_mine")
    assert mayhouse.json("tx", "resume").data["finished"] == 1
    assert fee_of(raw) == 6


# --- withdraw ---------------------------------------------------------------------------


def test_a_withdrawal_takes_the_whole_balance(mayhouse: Mayhouse, raw: RawContract) -> None:
    """By withdrawPlatformFees, with what was there before and after in the operators' log."""
    completed_event(mayhouse, raw)
    fee = PRICE * 5 // 100
    data = mayhouse.json("contract", "withdraw", "-y").data
    assert (data["withdrawn_wei"], data["surplus_wei"]) == (str(fee), str(fee))
    assert (data["balance_after_wei"], data["shortfall_after_wei"]) == ("0", "0")
    assert raw.balance == 0
    row = mayhouse.row("SELECT calldata, kind FROM mayhouse.transactions")
    assert ("0x" + row["calldata"].hex(), row["kind"]) == (
        calldata("withdrawPlatformFees()"), "withdraw",
    )  # fmt: skip
    after = logged(mayhouse)[-1]
    assert after["command"] == "contract.withdraw"
    assert (after["before"]["balance_wei"], after["after"]["balance_wei"]) == (str(fee), "0")


def test_what_strangers_are_owed_is_accepted_by_its_wei(
    mayhouse: Mayhouse, raw: RawContract
) -> None:
    """--yes is not enough; what is missing afterwards is told."""
    completed_event(mayhouse, raw)
    open_event(mayhouse, raw, STRANGER)
    alone = mayhouse.json("contract", "withdraw", "-y")
    assert (alone.code, str(STAKE) in alone.error["message"]) == (4, True)
    assert raw.balance > STAKE
    exact = mayhouse.json("contract", "withdraw", "-y", "--accept-foreign-wei", str(STAKE))
    assert exact.data["shortfall_after_wei"] == str(STAKE)
    assert (raw.balance, exact.document["warnings"]) == (0, [])


def test_what_we_owe_cannot_be_accepted(mayhouse: Mayhouse, raw: RawContract) -> None:
    """Our own bookings' money never goes along, whatever is typed."""
    completed_event(mayhouse, raw)
    booked_event(mayhouse, raw)
    owed = str(PRICE + 2 * STAKE)
    run = mayhouse.json("contract", "withdraw", "-y", "--accept-foreign-wei", owed)
    assert (run.code, run.error["details"]["liabilities_wei"]) == (6, owed)


def test_nothing_is_withdrawn_where_nothing_is_left(mayhouse: Mayhouse, raw: RawContract) -> None:
    """An empty contract, or one that owes all it holds, has no surplus."""
    open_event(mayhouse, raw, STRANGER)
    run = mayhouse.json("contract", "withdraw", "-y", "--accept-foreign-wei", str(STAKE))
    assert (run.code, "no surplus" in run.error["message"]) == (6, True)
