"""Audit: what the record says against what the chain shows; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from mayhouse_cli.models import Transaction, TransactionFilter
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session

_EVERYTHING = 1_000_000


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do about it."""

    code: str
    subject: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class Audit:
    """`audit`: everything that was found, and how much was looked at."""

    transactions_checked: int
    findings: tuple[Finding, ...]


def audit(session: Session) -> Audit:
    """Check the block in which each finished transaction ended against the chain."""
    ended = [
        one
        for one in session.journal.list(TransactionFilter(limit=_EVERYTHING))
        if one.block_hash is not None and not one.status.is_unfinished
    ]
    return Audit(len(ended), tuple(_late_reorgs(ended, session)))


def _late_reorgs(ended: Sequence[Transaction], session: Session) -> list[Finding]:
    placed = session.chain.placements([one.tx_hash for one in ended])
    findings = []
    for one in ended:
        block_hash = placed[one.tx_hash]
        if block_hash == one.block_hash:
            continue
        where = f"stands in block {block_hash} now" if block_hash else "is no longer on chain"
        findings.append(
            Finding(
                code="late_reorg",
                subject=one.tx_hash,
                detail=f"{one.kind} {one.status} in block {one.block_number} ({one.block_hash}) "
                f"{where}",
                remedy=f"mayhouse tx resume {short(one)}",
            )
        )
    return findings
