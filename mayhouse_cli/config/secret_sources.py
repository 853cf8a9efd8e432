"""Secrets that stand elsewhere: in a file of their own, or behind the operator's command."""

import subprocess
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import ConfigurationError, CredentialsError

COMMAND_SECONDS: Final = 30


def read_secret_file(path: Path) -> str:
    """Read a secret from a file, without its line end; CredentialsError when it cannot be."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialsError(
            f"The secret file {path} cannot be read: {reason}",
            hint="Check the path and that this user may read it.",
        ) from None
    if not (secret := text.rstrip("\r\n")):
        raise CredentialsError(f"The secret file {path} is empty", hint="Write the secret into it.")
    return secret


def run_secret_command(command: object, key: str, path: Path) -> str:
    """Run the command of a config file and take what it prints; CredentialsError if it fails."""
    words = check_command(command, key, path)
    try:
        finished = subprocess.run(  # noqa: S603 the operator's own command, no shell
            words,
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        secret = finished.stdout.rstrip("\r\n")
        reason = "" if secret else "it printed nothing"
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        # What the command printed may hold the secret; only how it ended is said.
        ended = getattr(error, "returncode", None)
        secret, reason = "", f"exit code {ended}" if ended is not None else type(error).__name__
    if reason:
        raise CredentialsError(
            f"{path}: the command of {key} failed ({reason})",
            hint=f"Run it by hand: {words[0]} ...",
        )
    return secret


def check_command(command: object, key: str, path: Path) -> list[str]:
    """Take a command as a list of words; there is no shell that would split a text."""
    words = command if isinstance(command, list) else []
    if not words or not all(isinstance(word, str) for word in words):
        raise ConfigurationError(
            f"{path}: {key} must be a list of words",
            hint=f'{key} = ["pass", "show", "mayhouse"]',
        )
    return words
