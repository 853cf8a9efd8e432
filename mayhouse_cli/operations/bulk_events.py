"""`event create --from`: a file of events, each row planned as one `event create` would be.

A row's key says which event it is, as in `bulk_booking_rows`: the database's own row, the row's
`key`, or its terms, where the n-th equal row of a file is the n-th such event.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mayhouse_cli.errors import FeeTooHigh, MayhouseError, Stopped
from mayhouse_cli.models import Intent, Kind, Question
from mayhouse_cli.operations import bulk_earlier
from mayhouse_cli.operations.bulk_earlier import Earlier
from mayhouse_cli.operations.bulk_files import IDS, Columns, FileRow, ImportFile, named
from mayhouse_cli.operations.bulk_rows import (
    BulkPlan,
    Item,
    Listed,
    Problem,
    Terms,
    id_of,
    refuse_problems,
)
from mayhouse_cli.operations.bulk_spending import sum_up
from mayhouse_cli.operations.event_creation import (
    CreationPlan,
    EventRequest,
    creation_arguments,
    plan_creation,
    terms_of,
)
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import OWN_KEY_PREFIX, SigningChoices
from mayhouse_cli.operations.rates import current_rate
from mayhouse_cli.ports import Session

COLUMNS: Final = Columns(
    names={
        "event": named("event", "event run", of=IDS),
        "experience": named("experience", of=IDS),
        "price": named("price inr", "price", "price in inr"),
        "seats": named("seats", "max seats", "capacity", "max capacity"),
        "starts_at": named("starts at", "start", "start datetime"),
        "ends_at": named("ends at", "end", "end datetime"),
        "host_wallet": named("host wallet"),
        "key": named("key", "idempotency key"),
    },
    enough=(frozenset({"experience", "price", "seats", "starts_at"}), frozenset({"event"})),
    example="experience,price_inr,seats,starts_at",
)


@dataclass(frozen=True)
class RequestedEvent:
    """A row of the file as a request, its cells read."""

    row: FileRow
    request: EventRequest


@dataclass(frozen=True)
class EventFile:
    """A file whose rows are all understood: what it asks for, and what exists of that."""

    file: ImportFile
    requests: Mapping[int, EventRequest]
    earlier: Earlier
    warnings: tuple[str, ...]


def read_events(
    file: ImportFile,
    requested: Sequence[RequestedEvent],
    unreadable: Sequence[Problem],
    choices: SigningChoices,
    session: Session,
    *,
    retry_failed: bool,
) -> EventFile:
    """Hold the rows against the database; Refused with all of the bad lines."""
    problems = [*file.problems, *unreadable]
    equal: Counter[tuple[tuple[str, object], ...]] = Counter()
    listed: list[Listed] = []
    lines: dict[str, int] = {}
    for one in requested:
        found = _listed(one, equal, choices, session)
        if isinstance(found, str):
            problems.append((one.row.line, found))
        elif found.intent.key in lines:
            told = f"asks for the same event as line {lines[found.intent.key]}"
            problems.append((one.row.line, told))
        else:
            lines[found.intent.key] = one.row.line
            listed.append(found)
    earlier, conflicts = bulk_earlier.find(listed, session, retry_failed=retry_failed)
    refuse_problems(file.source, [*problems, *conflicts])
    again = sum(count - 1 for count in equal.values())
    rows_repeat = "1 row repeats" if again == 1 else f"{again} rows repeat"
    repeated = f"{rows_repeat} another row: each is an event of its own"
    warnings = (*file.warnings, *((repeated,) if again else ()))
    requests = {one.row.line: one.request for one in requested}
    return EventFile(file, requests, earlier, warnings)


def _listed(
    requested: RequestedEvent,
    equal: Counter[tuple[tuple[str, object], ...]],
    choices: SigningChoices,
    session: Session,
) -> Listed | str:
    try:
        terms, new_row = terms_of(requested.request, session)
    except Stopped:
        raise
    except MayhouseError as refusal:
        return refusal.message
    arguments = creation_arguments(terms)
    key = f"event:{terms.event_id}:create"
    event_id = terms.event_id
    if new_row is not None:
        content = tuple(arguments.items())
        equal[content] += 1
        told = ":".join(str(value) for value in arguments.values())
        key = f"import:event:{told}:{equal[content]}"
    if "key" in requested.row.cells:
        key = OWN_KEY_PREFIX + requested.row.cells["key"]
    if new_row is not None:
        event_id = id_of(key)
    intent = Intent(
        key=key,
        kind=Kind.CREATE_EVENT,
        recipient=session.chain.contract,
        arguments=arguments,
        wanted_depth=choices.confirmations,
        event_id=event_id,
        amount_inr=terms.price_inr,
    )
    return Listed(requested.row.line, intent, terms.seats)


@waits_for_fee
def plan_events(listed: EventFile, choices: SigningChoices, session: Session) -> BulkPlan:
    """Guard and price what is left to be made, as a whole; signs nothing."""
    earlier = listed.earlier
    rows = [one for one in earlier.listed if one.line in earlier.left]
    if not rows:
        return BulkPlan(
            listed.file.source, earlier.listed, (), earlier.ended, None, None, listed.warnings
        )
    rate = current_rate(session)
    items: list[Item] = []
    problems: list[Problem] = []
    warnings: list[str] = [*listed.warnings]
    for row in rows:
        try:
            plan = plan_creation(listed.requests[row.line], _alone(choices), session)
        except (FeeTooHigh, Stopped):
            raise
        except MayhouseError as refusal:
            problems.append((row.line, refusal.message))
        else:
            items.append(_item(row, plan))
            warnings += [f"line {row.line}: {told}" for told in plan.warnings]
    refuse_problems(listed.file.source, problems)
    snapshot = session.chain.read(Question(sender=session.signer.address))
    percentages = (snapshot.stake_percent, snapshot.fee_percent)
    terms = Terms(rate, percentages, choices.max_fee)
    spending, agreed = sum_up(items, snapshot, terms, session)
    return BulkPlan(
        source=listed.file.source,
        listed=earlier.listed,
        items=tuple(items),
        earlier=earlier.ended,
        terms=agreed,
        spending=spending,
        warnings=tuple(warnings),
    )


def _alone(choices: SigningChoices) -> SigningChoices:
    """A row is planned now: the file as a whole is what waits for cheaper gas."""
    return replace(choices, idempotency_key=None, fee_wait=None)


def _item(row: Listed, plan: CreationPlan) -> Item:
    """The row's own key and id in the place of those that a single creation would make up."""
    event_id = row.intent.event_id or plan.terms.event_id
    prepared = plan.prepared
    intent = replace(
        prepared.intent,
        key=row.intent.key,
        event_id=event_id,
        unique_by_arguments=False,
        terms={**prepared.intent.terms, "event_id": str(event_id)},
    )
    snapshot = prepared.snapshot
    gas = snapshot.gas_estimate if snapshot is not None else None
    new = replace(plan.new_row, id=event_id) if plan.new_row is not None else None
    return Item(row.line, intent, gas or 0, new, plan.host_wallet)
