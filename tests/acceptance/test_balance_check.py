"""`balance check` and `balance history` on a real node, as monitoring calls them."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.mayhouse import PLATFORM, Mayhouse, Run, clean_environment, run_script
from tests.rpc_server import HANG, Reply, RpcServer
from tests.terminal import Terminal
from tests.webhook_server import Hook

WARNING: Final = 2 * 10**17
CRITICAL: Final = 10**17
TREASURY: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
EARLIER_SIGNER: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
HTML: Final = Reply(body=b"<html><body>Welcome</body></html>")
BLOCKS: Final = frozenset("▏▎▍▌▋▊▉█")


def check(mayhouse: Mayhouse, balance: int, *more: str, **changes: str) -> Run:
    """Run the check with this balance."""
    mayhouse.node.rpc("anvil_setBalance", PLATFORM, hex(balance))
    return mayhouse.run("balance", "check", *more, **changes)


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never says a word; gives host and port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


# --- the state --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "code"),
    [
        (WARNING + 1, 0), (WARNING, 0), (WARNING - 1, 1),
        (CRITICAL + 1, 1), (CRITICAL, 1), (CRITICAL - 1, 2),
    ],
    ids=[
        "above the warning", "at it", "a wei below it",
        "above the critical", "at it too", "a wei below it too",
    ],
)  # fmt: skip
def test_the_state_changes_a_wei_below_each_threshold(
    mayhouse: Mayhouse, balance: int, code: int
) -> None:
    """At a threshold is still the better state; the exit code is the state."""
    assert check(mayhouse, balance).code == code


def test_the_check_line_carries_performance_data(mayhouse: Mayhouse) -> None:
    """One line, in the plugin's own format."""
    run = check(mayhouse, 64 * 10**15, "--warning", "0.2", "--critical", "0.05")
    assert (run.code, run.err) == (1, "")
    assert run.out == (
        "BALANCE WARNING - platform 0.064000 ETH (warning <0.2, critical <0.05) "
        "| platform_eth=0.064;0.2:;0.05:;0\n"
    )


def test_quiet_silences_an_ok_alone(mayhouse: Mayhouse) -> None:
    """Cron mails whatever is printed: nothing while all is well, one line when it is not."""
    well = check(mayhouse, WARNING, "-q")
    low = check(mayhouse, WARNING - 1, "-q")
    assert (well.code, well.out, well.err) == (0, "", "")
    assert (low.code, low.out.count("\n"), low.err) == (1, 1, "")
    assert low.out.startswith("BALANCE WARNING - ")


def test_all_wallets_are_read_in_one_round_trip(mayhouse: Mayhouse) -> None:
    """Treasury and an earlier signer that hosts an event, by thresholds of their own; all kept."""
    mayhouse.create_event()
    mayhouse.execute("UPDATE mayhouse.transactions SET sender = %s", EARLIER_SIGNER)
    mayhouse.settings["MAYHOUSE_TREASURY_ADDRESS"] = TREASURY
    mayhouse.settings["MAYHOUSE_HOST_WARNING_ETH"] = "1000000"
    with RpcServer(upstream=mayhouse.node.url) as node:
        run = check(mayhouse, WARNING, "--json", BLOCKCHAIN_RPC_URL=node.url)
        assert len(node.heard) == 1
    states = {one["role"]: one["state"] for one in run.data["wallets"]}
    assert (run.code, run.data["state"], run.data["float_needed_wei"]) == (1, "WARNING", "0")
    assert states == {"platform": "OK", "treasury": "OK", "host-3c44cddd": "WARNING"}
    kept = mayhouse.rows("SELECT role, address, balance_wei, state FROM mayhouse.balance_readings")
    found = [
        (one["role"], one["address"], int(one["balance_wei"]), one["state"])
        for one in run.data["wallets"]
    ]
    assert [tuple(row.values()) for row in kept] == found


