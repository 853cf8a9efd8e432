"""The signer's twin: bytes that are the payload in JSON, which the chain's twin reads back."""

import hashlib
import json

from mayhouse_cli.models import Address, Fees, Hash, Payload, SignedPayload
from mayhouse_cli.money import Wei


class PlainSigner:
    """The port Signer."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.unlocked = 0
        self.signed: list[Payload] = []

    def unlock(self) -> None:
        self.unlocked += 1

    def sign(self, payload: Payload) -> SignedPayload:
        self.signed.append(payload)
        fees = payload.fees
        raw = json.dumps(
            {
                "sender": self.address,
                "chain_id": payload.chain_id,
                "nonce": payload.nonce,
                "recipient": payload.recipient,
                "value": int(payload.value),
                "calldata": payload.calldata.hex(),
                "fees": [fees.gas_limit, int(fees.max_fee), int(fees.max_priority_fee)],
            }
        ).encode()
        return SignedPayload(payload, raw, hash_of(raw))


def hash_of(raw: bytes) -> Hash:
    """The hash that signed bytes are known by."""
    return Hash("0x" + hashlib.sha256(raw).hexdigest())


def signed_payload(raw: bytes) -> tuple[Address, Payload]:
    """Read signed bytes back: who signed, and what."""
    read = json.loads(raw)
    gas_limit, max_fee, tip = read["fees"]
    payload = Payload(
        chain_id=read["chain_id"],
        nonce=read["nonce"],
        recipient=Address(read["recipient"]),
        value=Wei(read["value"]),
        calldata=bytes.fromhex(read["calldata"]),
        fees=Fees(gas_limit, Wei(max_fee), Wei(tip)),
    )
    return Address(read["sender"]), payload
