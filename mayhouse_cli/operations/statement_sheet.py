"""Statements as a CSV for the books: one row a line, amounts exact and plain.

A cell of text that a spreadsheet would take for a formula gets an apostrophe before it; amounts
and ids are ours and stay as they are. There are no rows of sums: they would be counted twice.
"""

import csv
import io
import re
from typing import Final

from mayhouse_cli.operations.statement_lines import GasLine, StatementLine
from mayhouse_cli.operations.statements import Statement, Statements

COLUMNS: Final = (
    "section",
    "event_id",
    "chain_event_id",
    "event",
    "ended",
    "settled_at",
    "line",
    "party",
    "party_id",
    "name",
    "booking_id",
    "chain_booking_id",
    "amount_wei",
    "amount_eth",
    "amount_inr",
    "payable_id",
    "payable_status",
    "transaction_id",
    "tx_hash",
    "transaction_status",
    "reference",
    "note",
)
# Also the wide forms, which some spreadsheets take for the same.
_FORMULA_STARTS: Final = (*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def as_sheet(statements: Statements) -> str:
    """Write all lines and all gas of all statements; without the last line's end."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for statement in statements.statements:
        about = _about(statement)
        for line in statement.lines:
            writer.writerow({**about, **_line(line)})
        for gas in statement.gas:
            writer.writerow({**about, **_gas(gas)})
    return file.getvalue().rstrip("\n")


def safe_text(text: str | None) -> str:
    """Text that no spreadsheet reads as a formula, and no reader as the end of its row."""
    cleaned = _CONTROL.sub(" ", text or "")
    return f"'{cleaned}" if cleaned.lstrip().startswith(_FORMULA_STARTS) else cleaned


def _about(statement: Statement) -> dict[str, object]:
    settled_at = statement.settled_at
    return {
        "event_id": statement.event_id or "",
        "chain_event_id": statement.chain_event_id,
        "event": safe_text(statement.title),
        "ended": statement.ended,
        "settled_at": settled_at.isoformat() if settled_at else "",
        "transaction_id": statement.transaction.transaction_id,
        "tx_hash": statement.transaction.tx_hash,
        "transaction_status": statement.transaction.status,
    }


def _line(line: StatementLine) -> dict[str, object]:
    return {
        "section": "settlement",
        "line": line.line,
        "party": line.party,
        "party_id": line.party_id or "",
        "name": safe_text(line.name),
        "booking_id": line.booking_id or "",
        "chain_booking_id": line.chain_booking_id or "",
        "amount_wei": int(line.amount_wei),
        "amount_eth": line.amount_eth,
        "amount_inr": "" if line.amount_inr is None else f"{line.amount_inr:f}",
        "payable_id": line.payable_id or "",
        "payable_status": line.payable_status or "",
        "reference": safe_text(line.paid_reference),
        "note": safe_text(line.note),
    }


def _gas(gas: GasLine) -> dict[str, object]:
    """What the platform paid for a transaction; empty where it has not been mined."""
    return {
        "section": "gas",
        "line": gas.kind,
        "party": "platform",
        "amount_wei": "" if gas.fee_wei is None else int(gas.fee_wei),
        "amount_eth": "" if gas.fee_eth is None else gas.fee_eth,
        "amount_inr": "" if gas.fee_inr is None else f"{gas.fee_inr:f}",
        "transaction_id": gas.transaction_id,
        "tx_hash": gas.tx_hash,
        "transaction_status": gas.status,
    }
