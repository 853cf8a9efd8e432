"""The platform's bookings and travelers, read and written by known columns only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import NotFound
from mayhouse_cli.models import BookingRow, Hash, NewBooking, Person
from mayhouse_cli.money import Wei
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.events import person

# The only kind of booking the platform itself makes, whatever the number of seats.
BOOKING_TYPE: Final = "solo_traveler"

BOOKINGS: Final = """
    SELECT booking.id, booking.event_run_id AS event_id, booking.traveler_count AS seats,
           booking.booking_status::text AS status,
           booking.blockchain_booking_id AS chain_booking_id,
           booking.blockchain_tx_hash AS tx_hash,
           booking.blockchain_stake_amount_wei AS stake_wei,
           traveler.id AS person_id, traveler.full_name, traveler.username,
           traveler.wallet_address, traveler.email
    FROM public.event_run_bookings AS booking
    JOIN public.users AS traveler ON traveler.id = booking.traveler_id
    WHERE (%(id)s::uuid IS NULL OR booking.id = %(id)s)
      AND (%(event_id)s::uuid IS NULL OR booking.event_run_id = %(event_id)s)
      AND (%(chain_booking_id)s::numeric IS NULL
           OR booking.blockchain_booking_id = %(chain_booking_id)s::numeric)
    ORDER BY booking.booking_created_at DESC, booking.id
    LIMIT %(limit)s
"""

BOOKINGS_BY_ID: Final = """
    SELECT booking.id, booking.event_run_id AS event_id, booking.traveler_count AS seats,
           booking.booking_status::text AS status,
           booking.blockchain_booking_id AS chain_booking_id,
           booking.blockchain_tx_hash AS tx_hash,
           booking.blockchain_stake_amount_wei AS stake_wei,
           traveler.id AS person_id, traveler.full_name, traveler.username,
           traveler.wallet_address, traveler.email
    FROM public.event_run_bookings AS booking
    JOIN public.users AS traveler ON traveler.id = booking.traveler_id
    WHERE booking.id = ANY(%(ids)s)
"""

TRAVELERS: Final = """
    SELECT id AS person_id, full_name, username, wallet_address
    FROM public.users
    WHERE id = ANY(%(ids)s)
"""

TRAVELER: Final = """
    SELECT id AS person_id, full_name, username, wallet_address
    FROM public.users
    WHERE id = %(id)s
"""

INSERT: Final = """
    INSERT INTO public.event_run_bookings
        (id, event_run_id, traveler_id, traveler_count, booking_type,
         total_experience_cost_inr, mayhouse_platform_fee_inr, host_earnings_inr,
         booking_status, booking_created_at)
    VALUES
        (%(id)s, %(event_id)s, %(traveler_id)s, %(seats)s, %(booking_type)s, %(total_inr)s,
         %(platform_fee_inr)s, %(host_earnings_inr)s, 'confirmed', now())
"""

# A row that was made by an earlier run of the same stays as it is.
INSERT_MISSING: Final = INSERT + "    ON CONFLICT (id) DO NOTHING"

# What is pending has no number: see the events' statement of the same name.
MARK_PENDING: Final = """
    UPDATE public.event_run_bookings
    SET blockchain_booking_id = NULL, blockchain_stake_amount_wei = NULL,
        blockchain_tx_hash = %(tx_hash)s
    WHERE id = %(id)s
"""

MARK_BOOKED: Final = """
    UPDATE public.event_run_bookings
    SET blockchain_booking_id = %(chain_booking_id)s, blockchain_tx_hash = %(tx_hash)s,
        blockchain_stake_amount_wei = %(stake_wei)s
    WHERE id = %(id)s
"""

# Whatever the row said before: a traveler who had cancelled at the platform and came, came.
MARK_STATUS: Final = """
    UPDATE public.event_run_bookings
    SET booking_status = %(status)s
    WHERE blockchain_booking_id = ANY(%(chain_booking_ids)s)
"""

# What somebody else has made of a row meanwhile stays.
CHANGE_STATUS: Final = """
    UPDATE public.event_run_bookings
    SET booking_status = %(now)s
    WHERE id = ANY(%(ids)s) AND booking_status::text = %(was)s
