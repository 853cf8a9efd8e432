"""From what an operator asks to a recorded transaction: prepare, then record.

    prepare (reads, guards) -> record (lock, nonce, sign, commit) -> delivery.py

Nothing is sent before `record` has committed, and everything after it works from the record
alone, so that any process can take over after any other died.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from mayhouse_cli.errors import (
    InsufficientFunds,
    IntentConflict,
    Refused,
    Reverted,
    Unconfirmed,
    WrongChain,
)
from mayhouse_cli.models import (
    Address,
    Fees,
    Intent,
    Payload,
    Pin,
    SignedPayload,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei, format_eth, wei_to_inr
from mayhouse_cli.operations import freezing
from mayhouse_cli.operations.meanwhile import refuse_drift
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session, Signer
from mayhouse_cli.times import moment

# A time as arguments keep it.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
OWN_KEY_PREFIX: Final = "key:"


@dataclass(frozen=True)
class FeeWait:
    """Sign nothing before gas costs at most `price` wei, and nothing at all after `until`."""

    price: Wei
    until: datetime


@dataclass(frozen=True)
class SigningChoices:
    """The options that every signing command takes; `max_fee` is wei per gas."""

    wait: bool
    confirmations: int
    max_fee: Wei
    idempotency_key: str | None = None
    fee_wait: FeeWait | None = None
    """With it `max_fee` is its price at most."""

    def key_or(self, key_of_row: str) -> str:
        """The intent's key: the user's own, or the one of the row it is for."""
        return OWN_KEY_PREFIX + self.idempotency_key if self.idempotency_key else key_of_row


@dataclass(frozen=True)
class Spending:
    """What consent is asked for."""

    chain_name: str
    contract: Address
    sender: Address
    recipient: Address
    value: Wei
    value_inr: Decimal | None
    most_fee: Wei
    balance: Wei

    @property
    def balance_after(self) -> Wei:
        """What is left at least."""
        return self.balance - self.value - self.most_fee


@dataclass(frozen=True)
class Prepared:
    """An intent ready to be recorded, or the earlier run of it that answers instead."""

    intent: Intent
    snapshot: Snapshot | None
    fees: Fees | None
    earlier: Transaction | None = None
    nonce: int | None = None
    """The only nonce it may take; None for the lowest free one."""
    while_frozen: bool = False
    """Signed in spite of a freeze: the operator said so."""
    for_rotation: bool = False
    """Moves our own balance to our next signer: no cap holds for it."""
    read_at: datetime | None = None
    """When the chain was read for it, where the amounts rest on the contract's percentages."""
    treasury: Signer | None = None
    """Who signs a top-up, or fills a gap of its own; the platform signs everything else."""

    def signer(self, session: Session) -> Signer:
        """The wallet that pays and signs."""
        return self.treasury or session.signer

    def served(self, session: Session) -> Address:
        """The platform's wallet, to which the database is bound."""
        if self.treasury is None:
            return session.signer.address
        if self.intent.recipient != self.treasury.address:
            return self.intent.recipient
        platform: Address | None = session.config.get("platform_address")
        return platform or session.signer.address

    def spending(self, session: Session) -> Spending | None:
        """What it will cost; None when an earlier run answers and nothing is spent."""
        if self.snapshot is None or self.fees is None:
            return None
        rate = self.intent.eth_price_inr
        value = self.intent.call.value
        return Spending(
            chain_name=session.config.chain_name,
            contract=session.chain.contract,
            sender=self.signer(session).address,
            recipient=self.intent.recipient,
            value=value,
            value_inr=wei_to_inr(value, rate) if rate is not None else None,
            most_fee=self.fees.most,
            balance=self.snapshot.sender_balance,
        )


