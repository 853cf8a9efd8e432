"""The tool's own tables: closed to strangers, and refusing rows that cannot be true."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.migrations import Migrations

ADDRESS: Final = "0x" + "aB" * 20
HASH: Final = "0x" + "ab" * 32
OTHER_HASH: Final = "0x" + "cd" * 32
UINT256_END: Final = 2**256
MINED: Final = {"block_number": 7, "block_hash": HASH, "gas_used": 21_000, "fee_wei": 1}
TRANSACTION: Final[dict[str, Any]] = {
    "intent_key": "event:1",
    "kind": "create_event",
    "arguments": Jsonb({}),
    "chain_id": 31337,
    "contract": ADDRESS,
    "sender": ADDRESS,
    "recipient": ADDRESS,
    "nonce": 0,
    "value_wei": 0,
    "calldata": b"",
    "wanted_depth": 1,
    "tx_hash": HASH,
    "actor": "test",
}
ATTEMPT: Final[dict[str, Any]] = {
    "number": 1,
    "purpose": "original",
    "tx_hash": HASH,
    "raw": b"",
    "gas_limit": 21_000,
    "max_fee_per_gas_wei": 2,
    "max_priority_fee_per_gas_wei": 1,
}
SETTLEMENT: Final[dict[str, Any]] = {
    "chain_event_id": 1,
    "line": "host_payout",
    "party": "host",
    "amount_wei": 1,
}


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """Give a connection to a migrated database; nothing is committed."""
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


def insert(connection: psycopg.Connection, table: str, values: dict[str, Any]) -> Any:  # noqa: ANN401
    """Insert a row and give its id."""
    statement = sql.SQL("INSERT INTO mayhouse.{} ({}) VALUES ({}) RETURNING id").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """Expect the constraint of that name to refuse."""
    with pytest.raises(psycopg.IntegrityError) as refusal:
        yield
    assert refusal.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"sender": "0x12"}, "address_is_0x_and_40_digits"),
        ({"tx_hash": HASH.upper()}, "hash_is_0x_and_64_small_digits"),
        ({"value_wei": UINT256_END}, "wei_is_a_uint256"),
        ({"value_wei": -1}, "wei_is_a_uint256"),
        ({"kind": "gift"}, "transactions_kind_check"),
        ({"status": "lost"}, "transactions_status_check"),
        ({"wanted_depth": 0}, "transactions_wanted_depth_check"),
        ({"status": "mined"}, "transactions_mined_has_its_block"),
        ({"status": "confirmed", **MINED, "fee_wei": None}, "transactions_mined_has_its_block"),
    ],
    ids=lambda value: str(next(iter(value.items()))) if isinstance(value, dict) else "",
)
def test_an_impossible_transaction_is_refused(
    connection: psycopg.Connection, values: dict[str, Any], constraint: str
) -> None:
    """Each check names the rule that was broken."""
    with refused_by(constraint):
        insert(connection, "transactions", TRANSACTION | values)


def test_a_mined_transaction_with_the_largest_value_is_kept(
    connection: psycopg.Connection,
) -> None:
    """The checks admit what a chain can hold."""
    insert(
        connection,
        "transactions",
        TRANSACTION | MINED | {"status": "mined", "value_wei": UINT256_END - 1},
    )


@pytest.mark.parametrize("status", ["signed", "sent", "mined", "confirmed"])
def test_an_intent_that_may_have_happened_has_no_second_generation(
    connection: psycopg.Connection, status: str
) -> None:
    """A new generation needs every earlier one to be impossible."""
    insert(connection, "transactions", TRANSACTION | MINED | {"status": status})
    with refused_by("transactions_one_live_per_intent"):
        insert(connection, "transactions", TRANSACTION | {"generation": 2, "nonce": 1})


@pytest.mark.parametrize("status", ["reverted", "replaced", "cancelled", "failed"])
def test_an_intent_that_is_impossible_may_be_retried_as_a_new_generation(
    connection: psycopg.Connection, status: str
) -> None:
    """The ended one stays beside it."""
    insert(connection, "transactions", TRANSACTION | MINED | {"status": status})
    insert(connection, "transactions", TRANSACTION | {"generation": 2, "nonce": 1})


def test_a_generation_exists_once(connection: psycopg.Connection) -> None:
    """Ended or not, its number is taken."""
    insert(connection, "transactions", TRANSACTION | {"status": "failed"})
    with refused_by("transactions_one_per_generation"):
        insert(connection, "transactions", TRANSACTION | {"nonce": 1})


def test_a_nonce_is_held_once(connection: psycopg.Connection) -> None:
    """Two transactions of one sender cannot claim the same nonce."""
    insert(connection, "transactions", TRANSACTION)
    with refused_by("transactions_one_per_nonce"):
        insert(connection, "transactions", TRANSACTION | {"intent_key": "event:2"})


def test_a_failed_transaction_gives_its_nonce_back(connection: psycopg.Connection) -> None:
    """A clear rejection leaves the nonce to the next transaction."""
    insert(connection, "transactions", TRANSACTION | {"status": "failed"})
    insert(connection, "transactions", TRANSACTION | {"intent_key": "event:2"})


def test_a_priority_fee_above_the_max_fee_is_refused(connection: psycopg.Connection) -> None:
    """No node would take such an attempt."""
    transaction = insert(connection, "transactions", TRANSACTION)
    with refused_by("attempts_priority_within_max_fee"):
        insert(
            connection,
            "attempts",
            ATTEMPT | {"transaction_id": transaction, "max_priority_fee_per_gas_wei": 3},
        )


@pytest.mark.parametrize(
    ("second", "constraint"),
    [
        ({"number": 2}, "attempts_tx_hash_once"),
        ({"tx_hash": OTHER_HASH}, "attempts_number_once"),
    ],
    ids=["hash", "number"],
)
def test_an_attempt_exists_once(
    connection: psycopg.Connection, second: dict[str, Any], constraint: str
) -> None:
    """Neither its hash nor its number comes twice."""
    first = ATTEMPT | {"transaction_id": insert(connection, "transactions", TRANSACTION)}
    insert(connection, "attempts", first)
    with refused_by(constraint):
        insert(connection, "attempts", first | second)


def test_a_settlement_line_without_booking_exists_once(connection: psycopg.Connection) -> None:
    """A completion recorded twice cannot pay the host twice."""
    line = SETTLEMENT | {"transaction_id": insert(connection, "transactions", TRANSACTION)}
    insert(connection, "settlements", line)
    with refused_by("settlements_line_once"):
        insert(connection, "settlements", line)


@pytest.mark.parametrize(
    "values",
    [{"status": "paid"}, {"status": "owed", "paid_reference": "bank 1"}],
    ids=["paid by nothing", "owed with a reference"],
)
def test_a_payable_is_paid_exactly_when_something_paid_it(
    connection: psycopg.Connection, values: dict[str, Any]
) -> None:
    """The status cannot say one thing and the reference another."""
    transaction = insert(connection, "transactions", TRANSACTION)
    line = insert(connection, "settlements", SETTLEMENT | {"transaction_id": transaction})
    payable = {"settlement_id": line, "kind": "host_payout", "amount_wei": 1}
    with refused_by("payables_paid_by_something"):
        insert(connection, "payables", payable | values)


def test_a_second_installation_row_is_refused(connection: psycopg.Connection) -> None:
    """A database belongs to one chain, contract and sender."""
    with refused_by("installation_pkey"):
        connection.execute("INSERT INTO mayhouse.installation DEFAULT VALUES")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE mayhouse.operator_log SET actor = 'someone else'",
        "DELETE FROM mayhouse.operator_log",
        "TRUNCATE mayhouse.operator_log",
    ],
)
def test_the_operator_log_only_grows(connection: psycopg.Connection, change: str) -> None:
    """Not even its owner rewrites it."""
    insert(connection, "operator_log", {"actor": "test", "command": "freeze"})
    with pytest.raises(psycopg.errors.RaiseException, match="insert only"):
        connection.execute(change.encode())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE mayhouse.operator_log SET actor = 'someone else'",
        "DELETE FROM mayhouse.operator_log",
        "TRUNCATE mayhouse.operator_log",
    ],
)
def test_a_role_that_may_only_add_can_read_but_not_change_the_operator_log(
    connection: psycopg.Connection, change: str
) -> None:
    """INSERT and SELECT, with a policy for them, are all that the tool needs of the log."""
    connection.execute("""
        CREATE ROLE log_writer;
        GRANT USAGE ON SCHEMA mayhouse TO log_writer;
        GRANT INSERT, SELECT ON mayhouse.operator_log TO log_writer;
        CREATE POLICY log_writer_adds ON mayhouse.operator_log FOR INSERT TO log_writer
            WITH CHECK (true);
        CREATE POLICY log_writer_reads ON mayhouse.operator_log FOR SELECT TO log_writer
            USING (true);
        SET LOCAL ROLE log_writer;
    """)
    insert(connection, "operator_log", {"actor": "asha", "command": "freeze"})
    row = connection.execute("SELECT actor, command FROM mayhouse.operator_log").fetchone()
    assert row == ("asha", "freeze")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change.encode())


def test_every_table_has_row_level_security_and_a_comment(connection: psycopg.Connection) -> None:
    """No table of the schema is open by default, or unexplained."""
    open_tables = connection.execute("""
        SELECT relname FROM pg_class
        WHERE relnamespace = 'mayhouse'::regnamespace AND relkind = 'r'
          AND (NOT relrowsecurity OR obj_description(oid, 'pg_class') IS NULL)
    """).fetchall()
    assert open_tables == []


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_the_roles_of_the_hosted_api_have_no_rights(empty_database_url: str, role: str) -> None:
    """Neither the schema nor a table, even where new tables are granted to them by default."""
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        try:
            for kind in ("TABLES", "SCHEMAS"):
                grant = "ALTER DEFAULT PRIVILEGES GRANT ALL ON {} TO {}"
                owner.execute(sql.SQL(grant).format(sql.SQL(kind), sql.Identifier(role)))
            with Database(parse_dsn(empty_database_url), statement_timeout_seconds=10) as database:
                Migrations(database).apply()
            rights = owner.execute(
                """
                SELECT has_schema_privilege(%(role)s, 'mayhouse', 'USAGE'),
                       bool_or(has_table_privilege(%(role)s, oid, 'SELECT, INSERT, UPDATE'))
                FROM pg_class WHERE relnamespace = 'mayhouse'::regnamespace AND relkind = 'r'
                """,
                {"role": role},
            ).fetchone()
            assert rights == (False, False)
        finally:
            owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
