"""What tests of the contract client share: a client on nodes, signed bytes, and their record."""

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from mayhouse_cli.chain import contract as codec
from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.chain.rpc import Rpc
from mayhouse_cli.chain.signer import LocalSigner
from mayhouse_cli.models import (
    Address,
    Attempt,
    AttemptOutcome,
    Call,
    Fees,
    Kind,
    Payload,
    SignedPayload,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Deadline
from tests.chain_node import ChainNode
from tests.mayhouse import PLATFORM_KEY

CHAIN_ID: Final = 31337
EXPERIENCE: Final = "00000000-0000-4000-8000-0000000000e1"
PRICE: Final = 10**16
STAKE: Final = PRICE * 4 // 5  # of 4 seats, 20 %
FEES: Final = Fees(2_000_000, Wei(10**11), Wei(10**9))
KINDS: Final = {
    "createEventRun": Kind.CREATE_EVENT,
    "bookEvent": Kind.BOOK_EVENT,
    "completeEvent": Kind.COMPLETE_EVENT,
    "cancelEvent": Kind.CANCEL_EVENT,
}


def client_of(contract: str, *urls: str, seconds: float = 20) -> ContractClient:
    """A client of the contract through these nodes."""
    deadline = Deadline(seconds)
    return ContractClient(Rpc(urls, CHAIN_ID, deadline), Address(contract), deadline, local=True)


def recorded(
    call: Call, signed: SignedPayload, sender: Address, contract: str, depth: int = 1
) -> Transaction:
    """The record of signed bytes, as the journal gives it."""
    payload, now = signed.payload, datetime.now(UTC)
    attempt = Attempt(
        number=1,
        purpose="original",
        tx_hash=signed.tx_hash,
        raw=signed.raw,
        fees=payload.fees,
        outcome=AttemptOutcome.SIGNED,
        error=None,
        signed_at=now,
        sent_at=None,
    )
    return Transaction(
        id=uuid.uuid4(),
        intent_key=hashlib.sha256(signed.raw).hexdigest(),
        generation=1,
        kind=KINDS[call.function],
        arguments={},
        terms={},
        outcome=(),
        chain_id=payload.chain_id,
        contract=Address(contract),
        sender=sender,
        recipient=payload.recipient,
        nonce=payload.nonce,
        value=payload.value,
        calldata=payload.calldata,
        event_id=None,
        booking_id=None,
        chain_event_id=None,
        chain_object_id=None,
        eth_price_inr=None,
        amount_inr=None,
        wanted_depth=depth,
        status=Status.SENT,
        tx_hash=signed.tx_hash,
        block_number=None,
        block_hash=None,
        gas_used=None,
        fee=None,
        error=None,
        actor="test",
        reason=None,
        created_at=now,
        finished_at=None,
        attempts=(attempt,),
    )


@dataclass
class Platform:
    """The platform's wallet on a local chain: it signs calls and hands them to the node."""

    node: ChainNode
    contract: str
    signer: LocalSigner = field(
        default_factory=lambda: LocalSigner(bytes.fromhex(PLATFORM_KEY[2:]))
    )

    @property
    def nonce(self) -> int:
        """The wallet's next nonce."""
        return int(self.node.rpc("eth_getTransactionCount", self.signer.address, "latest"), 16)

    @property
    def later(self) -> int:
        """A day after the newest block."""
        return int(self.head()["timestamp"], 16) + 86_400

    def head(self) -> dict[str, Any]:
        """The newest block."""
        hashes_only = False
        block: dict[str, Any] = self.node.rpc("eth_getBlockByNumber", "latest", hashes_only)
        return block

    def balance(self, account: str) -> int:
        """What an account holds, in wei."""
        return int(self.node.rpc("eth_getBalance", account, "latest"), 16)

    def mine_at_once(self, *, on: bool) -> None:
        """Whether each transaction gets its block at once, or waits for `evm_mine`."""
        self.node.rpc("evm_setAutomine", on)

    def creation(self, value: int = STAKE) -> Call:
        """The creation of an event of four seats, a day ahead."""
        return Call("createEventRun", (EXPERIENCE, PRICE, 4, self.later), Wei(value))

    def sign(
        self, call: Call, *, nonce: int | None = None, fees: Fees = FEES, chain_id: int = CHAIN_ID
    ) -> SignedPayload:
        """Sign a call, with the wallet's next nonce unless told otherwise."""
        number = self.nonce if nonce is None else nonce
        data = codec.calldata(call)
        payload = Payload(chain_id, number, Address(self.contract), call.value, data, fees)
        return self.signer.sign(payload)

    def record(self, call: Call, *, depth: int = 1, fees: Fees = FEES) -> Transaction:
        """Sign a call and record it."""
        signed = self.sign(call, fees=fees)
        return recorded(call, signed, self.signer.address, self.contract, depth)

    def send(self, call: Call, *, depth: int = 1) -> Transaction:
        """Record a call and have it mined, reverted or not."""
        transaction = self.record(call, depth=depth)
        self.node.rpc("eth_sendRawTransactionSync", "0x" + transaction.newest.raw.hex())
        return transaction

    def event_with_booking(self) -> tuple[int, int]:
        """Create an event and book one seat of it; gives the numbers of both."""
        client = client_of(self.contract, self.node.url)
        created = client.sight(self.send(self.creation())).receipt
        assert created is not None
        event = int(created.events[0].arguments["eventRunId"])
        cost = Wei(PRICE * 6 // 5)
        booked = client.sight(self.send(Call("bookEvent", (event, 1), cost))).receipt
        assert booked is not None
        return event, int(booked.events[0].arguments["bookingId"])


def with_attempt(transaction: Transaction, signed: SignedPayload) -> Transaction:
    """The record after a second attempt with other bytes."""
    second = replace(transaction.newest, number=2, tx_hash=signed.tx_hash, raw=signed.raw)
    return replace(transaction, attempts=(*transaction.attempts, second))
