"""What `doctor` looks at in the database: the connection, the schema, what is recorded."""

from datetime import timedelta
from typing import Final

from mayhouse_cli.models import TransactionFilter
from mayhouse_cli.money import format_rate
from mayhouse_cli.operations.diagnosis import (
    Examination,
    NotExamined,
    Verdict,
    failed,
    fine,
    warning,
)
from mayhouse_cli.operations.freezing import told
from mayhouse_cli.operations.rates import current_rate

# As `tx resume --no-wait` judges by default.
_OLD_SECONDS: Final = 3600
_MOST_COUNTED: Final = 10_000


def database(examination: Examination) -> Verdict:
    """It can be reached with the configured URL."""
    examination.parts.config.require("database_url")
    examination.need_network()
    facts = examination.parts.database_facts()
    examination.has_database = True
    return fine(f"{facts.place}, Postgres {facts.server_version}")


def encryption(examination: Examination) -> Verdict:
    """Off this machine the connection is encrypted, to a server that has proved who it is."""
    examination.need_network()
    if not examination.has_database:
        raise NotExamined("needs the database")
    facts = examination.parts.database_facts()
    if facts.is_local:
        return fine("on this machine, none is needed")
    if not facts.is_encrypted:
        return failed(
            "the connection is not encrypted", "Use sslmode=verify-full in the database URL."
        )
    if not facts.is_verified:
        return warning(
            "TLS, to a server that has not proved who it is",
            "Use sslmode=verify-full and database_root_certificate.",
        )
    return fine("TLS, and the server's certificate is verified")


def migrations(examination: Examination) -> Verdict:
    """The schema is the one that this version works with."""
    examination.need_network()
    if not examination.has_database:
        raise NotExamined("needs the database")
    if unapplied := examination.parts.unapplied_migrations():
        return failed(
            f"not current: {', '.join(unapplied)}",
            "`mayhouse migrate --status` tells; `mayhouse migrate` runs.",
        )
    examination.has_schema = True
    return fine("current")


def pin(examination: Examination) -> Verdict:
    """The database belongs to this chain, contract and wallet."""
    examination.need_schema()
    pinned, config = examination.parts.journal.pinned(), examination.parts.config
    if pinned is None:
        return fine("not bound yet: the first transaction binds it")
    wanted = [
        ("chain", pinned.chain_id, config.chain_id),
        ("contract", pinned.contract, config.get("contract_address")),
        ("wallet", pinned.sender, examination.wallet),
    ]
    if examination.snapshots:
        wanted.append(("genesis block", pinned.genesis_hash, examination.snapshot.genesis_hash))
    wrong = [
        f"{name} {bound}, configured is {found}"
        for name, bound, found in wanted
        if found is not None and bound != found
    ]
    if wrong:
        return failed(
            f"it is bound to {'; '.join(wrong)}",
            "Use the database of this chain, contract and wallet, or correct the configuration.",
        )
    return fine("bound to this chain, contract and wallet")


def frozen(examination: Examination) -> Verdict:
    """Whether signing is refused for now."""
    examination.need_schema()
    installation = examination.parts.installation
    if (found := installation.freeze()) is not None:
        return warning(f"signing is refused: {told(found)}", "`mayhouse thaw` permits it again.")
    if (rotation := installation.rotation()) is not None:
        return warning(
            f"the signer is being changed to {rotation.new}, by {rotation.by}",
            f"`mayhouse wallet rotate {rotation.wallet}` finishes it.",
        )
    return fine("no")


def unfinished(examination: Examination) -> Verdict:
    """What was begun and is not final yet."""
    examination.need_schema()
    wanted = TransactionFilter(unfinished=True, limit=_MOST_COUNTED)
    found = examination.parts.journal.list(wanted)
    if not found:
        return fine("none")
    oldest = min(one.created_at for one in found)
    age = int((examination.parts.now() - oldest).total_seconds())
    told = f"{len(found)}, the oldest {age // 60} minutes old"
    if age > _OLD_SECONDS:
        return warning(told, "`mayhouse tx resume` finishes them; never send again by hand.")
    return fine(told)


def used_elsewhere(examination: Examination) -> Verdict:
    """Whether only this tool sends from the wallet: a second sender takes its nonces."""
    examination.need_schema()
    wallet = examination.need_wallet()
    if not examination.snapshots:
        raise NotExamined("needs a node")
    used = examination.snapshot.used_nonces
    chain_id = examination.parts.config.chain_id
    foreign = examination.parts.journal.nonces_from_outside(chain_id, wallet, used)
    if foreign:
        told = ", ".join(map(str, foreign[:5])) + (" and more" if len(foreign) > 5 else "")  # noqa: PLR2004 enough to look them up
        return warning(
            f"another program sent from {wallet}: nonces {told}",
            "Only this tool may sign with the platform's wallet: find who else has the key.",
        )
    return fine("only this tool has sent from it")


def rate(examination: Examination) -> Verdict:
    """The price of ETH in rupees is known, fresh, and near the last one used."""
    config = examination.parts.config
    if not examination.offline and examination.has_schema:
        found = current_rate(examination.parts)
        return fine(f"{format_rate(found.eth_price_inr)} per ETH ({found.source})")
    price, as_of = config.get("eth_price_inr"), config.get("eth_price_as_of")
    if price is None and examination.offline:
        raise NotExamined("none is configured; the stored ones are in the database")
    if price is None:
        return failed(
            "none is configured, and the stored ones cannot be read",
            "Set ETH_PRICE_INR (eth_price_inr), or mend the database.",
        )
    age = examination.parts.now() - as_of if as_of else timedelta()
    if age > timedelta(minutes=config.require("rate_max_age_minutes")):
        return failed(
            f"it is {int(age.total_seconds() // 60)} minutes old",
            "Set eth_price_inr and eth_price_as_of anew.",
        )
    return fine(f"{format_rate(price)} per ETH; not compared with the last one used")
