"""The one place where the key is: signing, and reading signed bytes back.

Signing is deterministic (RFC 6979), so the same payload always gives the same bytes.
"""

from contextlib import suppress
from typing import Any, Final

from eth_utils.address import to_canonical_address, to_checksum_address
from hexbytes import HexBytes

from mayhouse_cli.chain.lean_imports import load_lean
from mayhouse_cli.errors import CredentialsError, Refused, Stopped
from mayhouse_cli.models import Address, Fees, Hash, Payload, SignedPayload
from mayhouse_cli.money import Wei

load_lean(("eth_account",), ("eth_keyfile",))
from eth_account import Account  # noqa: E402 after the lean load
from eth_account.signers.local import LocalAccount  # noqa: E402 as above
from eth_account.typed_transactions.typed_transaction import TypedTransaction  # noqa: E402 as above

# EIP-2718's type byte of an EIP-1559 transaction.
DYNAMIC_FEE: Final = 2
# EIP-2: half of secp256k1's n, rounded down.
HIGHEST_S: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0


class LocalSigner:
    """A Signer whose key is in this process's memory."""

    __slots__ = ("_account", "address")

    def __init__(self, key: bytes) -> None:
        """Take the 32 bytes of a private key; CredentialsError when it is not one."""
        account: LocalAccount | None = None
        with suppress(ValueError):
            account = Account.from_key(key)
        # Raised outside of the handler: the library's exception must not hang on to the key.
        if account is None:
            raise CredentialsError("That is not a private key")
        self._account = account
        self.address = Address(account.address)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def unlock(self) -> None:
        """Do nothing: the key is here already."""

    def sign(self, payload: Payload) -> SignedPayload:
        """Sign an EIP-1559 transaction."""
        signed = self._account.sign_transaction(
            {
                "type": DYNAMIC_FEE,
                "chainId": payload.chain_id,
                "nonce": payload.nonce,
                "to": to_canonical_address(payload.recipient),
                "value": int(payload.value),
                "data": payload.calldata,
                "gas": payload.fees.gas_limit,
                "maxFeePerGas": int(payload.fees.max_fee),
                "maxPriorityFeePerGas": int(payload.fees.max_priority_fee),
            }
        )
        return SignedPayload(payload, bytes(signed.raw_transaction), Hash(signed.hash.to_0x_hex()))


def recover_sender(raw: bytes) -> Address:
    """Tell who signed these bytes; Refused when they are no EIP-1559 transaction of ours."""
    _fields(raw)
    sender: str | None = None
    try:
        sender = Account.recover_transaction(raw)
    except Stopped:
        raise
    except Exception:  # noqa: BLE001 rlp, eth_keys and eth_utils raise trees of their own
        sender = None
    if sender is None:
        raise _damaged()
    return Address(sender)


def decode_payload(raw: bytes) -> Payload:
    """Tell what these bytes do; Refused when they are no EIP-1559 transaction of ours."""
    fields = _fields(raw)
    return Payload(
        chain_id=fields["chainId"],
        nonce=fields["nonce"],
        recipient=Address(to_checksum_address(fields["to"])),
        value=Wei(fields["value"]),
        calldata=bytes(fields["data"]),
        fees=Fees(
            gas_limit=fields["gas"],
            max_fee=Wei(fields["maxFeePerGas"]),
            max_priority_fee=Wei(fields["maxPriorityFeePerGas"]),
        ),
    )


def _fields(raw: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    try:
        decoded = TypedTransaction.from_bytes(HexBytes(raw))
        # Decoding is lax in places: only what would be encoded just so is taken.
        if decoded.encode() == raw:
            fields = decoded.as_dict()
    except Stopped:
        raise
    except Exception:  # noqa: BLE001 rlp, eth_account and eth_utils raise trees of their own
        fields = {}
    # We never create a contract and never name an access list: such bytes are not ours.
    if fields.get("type") != DYNAMIC_FEE or not fields["to"] or fields["accessList"]:
        raise _damaged()
    # The library would recover our address from these as well; a node would not take them.
    if fields["v"] not in (0, 1) or fields["s"] > HIGHEST_S:
        raise _damaged()
    return fields


def _damaged() -> Refused:
    return Refused(
        "The recorded bytes are not a transaction of this tool",
        hint="The record was damaged or changed: compare the transaction with a backup.",
    )
