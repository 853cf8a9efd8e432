-- The blockchain columns of the platform's tables, from whatever state they are found in: none,
-- some, half applied (status as text, ids as INTEGER, stake as BIGINT), or applied by hand.
-- Everything that stands in the way is named before anything is touched.

LOCK TABLE public.event_runs, public.event_run_bookings IN ACCESS EXCLUSIVE MODE;

-- What each column is to become, what it is now, and whether its type must change.
CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT target.*,
       table_name || '.' || column_name AS name,
       attnum,
       format_type(atttypid, atttypmod) AS present_type,
       attnum IS NOT NULL AND format_type(atttypid, atttypmod) <> wanted_type AS must_change,
       atttypid IN (SELECT oid FROM pg_type WHERE typtype = 'e') AS is_enum
FROM (VALUES
    ('event_runs', 'blockchain_event_run_id', 'bigint', 'integer',
        'Id of the event run in the contract; set once its creation is mined.'),
    ('event_runs', 'blockchain_tx_hash', 'text', 'text',
        'Hash of the transaction that created the event run on chain.'),
    ('event_runs', 'blockchain_status', 'blockchain_sync_status', 'status',
        'pending until the creation is confirmed; failed when it can no longer happen.'),
    ('event_run_bookings', 'blockchain_booking_id', 'bigint', 'integer',
        'Id of the booking in the contract; set once it is mined.'),
    ('event_run_bookings', 'blockchain_tx_hash', 'text', 'text',
        'Hash of the transaction that made the booking on chain.'),
    ('event_run_bookings', 'blockchain_stake_amount_wei', 'numeric(78,0)', 'integer',
        'Stake of the booking, held by the contract, in wei.')
) AS target (table_name, column_name, wanted_type, kind, description)
LEFT JOIN pg_attribute ON attrelid = format('public.%I', table_name)::regclass
    AND attname = column_name AND NOT attisdropped;

-- 1. Tables and types this tool knows how to convert.
DO $$
DECLARE
    odd text;
BEGIN
    SELECT relname INTO odd FROM pg_class
    WHERE oid IN ('public.event_runs'::regclass, 'public.event_run_bookings'::regclass)
      AND relkind NOT IN ('r', 'p');
    IF FOUND THEN
        RAISE EXCEPTION 'public.% is not a table', odd
            USING HINT = 'Connect to the database that holds the platform''s own tables.';
    END IF;

    SELECT string_agg(format('%s is %s', name, present_type), '; ') INTO odd FROM wanted
    WHERE must_change AND NOT CASE kind
        WHEN 'integer' THEN present_type ~ '^(smallint|integer|bigint|numeric)'
        WHEN 'status' THEN is_enum OR present_type ~ '^(text|character)'
        ELSE present_type ~ '^character'
    END;
    IF odd IS NOT NULL THEN
        RAISE EXCEPTION 'A column has a type that cannot be converted: %', odd
            USING HINT = 'Rename or convert the column, then run `mayhouse migrate` again.';
    END IF;

    SELECT string_agg(label, ', ') INTO odd
    FROM unnest(ARRAY['pending', 'confirmed', 'failed']) AS label
    WHERE to_regtype('public.blockchain_sync_status') IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_enum
        WHERE enumtypid = to_regtype('public.blockchain_sync_status') AND enumlabel = label);
    IF odd IS NOT NULL THEN
        RAISE EXCEPTION 'The type public.blockchain_sync_status lacks: %', odd
            USING HINT = 'Add with ALTER TYPE ... ADD VALUE, then run `mayhouse migrate` again.';
    END IF;
END
$$;

-- 2. Values that do not fit, and ids or hashes that are there twice.
DO $$
DECLARE
    target record;
    odd text;
BEGIN
    FOR target IN SELECT * FROM wanted WHERE attnum IS NOT NULL LOOP
        -- The text is matched as it stands: 'Pending' is not 'pending'.
        EXECUTE format(CASE
            WHEN target.kind = 'status' THEN
                'SELECT quote_literal(%1$I::text) FROM public.%2$I
                 WHERE %1$I::text NOT IN (''pending'', ''confirmed'', ''failed'') LIMIT 1'
            WHEN target.present_type LIKE 'numeric%%' THEN
                'SELECT %1$I::text FROM public.%2$I
                 WHERE %1$I <> trunc(%1$I) OR abs(%1$I) > %3$s LIMIT 1'
            ELSE 'SELECT NULL WHERE false'
        END, target.column_name, target.table_name, CASE target.wanted_type
            WHEN 'bigint' THEN '9223372036854775807' ELSE repeat('9', 78) END) INTO odd;
        IF odd IS NOT NULL THEN
            RAISE EXCEPTION '% holds %, which does not fit %', target.name, odd,
                target.wanted_type
                USING HINT = CASE target.kind
                    WHEN 'status' THEN 'This tool knows pending, confirmed and failed.'
                    ELSE 'It must be a whole number in range.' END
                    || ' Correct the rows, then run `mayhouse migrate` again.';
        END IF;

        CONTINUE WHEN target.column_name NOT IN
            ('blockchain_event_run_id', 'blockchain_booking_id', 'blockchain_tx_hash');
        EXECUTE format(
            'SELECT string_agg(value || '' ('' || times || '' rows)'', '', '') FROM (
                 SELECT %1$I::text AS value, count(*) AS times FROM public.%2$I
                 WHERE %1$I IS NOT NULL GROUP BY %1$I HAVING count(*) > 1
                 ORDER BY %1$I LIMIT 5) AS twice',
            target.column_name, target.table_name) INTO odd;
        IF odd IS NOT NULL THEN
            RAISE EXCEPTION '% holds the same value more than once: %', target.name, odd
                USING HINT = 'Find out on chain which row each belongs to and clear it in the '
                    'others, then run `mayhouse migrate` again.';
        END IF;
    END LOOP;
