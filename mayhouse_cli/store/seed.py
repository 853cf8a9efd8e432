"""The sandbox's demonstration rows: fixed ids, so that the docs can show commands as written."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mayhouse_cli.models import Address

if TYPE_CHECKING:
    # The demo names these rows, and is loaded with every command: a help page needs no driver.
    from mayhouse_cli.store.database import Database


@dataclass(frozen=True)
class SeededPerson:
    """A host or traveler to try commands with; nobody has the key of the wallet."""

    id: UUID
    name: str
    wallet: Address
    role: str


@dataclass(frozen=True)
class SeededExperience:
    """An experience to try commands with."""

    id: UUID
    title: str
    price_inr: Decimal
    host: SeededPerson


def _host(number: int, name: str, wallet: str) -> SeededPerson:
    row_id = UUID(f"a0000000-0000-4000-8000-{number:012}")
    return SeededPerson(row_id, name, Address(wallet), "host")


def _traveler(number: int, name: str, wallet: str) -> SeededPerson:
    row_id = UUID(f"b0000000-0000-4000-8000-{number:012}")
    return SeededPerson(row_id, name, Address(wallet), "user")


def _experience(number: int, title: str, price: str, host: SeededPerson) -> SeededExperience:
    row_id = UUID(f"e0000000-0000-4000-8000-{number:012}")
    return SeededExperience(row_id, title, Decimal(price), host)


HOSTS: Final = (
    _host(1, "Asha Host", "0xf15835a2266B8e41D50Cb1586F6B654c951d34A6"),
    _host(2, "Imran Sheikh", "0x04EADfe1Ad9D36F0257B2F96925a0c4bE1B1C4bb"),
)
EXPERIENCES: Final = (
    # The brackets are there on purpose: a title is never read as markup.
    _experience(1, "Old Delhi food walk [spicy]", "2500.00", HOSTS[0]),
    _experience(2, "Block printing in Bagru", "1800.00", HOSTS[1]),
    _experience(3, "Sunrise on the Yamuna", "999.50", HOSTS[0]),
)
TRAVELERS: Final = (
    _traveler(1, "Meera Nair", "0x0B9AA456242C063736e37BA23F3D368E280Dbc02"),
    _traveler(2, "Jonas Berg", "0xb264145C35269E2E40EDbcB0Be849b39E2941407"),
    _traveler(3, "Tara Singh", "0x2Fb320b845153E64F70e825299abA4d4c9A1cCB8"),
    _traveler(4, "Kenji Sato", "0xD701216A0DE89a2b2E1bAb0B6533e4eEfabdc7E1"),
    _traveler(5, "Lucía Gómez", "0x148457CE590Fd3ca21038EF531cE83c4D04cC1c0"),
)

# Rows that are there already were perhaps changed on purpose: they stay as they are.
INSERT_PERSON: Final = """
    INSERT INTO public.users (id, full_name, wallet_address, role)
    VALUES (%(id)s, %(name)s, %(wallet)s, %(role)s)
    ON CONFLICT DO NOTHING
"""
INSERT_EXPERIENCE: Final = """
    INSERT INTO public.experiences
        (id, host_id, title, price_inr, status, traveler_max_capacity)
    VALUES (%(id)s, %(host_id)s, %(title)s, %(price_inr)s, 'approved', 4)
    ON CONFLICT DO NOTHING
"""


def seed(database: "Database") -> int:
    """Add the rows that are missing, and give how many they were."""
    added = 0
    with database.transaction() as cursor:
        for person in (*HOSTS, *TRAVELERS):
            added += cursor.execute(INSERT_PERSON, vars(person)).rowcount
        for one in EXPERIENCES:
            row = {
                "id": one.id,
                "host_id": one.host.id,
                "title": one.title,
                "price_inr": one.price_inr,
            }
            added += cursor.execute(INSERT_EXPERIENCE, row).rowcount
    return added
