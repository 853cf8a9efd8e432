"""Shell completion in the shells themselves: commands, options, ids with their titles, wallets."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from typing import Final

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, SCRIPT, SEED, Mayhouse
from tests.terminal import Terminal

TITLE: Final = "Old Delhi food walk [spicy]"
# What a shell would run, if it ran what it is offered.
EVIL: Final = "00000000-0000-4000-8000-0000000000e9"
EVIL_TITLE: Final = "x$(touch ran)`touch ran`'; touch ran; '\"\t\x1b[31m"
TAB: Final = "\t"
KILL_LINE: Final = "\x15"
PROMPT: Final = "ready> "
NOT_LISTENING: Final = "postgresql://postgres@127.0.0.1:1/postgres"


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """A platform with two events, one of them of somebody who means ill."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        platform = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        platform.create_event()
        platform.create_event()
        platform.book(1, ASHA)
        platform.execute(
            "INSERT INTO experiences (id, host_id, title, price_inr, status)"
            " SELECT %s, host_id, %s, 1, 'approved' FROM experiences LIMIT 1",
            EVIL,
            EVIL_TITLE,
        )
        platform.execute(
            "UPDATE event_runs SET experience_id = %s WHERE blockchain_event_run_id = 2", EVIL
        )
        keystores = platform.folder / "keystores"
        keystores.mkdir(mode=0o700)
        (keystores / "till.json").touch(mode=0o600)
        platform.settings["MAYHOUSE_KEYSTORE_DIR"] = str(keystores)
        platform.settings["PATH"] = f"{SCRIPT.parent}:{platform.environment['PATH']}"
        yield platform
    node_process.revert(snapshot)


def program(shell: str) -> str:
    """A shell that must be there: the tests are worth nothing without it."""
    found = shutil.which(shell)
    assert found, f"{shell} is missing: apt-get install {shell} (tools/debian_programs.sh)"
    return found


# --- the protocol -----------------------------------------------------------------------


def offered(platform: Mayhouse, *words: str, **changes: str) -> dict[str, str]:
    """What is offered for the last word, with what is said of it."""
    run = platform.run("__complete", *words, **changes)
    assert (run.code, run.err) == (0, "")
    lines = [line.split("\t") for line in run.out.splitlines()]
    return {value: told for kind, value, told in lines if kind == "item"}


def test_events_are_offered_by_number_with_their_titles(platform: Mayhouse) -> None:
    """The latest start first; a uuid where that is what was begun."""
    events = offered(platform, "event", "show", "")
    assert set(events) == {"1", "2"}
    assert events["1"].startswith(TITLE)
    row = platform.row("SELECT id FROM event_runs WHERE blockchain_event_run_id = 1")
    assert list(offered(platform, "event", "show", str(row["id"])[:13])) == [str(row["id"])]


def test_a_title_cannot_be_another_offer(platform: Mayhouse) -> None:
    """Tabs and control characters of other people's words are spaces."""
    assert offered(platform, "log", "--event", "2")["2"].startswith("x$(touch ran)`touch ran`")
    assert "\x1b" not in platform.run("__complete", "event", "show", "").out


def test_transactions_wallets_and_list_items_are_offered(platform: Mayhouse) -> None:
    """Ids whole, a keystore by its name, and what follows a comma of a list."""
    ids = {str(row["id"]) for row in platform.rows("SELECT id FROM mayhouse.transactions")}
    assert set(offered(platform, "tx", "show", "")) == ids
    assert list(offered(platform, "wallet", "show", "")) == ["till"]
    assert offered(platform, "wallet", "new", "") == {}
    assert offered(platform, "booking", "create", "1", "--traveler", ASHA) == {
        ASHA: "Traveler One, user"
    }
    assert list(offered(platform, "event", "complete", "1", "--attended", "7,")) == ["7,1"]
    assert list(offered(platform, "event", "create", "--experience", EVIL[:-1])) != []
    assert list(offered(platform, "event", "settle", "1", "")) == ["2", "1"]


