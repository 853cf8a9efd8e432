"""constraints.txt, which a release is installed by, fits what pyproject.toml allows."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent.parent.parent
TEXT: Final = (ROOT / "constraints.txt").read_text(encoding="utf-8")
ENTRY: Final = re.compile(
    r"^([a-z0-9-]+)==([^\s\\]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)
PINNED: Final = {name: version for name, version, _ in ENTRY.findall(TEXT)}
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED: Final = [
    Requirement(text)
    for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["sandbox"])
]


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_each_dependency_is_pinned_within_its_bounds(needed: Requirement) -> None:
    """`make constraints` follows every change of pyproject.toml."""
    assert needed.specifier.contains(PINNED[canonicalize_name(needed.name)])


@pytest.mark.parametrize(
    "needed",
    [Requirement(text) for text in (*PROJECT["dependencies"],)],
    ids=lambda needed: needed.name,
)
def test_each_dependency_has_an_upper_bound(needed: Requirement) -> None:
    """A version that nobody has tried is not installed by itself."""
    assert any(one.operator in ("<", "<=", "==", "~=") for one in needed.specifier)


def test_the_file_holds_names_versions_and_checksums_alone() -> None:
    """No address: where packages come from is the installer's own choice."""
    rest = ENTRY.sub("", TEXT)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []
    assert "://" not in TEXT
    assert "@" not in TEXT


def test_every_direct_dependency_is_explained() -> None:
    """docs/dependencies.md says of each what it is for."""
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    packages = [Requirement(text).name for text in PROJECT["optional-dependencies"]["dev"]]
    named = [needed.name for needed in NEEDED] + [name for name in packages if name != "mayhouse"]
    assert [name for name in named if f"`{name}`" not in explained] == []
