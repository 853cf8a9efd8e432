"""A platform with events in every state, whose database can be spoilt and cloned for each test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from mayhouse_cli.bootstrap import OpenSession, open_session
from mayhouse_cli.models import Address, Change
from mayhouse_cli.operations import reconciliation
from mayhouse_cli.operations.audit import Audit
from mayhouse_cli.operations.audit import audit as run_audit
from mayhouse_cli.operations.booking_creation import BookingRequest, create, plan_booking
from mayhouse_cli.operations.reconciliation import Reconciliation
from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, BINA, CHITRA, PLATFORM, PLATFORM_KEY, SEED, Mayhouse
from tests.raw_contract import RawContract, calldata
from tests.twin_session import choices, config_of

STRANGER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
# Of the platform below.
COMPLETED, OPEN, CANCELLED = 1, 2, 3
ATTENDED, NO_SHOW, ACTIVE, ACTIVE_TOO, REFUNDED = 1, 2, 3, 4, 5
_COMPARED: Final = (
    "SELECT id::text, blockchain_event_run_id, blockchain_tx_hash, blockchain_status::text,"
    " status::text, NULL::numeric FROM event_runs"
    " UNION ALL SELECT id::text, blockchain_booking_id, blockchain_tx_hash, NULL,"
    " booking_status::text, blockchain_stake_amount_wei FROM event_run_bookings ORDER BY 1"
)
_NUMBERS: Final = count(1)


@dataclass
class Compared:
    """The platform, with commands run in this process."""

    mayhouse: Mayhouse

    @contextmanager
    def session(self) -> Iterator[OpenSession]:
        """Open a session as a command does."""
        config = config_of(
            blockchain_rpc_url=(self.mayhouse.node.url,),
            contract_address=Address(self.mayhouse.contract),
            platform_private_key=PLATFORM_KEY,
            database_url=self.mayhouse.database_url,
            confirmations=1,
        )
        with open_session(config, 60, lambda _: None, lambda _: "", "reconcile") as session:
            yield session

    def reconcile(self, *, fix: bool = False, meanwhile: str = "") -> Reconciliation:
        """Compare, and write what is proven; `meanwhile` is run between the two."""

        def agree(changes: Sequence[Change]) -> None:
            assert changes
            if meanwhile:
                self.spoil(meanwhile)

        with self.session() as session:
            return reconciliation.reconcile(session, agree if fix else None)

    def audit(self) -> Audit:
        """Run an audit."""
        with self.session() as session:
            return run_audit(session)

    def spoil(self, statement: str) -> None:
        """Change the database behind the tool's back."""
        self.mayhouse.execute(statement)

    def rows(self) -> list[Any]:
        """All that a reconciliation may write."""
        return query(self.mayhouse.database_url, _COMPARED)

    @property
    def contract(self) -> RawContract:
        """The contract, open to everybody."""
        return RawContract(self.mayhouse.node, self.mayhouse.contract)

    def book(self, event: int, traveler: str, seats: int = 1) -> None:
        """Book an event for a traveler."""
        request = BookingRequest(event=str(event), seats=seats, traveler_id=UUID(traveler))
        signing = choices(max_fee=10**12)
        with self.session() as session:
            create(plan_booking(request, signing, session), signing, session)

    def book_at_once(self, event: int, bookings: int, value: int) -> None:
        """Book single seats of an event by plain calls of the platform's wallet."""
        node, automine = self.mayhouse.node, True
        node.rpc("evm_setAutomine", not automine)
        call = {
            "from": PLATFORM,
            "to": self.mayhouse.contract,
            "value": hex(value),
            "data": calldata("bookEvent(uint256,uint256)", event, 1),
            "gas": hex(400_000),
        }
        for number in range(1, bookings + 1):
            node.rpc("eth_sendTransaction", call)
            if number % 50 == 0:
                node.rpc("evm_mine")
        node.rpc("evm_mine")
        node.rpc("evm_setAutomine", automine)


@contextmanager
def built(
    node: ChainNode, contract: str, server: DatabaseServer, folder: Path
) -> Iterator[Compared]:
    """A completed, an open and a cancelled event, with their bookings."""
    snapshot = node.snapshot()
    with server.database() as url:
        query(url, SEED)
        mayhouse = Mayhouse(node, url, contract, folder)
        platform = Compared(mayhouse)
        mayhouse.create_event()
        platform.book(COMPLETED, ASHA, 2)
        platform.book(COMPLETED, BINA)
        mayhouse.warp(90_000)
        assert mayhouse.json("event", "complete", "1", "--attended", "1", "-y").code == 0
        for event in (OPEN, CANCELLED):
            assert mayhouse.create_event()["chain_event_id"] == event
        platform.book(OPEN, BINA)
        platform.book(OPEN, CHITRA)
        platform.book(CANCELLED, CHITRA)
        cancel = ("event", "cancel", str(CANCELLED))
        plan = mayhouse.json(*cancel, "--reason", "rain", "--plan").data["plan_hash"]
        assert mayhouse.json(*cancel, "--execute", plan).code == 0
        yield platform
    node.revert(snapshot)


@contextmanager
def cloned(platform: Compared, server: DatabaseServer) -> Iterator[Compared]:
    """The same platform on a copy of its database."""
    original = platform.mayhouse
    source = original.database_url.partition("@/")[2].partition("?")[0]
    name = f"compared_{next(_NUMBERS)}"
    server._administer(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
    try:
        yield Compared(
            Mayhouse(original.node, server.url(name), original.contract, original.folder)
        )
    finally:
        server._administer(f"DROP DATABASE {name} WITH (FORCE)")
