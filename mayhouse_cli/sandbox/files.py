"""The sandbox's own files, and nothing else's: the marker, the config, the password.

    .gitignore  sandbox.json  config.toml  password  keystore/  chain/  postgres/

`sandbox.json` marks the folder: without it nothing here is written, started or deleted.
"""

import fcntl
import json
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from mayhouse_cli.errors import ConfigurationError, CredentialsError, Refused
from mayhouse_cli.models import Address, Hash
from mayhouse_cli.private_files import write_over

MARKER: Final = "sandbox.json"
# Everything that belongs to a sandbox but its marker; a user's own files beside them are kept.
_CONTENT: Final = (
    *("config.toml", "password", "keystore", "chain", ".gitignore"),
    *("postgres", "postgres.new", "postgres.lock", "initdb.log"),
)


@dataclass(frozen=True)
class Deployment:
    """`sandbox.json`: the contract, and which chain and wallet it was deployed on and with."""

    contract: Address | None = None
    genesis_hash: Hash | None = None
    wallet: Address | None = None


class SandboxFiles:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is touched yet."""
        self.folder = folder.expanduser().resolve()
        self.config = self.folder / "config.toml"
        self.keystore = self.folder / "keystore"
        self.chain = self.folder / "chain"
        self._marker = self.folder / MARKER
        self._password = self.folder / "password"

    @property
    def is_sandbox(self) -> bool:
        """Whether the folder bears the marker."""
        return self._marker.is_file()

    def claim(self) -> None:
        """Make the folder a sandbox; Refused when it holds something else already."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.locked():  # another process's half-written marker is no other file
                self._mark()
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self.folder} cannot be used: {error.strerror}",
                hint="Name another one with --folder.",
            ) from None

    def _mark(self) -> None:
        if self.is_sandbox:
            return
        if any(self.folder.iterdir()):
            raise Refused(
                f"{self.folder} holds other files and is not a sandbox",
                hint="Name a new or empty folder with --folder.",
            )
        self.keep(Deployment())

    def require(self) -> None:
        """Refused when this is not a sandbox."""
        if not self.is_sandbox:
            raise Refused(
                f"{self.folder} is not a sandbox",
                hint="`mayhouse sandbox up` makes one; --folder names another folder.",
            )

    def clear(self) -> None:
        """Delete what is the sandbox's own; the marker stays, so that it can be done again."""
        self.require()
        self.keep(Deployment())
        for name in _CONTENT:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time bring it up or down."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # let go of when we die, too
            yield
        finally:
            os.close(descriptor)

    # --- content ---

    def deployment(self) -> Deployment:
        """What `sandbox.json` says; nothing when it cannot be read."""
        try:
            return Deployment(**json.loads(self._marker.read_text()))
        except (OSError, ValueError, TypeError):
            return Deployment()

    def keep(self, deployment: Deployment) -> None:
        """Write `sandbox.json`."""
        text = json.dumps(asdict(deployment), indent=2) + "\n"
        write_over(self._marker, text.encode())

    def password(self, *, may_make: bool) -> str:
        """Give the wallet's password, made at random when there is none and none is in use."""
        if self._password.is_file():
            return self._password.read_text().strip()
        if not may_make:
            raise CredentialsError(
                f"The password of the sandbox's wallet is gone: {self._password}",
                hint="Put it back, or start afresh: mayhouse sandbox reset",
            )
        made = secrets.token_urlsafe(24)
        write_over(self._password, f"{made}\n".encode())
        return made

    def update_config(self, required: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
        """Bring `config.toml` to what is required, keeping the rest; whether it was changed."""
        try:
            present = tomllib.loads(self.config.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            present = {}
        wanted = {**required, **defaults, **present, **required}
        if present == wanted and self.config.stat().st_mode & 0o077 == 0:
            return False
        write_over(self.config, tomli_w.dumps(wanted).encode())
        return True
