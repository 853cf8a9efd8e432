"""The one oracle of every fault: on chain at most once, nothing lost, one resume tells the truth.

It compares what the contract and the blocks hold, read without the tool, with every row the
tool keeps, once right after one `tx resume`, and once more after the same command again.
"""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults import processes
from tests.faults.chain_state import ChainState
from tests.faults.comparison import Comparison, Findings
from tests.mayhouse import Mayhouse, Run

__all__ = ["Findings", "Oracle"]


class Oracle:
    """Judges one platform, from the block at which it is made (or `since`) on."""

    def __init__(self, mayhouse: Mayhouse, since: int | None = None) -> None:
        """Make it before the platform's wallet sends anything that is to be judged."""
        self._mayhouse = mayhouse
        self.since = int(mayhouse.node.rpc("eth_blockNumber"), 16) if since is None else since
        self._chain = ChainState(mayhouse.node, mayhouse.contract, self.since)

    def run(
        self,
        *words: str,
        prepare: Callable[..., None] | None = None,
        arguments: tuple[Any, ...] = (),
    ) -> Run:
        """Run a command in a process of its own, for its document."""
        here = self._mayhouse
        return processes.start(
            *words,
            "--json",
            env=here.environment,
            folder=here.folder,
            prepare=prepare,
            arguments=arguments,
        ).wait()

    def resume(
        self, prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
    ) -> Findings:
        """Run `tx resume` once, and look whether the database is at the truth then."""
        resumed = self.run("tx", "resume", prepare=prepare, arguments=arguments)
        found = self.examine()
        if resumed.code:
            found.losses.append(f"tx resume ended with {resumed.code}: {resumed.out}")
        return found

    def run_again(
        self,
        *words: str,
        recorded_before: int,
        prepare: Callable[..., None] | None = None,
        arguments: tuple[Any, ...] = (),
    ) -> Findings:
        """Run the killed command again: the first result, or what was never recorded, made once.

        `recorded_before` is how many transactions were recorded before the killed run.
        """
        recorded = self.recorded()
        expected = recorded_before + 1
        sent = len(self._chain.mined())
        run = self.run(*words, prepare=prepare, arguments=arguments)
        found = self.examine()
        if run.code:
            found.losses.append(f"again: ended with {run.code}: {run.out}")
            return found
        if self.recorded() != expected or recorded > expected:
            found.duplicates.append(f"again: {self.recorded()} are recorded, not {expected}")
        more = len(self._chain.mined()) - sent
        if more != expected - recorded:
            found.duplicates.append(f"again: {more} more on chain, not {expected - recorded}")
        newest = self._mayhouse.rows(
            "SELECT id::text, tx_hash, status FROM mayhouse.transactions"
            " ORDER BY created_at DESC LIMIT 1"
        )[0]
        data = run.data
        said = {"id": data["transaction_id"], "tx_hash": data["tx_hash"], "status": data["status"]}
        if said != newest or data["status"] != "confirmed":
            found.losses.append(f"again: says {said}, recorded is {newest}")
        return found

    def recorded(self) -> int:
        """How many transactions the journal holds."""
        count = self._mayhouse.row("SELECT count(*) AS n FROM mayhouse.transactions")["n"]
        return int(count)

    def examine(self) -> Findings:
        """Compare all that is on chain with all that is recorded."""
        with psycopg.connect(self._mayhouse.database_url, row_factory=dict_row) as database:
            return Comparison(self._chain, database).findings()