def test_open_quotes_that_the_balance_cannot_pay_stand_in_the_line(mayhouse: Mayhouse) -> None:
    """A balance above its thresholds may still be too little for what is promised."""
    event = mayhouse.create_event()["chain_event_id"]
    mayhouse.json("booking", "quote", str(event), "--seats", "2")
    run = check(mayhouse, 3 * 10**16 - 1, "--warning", "0.01", "--critical", "0.01")
    assert (run.code, run.err) == (0, "")
    assert ", open quotes need 0.030000 ETH | platform_eth=" in run.out


# --- what is no reading -----------------------------------------------------------------


def unknown(run: Run) -> str:
    """What the one line says of a check that had no reading."""
    assert (run.code, run.err, run.out.count("\n")) == (3, "", 1), run
    assert run.out.startswith("BALANCE UNKNOWN - ")
    return run.out


@pytest.fixture(scope="module")
def startup(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What the script takes on this machine to start and end, twice: others use it as well."""
    folder = tmp_path_factory.mktemp("startup")
    began = time.monotonic()
    run_script("balance", "check", env=clean_environment(str(folder)), cwd=folder)
    return 2 * (time.monotonic() - began)


@pytest.mark.parametrize(
    "words",
    [["--warnin", "1"], ["--warning", "1e-1"], ["--config", "/no/config.toml"]],
    ids=["unknown flag", "no amount", "no file"],
)
def test_a_wrong_command_line_is_unknown(mayhouse: Mayhouse, words: list[str]) -> None:
    """Monitoring knows four states: usage and configuration errors are the fourth."""
    unknown(mayhouse.run("balance", "check", *words))


def test_a_missing_setting_is_unknown(mayhouse: Mayhouse) -> None:
    """The line names it."""
    run = mayhouse.run("balance", "check", BLOCKCHAIN_RPC_URL="")
    assert "blockchain_rpc_url" in unknown(run)


def test_a_notice_without_an_address_for_it_is_unknown(mayhouse: Mayhouse) -> None:
    """Whoever asked to be told must not learn late that nobody could be."""
    assert "webhook_url" in unknown(mayhouse.run("balance", "check", "--notify"))


@pytest.mark.parametrize("fault", ["dead", "hung", "html"])
def test_a_node_without_an_answer_is_unknown_in_time(
    mayhouse: Mayhouse, startup: float, fault: str
) -> None:
    """Within --timeout and a second, beyond what the script takes to start."""
    with RpcServer() as node:
        node.always = {"hung": HANG, "html": HTML}.get(fault)
        url = "http://127.0.0.1:1" if fault == "dead" else node.url
        began = time.monotonic()
        run = mayhouse.run("balance", "check", "--timeout", "1", BLOCKCHAIN_RPC_URL=url)
    assert time.monotonic() - began < 1 + 1 + startup
    unknown(run)


# --- what must not hide the state -------------------------------------------------------


def test_a_lost_database_does_not_change_the_state(mayhouse: Mayhouse) -> None:
    """The reading is told and its code kept; that it was not recorded is a warning."""
    run = check(mayhouse, WARNING, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (run.code, run.out.startswith("BALANCE OK - ")) == (0, True)
    assert "not recorded" in run.err


def test_a_database_or_hook_that_hangs_does_not_change_the_state(
    mayhouse: Mayhouse, startup: float
) -> None:
    """Both are given up in time, and both are told."""
    mayhouse.settings["MAYHOUSE_WEBHOOK_URL"] = "http://127.0.0.1:1/secret"
    with silent_server() as place:
        began = time.monotonic()
        url = f"postgresql://nobody@{place}/none"
        run = check(mayhouse, WARNING - 1, "--notify", "--timeout", "5", DATABASE_URL=url)
        assert time.monotonic() - began < 5 + 1 + startup
    assert (run.code, run.out.startswith("BALANCE WARNING - ")) == (1, True)
    assert "not recorded" in run.err
    assert "No alert was sent" in run.err
    with silent_server() as place:
        began = time.monotonic()
        hook = f"http://{place}/secret-hook"
        run = check(mayhouse, WARNING - 1, "--notify", "--timeout", "5", MAYHOUSE_WEBHOOK_URL=hook)
        assert time.monotonic() - began < 5 + 1 + startup
    assert (run.code, run.out.count("\n")) == (1, 1)
    assert "the next check tries again" in run.err
    assert "secret-hook" not in run.err


# --- metrics and alerts -----------------------------------------------------------------


def test_metrics_outlive_a_node_that_is_away(mayhouse: Mayhouse) -> None:
    """The balance is left out then, and the last success carried on."""
    target = mayhouse.folder / "mayhouse.prom"
    check(mayhouse, WARNING, "--textfile", str(target))
    before = metrics(target)
    failed = check(
        *(mayhouse, WARNING, "--textfile", str(target), "--timeout", "0.5"),
        BLOCKCHAIN_RPC_URL="http://127.0.0.1:1",
    )
    unknown(failed)
    after, last = metrics(target), "mayhouse_balance_check_last_success_timestamp_seconds"
    success = "mayhouse_balance_check_success"
    assert (before[success], after[success], after[last]) == ("1", "0", before[last])
    assert any(name.startswith("mayhouse_wallet_balance_ether") for name in before)
    assert not any(name.startswith("mayhouse_wallet_balance_ether") for name in after)


def metrics(path: Path) -> dict[str, str]:
    """The samples of a metrics file, by name and labels."""
    text = path.read_text().splitlines()
    return dict(line.rsplit(" ", 1) for line in text if not line.startswith("#"))


def test_an_oscillating_balance_alerts_once_and_recovers_once(mayhouse: Mayhouse) -> None:
    """The exit code follows each wei, the announcement does not; a refused one comes again."""
    with Hook() as hook:
        mayhouse.settings["MAYHOUSE_WEBHOOK_URL"] = hook.url
        hook.status = 500
        refused = check(mayhouse, WARNING - 1, "--notify")
        hook.status = 200
        codes = [
            check(mayhouse, balance, "--notify", "-q").code
            for balance in (WARNING - 1, WARNING + 1, 2 * WARNING, 2 * WARNING)
        ]
    assert (refused.code, refused.out.count("\n")) == (1, 1)
    assert "127.0.0.1 has no answer now (HTTP 500)" in refused.err
    assert codes == [1, 0, 0, 0]
    assert hook.changes == [("OK", "WARNING"), ("WARNING", "OK")]


# --- history ----------------------------------------------------------------------------


def test_the_history_is_drawn_at_a_terminal_alone(mayhouse: Mayhouse) -> None:
    """Days, spending and forecast; in a pipe plain text, and the same numbers as JSON."""
    mayhouse.execute(
        """
        INSERT INTO mayhouse.balance_readings
            (address, role, chain_id, balance_wei, state, read_at)
        SELECT %s, 'platform', 31337, 800000000000000000 - 100000000000000000 * day, 'OK',
               now() - interval '3 days' + day * interval '1 day'
        FROM generate_series(0, 3) AS day
        """,
        PLATFORM,
    )
    (wallet,) = mayhouse.json("balance", "history", "--days", "5").data["wallets"]
    assert (wallet["spend_per_day_wei"], len(wallet["days"])) == (str(10**17), 4)
    piped = mayhouse.run("balance", "history", "--days", "5").out
    with Terminal(
        *("balance", "history", "--days", "5"), env=mayhouse.environment, cwd=mayhouse.folder
    ) as terminal:
        assert terminal.finish() == 0
        drawn = terminal.seen
    assert (bool(BLOCKS & {*piped}), bool(BLOCKS & {*drawn})) == (False, True)
    assert f"below 0.2 ETH from {wallet['reaches_warning_on']} on" in piped
