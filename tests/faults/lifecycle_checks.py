"""What holds after every deed: the chain's balances, the tool's answers and the model are one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mayhouse_cli.bootstrap import OpenSession
from mayhouse_cli.models import PayableFilter
from mayhouse_cli.operations.audit import audit
from mayhouse_cli.operations.escrow import read_escrow
from mayhouse_cli.operations.transactions import TransactionResult
from tests.faults.lifecycle_model import End, Event, Model
from tests.faults.lifecycle_rupees import check_rupees
from tests.mayhouse import PLATFORM
from tests.raw_contract import RawContract

ENDS_AFTER: Final = 10_800
"""Seconds that an event lasts, when nobody says otherwise."""
DAY: Final = 86_400

Tell = Callable[[TransactionResult], None]


class Checks:
    """Compares a session and a chain with the model."""

    def __init__(
        self, session: OpenSession, raw: RawContract, model: Model, strangers: Sequence[str]
    ) -> None:
        """Take all sides."""
        self._session = session
        self._raw = raw
        self._model = model
        self._parties = (PLATFORM, *strangers)

    # --- one deed ---

    @contextmanager
    def moving(self, paid_in: int, payments: Sequence[tuple[str, int]] = ()) -> Iterator[Tell]:
        """Every balance moves by exactly this, and the platform's by its gas as well."""
        told: list[TransactionResult] = []
        before = self._balances()
        yield told.append
        (transaction,) = told
        assert transaction.fee_wei is not None
        expected = dict(before)
        expected[PLATFORM] -= paid_in + transaction.fee_wei
        expected[self._raw.address] += paid_in
        for party, amount in payments:
            expected[party] += amount
            expected[self._raw.address] -= amount
        assert self._balances() == expected

    def _balances(self) -> dict[str, int]:
        node = self._raw.node
        parties = (self._raw.address, *self._parties)
        return {one: int(node.rpc("eth_getBalance", one, "latest"), 16) for one in parties}

    def settlement(self, event: Event, end: End, transaction: TransactionResult) -> None:
        """The lines are what moved and what stayed, to the wei and to the paisa."""
        assert transaction.transaction_id is not None
        lines = self._session.settlements.lines(transaction.transaction_id)
        kept = [
            (line.line, line.chain_booking_id, int(line.amount))
            for line in lines
            if line.line != "rounding"
        ]
        assert sorted(kept, key=str) == sorted(end.lines, key=str)
        check_rupees(event, lines)

    # --- everything ---

    def money(self) -> None:
        """Escrow and payables, by the tool, by the chain and by the model."""
        self._session.deadline.restart()
        model, escrow = self._model, read_escrow(self._session)
        liabilities = model.liabilities()
        assert escrow.balance == self._raw.balance == model.balance
        assert escrow.liabilities == liabilities
        assert escrow.foreign_liabilities == model.liabilities(foreign_only=True)
        assert escrow.surplus == model.balance - liabilities
        assert (escrow.fees_earned, escrow.forfeits) == (model.fees_recorded, model.forfeits)
        assert escrow.unattributed == model.untraced
        listed = self._session.payables.list(PayableFilter())
        owed = [
            (one.kind.value, one.chain_event_id, one.chain_booking_id, str(one.payee_id),
             int(one.amount))
            for one in listed
        ]  # fmt: skip
        assert sorted(owed, key=str) == sorted(model.owed, key=str)

    def findings(self, now: int) -> None:
        """`audit` names strangers on our events and ends that are due, and nothing else."""
        self._session.deadline.restart()
        model = self._model
        found = sorted((one.code, one.subject) for one in audit(self._session).alarms)
        ours = [event for event in model.open if event.is_ours]
        strangers = [
            ("foreign_booking", f"booking {one.number}")
            for event in ours
            for one in event.strangers
        ]
        overdue = [
            ("event_overdue", f"event {event.number}")
            for event in ours
            if event.starts_at + ENDS_AFTER + DAY <= now
        ]
        assert found == sorted([*strangers, *overdue])
