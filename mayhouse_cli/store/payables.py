"""What is owed to hosts and travelers, and what paid it: each at most once."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from mayhouse_cli.errors import NotFound, WrongUsage
from mayhouse_cli.models import (
    Payable,
    PayableFilter,
    PayableKind,
    SettlementLine,
    Standing,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.events import person

LEAST_BEGINNING: Final = 4  # characters; less would match by chance
_BEGINNING: Final = re.compile(r"[0-9a-f-]+", re.ASCII)
_LIST_HINT: Final = "`mayhouse payout list` shows them."

# A payable that is paid, or being paid, keeps the amount and payee it had: what differs from
# its line then is for the audit to tell.
ADD: Final = """
    INSERT INTO mayhouse.payables AS known
        (settlement_id, event_id, booking_id, payee_id, kind, amount_wei, amount_inr)
    SELECT id, event_id, booking_id, party_id,
           CASE line WHEN 'stake_returned' THEN 'stake_return' ELSE line END,
           amount_wei, amount_inr
    FROM mayhouse.settlements
    WHERE transaction_id = %(transaction_id)s AND line = %(line)s
      AND chain_booking_id IS NOT DISTINCT FROM %(chain_booking_id)s::bigint
    ON CONFLICT ON CONSTRAINT payables_one_per_line DO UPDATE SET undone_at = NULL
"""

LOCK_SETTLED: Final = """
    SELECT payable.id
    FROM mayhouse.payables AS payable
    JOIN mayhouse.settlements AS line ON line.id = payable.settlement_id
    WHERE line.transaction_id = %(transaction_id)s
    ORDER BY payable.id
    FOR UPDATE OF payable
"""

# Under the lock, so that no transfer is recorded between the look and the deletion.
TAKE_BACK: Final = """
    WITH untouched AS (
        DELETE FROM mayhouse.payables AS payable
        USING mayhouse.settlements AS line
        WHERE line.id = payable.settlement_id AND line.transaction_id = %(transaction_id)s
          AND payable.status = 'owed' AND NOT EXISTS (
            SELECT FROM mayhouse.transactions AS transfer
            WHERE transfer.intent_key = 'payable:' || payable.id
              AND transfer.status NOT IN ('reverted', 'replaced', 'cancelled', 'failed'))
        RETURNING payable.id
    )
    UPDATE mayhouse.payables AS payable SET undone_at = now()
    FROM mayhouse.settlements AS line
    WHERE line.id = payable.settlement_id AND line.transaction_id = %(transaction_id)s
      AND payable.id NOT IN (SELECT id FROM untouched)
