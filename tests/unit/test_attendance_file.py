"""Attendance lists as spreadsheets save them."""

from pathlib import Path

import pytest

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.operations.attendance_file import read_attendance_file

FIRST = "00000000-0000-4000-8000-0000000000b1"


def saved(folder: Path, content: bytes) -> Path:
    """A file with these bytes."""
    path = folder / "attendance.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"booking,attended\n1,yes\n2,no\n",
        b"\xef\xbb\xbfbooking,attended\r\n1,yes\r\n2,no\r\n",
        "Booking ID;Attended\r\n1;Yes\r\n2;No\r\n".encode("utf-16"),
        b"attended\tbooking\n x \t 1 \n0\t2\n",
        b'booking,note,attended\n1,"said\nthanks",present\n\n2,,absent\n',
    ],
    ids=["plain", "BOM and CRLF", "UTF-16 and semicolons", "tabs", "quoted line end"],
)
def test_what_spreadsheets_save_is_understood(tmp_path: Path, content: bytes) -> None:
    """Encodings, line ends, delimiters and headers of real exports give the same two lists."""
    request = read_attendance_file(saved(tmp_path, content))
    assert (request.attended, request.no_show) == (("1",), ("2",))
    assert request.names_everyone


def test_a_row_that_says_neither_yes_nor_no_is_named_by_its_line(tmp_path: Path) -> None:
    """Partial attendance is no answer; every bad row is told at once."""
    content = f"booking,attended\n{FIRST},2 of 3\n,yes\n7,\n".encode()
    with pytest.raises(Refused) as refused:
        read_attendance_file(saved(tmp_path, content))
    assert refused.value.details["problems"] == [
        "line 2 says neither yes nor no but 2 of 3",
        "line 3 names no booking",
        "line 4 says neither yes nor no but nothing",
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"name,came\n1,yes\n", b"booking,attended,came\n1,yes,no\n", b"\xff\xfe\xff"],
    ids=["empty", "only blank lines", "no booking column", "two answers", "no text"],
)
def test_a_file_of_another_kind_is_wrong_usage(tmp_path: Path, content: bytes) -> None:
    """Without one column for each, nothing is guessed."""
    with pytest.raises(WrongUsage):
        read_attendance_file(saved(tmp_path, content))


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(WrongUsage, match="nowhere"):
        read_attendance_file(tmp_path / "nowhere.csv")


def test_a_list_in_which_nobody_came_says_so(tmp_path: Path) -> None:
    """Every booking said no: that is the explicit word which forfeits every stake."""
    request = read_attendance_file(saved(tmp_path, b"booking,attended\n1,no\n"))
    assert request.nobody_attended
