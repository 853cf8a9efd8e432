"""Setting up: `init` writes the config, `config` shows it, `doctor` tells what is missing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain_node import ChainNode, closed_port
from tests.mayhouse import PLATFORM, PLATFORM_KEY, Mayhouse, Run, clean_environment, run_script
from tests.terminal import Terminal

SEPOLIA_CONTRACT = "0x09aB660CEac220678b42E0e23DebCb1475e1eAD5"
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NODE = "https://sepolia.example.com/v3/hunter2"
DATABASE = "postgresql://me:hunter2@db.example.com:5432/app"
PASSWORD = {"MAYHOUSE_KEYSTORE_PASSWORD": "correct horse battery"}
ENV_FILE = f"""
# the old set-up
BLOCKCHAIN_RPC_URL="{NODE}"
export CONTRACT_ADDRESS={SEPOLIA_CONTRACT}
PLATFORM_PRIVATE_KEY={PLATFORM_KEY.removeprefix("0x")}
ETH_PRICE_INR=200000 # rupees
DATABASE_URL={DATABASE}
"""


def run(folder: Path, *words: str, **environment: str) -> Run:
    """Run the script in a folder, with a home of its own and nothing else set."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return run_script(*words, env={**clean_environment(str(home)), **environment}, cwd=folder)


def import_env_file(folder: Path, content: str = ENV_FILE, **environment: str) -> Run:
    """Run `init --from-env-file` on a .env file of this content."""
    (folder / ".env").write_text(content)
    return run(folder, "init", "--from-env-file", ".env", **{**PASSWORD, **environment})


def left_behind(folder: Path) -> set[str]:
    """Name what stands in the folder beside what the test put there."""
    return {path.name for path in folder.iterdir()} - {"home", ".env"}


def settings_of(result: Run) -> dict[str, dict[str, Any]]:
    """Give the settings of `config show --json` by key."""
    return {one["key"]: one for one in result.data["settings"]}


# --- init ---


def test_init_writes_a_private_file_for_sepolia(tmp_path: Path) -> None:
    """Where nobody can be asked, what is known is set and the rest explained."""
    result = run(tmp_path, "init", "--json")
    assert result.data["config"] == str(tmp_path / "config.toml")
    assert result.data["settings"] == ["chain_id", "contract_address"]
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o600
    shown = settings_of(run(tmp_path, "config", "show", "--json"))
    assert shown["contract_address"]["value"] == SEPOLIA_CONTRACT


def test_init_says_what_is_next(tmp_path: Path) -> None:
    """What is still missing, and the commands that follow."""
    result = run(tmp_path, "init")
    assert "set blockchain_rpc_url, eth_price_inr, database_url" in result.out
    assert "mayhouse wallet new" in result.out
    assert "mayhouse doctor" in result.out


def test_init_never_writes_over_a_file(tmp_path: Path) -> None:
    """Exit 6 names it, and it is as it was."""
    (tmp_path / "config.toml").write_text("chain_id = 5\n")
    result = run(tmp_path, "init")
    assert result.code == 6
    assert str(tmp_path / "config.toml") in result.err
    assert (tmp_path / "config.toml").read_text() == "chain_id = 5\n"


def test_init_writes_the_file_that_config_names(tmp_path: Path) -> None:
    """A user's or a server's file is made the same way."""
    result = run(tmp_path, "init", "--config", "other.toml")
    assert result.code == 0
    assert left_behind(tmp_path) == {"other.toml"}


def test_init_asks_at_a_terminal_and_hides_the_urls(tmp_path: Path) -> None:
    """Both URLs hold a secret; a wrong answer is asked for again, an empty one left out."""
    with Terminal("init", env=clean_environment(str(tmp_path)), cwd=tmp_path) as terminal:
        terminal.expect("Ethereum node")
        terminal.expect_hidden()
        terminal.type(NODE)
        terminal.expect(f"[{SEPOLIA_CONTRACT}]")
        terminal.type("")
        terminal.expect("Rupees for one ETH")
        terminal.type("lots")
        terminal.expect("Not a price of one ETH")
        terminal.type("198750.50")
        terminal.expect("Postgres")
        terminal.expect_hidden()
        terminal.type("")
        assert terminal.finish() == 0
        assert "hunter2" not in terminal.seen
    written = (tmp_path / "config.toml").read_text()
    assert f'\nblockchain_rpc_url = "{NODE}"\n' in written
    assert '\neth_price_inr = "198750.50"\n' in written


