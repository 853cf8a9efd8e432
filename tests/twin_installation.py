"""The installation's twin: its one row in memory."""

from dataclasses import replace

from mayhouse_cli.models import Address, Freeze, Rotation
from tests.twins import Memory


class MemoryInstallation:
    """The port Installation."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def freeze(self) -> Freeze | None:
        return self._memory.rows.frozen

    def rotation(self) -> Rotation | None:
        return self._memory.rows.rotation

    def hold(self) -> None:
        """There is one process: nothing can begin in between."""
        assert self._memory.in_transaction, "it would be let go of at once"

    def set_frozen(self, reason: str, by: str) -> bool:
        if self._memory.rows.frozen is not None:
            return False
        self._memory.rows.frozen = Freeze(reason, by, self._memory.now)
        return True

    def thaw(self) -> None:
        self._memory.rows.frozen = None

    def begin_rotation(self, rotation: Rotation) -> bool:
        if self._memory.rows.rotation is not None:
            return False
        self._memory.rows.rotation = rotation
        return True

    def repin(self, old: Address, new: Address) -> None:
        pin = self._memory.rows.pin
        if pin is not None and pin.sender == old:
            self._memory.rows.pin = replace(pin, sender=new)

    def end_rotation(self) -> None:
        self._memory.rows.rotation = None
