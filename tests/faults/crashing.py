"""Named points at which a process of the tool can be killed, and counting its way past them.

A point is the moment before or after one step on the way of a transaction: a journal write, a
signature, a send, a look at the chain, a commit. The steps are wrapped from outside; the tool
itself knows nothing of it.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.chain.signer import LocalSigner
from mayhouse_cli.store.bookings import PostgresBookings
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.events import PostgresEvents
from mayhouse_cli.store.journal import PostgresJournal
from mayhouse_cli.store.ledger import PostgresLedger

STEPS: Final[tuple[tuple[type[Any], str], ...]] = (
    (PostgresJournal, "lock"),
    (PostgresJournal, "pin"),
    (PostgresJournal, "next_nonce"),
    (PostgresJournal, "insert"),
    (PostgresJournal, "add_attempt"),
    (PostgresJournal, "mark_attempt"),
    (PostgresJournal, "mark_sent"),
    (PostgresJournal, "mark_mined"),
    (PostgresJournal, "finish"),
    (PostgresEvents, "insert"),
    (PostgresEvents, "mark_pending"),
    (PostgresEvents, "mark_created"),
    (PostgresEvents, "mark_ended"),
    (PostgresBookings, "insert"),
    (PostgresBookings, "mark_booked"),
    (PostgresBookings, "mark_status"),
    (PostgresLedger, "add_settlement"),
    (PostgresLedger, "use_plan"),
    (LocalSigner, "sign"),
    (ContractClient, "read"),
    (ContractClient, "send"),
    (ContractClient, "sight"),
    (Database, "_commit"),
)


def watch_points(passed: Callable[[str], None]) -> None:
    """Call `passed` with the point's name before and after each step, in this process."""
    for owner, name in STEPS:
        setattr(owner, name, _wrapped(getattr(owner, name), f"{owner.__name__}.{name}", passed))


def _wrapped(
    step: Callable[..., Any], name: str, passed: Callable[[str], None]
) -> Callable[..., Any]:
    def around(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the step takes
        passed(f"before {name}")
        result = step(*args, **kwargs)
        passed(f"after {name}")
        return result

    return around


def die_at(number: int) -> None:
    """Kill this process with SIGKILL at the n-th point it comes to, counted from 1."""
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    watch_points(count)


def list_points(file: Path) -> None:
    """Write every point that this process comes to into a file, a line each."""

    def note(name: str) -> None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{name}\n")

    watch_points(note)
