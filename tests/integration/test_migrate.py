"""Migrations: every database the platform may have comes to the same schema, or is left alone."""

from typing import Final

import pytest

from mayhouse_cli.errors import Refused
from tests.database_server import migrate, query

# The platform's tables as they may be there: with columns and types this tool knows nothing of.
PLATFORM: Final = """
    CREATE TYPE event_run_status AS ENUM
        ('scheduled', 'low_seats', 'sold_out', 'completed', 'cancelled');
    CREATE TYPE booking_kind AS ENUM ('solo_traveler', 'group');
    CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), wallet_address text UNIQUE,
        phone text);
    CREATE TABLE experiences (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title varchar(200),
        host_id uuid REFERENCES users, description text NOT NULL CHECK (length(description) > 99));
    CREATE TABLE event_runs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        experience_id uuid REFERENCES experiences, status event_run_status DEFAULT 'scheduled');
    CREATE TABLE event_run_bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        event_run_id uuid REFERENCES event_runs, booking_type booking_kind NOT NULL
        DEFAULT 'solo_traveler');
    INSERT INTO event_runs DEFAULT VALUES;
"""
HALF_APPLIED: Final = f"""{PLATFORM}
    ALTER TABLE event_runs ADD blockchain_event_run_id INTEGER, ADD blockchain_tx_hash TEXT,
        ADD blockchain_status TEXT DEFAULT 'pending';
    ALTER TABLE event_run_bookings ADD blockchain_booking_id INTEGER, ADD blockchain_tx_hash TEXT,
        ADD blockchain_stake_amount_wei BIGINT;
    CREATE INDEX idx_event_runs_blockchain_id ON event_runs (blockchain_event_run_id)
        WHERE blockchain_event_run_id IS NOT NULL;
    CREATE TYPE blockchain_sync_status AS ENUM ('pending', 'confirmed', 'failed');
"""
BY_HAND: Final = f"""{PLATFORM}
    CREATE TYPE blockchain_sync_status AS ENUM ('pending', 'confirmed', 'failed');
    ALTER TABLE event_runs ADD blockchain_event_run_id BIGINT, ADD blockchain_tx_hash TEXT,
        ADD blockchain_status blockchain_sync_status DEFAULT 'pending';
    ALTER TABLE event_run_bookings ADD blockchain_booking_id BIGINT, ADD blockchain_tx_hash TEXT,
        ADD blockchain_stake_amount_wei NUMERIC(78, 0);
    CREATE UNIQUE INDEX chain_ids ON event_runs (blockchain_event_run_id);
"""
STARTING_STATES: Final = {
    "tables without the columns": PLATFORM,
    "half applied": HALF_APPLIED,
    "applied by hand": BY_HAND,
    "some columns missing": f"""{PLATFORM}
        ALTER TABLE event_runs ADD blockchain_status TEXT;
        ALTER TABLE event_run_bookings ADD blockchain_tx_hash VARCHAR(66);""",
    "ids as NUMERIC, nothing may be null": f"""{PLATFORM}
        ALTER TABLE event_runs ADD blockchain_event_run_id NUMERIC NOT NULL DEFAULT 0;
        ALTER TABLE event_run_bookings ADD blockchain_booking_id NUMERIC(78, 0),
            ADD blockchain_stake_amount_wei NUMERIC NOT NULL DEFAULT 0;""",
    "status in an enum of another name": f"""{PLATFORM}
        CREATE TYPE sync AS ENUM ('failed', 'pending', 'confirmed', 'other');
        ALTER TABLE event_runs ADD blockchain_status sync NOT NULL DEFAULT 'pending';""",
}
EVENT_ID: Final = "event_runs.blockchain_event_run_id"
NUMERIC_IDS: Final = "ALTER TABLE event_runs ALTER blockchain_event_run_id TYPE numeric"
# Each on top of the half applied state, with what the refusal must name.
OBSTACLES: Final = {
    "unknown status": (
        "UPDATE event_runs SET blockchain_status = 'Synced'",
        "event_runs.blockchain_status holds 'Synced'",
    ),
    "status in another case": (
        "UPDATE event_runs SET blockchain_status = 'Pending'",
        "event_runs.blockchain_status holds 'Pending'",
    ),
    "id beyond bigint": (
        f"{NUMERIC_IDS} USING 9223372036854775808",
        f"{EVENT_ID} holds 9223372036854775808",
    ),
    "id with a fraction": (
        f"{NUMERIC_IDS} USING 1.5",
        f"{EVENT_ID} holds 1.5",
    ),
    "id that is no number": (
        "ALTER TABLE event_runs ALTER blockchain_event_run_id TYPE uuid USING NULL",
        f"{EVENT_ID} is uuid",
    ),
    "id twice": (
        "INSERT INTO event_runs (blockchain_event_run_id) VALUES (7), (7)",
        f"{EVENT_ID} holds the same value more than once: 7 (2 rows)",
    ),
    "hash twice": (
        "INSERT INTO event_run_bookings (blockchain_tx_hash) VALUES ('0xab'), ('0xab')",
        "event_run_bookings.blockchain_tx_hash holds the same value more than once: 0xab",
    ),
    "view": ("CREATE VIEW ids AS SELECT blockchain_event_run_id FROM event_runs", "view ids"),
    "materialized view": (
        """CREATE MATERIALIZED VIEW stakes AS
           SELECT blockchain_stake_amount_wei FROM event_run_bookings""",
        "materialized view stakes",
    ),
    "rule": (
        """CREATE RULE quiet AS ON UPDATE TO event_runs
           WHERE OLD.blockchain_status = 'x' DO INSTEAD NOTHING""",
        "rule quiet",
    ),
    "policy": (
        "CREATE POLICY seen ON event_runs USING (blockchain_status = 'confirmed')",
        "policy seen",
    ),
    "check": (
        "ALTER TABLE event_runs ADD CHECK (blockchain_status IN ('pending', 'confirmed'))",
        "constraint event_runs_blockchain_status_check",
    ),
    "partial index": (
        "CREATE INDEX open_runs ON event_runs (id) WHERE blockchain_status = 'pending'",
        "index open_runs",
    ),
    "generated column": (
        """ALTER TABLE event_runs
           ADD next_id int GENERATED ALWAYS AS (blockchain_event_run_id + 1) STORED""",
        "column next_id",
    ),
    "trigger": (
        """CREATE TRIGGER touched BEFORE UPDATE OF blockchain_status ON event_runs
           FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
        "trigger touched",
    ),
}

COLUMNS_AND_INDEXES: Final = """
    SELECT attrelid::regclass::text AS place, attname::text AS name,
           concat_ws(' ', format_type(atttypid, atttypmod), attnotnull,
               pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)) AS what
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
    WHERE attnum > 0 AND (attname LIKE 'blockchain%' OR relnamespace = to_regnamespace('mayhouse'))
    UNION ALL
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE indexname LIKE 'mayhouse%' OR schemaname = 'mayhouse'
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = to_regnamespace('mayhouse')
    UNION ALL
    SELECT 'enum', string_agg(enumlabel, ' ' ORDER BY enumsortorder), '' FROM pg_enum
    WHERE enumtypid = to_regtype('blockchain_sync_status')
    ORDER BY place, name
"""
ALL_OF_PUBLIC: Final = """
    SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod),
           attnotnull, pg_get_expr(adbin, adrelid), relrowsecurity
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 ORDER BY 1, 2
"""


@pytest.mark.parametrize("state", STARTING_STATES)
def test_every_starting_state_comes_to_the_same_end(
    empty_database_url: str, database_url: str, state: str
) -> None:
    """Columns, comments, indexes and the tool's schema are those of an empty start."""
    query(empty_database_url, STARTING_STATES[state])
    assert migrate(empty_database_url).is_current
    assert query(empty_database_url, COLUMNS_AND_INDEXES) == query(
        database_url, COLUMNS_AND_INDEXES
    )


