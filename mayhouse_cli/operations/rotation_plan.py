"""Where a change of the signer stands, and what is left of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mayhouse_cli.config import changed_toml
from mayhouse_cli.errors import ConfigurationError, CredentialsError, Refused
from mayhouse_cli.models import (
    ZERO_ADDRESS,
    Address,
    Call,
    Intent,
    Kind,
    Question,
    Rotation,
    Transaction,
)
from mayhouse_cli.money import Wei
from mayhouse_cli.operations import freezing
from mayhouse_cli.operations.freezing import SWEEP_KEY
from mayhouse_cli.operations.intents import Prepared, SigningChoices, Spending
from mayhouse_cli.operations.stranding import held_by, refuse_to_strand
from mayhouse_cli.ports import KeyVault, Session

# What a transfer to an account without code costs, by the protocol.
_TRANSFER_GAS: Final = 21_000
_OF_THE_SIGNER: Final = ("wallet", "platform_address")


@dataclass(frozen=True)
class RotationPlan:
    """A rotation that can be agreed to."""

    wallet: str
    old: Address
    new: Address | None
    keystore: Path
    file: Path
    changes: Mapping[str, str]
    """Settings that the config file gets, beside the new address."""
    begun: bool
    pinned: bool
    """Whether the database is bound to a sender at all."""
    bound: bool
    """Whether that is the new wallet."""
    configured: bool
    balance: Wei
    sweep: Prepared | None
    """None when nothing is left to sweep."""
    swept: Transaction | None
    while_frozen: bool
    owns_contract: bool = False
    """Whether the old wallet is the contract's owner, which it stays."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be done."""
        return self.configured and not self.begun and (self.bound or not self.pinned)

    def spending(self, session: Session) -> Spending | None:
        """What the sweep moves and costs; None when nothing is signed."""
        return self.sweep.spending(session) if self.sweep else None


def plan_rotation(
    name: str | None,
    vault: KeyVault,
    choices: SigningChoices,
    session: Session,
    *,
    while_frozen: bool,
) -> RotationPlan:
    """Find where a rotation stands and what is left; signs and keeps nothing.

    Refused while the old wallet would strand something, ConfigurationError when the signer is
    not configured in a file that can be changed.
    """
    under_way = session.installation.rotation()
    wallet = _target(name, under_way, vault, session)
    file = _file_of_the_signer(session)
    keystore = vault.path(wallet)
    new = vault.address(wallet) if keystore.exists() else None
    signer = session.signer.address
    old = under_way.old if under_way else signer
    configured = session.config.require("wallet") == wallet
    pin = session.journal.pinned()
    bound = pin is not None and pin.sender == new
    snapshot = session.chain.read(Question(sender=old))
    changes = {"wallet": wallet}
    if session.config.get("owner_address") is None and snapshot.owner == old:
        changes["owner_address"] = old
    plan = RotationPlan(
        wallet=wallet,
        old=old,
        new=new,
        keystore=keystore,
        file=file,
        changes=changes,
        begun=under_way is not None,
        pinned=pin is not None,
        bound=bound,
        configured=configured,
        balance=snapshot.sender_balance,
        sweep=None,
        swept=None,
        while_frozen=while_frozen,
        owns_contract=snapshot.owner == old,
    )
    if plan.new is not None:
        plan = replace(plan, swept=find_sweep(plan.old, plan.new, session))
    if configured and (plan.complete or plan.begun):
        return plan
    if keystore.exists() and new is None:
        raise CredentialsError(
            f"The keystore {wallet} does not tell its address",
            hint="Import it again under another name: mayhouse wallet import NAME --keystore F",
        )
    if new == old:
        raise Refused(
            f"{wallet} is the wallet that signs already ({old})", hint="Name another one."
        )
    _check_changeable(plan)
    plan = prepare_sweep(plan, choices, session)
    if not while_frozen:
        freezing.refuse_to_sign(session, for_rotation=True)
    if not bound:
        refuse_to_strand(held_by(old, session), old)
    return plan


def _target(name: str | None, under_way: Rotation | None, vault: KeyVault, session: Session) -> str:
    if under_way is not None:
        if name not in (None, under_way.wallet):
            raise Refused(
                f"A rotation to {under_way.wallet} is under way, begun by {under_way.by}",
                hint=f"Finish it first: mayhouse wallet rotate {under_way.wallet}",
            )
        return under_way.wallet
    if name is not None:
        return name
    signing = str(session.config.require("wallet"))
    stem, _, number = signing.rpartition("-")
    stem, count = (stem, int(number)) if stem and number.isdecimal() else (signing, 1)
    chosen = f"{stem}-{count + 1}"
    vault.path(chosen)  # refuses what is no name
    return chosen


def _file_of_the_signer(session: Session) -> Path:
    """The file that says who signs; ConfigurationError when something else says it."""
    config = session.config
    if config.file is None:
        raise ConfigurationError(
            "There is no config file that could name the new wallet",
            hint="`mayhouse init` writes one.",
        )
    for key in _OF_THE_SIGNER:
        origin = config.origins.get(key, "default")
        if origin not in ("default", str(config.file)):
            raise ConfigurationError(
                f"{key} comes from {origin}, which a rotation cannot change",
                hint=f"Set it in {config.file} instead, and unset it there.",
            )
    return config.file


def _check_changeable(plan: RotationPlan) -> None:
    """Before anything is made: the file can be changed as it will have to be."""
    try:
        text = plan.file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            f"{plan.file} cannot be read: {error.strerror}", hint="Check the file."
        ) from None
    changed_toml(text, plan.file, {**plan.changes, "platform_address": ZERO_ADDRESS})


def find_sweep(old: Address, new: Address, session: Session) -> Transaction | None:
    """The transfer of the balance that happened, or still may."""
    earlier = session.journal.latest(_sweep_intent(old, new, 1))
    return None if earlier is None or earlier.status.is_impossible else earlier


def _sweep_intent(old: Address, new: Address, depth: int) -> Intent:
    return Intent(
        key=f"{SWEEP_KEY}{old}:{new}",
        kind=Kind.TRANSFER,
        recipient=new,
        arguments={"from": old, "to": new},
        wanted_depth=depth,
    )


def prepare_sweep(plan: RotationPlan, choices: SigningChoices, session: Session) -> RotationPlan:
    """Prepare to move all that gas does not need, unless that was done or there is nothing."""
    if plan.swept is not None or plan.bound:
        return plan
    snapshot = session.chain.read(Question(sender=plan.old))
    fees = session.chain.fees(snapshot, choices.max_fee, _TRANSFER_GAS)
    value = Wei(snapshot.sender_balance - fees.most)
    if value <= 0:
        return replace(plan, sweep=None)
    intent = replace(
        _sweep_intent(plan.old, plan.new or ZERO_ADDRESS, choices.confirmations),
        call=Call("", (), value),
        terms={"balance_wei": str(int(snapshot.sender_balance))},
    )
    sweep = Prepared(intent, snapshot, fees, while_frozen=plan.while_frozen, for_rotation=True)
    return replace(plan, sweep=sweep)
