"""Statements as one printable page: HTML that needs nothing but itself.

Built of text alone, every word of it escaped; nothing is loaded from anywhere.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Final

from mayhouse_cli.money import Wei, format_eth, format_inr
from mayhouse_cli.operations.statement_lines import GasLine, StatementLine, Totals
from mayhouse_cli.operations.statements import INDIA, Statement, Statements

LABELS: Final = {
    "ticket_revenue": "Ticket revenue",
    "platform_fee": "Platform fee",
    "host_payout": "Host payout",
    "stake_returned": "Stake returned",
    "stake_forfeited": "Stake kept, no-show",
    "refund": "Refund",
    "host_stake_returned": "Host stake returned",
    "rounding": "Rounding",
}
"""What the lines of a settlement are called, wherever they are shown."""
PARTIES: Final = {"platform_float": "platform (advanced)"}
_STYLE: Final = """
body { font: 10pt/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; color: #111; }
h1 { font-size: 16pt; } h2 { font-size: 13pt; margin: 2rem 0 .2rem; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; }
th, td { text-align: left; vertical-align: top; padding: .15rem .6rem .15rem 0;
  border-bottom: 1px solid #ddd; }
td.amount, th.amount { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.total td { font-weight: 600; border-top: 2px solid #111; }
.hash { font-family: ui-monospace, monospace; font-size: 8pt; overflow-wrap: anywhere; }
.quiet { color: #555; font-size: 9pt; }
@media print {
  body { margin: 0; max-width: none; } a { color: inherit; text-decoration: none; }
  section { break-after: page; } section:last-of-type { break-after: auto; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
}
@page { size: A4; margin: 15mm; }
"""


def as_page(statements: Statements, chain_name: str, made_at: datetime) -> str:
    """Write the whole page."""
    title = _title(statements)
    sections = "".join(_section(one) for one in statements.statements)
    totals = ""
    if len(statements.statements) != 1:
        count = len(statements.statements)
        totals = f"<section><h2>All {count} events</h2>{_totals(statements.totals)}</section>"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
        f"<h1>{escape(title)}</h1>"
        f'<p class="quiet">{escape(chain_name)} · made {escape(_moment(made_at))}</p>\n'
        f"{sections}{totals}</body></html>\n"
    )


def _title(statements: Statements) -> str:
    start, end = statements.period_from, statements.period_to
    if start is not None and end is not None:
        return f"Settlements from {start.isoformat()} to before {end.isoformat()} (India)"
    numbers = ", ".join(str(one.chain_event_id) for one in statements.statements)
    return f"Settlement of event {numbers}"


def _section(statement: Statement) -> str:
    transaction = statement.transaction
    facts = [f"event {statement.chain_event_id}", statement.ended]
    if statement.event_id is not None:
        facts.insert(1, f"row {statement.event_id}")
    if statement.starts_at is not None:
        facts.append(f"took place {_moment(statement.starts_at)}")
    if statement.settled_at is not None:
        facts.append(f"settled {_moment(statement.settled_at)}")
    notes = "".join(f'<p class="quiet">{escape(note)}</p>' for note in statement.notes)
    lines = _table(
        ("", "whose", "INR", "ETH", "paid"), (_line(one) for one in statement.lines), {2, 3}
    )
    gas = _table(
        ("transaction", "status", "INR", "ETH"), (_gas(one) for one in statement.gas), {2, 3}
    )
    return (
        f"<section><h2>{escape(statement.title)}</h2>"
        f'<p class="quiet">{escape(" · ".join(facts))}</p>'
        f"<p>{_hash(transaction.tx_hash, transaction.explorer_url)}</p>"
        f"{lines}{_totals(statement.totals)}{notes}"
        f'<h3>Gas, the platform\'s expense</h3><p class="quiet">No part of the sums above.</p>{gas}'
        "</section>\n"
    )


def _line(line: StatementLine) -> Sequence[str]:
    number = line.chain_booking_id
    label = LABELS[line.line] + (f", booking {number}" if number is not None else "")
    whose = line.name or PARTIES.get(line.party, line.party)
    if line.party_id is not None:
        whose = f"{whose} ({line.party})"
    about = escape(whose)
    if line.booking_id is not None:
        about += f'<br><span class="hash">{line.booking_id}</span>'
    if line.note:
        about += f'<br><span class="quiet">{escape(line.note)}</span>'
    paid = escape(line.payable_status or "")
    if line.paid_reference:
        paid += f"<br>{escape(line.paid_reference)}"
    if line.paid_tx_hash:
        paid += f"<br>{_hash(line.paid_tx_hash, line.paid_explorer_url)}"
    return (escape(label), about, _inr(line.amount_inr), _eth(line.amount_wei), paid)


def _gas(gas: GasLine) -> Sequence[str]:
    about = f"{escape(gas.kind)}<br>{_hash(gas.tx_hash, gas.explorer_url)}"
    eth = "" if gas.fee_wei is None else _eth(gas.fee_wei)
    inr = "" if gas.fee_wei is None else _inr(gas.fee_inr)
    return (about, escape(gas.status), inr, eth)


def _totals(totals: Totals) -> str:
    rows = [
        ("Came in: payments, stakes, host stake", totals.came_in_inr, totals.came_in_wei),
        ("Left the contract", totals.left_contract_inr, totals.left_contract_wei),
        ("Stayed in the contract: fee, stakes kept", totals.stayed_inr, totals.stayed_wei),
        ("Rounding", totals.rounding_inr, Wei(0)),
        ("Gas, apart from these", totals.gas_inr, totals.gas_wei),
    ]
    cells = [(escape(label), _inr(inr), _eth(wei)) for label, inr, wei in rows]
    return _table(("Totals", "INR", "ETH"), cells, {1, 2}, "total")


def _table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], amounts: set[int], row_class: str = ""
) -> str:
    """Lay out cells that are HTML already."""

    def cells(tag: str, texts: Sequence[str]) -> str:
        classes = (' class="amount"' if index in amounts else "" for index in range(len(texts)))
        pairs = zip(classes, texts, strict=True)
        return "".join(f"<{tag}{style}>{text}</{tag}>" for style, text in pairs)

    attribute = f' class="{row_class}"' if row_class else ""
    body = "".join(f"<tr{attribute}>{cells('td', row)}</tr>\n" for row in rows)
    head = cells("th", [escape(header) for header in headers])
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def _hash(tx_hash: str | None, url: str | None) -> str:
    if tx_hash is None:
        return ""
    text = f'<span class="hash">{escape(tx_hash)}</span>'
    is_link = url is not None and url.startswith(("https://", "http://"))
    return f'<a href="{escape(url or "", quote=True)}">{text}</a>' if is_link else text


def _inr(amount: Decimal | None) -> str:
    return "no rate" if amount is None else escape(format_inr(amount))


def _eth(amount: Wei) -> str:
    return escape(format_eth(amount))


def _moment(when: datetime) -> str:
    return f"{when.astimezone(INDIA):%d %b %Y, %H:%M} IST"
