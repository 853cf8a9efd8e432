"""Private keys at rest: one file of Web3 Secret Storage, version 3, for each wallet.

`cast` and geth read the files, and theirs are read here. A file comes whole under its final
name or not at all, and never in the place of another. No key, password or file content gets
into a message, nor into the chain of exceptions behind it: what a library raises is caught
first and the error raised after, because `from None` hides a context but keeps it.
"""

import json
import os
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mayhouse_cli.errors import ConfigurationError, CredentialsError, Refused, WrongUsage
from mayhouse_cli.models import Address, parse_address
from mayhouse_cli.private_files import sync_folder, why_not_private, write_new

# The n of secp256k1: SEC 2, version 2.0, section 2.4.1. A key is 1 to n - 1.
CURVE_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
# geth's StandardScryptN: with r = 8 and p = 1 it takes 256 MiB and more than half a second.
STANDARD_SCRYPT_N: Final = 262_144
# A file asking for more than four times geth's standard was not made to be opened.
MOST_SCRYPT_WORK: Final = 4 * STANDARD_SCRYPT_N * 8
MOST_PBKDF2_ROUNDS: Final = 10_000_000
# Keystores have some 500 bytes.
MOST_BYTES: Final = 65_536

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_PRIVATE_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


@dataclass(frozen=True)
class KeystoreEntry:
    """A wallet of the folder; the address is None when the file does not tell it."""

    name: str
    address: Address | None
    path: Path


class Keystore:
    """A folder of keystores; opening or writing one takes `scrypt_n`'s worth of work."""

    def __init__(self, folder: Path, scrypt_n: int = STANDARD_SCRYPT_N) -> None:
        """Name the folder, which is made when the first key is written."""
        self._folder = folder
        self._scrypt_n = scrypt_n

    def create(self, name: str, password: str) -> Address:
        """Make a new random key and keep it under a name; Refused when the name is taken."""
        key = (1 + secrets.randbelow(CURVE_ORDER - 1)).to_bytes(32, "big")
        return self.add_key(name, key, password)

    def add_key(self, name: str, key: bytes, password: str) -> Address:
        """Keep an existing key under a name; Refused when the name is taken."""
        target = self._free_path(name)
        if not _is_key(key):
            raise CredentialsError("That is not a private key")
        content = _encrypt(key, password, self._scrypt_n)
        # Opened once before it is kept: a bit that memory flipped would otherwise be found
        # out when the wallet holds money.
        if _decrypt(_parse(content, target.name), password, target.name) != key:
            raise CredentialsError("The new keystore could not be opened; nothing was kept")
        try:
            _make_folder(self._folder)
            taken = not write_new(target, content)
        except OSError as error:
            raise ConfigurationError(
                f"The keystore folder {self._folder} cannot be written: {error.strerror}",
                hint="Check keystore_dir and the folder's permissions.",
            ) from None
        if taken:
            raise _taken(name)
        return _address_of(key)

    def add_keystore(self, name: str, source: Path, password: str) -> Address:
        """Keep the key of another tool's file under a name, encrypted anew; Refused if taken."""
        self._free_path(name)
        if (content := _read(source, private=False)) is None:
            raise CredentialsError(f"There is no file {source}", hint="Check the path.")
        key = _decrypt(_parse(content, source.name), password, source.name)
        return self.add_key(name, key, password)

    def unlock(self, name: str, password: str) -> bytes:
        """Give the key; CredentialsError when there is no such wallet or it does not open."""
        if (document := self._load(name)) is None:
            raise CredentialsError(
                f"There is no wallet named {name} in {self._folder}",
                hint=f"`mayhouse wallet list` shows those there are; "
                f"`mayhouse wallet new {name}` makes it.",
            )
        return _decrypt(document, password, self.path(name).name)

    def address(self, name: str) -> Address | None:
        """Read the address without a password; None without a wallet or when its file is silent.

        A keystore written by `cast` does not tell its address.
        """
        document = self._load(name)
        return _stated_address(document, self.path(name).name) if document is not None else None

    def list(self) -> Sequence[KeystoreEntry]:
        """Give the folder's wallets by name, those that cannot be read as well."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return [self._entry(name) for name in names if _NAME.fullmatch(name)]

    def path(self, name: str) -> Path:
        """Give the file of a wallet, there or not; WrongUsage for what cannot be a name."""
        if not _NAME.fullmatch(name):
            raise WrongUsage(
                f"Not a wallet's name: {name}",
                hint="Up to 64 letters, digits and . _ - without a dot in front.",
            )
        return self._folder / f"{name}.json"

    def _load(self, name: str) -> dict[str, Any] | None:
        path = self.path(name)
        content = _read(path, private=True)
        return _parse(content, path.name) if content is not None else None

    def _entry(self, name: str) -> KeystoreEntry:
        try:
            address = self.address(name)
        except CredentialsError:
            address = None
        return KeystoreEntry(name, address, self.path(name))

    def _free_path(self, name: str) -> Path:
        """Refuse a taken name before any work; that it still is free is settled in writing."""
        path = self.path(name)
        if os.path.lexists(path):
            raise _taken(name)
        return path


def parse_private_key(text: str) -> bytes:
    """Read 64 hexadecimal digits, with 0x or without; CredentialsError shows none of them."""
    matched = _PRIVATE_KEY.fullmatch(text.strip())
    key = bytes.fromhex(matched[1]) if matched else b""
    if not _is_key(key):
        raise CredentialsError(
            "The private key cannot be read",
            hint="It is 64 hexadecimal digits, with 0x in front or without.",
        )
    return key


def _is_key(key: bytes) -> bool:
    return len(key) == 32 and 0 < int.from_bytes(key, "big") < CURVE_ORDER  # noqa: PLR2004 bytes


def _taken(name: str) -> Refused:
    return Refused(
        f"A wallet named {name} exists already",
        hint="Choose another name: a keystore is never overwritten.",
    )


# --- files ------------------------------------------------------------------------------


def _make_folder(folder: Path) -> None:
    """Make the folder and its missing parents, private whatever the umask, so that they stay."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for made in reversed(missing):
        made.mkdir(mode=0o700, exist_ok=True)
        made.chmod(0o700)  # the umask may have taken the owner's own bits away
        sync_folder(made.parent)
    folder.mkdir(mode=0o700, exist_ok=True)  # OSError when a file stands there


