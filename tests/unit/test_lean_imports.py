"""The lean load of web3 and eth_account: what it saves, what it never hides, how it gives up."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, new_class
from typing import Any, Final

import pytest

from mayhouse_cli.chain.lean_imports import StandIn, StandInModule, load_lean
from mayhouse_cli.errors import Interrupted

# Two libraries of the test's own: one that is wanted, and a large one that it names.
LARGE: Final = """
LIMIT = 7

class Point:
    def __init__(self, x):
        self.x = x

def double(number):
    return 2 * number
"""
WANTED: Final = """
import large_one
from large_one import LIMIT, Point, double, part

def annotated(point: Point | None = None) -> "None | Point": ...
"""
CHAIN: Final = "from mayhouse_cli.chain import client, signer"
# Loaded by the real libraries alone: a stand-in has nothing below it.
HEAVY: Final = ("py_ecc", "aiohttp.connector", "websockets.frames")
# web3 fails once, as it may when a new version does something else while it loads.
CHANGED_ONCE: Final = """
import sys
class Changed:
    def find_spec(self, name, path=None, target=None):
        if name == "web3.providers.rpc.utils":
            sys.meta_path.remove(self)
            raise AttributeError("there is no such name any more")
sys.meta_path.insert(0, Changed())
"""
SIGNED: Final = """
from mayhouse_cli.chain import contract
from mayhouse_cli.chain.signer import LocalSigner, decode_payload, recover_sender
from mayhouse_cli.models import Fees, Payload, parse_address
from mayhouse_cli.money import Wei
to = parse_address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
fees = Fees(210_000, Wei(3_000_000_000), Wei(1_000_000_000))
payload = Payload(11155111, 7, to, Wei(123456789), bytes.fromhex("b3de648b"), fees)
signed = LocalSigner(bytes([1] * 32)).sign(payload)
cost = "0x" + "".join(f"{number:064x}" for number in (25, 5, 30))
print(signed.raw.hex(), recover_sender(signed.raw), decode_payload(signed.raw) == payload)
print(contract.decode_result("calculateBookingCost", cost))
"""


def said(script: str) -> str:
    """What a Python process of its own prints, warnings being errors in it."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def names_of_heavy(script: str) -> set[str]:
    """Which of the heavy modules a process has after this script."""
    loaded = said(f"{script}\nimport sys\nprint('\\n'.join(sys.modules))").splitlines()
    assert "web3" in loaded
    return set(HEAVY).intersection(loaded)


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of libraries that can be imported for one test, and are forgotten after it."""
    write(tmp_path, large_one=LARGE, wanted_one=WANTED)
    (tmp_path / "large_one").mkdir()
    (tmp_path / "large_one.py").rename(tmp_path / "large_one" / "__init__.py")
    write(tmp_path / "large_one", part="DEPTH = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("large_one", "large_one.part", "wanted_one"):
        sys.modules.pop(name, None)


def write(folder: Path, **modules: str) -> None:
    """Write modules of these names."""
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


def lean() -> bool:
    """Load the wanted library without the large one."""
    return load_lean(("wanted_one",), ("large_one",))


@pytest.fixture
def wanted(libraries: Path) -> ModuleType:
    """The wanted library, loaded lean."""
    _ = libraries
    assert lean()
    return importlib.import_module("wanted_one")


# --- with web3 and eth_account ---


def test_the_chain_loads_none_of_the_heavy_libraries() -> None:
    """Half of web3's start-up is for what this tool never does."""
    assert names_of_heavy(CHAIN) == set()


def test_no_stand_in_can_be_imported_afterwards() -> None:
    """Whoever imports such a library later gets the library."""
    found = said(
        f"{CHAIN}\nimport sys\nfrom mayhouse_cli.chain.lean_imports import StandInModule\n"
        "print([n for n, m in sys.modules.items() if isinstance(m, StandInModule)])\n"
        "from eth_keyfile import keyfile\nprint(keyfile.curve_order > 0)"
    )
    assert found.splitlines() == ["[]", "True"]


def test_a_changed_web3_is_loaded_whole() -> None:
    """The lean load fails open: everything is there, just more slowly."""
    assert names_of_heavy(f"{CHANGED_ONCE}\n{CHAIN}\n{SIGNED}") == set(HEAVY)


def test_signing_and_decoding_do_not_depend_on_the_lean_load() -> None:
    """The same bytes are signed, and the same answers read, as with the whole libraries."""
    assert said(SIGNED) == said(f"import web3, eth_account\n{SIGNED}")


def test_eth_accounts_own_keystores_work_after_the_lean_load() -> None:
    """They are what the stand-ins are for: touched, they load eth_keyfile and its tables."""
    told = said(
        f"{CHAIN}\nimport sys\nfrom eth_account import Account\n"
        "kept = Account.encrypt(bytes([1] * 32), 'password', iterations=2)\n"
        "print(Account.decrypt(kept, 'password').hex(), 'py_ecc' in sys.modules)"
    )
    assert told == f"{'01' * 32} True"


