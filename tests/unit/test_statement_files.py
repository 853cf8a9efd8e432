"""Statements as files: no cell is a formula, no text is markup, every row is a row."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.money import Wei
from mayhouse_cli.operations.statement_lines import StatementLine, totals_of
from mayhouse_cli.operations.statement_page import as_page
from mayhouse_cli.operations.statement_sheet import COLUMNS, as_sheet, safe_text
from mayhouse_cli.operations.statements import Statement, Statements
from mayhouse_cli.operations.transactions import TransactionResult

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HASH = "0x" + "ab" * 32


def statements(title: str, name: str, url: str | None = None) -> Statements:
    """One statement of one refund and its rounding, with these words in it."""
    lines = (
        StatementLine(
            line="refund", party="traveler", party_id=UUID(int=1), name=name,
            booking_id=UUID(int=2), chain_booking_id=7, amount_wei=Wei(15 * 10**15),
            amount_eth="0.015", amount_inr=Decimal("3000.00"), payable_id=UUID(int=3),
            payable_status="paid", paid_tx_hash=None, paid_explorer_url=None,
            paid_reference=name, note=None,
        ),
        StatementLine(
            line="rounding", party="platform", party_id=None, name=None, booking_id=None,
            chain_booking_id=None, amount_wei=Wei(0), amount_eth="0", amount_inr=Decimal("-0.01"),
            payable_id=None, payable_status=None, paid_tx_hash=None, paid_explorer_url=None,
            paid_reference=None, note=None,
        ),
    )  # fmt: skip
    transaction = TransactionResult(UUID(int=4), HASH, "confirmed", 1, Wei(1), url, recorded=True)  # type: ignore[arg-type]
    one = Statement(
        UUID(int=5), 42, title, NOW, "cancelled", NOW, lines, (), totals_of(lines, ()), (),
        transaction,
    )  # fmt: skip
    return Statements(None, None, (one,), totals_of(lines, ()))


class Words(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_no_text_is_a_formula(text: str) -> None:
    """Whatever a name begins with, a spreadsheet takes it for text."""
    assert not safe_text(text).lstrip().startswith(("=", "+", "-", "@"))


@given(title=st.text(), name=st.text())
def test_a_sheet_keeps_its_rows(title: str, name: str) -> None:
    """Quotes, commas and line ends in a name move no cell, and amounts are as they were."""
    rows = [*csv.DictReader(io.StringIO(as_sheet(statements(title, name))))]
    assert [row["amount_wei"] for row in rows] == ["15000000000000000", "0"]
    assert [row["amount_inr"] for row in rows] == ["3000.00", "-0.01"]
    assert all(set(row) == set(COLUMNS) for row in rows)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "a & b </td>"])
def test_a_page_shows_text_as_text(text: str) -> None:
    """A title or name is never markup."""
    words = Words(as_page(statements(text, text), text, NOW))
    assert words.text.count(text) >= 3
    assert {tag for tag, _ in words.tags}.isdisjoint({"script", "img", "iframe", "link"})


def test_a_page_loads_nothing() -> None:
    """No source, no style sheet from elsewhere; links alone lead out."""
    url = "https://sepolia.etherscan.io/tx/" + HASH
    words = Words(as_page(statements("Walk", "Asha", url), "Sepolia", NOW))
    outside = [(tag, key) for tag, found in words.tags for key in found if key in ("src", "href")]
    assert set(outside) == {("a", "href")}
    assert HASH in words.text
    assert "₹3,000.00" in words.text
    assert "0.015000" in words.text


def test_a_link_is_of_the_web() -> None:
    """An explorer that is configured as a script gets no link."""
    page = as_page(statements("Walk", "Asha", "javascript:alert(1)"), "Sepolia", NOW)
    assert "javascript" not in page
