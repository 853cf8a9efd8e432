"""The states of wallets that were announced, for one announcer at a time."""

from collections.abc import Mapping
from typing import Final

from mayhouse_cli.models import Address
from mayhouse_cli.store.database import Database

# Two checks at once: the second waits here until the first has announced and committed.
LOCK: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('mayhouse.alerts ' || %(chain_id)s::text, 0))
"""

ANNOUNCED: Final = """
    SELECT address, state
    FROM mayhouse.alerts
    WHERE chain_id = %(chain_id)s
"""

KEEP: Final = """
    INSERT INTO mayhouse.alerts (chain_id, address, state)
    VALUES (%(chain_id)s, %(address)s, %(state)s)
    ON CONFLICT (chain_id, address) DO UPDATE
    SET state = excluded.state, announced_at = now()
"""


class PostgresAlerts:
    """The port Alerts on the table `mayhouse.alerts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announced(self, chain_id: int) -> Mapping[Address, str]:
        """Give each wallet's announced state, held until the open database transaction ends."""
        with self._database.transaction() as cursor:
            cursor.execute(LOCK, {"chain_id": chain_id})
            rows = cursor.execute(ANNOUNCED, {"chain_id": chain_id}).fetchall()
        return {Address(row["address"]): row["state"] for row in rows}

    def keep(self, chain_id: int, states: Mapping[Address, str]) -> None:
        """Keep what has been announced."""
        with self._database.transaction() as cursor:
            for address, state in states.items():
                cursor.execute(KEEP, {"chain_id": chain_id, "address": address, "state": state})
