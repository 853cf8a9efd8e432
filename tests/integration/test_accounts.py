"""Settlements and payables on a real Postgres: exact, once, and locked."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Final
from uuid import UUID

import psycopg
import pytest

from mayhouse_cli.errors import NotFound, Refused, WrongUsage
from mayhouse_cli.models import (
    Address,
    Fees,
    Hash,
    Intent,
    Kind,
    Payable,
    PayableFilter,
    Payload,
    SettlementLine,
    SignedPayload,
    Standing,
    Status,
    Transaction,
)
from mayhouse_cli.money import MAX_UINT256, Wei
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.journal import PostgresJournal
from mayhouse_cli.store.payables import PostgresPayables
from mayhouse_cli.store.settlements import PostgresSettlements
from tests.database_server import query
from tests.mayhouse import ASHA, HOST_ID, SEED

WALLET: Final = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
PAYOUT: Final = SettlementLine(
    "host_payout", "host", Wei(MAX_UINT256), party_id=UUID(HOST_ID), amount_inr=Decimal("1.00")
)
STAKE: Final = SettlementLine("stake_returned", "traveler", Wei(5), None, 8, UUID(ASHA))
ROUNDING: Final = SettlementLine("rounding", "platform", Wei(0), amount_inr=Decimal("-0.01"))
LINES: Final = [PAYOUT, STAKE, ROUNDING]
_nonces = count(1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with people in it."""
    query(database_url, SEED)
    with another(database_url) as opened:
        yield opened


def another(url: str) -> Database:
    """A connection of another process."""
    return Database(parse_dsn(url), statement_timeout_seconds=10)


def recorded(database: Database, kind: Kind, key: str) -> Transaction:
    """A transaction that is recorded, and nothing more."""
    nonce = next(_nonces)
    payload = Payload(31337, nonce, WALLET, Wei(5), b"", Fees(21_000, Wei(2), Wei(1)))
    signed = SignedPayload(payload, b"raw", Hash("0x" + f"{nonce:064x}"))
    intent = Intent(key, kind, WALLET, {}, 1, chain_event_id=9)
    return PostgresJournal(database).insert(intent, signed, 1, WALLET, WALLET, "asha")


@pytest.fixture
def settled(database: Database) -> Transaction:
    """A completion that has settled and owes."""
    end = recorded(database, Kind.COMPLETE_EVENT, "event:9:complete")
    PostgresSettlements(database).add(end, LINES)
    PostgresPayables(database).add(end, [PAYOUT, STAKE])
    return end


def listed(database: Database) -> list[Payable]:
    """Every payable, the host's first."""
    return [*PostgresPayables(database).list(PayableFilter())]


def test_a_settlement_comes_back_line_by_line(database: Database, settled: Transaction) -> None:
    """In its order, with amounts near 2**256 exact; recorded again it is not doubled."""
    PostgresSettlements(database).add(settled, LINES)
    assert sorted(PostgresSettlements(database).lines(settled.id), key=str) == sorted(
        LINES, key=str
    )


def test_payables_come_back_exactly(database: Database, settled: Transaction) -> None:
    """With the person and the wallet on record; added again they are not doubled."""
    PostgresPayables(database).add(settled, [PAYOUT, STAKE])
    host, traveler = listed(database)
    assert (host.amount, host.amount_inr, host.payee_id) == (
        MAX_UINT256, Decimal("1.00"), UUID(HOST_ID),
    )  # fmt: skip
    assert host.payee is not None
    assert host.payee.wallet == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert (traveler.amount, traveler.chain_booking_id) == (5, 8)
    assert traveler.standing is Standing.OWED


def test_a_payable_is_found_by_the_beginning_of_its_id(
    database: Database, settled: Transaction
) -> None:
    """Unless that is too short, or nobody's."""
    del settled
    payables = PostgresPayables(database)
    one = listed(database)[0]
    assert payables.find(str(one.id)[:13].upper()) == one
    with pytest.raises(WrongUsage):
        payables.find("ab")
    with pytest.raises(NotFound):
        payables.find("x%_'; --")


