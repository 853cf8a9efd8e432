"""Many transactions at once: the same as each by itself, in Postgres and in its twin."""

from typing import Any

import pytest

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import (
    AttemptOutcome,
    ContractEvent,
    Kind,
    NewTransaction,
    Status,
)
from tests.integration.test_journal_contract import (
    BOOKING_ID,
    CHAIN_ID,
    CONTRACT,
    EVENT_ID,
    SENDER,
    Kept,
    intent,
    kept,
    receipt_of,
    signed,
)

__all__ = ["kept"]


def test_the_lowest_free_nonces_are_given_in_their_order(kept: Kept) -> None:
    """Gaps first, then what follows."""
    kept.record("a", 5)
    kept.fail(kept.record("b", 6))
    kept.record("c", 8)
    assert [*kept.journal.free_nonces(CHAIN_ID, SENDER, 5, 4)] == [6, 7, 9, 10]
    assert [*kept.journal.free_nonces(CHAIN_ID, SENDER, 5, 0)] == []


def test_intents_are_found_by_their_keys_and_by_their_rows(kept: Kept) -> None:
    """One that lives counts above one that failed, as for each by itself."""
    booking: dict[str, Any] = {"kind": Kind.BOOK_EVENT}
    kept.fail(kept.record("a", 0, **booking))
    lives = kept.record("a", 0, generation=2, **booking)
    of_row = kept.record("b", 1, booking_id=BOOKING_ID, **booking)
    wanted = [
        intent("a", **booking),
        intent("another", booking_id=BOOKING_ID, **booking),
        intent("unknown", **booking),
    ]
    found = kept.journal.latest_all(wanted)
    assert {key: one.id for key, one in found.items()} == {"a": lives.id, "another": of_row.id}
    assert found == {one.key: kept.journal.latest(one) for one in wanted[:2]}
    assert kept.journal.latest_all([]) == {}


def test_many_are_recorded_together_or_not_at_all(kept: Kept) -> None:
    """A nonce that is taken undoes all of them."""
    new = [NewTransaction(intent(f"k{n}"), signed(n), 1) for n in range(3)]
    recorded = kept.journal.insert_all(new, SENDER, CONTRACT, "tester")
    assert [(one.intent_key, one.nonce) for one in recorded] == [("k0", 0), ("k1", 1), ("k2", 2)]
    hashes = [one.signed.tx_hash for one in new]
    assert kept.journal.known([*hashes, signed().tx_hash]) == frozenset(hashes)
    again = [NewTransaction(intent(f"m{n}"), signed(n), 1) for n in (3, 2)]

    def record() -> None:
        with kept.transaction():
            kept.journal.insert_all(again, SENDER, CONTRACT, "tester")

    with pytest.raises(Refused):
        record()
    assert kept.journal.free_nonces(CHAIN_ID, SENDER, 0, 1) == [3]


def test_answers_and_ends_of_many_are_kept(kept: Kept) -> None:
    """What was accepted is confirmed, under the numbers that the receipts gave."""
    booking: dict[str, Any] = {"kind": Kind.BOOK_EVENT}
    ours = [kept.record(f"k{n}", n, **booking) for n in range(2)]
    kept.journal.keep_answers(
        [(ours[0], AttemptOutcome.ACCEPTED, None), (ours[1], AttemptOutcome.UNKNOWN, "502")]
    )
    sent = kept.journal.get_all([one.id for one in ours])
    assert [one.status for one in sent] == [Status.SENT, Status.SENT]
    assert [one.newest.error for one in sent] == [None, "502"]
    made = ContractEvent("BookingCreated", {"bookingId": 7})
    with kept.transaction():
        locked = kept.journal.get_all_locked([one.id for one in ours])
        kept.journal.mark_mined_all([(locked[1], receipt_of(locked[1], made))])
        kept.journal.confirm_all([(locked[0], receipt_of(locked[0], made), 7)])
    after = kept.journal.get_all([one.id for one in ours])
    assert [one.status for one in after] == [Status.CONFIRMED, Status.MINED]
    assert after[0].newest.outcome is AttemptOutcome.MINED
    assert kept.journal.held_numbers(Kind.BOOK_EVENT, [6, 7]) == frozenset({7})
    assert kept.journal.held_numbers(Kind.CREATE_EVENT, [6, 7]) == frozenset()


def test_an_end_is_not_changed_into_another(kept: Kept) -> None:
    """Neither by many at once."""
    one = kept.record()
    kept.fail(one)
    with pytest.raises(Refused):
        kept.journal.confirm_all([(one, receipt_of(one), 1)])


def test_the_newest_creation_of_an_event_is_found(kept: Kept) -> None:
    """However many transactions there are on it."""
    creation: dict[str, Any] = {"kind": Kind.CREATE_EVENT, "event_id": EVENT_ID}
    kept.fail(kept.record("a", 0, **creation))
    second = kept.record("a", 0, generation=2, **creation)
    kept.record("b", 1, kind=Kind.BOOK_EVENT, event_id=EVENT_ID)
    assert {key: one.id for key, one in kept.journal.creations([EVENT_ID]).items()} == {
        EVENT_ID: second.id
    }
