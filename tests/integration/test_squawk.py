"""The migrations, read by squawk: nothing in them locks or breaks a live database unawares."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
SQUAWK: Final = Path(sys.executable).parent / "squawk"
CONFIG: Final = ROOT / ".squawk.toml"
FILES: Final = sorted(ROOT.glob("sql/**/*.sql"))


def findings_in(*paths: Path) -> tuple[int, str]:
    """Give squawk's exit code, and what it says of these files."""
    read = subprocess.run(
        [SQUAWK, "--config", CONFIG, "--reporter", "gcc", *paths],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    return read.returncode, read.stdout


def test_squawk_finds_nothing() -> None:
    """Neither in a migration nor in a role, but for what the configuration names."""
    assert {path.parent.name for path in FILES} == {"sql", "roles"}
    assert findings_in(*FILES) == (0, "")


def test_squawk_finds_what_would_lock_a_table(tmp_path: Path) -> None:
    """The configuration has not switched everything off."""
    rewriting = tmp_path / "100_rewrite.sql"
    rewriting.write_text("ALTER TABLE mayhouse.quotes ALTER COLUMN seats TYPE bigint;\n")
    code, said = findings_in(rewriting)
    assert code == 1
    assert "changing-column-type" in said


def test_every_exclusion_has_its_reason() -> None:
    """A comment stands before each rule, or before the group that it ends."""
    config = tomllib.loads(CONFIG.read_text())
    for block in re.findall(r"= \[\n(.*?)\n\]", CONFIG.read_text(), re.DOTALL):
        assert block.lstrip().startswith("#")
    assert config["excluded_paths"] == ["**/003_mayhouse_schema.sql"]
    assert len(config["excluded_rules"]) == 5
