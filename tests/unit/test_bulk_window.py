"""The window of transactions that are out: never over its bounds, whatever a node does."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mayhouse_cli.operations.bulk_window import Window


class NodeWithSomeRoom(RuleBasedStateMachine):
    """A sender that fills its window, before a node that mines and refuses as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(16)
        self.out = 0

    @rule(left=st.integers(0, 200))
    def send(self, left: int) -> None:
        """Send what there is room for."""
        count = self.window.room(self.out, left)
        assert count <= left
        self.out += count
        assert count == 0 or self.out <= self.window.size

    @rule(share=st.floats(0, 1))
    def mine(self, share: float) -> None:
        """Mine some of what is out."""
        count = round(self.out * share)
        before = self.window.size
        self.out -= count
        self.window.mined(count)
        assert self.window.size >= before

    @rule()
    def refuse(self) -> None:
        """Have no room for one, and lose what was out."""
        before = self.window.size
        self.out = 0
        self.window.refused()
        assert self.window.size == max(1, before // 2)

    @invariant()
    def stays_within_its_bounds(self) -> None:
        """At least one, at most four times the first."""
        assert 1 <= self.window.size <= 64

    @invariant()
    def is_never_stuck(self) -> None:
        """With nothing out, something can always be sent."""
        assert self.window.room(0, 1) == 1


TestWindow = NodeWithSomeRoom.TestCase


def test_while_nothing_is_refused_it_grows_to_four_times() -> None:
    """Twice for each window that was mined."""
    window = Window(64)
    sizes = []
    for _ in range(3):
        window.mined(window.size)
        sizes.append(window.size)
    assert sizes == [128, 256, 256]


@given(st.integers(1, 200))
def test_after_a_refusal_it_grows_again_by_quarters(first: int) -> None:
    """Back to where it began, in at most some ten windows."""
    window = Window(first)
    window.refused()
    halved = window.size
    for _ in range(10):
        window.mined(window.size)
    assert window.size >= min(first, 10) > 0
    assert window.size > halved or first == 1


def test_it_is_filled_again_once_half_of_it_is_free() -> None:
    """A batch of one costs as much as a batch of many; the last rows are sent at once."""
    window = Window(64)
    assert window.room(40, 500) == 0
    assert window.room(32, 500) == 32
    assert window.room(40, 3) == 3
