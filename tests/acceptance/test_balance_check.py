"""`balance check` on a real node, as monitoring calls it."""

import pytest

from tests.mayhouse import PLATFORM, Mayhouse

WARNING, CRITICAL = 2 * 10**17, 10**17


def check(mayhouse: Mayhouse, balance: int, *more: str) -> tuple[int, str, str]:
    """Run the check with this balance; gives code and both streams."""
    mayhouse.node.rpc("anvil_setBalance", PLATFORM, hex(balance))
    run = mayhouse.run("balance", "check", *more)
    return run.code, run.out, run.err


@pytest.mark.parametrize(
    ("balance", "code"),
    [
        (WARNING, 0), (WARNING - 1, 1), (CRITICAL, 1), (CRITICAL - 1, 2), (0, 2),
    ],
    ids=["at the warning", "a wei below it", "at the critical", "a wei below it too", "nothing"],
)  # fmt: skip
def test_the_state_changes_a_wei_below_each_threshold(
    mayhouse: Mayhouse, balance: int, code: int
) -> None:
    """At a threshold is still the better state; the exit code is the state."""
    assert check(mayhouse, balance)[0] == code


def test_the_check_line_carries_performance_data(mayhouse: Mayhouse) -> None:
    """One line, in the plugin's own format."""
    code, out, err = check(mayhouse, 64 * 10**15, "--warning", "0.2", "--critical", "0.05")
    assert (code, err) == (1, "")
    assert out == (
        "BALANCE WARNING - platform 0.064000 ETH (warning <0.2, critical <0.05) "
        "| platform_eth=0.064;0.2:;0.05:;0\n"
    )


def test_a_reading_is_recorded(mayhouse: Mayhouse) -> None:
    """Address, balance to the wei and state are kept."""
    check(mayhouse, WARNING - 1)
    row = mayhouse.row("SELECT address, balance_wei, state FROM mayhouse.balance_readings")
    assert (row["address"], row["balance_wei"], row["state"]) == (PLATFORM, WARNING - 1, "WARNING")


def test_a_lost_database_does_not_change_the_state(mayhouse: Mayhouse) -> None:
    """The reading is told and its code kept; that it was not recorded is a warning."""
    mayhouse.settings["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    code, out, err = check(mayhouse, WARNING)
    assert (code, out.startswith("BALANCE OK - ")) == (0, True)
    assert "not recorded" in err


def test_metrics_are_written_beside_the_line(mayhouse: Mayhouse) -> None:
    """`--textfile` writes what the node exporter collects."""
    target = mayhouse.folder / "mayhouse.prom"
    check(mayhouse, WARNING, "--textfile", str(target))
    assert "mayhouse_balance_check_success 1" in target.read_text()
