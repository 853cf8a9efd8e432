"""docs/operations.md and docs/smoke.sh: what is documented is what runs."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import typer.main

from mayhouse_cli.cli import app
from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.keystore import Keystore
from tests.json_server import JsonServer
from tests.mayhouse import SCRIPT
from tests.sandbox_folder import SandboxFolder
from tests.webhook_server import Hook

DOCS: Final = Path(__file__).parent.parent.parent / "docs"
TEXT: Final = (DOCS / "operations.md").read_text(encoding="utf-8")
SMOKE: Final = DOCS / "smoke.sh"
# Where the documents say that it is installed.
INSTALLED: Final = "/opt/mayhouse/bin"
SYSTEM: Final = "/usr/bin:/bin"
PATH: Final = f"{SCRIPT.parent}:{SYSTEM}"
# anvil's second development account, whose key its documentation prints: worth nothing.
TREASURY_KEY: Final = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
PASSWORD: Final = "spare the treasury"
LIGHT_SCRYPT_N: Final = 4_096
ETH: Final = 10**18
SCHEDULE: Final = r"(?:[\d*/,-]+\s+){5}"
# A shell between the smoke test and the tool, which says once that a booking is not confirmed.
FORGETFUL: Final = f"""\
#!/bin/sh
"{SCRIPT}" "$@" || exit
case "$*" in
    "booking create"*) [ -e "$HOME/asked" ] || {{ touch "$HOME/asked"; exit 7; }} ;;
esac
"""


def blocks(language: str) -> list[str]:
    """The document's code blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/operations.md has no block of {language}"
    return found


def program(name: str) -> str:
    """A program of Debian's that the documents are held against."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}")
    assert found, f"{name} is needed: tools/debian_programs.sh installs it"
    return found


def shell(
    command: str | Path, env: dict[str, str], *words: str, cwd: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a script, or a line as cron would: by sh, without a terminal."""
    line = [str(command), *words] if isinstance(command, Path) else ["/bin/sh", "-c", command]
    return subprocess.run(
        line, env=env, cwd=cwd, capture_output=True, encoding="utf-8", timeout=300, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def write_secret(path: Path, secret: str) -> None:
    """Write a file that its owner alone can read."""
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")


@dataclass(frozen=True)
class Job:
    """A line of the crontab."""

    schedule: str
    command: str

    @property
    def name(self) -> str:
        """The command's first words."""
        return " ".join(self.command.split()[1:3]).split(" -")[0]


def crontab() -> tuple[dict[str, str], list[Job]]:
    """The variables and the jobs of the documented crontab."""
    (text,) = blocks("crontab")
    variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    jobs = re.findall(rf"^({SCHEDULE})(\S.*)$", text, re.MULTILINE)
    assert len(variables) + len(jobs) == len([line for line in text.splitlines() if line.strip()])
    return variables, [Job(schedule.strip(), command) for schedule, command in jobs]


VARIABLES, JOBS = crontab()


@dataclass(frozen=True)
class Machine:
    """A sandbox with everything configured that the jobs need."""

    sandbox: SandboxFolder
    hook: Hook

    @property
    def metrics(self) -> Path:
        return self.sandbox.home / "metrics"

    @property
    def cron(self) -> dict[str, str]:
        """What cron gives a job, and the crontab's own variables with this machine's values."""
        here = {
            "PATH": PATH,
            "MAYHOUSE_CONFIG": str(self.sandbox.config),
            "METRICS": str(self.metrics),
        }
        assert set(VARIABLES) == {*here, "SHELL"}
        return {"HOME": str(self.sandbox.home), "LOGNAME": "mayhouse", **VARIABLES, **here}

    @property
    def smoke(self) -> dict[str, str]:
        """What a CI job has."""
        return {**self.cron, "MAYHOUSE_SANDBOX": str(self.sandbox.folder)}

    def have(self, wei: int) -> None:
        """Give the platform's wallet just this balance."""
        told = self.sandbox.use("sandbox", "status").data
        body = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance",
                "params": [told["wallet_address"], hex(wei)]}  # fmt: skip
        connection = HTTPConnection(urlsplit(told["rpc_url"]).netloc, timeout=10)
        connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        assert "error" not in json.loads(connection.getresponse().read())
        connection.close()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """The sandbox, configured as the document says: settings in the file, secrets beside it."""
    rate = JsonServer(json.dumps({"ethereum": {"inr": 200_000}}))
    with SandboxFolder() as sandbox, rate, Hook() as hook:
        assert sandbox.run("sandbox", "up").code == 0
        made = Machine(sandbox, hook)
        made.metrics.mkdir()
        keys = sandbox.folder / "keystore"
        Keystore(keys, LIGHT_SCRYPT_N).add_key("treasury", bytes.fromhex(TREASURY_KEY), PASSWORD)
        write_secret(sandbox.folder / "treasury_password", PASSWORD)
        settings = {
            "treasury_wallet": "treasury",
            "treasury_password_file": "treasury_password",
            "topup_target_eth": "1",
            "topup_daily_cap_eth": "5",
            "rate_url": rate.url,
            "rate_path": "ethereum.inr",
            "webhook_url": hook.url,
        }
        lines = [line for line in sandbox.config.read_text().splitlines()
                 if not line.startswith("eth_price_inr")]  # fmt: skip
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        sandbox.config.write_text("\n".join(lines))
        assert sandbox.use("rate", "fetch").code == 0
        yield made


