"""Keystores go both ways between this tool and Foundry's cast."""

import os
import subprocess
from pathlib import Path

import pytest

from mayhouse_cli.keystore import STANDARD_SCRYPT_N, Keystore

CAST_PATTERN = "tools/node_modules/@foundry-rs/cast-*/bin/cast"
REPOSITORY = Path(__file__).parents[2]
KEY = bytes.fromhex("00" + "5a" * 31)  # the leading zero is where hexadecimal gets lost
PASSWORDS = ["correct horse", " पासवर्ड 🔑 'quoted\" "]


@pytest.fixture(scope="session")
def cast() -> Path:
    """Find the native binary; MAYHOUSE_CAST names another one."""
    named = os.environ.get("MAYHOUSE_CAST")
    found = [Path(named)] if named else sorted(REPOSITORY.glob(CAST_PATTERN))
    if not found:
        pytest.fail("There is no cast under tools/node_modules: run `make tools`")
    return found[0]


def run(cast: Path, *arguments: str, password: str | None = None) -> str:
    """Run `cast wallet`, the password in the environment as its users have it; give stdout."""
    environment = os.environ | ({"CAST_UNSAFE_PASSWORD": password} if password else {})
    finished = subprocess.run(
        [cast, "wallet", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return finished.stdout.strip()


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scrypt_n", [2, STANDARD_SCRYPT_N])
def test_cast_opens_ours(cast: Path, tmp_path: Path, password: str, scrypt_n: int) -> None:
    """A keystore written here gives cast the same key."""
    Keystore(tmp_path, scrypt_n).add_key("platform", KEY, password)
    said = run(cast, "decrypt-keystore", "platform.json", "-k", str(tmp_path), password=password)
    assert said.endswith(f"0x{KEY.hex()}")


@pytest.mark.parametrize("password", PASSWORDS)
def test_ours_opens_cast(cast: Path, tmp_path: Path, password: str) -> None:
    """A keystore written by `cast wallet import` is imported with its key and address."""
    folder = str(tmp_path / "foundry")
    run(cast, "import", "deployer", "-k", folder, "--private-key", KEY.hex(), password=password)
    keystore = Keystore(tmp_path / "ours", 2)
    address = keystore.add_keystore("platform", tmp_path / "foundry" / "deployer", password)
    assert keystore.unlock("platform", password) == KEY
    assert address == run(cast, "address", "--private-key", KEY.hex())


def test_cast_file_in_our_folder(cast: Path, tmp_path: Path) -> None:
    """A file of cast's put among ours opens, once it is closed to other users."""
    folder = str(tmp_path)
    run(cast, "import", "a.json", "-k", folder, "--private-key", KEY.hex(), password="secret")
    (tmp_path / "a.json").chmod(0o600)
    assert Keystore(tmp_path).unlock("a", "secret") == KEY


def test_cast_and_we_agree_on_addresses(cast: Path, tmp_path: Path) -> None:
    """The address of a created wallet is the one cast derives from its file."""
    address = Keystore(tmp_path, 2).create("platform", "secret")
    key = run(cast, "decrypt-keystore", "platform.json", "-k", str(tmp_path), password="secret")
    assert run(cast, "address", "--private-key", key.split()[-1]) == address
