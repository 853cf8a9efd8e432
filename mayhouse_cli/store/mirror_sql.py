"""The statements of mirror.py: the chain staged beside the rows, and compared as sets.

Everything is temporary and goes with the transaction, so that it works through a pooler. The
staged tables are analysed, since nothing else tells the planner how large they are.
"""

from typing import Final

STAGE: Final = """
    CREATE TEMPORARY TABLE chain_events (
        number bigint PRIMARY KEY, host text NOT NULL, experience text NOT NULL,
        price numeric NOT NULL, seats numeric NOT NULL, booked numeric NOT NULL,
        starts_at numeric NOT NULL, status smallint NOT NULL
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE chain_bookings (
        number bigint PRIMARY KEY, event bigint NOT NULL, wallet text NOT NULL,
        seats numeric NOT NULL, payment numeric NOT NULL, stake numeric NOT NULL,
        status smallint NOT NULL
    ) ON COMMIT DROP
"""

COPY_EVENTS: Final = """
    COPY pg_temp.chain_events (number, host, experience, price, seats, booked, starts_at, status)
    FROM STDIN
"""

COPY_BOOKINGS: Final = """
    COPY pg_temp.chain_bookings (number, event, wallet, seats, payment, stake, status)
    FROM STDIN
"""

ANALYZE_CHAIN: Final = "ANALYZE pg_temp.chain_events, pg_temp.chain_bookings"

# What may look different a moment later is not judged: a transaction that is unfinished, that
# stands in a block after the one that was read, or that a reorg has undone.
MOVING: Final = """
    CREATE TEMPORARY TABLE moving ON COMMIT DROP AS
    SELECT id, kind, event_id, booking_id, chain_event_id,
           CASE kind WHEN 'create_event' THEN chain_object_id ELSE chain_event_id END
               AS event_number,
           chain_object_id, lower(sender) AS sender, value_wei,
           arguments ->> 'experience_id' AS experience
    FROM mayhouse.transactions
    WHERE status IN ('signed', 'sent', 'mined') OR block_number > %(block_number)s
       OR id = ANY(%(moved)s)
"""

# What the journal proves of each row: its confirmed creation, and what ended its event.
MADE_EVENTS: Final = """
    CREATE TEMPORARY TABLE made_events ON COMMIT DROP AS
    SELECT DISTINCT ON (event_id) event_id, chain_object_id AS number, tx_hash, amount_inr,
           (terms ->> 'price_per_seat_wei')::numeric AS price
    FROM mayhouse.transactions
    WHERE kind = 'create_event' AND status = 'confirmed' AND event_id IS NOT NULL
    ORDER BY event_id, generation DESC, created_at DESC
"""

MADE_BOOKINGS: Final = """
    CREATE TEMPORARY TABLE made_bookings ON COMMIT DROP AS
    SELECT DISTINCT ON (booking_id) booking_id, chain_object_id AS number, tx_hash,
           arguments ->> 'traveler_id' AS traveler
    FROM mayhouse.transactions
    WHERE kind = 'book_event' AND status = 'confirmed' AND booking_id IS NOT NULL
    ORDER BY booking_id, generation DESC, created_at DESC
"""

ENDINGS: Final = """
    CREATE TEMPORARY TABLE endings ON COMMIT DROP AS
    SELECT DISTINCT ON (chain_event_id) chain_event_id, tx_hash
    FROM mayhouse.transactions
    WHERE kind IN ('complete_event', 'cancel_event') AND status = 'confirmed'
    ORDER BY chain_event_id, created_at DESC
"""

ANALYZE_RECORD: Final = """
    ANALYZE pg_temp.moving, pg_temp.made_events, pg_temp.made_bookings, pg_temp.endings
"""

ANALYZE_EVENTS: Final = "ANALYZE pg_temp.event_pairs"

# Each row of the platform with its confirmed creation and its event on chain, and each event on
# chain that no row and no creation names.
EVENT_PAIRS: Final = """
    CREATE TEMPORARY TABLE event_pairs ON COMMIT DROP AS
    WITH rows AS (
        SELECT run.id AS row_id, run.status::text AS status,
               coalesce(run.blockchain_status::text, 'pending') AS sync,
               run.blockchain_event_run_id AS number, run.blockchain_tx_hash AS tx_hash,
               run.max_capacity AS seats, run.experience_id::text AS experience,
               extract(epoch FROM run.start_datetime::timestamptz)::numeric AS starts_at,
               extract(epoch FROM run.end_datetime::timestamptz)::numeric AS ends_at,
               coalesce(run.special_pricing_inr, experience.price_inr) AS price_inr,
               made.number AS proven, made.tx_hash AS proven_hash,
               made.price AS made_price, made.amount_inr AS made_price_inr,
               taken.event_id IS NOT NULL AND made.event_id IS NULL AS is_taken,
               taken.tx_hash AS taken_hash,
               EXISTS (SELECT FROM pg_temp.moving AS one WHERE one.event_id = run.id
                       AND one.kind IN ('create_event', 'complete_event', 'cancel_event'))
                   AS moves,
               run.blockchain_event_run_id IS NULL AND EXISTS (
                   SELECT FROM mayhouse.attempts AS one
                   JOIN mayhouse.transactions AS of_row ON of_row.id = one.transaction_id
                   WHERE one.tx_hash = run.blockchain_tx_hash AND of_row.event_id = run.id
               ) AS hash_is_ours
        FROM public.event_runs AS run
        JOIN public.experiences AS experience ON experience.id = run.experience_id
        LEFT JOIN pg_temp.made_events AS made ON made.event_id = run.id
        LEFT JOIN pg_temp.made_events AS taken
            ON taken.number = run.blockchain_event_run_id AND taken.event_id <> run.id
    ), crowds AS (
        SELECT event, count(*) AS active FROM pg_temp.chain_bookings WHERE status = 0
        GROUP BY event
    )
    SELECT rows.*, chain.number AS chain_number, chain.host, chain.experience AS chain_experience,
           chain.price, chain.seats AS chain_seats, chain.booked,
           chain.starts_at AS chain_starts_at, chain.status AS chain_status,
           chain.status < 3 AS is_open,
           chain.host = ANY(%(ours)s) AS is_ours,
           coalesce(crowds.active, 0) AS active,
           endings.tx_hash AS ending_hash,
           CASE chain.status WHEN 3 THEN 'completed' WHEN 4 THEN 'cancelled' ELSE 'open' END
               AS chain_word,
           chain.number IS NOT NULL AND row_id IS NOT NULL AND chain.host = ANY(%(ours)s)
               AND chain.experience = rows.experience AND NOT is_taken AS is_same,
           coalesce(moves, false) OR EXISTS (
               SELECT FROM pg_temp.moving AS one
               WHERE one.event_number = chain.number AND one.kind <> 'book_event'
                  OR one.kind = 'create_event' AND row_id IS NULL AND one.sender = chain.host
                     AND one.experience = chain.experience) AS is_moving
    FROM rows
    FULL JOIN pg_temp.chain_events AS chain
        ON chain.number = CASE WHEN NOT is_taken THEN coalesce(rows.proven, rows.number) END
    LEFT JOIN pg_temp.endings ON endings.chain_event_id = chain.number
    LEFT JOIN crowds ON crowds.event = chain.number
"""

