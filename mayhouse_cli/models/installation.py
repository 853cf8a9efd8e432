"""What holds for everybody who uses one database: a freeze, and a change of the signer."""

from dataclasses import dataclass
from datetime import datetime

from mayhouse_cli.models.addresses import Address


@dataclass(frozen=True)
class Freeze:
    """Signing is refused: by whom, since when and why."""

    reason: str
    by: str | None
    at: datetime | None


@dataclass(frozen=True)
class Rotation:
    """A change of the signer that is under way."""

    old: Address
    new: Address
    wallet: str
    """Name of the new one's keystore."""
    by: str
    since: datetime
