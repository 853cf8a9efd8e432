"""The composition root: from a configuration to a session with its real parts."""

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mayhouse_cli.config import Config
from mayhouse_cli.errors import CredentialsError, MigrationsPending
from mayhouse_cli.keystore import Keystore, parse_private_key
from mayhouse_cli.models import ZERO_ADDRESS, Address, Payload, SignedPayload
from mayhouse_cli.ports import (
    Bookings,
    Chain,
    Deadline,
    Events,
    Journal,
    KeyVault,
    Ledger,
    Signer,
    Wallets,
)

if TYPE_CHECKING:
    # Each is loaded when a command first needs it: chain and database clients start slowly.
    from mayhouse_cli.chain.signer import LocalSigner
    from mayhouse_cli.store.database import Database
    from mayhouse_cli.store.health import DatabaseHealth
    from mayhouse_cli.store.migrations import Migrations

AskPassword = Callable[[str], str]
# `doctor` asks each node by itself, and a dead one is not worth more.
_LONGEST_LOOK_SECONDS: Final = 5.0


class KeystoreSigner:
    """Signs with a keystore's key, which is opened at the first signature only."""

    def __init__(self, address: Address, open_key: Callable[[], bytes]) -> None:
        """Know the address at once, and how to get the key when it is needed."""
        self.address = address
        self._open_key = open_key

    @cached_property
    def _opened(self) -> "LocalSigner":
        from mayhouse_cli.chain.signer import LocalSigner

        signer = LocalSigner(self._open_key())
        if signer.address != self.address:
            raise CredentialsError(
                f"The key is of {signer.address}, not of {self.address}",
                hint="Check platform_address and which wallet is configured.",
            )
        return signer

    def unlock(self) -> None:
        """Open the keystore now; CredentialsError when the password is wrong."""
        _ = self._opened

    def sign(self, payload: Payload) -> SignedPayload:
        """Sign an EIP-1559 transaction."""
        return self._opened.sign(payload)


class OpenSession:
    """One command's parts, each made at its first use."""

    def __init__(
        self,
        config: Config,
        timeout: float,
        progress: Callable[[str], None],
        ask_password: AskPassword,
    ) -> None:
        """Open nothing yet; `timeout` bounds everything that waits on the network."""
        self.config = config
        self.deadline = Deadline(timeout)
        self.progress = progress
        self.actor = _actor()
        self._ask_password = ask_password

    @cached_property
    def chain(self) -> Chain:
        from mayhouse_cli.chain.client import ContractClient
        from mayhouse_cli.chain.rpc import Rpc

        rpc = Rpc(self.config.require("blockchain_rpc_url"), self.config.chain_id, self.deadline)
        return ContractClient(
            rpc, self.config.require("contract_address"), self.deadline, local=self.config.is_local
        )

    @cached_property
    def signer(self) -> Signer:
        return open_signer(self.config, self._ask_password)

    @cached_property
    def database(self) -> "Database":
        return open_database(self.config, "database_url")

    @cached_property
    def _migrated_database(self) -> "Database":
        """The database, once it is known to have the schema that this version works with."""
        refuse_old_schema(open_migrations(self.database))
        return self.database

    @cached_property
    def journal(self) -> Journal:
        from mayhouse_cli.store.journal import PostgresJournal

        return PostgresJournal(self._migrated_database)

    @cached_property
    def events(self) -> Events:
        from mayhouse_cli.store.events import PostgresEvents

        return PostgresEvents(self._migrated_database)

    @cached_property
    def bookings(self) -> Bookings:
        from mayhouse_cli.store.bookings import PostgresBookings

        return PostgresBookings(self._migrated_database)

    @cached_property
    def ledger(self) -> Ledger:
        from mayhouse_cli.store.ledger import PostgresLedger

        return PostgresLedger(self._migrated_database)

    @cached_property
    def wallets(self) -> Wallets:
        from mayhouse_cli.store.wallets import PostgresWallets

        return PostgresWallets(self._migrated_database)

    def transaction(self) -> AbstractContextManager[object]:
        """Keep all writes inside together."""
        return self._migrated_database.transaction()

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    # --- part by part, for `doctor` ---

    @cached_property
    def vault(self) -> KeyVault:
        return open_vault(self.config)

    def node(self, url: str) -> Chain:
        """The contract through one node alone, for its share of the command's time."""
        from mayhouse_cli.chain.client import ContractClient
        from mayhouse_cli.chain.rpc import Rpc

        nodes = len(self.config.require("blockchain_rpc_url"))
        share = Deadline(min(self.deadline.seconds / nodes, _LONGEST_LOOK_SECONDS))
        rpc = Rpc([url], self.config.chain_id, share)
        address = self.config.get("contract_address") or ZERO_ADDRESS
        return ContractClient(rpc, address, share, local=self.config.is_local)

    def database_facts(self) -> "DatabaseHealth":
        """What the database tells about itself; it need not be migrated."""
        from mayhouse_cli.store.health import look_at

        return look_at(self.database)

    def unapplied_migrations(self) -> tuple[str, ...]:
        """Migrations that are pending, changed or missing, with how they stand."""
        report = open_migrations(self.database).status()
        wrong = (*report.pending, *report.drifted, *report.missing)
        return tuple(f"{one.name} ({one.state})" for one in wrong)

    def close(self) -> None:
        """Close what was opened."""
        if "database" in self.__dict__:
            self.database.close()


