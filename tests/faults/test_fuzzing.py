"""Any arguments, files and environment: an exit code of the table, no traceback, no hang.

MAYHOUSE_SEED repeats a run.
"""

import os
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import typer.main
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.chain_node import closed_port
from tests.faults.canaries import DSN_PASSWORD, KEY, MARK, marks_in
from tests.faults.counts import COUNTS
from tests.faults.fuzz_cases import (
    Case,
    command_lines,
    commands,
    config_cases,
    environment_cases,
    file_cases,
    line_cases,
)
from tests.faults.fuzzing import broken_promises, case_folder, run_case
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, PLATFORM_KEY, SCRIPT, Mayhouse, clean_environment

SEED: Final = int(os.environ.get("MAYHOUSE_SEED") or random.randrange(10**6))
# Below a file no folder can be made: no sandbox starts here.
NO_SANDBOX: Final = "/dev/null/sandbox"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module", autouse=True)
def _one_tree_of_commands() -> Iterator[None]:
    """To build it takes as long as a command, and it is the same each time."""
    build = typer.main.get_command
    typer.main.get_command = cache(build)
    yield
    typer.main.get_command = build


@dataclass(frozen=True)
class World:
    """What a case finds around it, and what it must not tell."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def broken(self, case: Case) -> list[str]:
        """Run a case, and give what it has broken."""
        with case_folder() as folder:
            env = {**self.environment, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
            return broken_promises(case, run_case(case, folder, env), self.secrets)


@pytest.fixture(scope="module")
def nothing_there() -> Iterator[World]:
    """Everything is configured, and nothing answers: a closed port, a dead socket."""
    with ExitStack() as stack:
        node, database = (stack.enter_context(closed_port()) for _ in range(2))
        yield World(
            {
                **clean_environment("/dev/null"),
                "BLOCKCHAIN_RPC_URL": f"http://127.0.0.1:{node}/{MARK}0key",
                "CHAIN_ID": "31337",
                "CONTRACT_ADDRESS": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
                "PLATFORM_PRIVATE_KEY": KEY,
                "DATABASE_URL": f"postgresql://u:{DSN_PASSWORD}@127.0.0.1:{database}/x",
                "ETH_PRICE_INR": "200000",
                "MAYHOUSE_SANDBOX": NO_SANDBOX,
            }
        )


@pytest.fixture
def platform(mayhouse: Mayhouse) -> World:
    """A platform that works, with an event that two have booked."""
    world = World(
        {**mayhouse.environment, "MAYHOUSE_SANDBOX": NO_SANDBOX}, (PLATFORM_KEY[2:],)
    )
    event = ("--experience", EXPERIENCE_ID, "--price-inr", "2500")
    for words in (
        ("event", "create", *event, "--seats", "4", "--starts-at", mayhouse.starts_in(), "-y"),
        ("booking", "create", "1", "--seats", "1", "--traveler", ASHA, "-y"),
        ("booking", "create", "1", "--seats", "1", "--traveler", BINA, "-y"),
    ):
        done = mayhouse.json(*words)
        assert done.code == 0, done
    return world


def fuzz(
    name: str, cases: SearchStrategy[Case], number: int, world: World, record: Record
) -> None:
    """Run so many cases; the first that breaks a promise is made as small as it can be."""
    codes: dict[object, int] = {}

    @seed(SEED)
    @settings(
        max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(cases)
    def keeps_its_promises(case: Case) -> None:
        with case_folder() as folder:
            env = {**world.environment, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
            ended = run_case(case, folder, env)
        codes[ended.code] = codes.get(ended.code, 0) + 1
        assert broken_promises(case, ended, world.secrets) == [], ended

    keeps_its_promises()
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items(), key=str))
    record(COUNTS, f"fuzzing, {name}: {sum(codes.values())} cases (seed {SEED}), exits {told}")
    assert sum(codes.values()) >= number
    assert len(codes) > 1, "every case ends the same: nothing is reached"


def sized(number: int, sweep: int) -> pytest.MarkDecorator:
    """A sample of the cases in each run of the tests, and many in the sweep."""
    return pytest.mark.parametrize(
        "number",
        [
            pytest.param(number, id=str(number)),
            pytest.param(sweep, id=str(sweep), marks=pytest.mark.sweep),
        ],
    )


@sized(620, 14_000)
def test_any_command_line(nothing_there: World, number: int, record_property: Record) -> None:
    """Every command with its options, missing, unknown, huge, negative, of another alphabet."""
    fuzz("command lines", line_cases(), number, nothing_there, record_property)


@sized(180, 3_000)
def test_any_config_file(nothing_there: World, number: int, record_property: Record) -> None:
    """Wrong types, unknown keys, broken syntax, no UTF-8, far too long."""
    fuzz("config files", config_cases(), number, nothing_there, record_property)


@sized(120, 2_500)
def test_any_environment(nothing_there: World, number: int, record_property: Record) -> None:
    """Whatever a system lets stand in a variable."""
    fuzz("environments", environment_cases(), number, nothing_there, record_property)


@sized(60, 1_000)
def test_any_command_line_on_a_platform_that_works(
    platform: World, number: int, record_property: Record
) -> None:
    """The same where chain and database answer, and transactions are sent."""
    fuzz("command lines, real", line_cases(real=True), number, platform, record_property)


@sized(60, 1_200)
def test_any_file_of_bookings_events_and_attendance(
    platform: World, number: int, record_property: Record
) -> None:
    """Columns, cells, separators, encodings and broken bytes."""
    fuzz("lists in files", file_cases(), number, platform, record_property)
