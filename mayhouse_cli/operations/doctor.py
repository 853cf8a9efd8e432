"""Every prerequisite examined, each by itself; changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from mayhouse_cli.errors import MayhouseError
from mayhouse_cli.operations import doctor_chain, doctor_database, doctor_machine
from mayhouse_cli.operations.diagnosis import (
    Check,
    CheckState,
    Examination,
    Parts,
    Verdict,
    examine,
)

Look = Callable[[Examination], Verdict]

# In the order in which one builds on another.
_LOOKS: Final[tuple[tuple[str, Look], ...]] = (
    ("config file", doctor_machine.config_file),
    ("config file mode", doctor_machine.config_file_mode),
    ("settings", doctor_machine.settings),
    ("signing key", doctor_machine.signing_key),
    ("keystore file", doctor_machine.keystore_file),
    ("keystore password", doctor_machine.keystore_password),
)
_LOOKS_AT_CHAIN: Final[tuple[tuple[str, Look], ...]] = (
    ("contract", doctor_chain.contract),
    ("owner", doctor_chain.owner),
    ("percentages", doctor_chain.percentages),
    ("balance", doctor_chain.balance),
    ("fee cap", doctor_chain.fee_cap),
    ("clock", doctor_chain.clock),
)
_LOOKS_AT_DATABASE: Final[tuple[tuple[str, Look], ...]] = (
    ("database", doctor_database.database),
    ("database encryption", doctor_database.encryption),
    ("migrations", doctor_database.migrations),
    ("database pin", doctor_database.pin),
    ("frozen", doctor_database.frozen),
    ("unfinished transactions", doctor_database.unfinished),
    ("wallet used elsewhere", doctor_database.used_elsewhere),
    ("rate", doctor_database.rate),
)


@dataclass(frozen=True)
class Diagnosis:
    """`doctor`: every check, in the order of the examination."""

    checks: tuple[Check, ...]

    @property
    def failures(self) -> int:
        """How many prerequisites do not work."""
        return sum(check.state is CheckState.FAILED for check in self.checks)


def diagnose(parts: Parts, *, offline: bool) -> Diagnosis:
    """Examine everything; with `offline` only what needs no network."""
    examination = Examination(parts, offline)
    return Diagnosis(tuple(_checks(examination)))


def undiagnosed(error: MayhouseError) -> Diagnosis:
    """The diagnosis when the configuration cannot be read: all else rests on it."""
    names = [name for name, _ in (*_LOOKS[1:], *_LOOKS_AT_CHAIN, *_LOOKS_AT_DATABASE)]
    first = Check(_LOOKS[0][0], CheckState.FAILED, error.message, error.hint)
    skipped = (Check(name, CheckState.SKIPPED, "needs the configuration") for name in names)
    return Diagnosis((first, *skipped))


def _checks(examination: Examination) -> Iterator[Check]:
    for name, look in _LOOKS:
        yield examine(name, partial(look, examination))
    yield from doctor_chain.nodes(examination)
    for name, look in (*_LOOKS_AT_CHAIN, *_LOOKS_AT_DATABASE):
        yield examine(name, partial(look, examination))
