"""`mayhouse` alone: the state at a glance, each part by itself, or the first steps."""

import time
from socket import create_server

import pytest

from tests.mayhouse import ASHA, PLATFORM, Mayhouse, clean_environment, run_script
from tests.rpc_server import RpcServer
from tests.terminal import Terminal

NOWHERE = "http://127.0.0.1:1"


def test_without_any_setting_the_first_steps_are_told(mayhouse: Mayhouse) -> None:
    """Each a command that can be run as it is."""
    run = run_script(env=clean_environment(str(mayhouse.folder)), cwd=mayhouse.folder)
    assert (run.code, run.err) == (0, "")
    for step in ("mayhouse demo", "mayhouse init", "mayhouse wallet new", "mayhouse doctor"):
        assert step in run.out


def test_the_state_is_told_in_one_look(mayhouse: Mayhouse) -> None:
    """Chain, wallet, balance, open events, unfinished transactions, what is owed, the freeze."""
    event = mayhouse.create_event()["chain_event_id"]
    mayhouse.book(event, ASHA)
    told = mayhouse.run()
    assert (told.code, told.err) == (0, "")
    assert PLATFORM in told.out
    assert "1 open" in told.out
    assert "all final" in told.out
    assert "permitted" in told.out
    mayhouse.warp(2 * 86_400)
    ended = mayhouse.json("event", "complete", str(event), "--all-attended", "-y").data
    mayhouse.run("freeze", "--reason", "a leaked key")
    frozen = mayhouse.run().out
    assert frozen.startswith("✗ Signing is frozen: a leaked key\n")
    assert "next: mayhouse payout list --owed" in frozen
    data = mayhouse.json().data
    owed = int(ended["host_payout_wei"]) + int(ended["stakes_returned_wei"])
    assert (data["open_events"], data["unfinished"], data["payables"]) == (0, 0, 2)
    assert (data["owed_wei"], data["frozen"]) == (str(owed), True)
    assert (data["wallet"], data["problems"]) == (PLATFORM, {})


def test_a_look_asks_the_node_once(mayhouse: Mayhouse) -> None:
    """One request, whatever is in it."""
    with RpcServer(upstream=mayhouse.node.url) as proxy:
        assert mayhouse.json(BLOCKCHAIN_RPC_URL=proxy.url).data["problems"] == {}
        assert len(proxy.heard) == 1


def test_a_part_that_fails_says_so_and_the_others_stand(mayhouse: Mayhouse) -> None:
    """A node that is down leaves the record, a database that is down leaves the balance."""
    without_node = mayhouse.json(BLOCKCHAIN_RPC_URL=NOWHERE)
    assert without_node.code == 0
    assert list(without_node.data["problems"]) == ["chain"]
    assert without_node.data["open_events"] == 0
    without_database = mayhouse.json(DATABASE_URL="postgresql://u@127.0.0.1:1/x").data
    assert list(without_database["problems"]) == ["database"]
    assert without_database["balance_wei"] is not None
    without_key = mayhouse.json(PLATFORM_PRIVATE_KEY="").data
    assert list(without_key["problems"]) == ["wallet"]
    assert without_key["block_number"] is not None


def test_silence_everywhere_takes_seconds_and_is_a_failure(mayhouse: Mayhouse) -> None:
    """Neither is waited for as a command would; exit 5 when neither of them answered."""
    with create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        run = mayhouse.json(
            DATABASE_URL=f"postgresql://u@127.0.0.1:{port}/x",
            BLOCKCHAIN_RPC_URL=f"http://127.0.0.1:{port}",
        )
    assert run.code == 5
    assert sorted(run.document["data"]["problems"]) == ["chain", "database"]
    assert time.monotonic() - start < 9  # three seconds, and a busy machine


@pytest.mark.parametrize("columns", [80, 40])
def test_lists_fit_a_terminal_and_nothing_is_shortened(mayhouse: Mayhouse, columns: int) -> None:
    """No line of a table is wider than the terminal, but for what must stay whole."""
    event = mayhouse.create_event()
    for words in (["event", "list"], ["tx", "list"], []):
        env = mayhouse.environment
        with Terminal(*words, env=env, cwd=mayhouse.folder, columns=columns) as terminal:
            assert terminal.finish() == 0
            lines = terminal.seen.replace("\x1b[0m", "").splitlines()
        whole = [PLATFORM, mayhouse.contract, event["tx_hash"], event["event_id"]]
        wide = [line for line in lines if len(strip_colours(line)) > columns]
        assert [line for line in wide if not any(text in line for text in whole)] == []


def strip_colours(line: str) -> str:
    """A line as it is seen."""
    shown, in_escape = "", False
    for character in line:
        if character == "\x1b":
            in_escape = True
        elif not in_escape:
            shown += character
        elif character == "m":
            in_escape = False
    return shown
