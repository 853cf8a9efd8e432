"""What one setting is: how its text is read, and where it may come from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One key: how its text is read, where it may come from, what it is for."""

    key: str
    read: Callable[[str], Any]
    summary: str
    default: str | None = None
    env: str | None = None
    secret: bool = False
    file_allowed: bool = True
    """Whether the value itself may stand in a config file; a key or password may not."""
    unit: str = ""
    otherwise: str = ""
    """What holds when it is set nowhere and has no fixed default."""
    example: str = ""
    """A value for config.example.toml, where there is no default to show."""
    verbatim: bool = False
    """Spaces at its ends belong to it."""
    environment_last: bool = False
    """Whether its variable counts less than a file, a command or a credential."""

    @property
    def environment_name(self) -> str:
        """The variable that sets it: the platform's own name, or MAYHOUSE_ and the key."""
        return self.env or f"MAYHOUSE_{self.key.upper()}"

    @property
    def names_in_file(self) -> tuple[str, ...]:
        """The keys by which a config file may set it."""
        names = (self.key,) if self.file_allowed else ()
        return (*names, f"{self.key}_file", f"{self.key}_command") if self.secret else names
