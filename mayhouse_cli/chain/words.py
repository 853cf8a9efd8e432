"""What a node's refusal of raw bytes means: one small table, and everything else is unknown.

Only a refusal that says the bytes cannot be in any pool counts as rejected. "already known",
"nonce too low" and words never seen before leave the outcome unknown: the transaction stays
pending and its receipt decides.
"""

from collections.abc import Sequence
from typing import Final

from mayhouse_cli.chain.rpc import Fault, NotGiven
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
# Those of them that say there is no room now: the same may be taken in a while.
_NO_ROOM: Final = ("txpool is full", "account limit exceeded")
# Contain a rejected phrase, or look final, but say nothing about these bytes' fate.
_UNKNOWN: Final = ("already known", "already imported", "known transaction", "nonce too low")


def judge(answers: Sequence[object]) -> SendAnswer:
    """Sum up what the nodes said to the same bytes (see `Rpc.send`).

    Rejected only when every node that was given them says clearly that it does not hold them.
    """
    if any(isinstance(answer, str) for answer in answers):
        return SendAnswer(SendOutcome.ACCEPTED)
    given = [answer for answer in answers if not isinstance(answer, NotGiven)]
    refused = [isinstance(answer, Fault) and is_rejection(answer) for answer in given]
    outcome = SendOutcome.REJECTED if given and all(refused) else SendOutcome.UNKNOWN
    no_room = any(isinstance(answer, Fault) and _has_no_room(answer) for answer in given)
    return SendAnswer(outcome, "; ".join(_words(answer) for answer in answers) or None, no_room)


def _words(answer: object) -> str:
    return answer.message if isinstance(answer, Fault) else str(answer)


def _has_no_room(fault: Fault) -> bool:
    words = fault.message.lower()
    return any(part in words for part in _NO_ROOM)


def is_rejection(fault: Fault) -> bool:
    """Whether these words say for certain that the node does not hold the bytes."""
    words = fault.message.lower()
    return any(part in words for part in _REJECTED) and not any(part in words for part in _UNKNOWN)
