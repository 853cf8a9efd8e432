"""Keystores: what is written, what is refused, and that no secret gets out."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayhouse_cli.errors import (
    ConfigurationError,
    CredentialsError,
    MayhouseError,
    Refused,
    WrongUsage,
)
from mayhouse_cli.keystore import CURVE_ORDER, Keystore, KeystoreEntry, parse_private_key
from mayhouse_cli.models import Address

FAST = 2  # the smallest work factor: nothing here is worth guarding
KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
ADDRESS = Address("0x2c7536E3605D9C16a7a3D7b1898e529396a65c23")
PASSWORD = "correct horse"
unhurried = settings(deadline=None)  # how long an example takes says nothing here
# The keys and both files are the test vectors of the Web3 Secret Storage definition.
VECTOR_KEY = bytes.fromhex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
VECTOR_PASSWORD = "testpassword"
VECTOR_PBKDF2 = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
VECTOR_SCRYPT = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 262144,
            "r": 1,
            "p": 8,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    """A folder that is not there yet."""
    return Keystore(tmp_path / "keystore", FAST)


@pytest.fixture
def written(keystore: Keystore) -> Path:
    """The file of a wallet named platform."""
    keystore.add_key("platform", KEY, PASSWORD)
    return keystore.path("platform")


@pytest.fixture
def set_umask() -> Iterator[Callable[[int], object]]:
    """Change the umask for one test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- what is written --------------------------------------------------------------------


def test_key_comes_back(keystore: Keystore) -> None:
    """A key that was put in is the key that comes out."""
    keystore.add_key("platform", KEY, PASSWORD)
    assert keystore.unlock("platform", PASSWORD) == KEY


def test_address_of_known_key(keystore: Keystore) -> None:
    """The address is the one that the rest of the world derives from the key."""
    assert keystore.add_key("platform", KEY, PASSWORD) == ADDRESS


def test_created_keys_differ(keystore: Keystore) -> None:
    """Every new wallet has a key of its own."""
    assert keystore.create("one", PASSWORD) != keystore.create("two", PASSWORD)


def test_address_without_password(keystore: Keystore) -> None:
    """The address is read without the password."""
    assert keystore.create("platform", PASSWORD) == keystore.address("platform")


def test_default_work_factor(tmp_path: Path) -> None:
    """Without a word otherwise the file has geth's standard strength."""
    keystore = Keystore(tmp_path)
    keystore.add_key("platform", KEY, PASSWORD)
    document = json.loads(keystore.path("platform").read_bytes())
    params = document["crypto"]["kdfparams"]
    assert (params["n"], params["r"], params["p"], params["dklen"]) == (262_144, 8, 1, 32)


def test_address_field_as_geth_writes_it(written: Path) -> None:
    """The address field has lower case and no 0x."""
    assert json.loads(written.read_bytes())["address"] == ADDRESS[2:].lower()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_modes_whatever_the_umask(
    keystore: Keystore, set_umask: Callable[[int], object], umask: int
) -> None:
    """File and folder are their owner's alone, and his entirely."""
    set_umask(umask)
    keystore.create("platform", PASSWORD)
    path = keystore.path("platform")
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    """A folder that somebody made is not changed."""
    tmp_path.chmod(0o750)
    Keystore(tmp_path, FAST).create("platform", PASSWORD)
    assert mode(tmp_path) == 0o750


def test_nothing_else_is_left(written: Path) -> None:
    """No temporary file stays behind."""
    assert list(written.parent.iterdir()) == [written]


def test_password_of_any_script(keystore: Keystore) -> None:
    """A password may be any text, and one that a terminal could not decode."""
    password = "पासवर्ड 🔑 \udcff"
    keystore.add_key("platform", KEY, password)
    assert keystore.unlock("platform", password) == KEY


def test_list_is_sorted(keystore: Keystore, written: Path) -> None:
    """All wallets are listed by name, with address and path."""
    other = keystore.create("asha", PASSWORD)
    assert keystore.list() == [
        KeystoreEntry("asha", other, keystore.path("asha")),
        KeystoreEntry("platform", ADDRESS, written),
    ]


def test_list_without_folder(keystore: Keystore) -> None:
    """Before the first wallet there is nothing to list, and nothing fails."""
    assert keystore.list() == []


def test_list_shows_what_cannot_be_read(keystore: Keystore, written: Path) -> None:
    """A damaged file hides neither itself nor the others."""
    keystore.path("asha").write_text("{")
    assert [(entry.name, entry.address) for entry in keystore.list()] == [
        ("asha", None),
        ("platform", ADDRESS),
    ]
    assert written.exists()


