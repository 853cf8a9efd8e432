"""The role with the least rights: all of the tool works under it, and nothing else does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, LiteralString

import psycopg
import pytest
from psycopg import sql

from mayhouse_cli.bootstrap import find_role_script
from tests.database_server import migrate, query
from tests.faults import processes
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, Mayhouse

ROLE: Final = "mayhouse_operator"
API_ROLES: Final = ("anon", "authenticated")
# What a platform keeps beside the tables that the tool knows.
ELSEWHERE: Final = """
    CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid, encrypted_password text);
    CREATE TABLE public.messages (id uuid, body text);
    ALTER TABLE public.users ADD COLUMN phone text
"""
TABLES: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'mayhouse'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY relname
"""
FORBIDDEN: Final[tuple[LiteralString, ...]] = (
    "UPDATE mayhouse.operator_log SET actor = 'someone else'",
    "DELETE FROM mayhouse.operator_log",
    "TRUNCATE mayhouse.operator_log",
    "ALTER TABLE mayhouse.operator_log DISABLE TRIGGER insert_only",
    "UPDATE mayhouse.schema_migrations SET sha256 = ''",
    "DELETE FROM mayhouse.transactions",
    "DELETE FROM mayhouse.attempts",
    "DELETE FROM mayhouse.installation",
    "INSERT INTO mayhouse.schema_migrations VALUES (999, 'x', 'x')",
    "DROP TABLE mayhouse.quotes",
    "ALTER TABLE mayhouse.quotes DISABLE ROW LEVEL SECURITY",
    "DROP SCHEMA mayhouse CASCADE",
    "CREATE TABLE mayhouse.own (id int)",
    "CREATE TABLE public.own (id int)",
    "SELECT * FROM auth.users",
    "SELECT * FROM public.messages",
    "SELECT phone FROM public.users",
    "SELECT created_at FROM public.users",
    "UPDATE public.users SET role = 'admin'",
    "UPDATE public.experiences SET price_inr = 1",
    "UPDATE public.event_runs SET max_capacity = 1000",
    "DELETE FROM public.users",
    "DELETE FROM public.event_runs",
    "DELETE FROM public.event_run_bookings",
    "CREATE ROLE another",
    "ALTER ROLE mayhouse_operator SUPERUSER",
    "GRANT SELECT ON public.users TO PUBLIC",
)


def as_operator(url: str) -> str:
    """The URL of the same database, under the role."""
    assert "//postgres@" in url
    return url.replace("//postgres@", f"//{ROLE}@")


