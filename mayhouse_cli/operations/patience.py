"""Waiting for something that may never come back, and going on without it."""

from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from typing import Generic, TypeVar

Given = TypeVar("Given")


class _Outcome(Generic[Given]):
    """What a call gave, or raised."""

    def __init__(self, call: Callable[[], Given]) -> None:
        self.failure: BaseException | None = None
        try:
            self.given = call()
        except BaseException as failure:  # noqa: BLE001 raised again where it is waited for
            self.failure = failure


def wait_at_most(seconds: float, call: Callable[[], Given]) -> Given:
    """Give what a call gives, or raise what it raises; TimeoutError when it takes longer.

    The call is then left behind in its thread: whatever it used must not be used again. Neither
    looking up a name nor a driver's handshake can be bounded in any other way.
    """
    done: Queue[_Outcome[Given]] = Queue(1)
    Thread(target=lambda: done.put(_Outcome(call)), daemon=True).start()
    try:
        outcome = done.get(timeout=max(seconds, 0.0))
    except Empty:
        raise TimeoutError from None
    if outcome.failure is not None:
        raise outcome.failure
    return outcome.given
