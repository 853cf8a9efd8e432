"""The statements of the journal.

`journal.py` and `journal_batches.py` run them; `journal_rows.py` makes the values they take.
"""

from typing import Final

LOCK: Final = "SELECT pg_advisory_xact_lock(%(key)s)"

# Binds the database once: a later caller waits for the first one's row, then changes nothing.
PIN: Final = """
    UPDATE mayhouse.installation
    SET chain_id = %(chain_id)s, genesis_hash = %(genesis_hash)s, contract = %(contract)s,
        sender = %(sender)s, pinned_at = now()
    WHERE chain_id IS NULL
"""

PINNED: Final = """
    SELECT chain_id, genesis_hash, contract, sender
    FROM mayhouse.installation
    WHERE chain_id IS NOT NULL
"""

# The free nonce is the chain's own count or follows directly on one that is held; a failed
# transaction holds none, since its bytes are known never to have been taken.
NEXT_NONCE: Final = """
    WITH held AS (
        SELECT nonce FROM mayhouse.transactions
        WHERE chain_id = %(chain_id)s AND sender = %(sender)s AND status <> 'failed'
          AND nonce >= %(pending_count)s
    )
    SELECT min(candidate) AS nonce
    FROM (SELECT %(pending_count)s::bigint AS candidate UNION SELECT nonce + 1 FROM held) AS c
    WHERE candidate NOT IN (SELECT nonce FROM held)
"""

# From our first transaction on; what the wallet did before that is not ours to judge.
NONCES_FROM_OUTSIDE: Final = """
    WITH held AS (
        SELECT nonce FROM mayhouse.transactions
        WHERE chain_id = %(chain_id)s AND sender = %(sender)s
          AND status NOT IN ('failed', 'replaced')
    )
    SELECT used AS nonce
    FROM generate_series((SELECT min(nonce) FROM held), %(used_nonces)s::bigint - 1) AS used
    WHERE used NOT IN (SELECT nonce FROM held)
    ORDER BY used
    LIMIT 100
"""

# By its key, or by the row it is for. An end on an event may have been recorded under the
# chain's number alone, before the event had a row. One that lives counts above all, so that a
# row is never acted on twice under two keys.
LATEST: Final = """
    SELECT * FROM mayhouse.transactions
    WHERE intent_key = %(key)s
       OR kind = %(kind)s AND (
            event_id = %(event_id)s::uuid
            OR booking_id = %(booking_id)s::uuid
            OR chain_event_id = %(chain_event_id)s::numeric
                AND (event_id IS NULL OR %(event_id)s::uuid IS NULL))
    ORDER BY status IN ('signed', 'sent', 'mined', 'confirmed') DESC,
             intent_key = %(key)s DESC, created_at DESC, generation DESC
    LIMIT 1
"""

SAME_ARGUMENTS: Final = """
    SELECT * FROM mayhouse.transactions
    WHERE status IN ('signed', 'sent', 'mined') AND kind = %(kind)s
      AND arguments = %(arguments)s AND intent_key <> %(key)s
    ORDER BY created_at DESC
    LIMIT 1
"""

INSERT_TRANSACTION: Final = """
    INSERT INTO mayhouse.transactions
        (id, intent_key, generation, kind, arguments, terms, chain_id, contract, sender,
         recipient, nonce, value_wei, calldata, event_id, booking_id, chain_event_id,
         eth_price_inr, amount_inr, wanted_depth, status, tx_hash, actor, reason)
    VALUES
        (%(id)s, %(intent_key)s, %(generation)s, %(kind)s, %(arguments)s, %(terms)s,
         %(chain_id)s, %(contract)s, %(sender)s, %(recipient)s, %(nonce)s, %(value_wei)s,
         %(calldata)s, %(event_id)s, %(booking_id)s, %(chain_event_id)s, %(eth_price_inr)s,
         %(amount_inr)s, %(wanted_depth)s, 'signed', %(tx_hash)s, %(actor)s, %(reason)s)
"""

INSERT_ATTEMPT: Final = """
    INSERT INTO mayhouse.attempts
        (transaction_id, number, purpose, tx_hash, raw, gas_limit, max_fee_per_gas_wei,
         max_priority_fee_per_gas_wei, outcome)
    VALUES
        (%(id)s, %(number)s, %(purpose)s, %(tx_hash)s, %(raw)s, %(gas_limit)s, %(max_fee)s,
         %(max_priority_fee)s, 'signed')
"""

RENAME: Final = """
    UPDATE mayhouse.transactions SET tx_hash = %(tx_hash)s, updated_at = now() WHERE id = %(id)s
"""

HOLDER: Final = """
    SELECT * FROM mayhouse.transactions
    WHERE kind = %(kind)s AND chain_object_id = %(chain_object_id)s AND status = 'confirmed'
    LIMIT 1
"""

# `accepted` outranks `unknown` outranks `rejected`: bytes that may have left once stay so,
# since only a transaction none of whose sends had an unknown outcome may ever be failed.
MARK_ATTEMPT: Final = """
    UPDATE mayhouse.attempts
    SET outcome = CASE
            WHEN outcome IN ('mined', 'dropped', 'accepted') THEN outcome
            WHEN outcome = 'unknown' AND %(outcome)s::text = 'rejected' THEN outcome
            ELSE %(outcome)s::text
        END,
        error = %(error)s,
        sent_at = coalesce(sent_at, now())
    WHERE tx_hash = %(tx_hash)s
"""

