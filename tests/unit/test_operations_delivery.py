"""Send, watch and resume: what is recorded happens once, and the record comes to the truth."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from mayhouse_cli.errors import (
    CheckFoundProblems,
    Interrupted,
    MayhouseError,
    Refused,
    Reverted,
    RpcUnreachable,
    Unconfirmed,
    Unrecorded,
    WrongChain,
)
from mayhouse_cli.models import (
    Address,
    AttemptOutcome,
    ContractEvent,
    Receipt,
    SendAnswer,
    SendOutcome,
    Sighting,
    Status,
    Transaction,
)
from mayhouse_cli.operations import delivery, event_creation
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.resumption import resume
from tests.twin_chain import moved
from tests.twin_session import EVENT_ID, Killed, MemorySession, choices, platform, with_row

REJECTED: Final = SendAnswer(SendOutcome.REJECTED, "insufficient funds")
UNKNOWN: Final = SendAnswer(SendOutcome.UNKNOWN, "HTTP 502")
ROW: Final = EventRequest(event_id=str(EVENT_ID))
AN_HOUR: Final = timedelta(hours=1)


def create(session: MemorySession, **options: Any) -> Transaction:  # noqa: ANN401 - any option
    """Create the event of the row; gives its record."""
    plan = event_creation.plan_creation(ROW, choices(**options), session)
    event_creation.create(plan, choices(**options), session)
    return session.last


def resumed(session: MemorySession) -> Transaction:
    """Resume everything with new patience; gives the first record."""
    session.wait_for(5)
    session.chain.mines = True
    resume(None, session, wait=True, max_age=AN_HOUR)
    return session.recorded[0]


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


# --- killed in between ------------------------------------------------------------------


def killed_before_the_send(session: MemorySession) -> None:
    session.chain.answers = [Killed()]


def killed_after_the_node_took_it(session: MemorySession) -> None:
    session.chain.after_send = kill_once(session)


def kill_once(session: MemorySession) -> Callable[[], None]:
    """End the process at the first call, and only then."""

    def kill() -> None:
        session.chain.after_send = lambda: None
        raise Killed

    return kill


def killed_while_waiting(session: MemorySession) -> None:
    def lie(_: Sighting) -> Sighting:
        session.chain.lie = lambda sighting: sighting
        raise Killed

    session.chain.lie = lie


@pytest.mark.parametrize(
    "kill", [killed_before_the_send, killed_after_the_node_took_it, killed_while_waiting]
)
def test_one_resume_ends_what_a_killed_process_began(
    session: MemorySession, kill: Callable[[MemorySession], None]
) -> None:
    """Wherever it died, the event is on chain once and the row knows it."""
    kill(session)
    with pytest.raises(Killed):
        create(session)
    resumed(session)
    assert happened_once(session)


def test_a_resume_sends_the_very_same_bytes(session: MemorySession) -> None:
    """Nothing is signed again."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        create(session)
    resumed(session)
    assert len(set(session.chain.sent)) == len(session.signer.signed) == 1


def test_a_resume_does_not_send_what_is_mined(session: MemorySession) -> None:
    """It looks first."""
    session.chain.after_send = kill_once(session)
    with pytest.raises(Killed):
        create(session)
    session.chain.mine()
    resumed(session)
    assert len(session.chain.sent) == 1


def test_a_second_resume_changes_nothing(session: MemorySession) -> None:
    """It is safe at any time."""
    create(session)
    before = session.last
    resumed(session)
    assert session.last == before


