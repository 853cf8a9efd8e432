"""The steps of a rotation, before and after each of which its process is killed."""

import os
import signal
from collections.abc import Callable
from typing import Any, Final

from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.keystore import Keystore
from mayhouse_cli.operations import rotation
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.installation import PostgresInstallation
from mayhouse_cli.store.journal import PostgresJournal

_KEPT: Final[tuple[tuple[Any, str], ...]] = (
    (Keystore, "create"),
    (PostgresInstallation, "begin_rotation"),
    (PostgresJournal, "insert"),
    (ContractClient, "send"),
    (PostgresJournal, "finish"),
    (PostgresInstallation, "repin"),
    (rotation, "change_config"),
)
_END: Final = (PostgresInstallation, "end_rotation")
_COMMITTED: Final = ("begin_rotation", "insert", "finish", "repin")
_COMMIT: Final = "commit of "


def _name(owner: Any, step: str) -> str:  # noqa: ANN401 a class or a module
    return f"{owner.__name__.rpartition('.')[2]}.{step}"


STEPS: Final = [
    *(f"{when} {_name(*kept)}" for kept in (*_KEPT, _END) for when in ("before", "after")),
    *(_COMMIT + _name(*kept) for kept in _KEPT if kept[1] in _COMMITTED),
]


class _Killer:
    """Kills this process when it comes to a step."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._commit_real = Database._commit
        self._armed = False

    def around(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Watch a step."""

        def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the step takes
            self._die_at(f"before {name}")
            result = real(*args, **kwargs)
            self._die_at(f"after {name}")
            self._armed = self._armed or self._step == _COMMIT + name
            return result

        return run

    def commit(self, database: Database, *args: Any) -> None:  # noqa: ANN401 as it takes them
        """Commit, and die if it was the step's own commit."""
        self._commit_real(database, *args)
        if self._armed:
            os.kill(os.getpid(), signal.SIGKILL)

    def _die_at(self, place: str) -> None:
        if place == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def die_at_step(step: str) -> None:
    """Kill this process with SIGKILL there, the first time."""
    killer = _Killer(step)

    def commit(database: Database, *args: Any) -> None:  # noqa: ANN401 as it takes them
        killer.commit(database, *args)

    setattr(Database, Database._commit.__name__, commit)
    for owner, step_name in (*_KEPT, _END):
        real = getattr(owner, step_name)
        setattr(owner, step_name, killer.around(real, _name(owner, step_name)))
