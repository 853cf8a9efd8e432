"""The operators' log is written with the change it tells of: both are kept, or neither."""

import pytest

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import replacement
from mayhouse_cli.operations.operator_log import list_log
from tests.twin_session import MemorySession, choices, platform


def waiting() -> MemorySession:
    """A platform whose first transaction waits to be mined."""
    session = platform()
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_event()
    session.wait_for(5)
    session.chain.mines = True
    return session


def test_a_speedup_is_logged_with_both_versions() -> None:
    """The row names the hashes before and after, and the transaction they are of."""
    session = waiting()
    signing = choices(max_fee=Wei(2 * 10**10))
    plan = replacement.plan_speedup(str(session.last.id), signing, session)
    replacement.replace(plan, session, wait=True)
    entry = session.memory.rows.log[-1]
    first, second = session.last.attempts
    assert entry.arguments["purpose"] == "speedup"
    assert (entry.transaction_id, entry.before, entry.after) == (
        session.last.id,
        {"tx_hash": first.tx_hash, "max_fee_wei": str(int(first.fees.max_fee))},
        {"tx_hash": second.tx_hash, "max_fee_wei": str(int(second.fees.max_fee))},
    )


def test_what_is_not_recorded_is_not_logged() -> None:
    """A refusal under the lock takes the row back with everything else."""
    session = platform(max_transaction_eth=Wei(1))
    with pytest.raises(Refused):
        session.create_event()
    assert session.memory.rows.log == []


def test_an_event_s_log_leaves_out_the_others() -> None:
    """By its number, and newest first."""
    session = platform().with_bookings(1, 2)
    session.create_event()
    commands = [one.arguments["kind"] for one in list_log("1", 10, session).entries]
    assert commands == ["book_event", "book_event", "create_event"]
    assert len(list_log(None, 10, session).entries) == 4
    assert len(list_log(None, 1, session).entries) == 1
