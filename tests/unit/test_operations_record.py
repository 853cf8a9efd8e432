"""Prepare and record: one record for each intent, whoever runs it and how often."""

from dataclasses import replace
from typing import Final

import pytest

from mayhouse_cli.errors import (
    IntentConflict,
    Refused,
    Unconfirmed,
)
from mayhouse_cli.models import (
    Rate,
    SendAnswer,
    SendOutcome,
    Status,
    Transaction,
)
from mayhouse_cli.operations import booking_creation, event_creation
from mayhouse_cli.operations.booking_creation import BookingRequest
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from tests.twin_session import (
    EVENT_ID,
    SEAT,
    TRAVELERS,
    Killed,
    MemorySession,
    choices,
    event_request,
    platform,
    with_row,
)
from tests.twins import MemoryRates

REJECTED: Final = SendAnswer(SendOutcome.REJECTED, "insufficient funds")
STAKE: Final = SEAT * 4 // 5
ROW: Final = EventRequest(event_id=str(EVENT_ID))


def create(
    session: MemorySession,
    request: EventRequest = ROW,
    options: SigningChoices | None = None,
) -> Transaction:
    """Create an event; gives its record."""
    signing = options or choices()
    plan = event_creation.plan_creation(request, signing, session)
    event_creation.create(plan, signing, session)
    return session.last


def nothing_happened(session: MemorySession) -> bool:
    """Nothing was signed, recorded or sent."""
    return not (session.signer.signed or session.recorded or session.chain.sent)


# --- an intent run again ----------------------------------------------------------------


def test_a_done_intent_answers_without_a_second_send() -> None:
    """The same row gives the same transaction, and nothing is signed."""
    session = with_row(platform())
    first = create(session)
    assert create(session) == first
    assert len(session.chain.sent) == len(session.signer.signed) == 1


def test_an_own_key_with_other_arguments_is_refused() -> None:
    """The key belongs to what was asked first."""
    session = platform()
    create(session, event_request(4), choices(idempotency_key="mine"))
    with pytest.raises(IntentConflict, match="other arguments"):
        create(session, event_request(5), choices(idempotency_key="mine"))
    assert len(session.chain.sent) == 1


def test_an_own_key_with_the_same_arguments_answers() -> None:
    """A second run of a command with a key is the first one's result."""
    session = platform()
    first = create(session, event_request(), choices(idempotency_key="mine"))
    assert create(session, event_request(), choices(idempotency_key="mine")) == first


def test_an_own_key_keeps_answering_with_its_failure() -> None:
    """A caller that retries by its key must not spend after it was told of a failure."""
    session = platform()
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        create(session, event_request(), choices(idempotency_key="mine"))
    with pytest.raises(IntentConflict, match="its transaction is failed"):
        create(session, event_request(), choices(idempotency_key="mine"))
    assert len(session.chain.sent) == 1


def test_a_row_is_tried_again_after_an_impossible_transaction() -> None:
    """The retry is the second generation, and takes the nonce that stayed free."""
    session = with_row(platform())
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        create(session)
    again = create(session)
    assert (again.generation, again.nonce, again.status) == (2, 0, Status.CONFIRMED)


def test_a_row_changed_meanwhile_is_refused() -> None:
    """The confirmed transaction is not the one that the row asks for now."""
    session = with_row(platform())
    create(session)
    rows = session.memory.rows
    rows.events[EVENT_ID] = replace(rows.events[EVENT_ID], seats=9)
    with pytest.raises(IntentConflict):
        create(session)


def test_the_very_same_booking_is_not_sent_while_the_first_is_open() -> None:
    """Without row or key the arguments tell that it is the same wish."""
    session = platform()
    session.create_event()
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.book()
    session.wait_for(5)
    with pytest.raises(Unconfirmed, match="very same is already on its way") as refusal:
        session.book()
    assert refusal.value.details["tx_hash"] == session.last.tx_hash
    assert len(session.chain.sent) == 2


def test_another_travelers_booking_is_another_wish() -> None:
    """Only the very same arguments are taken for the same."""
    session = platform()
    session.create_event()
    session.chain.mines = False
    with pytest.raises(Unconfirmed):
        session.book(0)
    session.chain.mines = True
    session.wait_for(5)
    assert session.book(1).chain_booking_id == 2


def test_the_same_booking_can_be_made_again_when_the_first_is_done() -> None:
    """A traveler may book twice."""
    session = platform()
    session.create_event()
    assert [session.book().chain_booking_id, session.book().chain_booking_id] == [1, 2]


def test_a_process_that_prepared_in_vain_takes_the_first_ones_result() -> None:
    """Two processes prepared the same row; under the lock the second finds the first's record."""
    session = with_row(platform())
    late = event_creation.plan_creation(ROW, choices(), session)
    first = create(session)
    created = event_creation.create(late, choices(), session)
    assert created.transaction.transaction_id == first.id
    assert len(session.chain.sent) == 1


# --- the record -------------------------------------------------------------------------


def test_a_failure_while_recording_leaves_nothing() -> None:
    """Intent, nonce and the platform's own rows are kept together or not at all."""
    session = platform()
    session.create_event()
    plan = booking_creation.plan_booking(
        BookingRequest(event="1", seats=1, traveler_id=TRAVELERS[0]), choices(), session
    )
    before = session.memory.rows.bookings.copy()
    session.rates = DyingRates(session.memory)
    session.memory.rows.rates.clear()
    with pytest.raises(Killed):
        booking_creation.create(plan, choices(), session)
    assert session.memory.rows.bookings == before
    assert (len(session.recorded), len(session.chain.sent)) == (1, 1)


class DyingRates(MemoryRates):
    """Ends the process when the rate is to be kept, which is the last that is recorded."""

    def add(self, rate: Rate) -> None:
        super().add(rate)
        raise Killed


def test_the_bytes_are_recorded_before_they_are_sent() -> None:
    """A process that dies before the send leaves everything that a resume needs."""
    session = platform()
    session.chain.answers = [Killed()]
    with pytest.raises(Killed):
        create(session, event_request())
    assert session.last.status is Status.SIGNED
    assert session.last.newest.raw == session.chain.sent[0]


def test_arguments_and_terms_come_back_as_json_gives_them() -> None:
    """What is compared with a later run went through the database."""
    session = platform()
    arguments = create(session, event_request()).arguments
    assert arguments["starts_at"] == "2026-11-02T12:00:00Z"
    assert (arguments["seats"], arguments["price_inr"]) == (4, "2500.00")
