-- The tool's own tables, in a schema of their own: a table in `public` is open to anyone with the
-- project's URL on Supabase. Nothing here has a foreign key to the platform's tables, so that the
-- platform can do as it likes with its rows; their ids are kept as they were.
-- Needs Postgres 15 (NULLS NOT DISTINCT).

-- The runner of the migrations has made the schema, for its ledger.
CREATE DOMAIN mayhouse.wei AS numeric(78, 0) CONSTRAINT wei_is_a_uint256 CHECK (
    VALUE >= 0
    AND VALUE <= 115792089237316195423570985008687907853269984665640564039457584007913129639935);
CREATE DOMAIN mayhouse.address AS text CONSTRAINT address_is_0x_and_40_digits CHECK
    (VALUE ~ '^0x[0-9a-fA-F]{40}$');
CREATE DOMAIN mayhouse.hash AS text CONSTRAINT hash_is_0x_and_64_small_digits CHECK
    (VALUE ~ '^0x[0-9a-f]{64}$');

CREATE TABLE mayhouse.installation (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    chain_id      bigint CHECK (chain_id > 0),
    genesis_hash  mayhouse.hash,
    contract      mayhouse.address,
    sender        mayhouse.address,
    pinned_at     timestamptz,
    frozen        boolean NOT NULL DEFAULT false,
    frozen_reason text,
    frozen_by     text,
    frozen_at     timestamptz
);
COMMENT ON TABLE mayhouse.installation IS
    'One row: the chain, contract and sender this database belongs to, and whether signing is frozen.';
INSERT INTO mayhouse.installation DEFAULT VALUES;

CREATE TABLE mayhouse.transactions (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    intent_key        text NOT NULL,
    generation        integer NOT NULL DEFAULT 1 CHECK (generation >= 1),
    kind              text NOT NULL CHECK (kind IN ('create_event', 'book_event', 'complete_event',
        'cancel_event', 'transfer', 'set_fee', 'set_stake', 'withdraw', 'fill_nonce')),
    arguments         jsonb NOT NULL,
    terms             jsonb NOT NULL DEFAULT '{}',  -- prices, percentages and rate at that time
    outcome           jsonb NOT NULL DEFAULT '[]',  -- the contract's events that prove what happened
    undone            jsonb NOT NULL DEFAULT '[]',  -- blocks it stood in until a reorg
    chain_id          bigint NOT NULL CHECK (chain_id > 0),
    contract          mayhouse.address NOT NULL,
    sender            mayhouse.address NOT NULL,
    recipient         mayhouse.address NOT NULL,
    nonce             bigint NOT NULL CHECK (nonce >= 0),
    value_wei         mayhouse.wei NOT NULL,
    calldata          bytea NOT NULL,
    event_id          uuid,
    booking_id        uuid,
    chain_event_id    bigint,
    chain_object_id   bigint,
    eth_price_inr     numeric(20, 8) CHECK (eth_price_inr > 0),
    amount_inr        numeric(12, 2),
    wanted_depth      integer NOT NULL CHECK (wanted_depth >= 1),
    status            text NOT NULL DEFAULT 'signed' CHECK (status IN ('signed', 'sent', 'mined',
        'confirmed', 'reverted', 'replaced', 'cancelled', 'failed')),
    tx_hash           mayhouse.hash NOT NULL,
    block_number      bigint CHECK (block_number >= 0),
    block_hash        mayhouse.hash,
    gas_used          bigint CHECK (gas_used > 0),
    fee_wei           mayhouse.wei,
    receipt_succeeded boolean,
    error             text,
    actor             text NOT NULL,
    reason            text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    sent_at           timestamptz,
    mined_at          timestamptz,
    finished_at       timestamptz,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT transactions_mined_has_its_block CHECK (
        status NOT IN ('mined', 'confirmed', 'reverted')
        OR num_nulls(block_number, block_hash, gas_used, fee_wei) = 0),
    CONSTRAINT transactions_one_per_generation UNIQUE (chain_id, contract, intent_key, generation)
);
COMMENT ON TABLE mayhouse.transactions IS
    'The journal: one row per intent and generation, written before anything is sent.';
COMMENT ON COLUMN mayhouse.transactions.arguments IS
    'Canonical arguments of the intent, compared when it is run again.';
COMMENT ON COLUMN mayhouse.transactions.event_id IS
    'Row in public.event_runs; no foreign key, the platform may do as it likes with its rows.';
