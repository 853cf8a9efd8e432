"""How long a wait pauses between two looks at the chain."""

import time
from itertools import pairwise

import pytest

from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.chain.rpc import Rpc
from mayhouse_cli.models import ZERO_ADDRESS
from mayhouse_cli.ports import Deadline

BLOCK_TIME = 12  # seconds, on Sepolia and mainnet
LOOKS = 60


def pauses(monkeypatch: pytest.MonkeyPatch, *, local: bool, seconds: float = 600) -> list[float]:
    """The pauses of a long wait, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    deadline = Deadline(seconds)
    client = ContractClient(Rpc([], 1, deadline), ZERO_ADDRESS, deadline, local=local)
    for waits in range(LOOKS):
        client.pause(waits)
    return slept


def test_a_public_chain_is_looked_at_a_few_times_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Often enough to see a block soon; seldom enough for a provider's limit."""
    slept = pauses(monkeypatch, local=False)
    assert min(slept) >= 0.5
    assert BLOCK_TIME / 6 <= max(slept) <= BLOCK_TIME / 4
    assert sum(1 for end in range(len(slept)) if sum(slept[:end]) < BLOCK_TIME) <= 8


def test_a_local_chain_is_looked_at_at_once_and_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its blocks come at once, or each second."""
    slept = pauses(monkeypatch, local=True)
    assert slept[0] <= 0.02
    assert max(slept) <= 0.25


@pytest.mark.parametrize("local", [True, False])
def test_pauses_only_grow(monkeypatch: pytest.MonkeyPatch, local: bool) -> None:  # noqa: FBT001
    """What has taken long is likely to take longer."""
    assert all(before <= after for before, after in pairwise(pauses(monkeypatch, local=local)))


def test_no_pause_outlives_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """--timeout bounds the wait."""
    assert max(pauses(monkeypatch, local=False, seconds=0.3)) <= 0.3
