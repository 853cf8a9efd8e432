"""Plans of completions and cancellations: bound to the state, kept under a hash, carried out.

The hash is what an operator agrees to. It covers everything that decides who is paid what; when
any of it is different at the execution, nothing is signed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import Kind, Plan, Transaction
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import delivery
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.lookup import find_event_on_chain
from mayhouse_cli.operations.meanwhile import refuse_recorded_since
from mayhouse_cli.operations.settling import EndingEvent, OpenBooking
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment

LEAST_BEGINNING: Final = 4  # characters, as for a transaction's id
_WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.COMPLETE_EVENT: ("completion", "complete"),
    Kind.CANCEL_EVENT: ("cancellation", "cancel"),
}


@dataclass(frozen=True)
class EndingPlan:
    """What a completion and a cancellation have in common before they are agreed to."""

    prepared: Prepared
    title: str
    chain_event_id: int
    content: Mapping[str, Any] = field(default_factory=dict)
    """What the plan's hash is made of."""
    ending: EndingEvent | None = None
    """None when an earlier run answers, and nothing is planned."""
    plan: Plan | None = None
    """The stored plan that is being executed."""

    @property
    def is_done_already(self) -> bool:
        return self.prepared.earlier is not None


@dataclass(frozen=True)
class PlannedStake:
    """What would become of one booking's stake at a completion."""

    chain_booking_id: int
    traveler_id: UUID | None
    returned_wei: Wei
    forfeited_wei: Wei


@dataclass(frozen=True)
class PlanTerms:
    """What holds of a result only while it is planned: the most that gas can cost, until when."""

    most_fee_wei: Wei | None
    expires_at: datetime | None
    stakes: tuple[PlannedStake, ...] = ()

    @classmethod
    def of(
        cls,
        plan: EndingPlan,
        kept: Plan | None,
        session: Session,
        stakes: tuple[PlannedStake, ...] = (),
    ) -> "PlanTerms":
        """Price a plan, which may be kept or only shown."""
        spending = plan.prepared.spending(session)
        most_fee = spending.most_fee if spending else None
        return cls(most_fee, kept.expires_at if kept else None, stakes)


def carry_out(plan: EndingPlan, choices: SigningChoices, session: Session) -> Transaction:
    """Record, send and watch; the plan is used up in the same commit that records it.

    Refused when a transaction of ours has come in between, whose booking the plan does not know.
    """
    known = plan.ending.recorded if plan.ending else frozenset[UUID]()

    def write_rows(transaction: Transaction) -> None:
        refuse_recorded_since(known, transaction, plan.chain_event_id, session)
        if plan.plan is not None:
            session.ledger.use_plan(plan.plan.hash, transaction.id)

    return delivery.carry_out(plan.prepared, session, write_rows, wait=choices.wait)


def state_of(ending: EndingEvent, session: Session) -> dict[str, Any]:
    """Everything about the event that a plan is bound to."""
    event, row = ending.event, ending.row
    return {
        "chain_id": session.config.chain_id,
        "contract": session.chain.contract,
        "genesis": ending.snapshot.genesis_hash,
        "chain_event_id": event.id,
        "event_id": str(row.id) if row else None,
        "created_in": ending.blocks.get(row.tx_hash) if row and row.tx_hash else None,
        "created_at": event.created_at,
        "experience_id": event.experience_id,
        "starts_at": event.starts_at,
        "price_wei": str(int(event.price_per_seat)),
        "host": event.host,
        "host_id": str(row.experience.host.id) if row else None,
        "host_stake_wei": str(int(event.host_stake)),
        "status": event.status.name,
        "stake_percent": ending.snapshot.stake_percent,
        "fee_percent": ending.snapshot.fee_percent,
        "bookings": [_booking_state(one, ending) for one in ending.bookings],
    }


def _booking_state(booking: OpenBooking, ending: EndingEvent) -> list[Any]:
    on_chain, row = booking.on_chain, booking.row
    return [
        on_chain.id,
        on_chain.user,
        on_chain.seats,
        str(int(on_chain.payment)),
        str(int(on_chain.stake)),
        on_chain.booked_at,
        str(row.id) if row else None,
        row.status if row else None,
        str(row.traveler.id) if row else None,
        ending.blocks.get(row.tx_hash) if row and row.tx_hash else None,
    ]


def hash_of(content: Mapping[str, Any]) -> str:
    """Bind a plan: the SHA-256 of its content in one canonical writing."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_plan(plan: EndingPlan, lives: timedelta, session: Session) -> Plan:
    """Store a plan, to be executed by its hash until it expires; Refused when there is none."""
    kind = plan.prepared.intent.kind
    if plan.ending is None:
        what, _ = _WORDS[kind]
        raise Refused(
            f"Event {plan.chain_event_id} has a {what} already",
            hint="`mayhouse tx list` shows it.",
        )
    now = session.now()
    kept = Plan(
        hash=hash_of(plan.content),
        kind=kind,
        event_id=plan.ending.event_id,
        chain_event_id=plan.chain_event_id,
        content=plan.content,
        made_at=now,
        expires_at=now + lives,
    )
    session.ledger.add_plan(kept, session.actor)
    return kept


def load_plan(beginning: str, kind: Kind, event: str, session: Session) -> Plan:
    """Find a stored plan by its hash or the beginning of it; Refused when for another event."""
    text = beginning.strip().lower()
    if text.startswith("--"):
        raise WrongUsage(
            f"--execute needs the hash of a plan, and {beginning} is an option",
            hint="Make a plan with --plan: it shows the hash.",
        )
    if len(text) < LEAST_BEGINNING:
        raise WrongUsage(
            f"Too short to name a plan: {beginning}",
            hint=f"Give at least {LEAST_BEGINNING} characters of its hash.",
        )
    found = session.ledger.plans(text)
    if len(found) > 1:
        raise Refused(f"Several plans begin with {beginning}", hint="Give more of the hash.")
    if found and found[0].kind is not kind:
        what, verb = _WORDS[found[0].kind]
        raise Refused(
            f"That is the plan of a {what} of event {found[0].chain_event_id}",
            hint="To carry it out: mayhouse event "
            f"{verb} {found[0].chain_event_id} --execute {found[0].hash}",
        )
    if not found:
        raise NotFound(
            f"There is no such plan: {beginning}", hint="Make one with --plan, and give its hash."
        )
    (plan,) = found
    _, number = find_event_on_chain(event, session)
    if plan.chain_event_id != number:
        raise Refused(
            f"That plan is for event {plan.chain_event_id}, not {number}",
            hint="Name the event that the plan was made for.",
        )
    return plan


def refuse_expired(plan: Plan, session: Session) -> None:
    """Refused when a plan is too old to be carried out; what it did already still answers."""
    if session.now() > plan.expires_at:
        raise Refused(
            f"That plan has expired: it held until {moment(plan.expires_at)}",
            hint="Make a new one with --plan, and look at it again.",
            details={"expires_at": plan.expires_at},
        )


def refuse_when_moved(plan: Plan, content: Mapping[str, Any]) -> None:
    """Refused when anything that the plan is bound to is different now; names what."""
    if hash_of(content) == plan.hash:
        return
    moved = [key for key in content if content[key] != plan.content.get(key)]
    raise Refused(
        f"The event has moved since the plan was made ({', '.join(moved)})",
        hint="Nothing was sent. Make a new plan with --plan and look at it again.",
        details={"moved": moved},
    )
