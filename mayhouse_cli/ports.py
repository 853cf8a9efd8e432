"""What an operation needs of the world: the chain, the key, the database, the clock.

Operations are written against these protocols alone; `bootstrap.py` hands them the real
parts and the unit tests hand them twins in memory. Every method of a repository joins the
transaction that `Session.transaction()` has open, or runs in one of its own.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol
from uuid import UUID

from mayhouse_cli.config import Config
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    BalanceReading,
    Block,
    BookingRow,
    Call,
    Change,
    Comparison,
    Cost,
    Drift,
    EventRow,
    ExperienceRow,
    Fees,
    Freeze,
    Hash,
    Intent,
    Kind,
    LedgerFault,
    LogEntry,
    NewBooking,
    NewEvent,
    NewTransaction,
    OnChainBooking,
    OnChainEvent,
    OpenEnd,
    Payable,
    PayableFilter,
    Payload,
    Person,
    Pin,
    Plan,
    Question,
    Rate,
    Receipt,
    RecordedEnd,
    Rotation,
    SendAnswer,
    SettlementLine,
    Sighting,
    SignedPayload,
    Snapshot,
    Status,
    StoredRate,
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

    def read_all(self, questions: Sequence[Question]) -> Sequence[Snapshot]:
        """Answer each as `read` does, all at one and the same block."""

    def calldata(self, call: Call) -> bytes:
        """Encode a call of the contract."""

    def call_of(self, transaction: Transaction) -> Call:
        """Read a recorded transaction's calldata back into a call."""

    def fees(self, snapshot: Snapshot, cap: Wei, gas: int | None = None) -> Fees:
        """Price the simulated call, or so much gas, at most `cap` wei per gas; FeeTooHigh else."""

    def send(self, raw: bytes) -> SendAnswer:
        """Hand the bytes to the nodes; never retried blindly, never raises for an answer."""

    def send_all(self, raws: Sequence[bytes]) -> Sequence[SendAnswer]:
        """Hand over many, in their order; each is answered by itself."""

    def sight(self, transaction: Transaction, creation: Transaction | None = None) -> Sighting:
        """Find where a recorded transaction stands now, and the event that its calldata names.

        With `creation`, the recorded creation of that event, its receipt as well.
        """

    def sight_all(self, transactions: Sequence[Transaction]) -> Sequence[Sighting]:
        """Find where each of them stands now."""

    def placements(self, hashes: Sequence[Hash]) -> Mapping[Hash, Hash | None]:
        """The hash of the block each transaction stands in now; None where there is none."""

    def block_hashes(self, numbers: Sequence[int]) -> Mapping[int, Hash | None]:
        """The block that stands at each height now; None where there is none."""

    def revert_reason(self, transaction: Transaction, receipt: Receipt) -> str:
        """Recover why a mined transaction reverted, by replaying it before its block."""

    def pause(self, waits: int) -> None:
        """Wait as long as fits the chain's block time before looking for the n-th time."""

    def receipts(self, hashes: Sequence[Hash], depth: int) -> Mapping[Hash, Receipt]:
        """The receipts that stand in canonical blocks, so deep at least."""

    def census(self) -> "Census":
        """Count everything the contract holds, at the newest block."""


class Census(Protocol):
    """Everything the contract holds at one block, streamed so that it never is in memory."""

    block: Block
    balance: Wei
    """What the contract holds, in wei."""

    def events(self) -> Iterator[Sequence[OnChainEvent]]:
        """Every event, in the order of their numbers, some at a time."""

    def bookings(self) -> Iterator[Sequence[OnChainBooking]]:
        """Every booking, in the order of their numbers, some at a time."""

    def block_hashes(self, numbers: Sequence[int]) -> Mapping[int, Hash | None]:
        """The hashes of these blocks as the chain has them now; None where there is none."""

    def confirm(self) -> None:
        """RpcUnreachable when a reorg has undone the block meanwhile."""


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


