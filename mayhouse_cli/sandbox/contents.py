"""What stands in a running sandbox: the contract on its chain, the schema and rows in Postgres.

Apart from `stack.py` because it needs the database's client, which loads slowly.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mayhouse_cli.errors import WrongChain
from mayhouse_cli.keystore import Keystore
from mayhouse_cli.models import Address, Hash, Pin
from mayhouse_cli.sandbox.files import Deployment, SandboxFiles
from mayhouse_cli.sandbox.node import LocalNode
from mayhouse_cli.store.database import Database
from mayhouse_cli.store.dsn import parse_dsn
from mayhouse_cli.store.journal import PostgresJournal
from mayhouse_cli.store.migrations import Migrations
from mayhouse_cli.store.seed import seed
from mayhouse_cli.store.wallets import PostgresWallets

WALLET = "platform"
# geth's light standard, for a key that never holds anything: every command opens it at once.
LIGHT_SCRYPT_N = 4_096
FUNDS = 100 * 10**18
LEAST_FUNDS = 10 * 10**18


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """Open the sandbox's database."""
    with Database(parse_dsn(url), statement_timeout_seconds=30) as database:
        yield database


def prepare_database(database: Database) -> list[str]:
    """Migrate and seed it; tells what there was to do."""
    done = []
    migrations = Migrations(database)
    if pending := len(migrations.status().pending):
        migrations.apply()
        done.append(f"{pending} migrations applied")
    if added := seed(database):
        done.append(f"{added} sample rows added")
    return done


def prepare_wallet(
    files: SandboxFiles, node: LocalNode, database: Database
) -> tuple[Address, list[str]]:
    """Make the platform's wallet, record it and keep it in funds; tells what there was to do."""
    done = []
    keystore = Keystore(files.keystore, LIGHT_SCRYPT_N)
    address = keystore.address(WALLET)
    password = files.password(may_make=address is None)
    if address is None:
        address = keystore.create(WALLET, password)
        done.append("wallet made")
    wallets = PostgresWallets(database)
    if address not in {wallet.address for wallet in wallets.list()}:
        wallets.add(address, WALLET, "platform")
    if int(node.rpc("eth_getBalance", [address, "latest"]), 16) < LEAST_FUNDS:
        node.fund(address, FUNDS)
        done.append("wallet funded")
    return address, done


def prepare_contract(
    files: SandboxFiles, node: LocalNode, database: Database, wallet: Address
) -> list[str]:
    """Deploy the contract unless it stands; WrongChain when the database is of a lost chain."""
    kept = files.deployment()
    genesis = Hash(node.rpc("eth_getBlockByNumber", ["0x0", False])["hash"])
    stands = (
        kept.contract is not None
        and (kept.genesis_hash, kept.wallet) == (genesis, wallet)
        and node.rpc("eth_getCode", [kept.contract, "latest"]) != "0x"
    )
    _refuse_torn_apart(PostgresJournal(database).pinned(), kept if stands else None)
    if stands:
        return []
    from mayhouse_cli.chain.deploy import deploy  # noqa: PLC0415 half a second, needed once

    key = Keystore(files.keystore).unlock(WALLET, files.password(may_make=False))
    contract = deploy(node.url, key)
    files.keep(Deployment(contract, genesis, wallet))
    # Otherwise a node that is killed while it writes could go back to before the contract.
    node.checkpoint()
    return ["contract deployed"]


def _refuse_torn_apart(pin: Pin | None, standing: Deployment | None) -> None:
    """A database in use serves one chain, contract and wallet: another contract is no use to it."""
    if pin is None:
        return
    served = Deployment(pin.contract, pin.genesis_hash, pin.sender)
    if served != standing:
        raise WrongChain(
            "The sandbox's chain, wallet and database do not belong together: one was lost or "
            "replaced",
            hint="`mayhouse sandbox reset` makes all of them anew.",
        )
