"""Where settings come from, in which order, and that no wrong one breaks or shows a secret."""

import contextlib
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mayhouse_cli.config import (
    SETTINGS,
    Config,
    load_config,
    masked,
    read_secret_file,
    user_config_file,
    write_config,
)
from mayhouse_cli.errors import (
    ConfigurationError,
    CredentialsError,
    MayhouseError,
    Refused,
)

ADDRESS = "0x09aB660CEac220678b42E0e23DebCb1475e1eAD5"
NODE = "https://sepolia.example.com/v3/hunter2"
KEY = "ab" * 32


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own configuration out of the tests."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def write(path: Path, text: str = "", **keys: object) -> Path:
    """Write a config file, as text or by its keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or tomli_w.dumps(keys), encoding="utf-8")
    path.chmod(0o600)
    return path


def load(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    named: Path | None = None,
    **options: str,
) -> Config:
    """Load with nothing of this process's environment."""
    return load_config(named, options, environment or {}, folder)


def refusal(folder: Path, environment: Mapping[str, str] | None = None) -> ConfigurationError:
    """Give the error of a configuration that must not load."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, environment)
    return caught.value


# --- the order of sources ---


def test_an_option_counts_more_than_the_environment(tmp_path: Path) -> None:
    """What is typed now is meant."""
    config = load(tmp_path, {"CHAIN_ID": "5"}, chain_id="7")
    assert (config.chain_id, config.origins["chain_id"]) == (7, "option")


def test_the_environment_counts_more_than_a_file(tmp_path: Path) -> None:
    """A file is for every run, a variable for this one."""
    write(tmp_path / "config.toml", chain_id=5)
    config = load(tmp_path, {"CHAIN_ID": "7"})
    assert (config.chain_id, config.origins["chain_id"]) == (7, "environment CHAIN_ID")


def test_the_project_file_counts_more_than_the_users(tmp_path: Path) -> None:
    """The user's file fills in what the project leaves open."""
    project = write(tmp_path / "config.toml", chain_id=5)
    user = write(user_config_file(), chain_id=7, wallet="mine")
    config = load(tmp_path)
    assert (config.chain_id, config.get("wallet")) == (5, "mine")
    assert (config.origins["chain_id"], config.origins["wallet"]) == (str(project), str(user))


def test_a_default_counts_last(tmp_path: Path) -> None:
    """Sepolia, where nothing else is said."""
    config = load(tmp_path)
    assert (config.chain_id, config.origins["chain_id"]) == (11155111, "default")


def test_a_named_file_stands_alone(tmp_path: Path) -> None:
    """Neither the project's nor the user's file is read beside it."""
    write(tmp_path / "config.toml", chain_id=5)
    write(user_config_file(), wallet="mine")
    named = write(tmp_path / "other.toml", max_fee_gwei="3")
    config = load(tmp_path, named=named)
    assert (config.chain_id, config.get("wallet")) == (11155111, "platform")
    assert config.files == (named,)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    """MAYHOUSE_CONFIG is --config for every run."""
    named = write(tmp_path / "other.toml", chain_id=5)
    assert load(tmp_path, {"MAYHOUSE_CONFIG": str(named)}).chain_id == 5


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """A mistyped name does not fall back to other files."""
    write(tmp_path / "config.toml", chain_id=5)
    assert "There is no config file" in refusal(tmp_path, {"MAYHOUSE_CONFIG": "x"}).message


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    """CI has no file."""
    config = load(tmp_path, {"BLOCKCHAIN_RPC_URL": NODE, "CONTRACT_ADDRESS": ADDRESS})
    assert config.require("blockchain_rpc_url") == (NODE,)
    assert config.file is None


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    """CI systems set what they do not know to nothing."""
    assert load(tmp_path, {"CHAIN_ID": ""}).origins["chain_id"] == "default"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_has_a_variable_of_its_own(setting: object) -> None:
    """The platform's own names, or MAYHOUSE_ and the key."""
    name = getattr(setting, "environment_name", "")
    assert name.isupper()
    assert [one.environment_name for one in SETTINGS].count(name) == 1


