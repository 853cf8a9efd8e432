"""Payables: made with their settlement, paid once, taken back with what they rest on."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from mayhouse_cli.errors import MayhouseError, Refused, Unconfirmed
from mayhouse_cli.models import (
    ZERO_ADDRESS,
    Address,
    Payable,
    PayableFilter,
    SendAnswer,
    SendOutcome,
    Standing,
    Status,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import event_completion, payout_marking, payout_sending, payouts
from mayhouse_cli.operations.attendance import AttendanceRequest
from mayhouse_cli.operations.payout_batch import PayoutBatch
from mayhouse_cli.operations.resumption import resume
from tests.twin_chain import CONTRACT, PLATFORM
from tests.twin_session import HOST_ID, SEAT, TRAVELERS, MemorySession, choices, platform
from tests.twins import A_DAY

WALLETS = [Address("0x" + digit * 40) for digit in "bde"]


def settled(*seats: int, wallets: bool = True) -> MemorySession:
    """A platform with a completed event, everybody came, and where they are paid."""
    session = platform()
    if wallets:
        for traveler, wallet in zip(TRAVELERS, WALLETS, strict=True):
            set_wallet(session, traveler, wallet)
    session.with_bookings(*seats).begin_event()
    plan = event_completion.plan_completion(
        "1", AttendanceRequest(all_attended=True), choices(), session
    )
    event_completion.complete(plan, choices(), session)
    session.wait_for(20)
    return session


def set_wallet(session: MemorySession, person: UUID, wallet: Address | None) -> None:
    """Record where somebody is paid."""
    people = session.memory.rows.people
    people[person] = replace(people[person], wallet=wallet)


def owed(session: MemorySession) -> list[Payable]:
    """Every payable."""
    return [*session.payables.list(PayableFilter())]


def standings(session: MemorySession) -> list[str]:
    """Where each payable stands."""
    return [one.standing.value for one in owed(session)]


def send(session: MemorySession, *names: str, **options: Any) -> PayoutBatch:  # noqa: ANN401
    """Pay these, or all."""
    plan = payouts.plan_payouts(names, PayableFilter(), choices(**options), session)
    return payout_sending.send(plan, choices(**options), session)


def mark(name: str, reference: str, session: MemorySession) -> Payable:
    """Mark a payable at one go."""
    return payout_marking.mark(payout_marking.plan_mark(name, reference, session), session)


def test_a_completion_owes_host_and_travelers() -> None:
    """In the same database transaction as its lines."""
    session = settled(1, 2)
    found = [(one.kind.value, one.payee_id, int(one.amount)) for one in owed(session)]
    assert found == [
        ("host_payout", HOST_ID, int(SEAT) * 3 * 95 // 100),
        ("stake_return", TRAVELERS[0], int(SEAT) // 5),
        ("stake_return", TRAVELERS[1], int(SEAT) * 2 // 5),
    ]


def test_a_batch_pays_each_exactly_what_is_owed() -> None:
    """One transfer a payable, to the wallet on record; the gas is ours."""
    session = settled(1, 1)
    before = len(session.recorded)
    batch = send(session)
    assert (batch.paid, standings(session)) == (3, ["paid"] * 3)
    sent = [(one.recipient, one.value) for one in session.recorded[before:]]
    wallets = [one.payee.wallet for one in owed(session) if one.payee]
    assert sent == list(zip(wallets, [one.amount for one in owed(session)], strict=True))


def test_a_second_batch_sends_nothing() -> None:
    """Everything is paid, by name too: the first result answers."""
    session = settled(1)
    send(session)
    sent = len(session.chain.sent)
    assert send(session).payouts == ()
    again = send(session, *(str(one.id) for one in owed(session)))
    assert (again.paid, again.paid_before, again.fees_wei) == (2, 2, 0)
    assert len(session.chain.sent) == sent


def test_what_another_run_paid_first_is_told_as_paid_before() -> None:
    """Two runs of one moment have one plan; the second pays nothing, and says so."""
    session = settled(1)
    plans = [payouts.plan_payouts((), PayableFilter(), choices(), session) for _ in range(2)]
    first, second = (payout_sending.send(plan, choices(), session) for plan in plans)
    assert (first.paid, first.paid_before) == (2, 0)
    assert (second.paid, second.paid_before, second.fees_wei) == (2, 2, 0)


@pytest.mark.parametrize(
    ("wallet", "why"),
    [(None, "no wallet"), (ZERO_ADDRESS, "zero address"), (CONTRACT, "the contract itself")],
    ids=["none", "zero", "contract"],
)
def test_a_wallet_that_cannot_be_paid_is_refused_and_the_others_are_paid(
    wallet: Address | None, why: str
) -> None:
    """The batch goes on, and ends with what was refused."""
    session = settled(1, 1)
    set_wallet(session, TRAVELERS[0], wallet)
    with pytest.raises(Refused, match=why) as refusal:
        send(session)
    batch = refusal.value.known
    assert isinstance(batch, PayoutBatch)
    assert (batch.paid, batch.refused) == (2, 1)
    assert standings(session) == ["paid", "owed", "paid"]


def test_a_wallet_with_code_is_not_paid() -> None:
    """What a contract would do with a plain transfer cannot be told."""
    session = settled(1)
    session.chain.with_code = frozenset({WALLETS[0]})
    with pytest.raises(Refused, match="has code"):
        send(session)
    assert standings(session) == ["paid", "owed"]


def test_our_own_wallet_is_paid_when_it_is_theirs() -> None:
    """In custody it can stand on record as somebody's."""
    session = settled(1)
    set_wallet(session, TRAVELERS[0], PLATFORM)
    assert send(session).paid == 2


