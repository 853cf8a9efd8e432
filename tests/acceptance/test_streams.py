"""The two streams: stdout is the result and nothing else, in one document or in whole lines."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
from eth_utils.address import to_checksum_address

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, EXPERIENCE_ID, HOST_ID, SCRIPT, SEED, Mayhouse, Run, run_script

ESCAPE: Final = "\x1b"
ODD_EXPERIENCE: Final = "00000000-0000-4000-8000-0000000000e3"
ODD_EVENT: Final = "00000000-0000-4000-8000-0000000000c3"
# Markup, an emoji of several characters, and much more than a terminal is wide.
ODD_TITLE: Final = (
    "[bold red]Walk[/] :smile: 👩‍👩‍👧‍👦🌶️ " + "Chandni Chowk to Khari Baoli " * 9 + "end"
)
CONTROLS: Final = "\x1b\a\b\r\n\x9b\N{RIGHT-TO-LEFT OVERRIDE}\N{LINE SEPARATOR}"
# Every command with an option that none has.
MISUSED: Final = [
    *("event create", "event list", "event show 1", "event complete 1", "event cancel 1"),
    *("booking quote 1", "booking create", "booking list", "booking show 1"),
    *("wallet new", "wallet import", "wallet list", "wallet show"),
    *("tx list", "tx show 7f", "tx resume", "migrate"),
]
POSITIONS: Final = {
    "before the noun": "--json {noun} {verb}",
    "between noun and verb": "{noun} --json {verb}",
    "after the verb": "{noun} {verb} --json",
}


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """One platform for the whole file, which mostly reads it."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        yield Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
    node_process.revert(snapshot)


@pytest.fixture(scope="module")
def event(platform: Mayhouse) -> Mapping[str, Any]:
    """An event that is open."""
    return platform.create_event()


# --- one document -----------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=[
        "--json event list",
        "event --json show {chain_event_id}",
        "event show {event_id} --json",
        "booking --json quote {chain_event_id} --seats 2",
        "--json balance check",
        "wallet show --json",
        "tx --json list",
        "tx show {tx_hash} --json",
        "--json tx resume",
        "migrate --status --json",
    ],
)
def reading(
    request: pytest.FixtureRequest, platform: Mayhouse, event: Mapping[str, Any]
) -> tuple[str, Run]:
    """A command that reads, with --json somewhere, and how its run ended."""
    words = [word.format(**event) for word in request.param.split()]
    return request.param, platform.run(*words)


def is_one_document(text: str) -> bool:
    """Whether a text is one JSON document on one line, with the fields of the interface."""
    document = json.loads(text)
    fields = ["schema_version", "command", "ok", "data", "warnings", "error"]
    return text.count("\n") == 1 and list(document) == fields and document["schema_version"] == 1


def test_a_success_is_one_document(reading: tuple[str, Run]) -> None:
    """Wherever --json stands, stdout is the document and stderr is empty."""
    words, run = reading
    assert (run.code, run.err) == (0, "")
    assert is_one_document(run.out)
    said = ".".join(word for word in words.split() if not word.startswith(("-", "{")))
    assert said.startswith(run.document["command"])


def test_what_is_read_is_well_formed(reading: tuple[str, Run]) -> None:
    """Amounts are decimal strings, times UTC, addresses EIP-55, and on-chain numbers integers."""
    assert misformed(reading[1].document["data"]) == []


@pytest.mark.parametrize("position", POSITIONS)
def test_a_failure_is_one_document(platform: Mayhouse, position: str) -> None:
    """Wherever --json stands, the error is in the document and stderr is empty."""
    run = platform.run(*POSITIONS[position].format(noun="event", verb="show 999").split())
    assert (run.code, run.err) == (6, "")
    assert is_one_document(run.out)
    assert (run.document["command"], run.document["ok"]) == ("event.show", False)
    assert list(run.error) == ["code", "message", "hint", "retryable", "details"]


@pytest.mark.parametrize("position", POSITIONS)
def test_wrong_usage_is_one_document(platform: Mayhouse, position: str) -> None:
    """Wherever --json stands, a line that cannot be read is answered in JSON."""
    run = platform.run(*POSITIONS[position].format(noun="event", verb="show").split())
    assert (run.code, run.err) == (2, "")
    assert is_one_document(run.out)
    assert run.error["code"] == "usage"


