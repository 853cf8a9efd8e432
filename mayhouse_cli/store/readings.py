"""Balances over time, and what the platform's rows say of the wallets to watch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mayhouse_cli.models import Address, BalanceReading
from mayhouse_cli.money import Wei
from mayhouse_cli.store.database import Database

ADD: Final = """
    INSERT INTO mayhouse.balance_readings
        (address, role, chain_id, balance_wei, state, block_number, read_at)
    VALUES
        (%(address)s, %(role)s, %(chain_id)s, %(balance_wei)s, %(state)s, %(block_number)s,
         %(read_at)s)
"""

SINCE: Final = """
    SELECT address, role, chain_id, balance_wei, state, block_number, read_at
    FROM mayhouse.balance_readings
    WHERE chain_id = %(chain_id)s AND read_at >= %(since)s
    ORDER BY read_at, id
"""

# The wallet that signed a creation is the event's host on chain.
OPEN_HOSTS: Final = """
    SELECT DISTINCT made.sender
    FROM mayhouse.transactions AS made
    WHERE made.kind = 'create_event' AND made.status = 'confirmed'
      AND made.chain_id = %(chain_id)s
      AND NOT EXISTS (
          SELECT FROM mayhouse.transactions AS ended
          WHERE ended.kind IN ('complete_event', 'cancel_event') AND ended.status = 'confirmed'
            AND ended.chain_id = made.chain_id AND ended.contract = made.contract
            AND ended.chain_event_id = made.chain_object_id)
    ORDER BY made.sender
"""

# A quote does not say for whom it is: each booking of as many seats of the same event uses up
# the oldest one. Nobody books an event any more that has begun or ended.
UNBOOKED_QUOTES: Final = """
    SELECT coalesce(sum(asked.total_wei), 0) AS total
    FROM (
        SELECT quote.chain_event_id, quote.seats, quote.total_wei,
               row_number() OVER (
                   PARTITION BY quote.chain_event_id, quote.seats
                   ORDER BY quote.quoted_at, quote.id) AS place
        FROM mayhouse.quotes AS quote
        LEFT JOIN public.event_runs AS event
            ON event.blockchain_event_run_id = quote.chain_event_id
        WHERE quote.quoted_at >= %(since)s
          AND (event.id IS NULL
               OR event.start_datetime > now()
                  AND event.status::text NOT IN ('completed', 'cancelled'))
    ) AS asked
    WHERE asked.place > (
        SELECT count(*)
        FROM mayhouse.transactions AS booked
        WHERE booked.kind = 'book_event' AND booked.chain_event_id = asked.chain_event_id
          AND booked.arguments ->> 'seats' = asked.seats::text
          AND booked.created_at >= %(since)s
          AND booked.status NOT IN ('reverted', 'replaced', 'cancelled', 'failed'))
"""


class PostgresReadings:
    """The port Readings on the tool's own tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, readings: Sequence[BalanceReading]) -> None:
        """Keep what a check found of every wallet, all of it or nothing."""
        with self._database.transaction() as cursor:
            for one in readings:
                reading = {
                    "address": one.address,
                    "role": one.role,
                    "chain_id": one.chain_id,
                    "balance_wei": one.balance,
                    "state": one.state,
                    "block_number": one.block_number,
                    "read_at": one.read_at,
                }
                cursor.execute(ADD, reading)

    def since(self, chain_id: int, since: datetime) -> Sequence[BalanceReading]:
        """Give the readings of one chain, oldest first."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(SINCE, {"chain_id": chain_id, "since": since}).fetchall()
        return [
            BalanceReading(
                address=Address(row["address"]),
                role=row["role"],
                chain_id=row["chain_id"],
                balance=Wei(int(row["balance_wei"])),
                state=row["state"],
                block_number=row["block_number"],
                read_at=row["read_at"],
            )
            for row in rows
        ]

    def open_hosts(self, chain_id: int) -> Sequence[Address]:
        """Give the wallets of ours that host events which are neither completed nor cancelled."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(OPEN_HOSTS, {"chain_id": chain_id}).fetchall()
        return [Address(row["sender"]) for row in rows]

    def unbooked_quotes(self, since: datetime) -> Wei:
        """Sum up what the quotes made since then would cost that are not booked yet."""
        with self._database.transaction() as cursor:
            row = cursor.execute(UNBOOKED_QUOTES, {"since": since}).fetchone()
        return Wei(int(row["total"])) if row else Wei(0)
