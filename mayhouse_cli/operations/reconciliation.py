"""Reconciliation: the rows against the chain, both ways, and rewritten where receipts prove it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Change, Drift, Hash, Receipt, Side
from mayhouse_cli.operations import audit_findings
from mayhouse_cli.operations.audit import Compared, compare
from mayhouse_cli.operations.audit_findings import Finding
from mayhouse_cli.operations.drift_words import FIXABLE, Severity
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.proofs import proven_values
from mayhouse_cli.ports import ComparingSession

Agree = Callable[[Sequence[Change]], None]
# A booking whose event's number was lost as well can be proven once that is written, and each
# round lists some of every code only.
_ROUNDS: Final = 25


@dataclass(frozen=True)
class Reconciliation:
    """`reconcile`: what was written, and what is left."""

    block_number: int
    events_checked: int
    bookings_checked: int
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """What is left and fails the check; the others are notices."""
        return tuple(one for one in self.findings if one.severity is Severity.FINDING)


def reconcile(session: ComparingSession, agree: Agree | None) -> Reconciliation:
    """Compare; with `agree`, which sees each change before it is made, write what is proven.

    Refused, with nothing written, when a row or a receipt changes between the two.
    """
    compared = compare(session.chain.census(), session)
    written: list[Change] = []
    for _ in range(_ROUNDS if agree else 0):
        changes, receipts = provable(compared.drifts, session)
        if not changes or agree is None:
            break
        agree(changes)
        _write(changes, receipts, session)
        written.extend(changes)
        compared = compare(session.chain.census(), session)
    return _result(compared, written, tried=agree is not None)


def _result(compared: Compared, written: list[Change], *, tried: bool) -> Reconciliation:
    findings = audit_findings.drift_findings(compared.drifts, tried=tried)
    return Reconciliation(
        block_number=compared.escrow.block_number,
        events_checked=compared.events,
        bookings_checked=compared.bookings,
        changes=tuple(written),
        findings=tuple(sorted(findings, key=lambda one: one.severity is Severity.NOTICE)),
    )


def provable(
    drifts: Sequence[Drift], session: ComparingSession
) -> tuple[list[Change], Mapping[Hash, Receipt]]:
    """Find the new values that receipts of recorded transactions prove, one change a row."""
    wanted = [one for one in drifts if one.code in FIXABLE and one.tx_hash and one.row_id]
    hashes = list(dict.fromkeys(one.tx_hash for one in wanted if one.tx_hash))
    session.progress("Fetching receipts")
    receipts = session.chain.receipts(hashes, session.config.confirmations)
    changes: dict[tuple[Side, UUID], Change] = {}
    for drift in wanted:
        receipt = receipts.get(drift.tx_hash) if drift.tx_hash else None
        values = proven_values(drift, receipt, session) if receipt else {}
        if receipt is None or drift.row_id is None or not values:
            continue
        key = (drift.side, drift.row_id)
        known = changes.get(key) or Change(drift.side, drift.row_id, drift.row, drift.row, ())
        changes[key] = replace(
            known,
            after={**known.after, **values},
            tx_hashes=tuple(dict.fromkeys((*known.tx_hashes, receipt.tx_hash))),
        )
    changed = {key: one for key, one in changes.items() if one.after != one.before}
    return [one for one in changed.values() if not _is_blocked(one, changed, session)], receipts


def _is_blocked(
    change: Change, changes: Mapping[tuple[Side, UUID], Change], session: ComparingSession
) -> bool:
    """Whether another row keeps the number: two receipts cannot both be right about it."""
    number = change.after["number"]
    if number is None or number == change.before["number"]:
        return False
    rows = session.events if change.side is Side.EVENT else session.bookings
    holder = rows.by_chain_id(int(number))
    if holder is None or holder.id == change.row_id:
        return False
    other = changes.get((change.side, holder.id))
    return other is None or other.after["number"] == number


def _write(
    changes: Sequence[Change], receipts: Mapping[Hash, Receipt], session: ComparingSession
) -> None:
    # A person has thought about it meanwhile.
    placed = session.chain.placements([*receipts])
    for tx_hash, receipt in receipts.items():
        if placed[tx_hash] != receipt.block_hash:
            raise Refused(
                f"A reorg has moved {tx_hash} meanwhile; nothing was written",
                hint="Run it again: mayhouse reconcile --fix",
            )
    with session.transaction():
        session.mirror.rewrite(changes)
        for change in changes:
            told = {
                "row": f"{change.side} {change.row_id}",
                "proven_by": list(change.tx_hashes),
            }
            log(session, told, before=change.before, after=change.after)
