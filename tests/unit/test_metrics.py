"""The balance check for the node exporter's textfile collector."""

import os
import shutil
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.balances import BalanceCheck, WalletBalance
from mayhouse_cli.operations.metrics import write_metrics

ADDRESS = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
LABELS = f'{{role="platform",address="{ADDRESS}",chain_id="31337"}}'
CHECK = BalanceCheck(
    state="WARNING",
    wallets=(
        WalletBalance(
            "platform", ADDRESS, Wei(64 * 10**15), "0.064000", Wei(2 * 10**17), Wei(10**17),
            "CRITICAL", {},
        ),
    ),
    block_number=7,
    chain_id=31337,
    recorded=True,
)  # fmt: skip

HOST = WalletBalance(
    "host-70997970", Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"), Wei(1), "0.0",
    Wei(2), Wei(1), "WARNING", {},
)  # fmt: skip
TWO_WALLETS = replace(CHECK, wallets=(*CHECK.wallets, HOST))
LAST_SUCCESS = "mayhouse_balance_check_last_success_timestamp_seconds"


def lines(path: Path) -> list[str]:
    """The samples of a metrics file."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def test_a_check_is_written_with_its_labels(tmp_path: Path) -> None:
    """Balance, thresholds, state and times stand under their documented names."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, CHECK, 0.25, 1_764_000_000)
    assert lines(target) == [
        f"mayhouse_wallet_balance_ether{LABELS} 0.064",
        'mayhouse_wallet_balance_threshold_ether{role="platform",severity="warning"} 0.2',
        'mayhouse_wallet_balance_threshold_ether{role="platform",severity="critical"} 0.1',
        'mayhouse_balance_check_state{role="platform"} 2',
        "mayhouse_balance_check_success 1",
        "mayhouse_balance_check_duration_seconds 0.250",
        "mayhouse_balance_check_last_run_timestamp_seconds 1764000000",
        "mayhouse_balance_check_last_success_timestamp_seconds 1764000000",
    ]


def test_a_failed_check_keeps_the_last_success_and_leaves_the_balance_out(tmp_path: Path) -> None:
    """The node was away: success is 0, the time of the last success is carried on."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, CHECK, 0.25, 1_764_000_000)
    write_metrics(target, None, 10, 1_764_000_300)
    assert lines(target) == [
        'mayhouse_balance_check_state{role="platform"} 3',
        "mayhouse_balance_check_success 0",
        "mayhouse_balance_check_duration_seconds 10.000",
        "mayhouse_balance_check_last_run_timestamp_seconds 1764000300",
        "mayhouse_balance_check_last_success_timestamp_seconds 1764000000",
    ]


def test_the_collector_may_read_the_file(tmp_path: Path) -> None:
    """It runs under another user: mode 0644, and nothing is left beside the file."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, CHECK, 0.25, 1_764_000_000)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The file's name stands in the error."""
    with pytest.raises(ConfigurationError, match=r"mayhouse\.prom"):
        write_metrics(tmp_path / "nowhere" / "mayhouse.prom", CHECK, 0.25, 1)


def test_wallets_that_were_known_are_unknown_after_a_failure(tmp_path: Path) -> None:
    """Whatever the check before had read: nothing of it is said to be well."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, TWO_WALLETS, 0.25, 1_764_000_000)
    write_metrics(target, None, 10, 1_764_000_300)
    assert lines(target)[:2] == [
        'mayhouse_balance_check_state{role="platform"} 3',
        'mayhouse_balance_check_state{role="host-70997970"} 3',
    ]


def test_the_last_success_outlives_several_failures(tmp_path: Path) -> None:
    """An alert on its age needs the time however long the node is away."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, CHECK, 0.25, 1_764_000_000)
    for minutes in range(1, 4):
        write_metrics(target, None, 10, 1_764_000_000 + 60 * minutes)
    assert lines(target)[-1] == f"{LAST_SUCCESS} 1764000000"


@pytest.mark.parametrize(
    "checks",
    [
        [replace(CHECK, state="OK")], [CHECK], [TWO_WALLETS], [CHECK, None], [TWO_WALLETS, None],
        [None],
    ],
    ids=["ok", "warning", "two wallets", "after a failure", "two, after it", "only a failure"],
)  # fmt: skip
def test_promtool_accepts_the_file(tmp_path: Path, checks: list[BalanceCheck | None]) -> None:
    """Prometheus' own linter reads it and finds nothing."""
    promtool = shutil.which("promtool", path=f"{os.environ['PATH']}:/usr/bin")
    assert promtool, "promtool is needed: install Debian's package prometheus"
    target = tmp_path / "mayhouse.prom"
    for number, check in enumerate(checks):
        write_metrics(target, check, 0.25, 1_764_000_000 + 300 * number)
    judged = subprocess.run(
        [promtool, "check", "metrics"],
        input=target.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, b"", b"")


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """The collector may look at any moment: it finds one check or the other, whole."""
    target = tmp_path / "mayhouse.prom"
    write_metrics(target, CHECK, 0.25, 1)
    written = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not written.is_set():
            seen.add(target.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        write_metrics(target, TWO_WALLETS if number % 2 else CHECK, 0.25, 1)
    written.set()
    reader.join()
    whole = set()
    for check in (CHECK, TWO_WALLETS):
        write_metrics(target, check, 0.25, 1)
        whole.add(target.read_text())
    assert seen == whole


def test_only_a_file_is_replaced(tmp_path: Path) -> None:
    """A pipe or a device, such as /dev/null, stays what it is: root could rename over it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigurationError, match="is no file"):
        write_metrics(pipe, None, 0.1, 1_000.0)
    assert pipe.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]
