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
    # Imported here: hashing is needed by few commands and costs start-up time in all.
    from eth_utils.address import to_checksum_address  # noqa: PLC0415

    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text, re.ASCII):
        raise WrongUsage(
            f"Not an Ethereum address: {text}", hint="It is 0x and 40 hexadecimal digits."
        )
    checksummed = to_checksum_address(text.lower())
    if text[2:] not in (text[2:].lower(), text[2:].upper(), checksummed[2:]):
        raise WrongUsage(
            f"The address {text} has a wrong checksum",
            hint="A letter is mistyped, or its case was changed: copy it again.",
        )
    return Address(checksummed)
