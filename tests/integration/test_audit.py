"""The audit: what the escrow holds and is made of, and everything that a night should not hide."""

from collections.abc import Iterator
from typing import Final

import pytest

from mayhouse_cli.money import Wei
from mayhouse_cli.operations.audit import Audit
from tests.chain_node import ChainNode
from tests.compared import OPEN, STRANGER, Compared, built, cloned
from tests.database_server import DatabaseServer
from tests.mayhouse import CHITRA, EXPERIENCE_ID, PLATFORM

SEAT: Final = 12_500_000_000_000_000
STAKE: Final = SEAT // 5
# Of the open event: the host's stake for four seats, and two bookings of one seat each.
OWED: Final = 4 * STAKE + 2 * (SEAT + STAKE)
FEE: Final = 3 * SEAT * 5 // 100  # of the completed event's three seats
FORFEIT: Final = STAKE  # one of them did not come
DAY: Final = 86_400


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Compared]:
    """One platform for the whole file; nothing changes its database."""
    folder = tmp_path_factory.mktemp("compared")
    with built(node_process, contract, database_server, folder) as platform:
        yield platform


@pytest.fixture
def compared(platform: Compared, database_server: DatabaseServer) -> Iterator[Compared]:
    """The platform on a database of the test's own, its chain put back afterwards."""
    snapshot = platform.mayhouse.node.snapshot()
    with cloned(platform, database_server) as compared:
        yield compared
    platform.mayhouse.node.revert(snapshot)


def codes(audit: Audit) -> list[str]:
    """What fails the check."""
    return [one.code for one in audit.alarms]


# --- the escrow -----------------------------------------------------------------------------


def test_the_escrow_is_told_to_the_wei(compared: Compared) -> None:
    """Liabilities of the open event alone; the surplus is its fee and the forfeited stake."""
    audit = compared.audit()
    escrow = audit.escrow
    assert (escrow.balance_wei, escrow.liabilities_wei) == (OWED + FEE + FORFEIT, OWED)
    assert (escrow.fees_earned_wei, escrow.forfeits_wei) == (FEE, FORFEIT)
    assert (escrow.surplus_wei, escrow.unattributed_wei) == (FEE + FORFEIT, 0)
    assert (escrow.foreign_liabilities_wei, audit.findings) == (0, ())
    assert (audit.events_checked, audit.bookings_checked) == (3, 5)


def test_plain_ether_is_unattributed(compared: Compared) -> None:
    """It leaves no trace of its own, and is no finding."""
    sent = {"from": STRANGER, "to": compared.mayhouse.contract, "value": hex(777)}
    compared.mayhouse.node.transact(sent)
    audit = compared.audit()
    assert (audit.escrow.unattributed_wei, audit.findings) == (777, ())


def test_a_drained_escrow_is_an_alarm_with_the_shortfall(compared: Compared) -> None:
    """Exactly what is missing; what the surplus was made of can no longer be told."""
    compared.contract.do("emergencyWithdraw()", sender=PLATFORM)
    audit = compared.audit()
    (finding,) = audit.alarms
    assert finding.code == "escrow_short"
    assert finding.detail.startswith(f"{OWED} wei are missing")
    assert (audit.escrow.shortfall_wei, audit.escrow.surplus_wei) == (OWED, Wei(-OWED))
    assert audit.escrow.unattributed_wei is None


def test_a_shortfall_of_one_wei_is_an_alarm(compared: Compared) -> None:
    """And none at all is not."""
    address, node = compared.mayhouse.contract, compared.mayhouse.node
    node.rpc("anvil_setBalance", address, hex(OWED))
    assert codes(compared.audit()) == []
    node.rpc("anvil_setBalance", address, hex(OWED - 1))
    assert compared.audit().escrow.shortfall_wei == 1


def test_what_strangers_are_owed_is_counted_apart(compared: Compared) -> None:
    """Their bookings of our events, and their events."""
    book = "bookEvent(uint256,uint256)"
    compared.contract.do(book, OPEN, 1, sender=STRANGER, value=SEAT + STAKE)
    start = compared.mayhouse.chain_time + DAY
    create = "createEventRun(string,uint256,uint256,uint256)"
    compared.contract.do(create, "x", SEAT, 1, start, sender=STRANGER, value=STAKE)
    escrow = compared.audit().escrow
    assert escrow.foreign_liabilities_wei == SEAT + 2 * STAKE
    assert escrow.our_liabilities_wei == OWED


# --- what waits too long --------------------------------------------------------------------


def test_an_event_that_just_ended_is_a_notice(compared: Compared) -> None:
    """Whoever completes it has a day."""
    compared.mayhouse.warp(DAY + 4 * 3600)
    audit = compared.audit()
    assert [one.code for one in audit.findings] == ["event_just_over"]
    assert audit.alarms == ()


def test_an_event_that_ended_a_day_ago_is_a_finding(compared: Compared) -> None:
    """Everybody's money is held until it is completed."""
    compared.mayhouse.warp(2 * DAY + 4 * 3600)
    (finding,) = compared.audit().alarms
    assert (finding.code, finding.subject) == ("event_overdue", f"event {OPEN}")
    assert finding.remedy.startswith(f"mayhouse event complete {OPEN}")