@pytest.mark.parametrize("words", MISUSED)
def test_an_unknown_option_is_one_document_of(platform: Mayhouse, words: str) -> None:
    """Every command answers wrong usage in JSON, and names itself."""
    run = platform.json(*words.split(), "--bogus")
    assert (run.code, run.err) == (2, "")
    assert is_one_document(run.out)
    assert "--bogus" in run.error["message"]
    verbs = 1 if words == "migrate" else 2
    assert run.document["command"] == ".".join(words.split()[:verbs])


@pytest.mark.parametrize("words", [["--bogus"], ["--warning", "much"], ["--timeout", "0"]])
def test_a_monitoring_plugin_is_unknown_on_wrong_usage(
    platform: Mayhouse, words: Sequence[str]
) -> None:
    """`balance check` has exit codes of its own: 3 in a document, too."""
    run = platform.json("balance", "check", *words)
    assert (run.code, run.err) == (3, "")
    assert is_one_document(run.out)


# --- the same keys, whatever happened ---------------------------------------------------


@pytest.fixture(scope="module")
def stages(platform: Mayhouse) -> Mapping[str, Mapping[str, Any]]:
    """The data of each signing command as planned, as sent and as confirmed."""
    start = platform.starts_in(3600)
    create = ["event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500"]
    create += ["--seats", "4", "--starts-at", start]
    created = _staged(platform, *create, "--idempotency-key", "one")
    number = str(created["confirmed"]["chain_event_id"])
    book = ["booking", "create", number, "--seats", "2", "--traveler", ASHA]
    booked = _staged(platform, *book, "--idempotency-key", "two")
    cancel = ["event", "cancel", str(platform.create_event()["chain_event_id"])]
    plan = platform.json(*cancel, "--reason", "rain", "--plan").data
    platform.warp(7200)
    return {
        "event create": created,
        "booking create": booked,
        "event complete": _staged(platform, "event", "complete", number, "--all-attended"),
        "event cancel": {
            "planned": plan,
            "confirmed": platform.json(*cancel, "--execute", plan["plan_hash"]).data,
        },
    }


def _staged(platform: Mayhouse, *words: str) -> Mapping[str, Any]:
    return {
        "planned": platform.json(*words, "--dry-run").data,
        "sent": platform.json(*words, "-y", "--no-wait").data,
        "confirmed": platform.json(*words, "-y").data,
    }


SIGNING: Final = ["event create", "booking create", "event complete", "event cancel"]


@pytest.mark.parametrize("command", SIGNING)
def test_keys_are_always_present(stages: Mapping[str, Mapping[str, Any]], command: str) -> None:
    """Planned, sent and confirmed results have the same keys in the same order."""
    keys = {stage: list(data) for stage, data in stages[command].items()}
    assert keys == dict.fromkeys(keys, keys["confirmed"])


@pytest.mark.parametrize("command", SIGNING)
def test_what_is_signed_is_well_formed(
    stages: Mapping[str, Mapping[str, Any]], command: str
) -> None:
    """Amounts are decimal strings, times UTC, addresses EIP-55, and on-chain numbers integers."""
    assert {stage: misformed(data) for stage, data in stages[command].items()} == {
        stage: [] for stage in stages[command]
    }


@pytest.mark.parametrize("command", SIGNING)
def test_a_plan_has_no_transaction_yet(
    stages: Mapping[str, Mapping[str, Any]], command: str
) -> None:
    """What is not known yet is null, and nothing is said to be recorded."""
    planned = stages[command]["planned"]
    unknown = ["transaction_id", "tx_hash", "fee_wei", "explorer_url"]
    assert [planned[key] for key in unknown] == [None] * 4
    assert (planned["status"], planned["recorded"]) == ("planned", False)


@pytest.mark.parametrize("command", ["event create", "booking create", "event complete"])
def test_amounts_are_the_same_from_plan_to_confirmation(
    stages: Mapping[str, Mapping[str, Any]], command: str
) -> None:
    """What was planned is what was sent is what was confirmed, but for the fee."""
    amounts = [
        {key: value for key, value in data.items() if key.endswith("_wei") and key != "fee_wei"}
        for data in stages[command].values()
    ]
    assert amounts == [amounts[0]] * len(amounts)


