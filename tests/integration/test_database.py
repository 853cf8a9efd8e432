"""The connection: transactions kept together or not at all, and each failure by its right name."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from mayhouse_cli.errors import (
    ConfigurationError,
    DatabaseUnreachable,
    MayhouseError,
    MigrationsPending,
    Refused,
)
from mayhouse_cli.store import database as database_module
from mayhouse_cli.store.database import Cursor, Database
from mayhouse_cli.store.dsn import parse_dsn

WALLET = "INSERT INTO mayhouse.wallets (address, label, role) VALUES (%s, 'test', 'platform')"
ADDRESS = "0x" + "ab" * 20
PASSWORD = "hunter2"  # no part of any message


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give a migrated database."""
    dsn = replace(parse_dsn(database_url), password=PASSWORD)
    with Database(dsn, statement_timeout_seconds=0.5) as database:
        yield database


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    """Give another client's connection to the same database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def in_transaction(database: Database, *steps: Callable[[Cursor], object]) -> None:
    """Take the steps in one transaction."""
    with database.transaction() as cursor:
        for step in steps:
            step(cursor)


def write(cursor: Cursor) -> None:
    """Insert a wallet."""
    cursor.execute(WALLET, [ADDRESS])


def fail(_: Cursor) -> None:
    """Fail in the program, not in the database."""
    raise ZeroDivisionError


def overlook_a_failure(cursor: Cursor) -> None:
    """Let a statement fail and go on."""
    with suppress(psycopg.Error):
        cursor.execute("SELECT 1 / 0")


def silence_server(cursor: Cursor) -> None:
    """Insert a wallet while the server's process is stopped."""
    pid = cursor.connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        write(cursor)
    finally:
        os.kill(pid, signal.SIGCONT)


def lose_rights(cursor: Cursor) -> None:
    """Become a role that may look into the schema and nothing else."""
    cursor.execute("GRANT USAGE ON SCHEMA mayhouse TO pg_monitor")
    cursor.execute("SET LOCAL ROLE pg_monitor")


def executing(statement: str) -> Callable[[Cursor], object]:
    """Give the step that executes a statement."""
    return lambda cursor: cursor.execute(statement.encode())


def ending_connection(other: psycopg.Connection) -> Callable[[Cursor], object]:
    """Give the step in which the server ends the connection of the transaction."""
    return lambda cursor: other.execute(
        "SELECT pg_terminate_backend(%s, 1000)", [cursor.connection.info.backend_pid]
    )


def count_wallets(connection: psycopg.Connection) -> int:
    """Count what has been committed."""
    row = connection.execute("SELECT count(*) FROM mayhouse.wallets").fetchone()
    assert row is not None
    return int(row[0])


def value_of(cursor: Cursor, expression: str) -> Any:  # noqa: ANN401 - any SQL value
    """Give the value of an SQL expression."""
    row = cursor.execute(f"SELECT {expression} AS value".encode()).fetchone()
    assert row is not None
    return row["value"]


def test_a_transaction_is_committed_at_its_end(
    database: Database, other: psycopg.Connection
) -> None:
    """Others see it afterwards, and not before."""
    with database.transaction() as cursor:
        write(cursor)
        assert count_wallets(other) == 0
    assert count_wallets(other) == 1


def test_a_failure_of_the_program_undoes_the_transaction(
    database: Database, other: psycopg.Connection
) -> None:
    """Whatever is raised passes through, and nothing is kept."""
    with pytest.raises(ZeroDivisionError):
        in_transaction(database, write, fail)
    assert count_wallets(other) == 0


def test_an_inner_transaction_joins_the_outer_one(
    database: Database, other: psycopg.Connection
) -> None:
    """What the inner one wrote goes when the outer one fails."""
    with pytest.raises(ZeroDivisionError):
        in_transaction(database, lambda _: in_transaction(database, write), fail)
    assert count_wallets(other) == 0


def test_an_overlooked_failure_is_not_taken_for_a_commit(database: Database) -> None:
    """Postgres answers COMMIT with a silent ROLLBACK then."""
    with pytest.raises(MayhouseError, match="nothing has been kept"):
        in_transaction(database, write, overlook_a_failure)


def test_settings_end_with_the_transaction(database: Database) -> None:
    """Behind a pooler the session belongs to others as well."""
    with database.transaction() as cursor:
        assert value_of(cursor, "current_setting('statement_timeout')") == "500ms"
        connection = cursor.connection
    assert value_of(connection.cursor(), "current_setting('statement_timeout')") == "0"