class JournalBatches(Protocol):
    """The journal for many transactions at once; each method is a few statements."""

    def latest_all(self, intents: Sequence[Intent]) -> Mapping[str, Transaction]:
        """As `latest`, for intents of one kind; by the keys of those that have one."""

    def free_nonces(
        self, chain_id: int, sender: Address, pending_count: int, count: int
    ) -> Sequence[int]:
        """As `next_nonce`: the lowest ones, in their order."""

    def known(self, hashes: Sequence[Hash]) -> frozenset[Hash]:
        """Which of these bytes were recorded before."""

    def insert_all(
        self, new: Sequence[NewTransaction], sender: Address, contract: Address, actor: str
    ) -> Sequence[Transaction]:
        """Record each with its first attempt, before any is sent; the lowest nonce first."""

    def keep_answers(
        self, answers: Sequence[tuple[Transaction, AttemptOutcome, str | None]]
    ) -> None:
        """Keep how the nodes answered to each one's newest bytes, and that these may be out."""

    def mark_mined_all(self, mined: Sequence[tuple[Transaction, Receipt]]) -> None:
        """Keep canonical receipts that are not deep enough yet."""

    def confirm_all(self, ends: Sequence[tuple[Transaction, Receipt, int]]) -> None:
        """Keep that these are confirmed, with what their receipts proved; Refused else."""

    def get_all(self, ids: Sequence[UUID]) -> Sequence[Transaction]:
        """Those that there are, the lowest nonce first."""

    def get_all_locked(self, ids: Sequence[UUID]) -> Sequence[Transaction]:
        """The same, held against other processes until the open database transaction ends."""

    def held_numbers(self, kind: Kind, numbers: Sequence[int]) -> frozenset[int]:
        """Which on-chain numbers a confirmed transaction is recorded for."""

    def creations(self, event_ids: Sequence[UUID]) -> Mapping[UUID, Transaction]:
        """The newest creation of each event that has one."""


class Journal(JournalBatches, Protocol):
    """The record of every intent, written before anything is sent."""

    def lock(self, chain_id: int, sender: Address) -> None:
        """Let one process at a time allocate a nonce; held until the transaction ends."""

    def pin(self, pin: Pin) -> Pin:
        """Bind the database to a chain and contract at first use; give what it is bound to."""

    def pinned(self) -> Pin | None:
        """What the database is bound to, if it is yet."""

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
        """Keep that the bytes have left, or may have."""

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

    def senders(self) -> Sequence[Address]:
        """Every wallet that has ever signed."""


class Installation(Protocol):
    """What holds for everybody who uses the database: a freeze, a change of the signer."""

    def freeze(self) -> Freeze | None: ...
    def rotation(self) -> Rotation | None: ...
    def hold(self) -> None:
        """Keep a freeze or rotation from beginning until the open transaction ends."""

    def set_frozen(self, reason: str, by: str) -> bool:
        """Freeze; False when it was frozen already, which stays as it is."""

    def thaw(self) -> None: ...
    def begin_rotation(self, rotation: Rotation) -> bool:
        """Keep that the signer is being changed; False when another change is under way."""

    def repin(self, old: Address, new: Address) -> None:
        """Have the database serve the new sender instead of the old one."""

    def end_rotation(self) -> None: ...


class Events(Protocol):
    """The platform's event runs and experiences."""

    def by_id(self, event_id: UUID) -> EventRow | None: ...
    def by_chain_id(self, chain_event_id: int) -> EventRow | None: ...
    def experience(self, experience_id: UUID) -> ExperienceRow | None: ...
    def list(self, limit: int) -> Sequence[EventRow]: ...
    def starting(self, experience_id: UUID, starts_at: datetime) -> Sequence[EventRow]: ...
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
    def travelers(self, ids: Sequence[UUID]) -> Mapping[UUID, Person]: ...
    def by_ids(self, ids: Sequence[UUID]) -> Mapping[UUID, BookingRow]: ...
    def insert(self, booking: NewBooking) -> None: ...

    def insert_all(self, bookings: Sequence[NewBooking]) -> None:
        """Add those that have no row yet."""

    def mark_pending_all(self, hashes: Mapping[UUID, Hash]) -> None: ...

    def mark_booked_all(self, booked: Sequence[tuple[UUID, int, Hash, Wei]]) -> None:
        """As `mark_booked`: row, number, hash and stake of each."""

    def mark_pending(self, booking_id: UUID, tx_hash: Hash) -> None: ...

    def mark_booked(
        self, booking_id: UUID, chain_booking_id: int, tx_hash: Hash, stake: Wei
    ) -> None:
        """The booking is confirmed on chain, under this number."""

    def mark_status(self, chain_booking_ids: Sequence[int], status: str) -> None:
        """Set the platform's booking status of bookings by their on-chain numbers."""

    def change_status(self, booking_ids: Sequence[UUID], was: str, now: str) -> None:
        """Set the status of those of these rows that have the one they are meant to have had."""