def test_without_a_database_nothing_is_offered_and_nothing_said(platform: Mayhouse) -> None:
    """Neither where nobody listens, nor where a server accepts and is silent, nor unconfigured."""
    assert offered(platform, "event", "show", "", DATABASE_URL=NOT_LISTENING) == {}
    assert offered(platform, "event", "show", "", DATABASE_URL="nonsense") == {}
    assert offered(platform, "event", "show", "", MAYHOUSE_CONFIG="/nowhere.toml") == {}


def test_a_silent_database_is_not_waited_for(platform: Mayhouse) -> None:
    """A second at most, beside the time that the program takes to start."""
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        start = time.monotonic()
        offered(platform, "event", "")
        to_start = time.monotonic() - start
        assert offered(platform, "event", "show", "", DATABASE_URL=url) == {}
        assert time.monotonic() - start < 2 * to_start + 1.0 + 2.0


def test_an_offer_runs_nothing(platform: Mayhouse) -> None:
    """The words of a whole line that would sign are only read."""
    sent = platform.transactions_sent()
    line = ("event", "cancel", "1", "--reason", "rain", "-y", "")
    assert offered(platform, *line) == {}
    assert platform.transactions_sent() == sent


# --- the shells -------------------------------------------------------------------------


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, platform: Mayhouse) -> Iterator[Terminal]:
    """A shell at a terminal, with the completion that `mayhouse completion` prints."""
    name = str(request.param)
    words = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[name]
    env = {**platform.environment, "TERM": "xterm", "PS1": PROMPT, "HISTFILE": "/dev/null"}
    with Terminal(
        *words, env=env, cwd=platform.folder, program=program(name), columns=120
    ) as terminal:
        terminal.expect(PROMPT)
        if name == "zsh":
            terminal.type("autoload -Uz compinit; compinit -u -D")
        terminal.type(f"source <(mayhouse completion {name}); echo do''ne")
        terminal.expect("done")
        terminal.expect(PROMPT)
        yield terminal


def test_a_shell_completes_commands_options_and_events(shell: Terminal, platform: Mayhouse) -> None:
    """A verb, an option, and events listed with their titles, whatever those hold."""
    shell.press(f"mayhouse event comp{TAB}")
    shell.expect("event complete")
    shell.press(f"--all-at{TAB}")
    shell.expect("tended")
    shell.press(f"{TAB}{TAB}")
    shell.expect(TITLE)
    shell.press(f"{KILL_LINE}exit\n")
    assert not (platform.folder / "ran").exists()


def test_fish_completes_commands_options_and_events(platform: Mayhouse) -> None:
    """Asked as fish asks itself: each offer with what it is."""
    fish = program("fish")
    script = "mayhouse completion fish | source; complete -C 'mayhouse event sho'; "
    script += "complete -C 'mayhouse event show '; complete -C 'mayhouse event create --allow-l'"
    run = subprocess.run(
        [fish, "--no-config", "-c", script],
        env=platform.environment,
        cwd=platform.folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert any(line.startswith("show\t") for line in lines)
    assert any(line.startswith(f"1\t{TITLE}") for line in lines)
    assert any(line.startswith("--allow-large\t") for line in lines)
    assert not (platform.folder / "ran").exists()


def test_completing_loads_no_chain_client(platform: Mayhouse) -> None:
    """Nothing of it is needed, and it is what takes longest to load."""
    code = (
        "import sys, os; os._exit = lambda code: None; sys.argv[1:] = sys.argv[1:];"
        "from mayhouse_cli.cli import run; out = os.dup(1);"
        "run(['__complete', 'event', 'show', '']);"
        "os.write(out, ' '.join(sorted(sys.modules)).encode())"
    )
    run = subprocess.run(
        [str(Path(SCRIPT).parent / "python"), "-c", code],
        env=platform.environment,
        cwd=platform.folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert "psycopg" in run.stdout
    assert "web3" not in run.stdout
