"""The platform's event runs, experiences and hosts, read and written by known columns only.

The tables are the platform's, and columns this tool does not know are left alone. A status
may be an enum or plain text there, depending on how much of the platform's own migration was
applied: it is read as `::text` and written as a parameter or literal without a type.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import NotFound, WrongUsage
from mayhouse_cli.models import (
    Address,
    EventRow,
    ExperienceRow,
    Hash,
    NewEvent,
    Person,
    parse_address,
)
from mayhouse_cli.store.database import Database

# A start that the platform keeps without a time zone is taken as UTC, the session's own.
EVENTS: Final = """
    SELECT run.id, run.start_datetime::timestamptz AS starts_at,
           run.end_datetime::timestamptz AS ends_at, run.max_capacity AS seats,
           run.special_pricing_inr, run.status::text AS status,
           coalesce(run.blockchain_status::text, 'pending') AS blockchain_status,
           run.blockchain_event_run_id AS chain_event_id, run.blockchain_tx_hash AS tx_hash,
           experience.id AS experience_id, experience.title, experience.price_inr,
           experience.status::text AS experience_status,
           host.id AS person_id, host.full_name, host.username, host.wallet_address
    FROM public.event_runs AS run
    JOIN public.experiences AS experience ON experience.id = run.experience_id
    JOIN public.users AS host ON host.id = experience.host_id
    WHERE (%(id)s::uuid IS NULL OR run.id = %(id)s)
      AND (%(chain_event_id)s::numeric IS NULL
           OR run.blockchain_event_run_id = %(chain_event_id)s::numeric)
      AND (%(experience_id)s::uuid IS NULL OR run.experience_id = %(experience_id)s)
      AND (%(starts_at)s::timestamptz IS NULL
           OR run.start_datetime::timestamptz = %(starts_at)s)
    ORDER BY run.start_datetime DESC, run.id
    LIMIT %(limit)s
"""

EXPERIENCE: Final = """
    SELECT experience.id AS experience_id, experience.title, experience.price_inr,
           experience.status::text AS experience_status,
           host.id AS person_id, host.full_name, host.username, host.wallet_address
    FROM public.experiences AS experience
    JOIN public.users AS host ON host.id = experience.host_id
    WHERE experience.id = %(id)s
"""

# A special price that is the experience's own price is none.
INSERT: Final = """
    INSERT INTO public.event_runs
        (id, experience_id, start_datetime, end_datetime, max_capacity, special_pricing_inr,
         status)
    SELECT %(id)s, experience.id, %(starts_at)s, %(ends_at)s, %(seats)s,
           nullif(%(price_inr)s::numeric, experience.price_inr), 'scheduled'
    FROM public.experiences AS experience
    WHERE experience.id = %(experience_id)s
"""

SET_WALLET: Final = """
    UPDATE public.users SET wallet_address = %(wallet)s, updated_at = now() WHERE id = %(id)s
"""

# What is pending has no number: after a reorg the number can be another event's, and it is
# unique, so it is given up here before the events' confirmations write theirs.
MARK_PENDING: Final = """
    UPDATE public.event_runs
    SET blockchain_event_run_id = NULL, blockchain_tx_hash = %(tx_hash)s,
        blockchain_status = 'pending', updated_at = now()
    WHERE id = %(id)s
"""

MARK_CREATED: Final = """
    UPDATE public.event_runs
    SET blockchain_event_run_id = %(chain_event_id)s, blockchain_tx_hash = %(tx_hash)s,
        blockchain_status = 'confirmed', updated_at = now()
    WHERE id = %(id)s
"""

MARK_FAILED: Final = """
    UPDATE public.event_runs
    SET blockchain_status = 'failed', updated_at = now()
    WHERE id = %(id)s AND blockchain_event_run_id IS NULL
"""

MARK_ENDED: Final = """
    UPDATE public.event_runs SET status = %(status)s, updated_at = now() WHERE id = %(id)s
