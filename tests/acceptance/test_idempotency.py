"""Run again, interrupted, or left waiting: nothing is sent twice, and nothing is lost."""

import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.mayhouse import ASHA, EXPERIENCE_ID, PLATFORM, SCRIPT, Mayhouse

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
BOOKING_ROW: Final = "00000000-0000-4000-8000-0000000000b1"
SOON: Final = 1.0  # seconds from a signal to the end
SHORT: Final = "1.5"  # seconds to wait for what will not come


@pytest.fixture
def event_row(mayhouse: Mayhouse) -> str:
    """The id of an event's row that is not on chain yet."""
    start = mayhouse.starts_in()
    mayhouse.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
        " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4)",
        EVENT_ROW,
        EXPERIENCE_ID,
        start,
        start,
    )
    return EVENT_ROW


def new_event(mayhouse: Mayhouse, *more: str, seats: int = 4) -> list[str]:
    """Give the words that create a new event, whose start stays the same through the test."""
    words = ["event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500"]
    start = mayhouse.starts_in(86_400 - mayhouse.chain_time % 3600)
    return [*words, "--seats", str(seats), "--starts-at", start, "-y", *more]


# --- the same again ---------------------------------------------------------------------


def test_the_same_row_run_again_gives_the_first_result(mayhouse: Mayhouse, event_row: str) -> None:
    """The second run spends nothing, needs no consent, and says the same field by field."""
    first = mayhouse.json("event", "create", event_row, "-y").data
    sent = mayhouse.transactions_sent()
    assert mayhouse.json("event", "create", event_row).data == first
    assert mayhouse.transactions_sent() == sent


def test_a_row_changed_after_it_was_sent_is_refused(mayhouse: Mayhouse, event_row: str) -> None:
    """Other arguments under the same row are a contradiction: exit 6, nothing sent."""
    assert mayhouse.json("event", "create", event_row, "-y").code == 0
    sent = mayhouse.transactions_sent()
    mayhouse.execute("UPDATE event_runs SET max_capacity = 5 WHERE id = %s", event_row)
    again = mayhouse.json("event", "create", event_row, "-y")
    assert (again.code, again.error["code"]) == (6, "intent_conflict")
    assert mayhouse.transactions_sent() == sent


def test_a_booking_row_run_again_gives_the_first_result(mayhouse: Mayhouse) -> None:
    """A booking that has a row is made once, however often it is asked for."""
    event = mayhouse.create_event()
    mayhouse.execute(
        "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"
        " VALUES (%s, %s, %s, 2)",
        BOOKING_ROW,
        event["event_id"],
        ASHA,
    )
    words = ["booking", "create", "--booking", BOOKING_ROW, "-y"]
    first = mayhouse.json(*words).data
    assert mayhouse.json(*words).data == first
    assert len(mayhouse.rows("SELECT FROM mayhouse.transactions")) == 2


# --- the user's own key -----------------------------------------------------------------


def test_the_same_key_gives_the_first_result(mayhouse: Mayhouse) -> None:
    """Under an idempotency key even a command that makes a new row runs once."""
    words = new_event(mayhouse, "--idempotency-key", "november")
    first = mayhouse.json(*words).data
    assert mayhouse.json(*words).data == first
    assert len(mayhouse.rows("SELECT FROM event_runs")) == 1


def test_the_same_key_with_other_arguments_is_refused(mayhouse: Mayhouse) -> None:
    """A key belongs to the arguments of its first run: exit 6, nothing sent."""
    key = ["--idempotency-key", "november"]
    assert mayhouse.json(*new_event(mayhouse, *key)).code == 0
    sent = mayhouse.transactions_sent()
    other = mayhouse.json(*new_event(mayhouse, *key, seats=5))
    assert (other.code, other.error["code"]) == (6, "intent_conflict")
    assert mayhouse.transactions_sent() == sent
    assert len(mayhouse.rows("SELECT FROM event_runs")) == 1


# --- not waiting ------------------------------------------------------------------------


def test_no_wait_returns_what_was_sent(mayhouse: Mayhouse, event_row: str) -> None:
    """--no-wait exits 0 with the hash, before the block is known."""
    data = mayhouse.json("event", "create", event_row, "-y", "--no-wait").data
    assert (data["status"], data["block_number"]) == ("sent", None)
    assert data["tx_hash"].startswith("0x")


def test_no_wait_run_again_gives_the_result(mayhouse: Mayhouse, event_row: str) -> None:
    """The second run watches the first one's transaction to its end."""
    first = mayhouse.json("event", "create", event_row, "-y", "--no-wait").data
    again = mayhouse.json("event", "create", event_row, "-y").data
    assert (again["status"], again["tx_hash"]) == ("confirmed", first["tx_hash"])


# --- a chain that stands still ----------------------------------------------------------


@pytest.fixture
def still_chain(mayhouse: Mayhouse) -> Iterator[Mayhouse]:
    """A platform whose chain takes transactions and mines none."""
    automine = True
    mayhouse.node.rpc("evm_setAutomine", not automine)
    yield mayhouse
    mayhouse.node.rpc("anvil_dropAllTransactions")
    mayhouse.node.rpc("evm_setAutomine", automine)


