"""The connection to Postgres: opened late, one for a command, used in transactions only."""

import math
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self, TypeAlias

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from mayhouse_cli.errors import Interrupted, MayhouseError, Terminated
from mayhouse_cli.store import database_errors
from mayhouse_cli.store.dsn import SYSTEM_CERTIFICATES, Dsn

Cursor: TypeAlias = psycopg.Cursor[DictRow]

IDLE_IN_TRANSACTION_LIMIT: Final = 60.0  # seconds; a stopped process must not keep its locks
SILENCE_LIMIT: Final = 5.0  # seconds an answer may come later than the server's own time-out
KEEPALIVES: Final = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

# Everything is local to the transaction: behind a transaction pooler a session belongs to
# other clients as well. Times come back in UTC whatever the role's own settings are.
SET_LOCAL: Final = """
    SELECT set_config('statement_timeout', %(statement)s, true),
           set_config('lock_timeout', %(lock)s, true),
           set_config('idle_in_transaction_session_timeout', %(idle)s, true),
           set_config('timezone', 'UTC', true),
           set_config('search_path', 'public', true)
"""


class _BoundedConnection(psycopg.Connection[DictRow]):
    """A connection that does not wait for ever for a server that has gone silent."""

    time_limit: float | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401 - as in the base class, whatever the generator gives
        return super().wait(gen, interval, self.time_limit if timeout is None else timeout)


class Database:
    """One database, and at most one connection to it. Not for use by several threads."""

    def __init__(
        self,
        dsn: Dsn,
        *,
        statement_timeout_seconds: float,
        lock_timeout_seconds: float | None = None,
    ) -> None:
        """Nothing is opened before the first transaction.

        A lock that another session holds is waited for as long as a statement may take, or for
        `lock_timeout_seconds` where that is less.
        """
        self.dsn = dsn
        self._statement_timeout = statement_timeout_seconds
        self.lock_timeout = min(lock_timeout_seconds or math.inf, statement_timeout_seconds)
        self._connection: _BoundedConnection | None = None
        self._cursor: Cursor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    @contextmanager
    def transaction(self, *, statement_timeout_seconds: float | None = None) -> Iterator[Cursor]:
        """Give a cursor (rows are dicts) whose statements are kept together or not at all.

        Inside another transaction it joins that one: same cursor, no savepoint, and nothing is
        committed before the outer one ends.

        Raises DatabaseUnreachable (details `{"commit": "unknown"}` when the connection was lost
        with the COMMIT under way: the change may be kept), ConfigurationError, CredentialsError,
        MigrationsPending, or Refused for a row that a constraint refuses (details `constraint`).
        """
        if self._cursor is not None:
            with self._translated():
                yield self._cursor
            return
        with self._translated():
            cursor = self._begin(statement_timeout_seconds or self._statement_timeout)
            self._cursor = cursor
            try:
                yield cursor
            except (Interrupted, Terminated):
                self.close()  # undoes it as well, and waits for no answer
                raise
            except BaseException:
                self._roll_back(cursor)
                raise
            finally:
                self._cursor = None
            self._commit(cursor)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise database_errors.failed_statement(error, self.dsn) from None

    def _begin(self, statement_timeout: float) -> Cursor:
        if self._connection is not None:
            try:
                return self._start(self._connection, statement_timeout)
            except psycopg.Error:  # dropped while idle: nothing was under way, so once more
                self.close()
        self._connection = self._connect()
        return self._start(self._connection, statement_timeout)

    def _start(self, connection: _BoundedConnection, statement_timeout: float) -> Cursor:
        connection.time_limit = statement_timeout + SILENCE_LIMIT
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        limits = {
            "statement": _milliseconds(statement_timeout),
            "lock": _milliseconds(self.lock_timeout),
            "idle": _milliseconds(IDLE_IN_TRANSACTION_LIMIT),
        }
        cursor.execute(SET_LOCAL, limits)
        return cursor

    def _connect(self) -> _BoundedConnection:
        try:
            return _BoundedConnection.connect(
                autocommit=True,  # BEGIN and COMMIT are sent by transaction() alone
                prepare_threshold=None,  # a transaction pooler loses prepared statements
                row_factory=dict_row,
                **_parameters(self.dsn),
            )
        except psycopg.Error as error:
            raise database_errors.refused_connection(error, self.dsn) from None

    def _commit(self, cursor: Cursor) -> None:
        if cursor.connection.info.transaction_status == TransactionStatus.INERROR:
            self._roll_back(cursor)
            raise MayhouseError("A failed statement was overlooked: nothing has been kept")
        try:
            cursor.execute("COMMIT")
        except psycopg.Error as error:
            self.close()
            if database_errors.is_lost(error):
                raise database_errors.lost_in_commit(self.dsn) from None
            raise
        except BaseException:
            self.close()
            raise

    def _roll_back(self, cursor: Cursor) -> None:
        """Undo everything; a connection on which that cannot be done is given up."""
        usable = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        try:
            if cursor.connection.info.transaction_status in usable:
                cursor.execute("ROLLBACK")
                return
        except psycopg.Error:
            pass
        self.close()


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def _parameters(dsn: Dsn) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        **dsn.keywords(),
        **KEEPALIVES,
        "options": "",  # a transaction pooler does not take what PGOPTIONS may hold
        "client_encoding": "UTF8",
    }
    # The driver's wheels bring an OpenSSL that looks for the system's authorities in a folder
    # that no system has.
    authorities = ssl.get_default_verify_paths().cafile
    if dsn.sslrootcert == SYSTEM_CERTIFICATES and authorities:
        parameters["sslrootcert"] = authorities
    return parameters