# --- init --from-env-file ---


def test_an_old_env_file_becomes_config_and_keystore(tmp_path: Path) -> None:
    """The settings into the file, the key into a keystore, its address into both."""
    result = import_env_file(tmp_path)
    assert result.code == 0
    written = (tmp_path / "config.toml").read_text()
    assert f'\nplatform_address = "{PLATFORM}"\n' in written
    assert f'\ndatabase_url = "{DATABASE}"\n' in written
    keystore = tmp_path / "keystore/platform.json"
    assert f"0x{json.loads(keystore.read_text())['address']}" == PLATFORM.lower()
    assert {path.stat().st_mode & 0o777 for path in (keystore, tmp_path / "config.toml")} == {0o600}


def test_the_key_is_nowhere_but_in_the_keystore(tmp_path: Path) -> None:
    """Neither in the config file nor in anything that is printed."""
    result = import_env_file(tmp_path)
    written = (tmp_path / "config.toml").read_text()
    for text in (written, result.out, result.err):
        assert PLATFORM_KEY.removeprefix("0x") not in text
    assert "hunter2" not in result.out + result.err


def test_the_imported_key_is_the_one_that_signs(tmp_path: Path) -> None:
    """The keystore opens with the password, and the address fits."""
    import_env_file(tmp_path)
    result = run(tmp_path, "doctor", "--offline", **PASSWORD)
    assert result.code == 0, result.out
    assert "opens the keystore" in result.out


def test_the_env_file_is_to_be_deleted(tmp_path: Path) -> None:
    """It still holds the key, and is left for its owner to delete."""
    result = import_env_file(tmp_path)
    assert ".env still holds the private key: delete it" in result.err
    assert (tmp_path / ".env").read_text() == ENV_FILE


def test_names_that_mean_nothing_are_told_without_their_values(tmp_path: Path) -> None:
    """They may be another program's secrets."""
    result = import_env_file(tmp_path, ENV_FILE + "SUPABASE_KEY=hunter2\nPORT=80\n")
    assert "left out: SUPABASE_KEY, PORT" in result.err
    assert "hunter2" not in result.err


def test_an_env_file_without_a_key_makes_no_keystore(tmp_path: Path) -> None:
    """And needs no password."""
    result = import_env_file(tmp_path, "ETH_PRICE_INR=200000\n", MAYHOUSE_KEYSTORE_PASSWORD="")
    assert result.code == 0
    assert left_behind(tmp_path) == {"config.toml"}


def test_another_chain_does_not_get_sepolias_contract(tmp_path: Path) -> None:
    """The known address is of Sepolia alone."""
    import_env_file(tmp_path, "CHAIN_ID=1\n")
    shown = settings_of(run(tmp_path, "config", "show", "--json"))
    assert (shown["chain_id"]["value"], shown["contract_address"]["value"]) == ("1", None)


def test_a_key_needs_a_password_before_anything_is_written(tmp_path: Path) -> None:
    """Exit 3, and the folder is as it was."""
    result = import_env_file(tmp_path, MAYHOUSE_KEYSTORE_PASSWORD="")
    assert result.code == 3
    assert "MAYHOUSE_KEYSTORE_PASSWORD" in result.err
    assert left_behind(tmp_path) == set()


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    """The same file opens the keystore afterwards."""
    (tmp_path / ".env").write_text(ENV_FILE)
    (tmp_path / "secret").write_text("correct horse battery\n")
    (tmp_path / "secret").chmod(0o600)
    words = ("init", "--from-env-file", ".env", "--password-file", "secret")
    assert run(tmp_path, *words).code == 0
    result = run(tmp_path, "doctor", "--offline", MAYHOUSE_KEYSTORE_PASSWORD_FILE="secret")
    assert result.code == 0, result.out


