"""The one row of `mayhouse.installation` beside its pin: a freeze, and a change of the signer."""

from typing import Final

from mayhouse_cli.models import Address, Freeze, Rotation
from mayhouse_cli.store.database import Database

_FREEZE: Final = """
    SELECT coalesce(nullif(frozen_reason, ''), 'no reason given') AS reason,
           frozen_by AS by, frozen_at AS at
    FROM mayhouse.installation
    WHERE frozen
"""

_ROTATION: Final = """
    SELECT rotating_from AS old, rotating_to AS new, rotating_wallet AS wallet,
           rotating_by AS by, rotating_since AS since
    FROM mayhouse.installation
    WHERE rotating_to IS NOT NULL
"""

# Whoever signs shares the row until its record is committed: a freeze waits for it, and comes
# before whatever asks later. The journal's own lock would not do before a sender is pinned.
HOLD: Final = "SELECT FROM mayhouse.installation FOR SHARE"

SET_FROZEN: Final = """
    UPDATE mayhouse.installation
    SET frozen = true, frozen_reason = %(reason)s, frozen_by = %(by)s, frozen_at = now()
    WHERE NOT frozen
"""

THAW: Final = """
    UPDATE mayhouse.installation
    SET frozen = false, frozen_reason = NULL, frozen_by = NULL, frozen_at = NULL
"""

BEGIN_ROTATION: Final = """
    UPDATE mayhouse.installation
    SET rotating_from = %(old)s, rotating_to = %(new)s, rotating_wallet = %(wallet)s,
        rotating_by = %(by)s, rotating_since = %(since)s
    WHERE rotating_to IS NULL
"""

REPIN: Final = """
    UPDATE mayhouse.installation SET sender = %(new)s WHERE sender = %(old)s
"""

END_ROTATION: Final = """
    UPDATE mayhouse.installation
    SET rotating_from = NULL, rotating_to = NULL, rotating_wallet = NULL, rotating_by = NULL,
        rotating_since = NULL
"""


class PostgresInstallation:
    """The port Installation on the table `mayhouse.installation`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(self) -> Freeze | None:
        """Give the freeze that holds, if one does."""
        with self._database.transaction() as cursor:
            row = cursor.execute(_FREEZE).fetchone()
        return Freeze(**row) if row else None

    def rotation(self) -> Rotation | None:
        """Give the change of the signer that is under way, if one is."""
        with self._database.transaction() as cursor:
            row = cursor.execute(_ROTATION).fetchone()
        return Rotation(**row) if row else None

    def hold(self) -> None:
        """Keep a freeze or rotation from beginning until the open transaction ends."""
        with self._database.transaction() as cursor:
            cursor.execute(HOLD)

    def set_frozen(self, reason: str, by: str) -> bool:
        """Freeze; False when it was frozen already, which stays as it is."""
        with self._database.transaction() as cursor:
            return cursor.execute(SET_FROZEN, {"reason": reason, "by": by}).rowcount > 0

    def thaw(self) -> None:
        """End a freeze."""
        with self._database.transaction() as cursor:
            cursor.execute(THAW)

    def begin_rotation(self, rotation: Rotation) -> bool:
        """Keep that the signer is being changed; False when another change is under way."""
        with self._database.transaction() as cursor:
            return cursor.execute(BEGIN_ROTATION, vars(rotation)).rowcount > 0

    def repin(self, old: Address, new: Address) -> None:
        """Have the database serve the new sender instead of the old one."""
        with self._database.transaction() as cursor:
            cursor.execute(REPIN, {"old": old, "new": new})

    def end_rotation(self) -> None:
        """The change of the signer is complete, or was given up."""
        with self._database.transaction() as cursor:
            cursor.execute(END_ROTATION)
