"""A platform as it stands at one moment, to come back to as often as a sweep needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import psycopg
from psycopg import sql

from tests.mayhouse import Mayhouse

TABLES: Final = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema IN ('public', 'mayhouse') AND table_type = 'BASE TABLE'
      AND table_name NOT IN ('operator_log', 'migrations', 'schema_migrations')
"""


class Checkpoint:
    """The chain by a snapshot, the database by copies of its rows; to be entered."""

    def __init__(self, mayhouse: Mayhouse) -> None:
        """Keep the present state."""
        self._mayhouse = mayhouse
        self._database = psycopg.connect(mayhouse.database_url, autocommit=True)
        self._database.execute("SET session_replication_role = replica")  # no foreign keys
        self._tables = [
            (sql.Identifier(schema, name), sql.Identifier(f"kept_{schema}_{name}"))
            for schema, name in self._database.execute(TABLES).fetchall()
        ]
        for table, kept in self._tables:
            self._database.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} AS TABLE {}").format(kept, table)
            )
        self._snapshot = mayhouse.node.snapshot()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Undo afterwards what happens to the platform."""
        try:
            yield
        finally:
            self._mayhouse.node.revert(self._snapshot)
            self._snapshot = self._mayhouse.node.snapshot()
            with self._database.transaction():
                for table, kept in self._tables:
                    self._database.execute(sql.SQL("DELETE FROM {}").format(table))
                    self._database.execute(
                        sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE {}").format(
                            table, kept
                        )
                    )
