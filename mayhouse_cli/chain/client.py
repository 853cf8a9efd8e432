"""The contract client: one batch of reads at one block, one way to send, one to find a receipt.

Calls and answers are put into words by `contract.py` and `wire.py`, HTTP and failover are in
`rpc.py`, and nothing is signed here: that is `signer.py`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from eth_utils.address import to_checksum_address

from mayhouse_cli.chain import contract, wire
from mayhouse_cli.chain.census import ContractCensus
from mayhouse_cli.chain.fees import PRESETS, choose_fees
from mayhouse_cli.chain.nonces import find_nonce_use
from mayhouse_cli.chain.rpc import Answer, Fault, Request, Rpc
from mayhouse_cli.chain.words import judge
from mayhouse_cli.errors import RpcUnreachable, WrongContract
from mayhouse_cli.models import (
    Address,
    Block,
    Call,
    Fees,
    Hash,
    OnChainEvent,
    Question,
    Receipt,
    SendAnswer,
    Sighting,
    Snapshot,
    Transaction,
    Urgency,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Deadline

# calculateRequiredStake(1000, 1): a sibling contract has the same owner and percentage views.
_PROBE: Final = (1000, 1)
# The price of an unknown event reverts, and a simulation may; each is told apart later.
_MAY_FAIL: Final = frozenset({"simulation", "gas_estimate", "cost", "priority_fee"})
_NEWEST: Final = "latest"
_READS: Final = 3
_BATCH: Final = 100
_QUESTIONS: Final = 6  # each is some sixteen requests
_FEE_HISTORY_BLOCKS: Final = 5
_HEAD: Final[Request] = ("eth_getBlockByNumber", [_NEWEST, False])
_LOCAL_PAUSE: Final = (0.02, 0.25)
_PAUSE: Final = (0.5, 3.0)

Decode = Callable[[Answer], Any]


class ContractClient:
    """The deployed contract through the configured nodes."""

    def __init__(
        self,
        rpc: Rpc,
        address: Address,
        deadline: Deadline,
        *,
        local: bool,
        urgency: Urgency = Urgency.NORMAL,
    ) -> None:
        """Take the nodes and the contract's address; `local` blocks come at once."""
        self._rpc = rpc
        self.contract = address
        self._deadline = deadline
        self._pauses = _LOCAL_PAUSE if local else _PAUSE
        self._urgency = urgency

    # --- reading ---

    def read(self, question: Question) -> Snapshot:
        """Answer everything in one batch at one block.

        Repeated at the newest block's number when that one came in between; RpcUnreachable
        when the node shows even that number's block with another hash each time.
        """
        batch, at = self._batch(question), _NEWEST
        for _ in range(_READS):
            requests = [_at_block(at, request) for request, _ in batch.values()]
            answers = dict(zip(batch, self._rpc.ask(requests), strict=True))
            with wire.understanding():
                if wire.block_hash(answers["head"]) == wire.block_hash(answers["head again"]):
                    return self._snapshot(question, batch, answers)
                at = hex(wire.block(answers["head again"]).number)
        raise RpcUnreachable(
            "The node showed another block of the same number during every read",
            hint="It is switching between branches; run it again.",
        )

    def read_all(self, questions: Sequence[Question]) -> list[Snapshot]:
        """Answer each as `read` does, all at one and the same block; some in a batch."""
        if not questions:
            return []
        for _ in range(_READS):
            snapshots = [self.read(questions[0])]
            pinned = hex(snapshots[0].block.number)
            for start in range(1, len(questions), _QUESTIONS):
                snapshots += self._read_at(pinned, questions[start : start + _QUESTIONS])
            if len({snapshot.block.hash for snapshot in snapshots}) == 1:
                return snapshots
        raise RpcUnreachable(
            "The node showed another block of the same number during every read",
            hint="It is switching between branches; run it again.",
        )

    def _read_at(self, at: str, questions: Sequence[Question]) -> list[Snapshot]:
        batches = [self._batch(question) for question in questions]
        requests = [_at_block(at, one) for batch in batches for one, _ in batch.values()]
        answers = iter(self._rpc.ask(requests))
        with wire.understanding():
            return [
                self._snapshot(question, batch, {name: next(answers) for name in batch})
                for question, batch in zip(questions, batches, strict=True)
            ]

    def _batch(self, question: Question) -> dict[str, tuple[Request, Decode]]:
        batch: dict[str, tuple[Request, Decode]] = {
            "head": (("eth_getBlockByNumber", [_NEWEST, False]), wire.block),
            "genesis": (("eth_getBlockByNumber", ["0x0", False]), wire.block_hash),
            "code": (("eth_getCode", [self.contract, _NEWEST]), wire.code),
            "probe": self._view(Call("calculateRequiredStake", _PROBE), wire.word),
            "owner": self._view(Call("owner", ()), wire.address),
            "stake_percent": self._view(Call("stakePercentage", ()), wire.word),
            "fee_percent": self._view(Call("platformFeePercentage", ()), wire.word),
            "contract_balance": (("eth_getBalance", [self.contract, _NEWEST]), wire.wei),
            "priority_fee": (
                (
                    "eth_feeHistory",
                    [hex(_FEE_HISTORY_BLOCKS), _NEWEST, [PRESETS[self._urgency].percentile]],
                ),
                wire.priority_fee,
            ),
        }
        self._add_sender(batch, question)
        self._add_views(batch, question)
        for account in question.accounts:
            batch[f"balance {account}"] = (("eth_getBalance", [account, _NEWEST]), wire.wei)
            batch[f"code {account}"] = (("eth_getCode", [account, _NEWEST]), wire.code)
        for tx_hash in question.placed:
            batch[f"placed {tx_hash}"] = (
                ("eth_getTransactionReceipt", [tx_hash]),
                partial(wire.placement, tx_hash),
            )
        batch["head again"] = (("eth_getBlockByNumber", [_NEWEST, False]), wire.block)
        return batch

    def _add_sender(self, batch: dict[str, tuple[Request, Decode]], question: Question) -> None:
        sender = question.sender
        if sender is None:
            return
        batch["sender_balance"] = (("eth_getBalance", [sender, _NEWEST]), wire.wei)
        batch["used_nonces"] = (("eth_getTransactionCount", [sender, _NEWEST]), wire.integer)
        batch["pending_nonce"] = (("eth_getTransactionCount", [sender, "pending"]), wire.integer)
        if question.call is not None:
            body = {
                "from": sender,
                "to": self.contract,
                "value": hex(question.call.value),
                "data": "0x" + contract.calldata(question.call).hex(),
            }
            batch["simulation"] = (("eth_call", [body, _NEWEST]), str)
            batch["gas_estimate"] = (("eth_estimateGas", [body, _NEWEST]), wire.integer)

    def _add_views(self, batch: dict[str, tuple[Request, Decode]], question: Question) -> None:
        event_id = question.chain_event_id
        if event_id is not None:
            batch["event"] = self._view(Call("getEventRun", (event_id,)), None)
            if question.with_event_bookings:
                batch["event_booking_ids"] = self._view(Call("getEventBookings", (event_id,)), None)
        for booking_id in question.chain_booking_ids:
            batch[f"booking {booking_id}"] = self._view(Call("getBooking", (booking_id,)), None)
        if question.cost_of is not None:
            batch["cost"] = self._view(Call("calculateBookingCost", question.cost_of), None)
        if question.stake_for is not None:
            batch["required_stake"] = self._view(
                Call("calculateRequiredStake", question.stake_for), None
            )

    def _view(self, call: Call, decode: Decode | None) -> tuple[Request, Decode]:
        body = {"to": self.contract, "data": "0x" + contract.calldata(call).hex()}
        return ("eth_call", [body, _NEWEST]), decode or wire.as_it_is

    def _snapshot(
        self,
        question: Question,
        batch: Mapping[str, tuple[Request, Decode]],
        answers: Mapping[str, Answer],
    ) -> Snapshot:
        self._check_contract(answers)
        seen: dict[str, Any] = {}
        for name, (_, decode) in batch.items():
            if isinstance(answer := answers[name], Fault):
                if name not in _MAY_FAIL:
                    raise RpcUnreachable(
                        f"The node could not answer {name}: {answer.message}",
                        hint="It may be catching up; run it again.",
                    )
                seen[name] = None
            else:
                seen[name] = decode(answer)
        return Snapshot(
            block=seen["head"],
            genesis_hash=seen["genesis"],
            owner=seen["owner"],
            stake_percent=seen["stake_percent"],
            fee_percent=seen["fee_percent"],
            contract_balance=seen["contract_balance"],
            priority_fee=seen["priority_fee"] or Wei(0),
            sender_balance=seen.get("sender_balance", Wei(0)),
            pending_nonce=seen.get("pending_nonce", 0),
            used_nonces=seen.get("used_nonces", 0),
            gas_estimate=seen.get("gas_estimate"),
            revert_reason=wire.why_it_fails(answers),
            event=wire.decoded(contract.decode_event_run, seen.get("event")),
            event_booking_ids=wire.booking_ids(seen.get("event_booking_ids")),
            bookings=wire.bookings(question, seen),
            cost=wire.cost(seen.get("cost")),
            required_stake=wire.stake(seen.get("required_stake")),
            balances={account: seen[f"balance {account}"] for account in question.accounts},
            with_code=frozenset(
                account for account in question.accounts if seen[f"code {account}"] != "0x"
            ),
            placements={one: seen[f"placed {one}"] for one in question.placed},
        )

    def _check_contract(self, answers: Mapping[str, Answer]) -> None:
        code = answers["code"]
        if code == "0x":
            raise self._no_contract()
        for name in ("stake_percent", "probe", "fee_percent", "owner"):
            wire.verdict(answers[name])
        try:
            percent = wire.word(wire.not_fault(answers["stake_percent"]))
            probe = wire.word(wire.not_fault(answers["probe"]))
            wire.word(wire.not_fault(answers["fee_percent"]))
            wire.address(wire.not_fault(answers["owner"]))
        except ValueError:
            probe, percent = -1, 0
        if probe != _PROBE[0] * percent // 100:
            raise WrongContract(
                f"The contract at {self.contract} is not MayhouseExperience",
                hint="Check CONTRACT_ADDRESS (contract_address): it answers like another contract.",
            )

    def _no_contract(self) -> WrongContract:
        return WrongContract(
            f"There is no contract at {self.contract}",
            hint="Check CONTRACT_ADDRESS (contract_address) and the chain id.",
        )

    # --- sending and finding ---

    def calldata(self, call: Call) -> bytes:
        """Encode a call of the contract."""
        return contract.calldata(call)

    def call_of(self, transaction: Transaction) -> Call:
        """Read a recorded transaction's calldata back into a call."""
        call = contract.decode_calldata(transaction.calldata)
        return replace(call, value=transaction.value)

    def fees(self, snapshot: Snapshot, cap: Wei, gas: int | None = None) -> Fees:
        """Price the simulated call, or so much gas (see `choose_fees`)."""
        needed = gas if gas is not None else snapshot.gas_estimate
        if needed is None:
            raise RpcUnreachable("The node gave no gas estimate", hint="Run it again.")
        base_fee, tip = snapshot.block.base_fee, snapshot.priority_fee
        return choose_fees(base_fee, tip, needed, cap, self._urgency)

    def send(self, raw: bytes) -> SendAnswer:
        """Hand the bytes to the nodes and sum up their words."""
        return judge(self._rpc.send(raw))

    def send_all(self, raws: Sequence[bytes]) -> list[SendAnswer]:
        """Hand over many in their order, a hundred in a batch; each is summed up by itself."""
        return [
            judge(answers)
            for start in range(0, len(raws), _BATCH)
            for answers in self._rpc.send_all(raws[start : start + _BATCH])
        ]

    def sight(self, transaction: Transaction, creation: Transaction | None = None) -> Sighting:
        """Find the receipt of any attempt, believed only in a canonical block."""
        wanted = [transaction] if creation is None else [transaction, creation]
        sighting, *made = self.sight_all(wanted)
        return replace(sighting, creation=made[0].receipt) if made else sighting

    def sight_all(self, transactions: Sequence[Transaction]) -> list[Sighting]:
        """Find those of each transaction, a hundred in a batch."""
        return [
            sighting
            for start in range(0, len(transactions), _BATCH)
            for sighting in self._sight_some(transactions[start : start + _BATCH])
        ]

    def _sight_some(self, transactions: Sequence[Transaction]) -> list[Sighting]:
        hashes = [attempt.tx_hash for one in transactions for attempt in one.attempts]
        senders = list(dict.fromkeys(one.sender for one in transactions))
        # What is known to be mined is most likely where it was: no second batch for its block.
        numbers = sorted({n for one in transactions if (n := one.block_number) is not None})
        events = sorted({n for one in transactions if (n := one.chain_event_id) is not None})
        batch: list[Request] = [
            _HEAD,
            *(("eth_getTransactionCount", [sender, _NEWEST]) for sender in senders),
            *(("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes),
            *(("eth_getBlockByNumber", [hex(number), False]) for number in numbers),
            *(self._view(Call("getEventRun", (event,)), None)[0] for event in events),
            _HEAD,
        ]
        head, *answers, head_again = self._rpc.ask(batch)
        given = iter(answers)
        counts = dict(zip(senders, given, strict=False))
        answered = dict(zip(hashes, given, strict=False))
        blocks = dict(zip(numbers, map(wire.block_hash, given), strict=False))
        with wire.understanding():
            block = wire.block(wire.usable(head))
            if wire.block_hash(head_again) == block.hash:
                named = {event: self._event(next(given)) for event in events}
            else:  # it straddles two blocks, of which the receipt may be in either
                named = {event: self.read(Question(chain_event_id=event)).event for event in events}
            receipts = {one: self._receipt(answer, one) for one, answer in answered.items()}
            known = {**blocks, block.number: block.hash}
            canonical = self._canonical([one for one in receipts.values() if one], known)
            return [
                replace(
                    self._sighting(one, block, counts[one.sender], answered, canonical),
                    event=named.get(one.chain_event_id or 0),
                )
                for one in transactions
            ]

    def _sighting(
        self,
        transaction: Transaction,
        head: Block,
        count: Answer,
        answered: Mapping[Hash, Answer],
        canonical: Mapping[Hash, Receipt],
    ) -> Sighting:
        hashes = [attempt.tx_hash for attempt in transaction.attempts]
        for tx_hash in hashes:
            if tx_hash in canonical:
                return Sighting(head, canonical[tx_hash], nonce_used_at_depth=False)
        # A receipt that was refused, or is stale, may be of what has used the nonce.
        unseen = all(answered[tx_hash] is None for tx_hash in hashes)
        if unseen and wire.integer(wire.usable(count)) > transaction.nonce:
            return self._sight_rival(transaction, head)
        return Sighting(head, None, nonce_used_at_depth=False)

    def _receipt(self, answer: Answer, tx_hash: Hash) -> Receipt | None:
        if not isinstance(answer, Mapping) or answer.get("blockNumber") is None:
            return None
        if str(answer["transactionHash"]).lower() != tx_hash or answer.get("to") is None:
            return None
        gas_used = wire.integer(answer["gasUsed"])
        return Receipt(
            tx_hash=tx_hash,
            succeeded=wire.integer(answer["status"]) == 1,
            recipient=Address(to_checksum_address(answer["to"])),
            block_number=wire.integer(answer["blockNumber"]),
            block_hash=Hash(answer["blockHash"]),
            gas_used=gas_used,
            fee=Wei(gas_used * wire.integer(answer["effectiveGasPrice"])),
            events=contract.decode_logs(answer["logs"], self.contract),
        )

    def _event(self, answer: Answer) -> OnChainEvent | None:
        if answer == "0x":
            raise self._no_contract()
        return contract.decode_event_run(wire.usable(answer))

    def _canonical(
        self, receipts: Sequence[Receipt], known: Mapping[int, Hash | None]
    ) -> dict[Hash, Receipt]:
        """Those whose block still stands where they say, by their hashes."""
        numbers = sorted({one.block_number for one in receipts}.difference(known))
        stands = {**known, **self.block_hashes(numbers)}
        return {one.tx_hash: one for one in receipts if stands[one.block_number] == one.block_hash}

    def _sight_rival(self, transaction: Transaction, head: Block) -> Sighting:
        """Believe that the nonce is lost only for a rival that can be shown."""
        use = find_nonce_use(self._rpc, transaction.sender, transaction.nonce, head)
        ours = {attempt.tx_hash for attempt in transaction.attempts}
        if use is None or use.tx_hash in ours:
            return Sighting(head, None, nonce_used_at_depth=False)
        deep = head.number - use.block_number + 1 >= transaction.wanted_depth
        return Sighting(head, None, nonce_used_at_depth=deep, rival=use.tx_hash)

    def placements(self, hashes: Sequence[Hash]) -> dict[Hash, Hash | None]:
        """Find the block each transaction stands in now, a hundred in a batch."""
        placed: dict[Hash, Hash | None] = {}
        for start in range(0, len(hashes), _BATCH):
            some = hashes[start : start + _BATCH]
            answers = self._rpc.ask([("eth_getTransactionReceipt", [one]) for one in some])
            with wire.understanding():
                for tx_hash, answer in zip(some, answers, strict=True):
                    placed[tx_hash] = wire.placement(tx_hash, wire.not_fault(answer))
        return placed

    def block_hashes(self, numbers: Sequence[int]) -> dict[int, Hash | None]:
        """Find which block stands at each height now."""
        if not numbers:
            return {}
        answers = self._rpc.ask([("eth_getBlockByNumber", [hex(one), False]) for one in numbers])
        return dict(zip(numbers, map(wire.block_hash, answers), strict=True))

    def revert_reason(self, transaction: Transaction, receipt: Receipt) -> str:
        """Replay the call on the state before its block, and read the refusal."""
        body = {
            "from": transaction.sender,
            "to": transaction.recipient,
            "value": hex(transaction.value),
            "data": "0x" + transaction.calldata.hex(),
        }
        # On the state before its block; then after it, for a cause that came in the same block.
        for block in (receipt.block_number - 1, receipt.block_number):
            (answer,) = self._rpc.ask([("eth_call", [body, hex(block)])])
            reason = contract.revert_reason(answer) if isinstance(answer, Fault) else None
            if reason is not None:
                return reason
        return "for a reason that a replay does not show (gas, or its place in the block)"

    def receipts(self, hashes: Sequence[Hash], depth: int) -> dict[Hash, Receipt]:
        """Give the canonical receipts, so deep at least, a hundred in a batch."""
        found: dict[Hash, Receipt] = {}
        for start in range(0, len(hashes), _BATCH):
            some = hashes[start : start + _BATCH]
            head, *answers = self._rpc.ask(
                [
                    ("eth_getBlockByNumber", ["latest", False]),
                    *(("eth_getTransactionReceipt", [one]) for one in some),
                ]
            )
            with wire.understanding():
                newest = wire.block(wire.usable(head)).number
                receipts = [
                    receipt
                    for tx_hash, answer in zip(some, answers, strict=True)
                    if (receipt := self._receipt(wire.not_fault(answer), tx_hash)) is not None
                    and newest - receipt.block_number + 1 >= depth
                ]
                numbers = sorted({receipt.block_number for receipt in receipts})
                blocks = self._rpc.ask([("eth_getBlockByNumber", [hex(n), False]) for n in numbers])
                hashes_now = dict(zip(numbers, map(wire.block_hash, blocks), strict=True))
            for receipt in receipts:
                if hashes_now[receipt.block_number] == receipt.block_hash:
                    found[receipt.tx_hash] = receipt
        return found

    def census(self) -> ContractCensus:
        """Count everything the contract holds, at a block at which it was checked."""
        snapshot = self.read(Question())
        return ContractCensus(self._rpc, self.contract, snapshot.block, snapshot.contract_balance)

    def pause(self, waits: int) -> None:
        """Sleep a little longer each time, and never past the deadline."""
        first, longest = self._pauses
        time.sleep(min(first * 1.5 ** min(waits, 20), longest, self._deadline.remaining))


def _at_block(at: str, request: Request) -> Request:
    method, parameters = request
    return method, [at if one == _NEWEST else one for one in parameters]
