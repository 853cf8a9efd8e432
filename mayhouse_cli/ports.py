"""What an operation needs of the world: the chain, the key, the database, the clock.

Operations are written against these protocols alone; `bootstrap.py` hands them the real
parts and the unit tests hand them twins in memory. Every method of a repository joins the
transaction that `Session.transaction()` has open, or runs in one of its own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from mayhouse_cli.config import Config
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    BookingRow,
    Call,
    Cost,
    EventRow,
    ExperienceRow,
    Fees,
    Hash,
    Intent,
    Kind,
    NewBooking,
    NewEvent,
    Payload,
    Person,
    Pin,
    Plan,
    Question,
    Rate,
    Receipt,
    SendAnswer,
    SettlementLine,
    Sighting,
    SignedPayload,
    Snapshot,
    Status,
    Transaction,
    TransactionFilter,
    Wallet,
)
from mayhouse_cli.money import Wei


class Deadline:
    """The moment until which the network may be waited for; one for a whole command."""

    def __init__(self, seconds: float) -> None:
        """Start counting now; `seconds` is the command's --timeout."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def restart(self) -> None:
        """Count from now again: an operator's thinking time is not the network's."""
        self._end = time.monotonic() + self.seconds

    @property
    def remaining(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining == 0


class Chain(Protocol):
    """The one contract client: reads at one block, sends recorded bytes, finds receipts.

    Every method may raise RpcUnreachable, WrongChain and WrongContract.
    """

    contract: Address

    def read(self, question: Question) -> Snapshot:
        """Answer everything in one batch; the chain id, the code and a probe are checked too."""

    def calldata(self, call: Call) -> bytes:
        """Encode a call of the contract."""

    def call_of(self, transaction: Transaction) -> Call:
        """Read a recorded transaction's calldata back into a call."""

    def fees(self, snapshot: Snapshot, cap: Wei, gas: int | None = None) -> Fees:
        """Price the simulated call, or so much gas, at most `cap` wei per gas; FeeTooHigh else."""

    def send(self, raw: bytes) -> SendAnswer:
        """Hand the bytes to the nodes; never retried blindly, never raises for an answer."""

    def sight(self, transaction: Transaction) -> Sighting:
        """Find where a recorded transaction stands now."""

    def placements(self, hashes: Sequence[Hash]) -> Mapping[Hash, Hash | None]:
        """The hash of the block each transaction stands in now; None where there is none."""

    def revert_reason(self, transaction: Transaction, receipt: Receipt) -> str:
        """Recover why a mined transaction reverted, by replaying it before its block."""

    def pause(self, waits: int) -> None:
        """Wait as long as fits the chain's block time before looking for the n-th time."""


class Signer(Protocol):
    """The one place where the key is."""

    address: Address
    """Known without the password, so that a dry run needs none."""

    def unlock(self) -> None:
        """Get the key ready; slow, and may ask a person. CredentialsError when it cannot."""

    def sign(self, payload: Payload) -> SignedPayload:
        """Sign an EIP-1559 transaction."""


class KeyEntry(Protocol):
    """A keystore of this machine, as far as it can be read without its password."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> Address | None: ...
    @property
    def path(self) -> Path: ...


class KeyVault(Protocol):
    """The keystores of this machine, by name; no name is ever overwritten."""

    def create(self, name: str, password: str) -> Address: ...
    def add_key(self, name: str, key: bytes, password: str) -> Address: ...
    def add_keystore(self, name: str, source: Path, password: str) -> Address: ...
    def unlock(self, name: str, password: str) -> bytes: ...
    def address(self, name: str) -> Address | None: ...
    def path(self, name: str) -> Path: ...
    def list(self) -> Sequence[KeyEntry]: ...


class Journal(Protocol):
    """The record of every intent, written before anything is sent."""

    def lock(self, chain_id: int, sender: Address) -> None:
        """Let one process at a time allocate a nonce; held until the transaction ends."""

    def pin(self, pin: Pin) -> Pin:
        """Bind the database to a chain and contract at first use; give what it is bound to."""

    def pinned(self) -> Pin | None:
        """What the database is bound to, if it is yet."""

    def freeze_reason(self) -> str | None:
        """Why signing is refused, while it is."""

    def next_nonce(self, chain_id: int, sender: Address, pending_count: int) -> int:
        """The lowest nonce from the chain's pending count on that no recorded transaction holds."""

    def nonces_from_outside(
        self, chain_id: int, sender: Address, used_nonces: int
    ) -> Sequence[int]:
        """Nonces used since our first transaction that none of ours has: at most a hundred."""

    def latest(self, intent: Intent) -> Transaction | None:
        """The newest generation of this intent, found by its key or by the row it is for."""

    def same_arguments(self, intent: Intent) -> Transaction | None:
        """An unfinished transaction of another intent that asks for the very same."""

    def insert(
        self,
        intent: Intent,
        signed: SignedPayload,
        generation: int,
        sender: Address,
        contract: Address,
        actor: str,
    ) -> Transaction:
        """Record the intent and its first attempt, before it is sent."""

    def add_attempt(self, transaction_id: UUID, signed: SignedPayload, purpose: str) -> Transaction:
        """Record a further signed version, before it is sent; it is the newest from then on."""

    def mark_attempt(self, tx_hash: Hash, outcome: AttemptOutcome, error: str | None) -> None:
        """Keep how the node answered to an attempt."""

    def mark_sent(self, transaction_id: UUID) -> None:
        """Keep that the bytes have left."""

    def mark_mined(self, transaction_id: UUID, receipt: Receipt, error: str | None) -> None:
        """Keep a canonical receipt that is not deep enough yet."""

    def mark_pending_again(self, transaction_id: UUID) -> None:
        """A reorg took the receipt away: back to sent, and the block it stood in is kept."""

    def holder(self, kind: Kind, chain_object_id: int) -> Transaction | None:
        """The confirmed transaction that an on-chain number is recorded for."""

    def finish(
        self,
        transaction_id: UUID,
        status: Status,
        receipt: Receipt | None,
        chain_object_id: int | None,
        error: str | None,
    ) -> None:
        """Keep the end of a transaction, with what its receipt proved."""

    def get(self, transaction_id: UUID) -> Transaction:
        """One transaction with its attempts; NotFound otherwise."""

    def get_locked(self, transaction_id: UUID) -> Transaction:
        """The same, held against other processes until the open database transaction ends."""

    def find(self, beginning: str) -> Transaction:
        """The one transaction whose id or hash begins so; NotFound when none or several do."""

    def knows(self, tx_hash: Hash) -> bool:
        """Whether these very bytes were recorded before."""

    def list(self, wanted: TransactionFilter) -> Sequence[Transaction]:
        """Newest first."""

    def unfinished_of_event(
        self, event_id: UUID | None, chain_event_id: int | None
    ) -> Sequence[Transaction]:
        """What is still open on an event: its own transactions and its bookings'."""

    def spent_since(self, sender: Address, since: datetime) -> Wei:
        """Value sent by transactions recorded since then that happened or still may."""


class Events(Protocol):
    """The platform's event runs and experiences."""

    def by_id(self, event_id: UUID) -> EventRow | None: ...
    def by_chain_id(self, chain_event_id: int) -> EventRow | None: ...
    def experience(self, experience_id: UUID) -> ExperienceRow | None: ...
    def list(self, limit: int) -> Sequence[EventRow]: ...
    def insert(self, event: NewEvent) -> None: ...

    def set_wallet(self, user_id: UUID, wallet: Address) -> None:
        """Record where a host is paid."""

    def mark_pending(self, event_id: UUID, tx_hash: Hash) -> None:
        """Its creation is recorded and not confirmed."""

    def mark_created(self, event_id: UUID, chain_event_id: int, tx_hash: Hash) -> None:
        """Its creation is confirmed, under this number."""

    def mark_failed(self, event_id: UUID) -> None:
        """Its creation can no longer happen."""

    def mark_ended(self, event_id: UUID, status: str) -> None:
        """It is completed or cancelled on chain."""


class Bookings(Protocol):
    """The platform's bookings and travelers."""

    def by_id(self, booking_id: UUID) -> BookingRow | None: ...
    def by_chain_id(self, chain_booking_id: int) -> BookingRow | None: ...
    def of_event(self, event_id: UUID) -> Sequence[BookingRow]: ...
    def list(self, event_id: UUID | None, limit: int) -> Sequence[BookingRow]: ...
    def traveler(self, traveler_id: UUID) -> Person | None: ...
    def insert(self, booking: NewBooking) -> None: ...
    def mark_pending(self, booking_id: UUID, tx_hash: Hash) -> None: ...

    def mark_booked(
        self, booking_id: UUID, chain_booking_id: int, tx_hash: Hash, stake: Wei
    ) -> None:
        """The booking is confirmed on chain, under this number."""

    def mark_status(self, chain_booking_ids: Sequence[int], status: str) -> None:
        """Set the platform's booking status of bookings by their on-chain numbers."""


class Ledger(Protocol):
    """What the tool keeps beside the journal: quotes, settlements, plans, rates, readings."""

    def add_quote(
        self,
        event: EventRow | None,
        chain_event_id: int,
        seats: int,
        cost: Cost,
        snapshot: Snapshot,
        rate: Rate,
        actor: str,
    ) -> None: ...
    def quoted_percentages(self, chain_event_id: int) -> tuple[int, int] | None:
        """Stake and fee percentage of the newest quote for an event."""

    def add_settlement(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None: ...
    def settlement(self, transaction_id: UUID) -> Sequence[SettlementLine]: ...
    def last_rate(self) -> Rate | None: ...
    def add_rate(self, rate: Rate) -> None: ...
    def add_plan(self, plan: Plan, actor: str) -> None: ...
    def plan(self, plan_hash: str) -> Plan | None: ...
    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None: ...
    def add_balance_reading(
        self,
        address: Address,
        role: str,
        chain_id: int,
        balance: Wei,
        state: str,
        block_number: int,
    ) -> None: ...
    def log(
        self, actor: str, command: str, arguments: Mapping[str, object], transaction_id: UUID | None
    ) -> None: ...


class Wallets(Protocol):
    """Addresses and labels of the wallets in use; never a key."""

    def add(self, address: Address, label: str, role: str) -> None: ...
    def list(self) -> Sequence[Wallet]: ...


class Session(Protocol):
    """One command's access to everything, each part opened at its first use."""

    config: Config
    deadline: Deadline
    actor: str
    progress: Callable[[str], None]
    """Tells a person what is being waited for."""

    @property
    def chain(self) -> Chain: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def events(self) -> Events: ...
    @property
    def bookings(self) -> Bookings: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def wallets(self) -> Wallets: ...

    def transaction(self) -> AbstractContextManager[object]:
        """All writes inside are kept together or not at all."""

    def now(self) -> datetime:
        """The present, in UTC."""
