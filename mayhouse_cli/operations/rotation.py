"""A new wallet takes over signing: `wallet rotate`. The contract's owner never changes by it.

    keystore -> begun -> swept -> bound -> configured -> done

From `begun` on nothing else is signed, on any machine. Each step is kept before the next one
begins and none is done twice, so that a rotation that was killed anywhere goes on where it was:
the keystore by its name, the sweep by its intent, the rest by `mayhouse.installation`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from mayhouse_cli.config import change_config
from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Address, Question, Rotation, Status
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations import delivery, freezing, resumption
from mayhouse_cli.operations.intents import SigningChoices
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.operations.rotation_plan import RotationPlan, prepare_sweep
from mayhouse_cli.operations.stranding import held_by, refuse_to_strand
from mayhouse_cli.operations.transactions import short
from mayhouse_cli.ports import Session


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
    owner_stays: Address | None = None
    """The old wallet, when it is the contract's owner: that cannot be changed."""


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
        sweep = prepare_sweep(plan, choices, session).sweep
        if sweep is not None:
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
        owner_stays=plan.old if plan.owns_contract and plan.old != plan.new else None,
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
    if plan.old == plan.new:
        return Step("swept", StepState.DONE, "before")
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
