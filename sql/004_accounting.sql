-- Settlements in rupees, and payables that are paid at most once.

-- The only amount that may be below zero is what rounding leaves.
ALTER TABLE mayhouse.settlements
    ADD CONSTRAINT settlements_only_rounding_is_negative
        CHECK (line = 'rounding' OR amount_inr >= 0),
    ADD CONSTRAINT settlements_rounding_is_rupees_alone
        CHECK (line <> 'rounding' OR amount_wei = 0 AND amount_inr IS NOT NULL);
COMMENT ON COLUMN mayhouse.settlements.amount_inr IS
    'At the rate stored with each booking (of the host stake: with the event); null where none is known.';

ALTER TABLE mayhouse.payables
    ADD COLUMN undone_at timestamptz,
    ADD CONSTRAINT payables_something_is_owed CHECK (amount_wei > 0),
    ADD CONSTRAINT payables_reference_says_something CHECK (btrim(paid_reference) <> ''),
    ADD CONSTRAINT payables_transfer_pays_once UNIQUE (paid_transaction_id);
COMMENT ON COLUMN mayhouse.payables.undone_at IS
    'When a reorg took back the completion or cancellation it comes from: nothing is owed until that is confirmed again.';
COMMENT ON COLUMN mayhouse.payables.paid_transaction_id IS
    'The confirmed transfer that paid it; beside a reference, it was paid twice.';
COMMENT ON COLUMN mayhouse.payables.paid_reference IS
    'What paid it outside the chain: a bank transfer, a receipt.';
CREATE INDEX payables_payee ON mayhouse.payables (payee_id);

-- A settlement's period is told by when its transaction was confirmed.
CREATE INDEX transactions_settled ON mayhouse.transactions (finished_at)
    WHERE kind IN ('complete_event', 'cancel_event') AND status = 'confirmed';
