"""No secret in any output: every command, made to fail in every way, leaves none behind.

The commands are those that the command line itself lists, so that a new one is included.
MAYHOUSE_SEED repeats a sample, MAYHOUSE_CASE picks cases by their name.
"""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest
import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from mayhouse_cli.cli import app
from mayhouse_cli.redaction import MASK
from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.faults.canaries import (
    FAILURES,
    KEY,
    MARK,
    Failure,
    World,
    listen_to_libraries,
    marks_in,
    open_world,
)
from tests.faults.counts import COUNTS
from tests.faults.processes import start
from tests.mayhouse import ASHA, EXPERIENCE_ID, SCRIPT, Mayhouse
from tests.mayhouse import SEED as SEED_ROWS

SEED: Final = int(os.environ.get("MAYHOUSE_SEED") or random.randrange(10**6))
ONLY: Final = os.environ.get("MAYHOUSE_CASE", "")
AT_ONCE: Final = 4
PATIENCE: Final = 120.0
MODES: Final = ((), ("-v",), ("--json",), ("-v", "--json"))
UNKNOWN_ID: Final = "00000000-0000-4000-8000-00000000dead"
# What each required parameter is given; one that is new gets a 1.
PLAUSIBLE: Final = {
    "event": "1",
    "seats": "1",
    "reason": "rain",
    "by": "1d",
    "price": "200000",
    "payable": UNKNOWN_ID,
    "reference": "NEFT 1",
    "percent": "5",
    "transaction": "7f",
}
# What brings a command further than its required parameters do.
FURTHER: Final = {
    "event create": (
        *("--experience", EXPERIENCE_ID, "--price-inr", "2500", "--seats", "4"),
        *("--starts-at", "2030-11-28T18:00+05:30"),
    ),
    "event complete": ("--nobody-attended",),
    "event cancel": ("--plan",),
    "booking create": ("1", "--seats", "1", "--traveler", ASHA),
    "balance check": ("--notify", "--textfile", "balance.prom"),
    "tx cancel": ("--nonce", "0"),
    "wallet import": ("--key-file", "key"),
    "reconcile": ("--fix",),
}


@dataclass(frozen=True)
class Case:
    """One command line under one failure."""

    words: tuple[str, ...]
    failure: Failure
    mode: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' '.join(self.words)} {' '.join(self.mode)} | {self.failure.name}"


@dataclass(frozen=True)
class Left:
    """What the process of a case has left behind."""

    case: Case
    code: int
    out: str
    err: str
    files: str

    @property
    def leaks(self) -> list[str]:
        """The lines that hold a planted secret, with the case they come from."""
        return [f"{self.case}: {line}" for line in marks_in(self.out + self.err + self.files)]


