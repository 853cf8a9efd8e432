"""`balance topup`: the treasury fills the platform's wallet up, each shortage once."""

import signal
from typing import Any, Final

import pytest

from mayhouse_cli.keystore import Keystore
from tests.faults import processes
from tests.faults.crashing import act_at
from tests.faults.gates import closed_gate, pass_gate, stop_at, wait_until_stopped
from tests.faults.processes import Child
from tests.mayhouse import PLATFORM, Mayhouse, Run

# anvil's second development account, whose key its documentation prints: worth nothing.
TREASURY: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TREASURY_KEY: Final = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
# And the third.
ANOTHER_KEY: Final = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
PASSWORD: Final = "spare the treasury"
ETH: Final = 10**18
WARNING: Final = ETH // 5
LIGHT_SCRYPT_N: Final = 4_096
TOPUP: Final = ("balance", "topup", "-y")
BEFORE_THE_LOCK: Final = "before PostgresJournal.lock"


@pytest.fixture
def topped(mayhouse: Mayhouse) -> Mayhouse:
    """A platform that has 0.1 ETH, warned below 0.2 and filled up to 1, at most 1.5 a day."""
    keys = mayhouse.folder / "keystore"
    Keystore(keys, LIGHT_SCRYPT_N).add_key("treasury", bytes.fromhex(TREASURY_KEY), PASSWORD)
    mayhouse.settings = {
        "MAYHOUSE_KEYSTORE_DIR": str(keys),
        "MAYHOUSE_TREASURY_WALLET": "treasury",
        "MAYHOUSE_TREASURY_PASSWORD": PASSWORD,
        "MAYHOUSE_TOPUP_TARGET_ETH": "1",
        "MAYHOUSE_TOPUP_DAILY_CAP_ETH": "1.5",
    }
    have(mayhouse, ETH // 10)
    return mayhouse


def have(mayhouse: Mayhouse, wei: int, wallet: str = PLATFORM) -> None:
    """Give a wallet just this balance."""
    mayhouse.node.rpc("anvil_setBalance", wallet, hex(wei))


def balance(mayhouse: Mayhouse, wallet: str = PLATFORM) -> int:
    """What a wallet has, in wei."""
    return int(mayhouse.node.rpc("eth_getBalance", wallet, "latest"), 16)


def sent(mayhouse: Mayhouse) -> int:
    """How many transactions the treasury has sent."""
    return int(mayhouse.node.rpc("eth_getTransactionCount", TREASURY, "latest"), 16)


def start(mayhouse: Mayhouse, *words: str, **held: Any) -> Child:  # noqa: ANN401 a prepare's own
    """Start a command in a process that has imported it all."""
    env = mayhouse.environment
    return processes.start(*words, "--json", env=env, folder=mayhouse.folder, **held)


def run(mayhouse: Mayhouse, *words: str) -> Run:
    """Run it to its end."""
    return start(mayhouse, *words).wait()


# --- one run ----------------------------------------------------------------------------


def test_below_the_warning_it_is_filled_up_to_the_target(topped: Mayhouse) -> None:
    """To the wei, the treasury paying the gas; the database stays bound to the platform."""
    before = balance(topped, TREASURY)
    told = topped.run(*TOPUP)
    assert told.code == 0, told.err
    assert "Topped up in block" in told.out
    kept = topped.row("SELECT * FROM mayhouse.transactions")
    assert (balance(topped), int(kept["value_wei"])) == (ETH, ETH * 9 // 10)
    assert before - balance(topped, TREASURY) == kept["value_wei"] + kept["fee_wei"]
    assert (kept["sender"], kept["recipient"], kept["kind"]) == (TREASURY, PLATFORM, "transfer")
    assert topped.row("SELECT sender FROM mayhouse.installation")["sender"] == PLATFORM
    logged = topped.row("SELECT command, before FROM mayhouse.operator_log")
    assert logged["command"] == "balance.topup"
    assert logged["before"]["balance_wei"] == str(ETH // 10)


def test_the_platforms_key_need_not_be_there(topped: Mayhouse) -> None:
    """A machine that holds the treasury alone knows the platform by its address."""
    del topped.settings["MAYHOUSE_TREASURY_PASSWORD"]
    secret = topped.folder / "treasury_password"
    secret.touch(mode=0o600)
    secret.write_text(f"{PASSWORD}\n")
    topped.settings |= {
        "PLATFORM_PRIVATE_KEY": "",
        "MAYHOUSE_PLATFORM_ADDRESS": PLATFORM,
        "CREDENTIALS_DIRECTORY": str(topped.folder),
    }
    assert run(topped, *TOPUP).data["status"] == "confirmed"
    assert balance(topped) == ETH


@pytest.mark.parametrize(("short_by", "needed"), [(0, False), (1, True)], ids=["at it", "below"])
def test_the_threshold_is_the_warnings(topped: Mayhouse, short_by: int, needed: bool) -> None:  # noqa: FBT001 a case of the table
    """A wei below it is topped up; at it there is nothing to do, which needs no password."""
    del topped.settings["MAYHOUSE_TREASURY_PASSWORD"]
    have(topped, WARNING - short_by)
    data = run(topped, "balance", "topup", "--dry-run").data
    told = "planned" if needed else "not_needed"
    assert (data["needed"], data["status"]) == (needed, told)
    assert int(data["amount_wei"]) == (ETH - WARNING + 1 if needed else 0)
    assert sent(topped) == 0


def test_nothing_to_do_is_said(topped: Mayhouse) -> None:
    """Exit 0, without consent, and nothing is sent."""
    have(topped, ETH)
    told = topped.run("balance", "topup")
    assert told.code == 0, told.err
    assert "Nothing to do" in told.out
    assert sent(topped) == 0


def test_it_needs_consent(topped: Mayhouse) -> None:
    """From cron it takes --yes."""
    assert run(topped, "balance", "topup").code == 4
    assert sent(topped) == 0


def test_mainnet_needs_its_own_word(topped: Mayhouse) -> None:
    """Exit 3 names --mainnet."""
    topped.settings["CHAIN_ID"] = "1"
    refused = run(topped, *TOPUP)
    assert refused.code == 3
    assert "--mainnet" in refused.error["hint"]


def test_a_poor_treasury_is_refused_with_the_shortfall(topped: Mayhouse) -> None:
    """Exit 6; nothing is signed."""
    have(topped, ETH // 2, TREASURY)
    refused = run(topped, *TOPUP)
    assert (refused.code, refused.error["code"]) == (6, "insufficient_funds")
    assert TREASURY in refused.error["message"]
    assert int(refused.error["details"]["shortfall_wei"]) > ETH * 4 // 10
    assert topped.rows("SELECT FROM mayhouse.transactions") == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"MAYHOUSE_TREASURY_WALLET": ""}, "treasury_wallet"),
        ({"MAYHOUSE_TREASURY_WALLET": "purse"}, "purse"),
        ({"MAYHOUSE_TOPUP_TARGET_ETH": ""}, "topup_target_eth"),
        ({"MAYHOUSE_TOPUP_TARGET_ETH": "0.19"}, "balance_warning_eth"),
        ({"MAYHOUSE_TREASURY_PASSWORD": "wrong"}, "password"),
        ({"MAYHOUSE_TREASURY_ADDRESS": PLATFORM}, "treasury_address"),
        ({"MAYHOUSE_PLATFORM_ADDRESS": TREASURY, "PLATFORM_PRIVATE_KEY": ""}, "own wallet"),
    ],
    ids=["no wallet", "no keystore", "no target", "low target", "password", "address", "itself"],
)
def test_a_wrong_configuration_is_told(
    topped: Mayhouse, settings: dict[str, str], told: str
) -> None:
    """Exit 3, and the setting is named."""
    topped.settings |= settings
    refused = run(topped, *TOPUP)
    assert refused.code == 3
    assert told in refused.error["message"]
    assert sent(topped) == 0


