"""What users see: one JSON document or lines of text, made from the same result.

The only user of rich. Text is never wrapped, shortened or read as markup; control characters
in names that come from the database or the chain are replaced, and every secret of the
configuration is masked, whatever the text and wherever it came from.
"""

import dataclasses
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable
from rich.text import Text

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.money import Wei
from mayhouse_cli.redaction import secrets_of_this_process
from mayhouse_cli.tables import (
    ALARM,
    DONE,
    WAITING,
    Block,
    Line,
    Table,
    dim,
    fit,
    good,
    heading,
    state,
    text_of,
)

__all__ = [
    "ALARM",
    "DONE",
    "WAITING",
    "Block",
    "Line",
    "Output",
    "Table",
    "dim",
    "good",
    "heading",
    "state",
]

SCHEMA_VERSION: Final = 1
# Wider than any line of ours, so that nothing is wrapped; a terminal folds long lines itself.
_NO_WRAPPING: Final = 4_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def as_data(value: object) -> Any:  # noqa: ANN401 JSON
    """Turn a result into JSON: amounts and ids as strings, times in RFC 3339 UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dataclass_as_data(value)
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_data(item) for item in value]
    if isinstance(value, Enum):
        return as_data(value.value)
    if value is None or (isinstance(value, (bool, int, float)) and not isinstance(value, Wei)):
        return value
    return _scalar_as_text(value)


def _scalar_as_text(value: object) -> str:
    if isinstance(value, Wei):
        return str(int(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _dataclass_as_data(value: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    data: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = as_data(getattr(value, field.name))
        if field.metadata.get("inlined"):
            data.update(item or {})
        else:
            data[field.name] = item
    return data


class Output:
    """Both streams of one command: stdout is the result and nothing else."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        no_color: bool = False,
    ) -> None:
        """Decide colours once: NO_COLOR and --no-color win over FORCE_COLOR and terminals."""
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self._plain = no_color or bool(os.environ.get("NO_COLOR"))
        self._progress: Progress | None = None
        self._warnings: list[str] = []

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these values in everything that is printed from now on."""
        secrets_of_this_process.learn(secrets)

    # --- the result ---

    def result(self, command: str, result: object, blocks: Iterable[Block]) -> None:
        """Print a success: the document, or its lines unless --quiet."""
        self.stop_progress()
        if self.as_json:
            self._document(command, ok=True, data=as_data(result), error=None)
        elif not self.quiet:
            self._blocks(sys.stdout, blocks)

    def findings(self, blocks: Iterable[Block]) -> None:
        """Print what a check found, even with --quiet; its document comes with the failure."""
        self.stop_progress()
        if not self.as_json:
            self._blocks(sys.stdout, blocks)

    def failure(self, command: str, error: MayhouseError) -> None:
        """Print an error: one line and its hint on stderr, or the document on stdout."""
        self.stop_progress()
        if self.as_json:
            told = {
                "code": error.code,
                "message": error.message,
                "hint": error.hint,
                "retryable": error.retryable,
                "details": as_data(error.details),
            }
            data = as_data(error.known) if error.known is not None else None
            self._document(command, ok=False, data=data, error=told)
            return
        lines = [Line(f"✗ {_one_line(error.message)}", ALARM)]
        if error.hint:
            lines.append(Line(f"  {_one_line(error.hint)}"))
        self._blocks(sys.stderr, lines)

    def warn(self, text: str) -> None:
        """Say what is not an error: in the document, or on stderr."""
        self._warnings.append(text)
        if not self.as_json:
            self.stop_progress()
            self._blocks(sys.stderr, [Line(f"! {_one_line(text)}", WAITING)])

    def note(self, blocks: Iterable[Block]) -> None:
        """Show what a person must see before deciding; on stderr."""
        self.stop_progress()
        self._blocks(sys.stderr, blocks)

    def plain(self, text: str) -> None:
        """Print one line of the result as it is."""
        self._write(sys.stdout, secrets_of_this_process.masked(text) + "\n")

    def _document(self, command: str, *, ok: bool, data: object, error: object) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "ok": ok,
            "data": data,
            "warnings": self._warnings,
            "error": error,
        }
        masked = secrets_of_this_process.masked_document(document)
        self._write(sys.stdout, json.dumps(masked) + "\n")

    # --- progress ---

    def progress(self, text: str) -> None:
        """Show live what is being waited for, on a terminal; as a line with --verbose."""
        if self.verbose:
            self._blocks(sys.stderr, [dim(f"  {text}")])
        elif sys.stderr.isatty() and not self.as_json and not self.quiet:
            self.stop_progress()
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=self._console(sys.stderr),
                transient=True,
            )
            self._progress.add_task(secrets_of_this_process.masked(text), total=None)
            self._progress.start()

    def stop_progress(self) -> None:
        """Take the live line away before anything else is printed."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    # --- streams ---

    def _console(
        self, stream: TextIO, width: int | None = None, *, force_terminal: bool | None = None
    ) -> Console:
        return Console(
            file=stream,
            width=width,
            force_terminal=force_terminal,
            color_system=None if self._plain else "auto",
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=True,
        )

    def _blocks(self, stream: TextIO, blocks: Iterable[Block]) -> None:
        # Drawn apart and written in one place: a stream that fails then fails there alone.
        drawn = io.StringIO()
        in_color = stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
        console = self._console(drawn, _NO_WRAPPING, force_terminal=in_color)
        columns = _columns_of(stream)
        for block in blocks:
            fitted = fit(block, columns, cell_len) if isinstance(block, Table) else [block]
            for part in fitted:
                if isinstance(part, Line):
                    console.print(Text(self._clean(part.text), style=part.style))
                else:
                    console.print(self._rich_table(part))
        text = drawn.getvalue()
        self._write(stream, "\n".join(line.rstrip() for line in text.split("\n")))

    def _rich_table(self, table: Table) -> RichTable:
        rich_table = RichTable(
            box=None,
            pad_edge=False,
            padding=(0, 3, 0, 0),
            show_header=bool(table.headers),
            header_style="bold",
            collapse_padding=False,
        )
        count = max((len(row) for row in table.rows), default=len(table.headers))
        for index in range(count):
            header = table.headers[index] if table.headers else ""
            indent = " " * table.indent if index == 0 else ""
            rich_table.add_column(
                Text(indent + header),
                justify="right" if index in table.right else "left",
                no_wrap=True,
            )
        for row in table.rows:
            cells = [
                Text(self._clean(text_of(cell)), cell.style if isinstance(cell, Line) else "")
                for cell in row
            ]
            cells[0] = Text.assemble(" " * table.indent, cells[0])
            rich_table.add_row(*cells)
        return rich_table

    def _clean(self, text: str) -> str:
        masked = secrets_of_this_process.masked(text)
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", masked).replace("\n", " ")

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            # The reader has enough (`| head`); what was done is done, and its code stands.
            _discard(stream)
        except OSError as error:
            _discard(stream)
            if stream is sys.stdout:
                self.as_json = False
                raise MayhouseError(
                    f"The result could not be written: {error.strerror}",
                    hint="What was done stands, and is recorded: see `mayhouse tx list`.",
                ) from None


def _columns_of(stream: TextIO) -> int | None:
    """How wide the terminal is; None for what is none, or does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _discard(stream: TextIO) -> None:
    """Let the rest go nowhere, so that the interpreter's last flush does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _one_line(text: str) -> str:
    return " ".join(text.split())
