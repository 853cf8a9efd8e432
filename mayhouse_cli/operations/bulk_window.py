"""How many transactions may be out at once: fewer when a node refuses or drops, more when not.

A node guarantees 16 of an account's transactions a place in its pool and usually keeps more.
"""

from dataclasses import dataclass, field
from typing import Final

USUAL_WINDOW: Final = 64
# So many times the first window is the most, however well it goes.
_MOST_TIMES: Final = 4
# So much of the window is free before it is filled again: a database transaction of one row
# each would cost more than it brings.
_FILL_FROM: Final = 2


@dataclass
class Window:
    """The number of transactions that may be sent and not mined; `first` of them to begin with."""

    first: int = USUAL_WINDOW
    size: int = field(init=False)
    _clean: int = field(init=False, default=0)
    _was_refused: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.size = self.first

    @property
    def most(self) -> int:
        """What it never grows beyond."""
        return self.first * _MOST_TIMES

    def room(self, unmined: int, left: int) -> int:
        """How many of those `left` to send now; 0 while hardly anything is free."""
        free = min(self.size - unmined, left)
        least = min(left, max(1, self.size // _FILL_FROM))
        return free if free >= least else 0

    def refused(self) -> None:
        """Halve it: a node had no room, or has lost what it had taken."""
        self.size = max(1, self.size // 2)
        self._clean = 0
        self._was_refused = True

    def mined(self, count: int) -> None:
        """Grow for each window that was mined with nothing refused: twice, or later a quarter."""
        self._clean += count
        while self._clean >= self.size and self.size < self.most:
            self._clean -= self.size
            more = max(1, self.size // 4) if self._was_refused else self.size
            self.size = min(self.most, self.size + more)
        if self.size == self.most:
            self._clean = 0
