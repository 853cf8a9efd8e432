"""The questions to the pairs that mirror_sql.py makes: each code with when it holds.

In each list stand a code, when it holds, what the row says, what the chain says, and the
transaction whose receipt can prove it. All of a code are counted, and the first ones given.
"""

from typing import Final

EVENT_DRIFTS: Final = """
    WITH found AS (
        SELECT code, 'event' AS side, row_id, coalesce(chain_number, pair.number) AS number,
               coalesce(chain_number, pair.number) AS chain_event_id, recorded, on_chain,
               proof AS tx_hash,
               jsonb_build_object('number', pair.number::text, 'tx_hash', pair.tx_hash,
                   'sync', sync, 'status', pair.status) AS row_values
        FROM pg_temp.event_pairs AS pair
        CROSS JOIN LATERAL (VALUES
            ('event_number_lost', proven IS NOT NULL AND pair.number IS NULL,
             NULL::text, proven::text, proven_hash::text),
            ('event_number_lost', proven IS NULL AND pair.number IS NULL
                 AND pair.tx_hash IS NOT NULL AND NOT hash_is_ours,
             NULL, NULL, pair.tx_hash),
            ('event_number_missing', proven IS NULL AND pair.number IS NULL
                 AND pair.tx_hash IS NULL AND sync = 'confirmed', NULL, NULL, NULL),
            ('event_number_wrong', proven <> pair.number, pair.number::text, proven::text,
             proven_hash),
            ('event_number_taken', is_taken, pair.number::text, NULL, taken_hash),
            ('event_hash_wrong', pair.number = proven AND pair.tx_hash IS DISTINCT FROM proven_hash,
             pair.tx_hash, proven_hash, proven_hash),
            ('event_not_on_chain', coalesce(proven, pair.number) IS NOT NULL
                 AND chain_number IS NULL AND NOT is_taken, pair.number::text, NULL, proven_hash),
            ('event_is_another', row_id IS NOT NULL AND chain_number IS NOT NULL AND NOT is_same,
             'experience ' || pair.experience,
             'experience ' || left(chain_experience, 80) || ', host ' || host, proven_hash),
            ('event_sync_wrong', is_same AND pair.number IS NOT NULL AND sync <> 'confirmed', sync,
             'confirmed', coalesce(proven_hash, pair.tx_hash)),
            ('event_ended_on_chain', is_same AND NOT is_open AND pair.status <> chain_word,
             pair.status, chain_word, ending_hash),
            ('event_cancelled_in_database', is_same AND is_open AND pair.status = 'cancelled',
             pair.status, chain_word, NULL),
            ('event_completed_in_database', is_same AND is_open AND pair.status = 'completed',
             pair.status, chain_word, NULL),
            ('event_seats_differ', is_same AND is_open AND pair.seats <> chain_seats,
             pair.seats::text, chain_seats::text, NULL),
            ('event_start_differs', is_same AND is_open
                 AND floor(pair.starts_at) <> chain_starts_at,
             floor(pair.starts_at)::text, chain_starts_at::text, NULL),
            ('event_price_differs', is_same AND is_open AND price_inr <> made_price_inr,
             price_inr::text, made_price_inr::text, NULL),
            ('event_price_not_as_recorded', is_same AND price <> made_price,
             made_price::text, price::text, NULL),
            ('event_hosted_elsewhere', is_ours AND is_open AND host <> %(signer)s,
             %(signer)s::text, host, NULL),
            ('event_overdue', is_ours AND is_open
                 AND coalesce(greatest(ends_at, chain_starts_at), chain_starts_at + 10800)
                     <= %(time)s::numeric - 86400,
             NULL, floor(coalesce(ends_at, chain_starts_at + 10800))::text, NULL),
            ('event_just_over', is_ours AND is_open
                 AND coalesce(greatest(ends_at, chain_starts_at), chain_starts_at + 10800)
                     BETWEEN %(time)s::numeric - 86399 AND %(time)s::numeric,
             NULL, floor(coalesce(ends_at, chain_starts_at + 10800))::text, NULL),
            ('event_too_large', is_ours AND is_open AND active > 300, NULL, active::text, NULL),
            ('event_growing_large', is_ours AND is_open AND active <= 300
                 AND active + greatest(chain_seats - booked, 0) > 250,
             chain_seats::text, active::text, NULL),
            ('event_without_row', row_id IS NULL AND is_ours, NULL,
             'experience ' || left(chain_experience, 80) || ', ' || chain_word, NULL),
            ('foreign_event', row_id IS NULL AND NOT is_ours AND is_open, NULL, 'host ' || host,
             NULL)
        ) AS question (code, holds, recorded, on_chain, proof)
        WHERE holds AND NOT is_moving
    )
    SELECT code, side, row_id, number, chain_event_id, recorded, on_chain, tx_hash, row_values,
           total - least(total, %(limit)s) AS more
    FROM (
        SELECT *, count(*) OVER (PARTITION BY code) AS total,
               row_number() OVER (PARTITION BY code ORDER BY number, row_id) AS place
        FROM found
    ) AS counted
    WHERE place <= %(limit)s
    ORDER BY side DESC, code, place
"""

