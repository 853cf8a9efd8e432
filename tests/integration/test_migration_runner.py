"""The runner of the migrations: looking changes nothing, drift stops it, each file runs once."""

import shutil
import threading
import time
from pathlib import Path

import psycopg
import pytest

from mayhouse_cli.bootstrap import refuse_old_schema
from mayhouse_cli.errors import DatabaseUnreachable, MigrationsPending, Refused
from mayhouse_cli.store import migrations
from mayhouse_cli.store.migrations import find_migrations
from tests.database_server import migrate, migrations_of, query, status


@pytest.fixture
def sql_folder(tmp_path: Path) -> Path:
    """Give a copy of the migrations that may be spoilt."""
    folder = tmp_path / "sql"
    shutil.copytree(find_migrations(), folder)
    return folder


def test_looking_changes_nothing(empty_database_url: str) -> None:
    """Status and dry run work on an empty database and leave it empty."""
    with migrations_of(empty_database_url) as pending:
        names = [state.name for state in pending.status().pending]
        assert names == [name for name, _ in pending.pending_sql()]
    assert names[0] == "001_platform_tables.sql"
    assert query(empty_database_url, "SELECT to_regnamespace('mayhouse')") == [(None,)]


def test_an_old_schema_is_refused_by_the_names_of_its_files(
    empty_database_url: str, database_url: str, sql_folder: Path
) -> None:
    """As they stand in the folder, whether they wait or were changed."""
    with (
        migrations_of(empty_database_url) as pending,
        pytest.raises(MigrationsPending, match=r"pending: 001_platform_tables\.sql, 002_"),
    ):
        refuse_old_schema(pending)
    edited = sql_folder / "001_platform_tables.sql"
    edited.write_text(edited.read_text() + "-- edited")
    with (
        migrations_of(database_url, sql_folder) as drifted,
        pytest.raises(MigrationsPending, match=r"drifted: 001_platform_tables\.sql$"),
    ):
        refuse_old_schema(drifted)


def test_an_edited_migration_is_drift_and_nothing_is_run(
    database_url: str, sql_folder: Path
) -> None:
    """The refusal holds both checksums, and the new file beside it stays pending."""
    edited = sql_folder / "001_platform_tables.sql"
    edited.write_text(edited.read_text() + "-- edited")
    (sql_folder / "900_next.sql").write_text("CREATE TABLE next ()")
    (drifted,) = status(database_url, sql_folder).drifted
    with pytest.raises(MigrationsPending) as refusal:
        migrate(database_url, sql_folder)
    assert f"{drifted.recorded_sha256} and is now {drifted.file_sha256}" in refusal.value.message
    assert [state.version for state in status(database_url, sql_folder).pending] == [900]


def test_a_deleted_migration_is_reported_missing(database_url: str, sql_folder: Path) -> None:
    """The ledger remembers a file that is gone, and nothing is run."""
    (sql_folder / "003_mayhouse_schema.sql").unlink()
    (missing,) = status(database_url, sql_folder).missing
    assert missing.name == "003_mayhouse_schema.sql"
    with pytest.raises(MigrationsPending, match="its file is gone"):
        migrate(database_url, sql_folder)


def test_a_file_that_fails_is_undone_wholly_and_those_before_it_stay(
    database_url: str, sql_folder: Path
) -> None:
    """The good file is recorded; of the bad one neither table nor record is left."""
    (sql_folder / "900_good.sql").write_text("CREATE TABLE good ()")
    (sql_folder / "901_bad.sql").write_text(
        "CREATE TABLE bad (); DO $$ BEGIN RAISE EXCEPTION 'no' USING HINT = 'do this'; END $$"
    )
    with pytest.raises(Refused, match=r"^no$") as refusal:
        migrate(database_url, sql_folder)
    assert refusal.value.hint == "do this"
    left = query(database_url, "SELECT to_regclass('good') IS NOT NULL, to_regclass('bad')")
    assert left == [(True, None)]
    report = status(database_url, sql_folder)
    assert [state.version for state in report.pending] == [901]


def test_two_runs_at_once_apply_once(empty_database_url: str) -> None:
    """Both wait for the same lock, both succeed, and each tells only what it has applied."""
    reports = []
    runs = [
        threading.Thread(target=lambda: reports.append(migrate(empty_database_url)))
        for _ in range(2)
    ]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(empty_database_url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [migrations.LOCK_KEY])
        for run in runs:
            run.start()
        while query(empty_database_url, waiting) != [(2,)]:
            time.sleep(0.01)
    for run in runs:
        run.join()
    assert [report.is_current for report in reports] == [True, True]
    ledger = query(empty_database_url, "SELECT version FROM mayhouse.schema_migrations")
    assert len(ledger) == len(reports[0].applied)
    told = [name for report in reports for name in report.new]
    assert sorted(told) == [one.name for one in reports[0].applied]


def test_a_busy_table_makes_the_migration_give_up_soon(
    database_url: str, sql_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not queue behind a long transaction, where it would block the platform."""
    (sql_folder / "900_next.sql").write_text("ALTER TABLE event_runs ADD next integer")
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.1)
    with psycopg.connect(database_url) as platform:
        platform.execute("SELECT FROM event_runs")
        with pytest.raises(DatabaseUnreachable, match="busy"):
            migrate(database_url, sql_folder)
