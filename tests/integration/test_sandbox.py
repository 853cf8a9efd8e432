"""The sandbox as its users meet it: made, stopped, broken, repaired and made anew."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.chain_node import bound_socket
from tests.mayhouse import SCRIPT
from tests.sandbox_folder import SandboxFolder

EXPERIENCE = "e0000000-0000-4000-8000-000000000001"
DEEP = "/".join(["a folder, with a comma and a long name"] * 4)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxFolder]:
    """One sandbox for the module, up; a test that stops it starts it again."""
    with SandboxFolder() as made:
        up = made.run("sandbox", "up")
        assert up.code == 0, up.err
        yield made


@pytest.fixture
def empty() -> Iterator[SandboxFolder]:
    """A place where no sandbox is yet, deep down in folders that no socket path could name."""
    with SandboxFolder(below=DEEP) as made:
        yield made


@pytest.fixture(scope="module")
def event(sandbox: SandboxFolder) -> str:
    """An event created on the sandbox, by its database id."""
    return create_event(sandbox)


def up(sandbox: SandboxFolder) -> dict[str, Any]:
    """Bring it up and give the result."""
    return sandbox.run("sandbox", "up", "--json").data


def chain_time(sandbox: SandboxFolder) -> datetime:
    """Read the chain's clock."""
    return datetime.fromisoformat(sandbox.run("sandbox", "status", "--json").data["chain_time"])


def create_event(sandbox: SandboxFolder) -> str:
    """Create an event three days ahead of the chain's clock."""
    start = (chain_time(sandbox) + timedelta(days=3)).isoformat()
    terms = ("--experience", EXPERIENCE, "--price-inr", "2500", "--seats", "4")
    created = sandbox.use("event", "create", *terms, "--starts-at", start, "-y")
    event_id: str = created.data["event_id"]
    return event_id


def node_pid(sandbox: SandboxFolder) -> int:
    """The process of the sandbox's chain."""
    pid: int = json.loads((sandbox.folder / "chain" / "node.json").read_text())["pid"]
    return pid


def mode(path: Path) -> int:
    """A file's permission bits."""
    return path.stat().st_mode & 0o777


def test_what_is_secret_is_closed_to_others(sandbox: SandboxFolder) -> None:
    """Config, password and keystore are the owner's alone, and git sees none of it."""
    assert mode(sandbox.config) == 0o600
    assert mode(sandbox.folder / "password") == 0o600
    assert mode(sandbox.folder / "keystore" / "platform.json") == 0o600
    assert (sandbox.folder / ".gitignore").read_text() == "*\n"


def test_a_second_up_changes_nothing(sandbox: SandboxFolder) -> None:
    """Running it again is safe: same chain, same contract, same config, nothing done."""
    before = sandbox.config.read_bytes()
    first, second = up(sandbox), up(sandbox)
    assert second["done"] == []
    assert second["contract_address"] == first["contract_address"]
    assert second["block_number"] == first["block_number"]
    assert sandbox.config.read_bytes() == before


def test_the_platform_wallet_owns_the_contract(sandbox: SandboxFolder) -> None:
    """The wallet that signs is the one that may complete and withdraw."""
    status = sandbox.run("sandbox", "status", "--json").data
    shown = sandbox.use("wallet", "show").data
    assert shown["address"] == status["wallet_address"]
    assert 99 * 10**18 < int(shown["balance_wei"]) < 100 * 10**18


def test_down_and_up_keep_what_was_done(sandbox: SandboxFolder, event: str) -> None:
    """An event of before is on chain and in the database after a stop."""
    before = up(sandbox)
    assert sandbox.run("sandbox", "down").code == 0
    after = up(sandbox)
    assert after["contract_address"] == before["contract_address"]
    assert after["rpc_url"] == before["rpc_url"]
    shown = sandbox.use("event", "show", event).data
    assert (shown["blockchain_status"], shown["on_chain"]["status"]) == ("confirmed", "active")


def test_status_tells_by_its_exit_code(sandbox: SandboxFolder) -> None:
    """0 while it is up; 1 with the whole result while it is down."""
    assert sandbox.run("sandbox", "status").code == 0
    sandbox.run("sandbox", "down")
    status = sandbox.run("sandbox", "status", "--json")
    up(sandbox)
    assert status.code == 1
    assert status.error["code"] == "findings"
    assert status.document["data"]["problems"] == [
        "the local chain is not running",
        "Postgres is not running",
    ]


def test_status_of_no_sandbox_makes_none(empty: SandboxFolder) -> None:
    """Looking does not write."""
    assert empty.run("sandbox", "status").code == 1
    assert not empty.folder.exists()


def test_up_repairs_what_was_lost(sandbox: SandboxFolder, event: str) -> None:
    """A killed node and a deleted config are back, and nothing else is touched."""
    pid = node_pid(sandbox)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 5)
    sandbox.config.unlink()
    assert sandbox.run("sandbox", "status").code == 1
    assert up(sandbox)["done"] == ["chain started", "config.toml written"]
    assert sandbox.use("event", "show", event).data["on_chain"]["status"] == "active"


