"""The contract's escrow at one block: what it must still pay out, whose that is, what is left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mayhouse_cli.errors import CredentialsError
from mayhouse_cli.models import Address, BookingStatus, OnChainBooking, OnChainEvent
from mayhouse_cli.money import Wei
from mayhouse_cli.ports import Session

_NOTHING: Final = Wei(0)


@dataclass(frozen=True)
class Escrow:
    """What the contract holds at one block, and for whom."""

    block_number: int
    balance: Wei
    liabilities: Wei
    """Stakes of the hosts of open events, payments and stakes of active bookings: everybody's."""
    foreign_liabilities: Wei
    """The part of them that is strangers': of their events, and of their bookings anywhere."""
    surplus: Wei
    """Balance less liabilities; below zero, the escrow is short by so much."""
    fees_earned: Wei
    """The platform's fees of all confirmed completions on record, withdrawn since or not."""
    forfeits: Wei
    """The stakes of all no-shows, withdrawn since or not."""
    unattributed: Wei | None
    """By how much the surplus exceeds fees and forfeits (overpayments, plain ETH, completions
    that are not on record); None when it is less than they were, since then something of it
    was withdrawn and nothing tells what."""

    @property
    def shortfall(self) -> Wei:
        """What is missing to pay everybody; zero when nothing is."""
        return max(-self.surplus, _NOTHING)

    @property
    def our_liabilities(self) -> Wei:
        """The part of the liabilities that is the platform's own events and bookings."""
        return self.liabilities - self.foreign_liabilities


class EscrowTally:
    """Adds up the escrow while events and bookings stream by."""

    def __init__(self, ours: frozenset[Address]) -> None:
        """Start at nothing; events hosted and bookings paid by `ours` are the platform's."""
        self._ours = ours
        self.events = 0
        self.bookings = 0
        self.liabilities = _NOTHING
        self.foreign_liabilities = _NOTHING
        self.forfeits = _NOTHING

    def count_events(
        self, events: Iterable[Sequence[OnChainEvent]]
    ) -> Iterator[Sequence[OnChainEvent]]:
        """Pass the events on, counted."""
        for some in events:
            self.events += len(some)
            for event in some:
                if event.status.is_open:
                    self._owe(event.host_stake, event.host)
            yield some

    def count_bookings(
        self, bookings: Iterable[Sequence[OnChainBooking]]
    ) -> Iterator[Sequence[OnChainBooking]]:
        """Pass the bookings on, counted."""
        for some in bookings:
            self.bookings += len(some)
            for booking in some:
                if booking.status is BookingStatus.ACTIVE:
                    self._owe(booking.payment + booking.stake, booking.user)
                elif booking.status is BookingStatus.NO_SHOW:
                    self.forfeits += booking.stake
            yield some

    def _owe(self, amount: Wei, party: Address) -> None:
        self.liabilities += amount
        if party not in self._ours:
            self.foreign_liabilities += amount

    def escrow(self, block_number: int, balance: Wei, fees_earned: Wei) -> Escrow:
        """Sum up, once everything has streamed by."""
        surplus = balance - self.liabilities
        rest = surplus - fees_earned - self.forfeits
        return Escrow(
            block_number=block_number,
            balance=balance,
            liabilities=self.liabilities,
            foreign_liabilities=self.foreign_liabilities,
            surplus=surplus,
            fees_earned=fees_earned,
            forfeits=self.forfeits,
            unattributed=rest if rest >= 0 else None,
        )


def read_escrow(session: Session) -> Escrow:
    """Read the whole contract at one block; RpcUnreachable when a reorg undoes that block."""
    census = session.chain.census()
    tally = EscrowTally(our_wallets(session))
    for _ in tally.count_events(census.events()):
        pass
    for _ in tally.count_bookings(census.bookings()):
        pass
    census.confirm()
    fees = session.settlements.fees_earned(census.block.number)
    return tally.escrow(census.block.number, census.balance, fees)


def our_wallets(session: Session) -> frozenset[Address]:
    """The wallets that act for the platform: the signer, the owner, and all that have signed."""
    pin = session.journal.pinned()
    owner: Address | None = session.config.get("owner_address")
    named = (configured_signer(session), owner, pin.sender if pin else None)
    return frozenset(session.journal.senders()).union(one for one in named if one is not None)


def configured_signer(session: Session) -> Address | None:
    """The wallet that signs, as far as it can be known without a key on this machine."""
    known: Address | None = session.config.get("platform_address")
    if known is not None:
        return known
    try:
        return session.signer.address
    except CredentialsError:
        pin = session.journal.pinned()
        return pin.sender if pin else None
