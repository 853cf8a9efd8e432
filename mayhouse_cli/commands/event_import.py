"""`mayhouse event create --from`: a file of events."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mayhouse_cli.commands.arguments import parse_moment, parse_uuid
from mayhouse_cli.commands.bulk_views import plan_blocks, result_blocks
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.errors import MayhouseError, Stopped, WrongUsage
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import parse_inr
from mayhouse_cli.operations import bulk
from mayhouse_cli.operations.bulk import Target
from mayhouse_cli.operations.bulk_events import (
    COLUMNS,
    EventFile,
    RequestedEvent,
    plan_events,
    read_events,
)
from mayhouse_cli.operations.bulk_files import read_import_file
from mayhouse_cli.operations.bulk_rows import Problem
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.options import MOST_SEATS, BulkOptions, SigningOptions
from mayhouse_cli.ports import Session

_OF_A_NEW_ONE: Final = ("experience", "price", "seats", "starts_at", "ends_at")


def create_from(
    file: Path,
    invocation: Invocation,
    signing: SigningOptions,
    options: BulkOptions,
    *,
    allow_large: bool,
) -> None:
    """Create an event for every row of a file, each exactly once."""
    choices = invocation.bulk_choices(signing)
    target = Target(
        file,
        f"mayhouse event create --from {shlex.quote(str(file))}",
        options.result,
        options.window,
    )
    with invocation.session(SIGN_SECONDS) as session:
        listed = _read(file, choices, options, session, allow_large=allow_large)
        if listed.earlier.waiting and not signing.dry_run:
            bulk.finish_earlier(listed.earlier, target, session)
            listed = _read(file, choices, options, session, allow_large=allow_large)
        plan = plan_events(listed, choices, session)
        result = bulk.planned(plan, session)
        if not signing.dry_run:
            invocation.consent(plan.spending, signing, plan_blocks(plan, "event"))
            session.deadline.restart()
            result = bulk.make(plan, choices, target, session)
    blocks = [*plan_blocks(plan, "event"), *result_blocks(result, "event")]
    invocation.show(result, blocks, plan.warnings)


def _read(
    file: Path,
    choices: SigningChoices,
    options: BulkOptions,
    session: Session,
    *,
    allow_large: bool,
) -> EventFile:
    listed = read_import_file(file, COLUMNS)
    requested: list[RequestedEvent] = []
    problems: list[Problem] = []
    for row in listed.rows:
        try:
            request = _request(row.cells, allow_large=allow_large)
        except Stopped:
            raise
        except MayhouseError as refusal:
            problems.append((row.line, refusal.message))
        else:
            requested.append(RequestedEvent(row, request))
    return read_events(
        listed, requested, problems, choices, session, retry_failed=options.retry_failed
    )


def _request(cells: Mapping[str, str], *, allow_large: bool) -> EventRequest:
    if "event" not in cells:
        missing = [name for name in _OF_A_NEW_ONE[:4] if name not in cells]
        if missing:
            raise WrongUsage(f"has no {missing[0]}")
    return EventRequest(
        event_id=cells.get("event"),
        experience_id=parse_uuid(cells.get("experience"), "the experience"),
        price_inr=parse_inr(cells["price"], "price") if "price" in cells else None,
        seats=_seats(cells["seats"]) if "seats" in cells else None,
        starts_at=parse_moment(cells.get("starts_at"), "start"),
        ends_at=parse_moment(cells.get("ends_at"), "end"),
        host_wallet=parse_address(cells["host_wallet"]) if "host_wallet" in cells else None,
        allow_large=allow_large,
    )


def _seats(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= MOST_SEATS):
        raise WrongUsage(f"not a number of seats: {text}")
    return int(text)
