"""The mirror's twin: what it tells of the record. Sets are compared in SQL, and tested there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mayhouse_cli.models import (
    Change,
    Comparison,
    Drift,
    LedgerFault,
    OnChainBooking,
    OnChainEvent,
    OpenEnd,
    RecordedEnd,
    Status,
)
from tests.twins import Memory


class MemoryMirror:
    """The port Mirror for rows that agree with the chain."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: list[Change] = []

    def load(
        self,
        events: Iterable[Sequence[OnChainEvent]],
        bookings: Iterable[Sequence[OnChainBooking]],
    ) -> None:
        for stream in (events, bookings):
            for _ in stream:
                pass

    def drifts(self, comparison: Comparison) -> Sequence[Drift]:
        del comparison
        return ()

    def recorded_ends(self) -> Iterator[Sequence[RecordedEnd]]:
        for one in self._memory.rows.transactions.values():
            stands = one.block_hash is not None or one.status is Status.REPLACED
            if stands and not one.status.is_unfinished:
                yield [
                    RecordedEnd(
                        one.id, one.kind, one.status, one.tx_hash, one.block_number, one.block_hash
                    )
                ]

    def old_unfinished(self, before: datetime) -> Sequence[OpenEnd]:
        return [
            OpenEnd(one.id, one.kind, one.status, one.tx_hash, one.created_at)
            for one in self._memory.rows.transactions.values()
            if one.status.is_unfinished and one.created_at < before
        ]

    def ledger_faults(self) -> Sequence[LedgerFault]:
        return ()

    def rewrite(self, changes: Sequence[Change]) -> None:
        self.changes.extend(changes)
