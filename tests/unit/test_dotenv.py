"""Reading a .env file: what its authors' tools would read, and never a value in a message."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mayhouse_cli.config import read_dotenv
from mayhouse_cli.errors import ConfigurationError


def read(folder: Path, content: str | bytes) -> dict[str, str]:
    """Write and read a file; gives its values by name."""
    path = folder / ".env"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {name: entry.value for name, entry in read_dotenv(path).items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("NAME = value  ", "value"),
        ("export NAME=value", "value"),
        ("export\tNAME=value", "value"),
        ("  NAME=value", "value"),
        ("NAME=", ""),
        ("NAME=# nothing", ""),
        ("NAME=value # a comment", "value"),
        ("NAME=val#ue", "val#ue"),
        ("NAME=a=b", "a=b"),
        ('NAME="value"', "value"),
        ('NAME="a # b" # a comment', "a # b"),
        ("NAME='a \"b\" $c'", 'a "b" $c'),
        (r'NAME="a \"b\" \\ \$c"', 'a "b" \\ $c'),
        (r'NAME="a\nb"', "a\nb"),
        (r"NAME='a\nb'", r"a\nb"),
        (r"NAME=a\nb", r"a\nb"),
        ("NAME='it''s'", None),
    ],
)
def test_a_line_has_the_value_its_author_meant(
    tmp_path: Path, line: str, value: str | None
) -> None:
    """Quotes, comments, spaces and export, as dotenv libraries read them."""
    if value is None:
        with pytest.raises(ConfigurationError, match="line 1"):
            read(tmp_path, line)
    else:
        assert read(tmp_path, line) == {"NAME": value}


def test_comments_and_empty_lines_mean_nothing(tmp_path: Path) -> None:
    """What people write between settings."""
    assert read(tmp_path, "# A=1\n\n   \n  # B=2\nC=3\n") == {"C": "3"}


def test_a_file_from_windows_reads_the_same(tmp_path: Path) -> None:
    """A byte order mark in front and CRLF at the ends."""
    assert read(tmp_path, b"\xef\xbb\xbfA=1\r\nB='2'\r\n") == {"A": "1", "B": "2"}


def test_rare_line_separators_stay_in_the_value(tmp_path: Path) -> None:
    """Only a line feed ends a line."""
    assert read(tmp_path, "A='1\u20282'\n") == {"A": "1\u20282"}


def test_the_same_twice_is_no_contradiction(tmp_path: Path) -> None:
    """Nothing has to be decided."""
    assert read(tmp_path, "A=1\nA='1'\n") == {"A": "1"}


def test_two_different_values_are_refused(tmp_path: Path) -> None:
    """Which one counts differs from reader to reader; it may be a key."""
    with pytest.raises(ConfigurationError, match="sets A twice, in lines 1 and 3"):
        read(tmp_path, "A=1\nB=1\nA=2\n")


@pytest.mark.parametrize("value", ["$OTHER", "x${OTHER}y", '"x$OTHER"'])
def test_a_reference_to_a_variable_is_noticed(tmp_path: Path, value: str) -> None:
    """It is not replaced here, and must not be taken for a value."""
    (tmp_path / ".env").write_text(f"A={value}")
    assert read_dotenv(tmp_path / ".env")["A"].refers_to_variable


@pytest.mark.parametrize("value", ["'$OTHER'", r'"\$OTHER"', "5$", "$5"])
def test_a_dollar_alone_is_no_reference(tmp_path: Path, value: str) -> None:
    """In single quotes, escaped, or without a name after it."""
    (tmp_path / ".env").write_text(f"A={value}")
    assert not read_dotenv(tmp_path / ".env")["A"].refers_to_variable


@pytest.mark.parametrize("line", ["hunter2", "=hunter2", "1A=hunter2", "A='hunter2", 'A="hunter2'])
def test_a_line_that_cannot_be_read_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    """Its text may be a secret."""
    with pytest.raises(ConfigurationError, match="line 2") as caught:
        read(tmp_path, f"OK=1\n{line}\n")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, or not text."""
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_dotenv(path)


def test_no_value_is_in_the_text_of_an_entry(tmp_path: Path) -> None:
    """Whoever prints or logs it shows none."""
    (tmp_path / ".env").write_text("A=hunter2")
    assert "hunter2" not in repr(read_dotenv(tmp_path / ".env"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\n\r")))
def test_single_quotes_keep_everything(tmp_path: Path, value: str) -> None:
    """Nothing in them is special."""
    assert read(tmp_path, f"A='{value}'") == {"A": value}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.binary(max_size=200))
def test_no_file_gives_a_traceback(tmp_path: Path, content: bytes) -> None:
    """Whatever the bytes are."""
    path = tmp_path / ".env"
    path.write_bytes(content)
    try:
        read_dotenv(path)
    except ConfigurationError as error:
        assert error.hint  # noqa: PT017 either outcome is right
