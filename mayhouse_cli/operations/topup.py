"""Top-ups: the treasury fills the platform's wallet up, unattended and each shortage once.

What is on its way counts as balance. Two runs at one moment see the same shortage, so a top-up's
intent is known by its ordinal: whoever records second finds, under the treasury's lock, that the
number is taken, signs nothing, and watches the first. A number is given again only when its
top-up can no longer happen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mayhouse_cli.errors import ConfigurationError, Refused
from mayhouse_cli.models import (
    Address,
    Call,
    Intent,
    Kind,
    Question,
    Snapshot,
    Status,
    Transaction,
    TransactionFilter,
    inlined,
)
from mayhouse_cli.money import Wei, format_eth
from mayhouse_cli.operations import delivery, intents
from mayhouse_cli.operations.fee_waiting import waits_for_fee
from mayhouse_cli.operations.intents import Prepared, SigningChoices
from mayhouse_cli.operations.payouts import TRANSFER_GAS
from mayhouse_cli.operations.rates import display_rate
from mayhouse_cli.operations.reverification import TOPUP
from mayhouse_cli.operations.sightings import look
from mayhouse_cli.operations.transactions import PLANNED, TOPUP_KEY, TransactionResult
from mayhouse_cli.operations.watched_wallets import platform_thresholds
from mayhouse_cli.ports import Session

_NOT_NEEDED = replace(PLANNED, status="not_needed")


@dataclass(frozen=True)
class TopUp:
    """`balance topup`: what the platform's wallet has, what it should have, and what is sent."""

    needed: bool
    platform_address: Address
    treasury_address: Address
    balance_wei: Wei
    on_its_way_wei: Wei
    """Sent by earlier top-ups, and not in the balance yet."""
    warning_wei: Wei
    """Below this it is topped up."""
    target_wei: Wei
    amount_wei: Wei
    """What is sent; 0 when nothing is needed."""
    daily_cap_wei: Wei
    sent_in_24h_wei: Wei
    """What top-ups sent before this one."""
    topped_up_before: bool
    """By another run at the same time: this one has signed nothing."""
    transaction: TransactionResult = inlined()


@dataclass(frozen=True)
class TopUpPlan:
    """A top-up that can be agreed to, or that none is needed."""

    outlook: TopUp
    prepared: Prepared | None
    warnings: tuple[str, ...] = ()


# --- plan -------------------------------------------------------------------------------


@waits_for_fee
def plan_topup(choices: SigningChoices, session: Session) -> TopUpPlan:
    """Read, guard and price a top-up; signs nothing.

    Refused (6) when the day's cap is used up or the treasury has too little.
    """
    recorded = _look_at_topups(session)
    snapshot, outlook = _look(recorded, session)
    if not outlook.needed:
        return TopUpPlan(outlook, None)
    missing = outlook.target_wei - outlook.balance_wei - outlook.on_its_way_wei
    left = Wei(max(outlook.daily_cap_wei - outlook.sent_in_24h_wei, 0))
    if not left:
        raise Refused(
            f"The platform's wallet has {format_eth(outlook.balance_wei)} ETH, and the top-ups of "
            f"24 hours have used up their cap of {format_eth(outlook.daily_cap_wei)} ETH",
            hint="Find out where it goes (`mayhouse balance history`); topup_daily_cap_eth "
            "allows more.",
        )
    amount = min(missing, left)
    outlook = replace(outlook, amount_wei=amount)
    fees = session.chain.fees(snapshot, choices.max_fee, TRANSFER_GAS)
    treasury = session.treasury
    intents.check_funds(treasury.address, snapshot.sender_balance, amount, fees.most)
    intent = _intent(outlook, _ordinal(recorded), choices)
    intent = replace(intent, eth_price_inr=display_rate(session))
    prepared = Prepared(intent, snapshot, fees, treasury=treasury)
    return TopUpPlan(outlook, prepared, _warnings(amount, missing))


def _look_at_topups(session: Session) -> list[Transaction]:
    """Our top-ups, newest first, brought to what the chain shows.

    Read before the balance: what is mined in between counts twice, which the next run mends; the
    other way round it would not count at all.
    """
    sent = session.journal.list(TransactionFilter(sender=session.treasury.address, limit=10_000))
    topups = [one for one in sent if TOPUP in one.arguments]
    return [look(one, session) if one.status.is_unfinished else one for one in topups]


