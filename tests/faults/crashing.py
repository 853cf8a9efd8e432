"""Named points on a command's way, at which its process is killed or something happens to it.

A point is the moment before or after one step on the way of a transaction: a journal write, a
signature, a send, a look at the chain, a commit. The steps are wrapped from outside; the tool
itself knows nothing of it.
"""

import json
import os
import signal
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from mayhouse_cli.chain.client import ContractClient
from mayhouse_cli.chain.signer import LocalSigner
from mayhouse_cli.store.bookings import PostgresBookings
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.events import PostgresEvents
from mayhouse_cli.store.journal import PostgresJournal
from mayhouse_cli.store.ledger import PostgresLedger
from mayhouse_cli.store.payables import PostgresPayables
from mayhouse_cli.store.settlements import PostgresSettlements

STEPS: Final[tuple[tuple[type[Any], str], ...]] = (
    (PostgresJournal, "lock"),
    (PostgresJournal, "pin"),
    (PostgresJournal, "next_nonce"),
    (PostgresJournal, "insert"),
    (PostgresJournal, "add_attempt"),
    (PostgresJournal, "get_locked"),
    (PostgresJournal, "mark_attempt"),
    (PostgresJournal, "mark_sent"),
    (PostgresJournal, "mark_mined"),
    (PostgresJournal, "mark_pending_again"),
    (PostgresJournal, "holder"),
    (PostgresJournal, "finish"),
    (PostgresEvents, "insert"),
    (PostgresEvents, "mark_pending"),
    (PostgresEvents, "mark_created"),
    (PostgresEvents, "mark_failed"),
    (PostgresEvents, "mark_ended"),
    (PostgresBookings, "insert"),
    (PostgresBookings, "mark_pending"),
    (PostgresBookings, "mark_booked"),
    (PostgresBookings, "mark_status"),
    (PostgresSettlements, "add"),
    (PostgresSettlements, "take_back"),
    (PostgresPayables, "add"),
    (PostgresPayables, "take_back"),
    (PostgresPayables, "get_locked"),
    (PostgresPayables, "mark_paid"),
    (PostgresPayables, "mark_unpaid"),
    (PostgresLedger, "use_plan"),
    (LocalSigner, "sign"),
    (ContractClient, "read"),
    (ContractClient, "send"),
    (ContractClient, "sight"),
    (Database, "_commit"),
)
FIRST: Final = "before ContractClient."


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
    """Kill this process with SIGKILL at the n-th point it comes to, counted from 1.

    The first one is the first question to the chain: before it, a command only reads rows. The
    point's name is the last line on stderr.
    """
    seen = 0

    def count(name: str) -> None:
        nonlocal seen
        if seen or name.startswith(FIRST):
            seen += 1
        if seen == number:
            os.write(2, f"{name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    watch_points(count)


def mine_after_sending(url: str, number: int = 0) -> None:
    """Have the node mine a block after each send; die at the n-th point, unless it is 0."""
    _mine_after(ContractClient, "send", url, number)


def mine_when_seen(url: str, number: int = 0) -> None:
    """Have the node mine one more block when a receipt is not deep enough; die as above."""
    _mine_after(PostgresJournal, "mark_mined", url, number)


def _mine_after(owner: type[Any], name: str, url: str, number: int) -> None:
    if number:
        die_at(number)
    step = getattr(owner, name)

    def step_and_mine(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the step takes
        result = step(*args, **kwargs)
        mine(url)
        return result

    setattr(owner, name, step_and_mine)


def mine(url: str) -> None:
    """Have a local node mine a block."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []})
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    finally:
        connection.close()


def act_at(point: str, action: Callable[..., None], *arguments: Any, skip: str = "") -> None:  # noqa: ANN401 whatever the action takes
    """Do something once, at the first such point; with `skip`, after the first of that name."""
    waiting, armed = True, not skip

    def act(name: str) -> None:
        nonlocal waiting, armed
        if armed and waiting and name == point:
            waiting = False
            action(*arguments)
        armed = armed or name == skip

    watch_points(act)
