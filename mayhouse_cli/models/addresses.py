"""Accounts and hashes: text in a type of its own, checked where it comes in."""

import re
from typing import Final, NewType

from mayhouse_cli.errors import WrongUsage

Address = NewType("Address", str)
"""An account, checksummed as EIP-55 says."""
Hash = NewType("Hash", str)
"""A transaction's or block's hash: 0x and 64 hexadecimal digits."""

ZERO_ADDRESS: Final = Address("0x" + "0" * 40)


def parse_address(text: str) -> Address:
    """Read an account's address; mixed case must be a right EIP-55 checksum, else WrongUsage."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text, re.ASCII):
        raise WrongUsage(
            f"Not an Ethereum address: {text}", hint="It is 0x and 40 hexadecimal digits."
        )
    checksummed = _checksummed(text[2:].lower())
    if text[2:] not in (text[2:].lower(), text[2:].upper(), checksummed[2:]):
        raise WrongUsage(
            f"The address {text} has a wrong checksum",
            hint="A letter is mistyped, or its case was changed: copy it again.",
        )
    return Address(checksummed)


def _checksummed(digits: str) -> str:
    """EIP-55: a letter is a capital where its place in the text's own hash has 8 or more."""
    # Every command that reads a configuration comes here: the Ethereum libraries' own function
    # would load all of them, and take longer than the rest of the command.
    from Crypto.Hash import keccak  # noqa: PLC0415 a help page needs no hash

    places = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    cased = (
        digit.upper() if place >= "8" else digit
        for digit, place in zip(digits, places, strict=False)
    )
    return "0x" + "".join(cased)
