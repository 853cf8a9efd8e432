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
from tests.faults.canaries import DSN_PASSWORD, KEY, MARK
from tests.faults.counts import COUNTS
from tests.faults.fuzz_files import config_cases, environment_cases, file_cases
from tests.faults.fuzz_lines import commands, line_cases
from tests.faults.fuzzing import Case, Ended, case_folder, run_case
from tests.faults.promises import broken_promises
from tests.mayhouse import (
    ASHA,
    BINA,
    EXPERIENCE_ID,
    PLATFORM_KEY,
    SCRIPT,
    Mayhouse,
    clean_environment,
)

SEED: Final = int(os.environ.get("MAYHOUSE_SEED") or random.randrange(10**6))
# Below a file no folder can be made: no sandbox starts here.
NO_SANDBOX: Final = "/dev/null/sandbox"
Record = Callable[[str, object], None]

pytestmark = [
    # A process that ends closes what it has left; this one goes on.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # A look at the chain that was given up draws numbers in its thread, while a case is made.
    pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _one_tree_of_commands() -> Iterator[None]:
    """To build it takes as long as a command, and it is the same each time."""
    build = typer.main.get_command
    typer.main.get_command = cache(build)
    commands()  # before any case is drawn: to load them takes its time
    yield
    typer.main.get_command = build


@dataclass(frozen=True)
class World:
    """What a case finds around it, and what it must not tell."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def run(self, case: Case) -> tuple[Ended, list[str]]:
        """Run a case in a folder of its own; gives what came of it, and what it has broken."""
        with case_folder() as folder:
            env = {**self.environment, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
            ended = run_case(case, folder, env)
        return ended, broken_promises(case, ended, self.secrets)


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
    world = World({**mayhouse.environment, "MAYHOUSE_SANDBOX": NO_SANDBOX}, (PLATFORM_KEY[2:],))
    event = ("--experience", EXPERIENCE_ID, "--price-inr", "2500")
    for words in (
        ("event", "create", *event, "--seats", "4", "--starts-at", mayhouse.starts_in(), "-y"),
        ("booking", "create", "1", "--seats", "1", "--traveler", ASHA, "-y"),
        ("booking", "create", "1", "--seats", "1", "--traveler", BINA, "-y"),
    ):
        done = mayhouse.json(*words)
        assert done.code == 0, done
    return world


def fuzz(name: str, cases: SearchStrategy[Case], number: int, world: World, record: Record) -> None:
    """Run so many cases; the first that breaks a promise is made as small as it can be."""
    codes: dict[object, int] = {}

    @seed(SEED)
    @settings(
        max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(cases)
    def keeps_its_promises(case: Case) -> None:
        ended, broken = world.run(case)
        codes[ended.code] = codes.get(ended.code, 0) + 1
        assert broken == [], ended

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


@sized(640, 14_000)
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


LONG: Final = "x" * 300


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (Case(("config", "show", "--config", LONG)), 2),
        (Case(("sandbox", "status", "--folder", LONG)), 2),
        (Case(("config", "show"), env={"MAYHOUSE_CONFIG": LONG}), 3),
        (Case(("balance", "check", "--textfile", ".")), 3),
        (Case(("balance", "check", "--textfile", "")), 3),
        (Case(("config", "show"), env={"DATABASE_URL": "\udcff"}), 0),
        (Case(("config", "show"), env={"PLATFORM_PRIVATE_KEY": "A" * 100_000}), 0),
        (Case(("config", "show"), env={"MAYHOUSE_KEYSTORE_PASSWORD": "9" * 5_000}), 0),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, Case) else "",
)
def test_what_was_found_stays_mended(nothing_there: World, case: Case, code: int) -> None:
    """Each was a defect: a name no file system takes, no UTF-8, a secret of a huge length."""
    ended, broken = nothing_there.run(case)
    assert (broken, ended.code) == ([], code), ended


def test_a_file_of_unknown_events_alone_is_refused(platform: World) -> None:
    """It was a defect: there was nothing left to ask the chain for."""
    content = f"event,traveler,seats\n99,{ASHA},1\n".encode()
    case = Case(("booking", "import", "input.csv", "--dry-run"), {"input.csv": content})
    ended, broken = platform.run(case)
    assert (broken, ended.code) == ([], 6), ended


@pytest.mark.parametrize(
    ("words", "env", "code"),
    [
        (("config", "show", "--config", LONG, "--json"), {}, 2),
        (("config", "show", "--json"), {"DATABASE_URL": "\udcff"}, 0),
        (("event", "create", "--seats", "9" * 5_000, "--json"), {}, 2),
        (("booking", "quote", "\udcff", "--seats", "1", "--json"), {}, 2),
        (("tx", "show", "\x1b[31m\u202e", "--json", "--timeout", "0.1"), {}, 5),
    ],
    ids=("name", "environment", "number", "bytes", "control"),
)
def test_the_installed_script_keeps_them_as_well(
    nothing_there: World, folder: Path, words: tuple[str, ...], env: Mapping[str, str], code: int
) -> None:
    """In a process of its own, with the bytes that a system hands over."""
    ended = subprocess.run(
        [SCRIPT, *words],
        env={**nothing_there.environment, "HOME": str(folder), **env},
        cwd=folder,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    told = Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode(), [], "")
    assert broken_promises(Case(words), told) == []
    assert ended.returncode == code


def test_a_broken_promise_is_found() -> None:
    """The judge sees a wrong code, a defect, a leak, a second document, a stray file."""
    case, good = Case(("event", "list")), '{"schema_version": 1, "command": "event.list", '
    good += '"ok": true, "data": {}, "warnings": [], "error": null}'
    assert broken_promises(case, Ended(0, good, "", [], "")) == []
    for bad in (
        Ended(10, good, "", [], ""),
        Ended(1, good, "", [], ""),
        Ended(0, good + good, "", [], ""),
        Ended(0, good, "Traceback (most recent call last)", [], ""),
        Ended(0, good, f"password {MARK}", [], ""),
        Ended(0, good, "", ["open w /etc/x"], ""),
        Ended(0, good, "", [], KEY),
    ):
        assert broken_promises(case, bad) != [], bad