def test_what_a_user_set_in_the_config_stays(sandbox: SandboxFolder) -> None:
    """Up writes what follows from what runs; a rate of the user's own is not that."""
    changed = sandbox.config.read_text().replace('"200000"', '"210000"').replace("31337", "1")
    sandbox.config.write_text(changed)
    up(sandbox)
    repaired = sandbox.config.read_text()
    assert 'eth_price_inr = "210000"' in repaired
    assert "chain_id = 31337" in repaired
    assert mode(sandbox.config) == 0o600


def test_warp_moves_the_chain_clock(sandbox: SandboxFolder) -> None:
    """By as much as was said, in each unit."""
    reached = chain_time(sandbox)
    for text, seconds in (("2d", 172_800), ("3h", 10_800), ("1h30m", 5_400), ("600s", 600)):
        before = reached
        warped = sandbox.run("sandbox", "warp", text, "--json").data
        reached = datetime.fromisoformat(warped["chain_time"])
        assert seconds <= (reached - before).total_seconds() < seconds + 60, text


@pytest.mark.parametrize("text", ["0s", "5", "-1d", "1.5h", "99999d"])
def test_warp_refuses_what_is_no_time(sandbox: SandboxFolder, text: str) -> None:
    """Moving on cannot be undone: no unit, no number and no lifetime is guessed at."""
    assert sandbox.run("sandbox", "warp", "--", text).code == 2


def test_two_sandboxes_do_not_disturb_each_other(
    sandbox: SandboxFolder, empty: SandboxFolder
) -> None:
    """Each has its own port, wallet and contract, and stopping one leaves the other."""
    one, other = up(sandbox), up(empty)
    for key in ("rpc_url", "database_url", "wallet_address", "contract_address"):
        assert one[key] != other[key]
    assert empty.run("sandbox", "down").code == 0
    assert sandbox.run("sandbox", "status").code == 0


def test_two_ups_at_once_make_one_sandbox(empty: SandboxFolder) -> None:
    """The second waits for the first and finds everything there."""
    command = [str(SCRIPT), "sandbox", "up", "--json"]
    started = [
        subprocess.Popen(command, env=empty.environment(), stdout=subprocess.PIPE) for _ in range(2)
    ]
    ended = [json.loads(one.communicate(timeout=60)[0])["data"] for one in started]
    assert len({one["contract_address"] for one in ended}) == 1
    assert [] in [one["done"] for one in ended]


def test_a_taken_port_leaves_nothing_running(empty: SandboxFolder) -> None:
    """Exit 3 names the port; a half of a sandbox is not left behind."""
    with bound_socket() as other:
        other.listen()
        port = str(other.getsockname()[1])
        refused = empty.run("sandbox", "up", "--port", port, "--json")
    assert refused.code == 3
    assert port in refused.error["message"]
    status = empty.run("sandbox", "status", "--json").document["data"]
    assert (status["chain_running"], status["database_running"]) == (False, False)
    assert empty.run("sandbox", "up", "--port", port, "--json").data["rpc_url"].endswith(port)


@pytest.mark.parametrize("verb", ["up", "reset", "down"])
def test_a_foreign_folder_is_refused(empty: SandboxFolder, verb: str) -> None:
    """Nothing is written to, or deleted from, a folder that is not a sandbox."""
    empty.folder.mkdir(parents=True)
    (empty.folder / "config.toml").write_text("mine")
    assert empty.run("sandbox", verb).code == 6
    assert [path.name for path in empty.folder.iterdir()] == ["config.toml"]
    assert (empty.folder / "config.toml").read_text() == "mine"


def test_a_lost_chain_is_told_and_reset_begins_anew(empty: SandboxFolder) -> None:
    """A database in use is of no use to another contract: up says so, reset makes both anew.

    What a user put beside the sandbox's own files stays.
    """
    lost = up(empty)
    create_event(empty)
    (empty.folder / "notes.txt").write_text("mine")
    empty.run("sandbox", "down")
    for file in (empty.folder / "chain").iterdir():
        file.unlink()
    torn = empty.run("sandbox", "up", "--json")
    assert (torn.code, torn.error["code"]) == (3, "wrong_chain")
    assert "mayhouse sandbox reset" in torn.error["hint"]
    made = empty.run("sandbox", "reset", "--json").data
    assert made["wallet_address"] != lost["wallet_address"]
    assert empty.use("event", "list").data["events"] == []
    assert (empty.folder / "notes.txt").read_text() == "mine"


def test_an_environment_that_wins_is_warned_of(sandbox: SandboxFolder) -> None:
    """With the platform's own variables set, commands would not use the sandbox."""
    status = sandbox.run("sandbox", "status", "--json", CONTRACT_ADDRESS="0x" + "1" * 40)
    assert status.code == 0
    assert "CONTRACT_ADDRESS" in status.document["warnings"][0]
