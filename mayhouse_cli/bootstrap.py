"""The composition root: from a configuration to a session with its real parts."""

import getpass
import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mayhouse_cli.config import Config
from mayhouse_cli.errors import MigrationsPending
from mayhouse_cli.keystore import Keystore
from mayhouse_cli.models import ZERO_ADDRESS
from mayhouse_cli.ports import (
    Alerts,
    Bookings,
    Chain,
    Deadline,
    Events,
    Installation,
    Journal,
    KeyVault,
    Ledger,
    Mirror,
    Notifier,
    OperatorLog,
    Payables,
    Rates,
    RateSource,
    Readings,
    Settlements,
    Signer,
    Wallets,
)
from mayhouse_cli.signing import AskPassword, open_signer, open_treasury

if TYPE_CHECKING:
    # Each is loaded when a command first needs it: chain and database clients start slowly.
    from mayhouse_cli.store.database import Database
    from mayhouse_cli.store.health import DatabaseHealth
    from mayhouse_cli.store.migrations import Migrations
    from mayhouse_cli.store.overview import PostgresOverview
    from mayhouse_cli.store.suggestions import PostgresSuggestions

# `doctor` asks each node by itself, and a dead one is not worth more.
_LONGEST_LOOK_SECONDS: Final = 5.0


class OpenSession:
    """One command's parts, each made at its first use."""

    def __init__(
        self,
        config: Config,
        timeout: float,
        progress: Callable[[str], None],
        ask_password: AskPassword,
        command: str,
    ) -> None:
        """Open nothing yet; `timeout` bounds everything that waits on the network."""
        self.config = config
        self.deadline = Deadline(timeout)
        self.progress = progress
        self.actor = actor()
        self.command = command
        self._ask_password = ask_password

    @cached_property
    def chain(self) -> Chain:
        from mayhouse_cli.chain.client import ContractClient
        from mayhouse_cli.chain.rpc import Rpc

        rpc = Rpc(self.config.require("blockchain_rpc_url"), self.config.chain_id, self.deadline)
        return ContractClient(
            rpc,
            self.config.require("contract_address"),
            self.deadline,
            local=self.config.is_local,
            urgency=self.config.require("urgency"),
        )

    @cached_property
    def signer(self) -> Signer:
        return open_signer(self.config, self._ask)

    @cached_property
    def treasury(self) -> Signer:
        return open_treasury(self.config, self._ask)

    @cached_property
    def database(self) -> "Database":
        return open_database(self.config, "database_url", self.deadline.seconds)

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
    def installation(self) -> Installation:
        from mayhouse_cli.store.installation import PostgresInstallation

        return PostgresInstallation(self._migrated_database)

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
    def settlements(self) -> Settlements:
        from mayhouse_cli.store.settlements import PostgresSettlements

        return PostgresSettlements(self._migrated_database)

    @cached_property
    def payables(self) -> Payables:
        from mayhouse_cli.store.payables import PostgresPayables

        return PostgresPayables(self._migrated_database)

    @cached_property
    def wallets(self) -> Wallets:
        from mayhouse_cli.store.wallets import PostgresWallets

        return PostgresWallets(self._migrated_database)

    @cached_property
    def rates(self) -> Rates:
        from mayhouse_cli.store.rates import PostgresRates

        return PostgresRates(self._migrated_database)

    @cached_property
    def rate_source(self) -> RateSource:
        from mayhouse_cli.web import JsonPage

        return JsonPage(self.config.require("rate_url"), "rate_url", self.deadline)

    @cached_property
    def readings(self) -> Readings:
        from mayhouse_cli.store.readings import PostgresReadings

        return PostgresReadings(self._migrated_database)

    @cached_property
    def alerts(self) -> Alerts:
        from mayhouse_cli.store.alerts import PostgresAlerts

        return PostgresAlerts(self._migrated_database)

    @cached_property
    def notifier(self) -> Notifier:
        from mayhouse_cli.web import JsonPage

        return JsonPage(self.config.require("webhook_url"), "webhook_url", self.deadline)

    @cached_property
    def operator_log(self) -> OperatorLog:
        return open_operator_log(self._migrated_database)

    @cached_property
    def overview(self) -> "PostgresOverview":
        from mayhouse_cli.store.overview import PostgresOverview

        return PostgresOverview(self._migrated_database)

    @cached_property
    def mirror(self) -> Mirror:
        from mayhouse_cli.store.mirror import PostgresMirror

        return PostgresMirror(self._migrated_database)

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

    def _ask(self, prompt: str) -> str:
        """Ask a person for a password, whose thinking time is not the network's."""
        answer = self._ask_password(prompt)
        self.deadline.restart()
        return answer

    def close(self) -> None:
        """Close what was opened."""
        if "database" in self.__dict__:
            self.database.close()


@contextmanager
def open_session(
    config: Config,
    timeout: float,
    progress: Callable[[str], None],
    ask_password: AskPassword,
    command: str,
) -> Iterator[OpenSession]:
    """Give an operation its chain, journal and repositories, and close them after it."""
    session = OpenSession(config, timeout, progress, ask_password, command)
    try:
        yield session
    finally:
        session.close()


def open_vault(config: Config) -> KeyVault:
    """The keystores of this machine."""
    return Keystore(config.keystore_folder)


def open_database(config: Config, key: str, timeout: float = math.inf) -> "Database":
    """A database by the setting that names it; nothing is connected yet.

    `timeout` bounds the waits for an answer to the first word, and for others' locks, in seconds.
    """
    from mayhouse_cli.store.database import Database
    from mayhouse_cli.store.dsn import parse_dsn

    dsn = parse_dsn(
        config.require(key),
        allow_insecure=bool(config.get("database_allow_insecure")),
        root_certificate=config.get("database_root_certificate"),
    )
    if timeout < dsn.connect_timeout:  # libpq takes anything below 2 s for 2 s
        dsn = replace(dsn, connect_timeout=max(2, math.ceil(timeout)))
    return Database(dsn, statement_timeout_seconds=30, lock_timeout_seconds=timeout)


def open_migrations(database: "Database") -> "Migrations":
    """The migrations that come with this version."""
    from mayhouse_cli.store.migrations import Migrations

    return Migrations(database)


def find_role_script() -> Path:
    """The SQL that gives the role which runs the tool its rights, and no more than it needs."""
    from mayhouse_cli.store.migrations import find_migrations

    return find_migrations() / "roles" / "mayhouse_operator.sql"


def open_suggestions(config: Config, timeout: float) -> "PostgresSuggestions":
    """What a shell can complete out of the database; `timeout` in seconds."""
    from mayhouse_cli.store.suggestions import PostgresSuggestions

    return PostgresSuggestions(open_database(config, "database_url", timeout))


def open_operator_log(database: "Database") -> OperatorLog:
    """The operators' log of a database that has the schema for it."""
    from mayhouse_cli.store.operator_log import PostgresOperatorLog

    return PostgresOperatorLog(database)


def refuse_old_schema(migrations: "Migrations") -> None:
    """MigrationsPending unless the database is just as this version of the tool knows it."""
    report = migrations.status()
    if not report.is_current:
        waiting = [one.name for one in report.pending]
        changed = [one.name for one in (*report.drifted, *report.missing)]
        told = (
            f"migrations are pending: {', '.join(waiting)}"
            if waiting
            else (f"migrations have drifted: {', '.join(changed)}")
        )
        raise MigrationsPending(
            f"The database's {told}",
            hint="`mayhouse migrate --status` tells; `mayhouse migrate` runs.",
        )


def actor() -> str:
    """Who runs the command, for the journal and the operator log."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}@{socket.gethostname()}"
