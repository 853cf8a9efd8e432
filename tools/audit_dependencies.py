"""Asks a public service for known vulnerabilities of what constraints.txt names.

Exit 0: none known. 1: some, which are listed. 2: nothing was checked, as the service or pip-audit
itself could not be reached. Run it with `make audit-dependencies`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

CONSTRAINTS: Final = Path(__file__).parent.parent / "constraints.txt"
NOT_CHECKED: Final = 2


def main() -> int:
    """Audit, and tell apart what was found from what could not be looked up."""
    words = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
    asked = subprocess.run(  # noqa: S603 a program of this environment, no shell
        [Path(sys.executable).parent / "pip-audit", *words, "-r", CONSTRAINTS],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    try:
        audited: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (asked.stderr.strip().splitlines() or ["it says nothing"])[-1]
        print(f"Nothing was checked: the vulnerability service cannot be reached ({last[:200]})")
        return NOT_CHECKED
    if all("skip_reason" in one for one in audited):
        print("Nothing was checked: the vulnerability service cannot be reached, or knows nothing")
        return NOT_CHECKED
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in audited if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in audited
        for flaw in one.get("vulns", [])
    ]
    for line in (*found, *(f"not checked: {one}" for one in skipped)):
        print(line)
    print(f"{len(audited) - len(skipped)} packages checked, {len(found)} known vulnerabilities")
    return 1 if found else NOT_CHECKED if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
