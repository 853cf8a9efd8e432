"""Secrets planted wherever a secret can stand, and the ways in which a command is made to fail.

Each holds the mark, whatever its form: one search of everything a process has left finds them.
"""

import logging
import os
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import mayhouse_cli.commands.invocation
from mayhouse_cli.bootstrap import OpenSession
from mayhouse_cli.config import SETTINGS, load_config
from tests.json_server import JsonServer
from tests.mayhouse import Mayhouse
from tests.rpc_server import HANG, Refusal, Reply, RpcServer

MARK: Final = "c4nary"
KEY_MARK: Final = "c0ffee4b1d"
KEY: Final = f"0x{KEY_MARK * 6}c0ff"
PASSWORD: Final = f"{MARK}-keystore-password"
DSN_PASSWORD: Final = f"{MARK}%40dsn%2fpassword"
MIGRATION_PASSWORD: Final = f"{MARK}-migration-password"
UNREACHABLE: Final = "127.0.0.1:9"  # the discard service, which nobody runs
UNKNOWN_HOST: Final = "nowhere.invalid"

Environment = dict[str, str]


def with_keys(host: str, service: str) -> str:
    """A web address with a secret in each of its parts."""
    user = f"{MARK}-{service}-user:{MARK}-{service}-password"
    return f"http://{user}@{host}/v3/{MARK}{service}0path?key={MARK}-{service}-query"


def marks_in(text: str) -> list[str]:
    """Give the lines that hold a part of a planted secret."""
    return [line for line in text.splitlines() if MARK in line.lower() or KEY_MARK in line.lower()]


@dataclass(frozen=True)
class World:
    """A platform that works, seen through planted secrets."""

    mayhouse: Mayhouse
    node: str
    web: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    """By failure: the host and port of a server that fails so."""

    def database(self, password: str = DSN_PASSWORD) -> str:
        """The working database, by a URL with a password that its server does not ask for."""
        return self.mayhouse.database_url.replace("//postgres@", f"//postgres:{password}@")

    def environment(self, folder: Path) -> Environment:
        """Everything configured, and all of it secret that can be."""
        return {
            **self.mayhouse.environment,
            "HOME": str(folder),
            "BLOCKCHAIN_RPC_URL": with_keys(self.node, "rpc"),
            "DATABASE_URL": self.database(),
            "MIGRATION_DATABASE_URL": self.database(MIGRATION_PASSWORD),
            "PLATFORM_PRIVATE_KEY": KEY,
            "MAYHOUSE_KEYSTORE_PASSWORD": PASSWORD,
            "MAYHOUSE_RATE_URL": with_keys(self.web, "rate"),
            "MAYHOUSE_RATE_PATH": "ethereum.inr",
            "MAYHOUSE_WEBHOOK_URL": with_keys(self.web, "hook"),
            # Below a file no folder can be made: no sandbox starts here.
            "MAYHOUSE_SANDBOX": "/dev/null/sandbox",
        }


@dataclass(frozen=True)
class Failure:
    """One way to fail: what changes in the environment, and in the process before it starts."""

    name: str
    change: Callable[[World, Environment], Mapping[str, str | None]]
    prepare: Callable[[], None] | None = None

    def environment(self, world: World, folder: Path) -> Environment:
        """The environment of a command that is to fail so."""
        env = world.environment(folder)
        changed = {**env, **self.change(world, env)}
        return {name: value for name, value in changed.items() if value is not None}


def _web_fails(name: str) -> Failure:
    """Node, rate and hook answer so, all three."""

    def change(world: World, _: Environment) -> Environment:
        host = world.hosts[name]
        return {
            "BLOCKCHAIN_RPC_URL": with_keys(host, "rpc"),
            "MAYHOUSE_RATE_URL": with_keys(host, "rate"),
            "MAYHOUSE_WEBHOOK_URL": with_keys(host, "hook"),
        }

    return Failure(f"web: {name}", change)


def _database_fails(name: str, url: str) -> Failure:
    def change(world: World, _: Environment) -> Environment:
        here = url.format(hang=world.hosts["database hang"], liar=world.hosts["database liar"])
        return {"DATABASE_URL": here, "MIGRATION_DATABASE_URL": here}

    return Failure(f"database: {name}", change)


def _bad_keystore(world: World, env: Environment) -> dict[str, str | None]:
    _ = world
    folder = Path(env["HOME"]) / "keystore"
    folder.mkdir(mode=0o700, exist_ok=True)
    keystore = folder / "platform.json"
    keystore.write_text(f'{{"version": 3, "address": "x", "crypto": "{PASSWORD}"')
    keystore.chmod(0o600)
    return {"PLATFORM_PRIVATE_KEY": None, "MAYHOUSE_KEYSTORE_DIR": str(folder)}


def _bad_key(world: World, env: Environment) -> Environment:
    _ = world
    return {"PLATFORM_PRIVATE_KEY": env["PLATFORM_PRIVATE_KEY"][:-1] + "g"}


def _unusable(world: World, env: Environment) -> Environment:
    _ = world, env
    return {"CHAIN_ID": "sepolia", "BLOCKCHAIN_RPC_URL": f"ftp://{MARK}-user@node/{MARK}-path"}


def _nothing(world: World, env: Environment) -> Environment:
    _ = world, env
    return {}


