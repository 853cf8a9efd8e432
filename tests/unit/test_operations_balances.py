"""The balance check: its states to the wei, every wallet once, and what cannot hide them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import RpcUnreachable, Terminated, WrongUsage
from mayhouse_cli.models import Address, Question, Snapshot
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.balances import BalanceCheck, BalanceState, check_balance, state_of
from mayhouse_cli.ports import Deadline
from tests.twin_chain import PLATFORM
from tests.twin_session import MemorySession, platform

WARNING: Final = Wei(2 * 10**17)
CRITICAL: Final = Wei(10**17)
TREASURY: Final = Address("0x" + "7" * 40)
HOST: Final = Address("0xABcdef12" + "0" * 32)


@pytest.fixture
def session() -> MemorySession:
    """A platform with the default thresholds of 0.2 and 0.1 ETH."""
    return platform()


def check(session: MemorySession) -> BalanceCheck:
    """Check with the configured thresholds."""
    return check_balance(None, None, session)[0]


@contextmanager
def hanging() -> Iterator[Callable[..., None]]:
    """Give a function that comes back only when the test ends."""
    ended = threading.Event()

    def hang(*_: object) -> None:
        ended.wait(30)

    try:
        yield hang
    finally:
        ended.set()


@pytest.mark.parametrize(
    ("balance", "state"),
    [
        (WARNING + 1, "OK"),
        (WARNING, "OK"),
        (WARNING - 1, "WARNING"),
        (CRITICAL + 1, "WARNING"),
        (CRITICAL, "WARNING"),
        (CRITICAL - 1, "CRITICAL"),
        (Wei(0), "CRITICAL"),
    ],
)
def test_only_below_a_threshold_is_worse(session: MemorySession, balance: Wei, state: str) -> None:
    """At the threshold it is still well, one wei below it is not."""
    session.chain.balance = balance
    found, warnings = check_balance(None, None, session)
    assert (found.state, found.wallets[0].balance_wei, warnings) == (state, balance, ())


@given(st.integers(1, 10**30), st.integers(0, 10**30), st.sampled_from([-1, 0, 1]))
def test_every_threshold_is_exact(critical: int, gap: int, wei: int) -> None:
    """Around each threshold a wei decides, whatever their sizes."""
    warning = critical + gap
    at_critical = state_of(Wei(critical + wei), Wei(warning), Wei(critical))
    at_warning = state_of(Wei(warning + wei), Wei(warning), Wei(critical))
    assert (at_critical is BalanceState.CRITICAL) == (wei < 0)
    assert (at_warning is BalanceState.OK) == (wei >= 0)


def test_thresholds_can_be_given(session: MemorySession) -> None:
    """They stand above the configured ones."""
    session.chain.balance = Wei(50)
    assert check_balance(Wei(51), Wei(50), session)[0].state == "WARNING"


def test_equal_thresholds_leave_no_warning_between(session: MemorySession) -> None:
    """One threshold for both is a choice, not an error."""
    session.chain.balance = Wei(49)
    assert check_balance(Wei(50), Wei(50), session)[0].state == "CRITICAL"


@pytest.mark.parametrize("role", ["platform", "treasury"])
def test_a_critical_threshold_above_the_warning_is_refused(
    session: MemorySession, role: str
) -> None:
    """They were mixed up; the wallet is named."""
    key = {"platform": "balance", "treasury": "treasury"}[role]
    settings = {f"{key}_warning_eth": Wei(50), f"{key}_critical_eth": Wei(51)}
    session.set(treasury_address=TREASURY, **settings)
    with pytest.raises(WrongUsage, match=f"{role} wallet's critical .* is above the warning"):
        check(session)


# --- which wallets ----------------------------------------------------------------------


def test_every_wallet_is_read_in_one_question(session: MemorySession) -> None:
    """However many there are, the node is asked once."""
    session.set(treasury_address=TREASURY)
    session.readings.hosts = (HOST,)
    asked: list[Question] = []
    read = session.chain.read

    def listen(question: Question) -> Snapshot:
        asked.append(question)
        return read(question)

    session.chain.read = listen  # type: ignore[method-assign]
    found = check(session)
    assert [one.accounts for one in asked] == [(PLATFORM, TREASURY, HOST)]
    assert [one.role for one in found.wallets] == ["platform", "treasury", "host-abcdef12"]


def test_a_wallet_with_several_roles_is_listed_once(session: MemorySession) -> None:
    """In custody the platform's wallet is the host of every event."""
    session.set(treasury_address=PLATFORM)
    session.readings.hosts = (PLATFORM,)
    assert [one.role for one in check(session).wallets] == ["platform"]


