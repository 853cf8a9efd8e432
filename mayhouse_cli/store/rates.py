"""The prices of one ETH in rupees that were fetched, set or used; rows are only ever added."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mayhouse_cli.models import CONFIGURED_SOURCES, Rate, StoredRate
from mayhouse_cli.money import plain
from mayhouse_cli.store.database import Database

PAIR: Final = "ETH/INR"

# The newest by the time it is of, whenever it was stored.
NEWEST: Final = """
    SELECT rate, source, as_of, fetched_at
    FROM mayhouse.rates
    WHERE pair = %(pair)s
    ORDER BY as_of DESC, id DESC
    LIMIT %(limit)s
"""

LAST_GIVEN: Final = """
    SELECT rate, source, as_of
    FROM mayhouse.rates
    WHERE pair = %(pair)s AND source <> ALL (%(configured)s)
    ORDER BY as_of DESC, id DESC
    LIMIT 1
"""

ADD: Final = """
    INSERT INTO mayhouse.rates (pair, rate, source, as_of)
    VALUES (%(pair)s, %(rate)s, %(source)s, %(as_of)s)
"""


class PostgresRates:
    """The port Rates on the table `mayhouse.rates`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> Rate | None:
        """Give the newest stored rate, by the time it is of."""
        newest = self.history(1)
        return newest[0].rate if newest else None

    def last_given(self) -> Rate | None:
        """Give the newest rate that was set or fetched."""
        wanted = {"pair": PAIR, "configured": list(CONFIGURED_SOURCES)}
        with self._database.transaction() as cursor:
            row = cursor.execute(LAST_GIVEN, wanted).fetchone()
        return _rate(row) if row else None

    def add(self, rate: Rate) -> None:
        """Keep a rate as it was fetched, set or used."""
        row = {
            "pair": PAIR,
            "rate": rate.eth_price_inr,
            "source": rate.source,
            "as_of": rate.as_of,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD, row)

    def history(self, limit: int) -> Sequence[StoredRate]:
        """Give stored rates, the newest first by the time each is of."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(NEWEST, {"pair": PAIR, "limit": limit}).fetchall()
        return [StoredRate(row["fetched_at"], _rate(row)) for row in rows]


def _rate(row: Mapping[str, Any]) -> Rate:
    return Rate(plain(row["rate"]), row["source"], row["as_of"])
