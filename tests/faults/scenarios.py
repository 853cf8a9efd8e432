"""The commands that spend, each with what must be there before it and how it is run again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.faults.lanes import Lane
from tests.faults.processes import start
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, Mayhouse

EVENT_ROW: Final = "00000000-0000-4000-8000-0000000000c1"
BOOKING_ROW: Final = "00000000-0000-4000-8000-0000000000b1"

Words = tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """One spending command."""

    name: str
    effect: str
    """What it makes happen in the contract, at most once."""
    prepare: Callable[[Mayhouse], None]
    words: Callable[[Lane], Words]
    again: Callable[[Lane], Words]
    repeats: bool = True
    """Whether running it again is the very same command."""


def add_event_row(mayhouse: Mayhouse, row: str = EVENT_ROW, price: int = 2500) -> None:
    """Add a row of an event that is not on chain yet."""
    start_at = mayhouse.starts_in()
    mayhouse.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"
        " special_pricing_inr) VALUES (%s, %s, %s, %s::timestamptz + interval '3 hours', 4, %s)",
        row,
        EXPERIENCE_ID,
        start_at,
        start_at,
        price,
    )


def _run(mayhouse: Mayhouse, *words: str) -> dict[str, object]:
    child = start(*words, "--json", env=mayhouse.environment, folder=mayhouse.folder)
    return child.wait().data


def _with_event(mayhouse: Mayhouse) -> None:
    add_event_row(mayhouse)
    _run(mayhouse, "event", "create", EVENT_ROW, "-y")


def _with_booking_row(mayhouse: Mayhouse) -> None:
    _with_event(mayhouse)
    mayhouse.execute(
        "INSERT INTO event_run_bookings (id, event_run_id, traveler_id, traveler_count)"
        " VALUES (%s, %s, %s, 2)",
        BOOKING_ROW,
        EVENT_ROW,
        ASHA,
    )


def _with_bookings(mayhouse: Mayhouse) -> None:
    _with_event(mayhouse)
    for traveler in (ASHA, BINA):
        _run(mayhouse, "booking", "create", "1", "--seats", "1", "--traveler", traveler, "-y")


def _begun(mayhouse: Mayhouse) -> None:
    _with_bookings(mayhouse)
    mayhouse.warp(90_000)


def _with_plan(mayhouse: Mayhouse) -> None:
    _with_bookings(mayhouse)
    _run(mayhouse, "event", "cancel", "1", "--reason", "rain", "--plan")


def _waiting(mayhouse: Mayhouse) -> None:
    """An event's creation that is sent and not mined."""
    add_event_row(mayhouse)
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
    _run(mayhouse, "event", "create", EVENT_ROW, "-y", "--no-wait")


def _execution(lane: Lane) -> Words:
    plan = lane.mayhouse.row("SELECT hash FROM mayhouse.plans")["hash"]
    return ("event", "cancel", "1", "--execute", plan)


def _replacing(verb: str) -> Callable[[Lane], Words]:
    def words(lane: Lane) -> Words:
        """Put the waiting bytes back into the pool, which a restored chain has lost."""
        lane.node.rpc("evm_setAutomine", False)  # noqa: FBT003 - the node's own parameter
        (kept,) = lane.mayhouse.rows("SELECT transaction_id, raw FROM mayhouse.attempts")
        lane.node.rpc("eth_sendRawTransaction", "0x" + kept["raw"].hex())
        lane.proxy.mines = True
        return ("tx", verb, str(kept["transaction_id"]), "-y")

    return words


def _always(*words: str) -> Callable[[Lane], Words]:
    return lambda _: words


CREATION: Final = _always("event", "create", EVENT_ROW, "-y")
BOOKING: Final = _always("booking", "create", "--booking", BOOKING_ROW, "-y")
COMPLETION: Final = _always("event", "complete", "1", "--attended", "1", "-y")

SCENARIOS: Final = (
    Scenario("event create", "create_event", add_event_row, CREATION, CREATION),
    Scenario("booking create", "book_event", _with_booking_row, BOOKING, BOOKING),
    Scenario("event complete", "complete_event", _begun, COMPLETION, COMPLETION),
    Scenario("event cancel", "cancel_event", _with_plan, _execution, _execution),
    Scenario(
        "tx speedup", "create_event", _waiting, _replacing("speedup"), CREATION, repeats=False
    ),
    Scenario("tx cancel", "create_event", _waiting, _replacing("cancel"), CREATION, repeats=False),
)
