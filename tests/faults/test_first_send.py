"""The first process sleeps before its send, and others send meanwhile: nothing is called failed."""

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.faults import crashing, gates, kinds
from tests.faults.oracle import Oracle
from tests.faults.processes import Child, start
from tests.faults.proxy import FaultyProxy, Rule
from tests.faults.scenarios import EVENT_ROW, add_event_row
from tests.mayhouse import Mayhouse, Run

CREATE = ("event", "create", EVENT_ROW, "-y")
BEFORE_THE_SEND = "before PostgresJournal.get_locked"
AFTER_THE_SEND = "after ContractClient.send"
STATUS = (
    "SELECT t.status, e.blockchain_status::text AS event"
    " FROM mayhouse.transactions t JOIN event_runs e ON e.id = t.event_id"
)


@pytest.fixture
def refusing(mayhouse: Mayhouse) -> Iterator[FaultyProxy]:
    """The first process's node: it clearly refuses whatever it is sent."""
    with FaultyProxy(mayhouse.node.url) as node:
        node.rules = [Rule(kinds.SEND, kinds.REFUSING_WORDS[1])]
        yield node


@pytest.fixture
def sleeper(mayhouse: Mayhouse, refusing: FaultyProxy) -> Iterator[Child]:
    """A creation that has recorded its bytes and sleeps before it sends them."""
    add_event_row(mayhouse)
    child = start(
        *(*CREATE, "--json", "--timeout", "2"),
        env={**mayhouse.environment, "BLOCKCHAIN_RPC_URL": refusing.url},
        folder=mayhouse.folder,
        prepare=gates.stop_at,
        arguments=(BEFORE_THE_SEND,),
    )
    gates.wait_until_stopped(child)
    yield child
    child.kill()


def woken(sleeper: Child) -> Run:
    """Let the first process go on to its end."""
    sleeper.kill(signal.SIGCONT)
    return sleeper.wait()


def killed_after_its_send(mayhouse: Mayhouse) -> Run:
    """Run a resume that hands the bytes to the node and dies before it can record that."""
    return start(
        *("tx", "resume", "--json"),
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=crashing.act_at,
        arguments=(AFTER_THE_SEND, signal.raise_signal, signal.SIGKILL),
    ).wait()


def test_a_rejection_alone_is_final(sleeper: Child, mayhouse: Mayhouse) -> None:
    """Nobody else has sent the bytes: the nonce is free, and the event can be tried again."""
    assert woken(sleeper).code == 6
    assert mayhouse.row(STATUS) == {"status": "failed", "event": "failed"}


@pytest.mark.parametrize("mined", [True, False], ids=["mined", "waiting"])
def test_a_rejection_after_a_resume_that_died_in_its_send_is_not_final(
    sleeper: Child, mayhouse: Mayhouse, still: Callable[[bool], None], *, mined: bool
) -> None:
    """The bytes are with another node, whatever the record could still be told of it."""
    oracle = Oracle(mayhouse)
    still(not mined)
    assert killed_after_its_send(mayhouse).code == -signal.SIGKILL
    run = woken(sleeper)
    assert run.code == (0 if mined else 7)
    assert mayhouse.row("SELECT status FROM mayhouse.transactions")["status"] != "failed"
    still(False)  # noqa: FBT003 - on or off
    mayhouse.node.rpc("evm_mine")
    oracle.resume().demand_none()
    oracle.run_again(*CREATE, recorded_before=0).demand_none()


@pytest.fixture
def still(mayhouse: Mayhouse) -> Iterator[Callable[[bool], None]]:
    """Have the chain mine nothing, or go on."""
    yield lambda on: mayhouse.node.rpc("evm_setAutomine", not on)
    mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 - the node's own parameter
