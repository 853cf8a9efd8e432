"""Audit: escrow solvency, and what the record says against the chain; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from mayhouse_cli.models import Comparison, Drift, Question, RecordedEnd
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import audit_findings
from mayhouse_cli.operations.audit_findings import Finding
from mayhouse_cli.operations.drift_words import Severity
from mayhouse_cli.operations.escrow import Escrow, EscrowTally, configured_signer, our_wallets
from mayhouse_cli.ports import Census, ComparingSession

# As long as `tx resume` leaves an unfinished transaction alone.
OLD_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True)
class EscrowSummary:
    """The escrow of an audit's document; what is None cannot be told."""

    block_number: int
    balance_wei: Wei
    liabilities_wei: Wei
    surplus_wei: Wei
    our_liabilities_wei: Wei
    foreign_liabilities_wei: Wei
    fees_earned_wei: Wei
    forfeits_wei: Wei
    unattributed_wei: Wei | None
    shortfall_wei: Wei

    @classmethod
    def of(cls, escrow: Escrow) -> "EscrowSummary":
        """Write an escrow for a document."""
        return cls(
            block_number=escrow.block_number,
            balance_wei=escrow.balance,
            liabilities_wei=escrow.liabilities,
            surplus_wei=escrow.surplus,
            our_liabilities_wei=escrow.our_liabilities,
            foreign_liabilities_wei=escrow.foreign_liabilities,
            fees_earned_wei=escrow.fees_earned,
            forfeits_wei=escrow.forfeits,
            unattributed_wei=escrow.unattributed,
            shortfall_wei=escrow.shortfall,
        )


@dataclass(frozen=True)
class Audit:
    """`audit`: the escrow, everything that was found, and how much was looked at."""

    escrow: EscrowSummary
    events_checked: int
    bookings_checked: int
    transactions_checked: int
    transactions_unfinished: int
    """Recorded and not final yet; those that have waited too long are findings as well."""
    findings: tuple[Finding, ...]

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that fail the check; the others are notices."""
        return tuple(one for one in self.findings if one.severity is Severity.FINDING)


@dataclass(frozen=True)
class Compared:
    """The database beside the whole contract at one block."""

    escrow: Escrow
    events: int
    bookings: int
    drifts: tuple[Drift, ...]


def audit(session: ComparingSession) -> Audit:
    """Read the contract at one block and hold everything that is recorded against it.

    RpcUnreachable when a reorg undoes that block meanwhile.
    """
    census = session.chain.census()
    checked, moved = _moved_ends(census, session)
    compared = compare(census, session, frozenset(end.id for end, _ in moved))
    now = session.now()
    unfinished = session.mirror.old_unfinished(now)
    old = [one for one in unfinished if one.created_at < now - OLD_AFTER]
    findings = [
        *audit_findings.escrow_findings(compared.escrow, session.chain.contract),
        *(audit_findings.late_reorg(end, where) for end, where in moved),
        *audit_findings.unfinished_findings(old),
        *audit_findings.ledger_findings(session.mirror.ledger_faults()),
        *audit_findings.drift_findings(compared.drifts),
    ]
    return Audit(
        escrow=EscrowSummary.of(compared.escrow),
        events_checked=compared.events,
        bookings_checked=compared.bookings,
        transactions_checked=checked,
        transactions_unfinished=len(unfinished),
        findings=tuple(sorted(findings, key=lambda one: one.severity is Severity.NOTICE)),
    )


def compare(
    census: Census, session: ComparingSession, moved: frozenset[UUID] = frozenset()
) -> Compared:
    """Stage the contract beside the rows, adding up its escrow on the way, and compare.

    What recorded transactions in `moved` have made is left out: a reorg has undone them.
    """
    ours, signer = our_wallets(session), configured_signer(session)
    tally = EscrowTally(ours)
    with session.transaction():
        session.progress("Reading the contract")
        session.mirror.load(
            tally.count_events(census.events()), tally.count_bookings(census.bookings())
        )
        census.confirm()
        session.progress("Comparing")
        drifts = session.mirror.drifts(Comparison(census.block, ours, signer, moved))
        fees = session.settlements.fees_earned(census.block.number)
    escrow = tally.escrow(census.block.number, census.balance, fees)
    return Compared(escrow, tally.events, tally.bookings, tuple(drifts))


def _moved_ends(
    census: Census, session: ComparingSession
) -> tuple[int, list[tuple[RecordedEnd, str]]]:
    """How many finished transactions there are, and those whose end the chain has undone."""
    checked, moved = 0, []
    for ends in session.mirror.recorded_ends():
        checked += len(ends)
        undone = _undone([end for end in ends if end.block_hash is not None], census)
        placed = session.chain.placements([end.tx_hash for end in undone])
        for end in undone:
            place = placed[end.tx_hash]
            if place != end.block_hash:
                told = f"stands in block {place} now" if place else "is no longer on chain"
                moved.append((end, told))
        replaced = [end for end in ends if end.block_hash is None]
        reasons = [(end, _why_not_replaced(end, session)) for end in replaced]
        moved.extend((end, why) for end, why in reasons if why is not None)
    return checked, moved


def _undone(ends: Sequence[RecordedEnd], census: Census) -> list[RecordedEnd]:
    """Those in a block that is not the chain's: one header tells of all that stand in it."""
    numbers = {end.block_number for end in ends if end.block_number is not None}
    hashes = census.block_hashes(sorted(numbers))
    return [end for end in ends if hashes.get(end.block_number or 0) != end.block_hash]


def _why_not_replaced(end: RecordedEnd, session: ComparingSession) -> str | None:
    """Whether what was given up for a rival can happen now, or has; there are few of these."""
    transaction = session.journal.get(end.id)
    receipt = session.chain.sight(transaction).receipt
    if receipt is not None:
        return f"was mined itself, in block {receipt.block_hash}"
    snapshot = session.chain.read(Question(sender=transaction.sender))
    if snapshot.used_nonces <= transaction.nonce:
        return f"can happen again: what had used its nonce {transaction.nonce} is gone"
    return None
