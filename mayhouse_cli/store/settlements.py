"""What completions and cancellations paid, line by line, and the rates that value it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from mayhouse_cli.models import Cost, SettlementLine, Transaction
from mayhouse_cli.money import Wei, plain
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.rates import PAIR

# A transaction that is confirmed again after a reorg settles again, into the same lines.
ADD: Final = """
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

LINES: Final = """
    SELECT line, party, amount_wei, booking_id, chain_booking_id, party_id, amount_inr
    FROM mayhouse.settlements
    WHERE transaction_id = %(transaction_id)s
    ORDER BY id
"""

TAKE_BACK: Final = """
    DELETE FROM mayhouse.settlements AS line
    WHERE transaction_id = %(transaction_id)s
      AND NOT EXISTS (SELECT FROM mayhouse.payables WHERE settlement_id = line.id)
"""

SETTLED_BETWEEN: Final = """
    SELECT id FROM mayhouse.transactions
    WHERE kind IN ('complete_event', 'cancel_event') AND status = 'confirmed'
      AND finished_at >= %(start)s AND finished_at < %(end)s
    ORDER BY finished_at, id
"""

# Of another number of seats, or at another price, a quote says nothing of this booking.
QUOTED_RATE: Final = """
    SELECT eth_price_inr FROM mayhouse.quotes
    WHERE chain_event_id = %(chain_event_id)s AND seats = %(seats)s
      AND payment_wei = %(payment_wei)s AND stake_wei = %(stake_wei)s
    ORDER BY quoted_at DESC
    LIMIT 1
"""

RATE_AT: Final = """
    SELECT rate AS eth_price_inr FROM mayhouse.rates
    WHERE pair = %(pair)s AND fetched_at <= %(moment)s
    ORDER BY as_of DESC, id DESC
    LIMIT 1
"""

FEES_EARNED: Final = """
    SELECT coalesce(sum(line.amount_wei), 0) AS earned
    FROM mayhouse.settlements AS line
    JOIN mayhouse.transactions AS made ON made.id = line.transaction_id
    WHERE line.line = 'platform_fee' AND made.kind = 'complete_event'
      AND made.status = 'confirmed' AND made.block_number <= %(until_block)s
"""


class PostgresSettlements:
    """The port Settlements on `mayhouse.settlements`, `quotes` and `rates`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        """Keep the lines, in place of what was kept of this transaction before."""
        with self._database.transaction() as cursor:
            cursor.execute(TAKE_BACK, {"transaction_id": transaction.id})
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
                cursor.execute(ADD, row)

    def lines(self, transaction_id: UUID) -> Sequence[SettlementLine]:
        """Give the lines of a settlement in the order they were added."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(LINES, {"transaction_id": transaction_id}).fetchall()
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

    def fees_earned(self, until_block: int) -> Wei:
        """Add up the fees of completions that stand in blocks up to this one."""
        with self._database.transaction() as cursor:
            (row,) = cursor.execute(FEES_EARNED, {"until_block": until_block}).fetchall()
        return Wei(int(row["earned"]))

    def take_back(self, transaction_id: UUID) -> None:
        """Forget the lines that no payable rests on."""
        with self._database.transaction() as cursor:
            cursor.execute(TAKE_BACK, {"transaction_id": transaction_id})

    def settled_between(self, start: datetime, end: datetime) -> Sequence[UUID]:
        """Give the ends confirmed from `start` on and before `end`, oldest first."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(SETTLED_BETWEEN, {"start": start, "end": end}).fetchall()
        return [row["id"] for row in rows]

    def quoted_rate(self, chain_event_id: int, seats: int, cost: Cost) -> Decimal | None:
        """Give the rate of the newest quote that was for just these seats and amounts."""
        booking = {
            "chain_event_id": chain_event_id,
            "seats": seats,
            "payment_wei": cost.payment,
            "stake_wei": cost.stake,
        }
        with self._database.transaction() as cursor:
            row = cursor.execute(QUOTED_RATE, booking).fetchone()
        return plain(row["eth_price_inr"]) if row else None

    def rate_at(self, moment: datetime) -> Decimal | None:
        """Give the newest rate that was stored by then."""
        with self._database.transaction() as cursor:
            row = cursor.execute(RATE_AT, {"pair": PAIR, "moment": moment}).fetchone()
        return plain(row["eth_price_inr"]) if row else None