def _read(path: Path, *, private: bool) -> bytes | None:
    """Read a keystore file, None when it is missing; with `private` it must be ours alone."""
    try:
        # O_NONBLOCK: a pipe in a keystore's place must not hold the command up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 a descriptor
            if private:
                _check_private(os.fstat(descriptor), path)
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialsError(
            f"The keystore {path.name} cannot be read: {error.strerror}",
            hint=f"Look at it: ls -l {shlex.quote(str(path))}",
        ) from None


def _check_private(status: os.stat_result, path: Path) -> None:
    if (problem := why_not_private(status, path)) is not None:
        reason, remedy = problem
        raise CredentialsError(f"The keystore {path.name} {reason}", hint=remedy)


# --- Web3 Secret Storage ----------------------------------------------------------------


def _encrypt(key: bytes, password: str, scrypt_n: int) -> bytes:
    # Imported here, as below: the curves it brings along cost every command 0.4 s.
    from eth_keyfile.keyfile import create_keyfile_json  # noqa: PLC0415 slow to load, and needed by keystores alone

    document = create_keyfile_json(key, _encoded(password), kdf="scrypt", iterations=scrypt_n)
    document["address"] = document["address"].lower()  # as geth writes it
    return json.dumps(document).encode()


def _parse(content: bytes, file_name: str) -> dict[str, Any]:
    """Read the JSON of a keystore that can be decrypted; CredentialsError otherwise."""
    try:
        # Lower case: early geth and MyEtherWallet wrote "Crypto".
        document = json.loads(content, object_pairs_hook=_lower_keys)
    except (ValueError, RecursionError):
        document = None
    if len(content) > MOST_BYTES or not isinstance(document, dict):
        raise _unusable(file_name, "it is not a JSON object")
    if document.get("version") != 3:  # noqa: PLR2004 the format's version
        raise _unusable(file_name, "its version is not 3")
    if not _is_decryptable(document):
        raise _unusable(file_name, "a field is missing, damaged or not supported")
    return document


