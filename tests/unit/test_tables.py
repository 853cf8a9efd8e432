"""Tables where a terminal is narrow: spared columns, stacked rows, and nothing shortened."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.tables import ALARM, WAITING, Line, Table, fit, heading, state, text_of

HASH = "0x" + "ab" * 32
HEADERS = ["id", "kind", "value", "hash"]
ROWS = [["7f3a", "create event", "0.01 ETH", HASH], ["91bc", "book", "12.5 ETH", HASH]]
LIST = Table(ROWS, HEADERS, frozenset({2}), spare=(3, 2))

words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30)
tables = st.builds(
    lambda rows, indent, spare: Table(rows, ["a", "b", "c"], frozenset({2}), indent, spare),
    st.lists(st.tuples(words, words, words), min_size=1, max_size=4),
    st.integers(0, 4),
    st.permutations(range(1, 3)),
)


def texts(table: Table) -> list[list[str]]:
    """The cells of a table, without their styles."""
    return [[text_of(cell) for cell in row] for row in table.rows]


def widest(tables_laid_out: Sequence[Table | Line]) -> int:
    """The columns that the widest of the tables takes."""
    widths = [0]
    for one in tables_laid_out:
        if isinstance(one, Table):
            cells = [*texts(one), list(one.headers)] if one.headers else texts(one)
            columns = [max(map(len, column)) for column in zip(*cells, strict=True)]
            widths.append(one.indent + sum(columns) + 3 * (len(columns) - 1))
    return max(widths)


def test_a_pipe_gets_the_whole_table() -> None:
    """Without a width there is room for everything."""
    assert fit(LIST, None, len) == [LIST]


def test_a_table_that_fits_is_left_alone() -> None:
    """To the last column."""
    width = widest([LIST])
    assert fit(LIST, width, len) == [LIST]
    assert fit(LIST, width - 1, len) != [LIST]


def test_spare_columns_are_left_out_in_their_order_and_named() -> None:
    """As few as it takes, and the amounts stay at the right."""
    (table, note) = fit(LIST, 80, len)
    assert isinstance(table, Table)
    assert isinstance(note, Line)
    assert (list(table.headers), table.right) == (["id", "kind", "value"], frozenset({2}))
    assert "without hash" in note.text
    (narrower, note) = fit(LIST, 20, len)
    assert isinstance(narrower, Table)
    assert isinstance(note, Line)
    assert (list(narrower.headers), narrower.right) == (["id", "kind"], frozenset())
    assert "without value, hash" in note.text


def test_what_still_does_not_fit_stands_row_under_row() -> None:
    """Each value beside its label, with nothing left out."""
    first, gap, second = fit(Table(ROWS, HEADERS), 75, len)
    assert isinstance(first, Table)
    assert gap == Line()
    assert texts(first) == [list(pair) for pair in zip(HEADERS, ROWS[0], strict=True)]
    assert isinstance(second, Table)
    assert texts(second)[3] == ["hash", HASH]


def test_amounts_without_labels_fold_under_what_they_are_for() -> None:
    """And stay aligned with those of the other rows."""
    quote = Table(
        [["2 seats", "5,000.00", "0.0250 ETH"], ["stake 20 %", "900.00", "0.0045 ETH"]],
        right=frozenset({1, 2}),
        indent=2,
    )
    told = [text_of(line) for line in fit(quote, 30, len) if isinstance(line, Line)]
    assert told == [
        "  2 seats",
        "    5,000.00   0.0250 ETH",
        "  stake 20 %",
        "      900.00   0.0045 ETH",
    ]


def test_words_of_an_amount_stay_together_above_it() -> None:
    """A payout's line tells who and what for; without amounts the first fact is the heading."""
    payout = Table([["booking 1", "Asha", "", "stake back", "0.0025 ETH"]], right=frozenset({4}))
    assert fit(payout, 30, len) == [Line("booking 1   Asha   stake back"), Line("  0.0025 ETH")]
    head = heading("Food walk", "event 1", "2 seats")
    assert [text_of(line) for line in fit(head, 20, len) if isinstance(line, Line)] == [
        "Food walk",
        "  event 1   2 seats",
    ]


def test_a_value_that_does_not_fit_beside_its_label_stands_below_it() -> None:
    """From the margin where it must: then the terminal folds it at its own edge alone."""
    pairs = Table([["nonce", "7"], ["hash", HASH], ["fee", "0.1 ETH"]], indent=2)
    above, label, value, below = fit(pairs, 70, len)
    assert (label, value) == (Line("  hash"), Line("    " + HASH))
    assert isinstance(above, Table)
    assert isinstance(below, Table)
    assert [texts(above), texts(below)] == [[["nonce", "7"]], [["fee  ", "0.1 ETH"]]]
    assert Line(HASH) in fit(pairs, 40, len)


@given(tables, st.integers(10, 120))
def test_no_value_is_shortened_at_any_width(table: Table, columns: int) -> None:
    """What is shown is whole, and what is not shown is named."""
    shown = fit(table, columns, len)
    cells = {text for one in shown if isinstance(one, Table) for row in texts(one) for text in row}
    cells |= {one.text.strip() for one in shown if isinstance(one, Line)}
    note = " ".join(one.text for one in shown if isinstance(one, Line))
    for row in texts(table):
        for label, text in zip(table.headers, row, strict=True):
            assert text in cells or label in note.replace(",", " ").replace(":", " ").split()


@given(tables, st.integers(70, 120))
def test_columns_are_left_out_only_to_fit(table: Table, columns: int) -> None:
    """A table of columns is never wider than the terminal."""
    shown = fit(table, columns, len)
    assert widest(shown) <= columns


def test_a_status_has_the_colour_of_what_it_means() -> None:
    """Green for done, yellow for waiting, red for failed; none for what it does not know."""
    assert state("sent").style == WAITING
    assert state("reverted").style == ALARM
    assert state("confirmed").style == "green"
    assert state("scheduled") == Line("scheduled")
