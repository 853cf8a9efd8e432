"""Run every benchmark, print the ratios, keep them in docs/performance.md: `make bench`.

Exits 1 when a ratio is above its bound. Nothing of it is part of the test suite: how long things
take depends on the machine and on what else it does, and only the ratios are comparable.
"""

import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from os import cpu_count
from pathlib import Path
from typing import Final

from tests.bench import bulk
from tests.bench.booked import LARGE_BLOCKS, PRICE, book_many
from tests.bench.measuring import Measured, Process, compare
from tests.bench.platform import DistantNode, Measurable, measurable
from tests.mayhouse import EXPERIENCE_ID, PLATFORM

RESULTS: Final = Path(__file__).parents[2] / "docs/performance.md"
BEGIN, END = "<!-- results: written by `make bench` -->\n", "<!-- end of the results -->\n"
AWAY: Final = 0.1  # seconds a round trip
LEAST_RATIO_OF_BULK: Final = 40


def starting() -> Measured:
    """How long scripts that ask for the version wait."""
    with measurable() as place:
        python = Process([sys.executable, "-c", "import typer"], *_where(place))
        return compare(
            "`mayhouse --version`",
            '`python -c "import typer"`',
            Fraction(3, 2),
            place.ours("--version").seconds,
            python.seconds,
            runs=11,
        )


def checking_a_balance() -> Measured:
    """What monitoring runs every few minutes."""
    with measurable() as place:
        return compare(
            "`balance check`, its reading kept",
            "web3 and psycopg",
            Fraction(1, 2),
            place.ours("balance", "check").seconds,
            place.plain("balance").seconds,
            runs=9,
        )


def quoting() -> Measured:
    """A price, from a node that is far away."""
    with measurable() as place, DistantNode(place.url, AWAY) as node:
        place.mayhouse.create_event()
        place.url = node.url
        ours = place.ours("booking", "quote", "1", "--seats", "2")
        plain = place.plain("quote", "1", "2")
        _check_round_trips(node, ours, 1)
        _check_round_trips(node, plain, 5)
        return compare(
            "`booking quote`, 100 ms a round trip",
            "web3 and psycopg, 5 round trips",
            Fraction(45, 100),
            ours.seconds,
            plain.seconds,
            runs=9,
        )


def creating() -> Measured:
    """A transaction, through a node that is far away and mines at once."""
    with measurable() as place, DistantNode(place.url, AWAY) as node:
        place.url = node.url
        terms = ("--price-inr", "2500", "--seats", "4", "--starts-at", place.mayhouse.starts_in())
        ours = place.ours("event", "create", "--experience", EXPERIENCE_ID, *terms, "-y")
        start = str(place.mayhouse.chain_time + 86_400)
        plain = place.plain("create_event", EXPERIENCE_ID, str(PRICE), "4", start)
        _check_round_trips(node, ours, 3)
        _check_round_trips(node, plain, 8)
        return compare(
            "`event create`, 100 ms a round trip",
            "web3 and psycopg, 8 round trips",
            Fraction(1, 2),
            ours.seconds,
            plain.seconds,
            runs=9,
        )


def booking_many() -> Measured:
    """A file of bookings, on a chain with a block each second."""
    runs = 3
    return Measured(
        "`booking import` of 300, per booking",
        "a loop that waits for each receipt",
        "",
        "",
        1 / bulk.measure(runs),
        Fraction(1, LEAST_RATIO_OF_BULK),
        runs,
    )


def reconciling() -> Measured:
    """The whole script, its start included."""
    with measurable(*LARGE_BLOCKS) as place:
        _make_rich(place)
        book_many(place.mayhouse, 20_000)
        return compare(
            "`reconcile` of 20,000 bookings",
            "`get_logs`, `process_log`, `executemany`",
            Fraction(1, 8),
            place.ours("reconcile", "--timeout", "600").seconds,
            place.plain("reconcile").seconds,
            runs=5,
        )


def growing() -> Measured:
    """Whether memory grows with the number of bookings."""
    small, large = (_peak_with(bookings) for bookings in (10_000, 100_000))
    return Measured(
        "peak memory of `reconcile`, 100,000 bookings",
        "10,000 bookings",
        f"{large / 1024:.0f} MiB",
        f"{small / 1024:.0f} MiB",
        large / small,
        Fraction(13, 10),
        1,
    )


def _peak_with(bookings: int) -> int:
    with measurable(*LARGE_BLOCKS) as place:
        _make_rich(place)
        book_many(place.mayhouse, bookings)
        return place.ours("reconcile", "--timeout", "600").peak()


def _make_rich(place: Measurable) -> None:
    place.mayhouse.node.rpc("anvil_setBalance", PLATFORM, hex(10**24))


def _where(place: Measurable) -> tuple[dict[str, str], Path]:
    return place.mayhouse.environment, place.mayhouse.folder


def _check_round_trips(node: DistantNode, process: Process, expected: int) -> None:
    node.requests = 0
    process.seconds()
    assert node.requests == expected, f"{node.requests} round trips, not {expected}"


BENCHMARKS: Final[dict[str, Callable[[], Measured]]] = {
    "version": starting,
    "balance": checking_a_balance,
    "quote": quoting,
    "create": creating,
    "bulk": booking_many,
    "reconcile": reconciling,
    "memory": growing,
}


# --- the result -------------------------------------------------------------------------


def table(measured: list[Measured]) -> Iterator[str]:
    """Write the results as a table, with the machine they hold for."""
    yield f"Measured on {datetime.now(UTC):%Y-%m-%d} with {machine()}."
    yield ""
    yield "| what | against | median | plain | ratio | at most | holds | pairs |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in measured:
        cells = (one.what, one.against, one.ours, one.plain, f"{one.ratio:.3f}")
        holds = "yes" if one.holds else "**no**"
        yield f"| {' | '.join(cells)} | {float(one.bound):.3f} | {holds} | {one.runs} |"


def machine() -> str:
    """What the times depend on, and nothing that names the machine."""
    model = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        lines = facts.read_text(encoding="utf-8").splitlines()
        named = [line.partition(":")[2] for line in lines if line.startswith("model name")]
        model = " ".join(named[0].split()) if named else model
    return f"{cpu_count()} cores ({model}), Python {platform.python_version()}"


def keep(lines: list[str]) -> None:
    """Replace the results in the document."""
    text = RESULTS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    RESULTS.write_text("\n".join([before + BEGIN, *lines, "", END + after]), encoding="utf-8")


def main(names: list[str]) -> int:
    """Run those that are named, or all; only a whole run is kept."""
    measured: list[Measured] = []
    for name in names or BENCHMARKS:
        one = BENCHMARKS[name]()
        measured.append(one)
        print(  # noqa: T201 the benchmark's result
            f"{name:10} {one.ratio:6.3f} (at most {float(one.bound):.3f})"
            f"  {one.ours:>8} against {one.plain:>8}  {'ok' if one.holds else 'TOO SLOW'}",
            flush=True,
        )
    if not names:
        keep(list(table(measured)))
    return 0 if all(one.holds for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
