"""`booking import`: a file of bookings, each made exactly once."""

from pathlib import Path

from tests.bulk_platform import add_travelers, mining_by_interval, on_chain, read_csv, write_csv
from tests.faults.oracle import Oracle
from tests.mayhouse import ASHA, BINA, Mayhouse

HEADER = ("Event", "traveler_id", "seats")


def test_a_file_over_two_events_is_made_once_and_a_second_run_makes_nothing(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """All rows stand on chain and in the database, and the result file tells of each."""
    oracle = Oracle(mayhouse)
    events = [mayhouse.create_event(seats=40), mayhouse.create_event(seats=40, price="900")]
    travelers = add_travelers(mayhouse, 20)
    ids = (str(events[0]["chain_event_id"]), events[1]["event_id"])
    file = write_csv(
        folder / "bookings.csv",
        HEADER,
        [(ids[n % 2], travelers[n // 2], 1 + n % 4 // 3) for n in range(40)],
    )
    with mining_by_interval(mayhouse.node):
        made = mayhouse.json("booking", "import", str(file), "-y", "--window", "16").data
    assert (made["total"], made["confirmed"], made["failed"], made["sent"]) == (40, 40, 0, 0)
    result = read_csv(Path(made["result_file"]))
    assert [int(row["line"]) for row in result] == list(range(2, 42))
    assert {row["status"] for row in result} == {"confirmed"}
    for one in events:
        hashes = on_chain(mayhouse, one["chain_event_id"])
        said = [row["tx_hash"] for row in made["rows"] if row["event_id"] == one["event_id"]]
        assert sorted(hashes) == sorted(said)
    oracle.examine().demand_none()

    sent = mayhouse.transactions_sent()
    again = mayhouse.json("booking", "import", str(file), "-y").data
    assert (again["confirmed"], again["confirmed_before"]) == (40, 40)
    assert again["rows"] == made["rows"]
    assert mayhouse.transactions_sent() == sent


def test_a_file_with_bad_rows_sends_nothing_and_names_every_line(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """A file counts as a whole."""
    event = mayhouse.create_event(seats=4)["chain_event_id"]
    file = write_csv(
        folder / "bad.csv",
        HEADER,
        [
            (event, ASHA, 1),
            (99, ASHA, 1),
            (event, "00000000-0000-4000-8000-00000000ffff", 1),
            (event, BINA, "two"),
            (event, "", 1),
        ],
    )
    sent = mayhouse.transactions_sent()
    run = mayhouse.json("booking", "import", str(file), "-y")
    assert run.code == 6
    lines = [told.partition(":")[0] for told in run.error["details"]["problems"]]
    assert lines == ["line 3", "line 4", "line 5", "line 6"]
    assert mayhouse.transactions_sent() == sent


def test_a_file_that_asks_for_more_seats_than_are_left_is_refused_as_a_whole(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """Each row alone would fit."""
    event = mayhouse.create_event(seats=4)["chain_event_id"]
    file = write_csv(folder / "many.csv", HEADER, [(event, ASHA, 3), (event, BINA, 2)])
    run = mayhouse.json("booking", "import", str(file), "-y")
    assert run.code == 6
    assert "4 of 4 seats left; the file asks for 5" in run.error["message"]


def test_what_was_booked_without_a_file_is_not_booked_again_by_one(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """Unless it is meant: by an option, or by a key of the row's own."""
    event = mayhouse.create_event(seats=4)["chain_event_id"]
    mayhouse.book(event, ASHA)
    file = write_csv(folder / "twice.csv", HEADER, [(event, ASHA, 1)])
    refused = mayhouse.json("booking", "import", str(file), "-y")
    assert refused.code == 6
    assert "booking 1 is the same" in refused.error["message"]
    allowed = mayhouse.json("booking", "import", str(file), "-y", "--allow-repeats").data
    assert allowed["rows"][0]["chain_booking_id"] == 2


def test_a_dry_run_signs_nothing_and_a_foreign_file_is_not_overwritten(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """Both before anything is sent."""
    event = mayhouse.create_event(seats=4)["chain_event_id"]
    file = write_csv(folder / "one.csv", HEADER, [(event, ASHA, 1)])
    sent = mayhouse.transactions_sent()
    planned = mayhouse.json("booking", "import", str(file), "--dry-run").data
    assert [row["status"] for row in planned["rows"]] == ["planned"]
    mine = folder / "one.result.csv"
    mine.write_text("my own notes\n")
    refused = mayhouse.json("booking", "import", str(file), "-y")
    assert refused.code == 2
    assert mine.read_text() == "my own notes\n"
    assert mayhouse.transactions_sent() == sent


def test_without_consent_nothing_of_a_file_is_signed(mayhouse: Mayhouse, folder: Path) -> None:
    """A pipe cannot agree."""
    event = mayhouse.create_event(seats=4)["chain_event_id"]
    file = write_csv(folder / "one.csv", HEADER, [(event, ASHA, 1)])
    assert mayhouse.json("booking", "import", str(file)).code == 4
    assert mayhouse.row("SELECT count(*) AS n FROM event_run_bookings")["n"] == 0