@contextmanager
def open_session(
    config: Config, timeout: float, progress: Callable[[str], None], ask_password: AskPassword
) -> Iterator[OpenSession]:
    """Give an operation its chain, journal and repositories, and close them after it."""
    session = OpenSession(config, timeout, progress, ask_password)
    try:
        yield session
    finally:
        session.close()


def open_vault(config: Config) -> KeyVault:
    """The keystores of this machine."""
    return Keystore(config.keystore_folder)


def open_signer(config: Config, ask_password: AskPassword) -> Signer:
    """The wallet that signs: the configured keystore, else the raw key of the environment.

    CredentialsError when there is neither, or when they are of different wallets.
    """
    from mayhouse_cli.chain.signer import LocalSigner

    name = config.require("wallet")
    vault = open_vault(config)
    expected: Address | None = config.get("platform_address")
    raw = config.get("platform_private_key")
    kept = vault.address(name) or (expected if vault.path(name).is_file() else None)
    if raw is not None:
        signer = LocalSigner(parse_private_key(raw))
        _check_same(kept or signer.address, signer.address, f"the keystore {name}")
        _check_same(expected or signer.address, signer.address, "platform_address")
        return signer
    if kept is None:
        raise CredentialsError(
            f"There is no key to sign with: no keystore {name}, no PLATFORM_PRIVATE_KEY",
            hint=f"`mayhouse wallet new {name}` or `mayhouse wallet import {name}` keeps one.",
        )
    _check_same(expected or kept, kept, "platform_address")

    def open_key() -> bytes:
        password = config.get("password")
        return vault.unlock(name, password or ask_password(f"Password of the wallet {name}"))

    return KeystoreSigner(kept, open_key)


def _check_same(expected: Address, found: Address, where: str) -> None:
    if expected != found:
        raise CredentialsError(
            f"The key is of {found}, but {where} says {expected}",
            hint="Check PLATFORM_PRIVATE_KEY, platform_address and wallet: one of them is wrong.",
        )


def open_database(config: Config, key: str) -> "Database":
    """A database by the setting that names it; nothing is connected yet."""
    from mayhouse_cli.store.database import Database
    from mayhouse_cli.store.dsn import parse_dsn

    dsn = parse_dsn(
        config.require(key),
        allow_insecure=bool(config.get("database_allow_insecure")),
        root_certificate=config.get("database_root_certificate"),
    )
    return Database(dsn, statement_timeout_seconds=30)


def open_migrations(database: "Database") -> "Migrations":
    """The migrations that come with this version."""
    from mayhouse_cli.store.migrations import Migrations

    return Migrations(database)


def refuse_old_schema(migrations: "Migrations") -> None:
    """MigrationsPending unless the database is just as this version of the tool knows it."""
    report = migrations.status()
    if not report.is_current:
        waiting = [f"{one.version:03}_{one.name}" for one in report.pending]
        changed = [f"{one.version:03}_{one.name}" for one in (*report.drifted, *report.missing)]
        told = (
            f"migrations are pending: {', '.join(waiting)}"
            if waiting
            else (f"migrations have drifted: {', '.join(changed)}")
        )
        raise MigrationsPending(
            f"The database's {told}",
            hint="`mayhouse migrate --status` tells; `mayhouse migrate` runs.",
        )


def _actor() -> str:
    """Who runs the command, for the journal and the operator log."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}@{socket.gethostname()}"
