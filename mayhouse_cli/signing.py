"""Which key signs: the keystore first, the raw key of the environment second.

The seam for another kind of signer: `open_signer` is the only place that makes one, and all else
knows the port Signer alone.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mayhouse_cli.config import MAINNET_CHAIN_ID, Config
from mayhouse_cli.errors import CredentialsError
from mayhouse_cli.keystore import Keystore, parse_private_key
from mayhouse_cli.models import Address, Payload, SignedPayload
from mayhouse_cli.ports import Signer

if TYPE_CHECKING:
    # Loaded when a key is first opened: what signs starts slowly.
    from mayhouse_cli.chain.signer import LocalSigner

AskPassword = Callable[[str], str]
OpenKey = Callable[[Config, AskPassword], Signer]
ALLOW_RAW_KEY: Final = "allow_raw_key"
"""An option of one command, never a setting: --allow-raw-key."""


class KeystoreSigner:
    """Signs with a keystore's key, which is opened at the first signature only."""

    def __init__(self, address: Address, open_key: Callable[[], bytes]) -> None:
        """Know the address at once, and how to get the key when it is needed."""
        self.address = address
        self._open_key = open_key

    @cached_property
    def _opened(self) -> "LocalSigner":
        from mayhouse_cli.chain.signer import LocalSigner  # noqa: PLC0415 starts slowly

        signer = LocalSigner(self._open_key())
        if signer.address != self.address:
            raise CredentialsError(
                f"The key is of {signer.address}, not of {self.address}",
                hint="Check platform_address and which wallet is configured.",
            )
        return signer

    def unlock(self) -> None:
        """Open the keystore now; CredentialsError when the password is wrong."""
        _ = self._opened

    def sign(self, payload: Payload) -> SignedPayload:
        """Sign an EIP-1559 transaction."""
        return self._opened.sign(payload)


class RawKeySigner:
    """Signs with a key that stands unencrypted in the environment; on mainnet only when told to."""

    def __init__(self, signer: "LocalSigner", *, allowed: bool) -> None:
        """Take the key's signer, and whether it may sign on this chain."""
        self.address = signer.address
        self._signer = signer
        self._allowed = allowed

    def unlock(self) -> None:
        """CredentialsError on mainnet without --allow-raw-key."""
        if not self._allowed:
            raise CredentialsError(
                "PLATFORM_PRIVATE_KEY, a raw key, does not sign on Ethereum mainnet",
                hint="`mayhouse wallet import` keeps it in a keystore; --allow-raw-key signs "
                "with it all the same.",
            )

    def sign(self, payload: Payload) -> SignedPayload:
        """Sign an EIP-1559 transaction."""
        self.unlock()
        return self._signer.sign(payload)


def open_signer(config: Config, ask_password: AskPassword) -> Signer:
    """The wallet that signs: the configured keystore, else the raw key of the environment.

    With both, the keystore signs where its password is configured. CredentialsError when there
    is neither, or when they, or platform_address, are of different wallets; nothing is asked
    of a person or a node for that.
    """
    name = config.require("wallet")
    vault = Keystore(config.keystore_folder)
    expected: Address | None = config.get("platform_address")
    raw = _raw_signer(config)
    kept = vault.address(name) or (expected if vault.path(name).is_file() else None)
    if raw is not None:
        _check_same(kept or raw.address, raw.address, f"the keystore {name}")
        _check_same(expected or raw.address, raw.address, "platform_address")
        if kept is None or config.values.get("password") is None:
            return raw
    if kept is None:
        raise CredentialsError(
            f"There is no key to sign with: no keystore {name}, no PLATFORM_PRIVATE_KEY",
            hint=f"`mayhouse wallet new {name}` or `mayhouse wallet import {name}` keeps one.",
        )
    _check_same(expected or kept, kept, "platform_address")

    def open_key() -> bytes:
        password = config.get("password")
        return vault.unlock(name, password or ask_password(f"Password of the wallet {name}"))

    return KeystoreSigner(kept, open_key)


def open_treasury(config: Config, ask_password: AskPassword) -> Signer:
    """The treasury's wallet, which only ever fills the platform's up: always a keystore.

    CredentialsError when there is none of that name, or it is another wallet's than
    treasury_address.
    """
    name = config.require("treasury_wallet")
    vault = Keystore(config.keystore_folder)
    expected: Address | None = config.get("treasury_address")
    kept = vault.address(name) or (expected if vault.path(name).is_file() else None)
    if kept is None:
        raise CredentialsError(
            f"There is no keystore {name}, which treasury_wallet names",
            hint=f"`mayhouse wallet import {name}` keeps the treasury's key; see keystore_dir.",
        )
    if expected not in (None, kept):
        raise CredentialsError(
            f"The keystore {name} is of {kept}, but treasury_address says {expected}",
            hint="Check treasury_wallet and treasury_address: one of them is wrong.",
        )

    def open_key() -> bytes:
        password = config.get("treasury_password")
        return vault.unlock(name, password or ask_password(f"Password of the wallet {name}"))

    return KeystoreSigner(kept, open_key)


def _raw_signer(config: Config) -> RawKeySigner | None:
    if (text := config.get("platform_private_key")) is None:
        return None
    from mayhouse_cli.chain.signer import LocalSigner  # noqa: PLC0415 starts slowly

    allowed = config.chain_id != MAINNET_CHAIN_ID or bool(config.get(ALLOW_RAW_KEY))
    return RawKeySigner(LocalSigner(parse_private_key(text)), allowed=allowed)


def _check_same(expected: Address, found: Address, where: str) -> None:
    if expected != found:
        raise CredentialsError(
            f"The key is of {found}, but {where} says {expected}",
            hint="Check PLATFORM_PRIVATE_KEY, platform_address and wallet: one of them is wrong.",
        )
