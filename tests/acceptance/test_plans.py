"""Plans and lists as an operator uses them: looked at, filled in, agreed to, refused when moved."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, BINA, PLATFORM, SEED, Mayhouse
from tests.terminal import Terminal

QUESTION = "Sign and send?"
BEGUN = "1"
"""The event that has begun, with bookings 1 (two seats) and 2."""


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """One platform for the whole file, with an event that has begun."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        query(url, "UPDATE users SET full_name = '=cmd()' WHERE username = 't2'")
        query(url, "UPDATE users SET email = 'one@example.org' WHERE username = 't1'")
        platform = Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
        platform.create_event()
        platform.book(BEGUN, ASHA, 2)
        platform.book(BEGUN, BINA)
        platform.warp(90_000)
        yield platform
    node_process.revert(snapshot)


@pytest.fixture
def untouched(platform: Mayhouse) -> Iterator[Mayhouse]:
    """The platform, from which the test must send nothing."""
    before = platform.transactions_sent()
    yield platform
    assert platform.transactions_sent() == before


def planned(platform: Mayhouse) -> str:
    """The hash of a plan: booking 1 came, and 2 did not."""
    words = ("event", "complete", BEGUN, "--attended", "1", "--plan")
    plan_hash: str = platform.json(*words).data["plan_hash"]
    return plan_hash


def set_fee(platform: Mayhouse, percent: int) -> None:
    """Have the owner change the platform's fee behind the tool's back."""
    selector = keccak(text="updatePlatformFee(uint256)")[:4].hex()
    call = {"from": PLATFORM, "to": platform.contract, "data": f"0x{selector}{percent:064x}"}
    platform.node.transact(call)


def in_one_space(text: str) -> list[str]:
    """Lines with their columns set apart by one space."""
    return [" ".join(line.split()) for line in text.splitlines()]


# --- what is shown ----------------------------------------------------------------------


def test_a_plan_shows_who_gets_and_who_loses_what(untouched: Mayhouse) -> None:
    """Every payee, every no-show, the host, the fee and the gas, in ETH and rupees."""
    run = untouched.run("event", "complete", BEGUN, "--attended", "1", "--plan")
    shown = in_one_space(run.out)
    assert "booking 1 Traveler One 2 seats stake back 0.005000 ETH ₹1,000.00" in shown
    assert "no-show: booking 2, =cmd(), loses 0.002500 ETH" in shown
    assert "host Asha Host revenue - 5 % 0.035625 ETH ₹7,125.00" in shown
    assert "platform fee 0.001875 ETH ₹375.00" in shown
    assert "host stake, advanced by us returned 0.010000 ETH ₹2,000.00" in shown
    assert any(line.startswith("gas at most 0.") for line in shown)


def test_event_show_names_its_columns(untouched: Mayhouse) -> None:
    """Transactions stand under headers, by the ids that `tx show` takes."""
    run = untouched.run("event", "show", BEGUN)
    assert "transaction kind status hash" in in_one_space(run.out)


# --- lists ------------------------------------------------------------------------------


def test_a_template_is_filled_in_and_read_back(untouched: Mayhouse) -> None:
    """What comes out goes in, with a name that a spreadsheet would have run as a formula."""
    template = untouched.run("event", "complete", BEGUN, "--attendance-template")
    rows = [*csv.DictReader(io.StringIO(template.out))]
    assert [row["traveler"] for row in rows] == ["Traveler One", "'=cmd()"]
    filled = io.StringIO()
    writer = csv.DictWriter(filled, list(rows[0]), delimiter=";")
    writer.writeheader()
    for row, answer in zip(rows, ("yes", "no"), strict=True):
        writer.writerow({**row, "attended": answer})
    (untouched.folder / "filled.csv").write_bytes(filled.getvalue().encode("utf-16"))
    words = ("event", "complete", BEGUN, "--attendance", "filled.csv", "--dry-run")
    data = untouched.json(*words).data
    assert [one["chain_booking_id"] for one in data["attended"]] == [1]
    assert [one["chain_booking_id"] for one in data["no_show"]] == [2]


def test_a_template_goes_into_a_new_file(untouched: Mayhouse) -> None:
    """Its document tells whom it holds."""
    words = ("event", "complete", BEGUN, "--attendance-template", "new.csv")
    data = untouched.json(*words).data
    assert (data["file"], len(data["bookings"])) == ("new.csv", 2)
    assert Path(untouched.folder / "new.csv").exists()