def test_the_command_run_again_does_not_send_what_was_abandoned(session: MemorySession) -> None:
    """A record that was only signed is `tx resume`'s to send, and the message names it."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        create(session)
    session.memory.now += timedelta(minutes=1)
    with pytest.raises(Unconfirmed) as refusal:
        create(session)
    assert str(session.last.id)[:8] in (refusal.value.hint or "")
    assert len(session.chain.sent) == 1


# --- the node's answer ------------------------------------------------------------------


def test_a_first_rejection_ends_it_and_frees_the_nonce(session: MemorySession) -> None:
    """Bytes that no node ever held cannot happen."""
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused, match="The node rejected the transaction: insufficient funds"):
        create(session)
    assert (session.last.status, session.row().blockchain_status) == (Status.FAILED, "failed")
    assert session.journal.next_nonce(31337, session.last.sender, 0) == 0


def test_a_rejection_of_a_later_sending_proves_nothing(session: MemorySession) -> None:
    """The first sending was in doubt, so the bytes may be somewhere."""
    session.chain.answers = [Killed(), REJECTED]
    with pytest.raises(Killed):
        create(session)
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        resume(None, session, wait=True, max_age=AN_HOUR)
    assert session.last.status is Status.SENT
    assert session.row().blockchain_status == "pending"


def test_an_unknown_answer_leaves_it_pending(session: MemorySession) -> None:
    """A reset or an unknown word is sent, outcome unknown; no new nonce is taken for it."""
    session.chain.mines = False
    session.chain.answers = [UNKNOWN]
    with pytest.raises(Unconfirmed, match="Sent, not confirmed"):
        create(session)
    attempt = session.last.newest
    assert (session.last.status, attempt.outcome) == (Status.SENT, AttemptOutcome.UNKNOWN)
    assert attempt.error == "HTTP 502"
    assert session.journal.next_nonce(31337, session.last.sender, 0) == 1


def test_an_unknown_answer_is_confirmed_by_the_receipt(session: MemorySession) -> None:
    """The bytes had arrived after all."""
    session.chain.answers = [UNKNOWN]
    create(session)
    assert happened_once(session)


def test_a_send_is_not_waited_for_when_told_so(session: MemorySession) -> None:
    """The result tells that it is sent, and nothing more."""
    assert create(session, wait=False).status is Status.SENT


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
        create(session)
    assert session.last.status is Status.SENT
    assert session.row().chain_event_id is None


@pytest.mark.parametrize("change", [altered(eventRunId=2), altered(userStake=1)])
def test_a_booking_of_another_event_or_amount_is_not_believed(
    session: MemorySession, change: Callable[[Receipt], Receipt]
) -> None:
    """The receipt must be of the event that was booked, for the value that was sent."""
    create(session)
    show(session, change)
    with pytest.raises(Unconfirmed):
        session.book()
    assert session.last.status is Status.SENT


# --- depth, reorgs, rivals --------------------------------------------------------------


@pytest.mark.parametrize(("depth", "blocks"), [(1, 1), (2, 2), (3, 3)])
def test_it_is_confirmed_in_just_so_many_blocks(
    session: MemorySession, depth: int, blocks: int
) -> None:
    """A depth of one is its own block."""
    create(session, confirmations=depth)
    assert session.chain.head.number == blocks
    assert happened_once(session)


def test_a_receipt_too_shallow_is_kept_as_mined(session: MemorySession) -> None:
    """The row is not touched before the depth is reached."""
    session.wait_for(1)
    with pytest.raises(Unconfirmed):
        create(session, confirmations=2)
    assert (session.last.status, session.last.block_number) == (Status.MINED, 1)
    assert session.row().blockchain_status == "pending"


@pytest.mark.parametrize("forget", [False, True], ids=["waits again", "forgotten by the node"])
def test_a_mined_transaction_that_a_reorg_undoes_is_pending_again(
    session: MemorySession, *, forget: bool
) -> None:
    """Its receipt is forgotten, and a resume still brings it to its end, once."""
    session.wait_for(1)
    with pytest.raises(Unconfirmed):
        create(session, confirmations=2)
    session.chain.reorg(1, forget=forget)
    looked = delivery.look(session.last, session)
    assert (looked.status, looked.block_number) == (Status.SENT, None)
    resumed(session)
    assert happened_once(session)


def test_a_nonce_used_by_another_at_depth_replaces_it(session: MemorySession) -> None:
    """It can no longer happen, and the row can be tried again."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        create(session)
    session.chain.use_nonce()
    with pytest.raises(Refused, match="nonce 0 was used by another transaction"):
        resumed(session)
    assert session.last.status is Status.REPLACED
    assert session.row().blockchain_status == "failed"
    session.wait_for(5)
    assert (create(session).generation, session.last.nonce) == (2, 1)


def test_a_nonce_used_by_another_too_shallow_is_waited_for(session: MemorySession) -> None:
    """A reorg could give it back."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        create(session, confirmations=2)
    session.chain.use_nonce()
    assert delivery.look(session.last, session).status is Status.SENT


def test_a_mined_refusal_ends_with_its_reason(session: MemorySession) -> None:
    """The contract's words are kept, and the row is failed."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        create(session)
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


# --- when something is lost -------------------------------------------------------------


def test_a_database_lost_after_the_send_names_the_hash(session: MemorySession) -> None:
    """The transaction is out: the message tells which, and what to do when it is back."""

    def lose() -> None:
        session.memory.lost = True

    session.chain.after_send = lose
    with pytest.raises(Unrecorded) as failure:
        create(session)
    session.memory.lost = False
    assert session.last.tx_hash in failure.value.message
    assert f"tx resume {str(session.last.id)[:8]}" in (failure.value.hint or "")
    session.chain.after_send = lambda: None
    resumed(session)
    assert happened_once(session)


def test_with_the_database_down_nothing_is_sent(session: MemorySession) -> None:
    """What could not be recorded is not sent."""
    plan = event_creation.plan_creation(ROW, choices(), session)
    session.memory.lost = True
    with pytest.raises(MayhouseError) as failure:
        event_creation.create(plan, choices(), session)
    assert failure.value.exit_code == 5
    assert not session.chain.sent


@pytest.mark.parametrize(
    "failure",
    [RpcUnreachable("No node answers"), WrongChain("The node is on chain 1"), Interrupted("Stop.")],
)
def test_whatever_ends_the_wait_names_the_hash(
    session: MemorySession, failure: MayhouseError
) -> None:
    """It is sent: an operator who reads the message must not run it again."""

    def lie(_: Sighting) -> Sighting:
        raise failure

    session.chain.lie = lie
    with pytest.raises(MayhouseError) as told:
        create(session)
    assert session.last.tx_hash in told.value.message
    assert "tx resume" in (told.value.hint or "")


def test_one_failing_transaction_does_not_keep_a_resume_from_the_others(
    session: MemorySession,
) -> None:
    """What can be brought to its end is, whatever became of the rest."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        create(session)
    session.chain.use_nonce()
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event(2)
    with pytest.raises(Refused, match="1 did not happen"):
        resumed(session)
    assert [one.status for one in session.recorded] == [Status.REPLACED, Status.CONFIRMED]


def test_what_is_unfinished_for_too_long_is_a_finding(session: MemorySession) -> None:
    """Monitoring asks without waiting."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        create(session)
    session.memory.now += AN_HOUR + timedelta(seconds=1)
    with pytest.raises(CheckFoundProblems, match="1 unfinished"):
        resume(None, session, wait=False, max_age=AN_HOUR)
