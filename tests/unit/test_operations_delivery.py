"""Send and watch: a node's answer, a receipt that proves, depth, reorgs and rivals."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from mayhouse_cli.errors import (
    Refused,
    Reverted,
    Unconfirmed,
)
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    Call,
    ContractEvent,
    Receipt,
    SendAnswer,
    SendOutcome,
    Sighting,
    Status,
)
from mayhouse_cli.operations import delivery
from mayhouse_cli.operations.audit import audit
from mayhouse_cli.operations.resumption import resume
from mayhouse_cli.operations.sightings import look
from tests.twin_chain import moved
from tests.twin_session import EXPERIENCE_ID, SEAT, Killed, MemorySession, platform, with_row

REJECTED: Final = SendAnswer(SendOutcome.REJECTED, "insufficient funds")
UNKNOWN: Final = SendAnswer(SendOutcome.UNKNOWN, "HTTP 502")
AN_HOUR: Final = timedelta(hours=1)


@pytest.fixture
def session() -> MemorySession:
    """A platform with a row of an event that is not on chain yet."""
    return with_row(platform())


def happened_once(session: MemorySession) -> bool:
    """The event is on chain once, and the database says so."""
    row, last = session.row(), session.last
    return (
        len(session.chain.head.events) == 1
        and last.status is Status.CONFIRMED
        and (row.blockchain_status, row.chain_event_id) == ("confirmed", 1)
        and row.tx_hash == last.tx_hash
    )


# --- the node's answer ------------------------------------------------------------------


def test_a_first_rejection_ends_it_and_frees_the_nonce(session: MemorySession) -> None:
    """Bytes that no node ever held cannot happen."""
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused, match="The node rejected the transaction: insufficient funds"):
        session.create_row()
    assert (session.last.status, session.row().blockchain_status) == (Status.FAILED, "failed")
    assert session.journal.next_nonce(31337, session.last.sender, 0) == 0


def test_a_rejection_of_a_later_sending_proves_nothing(session: MemorySession) -> None:
    """The first sending was in doubt, so the bytes may be somewhere."""
    session.chain.answers = [Killed(), REJECTED]
    with pytest.raises(Killed):
        session.create_row()
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        resume(None, session, wait=True, max_age=AN_HOUR)
    assert session.last.status is Status.SENT
    assert session.row().blockchain_status == "pending"


def test_a_rejection_after_anybody_else_may_have_sent_it_is_not_final(
    session: MemorySession,
) -> None:
    """The first process sleeps, a resume dies after its send: the bytes are somewhere."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    sleeper = session.last
    session.chain.after_send = killed
    with pytest.raises(Killed):
        session.resume()
    session.chain.after_send = lambda: None
    assert (session.last.status, session.last.newest.outcome) == (
        Status.SENT,
        AttemptOutcome.UNKNOWN,
    )
    session.chain.answers = [REJECTED]
    assert delivery.send(sleeper, session, first=True).status is Status.SENT
    assert session.row().blockchain_status == "pending"
    session.resume()
    assert happened_once(session)


def killed() -> None:
    """End the process."""
    raise Killed


def test_an_unknown_answer_leaves_it_pending(session: MemorySession) -> None:
    """A reset or an unknown word is sent, outcome unknown; no new nonce is taken for it."""
    session.chain.mines = False
    session.chain.answers = [UNKNOWN]
    with pytest.raises(Unconfirmed, match="Sent, not confirmed"):
        session.create_row()
    attempt = session.last.newest
    assert (session.last.status, attempt.outcome) == (Status.SENT, AttemptOutcome.UNKNOWN)
    assert attempt.error == "HTTP 502"
    assert session.journal.next_nonce(31337, session.last.sender, 0) == 1


def test_an_unknown_answer_is_confirmed_by_the_receipt(session: MemorySession) -> None:
    """The bytes had arrived after all."""
    session.chain.answers = [UNKNOWN]
    session.create_row()
    assert happened_once(session)


def test_a_send_is_not_waited_for_when_told_so(session: MemorySession) -> None:
    """The result tells that it is sent, and nothing more."""
    assert session.create_row(wait=False).status is Status.SENT


# --- proof ------------------------------------------------------------------------------


def show(session: MemorySession, change: Callable[[Receipt], Receipt]) -> None:
    """Have the node show every receipt changed."""

    def lie(sighting: Sighting) -> Sighting:
        receipt = sighting.receipt and change(sighting.receipt)
        return replace(sighting, receipt=receipt)

    session.chain.lie = lie


def with_events(*events: ContractEvent) -> Callable[[Receipt], Receipt]:
    """The receipt with other events in it."""
    return lambda receipt: replace(receipt, events=events)


def altered(**arguments: object) -> Callable[[Receipt], Receipt]:
    """The receipt with other arguments in its events."""
    return lambda receipt: replace(
        receipt, events=tuple(moved(event, **arguments) for event in receipt.events)
    )


@pytest.mark.parametrize(
    "change",
    [
        with_events(),
        with_events(ContractEvent("EventCancelled", {"eventRunId": 1, "refundsIssued": 0})),
        altered(experienceId="another"),
        altered(hostStake=1),
        lambda receipt: replace(receipt, recipient=Address("0x" + "9" * 40)),
    ],
    ids=["no event", "another event", "another experience", "another stake", "another contract"],
)
def test_a_success_without_its_proving_event_is_not_believed(
    session: MemorySession, change: Callable[[Receipt], Receipt]
) -> None:
    """Only the contract's own event of this very intent confirms it."""
    show(session, change)
    with pytest.raises(Unconfirmed):
        session.create_row()
    assert session.last.status is Status.SENT
    assert session.row().chain_event_id is None


