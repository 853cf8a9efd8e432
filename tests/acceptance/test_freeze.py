"""A freeze: nothing is signed until it is thawed, and every refusal says who, when and why."""

import pytest

from tests.faults.gates import stop_at, wait_until_stopped
from tests.faults.processes import start
from tests.mayhouse import EXPERIENCE_ID, Mayhouse
from tests.terminal import Terminal

REASON = "the key may have leaked"


def frozen(mayhouse: Mayhouse) -> dict[str, object]:
    """What the database says."""
    return mayhouse.row("SELECT frozen, frozen_reason, frozen_by FROM mayhouse.installation")


def create(mayhouse: Mayhouse) -> tuple[str, ...]:
    """The words of a command that signs."""
    words = ("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500")
    return (*words, "--seats", "4", "--starts-at", mayhouse.starts_in(), "-y", "--json")


def test_a_freeze_holds_before_anything_was_signed(mayhouse: Mayhouse) -> None:
    """The database is not bound to a sender yet, and refuses all the same; a thaw ends it."""
    result = mayhouse.json("freeze", "--reason", REASON).data
    assert (result["frozen"], result["changed"], result["reason"]) == (True, True, REASON)
    refused = mayhouse.run(*create(mayhouse))
    assert (refused.code, refused.error["details"]["reason"]) == (6, REASON)
    for part in (REASON, str(result["frozen_by"]), "since ", "thaw"):
        assert part in refused.error["message"] + refused.error["hint"]
    assert mayhouse.rows("SELECT FROM mayhouse.transactions") == []
    (check,) = [one for one in mayhouse.json("doctor").data["checks"] if one["name"] == "frozen"]
    assert str(result["frozen_by"]) in check["detail"]
    assert mayhouse.json("thaw", "-y").data["changed"]
    assert mayhouse.run(*create(mayhouse)).code == 0


def test_frozen_twice_keeps_the_first_freeze(mayhouse: Mayhouse) -> None:
    """The second one is told of the first; each change is logged, and only those."""
    first = mayhouse.json("freeze", "--reason", REASON).data
    second = mayhouse.json("freeze", "--reason", "another").data
    assert (second["changed"], second["reason"]) == (False, REASON)
    assert second["frozen_by"] == first["frozen_by"]
    mayhouse.json("thaw", "-y")
    assert mayhouse.json("thaw", "-y").data["changed"] is False
    entries = mayhouse.json("log").data["entries"]
    assert [entry["command"] for entry in entries] == ["thaw", "freeze"]
    assert entries[0]["before"]["reason"] == REASON


def test_a_freeze_needs_a_reason(mayhouse: Mayhouse) -> None:
    """Spaces are none."""
    assert mayhouse.run("freeze", "--reason", "  ").code == 2
    assert mayhouse.run("freeze").code == 2
    assert frozen(mayhouse)["frozen"] is False


def test_a_thaw_needs_consent(mayhouse: Mayhouse) -> None:
    """Without a terminal --yes is needed; at one the reason is shown and agreed to."""
    mayhouse.json("freeze", "--reason", REASON)
    refused = mayhouse.json("thaw")
    assert (refused.code, REASON in refused.error["message"]) == (4, True)
    with Terminal("thaw", env=mayhouse.environment, cwd=mayhouse.folder) as terminal:
        assert REASON in terminal.expect("Permit signing again?")
        terminal.type("y")
        assert terminal.finish() == 0
    assert frozen(mayhouse)["frozen"] is False


def test_nothing_signs_once_freeze_has_returned(mayhouse: Mayhouse) -> None:
    """A command that is about to record when it comes is refused under the lock."""
    sleeper = start(
        *create(mayhouse),
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=stop_at,
        arguments=("before PostgresJournal.lock",),
    )
    wait_until_stopped(sleeper)
    assert mayhouse.run("freeze", "--reason", REASON).code == 0
    sleeper.kill(18)  # SIGCONT
    run = sleeper.wait()
    assert (run.code, REASON in run.error["message"]) == (6, True)
    assert mayhouse.rows("SELECT FROM mayhouse.transactions") == []


def test_while_frozen_only_cancels_leave(mayhouse: Mayhouse) -> None:
    """`tx resume` sends recorded bytes no more; a cancel that is meant is signed and mined."""
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - as the node takes it
    try:
        sent = mayhouse.run(*create(mayhouse), "--no-wait").data
        mayhouse.node.rpc("anvil_dropTransaction", sent["tx_hash"])
        mayhouse.json("freeze", "--reason", REASON)
        resumed = mayhouse.json("tx", "resume", "--no-wait")
        assert REASON in resumed.data["problems"][0]
        assert mayhouse.node.rpc("txpool_status")["pending"] == "0x0"
        assert mayhouse.json("tx", "cancel", sent["tx_hash"], "-y").code == 6
        words = ("tx", "cancel", sent["tx_hash"], "-y", "--while-frozen", "--no-wait")
        assert mayhouse.json(*words).data["attempts"][1]["purpose"] == "cancel"
    finally:
        mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    mayhouse.node.rpc("evm_mine")
    ended = mayhouse.json("tx", "resume")
    assert ended.code == 0  # a cancel that was ordered is no failure
    assert mayhouse.json("tx", "show", sent["tx_hash"]).data["status"] == "cancelled"


@pytest.mark.parametrize("words", [("freeze", "--reason", REASON), ("thaw", "-y")])
def test_neither_needs_a_node_or_a_key(mayhouse: Mayhouse, words: tuple[str, ...]) -> None:
    """Whoever finds the leak may have neither."""
    run = mayhouse.run(*words, PLATFORM_PRIVATE_KEY="", BLOCKCHAIN_RPC_URL="")
    assert run.code == 0, run.err
