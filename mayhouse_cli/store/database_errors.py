"""The one place where the driver's errors become the tool's own."""

import re
from typing import Final, NamedTuple

import psycopg

from mayhouse_cli.errors import (
    ConfigurationError,
    CredentialsError,
    DatabaseUnreachable,
    MayhouseError,
    MigrationsPending,
    Refused,
)
from mayhouse_cli.store.dsn import CERTIFICATE_HINT, Dsn

_ANSWER_HINT: Final = "Check that it runs and that DATABASE_URL names it, then run this again."
_URL_HINT: Final = "Check DATABASE_URL; on Supabase it is shown under Connect in the dashboard."
_ROLE_HINT: Final = "Connect as a role that may: sql/roles/ has one with the least rights."
_LOST: Final = re.compile("08|57P0|53[0-9]|25P03")
"""SQLSTATEs after which the connection is gone, or was not given: class 08 connection, 57P0x
shut down, class 53 out of connections, memory or disk, 25P03 ended while idle."""


class _Cause(NamedTuple):
    """Why a connection was refused: libpq hands over text, without a SQLSTATE."""

    pattern: str
    error: type[MayhouseError]
    message: str
    hint: str


_CAUSES: Final = (
    _Cause(
        "password authentication failed|no password supplied|SASL|SCRAM",
        CredentialsError,
        "The database {dsn} refuses the user or the password",
        _URL_HINT,
    ),
    _Cause(
        'role ".*" does not exist|Tenant or user not found|no pg_hba.conf entry|not permitted to',
        ConfigurationError,
        "The database {dsn} does not let this user in",
        _URL_HINT,
    ),
    _Cause(
        'database ".*" does not exist|permission denied for database',
        ConfigurationError,
        "There is no such database, or not for this user: {dsn}",
        _URL_HINT,
    ),
    _Cause(
        "root certificate file .* does not exist",
        ConfigurationError,
        "The root certificate for the database {dsn} is not at {dsn.sslrootcert}",
        "Correct database_root_certificate, or sslrootcert in the URL.",
    ),
    _Cause(
        "certificate|host name .* does not match",
        ConfigurationError,
        "The certificate of the database {dsn} cannot be verified",
        CERTIFICATE_HINT,
    ),
    _Cause(
        "does not support SSL",
        ConfigurationError,
        "The database {dsn} offers no encryption",
        "Use its public address; on a network of your own set database_allow_insecure = true "
        "and add sslmode=disable to the URL.",
    ),
    _Cause(
        "could not translate host name|Name or service not known|failed to resolve|getaddrinfo",
        DatabaseUnreachable,
        "The host of the database {dsn} is not known",
        _URL_HINT,
    ),
)


def refused_connection(error: psycopg.Error, dsn: Dsn) -> MayhouseError:
    """Name why no connection came about."""
    text = str(error)
    for cause in _CAUSES:
        if re.search(cause.pattern, text):
            return cause.error(cause.message.format(dsn=dsn), hint=cause.hint)
    return DatabaseUnreachable(f"The database {dsn} does not answer", hint=_ANSWER_HINT)


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that what was in flight has an unknown outcome."""
    if error.sqlstate:
        return bool(_LOST.match(error.sqlstate))
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def lost_in_commit(dsn: Dsn) -> DatabaseUnreachable:
    """Report a COMMIT that was sent and not answered: it may have been carried out."""
    return DatabaseUnreachable(
        f"The connection to the database {dsn} was lost while a change was being committed",
        hint="The change may or may not be kept: `mayhouse tx resume` brings it to the truth.",
        details={"commit": "unknown"},
    )


def failed_statement(error: psycopg.Error, dsn: Dsn) -> MayhouseError:
    """Translate what the server, or the driver, says about a statement."""
    if is_lost(error):
        return DatabaseUnreachable(
            f"The connection to the database {dsn} was lost", hint=_ANSWER_HINT
        )
    text = _first_line(error)
    answer: MayhouseError
    if isinstance(error, psycopg.IntegrityError):
        return Refused(
            f"The database refuses the row: {text}",
            details={"constraint": error.diag.constraint_name, "table": error.diag.table_name},
        )
    match error.sqlstate:
        case "42P01" | "42703" | "42704" | "42883" | "3F000":
            answer = MigrationsPending(
                f"The database {dsn} lacks something: {text}", hint="Run: mayhouse migrate"
            )
        case "55P03" | "57014" | "40001" | "40P01":
            answer = DatabaseUnreachable(
                f"The database {dsn} is busy: {text}",
                hint="Another command holds what this one needs: run it again.",
                details={"sqlstate": error.sqlstate},
            )
        case "42501":
            answer = ConfigurationError(f"The database says: {text}", hint=_ROLE_HINT)
        case "25006":
            answer = ConfigurationError(
                f"The database {dsn} is read-only", hint="Connect to the primary, not a replica."
            )
        case "P0001":  # RAISE in the tool's own SQL
            answer = Refused(text, hint=error.diag.message_hint)
        case _:
            answer = MayhouseError(
                f"The database refuses a statement: {text}", details={"sqlstate": error.sqlstate}
            )
    return answer


def _first_line(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error)
    return text.strip().partition("\n")[0]