def misformed(data: object, key: str = "") -> list[str]:
    """Name every field of a result that is not written as the interface says."""
    if isinstance(data, dict):
        return [one for name, value in data.items() for one in misformed(value, name)]
    if isinstance(data, list):
        return [one for value in data for one in misformed(value, key)]
    return [] if data is None or _is_well_formed(key, data) else [f"{key}: {data!r}"]


def _is_well_formed(key: str, value: object) -> bool:
    if (key.startswith("chain_") and key.endswith("_id")) or key in ("nonce", "block_number"):
        return type(value) is int
    forms = {
        r"_at|_as_of": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        r"_wei": r"-?\d+",
        r"_inr|_eth": r"-?\d+(\.\d+)?",
        r"^id|_id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"_hash": r"(0x)?[0-9a-f]{64}",
    }
    for names, form in forms.items():
        if re.search(f"({names})$", key):
            return isinstance(value, str) and re.fullmatch(form, value) is not None
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        return str(to_checksum_address(value)) == value
    return True


# --- for people -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["event", "show", "999"], 6, id="not found"),
        pytest.param(["event", "show"], 2, id="wrong usage"),
        pytest.param(["event", "list", "--config", "none.toml"], 3, id="configuration"),
    ],
)
def test_a_failure_is_said_on_stderr_alone(
    platform: Mayhouse, words: Sequence[str], code: int
) -> None:
    """One line that says what happened, one that says what to do; stdout stays empty."""
    run = platform.run(*words)
    assert (run.code, run.out) == (code, "")
    what, remedy = run.err.splitlines()
    assert what.startswith("✗ ")
    assert remedy.startswith("  ")


@pytest.mark.parametrize(
    "words", [["event", "list"], ["balance", "check"], ["migrate", "--status"]]
)
def test_quiet_silences_success(platform: Mayhouse, words: Sequence[str]) -> None:
    """-q leaves both streams empty when all is well."""
    run = platform.run(*words, "-q")
    assert (run.code, run.out, run.err) == (0, "", "")


def test_quiet_silences_a_signed_success(platform: Mayhouse) -> None:
    """-q holds for what signs as well."""
    words = ["event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "900"]
    run = platform.run(*words, "--seats", "1", "--starts-at", platform.starts_in(), "-y", "-q")
    assert (run.code, run.out, run.err) == (0, "", "")


def test_quiet_never_silences_an_error(platform: Mayhouse) -> None:
    """-q and a failure: the error is there."""
    run = platform.run("-q", "event", "show", "999")
    assert run.code == 6
    assert "999" in run.err


# --- colours ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["event", "list"], ["event", "show", "999"], ["event", "-h"]])
def test_a_pipe_gets_no_escape_byte(platform: Mayhouse, words: Sequence[str]) -> None:
    """Neither a result, nor an error, nor a usage error is coloured in a pipe."""
    run = platform.run(*words)
    assert ESCAPE not in run.out + run.err


@pytest.mark.parametrize("words", [["event", "list"], ["event", "show"], ["event", "--help"]])
def test_no_color_wins_over_force_color(platform: Mayhouse, words: Sequence[str]) -> None:
    """With both set nothing is coloured, wherever the output goes."""
    run = platform.run(*words, NO_COLOR="1", FORCE_COLOR="1")
    assert ESCAPE not in run.out + run.err


def test_force_color_colours_a_pipe(platform: Mayhouse) -> None:
    """FORCE_COLOR alone does what it says."""
    assert ESCAPE in platform.run("event", "show", "999", FORCE_COLOR="1").err


def test_an_empty_no_color_is_not_set(platform: Mayhouse) -> None:
    """NO_COLOR counts only when it is not empty."""
    assert ESCAPE in platform.run("event", "show", "999", FORCE_COLOR="1", NO_COLOR="").err


# --- text of users ----------------------------------------------------------------------


def odd_event(platform: Mayhouse, title: str) -> str:
    """Give an event, not on chain, whose experience has a title; gives its id."""
    platform.execute(
        "INSERT INTO experiences (id, host_id, title, price_inr) VALUES (%s, %s, %s, 900)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title",
        ODD_EXPERIENCE,
        HOST_ID,
        title,
    )
    platform.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity)"
        " VALUES (%s, %s, now() + interval '1 day', now() + interval '2 days', 4)"
        " ON CONFLICT DO NOTHING",
        ODD_EVENT,
        ODD_EXPERIENCE,
    )
    return ODD_EVENT