def _lower_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key.lower(): value for key, value in pairs}


def _is_decryptable(document: dict[str, Any]) -> bool:
    match document:
        case {
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": {"iv": iv},
                "ciphertext": ciphertext,
                "kdf": str(kdf),
                "kdfparams": {"dklen": 32, "salt": salt, **work},
                "mac": mac,
            }
        }:
            hexadecimal = _is_hex(iv, 16) and _is_hex(ciphertext, 32) and _is_hex(mac, 32)
            return hexadecimal and _is_hex(salt) and _is_bearable(kdf, work)
        case _:
            return False


def _is_hex(value: object, size: int | None = None) -> bool:
    """Whether it is the text of so many bytes."""
    if not isinstance(value, str) or not re.fullmatch(r"(0x)?([0-9a-fA-F]{2})*", value):
        return False
    return size is None or len(value.removeprefix("0x")) == 2 * size


def _is_bearable(kdf: str, work: Mapping[object, object]) -> bool:
    """Whether the derivation is known, well-formed and within what memory and patience allow."""
    match kdf, work:
        case "scrypt", {"n": int(n), "r": int(r), "p": int(p)}:
            is_power = n > 1 and n & (n - 1) == 0
            return is_power and r > 0 and p > 0 and n * r * p <= MOST_SCRYPT_WORK
        case "pbkdf2", {"c": int(rounds), "prf": "hmac-sha256"}:
            return 0 < rounds <= MOST_PBKDF2_ROUNDS
        case _:
            return False


def _decrypt(document: dict[str, Any], password: str, file_name: str) -> bytes:
    """Give the key of a parsed keystore, checked against the address the file states."""
    from eth_keyfile.exceptions import EthKeyfileException  # noqa: PLC0415 slow to load, and needed by keystores alone
    from eth_keyfile.keyfile import decode_keyfile_json  # noqa: PLC0415 slow to load, and needed by keystores alone

    secret = _encoded(password)
    key, problem = b"", ""
    try:
        key = decode_keyfile_json(document, secret)
    except EthKeyfileException:
        problem = "password"
    except (ValueError, MemoryError):  # what is left after _parse: no memory for scrypt
        problem = "memory"
    if problem == "password":
        raise CredentialsError(
            f"The password does not open the keystore {file_name}",
            hint="Check the password, and that it is this wallet's.",
        )
    if problem == "memory":
        raise CredentialsError(
            f"The keystore {file_name} could not be opened: not enough memory",
            hint="The derivation of its key takes 256 MiB, or what the file asks for.",
        )
    if not _is_key(key):
        raise _unusable(file_name, "it does not hold a private key")
    if _stated_address(document, file_name) not in (None, _address_of(key)):
        raise _unusable(file_name, "its address is not that of its key")
    return key


def _encoded(password: str) -> bytes:
    """Give the bytes as they were typed; a terminal's undecodable ones come as surrogates."""
    if not password:
        raise WrongUsage("The password is empty", hint="A keystore needs a password.")
    try:
        secret = password.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        secret = b""
    if not secret:
        raise CredentialsError("The password is not valid text")
    return secret


def _stated_address(document: dict[str, Any], file_name: str) -> Address | None:
    stated = document.get("address")
    if stated in (None, ""):
        return None
    if not _is_hex(stated, 20):
        raise _unusable(file_name, "its address is damaged")
    return parse_address("0x" + stated.removeprefix("0x").lower())


def _address_of(key: bytes) -> Address:
    from eth_keys.datatypes import PrivateKey  # noqa: PLC0415 slow to load, and needed by keystores alone

    return Address(PrivateKey(key).public_key.to_checksum_address())


def _unusable(file_name: str, reason: str) -> CredentialsError:
    return CredentialsError(
        f"The keystore {file_name} cannot be used: {reason}",
        hint="Restore it from a backup, or import the key again under another name.",
    )
