"""What nodes say to raw bytes, and whether that leaves open what became of them."""

from typing import Final

import pytest

from mayhouse_cli.chain.rpc import Fault, NoAnswer, NotGiven
from mayhouse_cli.chain.words import is_rejection, judge
from mayhouse_cli.models import SendOutcome

HASH: Final = "0x" + "ab" * 32
REJECTED: Final = Fault(-32000, "insufficient funds for gas * price + value: balance 0")
UNCLEAR: Final = Fault(-32000, "internal error")

# geth: core/txpool/errors.go, core/error.go, core/txpool/validation.go, eth/api_backend.go.
# anvil: crates/anvil/src/eth/error.rs. Hosted providers run one of them or say it likewise.
REFUSALS: Final = (
    "insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1",
    "insufficient funds for transfer",
    "Insufficient funds for gas * price + value",
    "invalid chain id for signer: have 1 want 31337",
    "invalid chain id for signer",
    "invalid sender",
    "intrinsic gas too low: gas 1, minimum needed 21000",
    "exceeds block gas limit",
    "transaction gas limit too high (cap: 16777216, tx: 20000000)",
    "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 7",
    "max fee per gas less than block base fee",
    "max priority fee per gas higher than max fee per gas: address 0x1",
    "transaction underpriced: tip needed 1000000, tip permitted 1",
    "replacement transaction underpriced: new tx gas fee cap 1 <= 2",
    "transaction type not supported",
    "oversized data: transaction size 200000, limit 131072",
    "tx fee (2.00 ether) exceeds the configured cap (1.00 ether)",
    "txpool is full",
)
NO_REFUSALS: Final = (
    "already known",
    "ALREADY KNOWN",
    "transaction already imported",
    "known transaction: ab12",
    "nonce too low: next nonce 5, tx nonce 4",
    "nonce too low",
    "nonce too high",
    "internal error",
    "header not found",
    "request timed out",
    "daily request count exceeded, request rate limited",
    "upstream said: already known; insufficient funds elsewhere",
    "",
)


@pytest.mark.parametrize("words", REFUSALS)
def test_a_clear_refusal_says_the_node_does_not_hold_the_bytes(words: str) -> None:
    """Only these words may free a nonce."""
    assert is_rejection(Fault(-32000, words))


@pytest.mark.parametrize("words", NO_REFUSALS)
def test_other_words_leave_the_outcome_unknown(words: str) -> None:
    """Known bytes, a used nonce and words never seen before decide nothing."""
    assert not is_rejection(Fault(-32000, words))


def test_one_acceptance_is_enough() -> None:
    """What another node said before does not matter then."""
    assert judge([REJECTED, NoAnswer("reset"), HASH]).outcome is SendOutcome.ACCEPTED


def test_a_refusal_of_every_node_is_a_rejection() -> None:
    """All nodes were asked, and none holds the bytes."""
    assert judge([REJECTED, REJECTED]).outcome is SendOutcome.REJECTED


def test_a_node_that_was_not_given_the_bytes_leaves_no_doubt() -> None:
    """It cannot hold them, so the others' refusal stands."""
    assert judge([NotGiven("HTTP 502"), REJECTED]).outcome is SendOutcome.REJECTED


@pytest.mark.parametrize(
    "answers",
    [
        [NotGiven("HTTP 502")],
        [NotGiven("HTTP 502"), UNCLEAR],
        [NoAnswer("the connection failed")],
        [UNCLEAR],
        [REJECTED, UNCLEAR],
        [UNCLEAR, REJECTED],
        [REJECTED, NoAnswer("it did not answer in time")],
        [NoAnswer("it did not answer in time"), REJECTED],
        [],
    ],
)
def test_one_doubt_makes_the_outcome_unknown(answers: list[object]) -> None:
    """Bytes that one node may hold are not rejected by another's refusal."""
    assert judge(answers).outcome is SendOutcome.UNKNOWN


def test_the_reasons_of_all_nodes_are_kept() -> None:
    """The journal tells what each node said."""
    answer = judge([NoAnswer("HTTP 502, the node is failing"), UNCLEAR])
    assert answer.reason == "HTTP 502, the node is failing; internal error"
