"""The addresses and labels of the platform's wallets; never a key."""

from collections.abc import Sequence
from typing import Final

from mayhouse_cli.models import Address, Wallet
from mayhouse_cli.store.database import Database

# A wallet that is imported again may have got another label or role.
ADD: Final = """
    INSERT INTO mayhouse.wallets (address, label, role)
    VALUES (%(address)s, %(label)s, %(role)s)
    ON CONFLICT (address) DO UPDATE SET label = excluded.label, role = excluded.role
"""

WALLETS: Final = """
    SELECT address, label, role, created_at
    FROM mayhouse.wallets
    ORDER BY created_at, address
"""


class PostgresWallets:
    """The port Wallets on the table `mayhouse.wallets`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, address: Address, label: str, role: str) -> None:
        """Record a wallet, or its new label and role."""
        with self._database.transaction() as cursor:
            cursor.execute(ADD, {"address": address, "label": label, "role": role})

    def list(self) -> Sequence[Wallet]:
        """Give all recorded wallets, oldest first."""
        with self._database.transaction() as cursor:
            return [Wallet(**row) for row in cursor.execute(WALLETS)]
