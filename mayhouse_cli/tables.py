"""Lines and tables, and how a table is laid out where a terminal is too narrow for it.

Nothing is ever shortened or wrapped. A table that does not fit leaves out the columns that it can
spare and names them; one that still does not fit stands row under row, each value beside its
label. A pipe has no width: there a table is always whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

DONE: Final = "green"
WAITING: Final = "yellow"
"""Of what waits for something, or wants attention."""
ALARM: Final = "bold red"
"""Of what was refused, has failed or is in danger."""
_GAP: Final = 3  # spaces between columns
_PAIR: Final = 2  # columns: a label and its value


@dataclass(frozen=True)
class Line:
    """One line of text; `style` is a rich style."""

    text: str = ""
    style: str = ""


@dataclass(frozen=True)
class Table:
    """Rows in aligned columns; columns named in `right` hold amounts.

    A cell may be a Line, for its style. `spare` are the columns that may be left out, in this
    order, where a terminal is too narrow.
    """

    rows: Sequence[Sequence[str | Line]]
    headers: Sequence[str] = ()
    right: frozenset[int] = frozenset()
    indent: int = 0
    spare: Sequence[int] = ()


Block = Line | Table


def good(text: str) -> Line:
    """A line that says that something was done."""
    return Line(f"✓ {text}", DONE)


def dim(text: str) -> Line:
    """A line of secondary importance."""
    return Line(text, "dim")


def heading(*facts: str) -> Table:
    """What a result is about: its facts beside one another, or below the first one."""
    return Table([[Line(fact, "bold") for fact in facts]])


def state(word: str) -> Line:
    """A status, in the colour of what it means: done, waiting, or gone wrong."""
    return Line(word, _MEANINGS.get(word, ""))


_MEANINGS: Final = {
    **dict.fromkeys(("confirmed", "paid", "experience_completed"), DONE),
    **dict.fromkeys(("signed", "sent", "mined", "pending", "sending", "owed"), WAITING),
    **dict.fromkeys(("reverted", "failed"), ALARM),
    **dict.fromkeys(("replaced", "cancelled", "withdrawn"), "dim"),
}


# --- where it is narrow -----------------------------------------------------------------

Measure = Callable[[str], int]
"""How many columns of a terminal a text takes."""


def fit(table: Table, columns: int | None, measure: Measure) -> list[Block]:
    """Lay a table out for so many columns; None has room for everything."""
    if columns is None or _width(table, measure) <= columns:
        return [table]
    for count in range(1, len(table.spare) + 1):
        narrower = _without(table, table.spare[:count])
        if _width(narrower, measure) <= columns:
            left_out = ", ".join(table.headers[index] for index in sorted(table.spare[:count]))
            more = f"without {left_out}: see a wider terminal, or --json"
            return [narrower, dim(" " * table.indent + more)]
    if table.headers:
        return _stacked(table, columns, measure)
    if _count(table) == _PAIR:
        return _paired(table, columns, measure)
    return _folded(table, measure) if _count(table) > _PAIR else [table]


def text_of(cell: str | Line) -> str:
    """What stands in a cell."""
    return cell.text if isinstance(cell, Line) else cell


def _count(table: Table) -> int:
    return max((len(row) for row in table.rows), default=len(table.headers))


def _widths(table: Table, measure: Measure) -> list[int]:
    rows: Iterable[Sequence[str | Line]] = (*table.rows, table.headers)
    widths = [0] * _count(table)
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], measure(text_of(cell)))
    return widths


def _width(table: Table, measure: Measure) -> int:
    widths = _widths(table, measure)
    return table.indent + sum(widths) + _GAP * max(len(widths) - 1, 0)


def _without(table: Table, left_out: Sequence[int]) -> Table:
    kept = [index for index in range(_count(table)) if index not in left_out]
    return replace(
        table,
        rows=[[row[index] for index in kept if index < len(row)] for row in table.rows],
        headers=[table.headers[index] for index in kept] if table.headers else (),
        right=frozenset(new for new, old in enumerate(kept) if old in table.right),
        spare=(),
    )


def _stacked(table: Table, columns: int, measure: Measure) -> list[Block]:
    blocks: list[Block] = []
    for row in table.rows:
        pairs = zip(table.headers, row, strict=False)
        lines = [[Line(label, "dim"), cell] for label, cell in pairs if text_of(cell)]
        blocks += [*fit(Table(lines, indent=table.indent), columns, measure), Line()]
    return blocks[:-1]


def _paired(table: Table, columns: int, measure: Measure) -> list[Block]:
    """Put a value that does not fit beside its label below it: from the margin where it must.

    The terminal folds what is wider than itself; so it folds it at its own edge alone.
    """
    beside = table.indent + _widths(table, measure)[0] + _GAP
    blocks: list[Block] = []
    fitting: list[Sequence[str | Line]] = []
    for row in table.rows:
        label, value = row[0], row[-1]
        text = text_of(value)
        if beside + measure(text) <= columns:
            # As wide as the widest label, so that all values stand under one another.
            padding = " " * (beside - table.indent - _GAP - measure(text_of(label)))
            fitting.append([_restyled(label, text_of(label) + padding), value])
            continue
        if fitting:
            blocks.append(replace(table, rows=fitting))
            fitting = []
        margin = " " * (table.indent + 2)
        fits = len(margin) + measure(text) <= columns
        blocks.append(_restyled(label, " " * table.indent + text_of(label)))
        blocks.append(_restyled(value, margin + text if fits else text))
    return [*blocks, replace(table, rows=fitting)] if fitting else blocks


def _restyled(cell: str | Line, text: str) -> Line:
    return Line(text, cell.style if isinstance(cell, Line) else "")


def _folded(table: Table, measure: Measure) -> list[Block]:
    """Put the amounts on a line of their own, aligned; or all that follows the first column."""
    widths = _widths(table, measure)
    blocks: list[Block] = []
    below = sorted(table.right) or range(1, len(widths))
    margin, gap = " " * table.indent, " " * _GAP
    for row in table.rows:
        words = [text_of(cell) for index, cell in enumerate(row) if index not in below]
        blocks.append(_restyled(row[0], margin + gap.join(word for word in words if word)))
        cells = []
        for index in below:
            text = text_of(row[index])
            padding = " " * (widths[index] - measure(text))
            cells.append(padding + text if index in table.right else text + padding)
        blocks.append(Line(f"{margin}  {gap.join(cells)}".rstrip()))
    return blocks
