"""The chain's twin: blocks that can be undone, and a node that can be told what to answer."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from mayhouse_cli.errors import FeeTooHigh
from mayhouse_cli.models import (
    Address,
    Block,
    Call,
    ContractEvent,
    Cost,
    Fees,
    Hash,
    Payload,
    Question,
    Receipt,
    SendAnswer,
    SendOutcome,
    Sighting,
    Snapshot,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Deadline
from tests.twin_census import MemoryCensus
from tests.twin_contract import GENESIS, Revert, World, cost_of
from tests.twin_signer import hash_of, signed_payload

PLATFORM: Final = Address("0x" + "1" * 40)
CONTRACT: Final = Address("0x" + "c" * 40)
STRANGER: Final = Address("0x" + "5" * 40)
GAS: Final = 100_000
GAS_PRICE: Final = Wei(1000)


class Patience(Deadline):
    """A deadline counted in looks at the chain, not in seconds."""

    def __init__(self, looks: int) -> None:
        super().__init__(60)
        self.looks = looks

    @property
    def remaining(self) -> float:
        return float(max(0, self.looks))


class MemoryChain:
    """The port Chain, for one sender and a node that mines at each pause unless told not to."""

    contract = CONTRACT

    def __init__(self, deadline: Patience) -> None:
        self.deadline = deadline
        self.blocks = [World()]
        self.pool: dict[tuple[Address, int], bytes] = {}
        self.sent: list[bytes] = []
        self.answers: list[SendAnswer | BaseException] = []
        """What the next sends give instead of being taken; an unknown one is taken all the same."""
        self.after_send: Callable[[], None] = lambda: None
        self.stake_percent = 20
        self.fee_percent = 5
        self.balance = Wei(10**20)
        self.with_code: frozenset[Address] = frozenset()
        self.refusal: str | None = None
        """Why every simulated call would fail, whatever the contract's rules say."""
        self.mines = True
        self.lie: Callable[[Sighting], Sighting] = lambda sighting: sighting
        """What the node makes of the truth."""
        self._branch = 0

    @property
    def head(self) -> World:
        """The state after the newest block."""
        return self.blocks[-1]

    # --- the port ---

    def read(self, question: Question) -> Snapshot:
        world, reason = self.head, None
        if question.call is not None and question.sender is not None:
            reason = self._refusal(question.sender, question.call)
        event = world.events.get(question.chain_event_id or 0)
        stake = None
        if question.stake_for is not None:
            stake = question.stake_for[0] * question.stake_for[1] * self.stake_percent // 100
        return Snapshot(
            block=self._block(world),
            genesis_hash=GENESIS,
            owner=PLATFORM,
            stake_percent=self.stake_percent,
            fee_percent=self.fee_percent,
            contract_balance=world.held,
            priority_fee=Wei(1),
            sender_balance=self.balance,
            pending_nonce=self._pending_nonce(question.sender or PLATFORM),
            used_nonces=world.nonces.get(question.sender or PLATFORM, 0),
            gas_estimate=None if reason else GAS,
            revert_reason=reason,
            event=event,
            event_booking_ids=tuple(
                number
                for number, one in world.bookings.items()
                if event and one.event_id == event.id
            ),
            bookings={
                number: world.bookings[number]
                for number in question.chain_booking_ids
                if number in world.bookings
            },
            cost=self._cost(question),
            required_stake=stake,
            balances=dict.fromkeys(question.accounts, self.balance),
            with_code=self.with_code.intersection(question.accounts),
            placements=self.placements(question.placed),
        )

    def read_all(self, questions: Sequence[Question]) -> list[Snapshot]:
        return [self.read(question) for question in questions]

    def calldata(self, call: Call) -> bytes:
        return json.dumps([call.function, *call.arguments]).encode()

    def call_of(self, transaction: Transaction) -> Call:
        function, *arguments = json.loads(transaction.calldata)
        return Call(function, tuple(arguments), transaction.value)

    def fees(self, snapshot: Snapshot, cap: Wei, gas: int | None = None) -> Fees:
        if snapshot.block.base_fee > cap:
            raise FeeTooHigh("The base fee is above the cap")
        return Fees(gas or GAS, cap, Wei(1))

    def send(self, raw: bytes) -> SendAnswer:
        self.sent.append(raw)
        answer = self.answers.pop(0) if self.answers else self._take(raw)
        if isinstance(answer, BaseException):
            raise answer
        if answer.outcome is not SendOutcome.REJECTED:
            self._take(raw)
        self.after_send()
        return answer

    def sight(self, transaction: Transaction, creation: Transaction | None = None) -> Sighting:
        world = self.head
        hashes = [attempt.tx_hash for attempt in transaction.attempts]
        found = next((world.receipts[one] for one in hashes if one in world.receipts), None)
        deep = self.blocks[max(0, len(self.blocks) - transaction.wanted_depth)]
        used = deep.nonces.get(transaction.sender, 0) > transaction.nonce
        return self.lie(
            Sighting(
                self._block(world),
                found,
                used and found is None,
                event=world.events.get(transaction.chain_event_id or 0),
                creation=self.sight(creation).receipt if creation else None,
            )
        )

    def send_all(self, raws: Sequence[bytes]) -> list[SendAnswer]:
        return [self.send(raw) for raw in raws]

    def sight_all(self, transactions: Sequence[Transaction]) -> list[Sighting]:
        return [self.sight(one) for one in transactions]

    def placements(self, hashes: Sequence[Hash]) -> dict[Hash, Hash | None]:
        receipts = self.head.receipts
        return {one: receipts[one].block_hash if one in receipts else None for one in hashes}

    def block_hashes(self, numbers: Sequence[int]) -> dict[int, Hash | None]:
        standing = {world.number: self._block(world).hash for world in self.blocks}
        return {number: standing.get(number) for number in numbers}

    def revert_reason(self, transaction: Transaction, receipt: Receipt) -> str:
        del transaction
        return self.head.reasons[receipt.tx_hash]

    def pause(self, waits: int) -> None:
        del waits
        self.deadline.looks -= 1
        if self.mines:
            self.mine()

    def receipts(self, hashes: Sequence[Hash], depth: int) -> dict[Hash, Receipt]:
        known = self.head.receipts
        return {
            one: known[one]
            for one in hashes
            if one in known and self.head.number - known[one].block_number + 1 >= depth
        }

    def census(self) -> MemoryCensus:
        return MemoryCensus(self._block(self.head), self.blocks)

    # --- what a test does to the chain ---

    def mine(self, blocks: int = 1) -> None:
        """Make blocks of what waits, in the order of its nonces."""
        for _ in range(blocks):
            world = self._next_world()
            for key in sorted(self.pool):
                sender, nonce = key
                if world.nonces.get(sender, 0) == nonce:
                    world = self._execute(world, self.pool.pop(key))
            self.blocks.append(world)

    def reorg(self, depth: int, *, forget: bool = False) -> None:
        """Undo the newest blocks; what was in them waits again, or is forgotten."""
        self._branch += 1
        undone = self.blocks[-depth:]
        del self.blocks[-depth:]
        known = {hash_of(raw): raw for raw in self.sent}
        for tx_hash in [one for world in undone for one in world.receipts if one in known]:
            if not forget and tx_hash not in self.head.receipts:
                self._take(known[tx_hash])

    def use_nonce(self, sender: Address = PLATFORM) -> None:
        """Mine a transaction from elsewhere with the wallet's next nonce."""
        world = self._next_world()
        nonce = world.nonces.get(sender, 0)
        world.nonces[sender] = nonce + 1
        self.pool.pop((sender, nonce), None)
        self.blocks.append(world)

    def warp(self, seconds: int) -> None:
        """Let the chain's time pass."""
        world = self._next_world()
        world.time += seconds
        self.blocks.append(world)

    def do(self, call: Call, sender: Address = STRANGER) -> int:
        """Have anyone execute a call in a block of its own; gives the number it made."""
        world = self._next_world()
        events = world.call(sender, call, (self.stake_percent, self.fee_percent))
        self.blocks.append(world)
        arguments = events[-1].arguments
        return int(arguments.get("bookingId", arguments["eventRunId"]))

    # --- inside ---

    def _next_world(self) -> World:
        world = self.head.copy()
        world.number += 1
        world.time += 12
        world.hash = hash_of(f"{world.number} {self._branch}".encode())
        return world

    def _refusal(self, sender: Address, call: Call) -> str | None:
        try:
            self._next_world().call(sender, call, (self.stake_percent, self.fee_percent))
        except Revert as refusal:
            return str(refusal)
        return self.refusal

    def _execute(self, before: World, raw: bytes) -> World:
        sender, payload = signed_payload(raw)
        events: list[ContractEvent] = []
        after, reason = before.copy(), None
        try:
            if payload.calldata:  # a plain transfer has none
                function, *arguments = json.loads(payload.calldata)
                call = Call(function, tuple(arguments), payload.value)
                events = after.call(sender, call, (self.stake_percent, self.fee_percent))
        except Revert as refusal:
            after, reason = before.copy(), str(refusal)
        tx_hash = hash_of(raw)
        after.nonces[sender] = payload.nonce + 1
        after.receipts[tx_hash] = _receipt(
            after, tx_hash, payload, events, failed=reason is not None
        )
        if reason is not None:
            after.reasons[tx_hash] = reason
        return after

    def _take(self, raw: bytes) -> SendAnswer:
        sender, payload = signed_payload(raw)
        key = (sender, payload.nonce)
        if self.head.nonces.get(sender, 0) > payload.nonce:
            return SendAnswer(SendOutcome.UNKNOWN, "nonce too low")
        if self.pool.get(key) == raw:
            return SendAnswer(SendOutcome.UNKNOWN, "already known")
        self.pool[key] = raw
        return SendAnswer(SendOutcome.ACCEPTED)

    def _pending_nonce(self, sender: Address) -> int:
        nonce = self.head.nonces.get(sender, 0)
        while (sender, nonce) in self.pool:
            nonce += 1
        return nonce

    def _cost(self, question: Question) -> Cost | None:
        number, seats = question.cost_of or (0, 0)
        event = self.head.events.get(number)
        return cost_of(event, seats, self.stake_percent) if event else None

    def _block(self, world: World) -> Block:
        return Block(world.number, world.hash, world.time, GAS_PRICE)


def _receipt(
    world: World, tx_hash: Hash, payload: Payload, events: list[ContractEvent], *, failed: bool
) -> Receipt:
    return Receipt(
        tx_hash=tx_hash,
        succeeded=not failed,
        recipient=payload.recipient,
        block_number=world.number,
        block_hash=world.hash,
        gas_used=GAS,
        fee=GAS_PRICE * GAS,
        events=tuple(events),
    )


def moved(event: ContractEvent, **arguments: Any) -> ContractEvent:  # noqa: ANN401 - any value
    """The same event with other arguments."""
    return replace(event, arguments={**event.arguments, **arguments})
