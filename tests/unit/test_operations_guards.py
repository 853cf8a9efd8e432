"""Guards before anything is signed: funds, fees, freeze, pins and spending caps."""

from datetime import timedelta
from typing import Any, Final

import pytest

from mayhouse_cli.errors import (
    FeeTooHigh,
    InsufficientFunds,
    MayhouseError,
    Refused,
    Reverted,
    WrongChain,
)
from mayhouse_cli.models import (
    Address,
    Freeze,
    Hash,
    Pin,
    SendAnswer,
    SendOutcome,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import event_creation
from mayhouse_cli.operations.event_creation import EventRequest
from mayhouse_cli.operations.intents import SigningChoices
from tests.twin_chain import PLATFORM
from tests.twin_contract import GENESIS
from tests.twin_session import (
    CHAIN_ID,
    EVENT_ID,
    SEAT,
    MemorySession,
    choices,
    event_request,
    platform,
    with_row,
)
from tests.twins import START

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
    """Why, by whom and since when is told."""
    session = platform()
    session.memory.rows.frozen = Freeze("a leaked key", "asha@desk", START)
    with pytest.raises(Refused, match=r"frozen: a leaked key \(by asha@desk since "):
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
