"""The database stopped or killed under a running command, at exact points of its way.

Before anything has left, nothing is sent. Afterwards the command says what is out, and one
resume on the restarted server records it.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest

from tests.chain_node import ChainNode
from tests.database_server import THROWAWAY, DatabaseServer, query
from tests.faults import crashing, processes
from tests.faults.oracle import Oracle
from tests.mayhouse import EXPERIENCE_ID, PLATFORM, SEED, Mayhouse, Run

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
# What was committed survives the server's sudden death; the machine itself does not die here.
DURABLE: Final = {**THROWAWAY, "synchronous_commit": "on"}
STOPPED, KILLED = signal.SIGINT, signal.SIGKILL
SIGNED: Final = "after LocalSigner.sign"


# --- a server that can be lost -----------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[DatabaseServer]:
    """A Postgres server of this file's own."""
    with DatabaseServer() as own:
        own._server.stop()
        own._server.start(DURABLE)
        yield own


@pytest.fixture
def platform(
    server: DatabaseServer, contract: str, node: ChainNode, folder: Path
) -> Iterator[Mayhouse]:
    """A platform on that server, with an event's row that is not on chain yet."""
    with server.database() as url:
        query(url, SEED)
        here = Mayhouse(node, url, contract, folder)
        here.execute(
            "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
            " VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4)",
            EVENT_ROW,
            EXPERIENCE_ID,
            *2 * (here.starts_in(),),
        )
        yield here
        server._server.start(DURABLE)


@pytest.fixture
def oracle(platform: Mayhouse) -> Oracle:
    """The judge of the platform."""
    return Oracle(platform)


def create(
    server: DatabaseServer, platform: Mayhouse, point: str, skip: str, how: signal.Signals
) -> Run:
    """Create the event, and lose the database when the process comes to a point."""
    words = ("event", "create", EVENT_ROW, "-y", "--json")
    return lose_during(words, server, platform, point, skip, how)


def lose_during(
    words: tuple[str, ...],
    server: DatabaseServer,
    platform: Mayhouse,
    point: str,
    skip: str,
    how: signal.Signals,
) -> Run:
    """Run a command, and lose the database when the process comes to a point."""
    postmaster = server._server._postmaster_pid()
    return processes.start(
        *words,
        env=platform.environment,
        folder=platform.folder,
        prepare=lose_at,
        arguments=(point, skip, postmaster, how),
    ).wait()


def lose_at(point: str, skip: str, postmaster: int, how: signal.Signals) -> None:
    """In the child: end the server at the first such point after one named `skip`."""
    crashing.act_at(point, lose, postmaster, how, skip=skip)


def lose(postmaster: int, how: signal.Signals) -> None:
    """End the server by a signal, and wait until it and its backends are gone."""
    there = [psutil.Process(postmaster)]
    there += there[0].children()
    os.kill(postmaster, how)
    deadline = time.monotonic() + 20
    while any(_lives(process) for process in there):
        assert time.monotonic() < deadline, "the server does not end"
        time.sleep(0.005)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    return False


def in_pool(platform: Mayhouse) -> int:
    """How many transactions of the wallet the chain has, waiting ones counted."""
    return int(platform.node.rpc("eth_getTransactionCount", PLATFORM, "pending"), 16)


def everything(platform: Mayhouse) -> list[dict[str, Any]]:
    """What the rows say, without the moments at which they were written."""
    return platform.rows(
        "SELECT t.id, t.status, t.tx_hash, t.block_number, t.chain_object_id, a.outcome,"
        " blockchain_event_run_id, blockchain_status::text, e.blockchain_tx_hash"
        " FROM mayhouse.transactions t JOIN mayhouse.attempts a ON a.transaction_id = t.id"
        " JOIN event_runs e ON e.id = t.event_id"
    )


# --- before anything is sent -------------------------------------------------------------


def test_without_a_database_nothing_is_sent(server: DatabaseServer, platform: Mayhouse) -> None:
    """A server that is down is exit 5, and the chain hears nothing."""
    sent = in_pool(platform)
    server._server.stop()
    run = processes.start(
        *("event", "create", EVENT_ROW, "-y", "--json"),
        env=platform.environment,
        folder=platform.folder,
    ).wait()
    assert (run.code, run.error["code"], in_pool(platform)) == (5, "database_unreachable", sent)