def earlier_run(intent: Intent, session: Session) -> Transaction | None:
    """The run of this intent that answers for this one; None when it may be made (again).

    IntentConflict when it was run with other arguments, or failed under the user's own key;
    Unconfirmed when another command asks for the very same and is not finished.
    """
    earlier = session.journal.latest(intent)
    if earlier is None or earlier.status.is_impossible:
        own_key = intent.key.startswith(OWN_KEY_PREFIX)
        if earlier is not None and own_key and earlier.intent_key == intent.key:
            raise IntentConflict(
                f"This idempotency key was used and its transaction is {earlier.status}",
                hint=f"See `mayhouse tx show {short(earlier)}`; a new attempt needs a new key.",
                details={"transaction_id": str(earlier.id)},
            )
        _refuse_twin(intent, session)
        return None
    if dict(earlier.arguments) != dict(intent.arguments):
        raise IntentConflict(
            f"This was run before with other arguments (transaction {short(earlier)}): "
            f"{different(earlier.arguments, intent.arguments)}",
            hint=f"See `mayhouse tx show {short(earlier)}` for what was asked then.",
            details={"transaction_id": str(earlier.id)},
        )
    return earlier


def different(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Tell what differs between two runs of an intent: "seats 2 then, 3 now"."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(
        f"{name} {_told(before.get(name))} then, {_told(now.get(name))} now" for name in names
    )


def _told(value: object) -> str:
    if value is None:
        return "not given"
    text = str(value)
    return moment(datetime.fromisoformat(text)) if _TIME.match(text) else text


def _refuse_twin(intent: Intent, session: Session) -> None:
    if not intent.unique_by_arguments:
        return
    twin = session.journal.same_arguments(intent)
    if twin is not None:
        raise Unconfirmed(
            f"The very same is already on its way: transaction {short(twin)}",
            hint=f"Do not send it twice. Next: mayhouse tx resume {short(twin)}",
            details={"transaction_id": str(twin.id), "tx_hash": twin.tx_hash},
        )


def prepare(intent: Intent, snapshot: Snapshot, cap: Wei, session: Session) -> Prepared:
    """Run the guards that hold for everything that is signed; prices the transaction."""
    value = intent.call.value
    sender = session.signer.address
    check_funds(sender, snapshot.sender_balance, value, None)
    if snapshot.revert_reason is not None:
        raise Reverted(
            f"The contract would refuse this: {snapshot.revert_reason}",
            hint="Nothing was sent.",
            details={"reason": snapshot.revert_reason},
        )
    fees = session.chain.fees(snapshot, cap)
    check_funds(sender, snapshot.sender_balance, value, fees.most)
    return Prepared(intent, snapshot, fees, read_at=session.now())


def check_funds(sender: Address, balance: Wei, value: Wei, fee: Wei | None) -> None:
    """InsufficientFunds, with the shortfall, unless value and fee (None: not known yet) fit."""
    needed = value + (fee or 0)
    if balance >= needed:
        return
    gas = "and gas" if fee is None else f"with at most {format_eth(fee)} ETH of gas"
    raise InsufficientFunds(
        f"{sender} has {format_eth(balance)} ETH and needs {format_eth(needed)} ETH {gas}: "
        f"{format_eth(needed - balance)} ETH short",
        hint="Send ETH to that address; nothing was signed.",
        details={
            "balance_wei": str(int(balance)),
            "needed_wei": str(int(needed)),
            "shortfall_wei": str(int(needed - balance)),
        },
    )


# --- record -----------------------------------------------------------------------------


