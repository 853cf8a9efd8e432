"""An RPC node that misbehaves by rules, before a real one, and keeps every send it has seen."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from tests.faults.kinds import SEND, Answer, Call, Fault
from tests.rpc_server import Reply, RpcServer

# geth wants a replacement to pay so much more, in percent, on both fees.
PRICE_BUMP: Final = 10


@dataclass
class Rule:
    """When to misbehave: at which method, before or after the node was asked, how often."""

    method: str
    fault: Fault
    after: bool = False
    times: int | None = None
    """None: always."""

    def take(self, method: str, *, whole: bool) -> bool:
        """Whether it applies here; uses up one of its times."""
        if method != self.method or whole != (self.fault.reply is not None) or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True)
class Sent:
    """A raw transaction that somebody asked the proxy to send."""

    tx_hash: str
    sender: str
    nonce: int
    max_fee: int
    priority_fee: int
    forwarded: bool
    error: str | None = None


class FaultyProxy(RpcServer):
    """A node at `url` that forwards to a real one, and follows `rules` where they apply."""

    def __init__(self, upstream: str, *, strict_replacements: bool = False) -> None:
        """Before `upstream`; strict ones play the 10 % rule that the local node does not have."""
        super().__init__(upstream=upstream)
        self.rules: list[Rule] = []
        self.sent: list[Sent] = []
        self.mines = False
        """Mine a block after every send that was forwarded."""
        self._strict = strict_replacements
        self._fees: dict[tuple[str, int], tuple[str, int, int]] = {}
        self._lock = threading.Lock()
        self._sending = threading.Lock()

    def heal(self) -> None:
        """Behave from now on."""
        with self._lock:
            self.rules.clear()

    def forget(self) -> None:
        """Start anew: no rules, nothing seen."""
        self.heal()
        self.heard.clear()
        self.sent.clear()
        self._fees.clear()

    @property
    def forwarded(self) -> list[Sent]:
        """What the node behind was given."""
        return [one for one in self.sent if one.forwarded]

    def ask_node(self, call: Call) -> Answer:
        """Ask the node behind."""
        return super()._answer(call)

    def reply_to(self, body: bytes) -> Reply:
        """Answer one HTTP request, by the rules for whole answers first."""
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        rule = self._whole_rule(calls)
        if rule is None or rule.fault.reply is None:
            return super().reply_to(body)
        if rule.after:
            super().reply_to(body)
        else:
            self.heard.append(calls)
            for call in calls:
                if call["method"] == SEND:
                    self._note(call, forwarded=False)
        return rule.fault.reply

    def _whole_rule(self, calls: Sequence[Call]) -> Rule | None:
        with self._lock:
            for rule in self.rules:
                if any(rule.take(call["method"], whole=True) for call in calls):
                    return rule
        return None

    def _answer(self, call: Call) -> Answer:
        with self._lock:
            rule = next((r for r in self.rules if r.take(call["method"], whole=False)), None)
        if rule is None:
            return self._forward(call)
        if rule.after:
            self._forward(call)
        elif call["method"] == SEND:
            self._note(call, forwarded=False)
        head: Answer = {"jsonrpc": "2.0", "id": call["id"]}
        if rule.fault.omits_result:
            return head
        if rule.fault.refusal is not None:
            code, message = rule.fault.refusal
            return {**head, "error": {"code": code, "message": message}}
        assert rule.fault.twist is not None, rule.fault.name
        return {**head, "result": rule.fault.twist(self, call)}

    def _forward(self, call: Call) -> Answer:
        if call["method"] != SEND:
            return self.ask_node(call)
        with self._sending:
            refusal = self._replacement_refusal(call)
            if refusal is not None:
                self._note(call, forwarded=False, error=refusal)
                error = {"code": -32000, "message": refusal}
                return {"jsonrpc": "2.0", "id": call["id"], "error": error}
            answer = self.ask_node(call)
            one = self._note(call, forwarded=True, error=answer.get("error", {}).get("message"))
            if "error" not in answer:
                self._fees[one.sender, one.nonce] = (one.tx_hash, one.max_fee, one.priority_fee)
        if self.mines:
            self.ask_node({"jsonrpc": "2.0", "id": 0, "method": "evm_mine", "params": []})
        return answer

    def _replacement_refusal(self, call: Call) -> str | None:
        one = read_raw(call["params"][0], forwarded=False)
        known = self._fees.get((one.sender, one.nonce))
        if not self._strict or known is None or known[0] == one.tx_hash:
            return None
        least_max, least_priority = (-(-fee * (100 + PRICE_BUMP) // 100) for fee in known[1:])
        if one.max_fee >= least_max and one.priority_fee >= least_priority:
            return None
        return "replacement transaction underpriced"

    def _note(self, call: Call, *, forwarded: bool, error: str | None = None) -> Sent:
        one = read_raw(call["params"][0], forwarded=forwarded, error=error)
        self.sent.append(one)
        return one


def read_raw(raw: str, *, forwarded: bool, error: str | None = None) -> Sent:
    """Read what matters of a signed EIP-1559 transaction."""
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return Sent(
        tx_hash="0x" + keccak(HexBytes(raw)).hex(),
        sender=Account.recover_transaction(raw),
        nonce=fields["nonce"],
        max_fee=fields["maxFeePerGas"],
        priority_fee=fields["maxPriorityFeePerGas"],
        forwarded=forwarded,
        error=error,
    )
