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
    remedy: ClassVar[str] = (
        "Its hint says what to do. With none, run it again with -v and report what it shows."
    )

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
    remedy = "Each finding names its own remedy; begin with the first."


class WrongUsage(MayhouseError):
    """The arguments contradict each other or cannot be read."""

    exit_code = 2
    code = "usage"
    remedy = "`--help` of the command shows its arguments and an example."


class ConfigurationError(MayhouseError):
    """A setting is missing, malformed or contradicts another."""

    exit_code = 3
    code = "configuration"
    remedy = (
        "`mayhouse doctor` checks every setting; `mayhouse config show` tells "
        "where each comes from."
    )


class CredentialsError(ConfigurationError):
    """A key, keystore or password is missing, wrong or unreadable."""

    code = "credentials"
    remedy = "`mayhouse wallet list` shows the keystores; check the password's file or variable."


class WrongChain(ConfigurationError):
    """The node, or the database, belongs to another chain than the configuration names."""

    code = "wrong_chain"
    remedy = (
        "Check blockchain_rpc_url and chain_id, or use the database that belongs to this chain."
    )


class WrongContract(ConfigurationError):
    """What stands at the address is not the contract this tool fits."""

    code = "wrong_contract"
    remedy = "Check contract_address against the deployment; `mayhouse contract show` reads it."


class ConsentMissing(MayhouseError):
    """Spending was not agreed to, or nobody could be asked."""

    exit_code = 4
    code = "consent"
    remedy = "Look at it with --dry-run, then add --yes."


class Unreachable(MayhouseError):
    """A service did not answer; nothing was sent and the command can be run again."""

    exit_code = 5
    code = "unreachable"
    retryable = True
    remedy = "Nothing was sent: run it again when the service answers."


class RpcUnreachable(Unreachable):
    """No configured node gave a usable answer in time."""

    code = "rpc_unreachable"
    remedy = "Check blockchain_rpc_url, name several nodes, or wait longer with --timeout."


class DatabaseUnreachable(Unreachable):
    """The database refused the connection, or it was lost before anything was sent."""

    code = "database_unreachable"
    remedy = "Check database_url and the network; nothing is sent without the database."


class FeeWaitOver(Unreachable):
    """Gas was not as cheap as asked for in time: later may help, as with a node that is down."""

    code = "fee_wait"
    remedy = "Run it again later, or with a higher --wait-for-fee or a later --deadline."


class Refused(MayhouseError):
    """The contract, a guard or the node says no, and running it again will not change that."""

    exit_code = 6
    code = "refused"
    remedy = "Mend what the message names; the same command would be refused again."


class NotFound(Refused):
    """The named event, booking, traveler, wallet or transaction does not exist."""

    code = "not_found"
    remedy = "The noun's `list` shows what there is."


class Reverted(Refused):
    """The contract refused the call, in simulation or on chain."""

    code = "reverted"
    remedy = "The contract's own reason is in the message: mend that, then run it again."


class InsufficientFunds(Refused):
    """The wallet cannot pay value and fee; the shortfall is in the message."""

    code = "insufficient_funds"
    remedy = "Send ETH to the wallet, or run `mayhouse balance topup`."


class FeeTooHigh(Refused):
    """The fee that is needed now is above the configured cap."""

    code = "fee_cap"
    remedy = "Wait until gas is cheaper, or raise --max-fee (max_fee_gwei)."


class IntentConflict(Refused):
    """The intent exists with other arguments, or ended for good under the user's own key."""

    code = "intent_conflict"
    remedy = "`mayhouse tx show ID` tells what was asked then; a new attempt needs a new key."


class Unconfirmed(MayhouseError):
    """Sent, and not confirmed in time: it must be resumed, never sent again."""

    exit_code = 7
    code = "unconfirmed"
    remedy = "`mayhouse tx resume ID`. Never send it again."


class Unrecorded(MayhouseError):
    """Sent, and the database could not be updated: `tx resume` records it."""

    exit_code = 8
    code = "unrecorded"
    remedy = "`mayhouse tx resume ID` once the database is back. Never send it again."


class MigrationsPending(MayhouseError):
    """The database's schema is not the one this version of the tool works with."""

    exit_code = 9
    code = "migrations"
    remedy = "`mayhouse migrate --status` tells; `mayhouse migrate` runs what is pending."


class Stopped(MayhouseError):
    """A signal ends the command: no failure of what ran when it came.

    Whoever catches MayhouseError to go on has to let this pass first.
    """


class Interrupted(Stopped):
    """Stopped by SIGINT."""

    exit_code = 130
    code = "interrupted"
    remedy = "`mayhouse tx list --unfinished` shows whether anything was recorded."


class Terminated(Stopped):
    """Stopped by SIGTERM."""

    exit_code = 143
    code = "terminated"
    remedy = "`mayhouse tx list --unfinished` shows whether anything was recorded."