def _look(recorded: Sequence[Transaction], session: Session) -> tuple[Snapshot, TopUp]:
    config = session.config
    treasury = session.treasury.address
    platform: Address = config.get("platform_address") or session.signer.address
    target: Wei = config.require("topup_target_eth")
    warning = platform_thresholds(config).warning
    _check_configuration(platform, treasury, warning, target)
    snapshot = session.chain.read(Question(sender=treasury, accounts=(platform,)))
    if platform in snapshot.with_code:
        raise Refused(
            f"The platform's wallet {platform} has code: a plain transfer may fail or be swept",
            hint="Find out who delegated it (EIP-7702); nothing was signed.",
        )
    balance = snapshot.balances[platform]
    on_its_way = sum(
        (one.value for one in recorded if _is_on_its_way(one, platform, snapshot)), Wei(0)
    )
    return snapshot, TopUp(
        needed=balance + on_its_way < warning,
        platform_address=platform,
        treasury_address=treasury,
        balance_wei=balance,
        on_its_way_wei=on_its_way,
        warning_wei=warning,
        target_wei=target,
        amount_wei=Wei(0),
        daily_cap_wei=_daily_cap(session),
        sent_in_24h_wei=_sent_in_24h(session),
        topped_up_before=False,
        transaction=PLANNED,
    )


def _is_on_its_way(topup: Transaction, platform: Address, snapshot: Snapshot) -> bool:
    """A node that lags may not have the block yet in which it was confirmed."""
    if topup.recipient != platform:
        return False
    late = topup.block_number is not None and topup.block_number > snapshot.block.number
    return topup.status.is_unfinished or (topup.status is Status.CONFIRMED and late)


def _check_configuration(platform: Address, treasury: Address, warning: Wei, target: Wei) -> None:
    if treasury == platform:
        raise ConfigurationError(
            f"The treasury is the platform's own wallet {platform}",
            hint="Check treasury_wallet: it names the keystore that pays.",
        )
    if target < warning:
        raise ConfigurationError(
            f"topup_target_eth ({format_eth(target)} ETH) is below balance_warning_eth "
            f"({format_eth(warning)} ETH)",
            hint="A wallet filled up to it would be topped up again at once: raise the target.",
        )


def _daily_cap(session: Session) -> Wei:
    cap: Wei | None = session.config.get("topup_daily_cap_eth")
    return Wei(session.config.require("topup_target_eth")) if cap is None else cap


def _sent_in_24h(session: Session) -> Wei:
    day_ago = session.now() - timedelta(days=1)
    return session.journal.spent_since(session.treasury.address, day_ago)


def _ordinal(recorded: Sequence[Transaction]) -> int:
    """The number after the highest whose top-up happened or still may."""
    alive = [int(one.arguments[TOPUP]) for one in recorded if not one.status.is_impossible]
    return max(alive, default=0) + 1


def _intent(outlook: TopUp, ordinal: int, choices: SigningChoices) -> Intent:
    """The arguments hold no amount: of two runs at once the balance may differ by some gas."""
    return Intent(
        key=f"{TOPUP_KEY}{outlook.treasury_address}:{ordinal}",
        kind=Kind.TRANSFER,
        recipient=outlook.platform_address,
        arguments={TOPUP: ordinal},
        wanted_depth=choices.confirmations,
        call=Call("", (), outlook.amount_wei),
        terms={
            "balance_wei": str(int(outlook.balance_wei)),
            "on_its_way_wei": str(int(outlook.on_its_way_wei)),
            "target_wei": str(int(outlook.target_wei)),
            "amount_wei": str(int(outlook.amount_wei)),
        },
    )


def _warnings(amount: Wei, missing: Wei) -> tuple[str, ...]:
    if amount == missing:
        return ()
    told = (
        f"The cap of 24 hours leaves {format_eth(amount)} ETH of the {format_eth(missing)} ETH "
        "that are missing (topup_daily_cap_eth)"
    )
    return (told,)


# --- do ---------------------------------------------------------------------------------


def planned(plan: TopUpPlan) -> TopUp:
    """What `top_up` would give, with nothing signed."""
    if plan.prepared is None:
        return replace(plan.outlook, transaction=_NOT_NEEDED)
    return plan.outlook


def top_up(plan: TopUpPlan, choices: SigningChoices, session: Session) -> TopUp:
    """Record, send and watch; or watch the one that another process recorded first.

    Refused when other top-ups have used the day's cap up meanwhile.
    """
    if plan.prepared is None:
        return planned(plan)

    is_new = False

    def hold_cap(transaction: Transaction) -> None:
        nonlocal is_new
        is_new = True
        spent, cap = _sent_in_24h(session), _daily_cap(session)
        if spent > cap:  # this one's value is in it, and the lock is held
            raise Refused(
                f"With these {format_eth(transaction.value)} ETH the top-ups of 24 hours would "
                f"be over their cap of {format_eth(cap)} ETH",
                hint="Another one was recorded meanwhile: run it again.",
            )

    transaction = delivery.carry_out(plan.prepared, session, hold_cap, wait=choices.wait)
    return replace(
        plan.outlook,
        amount_wei=transaction.value,
        topped_up_before=not is_new,
        transaction=TransactionResult.of(transaction, session),
    )
