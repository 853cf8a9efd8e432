"""A new wallet takes over signing: `wallet rotate`. The contract's owner never changes by it.

    keystore -> begun -> swept -> bound -> configured -> done

From `begun` on nothing else is signed, on any machine. Each step is kept before the next one
begins and none is done twice, so that a rotation that was killed anywhere goes on where it was:
the keystore by its name, the sweep by its intent, the rest by `mayhouse.installation`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from mayhouse_cli.config import change_config, changed_toml
from mayhouse_cli.errors import ConfigurationError, CredentialsError, Refused
from mayhouse_cli.models import (
    ZERO_ADDRESS,
    Address,
    Call,
    Intent,
    Kind,
    Question,
    Rotation,
    Status,
    Transaction,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations import delivery, freezing, resumption
from mayhouse_cli.operations.freezing import SWEEP_KEY
from mayhouse_cli.operations.intents import Prepared, SigningChoices, Spending
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.stranding import Held, held_by, refuse_to_strand
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import KeyVault, Session

# What a transfer to an account without code costs, by the protocol.
_TRANSFER_GAS: Final = 21_000
_OF_THE_SIGNER: Final = ("wallet", "platform_address")


class StepState(StrEnum):
    """How a step of a rotation stands."""

    DONE = "done"
    TO_DO = "to do"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True)
class Step:
    """One step of a rotation."""

    name: str
    state: StepState
    detail: str


@dataclass(frozen=True)
class Rotated:
    """`wallet rotate`: who signed, who signs, and what became of the old wallet's balance."""

    old_address: Address
    new_address: Address | None
    """None in a dry run, while there is no key yet."""
    wallet: str
    keystore: str
    config: str
    complete: bool
    swept_wei: Wei | None
    sweep_id: UUID | None
    sweep_hash: str | None
    left_wei: Wei | None
    """What stays behind: the gas that was set aside and not needed, or less than gas costs."""
    steps: tuple[Step, ...]


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
    held: Held
    balance: Wei
    sweep: Prepared | None
    """None when nothing is left to sweep."""
    swept: Transaction | None
    while_frozen: bool

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
        held=Held(),
        balance=snapshot.sender_balance,
        sweep=None,
        swept=None,
        while_frozen=while_frozen,
    )
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
    plan = _with_sweep(plan, choices, session)
    if not while_frozen:
        freezing.refuse_to_sign(session, for_rotation=True)
    held = Held() if bound else held_by(old, session)
    refuse_to_strand(held, old)
    return replace(plan, held=held)


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


def _with_sweep(plan: RotationPlan, choices: SigningChoices, session: Session) -> RotationPlan:
    """Prepare to move all that gas does not need, or find the transfer that did."""
    new = plan.new or ZERO_ADDRESS
    intent = Intent(
        key=f"{SWEEP_KEY}{plan.old}:{new}",
        kind=Kind.TRANSFER,
        recipient=new,
        arguments={"from": plan.old, "to": new},
        wanted_depth=choices.confirmations,
    )
    earlier = session.journal.latest(intent) if plan.new else None
    if earlier is not None and not earlier.status.is_impossible:
        return replace(plan, swept=earlier)
    if plan.bound:
        return plan
    snapshot = session.chain.read(Question(sender=plan.old))
    fees = session.chain.fees(snapshot, choices.max_fee, _TRANSFER_GAS)
    value = Wei(snapshot.sender_balance - fees.most)
    if value <= 0:
        return plan
    intent = replace(
        intent,
        call=Call("", (), value),
        terms={"balance_wei": str(int(snapshot.sender_balance))},
    )
    prepared = Prepared(intent, snapshot, fees, while_frozen=plan.while_frozen, for_rotation=True)
    return replace(plan, sweep=prepared)


# --- carry out ------------------------------------------------------------------------------


def rotate(
    plan: RotationPlan,
    open_new: Callable[[], Address],
    choices: SigningChoices,
    session: Session,
) -> Rotated:
    """Do what is left, step by step; run again it goes on where it was.

    `open_new` makes the new keystore, or opens it to prove that its password is known.
    """
    if plan.complete:
        return planned(plan, session)
    if not (plan.configured or plan.bound):
        session.signer.unlock()
    new = open_new()
    plan = replace(plan, new=new)
    if not plan.begun:
        _begin(plan, new, session)
    if not (plan.configured or plan.bound):
        plan = _sweep(plan, new, choices, session)
        _bind(plan, new, session)
    change_config(plan.file, {**plan.changes, "platform_address": new})
    _finish(plan, new, session)
    done = replace(plan, begun=False, bound=True, configured=True, sweep=None)
    return planned(done, session)