"""


class PostgresEvents:
    """The port Events on the platform's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_id(self, event_id: UUID) -> EventRow | None:
        """Give the event of a row id, if there is one."""
        return next(iter(self._events(event_id=event_id)), None)

    def by_chain_id(self, chain_event_id: int) -> EventRow | None:
        """Give the event recorded under an on-chain number, if there is one."""
        return next(iter(self._events(chain_event_id=chain_event_id)), None)

    def experience(self, experience_id: UUID) -> ExperienceRow | None:
        """Give an experience with its host, if there is one."""
        with self._database.transaction() as cursor:
            row = cursor.execute(EXPERIENCE, {"id": experience_id}).fetchone()
        return _experience(row) if row else None

    def list(self, limit: int) -> Sequence[EventRow]:
        """Give the events that start last, latest first."""
        return self._events(limit=limit)

    def starting(self, experience_id: UUID, starts_at: datetime) -> Sequence[EventRow]:
        """Give the events of an experience that start at that very time."""
        return self._events(experience_id=experience_id, starts_at=starts_at)

    def insert(self, event: NewEvent) -> None:
        """Add a scheduled run; NotFound without its experience, Refused by a constraint."""
        row = {
            "id": event.id,
            "experience_id": event.experience_id,
            "starts_at": event.starts_at,
            "ends_at": event.ends_at,
            "seats": event.seats,
            "price_inr": event.price_inr,
        }
        with self._database.transaction() as cursor:
            if not cursor.execute(INSERT, row).rowcount:
                raise NotFound(f"There is no experience {event.experience_id}")

    def set_wallet(self, user_id: UUID, wallet: Address) -> None:
        """Record where a host is paid; Refused when it is another user's wallet."""
        with self._database.transaction() as cursor:
            if not cursor.execute(SET_WALLET, {"id": user_id, "wallet": wallet}).rowcount:
                raise NotFound(f"There is no user {user_id}")

    def mark_pending(self, event_id: UUID, tx_hash: Hash) -> None:
        """Keep that its creation is recorded and not confirmed; NotFound without its row."""
        with self._database.transaction() as cursor:
            if not cursor.execute(MARK_PENDING, {"id": event_id, "tx_hash": tx_hash}).rowcount:
                raise NotFound(f"There is no event run {event_id}")

    # From here on the chain has spoken: a row that the platform has deleted meanwhile must not
    # keep the journal from recording it.

    def mark_created(self, event_id: UUID, chain_event_id: int, tx_hash: Hash) -> None:
        """Keep that its creation is confirmed, under this number."""
        confirmed = {"id": event_id, "chain_event_id": chain_event_id, "tx_hash": tx_hash}
        with self._database.transaction() as cursor:
            cursor.execute(MARK_CREATED, confirmed)

    def mark_failed(self, event_id: UUID) -> None:
        """Keep that its creation can no longer happen, unless it has a number already."""
        with self._database.transaction() as cursor:
            cursor.execute(MARK_FAILED, {"id": event_id})

    def mark_ended(self, event_id: UUID, status: str) -> None:
        """Keep that it is `completed` or `cancelled` on chain."""
        with self._database.transaction() as cursor:
            cursor.execute(MARK_ENDED, {"id": event_id, "status": status})

    def _events(
        self,
        *,
        event_id: UUID | None = None,
        chain_event_id: int | None = None,
        limit: int | None = None,
        experience_id: UUID | None = None,
        starts_at: datetime | None = None,
    ) -> Sequence[EventRow]:
        wanted = {
            "id": event_id,
            "chain_event_id": chain_event_id,
            "limit": limit,
            "experience_id": experience_id,
            "starts_at": starts_at,
        }
        with self._database.transaction() as cursor:
            return [_event(row) for row in cursor.execute(EVENTS, wanted)]


def person(row: Mapping[str, Any]) -> Person:
    """Make a host or traveler of a joined row of `users`.

    A wallet address that is mistyped there counts as none: nothing may be paid to it.
    """
    try:
        wallet = parse_address((row["wallet_address"] or "").strip())
    except WrongUsage:
        wallet = None
    return Person(
        id=row["person_id"],
        name=row["full_name"] or row["username"] or str(row["person_id"]),
        wallet=wallet,
        email=row.get("email"),
    )


def _experience(row: Mapping[str, Any]) -> ExperienceRow:
    return ExperienceRow(
        id=row["experience_id"],
        title=row["title"],
        price_inr=row["price_inr"],
        status=row["experience_status"],
        host=person(row),
    )


def _event(row: Mapping[str, Any]) -> EventRow:
    chain_event_id = row["chain_event_id"]
    return EventRow(
        id=row["id"],
        experience=_experience(row),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        seats=row["seats"],
        special_price_inr=row["special_pricing_inr"],
        status=row["status"],
        blockchain_status=row["blockchain_status"],
        chain_event_id=None if chain_event_id is None else int(chain_event_id),
        tx_hash=row["tx_hash"],
    )