def test_list_passes_over_foreign_files(keystore: Keystore, written: Path) -> None:
    """Hidden and foreign files are no wallets."""
    for name in (".platform.json.0123", ".hidden.json", "two words.json", "notes.txt"):
        (written.parent / name).write_text("")
    assert [entry.name for entry in keystore.list()] == ["platform"]


# --- names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../a",
        "a/b",
        "/etc/passwd",
        "a b",
        "a\n",
        "ä",
        "\0",
        "٣",
        "a" * 65,
    ],
)
def test_names_that_are_refused(keystore: Keystore, name: str) -> None:
    """No name leads out of the folder or needs quoting."""
    with pytest.raises(WrongUsage, match="Not a wallet's name"):
        keystore.create(name, PASSWORD)


@pytest.mark.parametrize("name", ["platform", "Host_2", "v1.2-test", "_", "a" * 64])
def test_names_that_are_taken(keystore: Keystore, name: str) -> None:
    """Letters, digits, dot, underscore and hyphen make a name."""
    keystore.create(name, PASSWORD)
    assert [entry.name for entry in keystore.list()] == [name]


# --- nothing is overwritten -------------------------------------------------------------


def test_existing_wallet_is_kept(keystore: Keystore, written: Path) -> None:
    """A second wallet of a name is refused and the first one stays as it was."""
    before = written.read_bytes()
    with pytest.raises(Refused, match="A wallet named platform exists already"):
        keystore.create("platform", PASSWORD)
    assert written.read_bytes() == before


@pytest.mark.parametrize("exists", [True, False])
def test_symbolic_link_is_not_followed(keystore: Keystore, tmp_path: Path, exists: bool) -> None:  # noqa: FBT001
    """A link in the target's place is refused, and what it points at stays as it was."""
    elsewhere = tmp_path / "elsewhere"
    if exists:
        elsewhere.write_text("precious")
    keystore.path("platform").parent.mkdir()
    keystore.path("platform").symlink_to(elsewhere)
    with pytest.raises(Refused, match="exists already"):
        keystore.create("platform", PASSWORD)
    assert elsewhere.exists() == exists
    assert not exists or elsewhere.read_text() == "precious"


def test_one_of_many_wins(tmp_path: Path) -> None:
    """Of wallets made under one name at the same time one is kept, whole; the others know."""
    rivals = 8
    barrier = Barrier(rivals)

    def create(number: int) -> int | None:
        keystore = Keystore(tmp_path, 1024)  # enough work that all pass the first look
        barrier.wait()
        try:
            keystore.create("platform", f"password {number}")
        except Refused:
            return None
        return number

    with ThreadPoolExecutor(rivals) as pool:
        winners = [won for won in pool.map(create, range(rivals)) if won is not None]
    assert len(winners) == 1
    assert Keystore(tmp_path).unlock("platform", f"password {winners[0]}")
    assert [path.name for path in tmp_path.iterdir()] == ["platform.json"]


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is named, without a traceback."""
    (tmp_path / "keystore").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written: File exists"):
        Keystore(tmp_path / "keystore", FAST).create("platform", PASSWORD)


# --- killed while writing ---------------------------------------------------------------

KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import eth_keyfile.keyfile, eth_keys.datatypes
from mayhouse_cli import keystore, private_files

def killed_at_line(number, folder):
    def trace(frame, event, _):
        nonlocal number
        if frame.f_code.co_filename not in (keystore.__file__, private_files.__file__):
            return None
        if event == "line":
            number -= 1
            if number == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    keystore.Keystore(folder, 2).create("wallet", "password")

def endless(_, folder):
    for number in range(1_000_000):
        keystore.Keystore(folder, 2).create(f"wallet{number}", "password")

def run(task, number, folder, delay=None):
    child = os.fork()
    if child == 0:
        try:
            task(number, folder)
        finally:
            os._exit(0)
    if delay is not None:
        while not (folder / "wallet0.json").exists():
            time.sleep(0.001)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == signal.SIGKILL

base, how, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if how == "line":
    number = 1
    while run(killed_at_line, number, base / str(number)):
        number += 1
else:
    chance = random.Random(seed)
    for number in range(40):
        run(endless, number, base / str(number), chance.uniform(0, 0.03))
print(number)
"""


