"""docs/errors.md is the error classes, and nothing else."""

from mayhouse_cli.errors import MayhouseError
from tools.errors_doc import PAGE, page


def test_the_page_is_what_the_classes_say() -> None:
    """A class that changes has the page written anew: make errors-doc."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_code_is_told_once() -> None:
    """A code names one class, with its exit code and a remedy of its own."""
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| ")][1:]
    codes = [row[1] for row in rows]
    remedies = [row[3] for row in rows]
    assert len(codes) == len(set(codes))
    assert f"`{MayhouseError.code}`" in codes
    assert all(remedies)