def test_times_come_back_in_utc(database_url: str, other: psycopg.Connection) -> None:
    """Whatever the database prefers."""
    name = sql.Identifier(other.info.dbname)
    other.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(name))
    with Database(parse_dsn(database_url), statement_timeout_seconds=1) as database:  # noqa: SIM117
        with database.transaction() as cursor:
            assert value_of(cursor, "now()").utcoffset() == timedelta(0)


def test_a_connection_dropped_between_transactions_is_opened_again(
    database: Database, other: psycopg.Connection
) -> None:
    """A long wait for a receipt outlives a pooler's patience; nothing was under way."""
    with database.transaction() as cursor:
        pass
    ending_connection(other)(cursor)
    in_transaction(database, write)
    assert count_wallets(other) == 1


def test_a_connection_lost_before_the_commit_is_unreachable(
    database: Database, other: psycopg.Connection
) -> None:
    """Nothing was kept, for certain."""
    with pytest.raises(DatabaseUnreachable, match="lost") as failure:
        in_transaction(database, ending_connection(other), write)
    assert failure.value.details == {}


def test_a_connection_lost_with_the_commit_leaves_its_outcome_unknown(
    database: Database, other: psycopg.Connection
) -> None:
    """The error says so, and the database can be used again."""
    with pytest.raises(DatabaseUnreachable) as failure:
        in_transaction(database, write, ending_connection(other))
    assert failure.value.details == {"commit": "unknown"}
    in_transaction(database, write)


def test_a_server_gone_silent_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time-out of the server is no help when it is the server that hangs."""
    monkeypatch.setattr(database_module, "SILENCE_LIMIT", 0.1)
    with pytest.raises(DatabaseUnreachable, match="lost"):
        in_transaction(database, silence_server)


def test_a_long_statement_is_given_up_as_busy(database: Database) -> None:
    """Five seconds are too many for half a second."""
    with pytest.raises(DatabaseUnreachable, match="busy"):
        in_transaction(database, executing("SELECT pg_sleep(5)"))


def test_a_locked_table_is_given_up_as_busy(database: Database, other: psycopg.Connection) -> None:
    """Whoever holds it, this command can be run again."""
    with other.transaction():
        other.execute("LOCK TABLE mayhouse.wallets")
        with pytest.raises(DatabaseUnreachable, match="busy") as failure:
            in_transaction(database, write)
    assert failure.value.retryable


@pytest.mark.parametrize(
    "statement",
    ["SELECT FROM nowhere", "SELECT nothing FROM mayhouse.wallets", "SELECT FROM nothing.at_all"],
)
def test_a_missing_table_or_column_asks_for_the_migrations(
    database: Database, statement: str
) -> None:
    """The remedy is named."""
    with pytest.raises(MigrationsPending) as failure:
        in_transaction(database, executing(statement))
    assert failure.value.hint == "Run: mayhouse migrate"


def test_a_row_that_exists_is_refused_with_the_constraint_that_says_so(
    database: Database,
) -> None:
    """Whoever inserts can tell one refusal from another."""
    with pytest.raises(Refused) as failure:
        in_transaction(database, write, write)
    assert failure.value.details["constraint"] == "wallets_pkey"


def test_missing_rights_name_what_they_are_missing_for(database: Database) -> None:
    """The operator has to grant them."""
    with pytest.raises(ConfigurationError, match="wallets"):
        in_transaction(database, lose_rights, write)


@pytest.mark.parametrize("wrong", [{"user": "nobody"}, {"dbname": "nowhere"}])
def test_a_wrong_user_or_database_is_the_configuration(
    database_url: str, wrong: dict[str, str]
) -> None:
    """Trying again would not help."""
    dsn = replace(parse_dsn(database_url), password=PASSWORD, **wrong)  # type: ignore[arg-type]
    with (
        pytest.raises(ConfigurationError) as failure,
        Database(dsn, statement_timeout_seconds=1) as database,
        database.transaction(),
    ):
        pass
    assert PASSWORD not in f"{failure.value!r} {failure.value.hint} {failure.value.__cause__}"


def test_a_server_that_never_answers_is_unreachable() -> None:
    """Connecting has a time limit, and the message names no secret."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        dsn = parse_dsn(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/app?connect_timeout=2")
        with (
            pytest.raises(DatabaseUnreachable, match="does not answer") as failure,
            Database(dsn, statement_timeout_seconds=1) as database,
            database.transaction(),
        ):
            pass
    assert PASSWORD not in f"{failure.value!r} {failure.value.hint} {failure.value.__cause__}"


def test_nothing_is_opened_before_it_is_used() -> None:
    """A command that needs no database runs without one."""
    with Database(parse_dsn("postgresql://me@localhost:1/app"), statement_timeout_seconds=1):
        pass
