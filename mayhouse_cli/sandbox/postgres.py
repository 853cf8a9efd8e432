"""An embedded Postgres server: its data in one folder, reached through a Unix socket only."""

import fcntl
import hashlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from mayhouse_cli.errors import Unreachable
from mayhouse_cli.sandbox.postgres_programs import (
    find_binaries,
    let_server_reach,
    make_private_folder,
    run,
)

PORT: Final = 5432  # names the socket; nothing listens on TCP
SOCKET_PATH_LIMIT: Final = 103  # bytes: sun_path without its NUL holds 107 on Linux, 103 on macOS
SUPERUSER: Final = "postgres"
ORPHANS_TIME_LIMIT: Final = 5.0  # seconds until the backends of a killed server are gone
NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


class EmbeddedPostgres:
    """The server in `folder`/postgres: any process may start it, ask for it or stop it.

    It outlives the process that started it. Connections over its socket need no password, and
    the socket is open to its own user (and root) alone.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is touched yet."""
        self._folder = folder.expanduser().resolve()
        self._data = self._folder / "postgres"

    @property
    def url(self) -> str:
        """Where to connect: the database `postgres`, as its superuser."""
        host = quote(str(self._socket_folder()), safe="/")
        return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={host}&port={PORT}"

    @property
    def running(self) -> bool:
        """Whether it takes connections."""
        return self._postmaster_pid() is not None and self._pid_file_lines()[-1].strip() == "ready"

    def start(self, settings: Mapping[str, str] = NO_SETTINGS) -> str:
        """Start it unless it runs, and return its URL.

        `settings` hold for this start only, and are ignored when the server runs already:
        `{"fsync": "off"}` is for a server whose data may be thrown away.

        Raises ConfigurationError (binaries or folder unusable) or Unreachable (did not start).
        """
        binaries = find_binaries()
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not (self.running and self._answers(binaries)):
                if os.geteuid() == 0:
                    let_server_reach(self._data, binaries)
                self._initialise(binaries)
                self._launch(binaries, settings)
        return self.url

    def stop(self) -> None:
        """Stop it, whoever started it; connections are ended. Nothing happens when it is down."""
        if not self._folder.exists():
            return
        with self._locked():
            if self._postmaster_pid() is None:
                return
            sockets = self._socket_folder()
            control: list[str | Path] = [find_binaries() / "pg_ctl", "stop", "-w", "-D", self._data]
            if run([*control, "-m", "fast"]) and run([*control, "-m", "immediate"]):
                raise Unreachable(f"The Postgres server in {self._data} does not stop")
            if sockets != self._data:
                with suppress(OSError):
                    sockets.rmdir()

    def _initialise(self, binaries: Path) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        # A killed initdb leaves a folder that looks whole: it is renamed only when it is.
        unfinished = self._folder / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        make_private_folder(unfinished)
        log = self._folder / "initdb.log"
        # Unsynced: what a power cut takes from a sandbox is made again.
        options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        options.append(f"--username={SUPERUSER}")
        if run([binaries / "initdb", "-D", unfinished, *options], log):
            raise _broken("Postgres could not create its data", log)
        log.unlink()
        unfinished.rename(self._data)

    def _launch(self, binaries: Path, settings: Mapping[str, str]) -> None:
        sockets = self._socket_folder()
        if sockets != self._data:
            make_private_folder(sockets)
        values = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            **settings,
        }
        options = shlex.join(part for name in values for part in ("-c", f"{name}={values[name]}"))
        log = self._data / "server.log"
        start = (binaries / "pg_ctl", "start", "-w", "-D", self._data, "-l", log, "-o", options)
        self._forget_foreign_pid()
        deadline = time.monotonic() + ORPHANS_TIME_LIMIT
        # A server that was killed, and its backends, are there for a moment longer.
        while run(start):
            if time.monotonic() > deadline:
                raise _broken("The Postgres server does not start", log)
            time.sleep(0.1)

    def _answers(self, binaries: Path) -> bool:
        """Ask it: a process that was killed a moment ago still looks alive."""
        where = ["-h", str(self._socket_folder()), "-p", str(PORT)]
        return not run([binaries / "pg_isready", "-q", *where])

    def _forget_foreign_pid(self) -> None:
        """Remove the pid file of a killed server whose number belongs to another process now.

        Postgres removes it when the number is free, and refuses to start when it is not.
        """
        import psutil  # noqa: PLC0415 - comes with the extra `sandbox`

        lines = self._pid_file_lines()
        if lines and self._postmaster_pid() is None and psutil.pid_exists(int(lines[0])):
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _postmaster_pid(self) -> int | None:
        """Give the live server's process: the one that works in the data folder."""
        lines = self._pid_file_lines()
        if not lines:
            return None
        find_binaries()
        import psutil  # noqa: PLC0415 - comes with the extra `sandbox`

        try:
            process = psutil.Process(int(lines[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE
            return process.pid if alive and Path(process.cwd()) == self._data else None
        except (psutil.Error, ValueError):
            return None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _socket_folder(self) -> Path:
        """Give the data folder, or a short one when a socket's path would be too long for it."""
        lines = self._pid_file_lines()
        if len(lines) > 4 and lines[4]:  # noqa: PLR2004 - the fifth line: where a live one listens
            return Path(lines[4])
        socket = os.fsencode(self._data / f".s.PGSQL.{PORT}")
        # A comma separates folders in the server's setting and hosts in the client's.
        if len(socket) <= SOCKET_PATH_LIMIT and not set(socket) & set(b',"'):
            return self._data
        name = f"mayhouse-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]}"
        return Path(tempfile.gettempdir()) / name

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _broken(what: str, log: Path) -> Unreachable:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    reason = telling[0] if telling else "no reason given"
    return Unreachable(f"{what}: {reason}", hint=f"Read {log}.")
