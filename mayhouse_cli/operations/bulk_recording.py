"""A batch of a file's rows, recorded in one database transaction before any of it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from mayhouse_cli.models import (
    Fees,
    Kind,
    NewTransaction,
    Payload,
    Pin,
    Question,
    SignedPayload,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import freezing, intents
from mayhouse_cli.operations.bulk_rows import Item, Terms, refuse_drift, write_rows
from mayhouse_cli.operations.meanwhile import refuse_while_ending
from mayhouse_cli.operations.operator_log import log_all
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class Recorded:
    """What became of a batch: recorded now, or by another process meanwhile."""

    new: tuple[tuple[Item, Transaction], ...]
    earlier: tuple[tuple[Item, Transaction], ...]


def record_all(items: Sequence[Item], terms: Terms, session: Session) -> Recorded:
    """Allocate nonces, sign and commit, all or nothing; `intents.record` for many.

    Refused when the terms no longer hold or nothing may be signed, FeeTooHigh while gas costs
    more than was agreed to. The lowest free nonces are taken, so that a gap is filled first.
    """
    freezing.refuse_to_sign(session)
    signer = session.signer
    signer.unlock()
    chain_id, sender = session.config.chain_id, signer.address
    snapshot = session.chain.read(Question(sender=sender))
    refuse_drift(snapshot, terms)
    prices = _prices(items, snapshot, terms, session)
    with session.transaction():
        session.journal.lock(chain_id, sender)
        pin = Pin(chain_id, snapshot.genesis_hash, session.chain.contract, sender)
        intents.check_pin(pin, session)
        freezing.refuse_to_sign(session)
        known = session.journal.latest_all([item.intent for item in items])
        living = {key for key, one in known.items() if not one.status.is_impossible}
        new = [item for item in items if item.intent.key not in living]
        _refuse_while_ending(new, session)
        nonces = _nonces(new, snapshot, session)
        signed = _sign_all(
            [
                _payload(item, nonce, prices[item.gas], session)
                for item, nonce in zip(new, nonces, strict=True)
            ],
            session,
        )
        generations = [
            known[item.intent.key].generation + 1 if item.intent.key in known else 1 for item in new
        ]
        made = [
            NewTransaction(item.intent, one, generation)
            for item, one, generation in zip(new, signed, generations, strict=True)
        ]
        recorded = _insert(new, made, terms, session)
    earlier = [(one, known[one.intent.key]) for one in items if one.intent.key in living]
    return Recorded(tuple(recorded), tuple(earlier))


def _refuse_while_ending(items: Sequence[Item], session: Session) -> None:
    """An end of an event that was recorded since the plan does not know of these bookings."""
    booked = {
        item.intent.event_id: item.intent.chain_event_id
        for item in items
        if item.intent.kind is Kind.BOOK_EVENT
    }
    for event_id, number in booked.items():
        if event_id is not None and number is not None:
            refuse_while_ending(event_id, number, session)


def _prices(
    items: Sequence[Item], snapshot: Snapshot, terms: Terms, session: Session
) -> dict[int, Fees]:
    return {
        gas: session.chain.fees(snapshot, terms.max_fee, gas)
        for gas in sorted({item.gas for item in items})
    }


def _nonces(new: Sequence[Item], snapshot: Snapshot, session: Session) -> Sequence[int]:
    if not new:
        return ()
    sender = session.signer.address
    values = [item.intent.call.value for item in new]
    intents.check_spending_caps(sender, sum(values, Wei(0)), session, largest=max(values))
    return session.journal.free_nonces(
        session.config.chain_id, sender, snapshot.pending_nonce, len(new)
    )


def _payload(item: Item, nonce: int, fees: Fees, session: Session) -> Payload:
    intent, chain_id = item.intent, session.config.chain_id
    return Payload(chain_id, nonce, intent.recipient, intent.call.value, intent.calldata, fees)


def _sign_all(payloads: Sequence[Payload], session: Session) -> list[SignedPayload]:
    signed = [session.signer.sign(payload) for payload in payloads]
    known = session.journal.known([one.tx_hash for one in signed]) if signed else frozenset()
    return [
        intents.sign_new_bytes(one.payload, session.signer, session)
        if one.tx_hash in known
        else one
        for one in signed
    ]


def _insert(
    items: Sequence[Item], made: Sequence[NewTransaction], terms: Terms, session: Session
) -> list[tuple[Item, Transaction]]:
    if not made:
        return []
    sender, contract = session.signer.address, session.chain.contract
    recorded = session.journal.insert_all(made, sender, contract, session.actor)
    by_key = {one.intent_key: one for one in recorded}
    pairs = [(item, by_key[item.intent.key]) for item in items]
    log_all(
        session,
        [(one.id, intents.as_logged(item.intent), item.intent.terms) for item, one in pairs],
    )
    write_rows(pairs, terms.rate, session)
    return pairs