# Most bookings agree in everything, and are left out before their texts are made.
BOOKING_DRIFTS: Final = """
    WITH found AS (
        SELECT code, 'booking' AS side, row_id, coalesce(chain_number, pair.number) AS number,
               coalesce(chain_event, row_event) AS chain_event_id, recorded, on_chain,
               proof AS tx_hash,
               jsonb_build_object('number', pair.number::text, 'tx_hash', pair.tx_hash,
                   'stake', pair.stake::text, 'status', pair.status) AS row_values
        FROM (
            SELECT * FROM pg_temp.booking_pairs
            WHERE (is_same AND number = coalesce(proven, number)
                AND tx_hash IS NOT DISTINCT FROM coalesce(proven_hash, tx_hash)
                AND stake = chain_stake AND seats = chain_seats AND status = chain_word
                AND traveler = coalesce(made_traveler, traveler)
                AND host_is_ours) IS NOT TRUE
        ) AS pair
        CROSS JOIN LATERAL (VALUES
            ('booking_number_lost', proven IS NOT NULL AND pair.number IS NULL,
             NULL::text, proven::text, proven_hash::text),
            ('booking_number_lost', proven IS NULL AND pair.number IS NULL
                 AND pair.tx_hash IS NOT NULL AND NOT hash_is_ours, NULL, NULL, pair.tx_hash),
            ('booking_number_wrong', proven <> pair.number, pair.number::text, proven::text,
             proven_hash),
            ('booking_number_taken', is_taken, pair.number::text, NULL, taken_hash),
            ('booking_hash_wrong', pair.number = proven
                 AND pair.tx_hash IS DISTINCT FROM proven_hash,
             pair.tx_hash, proven_hash, proven_hash),
            ('booking_not_on_chain', coalesce(proven, pair.number) IS NOT NULL
                 AND chain_number IS NULL AND NOT is_taken, pair.number::text, NULL, proven_hash),
            ('booking_is_another', row_id IS NOT NULL AND chain_number IS NOT NULL AND NOT is_same,
             'event ' || coalesce(row_event::text, 'unknown'),
             'event ' || chain_event || ', wallet ' || wallet, proven_hash),
            ('booking_stake_differs', is_same AND pair.number IS NOT NULL
                 AND pair.stake IS DISTINCT FROM chain_stake,
             pair.stake::text, chain_stake::text, coalesce(proven_hash, pair.tx_hash)),
            ('booking_seats_differ', is_same AND pair.seats <> chain_seats,
             pair.seats::text, chain_seats::text, NULL),
            ('booking_ended_on_chain', is_same AND chain_status > 0 AND pair.status <> chain_word,
             pair.status, chain_word, ending_hash),
            ('booking_cancelled_in_database', is_same AND chain_status = 0
                 AND pair.status = 'cancelled', pair.status, 'active', NULL),
            ('booking_ended_in_database', is_same AND chain_status = 0
                 AND pair.status IN ('no_show', 'experience_completed'),
             pair.status, 'active', NULL),
            ('traveler_changed', traveler <> made_traveler, traveler, made_traveler,
             proven_hash),
            ('booking_never_made', row_id IS NOT NULL AND pair.status <> 'cancelled'
                 AND coalesce(proven, pair.number) IS NULL AND pair.tx_hash IS NULL
                 AND row_event_status >= 3, pair.status, 'its event has ended there', NULL),
            ('booking_never_made', row_id IS NOT NULL AND pair.status <> 'cancelled'
                 AND coalesce(proven, pair.number) IS NULL AND hash_is_ours, pair.status,
             'its transaction ' || pair.tx_hash || ' did not happen', NULL),
            ('booking_waits', row_id IS NOT NULL AND pair.status <> 'cancelled'
                 AND coalesce(proven, pair.number) IS NULL AND pair.tx_hash IS NULL
                 AND row_event_status < 3, pair.status, NULL, NULL),
            ('booking_without_row', row_id IS NULL AND is_ours AND host_is_ours
                 AND chain_status = 0, NULL, chain_word, NULL),
            ('booking_ended_without_row', row_id IS NULL AND is_ours AND host_is_ours
                 AND chain_status > 0, NULL, chain_word, NULL),
            ('booking_of_a_strangers_event', is_ours AND chain_status = 0 AND NOT host_is_ours,
             NULL, chain_word, NULL),
            ('foreign_booking', row_id IS NULL AND NOT is_ours AND host_is_ours
                 AND chain_status = 0, NULL, 'wallet ' || wallet, NULL)
        ) AS question (code, holds, recorded, on_chain, proof)
        WHERE holds AND NOT is_moving
    )
    SELECT code, side, row_id, number, chain_event_id, recorded, on_chain, tx_hash, row_values,
           total - least(total, %(limit)s) AS more
    FROM (
        SELECT *, count(*) OVER (PARTITION BY code) AS total,
               row_number() OVER (PARTITION BY code ORDER BY number, row_id) AS place
        FROM found
    ) AS counted
    WHERE place <= %(limit)s
    ORDER BY side DESC, code, place
"""