END
$$;

-- 3. Views and other objects that hold on to a column whose type must change. Checks and partial
--    or expression indexes only matter for the status: they compare it with text.
DO $$
DECLARE
    holding text;
BEGIN
    SELECT string_agg(DISTINCT format('%s depends on %s', CASE
               WHEN rule.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass,
                   rule.ev_class, 0)
               ELSE pg_describe_object(link.classid, link.objid, link.objsubid)
           END, name), '; ') INTO holding
    FROM wanted
    JOIN pg_depend AS link ON link.refclassid = 'pg_class'::regclass
        AND link.refobjid = format('public.%I', table_name)::regclass
        AND link.refobjsubid = attnum
    LEFT JOIN pg_rewrite AS rule ON link.classid = 'pg_rewrite'::regclass AND rule.oid = link.objid
    LEFT JOIN pg_attrdef AS computed ON link.classid = 'pg_attrdef'::regclass
        AND computed.oid = link.objid AND computed.adnum <> attnum
    LEFT JOIN pg_index AS partly ON link.classid = 'pg_class'::regclass
        AND partly.indexrelid = link.objid AND (partly.indpred IS NOT NULL
            OR partly.indexprs IS NOT NULL)
    LEFT JOIN pg_constraint AS check_ ON link.classid = 'pg_constraint'::regclass
        AND check_.oid = link.objid AND check_.contype = 'c'
    WHERE must_change AND (
        link.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass,
            'pg_proc'::regclass)
        OR computed.oid IS NOT NULL
        OR kind = 'status' AND (partly.indexrelid IS NOT NULL OR check_.oid IS NOT NULL));
    IF holding IS NOT NULL THEN
        RAISE EXCEPTION 'A column''s type must change, and %', holding
            USING HINT = 'Drop it, run `mayhouse migrate`, and create it again.';
    END IF;
END
$$;

-- 4. Nothing stands in the way.
DO $$
DECLARE
    target record;
    this_table text;
    this_column text;
BEGIN
    IF to_regtype('public.blockchain_sync_status') IS NULL THEN
        CREATE TYPE public.blockchain_sync_status AS ENUM ('pending', 'confirmed', 'failed');
    END IF;
    FOR target IN SELECT * FROM wanted LOOP
        this_table := format('ALTER TABLE public.%I ', target.table_name);
        this_column := this_table || format('ALTER COLUMN %I ', target.column_name);
        IF target.attnum IS NULL THEN
            EXECUTE this_table || format('ADD COLUMN %I %s', target.column_name,
                target.wanted_type);
        ELSE
            -- A default of the old type cannot be cast; an id or hash has none to begin with.
            EXECUTE this_column || 'DROP DEFAULT, ' || format('ALTER COLUMN %I DROP NOT NULL',
                target.column_name);
        END IF;
        IF target.must_change THEN
            EXECUTE this_column || format('TYPE %s USING %I%s::%1$s', target.wanted_type,
                target.column_name, CASE target.kind WHEN 'status' THEN '::text' ELSE '' END);
        END IF;
        EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', target.table_name,
            target.column_name, target.description);
    END LOOP;
    ALTER TABLE public.event_runs ALTER COLUMN blockchain_status SET DEFAULT 'pending';
END
$$;

CREATE UNIQUE INDEX IF NOT EXISTS mayhouse_event_runs_chain_id ON public.event_runs
    (blockchain_event_run_id) WHERE blockchain_event_run_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS mayhouse_event_runs_tx_hash ON public.event_runs
    (blockchain_tx_hash) WHERE blockchain_tx_hash IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS mayhouse_bookings_chain_id ON public.event_run_bookings
    (blockchain_booking_id) WHERE blockchain_booking_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS mayhouse_bookings_tx_hash ON public.event_run_bookings
    (blockchain_tx_hash) WHERE blockchain_tx_hash IS NOT NULL;

-- Last, since the platform's own triggers may run on it.
UPDATE public.event_runs SET blockchain_status = 'pending' WHERE blockchain_status IS NULL;
