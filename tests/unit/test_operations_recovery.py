"""Kill, lose and resume: what is recorded happens once, and one resume finds the truth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from mayhouse_cli.errors import (
    CheckFoundProblems,
    CredentialsError,
    Interrupted,
    MayhouseError,
    Refused,
    RpcUnreachable,
    Unconfirmed,
    Unrecorded,
    WrongChain,
)
from mayhouse_cli.models import (
    Hash,
    Payload,
    SendAnswer,
    SendOutcome,
    Sighting,
    Status,
)
from mayhouse_cli.operations import delivery, event_creation
from mayhouse_cli.operations.resumption import Resumed, resume
from tests.twin_session import THE_ROW, Killed, MemorySession, choices, platform, with_row
from tests.twin_signer import hash_of

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
        session.create_row()
    session.resume()
    assert happened_once(session)


def test_a_resume_sends_the_very_same_bytes(session: MemorySession) -> None:
    """Nothing is signed again."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    session.resume()
    assert len(set(session.chain.sent)) == len(session.signer.signed) == 1


def test_a_resume_does_not_send_what_is_mined(session: MemorySession) -> None:
    """It looks first."""
    session.chain.after_send = kill_once(session)
    with pytest.raises(Killed):
        session.create_row()
    session.chain.mine()
    session.resume()
    assert len(session.chain.sent) == 1


def test_a_second_resume_changes_nothing(session: MemorySession) -> None:
    """It is safe at any time."""
    session.create_row()
    before = session.last
    session.resume()
    assert session.last == before


def test_the_command_run_again_does_not_send_what_was_abandoned(session: MemorySession) -> None:
    """A record that was only signed is `tx resume`'s to send, and the message names it."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    session.memory.now += timedelta(minutes=1)
    with pytest.raises(Unconfirmed) as refusal:
        session.create_row()
    assert str(session.last.id)[:8] in (refusal.value.hint or "")
    assert len(session.chain.sent) == 1


# --- what may be sent -------------------------------------------------------------------


def another_version(session: MemorySession) -> Hash:
    """Record a speed-up of the last transaction; gives its hash."""
    one = session.last
    fees = replace(one.newest.fees, max_fee=one.newest.fees.max_fee * 2)
    payload = Payload(one.chain_id, one.nonce, one.recipient, one.value, one.calldata, fees)
    signed = session.signer.sign(payload)
    session.journal.add_attempt(one.id, signed, "speedup")
    return signed.tx_hash


def test_only_the_newest_version_is_sent_by_a_resume(session: MemorySession) -> None:
    """The one before it would only be in its way."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    session.chain.sent.clear()
    newest = another_version(session)
    session.resume()
    assert [hash_of(raw) for raw in session.chain.sent] == [newest]
    assert (session.last.status, session.last.tx_hash) == (Status.CONFIRMED, newest)


def test_a_stale_record_sends_the_newest_version(session: MemorySession) -> None:
    """What is sent is read again at that moment, not remembered."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    session.chain.sent.clear()
    stale = session.last
    newest = another_version(session)
    delivery.send(stale, session)
    assert [hash_of(raw) for raw in session.chain.sent] == [newest]


def test_what_another_process_has_ended_is_not_sent(session: MemorySession) -> None:
    """The record is read again before anything leaves."""
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        session.create_row()
    session.chain.sent.clear()
    stale = session.last
    session.journal.finish(stale.id, Status.FAILED, None, None, "rejected")
    delivery.send(stale, session)
    assert not session.chain.sent


# --- when something is lost -------------------------------------------------------------


def test_a_database_lost_after_the_send_names_the_hash(session: MemorySession) -> None:
    """The transaction is out: the message tells which, and what to do when it is back."""

    def lose() -> None:
        session.memory.lost = True

    session.chain.after_send = lose
    with pytest.raises(Unrecorded) as failure:
        session.create_row()
    session.memory.lost = False
    assert session.last.tx_hash in failure.value.message
    assert f"tx resume {str(session.last.id)[:8]}" in (failure.value.hint or "")
    session.chain.after_send = lambda: None
    session.resume()
    assert happened_once(session)


def test_with_the_database_down_nothing_is_sent(session: MemorySession) -> None:
    """What could not be recorded is not sent."""
    plan = event_creation.plan_creation(THE_ROW, choices(), session)
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
        session.create_row()
    assert session.last.tx_hash in told.value.message
    assert "tx resume" in (told.value.hint or "")


def test_one_failing_transaction_does_not_keep_a_resume_from_the_others(
    session: MemorySession,
) -> None:
    """What can be brought to its end is, whatever became of the rest."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.chain.use_nonce()
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event(2)
    with pytest.raises(Refused, match="1 did not happen"):
        session.resume()
    assert [one.status for one in session.recorded] == [Status.REPLACED, Status.CONFIRMED]


def test_one_that_is_stuck_does_not_use_up_the_time_of_the_others(
    session: MemorySession,
) -> None:
    """All are looked at in turn, while the network can still be asked."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event(2)
    stuck = session.recorded[0].tx_hash

    def lie(sighting: Sighting) -> Sighting:
        if session.deadline.passed:
            raise RpcUnreachable("No time is left")
        hidden = sighting.receipt is not None and sighting.receipt.tx_hash == stuck
        return replace(sighting, receipt=None) if hidden else sighting

    session.chain.lie = lie
    with pytest.raises(Unconfirmed, match="Still waiting for 1 of 2"):
        session.resume()
    assert [one.status for one in session.recorded] == [Status.SENT, Status.CONFIRMED]


def test_a_wallet_that_cannot_sign_does_not_keep_a_resume_from_the_others(
    session: MemorySession,
) -> None:
    """A cancel that is due and cannot be signed is told, and the next one goes on."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.memory.now += AN_HOUR
    session.wait_for(0)
    with pytest.raises(Unconfirmed):
        session.create_event(2)
    session.chain.refusal = "Event must be in the future"
    session.signer.unlock = no_password  # type: ignore[method-assign]
    with pytest.raises(Unconfirmed) as left:
        session.resume()
    assert isinstance(left.value.known, Resumed)
    assert any("No password" in problem for problem in left.value.known.problems)
    assert session.recorded[1].status is Status.CONFIRMED


def no_password() -> None:
    """A keystore whose password nobody told."""
    raise CredentialsError("No password is configured")


def test_what_is_unfinished_for_too_long_is_a_finding(session: MemorySession) -> None:
    """Monitoring asks without waiting."""
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.create_row()
    session.memory.now += AN_HOUR + timedelta(seconds=1)
    with pytest.raises(CheckFoundProblems, match="1 unfinished"):
        resume(None, session, wait=False, max_age=AN_HOUR)


def test_a_database_lost_before_the_send_is_not_told_as_sent(session: MemorySession) -> None:
    """Recorded and not sent: the message must not say that the bytes are out."""

    class LosingSession(MemorySession):
        def __init__(self, session: MemorySession) -> None:
            vars(self).update(vars(session))

        @contextmanager
        def transaction(self) -> Iterator[None]:
            with super().transaction():
                yield
            self.memory.lost = not self.memory.in_transaction and bool(self.signer.signed)

    losing = LosingSession(session)
    with pytest.raises(MayhouseError) as failure:
        losing.create_row()
    session.memory.lost = False
    assert session.last.status is Status.SIGNED
    assert not session.chain.sent
    assert "Sent" not in failure.value.message