RECORDED_ENDS: Final = """
    SELECT id, kind, status, tx_hash, block_number, block_hash
    FROM mayhouse.transactions
    WHERE (block_hash IS NOT NULL OR status = 'replaced')
      AND status NOT IN ('signed', 'sent', 'mined')
      AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
"""

OLD_UNFINISHED: Final = """
    SELECT id, kind, status, tx_hash, created_at
    FROM mayhouse.transactions
    WHERE status IN ('signed', 'sent', 'mined') AND created_at < %(before)s
    ORDER BY created_at
    LIMIT %(limit)s
"""

LOCK_EVENT: Final = """
    SELECT blockchain_event_run_id::text AS number, blockchain_tx_hash AS tx_hash,
           coalesce(blockchain_status::text, 'pending') AS sync, status::text AS status
    FROM public.event_runs WHERE id = %(id)s FOR UPDATE
"""

LOCK_BOOKING: Final = """
    SELECT blockchain_booking_id::text AS number, blockchain_tx_hash AS tx_hash,
           blockchain_stake_amount_wei::text AS stake, booking_status::text AS status
    FROM public.event_run_bookings WHERE id = %(id)s FOR UPDATE
"""

# Numbers and hashes are unique: rows that change places give theirs up first.
CLEAR_EVENT: Final = """
    UPDATE public.event_runs SET blockchain_event_run_id = NULL, blockchain_tx_hash = NULL
    WHERE id = %(id)s
"""

CLEAR_BOOKING: Final = """
    UPDATE public.event_run_bookings
    SET blockchain_booking_id = NULL, blockchain_tx_hash = NULL
    WHERE id = %(id)s
"""

REWRITE_EVENT: Final = """
    UPDATE public.event_runs
    SET blockchain_event_run_id = %(number)s::bigint, blockchain_tx_hash = %(tx_hash)s,
        blockchain_status = %(sync)s, status = %(status)s, updated_at = now()
    WHERE id = %(id)s
"""

REWRITE_BOOKING: Final = """
    UPDATE public.event_run_bookings
    SET blockchain_booking_id = %(number)s::bigint, blockchain_tx_hash = %(tx_hash)s,
        blockchain_stake_amount_wei = %(stake)s::numeric, booking_status = %(status)s
    WHERE id = %(id)s
"""