def test_a_file_without_the_option_is_wrong_usage(untouched: Mayhouse) -> None:
    """Somebody meant --attendance."""
    run = untouched.json("event", "complete", BEGUN, "list.csv", "-y")
    assert (run.code, run.error["code"]) == (2, "usage")


def test_a_bad_list_is_told_by_its_lines_and_nothing_is_sent(untouched: Mayhouse) -> None:
    """Everything that is wrong at once, and exit 6."""
    (untouched.folder / "bad.csv").write_text(
        "booking,email,attended\n,One@example.org,1 of 2\n99,,yes\n"
    )
    run = untouched.json("event", "complete", BEGUN, "--attendance", "bad.csv", "-y")
    assert run.code == 6
    assert run.error["details"]["problems"] == [
        'line 2: "1 of 2" counts seats: decide yes or no for the whole booking',
        "line 3: 99 is not an active booking of event 1",
        "not in the list: booking 2 (=cmd())",
    ]


# --- consent and what has moved ---------------------------------------------------------


def test_executing_at_a_terminal_shows_the_plan_and_asks(untouched: Mayhouse) -> None:
    """A hash from the shell's history signs nothing by itself."""
    words = ("event", "complete", BEGUN, "--execute", planned(untouched))
    with Terminal(*words, env=untouched.environment, cwd=untouched.folder) as terminal:
        shown = in_one_space(terminal.expect(QUESTION))
        terminal.type("n")
        assert terminal.finish() == 4
    assert any(f"from {PLATFORM}" in line for line in shown)
    assert any(line.startswith("booking 1 Traveler One 2 seats stake back") for line in shown)


def test_a_plan_is_refused_after_the_fee_changed(platform: Mayhouse) -> None:
    """The host would get another payout than was looked at."""
    plan_hash = planned(platform)
    set_fee(platform, 6)
    sent = platform.transactions_sent()
    run = platform.json("event", "complete", BEGUN, "--execute", plan_hash)
    assert (run.code, run.error["details"]["moved"]) == (6, ["fee_percent"])
    assert platform.transactions_sent() == sent
    set_fee(platform, 5)


def test_a_plan_is_executed_by_the_beginning_of_its_hash(platform: Mayhouse) -> None:
    """With --yes a terminal is not asked; run again, it says that it was done before."""
    words = ("event", "complete", BEGUN, "--execute", planned(platform)[:8])
    with Terminal(*words, "-y", env=platform.environment, cwd=platform.folder) as terminal:
        assert terminal.finish() == 0
    assert QUESTION not in terminal.seen
    assert "✓ Completed in block" in terminal.seen
    again = platform.run("event", "complete", BEGUN, "--attended", "1", "-y")
    assert "✓ Completed already in block" in again.out


def test_a_plan_is_refused_after_a_reorg_moved_the_creation(mayhouse: Mayhouse) -> None:
    """The event stands there as before, in another block: its number could be another's."""
    number = str(mayhouse.create_event()["chain_event_id"])
    plan = mayhouse.json("event", "cancel", number, "--reason", "rain", "--plan").data
    (row,) = mayhouse.rows("SELECT raw FROM mayhouse.attempts")
    mayhouse.node.reorg(1, "0x" + bytes(row["raw"]).hex())
    sent = mayhouse.transactions_sent()
    run = mayhouse.json("event", "cancel", number, "--execute", plan["plan_hash"])
    assert run.code == 6
    assert "created_in" in run.error["details"]["moved"]
    assert mayhouse.transactions_sent() == sent


def test_a_plan_is_refused_after_a_reorg_undid_the_creation(mayhouse: Mayhouse) -> None:
    """The number is nobody's now, and nothing is sent."""
    number = str(mayhouse.create_event()["chain_event_id"])
    mayhouse.warp(90_000)
    words = ("event", "complete", number, "--nobody-attended", "--plan")
    plan = mayhouse.json(*words).data
    mayhouse.node.reorg(2)
    sent = mayhouse.transactions_sent()
    run = mayhouse.json("event", "complete", number, "--execute", plan["plan_hash"])
    assert (run.code, mayhouse.transactions_sent()) == (6, sent)
