"""The window at work: record a batch, send it, see what was mined, and fill up again.

A row that the node has no room for is signed again later; the free nonce that it leaves is the
lowest one, so the next batch takes it and what waits behind it goes on.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import FeeTooHigh, Refused
from mayhouse_cli.models import SendAnswer, Status, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import replacement
from mayhouse_cli.operations.bulk_delivery import send_again, send_all
from mayhouse_cli.operations.bulk_recording import record_all
from mayhouse_cli.operations.bulk_rows import Item, Terms
from mayhouse_cli.operations.bulk_sightings import look_all
from mayhouse_cli.operations.bulk_window import Window
from mayhouse_cli.operations.freezing import told
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.ports import Session

# So many blocks without the lowest nonce in them: the nodes have lost it, or never had it.
_BLOCKS_TO_DROP: Final = 3
_SECONDS_BETWEEN_WORDS: Final = 0.5


class Run:
    """One run over a file's rows; its state is what is known whenever it is stopped."""

    def __init__(self, rows: int, window: Window, session: Session) -> None:
        """Work on a file of so many rows."""
        self.transactions: dict[int, Transaction] = {}
        """The newest transaction of each row, by its line."""
        self.failures: dict[int, str] = {}
        """Why nothing can be made of a row, though nothing of it is on chain."""
        self.stopped: Refused | None = None
        """Why no more rows are signed."""
        self.problems: dict[UUID, str] = {}
        self.by_others: set[UUID] = set()
        """Transactions of its rows that another run recorded first, at the same time."""
        self._too_dear: FeeTooHigh | None = None
        self._rows = rows
        self._window = window
        self._session = session
        self._queue: deque[Item] = deque()
        self._freed: set[int] = set()
        self._ready: list[Item] = []
        """Recorded and not sent: at most a window."""
        self._lines: dict[UUID, int] = {}
        self._head: tuple[int, str] = (0, "")
        self._lowest: tuple[UUID | None, int] = (None, 0)
        self._started = time.monotonic()
        self._told = 0.0
        self._done_before = 0

    # --- what it works on ---

    def know(self, earlier: Mapping[int, Transaction]) -> None:
        """Take over what earlier runs have recorded, ended or not."""
        self.transactions.update(earlier)
        self._lines.update({one.id: line for line, one in earlier.items()})
        self._done_before = self._done

    @property
    def out(self) -> list[Transaction]:
        """What may still happen, the lowest nonce first."""
        waiting = [one for one in self.transactions.values() if one.status.is_unfinished]
        return sorted(waiting, key=lambda one: one.nonce)

    @property
    def ended_or_out(self) -> Mapping[int, Transaction]:
        """What became of each row, but for those that come again: nothing became of them."""
        again = {item.line for item in self._queue}
        return {line: one for line, one in self.transactions.items() if line not in again}

    @property
    def _sent(self) -> list[Transaction]:
        """Those of them that are not only recorded."""
        ready = {self._id(item) for item in self._ready}
        return [one for one in self.out if one.id not in ready]

    @property
    def _unmined(self) -> list[Transaction]:
        return [one for one in self._sent if one.status is not Status.MINED]

    @property
    def _done(self) -> int:
        ended = sum(not one.status.is_unfinished for one in self.transactions.values())
        only_rejected = self.failures.keys() - self.transactions.keys()
        return ended + len(only_rejected)

    # --- working ---

    def finish_earlier(self) -> None:
        """Bring to an end what earlier runs have left, as `tx resume` would."""
        if not self.out:
            return
        self._keep(look_all(self.out, self._session))
        if unmined := self._unmined:
            self.problems.update(send_again(unmined, self._session))
            self._keep(self._session.journal.get_all([one.id for one in unmined]))
        self._watch(wait=True)

    def make(self, items: Sequence[Item], terms: Terms, choices: SigningChoices) -> None:
        """Record, send and watch these rows; ends when all have, or nothing moves any more."""
        self._queue = deque(items)
        self._watch(wait=choices.wait, terms=terms)

    def _watch(self, *, wait: bool, terms: Terms | None = None) -> None:
        session, waits = self._session, 0
        session.deadline.restart()
        while True:
            moved = terms is not None and self._send_more(terms)
            moved = self._look(terms) or moved
            self._tell()
            if self._is_over(wait=wait):
                return
            if moved:
                waits = 0
                # --timeout bounds each wait, not a file of thousands of rows as a whole.
                session.deadline.restart()
            elif session.deadline.passed:
                self.stopped = self.stopped or self._too_dear
                return
            else:
                session.chain.pause(waits)
                waits += 1

    def _is_over(self, *, wait: bool) -> bool:
        if self._ready or (self._queue and self.stopped is None):
            return False
        return not wait or all(one.id in self.problems for one in self.out)

    def _send_more(self, terms: Terms) -> bool:
        """Send as much as there is room for; the next batch is recorded before there is any.

        What fills a gap needs no room: all that is behind it waits for it.
        """
        gaps = self._gaps
        if gaps and self._queue and self.stopped is None:
            fillers = self._record(len(gaps), terms)
            if not fillers:
                return False
            # Whoever has them now, they are gaps no more; a new rejection makes new ones.
            self._freed.difference_update(gaps)
            return self._send(fillers)
        if not self._ready and self._queue and self.stopped is None:
            self._ready = self._record(self._window.size, terms)
        count = self._window.room(len(self._unmined), len(self._ready))
        batch, self._ready = self._ready[:count], self._ready[count:]
        return bool(batch) and self._send(batch)

    @property
    def _gaps(self) -> list[int]:
        """Nonces that rejections have freed, with others of ours waiting behind them."""
        highest = max((one.nonce for one in self._unmined), default=-1)
        return [nonce for nonce in self._freed if nonce < highest]

    def _record(self, most: int, terms: Terms) -> list[Item]:
        batch = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        try:
            recorded = record_all(batch, terms, self._session)
        except Refused as refusal:
            self._queue.extendleft(reversed(batch))
            # A cheaper block may come; nothing else changes by waiting.
            if isinstance(refusal, FeeTooHigh):
                self._too_dear = refusal
            else:
                self.stopped = refusal
            return []
        self._too_dear = None
        self.by_others.update(one.id for _, one in recorded.earlier)
        for item, one in (*recorded.new, *recorded.earlier):
            self.transactions[item.line] = one
            self._lines[one.id] = item.line
            self._freed.discard(one.nonce)
        return [item for item, _ in recorded.new]

    def _send(self, batch: Sequence[Item]) -> bool:
        """Whether the nodes had room for all of it."""
        frozen = self._session.installation.freeze()
        if frozen is not None:
            self.stopped = Refused(f"Signing is frozen: {told(frozen)}")
            unsent = [*batch, *self._ready]
            self.problems.update({self._id(one): "not sent: signing is frozen" for one in unsent})
            self._ready = []
            return False
        new = [self.transactions[item.line] for item in batch]
        answers = send_all(new, self._session, first=True)
        self._keep(self._session.journal.get_all([one.id for one in new]))
        return self._sort_out(batch, answers)

    def _id(self, item: Item) -> UUID:
        return self.transactions[item.line].id

    def _sort_out(self, items: Sequence[Item], answers: Mapping[UUID, SendAnswer]) -> bool:
        """Those the node had no room for come first again; others it rejected are given up."""
        again: list[Item] = []
        for item in items:
            one = self.transactions[item.line]
            if one.status is not Status.FAILED:
                continue
            self._freed.add(one.nonce)
            answer = answers.get(one.id)
            if answer is not None and answer.no_room:
                again.append(item)
            else:
                self.failures[item.line] = f"the node rejected it: {one.error}"
        if again:
            self._window.refused()
            self._queue.extendleft(reversed(again))
        return not again

    def _look(self, terms: Terms | None) -> bool:
        """Look at everything once there is a new block; whether anything moved."""
        out = self._sent
        if not out:
            return False
        (sighting,) = self._session.chain.sight_all(out[:1])
        head = (sighting.head.number, sighting.head.hash)
        if head == self._head:
            return False
        self._head = head
        unmined = len(self._unmined)
        before = {one.id: one.status for one in out}
        after = look_all(out, self._session)
        self._keep(after)
        self._window.mined(unmined - len(self._unmined))
        if any(before[one.id] is not one.status for one in after):
            self._lowest = (None, 0)
            return True
        self._mend(terms)
        return False

    def _mend(self, terms: Terms | None) -> None:
        """Nothing was mined for some blocks: a gap is filled, what was dropped is sent again."""
        unmined = [one for one in self._unmined if one.id not in self.problems]
        if not unmined:
            return
        lowest, since = self._lowest
        if lowest != unmined[0].id:
            self._lowest = (unmined[0].id, self._head[0])
        elif self._head[0] - since >= _BLOCKS_TO_DROP:
            self._lowest = (unmined[0].id, self._head[0])
            self._window.refused()
            self._fill_gap(unmined, terms)
            self.problems.update(send_again(unmined, self._session))

    def _fill_gap(self, unmined: Sequence[Transaction], terms: Terms | None) -> None:
        """No row is left to take a nonce that a rejection has freed: an empty transfer does."""
        gaps = self._gaps
        if self._queue or not gaps or terms is None:
            return
        depth = unmined[0].wanted_depth
        choices = SigningChoices(wait=False, confirmations=depth, max_fee=Wei(terms.max_fee))
        for nonce in gaps:
            try:
                plan = replacement.plan_fill(nonce, choices, self._session)
                replacement.fill(plan, self._session, wait=False)
            except Refused as refusal:
                self._session.progress(f"Nonce {nonce} was not filled: {refusal.message}")
            else:
                self._freed.discard(nonce)

    def _keep(self, transactions: Sequence[Transaction]) -> None:
        for one in transactions:
            self.transactions[self._lines[one.id]] = one

    def _tell(self) -> None:
        """Say how far it is, how fast, and how long it will take."""
        now = time.monotonic()
        if now - self._told < _SECONDS_BETWEEN_WORDS:
            return
        self._told = now
        done = self._done
        rate = (done - self._done_before) / max(now - self._started, 0.001)
        left = f" · {(self._rows - done) / rate:.0f} s left" if rate > 0 else ""
        speed = f" · {rate:.1f} a second" if rate > 0 else ""
        out = f" · {len(self._unmined)} out, {self._window.size} at most"
        self._session.progress(f"{done} of {self._rows} done{speed}{left}{out}")