@pytest.fixture
def operator_url(database_url: str) -> Iterator[str]:
    """A migrated database's URL under the role, whose script ran twice: it can be run again."""
    query(database_url, ELSEWHERE)
    for _ in range(2):
        query(database_url, find_role_script().read_text(encoding="utf-8"))
    yield as_operator(database_url)
    query(database_url, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


@pytest.fixture
def operated(operator_url: str, mayhouse: Mayhouse) -> Mayhouse:
    """A platform whose script connects under the role; the test itself looks as the owner."""
    return replace(mayhouse, settings={"DATABASE_URL": operator_url})


def quickly(mayhouse: Mayhouse, *words: str) -> dict[str, Any]:
    """Run a command that must succeed, in a process that has imported it all; gives its data."""
    child = processes.start(*words, "--json", env=mayhouse.environment, folder=mayhouse.folder)
    return child.wait().data


def test_a_whole_story_runs_under_the_role(operated: Mayhouse) -> None:
    """From the event to what is owed for it, with the installed script."""
    event = operated.create_event()
    chain_event = str(event["chain_event_id"])
    assert operated.json("booking", "quote", chain_event, "--seats", "1").code == 0
    first = operated.book(chain_event, ASHA)
    operated.book(chain_event, BINA)
    operated.warp(90_000)
    came = ("--attended", first["booking_id"], "-y")
    completed = operated.json("event", "complete", event["event_id"], *came).data
    assert (completed["status"], completed["recorded"]) == ("confirmed", True)
    assert operated.json("audit").data["findings"] == []
    assert operated.json("balance", "check").document["data"]["state"] == "OK"


def test_what_surrounds_a_story_runs_under_the_role(operated: Mayhouse) -> None:
    """Rates, plans, cancellation, settlement, payouts, reconciliation, freezing, and every list."""
    start = ("--price-inr=2500", "--seats=4", "--starts-at", operated.starts_in(), "-y")
    creation = ("event", "create", "--experience", EXPERIENCE_ID, *start)
    first, second = (
        quickly(operated, *creation, "--idempotency-key", key)["chain_event_id"] for key in "ab"
    )
    for event in (first, second):
        quickly(operated, "booking", "create", str(event), "--seats=1", f"--traveler={ASHA}", "-y")
    quickly(operated, "rate", "set", "200000")
    plan = quickly(operated, "event", "cancel", str(first), "--reason", "rain", "--plan")
    quickly(operated, "event", "cancel", str(first), "--execute", plan["plan_hash"])
    operated.warp(90_000)
    quickly(operated, "event", "complete", str(second), "--all-attended", "-y")
    quickly(operated, "event", "settle", str(first))
    (owed, *others) = quickly(operated, "payout", "list")["payables"]
    quickly(operated, "payout", "mark", owed["payable_id"], "--reference", "NEFT 1", "-y")
    assert others
    quickly(operated, "payout", "send", others[0]["payable_id"], "-y")
    for words in (
        *(("reconcile", "--fix"), ("tx", "resume"), ("tx", "list"), ("log",), ("rate", "show")),
        *(("event", "list"), ("booking", "list"), ("wallet", "list"), ("balance", "history")),
        *(
            ("contract", "show"),
            ("migrate", "--check"),
            ("freeze", "--reason", "x"),
            ("thaw", "-y"),
        ),
    ):
        quickly(operated, *words)


def test_the_role_may_not_migrate(operated: Mayhouse) -> None:
    """What is pending is left to the tables' owner, and the message says whose turn it is."""
    query(operated.database_url, "DELETE FROM mayhouse.schema_migrations WHERE version = 5")
    refused = operated.json("migrate")
    assert (refused.code, refused.error["code"]) == (3, "configuration")


def test_what_the_tool_never_does_is_refused(operator_url: str) -> None:
    """Neither the log, nor the past, nor anything of the platform's that is not the tool's."""
    allowed = []
    with psycopg.connect(operator_url, autocommit=True) as connection:
        for statement in FORBIDDEN:
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                continue
            allowed.append(statement)
    assert allowed == []


def test_the_role_knows_every_table_of_the_schema(operator_url: str, database_url: str) -> None:
    """A migration that brings a table is followed by the role's script, or commands would fail."""
    unknown = query(
        database_url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'mayhouse'::regnamespace"
        " AND relkind IN ('r', 'p')"
        " AND NOT has_table_privilege('mayhouse_operator', oid, 'SELECT')",
    )
    assert unknown == []
    assert query(operator_url, "SELECT count(*) FROM mayhouse.schema_migrations") > [(0,)]


@pytest.fixture
def hosted(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """A database as hosted ones are: the roles of its API get rights on all that is made there."""
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        for role in API_ROLES:
            name = sql.Identifier(role)
            owner.execute(sql.SQL("CREATE ROLE {}").format(name))
            for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
                grant = "ALTER DEFAULT PRIVILEGES GRANT ALL ON {} TO {}"
                owner.execute(sql.SQL(grant).format(sql.SQL(kind), name))
        try:
            migrate(empty_database_url)
            yield owner
        finally:
            for role in API_ROLES:
                drop = "DROP OWNED BY {0}; DROP ROLE {0}"
                owner.execute(sql.SQL(drop).format(sql.Identifier(role)))


@pytest.mark.parametrize("role", API_ROLES)
def test_the_api_of_a_hosted_database_reaches_no_table(
    hosted: psycopg.Connection, role: str
) -> None:
    """Each table of the schema is refused, whichever migration made it."""
    names = [name for (name,) in hosted.execute(TABLES)]
    hosted.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        for name in names:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                hosted.execute(sql.SQL("SELECT FROM mayhouse.{}").format(sql.Identifier(name)))
    finally:
        hosted.execute("RESET ROLE")
    assert len(names) >= 13


@pytest.mark.parametrize("role", API_ROLES)
def test_rights_given_by_mistake_show_no_row(hosted: psycopg.Connection, role: str) -> None:
    """Row level security is the second wall: with every right on every table, nothing is seen."""
    name = sql.Identifier(role)
    hosted.execute(sql.SQL("GRANT USAGE ON SCHEMA mayhouse TO {}").format(name))
    hosted.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA mayhouse TO {}").format(name))
    tables = [table for (table,) in hosted.execute(TABLES)]
    hosted.execute(sql.SQL("SET ROLE {}").format(name))
    try:
        seen = {
            table: hosted.execute(
                sql.SQL("SELECT count(*) FROM mayhouse.{}").format(sql.Identifier(table))
            ).fetchone()
            for table in tables
        }
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            hosted.execute("INSERT INTO mayhouse.operator_log (actor, command) VALUES ('x', 'x')")
    finally:
        hosted.execute("RESET ROLE")
    assert set(seen.values()) == {(0,)}
    assert hosted.execute("SELECT count(*) FROM mayhouse.schema_migrations").fetchone() != (0,)
