"""What earlier runs have made of a file's rows: done, on its way, refused, or to be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mayhouse_cli.models import Status, Transaction
from mayhouse_cli.operations.bulk_rows import Listed, Problem
from mayhouse_cli.operations.intents import OWN_KEY_PREFIX, different
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Earlier:
    """The rows of a file and the transactions that earlier runs have recorded for them."""

    listed: tuple[Listed, ...]
    by_line: Mapping[int, Transaction]
    retry_failed: bool = False

    @property
    def waiting(self) -> Mapping[int, Transaction]:
        """Those that are on their way."""
        return {line: one for line, one in self.by_line.items() if one.status.is_unfinished}

    @property
    def ended(self) -> Mapping[int, Transaction]:
        """Those for which nothing is signed now: on their way, made, or refused on chain."""
        return {line: one for line, one in self.by_line.items() if not self._is_left(one)}

    @property
    def left(self) -> frozenset[int]:
        """The lines to be made: never recorded, or recorded and impossible now.

        What the contract refused on chain is not tried again by itself.
        """
        ended = self.ended
        return frozenset(one.line for one in self.listed if one.line not in ended)

    def _is_left(self, transaction: Transaction) -> bool:
        if transaction.status is Status.REVERTED:
            return self.retry_failed
        return transaction.status.is_impossible


def find(
    listed: Sequence[Listed], session: Session, *, retry_failed: bool
) -> tuple[Earlier, list[Problem]]:
    """Find what is recorded of each row, and the rows that contradict it."""
    known = session.journal.latest_all([one.intent for one in listed])
    by_line = {one.line: known[one.intent.key] for one in listed if one.intent.key in known}
    problems = [
        (one.line, why)
        for one in listed
        if one.line in by_line and (why := _why_conflicts(one, by_line[one.line]))
    ]
    return Earlier(tuple(listed), by_line, retry_failed), problems


def _why_conflicts(row: Listed, earlier: Transaction) -> str | None:
    if earlier.status.is_impossible:
        own = row.intent.key.startswith(OWN_KEY_PREFIX) and earlier.intent_key == row.intent.key
        if own and earlier.status not in (Status.REVERTED, Status.FAILED):
            return f"its key was used and the transaction is {earlier.status}: give it a new key"
        return None
    if dict(earlier.arguments) != dict(row.intent.arguments):
        told = different(earlier.arguments, row.intent.arguments)
        return f"was run before with other arguments (transaction {short(earlier)}): {told}"
    return None
