"""A sandbox in a folder of a test's own, run through the installed script."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

from tests.chain_node import anvil_binary
from tests.mayhouse import Run, clean_environment, run_script


class SandboxFolder:
    """A home with room for a sandbox: outside pytest's own folders, which root closes to others."""

    def __init__(self, below: str = "sandbox") -> None:
        """Make the home; nothing runs yet."""
        self.home = Path(tempfile.mkdtemp(prefix="mayhouse-"))
        self.folder = self.home / below

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def environment(self, **changes: str) -> dict[str, str]:
        """Nothing but the home, the node's program, and the sandbox's folder."""
        return {
            **clean_environment(str(self.home)),
            "MAYHOUSE_ANVIL": str(anvil_binary()),
            "MAYHOUSE_SANDBOX": str(self.folder),
            **changes,
        }

    def run(self, *words: str, **changes: str) -> Run:
        """Run a command of the sandbox."""
        return run_script(*words, env=self.environment(**changes), cwd=self.home)

    def use(self, *words: str) -> Run:
        """Run any other command on the sandbox, for its JSON document."""
        return self.run(*words, "--json", MAYHOUSE_CONFIG=str(self.config))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.run("sandbox", "down")
        shutil.rmtree(self.home)
