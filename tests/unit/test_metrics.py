"""The balance check for the node exporter's textfile collector."""

import stat
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
