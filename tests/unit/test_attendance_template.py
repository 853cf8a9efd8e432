"""The list to fill in: safe in a spreadsheet, and read back from whatever one makes of it."""

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayhouse_cli.errors import WrongUsage
from mayhouse_cli.models import Call
from mayhouse_cli.operations.attendance import AttendanceRequest, attendance
from mayhouse_cli.operations.attendance_file import read_attendance_file
from mayhouse_cli.operations.attendance_template import as_csv, attendance_template
from mayhouse_cli.operations.settling import read_ending_event
from tests.twin_chain import STRANGER
from tests.twin_session import SEAT, MemorySession, platform

FORMULAS: Final = (
    "=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "\r=1",
    "\uff1d1",
    "'=1",
    "\u200b=1",
)
# What Postgres and UTF-8 can hold.
names = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12),
    st.builds(str.__add__, st.sampled_from(FORMULAS), st.text("abc;,\"'\t =|", max_size=6)),
)
answers = st.sampled_from(["yes", "no", "Y", "N", "TRUE", "FALSE"])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


def named(session: MemorySession, *called: str) -> MemorySession:
    """Give the travelers of the bookings these names, from the first on."""
    rows = session.memory.rows.bookings
    for row, name in zip(sorted(rows.values(), key=_number), called, strict=True):
        rows[row.id] = replace(row, traveler=replace(row.traveler, name=name))
    return session


def _number(row: Any) -> int:  # noqa: ANN401 - a booking's row
    return int(row.chain_booking_id)


def cells(session: MemorySession) -> list[list[str]]:
    """The template as rows."""
    return [*csv.reader(io.StringIO(as_csv(attendance_template("1", None, session)), newline=""))]


def read_back(session: MemorySession, content: bytes) -> tuple[list[int], list[int]]:
    """Who came by a file with these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(content)
        request = AttendanceRequest(listed=read_attendance_file(path))
    came, missed = attendance(read_ending_event("1", session), request)
    return [one.on_chain.id for one in came], [one.on_chain.id for one in missed]


def test_the_template_lists_every_active_booking() -> None:
    """Ours by number and row, a stranger's by its number alone, and an empty last column."""
    session = platform().with_bookings(2, 1)
    session.chain.do(Call("bookEvent", (1, 1), SEAT * 6 // 5), STRANGER)
    rows = sorted(session.memory.rows.bookings.values(), key=_number)
    assert cells(session) == [
        ["booking", "booking_id", "traveler", "seats", "stake_eth", "attended"],
        ["1", str(rows[0].id), "Traveler 0", "2", "0.005000", ""],
        ["2", str(rows[1].id), "Traveler 1", "1", "0.002500", ""],
        ["3", "", "", "1", "0.002500", ""],
    ]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_name_is_a_formula(name: str) -> None:
    """Travelers choose their names; a spreadsheet must not run them."""
    session = named(platform().with_bookings(1), name)
    (_, row) = cells(session)
    assert row[2].startswith("'")


@settings(max_examples=100)
@given(st.data())
def test_a_filled_template_is_read_back_from_every_dialect(data: st.DataObject) -> None:
    """Whatever the names, encoding, delimiter, line end and quoting, each answer is its own's."""
    session = named(platform().with_bookings(1, 1, 1), *data.draw(st.tuples(names, names, names)))
    said = data.draw(st.lists(answers, min_size=3, max_size=3).filter(_anyone))
    header, *rows = cells(session)
    filled = [[*row[:-1], answer] for row, answer in zip(rows, said, strict=True)]
    order = data.draw(st.permutations(range(len(header))))
    text = io.StringIO()
    delimiter = data.draw(st.sampled_from([",", ";", "\t"]))
    if data.draw(st.booleans()):
        text.write(f"sep={delimiter}\r\n")
    csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=data.draw(line_ends),
        quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    ).writerows(
        [[row[index] for index in order] for row in [header, *data.draw(st.permutations(filled))]]
    )
    came = [number for number, one in enumerate(said, 1) if one in ("yes", "Y", "TRUE")]
    missed = [number for number in (1, 2, 3) if number not in came]
    content = text.getvalue().encode(data.draw(encodings))
    assert read_back(session, content) == (came, missed)


def _anyone(said: list[str]) -> bool:
    return any(one in ("yes", "Y", "TRUE") for one in said)


def test_a_template_is_written_for_spreadsheets(tmp_path: Path) -> None:
    """With its mark, so that names are read as UTF-8."""
    session = named(platform().with_bookings(1), "José")
    attendance_template("1", tmp_path / "list.csv", session)
    assert (tmp_path / "list.csv").read_bytes().startswith(b"\xef\xbb\xbfbooking,")
    assert "José" in (tmp_path / "list.csv").read_text("utf-8-sig")


def test_a_list_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody may have filled it in."""
    (tmp_path / "list.csv").write_text("filled in")
    with pytest.raises(WrongUsage, match="exists already"):
        attendance_template("1", tmp_path / "list.csv", platform().with_bookings(1))
    assert (tmp_path / "list.csv").read_text() == "filled in"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message says what could not be written."""
    with pytest.raises(WrongUsage, match="cannot be written"):
        attendance_template("1", tmp_path / "no" / "list.csv", platform().with_bookings(1))