@pytest.mark.parametrize("change", [altered(eventRunId=2), altered(userStake=1)])
def test_a_booking_of_another_event_or_amount_is_not_believed(
    session: MemorySession, change: Callable[[Receipt], Receipt]
) -> None:
    """The receipt must be of the event that was booked, for the value that was sent."""
    session.create_row()
    show(session, change)
    with pytest.raises(Unconfirmed):
        session.book()
    assert session.last.status is Status.SENT


def test_a_booking_on_an_event_that_took_our_number_is_not_believed() -> None:
    """At our price its receipt looks like ours, while the command waits for it."""
    session = platform().with_bookings()

    def give_the_number_to_a_stranger() -> None:
        session.chain.reorg(1, forget=True)
        start = session.chain.head.time + 80_000
        creation = Call("createEventRun", (str(EXPERIENCE_ID), int(SEAT), 4, start), SEAT)
        assert session.chain.do(creation) == 1
        session.chain.head.nonces[session.recorded[0].sender] = 1

    session.chain.after_send = give_the_number_to_a_stranger
    with pytest.raises(Unconfirmed):
        session.book()
    assert [one.event_id for one in session.chain.head.bookings.values()] == [1]
    assert (session.last.status, session.last.chain_object_id) == (Status.SENT, None)


# --- depth, reorgs, rivals --------------------------------------------------------------


@pytest.mark.parametrize(("depth", "blocks"), [(1, 1), (2, 2), (3, 3)])
def test_it_is_confirmed_in_just_so_many_blocks(
    session: MemorySession, depth: int, blocks: int
) -> None:
    """A depth of one is its own block."""
    session.create_row(confirmations=depth)
    assert session.chain.head.number == blocks
    assert happened_once(session)


def test_a_receipt_too_shallow_is_kept_as_mined(session: MemorySession) -> None:
    """The row is not touched before the depth is reached."""
    session.wait_for(1)
    with pytest.raises(Unconfirmed):
        session.create_row(confirmations=2)
    assert (session.last.status, session.last.block_number) == (Status.MINED, 1)
    assert session.row().blockchain_status == "pending"


@pytest.mark.parametrize("forget", [False, True], ids=["waits again", "forgotten by the node"])
def test_a_mined_transaction_that_a_reorg_undoes_is_pending_again(
    session: MemorySession, *, forget: bool
) -> None:
    """Its receipt is forgotten, and a resume still brings it to its end, once."""
    session.wait_for(1)
    with pytest.raises(Unconfirmed):
        session.create_row(confirmations=2)
    session.chain.reorg(1, forget=forget)
    looked = look(session.last, session)
    assert (looked.status, looked.block_number) == (Status.SENT, None)
    session.resume()
    assert happened_once(session)


def test_a_nonce_used_by_another_at_depth_replaces_it(session: MemorySession) -> None:
    """It can no longer happen, and the row can be tried again."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.chain.use_nonce()
    with pytest.raises(Refused, match="nonce 0 was used by another transaction"):
        session.resume()
    assert session.last.status is Status.REPLACED
    assert session.row().blockchain_status == "failed"
    session.wait_for(5)
    assert (session.create_row().generation, session.last.nonce) == (2, 1)


def replaced(session: MemorySession) -> None:
    """End the creation by a transaction from elsewhere with its nonce."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.chain.use_nonce()
    with pytest.raises(Refused):
        session.resume()


def test_a_rival_that_a_reorg_undid_is_found(session: MemorySession) -> None:
    """What was given up for it can happen now: audit says so, and not before."""
    replaced(session)
    assert audit(session).findings == ()
    session.chain.reorg(1)
    (finding,) = audit(session).findings
    assert (finding.code, finding.subject) == ("late_reorg", session.last.tx_hash)


def test_what_was_given_up_and_mined_after_all_is_recorded(session: MemorySession) -> None:
    """Nothing that happened is lost: a resume by its id takes it up again."""
    replaced(session)
    session.chain.reorg(1)
    session.chain.send(session.last.newest.raw)
    session.chain.mine()
    (finding,) = audit(session).findings
    assert "mined itself" in finding.detail
    session.wait_for(5)
    resume(str(session.last.id), session, wait=True, max_age=AN_HOUR)
    assert happened_once(session)


def test_what_was_replaced_for_good_is_not_taken_up(session: MemorySession) -> None:
    """Its rival stands: a resume by its id changes nothing."""
    replaced(session)
    before = session.last
    resume(str(before.id), session, wait=True, max_age=AN_HOUR)
    assert session.last == before


def test_a_nonce_used_by_another_too_shallow_is_waited_for(session: MemorySession) -> None:
    """A reorg could give it back."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row(confirmations=2)
    session.chain.use_nonce()
    assert look(session.last, session).status is Status.SENT


def test_a_mined_refusal_ends_with_its_reason(session: MemorySession) -> None:
    """The contract's words are kept, and the row is failed."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.chain.head.time += 200_000
    session.chain.mine()
    session.wait_for(5)
    with pytest.raises(Reverted, match="Event must be in the future"):
        delivery.watch(session.last, session)
    assert (session.last.status, session.last.error) == (
        Status.REVERTED,
        "Event must be in the future",
    )
    assert session.row().blockchain_status == "failed"
