"""Writes constraints.txt: of every package of a release its version and its files' checksums.

pip is asked, through its own report, what it would install for each platform and Python that the
project is for; nothing is installed. Names, versions and checksums are kept, and no address.
Run it with `make constraints`, after a change of the dependencies.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
TARGET: Final = ROOT / "constraints.txt"
EXTRA: Final = "sandbox"
PYTHONS: Final = ("3.11", "3.12", "3.13")
# By platform the tags that pip is to take wheels for, newest first.
PLATFORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Linux x86_64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "Linux aarch64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    "macOS arm64": ("macosx_14_0_arm64", "macosx_11_0_arm64"),
}
HEADER: Final = """\
# What a release was tested with: `pip install --require-hashes -r constraints.txt`, and then
# `pip install --no-deps mayhouse`. Written by `make constraints`, for {platforms},
# on Python {pythons}. docs/dependencies.md tells more.
"""
Versions = dict[str, str]
Checksums = defaultdict[str, set[str]]


def main() -> None:
    """Ask pip for this machine's versions, and hold the other platforms to them."""
    versions: Versions = {}
    checksums: Checksums = defaultdict(set)
    wanted = f"{ROOT}[{EXTRA}]"
    _take(_resolve([wanted]), versions, checksums)
    pins = [f"{name}=={version}" for name, version in sorted(versions.items())]
    for python in PYTHONS:
        for platform, tags in PLATFORMS.items():
            report = _resolve([*pins, *_elsewhere(python, tags)])
            if report is None:
                sys.exit(f"These versions have no wheels for {platform} on Python {python}")
            _take(report, versions, checksums)
    TARGET.write_text(_text(versions, checksums), encoding="utf-8")


def _elsewhere(python: str, tags: Iterable[str]) -> list[str]:
    """Have pip choose files for another machine; without sources, which it could not build."""
    words = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    return [*words, *(f"--platform={tag}" for tag in tags), f"--target={tempfile.gettempdir()}"]


def _resolve(words: list[str]) -> Mapping[str, Any] | None:
    """Give pip's report of what it would install, or None when it finds nothing that fits."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    asked = subprocess.run(  # noqa: S603 pip, with words of our own
        [*pip, "--report", "-", *words], stdout=subprocess.PIPE, check=False
    )
    if asked.returncode != 0:
        return None
    report: Mapping[str, Any] = json.loads(asked.stdout)
    return report


def _take(report: Mapping[str, Any] | None, versions: Versions, checksums: Checksums) -> None:
    if report is None:
        sys.exit("pip finds no versions that fit together; its own words are above")
    for one in report["install"]:
        name = one["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
        if name == "mayhouse":
            continue
        version = one["metadata"]["version"]
        if versions.setdefault(name, version) != version:
            sys.exit(f"{name} is {versions[name]} here and {version} elsewhere")
        checksums[name].add(one["download_info"]["archive_info"]["hashes"]["sha256"])


def _text(versions: Versions, checksums: Checksums) -> str:
    lines = [HEADER.format(platforms=", ".join(PLATFORMS), pythons=", ".join(PYTHONS))]
    for name, version in sorted(versions.items()):
        found = [f"--hash=sha256:{checksum}" for checksum in sorted(checksums[name])]
        lines.append(" \\\n    ".join([f"{name}=={version}", *found]) + "\n")
    return "".join(lines)


if __name__ == "__main__":
    main()
