"""How the journal's rows become records, and records the values of a row."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from mayhouse_cli.models import (
    Address,
    Attempt,
    AttemptOutcome,
    ContractEvent,
    Fees,
    Intent,
    Kind,
    Pin,
    Receipt,
    SignedPayload,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei, plain


def as_jsonb(value: object) -> Jsonb:
    """Write a value as jsonb: integers exact at any size, bytes as 0x text, Decimal as text."""
    return Jsonb(value, dumps=_encoded)


def _encoded(value: object) -> str:
    # NaN is no JSON, and no float belongs in a record of amounts to begin with.
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: object) -> object:
    match value:
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return dict(value)
        case datetime():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            message = f"{type(value).__name__} has no form in JSON"
            raise TypeError(message)


def contract_events(events: Sequence[ContractEvent]) -> Jsonb:
    """Write the contract's events as the journal keeps them."""
    return as_jsonb([{"name": each.name, "arguments": each.arguments} for each in events])


def transaction(row: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> Transaction:
    """Make the record of a row of `transactions` and its rows of `attempts`, oldest first."""
    return Transaction(
        id=row["id"],
        intent_key=row["intent_key"],
        generation=row["generation"],
        kind=Kind(row["kind"]),
        arguments=row["arguments"],
        terms=row["terms"],
        outcome=tuple(ContractEvent(each["name"], each["arguments"]) for each in row["outcome"]),
        chain_id=row["chain_id"],
        contract=row["contract"],
        sender=row["sender"],
        recipient=row["recipient"],
        nonce=row["nonce"],
        value=Wei(int(row["value_wei"])),
        calldata=row["calldata"],
        event_id=row["event_id"],
        booking_id=row["booking_id"],
        chain_event_id=row["chain_event_id"],
        chain_object_id=row["chain_object_id"],
        eth_price_inr=None if row["eth_price_inr"] is None else plain(row["eth_price_inr"]),
        amount_inr=row["amount_inr"],
        wanted_depth=row["wanted_depth"],
        status=Status(row["status"]),
        tx_hash=row["tx_hash"],
        block_number=row["block_number"],
        block_hash=row["block_hash"],
        gas_used=row["gas_used"],
        fee=None if row["fee_wei"] is None else Wei(int(row["fee_wei"])),
        error=row["error"],
        actor=row["actor"],
        reason=row["reason"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        attempts=tuple(attempt(each) for each in attempts),
        undone=tuple(row["undone"]),
    )


def attempt(row: Mapping[str, Any]) -> Attempt:
    """Make the record of a row of `attempts`."""
    return Attempt(
        number=row["number"],
        purpose=row["purpose"],
        tx_hash=row["tx_hash"],
        raw=row["raw"],
        fees=Fees(
            gas_limit=row["gas_limit"],
            max_fee=Wei(int(row["max_fee_per_gas_wei"])),
            max_priority_fee=Wei(int(row["max_priority_fee_per_gas_wei"])),
        ),
        outcome=AttemptOutcome(row["outcome"]),
        error=row["error"],
        signed_at=row["signed_at"],
        sent_at=row["sent_at"],
    )


def pin(row: Mapping[str, Any]) -> Pin:
    """Make the pin of the row of `installation`."""
    return Pin(
        chain_id=row["chain_id"],
        genesis_hash=row["genesis_hash"],
        contract=row["contract"],
        sender=row["sender"],
    )


def intent_values(intent: Intent) -> dict[str, Any]:
    """Give the columns of `transactions` that an intent fills."""
    return {
        "intent_key": intent.key,
        "kind": intent.kind,
        "arguments": as_jsonb(intent.arguments),
        "terms": as_jsonb(intent.terms),
        "event_id": intent.event_id,
        "booking_id": intent.booking_id,
        "chain_event_id": intent.chain_event_id,
        "eth_price_inr": intent.eth_price_inr,
        "amount_inr": intent.amount_inr,
        "wanted_depth": intent.wanted_depth,
        "reason": intent.reason,
    }


def signed_values(signed: SignedPayload) -> dict[str, Any]:
    """Give the columns of `transactions` and `attempts` that signed bytes fill."""
    return {
        "chain_id": signed.payload.chain_id,
        "nonce": signed.payload.nonce,
        "recipient": signed.payload.recipient,
        "value_wei": signed.payload.value,
        "calldata": signed.payload.calldata,
        "tx_hash": signed.tx_hash,
        "raw": signed.raw,
        "gas_limit": signed.payload.fees.gas_limit,
        "max_fee": signed.payload.fees.max_fee,
        "max_priority_fee": signed.payload.fees.max_priority_fee,
    }


def receipt_values(receipt: Receipt | None) -> dict[str, Any]:
    """Give the columns of `transactions` that a receipt fills; all NULL without one."""
    return {
        "tx_hash": receipt and receipt.tx_hash,
        "block_number": receipt and receipt.block_number,
        "block_hash": receipt and receipt.block_hash,
        "gas_used": receipt and receipt.gas_used,
        "fee_wei": receipt and receipt.fee,
        "receipt_succeeded": receipt and receipt.succeeded,
    }


def lock_key(chain_id: int, sender: Address) -> int:
    """Name the nonces of a sender by a bigint that is the same in every process."""
    named = f"mayhouse nonces of {sender.lower()} on chain {chain_id}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], signed=True)


def subject_values(intent: Intent) -> dict[str, Any]:
    """Say which of the intent's rows tells it from others of its kind; None matches nothing."""
    event_id = booking_id = chain_event_id = None
    match intent.kind:
        case Kind.CREATE_EVENT:
            event_id = intent.event_id
        case Kind.BOOK_EVENT:
            booking_id = intent.booking_id
        case Kind.COMPLETE_EVENT | Kind.CANCEL_EVENT:
            event_id = intent.event_id
            chain_event_id = intent.chain_event_id
        case _:  # neither a transfer nor a filled nonce is for a row of the platform
            pass
    return {
        "kind": intent.kind,
        "event_id": event_id,
        "booking_id": booking_id,
        "chain_event_id": chain_event_id,
    }
