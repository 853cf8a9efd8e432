"""What the tool keeps beside the journal: quotes and plans.

Rates, settlements and payables have files of their own.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    Cost,
    EventRow,
    Kind,
    Plan,
    Rate,
    Snapshot,
)
from mayhouse_cli.money import wei_to_inr
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.journal_rows import as_jsonb

ADD_QUOTE: Final = """
    INSERT INTO mayhouse.quotes
        (event_id, chain_event_id, seats, payment_wei, stake_wei, total_wei, payment_inr,
         stake_inr, total_inr, stake_percent, fee_percent, eth_price_inr, rate_source,
         rate_as_of, block_number, block_hash, actor)
    VALUES
        (%(event_id)s, %(chain_event_id)s, %(seats)s, %(payment_wei)s, %(stake_wei)s,
         %(total_wei)s, %(payment_inr)s, %(stake_inr)s, %(total_inr)s, %(stake_percent)s,
         %(fee_percent)s, %(eth_price_inr)s, %(rate_source)s, %(rate_as_of)s,
         %(block_number)s, %(block_hash)s, %(actor)s)
"""

QUOTED_PERCENTAGES: Final = """
    SELECT stake_percent, fee_percent
    FROM mayhouse.quotes
    WHERE chain_event_id = %(chain_event_id)s
    ORDER BY quoted_at DESC
    LIMIT 1
"""

# The same plan made again lives longer; one that was used stays used.
ADD_PLAN: Final = """
    INSERT INTO mayhouse.plans
        (hash, kind, event_id, chain_event_id, content, actor, made_at, expires_at)
    VALUES
        (%(hash)s, %(kind)s, %(event_id)s, %(chain_event_id)s, %(content)s, %(actor)s,
         %(made_at)s, %(expires_at)s)
    ON CONFLICT (hash) DO UPDATE
    SET actor = excluded.actor, made_at = excluded.made_at, expires_at = excluded.expires_at
    WHERE plans.used_at IS NULL
"""

# Two are enough to know that a beginning is ambiguous.
PLANS: Final = """
    SELECT hash, kind, event_id, chain_event_id, content, made_at, expires_at, used_at
    FROM mayhouse.plans
    WHERE starts_with(hash, %(beginning)s)
    LIMIT 2
"""

USE_PLAN: Final = """
    UPDATE mayhouse.plans
    SET used_at = now(), transaction_id = %(transaction_id)s
    WHERE hash = %(hash)s AND (used_at IS NULL OR EXISTS (
        SELECT FROM mayhouse.transactions AS made
        WHERE made.id = plans.transaction_id
          AND made.status IN ('reverted', 'replaced', 'cancelled', 'failed')))
"""


class PostgresLedger:
    """The port Ledger on the tool's own tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_quote(
        self,
        event: EventRow | None,
        chain_event_id: int,
        seats: int,
        cost: Cost,
        snapshot: Snapshot,
        rate: Rate,
        actor: str,
    ) -> None:
        """Keep what a booking was said to cost, with the rate and block it was true at."""
        quote = {
            "event_id": event and event.id,
            "chain_event_id": chain_event_id,
            "seats": seats,
            "payment_wei": cost.payment,
            "stake_wei": cost.stake,
            "total_wei": cost.total,
            "payment_inr": wei_to_inr(cost.payment, rate.eth_price_inr),
            "stake_inr": wei_to_inr(cost.stake, rate.eth_price_inr),
            "total_inr": wei_to_inr(cost.total, rate.eth_price_inr),
            "stake_percent": snapshot.stake_percent,
            "fee_percent": snapshot.fee_percent,
            "eth_price_inr": rate.eth_price_inr,
            "rate_source": rate.source,
            "rate_as_of": rate.as_of,
            "block_number": snapshot.block.number,
            "block_hash": snapshot.block.hash,
            "actor": actor,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD_QUOTE, quote)

    def quoted_percentages(self, chain_event_id: int) -> tuple[int, int] | None:
        """Give stake and fee percentage of the newest quote for an event, if there is one."""
        with self._database.transaction() as cursor:
            row = cursor.execute(QUOTED_PERCENTAGES, {"chain_event_id": chain_event_id}).fetchone()
        return (row["stake_percent"], row["fee_percent"]) if row else None

    def add_plan(self, plan: Plan, actor: str) -> None:
        """Keep a plan that was shown, to be executed by its hash."""
        row = {
            "hash": plan.hash,
            "kind": plan.kind,
            "event_id": plan.event_id,
            "chain_event_id": plan.chain_event_id,
            "content": as_jsonb(plan.content),
            "actor": actor,
            "made_at": plan.made_at,
            "expires_at": plan.expires_at,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD_PLAN, row)

    def plans(self, beginning: str) -> Sequence[Plan]:
        """Give the recorded plans whose hash begins so, used and expired ones too."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(PLANS, {"beginning": beginning}).fetchall()
        return [Plan(**{**row, "kind": Kind(row["kind"])}) for row in rows]

    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None:
        """Bind a plan to what executes it; Refused when it is used already or unknown."""
        used = {"hash": plan_hash, "transaction_id": transaction_id}
        with self._database.transaction() as cursor:
            if not cursor.execute(USE_PLAN, used).rowcount:
                raise Refused(
                    f"The plan {plan_hash} was executed before, or never recorded",
                    hint="Make a new plan with --plan.",
                )