"""

# At most one transfer of a payable may still happen or has happened: an index holds that.
PAYABLES: Final = """
    SELECT * FROM (
        SELECT payable.*, line.chain_event_id, line.chain_booking_id, line.transaction_id,
               line.amount_wei AS settled_wei, line.party_id AS settled_party_id,
               payee.id AS person_id, payee.full_name, payee.username, payee.wallet_address,
               transfer.id AS transfer_id, transfer.tx_hash,
               CASE WHEN payable.status = 'paid' THEN 'paid'
                    WHEN transfer.id IS NOT NULL THEN 'sending'
                    WHEN payable.undone_at IS NOT NULL THEN 'withdrawn'
                    ELSE 'owed' END AS standing
        FROM mayhouse.payables AS payable
        JOIN mayhouse.settlements AS line ON line.id = payable.settlement_id
        LEFT JOIN public.users AS payee ON payee.id = payable.payee_id
        LEFT JOIN mayhouse.transactions AS transfer
            ON transfer.intent_key = 'payable:' || payable.id
           AND transfer.status NOT IN ('reverted', 'replaced', 'cancelled', 'failed')
    ) AS payable
    WHERE (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
      AND (%(beginning)s::text IS NULL
           OR starts_with(replace(id::text, '-', ''), %(beginning)s::text))
      AND (%(standings)s::text[] IS NULL OR standing = ANY(%(standings)s::text[]))
      AND (%(event_id)s::uuid IS NULL AND %(chain_event_id)s::numeric IS NULL
           OR event_id = %(event_id)s::uuid
           OR event_id IS NULL AND chain_event_id = %(chain_event_id)s::numeric)
      AND (%(settlement_of)s::uuid IS NULL OR transaction_id = %(settlement_of)s::uuid)
      AND (%(payee_id)s::uuid IS NULL OR payee_id = %(payee_id)s::uuid)
      AND (%(reference)s::text IS NULL OR paid_reference = %(reference)s::text)
    ORDER BY created_at, kind, chain_booking_id, id
"""

LOCK: Final = "SELECT id FROM mayhouse.payables WHERE id = %(id)s FOR UPDATE"

# The chain has spoken: what was marked by hand meanwhile stays beside it, and is paid twice.
MARK_PAID: Final = """
    UPDATE mayhouse.payables
    SET status = 'paid', paid_transaction_id = %(transaction_id)s,
        paid_at = coalesce(paid_at, now()), paid_by = coalesce(paid_by, %(actor)s)
    WHERE id = %(id)s AND paid_transaction_id IS DISTINCT FROM %(transaction_id)s
"""

MARK_PAID_OUTSIDE: Final = """
    UPDATE mayhouse.payables
    SET status = 'paid', paid_reference = %(reference)s, paid_at = now(), paid_by = %(actor)s
    WHERE id = %(id)s AND status = 'owed'
"""

UNMARK: Final = """
    UPDATE mayhouse.payables
    SET status = CASE WHEN paid_transaction_id IS NULL THEN 'owed' ELSE 'paid' END,
        paid_reference = NULL,
        paid_at = CASE WHEN paid_transaction_id IS NULL THEN NULL ELSE paid_at END,
        paid_by = CASE WHEN paid_transaction_id IS NULL THEN NULL ELSE paid_by END
    WHERE id = %(id)s AND paid_reference IS NOT NULL
"""

MARK_UNPAID: Final = """
    UPDATE mayhouse.payables
    SET status = CASE WHEN paid_reference IS NULL THEN 'owed' ELSE 'paid' END,
        paid_transaction_id = NULL,
        paid_at = CASE WHEN paid_reference IS NULL THEN NULL ELSE paid_at END,
        paid_by = CASE WHEN paid_reference IS NULL THEN NULL ELSE paid_by END
    WHERE id = %(id)s AND paid_transaction_id = %(transaction_id)s
"""


class PostgresPayables:
    """The port Payables on `mayhouse.payables`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        """Owe these lines; NotFound when one was never added to the settlement."""
        with self._database.transaction() as cursor:
            for line in lines:
                named = {
                    "transaction_id": transaction.id,
                    "line": line.line,
                    "chain_booking_id": line.chain_booking_id,
                }
                if not cursor.execute(ADD, named).rowcount:
                    raise NotFound(f"The settlement of {transaction.id} has no such line: {line}")

    def take_back(self, transaction_id: UUID) -> None:
        """Withdraw what is unpaid; keep, as undone, what is paid or may be on its way."""
        settled = {"transaction_id": transaction_id}
        with self._database.transaction():
            self._run(LOCK_SETTLED, settled)
            self._run(TAKE_BACK, settled)

    def list(self, wanted: PayableFilter) -> Sequence[Payable]:
        """Give the wanted payables, oldest first."""
        standings = wanted.standings
        return self._payables(
            standings=None if standings is None else [one.value for one in standings],
            event_id=wanted.event_id,
            chain_event_id=wanted.chain_event_id,
            settlement_of=wanted.settlement_of,
            payee_id=wanted.payee_id,
            reference=wanted.reference,
        )

    def get(self, payable_id: UUID) -> Payable | None:
        """Give one payable, if it is there."""
        return next(iter(self._payables(id=payable_id)), None)

    def get_locked(self, payable_id: UUID) -> Payable | None:
        """Lock first and read then: only a statement begun under the lock sees what led to it."""
        self._run(LOCK, {"id": payable_id})
        return self.get(payable_id)

    def find(self, beginning: str) -> Payable:
        """Give the one payable whose id (dashes optional) begins so."""
        text = beginning.strip().lower()
        if len(text) < LEAST_BEGINNING:
            raise WrongUsage(
                f"Too short to name a payable: {beginning}",
                hint=f"Give at least {LEAST_BEGINNING} characters of its id.",
            )
        found: Sequence[Payable] = ()
        if _BEGINNING.fullmatch(text):
            found = self._payables(beginning=text.replace("-", ""))
        if len(found) != 1:
            several = f"Several payables begin with {beginning}"
            raise NotFound(
                several if found else f"No payable's id begins with {beginning}", hint=_LIST_HINT
            )
        return found[0]

    def mark_paid(self, payable_id: UUID, transaction: Transaction) -> None:
        """Keep the confirmed transfer that paid it."""
        paid = {"id": payable_id, "transaction_id": transaction.id, "actor": transaction.actor}
        self._run(MARK_PAID, paid)

    def mark_paid_outside(self, payable_id: UUID, reference: str, actor: str) -> None:
        """Keep what paid it outside the chain."""
        self._run(MARK_PAID_OUTSIDE, {"id": payable_id, "reference": reference, "actor": actor})

    def unmark(self, payable_id: UUID) -> None:
        """Forget what paid it outside the chain; a transfer that paid it too stays."""
        self._run(UNMARK, {"id": payable_id})

    def mark_unpaid(self, payable_id: UUID, transaction_id: UUID) -> None:
        """Keep that the transfer which had paid it is no longer on chain."""
        self._run(MARK_UNPAID, {"id": payable_id, "transaction_id": transaction_id})

    def _run(self, query: LiteralString, values: Mapping[str, Any]) -> None:
        with self._database.transaction() as cursor:
            cursor.execute(query, values)

    def _payables(self, **wanted: Any) -> Sequence[Payable]:  # noqa: ANN401 each its own type
        names = ("id", "beginning", "standings", "event_id", "chain_event_id")
        values = dict.fromkeys((*names, "settlement_of", "payee_id", "reference")) | wanted
        with self._database.transaction() as cursor:
            return [_payable(row) for row in cursor.execute(PAYABLES, values)]


def _payable(row: Mapping[str, Any]) -> Payable:
    booking = row["chain_booking_id"]
    return Payable(
        id=row["id"],
        kind=PayableKind(row["kind"]),
        event_id=row["event_id"],
        chain_event_id=int(row["chain_event_id"]),
        booking_id=row["booking_id"],
        chain_booking_id=None if booking is None else int(booking),
        payee_id=row["payee_id"],
        payee=person(row) if row["person_id"] else None,
        amount=Wei(int(row["amount_wei"])),
        amount_inr=row["amount_inr"],
        standing=Standing(row["standing"]),
        transfer_id=row["transfer_id"],
        tx_hash=row["tx_hash"],
        reference=row["paid_reference"],
        paid_at=row["paid_at"],
        paid_by=row["paid_by"],
        undone_at=row["undone_at"],
        created_at=row["created_at"],
        settled_amount=Wei(int(row["settled_wei"])),
        settled_payee_id=row["settled_party_id"],
    )
