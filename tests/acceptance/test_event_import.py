"""`event create --from`: a file of events, each made exactly once."""

from pathlib import Path

from tests.bulk_platform import mining_by_interval, read_csv, write_csv
from tests.faults.oracle import Oracle
from tests.mayhouse import EXPERIENCE_ID, Mayhouse

HEADER = ("experience", "price_inr", "seats", "starts_at", "note")


def test_a_file_of_events_is_made_once_and_a_row_added_later_is_made_alone(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """The others are known again by their terms."""
    oracle = Oracle(mayhouse)
    starts = [mayhouse.starts_in(86_400 + 3_600 * hour) for hour in range(12)]
    rows = [(EXPERIENCE_ID, 2000 + n, 4, starts[n], "walk") for n in range(12)]
    file = write_csv(folder / "events.csv", HEADER, rows[:11])
    with mining_by_interval(mayhouse.node):
        run = mayhouse.json("event", "create", "--from", str(file), "-y")
        assert (run.data["total"], run.data["confirmed"]) == (11, 11)
        assert run.document["warnings"] == ["Columns that are not read: note"]
        assert {row["status"] for row in read_csv(Path(run.data["result_file"]))} == {"confirmed"}
        oracle.examine().demand_none()

        write_csv(file, HEADER, rows)
        again = mayhouse.json("event", "create", "--from", str(file), "-y").data
    assert (again["confirmed"], again["confirmed_before"]) == (12, 11)
    assert again["rows"][:11] == run.data["rows"]
    oracle.examine().demand_none()


def test_events_that_cannot_be_made_are_all_named_and_none_is_made(
    mayhouse: Mayhouse, folder: Path
) -> None:
    """Terms that cannot be read, and terms that a guard refuses."""
    start = mayhouse.starts_in()
    file = write_csv(
        folder / "events.csv",
        HEADER,
        [
            (EXPERIENCE_ID, 2500, 4, start, ""),
            (EXPERIENCE_ID, "cheap", 4, start, ""),
            (EXPERIENCE_ID, 2500, 4, "2026-11-28T18:00", ""),
            (EXPERIENCE_ID, 2500, 4, "", ""),
        ],
    )
    run = mayhouse.json("event", "create", "--from", str(file), "-y")
    assert run.code == 6
    lines = [told.partition(":")[0] for told in run.error["details"]["problems"]]
    assert lines == ["line 3", "line 4", "line 5"]
    write_csv(file, HEADER, [(EXPERIENCE_ID, 2500, 4, "2020-01-01T00:00Z", "")])
    run = mayhouse.json("event", "create", "--from", str(file), "-y")
    assert run.code == 6
    assert "line 2: The start lies in the past" in run.error["message"]
    assert mayhouse.row("SELECT count(*) AS n FROM event_runs")["n"] == 0
