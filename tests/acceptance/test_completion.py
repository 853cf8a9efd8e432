"""Completing and cancelling: who counts as what, and plans that are bound to the state."""

import pytest

from tests.mayhouse import ASHA, BINA, CHITRA, PLATFORM, Mayhouse, Run

# withdrawPlatformFees(): sends the whole balance, live escrow included.
WITHDRAW = "0xd0b7830b"


@pytest.fixture
def event(mayhouse: Mayhouse) -> str:
    """An event with two bookings (numbers 1 and 2) that has begun."""
    number = str(mayhouse.create_event()["chain_event_id"])
    mayhouse.book(number, ASHA, 2)
    mayhouse.book(number, BINA, 1)
    mayhouse.warp(90_000)
    return number


def complete(mayhouse: Mayhouse, event: str, *more: str) -> Run:
    """Run the completion with consent."""
    return mayhouse.json("event", "complete", event, *more, "-y")


def numbers(bookings: list[dict[str, int]]) -> list[int]:
    """The on-chain numbers of a result's list."""
    return [booking["chain_booking_id"] for booking in bookings]


def test_all_attended_keeps_no_stake(mayhouse: Mayhouse, event: str) -> None:
    """`--all-attended` names every booking of ours."""
    data = complete(mayhouse, event, "--all-attended").data
    assert (numbers(data["attended"]), data["no_show"]) == ([1, 2], [])
    assert data["stakes_forfeited_wei"] == "0"


def test_nobody_attended_must_be_said_and_keeps_every_stake(mayhouse: Mayhouse, event: str) -> None:
    """The empty list is only sent with `--nobody-attended`."""
    data = complete(mayhouse, event, "--nobody-attended").data
    assert (data["attended"], numbers(data["no_show"])) == ([], [1, 2])
    assert data["stakes_returned_wei"] == "0"


def test_bookings_can_be_named_by_number_and_by_id(mayhouse: Mayhouse, event: str) -> None:
    """Database ids and on-chain numbers may stand in one list."""
    first = mayhouse.json("booking", "show", "1").data["booking_id"]
    data = complete(mayhouse, event, "--attended", f"{first},2").data
    assert numbers(data["attended"]) == [1, 2]


def test_the_no_shows_are_listed_before_signing(mayhouse: Mayhouse, event: str) -> None:
    """A dry run says who would lose what."""
    run = mayhouse.run("event", "complete", event, "--attended", "1", "--dry-run")
    assert "no-show: booking 2, Traveler Two, loses 0.002500 ETH" in run.out
    assert "nothing was signed" in run.out


def test_an_attendance_file_says_who_came(mayhouse: Mayhouse, event: str) -> None:
    """One row a booking, by number or id."""
    (mayhouse.folder / "list.csv").write_text("booking,attended\n1,yes\n2,no\n")
    data = complete(mayhouse, event, "--attendance", "list.csv").data
    assert (numbers(data["attended"]), numbers(data["no_show"])) == ([1], [2])


def test_an_attendance_file_must_name_every_booking(mayhouse: Mayhouse, event: str) -> None:
    """Leaving one out is an error, not a no-show."""
    (mayhouse.folder / "list.csv").write_text("booking,attended\n1,yes\n")
    run = complete(mayhouse, event, "--attendance", "list.csv")
    assert (run.code, run.error["details"]["chain_booking_ids"]) == (6, [2])


def test_a_plan_is_executed_by_its_hash(mayhouse: Mayhouse, event: str) -> None:
    """The plan holds who came; executing it needs no lists."""
    plan = mayhouse.json("event", "complete", event, "--attended", "1", "--plan").data
    data = mayhouse.json("event", "complete", event, "--execute", plan["plan_hash"]).data
    assert (numbers(data["attended"]), numbers(data["no_show"])) == ([1], [2])
    used = mayhouse.row("SELECT used_at, transaction_id FROM mayhouse.plans")
    assert str(used["transaction_id"]) == data["transaction_id"]


def test_executing_a_plan_again_gives_the_first_result(mayhouse: Mayhouse, event: str) -> None:
    """The same plan twice is one completion."""
    plan = mayhouse.json("event", "complete", event, "--attended", "1", "--plan").data
    words = ("event", "complete", event, "--execute", plan["plan_hash"])
    assert mayhouse.json(*words).data == mayhouse.json(*words).data


def test_a_plan_is_refused_when_a_row_has_moved(mayhouse: Mayhouse, event: str) -> None:
    """A booking cancelled in the database after the plan: nothing is sent."""
    plan = mayhouse.json("event", "complete", event, "--attended", "1", "--plan").data
    mayhouse.execute(
        "UPDATE event_run_bookings SET booking_status = 'cancelled' WHERE blockchain_booking_id = 2"
    )
    sent = mayhouse.transactions_sent()
    run = mayhouse.json("event", "complete", event, "--execute", plan["plan_hash"])
    assert (run.code, run.error["details"]["moved"]) == (6, ["bookings"])
    assert mayhouse.transactions_sent() == sent


def test_a_cancellation_plan_is_refused_after_a_new_booking(mayhouse: Mayhouse) -> None:
    """A booking made after the plan would be refunded without having been looked at."""
    number = str(mayhouse.create_event()["chain_event_id"])
    plan = mayhouse.json("event", "cancel", number, "--reason", "rain", "--plan").data
    mayhouse.book(number, CHITRA)
    run = mayhouse.json("event", "cancel", number, "--execute", plan["plan_hash"])
    assert (run.code, run.error["code"]) == (6, "refused")


def test_a_cancellation_plan_lives_a_quarter_of_an_hour(mayhouse: Mayhouse) -> None:
    """An older plan is refused, whatever the state is."""
    number = str(mayhouse.create_event()["chain_event_id"])
    plan = mayhouse.json("event", "cancel", number, "--reason", "rain", "--plan").data
    mayhouse.execute(
        "UPDATE mayhouse.plans SET made_at = made_at - interval '16 minutes',"
        " expires_at = expires_at - interval '16 minutes'"
    )
    run = mayhouse.json("event", "cancel", number, "--execute", plan["plan_hash"])
    assert run.code == 6
    assert run.error["message"].startswith("That plan has expired: it held until ")


def test_a_drained_escrow_is_named_before_signing(mayhouse: Mayhouse, event: str) -> None:
    """After a raw withdrawal the completion says how much is missing, not a bare revert."""
    mayhouse.node.transact({"from": PLATFORM, "to": mayhouse.contract, "data": WITHDRAW})
    run = complete(mayhouse, event, "--all-attended")
    paid = 3 * 12_500_000_000_000_000 * 95 // 100 + 7_500_000_000_000_000 + 10**16
    assert (run.code, run.error["details"]["shortfall_wei"]) == (6, str(paid))


def test_a_payee_with_code_is_named_before_signing(mayhouse: Mayhouse, event: str) -> None:
    """A wallet that turned into a contract would block everyone's payment."""
    mayhouse.node.rpc("anvil_setCode", PLATFORM, "0xef0100" + "11" * 20)
    run = complete(mayhouse, event, "--all-attended")
    mayhouse.node.rpc("anvil_setCode", PLATFORM, "0x")
    assert (run.code, run.error["details"]["payee"]) == (6, PLATFORM)
