"""Writes docs/errors.md out of the error classes; `make errors-doc` runs it."""

from collections.abc import Iterator
from pathlib import Path

from mayhouse_cli.errors import MayhouseError

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
_HEAD = """# Errors

Every failure is one of these. A person reads its message and, below it, what to do next; with
`--json` the code stands in `error.code` and the exit code is the process's own. A command that
fails before it has sent anything says so by its exit code: 5 is safe to run again, 7 and 8 are not
(`mayhouse tx resume` finishes those). `balance check` is a monitoring plugin and exits 0 to 3 only.

Written by `make errors-doc` out of `mayhouse_cli/errors.py`.

| exit | code | cause | remedy |
|---|---|---|---|
"""


def page() -> str:
    """Give the whole page."""
    rows = sorted(_classes(MayhouseError), key=lambda kind: kind.exit_code)
    return _HEAD + "".join(f"{_row(kind)}\n" for kind in rows)


def _classes(kind: type[MayhouseError]) -> Iterator[type[MayhouseError]]:
    if "code" in vars(kind):  # the others are for catching alone
        yield kind
    for one in kind.__subclasses__():
        yield from _classes(one)


def _row(kind: type[MayhouseError]) -> str:
    cause = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    again = " Safe to run again." if kind.retryable else ""
    return f"| {kind.exit_code} | `{kind.code}` | {cause} | {kind.remedy}{again} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
