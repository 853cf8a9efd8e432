"""Files with secrets in them, as the system sees them: modes, flags, and kills in the middle."""

import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from mayhouse_cli import private_files
from mayhouse_cli.config import change_config, write_config
from mayhouse_cli.keystore import Keystore
from tests.mayhouse import SCRIPT, clean_environment

_FORKS: Final = multiprocessing.get_context("forkserver")
KEY: Final = bytes.fromhex("5a" * 32)
PASSWORD: Final = "correct horse"
LINES: Final = 14
"""The shortest of them has so many."""
WRITES: Final = ("write_config", "change_config", "add_key")


@pytest.fixture(scope="session")
def strace() -> str:
    """The program that shows what is asked of the system."""
    found = shutil.which("strace")
    if found is None:
        pytest.fail("There is no strace: install the Debian package strace")
    return found


def traced(strace: str, folder: Path, calls: str, *words: str) -> list[str]:
    """Run the script under a umask that hides nothing; gives the calls it made."""
    log = folder / "trace"
    subprocess.run(
        [strace, "-f", "-qq", "-s", "200", "-e", f"trace={calls}", "-o", log, SCRIPT, *words],
        env={**clean_environment(str(folder)), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        check=True,
        capture_output=True,
        umask=0,
        timeout=120,
    )
    return log.read_text().splitlines()


def test_a_new_wallet_is_never_open_to_others(strace: str, tmp_path: Path) -> None:
    """Not for a moment, whatever the umask: born 0600, by no link, on disk before it has a name."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    calls = "open,openat,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,link,linkat,rename,fsync"
    lines = traced(strace, tmp_path, calls, "wallet", "new", "x", "--password-file", str(password))
    made = [line for line in lines if "O_CREAT" in line and ".json" in line]
    assert made, "no keystore was made"
    for line in made:
        assert re.search(r"O_EXCL.*O_NOFOLLOW.*0600\)", line), line
    modes = re.findall(r"(?:mkdir|chmod|fchmod)\w*\(.*?(0[0-7]{3})\)\s+= 0", "\n".join(lines))
    assert set(modes) <= {"0600", "0700"}, modes
    linked = next(n for n, line in enumerate(lines) if "link(" in line or "linkat(" in line)
    assert any("fsync(" in line for line in lines[:linked]), "named before it was on disk"
    assert any("fsync(" in line for line in lines[linked:]), "the folder was not synced"


def test_the_process_gives_nothing_away(strace: str, tmp_path: Path) -> None:
    """No core dump, and no memory for others, before the command line is read."""
    lines = traced(strace, tmp_path, "prctl,prlimit64,setrlimit,openat", "wallet", "list")
    protected = next(n for n, line in enumerate(lines) if "PR_SET_DUMPABLE, SUID_DUMP_DIS" in line)
    limited = next(
        n
        for n, line in enumerate(lines)
        if re.search(r"RLIMIT_CORE, \{rlim_cur=0, rlim_max=0", line)
    )
    read = next(
        n for n, line in enumerate(lines) if re.search(r"mayhouse_cli/(__pycache__/)?cli\.", line)
    )
    assert limited < protected < read


# --- killed while a file is written -----------------------------------------------------------


def write(what: str, folder: Path) -> None:
    """Write a file with a secret in it."""
    match what:
        case "write_config":
            write_config(folder / "config.toml", {"database_url": "postgresql://new"})
        case "change_config":
            change_config(folder / "config.toml", {"wallet": "new"})
        case _:
            Keystore(folder, 2).add_key("platform", KEY, PASSWORD)


def write_and_die(what: str, folder: str, line: int, told: Any) -> None:  # noqa: ANN401 a pipe
    """Be killed before so many lines of the writing itself have run; tell how many there were."""
    seen = 0

    def count(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 as settrace takes it
        nonlocal seen
        if frame.f_code.co_filename != private_files.__file__:
            return None
        if event == "line":
            seen += 1
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return count

    sys.settrace(count)
    write(what, Path(folder))
    sys.settrace(None)
    told.send(seen)


def run_and_kill(what: str, folder: Path, line: int) -> tuple[int | None, int]:
    """Write in a process of its own; gives its end, and how many lines it came to."""
    here, there = _FORKS.Pipe()
    process = _FORKS.Process(target=write_and_die, args=(what, str(folder), line, there))
    process.start()
    there.close()
    process.join(60)
    lines = here.recv() if process.exitcode == 0 else 0
    here.close()
    return process.exitcode, lines


def demand_whole(what: str, folder: Path) -> None:
    """The old file or the new one, whole and private, and no third thing that is read."""
    path = folder / ("platform.json" if what == "add_key" else "config.toml")
    if what == "change_config":
        assert path.read_text() in ('wallet = "old"\n', 'wallet = "new"\n')
    elif path.exists():
        assert path.stat().st_mode & 0o777 == 0o600
        if what == "add_key":
            assert Keystore(folder).unlock("platform", PASSWORD) == KEY
        else:
            assert 'database_url = "postgresql://new"' in path.read_text()
    for other in folder.iterdir():
        if other != path:
            assert other.name.startswith("."), other
            assert other.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in Keystore(folder).list()] in ([], ["platform"])


def kill_at(what: str, tmp_path: Path, line: int) -> bool:
    """Kill at one line and look at what is left; gives whether it was killed."""
    folder = tmp_path / f"{what}{line}"
    folder.mkdir()
    if what == "change_config":
        (folder / "config.toml").write_text('wallet = "old"\n')
        (folder / "config.toml").chmod(0o600)
    code, _ = run_and_kill(what, folder, line)
    assert code in (-signal.SIGKILL, 0)
    demand_whole(what, folder)
    return code != 0


@pytest.mark.parametrize("what", WRITES)
def test_a_killed_write_leaves_the_old_file_or_the_new_one(what: str, tmp_path: Path) -> None:
    """At some lines of the writing, drawn by a fixed seed."""
    for line in random.Random(what).sample(range(1, LINES), 3):
        assert kill_at(what, tmp_path, line)


@pytest.mark.sweep
@pytest.mark.parametrize("what", WRITES)
def test_a_write_killed_anywhere_leaves_the_old_file_or_the_new_one(
    what: str, tmp_path: Path
) -> None:
    """Before every single line of it, until one run comes to its end."""
    line = 1
    while kill_at(what, tmp_path, line):
        line += 1
    assert line > LINES
