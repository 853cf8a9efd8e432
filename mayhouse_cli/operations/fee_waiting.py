"""Waiting for cheap gas before anything is planned, agreed to or signed.

A plan is priced under a cap, which with `--wait-for-fee` is the price that is waited for: a plan
that fails with FeeTooHigh is the sign to wait. Its other guards have run by then, so that a
mistyped event is told at once and not at the end of the night. When a block is cheap enough the
plan is made anew, on the state of then: rate, event, balance and nonce are read again, and every
guard runs again. What is signed can never cost more than the price, because it is the cap.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar, cast

from mayhouse_cli.errors import (
    FeeTooHigh,
    FeeWaitOver,
    Interrupted,
    RpcUnreachable,
    Terminated,
)
from mayhouse_cli.models import Question
from mayhouse_cli.money import format_gwei
from mayhouse_cli.operations.intents import FeeWait, SigningChoices
from mayhouse_cli.ports import Session

_P = ParamSpec("_P")
_Plan = TypeVar("_Plan")
_CHEAPEST_GAS: Final = 21_000
# A price changes with each block: 12 seconds on a public chain, where a pause lasts at most 3.
_PAUSES_A_BLOCK: Final = 4
_LONG: Final = 20


def waits_for_fee(plan: Callable[_P, _Plan]) -> Callable[_P, _Plan]:
    """Let a plan be made again once gas is cheap enough, where the choices ask for it.

    For functions whose last two arguments are the SigningChoices and the session. They raise
    FeeWaitOver when it does not become cheap enough in time; nothing was signed then.
    """

    @wraps(plan)
    def planned(*args: _P.args, **kwargs: _P.kwargs) -> _Plan:
        choices, session = cast("tuple[SigningChoices, Session]", args[-2:])
        while True:
            try:
                return plan(*args, **kwargs)
            except FeeTooHigh as refusal:
                if choices.fee_wait is None:
                    raise
                _wait(choices.fee_wait, refusal, session)

    return planned


def _wait(wait: FeeWait, refusal: FeeTooHigh, session: Session) -> None:
    try:
        session.progress(
            f"Waiting for gas at or below {format_gwei(wait.price)} gwei ({refusal.message})"
        )
        _wait_for_block(wait, refusal.message, session)
    except (Interrupted, Terminated) as stopped:
        stopped.message = f"{stopped.message} It waited for cheaper gas: nothing was signed."
        stopped.hint = "Run it again to wait anew."
        raise


def _wait_for_block(wait: FeeWait, reason: str, session: Session) -> None:
    """Watch until a block is cheap enough; a node that is lost for a while is asked again."""
    while True:
        _pause(wait, session)
        if session.now() >= wait.until:
            raise FeeWaitOver(
                f"Gas did not come down to {format_gwei(wait.price)} gwei in time: {reason}",
                hint="Nothing was signed. Run it again, with a later --deadline or more gwei.",
            )
        # --timeout bounds each look, the operator's deadline bounds the whole.
        session.deadline.restart()
        try:
            session.chain.fees(session.chain.read(Question()), wait.price, _CHEAPEST_GAS)
        except (FeeTooHigh, RpcUnreachable) as not_yet:
            reason = not_yet.message
        else:
            session.deadline.restart()
            return


def _pause(wait: FeeWait, session: Session) -> None:
    for _ in range(1 if session.config.is_local else _PAUSES_A_BLOCK):
        if session.now() < wait.until:
            session.deadline.restart()
            session.chain.pause(_LONG)