def kill_while_creating(base: Path, how: str) -> int:
    """Kill creations in processes of their own, each in a folder of `base`; give their number."""
    finished = subprocess.run(
        [sys.executable, "-c", KILLER, str(base), how, "20261128"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return int(finished.stdout)


def whole_wallets(folder: Path) -> int:
    """Open everything that stands under a final name."""
    keystore = Keystore(folder)
    entries = keystore.list()
    for entry in entries:
        assert keystore.unlock(entry.name, "password")
    return len(entries)


def test_killed_between_any_two_lines(tmp_path: Path) -> None:
    """Killed before any line of the module, a wallet is absent or whole; the last run lives."""
    kills = kill_while_creating(tmp_path, "line")
    found = [whole_wallets(tmp_path / str(number)) for number in range(1, kills + 1)]
    assert kills > 30
    assert set(found) == {0, 1}
    assert found == sorted(found)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Killed at any moment of making wallet after wallet, all that have a name are whole."""
    rounds = kill_while_creating(tmp_path, "time") + 1
    assert all(whole_wallets(tmp_path / str(number)) for number in range(rounds))


# --- reading ----------------------------------------------------------------------------


def test_missing_wallet(keystore: Keystore) -> None:
    """A wallet that is not there has no address, and opening it says how to make it."""
    assert keystore.address("platform") is None
    with pytest.raises(CredentialsError, match="There is no wallet named platform") as caught:
        keystore.unlock("platform", PASSWORD)
    assert "mayhouse wallet new platform" in (caught.value.hint or "")


def test_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """What the system says of an unreadable file is passed on, without a traceback."""
    with pytest.raises(
        CredentialsError, match=r"platform\.json cannot be read: File name too long"
    ):
        Keystore(tmp_path / ("a" * 300)).address("platform")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_not_a_file(keystore: Keystore, written: Path, kind: str) -> None:
    """A folder or a pipe in a keystore's place is an error and does not hold us up."""
    written.unlink()
    written.mkdir(0o700) if kind == "folder" else os.mkfifo(written, 0o600)
    with pytest.raises(CredentialsError, match=r"platform\.json cannot be"):
        keystore.unlock("platform", PASSWORD)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o666])
def test_open_file_is_refused(keystore: Keystore, written: Path, bits: int) -> None:
    """A file that others may read or write is not used; the remedy is spelled out."""
    written.chmod(bits)
    with pytest.raises(CredentialsError, match=r"platform\.json is open to other users") as caught:
        keystore.unlock("platform", PASSWORD)
    assert f"chmod 600 {written}" in (caught.value.hint or "")


def test_foreign_file_is_refused(keystore: Keystore, written: Path) -> None:
    """A file of another user's is not used."""
    if os.geteuid() == 0:
        os.chown(written, 12345, -1)
    else:
        written.unlink()
        written.symlink_to("/etc/passwd")
    with pytest.raises(CredentialsError, match=r"platform\.json belongs to another user") as caught:
        keystore.address("platform")
    assert f"chmod 600 {written}" in (caught.value.hint or "")


def test_wrong_password(keystore: Keystore, written: Path) -> None:
    """A wrong password is told as such, with the file's name."""
    with pytest.raises(CredentialsError) as caught:
        keystore.unlock("platform", "wrong")
    assert caught.value.message == f"The password does not open the keystore {written.name}"


@pytest.mark.parametrize("method", ["create", "unlock"])
def test_empty_password(keystore: Keystore, written: Path, method: str) -> None:
    """An empty password neither closes nor opens anything."""
    name = "other" if method == "create" else written.stem
    with pytest.raises(WrongUsage, match="The password is empty"):
        getattr(keystore, method)(name, "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b" " * 70_000 + b"{}",
        b'{"version": 3}',
        b'{"version": 4, "crypto": {}}',
        b'{"version": 1}',
        b'{"version": 3, "crypto": null}',
    ],
)
def test_damaged_file(keystore: Keystore, written: Path, content: bytes) -> None:
    """What is not a keystore of version 3 is named and nothing worse happens."""
    written.write_bytes(content)
    with pytest.raises(CredentialsError, match=r"platform\.json cannot be used"):
        keystore.unlock("platform", PASSWORD)


