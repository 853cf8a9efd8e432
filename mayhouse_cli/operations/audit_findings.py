"""What an audit or a reconciliation can find, in words: what is wrong, and the command for it.

A finding needs somebody and fails the check; a notice is told and does not, so that a nightly
run cries only for what can be acted on: a stranger may open events as he likes, and an event
that ended an hour ago is still being counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

from mayhouse_cli.models import Drift, LedgerFault, OpenEnd, RecordedEnd, Side
from mayhouse_cli.operations.drift_words import (
    DRIFTS,
    RESUME,
    SHOW_BOOKING,
    SHOW_EVENT,
    SHOW_TX,
    Severity,
    Wording,
)
from mayhouse_cli.operations.escrow import Escrow
from mayhouse_cli.times import moment, moment_of

FIX: Final = "mayhouse reconcile --fix"
# A stranger can make as many events as he pays for; they are counted, not listed.
_MOST_NOTICES: Final = 20


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do about it."""

    code: str
    subject: str
    detail: str
    remedy: str
    severity: Severity = Severity.FINDING


def drift_findings(drifts: Iterable[Drift], *, tried: bool = False) -> list[Finding]:
    """Tell drifts, those of one code side by side; `tried` after a fix has been attempted."""
    findings: list[Finding] = []
    for code, same in groupby(drifts, attrgetter("code")):
        wording, those = DRIFTS[code], list(same)
        listed = those[:_MOST_NOTICES] if wording.severity is Severity.NOTICE else those
        findings.extend(_drift_finding(one, wording, tried=tried) for one in listed)
        more = those[0].more + len(those) - len(listed)
        if more:
            findings.append(_more(code, more, wording))
    return findings


def _more(code: str, more: int, wording: Wording) -> Finding:
    return Finding(
        code,
        f"{more} more",
        "there are more of these than are listed",
        FIX if wording.fixable else "run it again when these are done",
        wording.severity,
    )


def _drift_finding(drift: Drift, wording: Wording, *, tried: bool) -> Finding:
    places = {
        "row_id": drift.row_id,
        "number": drift.number,
        "event": drift.chain_event_id,
        "recorded": drift.recorded if drift.recorded is not None else "none",
        "on_chain": drift.on_chain if drift.on_chain is not None else "none",
        "recorded_time": _moment(drift.recorded),
        "on_chain_time": _moment(drift.on_chain),
        "tx_hash": drift.tx_hash,
    }
    known_as = drift.number if drift.number is not None else drift.row_id
    can_fix = wording.fixable and drift.tx_hash is not None and not tried
    by_hand = wording.by_hand
    if drift.tx_hash is None and by_hand in (SHOW_TX, RESUME):
        by_hand = SHOW_EVENT if drift.side is Side.EVENT else SHOW_BOOKING
    return Finding(
        drift.code,
        f"{drift.side} {known_as}",
        wording.detail.format_map(places),
        FIX if can_fix else by_hand.format_map(places),
        wording.severity,
    )


def _moment(seconds: str | None) -> str:
    """Write seconds since the epoch; a stranger's may lie beyond every calendar."""
    return moment_of(int(seconds)) if seconds and seconds.isdigit() else str(seconds)


def escrow_findings(escrow: Escrow, contract: str) -> list[Finding]:
    """Alarm when the contract cannot pay everybody."""
    if not escrow.shortfall:
        return []
    return [
        Finding(
            "escrow_short",
            contract,
            f"{int(escrow.shortfall)} wei are missing: it holds {int(escrow.balance)} wei and "
            f"owes {int(escrow.liabilities)} wei",
            f"mayhouse freeze, then send {int(escrow.shortfall)} wei to {contract}",
        )
    ]


def late_reorg(end: RecordedEnd, where: str) -> Finding:
    """Tell that a finished transaction did not end as recorded."""
    stood = f" in block {end.block_number} ({end.block_hash})" if end.block_hash else ""
    return Finding(
        "late_reorg",
        end.tx_hash,
        f"{end.kind} {end.status}{stood} {where}",
        f"mayhouse tx resume {str(end.id)[:8]}",
    )


def unfinished_findings(open_ends: Sequence[OpenEnd]) -> list[Finding]:
    """Tell what has waited too long."""
    return [
        Finding(
            "unfinished_transaction",
            end.tx_hash,
            f"{end.kind} is {end.status} since {moment(end.created_at)}",
            f"mayhouse tx resume {str(end.id)[:8]}",
        )
        for end in open_ends
    ]


def ledger_findings(faults: Sequence[LedgerFault]) -> list[Finding]:
    """Tell where the record contradicts itself."""
    return [
        Finding(
            fault.code,
            fault.subject,
            fault.detail,
            f"mayhouse tx show {str(fault.transaction_id)[:8]}",
        )
        for fault in faults
    ]