COMMENT ON COLUMN mayhouse.transactions.booking_id IS
    'Row in public.event_run_bookings; no foreign key, as above.';
COMMENT ON COLUMN mayhouse.transactions.chain_event_id IS 'The event on chain that is acted on.';
COMMENT ON COLUMN mayhouse.transactions.chain_object_id IS
    'The id of the event or booking that the receipt gave.';
COMMENT ON COLUMN mayhouse.transactions.tx_hash IS
    'The hash that counts: of the newest attempt until one is mined, then of that one.';
-- At most one generation of an intent may still happen or has happened.
CREATE UNIQUE INDEX transactions_one_live_per_intent
    ON mayhouse.transactions (chain_id, contract, intent_key)
    WHERE status NOT IN ('reverted', 'replaced', 'cancelled', 'failed');
CREATE UNIQUE INDEX transactions_one_per_nonce
    ON mayhouse.transactions (chain_id, sender, nonce) WHERE status <> 'failed';
CREATE INDEX transactions_unfinished ON mayhouse.transactions (created_at)
    WHERE status IN ('signed', 'sent', 'mined');
CREATE INDEX transactions_event ON mayhouse.transactions (event_id);

CREATE TABLE mayhouse.attempts (
    id                       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id           uuid NOT NULL REFERENCES mayhouse.transactions,
    number                   integer NOT NULL CHECK (number >= 1),
    purpose                  text NOT NULL CHECK (purpose IN ('original', 'speedup', 'cancel')),
    tx_hash                  mayhouse.hash NOT NULL CONSTRAINT attempts_tx_hash_once UNIQUE,
    raw                      bytea NOT NULL,
    gas_limit                bigint NOT NULL CHECK (gas_limit > 0),
    max_fee_per_gas_wei      mayhouse.wei NOT NULL,
    max_priority_fee_per_gas_wei mayhouse.wei NOT NULL,
    outcome                  text NOT NULL DEFAULT 'signed' CHECK (outcome IN
        ('signed', 'accepted', 'rejected', 'unknown', 'mined', 'dropped')),
    error                    text,
    signed_at                timestamptz NOT NULL DEFAULT now(),
    sent_at                  timestamptz,
    CONSTRAINT attempts_priority_within_max_fee CHECK
        (max_priority_fee_per_gas_wei <= max_fee_per_gas_wei),
    CONSTRAINT attempts_number_once UNIQUE (transaction_id, number)
);
COMMENT ON TABLE mayhouse.attempts IS
    'Every signed version of a transaction, written before it is sent, with its bytes.';