# --- what a value may be ---


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    """A typing error is not silently ignored."""
    write(tmp_path / "config.toml", max_fee_gewi="3")
    error = refusal(tmp_path)
    assert "unknown key max_fee_gewi" in error.message
    assert error.hint == "Did you mean max_fee_gwei?"


def test_a_table_is_an_unknown_key(tmp_path: Path) -> None:
    """The file is flat."""
    write(tmp_path / "config.toml", "[database]\nurl = 'x'\n")
    assert "unknown key database" in refusal(tmp_path).message


@pytest.mark.parametrize(
    "text", ["chain_id = ", "= 3", "a = [", "[" * 5_000, "chain_id = " + "9" * 5_000, 'a = "\\q"']
)
def test_malformed_toml_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    """The file is named, whatever the parser stumbled over."""
    path = write(tmp_path / "config.toml", text)
    assert str(path) in refusal(tmp_path).message


def test_a_file_that_is_not_text_is_a_configuration_error(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 give no traceback."""
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    assert "not valid TOML" in refusal(tmp_path).message


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfchain_id = 5\r\n")
    assert load(tmp_path).chain_id == 5


def test_a_float_is_no_amount(tmp_path: Path) -> None:
    """TOML's 0.1 is not one tenth."""
    write(tmp_path / "config.toml", balance_warning_eth=0.1)
    error = refusal(tmp_path)
    assert "cannot be a float" in error.message
    assert "quotes" in (error.hint or "")


def test_a_whole_number_is_an_amount(tmp_path: Path) -> None:
    """There is nothing to round in it."""
    write(tmp_path / "config.toml", max_daily_eth=2, eth_price_inr=200000)
    config = load(tmp_path)
    assert config.get("max_daily_eth") == 2 * 10**18
    assert config.get("eth_price_inr") == Decimal(200_000)


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_true_or_false(tmp_path: Path, value: object) -> None:
    """In the file it is TOML's own word, in the environment the same as text."""
    write(tmp_path / "config.toml", database_allow_insecure=value)
    assert load(tmp_path).get("database_allow_insecure") is value
    told = {"MAYHOUSE_DATABASE_ALLOW_INSECURE": str(value)}
    assert load(tmp_path, told).get("database_allow_insecure") is value


@pytest.mark.parametrize("value", ["yes", "1", "on", "wahr"])
def test_other_words_are_no_flag(tmp_path: Path, value: str) -> None:
    """Nothing is guessed about a protection."""
    told = {"MAYHOUSE_DATABASE_ALLOW_INSECURE": value}
    assert "neither true nor false" in refusal(tmp_path, told).message


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "0x1", "²", "9" * 5_000, True, 2**300, [1]])
def test_a_chain_id_is_a_positive_whole_number(tmp_path: Path, value: object) -> None:
    """True is not 1, and no number is too long to be refused."""
    write(tmp_path / "config.toml", chain_id=value)
    assert "chain_id" in refusal(tmp_path).message


def test_a_time_needs_its_zone(tmp_path: Path) -> None:
    """18:00 alone is two different moments in two offices."""
    told = {"MAYHOUSE_ETH_PRICE_AS_OF": "2026-11-28T18:00"}
    assert "no time zone" in refusal(tmp_path, told).message


def test_a_time_may_stand_in_toml_without_quotes(tmp_path: Path) -> None:
    """TOML has a type for it."""
    write(tmp_path / "config.toml", "eth_price_as_of = 2026-11-28T18:00:00+05:30")
    assert load(tmp_path).get("eth_price_as_of") == datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def test_a_wrong_address_names_its_origin(tmp_path: Path) -> None:
    """One of several places is wrong: which is said."""
    told = {"CONTRACT_ADDRESS": ADDRESS.replace("a", "A", 1)}
    assert "environment CONTRACT_ADDRESS" in refusal(tmp_path, told).message


# --- node addresses ---