@pytest.mark.parametrize("standing", [None, *Standing])
def test_payables_are_filtered_by_where_they_stand(
    database: Database, settled: Transaction, standing: Standing | None
) -> None:
    """Both are owed."""
    del settled
    wanted = PayableFilter(standings=frozenset({standing}) if standing else None)
    found = PostgresPayables(database).list(wanted)
    assert len(found) == (2 if standing in (None, Standing.OWED) else 0)


def test_a_transfer_makes_a_payable_stand_as_being_sent(
    database: Database, settled: Transaction
) -> None:
    """As long as it may happen; when it cannot any more, it is owed again."""
    del settled
    one = listed(database)[1]
    transfer = recorded(database, Kind.TRANSFER, f"payable:{one.id}")
    assert listed(database)[1].standing is Standing.SENDING
    PostgresJournal(database).finish(transfer.id, Status.FAILED, None, None, "no")
    assert listed(database)[1].standing is Standing.OWED


def test_a_payable_that_was_paid_twice_says_so(database: Database, settled: Transaction) -> None:
    """A transfer that came back to life beside a mark by hand: both are kept."""
    del settled
    payables, one = PostgresPayables(database), listed(database)[1]
    payables.mark_paid_outside(one.id, "UPI 1", "asha")
    transfer = recorded(database, Kind.TRANSFER, f"payable:{one.id}")
    payables.mark_paid(one.id, transfer)
    kept = listed(database)[1]
    assert (kept.reference, kept.transfer_id) == ("UPI 1", transfer.id)
    payables.mark_unpaid(one.id, transfer.id)
    assert listed(database)[1].standing is Standing.PAID


def test_what_is_paid_or_sent_outlives_its_settlement(
    database: Database, settled: Transaction
) -> None:
    """What is untouched goes with it, and its line too."""
    payables, settlements = PostgresPayables(database), PostgresSettlements(database)
    host, traveler = listed(database)
    recorded(database, Kind.TRANSFER, f"payable:{traveler.id}")
    payables.take_back(settled.id)
    settlements.take_back(settled.id)
    (kept,) = listed(database)
    assert (kept.id, kept.undone_at is not None) == (traveler.id, True)
    assert [line.line for line in settlements.lines(settled.id)] == ["stake_returned"]
    settlements.add(settled, LINES)
    payables.add(settled, [PAYOUT, STAKE])
    again = {one.id: one for one in listed(database)}
    assert again[traveler.id].undone_at is None
    assert host.id not in again
    assert len(again) == 2


def test_a_withdrawal_waits_for_a_transfer_that_is_being_recorded(
    database: Database, settled: Transaction, database_url: str
) -> None:
    """It then sees the transfer, and keeps the payable that it pays."""
    one = listed(database)[1]

    def withdraw() -> None:
        with another(database_url) as other:
            PostgresPayables(other).take_back(settled.id)

    thread = threading.Thread(target=withdraw)
    with database.transaction():
        PostgresPayables(database).get_locked(one.id)
        recorded(database, Kind.TRANSFER, f"payable:{one.id}")
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it did not wait"
    thread.join(10)
    (kept,) = listed(database)
    assert (kept.id, kept.standing) == (one.id, Standing.SENDING)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("UPDATE mayhouse.payables SET amount_wei = 0", "payables_something_is_owed"),
        (
            "UPDATE mayhouse.payables SET status = 'paid', paid_reference = ' '",
            "payables_reference_says_something",
        ),
        (
            "UPDATE mayhouse.settlements SET amount_inr = -1 WHERE line = 'host_payout'",
            "settlements_only_rounding_is_negative",
        ),
        (
            "UPDATE mayhouse.settlements SET amount_wei = 1 WHERE line = 'rounding'",
            "settlements_rounding_is_rupees_alone",
        ),
    ],
)
def test_the_database_holds_the_rules_itself(
    database_url: str, settled: Transaction, change: str, constraint: str
) -> None:
    """Whoever writes there."""
    del settled
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        query(database_url, change)
    assert refusal.value.diag.constraint_name == constraint


def test_a_line_that_was_never_settled_is_not_owed(
    database: Database, settled: Transaction
) -> None:
    """There is nothing that it could rest on."""
    with pytest.raises(Refused, match="no such line"):
        PostgresPayables(database).add(settled, [SettlementLine("refund", "traveler", Wei(1))])
