"""Addresses: the checksum that finds a mistyped one."""

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.models import parse_address

# EIP-55, "Test Cases": all capitals, all small letters, and two of both.
STANDARD = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
)


@pytest.mark.parametrize("address", STANDARD)
def test_an_address_of_the_standard_keeps_its_case(address: str) -> None:
    """The checksum is EIP-55's own."""
    assert parse_address(address) == address
    assert parse_address(address.lower()) == address


@given(st.binary(min_size=20, max_size=20))
def test_every_address_is_written_as_the_ethereum_libraries_write_it(raw: bytes) -> None:
    """The tool has its own few lines for it, since loading the libraries takes too long."""
    assert str(parse_address("0x" + raw.hex())) == str(to_checksum_address(raw))


@pytest.mark.parametrize("place", [3, 5])
def test_a_letter_of_the_wrong_case_is_a_typing_error(place: int) -> None:
    """One is enough to refuse the address."""
    address = STANDARD[2]
    changed = address[:place] + address[place].swapcase() + address[place + 1 :]
    assert changed != address
    with pytest.raises(WrongUsage, match="checksum"):
        parse_address(changed)
