"""A file of bookings or events made on chain, each row exactly once.

    FILE -> rows with keys, held against the database as a whole (bulk_*_rows, bulk_earlier)
    -> what earlier runs left is brought to its end, the rest guarded and priced at one block
    -> consent once -> batches of at most a window: nonces, signatures, one commit (recording)
    -> sent in one request (delivery) -> a new block: receipts, proofs, one commit (sightings)
    -> room in the window: the next batch; at the end a result for every row (results)

Killed anywhere, at most a window of rows is recorded and not known to be sent; the same command
takes up from the record, by the rules of `tx resume`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mayhouse_cli.errors import (
    DatabaseUnreachable,
    Interrupted,
    MayhouseError,
    Refused,
    RpcUnreachable,
    Terminated,
    Unconfirmed,
    Unrecorded,
)
from mayhouse_cli.models import Kind
from mayhouse_cli.operations.bulk_earlier import Earlier
from mayhouse_cli.operations.bulk_results import (
    NOT_MADE,
    PLANNED,
    BulkResult,
    refuse_foreign_file,
    result_of,
    result_path,
    write_result,
)
from mayhouse_cli.operations.bulk_rows import BulkPlan
from mayhouse_cli.operations.bulk_run import Run
from mayhouse_cli.operations.bulk_window import Window
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Target:
    """Where the result goes, how to go on, and how many may be out at once."""

    source: Path
    command: str
    """What the operator runs, with the file."""
    result: Path | None = None
    window: int = 64

    @property
    def path(self) -> Path:
        return result_path(self.source, self.result)


def finish_earlier(earlier: Earlier, target: Target, session: Session) -> None:
    """Bring to an end what earlier runs of these rows have left.

    Unconfirmed (7) when something of it is not in time: nothing more is signed then.
    """
    refuse_foreign_file(target.path, earlier.listed)
    if not earlier.waiting:
        return
    session.progress(f"{len(earlier.waiting)} rows of an earlier run are on their way")
    run = Run(len(earlier.listed), Window(target.window), session)
    run.know(earlier.by_line)
    plan = BulkPlan(str(target.source), earlier.listed, (), earlier.by_line, None, None)
    with _telling(plan, run, target, session):
        run.finish_earlier()
    if run.out:
        raise _left(_result(plan, run, target, session), run, target)


def planned(plan: BulkPlan, session: Session) -> BulkResult:
    """What `make` would do, with nothing signed."""
    return result_of(plan, plan.earlier, {}, session, otherwise=PLANNED)


def make(plan: BulkPlan, choices: SigningChoices, target: Target, session: Session) -> BulkResult:
    """Make every row of a plan, and write the result beside its file.

    Refused (6) when rows failed for good, Unconfirmed (7) when any is out and not confirmed in
    time, Unrecorded (8) when the database was lost with any out; `known` is the result.
    """
    refuse_foreign_file(target.path, plan.listed)
    run = Run(len(plan.listed), Window(target.window), session)
    run.know(plan.earlier)
    with _telling(plan, run, target, session):
        if plan.terms is not None:
            run.make(plan.items, plan.terms, choices)
    result = _result(plan, run, target, session)
    _write(plan, target, result)
    _raise_what_is_left(result, run, target, wait=choices.wait)
    return result


def _result(plan: BulkPlan, run: Run, target: Target, session: Session) -> BulkResult:
    failures = {
        **run.failures,
        **{
            line: run.problems[one.id]
            for line, one in run.transactions.items()
            if one.id in run.problems
        },
    }
    return result_of(
        plan,
        run.ended_or_out,
        failures,
        session,
        by_others=frozenset(run.by_others),
        otherwise=NOT_MADE,
        result_file=target.path,
    )


def _write(plan: BulkPlan, target: Target, result: BulkResult) -> None:
    kinds = {one.intent.kind for one in plan.listed}
    write_result(target.path, result, kinds.pop() if kinds else Kind.BOOK_EVENT)


@contextmanager
def _telling(plan: BulkPlan, run: Run, target: Target, session: Session) -> Iterator[None]:
    """Whatever ends the work early: the result is written, and how to go on is said."""
    try:
        yield
    except MayhouseError as stopped:
        result = _result(plan, run, target, session)
        _write(plan, target, result)
        raise _stopped(stopped, result, target) from None


def _stopped(error: MayhouseError, result: BulkResult, target: Target) -> MayhouseError:
    told = _counts(result)
    if isinstance(error, Interrupted | Terminated):
        error.message = f"{error.message} So far: {told}."
    elif result.sent and isinstance(error, DatabaseUnreachable):
        error = Unrecorded(f"{told}; then the database was lost: {error.message}")
    elif result.sent and isinstance(error, RpcUnreachable):
        error = Unconfirmed(f"{told}; then the node was lost: {error.message}")
    error.hint = f"Nothing is made twice. To go on: {target.command}"
    error.known = result
    return error


def _raise_what_is_left(result: BulkResult, run: Run, target: Target, *, wait: bool) -> None:
    if result.sent and wait:
        raise _left(result, run, target)
    if run.stopped is not None:
        run.stopped.known = result
        run.stopped.message = f"{_counts(result)}; then: {run.stopped.message}"
        raise run.stopped
    if result.not_made:
        raise RpcUnreachable(
            f"The nodes took no more of the rows in time: {_counts(result)}",
            hint=f"Nothing is made twice. To go on: {target.command}",
            known=result,
        )
    if result.failed:
        first = next(one for one in result.rows if one.error)
        raise Refused(
            f"Not all were made: {_counts(result)}; first line {first.line}: {first.error}",
            hint=f"{target.path} says it of every row.",
            details={str(one.line): one.error for one in result.rows if one.error},
            known=result,
        )


def _left(result: BulkResult, run: Run, target: Target) -> Unconfirmed:
    first = run.out[0]
    return Unconfirmed(
        f"Not all are confirmed: {_counts(result)}; first {first.tx_hash}",
        hint=f"Nothing is made twice. To go on: {target.command}",
        known=result,
    )


def _counts(result: BulkResult) -> str:
    counts = (
        (result.confirmed, "confirmed"),
        (result.sent, "sent"),
        (result.failed, "failed"),
        (result.not_made, "not made"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{told or 'nothing'} of {result.total}"