def test_each_wallet_has_thresholds_of_its_own(session: MemorySession) -> None:
    """Where a role has none, the platform's hold; the worst state is the check's."""
    session.set(treasury_address=TREASURY, treasury_warning_eth=Wei(10**20 + 1))
    session.readings.hosts = (HOST,)
    found = check(session)
    thresholds = [(one.warning_wei, one.critical_wei) for one in found.wallets]
    assert thresholds == [(WARNING, CRITICAL), (10**20 + 1, CRITICAL), (WARNING, CRITICAL)]
    assert [one.state for one in found.wallets] == ["OK", "WARNING", "OK"]
    assert found.state == "WARNING"


def test_the_balance_is_told_in_operations(session: MemorySession) -> None:
    """What it still pays for in gas, at the fees of now."""
    session.chain.balance = Wei(342_901 * 1001 * 7)  # the twin's base fee and tip, per gas
    assert check(session).wallets[0].operations_left["events"] == 7


@pytest.mark.parametrize(("more", "short"), [(0, False), (1, True)])
def test_open_quotes_that_the_balance_cannot_pay_are_told(
    session: MemorySession, more: int, *, short: bool
) -> None:
    """The float they need stands beside the balance; a wei too much is short."""
    session.readings.quoted = session.chain.balance + more
    found = check(session)
    assert (found.float_needed_wei, found.float_is_short) == (session.readings.quoted, short)


# --- what is recorded, and without what ------------------------------------------------


def test_every_wallets_reading_is_recorded(session: MemorySession) -> None:
    """Their history is what forecasts are made of."""
    session.set(treasury_address=TREASURY)
    session.chain.balance = CRITICAL
    assert check(session).recorded
    kept = [(one.address, one.balance, one.state) for one in session.memory.rows.readings]
    assert kept == [(PLATFORM, CRITICAL, "WARNING"), (TREASURY, CRITICAL, "WARNING")]


def test_a_lost_database_does_not_change_the_state(session: MemorySession) -> None:
    """Monitoring must see the balance all the same; that nothing was kept is a warning."""
    session.chain.balance = CRITICAL
    session.memory.lost = True
    found, warnings = check_balance(None, None, session)
    assert (found.state, found.recorded, found.float_needed_wei) == ("WARNING", False, None)
    (warning,) = warnings
    assert warning.startswith("The reading was not recorded")


def test_a_hanging_database_leaves_the_node_its_time(session: MemorySession) -> None:
    """The state is told within the command's time."""
    session.deadline = Deadline(1.5)
    with hanging() as hang:
        session.readings.open_hosts = hang  # type: ignore[assignment,method-assign]
        began = time.monotonic()
        found, warnings = check_balance(None, None, session)
    assert (found.state, found.recorded) == ("OK", False)
    assert "did not answer in time" in warnings[0]
    assert time.monotonic() - began < 1.5


def test_a_node_that_never_answers_is_given_up(session: MemorySession) -> None:
    """Even where the client itself would wait for ever, as for a name server."""
    session.deadline = Deadline(0.2)
    with hanging() as hang:
        session.chain.read = hang  # type: ignore[assignment,method-assign]
        with pytest.raises(RpcUnreachable, match="did not answer in time"):
            check(session)


def test_a_signal_ends_the_check(session: MemorySession) -> None:
    """It is no failure of the database that the check could go on without."""

    def stop(chain_id: int) -> tuple[Address, ...]:
        del chain_id
        raise Terminated("Terminated.")

    session.readings.open_hosts = stop  # type: ignore[method-assign]
    with pytest.raises(Terminated):
        check(session)


def test_the_check_needs_no_password(session: MemorySession) -> None:
    """It runs from a timer, with nobody there."""
    check(session)
    assert session.signer.unlocked == 0
