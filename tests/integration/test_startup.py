"""What the installed script loads, by kind of command: its time is spent on little else."""

from pathlib import Path
from typing import Final

import pytest

from mayhouse_cli.commands.directory import ENTRIES
from tests.mayhouse import EXPERIENCE_ID, Mayhouse, clean_environment, run_script

# Python's own list of what it imports, on stderr. What tells that a library was really loaded
# is a module below it: a stand-in has none, and the list leaves out what was loaded by name.
LISTED: Final = {"PYTHONPROFILEIMPORTTIME": "1"}
WEB3: Final = "web3.providers.rpc.rpc"
SLOW: Final = {WEB3, "eth_account.account", "eth_utils.address", "psycopg.connection"}
NEVER_REACHED: Final = {"py_ecc", "aiohttp.connector", "websockets.frames", "web3._utils.module"}


def loaded(errors: str) -> set[str]:
    """The modules of Python's list."""
    lines = [line for line in errors.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
    assert "mayhouse_cli" in modules
    return modules


@pytest.fixture
def bare(folder: Path) -> dict[str, str]:
    """An environment in which nothing is configured."""
    return {**clean_environment(str(folder)), **LISTED}


def load_of(mayhouse: Mayhouse, *words: str, **changes: str) -> set[str]:
    """What a command that must succeed loads on a platform."""
    ran = mayhouse.run(*words, **LISTED, **changes)
    assert ran.code == 0, ran.err.splitlines()[-2:]
    return loaded(ran.err)


def test_the_version_loads_not_even_the_command_line(bare: dict[str, str], folder: Path) -> None:
    """Scripts ask for it to see whether the tool is there."""
    ran = run_script("--version", env=bare, cwd=folder)
    assert ran.code == 0
    assert ran.out.startswith("mayhouse 0.")
    assert not loaded(ran.err).intersection({*SLOW, "typer", "rich", "mayhouse_cli.cli"})


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        (("event", "create", "--help"), 0),
        (("demo", "--help"), 0),
        (("tx", "lsit"), 2),
        (("booking", "quote", "--json"), 2),
        (("config", "show"), 0),
    ],
    ids=[
        "help",
        "help of a command",
        "help of the demo",
        "no such verb",
        "usage",
        "settings",
    ],
)
def test_what_needs_neither_chain_nor_database_loads_neither(
    words: tuple[str, ...], code: int, bare: dict[str, str], folder: Path
) -> None:
    """Help pages, wrong usage and settings are told without the slow libraries."""
    ran = run_script(*words, env=bare, cwd=folder)
    assert ran.code == code
    assert not loaded(ran.err).intersection(SLOW)


def test_completing_a_word_loads_neither_chain_nor_database(
    bare: dict[str, str], folder: Path
) -> None:
    """A shell asks at every press of the tabulator."""
    ran = run_script("__complete", "tx", "li", env=bare, cwd=folder)
    assert ran.out.split("\t")[:2] == ["item", "list"]
    assert not loaded(ran.err).intersection(SLOW)


def test_a_list_from_the_database_loads_no_chain(mayhouse: Mayhouse) -> None:
    """Nor other commands; its configuration's address is checked without the Ethereum libraries."""
    modules = load_of(mayhouse, "tx", "list")
    assert modules.intersection(SLOW) == {"psycopg.connection"}
    commands = {one for one in modules if one.startswith("mayhouse_cli.commands.")}
    assert commands.isdisjoint(f"mayhouse_cli.commands.{name}" for name in ENTRIES if name != "tx")


def test_a_price_is_read_without_what_web3_brings_along(mayhouse: Mayhouse) -> None:
    """No pairing tables, no asynchronous client: half of web3's start-up."""
    mayhouse.create_event()
    modules = load_of(mayhouse, "booking", "quote", "1", "--seats", "1")
    assert WEB3 in modules
    assert not modules.intersection(NEVER_REACHED)


def test_a_balance_is_read_without_what_web3_brings_along(mayhouse: Mayhouse) -> None:
    """Monitoring runs it every few minutes."""
    modules = load_of(mayhouse, "balance", "check")
    assert WEB3 in modules
    assert not modules.intersection(NEVER_REACHED)


def test_a_transaction_is_signed_without_what_web3_brings_along(mayhouse: Mayhouse) -> None:
    """A key from the environment needs no keystore, and is used by coincurve."""
    words = ("--experience", EXPERIENCE_ID, "--price-inr", "2500", "--seats", "4")
    starts = ("--starts-at", mayhouse.starts_in(), "-y")
    modules = load_of(mayhouse, "event", "create", *words, *starts)
    assert "coincurve.keys" in modules
    assert not modules.intersection(NEVER_REACHED)


def test_a_keystore_loads_its_own_library_whole(bare: dict[str, str], folder: Path) -> None:
    """The one place that needs eth_keyfile, and no chain for it."""
    password = folder / "password"
    password.write_text("a made up one\n")
    password.chmod(0o600)
    ran = run_script("wallet", "new", "--password-file", str(password), env=bare, cwd=folder)
    assert ran.code == 0, ran.err.splitlines()[-2:]
    modules = loaded(ran.err)
    assert "py_ecc" in modules
    assert WEB3 not in modules
