-- Which state of each wallet's balance was announced last, so that a change is announced once.

CREATE TABLE mayhouse.alerts (
    chain_id     bigint NOT NULL CHECK (chain_id > 0),
    address      mayhouse.address NOT NULL,
    state        text NOT NULL CHECK (state IN ('OK', 'WARNING', 'CRITICAL')),
    announced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chain_id, address)
);
COMMENT ON TABLE mayhouse.alerts IS
    'The state of each wallet that `balance check --notify` announced last; no row means OK.';

ALTER TABLE mayhouse.alerts ENABLE ROW LEVEL SECURITY;
DO $$
DECLARE
    stranger text;
BEGIN
    FOR stranger IN
        SELECT 'PUBLIC'
        UNION ALL
        SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE mayhouse.alerts FROM %s', stranger);
    END LOOP;
END
$$;

-- `balance history` reads one chain's readings of the last days.
CREATE INDEX balance_readings_recent ON mayhouse.balance_readings (chain_id, read_at);
