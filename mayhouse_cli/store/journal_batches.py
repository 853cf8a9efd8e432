"""The journal for many transactions at once: what a window of them costs is a few round trips."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, LiteralString, TypeAlias
from uuid import UUID, uuid4

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    Hash,
    Intent,
    Kind,
    NewTransaction,
    Receipt,
    Status,
    Transaction,
)
from mayhouse_cli.store import journal_rows, journal_sql
from mayhouse_cli.store.database import Database

Rows: TypeAlias = Sequence[Mapping[str, Any]]

# As LATEST, for many intents of one kind: by their keys, or by the rows they are for.
LATEST_ALL: Final = """
    WITH wanted AS (
        SELECT * FROM unnest(%(keys)s::text[], %(row_ids)s::uuid[]) AS w (wanted_key, row_id)
    ), found AS (
        SELECT wanted.wanted_key, one.*
        FROM wanted JOIN mayhouse.transactions AS one ON one.intent_key = wanted.wanted_key
        UNION ALL
        SELECT wanted.wanted_key, one.*
        FROM wanted JOIN mayhouse.transactions AS one
          ON wanted.row_id = CASE one.kind
                WHEN 'book_event' THEN one.booking_id
                WHEN 'create_event' THEN one.event_id END
        WHERE one.kind = %(kind)s
    )
    SELECT DISTINCT ON (wanted_key) *
    FROM found
    ORDER BY wanted_key, status IN ('signed', 'sent', 'mined', 'confirmed') DESC,
             intent_key = wanted_key DESC, created_at DESC, generation DESC
"""

# As NEXT_NONCE: among so many more candidates than are held there are as many free ones.
FREE_NONCES: Final = """
    WITH held AS (
        SELECT nonce FROM mayhouse.transactions
        WHERE chain_id = %(chain_id)s AND sender = %(sender)s AND status <> 'failed'
          AND nonce >= %(pending_count)s
    )
    SELECT candidate AS nonce
    FROM generate_series(
        %(pending_count)s::bigint,
        %(pending_count)s::bigint + %(count)s::bigint + (SELECT count(*) FROM held)) AS candidate
    WHERE candidate NOT IN (SELECT nonce FROM held)
    ORDER BY candidate
    LIMIT %(count)s
"""

KNOWN: Final = "SELECT tx_hash FROM mayhouse.attempts WHERE tx_hash = ANY(%(hashes)s)"

GET_ALL: Final = "SELECT * FROM mayhouse.transactions WHERE id = ANY(%(ids)s) ORDER BY nonce"

# In one order for everybody: two processes that lock the same ones do not wait for each other.
GET_ALL_LOCKED: Final = """
    SELECT * FROM mayhouse.transactions WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE
"""

HELD_NUMBERS: Final = """
    SELECT chain_object_id AS number FROM mayhouse.transactions
    WHERE kind = %(kind)s AND status = 'confirmed' AND chain_object_id = ANY(%(numbers)s)
"""

CREATIONS: Final = """
    SELECT DISTINCT ON (event_id) * FROM mayhouse.transactions
    WHERE kind = 'create_event' AND event_id = ANY(%(event_ids)s)
    ORDER BY event_id, created_at DESC, nonce DESC
