"""Attendance lists as spreadsheets save them, held against the bookings of an event."""

from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from mayhouse_cli.errors import MayhouseError, Refused, WrongUsage
from mayhouse_cli.models import Person, parse_address
from mayhouse_cli.operations.attendance_file import read_attendance_file
from mayhouse_cli.operations.attendance_list import Guest, decide

ROW: Final = "00000000-0000-4000-8000-0000000000b1"
WALLET: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
JOSE: Final = Person(UUID(int=11), "José d'Souza", parse_address(WALLET), "jose@example.org")
ASHA: Final = Person(UUID(int=12), "Asha", None, "asha@example.org")
GUESTS: Final = (Guest(1, UUID(ROW), JOSE, 2), Guest(2, UUID(int=2), ASHA, 1))
UTF16_OF_EXCEL: Final = "Booking ID\tAttended\r\n1\tYes\r\n2\tNo\r\n"

Split = tuple[list[int], list[int]]


def saved(folder: Path, content: bytes | str) -> Path:
    """A file with these bytes, or this text in UTF-8."""
    path = folder / "attendance.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def split(folder: Path, content: bytes | str, guests: tuple[Guest, ...] = GUESTS) -> Split:
    """The on-chain numbers of those who came, and of those who did not."""
    came, missed = decide(read_attendance_file(saved(folder, content)), guests, 42)
    return sorted(came), sorted(missed)


def problems(folder: Path, content: bytes | str, guests: tuple[Guest, ...] = GUESTS) -> list[str]:
    """What is wrong with a list."""
    with pytest.raises(Refused) as refusal:
        split(folder, content, guests)
    told: list[str] = refusal.value.details["problems"]
    return told


def unreadable(folder: Path, content: bytes | str) -> MayhouseError:
    """Why a file is no attendance list at all."""
    with pytest.raises(WrongUsage) as refusal:
        read_attendance_file(saved(folder, content))
    return refusal.value


# --- dialects ---------------------------------------------------------------------------

DIALECTS: Final[dict[str, bytes | str]] = {
    "plain": "booking,attended\n1,yes\n2,no\n",
    "no line end at the end": "booking,attended\n1,yes\n2,no",
    "UTF-8 with its mark, CRLF": b"\xef\xbb\xbfbooking,attended\r\n1,yes\r\n2,no\r\n",
    "mark and a quoted header": b'\xef\xbb\xbf"booking","attended"\r\n"1","yes"\r\n"2","no"\r\n',
    "Excel's Unicode text": b"\xff\xfe" + UTF16_OF_EXCEL.encode("utf-16-le"),
    "the same, big endian": b"\xfe\xff" + UTF16_OF_EXCEL.encode("utf-16-be"),
    "old Mac line ends": "booking,attended\r1,yes\r2,no\r",
    "semicolons": "Booking;Attended\n1;Yes\n2;No\n",
    "tabs": "attended\tbooking\n P \t 1 \nA\t2\n",
    "sep line": "sep=;\r\nbooking;attended\r\n1;yes\r\n2;no\r\n",
    "quoted sep line, another delimiter": '"sep=|"\nbooking|attended\n1|yes\n2|no\n',
    "sep line with trailing delimiters": "sep=,,,\nbooking,attended,\n1,yes,\n2,no,\n",
    "a header full of other delimiters": '"note; a; b;\tc",booking,attended\nx,1,yes\n;,2,no\n',
    "blank lines": "\n\nbooking,attended\n\n1,yes\n,\n  ,  \n2,no\n\n",
    "trailing empty columns": "booking,attended,,,\n1,yes,,,\n2,no,,,\n",
    "quoted line ends": 'booking,note,attended\n1,"said\nthanks",present\n\n2,,absent\n',
    "quoted delimiters": 'booking,note,attended\n1,"a,b;c\td",y\n2,"say ""hi"", bye",n\n',
    "text formulas": '="booking",attended\n="1",yes\n"=""2""",no\n',
    "no-break spaces": "booking\xa0,\u202fattended\n\xa01\xa0,yes\xa0\n2,\xa0no\n",
    "blanks before quotes": 'booking, attended\n1, "yes"\n2, "no"\n',
    "Windows-1252 in a note": "booking,note,attended\n1,caf\xe9 \x93x\x94,yes\n2,,no\n".encode(
        "latin-1"
    ),
    "other words": "Booking #,Attended?\n1,TRUE\n2,False\n",
    "a row more names": "bookingId,chain_booking_id,came\n,1,✓\n,2,no-show\n".replace(
        "bookingId", "booking_id"
    ),
}


@pytest.mark.parametrize("content", DIALECTS.values(), ids=DIALECTS)
def test_what_spreadsheets_save_is_understood(tmp_path: Path, content: bytes | str) -> None:
    """Encodings, line ends, delimiters and headers of real exports give the same two lists."""
    assert split(tmp_path, content) == ([1], [2])


