"""The contract as its owner runs it: how it stands, and what may be changed by whom."""

from dataclasses import dataclass
from decimal import Decimal

from mayhouse_cli.errors import Refused, Unconfirmed
from mayhouse_cli.models import (
    Address,
    BookingStatus,
    OnChainEvent,
    Question,
    Snapshot,
    Transaction,
    TransactionFilter,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.escrow import Escrow, EscrowTally, configured_signer, our_wallets
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session


@dataclass(frozen=True)
class OpenEvent:
    """An event that is neither completed nor cancelled, with what its active bookings paid."""

    event: OnChainEvent
    active_bookings: int
    revenue: Wei
    foreign: bool
    """Hosted by a stranger."""


@dataclass(frozen=True)
class Survey:
    """The whole contract at one block."""

    escrow: Escrow
    events: int
    bookings: int
    open_events: tuple[OpenEvent, ...]


@dataclass(frozen=True)
class ContractDetails:
    """`contract show`."""

    address: Address
    chain_id: int
    chain: str
    code_present: bool
    owner: Address
    signer: Address | None
    """None when no wallet is configured."""
    signer_is_owner: bool
    fee_percent: int
    stake_percent: int
    events: int
    bookings: int
    open_events: int
    balance_wei: Wei
    balance_eth: str
    liabilities_wei: Wei
    foreign_liabilities_wei: Wei
    surplus_wei: Wei
    fees_earned_wei: Wei
    forfeits_wei: Wei
    unattributed_wei: Wei | None
    block_number: int
    explorer_url: str | None


def survey(session: Session) -> Survey:
    """Read every event and booking at one block; RpcUnreachable when a reorg undoes it."""
    census = session.chain.census()
    ours = our_wallets(session)
    tally = EscrowTally(ours)
    still_open = [
        event
        for some in tally.count_events(census.events())
        for event in some
        if event.status.is_open
    ]
    paid: dict[int, list[Wei]] = {event.id: [] for event in still_open}
    for some in tally.count_bookings(census.bookings()):
        for booking in some:
            if booking.status is BookingStatus.ACTIVE and booking.event_id in paid:
                paid[booking.event_id].append(booking.payment)
    census.confirm()
    fees = session.settlements.fees_earned(census.block.number)
    return Survey(
        escrow=tally.escrow(census.block.number, census.balance, fees),
        events=tally.events,
        bookings=tally.bookings,
        open_events=tuple(
            OpenEvent(
                event, len(paid[event.id]), sum(paid[event.id], Wei(0)), event.host not in ours
            )
            for event in still_open
        ),
    )


def show_contract(session: Session) -> ContractDetails:
    """Show how the contract stands; WrongContract when there is none, or another one."""
    snapshot = session.chain.read(Question())
    found = survey(session)
    escrow, config = found.escrow, session.config
    signer = configured_signer(session)
    explorer = config.explorer
    address = session.chain.contract
    return ContractDetails(
        address=address,
        chain_id=config.chain_id,
        chain=config.chain_name,
        code_present=True,
        owner=snapshot.owner,
        signer=signer,
        signer_is_owner=signer == snapshot.owner,
        fee_percent=snapshot.fee_percent,
        stake_percent=snapshot.stake_percent,
        events=found.events,
        bookings=found.bookings,
        open_events=len(found.open_events),
        balance_wei=escrow.balance,
        balance_eth=format_eth(escrow.balance),
        liabilities_wei=escrow.liabilities,
        foreign_liabilities_wei=escrow.foreign_liabilities,
        surplus_wei=escrow.surplus,
        fees_earned_wei=escrow.fees_earned,
        forfeits_wei=escrow.forfeits,
        unattributed_wei=escrow.unattributed,
        block_number=escrow.block_number,
        explorer_url=f"{explorer.rstrip('/')}/address/{address}" if explorer else None,
    )


# --- what every change of the contract needs --------------------------------------------


def refuse_all_but_the_owner(snapshot: Snapshot, session: Session) -> None:
    """Refused, naming who must sign, unless the signer owns the contract."""
    signer = session.signer.address
    if signer != snapshot.owner:
        raise Refused(
            f"Only the contract's owner {snapshot.owner} can do this; {signer} signs here",
            hint="Sign with the owner's wallet: ownership of this contract cannot be moved.",
            details={"owner": snapshot.owner, "signer": signer},
        )


def refuse_while_unfinished(session: Session, but: Transaction | None = None) -> None:
    """Unconfirmed while any other transaction of ours is out: it may book, pay or change a value.

    Called again in the database transaction that records, under the journal's lock, where no
    booking can come in between.
    """
    waiting = session.journal.list(TransactionFilter(unfinished=True, limit=10_000))
    first = next((one for one in waiting if but is None or one.id != but.id), None)
    if first is not None:
        raise Unconfirmed(
            f"A transaction of ours is unfinished: {first.kind} {short(first)}",
            hint=f"Finish it first: mayhouse tx resume {short(first)}",
            details={"transaction_id": str(first.id), "tx_hash": first.tx_hash},
        )


def rate_for_reading(session: Session) -> Decimal | None:
    """A rate to show amounts in rupees with; nothing is priced by it."""
    configured: Decimal | None = session.config.get("eth_price_inr")
    if configured is not None:
        return configured
    last = session.rates.last()
    return last.eth_price_inr if last else None
