"""The whole state in one statement, for a look in passing."""

from typing import Final

from mayhouse_cli.models.overview import Overview
from mayhouse_cli.money import Wei
from mayhouse_cli.store.database import Database

# What a transfer pays for that is recorded and not finished is on its way, but still owed.
LOOK: Final = """
    SELECT
        (SELECT coalesce(nullif(frozen_reason, ''), 'no reason given')
         FROM mayhouse.installation WHERE frozen) AS frozen_reason,
        open.count AS open_events, open.next AS next_start, open.over AS events_over,
        waiting.count AS unfinished, waiting.oldest AS unfinished_since,
        owed.count AS payables, owed.sum AS owed
    FROM (
        SELECT count(*) AS count,
               min(start_datetime::timestamptz) FILTER (WHERE start_datetime > now()) AS next,
               count(*) FILTER (WHERE end_datetime <= now()) AS over
        FROM public.event_runs
        WHERE blockchain_event_run_id IS NOT NULL
          AND status::text NOT IN ('completed', 'cancelled')
    ) AS open, (
        SELECT count(*) AS count, min(created_at) AS oldest
        FROM mayhouse.transactions
        WHERE status IN ('signed', 'sent', 'mined')
    ) AS waiting, (
        SELECT count(*) AS count, coalesce(sum(amount_wei), 0) AS sum
        FROM mayhouse.payables
        WHERE status = 'owed' AND undone_at IS NULL
    ) AS owed
"""


class PostgresOverview:
    """The port OverviewReader on the tool's and the platform's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self) -> Overview:
        """Count and add up."""
        with self._database.transaction() as cursor:
            row = cursor.execute(LOOK).fetchone() or {}
        return Overview(**{**row, "owed": Wei(int(row["owed"]))})