def damaged(path: str, value: object) -> dict[str, Any]:
    """The published scrypt keystore with one field changed, or taken out."""
    document: dict[str, Any] = json.loads(json.dumps(VECTOR_SCRYPT))
    *folders, last = path.split(".")
    place = document
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [(f"crypto.{field}", None) for field in VECTOR_SCRYPT["crypto"]]  # type: ignore[attr-defined]
    + [(f"crypto.kdfparams.{field}", None) for field in ("n", "r", "p", "dklen", "salt")]
    + [
        ("crypto.cipher", "aes-128-cbc"),
        ("crypto.cipherparams", {}),
        ("crypto.cipherparams.iv", "83db"),
        ("crypto.ciphertext", "zz" * 32),
        ("crypto.ciphertext", "d172"),
        ("crypto.mac", 5),
        ("crypto.kdf", "argon2"),
        ("crypto.kdf", ["scrypt"]),
        ("crypto.kdfparams.n", 262_143),
        ("crypto.kdfparams.n", 2**40),
        ("crypto.kdfparams.n", -2),
        ("crypto.kdfparams.n", "262144"),
        ("crypto.kdfparams.r", 0),
        ("crypto.kdfparams.p", 10**9),
        ("crypto.kdfparams.dklen", 16),
        ("crypto.kdfparams.salt", "abc"),
        ("address", 5),
        ("address", "0x12"),
    ],
)
def test_damaged_field(keystore: Keystore, written: Path, path: str, value: object) -> None:
    """Every missing, malformed or immoderate field is found without a password."""
    written.write_text(json.dumps(damaged(path, value)))
    with pytest.raises(CredentialsError, match=r"platform\.json cannot be used"):
        keystore.address("platform")


def test_foreign_address_field(keystore: Keystore, written: Path) -> None:
    """A file whose address is not its key's opens for nobody."""
    document = json.loads(written.read_bytes())
    document["address"] = "0x" + "12" * 20
    written.write_text(json.dumps(document))
    with pytest.raises(CredentialsError, match="its address is not that of its key"):
        keystore.unlock("platform", PASSWORD)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(
    path=st.sampled_from(
        ["version", "crypto", "address", "crypto.kdf", "crypto.kdfparams", "crypto.cipherparams"]
        + [f"crypto.{field}" for field in ("cipher", "ciphertext", "mac", "kdfparams.salt")]
        + ["crypto.kdfparams.n", "crypto.kdfparams.dklen", "crypto.cipherparams.iv"]
    ),
    value=json_values.filter(lambda value: value is not None),
)
def test_any_damage_is_told(
    tmp_path_factory: pytest.TempPathFactory, path: str, value: object
) -> None:
    """Whatever stands in a field, an import ends in an error of ours and keeps nothing."""
    folder = tmp_path_factory.mktemp("any")
    source = folder / "source"
    document = damaged("crypto.kdfparams.n", 2)
    *parents, last = path.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    place[last] = value
    source.write_text(json.dumps(document))
    keystore = Keystore(folder / "keystore", FAST)
    with pytest.raises(MayhouseError):
        keystore.add_keystore("platform", source, VECTOR_PASSWORD)
    assert keystore.list() == []


# --- importing --------------------------------------------------------------------------


@pytest.mark.parametrize("document", [VECTOR_SCRYPT, VECTOR_PBKDF2], ids=["scrypt", "pbkdf2"])
def test_published_keystores(keystore: Keystore, tmp_path: Path, document: object) -> None:
    """The definition's own two files are read, and kept with our parameters."""
    source = tmp_path / "source"
    source.write_text(json.dumps(document))
    keystore.add_keystore("platform", source, VECTOR_PASSWORD)
    params = json.loads(keystore.path("platform").read_bytes())["crypto"]["kdfparams"]
    assert (params["n"], params["r"], params["p"]) == (FAST, 8, 1)
    assert keystore.unlock("platform", VECTOR_PASSWORD) == VECTOR_KEY


def test_old_spelling_is_read(keystore: Keystore, written: Path, tmp_path: Path) -> None:
    """Field names in another case, as some tools wrote them, make no difference."""
    document = json.loads(written.read_bytes())
    document["Crypto"] = document.pop("crypto")
    (tmp_path / "source").write_text(json.dumps(document))
    assert keystore.add_keystore("old", tmp_path / "source", PASSWORD) == ADDRESS


def test_import_with_wrong_password(keystore: Keystore, written: Path) -> None:
    """A file that the password does not open is not imported."""
    with pytest.raises(CredentialsError, match="does not open the keystore"):
        keystore.add_keystore("copy", written, "wrong")
    assert not keystore.path("copy").exists()


def test_import_of_missing_file(keystore: Keystore, tmp_path: Path) -> None:
    """A source that is not there is named."""
    with pytest.raises(CredentialsError, match=r"There is no file .*nowhere\.json"):
        keystore.add_keystore("platform", tmp_path / "nowhere.json", PASSWORD)