@pytest.mark.parametrize(
    "name",
    [
        "José d'Souza",
        "JOSÉ  D'SOUZA",
        "Jose\u0301 d'Souza",
        "'José d'Souza",
        str(JOSE.id),
        WALLET,
        WALLET.lower(),
        "Jose@Example.org",
    ],
)
def test_a_traveler_is_known_by_name_id_email_and_wallet(tmp_path: Path, name: str) -> None:
    """Where they have one booking, that is the one; letters may be composed in either way."""
    assert split(tmp_path, f"traveler,attended\n{name},yes\nasha,no\n") == ([1], [2])


def test_columns_for_booking_and_traveler_may_fill_each_others_gaps(tmp_path: Path) -> None:
    """Each row is named by whichever cells are filled."""
    content = f"booking,row_id,name,attended\n,{ROW},,yes\n,,Asha,no\n"
    assert split(tmp_path, content) == ([1], [2])


def test_a_name_in_windows_1252_is_taken_when_it_is_one_of_the_event(tmp_path: Path) -> None:
    """The guess at the encoding is proven by the name that it gives."""
    content = "name,attended\nJosé d'Souza,yes\nAsha,no\n".encode("cp1252")
    assert split(tmp_path, content) == ([1], [2])


def test_a_name_that_the_guessed_encoding_does_not_explain_is_told(tmp_path: Path) -> None:
    """Another 8-bit encoding gives another name: the remedy is UTF-8."""
    content = "name,attended\nJosé d'Souza,yes\nAsha,no\n".encode("mac-roman")
    with pytest.raises(Refused) as refusal:
        split(tmp_path, content)
    assert refusal.value.details["problems"][0].startswith("line 2: ")
    assert "UTF-8" in (refusal.value.hint or "")


def test_thousands_of_rows_are_read(tmp_path: Path) -> None:
    """Each decides its own booking."""
    guests = tuple(Guest(number, None, None, 1) for number in range(1, 5_001))
    lines = "".join(f"{one.chain_booking_id},{one.chain_booking_id % 2}\r\n" for one in guests)
    came, missed = split(tmp_path, f"booking,attended\r\n{lines}", guests)
    assert (came, missed) == (list(range(1, 5_001, 2)), list(range(2, 5_001, 2)))


# --- what is wrong with a row -----------------------------------------------------------

WRONG: Final[dict[str, tuple[str, list[str]]]] = {
    "partly": (
        "booking,attended\n1,1 of 2\n2,no\n",
        ['line 2: "1 of 2" counts seats: decide yes or no for the whole booking'],
    ),
    "a fraction": (
        "booking,attended\n1,1/2\n2,no\n",
        ['line 2: "1/2" counts seats: decide yes or no for the whole booking'],
    ),
    "a count": (
        "booking,attended\n1,2\n2,no\n",
        ['line 2: "2" counts seats: decide yes or no for the whole booking'],
    ),
    "one of two, or yes": (
        "booking,attended\n1,1\n2,1\n",
        ['line 2: "1" may mean yes or one of 2 seats: decide yes or no for the booking'],
    ),
    "no answer": ("booking,attended\n1,\n2,no\n", ["line 2: says neither yes nor no"]),
    "a mark of either meaning": (
        "booking,attended\n1,X\n2,no\n",
        ['line 2: "X" may mean came or absent: write yes or no'],
    ),
    "another word": (
        "booking,attended\n1,maybe\n2,no\n",
        ['line 2: "maybe" is neither yes nor no'],
    ),
    "twice": (
        f"booking,attended\n1,yes\n2,no\n{ROW},no\n",
        ["line 4: booking 1 (José d'Souza) stands in line 2 already"],
    ),
    "unknown": (
        "booking,attended\n1,yes\n2,no\n99,no\n",
        ["line 4: 99 is not an active booking of event 42"],
    ),
    "another row": (
        f"booking,attended\n1,yes\n2,no\n{UUID(int=99)},yes\n",
        [f"line 4: {UUID(int=99)} is not an active booking of event 42"],
    ),
    "no number": (
        "booking,attended\n1,yes\n2,no\n0,no\nTotal,1\n",
        [
            'line 4: "0" is neither a booking\'s database id nor its on-chain number',
            'line 5: "Total" is neither a booking\'s database id nor its on-chain number',
        ],
    ),
    "nobody named": ("booking,attended\n1,yes\n2,no\n,yes\n", ["line 4: names no booking"]),
    "left out": ("booking,attended\n1,yes\n", ["not in the list: booking 2 (Asha)"]),
    "unknown traveler": (
        "name,attended\njosé d'souza,yes\nAsha,no\nBina,yes\n",
        ['line 4: "Bina" has no active booking of event 42'],
    ),
    "two columns that contradict": (
        "booking,name,attended\n1,Asha,yes\n2,,no\n",
        [
            'line 2: booking 1 (José d\'Souza) is not of "Asha"',
            "not in the list: booking 1 (José d'Souza)",
        ],
    ),
    "two bookings in a row": (
        f"booking,row,attended\n2,{ROW},yes\n1,,no\n",
        [
            "line 2: booking 2 (Asha) and booking 1 (José d'Souza) are two bookings",
            "not in the list: booking 2 (Asha)",
        ],
    ),
    "a delimiter too many": (
        "booking,attended\n1,yes,no\n2,no\n",
        ["line 2: more cells than the header"],
    ),
    "lines are counted as an editor shows them": (
        'sep=,\r\n"booking\n",note,attended\r\n\r\n1,"a\r\nb\nc",no idea\r\n2,,no\r\n',
        ['line 5: "no idea" is neither yes nor no'],
    ),
    "a quote that is not closed": (
        'booking,attended\n1,yes\n"2,no\n3,no\n',
        ["line 3: a quote is not closed", "not in the list: booking 2 (Asha)"],
    ),
    "all at once": (
        "booking,attended\n7,yes\n1,2 of 3\n\n,yes\n2,\n",
        [
            "line 2: 7 is not an active booking of event 42",
            'line 3: "2 of 3" counts seats: decide yes or no for the whole booking',
            "line 5: names no booking",
            "line 6: says neither yes nor no",
        ],
    ),
}


