"""Every failure the tool can name: one tree, and the class decides the exit code.

An error carries one line that says what happened (`message`), one that says what to do
next (`hint`), and what is already known of the result (`known`), such as the hash of a
transaction that was sent. `cli.py` is the only place that turns an error into an exit.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class MayhouseError(Exception):
    """An unclassified failure, and the root of all others."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failure"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        details: Mapping[str, Any] | None = None,
        known: object | None = None,
    ) -> None:
        """Keep what happened, the remedy, machine-readable details and the partial result."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = dict(details or {})
        self.known = known


class CheckFoundProblems(MayhouseError):
    """A check ran to its end and found something; `known` holds the whole result."""

    code = "findings"


class WrongUsage(MayhouseError):
    """The arguments contradict each other or cannot be read."""

    exit_code = 2
    code = "usage"


class ConfigurationError(MayhouseError):
    """A setting is missing, malformed or contradicts another."""

    exit_code = 3
    code = "configuration"


class CredentialsError(ConfigurationError):
    """A key, keystore or password is missing, wrong or unreadable."""

    code = "credentials"


class WrongChain(ConfigurationError):
    """The node, or the database, belongs to another chain than the configuration names."""

    code = "wrong_chain"


class WrongContract(ConfigurationError):
    """What stands at the address is not the contract this tool fits."""

    code = "wrong_contract"


class ConsentMissing(MayhouseError):
    """Spending was not agreed to, or nobody could be asked."""

    exit_code = 4
    code = "consent"


class Unreachable(MayhouseError):
    """A service did not answer; nothing was sent and the command can be run again."""

    exit_code = 5
    code = "unreachable"
    retryable = True


class RpcUnreachable(Unreachable):
    """No configured node gave a usable answer in time."""

    code = "rpc_unreachable"


class DatabaseUnreachable(Unreachable):
    """The database refused the connection, or it was lost before anything was sent."""

    code = "database_unreachable"


class FeeWaitOver(Unreachable):
    """Gas was not as cheap as asked for in time: later may help, as with a node that is down."""

    code = "fee_wait"


class Refused(MayhouseError):
    """The contract, a guard or the node says no, and running it again will not change that."""

    exit_code = 6
    code = "refused"


class NotFound(Refused):
    """The named event, booking, traveler, wallet or transaction does not exist."""

    code = "not_found"


class Reverted(Refused):
    """The contract refused the call, in simulation or on chain."""

    code = "reverted"


class InsufficientFunds(Refused):
    """The wallet cannot pay value and fee; the shortfall is in the message."""

    code = "insufficient_funds"


class FeeTooHigh(Refused):
    """The fee that is needed now is above the configured cap."""

    code = "fee_cap"


class IntentConflict(Refused):
    """The intent exists with other arguments, or ended for good under the user's own key."""

    code = "intent_conflict"


class Unconfirmed(MayhouseError):
    """Sent, and not confirmed in time: it must be resumed, never sent again."""

    exit_code = 7
    code = "unconfirmed"


class Unrecorded(MayhouseError):
    """Sent, and the database could not be updated: `tx resume` records it."""

    exit_code = 8
    code = "unrecorded"


class MigrationsPending(MayhouseError):
    """The database's schema is not the one this version of the tool works with."""

    exit_code = 9
    code = "migrations"


class Interrupted(MayhouseError):
    """Stopped by SIGINT."""

    exit_code = 130
    code = "interrupted"


class Terminated(MayhouseError):
    """Stopped by SIGTERM."""

    exit_code = 143
    code = "terminated"
