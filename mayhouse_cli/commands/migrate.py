"""`mayhouse migrate`: bring the database's schema to this version's."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from mayhouse_cli.bootstrap import (
    actor,
    find_role_script,
    open_database,
    open_migrations,
    open_operator_log,
    refuse_old_schema,
)
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.errors import MigrationsPending, WrongUsage
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line, Table, dim, good


@dataclass(frozen=True)
class MigrationLine:
    """One migration and how it stands."""

    version: int
    name: str
    state: str


@dataclass(frozen=True)
class MigrationResult:
    """`migrate`: every migration, by how it stands."""

    applied: tuple[MigrationLine, ...]
    pending: tuple[MigrationLine, ...]
    drifted: tuple[MigrationLine, ...]
    missing: tuple[MigrationLine, ...]


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "migrate")(migrate)


def migrate(
    common: CommonOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SQL that would run; run nothing.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="List the migrations.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 9 when anything is pending or has drifted.")
    ] = False,
) -> None:
    """Apply the SQL migrations in order, each in one transaction.

    Example: mayhouse migrate --status
    """
    if sum((dry_run, status, check)) > 1:
        raise WrongUsage("One of --dry-run, --status and --check", hint="Leave the others away.")
    invocation = Invocation(common)
    key = "migration_database_url"
    if invocation.config.get(key) is None:
        key = "database_url"
    database = open_database(invocation.config, key, common.timeout or math.inf)
    try:
        migrations = open_migrations(database)
        scripts = migrations.pending_sql() if dry_run else ()
        changes_nothing = dry_run or status or check
        report = migrations.status() if changes_nothing else migrations.apply()
        result = _result(report)
        if report.new:
            open_operator_log(database).add(actor(), "migrate", {"applied": [*report.new]})
        if check and not report.is_current:
            _fail_check(invocation, migrations, result)
    finally:
        database.close()
        invocation.output.hide(invocation.config.secrets)
    blocks: list[Block] = [Table(_rows(result), indent=2)]
    if dry_run:
        blocks += [Line(line) for _, script in scripts for line in script.splitlines()]
    elif not (status or check):
        blocks += _applied_blocks(len(report.new))
    invocation.show(result, blocks)


def _applied_blocks(count: int) -> list[Block]:
    """Say that it is done, and that what is new is not open to the operating role by itself."""
    done: list[Block] = [good(f"Applied {count}; the schema is current")]
    if count:
        done.append(dim(f"  Rights of the operating role: psql -f {find_role_script()}"))
    return done


def _fail_check(invocation: Invocation, migrations: Any, result: MigrationResult) -> None:  # noqa: ANN401 a Migrations
    invocation.output.findings([Table(_rows(result), indent=2)])
    try:
        refuse_old_schema(migrations)
    except MigrationsPending as error:
        error.known = result
        raise


def _result(report: Any) -> MigrationResult:  # noqa: ANN401 a MigrationReport
    def lines(states: Any) -> tuple[MigrationLine, ...]:  # noqa: ANN401 tuples of Migration
        return tuple(MigrationLine(one.version, one.name, one.state) for one in states)

    return MigrationResult(
        lines(report.applied), lines(report.pending), lines(report.drifted), lines(report.missing)
    )


def _rows(result: MigrationResult) -> list[list[str]]:
    everything = (*result.applied, *result.pending, *result.drifted, *result.missing)
    return [
        [f"{one.version:03}", one.name, one.state]
        for one in sorted(everything, key=lambda one: one.version)
    ]