"""


class PostgresBookings:
    """The port Bookings on the platform's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_id(self, booking_id: UUID) -> BookingRow | None:
        """Give the booking of a row id, if there is one."""
        return next(iter(self._bookings(booking_id=booking_id)), None)

    def by_chain_id(self, chain_booking_id: int) -> BookingRow | None:
        """Give the booking recorded under an on-chain number, if there is one."""
        return next(iter(self._bookings(chain_booking_id=chain_booking_id)), None)

    def of_event(self, event_id: UUID) -> Sequence[BookingRow]:
        """Give all bookings of an event, newest first."""
        return self._bookings(event_id=event_id)

    def list(self, event_id: UUID | None, limit: int) -> Sequence[BookingRow]:
        """Give the newest bookings, of one event or of all."""
        return self._bookings(event_id=event_id, limit=limit)

    def traveler(self, traveler_id: UUID) -> Person | None:
        """Give a user who books, if there is one."""
        with self._database.transaction() as cursor:
            row = cursor.execute(TRAVELER, {"id": traveler_id}).fetchone()
        return person(row) if row else None

    def travelers(self, ids: Sequence[UUID]) -> Mapping[UUID, Person]:
        """Give those of these users that there are."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(TRAVELERS, {"ids": [*ids]}).fetchall()
        return {row["person_id"]: person(row) for row in rows}

    def by_ids(self, ids: Sequence[UUID]) -> Mapping[UUID, BookingRow]:
        """Give those of these bookings that there are."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(BOOKINGS_BY_ID, {"ids": [*ids]}).fetchall()
        return {row["id"]: _booking(row) for row in rows}

    def insert(self, booking: NewBooking) -> None:
        """Add a confirmed booking; Refused when its event or traveler does not exist."""
        with self._database.transaction() as cursor:
            cursor.execute(INSERT, _values(booking))

    def insert_all(self, bookings: Sequence[NewBooking]) -> None:
        """Add those that have no row yet; Refused as above."""
        if bookings:
            with self._database.transaction() as cursor:
                cursor.executemany(INSERT_MISSING, [_values(one) for one in bookings])

    def mark_pending_all(self, hashes: Mapping[UUID, Hash]) -> None:
        """Keep that these are recorded and not confirmed; NotFound without their rows."""
        values = [{"id": one, "tx_hash": tx_hash} for one, tx_hash in hashes.items()]
        if not values:
            return
        with self._database.transaction() as cursor:
            cursor.executemany(MARK_PENDING, values)
            if cursor.rowcount != len(values):
                raise NotFound("A booking's row was deleted meanwhile", hint="Run it again.")

    def mark_booked_all(self, booked: Sequence[tuple[UUID, int, Hash, Wei]]) -> None:
        """Keep that these are confirmed on chain: row, number, hash and stake of each."""
        names = ("id", "chain_booking_id", "tx_hash", "stake_wei")
        if booked:
            with self._database.transaction() as cursor:
                values = [dict(zip(names, one, strict=True)) for one in booked]
                cursor.executemany(MARK_BOOKED, values)

    def mark_pending(self, booking_id: UUID, tx_hash: Hash) -> None:
        """Keep that the booking is recorded and not confirmed; NotFound without its row."""
        with self._database.transaction() as cursor:
            if not cursor.execute(MARK_PENDING, {"id": booking_id, "tx_hash": tx_hash}).rowcount:
                raise NotFound(f"There is no booking {booking_id}")

    def mark_booked(
        self, booking_id: UUID, chain_booking_id: int, tx_hash: Hash, stake: Wei
    ) -> None:
        """Keep that the booking is confirmed on chain, under this number."""
        confirmed = {
            "id": booking_id,
            "chain_booking_id": chain_booking_id,
            "tx_hash": tx_hash,
            "stake_wei": stake,
        }
        with self._database.transaction() as cursor:
            cursor.execute(MARK_BOOKED, confirmed)

    def mark_status(self, chain_booking_ids: Sequence[int], status: str) -> None:
        """Set the platform's status of all these bookings, by their on-chain numbers."""
        wanted = {"chain_booking_ids": [*chain_booking_ids], "status": status}
        with self._database.transaction() as cursor:
            cursor.execute(MARK_STATUS, wanted)

    def change_status(self, booking_ids: Sequence[UUID], was: str, now: str) -> None:
        """Set the platform's status of those of these rows that still have the earlier one."""
        if booking_ids:
            with self._database.transaction() as cursor:
                cursor.execute(CHANGE_STATUS, {"ids": [*booking_ids], "was": was, "now": now})

    def _bookings(
        self,
        *,
        booking_id: UUID | None = None,
        event_id: UUID | None = None,
        chain_booking_id: int | None = None,
        limit: int | None = None,
    ) -> Sequence[BookingRow]:
        wanted = {
            "id": booking_id,
            "event_id": event_id,
            "chain_booking_id": chain_booking_id,
            "limit": limit,
        }
        with self._database.transaction() as cursor:
            return [_booking(row) for row in cursor.execute(BOOKINGS, wanted)]


def _values(booking: NewBooking) -> dict[str, Any]:
    return {
        "id": booking.id,
        "event_id": booking.event_id,
        "traveler_id": booking.traveler_id,
        "seats": booking.seats,
        "booking_type": BOOKING_TYPE,
        "total_inr": booking.total_inr,
        "platform_fee_inr": booking.platform_fee_inr,
        "host_earnings_inr": booking.host_earnings_inr,
    }


def _booking(row: Mapping[str, Any]) -> BookingRow:
    chain_booking_id, stake = row["chain_booking_id"], row["stake_wei"]
    return BookingRow(
        id=row["id"],
        event_id=row["event_id"],
        traveler=person(row),
        seats=row["seats"],
        status=row["status"],
        chain_booking_id=None if chain_booking_id is None else int(chain_booking_id),
        tx_hash=row["tx_hash"],
        stake_wei=None if stake is None else Wei(int(stake)),
    )