def test_migrating_leaves_other_columns_of_the_platform_alone(empty_database_url: str) -> None:
    """Only blockchain columns differ afterwards."""
    query(empty_database_url, HALF_APPLIED)
    before = query(empty_database_url, ALL_OF_PUBLIC)
    migrate(empty_database_url)
    after = query(empty_database_url, ALL_OF_PUBLIC)
    changed = {row[1] for row in set(before) ^ set(after)}
    assert all("blockchain" in name or name.startswith("mayhouse_") for name in changed), changed


def test_migrating_keeps_what_the_columns_hold(empty_database_url: str) -> None:
    """Ids and known statuses stay, and a status that was never set is pending."""
    query(
        empty_database_url,
        HALF_APPLIED,
        "UPDATE event_runs SET blockchain_status = NULL",
        "INSERT INTO event_runs (blockchain_event_run_id, blockchain_status) VALUES (7, 'failed')",
    )
    migrate(empty_database_url)
    held = "SELECT blockchain_event_run_id, blockchain_status::text FROM event_runs ORDER BY 1"
    assert query(empty_database_url, held) == [(7, "failed"), (None, "pending")]


@pytest.mark.parametrize(
    ("table", "column", "kept"),
    [
        ("event_runs", "blockchain_event_run_id", 9_000_000_000),
        ("event_run_bookings", "blockchain_booking_id", 9_000_000_000),
        ("event_run_bookings", "blockchain_stake_amount_wei", 12_345_678_901_234_567_890_123),
    ],
)
def test_columns_hold_what_integer_and_bigint_could_not(
    empty_database_url: str, table: str, column: str, kept: int
) -> None:
    """An id above 2^31 and a stake above 9.22 ETH are stored exactly."""
    query(empty_database_url, HALF_APPLIED)
    migrate(empty_database_url)
    insert = f"INSERT INTO {table} ({column}) VALUES ({kept}) RETURNING {column}"  # noqa: S608
    assert query(empty_database_url, insert) == [(kept,)]


@pytest.mark.parametrize(("obstacle", "named"), OBSTACLES.values(), ids=OBSTACLES.keys())
def test_what_stands_in_the_way_is_named_and_nothing_is_changed(
    empty_database_url: str, obstacle: str, named: str
) -> None:
    """The refusal says which value or object it is, and the database is as it was before."""
    query(empty_database_url, HALF_APPLIED, obstacle)
    before = query(empty_database_url, ALL_OF_PUBLIC)
    with pytest.raises(Refused) as refusal:
        migrate(empty_database_url)
    assert named in refusal.value.message
    assert refusal.value.hint
    assert query(empty_database_url, ALL_OF_PUBLIC) == before


def test_a_view_on_a_column_that_keeps_its_type_is_no_obstacle(empty_database_url: str) -> None:
    """Only a type that must change needs the view out of the way."""
    query(empty_database_url, BY_HAND, "CREATE VIEW ids AS SELECT * FROM event_runs")
    assert migrate(empty_database_url).is_current
