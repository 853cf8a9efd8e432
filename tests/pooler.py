"""PgBouncer before a test's database, in transaction mode, as hosted databases offer it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from mayhouse_cli.sandbox.postgres_programs import server_account

PORT: Final = 6432  # names the socket; nothing listens on TCP
POOL_SIZE: Final = 2
PATIENCE: Final = 60.0  # seconds until it answers; it needs a fraction of one
_TRIES: Final = 5
PROGRAM_FOLDERS: Final = "/usr/sbin:/sbin"


@dataclass(frozen=True)
class Certificate:
    """A server's certificate, with the file of the authority that signed it."""

    key: Path
    chain: Path
    authority: Path


def make_certificate(folder: Path, host: str) -> Certificate:
    """Make an authority of one's own, and a certificate that it signed for a host."""
    made = Certificate(folder / "server.key", folder / "server.crt", folder / "authority.crt")
    signing = folder / "authority.key"
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    _openssl(*new, "-keyout", signing, "-out", made.authority, "-subj", "/CN=Authority of a test")
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    signed: list[str | Path] = ["-CA", made.authority, "-CAkey", signing]
    _openssl(*new, "-keyout", made.key, "-out", made.chain, *named, *signed)
    if os.geteuid() == 0:  # PgBouncer runs as another user
        account = server_account()
        os.chown(made.key, account.pw_uid, account.pw_gid)
    return made


def _openssl(*words: str | Path) -> None:
    program = shutil.which("openssl")
    assert program, "openssl is missing: install Debian's package openssl"
    subprocess.run([program, "req", "-x509", *words], check=True, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Pooler:
    """Few server connections, shared by all clients a transaction at a time."""

    def __init__(self, database_url: str, certificate: Certificate | None = None) -> None:
        """Name the database; with a certificate it listens on the loopback, encrypted, as well."""
        self._certificate = certificate
        self._port = 0
        parts = urlsplit(database_url)
        where = parse_qs(parts.query)
        self._name = parts.path.lstrip("/")
        self._server = f"host={where['host'][0]} port={where['port'][0]}"
        self._folder = Path(tempfile.mkdtemp(prefix="mayhouse-pooler-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The database's URL through the pooler."""
        folder = quote(str(self._folder), safe="/")
        return f"postgresql://postgres@/{self._name}?host={folder}&port={self._port}"

    def encrypted_url(self, host: str, authority: Path) -> str:
        """The same over TCP, where the server has to prove that it is `host`."""
        verified = f"sslmode=verify-full&sslrootcert={authority}"
        return f"postgresql://postgres@{host}:{self._port}/{self._name}?{verified}"

    @property
    def log(self) -> str:
        """What it has written down, errors of clients and server among it."""
        return (self._folder / "pooler.log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        """Start it; on TCP again with another port, when somebody was faster on the first."""
        for _ in range(_TRIES):
            self._start()
            if self._certificate is None or f"listening on 127.0.0.1:{self._port}" in self.log:
                return self
            self._stop()
        raise AssertionError(f"pgbouncer gets no port: {self.log}")

    def _start(self) -> None:
        """Run it as another user when this one is root: it refuses to run as root."""
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:{PROGRAM_FOLDERS}")
        assert program, "pgbouncer is missing: install Debian's package pgbouncer"
        config = self._folder / "pgbouncer.ini"
        self._port = _free_port() if self._certificate else PORT
        config.write_text(self._configuration(), encoding="utf-8")
        self._folder.chmod(0o755)
        account = server_account() if os.geteuid() == 0 else None
        if account:
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        with (self._folder / "pooler.log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
        self._wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)

    def _configuration(self) -> str:
        encrypted = (
            f"""
            listen_addr = 127.0.0.1
            client_tls_sslmode = require
            client_tls_key_file = {self._certificate.key}
            client_tls_cert_file = {self._certificate.chain}
        """
            if self._certificate
            else ""
        )
        return f"""
            [databases]
            {self._name} = {self._server} dbname={self._name} user=postgres
            [pgbouncer]
            listen_port = {self._port}
            unix_socket_dir = {self._folder}
            auth_type = any
            pool_mode = transaction
            default_pool_size = {POOL_SIZE}
            min_pool_size = 0
            reserve_pool_size = 0
            server_reset_query =
            log_connections = 0
            log_disconnections = 0
            {encrypted}
        """.replace("            ", "")

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(self.url, prepare_threshold=None) as connection:
                    connection.execute("SELECT 1")
            except psycopg.OperationalError:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"pgbouncer does not start: {self.log}") from None
                time.sleep(0.05)
            else:
                return