def test_a_wallet_that_the_database_does_not_serve_is_not_filled(topped: Mayhouse) -> None:
    """Another platform's key in the environment: wrong chain, exit 3."""
    assert run(topped, *TOPUP).code == 0
    topped.settings["PLATFORM_PRIVATE_KEY"] = ANOTHER_KEY
    have(topped, 0, "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
    assert run(topped, *TOPUP).code == 3
    assert sent(topped) == 1


# --- several runs -----------------------------------------------------------------------


def test_what_is_on_its_way_counts_as_balance(topped: Mayhouse) -> None:
    """A second run while the first one's transfer waits sends nothing."""
    topped.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
    try:
        first = run(topped, *TOPUP, "--no-wait").data
        again = run(topped, *TOPUP).data
    finally:
        topped.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
        topped.node.rpc("evm_mine")
    assert (first["status"], again["status"]) == ("sent", "not_needed")
    assert again["on_its_way_wei"] == first["amount_wei"]
    assert run(topped, *TOPUP).data["on_its_way_wei"] == "0"
    assert (balance(topped), sent(topped)) == (ETH, 1)


def test_two_runs_that_saw_the_same_shortage_send_once(topped: Mayhouse) -> None:
    """One is stopped between its look and the lock; it gives the other one's transfer."""
    sleeper = start(topped, *TOPUP, prepare=stop_at, arguments=(BEFORE_THE_LOCK,))
    wait_until_stopped(sleeper)
    quick = run(topped, *TOPUP).data
    sleeper.kill(signal.SIGCONT)
    assert sleeper.wait().data["tx_hash"] == quick["tx_hash"]
    assert (balance(topped), sent(topped)) == (ETH, 1)


def test_cron_jobs_at_once_send_once(topped: Mayhouse) -> None:
    """Three at one moment: all end well, one transfer is made."""
    gate = topped.folder / "gate"
    with closed_gate(gate):
        runs = [start(topped, *TOPUP, prepare=pass_gate, arguments=(gate,)) for _ in range(3)]
    assert [one.wait().code for one in runs] == [0, 0, 0]
    assert (balance(topped), sent(topped)) == (ETH, 1)


def test_a_days_top_ups_stay_within_their_cap(topped: Mayhouse) -> None:
    """The second gets what the cap leaves, with a warning; the third exits 6."""
    assert int(run(topped, *TOPUP).data["amount_wei"]) == ETH * 9 // 10
    have(topped, 0)
    second = run(topped, *TOPUP)
    assert int(second.data["amount_wei"]) == ETH * 6 // 10
    assert "cap" in second.document["warnings"][0]
    have(topped, 0)
    third = run(topped, *TOPUP)
    assert (third.code, third.error["code"]) == (6, "refused")
    assert "1.5" in third.error["message"]
    day_ago = "UPDATE mayhouse.transactions SET created_at = created_at - interval '1 day'"
    topped.execute(day_ago)
    assert int(run(topped, *TOPUP).data["amount_wei"]) == ETH


# --- faults -----------------------------------------------------------------------------


def test_a_run_killed_before_it_sent_is_finished_by_resume(topped: Mayhouse) -> None:
    """`tx resume` needs no key of the treasury; no second transfer is made."""
    died = start(
        topped,
        *TOPUP,
        prepare=act_at,
        arguments=("before ContractClient.send", signal.raise_signal, signal.SIGKILL),
    )
    assert died.wait().code == -signal.SIGKILL
    assert run(topped, *TOPUP).data["status"] == "not_needed"
    del topped.settings["MAYHOUSE_TREASURY_WALLET"]
    assert run(topped, "tx", "resume").code == 0
    assert (balance(topped), sent(topped)) == (ETH, 1)


@pytest.mark.parametrize(("verb", "ended"), [("speedup", "confirmed"), ("cancel", "cancelled")])
def test_a_waiting_top_up_is_replaced_with_the_treasurys_key(
    topped: Mayhouse, verb: str, ended: str
) -> None:
    """And never with the platform's: without the treasury's it is refused."""
    before = topped.transactions_sent()
    topped.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
    try:
        name = run(topped, *TOPUP, "--no-wait").data["transaction_id"]
        wallet = topped.settings.pop("MAYHOUSE_TREASURY_WALLET")
        refused = run(topped, "tx", verb, name, "-y", "--no-wait")
        topped.settings["MAYHOUSE_TREASURY_WALLET"] = wallet
        replaced = run(topped, "tx", verb, name, "-y", "--no-wait").data
    finally:
        topped.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
        topped.node.rpc("evm_mine")
    assert refused.code == 6
    newest = replaced["attempts"][-1]["tx_hash"]
    assert topped.node.rpc("eth_getTransactionByHash", newest)["from"] == TREASURY.lower()
    run(topped, "tx", "resume")
    assert topped.row("SELECT status FROM mayhouse.transactions")["status"] == ended
    assert topped.transactions_sent() == before
