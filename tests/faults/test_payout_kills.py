"""Payouts killed at random points: however often, each is paid exactly once."""

import os
import random
from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest

from tests.faults import crashing, processes
from tests.faults.counts import COUNTS
from tests.faults.sweeping import KILLED
from tests.mayhouse import ASHA, Mayhouse, Run

Record = Callable[[str, object], None]
# Reading, signing, recording and sending one payout passes about so many points.
POINTS_OF_ONE: Final = 26
SEND: Final = ("payout", "send", "-y")
PAYEES: Final = """
    INSERT INTO users (id, wallet_address, full_name, username, role)
    SELECT id::uuid, wallet, 'Payee', wallet, 'user'
    FROM unnest(%s::text[], %s::text[]) AS new (id, wallet)
"""
LINES: Final = """
    INSERT INTO mayhouse.settlements
        (transaction_id, event_id, chain_event_id, line, chain_booking_id, party, party_id,
         amount_wei)
    SELECT id, event_id, chain_event_id, 'stake_returned', 1000 + number, 'traveler',
           payee::uuid, 1000000007 * number
    FROM mayhouse.transactions, unnest(%s::text[]) WITH ORDINALITY AS new (payee, number)
    WHERE kind = 'complete_event'
"""
OWED: Final = """
    INSERT INTO mayhouse.payables (settlement_id, event_id, payee_id, kind, amount_wei)
    SELECT id, event_id, party_id, 'stake_return', amount_wei
    FROM mayhouse.settlements WHERE chain_booking_id > 1000
"""


def owe(mayhouse: Mayhouse, count: int, drawn: random.Random) -> None:
    """Have so many people owed something from a completed event, each with a new wallet."""
    mayhouse.create_event()
    words = ("booking", "create", "1", "--seats", "1", "--traveler", ASHA, "-y")
    assert run(mayhouse, *words).code == 0
    mayhouse.warp(90_000)
    assert run(mayhouse, "event", "complete", "1", "--all-attended", "-y").code == 0
    ids = [str(UUID(int=drawn.getrandbits(128), version=4)) for _ in range(count)]
    wallets = [f"0x{drawn.getrandbits(152):040x}" for _ in range(count)]
    mayhouse.execute(PAYEES, ids, wallets)
    mayhouse.execute(LINES, ids)
    mayhouse.execute(OWED)


def run(mayhouse: Mayhouse, *words: str, die_at: int = 0) -> Run:
    """Run a command to its end, or to the n-th point on its way."""
    return processes.start(
        *words,
        "--json",
        env=mayhouse.environment,
        folder=mayhouse.folder,
        prepare=crashing.die_at if die_at else None,
        arguments=(die_at,) if die_at else (),
    ).wait(600)


def pay_through_kills(mayhouse: Mayhouse, count: int, kills: int, record: Record) -> None:
    """Kill `payout send` again and again, resume each time, and judge by the balances."""
    seed = os.environ.get("MAYHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))
    drawn = random.Random(seed)
    owe(mayhouse, count, drawn)
    sent = mayhouse.transactions_sent()
    names = [
        str(row["id"])
        for row in mayhouse.rows("SELECT id FROM mayhouse.payables ORDER BY amount_wei")
    ]
    drawn.shuffle(names)
    done = 0
    try:
        for _ in range(kills):
            some = drawn.sample(names, drawn.randint(1, 3))
            words = some if drawn.random() < 0.7 else ["--all"]
            # Beyond its sending, so that some are killed at their confirmation.
            point = drawn.randint(1, POINTS_OF_ONE * 2 * len(words))
            ended = run(mayhouse, *SEND, *words, "--timeout", "5", die_at=point)
            assert ended.code in (0, 7, KILLED), ended
            done += ended.code == KILLED
            if drawn.random() < 0.3:  # the next run meets what is unfinished
                continue
            resumed = run(mayhouse, "tx", "resume")
            assert resumed.code == 0, resumed
        assert run(mayhouse, "tx", "resume").code == 0
        last = run(mayhouse, *SEND, "--all")
        assert last.code == 0, last
        judge(mayhouse, count + 2, sent)
    except AssertionError as found:
        found.add_note(f"MAYHOUSE_SEED={seed}")
        raise
    record(
        COUNTS,
        f"payout kills: {done} kills over {count} payables, {count + 2} transfers, "
        f"0 paid twice, 0 unpaid, MAYHOUSE_SEED={seed}",
    )
    assert done > 2, "hardly any run was killed: the steps are not wrapped any more"


def judge(mayhouse: Mayhouse, count: int, sent: int) -> None:
    """Each has its own confirmed transfer, and each new wallet has just what was owed."""
    paid = mayhouse.rows(
        "SELECT payable.status, payable.amount_wei, paid_transaction_id, wallet_address,"
        " transfer.status AS transfer, transfer.value_wei FROM mayhouse.payables AS payable"
        " JOIN users ON users.id = payee_id"
        " LEFT JOIN mayhouse.transactions AS transfer ON transfer.id = paid_transaction_id"
    )
    assert len(paid) == count
    assert {(one["status"], one["transfer"]) for one in paid} == {("paid", "confirmed")}
    assert all(one["amount_wei"] == one["value_wei"] for one in paid)
    assert len({one["paid_transaction_id"] for one in paid}) == count
    assert mayhouse.transactions_sent() == sent + count
    for one in paid:
        if one["wallet_address"].startswith("0x00"):
            held = int(mayhouse.node.rpc("eth_getBalance", one["wallet_address"], "latest"), 16)
            assert held == one["amount_wei"], one


def test_ten_payouts_survive_kills(mayhouse: Mayhouse, record_property: Record) -> None:
    """Each is paid exactly once."""
    pay_through_kills(mayhouse, 10, 10, record_property)


@pytest.mark.sweep
def test_a_hundred_payouts_survive_kills(mayhouse: Mayhouse, record_property: Record) -> None:
    """The same with a hundred, until rare points have been met too."""
    pay_through_kills(mayhouse, 100, 150, record_property)
