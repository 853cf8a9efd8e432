"""A file of bookings, and nodes whose pools have no room or lose what they had taken."""

import time
from typing import Final

from tests.bulk_platform import mining_by_interval
from tests.faults.kinds import RECEIPT, SEND, Fault
from tests.faults.proxy import FaultyProxy, Rule
from tests.faults.test_bulk_kills import Import
from tests.mayhouse import Mayhouse
from tests.rpc_server import RESET

ROWS: Final = 40
FULL: Final = Fault("no room", refusal=(-32000, "txpool is full"))
LOST: Final = Fault("reset", reply=RESET)


def test_a_node_without_room_is_sent_less_and_every_row_is_made(mayhouse: Mayhouse) -> None:
    """What it refuses is signed again for the nonces that are free then."""
    whole = Import(mayhouse, ROWS)
    with FaultyProxy(mayhouse.node.url) as proxy, mining_by_interval(mayhouse.node):
        proxy.rules.append(Rule(SEND, FULL, times=25))
        mayhouse.settings["BLOCKCHAIN_RPC_URL"] = proxy.url
        whole.finish(ROWS)
        assert len(proxy.sent) - len(proxy.forwarded) == 25


def test_answers_that_are_lost_leave_nothing_undone(mayhouse: Mayhouse) -> None:
    """Whether the bytes arrived or not: what is not mined for some blocks is sent again."""
    whole = Import(mayhouse, ROWS)
    with FaultyProxy(mayhouse.node.url) as proxy, mining_by_interval(mayhouse.node):
        proxy.rules += [
            Rule(SEND, LOST, times=1),
            Rule(SEND, LOST, times=1, after=True),
            Rule(RECEIPT, LOST, times=1),
        ]
        mayhouse.settings["BLOCKCHAIN_RPC_URL"] = proxy.url
        whole.finish(ROWS)
        assert len({one.tx_hash for one in proxy.forwarded}) == ROWS


def test_what_a_pool_has_dropped_is_sent_again(mayhouse: Mayhouse) -> None:
    """The same bytes, after some blocks without them."""
    whole = Import(mayhouse, ROWS)
    mayhouse.node.rpc("evm_setAutomine", False)  # noqa: FBT003 the node's own parameter
    child = whole.start()
    end = time.monotonic() + 60
    while int(mayhouse.node.rpc("txpool_status")["pending"], 16) < ROWS:
        assert time.monotonic() < end
        time.sleep(0.05)
    mayhouse.node.rpc("anvil_dropAllTransactions")
    with mining_by_interval(mayhouse.node):
        assert child.wait(120).data["confirmed"] == ROWS
        assert whole.booked == ROWS
        whole.oracle.examine().demand_none()
