"""Which wallet of ours a recorded transaction is signed with again."""

from mayhouse_cli.errors import Refused
from mayhouse_cli.models import Address
from mayhouse_cli.ports import Session, Signer


def signer_of(sender: Address, session: Session) -> Signer:
    """The wallet of that address, the treasury's included; Refused when it is not ours here."""
    if session.config.get("treasury_wallet") is not None and session.treasury.address == sender:
        return session.treasury
    if session.signer.address != sender:
        raise Refused(
            f"{sender} signed it; {session.signer.address} signs here",
            hint="Replace it with the wallet that signed it.",
        )
    return session.signer
