"""What a whole file would cost, guarded as a whole."""

from collections.abc import Sequence
from dataclasses import replace

from mayhouse_cli.models import Snapshot
from mayhouse_cli.money import Wei, wei_to_inr
from mayhouse_cli.operations import intents
from mayhouse_cli.operations.bulk_rows import Item, Terms
from mayhouse_cli.operations.intents import Spending
from mayhouse_cli.ports import Session


def sum_up(
    items: Sequence[Item], snapshot: Snapshot, terms: Terms, session: Session
) -> tuple[Spending, Terms]:
    """Give the sum of values and of the most gas, and the terms with the price that it is at.

    InsufficientFunds when the balance does not cover both, Refused when it goes over a cap,
    FeeTooHigh when gas costs more than may be paid.
    """
    sender = session.signer.address
    values = [item.intent.call.value for item in items]
    value = sum(values, Wei(0))
    gas = max(item.gas for item in items)
    fees = session.chain.fees(snapshot, terms.max_fee, gas)
    most = Wei(fees.most * len(items))
    intents.check_funds(sender, snapshot.sender_balance, value, most)
    intents.check_spending_caps(sender, value, session, largest=max(values))
    spending = Spending(
        chain_name=session.config.chain_name,
        contract=session.chain.contract,
        sender=sender,
        recipient=session.chain.contract,
        value=value,
        value_inr=wei_to_inr(value, terms.rate.eth_price_inr),
        most_fee=most,
        balance=snapshot.sender_balance,
    )
    return spending, replace(terms, max_fee=fees.max_fee)
