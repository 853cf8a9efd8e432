"""Alerts on changes of state: once, again only past the margin, and never lost to a failure."""

import threading
from typing import Final

import pytest

from mayhouse_cli.errors import MayhouseError, Unreachable
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei
from mayhouse_cli.operations.alerts import announce_changes
from mayhouse_cli.operations.balances import check_balance
from mayhouse_cli.ports import Deadline
from tests.twin_chain import PLATFORM
from tests.twin_session import MemorySession, platform

WARNING: Final = Wei(2 * 10**17)
CRITICAL: Final = Wei(10**17)
RECOVERED: Final = Wei(22 * 10**16)
TREASURY: Final = Address("0x" + "7" * 40)


@pytest.fixture
def session() -> MemorySession:
    """A platform with the default thresholds of 0.2 and 0.1 ETH and a margin of 10 %."""
    return platform()


def check(session: MemorySession, balance: int) -> str | None:
    """Check with this balance and announce; gives what went wrong."""
    session.chain.balance = Wei(balance)
    found, _ = check_balance(None, None, session)
    return announce_changes(found, session)


def told(session: MemorySession) -> list[tuple[str, str]]:
    """Previous and new state of every announcement."""
    return [(one["previous"], one["state"]) for one in session.notifier.posted]


def test_nothing_is_said_while_all_is_well(session: MemorySession) -> None:
    """The first check of a healthy wallet is no change."""
    assert check(session, WARNING) is None
    assert told(session) == []


@pytest.mark.parametrize(
    ("balances", "expected"),
    [
        ([WARNING - 1, WARNING - 2], [("OK", "WARNING")]),
        ([WARNING - 1, CRITICAL - 1], [("OK", "WARNING"), ("WARNING", "CRITICAL")]),
        ([WARNING - 1, WARNING, RECOVERED - 1], [("OK", "WARNING")]),
        ([WARNING - 1, RECOVERED], [("OK", "WARNING"), ("WARNING", "OK")]),
        ([CRITICAL - 1, CRITICAL + 1, 0], [("OK", "CRITICAL")]),
        ([CRITICAL - 1, RECOVERED], [("OK", "CRITICAL"), ("CRITICAL", "OK")]),
        ([CRITICAL - 1, 11 * 10**16], [("OK", "CRITICAL"), ("CRITICAL", "WARNING")]),
    ],
    ids=[
        *("once", "worse at once", "not within the margin", "at the margin"),
        *("critical stays so within it", "all the way", "half the way"),
    ],
)
def test_a_state_is_announced_when_it_changes(
    session: MemorySession, balances: list[int], expected: list[tuple[str, str]]
) -> None:
    """Worse at once, better at the margin above the threshold."""
    for balance in balances:
        check(session, balance)
    assert told(session) == expected


def test_the_announcement_says_which_wallet_has_how_much(session: MemorySession) -> None:
    """Slack shows `text` and takes < and & for its own; programs read the rest."""
    check(session, WARNING - 1)
    (document,) = session.notifier.posted
    assert document["text"] == (
        f"WARNING (was OK): the platform wallet {PLATFORM} on local has 0.199999 ETH "
        "(warning below 0.2, critical below 0.1)"
    )
    (wallet,) = document["wallets"]
    assert (wallet["balance_wei"], wallet["previous"]) == (str(WARNING - 1), "OK")


def test_each_wallet_is_announced_by_itself(session: MemorySession) -> None:
    """A second wallet that gets low is news, though the worst state is as it was."""
    session.set(treasury_address=TREASURY, treasury_warning_eth=CRITICAL + 5)
    check(session, CRITICAL + 7)
    check(session, CRITICAL + 3)
    texts = [one["text"] for one in session.notifier.posted]
    assert [("platform" in text, "treasury" in text) for text in texts] == [
        (True, False),
        (False, True),
    ]


def test_a_failing_hook_is_tried_again_by_the_next_check(session: MemorySession) -> None:
    """What was not taken has not been announced."""
    session.notifier.failure = Unreachable("hooks.example did not answer")
    problem = check(session, WARNING - 1)
    session.notifier.failure = None
    assert problem is not None
    assert "hooks.example did not answer" in problem
    assert check(session, WARNING - 2) is None
    assert told(session) == [("OK", "WARNING")]


def test_an_announcement_that_could_not_be_kept_is_repeated(session: MemorySession) -> None:
    """Told twice is better than not at all."""
    keep = session.alerts.keep

    def lose(*_: object) -> None:
        raise MayhouseError("The connection was lost")

    session.alerts.keep = lose  # type: ignore[method-assign,assignment]
    check(session, WARNING - 1)
    session.alerts.keep = keep  # type: ignore[method-assign]
    check(session, WARNING - 1)
    assert told(session) == [("OK", "WARNING")] * 2


def test_without_the_database_nothing_is_announced(session: MemorySession) -> None:
    """An alert at every check would soon be ignored; that none was sent is said."""
    session.memory.lost = True
    problem = check(session, WARNING - 1)
    session.memory.lost = False
    assert problem is not None
    assert "without the database" in problem
    check(session, WARNING - 1)
    assert told(session) == [("OK", "WARNING")]


def test_a_hook_that_hangs_is_left_behind(session: MemorySession) -> None:
    """The check's own time is the limit."""
    session.chain.balance = WARNING - 1
    found, _ = check_balance(None, None, session)
    session.deadline = Deadline(0.1)
    ended = threading.Event()

    def hang(_: object) -> None:
        ended.wait(30)
        raise Unreachable("too late")

    session.notifier.post = hang  # type: ignore[method-assign,assignment]
    problem = announce_changes(found, session)
    ended.set()
    assert problem is not None
    assert "not confirmed in time" in problem
