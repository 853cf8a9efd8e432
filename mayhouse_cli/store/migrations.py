"""The schema's history: SQL files run in order, each once and in one transaction."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from mayhouse_cli.errors import ConfigurationError, MigrationsPending
from mayhouse_cli.store.database import Cursor, Database

MigrationStateName = Literal["applied", "pending", "drifted", "missing"]

# One number for every installation of the tool, so that two runs meet: "mayhouse" in ASCII.
LOCK_KEY: Final = 0x6D6179686F757365
LOCK_TIMEOUT_SECONDS: Final = 10.0  # the platform's own traffic must not wait long behind us
STATEMENT_TIMEOUT_SECONDS: Final = 300.0

FIND_LEDGER: Final = "SELECT to_regclass('mayhouse.schema_migrations') IS NOT NULL AS found"
READ_LEDGER: Final = "SELECT version, name, sha256 FROM mayhouse.schema_migrations ORDER BY version"
LOCK_LEDGER: Final = "SELECT pg_advisory_xact_lock(%s)"
LIMIT_LOCKS: Final = "SELECT set_config('lock_timeout', %s, true)"
RECORD: Final = """
    INSERT INTO mayhouse.schema_migrations (version, name, sha256) VALUES (%s, %s, %s)
"""
CREATE_LEDGER: Final = """
    CREATE SCHEMA IF NOT EXISTS mayhouse;
    COMMENT ON SCHEMA mayhouse IS 'Tables of the mayhouse command line tool.';
    CREATE TABLE IF NOT EXISTS mayhouse.schema_migrations (
        version    integer PRIMARY KEY,
        name       text NOT NULL,
        sha256     text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        applied_by text NOT NULL DEFAULT current_user
    );
    COMMENT ON TABLE mayhouse.schema_migrations IS 'The migrations that were run, and their text.';
    ALTER TABLE mayhouse.schema_migrations ENABLE ROW LEVEL SECURITY;
"""


@dataclass(frozen=True)
class MigrationState:
    """One migration, as it stands in the folder and in the database's ledger."""

    version: int
    name: str
    state: MigrationStateName
    file_sha256: str | None
    """None when the file is missing."""
    recorded_sha256: str | None
    """None when it has not been applied."""


@dataclass(frozen=True)
class MigrationReport:
    """Every migration, in exactly one of four lists."""

    applied: tuple[MigrationState, ...]
    pending: tuple[MigrationState, ...]
    drifted: tuple[MigrationState, ...]
    missing: tuple[MigrationState, ...]
    new: tuple[str, ...] = ()
    """The names of those that this run has applied; another one may have applied the rest."""

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to run and nothing to worry about."""
        return not (self.pending or self.drifted or self.missing)


@dataclass(frozen=True)
class _File:
    version: int
    name: str
    script: str
    sha256: str


def find_migrations() -> Path:
    """Give the folder of the SQL files: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "sql"
    return packaged if packaged.is_dir() else package.parent / "sql"


class Migrations:
    """The migrations of one folder, for one database."""

    def __init__(self, database: Database, directory: Path | None = None) -> None:
        """Read the files; ConfigurationError when there are none, or two with one number."""
        self._database = database
        self._files = _read_files(directory or find_migrations())

    def status(self) -> MigrationReport:
        """Compare files and ledger; changes nothing, and works on an empty database."""
        with self._database.transaction() as cursor:
            return self._compare(cursor)

    def pending_sql(self) -> tuple[tuple[str, str], ...]:
        """Give name and text of each file that `apply` would run."""
        pending = {state.version for state in self.status().pending}
        return tuple((file.name, file.script) for file in self._files if file.version in pending)

    def apply(self) -> MigrationReport:
        """Run what is pending; a file that fails is undone wholly, those before it stay.

        Raises MigrationsPending, and runs nothing, when an applied file was edited or deleted;
        Refused when a file finds something in its way; DatabaseUnreachable when a table is busy.
        """
        new = tuple(file.name for file in self._files if self._apply_one(file))
        report = self.status()
        _check_history(report)
        return replace(report, new=new)

    def _apply_one(self, file: _File) -> bool:
        """Run it unless another run was faster; gives whether this one did."""
        with self._database.transaction(
            statement_timeout_seconds=STATEMENT_TIMEOUT_SECONDS
        ) as cursor:
            seconds = min(LOCK_TIMEOUT_SECONDS, self._database.lock_timeout)
            cursor.execute(LIMIT_LOCKS, [f"{round(seconds * 1000)}ms"])
            cursor.execute(LOCK_LEDGER, [LOCK_KEY])
            # Another run may have been faster while this one waited for the lock.
            report = self._compare(cursor)
            _check_history(report)
            if file.version not in {state.version for state in report.pending}:
                return False
            cursor.execute(CREATE_LEDGER)
            cursor.execute(file.script)
            cursor.execute(RECORD, [file.version, file.name, file.sha256])
        return True

    def _compare(self, cursor: Cursor) -> MigrationReport:
        recorded: dict[int, dict[str, Any]] = {}
        found = cursor.execute(FIND_LEDGER).fetchone()
        if found and found["found"]:
            recorded = {row["version"]: row for row in cursor.execute(READ_LEDGER)}
        files = {file.version: file for file in self._files}
        states = [
            _state(version, files.get(version), recorded.get(version))
            for version in sorted(files.keys() | recorded.keys())
        ]
        return MigrationReport(
            applied=tuple(state for state in states if state.state == "applied"),
            pending=tuple(state for state in states if state.state == "pending"),
            drifted=tuple(state for state in states if state.state == "drifted"),
            missing=tuple(state for state in states if state.state == "missing"),
        )


def _state(version: int, file: _File | None, row: dict[str, Any] | None) -> MigrationState:
    on_disk = file.sha256 if file else None
    in_ledger = row["sha256"] if row else None
    state: MigrationStateName
    if row is None:
        state = "pending"
    elif file is None:
        state = "missing"
    else:
        state = "applied" if on_disk == in_ledger else "drifted"
    name = file.name if file else row["name"] if row else ""
    return MigrationState(version, name, state, on_disk, in_ledger)


def _check_history(report: MigrationReport) -> None:
    """Refuse to build on a history that is not the one in the folder."""
    wrong = [*report.drifted, *report.missing]
    if not wrong:
        return
    text = "; ".join(
        f"{state.name} was applied as {state.recorded_sha256} and "
        + (f"is now {state.file_sha256}" if state.file_sha256 else "its file is gone")
        for state in wrong
    )
    raise MigrationsPending(
        f"An applied migration has changed: {text}",
        hint="Nothing was run. Install the version of the tool that migrated this database, or "
        "put the file back as it was; a change belongs in a new file.",
        details={"drifted": [vars(state) for state in wrong]},
    )


def _read_files(directory: Path) -> tuple[_File, ...]:
    files: dict[int, _File] = {}
    for path in sorted(directory.glob("*.sql")):
        numbered = re.fullmatch(r"(\d{3})_\w+", path.stem)
        if numbered is None:
            continue
        # A checkout on another system may end its lines otherwise: it is the same migration.
        version, script = int(numbered[1]), path.read_bytes().replace(b"\r\n", b"\n")
        if version in files:
            raise ConfigurationError(
                f"Two migrations have the number {version}: {files[version].name}, {path.name}"
            )
        checksum = hashlib.sha256(script).hexdigest()
        files[version] = _File(version, path.name, script.decode(), checksum)
    if not files:
        raise ConfigurationError(
            f"There are no migrations in {directory}", hint="Install the tool again."
        )
    return tuple(files.values())
