"""The journal in Postgres: every intent and every signed attempt, written before it is sent."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString, TypeAlias
from uuid import UUID, uuid4

from psycopg.rows import DictRow

from mayhouse_cli.errors import ConfigurationError, NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    Hash,
    Intent,
    Kind,
    Pin,
    Receipt,
    SignedPayload,
    Status,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.store import journal_rows, journal_sql
from mayhouse_cli.store.journal_batches import JournalBatches

Values: TypeAlias = Mapping[str, Any]

LEAST_BEGINNING: Final = 4  # characters; less would match by chance
MOST_NAMED: Final = 5  # transactions named when a beginning fits several
_BEGINNING: Final = re.compile(r"(0x)?[0-9a-f-]+", re.ASCII)
_LIST_HINT: Final = "`mayhouse tx list` shows the recorded ones."


class PostgresJournal(JournalBatches):
    """The port Journal on the tables `mayhouse.transactions` and `mayhouse.attempts`."""

    def lock(self, chain_id: int, sender: Address) -> None:
        """Wait for other processes that allocate a nonce of this sender."""
        self._run(journal_sql.LOCK, {"key": journal_rows.lock_key(chain_id, sender)})

    def pin(self, pin: Pin) -> Pin:
        """Bind the database at first use, and give what it is bound to."""
        values = {
            "chain_id": pin.chain_id,
            "genesis_hash": pin.genesis_hash,
            "contract": pin.contract,
            "sender": pin.sender,
        }
        with self._database.transaction():
            self._run(journal_sql.PIN, values)
            pinned = self.pinned()
        if pinned is None:
            raise ConfigurationError(
                "The one row of mayhouse.installation is missing",
                hint="Put it back: INSERT INTO mayhouse.installation DEFAULT VALUES",
            )
        return pinned

    def pinned(self) -> Pin | None:
        """Give what the database is bound to, if it is yet."""
        row = self._one(journal_sql.PINNED)
        return journal_rows.pin(row) if row else None

    def next_nonce(self, chain_id: int, sender: Address, pending_count: int) -> int:
        """Give the lowest free nonce; only under `lock` is it still free afterwards."""
        row = self._one(
            journal_sql.NEXT_NONCE,
            {"chain_id": chain_id, "sender": sender, "pending_count": pending_count},
        )
        return int(row["nonce"]) if row else pending_count

    def nonces_from_outside(
        self, chain_id: int, sender: Address, used_nonces: int
    ) -> Sequence[int]:
        """Find nonces used since our first transaction that none of ours has."""
        values = {"chain_id": chain_id, "sender": sender, "used_nonces": used_nonces}
        with self._database.transaction() as cursor:
            rows = cursor.execute(journal_sql.NONCES_FROM_OUTSIDE, values).fetchall()
        return tuple(row["nonce"] for row in rows)

    def latest(self, intent: Intent) -> Transaction | None:
        """Find this intent's transaction by key or row: one that lives, else the newest."""
        found = self._transactions(
            journal_sql.LATEST, {"key": intent.key, **journal_rows.subject_values(intent)}
        )
        return found[0] if found else None

    def same_arguments(self, intent: Intent) -> Transaction | None:
        """Find an unfinished transaction of another intent that asks for the very same."""
        wanted = {
            "key": intent.key,
            "kind": intent.kind,
            "arguments": journal_rows.as_jsonb(intent.arguments),
        }
        found = self._transactions(journal_sql.SAME_ARGUMENTS, wanted)
        return found[0] if found else None

    def insert(
        self,
        intent: Intent,
        signed: SignedPayload,
        generation: int,
        sender: Address,
        contract: Address,
        actor: str,
    ) -> Transaction:
        """Record intent and first attempt; Refused when its key or nonce is taken."""
        record = {
            **journal_rows.intent_values(intent),
            **journal_rows.signed_values(signed),
            "id": uuid4(),
            "generation": generation,
            "sender": sender,
            "contract": contract,
            "actor": actor,
            "number": 1,
            "purpose": "original",
        }
        with self._database.transaction():
            self._run(journal_sql.INSERT_TRANSACTION, record)
            self._run(journal_sql.INSERT_ATTEMPT, record)
            return self.get(record["id"])

    def add_attempt(self, transaction_id: UUID, signed: SignedPayload, purpose: str) -> Transaction:
        """Record a further version; the transaction is known by its hash from then on."""
        with self._database.transaction():
            known = self.get_locked(transaction_id)
            values = {
                **journal_rows.signed_values(signed),
                "id": transaction_id,
                "number": known.newest.number + 1,
                "purpose": purpose,
            }
            self._run(journal_sql.INSERT_ATTEMPT, values)
            self._run(journal_sql.RENAME, values)
            return self.get(transaction_id)

    def mark_attempt(self, tx_hash: Hash, outcome: AttemptOutcome, error: str | None) -> None:
        """Keep the node's answer; a rejection never hides that the bytes may have left before."""
        self._run(
            journal_sql.MARK_ATTEMPT, {"tx_hash": tx_hash, "outcome": outcome, "error": error}
        )

    def mark_sent(self, transaction_id: UUID) -> None:
        """Keep that the bytes have left, or may have."""
        self._run(journal_sql.MARK_SENT, {"id": transaction_id})

    def mark_mined(self, transaction_id: UUID, receipt: Receipt, error: str | None) -> None:
        """Keep a receipt that is not deep enough yet; a finished transaction stays as it is."""
        self._run(
            journal_sql.MARK_MINED,
            {"id": transaction_id, "error": error, **journal_rows.receipt_values(receipt)},
        )

    def mark_pending_again(self, transaction_id: UUID) -> None:
        """Forget the receipt: back to sent, under the newest attempt's hash."""
        with self._database.transaction():
            self._run(journal_sql.MARK_PENDING_AGAIN, {"id": transaction_id})
            self._run(journal_sql.REOPEN_ATTEMPTS, {"id": transaction_id})

    def finish(
        self,
        transaction_id: UUID,
        status: Status,
        receipt: Receipt | None,
        chain_object_id: int | None,
        error: str | None,
    ) -> None:
        """Keep the end; Refused when another process has recorded a different one."""
        end = {
            "id": transaction_id,
            "status": status,
            "chain_object_id": chain_object_id,
            "error": error,
            "outcome": journal_rows.contract_events(receipt.events if receipt else ()),
            **journal_rows.receipt_values(receipt),
        }
        with self._database.transaction() as cursor:
            if not cursor.execute(journal_sql.FINISH, end).rowcount:
                recorded = self.get(transaction_id)
                raise Refused(
                    f"Transaction {transaction_id} ended as {recorded.status} before: "
                    f"it is not {status}",
                    hint=f"Look at it: mayhouse tx show {transaction_id}",
                )
            if receipt is not None:
                self._run(
                    journal_sql.FINISH_ATTEMPTS, {"id": transaction_id, "tx_hash": receipt.tx_hash}
                )

    def get(self, transaction_id: UUID) -> Transaction:
        """Give one transaction with its attempts; NotFound otherwise."""
        return self._known(journal_sql.GET, transaction_id)

    def get_locked(self, transaction_id: UUID) -> Transaction:
        """Give the same, held against other processes until the open transaction ends."""
        return self._known(journal_sql.GET_LOCKED, transaction_id)

    def holder(self, kind: Kind, chain_object_id: int) -> Transaction | None:
        """Find the confirmed transaction that an on-chain number is recorded for."""
        found = self._transactions(
            journal_sql.HOLDER, {"kind": kind, "chain_object_id": chain_object_id}
        )
        return found[0] if found else None

    def find(self, beginning: str) -> Transaction:
        """Give the one transaction whose id (dashes optional) or hash (0x optional) begins so."""
        text = beginning.strip().lower()
        if len(text) < LEAST_BEGINNING:
            raise WrongUsage(
                f"Too short to name a transaction: {beginning}",
                hint=f"Give at least {LEAST_BEGINNING} characters of its id or hash.",
            )
        found: Sequence[Transaction] = ()
        if _BEGINNING.fullmatch(text):  # nothing else begins an id or hash
            found = self._named(text.replace("-", ""), text)
            if not found and not text.startswith("0x"):
                found = self._named(text, f"0x{text}")
        if not found:
            raise self._unknown(beginning, text)
        if len(found) > 1:
            raise _ambiguous(beginning, found)
        return found[0]

    def _unknown(self, beginning: str, text: str) -> NotFound:
        """Name those that begin as the first characters do: the typing error is after them."""
        near = text[: LEAST_BEGINNING + (2 if text.startswith("0x") else 0)]
        found = self._named(near, near) if _BEGINNING.fullmatch(near) else ()
        hint = _LIST_HINT
        if 0 < len(found) <= MOST_NAMED and near != text:
            hint = f"Did you mean {' or '.join(_as_typed(one, text) for one in found)}?"
        return NotFound(f"No transaction's id or hash begins with {beginning}", hint=hint)

    def _named(self, beginning: str, hash_beginning: str) -> Sequence[Transaction]:
        named = {"id": beginning, "tx_hash": hash_beginning, "limit": MOST_NAMED + 1}
        return self._transactions(journal_sql.FIND, named)

    def knows(self, tx_hash: Hash) -> bool:
        """Whether these very bytes were recorded before."""
        return self._one(journal_sql.KNOWS, {"tx_hash": tx_hash}) is not None

    def list(self, wanted: TransactionFilter) -> Sequence[Transaction]:
        """Give the wanted transactions, newest first; an event by either of its numbers."""
        return self._transactions(
            journal_sql.LIST,
            {
                "unfinished": wanted.unfinished,
                "event_id": wanted.event_id,
                "chain_event_id": wanted.chain_event_id,
                "sender": wanted.sender,
                "limit": wanted.limit,
            },
        )

    def unfinished_of_event(
        self, event_id: UUID | None, chain_event_id: int | None
    ) -> Sequence[Transaction]:
        """Give what is still open on an event, its bookings included."""
        if event_id is None and chain_event_id is None:
            return ()
        return self._transactions(
            journal_sql.LIST,
            {
                "unfinished": True,
                "event_id": event_id,
                "chain_event_id": chain_event_id,
                "sender": None,
                "limit": None,
            },
        )

    def spent_since(self, sender: Address, since: datetime) -> Wei:
        """Add up what was sent along since then and happened or still may."""
        row = self._one(journal_sql.SPENT_SINCE, {"sender": sender, "since": since})
        return Wei(int(row["spent"])) if row else Wei(0)

    def senders(self) -> Sequence[Address]:
        """Give every wallet that has ever signed."""
        with self._database.transaction() as cursor:
            return [Address(row["sender"]) for row in cursor.execute(journal_sql.SENDERS)]

    def _known(self, query: LiteralString, transaction_id: UUID) -> Transaction:
        found = self._transactions(query, {"id": transaction_id})
        if not found:
            raise NotFound(f"No transaction {transaction_id} is recorded", hint=_LIST_HINT)
        return found[0]

    def _transactions(self, query: LiteralString, values: Values) -> Sequence[Transaction]:
        with self._database.transaction() as cursor:
            return self._with_attempts(cursor.execute(query, values).fetchall())

    def _one(self, query: LiteralString, values: Values | None = None) -> DictRow | None:
        with self._database.transaction() as cursor:
            return cursor.execute(query, values).fetchone()

    def _run(self, query: LiteralString, values: Values) -> None:
        with self._database.transaction() as cursor:
            cursor.execute(query, values)


def _as_typed(found: Transaction, text: str) -> str:
    """The name of the kind that was typed: an id or a hash."""
    return found.tx_hash if text.startswith("0x") else str(found.id)


def _ambiguous(beginning: str, found: Sequence[Transaction]) -> NotFound:
    named = ", ".join(str(each.id) for each in found[:MOST_NAMED])
    more = " and more" if len(found) > MOST_NAMED else ""
    return NotFound(
        f"Several transactions begin with {beginning}: {named}{more}",
        hint="Give more of the id or hash.",
    )