def test_a_wallet_short_of_funds_pays_nobody() -> None:
    """The whole batch must fit, or it is not begun."""
    session = settled(1)
    session.chain.balance = Wei(int(owed(session)[0].amount))
    with pytest.raises(Refused, match="short"):
        send(session)
    assert standings(session) == ["owed", "owed"]


def test_the_payout_that_goes_over_the_cap_of_a_day_is_not_signed() -> None:
    """Those that fit are paid; what completed the event sent nothing."""
    session = settled(1, 1)
    spent = sum(one.value for one in session.recorded)
    host, first, second = (one.amount for one in owed(session))
    session.set(max_daily_eth=Wei(spent + host + first + second - 1))
    with pytest.raises(Refused, match="over the cap"):
        send(session)
    assert standings(session) == ["paid", "paid", "owed"]


def test_what_is_marked_is_never_sent() -> None:
    """Paid outside the chain is paid."""
    session = settled(1)
    mark(str(owed(session)[1].id), "UPI 4431", session)
    assert send(session).paid == 1
    sent = len(session.chain.sent)
    batch = send(session, str(owed(session)[1].id))
    assert (batch.paid_before, batch.paid_before_wei) == (1, owed(session)[1].amount)
    assert len(session.chain.sent) == sent


def test_what_was_marked_after_the_plan_is_not_sent() -> None:
    """The payable is looked at once more under its lock."""
    session = settled(1)
    plan = payouts.plan_payouts((), PayableFilter(), choices(), session)
    mark(str(owed(session)[1].id), "UPI 4431", session)
    with pytest.raises(Refused):
        payout_sending.send(plan, choices(), session)
    assert [one.tx_hash for one in owed(session)][1] is None


def test_a_wallet_that_changed_after_the_plan_is_not_paid() -> None:
    """What was agreed to named another one, or the same plan reads the new one: never both."""
    session = settled(1)
    payable = owed(session)[1]
    set_wallet(session, TRAVELERS[0], WALLETS[2])
    with session.transaction(), pytest.raises(Refused, match="has changed"):
        payouts.refuse_unless_owed(payable.id, WALLETS[0], payable.amount, session)


def change_amount(session: MemorySession, payable: Payable) -> None:
    """Write one wei more into its row, as another hand would."""
    rows = session.memory.rows.payables
    rows[payable.id] = replace(rows[payable.id], changed_amount=payable.amount + 1)


def test_a_payable_that_was_changed_is_neither_sent_nor_marked() -> None:
    """Its settlement line says what is owed; the others of the batch are paid."""
    session = settled(1)
    payable = owed(session)[1]
    change_amount(session, payable)
    with pytest.raises(Refused, match="changed in the database"):
        send(session)
    with pytest.raises(Refused, match="changed in the database"):
        mark(str(payable.id), "UPI 4431", session)
    assert standings(session) == ["paid", "owed"]


def test_a_payable_that_was_changed_after_the_plan_is_not_sent() -> None:
    """It is compared once more under its lock."""
    session = settled(1)
    plan = payouts.plan_payouts((), PayableFilter(), choices(), session)
    change_amount(session, owed(session)[1])
    with pytest.raises(Refused, match="changed in the database"):
        payout_sending.send(plan, choices(), session)
    assert standings(session) == ["paid", "owed"]


def test_what_is_on_its_way_cannot_be_marked() -> None:
    """It would be paid twice."""
    session = settled(1)
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        send(session)
    assert standings(session) == ["sending", "sending"]
    with pytest.raises(Refused, match="is being paid by transaction"):
        mark(str(owed(session)[0].id), "UPI 4431", session)


def test_marking_twice_with_the_same_reference_is_marking_once() -> None:
    """Another reference is refused."""
    session = settled(1)
    name = str(owed(session)[0].id)
    first = mark(name, " UPI  4431 ", session)
    assert mark(name, "UPI 4431", session).reference == first.reference == "UPI 4431"
    with pytest.raises(Refused, match="paid already"):
        mark(name, "UPI 9", session)


