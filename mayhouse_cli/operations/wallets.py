"""Wallets: make or import a key, and record its address and label."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mayhouse_cli.errors import MayhouseError, NotFound, Stopped
from mayhouse_cli.models import Address, Question
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.ports import KeyVault, Session


@dataclass(frozen=True)
class WalletCreated:
    """`wallet new` and `wallet import`: where the key is, and whether the address is recorded."""

    name: str
    address: Address
    keystore: str
    recorded: bool


@dataclass(frozen=True)
class WalletSummary:
    """A wallet known by its keystore here, by the database, or both."""

    name: str | None
    address: Address | None
    """None when the keystore file does not tell it without its password."""
    role: str | None
    keystore: str | None
    created_at: datetime | None
    signs: bool


@dataclass(frozen=True)
class WalletList:
    """`wallet list`."""

    wallets: tuple[WalletSummary, ...]


@dataclass(frozen=True)
class WalletDetails:
    """`wallet show`: the address whole, and what it holds."""

    name: str | None
    address: Address
    keystore: str | None
    signs: bool
    balance_wei: Wei | None
    balance_eth: str | None
    block_number: int | None


def create_wallet(
    name: str, password: str, vault: KeyVault, session: Session
) -> tuple[WalletCreated, tuple[str, ...]]:
    """Make a new random key under a name that is free."""
    address = vault.create(name, password)
    return _record(name, address, vault, session)


def import_key(
    name: str, key: bytes, password: str, vault: KeyVault, session: Session
) -> tuple[WalletCreated, tuple[str, ...]]:
    """Keep an existing key under a name that is free."""
    address = vault.add_key(name, key, password)
    return _record(name, address, vault, session)


def import_keystore(
    name: str, source: Path, password: str, vault: KeyVault, session: Session
) -> tuple[WalletCreated, tuple[str, ...]]:
    """Keep another tool's keystore, encrypted again with our parameters."""
    address = vault.add_keystore(name, source, password)
    return _record(name, address, vault, session)


def _record(
    name: str, address: Address, vault: KeyVault, session: Session
) -> tuple[WalletCreated, tuple[str, ...]]:
    """The key is kept already; a database that is not there yet is only worth a warning."""
    warnings: tuple[str, ...] = ()
    try:
        with session.transaction():
            session.wallets.add(address, name, _role(name, session))
            log(session, {"name": name, "address": address, "role": _role(name, session)})
    except Stopped:
        raise
    except MayhouseError as error:
        warnings = (f"The address was not recorded in the database: {error.message}",)
    created = WalletCreated(name, address, str(vault.path(name)), not warnings)
    return created, warnings


def _role(name: str, session: Session) -> str:
    return "platform" if name == session.config.require("wallet") else "other"


def list_wallets(vault: KeyVault, session: Session) -> tuple[WalletList, tuple[str, ...]]:
    """List keystores of this machine and wallets of the database, each address once."""
    warnings: tuple[str, ...] = ()
    try:
        recorded = {wallet.address: wallet for wallet in session.wallets.list()}
    except Stopped:
        raise
    except MayhouseError as error:
        recorded = {}
        warnings = (f"Only this machine's keystores are listed: {error.message}",)
    signing = session.config.require("wallet")
    here = []
    for entry in vault.list():
        known = recorded.get(entry.address) if entry.address else None
        here.append(
            WalletSummary(
                name=entry.name,
                address=entry.address,
                role=known.role if known else None,
                keystore=str(entry.path),
                created_at=known.created_at if known else None,
                signs=entry.name == signing,
            )
        )
    elsewhere = [
        WalletSummary(wallet.label, address, wallet.role, None, wallet.created_at, signs=False)
        for address, wallet in recorded.items()
        if address not in {entry.address for entry in here}
    ]
    return WalletList(tuple(here + elsewhere)), warnings


def show_wallet(
    name: str | None, vault: KeyVault, session: Session
) -> tuple[WalletDetails, tuple[str, ...]]:
    """Show one wallet, by default the one that signs; its balance when a node answers."""
    signing = session.config.require("wallet")
    if name is None:
        address, keystore = session.signer.address, vault.address(signing)
        path = str(vault.path(signing)) if keystore == address else None
        label = signing if path else None
    else:
        found = vault.address(name)
        if found is None:
            raise NotFound(
                f"There is no wallet {name}", hint="`mayhouse wallet list` shows the wallets."
            )
        address, path, label = found, str(vault.path(name)), name
    warnings: tuple[str, ...] = ()
    balance, block = None, None
    try:
        snapshot = session.chain.read(Question(accounts=(address,)))
        balance, block = snapshot.balances[address], snapshot.block.number
    except Stopped:
        raise
    except MayhouseError as error:
        warnings = (f"Its balance is not known: {error.message}",)
    details = WalletDetails(
        name=label,
        address=address,
        keystore=path,
        signs=name is None or name == signing,
        balance_wei=balance,
        balance_eth=format_eth(balance) if balance is not None else None,
        block_number=block,
    )
    return details, warnings
