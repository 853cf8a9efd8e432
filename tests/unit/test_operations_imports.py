"""The use cases stand alone: no framework, no chain library, no database driver below them."""

import pkgutil
import subprocess
import sys
from typing import Final

import pytest

from mayhouse_cli import operations

MODULES: Final = [
    f"{operations.__name__}.{one.name}" for one in pkgutil.iter_modules(operations.__path__)
]
FORBIDDEN: Final = ("typer", "click", "rich", "web3", "psycopg", "requests", "eth_account")


def loaded_with(modules: list[str]) -> set[str]:
    """The top-level packages that a process has after importing these modules."""
    script = f"import sys, {', '.join(modules)}; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in ran.stdout.split()}


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What all the operations together load."""
    return loaded_with(MODULES)


@pytest.mark.parametrize("library", FORBIDDEN)
def test_the_operations_load_no(library: str, loaded: set[str]) -> None:
    """They are written against the ports, so that they can be tested and moved without it."""
    assert library not in loaded


def test_no_module_of_the_operations_was_missed(loaded: set[str]) -> None:
    """The check would be empty if the package were renamed."""
    assert "mayhouse_cli" in loaded
    assert len(MODULES) > 10
