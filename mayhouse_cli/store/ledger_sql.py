"""Where the record contradicts itself: numbers, settlements, what is owed, and what paid it.

A settlement is held against what proves it: the contract's events in its transaction's receipt,
and the bookings that were kept with the intent. Number 0 stands for a line of no booking.
"""

from typing import Final

# A payable that is marked as undone is told by whoever pays; what is paid cannot be taken back.
LEDGER_FAULTS: Final = """
    WITH ended AS (
        SELECT id, kind, chain_event_id, tx_hash, terms, outcome
        FROM mayhouse.transactions AS made
        WHERE kind IN ('complete_event', 'cancel_event') AND status = 'confirmed'
          AND EXISTS (SELECT FROM mayhouse.settlements WHERE transaction_id = made.id)
    ), told AS (
        SELECT ended.id, event ->> 'name' AS name, event -> 'arguments' AS arguments
        FROM ended CROSS JOIN LATERAL jsonb_array_elements(outcome) AS event
    ), booked AS (
        SELECT ended.id, kind, (booking ->> 'chain_booking_id')::bigint AS number,
               (booking ->> 'traveler_id')::uuid AS traveler,
               (booking ->> 'payment_wei')::numeric AS payment,
               (booking ->> 'stake_wei')::numeric AS stake
        FROM ended CROSS JOIN LATERAL jsonb_array_elements(terms -> 'bookings') AS booking
    ), sums AS (
        SELECT ended.id, ended.kind, (terms ->> 'host_id')::uuid AS host,
               (terms ->> 'host_stake_wei')::numeric AS advanced,
               coalesce(sum(payment), 0) AS revenue, coalesce(sum(payment + stake), 0) AS known
        FROM ended LEFT JOIN booked ON booked.id = ended.id
        GROUP BY ended.id, ended.kind, terms
    ), proven AS (
        SELECT told.id, line, 0::bigint AS number, party, wei
        FROM told JOIN sums ON sums.id = told.id
        CROSS JOIN LATERAL (VALUES
            ('ticket_revenue', NULL::uuid, revenue),
            ('platform_fee', NULL, revenue - (arguments ->> 'hostPayout')::numeric),
            ('host_payout', host, (arguments ->> 'hostPayout')::numeric),
            ('host_stake_returned', NULL, (arguments ->> 'hostStakeReturned')::numeric)
        ) AS parts (line, party, wei)
        WHERE name = 'EventCompleted'
        UNION ALL
        SELECT told.id, CASE name WHEN 'BookingNoShow' THEN 'stake_forfeited'
                             ELSE 'stake_returned' END,
               (arguments ->> 'bookingId')::bigint,
               CASE name WHEN 'BookingCompleted' THEN traveler END,
               (coalesce(arguments ->> 'stakeReturned', arguments ->> 'stakeForfeit'))::numeric
        FROM told
        LEFT JOIN booked
            ON booked.id = told.id AND number = (arguments ->> 'bookingId')::bigint
        WHERE name IN ('BookingCompleted', 'BookingNoShow')
        UNION ALL
        SELECT id, 'refund', number, traveler, payment + stake
        FROM booked WHERE kind = 'cancel_event'
        UNION ALL
        SELECT told.id, 'refund', 0, NULL, (arguments ->> 'refundsIssued')::numeric - known
        FROM told JOIN sums ON sums.id = told.id
        WHERE name = 'EventCancelled' AND (arguments ->> 'refundsIssued')::numeric <> known
        UNION ALL
        SELECT id, 'host_stake_returned', 0, NULL, advanced
        FROM sums WHERE kind = 'cancel_event'
    ), kept AS (
        SELECT transaction_id AS id, line, coalesce(chain_booking_id, 0) AS number,
               party_id AS party, amount_wei AS wei, amount_inr AS inr
        FROM mayhouse.settlements
        WHERE transaction_id IN (SELECT id FROM ended)
    )
    SELECT 'number_recorded_twice' AS code,
           CASE kind WHEN 'create_event' THEN 'event ' ELSE 'booking ' END || chain_object_id
               AS subject,
           count(*) || ' confirmed transactions have this number: '
               || string_agg(tx_hash, ', ' ORDER BY created_at) AS detail,
           (array_agg(id ORDER BY created_at))[1] AS transaction_id
    FROM mayhouse.transactions
    WHERE kind IN ('create_event', 'book_event') AND status = 'confirmed'
    GROUP BY kind, chain_object_id
    HAVING count(*) > 1
    UNION ALL
    SELECT 'settlement_missing', 'event ' || ended.chain_event_id,
           'its ' || CASE ended.kind WHEN 'complete_event' THEN 'completion' ELSE 'cancellation' END
               || ' ' || ended.tx_hash || ' is confirmed and was not settled', ended.id
    FROM mayhouse.transactions AS ended
    WHERE ended.kind IN ('complete_event', 'cancel_event') AND ended.status = 'confirmed'
      AND NOT EXISTS (
          SELECT FROM mayhouse.settlements AS line WHERE line.transaction_id = ended.id)
    UNION ALL
    SELECT 'paid_and_undone', 'payable ' || owed.id,
           owed.amount_wei || ' wei were paid for ' || ended.tx_hash || ', which is '
               || ended.status || ' now', ended.id
    FROM mayhouse.payables AS owed
    JOIN mayhouse.settlements AS line ON line.id = owed.settlement_id
    JOIN mayhouse.transactions AS ended ON ended.id = line.transaction_id
    WHERE owed.status = 'paid' AND ended.status <> 'confirmed'
    UNION ALL
    SELECT 'payment_did_not_happen', 'payable ' || owed.id,
           owed.amount_wei || ' wei are recorded as paid by ' || paid.tx_hash || ', which is '
               || paid.status, paid.id
    FROM mayhouse.payables AS owed
    JOIN mayhouse.transactions AS paid ON paid.id = owed.paid_transaction_id
    WHERE owed.status = 'paid' AND owed.paid_reference IS NULL AND paid.status <> 'confirmed'
    UNION ALL
    SELECT 'payable_differs', 'payable ' || owed.id,
           'it says ' || owed.amount_wei || ' wei to ' || coalesce(owed.payee_id::text, 'nobody')
               || ', its settlement ' || line.amount_wei || ' wei to '
               || coalesce(line.party_id::text, 'nobody'), line.transaction_id
    FROM mayhouse.payables AS owed
    JOIN mayhouse.settlements AS line ON line.id = owed.settlement_id
    WHERE owed.amount_wei <> line.amount_wei OR owed.payee_id IS DISTINCT FROM line.party_id
       OR owed.amount_inr IS DISTINCT FROM line.amount_inr
    UNION ALL
    SELECT 'payment_differs', 'payable ' || owed.id,
           paid.tx_hash || ' paid ' || paid.value_wei || ' wei, its settlement says '
               || line.amount_wei || ' wei', paid.id
    FROM mayhouse.payables AS owed
    JOIN mayhouse.settlements AS line ON line.id = owed.settlement_id
    JOIN mayhouse.transactions AS paid ON paid.id = owed.paid_transaction_id
    WHERE paid.value_wei <> line.amount_wei
    UNION ALL
    SELECT 'settlement_differs', 'event ' || ended.chain_event_id,
           'the settlement of ' || ended.tx_hash || ' has ' || line
               || CASE number WHEN 0 THEN '' ELSE ' of booking ' || number END || ' of '
               || coalesce(kept.wei || ' wei', 'nothing') || coalesce(' to ' || kept.party, '')
               || ', its receipt proves ' || coalesce(proven.wei || ' wei', 'nothing')
               || coalesce(' to ' || proven.party, ''), ended.id
    FROM (SELECT * FROM kept WHERE line <> 'rounding') AS kept
    FULL JOIN proven USING (id, line, number)
    JOIN ended USING (id)
    WHERE kept.wei IS DISTINCT FROM proven.wei OR kept.party IS DISTINCT FROM proven.party
    UNION ALL
    SELECT 'settlement_rupees_differ', 'event ' || ended.chain_event_id,
           'revenue of ' || revenue || ' rupees is not fee, payout and rounding of ' || shares,
           ended.id
    FROM (
        SELECT id, sum(inr) FILTER (WHERE line = 'ticket_revenue') AS revenue,
               sum(inr) FILTER (WHERE line IN ('platform_fee', 'host_payout', 'rounding'))
                   AS shares
        FROM kept GROUP BY id
    ) AS summed
    JOIN ended USING (id)
    WHERE revenue <> shares
    LIMIT %(limit)s
"""