def test_keystore_without_address(keystore: Keystore, written: Path) -> None:
    """A file that is silent about its address, as cast writes it, opens all the same."""
    document = json.loads(written.read_bytes())
    del document["address"]
    written.write_text(json.dumps(document))
    assert keystore.address("platform") is None
    assert keystore.unlock("platform", PASSWORD) == KEY


@pytest.mark.parametrize("key", [b"", b"\0" * 32, KEY + b"\0", CURVE_ORDER.to_bytes(32, "big")])
def test_what_is_not_a_key_is_not_kept(keystore: Keystore, key: bytes) -> None:
    """Only a number from 1 to n - 1 in 32 bytes is a key."""
    with pytest.raises(CredentialsError, match="not a private key"):
        keystore.add_key("platform", key, PASSWORD)
    assert keystore.list() == []


# --- private keys as text ---------------------------------------------------------------

private_keys = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@unhurried
@given(
    key=private_keys,
    prefix=st.sampled_from(["", "0x"]),
    space=st.sampled_from(["", " ", "\n", "\r\n", "\t "]),
    upper=st.booleans(),
)
def test_every_key_is_read(key: bytes, prefix: str, space: str, upper: bool) -> None:  # noqa: FBT001
    """A key is read with 0x or without, in either case, with space around it."""
    digits = key.hex().upper() if upper else key.hex()
    assert parse_private_key(f"{space}{prefix}{digits}{space}") == key


@unhurried
@given(st.text() | st.text("0123456789abcdefx", min_size=60, max_size=70))
def test_other_text_is_refused(text: str) -> None:
    """Whatever text comes, a key is read exactly or refused as a credential."""
    try:
        key = parse_private_key(text)
    except CredentialsError:
        return
    assert text.strip().removeprefix("0x").lower() == key.hex()


@pytest.mark.parametrize(
    "text",
    [
        *("", "0x", "0" * 64, "f" * 64, f"{CURVE_ORDER:x}", "1" * 63, "1" * 65),
        *("0x0x" + "1" * 62, "1" * 32 + " " + "1" * 31, "٣" * 64),
    ],
)
def test_key_out_of_range_or_shape(text: str) -> None:
    """Zero, n and more, other lengths and other digits are not keys."""
    with pytest.raises(CredentialsError, match="The private key cannot be read"):
        parse_private_key(text)


# --- nothing gets out -------------------------------------------------------------------

CANARY = "canary"
CANARY_KEY = "ca" * 31 + "zz"


def everything_said(error: BaseException | None) -> str:
    """All that an error and those behind it hold, suppressed ones as well."""
    said = ""
    while error is not None:
        said += f"{error!s} {error!r} {error.args!r} {vars(error)!r}"
        assert error.__cause__ is None
        error = error.__context__
    return said


@pytest.mark.parametrize(
    "fail",
    [
        lambda keystore: keystore.unlock("platform", CANARY),
        lambda keystore: keystore.unlock("platform", CANARY + "\ud800"),
        lambda keystore: keystore.unlock("damaged", CANARY),
        lambda keystore: keystore.unlock("undecodable", CANARY),
        lambda keystore: keystore.unlock("missing", CANARY),
        lambda keystore: keystore.create("platform", CANARY),
        lambda keystore: keystore.add_key("other", CANARY.encode(), CANARY),
        lambda keystore: keystore.add_keystore("other", keystore.path("damaged"), CANARY),
        lambda _: parse_private_key(CANARY_KEY),
        lambda _: parse_private_key(CANARY),
    ],
)
def test_no_secret_in_errors(
    keystore: Keystore, written: Path, fail: Callable[[Keystore], object]
) -> None:
    """No password, key or file content is in an error or in those it came from."""
    (written.parent / "damaged.json").write_text(f'{{"version": 3, "{CANARY}": {CANARY}}}')
    (written.parent / "undecodable.json").write_bytes(CANARY.encode() + b"\xff")
    for path in written.parent.iterdir():
        path.chmod(0o600)
    with pytest.raises(MayhouseError) as caught:
        fail(keystore)
    said = everything_said(caught.value)
    assert CANARY not in said
    assert CANARY_KEY not in said


def test_no_password_in_the_file(keystore: Keystore) -> None:
    """Neither the key nor the password can be read in the file."""
    keystore.add_key("platform", KEY, CANARY)
    content = keystore.path("platform").read_text()
    assert CANARY not in content
    assert KEY.hex() not in content


def test_quick_to_import() -> None:
    """Importing the module does not bring the curves along."""
    program = (
        "import sys, mayhouse_cli.keystore; "
        "print([name for name in ('eth_keyfile', 'eth_account', 'web3') if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert finished.stdout == "[]\n"