@pytest.mark.parametrize(("content", "told"), WRONG.values(), ids=WRONG)
def test_every_bad_row_is_named_by_its_line(tmp_path: Path, content: str, told: list[str]) -> None:
    """Nothing is assumed about a row, and all that is wrong is told at once."""
    assert problems(tmp_path, content) == told


def test_a_traveler_with_two_bookings_has_to_be_named_by_booking(tmp_path: Path) -> None:
    """Each booking has a stake of its own."""
    guests = (*GUESTS, Guest(3, UUID(int=3), ASHA, 1))
    assert problems(tmp_path, "name,attended\nJosé d'Souza,yes\nAsha,yes\n", guests) == [
        'line 3: "Asha" fits the bookings 2, 3: name one by its number',
        "not in the list: booking 2 (Asha)",
        "not in the list: booking 3 (Asha)",
    ]


def test_a_strangers_booking_is_named_by_its_number(tmp_path: Path) -> None:
    """It has no traveler to compare a name with."""
    guests = (*GUESTS, Guest(3, None, None, 1))
    content = "booking,name,attended\n1,,yes\n2,,no\n3,a walk-in,yes\n"
    assert split(tmp_path, content, guests) == ([1, 3], [2])


def test_a_message_has_an_end_and_the_details_have_all(tmp_path: Path) -> None:
    """Hundreds of bad rows are one line on a terminal."""
    with pytest.raises(Refused, match="; and 283 more") as refusal:
        split(tmp_path, "booking,attended\n1,yes\n2,no\n" + "99,no\n" * 303)
    assert len(refusal.value.details["problems"]) == 303


# --- files of another kind --------------------------------------------------------------

NO_LIST: Final[dict[str, tuple[bytes | str, str]]] = {
    "empty": (b"", "is empty"),
    "only blank lines": (b"\n ,\n", "is empty"),
    "no header": ("1,yes\n2,no\n", "has no header: line 1 is 1, yes"),
    "no booking": ("seats,came\n1,yes\n", "no column for the booking or the traveler"),
    "no answer": ("booking,seats\n1,2\n", "no column for who came; line 1 is booking, seats"),
    "two answers": ("booking,attended,came\n1,yes,no\n", "2 columns for who came"),
    "a workbook": (b"PK\x03\x04rest", "is a workbook, not a CSV"),
    "half a character": (b"\xff\xfe\xff", "neither UTF-8, UTF-16 nor Windows-1252"),
    "no encoding": (b"booking,attended\n1,\x81\n", r"Windows-1252 text \(line 2\)"),
    "UTF-16 without its mark": (UTF16_OF_EXCEL.encode("utf-16-le"), "UTF-16 without its mark"),
    "a quote never closed": (b'"booking,attended\n1,yes\n', "line 1: a quote is not closed"),
}


@pytest.mark.parametrize(("content", "told"), NO_LIST.values(), ids=NO_LIST)
def test_a_file_of_another_kind_is_wrong_usage(
    tmp_path: Path, content: bytes | str, told: str
) -> None:
    """It is said what was found, and nothing is guessed."""
    error = unreadable(tmp_path, content)
    assert error.hint
    with pytest.raises(WrongUsage, match=told):
        raise error


@pytest.mark.parametrize("name", ["nowhere.csv", "folder", "nul\0"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """The message names the file."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(WrongUsage, match="cannot be read"):
        read_attendance_file(tmp_path / name)