# --- smoke.sh ---------------------------------------------------------------------------


def test_the_smoke_test_passes_on_a_sandbox(machine: Machine) -> None:
    """An event from creation to settlement; every step is named as it passes."""
    told = shell(SMOKE, machine.smoke, cwd=machine.sandbox.home)
    assert told.returncode == 0, told.stderr
    steps = re.findall(r"^smoke: ok (\w+)", told.stdout, re.MULTILINE)
    assert steps == [
        *("doctor", "rate", "sandbox", "create", "quote", "book", "warp"),
        *("complete", "settle", "audit"),
    ]
    assert told.stdout.splitlines()[-1].startswith("smoke: PASSED")
    assert told.stderr == ""


def test_the_smoke_test_names_the_step_that_failed(machine: Machine) -> None:
    """And ends with its exit code and its message."""
    unknown = {"SMOKE_EXPERIENCE": "e0000000-0000-4000-8000-0000000000ff"}
    told = shell(SMOKE, {**machine.cron, **unknown}, cwd=machine.sandbox.home)
    assert told.returncode == 6
    assert told.stderr.startswith("smoke: FAILED at create (exit 6): ")
    assert unknown["SMOKE_EXPERIENCE"] in told.stderr
    assert "PASSED" not in told.stdout


@pytest.mark.sweep
def test_the_smoke_test_resumes_what_is_not_confirmed(machine: Machine) -> None:
    """Exit 7 of a booking: it is resumed and asked for again by its key, never made twice."""
    folder = machine.sandbox.home / "forgetful"
    folder.mkdir()
    (folder / "mayhouse").write_text(FORGETFUL)
    (folder / "mayhouse").chmod(0o755)
    env = {**machine.smoke, "PATH": f"{folder}:{PATH}"}
    told = shell(SMOKE, env, cwd=machine.sandbox.home)
    assert told.returncode == 0, told.stderr
    assert (machine.sandbox.home / "asked").exists()
    event = told.stdout.split()[-1]
    assert len(machine.sandbox.use("booking", "list", "--event", event).data["bookings"]) == 1


# --- cron -------------------------------------------------------------------------------


