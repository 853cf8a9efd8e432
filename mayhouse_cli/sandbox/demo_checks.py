"""The demo's checks: balances to the wei, the contract's own state, the rows in the database."""

from typing import Any

from mayhouse_cli.models import BookingStatus, EventStatus, Question, Snapshot
from mayhouse_cli.operations.booking_creation import BookingCreated
from mayhouse_cli.operations.event_creation import EventCreated
from mayhouse_cli.operations.transactions import TransactionResult
from mayhouse_cli.ports import Session
from mayhouse_cli.sandbox.demo_expectations import (
    PRICE_WEI,
    SEATS_OF_WHO_COMES,
    SEATS_OF_WHO_DOES_NOT,
    Expected,
)
from mayhouse_cli.sandbox.demo_result import Difference
from mayhouse_cli.store.seed import EXPERIENCES


class Checks:
    """Compares the world with what must be, and keeps what differs until it is taken."""

    def __init__(self, session: Session) -> None:
        """Remember where contract and wallet stand before anything happens."""
        self._session = session
        self._differences: list[Difference] = []
        before = self.read()
        self.expected = Expected(before.stake_percent, before.fee_percent)
        self.held_before = before.contract_balance
        self._contract = int(before.contract_balance)
        self._wallet = int(before.balances[session.signer.address])

    def read(self) -> Snapshot:
        """Read the contract's and the wallet's balance."""
        return self._session.chain.read(Question(accounts=(self._session.signer.address,)))

    def same(self, what: str, expected: Any, found: Any) -> None:  # noqa: ANN401 any two values are compared
        """Keep a difference, if there is one."""
        if expected != found:
            self._differences.append(Difference(what, str(expected), str(found)))

    def all_same(self, what: str, pairs: dict[str, tuple[Any, Any]]) -> None:
        """Compare several things of one subject: expected first, found second."""
        for name, (expected, found) in pairs.items():
            self.same(f"{what}, {name}", expected, found)

    def money(self, transaction: TransactionResult, *, into_contract: int) -> None:
        """Both balances, to the wei: what the contract got or gave, and what gas cost us."""
        now = self.read()
        self._contract += into_contract
        self._wallet -= into_contract + int(transaction.fee_wei or 0)
        self.same("contract's balance in wei", self._contract, int(now.contract_balance))
        self.same(
            "wallet's balance in wei", self._wallet, int(now.balances[self._session.signer.address])
        )
        if transaction.transaction_id is not None:
            kept = self._session.journal.get(transaction.transaction_id)
            found = (kept.status.value, kept.tx_hash, kept.fee)
            expected = ("confirmed", transaction.tx_hash, transaction.fee_wei)
            self.same("transaction's record", expected, found)

    def event(self, event: EventCreated, status: str, on_chain: EventStatus) -> None:
        row = self._session.events.by_id(event.event_id)
        created = event.transaction.tx_hash
        expected = (status, "confirmed", event.chain_event_id, created)
        found = row and (row.status, row.blockchain_status, row.chain_event_id, row.tx_hash)
        self.same("event's row", expected, found)
        seen = self._session.chain.read(Question(chain_event_id=event.chain_event_id)).event
        found_on_chain = seen and (seen.status, seen.price_per_seat, seen.experience_id)
        wanted = (on_chain, PRICE_WEI, str(EXPERIENCES[0].id))
        self.same("event on chain", wanted, found_on_chain)

    def booking(
        self, booking: BookingCreated, seats: int, status: str, on_chain: BookingStatus
    ) -> None:
        row = self._session.bookings.by_id(booking.booking_id)
        number, stake = booking.chain_booking_id or 0, self.expected.stake(seats)
        expected = (status, number, booking.transaction.tx_hash, stake)
        found = row and (row.status, row.chain_booking_id, row.tx_hash, row.stake_wei)
        self.same("booking's row", expected, found)
        read = self._session.chain.read(Question(chain_booking_ids=(number,)))
        seen = read.bookings.get(number)
        found_on_chain = seen and (seen.status, seen.seats, seen.payment, seen.stake)
        wanted = (on_chain, seats, self.expected.payment(seats), stake)
        self.same("booking on chain", wanted, found_on_chain)

    def settlement(self, transaction: TransactionResult) -> None:
        if transaction.transaction_id is None:
            return
        lines = self._session.settlements.lines(transaction.transaction_id)
        expected = self.expected
        self.same(
            "settlement in wei",
            {
                "ticket_revenue": expected.revenue,
                "platform_fee": expected.fee,
                "host_payout": expected.host_payout,
                "host_stake_returned": expected.host_stake,
                "stake_returned": expected.stake(SEATS_OF_WHO_COMES),
                "stake_forfeited": expected.stake(SEATS_OF_WHO_DOES_NOT),
            },
            {line.line: int(line.amount) for line in lines},
        )

    def take(self) -> tuple[Difference, ...]:
        """Give the differences since the last time."""
        taken, self._differences = tuple(self._differences), []
        return taken
