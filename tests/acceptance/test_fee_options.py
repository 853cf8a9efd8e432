"""What is paid for gas: waiting for a price, and how urgent it is; on a chain of its own."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chain_node import ChainNode
from tests.database_server import query
from tests.mayhouse import EXPERIENCE_ID, PLATFORM, SCRIPT, SEED, Mayhouse, deploy

GWEI = 10**9
WAIT = ("--wait-for-fee", "10", "--deadline")


@pytest.fixture(scope="module")
def priced_node() -> Iterator[ChainNode]:
    """A node whose prices are moved: an undone block does not undo the next one's price."""
    with ChainNode() as node:
        yield node


@pytest.fixture(scope="module")
def contract_there(priced_node: ChainNode) -> str:
    """The contract on that node."""
    return deploy(priced_node)


@pytest.fixture
def platform(
    priced_node: ChainNode, contract_there: str, database_url: str, folder: Path
) -> Mayhouse:
    """A platform on that node, where gas costs 50 gwei."""
    query(database_url, SEED)
    base_fee(priced_node, 50)
    return Mayhouse(priced_node, database_url, contract_there, folder)


def base_fee(node: ChainNode, gwei: int) -> None:
    """Mine a block of this price."""
    node.rpc("anvil_setNextBlockBaseFeePerGas", hex(gwei * GWEI))
    node.rpc("evm_mine")


def creation(platform: Mayhouse, *more: str) -> tuple[str, ...]:
    """The words that create an event."""
    return (
        *("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500"),
        *("--seats", "4", "--starts-at", platform.starts_in(), *more),
    )


@contextmanager
def waiting(platform: Mayhouse, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The script, once it says that it waits."""
    with subprocess.Popen(
        [SCRIPT, *words, "-v"],
        env=platform.environment,
        cwd=platform.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as script:
        try:
            assert script.stderr is not None
            for line in script.stderr:
                if "Waiting for gas at or below 10 gwei" in line:
                    yield script
                    return
            pytest.fail("the script never waited")
        finally:
            script.kill()


def nothing_signed(platform: Mayhouse, sent_before: int) -> bool:
    """Whether there is neither a record nor a transaction."""
    recorded = platform.rows("SELECT FROM mayhouse.transactions")
    return not recorded and platform.transactions_sent() == sent_before


def test_it_is_signed_once_a_block_is_cheap_enough(platform: Mayhouse) -> None:
    """At no more than the price, with the nonce and the state of then."""
    with waiting(platform, *creation(platform, *WAIT, "1h", "-y")) as script:
        base_fee(platform.node, 11)
        # The nonce that was free when the wait began is not free any more.
        platform.node.transact({"from": PLATFORM, "to": PLATFORM, "value": "0x1"})
        used = platform.transactions_sent()
        assert platform.rows("SELECT FROM mayhouse.transactions") == []
        base_fee(platform.node, 5)
        out, err = script.communicate(timeout=60)
    assert script.returncode == 0, err
    assert "created" in out
    made = platform.row(
        "SELECT t.nonce, t.status, a.max_fee_per_gas_wei AS max_fee FROM mayhouse.transactions t"
        " JOIN mayhouse.attempts a ON a.transaction_id = t.id"
    )
    assert (made["nonce"], made["status"]) == (used, "confirmed")
    assert 5 * GWEI < made["max_fee"] <= 10 * GWEI


def test_the_deadline_ends_the_wait_with_nothing_signed(platform: Mayhouse) -> None:
    """Exit 5: later it may be cheaper, and running it again is safe."""
    sent = platform.transactions_sent()
    result = platform.json(*creation(platform, *WAIT, "1s", "-y"))
    assert (result.code, result.error["code"]) == (5, "fee_wait")
    assert result.error["retryable"]
    assert nothing_signed(platform, sent)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait_with_nothing_signed(
    platform: Mayhouse, number: int, code: int
) -> None:
    """And says so, since there is nothing to resume."""
    sent = platform.transactions_sent()
    with waiting(platform, *creation(platform, *WAIT, "1h", "-y")) as script:
        script.send_signal(number)
        _, err = script.communicate(timeout=30)
    assert script.returncode == code
    assert "nothing was signed" in err
    assert nothing_signed(platform, sent)


def test_a_mistake_is_told_before_the_wait(platform: Mayhouse) -> None:
    """Not at the end of the night: the guards run first."""
    words = ("booking", "create", "999", "--seats", "1", "--traveler", EXPERIENCE_ID, "-y")
    assert platform.json(*words, *WAIT, "1h").code == 6


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("--wait-for-fee", "10", "-y"), 2, id="no deadline"),
        pytest.param(("--deadline", "1h", "-y"), 2, id="no price"),
        pytest.param((*WAIT, "2020-01-01T00:00Z", "-y"), 2, id="deadline past"),
        pytest.param((*WAIT, "1h", "--max-fee", "9", "-y"), 2, id="above the cap"),
        pytest.param((*WAIT, "1h"), 4, id="nobody to ask afterwards"),
    ],
)
def test_a_wait_that_cannot_work_is_refused_at_once(
    platform: Mayhouse, words: tuple[str, ...], code: int
) -> None:
    """Before anything is read."""
    assert platform.json(*creation(platform, *words)).code == code


def test_a_dry_run_waits_for_nothing(platform: Mayhouse) -> None:
    """It shows the plan at the price of now."""
    result = platform.json(*creation(platform, *WAIT, "1h", "--dry-run"))
    assert result.data["status"] == "planned"


def test_urgency_decides_what_is_paid(platform: Mayhouse) -> None:
    """Low, normal and high in this order, by what recent blocks paid; an option goes first."""
    fill_blocks(platform.node, tips=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    paid = []
    for environment, option in (("low", ()), ("low", ("--urgency", "normal")), ("high", ())):
        platform.settings["MAYHOUSE_URGENCY"] = environment
        created = platform.create_event(*option)
        paid.append(
            platform.row(
                "SELECT max_priority_fee_per_gas_wei AS tip, max_fee_per_gas_wei AS most"
                " FROM mayhouse.attempts WHERE tx_hash = %s",
                created["tx_hash"],
            )
        )
    low, normal, high = paid
    assert GWEI <= low["tip"] < normal["tip"] < high["tip"] <= 10 * GWEI
    assert low["most"] < normal["most"] < high["most"]


def fill_blocks(node: ChainNode, tips: list[int]) -> None:
    """Mine blocks whose transactions paid these tips, in gwei, each in every block."""
    automine = True
    node.rpc("evm_setAutomine", not automine)
    try:
        for _ in range(5):
            for account, tip in zip(node.accounts, tips, strict=True):
                node.rpc(
                    "eth_sendTransaction",
                    {
                        "from": account,
                        "to": account,
                        "gas": hex(21_000),
                        "maxPriorityFeePerGas": hex(tip * GWEI),
                        "maxFeePerGas": hex(200 * GWEI),
                    },
                )
            node.rpc("evm_mine")
    finally:
        node.rpc("evm_setAutomine", automine)