MARK_SENT: Final = """
    UPDATE mayhouse.transactions
    SET status = 'sent', sent_at = coalesce(sent_at, now()), updated_at = now()
    WHERE id = %(id)s AND status = 'signed'
"""

MARK_MINED: Final = """
    UPDATE mayhouse.transactions
    SET status = 'mined', tx_hash = %(tx_hash)s, block_number = %(block_number)s,
        block_hash = %(block_hash)s, gas_used = %(gas_used)s, fee_wei = %(fee_wei)s,
        receipt_succeeded = %(receipt_succeeded)s, error = %(error)s, mined_at = now(),
        updated_at = now()
    WHERE id = %(id)s AND status IN ('signed', 'sent', 'mined')
"""

MARK_PENDING_AGAIN: Final = """
    UPDATE mayhouse.transactions
    SET status = 'sent',
        undone = CASE WHEN block_hash IS NULL THEN undone ELSE undone || jsonb_build_object(
            'block_number', block_number, 'block_hash', block_hash, 'undone_at', now()) END,
        block_number = NULL, block_hash = NULL, gas_used = NULL,
        fee_wei = NULL, receipt_succeeded = NULL, chain_object_id = NULL, outcome = '[]',
        error = NULL, mined_at = NULL, finished_at = NULL, updated_at = now(),
        tx_hash = (
            SELECT tx_hash FROM mayhouse.attempts
            WHERE transaction_id = %(id)s ORDER BY number DESC LIMIT 1)
    WHERE id = %(id)s
"""

# After a reorg any attempt may win: whether a node still holds the losers is not known.
REOPEN_ATTEMPTS: Final = """
    UPDATE mayhouse.attempts
    SET outcome = CASE outcome WHEN 'mined' THEN 'accepted' ELSE 'unknown' END
    WHERE transaction_id = %(id)s AND outcome IN ('mined', 'dropped')
"""

# The same end may be recorded twice by two processes; a different one changes no row.
FINISH: Final = """
    UPDATE mayhouse.transactions
    SET status = %(status)s, tx_hash = coalesce(%(tx_hash)s, tx_hash),
        block_number = %(block_number)s::bigint, block_hash = %(block_hash)s,
        gas_used = %(gas_used)s, fee_wei = %(fee_wei)s,
        receipt_succeeded = %(receipt_succeeded)s,
        chain_object_id = %(chain_object_id)s, outcome = %(outcome)s, error = %(error)s,
        mined_at = CASE WHEN %(block_number)s::bigint IS NOT NULL
            THEN coalesce(mined_at, now()) END,
        finished_at = coalesce(finished_at, now()), updated_at = now()
    WHERE id = %(id)s AND (status IN ('signed', 'sent', 'mined') OR status = %(status)s)
"""

FINISH_ATTEMPTS: Final = """
    UPDATE mayhouse.attempts
    SET outcome = CASE WHEN tx_hash = %(tx_hash)s THEN 'mined' ELSE 'dropped' END
    WHERE transaction_id = %(id)s
"""

GET: Final = "SELECT * FROM mayhouse.transactions WHERE id = %(id)s"

GET_LOCKED: Final = "SELECT * FROM mayhouse.transactions WHERE id = %(id)s FOR UPDATE"

FIND: Final = """
    SELECT * FROM mayhouse.transactions
    WHERE starts_with(replace(id::text, '-', ''), %(id)s)
       OR id IN (
            SELECT transaction_id FROM mayhouse.attempts WHERE starts_with(tx_hash, %(tx_hash)s))
    ORDER BY created_at DESC, nonce DESC
    LIMIT %(limit)s
"""

# An event is named by its row, its number on chain, or both; its creation was recorded before
# it had a number and got it from the receipt.
LIST: Final = """
    SELECT * FROM mayhouse.transactions
    WHERE (%(unfinished)s::boolean IS NULL
           OR %(unfinished)s::boolean = (status IN ('signed', 'sent', 'mined')))
      AND (%(event_id)s::uuid IS NULL AND %(chain_event_id)s::numeric IS NULL
           OR event_id = %(event_id)s::uuid
           OR chain_event_id = %(chain_event_id)s::numeric
           OR kind = 'create_event' AND chain_object_id = %(chain_event_id)s::numeric)
      AND (%(sender)s::text IS NULL OR sender = %(sender)s::text)
    ORDER BY created_at DESC, nonce DESC
    LIMIT %(limit)s
"""

ATTEMPTS: Final = """
    SELECT * FROM mayhouse.attempts
    WHERE transaction_id = ANY(%(ids)s)
    ORDER BY transaction_id, number
"""

SPENT_SINCE: Final = """
    SELECT coalesce(sum(value_wei), 0) AS spent
    FROM mayhouse.transactions
    WHERE sender = %(sender)s AND created_at >= %(since)s
      AND status NOT IN ('reverted', 'replaced', 'cancelled', 'failed')
"""

SENDERS: Final = "SELECT DISTINCT sender FROM mayhouse.transactions ORDER BY sender"

KNOWS: Final = "SELECT 1 AS known FROM mayhouse.attempts WHERE tx_hash = %(tx_hash)s"