def _begin(plan: RotationPlan, new: Address, session: Session) -> None:
    """From here on nothing else is signed; what was signed just before is looked for once more."""
    rotation = Rotation(plan.old, new, plan.wallet, session.actor, session.now())
    with session.transaction():
        session.journal.lock(session.config.chain_id, plan.old)
        freezing.refuse_to_sign(session, while_frozen=plan.while_frozen)
        if not session.installation.begin_rotation(rotation):
            raise Refused("Another rotation has just begun", hint="Run it again.")
        log(session, {"from": plan.old, "to": new, "wallet": plan.wallet})
    try:
        refuse_to_strand(held_by(plan.old, session), plan.old)
    except Refused:
        with session.transaction():
            session.installation.end_rotation()
            log(session, {"given_up": True, "wallet": plan.wallet})
        raise


def _sweep(
    plan: RotationPlan, new: Address, choices: SigningChoices, session: Session
) -> RotationPlan:
    swept = plan.swept
    if swept is None:
        found = _with_sweep(plan, choices, session)
        swept = found.swept
        if swept is None and found.sweep is not None:
            sweep = replace(found.sweep, while_frozen=plan.while_frozen)
            swept = delivery.carry_out(sweep, session, lambda _: None, wait=True)
    elif swept.status.is_unfinished:
        resumption.resume(str(swept.id), session, wait=True, max_age=timedelta(hours=1))
        swept = session.journal.get(swept.id)
    if swept is not None and swept.status is not Status.CONFIRMED:
        raise Refused(
            f"The balance was not moved to {new}: {swept.error or swept.status}",
            hint=f"Run it again: mayhouse wallet rotate {plan.wallet}",
        )
    return replace(plan, swept=swept)


def _bind(plan: RotationPlan, new: Address, session: Session) -> None:
    """The database serves the new signer, in one transaction with the wallets' roles."""
    with session.transaction():
        session.journal.lock(session.config.chain_id, plan.old)
        session.journal.lock(session.config.chain_id, new)
        session.installation.repin(plan.old, new)
        for wallet in session.wallets.list():
            if wallet.address == plan.old:
                session.wallets.add(plan.old, wallet.label, "former")
        session.wallets.add(new, plan.wallet, "platform")
        log(session, {"wallet": plan.wallet}, before={"sender": plan.old}, after={"sender": new})


def _finish(plan: RotationPlan, new: Address, session: Session) -> None:
    """Verify what the next command will find, then let it sign."""
    pin = session.journal.pinned()
    if pin is not None and pin.sender != new:
        raise Refused(
            f"The database is bound to {pin.sender}, not to {new}",
            hint=f"Run it again: mayhouse wallet rotate {plan.wallet}",
        )
    with session.transaction():
        session.installation.end_rotation()
        log(session, {"wallet": plan.wallet, "complete": True})


# --- what is shown --------------------------------------------------------------------------


def planned(plan: RotationPlan, session: Session) -> Rotated:
    """The rotation as it stands, with what is left to be done."""
    swept = plan.swept
    value = swept.value if swept else (plan.sweep.intent.call.value if plan.sweep else None)
    left: Wei | None = plan.balance if plan.old != plan.new else None
    if plan.sweep is not None and plan.sweep.fees is not None:
        left = plan.sweep.fees.most
    elif swept is not None and not swept.status.is_unfinished:
        left = session.chain.read(Question(sender=plan.old)).sender_balance
    return Rotated(
        old_address=plan.old,
        new_address=plan.new,
        wallet=plan.wallet,
        keystore=str(plan.keystore),
        config=str(plan.file),
        complete=plan.complete,
        swept_wei=value,
        sweep_id=swept.id if swept else None,
        sweep_hash=swept.tx_hash if swept else None,
        left_wei=left,
        steps=_steps(plan, left or Wei(0)),
    )


def _steps(plan: RotationPlan, left: Wei) -> tuple[Step, ...]:
    def step(name: str, detail: str, *, done: bool) -> Step:
        return Step(name, StepState.DONE if done else StepState.TO_DO, detail)

    return (
        step("keystore", f"{plan.keystore} ({plan.new or 'a new key'})", done=bool(plan.new)),
        step("begun", "nothing else is signed from then on", done=plan.begun or plan.complete),
        _sweep_step(plan, left),
        step("bound", "the database serves the new signer",
             done=plan.bound or plan.configured),
        step("configured", f"{', '.join(plan.changes)}, platform_address in {plan.file}",
             done=plan.configured),
        step("done", "signing goes on, with the new key", done=plan.complete),
    )  # fmt: skip


def _sweep_step(plan: RotationPlan, left: Wei) -> Step:
    dust = f"{format_eth(left)} ETH stay behind"
    if plan.swept is not None:
        state = StepState.TO_DO if plan.swept.status.is_unfinished else StepState.DONE
        return Step(
            "swept", state,
            f"{format_eth(plan.swept.value)} ETH, transaction {short(plan.swept)}; {dust}: the "
            "gas that was set aside and not needed",
        )  # fmt: skip
    if plan.sweep is not None:
        detail = f"{format_eth(plan.sweep.intent.call.value)} ETH; at most {dust}, for gas"
        return Step("swept", StepState.TO_DO, detail)
    return Step("swept", StepState.NOT_NEEDED, f"{dust}: less than moving them costs")