def test_keys_are_used_by_the_library_that_takes_the_same_time_for_each() -> None:
    """eth-keys falls back to Python without a word when coincurve is not installed."""
    told = said(
        f"{CHAIN}\nfrom eth_keys.backends import get_backend\nprint(type(get_backend()).__name__)"
    )
    assert told == "CoinCurveECCBackend"


# --- a stand-in that is touched ---


def test_a_stand_in_is_named_in_an_annotation_without_being_loaded(
    wanted: ModuleType,
) -> None:
    """That is all that most of them are taken for."""
    assert isinstance(wanted.Point, StandIn)
    assert "large_one" not in sys.modules


def test_a_stand_in_that_is_called_calls_the_real_thing(wanted: ModuleType) -> None:
    """A function gives its result, a class its instance."""
    assert wanted.double(21) == 42
    assert wanted.Point(5).x == 5


def test_a_stand_in_answers_whether_something_is_an_instance(wanted: ModuleType) -> None:
    """A silent no would send the library another way."""
    point = importlib.import_module("large_one").Point(1)
    assert isinstance(point, wanted.Point)
    assert not isinstance(1, wanted.Point)
    assert issubclass(type(point), wanted.Point)


def test_a_stand_in_can_be_subclassed(wanted: ModuleType) -> None:
    """The class stands below the real one."""
    nearer = new_class("Nearer", (wanted.Point,))
    assert nearer.__mro__[1] is importlib.import_module("large_one").Point


def test_a_stand_in_for_a_constant_equals_it(wanted: ModuleType) -> None:
    """Python would compare identities, and truth would be given, without a word."""
    assert wanted.LIMIT == 7
    assert wanted.LIMIT
    assert wanted.LIMIT != 8


def test_what_a_stand_in_cannot_do_it_refuses(wanted: ModuleType) -> None:
    """Nothing is guessed."""
    with pytest.raises(TypeError):
        _ = wanted.LIMIT + 1


def test_a_stand_in_catches_nothing_without_saying_so(wanted: ModuleType) -> None:
    """An `except` that names one is an error of its own, not a failure that passes by."""

    def fail_and_catch() -> None:
        try:
            raise ValueError
        except wanted.Point:
            pass

    with pytest.raises(TypeError, match="BaseException"):
        fail_and_catch()


def test_a_stand_in_for_a_module_passes_on_to_it(wanted: ModuleType) -> None:
    """Taken as a name or as a whole, and with what is below it."""
    assert isinstance(wanted.large_one, StandInModule)
    assert wanted.large_one.double(4) == 8
    assert wanted.part.DEPTH == 3


def test_a_stand_in_for_nothing_says_so(libraries: Path) -> None:
    """A library that is not installed is missed when it is needed, and named."""
    write(libraries, wanted_one="from missing_one import anything")
    assert load_lean(("wanted_one",), ("missing_one",))
    taken = importlib.import_module("wanted_one").anything
    with pytest.raises(ModuleNotFoundError, match="missing_one"):
        taken()


# --- when it does not work ---


@pytest.mark.parametrize(
    "use",
    [
        "VALUE = double(2)",
        "class Nearer(Point): ...",
        "IS_LARGE = LIMIT == 7",
        "from large_one import *; VALUE = double(2)",
    ],
)
def test_a_library_that_needs_the_other_at_once_is_loaded_with_it(
    use: str, libraries: Path
) -> None:
    """The lean load ends, leaves nothing, and the ordinary import works."""
    write(libraries, wanted_one=f"from large_one import LIMIT, Point, double\n{use}\n")
    assert not lean()
    assert not {"large_one", "wanted_one"}.intersection(sys.modules)
    assert importlib.import_module("wanted_one").double(3) == 6


def test_what_was_half_loaded_is_forgotten(libraries: Path) -> None:
    """A package's modules do not outlive the package that failed."""
    package = libraries / "halved"
    package.mkdir()
    write(package, __init__="import halved.fine\nimport halved.failing\n", fine="", failing="1 / 0")
    assert not load_lean(("halved",), ("large_one",))
    assert not [name for name in sys.modules if name.startswith("halved")]


def test_a_library_that_is_there_already_stays(libraries: Path) -> None:
    """No stand-in takes the place of the real thing."""
    _ = libraries
    large = importlib.import_module("large_one")
    assert lean()
    assert importlib.import_module("wanted_one").Point is large.Point
    assert sys.modules["large_one"] is large


def test_a_signal_while_loading_ends_the_command(
    libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failure of the load, and nothing of the finder is left."""
    write(libraries, wanted_one="import signalled\nsignalled.interrupt()")
    signalled: Any = ModuleType("signalled")

    def interrupt() -> None:
        raise Interrupted("Interrupted.", hint="")

    signalled.interrupt = interrupt
    monkeypatch.setitem(sys.modules, "signalled", signalled)
    finders = list(sys.meta_path)
    with pytest.raises(Interrupted):
        lean()
    assert sys.meta_path == finders
    assert "wanted_one" not in sys.modules
