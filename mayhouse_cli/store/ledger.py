"""What the tool keeps beside the journal: quotes, settlements, plans, rates, readings, a log."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    Address,
    Cost,
    EventRow,
    Kind,
    Plan,
    Rate,
    SettlementLine,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei, plain, wei_to_inr
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.journal_rows import as_jsonb

PAIR: Final = "ETH/INR"

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

# A transaction that is confirmed again after a reorg settles again, into the same lines.
ADD_SETTLEMENT_LINE: Final = """
    INSERT INTO mayhouse.settlements
        (transaction_id, event_id, chain_event_id, line, booking_id, chain_booking_id, party,
         party_id, amount_wei, amount_inr)
    VALUES
        (%(transaction_id)s, %(event_id)s, %(chain_event_id)s, %(line)s, %(booking_id)s,
         %(chain_booking_id)s, %(party)s, %(party_id)s, %(amount_wei)s, %(amount_inr)s)
    ON CONFLICT ON CONSTRAINT settlements_line_once DO UPDATE
    SET booking_id = excluded.booking_id, party = excluded.party,
        party_id = excluded.party_id, amount_wei = excluded.amount_wei,
        amount_inr = excluded.amount_inr
"""

SETTLEMENT: Final = """
    SELECT line, party, amount_wei, booking_id, chain_booking_id, party_id, amount_inr
    FROM mayhouse.settlements
    WHERE transaction_id = %(transaction_id)s
    ORDER BY id
"""

LAST_RATE: Final = """
    SELECT rate, source, as_of
    FROM mayhouse.rates
    WHERE pair = %(pair)s
    ORDER BY as_of DESC, id DESC
    LIMIT 1
"""

ADD_RATE: Final = """
    INSERT INTO mayhouse.rates (pair, rate, source, as_of)
    VALUES (%(pair)s, %(rate)s, %(source)s, %(as_of)s)
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

PLAN: Final = """
    SELECT hash, kind, event_id, chain_event_id, content, made_at, expires_at, used_at
    FROM mayhouse.plans
    WHERE hash = %(hash)s
"""

USE_PLAN: Final = """
    UPDATE mayhouse.plans
    SET used_at = now(), transaction_id = %(transaction_id)s
    WHERE hash = %(hash)s AND (used_at IS NULL OR EXISTS (
        SELECT FROM mayhouse.transactions AS made
        WHERE made.id = plans.transaction_id
          AND made.status IN ('reverted', 'replaced', 'cancelled', 'failed')))
"""

ADD_BALANCE_READING: Final = """
    INSERT INTO mayhouse.balance_readings
        (address, role, chain_id, balance_wei, state, block_number)
    VALUES
        (%(address)s, %(role)s, %(chain_id)s, %(balance_wei)s, %(state)s, %(block_number)s)
"""

LOG: Final = """
    INSERT INTO mayhouse.operator_log (actor, command, arguments, transaction_id)
    VALUES (%(actor)s, %(command)s, %(arguments)s, %(transaction_id)s)
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

    def add_settlement(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        """Keep what a completion or cancellation paid, and to whom it belongs."""
        with self._database.transaction() as cursor:
            for line in lines:
                row = {
                    "transaction_id": transaction.id,
                    "event_id": transaction.event_id,
                    "chain_event_id": transaction.chain_event_id,
                    "line": line.line,
                    "booking_id": line.booking_id,
                    "chain_booking_id": line.chain_booking_id,
                    "party": line.party,
                    "party_id": line.party_id,
                    "amount_wei": line.amount,
                    "amount_inr": line.amount_inr,
                }
                cursor.execute(ADD_SETTLEMENT_LINE, row)

    def settlement(self, transaction_id: UUID) -> Sequence[SettlementLine]:
        """Give the lines of a settlement in the order they were added."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(SETTLEMENT, {"transaction_id": transaction_id}).fetchall()
        return [
            SettlementLine(
                line=row["line"],
                party=row["party"],
                amount=Wei(int(row["amount_wei"])),
                booking_id=row["booking_id"],
                chain_booking_id=row["chain_booking_id"],
                party_id=row["party_id"],
                amount_inr=row["amount_inr"],
            )
            for row in rows
        ]

    def last_rate(self) -> Rate | None:
        """Give the newest stored rate, by the time it is of."""
        with self._database.transaction() as cursor:
            row = cursor.execute(LAST_RATE, {"pair": PAIR}).fetchone()
        return Rate(plain(row["rate"]), row["source"], row["as_of"]) if row else None

    def add_rate(self, rate: Rate) -> None:
        """Keep a rate as it was fetched or set."""
        row = {
            "pair": PAIR,
            "rate": rate.eth_price_inr,
            "source": rate.source,
            "as_of": rate.as_of,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD_RATE, row)

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

    def plan(self, plan_hash: str) -> Plan | None:
        """Give a recorded plan, used and expired ones too."""
        with self._database.transaction() as cursor:
            row = cursor.execute(PLAN, {"hash": plan_hash}).fetchone()
        return Plan(**{**row, "kind": Kind(row["kind"])}) if row else None

    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None:
        """Bind a plan to what executes it; Refused when it is used already or unknown."""
        used = {"hash": plan_hash, "transaction_id": transaction_id}
        with self._database.transaction() as cursor:
            if not cursor.execute(USE_PLAN, used).rowcount:
                raise Refused(
                    f"The plan {plan_hash} was executed before, or never recorded",
                    hint="Make a new plan with --plan.",
                )

    def add_balance_reading(
        self,
        address: Address,
        role: str,
        chain_id: int,
        balance: Wei,
        state: str,
        block_number: int,
    ) -> None:
        """Keep what a balance check found."""
        reading = {
            "address": address,
            "role": role,
            "chain_id": chain_id,
            "balance_wei": balance,
            "state": state,
            "block_number": block_number,
        }
        with self._database.transaction() as cursor:
            cursor.execute(ADD_BALANCE_READING, reading)

    def log(
        self,
        actor: str,
        command: str,
        arguments: Mapping[str, object],
        transaction_id: UUID | None,
    ) -> None:
        """Add to the operators' log, which only ever grows."""
        entry = {
            "actor": actor,
            "command": command,
            "arguments": as_jsonb(arguments),
            "transaction_id": transaction_id,
        }
        with self._database.transaction() as cursor:
            cursor.execute(LOG, entry)