class Ledger(Protocol):
    """What the tool keeps beside the journal: quotes and plans."""

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

    def add_plan(self, plan: Plan, actor: str) -> None: ...
    def plans(self, beginning: str) -> Sequence[Plan]:
        """The plans whose hash begins so; two stand for all when there are more."""

    def use_plan(self, plan_hash: str, transaction_id: UUID) -> None: ...


class Readings(Protocol):
    """Balances over time, and what the rows say of the wallets to watch."""

    def add(self, readings: Sequence[BalanceReading]) -> None: ...
    def since(self, chain_id: int, since: datetime) -> Sequence[BalanceReading]:
        """Oldest first, of all wallets of a chain."""

    def open_hosts(self, chain_id: int) -> Sequence[Address]:
        """Wallets of ours that host events which are neither completed nor cancelled."""

    def unbooked_quotes(self, since: datetime) -> Wei:
        """What the quotes made since then would cost that are not booked yet."""


class Alerts(Protocol):
    """Which state of each wallet was announced last."""

    def announced(self, chain_id: int) -> Mapping[Address, str]:
        """By wallet, none meaning OK; one process at a time, until the transaction ends."""

    def keep(self, chain_id: int, states: Mapping[Address, str]) -> None: ...


class Notifier(Protocol):
    """Where people are told of a change."""

    def post(self, document: Mapping[str, object]) -> None:
        """Hand it over; Unreachable or ConfigurationError when it was not taken."""


class Rates(Protocol):
    """The history of what one ETH costs in rupees; rows are only ever added."""

    def last(self) -> Rate | None:
        """The newest by the time it is of, whenever it was stored."""

    def last_given(self) -> Rate | None:
        """The newest that was set or fetched, not only used out of a configuration."""

    def add(self, rate: Rate) -> None: ...
    def history(self, limit: int) -> Sequence[StoredRate]:
        """The newest first, by the time each is of."""


class RateSource(Protocol):
    """An endpoint outside that tells the price of one ETH."""

    @property
    def host(self) -> str:
        """All of its address that may be shown."""

    def read(self) -> object:
        """Its JSON document, with the numbers exact: int, or Decimal for what has a fraction.

        Unreachable when it does not answer in time, ConfigurationError when it answers with
        something else.
        """


class Settlements(Protocol):
    """What completions and cancellations paid, line by line, and the rates that value it."""

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        """Keep the lines of an end; made again after a reorg they take the place of the first."""

    def lines(self, transaction_id: UUID) -> Sequence[SettlementLine]:
        """In the order they were added."""

    def fees_earned(self, until_block: int) -> Wei:
        """The platform's fees of all completions confirmed in blocks up to this one."""

    def take_back(self, transaction_id: UUID) -> None:
        """Forget the lines of an end that a reorg took back, but for those a payable rests on."""

    def settled_between(self, start: datetime, end: datetime) -> Sequence[UUID]:
        """The ends confirmed from `start` on and before `end`, oldest first."""

    def quoted_rate(self, chain_event_id: int, seats: int, cost: Cost) -> Decimal | None:
        """The rate of the newest quote for just this booking's seats and amounts."""

    def rate_at(self, moment: datetime) -> Decimal | None:
        """The newest rate that was stored by then."""