def test_several_nodes_are_separated_by_commas(tmp_path: Path) -> None:
    """Spaces and an empty last one do not matter."""
    told = {"BLOCKCHAIN_RPC_URL": f"{NODE}, http://127.0.0.1:8545 ,"}
    assert load(tmp_path, told).get("blockchain_rpc_url") == (NODE, "http://127.0.0.1:8545")


def test_several_nodes_may_be_a_list(tmp_path: Path) -> None:
    """In the file a list is easier to read."""
    write(tmp_path / "config.toml", blockchain_rpc_url=[NODE, "http://[::1]:8545"])
    assert load(tmp_path).get("blockchain_rpc_url") == (NODE, "http://[::1]:8545")


@pytest.mark.parametrize(
    "url",
    [
        ",",
        "hunter2",
        "ftp://hunter2.example.com",
        "https:///hunter2",
        "https://[hunter2",
        "https://user:hun/hunter2@example.com",
        "https://example.com/hunter2 x",
        f"{NODE},wss://example.com/hunter2",
    ],
)
def test_a_wrong_node_address_is_not_quoted(tmp_path: Path, url: str) -> None:
    """The provider's key is in it."""
    error = refusal(tmp_path, {"BLOCKCHAIN_RPC_URL": url})
    assert "hunter2" not in f"{error} {error.hint}"


# --- secrets ---


def test_a_secret_comes_from_the_file_a_variable_names(tmp_path: Path) -> None:
    """Containers mount secrets as files."""
    write(tmp_path / "key", KEY + "\n")
    config = load(tmp_path, {"PLATFORM_PRIVATE_KEY_FILE": "key"})
    assert config.get("platform_private_key") == KEY
    assert config.origins["platform_private_key"] == "file from PLATFORM_PRIVATE_KEY_FILE"


