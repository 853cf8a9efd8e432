"""What begins as an unfinished word does: ids out of the database, for a shell's completion.

Read without a look at the migrations: what is not there offers nothing.
"""

from collections.abc import Sequence
from typing import Final

from mayhouse_cli.models.suggestions import SuggestionKind
from mayhouse_cli.store.database import Database

MOST: Final = 50

# An event or booking by its number on chain where that begins so, otherwise by its row's id.
EVENTS: Final = """
    SELECT CASE WHEN starts_with(number, %(beginning)s) THEN number ELSE id END AS value, told
    FROM (
        SELECT run.blockchain_event_run_id::text AS number, run.id::text AS id,
               experience.title || to_char(
                   run.start_datetime::timestamptz AT TIME ZONE 'Asia/Kolkata',
                   ', DD Mon YYYY HH24:MI') || ', ' || run.status::text AS told,
               run.start_datetime AS latest
        FROM public.event_runs AS run
        JOIN public.experiences AS experience ON experience.id = run.experience_id
    ) AS named
    WHERE starts_with(number, %(beginning)s) OR starts_with(id, %(beginning)s)
    ORDER BY latest DESC, id
    LIMIT %(most)s
"""

BOOKINGS: Final = """
    SELECT CASE WHEN starts_with(number, %(beginning)s) THEN number ELSE id END AS value, told
    FROM (
        SELECT booking.blockchain_booking_id::text AS number, booking.id::text AS id,
               concat_ws(', ', coalesce(traveler.full_name, traveler.username),
                         booking.traveler_count || ' seats', booking.booking_status::text) AS told,
               booking.booking_created_at AS latest
        FROM public.event_run_bookings AS booking
        LEFT JOIN public.users AS traveler ON traveler.id = booking.traveler_id
    ) AS named
    WHERE starts_with(number, %(beginning)s) OR starts_with(id, %(beginning)s)
    ORDER BY latest DESC NULLS LAST, id
    LIMIT %(most)s
"""

# By its hash where that is what was begun; those that may need something come first.
TRANSACTIONS: Final = """
    SELECT CASE WHEN starts_with(id::text, %(beginning)s) THEN id::text ELSE tx_hash END AS value,
           concat_ws(', ', replace(kind, '_', ' '), status,
                     'event ' || coalesce(chain_event_id, chain_object_id)) AS told
    FROM mayhouse.transactions
    WHERE starts_with(id::text, %(beginning)s)
       OR %(beginning)s <> '' AND starts_with(tx_hash, %(beginning)s)
    ORDER BY finished_at IS NULL DESC, created_at DESC, id
    LIMIT %(most)s
"""

EXPERIENCES: Final = """
    SELECT id::text AS value, title || ', ' || status::text AS told
    FROM public.experiences
    WHERE starts_with(id::text, %(beginning)s)
    ORDER BY title, id
    LIMIT %(most)s
"""

PEOPLE: Final = """
    SELECT id::text AS value,
           concat_ws(', ', coalesce(full_name, username), role::text) AS told
    FROM public.users
    WHERE starts_with(id::text, %(beginning)s)
    ORDER BY 2, 1
    LIMIT %(most)s
"""

PAYABLES: Final = """
    SELECT payable.id::text AS value,
           concat_ws(', ', replace(payable.kind, '_', ' '), payable.status,
                     coalesce(payee.full_name, payee.username)) AS told
    FROM mayhouse.payables AS payable
    LEFT JOIN public.users AS payee ON payee.id = payable.payee_id
    WHERE starts_with(payable.id::text, %(beginning)s)
    ORDER BY payable.status = 'owed' DESC, payable.created_at DESC, payable.id
    LIMIT %(most)s
"""

_QUERIES: Final = {
    SuggestionKind.EVENT: EVENTS,
    SuggestionKind.BOOKING: BOOKINGS,
    SuggestionKind.TRANSACTION: TRANSACTIONS,
    SuggestionKind.EXPERIENCE: EXPERIENCES,
    SuggestionKind.PERSON: PEOPLE,
    SuggestionKind.PAYABLE: PAYABLES,
}


class PostgresSuggestions:
    """Ids with what they stand for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named(self, kind: SuggestionKind, beginning: str) -> Sequence[tuple[str, str]]:
        """Give ids that begin so, with a word on each; at most fifty."""
        with self._database.transaction() as cursor:
            bound = {"beginning": beginning.lower(), "most": MOST}
            rows = cursor.execute(_QUERIES[kind], bound).fetchall()
        return [(row["value"], row["told"] or "") for row in rows]