@pytest.mark.parametrize(
    "line",
    [
        "PLATFORM_PRIVATE_KEY=hunter2",
        "PLATFORM_PRIVATE_KEY=" + "0" * 64,
        "CONTRACT_ADDRESS=" + SEPOLIA_CONTRACT[:-1],
        "CONTRACT_ADDRESS=" + PLATFORM_KEY,
        "BLOCKCHAIN_RPC_URL=wss://example.com/hunter2",
        "BLOCKCHAIN_RPC_URL=https://example.com/$hunter2",
        "ETH_PRICE_INR=2e5",
        "DATABASE_URL=postgresql://me:hun/hunter2@db.example.com/app",
        "DATABASE_URL=postgresql://me:hunter2@db.example.com/app?sslmode=require",
        f"MAYHOUSE_PLATFORM_ADDRESS={OTHER}",
        "CHAIN_ID=sepolia",
        "not an assignment hunter2",
        "ETH_PRICE_INR='200000",
    ],
)
def test_a_wrong_value_stops_before_anything_is_written(tmp_path: Path, line: str) -> None:
    """Exit 3; the value is not quoted where it may be a secret."""
    name = line.split("=", maxsplit=1)[0]
    others = [one for one in ENV_FILE.splitlines() if name not in one]
    result = import_env_file(tmp_path, "\n".join([*others, line]))
    assert result.code == 3, result.err
    assert left_behind(tmp_path) == set()
    assert "hunter2" not in result.err
    assert PLATFORM_KEY.removeprefix("0x") not in result.err


def test_a_keystore_is_never_written_over(tmp_path: Path) -> None:
    """Exit 6 names it, and no config file is made either."""
    (tmp_path / "keystore").mkdir()
    (tmp_path / "keystore/platform.json").write_text("{}")
    result = import_env_file(tmp_path)
    assert result.code == 6
    assert str(tmp_path / "keystore/platform.json") in result.err
    assert left_behind(tmp_path) == {"keystore"}
    assert (tmp_path / "keystore/platform.json").read_text() == "{}"


def test_a_keystore_that_cannot_be_kept_takes_the_config_back(tmp_path: Path) -> None:
    """No folder can be made there: nothing is left half done."""
    result = import_env_file(tmp_path, ENV_FILE + "MAYHOUSE_KEYSTORE_DIR=/proc/keystore\n")
    assert result.code == 3
    assert "nothing was kept" in result.err
    assert left_behind(tmp_path) == set()


# --- config ---


def test_config_show_tells_where_each_value_comes_from(tmp_path: Path) -> None:
    """The file, a variable, a default, or nowhere."""
    (tmp_path / "config.toml").write_text('max_fee_gwei = "30"\nwallet = "mine"\n')
    shown = settings_of(run(tmp_path, "config", "show", "--json", MAYHOUSE_WALLET="other"))
    told = {key: (shown[key]["value"], shown[key]["origin"]) for key in shown}
    assert told["max_fee_gwei"] == ("30", str(tmp_path / "config.toml"))
    assert told["wallet"] == ("other", "environment MAYHOUSE_WALLET")
    assert told["confirmations"] == ("2", "default")
    assert told["owner_address"] == (None, None)
    assert shown["owner_address"]["environment"] == "MAYHOUSE_OWNER_ADDRESS"


def test_config_show_writes_amounts_as_people_do(tmp_path: Path) -> None:
    """With their unit, without zeros that say nothing."""
    lines = {
        line.split()[0]: " ".join(line.split())
        for line in run(tmp_path, "config", "show").out.splitlines()
    }
    assert lines["balance_warning_eth"] == "balance_warning_eth 0.2 ETH default"
    assert lines["max_fee_gwei"] == "max_fee_gwei 200 gwei default"
    assert lines["max_daily_eth"].startswith("max_daily_eth not set (no limit)")


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json")])
def test_config_show_shows_no_secret(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Of a node's address the host, of all else no more than that it is set."""
    secrets = {
        "BLOCKCHAIN_RPC_URL": NODE,
        "DATABASE_URL": DATABASE,
        "PLATFORM_PRIVATE_KEY": PLATFORM_KEY,
        **PASSWORD,
    }
    result = run(tmp_path, *words, **secrets)
    assert result.code == 0
    assert "sepolia.example.com" in result.out
    for secret in ("hunter2", PLATFORM_KEY.removeprefix("0x"), *PASSWORD.values()):
        assert secret not in result.out + result.err


def test_config_show_runs_no_command(tmp_path: Path) -> None:
    """Looking at the configuration asks no password manager."""
    script = f"open({str(tmp_path / 'ran')!r}, 'w')"
    command = json.dumps([sys.executable, "-c", script])
    (tmp_path / "config.toml").write_text(f"password_command = {command}\n")
    shown = settings_of(run(tmp_path, "config", "show", "--json"))
    assert shown["password"]["value"] == "set (hidden)"
    assert shown["password"]["origin"].endswith("config.toml (password_command)")
    assert not (tmp_path / "ran").exists()


def test_config_path_works_while_the_file_is_broken(tmp_path: Path) -> None:
    """It is asked for when something is wrong."""
    (tmp_path / "config.toml").write_text("= broken")
    data = run(tmp_path, "config", "path", "--json").data
    assert data["file"] == str(tmp_path / "config.toml")
    assert [place["state"] for place in data["places"]] == ["in use", "not there"]


def test_config_path_names_what_is_looked_for(tmp_path: Path) -> None:
    """Without any file, where one would be found."""
    result = run(tmp_path, "config", "path")
    assert result.code == 0
    assert str(tmp_path / "config.toml") in result.out
    assert str(tmp_path / "home") in result.out


def test_config_path_says_that_a_named_file_stands_alone(tmp_path: Path) -> None:
    """The project's own file is there, and not read."""
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "other.toml").write_text("")
    data = run(tmp_path, "config", "path", "--json", MAYHOUSE_CONFIG="other.toml").data
    assert [place["state"] for place in data["places"]] == ["in use", "not read", "not there"]