"""


class JournalBatches:
    """The part of the port Journal that works on many transactions in a few statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest_all(self, intents: Sequence[Intent]) -> Mapping[str, Transaction]:
        """Find the transaction of each intent, all of one kind, by the intent's key."""
        if not intents:
            return {}
        kind = intents[0].kind
        row_ids = [one.booking_id if kind is Kind.BOOK_EVENT else one.event_id for one in intents]
        values = {"keys": [one.key for one in intents], "row_ids": row_ids, "kind": kind}
        with self._database.transaction() as cursor:
            rows = cursor.execute(LATEST_ALL, values).fetchall()
            found = self._with_attempts(rows)
        return {row["wanted_key"]: one for row, one in zip(rows, found, strict=True)}

    def free_nonces(
        self, chain_id: int, sender: Address, pending_count: int, count: int
    ) -> Sequence[int]:
        """Give the lowest free nonces; only under `lock` are they still free afterwards."""
        values = {
            "chain_id": chain_id,
            "sender": sender,
            "pending_count": pending_count,
            "count": count,
        }
        with self._database.transaction() as cursor:
            return [row["nonce"] for row in cursor.execute(FREE_NONCES, values)]

    def known(self, hashes: Sequence[Hash]) -> frozenset[Hash]:
        """Find out which of these bytes were recorded before."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(KNOWN, {"hashes": [*hashes]})
            return frozenset(Hash(row["tx_hash"]) for row in rows)

    def insert_all(
        self, new: Sequence[NewTransaction], sender: Address, contract: Address, actor: str
    ) -> Sequence[Transaction]:
        """Record intents and their first attempts; Refused when a key or nonce is taken."""
        records = [
            {
                **journal_rows.intent_values(one.intent),
                **journal_rows.signed_values(one.signed),
                "id": uuid4(),
                "generation": one.generation,
                "sender": sender,
                "contract": contract,
                "actor": actor,
                "number": 1,
                "purpose": "original",
            }
            for one in new
        ]
        with self._database.transaction():
            self._run_all(journal_sql.INSERT_TRANSACTION, records)
            self._run_all(journal_sql.INSERT_ATTEMPT, records)
            return self.get_all([record["id"] for record in records])

    def keep_answers(
        self, answers: Iterable[tuple[Transaction, AttemptOutcome, str | None]]
    ) -> None:
        """Keep what the nodes said to the newest bytes of each: they have left, or may have."""
        values = [
            {"id": one.id, "tx_hash": one.newest.tx_hash, "outcome": outcome, "error": error}
            for one, outcome, error in answers
        ]
        with self._database.transaction():
            self._run_all(journal_sql.MARK_ATTEMPT, values)
            self._run_all(journal_sql.MARK_SENT, values)

    def mark_mined_all(self, mined: Iterable[tuple[Transaction, Receipt]]) -> None:
        """Keep receipts that are not deep enough yet."""
        values = [
            {"id": one.id, "error": None, **journal_rows.receipt_values(receipt)}
            for one, receipt in mined
        ]
        self._run_all(journal_sql.MARK_MINED, values)

    def confirm_all(self, ends: Sequence[tuple[Transaction, Receipt, int]]) -> None:
        """Keep that these are confirmed, with the numbers they made; the caller holds them."""
        values = [
            {
                "id": one.id,
                "status": Status.CONFIRMED,
                "chain_object_id": number,
                "error": None,
                "outcome": journal_rows.contract_events(receipt.events),
                **journal_rows.receipt_values(receipt),
            }
            for one, receipt, number in ends
        ]
        with self._database.transaction():
            if self._run_all(journal_sql.FINISH, values) != len(values):
                raise Refused(
                    "One of the transactions ended otherwise before",
                    hint="`mayhouse tx list` shows how each ended.",
                )
            self._run_all(journal_sql.FINISH_ATTEMPTS, values)

    def get_all(self, ids: Sequence[UUID]) -> Sequence[Transaction]:
        """Give those that there are, the lowest nonce first."""
        return self._found(GET_ALL, {"ids": [*ids]})

    def get_all_locked(self, ids: Sequence[UUID]) -> Sequence[Transaction]:
        """Give the same, held against other processes until the open transaction ends."""
        found = self._found(GET_ALL_LOCKED, {"ids": [*ids]})
        return sorted(found, key=lambda one: one.nonce)

    def held_numbers(self, kind: Kind, numbers: Sequence[int]) -> frozenset[int]:
        """Find out which on-chain numbers a confirmed transaction is recorded for."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(HELD_NUMBERS, {"kind": kind, "numbers": [*numbers]})
            return frozenset(row["number"] for row in rows)

    def creations(self, event_ids: Sequence[UUID]) -> Mapping[UUID, Transaction]:
        """Give the newest creation of each event that has one."""
        found = self._found(CREATIONS, {"event_ids": [*event_ids]})
        return {one.event_id: one for one in found if one.event_id is not None}

    def _found(self, query: LiteralString, values: Mapping[str, Any]) -> Sequence[Transaction]:
        with self._database.transaction() as cursor:
            return self._with_attempts(cursor.execute(query, values).fetchall())

    def _with_attempts(self, rows: Rows) -> list[Transaction]:
        """Make the records of rows; the attempts of all of them come in one answer."""
        attempts: dict[UUID, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
        with self._database.transaction() as cursor:
            for attempt in cursor.execute(journal_sql.ATTEMPTS, {"ids": [*attempts]}):
                attempts[attempt["transaction_id"]].append(attempt)
        return [journal_rows.transaction(row, attempts[row["id"]]) for row in rows]

    def _run_all(self, query: LiteralString, values: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement for each; gives how many rows they changed in all."""
        if not values:
            return 0
        with self._database.transaction() as cursor:
            cursor.executemany(query, values)
            return cursor.rowcount
