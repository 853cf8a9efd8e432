"""Changing a percentage: its limit, its owner, and the same value once more."""

import pytest

from mayhouse_cli.errors import ConsentMissing, Refused
from mayhouse_cli.models import Address
from mayhouse_cli.operations import percentages
from mayhouse_cli.operations.percentage_effects import FEE, STAKE, Percentage
from tests.twin_session import MemorySession, choices, platform


@pytest.mark.parametrize(("percentage", "highest"), [(FEE, 10), (STAKE, 50)])
def test_a_percentage_above_the_contracts_limit_is_refused(
    percentage: Percentage, highest: int
) -> None:
    """Before anything is signed, naming the limit."""
    session = platform()
    with pytest.raises(Refused, match=f"at most {highest} %"):
        percentages.plan_change(percentage, highest + 1, choices(), session)
    assert session.recorded == []


def test_only_the_owner_may_change_it() -> None:
    """Any other signer is told whose key it takes."""
    session = platform()
    session.signer.address = Address("0x" + "9" * 40)
    with pytest.raises(Refused, match="Only the contract's owner") as refusal:
        percentages.plan_change(FEE, 6, choices(), session)
    assert refusal.value.details["signer"] == session.signer.address


def test_the_value_that_it_has_already_is_not_sent() -> None:
    """Whoever signs: nothing is recorded, and the result says that it is unchanged."""
    session = platform()
    plan = percentages.plan_change(FEE, session.chain.fee_percent, choices(), session)
    result = percentages.change(plan, choices(), session)
    assert (result.transaction.status, session.recorded) == ("unchanged", [])


@pytest.fixture(scope="module")
def booked() -> MemorySession:
    """A platform with one booked event, and one that nobody booked."""
    session = platform().with_bookings(1, 2)
    session.create_event()
    return session


@pytest.mark.parametrize("typed", [0, 2, 10])
def test_the_number_of_events_must_be_the_one_shown(booked: MemorySession, typed: int) -> None:
    """Only events whose payout changes are counted."""
    plan = percentages.plan_change(FEE, 6, choices(), booked)
    plan.check_open_events(1)
    with pytest.raises(ConsentMissing):
        plan.check_open_events(typed)