@pytest.mark.parametrize(
    ("point", "skip", "how"),
    [
        pytest.param("after ContractClient.read", "", KILLED, id="planned"),
        pytest.param("before LocalSigner.sign", "", STOPPED, id="nonce taken"),
        pytest.param("before Database._commit", SIGNED, STOPPED, id="commit, stopped"),
        pytest.param("before Database._commit", SIGNED, KILLED, id="commit, killed"),
        pytest.param("after Database._commit", SIGNED, STOPPED, id="recorded, stopped"),
        pytest.param("after Database._commit", SIGNED, KILLED, id="recorded, killed"),
    ],
)
def test_lost_before_the_send_nothing_is_sent(
    server: DatabaseServer,
    platform: Mayhouse,
    oracle: Oracle,
    point: str,
    skip: str,
    how: signal.Signals,
) -> None:
    """Exit 5 while nothing has left; later the same command makes it exactly once."""
    sent = in_pool(platform)
    run = create(server, platform, point, skip, how)
    assert (run.code, run.error["code"], in_pool(platform)) == (5, "database_unreachable", sent)
    server._server.start(DURABLE)
    oracle.resume().demand_none()
    words = ("event", "create", EVENT_ROW, "-y")
    oracle.run_again(*words, recorded_before=0).demand_none()


def test_recorded_and_not_sent_names_the_resume(server: DatabaseServer, platform: Mayhouse) -> None:
    """What was recorded before the database went is named with the command that sends it."""
    run = create(server, platform, "after Database._commit", SIGNED, STOPPED)
    assert "mayhouse tx resume" in run.error["hint"]
    assert run.error["details"]["tx_hash"].startswith("0x")


# --- once something may be out -----------------------------------------------------------

MARKED: Final = "after PostgresJournal.mark_sent"
FINISHED: Final = "after PostgresJournal.finish"


@pytest.mark.parametrize(
    ("point", "skip", "how"),
    [
        pytest.param("before ContractClient.send", "", STOPPED, id="leaving, stopped"),
        pytest.param("before ContractClient.send", "", KILLED, id="leaving, killed"),
        pytest.param("after ContractClient.send", "", STOPPED, id="sent, stopped"),
        pytest.param("after ContractClient.send", "", KILLED, id="sent, killed"),
        pytest.param("before PostgresJournal.mark_sent", "", STOPPED, id="marking"),
        pytest.param("before Database._commit", MARKED, KILLED, id="marked"),
        pytest.param("before ContractClient.sight", "", STOPPED, id="waiting"),
        pytest.param("after ContractClient.sight", "", KILLED, id="seen"),
        pytest.param("after PostgresJournal.holder", "", STOPPED, id="number looked up"),
        pytest.param("before PostgresEvents.mark_created", "", STOPPED, id="writing the row"),
        pytest.param("before Database._commit", FINISHED, STOPPED, id="finishing, stopped"),
        pytest.param("before Database._commit", FINISHED, KILLED, id="finishing, killed"),
    ],
)
def test_lost_after_the_send_is_8_and_one_resume_records_it(
    server: DatabaseServer,
    platform: Mayhouse,
    oracle: Oracle,
    point: str,
    skip: str,
    how: signal.Signals,
) -> None:
    """The hash and the remedy are said; resume records one event, and once more changes nothing."""
    run = create(server, platform, point, skip, how)
    assert (run.code, run.error["code"]) == (8, "unrecorded")
    tx_hash = run.document["data"]["tx_hash"]
    assert "mayhouse tx resume" in run.error["hint"]
    server._server.start(DURABLE)
    oracle.resume().demand_none()
    rows = everything(platform)
    assert [row["tx_hash"] for row in rows] == [tx_hash]
    oracle.resume().demand_none()
    assert everything(platform) == rows


def test_lost_during_a_resume_is_8(
    server: DatabaseServer, platform: Mayhouse, oracle: Oracle
) -> None:
    """Resume says the same as the command would, and can be run again."""
    assert oracle.run("event", "create", EVENT_ROW, "-y", "--no-wait").code == 0
    words = ("tx", "resume", "--json")
    run = lose_during(words, server, platform, "after ContractClient.sight", "", KILLED)
    assert (run.code, run.error["code"]) == (8, "unrecorded")
    assert "mayhouse tx resume" in run.error["hint"]
    server._server.start(DURABLE)
    oracle.resume().demand_none()


def test_a_connection_that_was_dropped_while_idle_is_opened_again(
    platform: Mayhouse, oracle: Oracle
) -> None:
    """A restarted server or pooler costs nothing: the command goes on where it was."""
    run = processes.start(
        *("event", "create", EVENT_ROW, "-y", "--json"),
        env=platform.environment,
        folder=platform.folder,
        prepare=drop_connections_at,
        arguments=("before ContractClient.sight", platform.database_url),
    ).wait()
    assert run.data["status"] == "confirmed"
    oracle.examine().demand_none()


def drop_connections_at(point: str, url: str) -> None:
    """In the child: have the server end every connection at a point."""
    crashing.act_at(point, drop_connections, url)


def drop_connections(url: str) -> None:
    """End every other connection, as an administrator does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
