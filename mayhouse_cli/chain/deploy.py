"""Put the contract on a local chain. The tool never deploys anywhere else."""

import time
from typing import Any, Final

from eth_account import Account
from eth_utils.address import to_checksum_address

from mayhouse_cli.chain import contract
from mayhouse_cli.chain.fees import choose_fees
from mayhouse_cli.chain.rpc import Answer, Fault, Rpc
from mayhouse_cli.config import LOCAL_CHAIN_ID
from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import Address
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Deadline

_FEE_CAP: Final = Wei(10**12)  # a development chain's gas costs nothing
_WAIT_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.02


def deploy(url: str, key: bytes) -> Address:
    """Deploy the artifact from the key's account, which becomes the contract's owner.

    Refused when the node does not take it or it reverts, Unconfirmed when it is not mined.
    """
    deadline = Deadline(_WAIT_SECONDS)
    rpc = Rpc([url], LOCAL_CHAIN_ID, deadline)
    account = Account.from_key(key)
    code = contract.artifact()["bytecode"]
    block, nonce, gas = (
        _usable(answer)
        for answer in rpc.ask(
            [
                ("eth_getBlockByNumber", ["latest", False]),
                ("eth_getTransactionCount", [account.address, "pending"]),
                ("eth_estimateGas", [{"from": account.address, "data": code}]),
            ]
        )
    )
    fees = choose_fees(Wei(int(block["baseFeePerGas"], 16)), Wei(0), int(gas, 16), _FEE_CAP)
    # Without a recipient: that is what makes it a creation, which LocalSigner never signs.
    signed = account.sign_transaction(
        {
            "type": 2,
            "chainId": LOCAL_CHAIN_ID,
            "nonce": int(nonce, 16),
            "value": 0,
            "data": code,
            "gas": fees.gas_limit,
            "maxFeePerGas": int(fees.max_fee),
            "maxPriorityFeePerGas": int(fees.max_priority_fee),
        }
    )
    for sent in rpc.send(bytes(signed.raw_transaction)):
        _usable(sent)
    return _created(signed.hash.to_0x_hex(), rpc, deadline)


def _created(tx_hash: str, rpc: Rpc, deadline: Deadline) -> Address:
    while not deadline.passed:
        (receipt,) = rpc.ask([("eth_getTransactionReceipt", [tx_hash])])
        if (found := _usable(receipt)) is not None:
            if int(found["status"], 16) != 1:
                raise Refused(f"The contract's creation reverted: {tx_hash}")
            return Address(to_checksum_address(found["contractAddress"]))
        time.sleep(_PAUSE_SECONDS)
    raise Unconfirmed(f"The contract's creation was not mined: {tx_hash}")


def _usable(answer: Answer) -> Any:
    if isinstance(answer, Fault):
        raise Refused(f"The local chain does not take the contract: {answer.message}")
    if isinstance(answer, Exception):
        raise Refused(f"The local chain did not take the contract: {answer}")
    return answer