# --- doctor ---


def checks_of(result: Run) -> dict[str, dict[str, Any]]:
    """Give doctor's checks by name, from its document, whether it failed or not."""
    return {check["name"]: check for check in result.document["data"]["checks"]}


def states_of(result: Run) -> dict[str, str]:
    """Give the state of each check by name."""
    return {name: check["state"] for name, check in checks_of(result).items()}


@pytest.fixture
def silent_url() -> Iterator[str]:
    """An address where nothing listens."""
    with closed_port() as port:
        yield f"http://127.0.0.1:{port}"


def test_doctor_finds_nothing_wrong_with_a_working_platform(mayhouse: Mayhouse) -> None:
    """Exit 0, every check done but those of files that a platform in the environment lacks."""
    result = mayhouse.json("doctor")
    assert result.code == 0
    states = states_of(result)
    skipped = {name for name, state in states.items() if state == "skipped"}
    assert skipped == {"config file mode", "keystore file", "keystore password"}
    assert set(states.values()) == {"ok", "skipped"}


def test_doctor_shows_a_line_for_each_check(mayhouse: Mayhouse) -> None:
    """A mark, the name, and what was found; no colours in a pipe."""
    result = mayhouse.run("doctor")
    marks = [line[0] for line in result.out.splitlines()]
    assert set(marks) == {"✓", "-"}
    assert "\x1b" not in result.out


def test_doctor_changes_nothing(mayhouse: Mayhouse) -> None:
    """The database is not bound, and no nonce is used."""
    before = mayhouse.transactions_sent()
    mayhouse.run("doctor")
    assert mayhouse.transactions_sent() == before
    assert mayhouse.row("SELECT chain_id FROM mayhouse.installation") == {"chain_id": None}
    assert mayhouse.rows("SELECT FROM mayhouse.rates") == []


def test_doctor_reports_a_broken_config_as_a_finding(tmp_path: Path) -> None:
    """Exit 1 with the file and the remedy; all else rests on it."""
    (tmp_path / "config.toml").write_text("chain = 5\n")
    result = run(tmp_path, "doctor", "--json")
    assert (result.code, result.error["code"]) == (1, "findings")
    checks = checks_of(result)
    assert "unknown key chain" in checks["config file"]["detail"]
    assert {state for name, state in states_of(result).items() if name != "config file"} == {
        "skipped"
    }


def test_doctor_names_each_failure_with_its_remedy(tmp_path: Path) -> None:
    """Nothing is configured: each missing thing is found, not only the first."""
    result = run(tmp_path, "doctor", "--json")
    assert result.code == 1
    failed = {
        name: one["remedy"] for name, one in checks_of(result).items() if one["state"] == "failed"
    }
    assert set(failed) == {"signing key", "node", "contract", "database", "rate"}
    assert all(failed.values())


def test_doctor_prints_findings_even_when_quiet(tmp_path: Path) -> None:
    """What failed stands on stdout, the sum of it on stderr."""
    result = run(tmp_path, "doctor", "-q")
    assert "✗ signing key" in result.out
    assert "checks failed" in result.err