CREATE TABLE mayhouse.rates (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pair       text NOT NULL,
    rate       numeric(20, 8) NOT NULL CONSTRAINT rates_rate_is_positive CHECK (rate > 0),
    source     text NOT NULL,
    as_of      timestamptz NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE mayhouse.rates IS 'Exchange rates as they were fetched or set.';
CREATE INDEX rates_newest ON mayhouse.rates (pair, as_of DESC);

CREATE TABLE mayhouse.quotes (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event_id       uuid,
    chain_event_id bigint NOT NULL,
    seats          integer NOT NULL CHECK (seats >= 1),
    payment_wei    mayhouse.wei NOT NULL,
    stake_wei      mayhouse.wei NOT NULL,
    total_wei      mayhouse.wei NOT NULL,
    payment_inr    numeric(12, 2) NOT NULL,
    stake_inr      numeric(12, 2) NOT NULL,
    total_inr      numeric(12, 2) NOT NULL,
    stake_percent  integer NOT NULL CHECK (stake_percent BETWEEN 0 AND 100),
    fee_percent    integer NOT NULL CHECK (fee_percent BETWEEN 0 AND 100),
    eth_price_inr  numeric(20, 8) NOT NULL CHECK (eth_price_inr > 0),
    rate_source    text NOT NULL,
    rate_as_of     timestamptz NOT NULL,
    block_number   bigint NOT NULL CHECK (block_number >= 0),
    block_hash     mayhouse.hash,
    quoted_at      timestamptz NOT NULL DEFAULT now(),
    actor          text NOT NULL,
    CONSTRAINT quotes_total_is_the_sum CHECK (total_wei = payment_wei + stake_wei)
);
COMMENT ON TABLE mayhouse.quotes IS 'What a booking was said to cost, at which block and rate.';
CREATE INDEX quotes_event ON mayhouse.quotes (chain_event_id, quoted_at);

CREATE TABLE mayhouse.settlements (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id   uuid NOT NULL REFERENCES mayhouse.transactions,
    event_id         uuid,
    chain_event_id   bigint NOT NULL,
    line             text NOT NULL CHECK (line IN ('ticket_revenue', 'platform_fee', 'host_payout',
        'stake_returned', 'stake_forfeited', 'refund', 'host_stake_returned', 'rounding')),
    booking_id       uuid,
    chain_booking_id bigint,
    party            text NOT NULL CHECK
        (party IN ('host', 'traveler', 'platform', 'platform_float')),
    party_id         uuid,
    amount_wei       mayhouse.wei NOT NULL,
    amount_inr       numeric(14, 2),
    CONSTRAINT settlements_line_once UNIQUE NULLS NOT DISTINCT
        (transaction_id, line, chain_booking_id)
);
COMMENT ON TABLE mayhouse.settlements IS
    'What a completion or cancellation paid, line by line, and to whom it belongs.';
CREATE INDEX settlements_event ON mayhouse.settlements (chain_event_id);

CREATE TABLE mayhouse.payables (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    settlement_id       bigint NOT NULL CONSTRAINT payables_one_per_line UNIQUE
        REFERENCES mayhouse.settlements,
    event_id            uuid,
    booking_id          uuid,
    payee_id            uuid,
    kind                text NOT NULL CHECK (kind IN ('host_payout', 'stake_return', 'refund')),
    amount_wei          mayhouse.wei NOT NULL,
    amount_inr          numeric(14, 2),
    status              text NOT NULL DEFAULT 'owed' CHECK (status IN ('owed', 'paid')),
    paid_transaction_id uuid REFERENCES mayhouse.transactions,
    paid_reference      text,
    paid_at             timestamptz,
    paid_by             text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payables_paid_by_something CHECK (
        (status = 'paid') = (num_nonnulls(paid_transaction_id, paid_reference) > 0))
);
COMMENT ON TABLE mayhouse.payables IS 'What is owed to a host or traveler, and what paid it.';
CREATE INDEX payables_owed ON mayhouse.payables (created_at) WHERE status = 'owed';

CREATE TABLE mayhouse.plans (
    hash           text PRIMARY KEY,
    kind           text NOT NULL,
    event_id       uuid,
    chain_event_id bigint,
    content        jsonb NOT NULL,
    actor          text NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz,
    transaction_id uuid REFERENCES mayhouse.transactions
);
COMMENT ON TABLE mayhouse.plans IS
    'Completions and cancellations that were shown, to be executed by their hash.';

CREATE TABLE mayhouse.operator_log (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT now(),
    actor          text NOT NULL,
    command        text NOT NULL,
    arguments      jsonb NOT NULL DEFAULT '{}',
    transaction_id uuid,
    before         jsonb,
    after          jsonb
);
COMMENT ON TABLE mayhouse.operator_log IS 'Who did what and when; rows are only ever added.';
CREATE FUNCTION mayhouse.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = '' AS $$
BEGIN
    RAISE EXCEPTION '%.% is insert only: % is refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING HINT = 'Add a row that corrects the other.';
END
$$;
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mayhouse.operator_log
    FOR EACH STATEMENT EXECUTE FUNCTION mayhouse.refuse_change();

CREATE TABLE mayhouse.wallets (
    address    mayhouse.address PRIMARY KEY,
    label      text NOT NULL,
    role       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE mayhouse.wallets IS 'Addresses of the platform''s wallets; never a key.';

CREATE TABLE mayhouse.balance_readings (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address      mayhouse.address NOT NULL,
    role         text NOT NULL,
    chain_id     bigint NOT NULL CHECK (chain_id > 0),
    balance_wei  mayhouse.wei NOT NULL,
    state        text NOT NULL,
    block_number bigint CHECK (block_number >= 0),
    read_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE mayhouse.balance_readings IS 'What `balance check` found, over time.';
CREATE INDEX balance_readings_newest ON mayhouse.balance_readings (address, read_at DESC);

-- Nobody but the owner, until a role is given rights and policies of its own.
DO $$
DECLARE
    own_table regclass;
    stranger text;
BEGIN
    FOR own_table IN SELECT oid FROM pg_class
        WHERE relnamespace = 'mayhouse'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own_table);
    END LOOP;
    FOR stranger IN
        SELECT 'PUBLIC'
        UNION ALL
        SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA mayhouse FROM %s', stranger);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA mayhouse FROM %s', stranger);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA mayhouse FROM %s', stranger);
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mayhouse FROM %s', stranger);
    END LOOP;
END
$$;
