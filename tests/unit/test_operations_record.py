"""Prepare and record: guards before anything is signed, and one record for each intent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from mayhouse_cli.errors import (
    FeeTooHigh,
    InsufficientFunds,
    IntentConflict,
    MayhouseError,
    Refused,
    Reverted,
    Unconfirmed,
    WrongChain,
)
from mayhouse_cli.models import (
    Address,
    Hash,
    Pin,
    Rate,
    SendAnswer,
    SendOutcome,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import booking_creation, event_creation
from mayhouse_cli.operations.booking_creation import BookingRequest
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from tests.twin_chain import PLATFORM
from tests.twin_contract import GENESIS
from tests.twin_session import (
    CHAIN_ID,
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
from tests.twins import MemoryLedger

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


# --- guards -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short_by", "error"), [(0, None), (1, InsufficientFunds)], ids=["just enough", "one wei short"]
)
def test_value_and_the_highest_fee_must_be_there(
    short_by: int, error: type[MayhouseError] | None
) -> None:
    """The wallet must be able to pay the worst case to the wei."""
    session = platform()
    session.chain.balance = STAKE + 100_000 * 10**10 - short_by
    if error is None:
        assert create(session, event_request()).status is Status.CONFIRMED
        return
    with pytest.raises(error) as refusal:
        create(session, event_request())
    assert refusal.value.details["shortfall_wei"] == "1"
    assert nothing_happened(session)


def test_what_the_contract_would_refuse_is_not_signed() -> None:
    """The simulation's reason is the message, and nothing is recorded."""
    session = platform()
    session.chain.refusal = "Event must be in the future"
    with pytest.raises(Reverted, match="Event must be in the future"):
        create(session, event_request())
    assert nothing_happened(session)


def test_a_fee_above_the_cap_is_not_signed() -> None:
    """The operator's cap holds whatever the chain costs now."""
    session = platform()
    with pytest.raises(FeeTooHigh):
        create(session, event_request(), choices(max_fee=Wei(999)))
    assert nothing_happened(session)


def test_a_freeze_refuses_to_sign() -> None:
    """The reason that the operators gave is told."""
    session = platform()
    session.memory.rows.frozen = "key rotation"
    with pytest.raises(Refused, match="Signing is frozen: key rotation"):
        create(session, event_request())
    assert nothing_happened(session)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chain_id", 1),
        ("genesis_hash", Hash("0x" + "9" * 64)),
        ("contract", Address("0x" + "9" * 40)),
        ("sender", Address("0x" + "9" * 40)),
    ],
)
def test_a_database_of_another_platform_refuses(field: str, value: object) -> None:
    """One database serves one chain, genesis block, contract and sender."""
    session = platform()
    ours: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "genesis_hash": GENESIS,
        "contract": session.chain.contract,
        "sender": PLATFORM,
    }
    session.memory.rows.pin = Pin(**{**ours, field: value})
    with pytest.raises(WrongChain, match="This database serves the"):
        create(session, event_request())
    assert nothing_happened(session)


def test_the_first_signature_binds_the_database() -> None:
    """From then on it serves this chain and wallet alone."""
    session = platform()
    create(session, event_request())
    assert session.journal.pinned() == Pin(CHAIN_ID, GENESIS, session.chain.contract, PLATFORM)


# --- spending caps ----------------------------------------------------------------------


def test_a_transaction_over_its_cap_is_refused() -> None:
    """One wei over the cap of a single transaction is too much."""
    session = platform(max_transaction_eth=Wei(STAKE - 1))
    with pytest.raises(Refused, match="over the cap of"):
        create(session, event_request())
    assert nothing_happened(session)


def test_a_transaction_of_just_its_cap_is_sent() -> None:
    """The cap itself may be spent."""
    session = platform(max_transaction_eth=STAKE, max_daily_eth=STAKE)
    assert create(session, event_request()).status is Status.CONFIRMED


def test_the_third_send_of_a_day_is_refused_by_the_daily_cap() -> None:
    """Each alone is below the cap; two fit, and the third would go over it."""
    session = platform(max_daily_eth=Wei(STAKE * 3 - 1))
    create(session, event_request(4))
    create(session, event_request(4, "2500.00"), choices(idempotency_key="second"))
    with pytest.raises(Refused, match="was sent in 24 hours"):
        create(session, event_request(4), choices(idempotency_key="third"))
    assert len(session.chain.sent) == 2


def test_the_daily_cap_forgets_after_a_day() -> None:
    """The window rolls: what was sent a day and a moment ago does not count."""
    session = platform(max_daily_eth=STAKE)
    create(session, event_request())
    session.memory.now += timedelta(days=1, seconds=1)
    create(session, event_request(), choices(idempotency_key="second"))
    assert len(session.chain.sent) == 2


def test_what_did_not_happen_does_not_count_as_spent() -> None:
    """A rejected transaction leaves the cap as it was."""
    session = with_row(platform(max_daily_eth=STAKE))
    session.chain.answers = [REJECTED]
    with pytest.raises(Refused):
        create(session)
    assert create(session).status is Status.CONFIRMED


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
    session.ledger = DyingLedger(session.memory)
    session.memory.rows.rates.clear()
    with pytest.raises(Killed):
        booking_creation.create(plan, choices(), session)
    assert session.memory.rows.bookings == before
    assert (len(session.recorded), len(session.chain.sent)) == (1, 1)


class DyingLedger(MemoryLedger):
    """Ends the process when the rate is to be kept, which is the last that is recorded."""

    def add_rate(self, rate: Rate) -> None:
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
