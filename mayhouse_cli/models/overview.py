"""What the database tells at a glance."""

from dataclasses import dataclass
from datetime import datetime

from mayhouse_cli.money import Wei


@dataclass(frozen=True)
class Overview:
    """The state of the record, counted and added up."""

    frozen_reason: str | None
    """Why signing is frozen; None when it is not."""
    open_events: int
    """Events on chain that are neither completed nor cancelled."""
    next_start: datetime | None
    events_over: int
    """Those of them that have ended, and wait to be completed."""
    unfinished: int
    unfinished_since: datetime | None
    payables: int
    owed: Wei
