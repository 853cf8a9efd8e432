"""Signing, and reading recorded bytes back before they are sent again."""

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from mayhouse_cli.chain.signer import LocalSigner, decode_payload, recover_sender
from mayhouse_cli.errors import CredentialsError, Refused
from mayhouse_cli.models import Address, Fees, Payload, parse_address
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Signer

KEY = bytes([1] * 32)
unhurried = settings(deadline=None)  # how long an example takes says nothing here
ADDRESS = Address("0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1")
CONTRACT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
CURVE_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
PAYLOAD = Payload(
    chain_id=11155111,
    nonce=7,
    recipient=CONTRACT,
    value=Wei(123456789),
    calldata=bytes.fromhex("b3de648b" + f"{42:064x}"),
    fees=Fees(210_000, Wei(3_000_000_000), Wei(1_000_000_000)),
)
# What `cast mktx` 1.7.1 makes of this payload and key.
SIGNED_BY_CAST = bytes.fromhex(
    "02f89683aa36a707843b9aca0084b2d05e0083033450945fbdb2315678afecb367f032d93f642f64180aa3"
    "84075bcd15a4b3de648b000000000000000000000000000000000000000000000000000000000000002ac080"
    "a0cb2c7497f222415d2a9fc0fca3bbdde4d1a1492356c368728181156a88d5a69c"
    "a06d919527ad15b6b6f2de3a5a0264fe88c767c82766ed312ed2d75b634006d217"
)

keys = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
amounts = st.integers(0, 2**128).map(Wei)
payloads = st.builds(
    Payload,
    chain_id=st.integers(1, 2**53),
    nonce=st.integers(0, 2**64 - 2),
    recipient=st.binary(min_size=20, max_size=20).map(lambda raw: parse_address("0x" + raw.hex())),
    value=amounts,
    calldata=st.binary(max_size=300),
    fees=st.builds(Fees, st.integers(21_000, 2**24), amounts, amounts),
)


def test_same_bytes_as_cast() -> None:
    """Another implementation signs the same payload with the same bytes."""
    signer: Signer = LocalSigner(KEY)  # mypy holds it to the port
    signer.unlock()
    assert signer.sign(PAYLOAD).raw == SIGNED_BY_CAST


def test_address_of_key() -> None:
    """The signer knows its checksummed address."""
    assert LocalSigner(KEY).address == ADDRESS


def test_decodes_what_cast_signed() -> None:
    """Bytes of another implementation are read as the payload they were made of."""
    assert decode_payload(SIGNED_BY_CAST) == PAYLOAD


@unhurried
@given(key=keys, payload=payloads)
def test_payload_comes_back(key: bytes, payload: Payload) -> None:
    """Whatever is signed is read back from the bytes, with the signer's address."""
    signer = LocalSigner(key)
    raw = signer.sign(payload).raw
    assert (decode_payload(raw), recover_sender(raw)) == (payload, signer.address)


@unhurried
@given(payload=payloads)
def test_hash_of_the_bytes(payload: Payload) -> None:
    """The hash is that of the bytes, 0x and 64 lower-case digits."""
    signed = LocalSigner(KEY).sign(payload)
    assert signed.tx_hash == "0x" + keccak(signed.raw).hex()


@unhurried
@given(key=keys, payload=payloads)
def test_low_s(key: bytes, payload: Payload) -> None:
    """The signature has the lower s, as EIP-2 demands, and the bytes are of type 2."""
    raw = LocalSigner(key).sign(payload).raw
    assert TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["s"] <= CURVE_ORDER // 2
    assert raw[0] == 2


def test_signing_again_gives_the_same_bytes() -> None:
    """A signature is deterministic: signing anew cannot make a second transaction."""
    assert LocalSigner(KEY).sign(PAYLOAD) == LocalSigner(KEY).sign(PAYLOAD)


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(raw: bytes) -> None:
    """Bytes that were never signed are refused, whatever they are."""
    with pytest.raises(Refused):
        decode_payload(raw)
    with pytest.raises(Refused):
        recover_sender(raw)


@unhurried
@given(place=st.integers(0, len(SIGNED_BY_CAST) - 1), flip=st.integers(1, 255))
def test_changed_byte_is_noticed(place: int, flip: int) -> None:
    """With any byte changed the bytes are refused, or show another payload or sender."""
    raw = bytearray(SIGNED_BY_CAST)
    raw[place] ^= flip
    try:
        found = (decode_payload(bytes(raw)), recover_sender(bytes(raw)))
    except Refused:
        return
    assert found != (PAYLOAD, ADDRESS)


@pytest.mark.parametrize("parity", [0x02, 0x1B, 0x23, 0x25, 0xC0])
def test_other_parities_are_refused(parity: int) -> None:
    """Of a signature's parity there are two; others, which libraries read as one, are damage."""
    at = len(SIGNED_BY_CAST) - 67
    assert SIGNED_BY_CAST[at] == 0x80
    with pytest.raises(Refused):
        recover_sender(SIGNED_BY_CAST[:at] + bytes([parity]) + SIGNED_BY_CAST[at + 1 :])


def test_high_s_is_refused() -> None:
    """The twin of a signature, which names the same signer under another hash, is refused."""
    at = len(SIGNED_BY_CAST) - 67
    s = CURVE_ORDER - int.from_bytes(SIGNED_BY_CAST[-32:], "big")
    twin = SIGNED_BY_CAST[:at] + b"\1" + SIGNED_BY_CAST[at + 1 : -32] + s.to_bytes(32, "big")
    assert Account.recover_transaction(twin) == ADDRESS
    with pytest.raises(Refused):
        recover_sender(twin)


@pytest.mark.parametrize("cut", [slice(0, -1), slice(1, None), slice(0, 0)])
def test_cut_bytes_are_refused(cut: slice) -> None:
    """Bytes that are not all there are refused."""
    with pytest.raises(Refused, match="recorded bytes"):
        decode_payload(SIGNED_BY_CAST[cut])


@pytest.mark.parametrize(
    "changed",
    [
        {"to": b""},
        {"accessList": [{"address": CONTRACT, "storageKeys": []}]},
        {"type": 1, "gasPrice": 1, "maxFeePerGas": None, "maxPriorityFeePerGas": None},
        {"type": None, "gasPrice": 1, "maxFeePerGas": None, "maxPriorityFeePerGas": None},
    ],
    ids=["contract creation", "access list", "type 1", "legacy"],
)
def test_transactions_we_never_make(changed: dict[str, object]) -> None:
    """A valid transaction of a shape this tool never signs is refused."""
    fields = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "to": bytes(20),
        "value": 0,
        "data": b"",
        "gas": 100_000,
        "maxFeePerGas": 1,
        "maxPriorityFeePerGas": 1,
    } | changed
    present = {name: value for name, value in fields.items() if value is not None}
    raw = bytes(Account.from_key(KEY).sign_transaction(present).raw_transaction)
    with pytest.raises(Refused, match="not a transaction of this tool"):
        recover_sender(raw)


def test_repr_shows_the_address_only() -> None:
    """What is printed of a signer holds no key."""
    assert repr(LocalSigner(KEY)) == f"LocalSigner({ADDRESS})"


@pytest.mark.parametrize("key", [b"", b"\xca" * 31, b"\0" * 32, b"\xff" * 32])
def test_what_is_not_a_key(key: bytes) -> None:
    """A wrong key is refused by an error that neither shows it nor hangs on to it."""
    with pytest.raises(CredentialsError) as caught:
        LocalSigner(key)
    assert caught.value.__context__ is None
    assert caught.value.message == "That is not a private key"
