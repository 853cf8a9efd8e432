"""Waiting for cheap gas: the plan is made on the state of the cheap block, or not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mayhouse_cli.errors import ConfigurationError, FeeTooHigh, FeeWaitOver, RpcUnreachable
from mayhouse_cli.models import Question, Snapshot
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import event_creation
from mayhouse_cli.operations.event_creation import CreationPlan
from mayhouse_cli.operations.intents import FeeWait
from tests.twin_chain import MemoryChain, Patience
from tests.twin_session import MemorySession, choices, event_request, platform
from tests.twins import START, Memory

CHEAP, DEAR = 10, 11


class PricedChain(MemoryChain):
    """A chain whose reads find these prices, one after the other, and then the last for ever."""

    def __init__(self, memory: Memory, *prices: int | None) -> None:
        super().__init__(Patience(1000))
        self.memory = memory
        self.prices = [*prices]

    def read(self, question: Question) -> Snapshot:
        """A price of None is a node that does not answer."""
        price = self.prices.pop(0) if len(self.prices) > 1 else self.prices[0]
        if price is None:
            raise RpcUnreachable("The node does not answer", hint="Start it.")
        snapshot = super().read(question)
        return replace(snapshot, block=replace(snapshot.block, base_fee=Wei(price)))

    def pause(self, waits: int) -> None:
        """Each takes a minute."""
        super().pause(waits)
        self.memory.now += timedelta(minutes=1)


def priced(*prices: int | None, **settings: object) -> MemorySession:
    """A session on such a chain."""
    session = platform(**settings)
    session.chain = PricedChain(session.memory, *prices)
    return session


def plan(session: MemorySession, minutes: int = 60) -> CreationPlan:
    """Plan an event, waiting at most so long."""
    wait = FeeWait(Wei(CHEAP), START + timedelta(minutes=minutes))
    signing = choices(max_fee=wait.price, fee_wait=wait)
    return event_creation.plan_creation(event_request(), signing, session)


def minutes_waited(session: MemorySession) -> float:
    """How long the session has waited."""
    return (session.memory.now - START) / timedelta(minutes=1)


def test_a_cheap_block_is_not_waited_for() -> None:
    """The plan is made at once."""
    session = priced(CHEAP)
    assert plan(session).prepared.fees is not None
    assert minutes_waited(session) == 0


def test_the_plan_is_made_on_the_cheap_block() -> None:
    """Not on the one that was dear."""
    session = priced(DEAR, DEAR, DEAR, CHEAP)
    snapshot = plan(session).prepared.snapshot
    assert snapshot is not None
    assert snapshot.block.base_fee == CHEAP
    assert minutes_waited(session) == 3


def test_a_price_that_rises_again_is_waited_for_again() -> None:
    """Cheap when looked at, dear when planned: nothing dear is planned."""
    session = priced(DEAR, CHEAP, DEAR, CHEAP)
    fees = plan(session).prepared.fees
    assert fees is not None
    assert fees.max_fee <= CHEAP
    assert minutes_waited(session) == 2


def test_a_node_that_is_away_for_a_while_does_not_end_the_wait() -> None:
    """A night is long enough for that."""
    session = priced(DEAR, None, None, CHEAP)
    plan(session)
    assert minutes_waited(session) == 3


def test_the_deadline_ends_it() -> None:
    """The last price is told."""
    session = priced(DEAR)
    with pytest.raises(FeeWaitOver, match="above the cap"):
        plan(session, minutes=5)
    assert minutes_waited(session) == 5


def test_the_guards_run_again_after_the_wait() -> None:
    """A price of ETH that was fresh when the wait began is not any more."""
    session = priced(*[DEAR] * 62, CHEAP, eth_price_as_of=START)
    with pytest.raises(ConfigurationError, match="minutes old"):
        plan(session, minutes=120)


def test_without_the_option_a_high_price_is_refused_at_once() -> None:
    """As before: exit 6."""
    session = priced(DEAR)
    with pytest.raises(FeeTooHigh):
        event_creation.plan_creation(event_request(), choices(max_fee=Wei(CHEAP)), session)
