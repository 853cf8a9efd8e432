"""No secret on a command line, which everybody on the machine can read."""

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
import typer

from mayhouse_cli.cli import app
from tests.mayhouse import clean_environment, run_script

# What sounds like a secret and is none: paths, permissions, and a name for a run.
HARMLESS: Final = {"--password-file", "--key-file", "--allow-raw-key", "--idempotency-key"}
SOUNDS_SECRET: Final = ("password", "key", "secret", "token", "mnemonic", "seed")


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 typer's own
    """Every command below a group, with its path."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


ALL: Final = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL)
def test_no_option_takes_a_secret(path: str) -> None:
    """Files that hold one are named instead; no option is filled from the environment unseen."""
    for parameter in ALL[path].params:
        names = {*parameter.opts, *parameter.secondary_opts}
        if not names <= HARMLESS:
            parts = {part for name in names for part in name.strip("-").split("-")}
            assert not parts.intersection(SOUNDS_SECRET), names
        assert parameter.envvar in (None, "MAYHOUSE_SANDBOX"), names  # the folder of the sandbox


@pytest.mark.parametrize("words", [("wallet", "import", "--help"), ("event", "create", "--help")])
def test_help_shows_nothing_of_the_environment(words: tuple[str, ...]) -> None:
    """Defaults are described, not shown."""
    canary = "0x" + "c0ffee" * 10 + "abcd"
    secrets = {
        "PLATFORM_PRIVATE_KEY": canary,
        "MAYHOUSE_KEYSTORE_PASSWORD": canary,
        "DATABASE_URL": f"postgresql://me:{canary}@127.0.0.1/x",
        "BLOCKCHAIN_RPC_URL": f"https://127.0.0.1/{canary}",
    }
    run = run_script(*words, env={**clean_environment(os.devnull), **secrets}, cwd="/")
    assert run.code == 0
    assert "c0ffee" not in run.out + run.err