def record(
    prepared: Prepared, session: Session, write_rows: Callable[[Transaction], None]
) -> tuple[Transaction, bool]:
    """Allocate a nonce, sign and commit; `write_rows` adds the platform's rows to the commit.

    Gives the transaction and whether it is new: under the lock, another process may be found
    to have recorded the same intent first.
    """
    intent, snapshot, fees = prepared.intent, prepared.snapshot, prepared.fees
    if snapshot is None or fees is None:
        raise Refused("There is nothing to record: an earlier run answers")
    signer = prepared.signer(session)
    _refuse_to_sign(prepared, session)  # before a person is asked for the password
    signer.unlock()
    if prepared.read_at is not None:  # a person may have thought about it since
        refuse_drift(intent, snapshot, prepared.read_at, session)
    sender = signer.address
    chain_id = session.config.chain_id
    with session.transaction():
        session.journal.lock(chain_id, sender)
        served = prepared.served(session)
        check_pin(Pin(chain_id, snapshot.genesis_hash, session.chain.contract, served), session)
        _refuse_to_sign(prepared, session)
        earlier = earlier_run(intent, session)
        if earlier is not None:
            return earlier, False
        if not prepared.for_rotation:
            check_spending_caps(sender, intent.call.value, session)
        nonce = _free_nonce(sender, prepared.nonce, snapshot.pending_nonce, session)
        signed = sign_new_bytes(
            Payload(chain_id, nonce, intent.recipient, intent.call.value, intent.calldata, fees),
            signer,
            session,
        )
        before = session.journal.latest(intent)
        generation = before.generation + 1 if before else 1
        transaction = session.journal.insert(
            intent, signed, generation, sender, session.chain.contract, session.actor
        )
        log(session, as_logged(intent), transaction.id, before=intent.terms)
        write_rows(transaction)
    return transaction, True


def as_logged(intent: Intent) -> dict[str, object]:
    """What the operators' log keeps of an intent."""
    return {
        "kind": intent.kind.value,
        "intent_key": intent.key,
        **intent.arguments,
        **({"reason": intent.reason} if intent.reason else {}),
    }


def _free_nonce(sender: Address, wanted: int | None, pending_count: int, session: Session) -> int:
    free = session.journal.next_nonce(session.config.chain_id, sender, pending_count)
    if wanted not in (None, free):
        raise Refused(
            f"Nonce {wanted} was taken meanwhile: the next free one is {free}",
            hint="`mayhouse tx list --stuck` shows what waits, and for which nonce.",
        )
    return free


def sign_new_bytes(payload: Payload, signer: Signer, session: Session) -> SignedPayload:
    """Sign; bytes that were recorded and rejected before are made others by one gas more.

    Signing is deterministic, and a rejected transaction's nonce is free again.
    """
    signed = signer.sign(payload)
    while session.journal.knows(signed.tx_hash):
        fees = replace(payload.fees, gas_limit=payload.fees.gas_limit + 1)
        payload = replace(payload, fees=fees)
        signed = signer.sign(payload)
    return signed


def _refuse_to_sign(prepared: Prepared, session: Session) -> None:
    freezing.refuse_to_sign(
        session, while_frozen=prepared.while_frozen, for_rotation=prepared.for_rotation
    )


def check_pin(pin: Pin, session: Session) -> None:
    """Bind the database at its first use; WrongChain when it is bound to something else."""
    bound = session.journal.pin(pin)
    for what, here, there in (
        ("chain", pin.chain_id, bound.chain_id),
        ("genesis block", pin.genesis_hash, bound.genesis_hash),
        ("contract", pin.contract, bound.contract),
        ("sender", pin.sender, bound.sender),
    ):
        if here != there:
            raise WrongChain(
                f"This database serves the {what} {there}, not {here}",
                hint="One database serves one chain, contract and wallet: check DATABASE_URL.",
            )


def check_spending_caps(
    sender: Address, value: Wei, session: Session, largest: Wei | None = None
) -> None:
    """Refused when this would go over a wallet's cap; the caller holds the journal's lock.

    With `largest`, the value is the sum of several transactions, none of which is above that.
    """
    single: Wei | None = session.config.get("max_transaction_eth")
    one = value if largest is None else largest
    if single is not None and one > single:
        raise Refused(
            f"{format_eth(one)} ETH is over the cap of {format_eth(single)} ETH a transaction",
            hint="Raise max_transaction_eth if this is meant.",
        )
    daily: Wei | None = session.config.get("max_daily_eth")
    if daily is not None:
        spent = session.journal.spent_since(sender, session.now() - timedelta(days=1))
        if spent + value > daily:
            raise Refused(
                f"{format_eth(spent)} ETH was sent in 24 hours; {format_eth(value)} ETH more is "
                f"over the cap of {format_eth(daily)} ETH",
                hint="Wait, or raise max_daily_eth if this is meant.",
            )
