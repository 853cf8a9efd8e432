"""Every row the tool keeps, held against what is on chain."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tests.faults.chain_state import (
    BOOKING_CREATED,
    COMPLETED,
    EVENT_CREATED,
    ChainState,
    Mined,
)

IMPOSSIBLE: Final = ("reverted", "replaced", "cancelled", "failed")
MAKES: Final = {"create_event": EVENT_CREATED, "book_event": BOOKING_CREATED}
ENDS: Final = ("complete_event", "cancel_event")
Row = dict[str, Any]
Lines = Counter[tuple[str, int | None, int]]

EVENTS: Final = """
    SELECT id, blockchain_event_run_id AS number, blockchain_tx_hash AS hash,
           blockchain_status::text AS chain_status, status::text AS status,
           max_capacity AS seats, extract(epoch FROM start_datetime)::bigint AS starts_at,
           experience_id::text AS experience
    FROM event_runs
"""
BOOKINGS: Final = """
    SELECT booking.id, blockchain_booking_id AS number, booking.blockchain_tx_hash AS hash,
           booking_status AS status, traveler_count AS seats,
           blockchain_stake_amount_wei AS stake, blockchain_event_run_id AS event
    FROM event_run_bookings AS booking JOIN event_runs ON event_runs.id = event_run_id