@pytest.mark.parametrize(("age", "found"), [("59 minutes", []), ("61 minutes", ["unfinished"])])
def test_an_unfinished_transaction_is_a_finding_after_an_hour(
    compared: Compared, age: str, found: list[str]
) -> None:
    """Until then somebody may be waiting for it."""
    since = f"now() - interval '{age}'"
    compared.spoil(
        f"UPDATE mayhouse.transactions SET status = 'sent', created_at = {since}"  # noqa: S608 made of constants
        " WHERE kind = 'create_event' AND chain_object_id = 2"
    )
    assert [code.partition("_")[0] for code in codes(compared.audit())] == found


# --- events and their hosts -----------------------------------------------------------------


def test_an_event_hosted_by_another_wallet_of_ours_is_a_finding(compared: Compared) -> None:
    """After a change of the signing wallet only the old one can cancel."""
    compared.spoil(
        f"UPDATE mayhouse.transactions SET sender = '{STRANGER}'"  # noqa: S608 the same
        " WHERE kind = 'complete_event'"
    )
    start = compared.mayhouse.chain_time + DAY
    create = "createEventRun(string,uint256,uint256,uint256)"
    compared.contract.do(create, EXPERIENCE_ID, SEAT, 1, start, sender=STRANGER, value=STAKE)
    assert "event_hosted_elsewhere" in codes(compared.audit())


@pytest.mark.parametrize(
    ("bookings", "found"), [(249, "event_growing_large"), (301, "event_too_large")]
)
def test_an_event_that_nears_the_gas_limit_is_told(
    compared: Compared, bookings: int, found: str
) -> None:
    """A notice while it can grow past 250 bookings, a finding above 300."""
    start = compared.mayhouse.chain_time + DAY
    create = "createEventRun(string,uint256,uint256,uint256)"
    compared.contract.do(create, EXPERIENCE_ID, 1000, 400, start, sender=PLATFORM, value=80_000)
    compared.book_at_once(4, bookings, 1200)
    told = {one.code: one.severity for one in compared.audit().findings}
    assert told[found] == ("finding" if bookings > 300 else "notice")


# --- the record against itself --------------------------------------------------------------


def test_what_was_paid_for_a_completion_that_was_undone_is_a_finding(compared: Compared) -> None:
    """Money that left cannot be taken back by a reorg."""
    compared.spoil(
        "UPDATE mayhouse.payables SET status = 'paid', paid_reference = 'bank 1', paid_at = now();"
        "UPDATE mayhouse.transactions SET status = 'reverted' WHERE kind = 'complete_event'"
    )
    assert "paid_and_undone" in codes(compared.audit())


def test_a_completion_that_was_not_settled_is_a_finding(compared: Compared) -> None:
    """The contract has paid, and nothing says to whom it belongs."""
    compared.spoil("DELETE FROM mayhouse.payables; DELETE FROM mayhouse.settlements")
    found = [one for one in compared.audit().alarms if one.code == "settlement_missing"]
    assert [one.subject for one in found] == ["event 1", "event 3"]


def test_a_number_recorded_for_two_creations_is_a_finding(compared: Compared) -> None:
    """One of the two receipts is not true any more."""
    compared.spoil(
        "UPDATE mayhouse.transactions SET chain_object_id = 2 WHERE kind = 'create_event'"
        " AND chain_object_id = 3"
    )
    found = [one for one in compared.audit().alarms if one.code == "number_recorded_twice"]
    assert [one.subject for one in found] == ["event 2"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE mayhouse.payables SET amount_wei = amount_wei + 1", "payable_differs"),
        (f"UPDATE mayhouse.payables SET payee_id = '{CHITRA}'", "payable_differs"),  # noqa: S608 the same
        ("UPDATE mayhouse.settlements SET amount_wei = amount_wei + 1", "settlement_differs"),
        (f"UPDATE mayhouse.settlements SET party_id = '{CHITRA}'", "settlement_differs"),  # noqa: S608 the same
        ("UPDATE mayhouse.settlements SET amount_inr = amount_inr + 1", "settlement_rupees_differ"),
    ],
    ids=["amount", "payee", "line", "party", "rupees"],
)
def test_what_was_changed_in_the_accounts_is_a_finding(
    compared: Compared, statement: str, found: str
) -> None:
    """A payable is held against its line, a line against the receipt that proves it."""
    payout = "line = 'host_payout'"
    where = payout if "settlements" in statement else "kind = 'host_payout'"
    compared.spoil(f"{statement} WHERE {where}")
    (finding,) = [one for one in compared.audit().alarms if one.code == found]
    assert finding.remedy.startswith("mayhouse tx show")


def test_a_transfer_of_another_amount_than_was_owed_is_a_finding(compared: Compared) -> None:
    """It paid what somebody had written into the payable."""
    compared.spoil(
        "UPDATE mayhouse.payables SET status = 'paid', paid_at = now(), paid_transaction_id ="
        " (SELECT id FROM mayhouse.transactions WHERE kind = 'book_event' LIMIT 1)"
        " WHERE kind = 'host_payout'"
    )
    assert "payment_differs" in codes(compared.audit())