def test_an_unconfirmed_batch_is_finished_by_resume() -> None:
    """The payable is marked with the confirmation of its transfer."""
    session = settled(1)
    session.chain.mines = False
    with pytest.raises(Unconfirmed) as left:
        send(session)
    assert isinstance(left.value.known, PayoutBatch)
    assert left.value.known.sent == 2
    session.resume()
    assert standings(session) == ["paid", "paid"]


def test_a_transfer_that_a_reorg_took_back_is_on_its_way_again() -> None:
    """And paid when it is mined again."""
    session = settled(1)
    send(session)
    session.chain.reorg(1, forget=True)
    session.chain.mines = False
    for transfer in [one for one in session.recorded if one.kind == "transfer"]:
        session.wait_for(1)
        with pytest.raises(MayhouseError):
            resume(str(transfer.id), session, wait=True, max_age=A_DAY)
    assert standings(session) == ["sending", "sending"]
    session.resume()
    assert standings(session) == ["paid", "paid"]


def undo_completion(session: MemorySession, blocks: int) -> UUID:
    """Have a deep reorg undo the completion; gives its record's id."""
    (end,) = [one for one in session.recorded if one.kind == "complete_event"]
    session.chain.reorg(blocks, forget=True)
    session.chain.mines = False
    session.wait_for(1)
    with pytest.raises(MayhouseError):
        resume(str(end.id), session, wait=True, max_age=A_DAY)
    return end.id


def test_what_an_undone_completion_owed_is_withdrawn() -> None:
    """Its lines as well; both come again with it."""
    session = settled(1)
    before = [(one.kind, one.amount) for one in owed(session)]
    end = undo_completion(session, 1)
    assert (owed(session), list(session.settlements.lines(end))) == ([], [])
    session.resume()
    assert [(one.kind, one.amount) for one in owed(session)] == before
    assert standings(session) == ["owed", "owed"]


def test_what_is_paid_stays_when_its_completion_is_undone() -> None:
    """It is told as undone, until the completion is confirmed again."""
    session = settled(1)
    mark(str(owed(session)[1].id), "UPI 4431", session)
    undo_completion(session, 1)
    (kept,) = owed(session)
    assert (kept.standing, kept.undone_at is not None) == (Standing.PAID, True)
    session.resume()
    assert [(one.standing.value, one.undone_at) for one in owed(session)] == [
        ("paid", None),
        ("owed", None),
    ]


def test_a_payout_of_an_undone_completion_is_not_sent_again() -> None:
    """Its nonce is filled by a cancel: nothing is owed now."""
    session = settled(1)
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        send(session)
    session.chain.pool.clear()
    undo_completion(session, 1)
    transfer = next(one for one in session.recorded if one.kind == "transfer")
    session.wait_for(1)
    with pytest.raises(MayhouseError):
        resume(str(transfer.id), session, wait=True, max_age=A_DAY)
    assert session.journal.get(transfer.id).newest.purpose == "cancel"


def test_a_rejected_transfer_can_be_paid_again() -> None:
    """A new generation of the same intent."""
    session = settled(1)
    session.chain.answers = [SendAnswer(SendOutcome.REJECTED, "fee too low")]
    with pytest.raises(Refused, match="1 refused"):
        send(session)
    assert sorted(standings(session)) == ["owed", "paid"]
    assert send(session).paid == 1
    generations = [one.generation for one in session.recorded if one.kind == "transfer"]
    assert sorted(generations) == [1, 1, 2]
    assert session.last.status is Status.CONFIRMED


# --- marks --------------------------------------------------------------------------------


def test_a_mark_that_is_taken_back_is_owed_again() -> None:
    """The log keeps what it was marked with; then it can be paid."""
    session = settled(1)
    name = str(owed(session)[1].id)
    marked = mark(name, "UPI 4431", session)
    payout_marking.unmark(payout_marking.find_marked(name, session), "another event's", session)
    assert standings(session) == ["owed", "owed"]
    entry = session.memory.rows.log[-1]
    assert entry.before is not None
    assert entry.before["reference"] == marked.reference
    assert (entry.arguments["reason"], entry.after) == ("another event's", {"standing": "owed"})
    assert send(session).paid == 2


def test_what_a_transfer_has_paid_cannot_be_unmarked() -> None:
    """Nothing outside the chain has paid it."""
    session = settled(1)
    send(session)
    with pytest.raises(Refused, match="is not marked"):
        payout_marking.find_marked(str(owed(session)[1].id), session)


def test_a_reference_that_paid_another_one_is_told() -> None:
    """One payment of two, or a mistake: whoever marks it decides."""
    session = settled(1)
    host, traveler = owed(session)
    mark(str(host.id), "UPI 4431", session)
    plan = payout_marking.plan_mark(str(traveler.id), "UPI  4431", session)
    assert [one.id for one in plan.used_for] == [host.id]
    assert payout_marking.plan_mark(str(traveler.id), "UPI 4432", session).used_for == ()
