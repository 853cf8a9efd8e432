"""The one oracle of every fault: on chain at most once, nothing lost, one resume tells the truth.

It compares what the contract and the blocks hold, read without the tool, with every row the
tool keeps, once right after one `tx resume`, and once more after the same command again.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults import processes
from tests.faults.chain_state import (
    BOOKING_CREATED,
    CANCELLED,
    COMPLETED,
    EVENT_CREATED,
    ChainState,
    Mined,
)
from tests.mayhouse import Mayhouse, Run

IMPOSSIBLE = ("reverted", "replaced", "cancelled", "failed")
MADE_BY = {
    "create_event": EVENT_CREATED,
    "book_event": BOOKING_CREATED,
    "complete_event": COMPLETED,
    "cancel_event": CANCELLED,
}
Rows = list[dict[str, Any]]
Database = psycopg.Connection[dict[str, Any]]


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


class Oracle:
    """Judges one platform, from the block at which it is made (or `since`) on."""

    def __init__(self, mayhouse: Mayhouse, since: int | None = None) -> None:
        """Make it before the platform's wallet sends anything that is to be judged."""
        self._mayhouse = mayhouse
        self.since = int(mayhouse.node.rpc("eth_blockNumber"), 16) if since is None else since
        self._chain = ChainState(mayhouse.node, mayhouse.contract, self.since)

    # --- what is run -----------------------------------------------------------------------

    def run(
        self,
        *words: str,
        prepare: Callable[..., None] | None = None,
        arguments: tuple[Any, ...] = (),
    ) -> Run:
        """Run a command in a process of its own, for its document."""
        here = self._mayhouse
        return processes.start(
            *words,
            "--json",
            env=here.environment,
            folder=here.folder,
            prepare=prepare,
            arguments=arguments,
        ).wait()

    def resume(
        self, prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
    ) -> Findings:
        """Run `tx resume` once, and look whether the database is at the truth then."""
        resumed = self.run("tx", "resume", prepare=prepare, arguments=arguments)
        found = self.examine()
        if resumed.code:
            found.losses.append(f"tx resume ended with {resumed.code}: {resumed.out}")
        return found

    def run_again(self, *words: str, recorded_before: int) -> Findings:
        """Run the killed command again: the first result, or what was never recorded, made once.

        `recorded_before` is how many transactions were recorded before the killed run.
        """
        recorded = self.recorded()
        expected = recorded_before + 1
        sent = len(self._chain.mined())
        run = self.run(*words)
        found = self.examine()
        if run.code:
            found.losses.append(f"again: ended with {run.code}: {run.out}")
            return found
        if self.recorded() != expected or recorded > expected:
            found.duplicates.append(f"again: {self.recorded()} are recorded, not {expected}")
        more = len(self._chain.mined()) - sent
        if more != expected - recorded:
            found.duplicates.append(f"again: {more} more on chain, not {expected - recorded}")
        newest = self._mayhouse.rows(
            "SELECT id::text, tx_hash, status FROM mayhouse.transactions"
            " ORDER BY created_at DESC LIMIT 1"
        )[0]
        data = run.data
        said = {"id": data["transaction_id"], "tx_hash": data["tx_hash"], "status": data["status"]}
        if said != newest or data["status"] != "confirmed":
            found.losses.append(f"again: says {said}, recorded is {newest}")
        return found

    def recorded(self) -> int:
        """How many transactions the journal holds."""
        count = self._mayhouse.row("SELECT count(*) AS n FROM mayhouse.transactions")["n"]
        return int(count)

    # --- what is compared ------------------------------------------------------------------

    def examine(self) -> Findings:
        """Compare all that is on chain with all that is recorded."""
        with psycopg.connect(self._mayhouse.database_url, row_factory=dict_row) as database:
            return self._examine(database)

    def _examine(self, database: Database) -> Findings:
        found = Findings()
        mined = self._chain.mined()
        rows = database.execute(
            "SELECT * FROM mayhouse.transactions ORDER BY created_at"
        ).fetchall()
        attempts: dict[Any, Rows] = {}
        for attempt in database.execute("SELECT * FROM mayhouse.attempts ORDER BY number"):
            attempts.setdefault(attempt["transaction_id"], []).append(attempt)
        known = {one["tx_hash"] for some in attempts.values() for one in some}
        found.losses += [
            f"transaction {one.hash} (nonce {one.nonce}) is on chain and not recorded"
            for one in mined.values()
            if one.hash not in known
        ]
        times: Counter[str] = Counter()
        for row in rows:
            own = [mined[a["tx_hash"]] for a in attempts[row["id"]] if a["tx_hash"] in mined]
            times[row["intent_key"]] += self._compare_transaction(row, attempts, own, found)
        found.duplicates += [f"{key} happened {n} times" for key, n in times.items() if n > 1]
        self._compare_events(database, rows, found)
        self._compare_bookings(database, rows, found)
        self._compare_settlements(database, rows, mined, found)
        return found

    def _compare_transaction(
        self, row: dict[str, Any], attempts: dict[Any, Rows], own: list[Mined], found: Findings
    ) -> int:
        """Compare a record with its block; gives how often the intent happened by it."""
        told = f"{row['kind']} {row['id']} ({row['status']})"
        cancels = {a["tx_hash"] for a in attempts[row["id"]] if a["purpose"] == "cancel"}
        happened = [one for one in own if one.succeeded and one.hash not in cancels]
        if row["status"] in IMPOSSIBLE:
            found.losses += [f"{told}: {one.hash} happened" for one in happened]
            return len(happened)
        if row["status"] != "confirmed" or not happened:
            found.losses.append(f"{told}: on chain are {[one.hash for one in own]}")
            return len(happened)
        one = happened[0]
        fields = ("tx_hash", "block_number", "block_hash", "gas_used", "fee_wei")
        stands = (one.hash, one.block_number, one.block_hash, one.gas_used, one.fee)
        if tuple(row[name] for name in fields) != stands:
            found.losses.append(f"{told}: recorded {[row[n] for n in fields]}, on chain {stands}")
        outcomes = {a["tx_hash"]: a["outcome"] for a in attempts[row["id"]]}
        if [each for each, outcome in outcomes.items() if outcome == "mined"] != [one.hash]:
            found.losses.append(f"{told}: its attempts are {outcomes}")
        if row["kind"] in ("create_event", "book_event"):
            numbers = one.numbers(MADE_BY[row["kind"]])
            if numbers != [row["chain_object_id"]]:
                found.losses.append(f"{told}: number {row['chain_object_id']}, made {numbers}")
        return len(happened)

    def _compare_events(self, database: Database, rows: Rows, found: Findings) -> None:
        recorded = database.execute(
            "SELECT id, blockchain_event_run_id AS number, blockchain_tx_hash AS hash,"
            " blockchain_status::text AS chain_status, status::text AS status,"
            " max_capacity AS seats, extract(epoch FROM start_datetime)::bigint AS starts_at,"
            " experience_id::text AS experience FROM event_runs"
        ).fetchall()
        on_chain = self._chain.events()
        makers = _makers(rows, "create_event")
        self._compare_numbers("event", {r["number"] for r in recorded}, set(on_chain), found)
        for row in recorded:
            number = row["number"]
            if (row["chain_status"] == "confirmed") != (number is not None):
                found.losses.append(f"event row {row['id']} is {row}")
            if number not in on_chain:
                continue
            event, maker = on_chain[number], makers.get(number, {})
            stands = (event.status, event.seats, event.starts_at, event.experience)
            said = tuple(row[name] for name in ("status", "seats", "starts_at", "experience"))
            if said != stands:
                found.losses.append(f"event {number} is {stands} on chain, its row says {said}")
            made = (row["id"], row["hash"], event.stake)
            if (maker.get("event_id"), maker.get("tx_hash"), maker.get("value_wei")) != made:
                found.losses.append(f"event {number}: {made} is not of its transaction {maker}")

    def _compare_bookings(self, database: Database, rows: Rows, found: Findings) -> None:
        recorded = database.execute(
            "SELECT booking.id, blockchain_booking_id AS number,"
            " booking.blockchain_tx_hash AS hash, booking_status AS status,"
            " traveler_count AS seats, blockchain_stake_amount_wei AS stake,"
            " blockchain_event_run_id AS event"
            " FROM event_run_bookings AS booking JOIN event_runs ON event_runs.id = event_run_id"
        ).fetchall()
        on_chain = self._chain.bookings()
        makers = _makers(rows, "book_event")
        self._compare_numbers("booking", {r["number"] for r in recorded}, set(on_chain), found)
        for row in recorded:
            if row["number"] not in on_chain:
                continue
            number = row["number"]
            booking, maker = on_chain[number], makers.get(number, {})
            stands = (booking.status, booking.seats, booking.stake, booking.event)
            said = tuple(row[name] for name in ("status", "seats", "stake", "event"))
            if said != stands:
                found.losses.append(f"booking {number} is {stands} on chain, its row says {said}")
            made = (row["id"], row["hash"], booking.payment + booking.stake)
            if (maker.get("booking_id"), maker.get("tx_hash"), maker.get("value_wei")) != made:
                found.losses.append(f"booking {number}: {made} is not of its transaction {maker}")

    def _compare_numbers(
        self, what: str, recorded: set[Any], on_chain: set[int], found: Findings
    ) -> None:
        found.losses += [f"{what} {n} is on chain and has no row" for n in on_chain - recorded]
        invented = recorded - on_chain - {None}
        found.losses += [f"{what} {n} has a row and is not on chain" for n in invented]

    def _compare_settlements(
        self, database: Database, rows: Rows, mined: dict[str, Mined], found: Findings
    ) -> None:
        lines = database.execute("SELECT * FROM mayhouse.settlements").fetchall()
        for row in rows:
            said = Counter(
                (one["line"], one["chain_booking_id"], int(one["amount_wei"]))
                for one in lines
                if one["transaction_id"] == row["id"]
            )
            stands: Counter[tuple[str, int | None, int]] = Counter()
            if row["status"] == "confirmed" and row["kind"] in ("complete_event", "cancel_event"):
                stands = self._settled(row, mined[row["tx_hash"]])
            if said != stands:
                found.losses.append(f"settlement of {row['kind']} {row['id']}: {said} != {stands}")

    def _settled(self, row: dict[str, Any], one: Mined) -> Counter[tuple[str, int | None, int]]:
        number = row["chain_event_id"]
        event = self._chain.events()[number]
        bookings = [each for each in self._chain.bookings().values() if each.event == number]
        lines: list[tuple[str, int | None, int]] = [("host_stake_returned", None, event.stake)]
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


def _makers(rows: Rows, kind: str) -> dict[int, dict[str, Any]]:
    """The confirmed transactions that made something, by the number it got."""
    return {
        row["chain_object_id"]: row
        for row in rows
        if row["kind"] == kind and row["status"] == "confirmed"
    }
