"""A freeze: nothing is signed until it is thawed. For a leaked key, or while something is wrong.

Whoever signs looks for it in the database transaction that records, and holds it off until that
is committed; so once `freeze` has returned, nothing signs any more, on whatever machine. What is
out already is not stopped: its bytes are signed. While frozen, `tx cancel --while-frozen` takes
their nonces, and `tx resume` sends nothing again but such cancels.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.models import Freeze, Kind, Rotation, Transaction
from mayhouse_cli.operations.operator_log import log
from mayhouse_cli.ports import Session
from mayhouse_cli.times import moment

SWEEP_KEY: Final = "rotation:"
"""How the intent's key of a sweep to our next signer begins."""


@dataclass(frozen=True)
class Frozen:
    """`freeze` and `thaw`: how it stands now, and whether this run has changed it."""

    frozen: bool
    changed: bool
    reason: str | None
    """Of the freeze that holds, or that was ended."""
    frozen_by: str | None
    frozen_at: datetime | None


def told(freeze: Freeze) -> str:
    """Say in a line who froze signing, when and why."""
    by = f" by {freeze.by}" if freeze.by else ""
    since = f" since {moment(freeze.at)}" if freeze.at else ""
    return f"{freeze.reason} ({by.strip() or 'nobody is named'}{since})"


def freeze(reason: str, session: Session) -> Frozen:
    """Have nothing signed from now on; a freeze that holds already stays as it is.

    WrongUsage without a reason.
    """
    words = " ".join(reason.split())
    if not words:
        raise WrongUsage("A freeze needs a reason", hint="Like --reason 'the key may have leaked'.")
    with session.transaction():
        pin = session.journal.pinned()
        if pin is not None:
            session.journal.lock(pin.chain_id, pin.sender)
        changed = session.installation.set_frozen(words, session.actor)
        if changed:
            log(session, {"reason": words})
        found = session.installation.freeze()
    return _result(found, is_frozen=True, changed=changed)


def find(session: Session) -> Freeze | None:
    """The freeze that `thaw` would end."""
    return session.installation.freeze()


def thaw(session: Session) -> Frozen:
    """Permit signing again."""
    with session.transaction():
        found = session.installation.freeze()
        if found is not None:
            session.installation.thaw()
            before = {
                "reason": found.reason,
                "frozen_by": found.by,
                "frozen_at": found.at.isoformat() if found.at else None,
            }
            log(session, {}, before=before)
    return _result(found, is_frozen=False, changed=found is not None)


def _result(freeze: Freeze | None, *, is_frozen: bool, changed: bool) -> Frozen:
    return Frozen(
        frozen=is_frozen,
        changed=changed,
        reason=freeze.reason if freeze else None,
        frozen_by=freeze.by if freeze else None,
        frozen_at=freeze.at if freeze else None,
    )


def may_leave_while_frozen(transaction: Transaction) -> bool:
    """Whether recorded bytes take money nowhere but to a wallet of ours: cancels and a sweep."""
    return (
        transaction.newest.purpose == "cancel"
        or transaction.kind is Kind.FILL_NONCE
        or transaction.intent_key.startswith(SWEEP_KEY)
    )


# --- what holds signing up --------------------------------------------------------------


def refuse_to_sign(
    session: Session, *, while_frozen: bool = False, for_rotation: bool = False
) -> None:
    """Refused while signing is frozen or the signer is being changed.

    In the transaction that records, it keeps both from beginning until that is committed.
    """
    with session.transaction():
        session.installation.hold()
        frozen, rotation = session.installation.freeze(), session.installation.rotation()
    if frozen is not None and not while_frozen:
        raise Refused(
            f"Signing is frozen: {told(frozen)}",
            hint="`mayhouse thaw` ends it.",
            details={
                "reason": frozen.reason,
                "frozen_by": frozen.by,
                "frozen_at": frozen.at.isoformat() if frozen.at else None,
            },
        )
    if rotation is not None and not for_rotation:
        raise _rotating(rotation)


def _rotating(rotation: Rotation) -> Refused:
    return Refused(
        f"The signer is being changed to {rotation.new} ({rotation.by} since "
        f"{moment(rotation.since)})",
        hint=f"Finish that first: mayhouse wallet rotate {rotation.wallet}",
    )
