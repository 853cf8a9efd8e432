-- The role mayhouse_operator: all that the tool needs to run, and nothing else. Not a migration:
-- `mayhouse migrate` runs as the owner of the tables, and so does this file, in the same database,
-- after each migration that brings a new table. It can be run again at any time:
--
--     psql "$MIGRATION_DATABASE_URL" --single-transaction -v ON_ERROR_STOP=1 -f mayhouse_operator.sql
--
-- It holds no password. Give the role one once, and put it into DATABASE_URL:
--
--     psql "$MIGRATION_DATABASE_URL" -c '\password mayhouse_operator'
--
-- The name is fixed, because the policies bear it and hosted SQL editors know no psql variables.
-- The role owns nothing, and can neither migrate nor seed a sandbox.

DO $$
BEGIN
    IF to_regrole('mayhouse_operator') IS NULL THEN
        CREATE ROLE mayhouse_operator LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
            NOREPLICATION NOBYPASSRLS;
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO mayhouse_operator',
        current_database());  -- temporary tables: `audit` and `reconcile` compare in them
END
$$;

-- What an older version of this file gave is taken back first.
REVOKE ALL ON ALL TABLES IN SCHEMA mayhouse FROM mayhouse_operator;
REVOKE ALL ON SCHEMA mayhouse FROM mayhouse_operator;
REVOKE ALL ON public.users, public.experiences, public.event_runs, public.event_run_bookings
    FROM mayhouse_operator;

-- The tool's own tables. What is recorded there is never deleted, but for the lines of a
-- settlement that a reorg took back before anybody was paid.
GRANT USAGE ON SCHEMA mayhouse TO mayhouse_operator;
GRANT SELECT ON mayhouse.schema_migrations TO mayhouse_operator;
GRANT SELECT, INSERT ON mayhouse.operator_log, mayhouse.quotes, mayhouse.rates,
    mayhouse.balance_readings TO mayhouse_operator;
GRANT SELECT, UPDATE ON mayhouse.installation TO mayhouse_operator;
GRANT SELECT, INSERT, UPDATE ON mayhouse.transactions, mayhouse.attempts, mayhouse.plans,
    mayhouse.wallets, mayhouse.alerts TO mayhouse_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON mayhouse.settlements, mayhouse.payables
    TO mayhouse_operator;

-- The platform's tables, column by column: those that the program's queries name. Of the others,
-- among them whatever the platform adds, the role sees nothing.
GRANT USAGE ON SCHEMA public TO mayhouse_operator;
GRANT SELECT (id, wallet_address, email, full_name, username),
      UPDATE (wallet_address, updated_at)
    ON public.users TO mayhouse_operator;
GRANT SELECT (id, host_id, title, price_inr, status) ON public.experiences TO mayhouse_operator;
GRANT SELECT (id, experience_id, start_datetime, end_datetime, max_capacity, special_pricing_inr,
          status, blockchain_event_run_id, blockchain_tx_hash, blockchain_status),
      INSERT (id, experience_id, start_datetime, end_datetime, max_capacity, special_pricing_inr,
          status),
      UPDATE (status, updated_at, blockchain_event_run_id, blockchain_tx_hash, blockchain_status)
    ON public.event_runs TO mayhouse_operator;
GRANT SELECT (id, event_run_id, traveler_id, traveler_count, total_experience_cost_inr,
          booking_status, booking_created_at, blockchain_booking_id, blockchain_tx_hash,
          blockchain_stake_amount_wei),
      INSERT (id, event_run_id, traveler_id, traveler_count, booking_type,
          total_experience_cost_inr, mayhouse_platform_fee_inr, host_earnings_inr, booking_status,
          booking_created_at),
      UPDATE (booking_status, blockchain_booking_id, blockchain_tx_hash,
          blockchain_stake_amount_wei)
    ON public.event_run_bookings TO mayhouse_operator;

-- Row level security shows a role nothing where it is on and no policy admits the role: one for
-- each right given above. On the platform's tables it is left on or off, as the platform has it.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT relname, nspname, word
        FROM pg_class
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(ARRAY['select', 'insert', 'update', 'delete']) AS word
        WHERE relkind IN ('r', 'p') AND (nspname = 'mayhouse' OR nspname = 'public' AND relname IN
            ('users', 'experiences', 'event_runs', 'event_run_bookings'))
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS mayhouse_operator_%s ON %I.%I', given.word,
            given.nspname, given.relname);
        CONTINUE WHEN NOT CASE given.word
            WHEN 'delete' THEN has_table_privilege('mayhouse_operator',
                format('%I.%I', given.nspname, given.relname), given.word)
            ELSE has_any_column_privilege('mayhouse_operator',
                format('%I.%I', given.nspname, given.relname), given.word)
        END;
        EXECUTE format('CREATE POLICY mayhouse_operator_%s ON %I.%I FOR %s TO mayhouse_operator %s',
            given.word, given.nspname, given.relname, given.word, CASE given.word
                WHEN 'insert' THEN 'WITH CHECK (true)'
                WHEN 'update' THEN 'USING (true) WITH CHECK (true)'
                ELSE 'USING (true)' END);
    END LOOP;
END
$$;
