"""`mayhouse booking import`: a file of bookings."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.commands.bulk_views import plan_blocks, result_blocks
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.operations import bulk
from mayhouse_cli.operations.bulk import Target
from mayhouse_cli.operations.bulk_bookings import BookingFile, plan_bookings, read_bookings
from mayhouse_cli.options import (
    BulkOptions,
    CommonOptions,
    SigningOptions,
    command,
)


def register(app: typer.Typer) -> None:
    """Add the command to the bookings' group."""
    command(app, "import")(import_)


def import_(
    common: CommonOptions,
    signing: SigningOptions,
    options: BulkOptions,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Columns event, traveler, seats; or booking; key where a row has its own.",
            show_default=False,
        ),
    ],
    allow_repeats: Annotated[
        bool,
        typer.Option("--allow-repeats", help="Book again what is booked already without a file."),
    ] = False,
) -> None:
    """Book every row of a file, each exactly once; run it again to go on.

    Example: mayhouse booking import bookings.csv
    """
    invocation = Invocation(common)
    choices = invocation.bulk_choices(signing)
    target = Target(
        file, f"mayhouse booking import {shlex.quote(str(file))}", options.result, options.window
    )
    with invocation.session(SIGN_SECONDS) as session:

        def read() -> BookingFile:
            return read_bookings(
                file,
                choices,
                session,
                allow_repeats=allow_repeats,
                retry_failed=options.retry_failed,
            )

        listed = read()
        if listed.earlier.waiting and not signing.dry_run:
            bulk.finish_earlier(listed.earlier, target, session)
            listed = read()
        plan = plan_bookings(listed, choices, session)
        result = bulk.planned(plan, session)
        if not signing.dry_run:
            invocation.consent(plan.spending, signing, plan_blocks(plan, "booking"))
            session.deadline.restart()
            result = bulk.make(plan, choices, target, session)
    blocks = [*plan_blocks(plan, "booking"), *result_blocks(result, "booking")]
    invocation.show(result, blocks, plan.warnings)
