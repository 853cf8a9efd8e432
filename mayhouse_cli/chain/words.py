"""What a node's refusal of raw bytes means: one small table, and everything else is unknown.

Only a refusal that says the bytes cannot be in any pool counts as rejected. "already known",
"nonce too low" and words never seen before leave the outcome unknown: the transaction stays
pending and its receipt decides.
"""

from collections.abc import Sequence
from typing import Final

from mayhouse_cli.chain.rpc import Fault, NoAnswer
from mayhouse_cli.models import SendAnswer, SendOutcome

# Lower-case parts of messages, from the sources of geth (core/txpool, core/error.go), anvil
# and the documentation of hosted providers.
_REJECTED: Final = (
    "insufficient funds",
    "invalid chain id",
    "invalid sender",
    "invalid signature",
    "intrinsic gas too low",
    "exceeds block gas limit",
    "gas limit too high",
    "transaction gas limit",
    "max fee per gas less than block base fee",
    "max priority fee per gas higher than max fee per gas",
    "tip above fee cap",
    "transaction underpriced",
    "fee cap less than block base fee",
    "gas price below configured minimum",
    "transaction type not supported",
    "oversized data",
    "exceeds the configured cap",
    "txpool is full",
    "account limit exceeded",
)
# Contain a rejected phrase, or look final, but say nothing about these bytes' fate.
_UNKNOWN: Final = ("already known", "already imported", "known transaction", "nonce too low")


def judge(answers: Sequence[object]) -> SendAnswer:
    """Sum up what the nodes said to the same bytes (see `Rpc.send`)."""
    reasons = []
    outcome = SendOutcome.REJECTED if answers else SendOutcome.UNKNOWN
    for answer in answers:
        if isinstance(answer, NoAnswer):
            reasons.append(answer.reason)
            outcome = SendOutcome.UNKNOWN
        elif isinstance(answer, Fault):
            reasons.append(answer.message)
            outcome = outcome if is_rejection(answer) else SendOutcome.UNKNOWN
        else:
            return SendAnswer(SendOutcome.ACCEPTED)
    return SendAnswer(outcome, "; ".join(reasons) or None)


def is_rejection(fault: Fault) -> bool:
    """Whether these words say for certain that the node does not hold the bytes."""
    words = fault.message.lower()
    return any(part in words for part in _REJECTED) and not any(part in words for part in _UNKNOWN)
