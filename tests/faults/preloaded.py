"""Loaded by the fork server alone: whatever a process of the tool would load or build first."""

import gc
import importlib
import pkgutil
from functools import cache

import typer.main

import mayhouse_cli
from mayhouse_cli.cli import app

for module in pkgutil.walk_packages(mayhouse_cli.__path__, "mayhouse_cli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

# The tree of commands is the same each time, and building it takes as long as a command.
typer.main.get_command = cache(typer.main.get_command)
for _ in typer.main.get_command(app).commands.values():  # type: ignore[attr-defined]
    """Each is built when it is taken out, and kept."""
gc.freeze()  # what is shared is not copied by each child's collections