def test_a_secret_comes_from_the_credentials_directory(tmp_path: Path) -> None:
    """Systemd's LoadCredential= puts it there."""
    write(tmp_path / "credentials/password", "hunter2\n")
    config = load(tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert config.get("password") == "hunter2"
    assert config.origins["password"] == "credentials directory"


def test_a_secret_comes_from_the_file_the_config_names(tmp_path: Path) -> None:
    """The path starts at the config file, not where the tool is run."""
    write(tmp_path / "etc/node", NODE)
    named = write(tmp_path / "etc/config.toml", blockchain_rpc_url_file="node")
    assert load(tmp_path, named=named).get("blockchain_rpc_url") == (NODE,)


def test_a_secret_comes_from_a_command(tmp_path: Path) -> None:
    """Run without a shell, its line end taken away."""
    command = [sys.executable, "-c", "print('hunter2; $HOME')"]
    write(tmp_path / "config.toml", password_command=command)
    assert load(tmp_path).get("password") == "hunter2; $HOME"


def test_a_command_runs_only_when_its_secret_is_used_and_once(tmp_path: Path) -> None:
    """Loading asks no password manager."""
    script = "import pathlib; pathlib.Path('ran').open('a').write('x'); print('hunter2')"
    command = [sys.executable, "-c", script]
    write(tmp_path / "config.toml", password_command=command)
    with contextlib.chdir(tmp_path):
        config = load(tmp_path)
        assert not Path("ran").exists()
        assert config.get("password") == config.get("password") == "hunter2"
        assert Path("ran").read_text() == "x"


@pytest.mark.parametrize(
    "script",
    ["raise SystemExit('hunter2')", "print()", "import sys; sys.stdout.buffer.write(b'\\xff')"],
)
def test_a_command_that_fails_is_named_without_its_output(tmp_path: Path, script: str) -> None:
    """What it printed may hold the secret."""
    write(tmp_path / "config.toml", password_command=[sys.executable, "-c", script])
    with pytest.raises(CredentialsError, match="the command of password_command failed") as caught:
        load(tmp_path).get("password")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("command", ["pass show x", [], ["a", 1], 3])
def test_a_command_is_a_list_of_words(tmp_path: Path, command: object) -> None:
    """Found when the file is loaded, not when the secret is needed."""
    write(tmp_path / "config.toml", password_command=command)
    assert "must be a list of words" in refusal(tmp_path).message


def test_the_variable_counts_more_than_its_file_and_command(tmp_path: Path) -> None:
    """The value itself is nearest."""
    write(tmp_path / "config.toml", database_url_command=["false"])
    told = {"DATABASE_URL": "a", "DATABASE_URL_FILE": "missing"}
    assert load(tmp_path, told).get("database_url") == "a"


@pytest.mark.parametrize(
    ("there", "origin"),
    [
        (("file", "command", "credentials", "variable"), "file from"),
        (("command", "credentials", "variable"), "config.toml (password_command)"),
        (("credentials", "variable"), "credentials directory"),
        (("variable",), "environment MAYHOUSE_KEYSTORE_PASSWORD"),
    ],
)
def test_a_password_comes_from_the_plain_environment_last(
    tmp_path: Path, there: tuple[str, ...], origin: str
) -> None:
    """A file, a command, a credential: each hides it better than what every child inherits."""
    told = {"MAYHOUSE_KEYSTORE_PASSWORD": "variable"}
    if "file" in there:
        told["MAYHOUSE_KEYSTORE_PASSWORD_FILE"] = str(write(tmp_path / "secret", "file"))
    if "command" in there:
        command = [sys.executable, "-c", "print('command')"]
        write(tmp_path / "config.toml", password_command=command)
    if "credentials" in there:
        write(tmp_path / "credentials/password", "credentials")
        told["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    config = load(tmp_path, told)
    assert config.get("password") == there[0]
    assert origin in config.origins["password"]


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_file_that_is_open_to_others_is_refused(tmp_path: Path, bits: int) -> None:
    """The command that closes it is the remedy."""
    path = write(tmp_path / "secret", "hunter2")
    path.chmod(bits)
    with pytest.raises(CredentialsError, match="open to other users") as caught:
        read_secret_file(path)
    assert f"chmod 600 {path}" in (caught.value.hint or "")


def test_a_secret_in_a_config_file_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    """When it is used: what needs no secret, and `doctor`, still run."""
    path = write(tmp_path / "config.toml", database_url="postgresql://me:hunter2@db/x", chain_id=5)
    path.chmod(0o644)
    config = load(tmp_path)
    assert config.chain_id == 5
    with pytest.raises(CredentialsError, match="holds secrets and is open") as caught:
        config.get("database_url")
    assert f"chmod 600 {path}" in (caught.value.hint or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """He could have written anything into it."""
    path = write(tmp_path / "secret", "hunter2")
    os.chown(path, 12345, -1)
    with pytest.raises(CredentialsError, match="belongs to another user"):
        read_secret_file(path)


@pytest.mark.parametrize("key", ["password", "platform_private_key"])
def test_keys_and_passwords_do_not_stand_in_a_config_file(tmp_path: Path, key: str) -> None:
    """Such files are copied, shown and committed."""
    write(tmp_path / "config.toml", **{key: KEY})
    error = refusal(tmp_path)
    assert f"{key} must not stand in a config file" in error.message
    assert KEY not in f"{error} {error.hint}"


def test_a_password_keeps_its_spaces(tmp_path: Path) -> None:
    """Only the line end is not part of it."""
    write(tmp_path / "secret", " hunter2 \r\n")
    told = {"MAYHOUSE_KEYSTORE_PASSWORD_FILE": "secret"}
    assert load(tmp_path, told).get("password") == " hunter2 "
    assert load(tmp_path, {"MAYHOUSE_KEYSTORE_PASSWORD": " x "}).get("password") == " x "


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_secret_file_that_yields_nothing_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty and unreadable files are credentials that are wrong."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CredentialsError, match=str(path)):
        read_secret_file(path)


def test_a_private_key_in_the_wrong_place_is_not_quoted(tmp_path: Path) -> None:
    """Pasted as the contract's address, it is refused unseen."""
    error = refusal(tmp_path, {"CONTRACT_ADDRESS": f"0x{KEY}"})
    assert KEY not in f"{error} {error.hint}"


def test_no_secret_is_in_the_text_of_a_config(tmp_path: Path) -> None:
    """Whoever prints or logs it shows none."""
    told = {
        "BLOCKCHAIN_RPC_URL": NODE,
        "PLATFORM_PRIVATE_KEY": KEY,
        "DATABASE_URL": "postgresql://u:hunter2@h/d",
    }
    config = load(tmp_path, told)
    assert "hunter2" not in repr(config)
    assert KEY not in repr(config)


def test_secrets_are_known_for_masking_once_they_were_read(tmp_path: Path) -> None:
    """A deferred one is not read for that."""
    write(tmp_path / "config.toml", password_command=["echo", "hunter2"], database_url="x://y")
    config = load(tmp_path, {"BLOCKCHAIN_RPC_URL": NODE})
    assert set(config.secrets) == {NODE, "x://y"}
    config.get("password")
    assert "hunter2" in config.secrets


def test_the_address_of_a_local_node_is_no_secret(tmp_path: Path) -> None:
    """Scheme, host and port hold no key: hiding them would hide half of every message."""
    assert load(tmp_path, {"BLOCKCHAIN_RPC_URL": "http://127.0.0.1:8545"}).secrets == ()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (NODE, "https://sepolia.example.com/…"),
        ("https://me:hunter2@example.com:8545", "https://example.com:8545/…"),
        ("http://[::1]:8545/", "http://[::1]:8545"),
        ("https://example.com?key=hunter2", "https://example.com/…"),
    ],
)
def test_of_a_node_its_host_is_shown(url: str, shown: str) -> None:
    """Enough to tell which it is, and nothing of its key."""
    assert masked(SETTINGS[0], (url,)) == shown


# --- paths ---


def test_a_relative_path_starts_at_its_config_file(tmp_path: Path) -> None:
    """The tool may be run from anywhere."""
    named = write(
        tmp_path / "etc/config.toml", keystore_dir="keys", database_root_certificate="ca.crt"
    )
    config = load(tmp_path, named=named)
    assert config.keystore_folder == tmp_path / "etc/keys"
    assert config.get("database_root_certificate") == str(tmp_path / "etc/ca.crt")


def test_a_relative_path_in_a_variable_starts_where_we_are(tmp_path: Path) -> None:
    """As every other path that is typed into a shell."""
    named = write(tmp_path / "etc/config.toml", chain_id=5)
    config = load(tmp_path, {"MAYHOUSE_KEYSTORE_DIR": "keys"}, named=named)
    assert config.keystore_folder == tmp_path / "keys"


def test_the_systems_authorities_are_not_a_path(tmp_path: Path) -> None:
    """The word libpq has for them stays as it is."""
    told = {"MAYHOUSE_DATABASE_ROOT_CERTIFICATE": "system"}
    assert load(tmp_path, told).get("database_root_certificate") == "system"


def test_a_path_may_start_at_home(tmp_path: Path) -> None:
    """The file is no shell; the ~ is understood all the same."""
    write(tmp_path / "config.toml", keystore_dir="~/keys")
    assert load(tmp_path).keystore_folder == tmp_path / "home/keys"


def test_an_unknown_home_is_a_configuration_error(tmp_path: Path) -> None:
    """No traceback for a user that does not exist."""
    write(tmp_path / "config.toml", password_file="~nobody-of-this-name/x")
    assert "no such home folder" in refusal(tmp_path).message


def test_keystores_stand_beside_the_config_file(tmp_path: Path) -> None:
    """Two projects do not share their keys by accident."""
    write(tmp_path / "config.toml", chain_id=5)
    assert load(tmp_path).keystore_folder == tmp_path / "keystore"


def test_keystores_without_a_config_file_are_the_users(tmp_path: Path) -> None:
    """Nothing is put into whatever folder we happen to be in."""
    assert tmp_path / "home" in load(tmp_path).keystore_folder.parents


# --- what follows from settings ---


@pytest.mark.parametrize(("chain", "blocks"), [("31337", 1), ("11155111", 2), ("1", 2)])
def test_confirmations_depend_on_the_chain(tmp_path: Path, chain: str, blocks: int) -> None:
    """A local chain does not reorganise."""
    assert load(tmp_path, {"CHAIN_ID": chain}).confirmations == blocks


def test_a_missing_setting_says_where_to_set_it(tmp_path: Path) -> None:
    """The variable, the key, and the command that writes a file."""
    with pytest.raises(ConfigurationError, match="No database_url is configured") as caught:
        load(tmp_path).require("database_url")
    assert "DATABASE_URL" in (caught.value.hint or "")
    assert "mayhouse init" in (caught.value.hint or "")


def test_a_missing_password_is_not_asked_into_the_file(tmp_path: Path) -> None:
    """The hint names a key that the file takes."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path).require("password")
    assert "password_file in" in (caught.value.hint or "")


def test_links_need_an_explorer(tmp_path: Path) -> None:
    """Known for Sepolia, none on a local chain."""
    assert load(tmp_path).explorer_link("0xab") == "https://sepolia.etherscan.io/tx/0xab"
    assert load(tmp_path, {"CHAIN_ID": "31337"}).explorer_link("0xab") is None


# --- writing ---


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_a_config_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """It holds the URLs of node and database, with their keys."""
    before = os.umask(umask)
    try:
        write_config(tmp_path / "config.toml", {"chain_id": "5"})
    finally:
        os.umask(before)
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_config_file_is_never_written_over(tmp_path: Path) -> None:
    """Not even through a link that leads nowhere."""
    (tmp_path / "config.toml").symlink_to("nowhere")
    with pytest.raises(Refused, match="already"):
        write_config(tmp_path / "config.toml", {})
    assert os.listdir(tmp_path) in (["home", "config.toml"], ["config.toml", "home"])  # noqa: PTH208


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """No traceback, nothing left."""
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_config(tmp_path / "missing/config.toml", {})


PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=",~\ufeff"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wallet=PRINTABLE, path=PRINTABLE.filter(lambda text: text.strip() == text != ""))
def test_what_is_written_is_read_again(tmp_path: Path, wallet: str, path: str) -> None:
    """Quotes, backslashes and # in a value change nothing."""
    target = tmp_path / "config.toml"
    target.unlink(missing_ok=True)
    write_config(target, {"wallet": wallet, "database_url": path, "confirmations": "3"})
    config = load(tmp_path)
    assert config.get("wallet") == wallet.strip()
    assert config.get("database_url") == path
    assert config.confirmations == 3


# --- anything at all ---

SCALARS = st.one_of(
    st.text(max_size=40), st.integers(), st.floats(), st.booleans(), st.datetimes(), st.dates()
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({}))
NAMES = st.sampled_from([name for setting in SETTINGS for name in setting.names_in_file])
VARIABLES = st.sampled_from(
    [*(setting.environment_name for setting in SETTINGS), "MAYHOUSE_KEYSTORE_PASSWORD_FILE"]
)


def load_or_refuse(folder: Path, environment: Mapping[str, str]) -> None:
    """Load, or fail as the tool fails."""
    with contextlib.suppress(MayhouseError):
        config = load(folder, environment)
        for setting in SETTINGS:
            shown = config.effective(setting.key)
            assert shown is None or isinstance(masked(setting, shown), str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.dictionaries(st.one_of(NAMES, st.text(max_size=10)), VALUES, max_size=4))
def test_no_value_in_a_file_gives_a_traceback(tmp_path: Path, keys: dict[str, object]) -> None:
    """Whatever stands in a well-formed file is accepted or refused by name."""
    (tmp_path / "config.toml").write_text(tomli_w.dumps(keys), encoding="utf-8")
    load_or_refuse(tmp_path, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.binary(max_size=200))
def test_no_file_gives_a_traceback(tmp_path: Path, content: bytes) -> None:
    """Whatever the bytes are."""
    (tmp_path / "config.toml").write_bytes(content)
    load_or_refuse(tmp_path, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.dictionaries(VARIABLES, st.text(st.characters(exclude_characters="\0")), max_size=4))
def test_no_variable_gives_a_traceback(tmp_path: Path, told: dict[str, str]) -> None:
    """Undecodable bytes included, which arrive as surrogates."""
    load_or_refuse(tmp_path, told)
