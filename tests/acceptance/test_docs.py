"""Every shell block of README.md and docs/ runs, in order, as a reader types it.

A document is one session of bash, in a folder that looks like a checkout, with a home of its own.
README.md gets nothing more: its tour makes its own sandbox. docs/getting-started.md gets the node,
contract and database of a sandbox in the variables, which go before the file that it writes. Where
a person does something on somebody's page, a comment in the document names what is done on the
sandbox instead (`STAND_INS`). docs/operations.md has tests of its own.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import psycopg

from mayhouse_cli.sandbox.postgres_programs import find_binaries
from tests.database_server import query
from tests.documents import DOCUMENTS, ROOT, steps
from tests.mayhouse import ASHA, EXPERIENCE_ID, SCRIPT, SEED
from tests.sandbox_folder import SandboxFolder

TOUR: Final = ROOT / "README.md"
FIRST_EVENT: Final = ROOT / "docs/getting-started.md"
CAST: Final = next((ROOT / "tools/node_modules/@foundry-rs").glob("cast-*/bin/cast"), Path("cast"))
STAND_INS: Final = {
    "fund": f'"{CAST}" rpc --rpc-url "$BLOCKCHAIN_RPC_URL" anvil_setBalance '
    '"$(mayhouse wallet show --json | jq -r .data.address)" 0x6f05b59d3b20000',  # 0.5 ETH
    "wait": "mayhouse sandbox warp 16m",
}
OPERATOR: Final = "mayhouse_operator"


class Reader:
    """Somebody with a checkout, a home and a shell, beside a sandbox that need not be up."""

    def __init__(self, sandbox: SandboxFolder) -> None:
        """Make the checkout: links to what documents name."""
        self.sandbox = sandbox
        self.checkout = sandbox.home / "checkout"
        self.checkout.mkdir()
        for name in ("docs", "sql", "config.example.toml"):
            (self.checkout / name).symlink_to(ROOT / name)
        (self.checkout / ".venv").symlink_to(sys.prefix)

    def read(self, document: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Type every block of a document in one session; the first failure ends it."""
        script = "set -euo pipefail\n"
        for step in steps(document):
            script += f"echo '{document.name}, line {step.line}' >&2\n"
            script += step.script or f"{STAND_INS[step.stand_in]}\n"
        environment = self.sandbox.environment(**variables)
        if "MAYHOUSE_SANDBOX" not in variables:
            del environment["MAYHOUSE_SANDBOX"]
        environment["PATH"] = f"{SCRIPT.parent}:{find_binaries()}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def test_the_tour_goes_from_nothing_to_a_paid_event() -> None:
    """A stranger with the README alone: created, booked, completed, settled, paid."""
    with SandboxFolder("checkout/tour") as sandbox:
        told = Reader(sandbox).read(TOUR)
        assert told.returncode == 0, told.stderr
        for shown in ("Event 1 created in block", "to pay", "Booking 2 made in block",
                      "Completed in block", "2 paid", "all as recorded", "Stopped"):  # fmt: skip
            assert shown in told.stdout, told.stdout


def test_getting_started_makes_its_first_event() -> None:
    """From a new wallet and the platform's own tables, under the role with the least rights."""
    with SandboxFolder() as sandbox:
        status = sandbox.run("sandbox", "up", "--json").data
        owner = platform_database(status["database_url"])
        told = Reader(sandbox).read(
            FIRST_EVENT,
            MAYHOUSE_SANDBOX=str(sandbox.folder),
            BLOCKCHAIN_RPC_URL=status["rpc_url"],
            CHAIN_ID="31337",
            CONTRACT_ADDRESS=status["contract_address"],
            MIGRATION_DATABASE_URL=owner,
            DATABASE_URL=owner.replace("//postgres@", f"//{OPERATOR}@"),
            EXPERIENCE=EXPERIENCE_ID,
            TRAVELER=ASHA,
        )
        assert told.returncode == 0, told.stderr
        assert "Completed in block" in told.stdout
        (row,) = query(owner, "SELECT status, blockchain_status FROM event_runs")
        assert row == ("completed", "confirmed")


def platform_database(url: str) -> str:
    """A database beside the sandbox's with the platform's own tables and rows, and no more."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE platform")
    platform = url.replace("@/postgres?", "@/platform?")
    tables = (ROOT / "sql/001_platform_tables.sql").read_text(encoding="utf-8")
    query(platform, tables, SEED)
    return platform


def test_no_other_page_has_shell_blocks() -> None:
    """One that gets some needs a session here; what cannot run here is not a shell block."""
    apart = (TOUR, FIRST_EVENT, ROOT / "docs/operations.md")
    assert [path.name for path in DOCUMENTS if path not in apart and steps(path)] == []


def test_every_stand_in_is_used() -> None:
    """One that no document names is a rule about nothing."""
    named = {step.stand_in for path in DOCUMENTS for step in steps(path)} - {""}
    assert named == set(STAND_INS)
