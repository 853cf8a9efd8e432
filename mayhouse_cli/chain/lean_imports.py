"""Loads web3 and eth_account without what they bring along and this tool never reaches.

Most of their start-up is pairing tables for validators' keystores (py_ecc, through eth_keyfile),
clients for asynchronous HTTP and websockets, and all of web3 that is not its HTTP provider. Both
libraries only name these while they are loaded, so for that time a finder answers for them with
stand-ins:

- a stand-in that is touched afterwards loads the real thing and passes on to it;
- one that is touched while loading goes on ends the lean load: what it left is dropped, and the
  ordinary imports of this package load everything, just more slowly. So does any other failure.

Afterwards no stand-in is left in `sys.modules`: whoever imports such a library gets it.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from mayhouse_cli.errors import MayhouseError

LOADED: Final = ("web3",)
NEVER_REACHED: Final = (
    "aiohttp",
    "ens",
    "eth_account",  # web3 names it; who signs loads it by itself
    "eth_keyfile",
    "web3.main",
    "web3.middleware",
    "web3.providers.async_base",
    "web3.providers.auto",
    "web3.providers.eth_tester",
    "web3.providers.ipc",
    "web3.providers.legacy_websocket",
    "web3.providers.persistent",
    "web3.providers.rpc.async_rpc",
    "web3.utils.abi",
    "web3.utils.async_exception_handling",
    "web3.utils.exception_handling",
    "web3.utils.subscriptions",
    "websockets",
)
# web3's own second package goes with it when a load that failed is undone.
_UNDONE_TOGETHER: Final = frozenset({"ens"})


class TouchedTooEarly(Exception):
    """A library does more while it loads than to name what it may need later."""


class StandIn:
    """One name taken from a library that was not loaded; becomes the real thing when touched."""

    def __init__(self, module: str, name: str, finder: "NeverReached") -> None:
        self._place = (module, name)
        self._finder = finder

    def real(self) -> Any:
        """Load the library; TouchedTooEarly while the lean load goes on."""
        module, name = self._place
        return getattr(self._finder.load(module, name), name)

    def __repr__(self) -> str:
        return f"<stand-in for {'.'.join(self._place)}>"

    def __getattr__(self, name: str) -> Any:
        # Python itself looks for special names, as it does when it reads an annotation.
        if self._finder.is_active and _is_special(name):
            raise AttributeError(name)
        return getattr(self.real(), name)

    def __or__(self, other: object) -> "StandIn":
        """Be part of an annotation, `Name | None`."""
        return self

    def __getitem__(self, item: Any) -> Any:
        """Be part of an annotation, `Name[item]`."""
        return self if self._finder.is_active else self.real()[item]

    __ror__ = __or__
    __hash__ = object.__hash__

    # Python answers these itself where a class does not. All else, being named by an `except`
    # included, it refuses with a TypeError.

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self.real()(*values, **named)

    def __eq__(self, other: object) -> bool:
        return bool(self.real() == other)

    def __bool__(self) -> bool:
        return bool(self.real())

    def __instancecheck__(self, one: object) -> bool:
        return isinstance(one, self.real())

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, self.real())

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[Any, ...]:
        return (self.real(),)


class StandInModule(ModuleType):
    """A module of such a library."""

    finder: "NeverReached"

    def __getattr__(self, name: str) -> Any:
        if not self.finder.is_active:
            return getattr(self.finder.load(self.__name__, name), name)
        if _is_special(name):
            raise AttributeError(name)
        return StandIn(self.__name__, name, self.finder)


class NeverReached(MetaPathFinder, Loader):
    """Finds a stand-in for each module of the libraries that are not loaded yet.

    A library may be a part of another one, named with its dots.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        """Answer for these; one that is there already stays as it is."""
        self._libraries = frozenset(libraries).difference(sys.modules)
        self.is_active = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Know the libraries' modules, all as packages: what is below them is unknown."""
        _ = path, target
        known = any(f"{fullname}.".startswith(f"{one}.") for one in self._libraries)
        return ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make the stand-in."""
        module = StandInModule(spec.name)
        module.finder = self
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""

    def load(self, module: str, name: str) -> ModuleType:
        """Load the real module, and `name` too where that is a module below it."""
        if self.is_active:
            raise TouchedTooEarly(f"{module}.{name}")
        loaded = importlib.import_module(module)
        if not hasattr(loaded, name):
            with suppress(ModuleNotFoundError):
                importlib.import_module(f"{module}.{name}")
        return loaded

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer inside; nothing of it can be imported afterwards."""
        sys.meta_path.insert(0, self)
        self.is_active = True
        try:
            yield
        finally:
            self.is_active = False
            sys.meta_path.remove(self)
            for name, module in list(sys.modules.items()):
                if isinstance(module, StandInModule):
                    del sys.modules[name]


def load_lean(
    modules: Sequence[str] = LOADED, never_reached: Sequence[str] = NEVER_REACHED
) -> bool:
    """Load these modules without those libraries; False, and nothing done, when that fails."""
    before = frozenset(sys.modules)
    done = False
    try:
        with NeverReached(never_reached).answering():
            for module in modules:
                importlib.import_module(module)
        done = True
    except MayhouseError:  # a signal: it ends the command
        raise
    except Exception:  # noqa: BLE001 the ordinary import tells better what is wrong, if it is
        return False
    finally:
        if not done:
            _drop_half_loaded(before, modules)
    return True


def _drop_half_loaded(before: frozenset[str], modules: Sequence[str]) -> None:
    """Forget what holds stand-ins or was left without its package; the rest is whole."""
    packages = _UNDONE_TOGETHER.union(modules)
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in packages:
            del sys.modules[name]


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