def test_doctor_offline_asks_nobody(tmp_path: Path, silent_url: str) -> None:
    """Node and database are down, and it does not notice."""
    environment = {
        "BLOCKCHAIN_RPC_URL": silent_url,
        "DATABASE_URL": "postgresql://me@127.0.0.1:1/app",
        "PLATFORM_PRIVATE_KEY": PLATFORM_KEY,
        "ETH_PRICE_INR": "200000",
        "CONTRACT_ADDRESS": SEPOLIA_CONTRACT,
    }
    result = run(tmp_path, "doctor", "--offline", "--json", **environment)
    assert result.code == 0, result.out
    assert states_of(result)["node"] == states_of(result)["database"] == "skipped"


def test_a_dead_node_beside_a_live_one_is_a_warning(mayhouse: Mayhouse, silent_url: str) -> None:
    """The other one is used; exit 0."""
    nodes = f"{silent_url.replace('127.0.0.1', 'localhost')},{mayhouse.node.url}"
    result = mayhouse.json("doctor", "--timeout", "2", BLOCKCHAIN_RPC_URL=nodes)
    assert result.code == 0
    assert states_of(result)["node localhost"] == "warning"
    assert states_of(result)["node 127.0.0.1"] == "ok"


def test_without_any_node_the_database_is_still_examined(
    mayhouse: Mayhouse, silent_url: str
) -> None:
    """One failure keeps no other check from being done."""
    result = mayhouse.json("doctor", "--timeout", "1", BLOCKCHAIN_RPC_URL=silent_url)
    assert result.code == 1
    states = states_of(result)
    assert (states["node 127.0.0.1"], states["contract"]) == ("failed", "skipped")
    assert (states["migrations"], states["rate"]) == ("ok", "ok")


def test_a_node_on_another_chain_fails(mayhouse: Mayhouse) -> None:
    """Both chain ids are named."""
    check = checks_of(mayhouse.json("doctor", CHAIN_ID="5"))["node 127.0.0.1"]
    assert check["state"] == "failed"
    assert "on chain 31337, configured is 5" in check["detail"]


def test_another_contract_fails(mayhouse: Mayhouse) -> None:
    """The node is fine all the same."""
    states = states_of(mayhouse.json("doctor", CONTRACT_ADDRESS=OTHER))
    assert (states["node 127.0.0.1"], states["contract"]) == ("ok", "failed")


def test_another_owner_fails(mayhouse: Mayhouse) -> None:
    """The owner cannot be replaced: a wrong one means a wrong contract."""
    check = checks_of(mayhouse.json("doctor", MAYHOUSE_OWNER_ADDRESS=OTHER))["owner"]
    assert check["state"] == "failed"
    assert PLATFORM in check["detail"]


@pytest.mark.parametrize(("critical", "state"), [("10000", "failed"), ("1", "warning")])
def test_a_low_balance_is_judged_by_its_thresholds(
    mayhouse: Mayhouse, critical: str, state: str
) -> None:
    """Critical fails, a warning warns, and the address to send to is named."""
    result = mayhouse.json(
        "doctor",
        MAYHOUSE_BALANCE_WARNING_ETH="20000",
        MAYHOUSE_BALANCE_CRITICAL_ETH=critical,
    )
    check = checks_of(result)["balance"]
    assert check["state"] == state
    assert PLATFORM in check["remedy"]


def test_thresholds_that_contradict_each_other_fail(mayhouse: Mayhouse) -> None:
    """Each is valid by itself."""
    result = mayhouse.json("doctor", MAYHOUSE_BALANCE_CRITICAL_ETH="0.3")
    assert states_of(result)["settings"] == "failed"


def test_a_key_of_another_wallet_fails(mayhouse: Mayhouse) -> None:
    """Both addresses are named."""
    check = checks_of(mayhouse.json("doctor", MAYHOUSE_PLATFORM_ADDRESS=OTHER))["signing key"]
    assert check["state"] == "failed"
    assert PLATFORM in check["detail"]
    assert OTHER in check["detail"]


def test_pending_migrations_fail(mayhouse: Mayhouse, empty_database_url: str) -> None:
    """The database is there; what needs its tables is left out."""
    states = states_of(mayhouse.json("doctor", DATABASE_URL=empty_database_url))
    assert (states["database"], states["migrations"]) == ("ok", "failed")
    assert states["database pin"] == "skipped"


def test_a_database_of_another_wallet_fails(mayhouse: Mayhouse) -> None:
    """It was bound by the first transaction."""
    mayhouse.create_event()
    assert states_of(mayhouse.json("doctor"))["database pin"] == "ok"
    mayhouse.execute("UPDATE mayhouse.installation SET sender = %s", OTHER)
    check = checks_of(mayhouse.json("doctor"))["database pin"]
    assert check["state"] == "failed"
    assert OTHER in check["detail"]