BOOKING_PAIRS: Final = """
    CREATE TEMPORARY TABLE booking_pairs ON COMMIT DROP AS
    WITH rows AS (
        SELECT booking.id AS row_id, booking.booking_status::text AS status,
               booking.blockchain_booking_id AS number,
               booking.blockchain_tx_hash AS tx_hash,
               booking.blockchain_stake_amount_wei::numeric AS stake,
               booking.traveler_count AS seats, booking.traveler_id::text AS traveler,
               made.traveler AS made_traveler,
               run.id AS event_row, run.blockchain_event_run_id AS event_number,
               made.number AS proven, made.tx_hash AS proven_hash,
               taken.booking_id IS NOT NULL AND made.booking_id IS NULL AS is_taken,
               taken.tx_hash AS taken_hash,
               EXISTS (SELECT FROM pg_temp.moving AS one
                       WHERE one.booking_id = booking.id
                          OR one.kind <> 'book_event' AND one.event_id = run.id) AS moves,
               booking.blockchain_booking_id IS NULL AND EXISTS (
                   SELECT FROM mayhouse.attempts AS one
                   JOIN mayhouse.transactions AS of_row ON of_row.id = one.transaction_id
                   WHERE one.tx_hash = booking.blockchain_tx_hash
                     AND of_row.booking_id = booking.id
               ) AS hash_is_ours
        FROM public.event_run_bookings AS booking
        JOIN public.event_runs AS run ON run.id = booking.event_run_id
        LEFT JOIN pg_temp.made_bookings AS made ON made.booking_id = booking.id
        LEFT JOIN pg_temp.made_bookings AS taken
            ON taken.number = booking.blockchain_booking_id AND taken.booking_id <> booking.id
    )
    SELECT rows.*, chain.number AS chain_number, chain.event AS chain_event, chain.wallet,
           chain.seats AS chain_seats, chain.payment, chain.stake AS chain_stake,
           chain.status AS chain_status, event.host_is_ours, event.ending_hash,
           (ARRAY['confirmed', 'experience_completed', 'no_show', 'cancelled'])[chain.status + 1]
               AS chain_word,
           chain.wallet = ANY(%(ours)s) AS is_ours,
           chain.number IS NOT NULL AND rows.row_id IS NOT NULL AND chain.wallet = ANY(%(ours)s)
               AND NOT rows.is_taken
               AND chain.event = coalesce(event_of_row.chain_number, rows.event_number) AS is_same,
           coalesce(rows.moves, false) OR coalesce(event.is_moving, false) OR EXISTS (
               SELECT FROM pg_temp.moving AS one
               WHERE one.kind = 'book_event' AND (one.chain_object_id = chain.number
                  OR rows.row_id IS NULL AND one.sender = chain.wallet
                     AND one.chain_event_id = chain.event
                     AND one.value_wei = chain.payment + chain.stake)) AS is_moving,
           event_of_row.chain_status AS row_event_status,
           coalesce(event_of_row.chain_number, rows.event_number) AS row_event
    FROM rows
    FULL JOIN pg_temp.chain_bookings AS chain
        ON chain.number = CASE WHEN NOT rows.is_taken THEN coalesce(rows.proven, rows.number) END
    LEFT JOIN (
        SELECT DISTINCT ON (chain_number) chain_number, is_ours AS host_is_ours, ending_hash,
               is_moving
        FROM pg_temp.event_pairs WHERE chain_number IS NOT NULL
    ) AS event ON event.chain_number = chain.event
    LEFT JOIN pg_temp.event_pairs AS event_of_row ON event_of_row.row_id = rows.event_row
"""

# In this order; each builds on those before it.
PREPARATION: Final = (
    MOVING,
    MADE_EVENTS,
    MADE_BOOKINGS,
    ENDINGS,
    ANALYZE_RECORD,
    EVENT_PAIRS,
    ANALYZE_EVENTS,
    BOOKING_PAIRS,
)
