"""Every way a node can fail, at every method, before and after: at most once, and healed by resume.

A case is one command under one fault. Then the node behaves, `tx resume` runs once, and the
database must say what the chain says; the command run again gives the first result or makes it
happen exactly once. MAYHOUSE_SEED repeats a sample, MAYHOUSE_CASE picks cases by their name.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.database_server import DatabaseServer
from tests.faults import kinds
from tests.faults.counts import COUNTS
from tests.faults.kinds import Fault
from tests.faults.lanes import Lane, Lanes, Steps
from tests.faults.oracle import Findings, Oracle
from tests.faults.proxy import Rule
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.mayhouse import Run

SEED: Final = int(os.environ.get("MAYHOUSE_SEED") or random.randrange(10**6))
ONLY: Final = os.environ.get("MAYHOUSE_CASE", "")
SAMPLE: Final = 10  # cases a command
WIDTH: Final = 4  # lanes
READS: Final = (
    "eth_chainId",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_call",
    "eth_getBalance",
    "eth_feeHistory",
    "eth_getTransactionCount",
    "eth_estimateGas",
    kinds.RECEIPT,
)
LIES: Final = (
    (kinds.COUNT, kinds.STALE_NONCE),
    (kinds.COUNT, kinds.NONCE_OF_LONG_AGO),
    (kinds.COUNT, kinds.USED_NONCE),
    (kinds.RECEIPT, kinds.MISSING_RECEIPT),
    (kinds.RECEIPT, kinds.STRANGE_RECEIPT),
)
ONCE_OR_ALWAYS: Final = (1, 2, None)


@dataclass(frozen=True)
class Case:
    """One command under one fault."""

    scenario: Scenario
    method: str
    fault: Fault
    after: bool
    times: int | None

    def __str__(self) -> str:
        where = "after" if self.after else "before"
        often = "always" if self.times is None else f"{self.times}x"
        return f"{self.scenario.name} | {self.method} | {self.fault.name} | {where} | {often}"

    @property
    def may_refuse(self) -> bool:
        """Whether exit 6 fits: the node refuses the bytes, or lies about the nonces."""
        return self.fault in kinds.REFUSING_WORDS or (self.method, self.fault) in LIES[:3]


@dataclass(frozen=True)
class Judged:
    """What became of a case."""

    case: Case
    code: int
    found: Findings


def cases_of(scenario: Scenario, seed: int) -> list[Case]:
    """Every fault at every method; how often it strikes is drawn."""
    drawn = random.Random(f"{seed} {scenario.name}")
    cases = [
        Case(scenario, method, fault, drawn.random() < 0.5, drawn.choice(ONCE_OR_ALWAYS))
        for method in READS
        for fault in kinds.GENERAL
    ]
    cases += [
        Case(scenario, kinds.SEND, fault, after, drawn.choice(ONCE_OR_ALWAYS))
        for fault in (*kinds.GENERAL, *kinds.DOUBTFUL_WORDS)
        for after in (False, True)
    ]
    # A node that refuses clearly and takes the bytes all the same would lie; none does.
    refusals = [(kinds.SEND, fault) for fault in kinds.REFUSING_WORDS]
    cases += [
        Case(scenario, method, fault, after=False, times=times)
        for method, fault in (*refusals, *LIES)
        for times in (1, None)
    ]
    return [case for case in cases if ONLY in str(case)]


def steps_of(case: Case, lane: Lane) -> Steps[Judged]:
    """Run the command under the fault, heal, resume, compare, and run it again."""
    lane.restore()
    oracle = Oracle(lane.mayhouse, lane.first_block)
    scenario, found = case.scenario, Findings()
    words = scenario.words(lane)
    lane.proxy.rules.append(Rule(case.method, case.fault, case.after, case.times))
    first = yield lane.start(*words, "--timeout", "1.5")
    sent = kinds.SEND in lane.proxy.methods
    found.losses += why_unfitting(case, first, sent=sent)
    found.add(unrecorded(oracle), "at once")

    lane.proxy.heal()
    resumed = yield lane.start("tx", "resume", "--timeout", "8")
    if resumed.code not in (0, 6):
        found.losses.append(f"resume exits {resumed.code}: {resumed.error['message']}")
    found.add(oracle.examine(), "resumed")

    again = yield lane.start(*scenario.again(lane), "--timeout", "8")
    if again.code != 0:
        found.losses.append(f"run again, it exits {again.code}: {again.error['message']}")
    elif first.code == 0 and scenario.repeats and again.data != first.data:
        found.losses.append(f"run again, it says {again.data} instead of {first.data}")
    found.add(oracle.examine(), "run again")
    return Judged(case, first.code, found)


def unrecorded(oracle: Oracle) -> Findings:
    """What is on chain already and was not recorded before it was sent, or happened twice."""
    found = oracle.examine()
    losses = [one for one in found.losses if "not recorded" in one]
    return Findings(found.duplicates, losses)


def why_unfitting(case: Case, run: Run, *, sent: bool) -> list[str]:
    """Whether the exit code says what happened: 5 nothing was sent, 7 something was."""
    data = run.document["data"] or {}
    match run.code:
        case 5 if sent:
            return ["exit 5 and something was sent"]
        case 7 if not sent:
            return ["exit 7 and nothing was sent"]
        case 7 if not data.get("tx_hash"):
            return ["exit 7 without the hash"]
        case 6 if not case.may_refuse:
            return [f"exit 6: {run.error['message']}"]
        case 0 | 5 | 6 | 7:
            return []
        case _:
            return [f"exit {run.code}: {run.error['message']}"]


@pytest.fixture(scope="module")
def lanes(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Lane]]:
    """Four platforms of their own."""
    folder: Path = tmp_path_factory.mktemp("lanes")
    opened = [Lane(database_server, folder) for _ in range(WIDTH)]
    yield opened
    for lane in opened:
        lane.drop()
        lane.__exit__(None, None, None)


def judge(cases: list[Case], lanes: list[Lane], note: Callable[[str, object], None]) -> None:
    """Run the cases, count them for the summary, and demand that nothing is wrong with any."""
    for lane in lanes:
        lane.prepare(cases[0].scenario.prepare)
    judged = Lanes[Judged](lanes).drive([partial(steps_of, case) for case in cases])
    duplicates = [one for one in judged if one.found.duplicates]
    wrong = [one for one in judged if one.found.losses]
    note(
        COUNTS,
        f"fault matrix, {cases[0].scenario.name} (seed {SEED}): {len(judged)} cases, "
        f"{len(duplicates)} duplicates, {len(wrong)} wrong",
    )
    told = [
        f"{one.case}: exit {one.code}; {'; '.join([*one.found.duplicates, *one.found.losses])}"
        for one in judged
        if one in duplicates or one in wrong
    ]
    assert not told, "\n" + "\n".join(told)


def sample_of(scenario: Scenario) -> list[Case]:
    """A seeded sample, in which sends weigh more."""
    cases = cases_of(scenario, SEED)
    weights = [4 if case.method == kinds.SEND else 1 for case in cases]
    drawn = random.Random(f"{SEED} sample {scenario.name}")
    return drawn.choices(cases, weights, k=SAMPLE)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_sampled_faults_never_happen_twice_and_heal(
    scenario: Scenario, lanes: list[Lane], record_property: Callable[[str, object], None]
) -> None:
    """A sample of all faults: at most one effect, fitting exit codes, one resume heals."""
    judge(sample_of(scenario), lanes, record_property)


@pytest.mark.sweep
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_fault_never_happens_twice_and_heals(
    scenario: Scenario, lanes: list[Lane], record_property: Callable[[str, object], None]
) -> None:
    """All faults at all methods: at most one effect, fitting exit codes, one resume heals."""
    judge(cases_of(scenario, SEED), lanes, record_property)
