"""What a database tells about itself and about the connection to it."""

from dataclasses import dataclass
from typing import Final

from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import VERIFIED

SERVER_VERSION: Final = "SELECT current_setting('server_version') AS version"


@dataclass(frozen=True)
class DatabaseHealth:
    """One look at a reachable database."""

    place: str
    server_version: str
    is_encrypted: bool
    is_verified: bool
    """The server's certificate was checked, its name as well."""
    is_local: bool


def look_at(database: Database) -> DatabaseHealth:
    """Connect and look; raises as `Database.transaction` does."""
    with database.transaction() as cursor:
        row = cursor.execute(SERVER_VERSION).fetchone()
        encrypted = bool(cursor.connection.pgconn.ssl_in_use)
    return DatabaseHealth(
        place=str(database.dsn),
        # "16.4 (Debian 16.4-1.pgdg120+1)": the distribution's part says nothing here.
        server_version=str(row["version"]).split(" ")[0] if row else "",
        is_encrypted=encrypted,
        is_verified=encrypted and database.dsn.sslmode == VERIFIED,
        is_local=database.dsn.is_loopback,
    )