class Payables(Protocol):
    """What is owed to hosts and travelers, and what paid it."""

    def add(self, transaction: Transaction, lines: Sequence[SettlementLine]) -> None:
        """Owe these lines of a settlement that was added; one that is paid stays as it is."""

    def take_back(self, transaction_id: UUID) -> None:
        """Withdraw what an end owed that a reorg took back; what is paid or on its way stays."""

    def list(self, wanted: PayableFilter) -> Sequence[Payable]:
        """Oldest first."""

    def get(self, payable_id: UUID) -> Payable | None: ...

    def get_locked(self, payable_id: UUID) -> Payable | None:
        """The same, held against other processes until the open database transaction ends."""

    def find(self, beginning: str) -> Payable:
        """The one payable whose id begins so; NotFound when none or several do."""

    def mark_paid(self, payable_id: UUID, transaction: Transaction) -> None:
        """A transfer that is confirmed has paid it."""

    def mark_paid_outside(self, payable_id: UUID, reference: str, actor: str) -> None:
        """Something outside the chain has paid it; the caller has looked at it, locked."""

    def unmark(self, payable_id: UUID) -> None:
        """Nothing outside the chain has paid it; the caller has looked at it, locked."""

    def mark_unpaid(self, payable_id: UUID, transaction_id: UUID) -> None:
        """A reorg took back the transfer that had paid it."""


class OperatorLog(Protocol):
    """Who did what: rows are only ever added, the database refuses anything else."""

    def add_all(
        self,
        actor: str,
        command: str,
        rows: Sequence[tuple[UUID, Mapping[str, object], Mapping[str, object]]],
    ) -> None:
        """Add a row for each transaction: its arguments, and what its decision rested on."""

    def add(
        self,
        actor: str,
        command: str,
        arguments: Mapping[str, object],
        transaction_id: UUID | None = None,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None: ...

    def list(
        self, event_id: UUID | None, chain_event_id: int | None, limit: int
    ) -> Sequence[LogEntry]:
        """Newest first: of the transactions on one event, or of everything when both are None."""


class Wallets(Protocol):
    """Addresses and labels of the wallets in use; never a key."""

    def add(self, address: Address, label: str, role: str) -> None: ...
    def list(self) -> Sequence[Wallet]: ...


class Session(Protocol):
    """One command's access to everything, each part opened at its first use."""

    config: Config
    deadline: Deadline
    actor: str
    command: str
    """The command that runs, as in its JSON document: "event.create"."""
    progress: Callable[[str], None]
    """Tells a person what is being waited for."""

    @property
    def chain(self) -> Chain: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def treasury(self) -> Signer:
        """The wallet that tops the platform's up; ConfigurationError when none is configured."""

    @property
    def journal(self) -> Journal: ...
    @property
    def installation(self) -> Installation: ...
    @property
    def events(self) -> Events: ...
    @property
    def bookings(self) -> Bookings: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def settlements(self) -> Settlements: ...
    @property
    def payables(self) -> Payables: ...
    @property
    def wallets(self) -> Wallets: ...
    @property
    def operator_log(self) -> OperatorLog: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def rate_source(self) -> RateSource: ...
    @property
    def readings(self) -> Readings: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def notifier(self) -> Notifier: ...

    def transaction(self) -> AbstractContextManager[object]:
        """All writes inside are kept together or not at all."""

    def now(self) -> datetime:
        """The present, in UTC."""


class Mirror(Protocol):
    """The chain staged beside the database's rows, so that they are compared as sets."""

    def load(
        self,
        events: Iterable[Sequence[OnChainEvent]],
        bookings: Iterable[Sequence[OnChainBooking]],
    ) -> None:
        """Stage what streams by; it is gone with the open database transaction."""

    def drifts(self, comparison: Comparison) -> Sequence[Drift]:
        """Every way in which what was staged and the rows disagree; many of a code are counted."""

    def recorded_ends(self) -> Iterator[Sequence[RecordedEnd]]:
        """All finished transactions that stand in a block, some at a time."""

    def old_unfinished(self, before: datetime) -> Sequence[OpenEnd]:
        """Transactions recorded before that moment and still unfinished, oldest first."""

    def ledger_faults(self) -> Sequence[LedgerFault]:
        """Where the record contradicts itself: numbers, settlements and payments."""

    def rewrite(self, changes: Sequence[Change]) -> None:
        """Write new values of rows; Refused, nothing kept, when one is not as it was before."""


class ComparingSession(Session, Protocol):
    """A session that can also hold the whole chain against the database."""

    @property
    def mirror(self) -> Mirror: ...