def commands() -> list[tuple[str, ...]]:
    """Every command of the command line, with what it needs to be given."""

    def below(one: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(one, TyperGroup):
            for name, child in one.commands.items():
                yield from below(child, (*path, name))
            return
        assert isinstance(one, TyperCommand)
        words = list(path)
        for parameter in one.params:
            if parameter.required and parameter.name:
                value = PLAUSIBLE.get(parameter.name, "1")
                named = parameter.param_type_name == "option"
                words += [parameter.opts[0], value] if named else [value]
        signs = any("--yes" in parameter.opts for parameter in one.params)
        yield (*words, *FURTHER.get(" ".join(path), ()), *(("-y",) if signs else ()))

    return list(below(typer.main.get_command(app), ()))


def all_cases(seed: int) -> list[Case]:
    """Every command under every failure, mixed, with one way of output after the other."""
    pairs = [(words, failure) for words in commands() for failure in FAILURES]
    random.Random(seed).shuffle(pairs)
    cases = [
        Case(words, failure, mode)
        for (words, failure), mode in zip(pairs, cycle(MODES), strict=False)
    ]
    return [case for case in cases if ONLY in str(case)]


def sample(cases: list[Case]) -> list[Case]:
    """Each command and each failure at least once, and each defect with each way of output."""
    chosen: dict[Case, None] = {}
    for key in ({case.words: case for case in cases}, {case.failure.name: case for case in cases}):
        chosen.update(dict.fromkeys(key.values()))
    show = ("event", "show", "1")
    defects = [failure for failure in FAILURES if failure.prepare is not None]
    chosen.update((Case(show, failure, mode), None) for failure in defects for mode in MODES)
    return list(chosen)


@pytest.fixture(scope="module")
def world(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """One platform for the whole file, with an event, and servers that fail."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED_ROWS)
        mayhouse = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        mayhouse.create_event()
        with open_world(mayhouse) as opened:
            yield opened
    node_process.revert(snapshot)


def plant_files(folder: Path) -> None:
    """Put down the files that a case may read: a raw key."""
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)


def read_files(folder: Path) -> str:
    """Everything that a process has written, but for where the secrets were planted."""
    planted = {folder / "key", folder / "keystore" / "platform.json"}
    written = (path for path in folder.rglob("*") if path.is_file() and path not in planted)
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in written)


def thaw(world: World) -> None:
    """Undo a freeze."""
    world.mayhouse.execute(
        "UPDATE mayhouse.installation SET frozen = false, frozen_reason = NULL, frozen_by = NULL,"
        " frozen_at = NULL"
    )


def run(case: Case, world: World) -> Left:
    """Run a case in a process that has imported it all, and gather what it leaves."""
    folder = Path(tempfile.mkdtemp(prefix="mayhouse-canary-"))
    try:
        plant_files(folder)
        child = start(
            *case.words,
            *case.mode,
            *("--timeout", "0.4"),
            env=case.failure.environment(world, folder),
            folder=folder,
            prepare=case.failure.prepare or listen_to_libraries,
        )
        child.process.join(PATIENCE)
        assert child.process.exitcode is not None, f"{case} did not end"
        out, err = (path.read_text(encoding="utf-8") for path in (child.out, child.err))
        child.out.unlink()
        child.err.unlink()
        if case.words[0] == "freeze":  # or all that sign would fail of it from then on
            thaw(world)
        return Left(case, child.process.exitcode, out, err, read_files(folder))
    finally:
        shutil.rmtree(folder)


def run_all(cases: list[Case], world: World) -> list[Left]:
    """Run many at a time: most of a case is waiting for something that fails."""
    with ThreadPoolExecutor(AT_ONCE) as runners:
        return list(runners.map(lambda case: run(case, world), cases))


def judge(left: list[Left], record_property: Callable[[str, object], None]) -> None:
    """Count, and hold every case to the promise."""
    leaks = [line for one in left for line in one.leaks]
    masked = [one for one in left if MASK in one.out + one.err]
    failed = [one for one in left if one.code != 0]
    record_property(
        COUNTS,
        f"canaries: {len(left)} cases of {len({one.case.words for one in left})} commands and "
        f"{len({one.case.failure.name for one in left})} failures (seed {SEED}), "
        f"{len(failed)} failed, {len(masked)} had something to mask, {len(leaks)} leaks",
    )
    assert leaks == []
    # Nothing was masked for nothing: without redaction, these would have been leaks.
    assert masked
    killed = [str(one.case) for one in left if one.code < 0]
    assert killed == []


def test_no_secret_is_left_by_any_command(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    """A sample: each command, and each failure, at least once."""
    cases = sample(all_cases(SEED))
    assert ONLY or len(cases) >= 60
    judge(run_all(cases, world), record_property)


@pytest.mark.sweep
def test_no_secret_is_left_by_any_command_under_any_failure(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    """Every command under every failure."""
    cases = all_cases(SEED)
    assert ONLY or len(cases) >= 1000
    judge(run_all(cases, world), record_property)


def test_a_defect_shows_its_traceback_masked(world: World) -> None:
    """With -v, for whoever has to find it: the frames are there, the secrets are not."""
    (defect,) = (failure for failure in FAILURES if failure.name == "defect: parts")
    left = run(Case(("event", "show", "1"), defect, ("-v",)), world)
    assert "Traceback" in left.err
    assert "The above exception was the direct cause" in left.err
    assert "RuntimeError: ('forced: http://" + MASK in left.err
    assert left.leaks == []


def test_a_defect_shows_no_traceback_unasked(world: World) -> None:
    """Neither its own nor one of a thread or log."""
    (defect,) = (failure for failure in FAILURES if failure.name == "defect: parts")
    left = run(Case(("event", "show", "1"), defect, ()), world)
    assert (left.code, "Traceback" in left.err) == (1, False)
    assert "A defect in mayhouse: RuntimeError" in left.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web: 401", ("event", "show", "1", "-v")),
        ("web: refused", ("balance", "check", "--notify")),
        ("database: bad percent", ("migrate", "--json")),
        ("database: a server that quotes", ("event", "list", "-v")),
        ("key: malformed", ("event", "create", *FURTHER["event create"], "-y", "-v")),
        ("settings: unusable", ("config", "show")),
    ],
)
def test_the_installed_script_leaves_no_secret(
    world: World, folder: Path, name: str, words: tuple[str, ...]
) -> None:
    """In a process of its own, from its first word to its last."""
    (failure,) = (one for one in FAILURES if one.name == name)
    ended = subprocess.run(
        [SCRIPT, *words, "--timeout", "0.4"],
        env=failure.environment(world, folder),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    assert ended.returncode != 0
    assert marks_in(ended.stdout + ended.stderr + read_files(folder)) == []


def test_the_search_finds_what_is_planted(world: World, tmp_path: Path) -> None:
    """Each secret of the environment holds a mark, so that no leak would be missed."""
    env = world.environment(tmp_path)
    planted = [value for value in env.values() if marks_in(value)]
    assert len(planted) == 7
    assert marks_in(f"fine\n{MARK.upper()} {KEY}\nfine") == [f"{MARK.upper()} {KEY}"]