@pytest.mark.parametrize("words", [["event", "show", ODD_EVENT], ["event", "list"]])
def test_a_long_title_stays_whole_on_a_narrow_screen(
    platform: Mayhouse, words: Sequence[str]
) -> None:
    """Markup, emoji and length change nothing of what a user wrote."""
    odd_event(platform, ODD_TITLE)
    assert ODD_TITLE in platform.run(*words, COLUMNS="40").out


def test_control_characters_of_a_title_do_nothing(platform: Mayhouse) -> None:
    """A title cannot colour, ring, erase, break or turn round a line."""
    odd_event(platform, f"Walk{CONTROLS}end")
    out = platform.run("event", "list").out
    lines = [line for line in out.split("\n") if "Walk" in line and "end" in line]
    assert len(lines) == 1
    assert not [character for character in CONTROLS if character in lines[0]]


def test_a_title_is_exact_in_a_document(platform: Mayhouse) -> None:
    """JSON escapes what a terminal could not take, and loses nothing."""
    title = ODD_TITLE + CONTROLS
    assert platform.json("event", "show", odd_event(platform, title)).data["title"] == title


@pytest.mark.parametrize("columns", ["1", "300"])
def test_a_hash_is_whole_at_any_width(
    platform: Mayhouse, event: Mapping[str, Any], columns: str
) -> None:
    """A hash is never wrapped or shortened."""
    assert event["tx_hash"] in platform.run("tx", "list", COLUMNS=columns).out


# --- streams that fail ------------------------------------------------------------------


def with_closed_stdout(platform: Mayhouse, *words: str) -> tuple[int, str]:
    """Run with a reader of stdout that has gone; gives the code and stderr."""
    with subprocess.Popen(
        [SCRIPT, *words],
        env=platform.environment,
        cwd=platform.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as script:
        assert script.stdout is not None
        assert script.stderr is not None
        script.stdout.close()
        told = script.stderr.read()
        return script.wait(60), told


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["event", "list"], 0, id="a table"),
        pytest.param(["event", "show", "999", "--json"], 6, id="a document of a failure"),
        pytest.param(["event", "--help"], 0, id="a help page"),
    ],
)
def test_a_reader_that_has_enough_changes_no_code(
    platform: Mayhouse, words: Sequence[str], code: int
) -> None:
    """As in `| head -1`: no traceback, no complaint, and the code of what was done."""
    assert with_closed_stdout(platform, *words) == (code, "")


@pytest.mark.parametrize("words", [["event", "list"], ["event", "list", "--json"]])
def test_a_full_disk_is_told(platform: Mayhouse, words: Sequence[str]) -> None:
    """A result that cannot be written is a failure in words, not a traceback or a "defect"."""
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 no Path is needed
        finished = subprocess.run(
            [SCRIPT, *words],
            env=platform.environment,
            cwd=platform.folder,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
    assert finished.returncode == 1
    assert finished.stderr.startswith("✗ ")
    assert "Traceback" not in finished.stderr
    assert "Exception ignored" not in finished.stderr
    assert "defect" not in finished.stderr


# --- poor environments ------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}, id="LANG=C"),
        pytest.param({"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, id="ascii streams"),
    ],
)
def test_an_ascii_terminal_gets_its_result(
    platform: Mayhouse, event: Mapping[str, Any], changes: dict[str, str]
) -> None:
    """A rupee sign that cannot be shown is replaced; nothing fails."""
    words = ["booking", "quote", str(event["chain_event_id"]), "--seats", "2"]
    run = platform.run(*words, **changes)
    assert run.code == 0
    assert "6,000.00" in run.out


@pytest.mark.parametrize(
    "home", [None, "/nonexistent"], ids=["no HOME", "a HOME that is not there"]
)
def test_a_home_is_not_needed(platform: Mayhouse, home: str | None) -> None:
    """The environment alone is enough, as in a container."""
    env = {name: value for name, value in platform.environment.items() if name != "HOME"}
    run = run_script(
        "wallet", "show", "--json", env=env | ({"HOME": home} if home else {}), cwd=platform.folder
    )
    assert run.code == 0, run