"""


@dataclass
class Findings:
    """What is wrong: intents that happened more than once, and what the database missed."""

    duplicates: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def add(self, other: "Findings", where: str) -> None:
        """Take over what was found somewhere."""
        self.duplicates += [f"{where}: {one}" for one in other.duplicates]
        self.losses += [f"{where}: {one}" for one in other.losses]

    def demand_none(self) -> None:
        """AssertionError with everything that was found."""
        told = [f"DUPLICATE {one}" for one in self.duplicates]
        told += [f"LOSS {one}" for one in self.losses]
        assert not told, "\n" + "\n".join(told)


class Comparison:
    """Chain and database as they are now, each read once."""

    def __init__(self, chain: ChainState, database: psycopg.Connection[Row]) -> None:
        """Read everything."""
        self._mined = chain.mined()
        self._events = chain.events()
        self._bookings = chain.bookings()
        self._transactions = database.execute(
            "SELECT * FROM mayhouse.transactions ORDER BY created_at"
        ).fetchall()
        self._attempts: dict[Any, list[Row]] = {row["id"]: [] for row in self._transactions}
        for attempt in database.execute("SELECT * FROM mayhouse.attempts ORDER BY number"):
            self._attempts[attempt["transaction_id"]].append(attempt)
        self._event_rows = database.execute(EVENTS).fetchall()
        self._booking_rows = database.execute(BOOKINGS).fetchall()
        self._settlements = database.execute("SELECT * FROM mayhouse.settlements").fetchall()
        self._found = Findings()

    def findings(self) -> Findings:
        """Compare all of it."""
        known = {one["tx_hash"] for some in self._attempts.values() for one in some}
        for one in self._mined.values():
            if one.hash not in known:
                self._lost(f"transaction {one.hash} (nonce {one.nonce}) is on chain, not recorded")
        times: Counter[str] = Counter()
        for row in self._transactions:
            times[row["intent_key"]] += self._compare_transaction(row)
        self._found.duplicates += [f"{key} happened {n} times" for key, n in times.items() if n > 1]
        self._compare_events()
        self._compare_bookings()
        self._compare_settlements()
        return self._found

    def _lost(self, what: str) -> None:
        self._found.losses.append(what)

    def _compare_transaction(self, row: Row) -> int:
        """Compare a record with its block; gives how often the intent happened by it."""
        attempts = self._attempts[row["id"]]
        told = f"{row['kind']} {row['id']} ({row['status']})"
        own = [self._mined[a["tx_hash"]] for a in attempts if a["tx_hash"] in self._mined]
        cancels = {a["tx_hash"] for a in attempts if a["purpose"] == "cancel"}
        happened = [one for one in own if one.succeeded and one.hash not in cancels]
        if row["status"] in IMPOSSIBLE:
            for one in happened:
                self._lost(f"{told}: {one.hash} happened")
        elif row["status"] != "confirmed" or not happened:
            self._lost(f"{told}: on chain are {[one.hash for one in own]}")
        else:
            self._compare_confirmed(told, row, attempts, happened[0])
        return len(happened)

    def _compare_confirmed(self, told: str, row: Row, attempts: list[Row], one: Mined) -> None:
        fields = ("tx_hash", "block_number", "block_hash", "gas_used", "fee_wei")
        said = tuple(row[name] for name in fields)
        stands = (one.hash, one.block_number, one.block_hash, one.gas_used, one.fee)
        if said != stands:
            self._lost(f"{told}: recorded {said}, on chain {stands}")
        if [a["tx_hash"] for a in attempts if a["outcome"] == "mined"] != [one.hash]:
            self._lost(
                f"{told}: its attempts are {[(a['tx_hash'], a['outcome']) for a in attempts]}"
            )
        if row["kind"] in MAKES:
            numbers = one.numbers(MAKES[row["kind"]])
            if numbers != [row["chain_object_id"]]:
                self._lost(f"{told}: number {row['chain_object_id']}, made {numbers}")

    def _compare_events(self) -> None:
        makers = self._makers("create_event")
        self._compare_numbers("event", self._event_rows, set(self._events))
        for row in self._event_rows:
            number = row["number"]
            if (row["chain_status"] == "confirmed") != (number is not None):
                self._lost(f"event row {row['id']} is {row}")
            if number not in self._events:
                continue
            event, maker = self._events[number], makers.get(number, {})
            stands = (event.status, event.seats, event.starts_at, event.experience)
            said = tuple(row[name] for name in ("status", "seats", "starts_at", "experience"))
            if said != stands:
                self._lost(f"event {number} is {stands} on chain, its row says {said}")
            made = (row["id"], row["hash"], event.stake)
            if (maker.get("event_id"), maker.get("tx_hash"), maker.get("value_wei")) != made:
                self._lost(f"event {number}: {made} is not of its transaction {maker}")

    def _compare_bookings(self) -> None:
        makers = self._makers("book_event")
        self._compare_numbers("booking", self._booking_rows, set(self._bookings))
        for row in self._booking_rows:
            number = row["number"]
            if number not in self._bookings:
                continue
            booking, maker = self._bookings[number], makers.get(number, {})
            stands = (booking.status, booking.seats, booking.stake, booking.event)
            said = tuple(row[name] for name in ("status", "seats", "stake", "event"))
            if said != stands:
                self._lost(f"booking {number} is {stands} on chain, its row says {said}")
            made = (row["id"], row["hash"], booking.payment + booking.stake)
            if (maker.get("booking_id"), maker.get("tx_hash"), maker.get("value_wei")) != made:
                self._lost(f"booking {number}: {made} is not of its transaction {maker}")

    def _compare_numbers(self, what: str, rows: list[Row], on_chain: set[int]) -> None:
        recorded = {row["number"] for row in rows} - {None}
        for number in on_chain - recorded:
            self._lost(f"{what} {number} is on chain and has no row")
        for number in recorded - on_chain:
            self._lost(f"{what} {number} has a row and is not on chain")

    def _compare_settlements(self) -> None:
        for row in self._transactions:
            said = Counter(
                (one["line"], one["chain_booking_id"], int(one["amount_wei"]))
                for one in self._settlements
                if one["transaction_id"] == row["id"]
            )
            if said != (stands := self._settled(row)):
                self._lost(f"settlement of {row['kind']} {row['id']}: {said} != {stands}")

    def _settled(self, row: Row) -> Lines:
        """What its settlement must say, by the state the contract is left in."""
        one = self._mined.get(row["tx_hash"])
        if one is None or row["status"] != "confirmed" or row["kind"] not in ENDS:
            return Counter()
        number = row["chain_event_id"]
        bookings = [each for each in self._bookings.values() if each.event == number]
        stake = self._events[number].stake
        lines: list[tuple[str, int | None, int]] = [("host_stake_returned", None, stake)]
        if row["kind"] == "cancel_event":
            return Counter([*lines, *(("refund", b.number, b.payment + b.stake) for b in bookings)])
        payout, _ = one.words(COMPLETED)
        revenue = sum(each.payment for each in bookings)
        lines += [("ticket_revenue", None, revenue), ("host_payout", None, payout)]
        lines.append(("platform_fee", None, revenue - payout))
        for each in bookings:
            came = each.status == "experience_completed"
            line = "stake_returned" if came else "stake_forfeited"
            lines.append((line, each.number, each.stake))
        return Counter(lines)

    def _makers(self, kind: str) -> dict[int, Row]:
        """The confirmed transactions that made something, by the number it got."""
        return {
            row["chain_object_id"]: row
            for row in self._transactions
            if row["kind"] == kind and row["status"] == "confirmed"
        }