def _secrets_here() -> str:
    """All that the environment holds: the worst text that an exception could have."""
    names = [setting.environment_name for setting in SETTINGS if setting.secret]
    return " | ".join(os.environ.get(name, "") for name in names)


def _tell_everything() -> NoReturn:
    """Fail as no code should: in a log, a warning, a thread, and a chain of exceptions."""
    secrets = _secrets_here()
    logging.getLogger("urllib3.connectionpool").warning("Retrying: %s", secrets)
    logging.getLogger("web3").error("wrong arguments %s %s", secrets)  # noqa: PLE1206 on purpose
    warnings.warn(f"insecure: {secrets}", UserWarning, stacklevel=2)

    def fail() -> None:
        raise LookupError(secrets)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    raise RuntimeError(f"forced: {secrets}", {"all": secrets}) from ValueError(secrets)


def break_parts() -> None:
    """Let a command fail when it first needs the chain or the database."""

    def broken(_: OpenSession) -> NoReturn:
        _tell_everything()

    for part in ("chain", "database"):
        setattr(OpenSession, part, property(broken))
    listen_to_libraries()


def break_configuration() -> None:
    """Let a command fail right after its settings were read."""

    def loaded_and_failed(*given: Any, **named: Any) -> NoReturn:  # noqa: ANN401 as it is called
        load_config(*given, **named)
        _tell_everything()

    setattr(mayhouse_cli.commands.invocation, "load_config", loaded_and_failed)  # noqa: B010 mypy refuses the plain form
    listen_to_libraries()


def listen_to_libraries() -> None:
    """Let the libraries log all they can, addresses among it."""
    for name in ("urllib3", "web3", "requests", "psycopg"):
        logging.getLogger(name).setLevel(logging.DEBUG)


_STATUSES: Final = (401, 403, 404, 429, 500, 502, 503)
_REPLIES: Final[Mapping[str, Reply]] = {
    **{str(status): Reply(status, f"no: {KEY} {MARK}".encode()) for status in _STATUSES},
    "a web page": Reply(200, f"<html>{MARK}</html>".encode(), {"Content-Type": "text/html"}),
    "a redirect": Reply(307, b"", {"Location": f"/v3/{MARK}-elsewhere"}),
    "hang": HANG,
}
_MALFORMED: Final = {
    "unescaped @": "postgresql://user:{0}@x@{1}/app",
    "quoted": '"postgresql://user:{0}@{1}/app"',
    "jdbc": "jdbc:postgresql://{1}/app?user=user&password={0}",
    "driver": "postgresql+psycopg://user:{0}@{1}/app",
    "bad percent": "postgresql://user:{0}%zz@{1}/app",
    "stray spaces": "postgresql:// user:{0} @{1}/app",
}


def _database_failures() -> Iterator[Failure]:
    for name, shape in _MALFORMED.items():
        yield _database_fails(name, shape.format(f"{MARK}-password", "db.example.com"))
    for name, host, query in (
        ("refused", UNREACHABLE, ""),
        ("unknown host", UNKNOWN_HOST, ""),
        ("not verified", "db.example.com", "?sslmode=require"),
        ("hang", "{hang}", ""),
        ("a server that quotes", "{liar}", "?sslmode=disable"),
    ):
        yield _database_fails(name, f"postgresql://user:{DSN_PASSWORD}@{host}/app{query}")


FAILURES: Final = (
    *(_web_fails(name) for name in (*_REPLIES, "refused", "unknown host", "a fault that quotes")),
    *_database_failures(),
    Failure("key: keystore", _bad_keystore),
    Failure("key: malformed", _bad_key),
    Failure("settings: unusable", _unusable),
    Failure("defect: parts", _nothing, break_parts),
    Failure("defect: settings", _nothing, break_configuration),
    Failure("none", _nothing),
)


@contextmanager
def open_world(mayhouse: Mayhouse) -> Iterator[World]:
    """Start the servers that fail, beside a platform that works."""
    with ExitStack() as stack:
        hosts = {"refused": UNREACHABLE, "unknown host": UNKNOWN_HOST}
        for name, reply in _REPLIES.items():
            server = stack.enter_context(RpcServer())
            server.always = reply
            hosts[name] = server.url.removeprefix("http://")
        fault = Refusal(-32000, f"invalid project id {MARK}rpc0path, key {KEY}")
        quoting = stack.enter_context(RpcServer({"eth_chainId": fault}))
        hosts["a fault that quotes"] = quoting.url.removeprefix("http://")
        for name, answer in (("database hang", b""), ("database liar", _postgres_error())):
            hosts[name] = stack.enter_context(_listening(answer))
        web = stack.enter_context(JsonServer('{"ethereum": {"inr": "200000"}}'))
        host = web.url.rpartition("@")[2].partition("/")[0]
        yield World(mayhouse, mayhouse.node.url.removeprefix("http://"), host, hosts)


def _postgres_error() -> bytes:
    """What a server says that quotes the password back."""
    text = f'password authentication failed for user "{MARK}@dsn/password"'.encode()
    fields = b"SFATAL\0C28P01\0M" + text + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


@contextmanager
def _listening(answer: bytes) -> Iterator[str]:
    """Take connections and give each this one answer, or none at all."""
    held: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            if answer:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield "{}:{}".format(*listener.getsockname())
        listener.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()
