"""How a node can misbehave: useless answers, other clients' words, lies and delays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.rpc_server import HANG, RESET, Reply

SEND: Final = "eth_sendRawTransaction"
RECEIPT: Final = "eth_getTransactionReceipt"
COUNT: Final = "eth_getTransactionCount"

Call = Mapping[str, Any]
Answer = dict[str, Any]


class Forwards(Protocol):
    """What stands before a real node."""

    def ask_node(self, call: Call) -> Answer:
        """Ask the node behind."""


Twist = Callable[[Forwards, Call], Any]
"""Makes the JSON-RPC result that is given instead of the node's own."""


@dataclass(frozen=True)
class Fault:
    """One way to misbehave: a whole HTTP answer, words of refusal, or another result."""

    name: str
    reply: Reply | None = None
    refusal: tuple[int, str] | None = None
    twist: Twist | None = None
    omits_result: bool = False


def page(status: int, body: bytes, **headers: str) -> Reply:
    """An HTTP answer that is no JSON-RPC."""
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


_HTML: Final = b"<html><body><h1>upstream went away</h1></body></html>"

# --- faults of any method -----------------------------------------------------------------

TOO_MANY = Fault("429", page(429, b"slow down"))
TOO_MANY_RETRY_AFTER = Fault("429-retry-after", page(429, b"slow down", Retry_After="1"))
BAD_GATEWAY = Fault("502", page(502, _HTML))
RESETS = Fault("reset", RESET)
HANGS = Fault("hang", HANG)
HTML = Fault("html", page(200, _HTML, Content_Type="text/html"))
TRUNCATED = Fault("truncated", page(200, b'{"jsonrpc":"2.0","id":1,"resu'))
EMPTY_LIST = Fault("empty-list", page(200, b"[]"))
BARE_STRING = Fault("bare-string", page(200, b'"0x1"'))
NO_RESULT = Fault("no-result", omits_result=True)
NULL = Fault("null", twist=lambda *_: None)
WRONG_TYPE = Fault("wrong-type", twist=lambda *_: {"unexpected": [1]})
UNKNOWN_ERROR = Fault("internal-error", refusal=(-32603, "internal error"))
RATE_LIMITED = Fault("limit-exceeded", refusal=(-32005, "daily request count exceeded"))

GENERAL: Final = (
    TOO_MANY,
    TOO_MANY_RETRY_AFTER,
    BAD_GATEWAY,
    RESETS,
    HANGS,
    HTML,
    TRUNCATED,
    EMPTY_LIST,
    BARE_STRING,
    NO_RESULT,
    NULL,
    WRONG_TYPE,
    UNKNOWN_ERROR,
    RATE_LIMITED,
)

# --- what nodes say to a send ---------------------------------------------------------------

# Leave it open whether the node holds the bytes: said before and after it took them.
DOUBTFUL_WORDS: Final = tuple(
    Fault(f"says {text!r}", refusal=(code, text))
    for code, text in (
        (-32000, "already known"),
        (-32000, "nonce too low"),
        (-32000, "nonce too low: next nonce 9, tx nonce 8"),
        (-32010, "Transaction with the same hash was already imported."),
        (-32000, "known transaction: 0xabc"),
        (-32603, "failed to send transaction"),
        (-32099, "backend unavailable, request may have been processed"),
    )
)
# Clear refusals, which a node says only of bytes that it has not taken.
REFUSING_WORDS: Final = tuple(
    Fault(f"says {text!r}", refusal=(code, text))
    for code, text in (
        (-32000, "replacement transaction underpriced"),
        (-32000, "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1"),
        (-32000, "transaction underpriced"),
        (-32000, "transaction underpriced: gas tip cap 1, minimum needed 25000000"),
        (-32003, "max fee per gas less than block base fee"),
        (-32000, "INTERNAL_ERROR: insufficient funds"),
    )
)


# --- lies and delays about the chain ----------------------------------------------------------


def _stale_count(proxy: Forwards, call: Call) -> str:
    return hex(max(0, int(proxy.ask_node(call)["result"], 16) - 1))


def _used_count(proxy: Forwards, call: Call) -> str:
    """A count by which every nonce is used, where it is not for the next one to take."""
    is_next = call["params"][1] == "pending"
    return str(proxy.ask_node(call)["result"]) if is_next else hex(1_000)


def _first_receipt(proxy: Forwards, call: Call) -> Any:  # noqa: ANN401 - any JSON
    """The receipt of the chain's first transaction, whichever was asked for."""
    first = {**call, "method": "eth_getBlockByNumber", "params": ["0x1", False]}
    (tx_hash, *_) = proxy.ask_node(first)["result"]["transactions"]
    return proxy.ask_node({**call, "params": [tx_hash]})["result"]


STALE_NONCE = Fault("stale-nonce", twist=_stale_count)
NONCE_OF_LONG_AGO = Fault("nonce-of-long-ago", twist=lambda *_: "0x0")
USED_NONCE = Fault("nonce-used", twist=_used_count)
MISSING_RECEIPT = Fault("missing-receipt", twist=lambda *_: None)
STRANGE_RECEIPT = Fault("strange-receipt", twist=_first_receipt)