def test_a_freeze_is_a_warning_with_its_reason(mayhouse: Mayhouse) -> None:
    """Somebody meant it; exit 0."""
    mayhouse.execute(
        "UPDATE mayhouse.installation SET frozen = true, frozen_reason = 'a leaked key', "
        "frozen_by = 'me', frozen_at = now()"
    )
    result = mayhouse.json("doctor")
    assert result.code == 0
    assert checks_of(result)["frozen"]["state"] == "warning"
    assert "a leaked key" in checks_of(result)["frozen"]["detail"]


def test_old_unfinished_transactions_are_a_warning(mayhouse: Mayhouse) -> None:
    """Counted, with the command that finishes them."""
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 JSON
    try:
        mayhouse.create_event("--no-wait")
        mayhouse.execute("UPDATE mayhouse.transactions SET created_at = now() - interval '2 hours'")
        check = checks_of(mayhouse.json("doctor"))["unfinished transactions"]
    finally:
        mayhouse.node.rpc("evm_setAutomine", True)  # noqa: FBT003 JSON
    assert check["state"] == "warning"
    assert check["detail"].startswith("1, the oldest 120 minutes old")
    assert "tx resume" in check["remedy"]


def test_a_stale_rate_fails(mayhouse: Mayhouse) -> None:
    """Its age counts once it is known."""
    told = {"MAYHOUSE_ETH_PRICE_AS_OF": "2020-01-01T00:00:00+05:30"}
    assert states_of(mayhouse.json("doctor", **told))["rate"] == "failed"
    assert states_of(mayhouse.json("doctor", "--offline", **told))["rate"] == "failed"


def test_a_config_file_with_secrets_must_be_private(tmp_path: Path) -> None:
    """The remedy is the command that makes it so."""
    import_env_file(tmp_path)
    (tmp_path / "config.toml").chmod(0o644)
    check = checks_of(run(tmp_path, "doctor", "--offline", "--json", **PASSWORD))[
        "config file mode"
    ]
    assert check["state"] == "failed"
    assert check["remedy"] == f"chmod 600 {tmp_path / 'config.toml'}"


def test_a_config_file_without_secrets_may_be_read_by_others(tmp_path: Path) -> None:
    """But not changed: it may name commands that are run."""
    path = tmp_path / "config.toml"
    path.write_text("chain_id = 5\n")
    path.chmod(0o644)
    assert states_of(run(tmp_path, "doctor", "--offline", "--json"))["config file mode"] == "ok"
    path.chmod(0o664)
    assert states_of(run(tmp_path, "doctor", "--offline", "--json"))["config file mode"] == "failed"


def test_a_wrong_keystore_password_fails(tmp_path: Path) -> None:
    """Found now, not when an event is to be created."""
    import_env_file(tmp_path)
    told = {"MAYHOUSE_KEYSTORE_PASSWORD": "wrong"}
    result = run(tmp_path, "doctor", "--offline", "--json", **told)
    assert states_of(result)["keystore password"] == "failed"


def test_a_keystore_that_others_can_read_fails(tmp_path: Path) -> None:
    """As it would when it is used."""
    import_env_file(tmp_path)
    (tmp_path / "keystore/platform.json").chmod(0o640)
    result = run(tmp_path, "doctor", "--offline", "--json", **PASSWORD)
    assert states_of(result)["keystore file"] == "failed"


def test_no_password_is_a_warning(tmp_path: Path) -> None:
    """A person can still be asked; cron cannot."""
    import_env_file(tmp_path)
    result = run(tmp_path, "doctor", "--offline", "--json")
    assert (result.code, states_of(result)["keystore password"]) == (0, "warning")


def test_doctor_shows_no_secret(tmp_path: Path, node: ChainNode) -> None:
    """Neither of what works nor of what does not."""
    import_env_file(tmp_path)
    told = {
        "BLOCKCHAIN_RPC_URL": f"{node.url}/v3/hunter2",
        "DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/app",
        **PASSWORD,
    }
    result = run(tmp_path, "doctor", **told)
    assert result.code == 1
    for secret in ("hunter2", PLATFORM_KEY.removeprefix("0x"), *PASSWORD.values()):
        assert secret not in result.out + result.err