@pytest.mark.parametrize("job", JOBS, ids=[job.name for job in JOBS])
def test_a_line_of_the_crontab_runs_as_cron_runs_it(machine: Machine, job: Job) -> None:
    """It ends with 0 and prints nothing, so that cron sends no mail; and it did its work."""
    assert "%" not in job.command, "a percent sign is a line end to cron"
    machine.have(ETH // 5)  # just not low
    told = shell(job.command, machine.cron, cwd=machine.sandbox.home)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_the_crontabs_top_up_fills_the_wallet(machine: Machine) -> None:
    """Silently, and to the wei."""
    (job,) = [job for job in JOBS if job.name == "balance topup"]
    machine.have(ETH // 10)
    told = shell(job.command, machine.cron, cwd=machine.sandbox.home)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    status = machine.sandbox.use("sandbox", "status").data
    assert int(status["balance_wei"]) == ETH


def test_the_crontabs_check_writes_metrics_and_tells_people(machine: Machine) -> None:
    """A critical wallet is posted and is the job's exit code; the rules know what is written."""
    (job,) = [job for job in JOBS if job.name == "balance check"]
    machine.have(ETH // 100)
    told = shell(job.command, machine.cron, cwd=machine.sandbox.home)
    assert told.returncode == 2
    assert machine.hook.posted[-1]["state"] == "CRITICAL"
    written = (machine.metrics / "mayhouse.prom").read_text()
    assert 'mayhouse_balance_check_state{role="platform"} 2' in written
    (rules,) = blocks("yaml")
    named = set(re.findall(r"mayhouse_\w+", rules))
    assert named <= set(re.findall(r"^(mayhouse_\w+)", written, re.MULTILINE))


# --- systemd ----------------------------------------------------------------------------


def units(folder: Path) -> list[Path]:
    """Write the documented units, the tool being where it is here."""
    found = []
    for text in blocks("ini"):
        path = folder / text.splitlines()[0].rpartition("/")[2]
        path.write_text(text.replace(INSTALLED, str(SCRIPT.parent)))
        found.append(path)
    return found


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about either."""
    for unit in units(tmp_path):
        told = subprocess.run(
            [program("systemd-analyze"), "verify", unit],
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert (told.returncode, unit.name in told.stderr) == (0, False), told.stderr


def test_the_service_runs_on_its_credentials(machine: Machine, tmp_path: Path) -> None:
    """Each LoadCredential is a secret that the tool looks for under just that name."""
    service = next(unit for unit in units(tmp_path) if unit.suffix == ".service").read_text()
    names = re.findall(r"^LoadCredential=(\w+):", service, re.MULTILINE)
    (words,) = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    status = machine.sandbox.use("sandbox", "status").data
    secrets = {
        "treasury_password": PASSWORD,
        "database_url": status["database_url"],
        "blockchain_rpc_url": status["rpc_url"],
    }
    assert set(names) == set(secrets)
    for name, value in secrets.items():
        write_secret(tmp_path / name, value)
    config = machine.sandbox.config.read_text()
    kept = [line for line in config.splitlines() if line.split(" ")[0].removesuffix("_file")
            not in secrets]  # fmt: skip
    kept.append(f'keystore_dir = "{machine.sandbox.folder / "keystore"}"')
    kept = [line for line in kept if line != 'keystore_dir = "keystore"']
    (tmp_path / "config.toml").write_text("\n".join(kept))
    machine.have(ETH // 10)
    env = {"PATH": SYSTEM, "HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(tmp_path),
           "MAYHOUSE_CONFIG": str(tmp_path / "config.toml")}  # fmt: skip
    told = shell(words, env, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "Topped up in block" in told.stdout


# --- monitoring -------------------------------------------------------------------------

# Fine for half an hour, then critical; the last run stays where it began.
SERIES: Final = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'mayhouse_balance_check_state{role="platform"}'
        values: '0x29 2x30'
      - series: 'mayhouse_balance_check_success'
        values: '1x60'
      - series: 'mayhouse_balance_check_last_run_timestamp_seconds'
        values: '0x60'
      - series: 'mayhouse_wallet_balance_ether{role="platform",address="0xA",chain_id="1"}'
        values: '2-0.01x180'
      - series: 'mayhouse_wallet_balance_threshold_ether{role="platform",severity="critical"}'
        values: '0.1x180'
    alert_rule_test:
"""
ROLE: Final = "role: platform, "


def expected(minute: int, alert: str, labels: str | None) -> str:
    """An alert that fires at that minute with these labels, or (None) does not."""
    told = "[]"
    if labels is not None:
        (rules,) = blocks("yaml")
        (text,) = re.findall(rf"- alert: {alert}\n(.*?)(?=\n +- alert|\Z)", rules, re.DOTALL)
        notes = ", ".join(re.findall(r'^ +((?:summary|runbook): ".*")$', text, re.MULTILINE))
        notes = notes.replace("{{ $labels.role }}", "platform")
        told = f"[{{exp_labels: {{{labels}}}, exp_annotations: {{{notes}}}}}]"
    return f"      - {{eval_time: {minute}m, alertname: {alert}, exp_alerts: {told}}}\n"


def promtool(*words: str, cwd: Path) -> str:
    """Run promtool, which must be content."""
    told = subprocess.run(
        [program("promtool"), *words], cwd=cwd, capture_output=True, encoding="utf-8", check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_prometheus_accepts_the_rules(tmp_path: Path) -> None:
    """`promtool check rules` finds them all well."""
    (rules,) = blocks("yaml")
    (tmp_path / "rules.yml").write_text(rules)
    told = promtool("check", "rules", "rules.yml", cwd=tmp_path)
    assert f"{rules.count('- alert:')} rules found" in told


def test_the_rules_fire_when_they_should(tmp_path: Path) -> None:
    """`promtool test rules`: not before their time, and not for what is well."""
    (rules,) = blocks("yaml")
    (tmp_path / "rules.yml").write_text(rules)
    cases = (
        expected(33, "MayhouseBalanceCritical", None),
        expected(36, "MayhouseBalanceCritical", f"{ROLE}severity: page"),
        expected(20, "MayhouseBalanceCheckStale", None),
        expected(21, "MayhouseBalanceCheckStale", "severity: ticket"),
        expected(40, "MayhouseBalanceUnknown", None),
        expected(100, "MayhouseBalanceDraining", f"{ROLE}severity: ticket"),
    )
    (tmp_path / "test.yml").write_text(SERIES + "".join(cases))
    promtool("test", "rules", "test.yml", cwd=tmp_path)


def test_icinga_calls_options_that_there_are() -> None:
    """Each argument of the command definition is an option of the command that it calls."""
    (definition,) = blocks("icinga")
    (command,) = re.findall(r"command = \[ (.*) \]", definition)
    words = re.findall(r'"(.*?)"', command)
    assert words[0] == f"{INSTALLED}/mayhouse"
    known = options_of(words[1:])
    assert set(re.findall(r'^ +"(--\w+)" =', definition, re.MULTILINE)) <= known


# --- the text ---------------------------------------------------------------------------


def options_of(words: list[str]) -> set[str]:
    """The options of a command; fails when there is no such command."""
    found: Any = typer.main.get_command(app)  # of Typer's own copy of Click, without types
    for word in words:
        assert word in getattr(found, "commands", {}), f"there is no command {' '.join(words)}"
        found = found.commands[word]
    return {name for option in found.params for name in (*option.opts, *option.secondary_opts)}


def mentioned() -> list[str]:
    """Every command line in the text, its own words from `mayhouse` on."""
    inline = re.findall(r"`mayhouse ([a-z][^`]*)`", TEXT)
    return [*inline, *(job.command.split("mayhouse ", 1)[1] for job in JOBS)]


def test_the_text_names_commands_and_options_that_there_are() -> None:
    """A page for three in the morning has no typing errors in it."""
    lines = mentioned()
    assert len(lines) > len(JOBS) + 10
    for line in lines:
        words = line.split()
        verb = [word for word in words[:2] if re.fullmatch(r"[a-z]+", word)]
        known = options_of(verb)
        assert {word for word in words if word.startswith("--")} <= known, line


def test_every_exit_code_is_explained() -> None:
    """The table has a row for each code that an error can end with."""
    rows = re.findall(r"^\| ([\d, ]+) \|", TEXT, re.MULTILINE)
    told = {int(code) for row in rows for code in row.split(",")}
    assert told == {0, *(error.exit_code for error in every_error())}


def every_error(root: type[MayhouseError] = MayhouseError) -> Iterator[type[MayhouseError]]:
    """The whole tree of errors."""
    yield root
    for below in root.__subclasses__():
        yield from every_error(below)
