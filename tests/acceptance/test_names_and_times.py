"""Messages that spare a second look: times as people read them, names however they are typed."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, EXPERIENCE_ID, SEED, Mayhouse

INDIAN_TIME: Final = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d \w{3} \d{4}, \d\d:\d\d IST"


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """A platform with one event."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        platform = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        platform.create_event()
        yield platform
    node_process.revert(snapshot)


def test_a_hash_names_a_transaction_with_0x_or_without(platform: Mayhouse) -> None:
    """As one copies it from wherever it stands, whole or its beginning."""
    row = platform.row("SELECT id::text, tx_hash FROM mayhouse.transactions")
    for typed in (row["tx_hash"], row["tx_hash"][2:], row["tx_hash"][2:14]):
        assert platform.json("tx", "show", typed).data["id"] == row["id"]


def test_a_mistyped_id_is_answered_with_the_nearest(platform: Mayhouse) -> None:
    """Where its first four characters begin a transaction's id or hash; otherwise with the list."""
    row = platform.row("SELECT id::text, tx_hash FROM mayhouse.transactions")
    for right in (row["id"], row["tx_hash"]):
        wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
        assert platform.json("tx", "show", wrong).error["hint"] == f"Did you mean {right}?"
    far = "0" if row["id"][0] != "0" else "1"
    assert "mayhouse tx list" in str(platform.json("tx", "show", far * 8).error["hint"])


def test_a_refusal_tells_times_in_india(platform: Mayhouse) -> None:
    """An event that has not begun, and a start that has passed."""
    run = platform.json("event", "complete", "1", "--nobody-attended", "-y")
    assert re.search(f"has not begun; it starts at {INDIAN_TIME}$", run.error["message"])
    terms = ("--experience", EXPERIENCE_ID, "--price-inr", "2500", "--seats", "4")
    run = platform.json("event", "create", *terms, "--starts-at", "2020-01-01T18:00+05:30", "-y")
    assert run.error["message"] == "The start lies in the past: Wed 01 Jan 2020, 18:00 IST"
    assert re.search(INDIAN_TIME, str(run.error["hint"]))


def test_other_arguments_are_told_apart(platform: Mayhouse) -> None:
    """What was asked then, and what is asked now."""
    book = ("booking", "create", "1", "--traveler", ASHA, "-y", "--idempotency-key", "once")
    assert platform.json(*book, "--seats", "1").code == 0
    run = platform.json(*book, "--seats", "2")
    assert run.code == 6
    assert run.error["message"].endswith(": seats 1 then, 2 now")


def test_an_audit_mentions_what_is_not_final_yet(platform: Mayhouse) -> None:
    """Nobody is alarmed by a transaction of a moment ago, but nobody is left in the dark."""
    platform.node.rpc("evm_setAutomine", False)  # noqa: FBT003 JSON-RPC has no keywords
    try:
        book = ("booking", "create", "1", "--seats", "1", "--traveler", ASHA, "-y", "--no-wait")
        assert platform.json(*book).code == 0
        run = platform.run("audit")
        assert "! 1 transaction not final yet: mayhouse tx list --unfinished" in run.out
        assert platform.json("audit").document["data"]["transactions_unfinished"] == 1
    finally:
        platform.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the same
        platform.node.rpc("evm_mine")
    assert platform.json("tx", "resume").code == 0