@pytest.fixture
def sent(still_chain: Mayhouse, event_row: str) -> str:
    """The hash of a creation that is out and not mined."""
    data = still_chain.json("event", "create", event_row, "-y", "--no-wait").data
    tx_hash: str = data["tx_hash"]
    return tx_hash


def test_not_confirmed_in_time_is_7_with_hash_and_remedy(
    still_chain: Mayhouse, event_row: str
) -> None:
    """What is out is named, and the next step is to resume, not to run again."""
    run = still_chain.json("event", "create", event_row, "-y", "--timeout", SHORT)
    assert (run.code, run.error["code"]) == (7, "unconfirmed")
    assert run.document["data"]["tx_hash"] in run.error["message"]
    assert "tx resume" in run.error["hint"]


def test_run_again_while_waiting_is_7_and_sends_nothing(
    sent: str, still_chain: Mayhouse, event_row: str
) -> None:
    """Another run of the same row waits for the same transaction."""
    again = still_chain.json("event", "create", event_row, "-y", "--timeout", SHORT)
    assert (again.code, again.error["code"]) == (7, "unconfirmed")
    assert again.document["data"]["tx_hash"] == sent
    assert "tx resume" in again.error["hint"]
    assert pending(still_chain) == 1


def test_the_very_same_new_event_is_not_sent_while_one_is_out(still_chain: Mayhouse) -> None:
    """Without a row or key, the same arguments while one is unfinished are a repeat: exit 7."""
    words = new_event(still_chain, "--no-wait")
    first = still_chain.json(*words)
    again = still_chain.json(*words)
    assert (first.code, again.code) == (0, 7)
    assert again.error["details"]["tx_hash"] == first.data["tx_hash"]
    assert len(still_chain.rows("SELECT FROM event_runs")) == 1
    assert pending(still_chain) == 1


def test_resume_finishes_what_was_left(sent: str, still_chain: Mayhouse) -> None:
    """Once it is mined, resume records the event's number and the transaction's end."""
    still_chain.node.rpc("evm_mine")
    assert still_chain.json("tx", "resume").data["unfinished"] == 0
    rows = still_chain.rows(
        "SELECT blockchain_event_run_id AS number, blockchain_status::text AS status,"
        " blockchain_tx_hash AS hash FROM event_runs"
    )
    assert rows == [{"number": 1, "status": "confirmed", "hash": sent}]


def test_run_again_after_it_is_mined_gives_the_result(
    sent: str, still_chain: Mayhouse, event_row: str
) -> None:
    """The command itself also finishes what it had sent before."""
    still_chain.node.rpc("evm_mine")
    data = still_chain.json("event", "create", event_row, "-y").data
    assert (data["status"], data["chain_event_id"], data["tx_hash"]) == ("confirmed", 1, sent)


def test_resume_is_7_while_it_still_waits(sent: str, still_chain: Mayhouse) -> None:
    """Resume that runs out of time says so, and sends the same bytes only."""
    resumed = still_chain.json("tx", "resume", "--timeout", SHORT)
    assert (resumed.code, resumed.error["code"]) == (7, "unconfirmed")
    assert resumed.document["data"]["transactions"][0]["tx_hash"] == sent
    assert pending(still_chain) == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
        pytest.param(signal.SIGINT, 130, id="SIGINT"),
    ],
)
def test_a_signal_while_waiting_names_hash_and_remedy(
    still_chain: Mayhouse, event_row: str, number: int, code: int
) -> None:
    """A stopped wait ends within a second, and says what is out and how to finish it."""
    with start(still_chain, "event", "create", event_row, "-y") as script:
        try:
            wait_until_sent(still_chain)
            stopped = time.monotonic()
            script.send_signal(number)
            out, err = script.communicate(timeout=20)
            took = time.monotonic() - stopped
        finally:
            script.kill()
    assert (script.returncode, out) == (code, "")
    tx_hash = still_chain.row("SELECT tx_hash FROM mayhouse.transactions")["tx_hash"]
    assert tx_hash in err
    assert "mayhouse tx resume" in err
    assert took < SOON


def start(mayhouse: Mayhouse, *words: str) -> "subprocess.Popen[str]":
    """Start a command and leave it running."""
    return subprocess.Popen(
        [SCRIPT, *words],
        env=mayhouse.environment,
        cwd=mayhouse.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def pending(mayhouse: Mayhouse) -> int:
    """Count the platform's transactions that wait in the node's pool."""
    nonce = int(mayhouse.node.rpc("eth_getTransactionCount", PLATFORM, "pending"), 16)
    return nonce - mayhouse.transactions_sent()


def wait_until_sent(mayhouse: Mayhouse) -> None:
    """Wait until the script has sent its transaction and recorded that it is out."""
    deadline = time.monotonic() + 20
    while not mayhouse.rows("SELECT FROM mayhouse.transactions WHERE status = 'sent'"):
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.02)
    time.sleep(0.1)
