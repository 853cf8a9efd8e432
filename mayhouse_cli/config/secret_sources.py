"""Secrets that stand elsewhere: in a file of their own, or behind the operator's command."""

import os
import subprocess
from pathlib import Path
from typing import Final

from mayhouse_cli.errors import ConfigurationError, CredentialsError
from mayhouse_cli.private_files import why_not_private
from mayhouse_cli.redaction import secrets_of_this_process

COMMAND_SECONDS: Final = 30
_MOST_BYTES: Final = 65_536  # a device in a secret's place never ends


def read_secret_file(path: Path) -> str:
    """Read a secret from a file, without its line end.

    CredentialsError when it cannot be read, or others than its owner could read it as well.
    """
    try:
        with path.open("rb") as file:
            problem = why_not_private(os.fstat(file.fileno()), path)
            text = "" if problem else file.read(_MOST_BYTES + 1).decode()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialsError(
            f"The secret file {path} cannot be read: {reason}",
            hint="Check the path and that this user may read it.",
        ) from None
    if problem is not None:
        reason, remedy = problem
        raise CredentialsError(f"The secret file {path} {reason}", hint=remedy)
    if len(text) > _MOST_BYTES:
        raise CredentialsError(f"The secret file {path} is too long", hint="Check the path.")
    if not (secret := text.rstrip("\r\n")):
        raise CredentialsError(f"The secret file {path} is empty", hint="Write the secret into it.")
    secrets_of_this_process.learn([secret])
    return secret


def read_credential(path: Path) -> str:
    """Read a secret from $CREDENTIALS_DIRECTORY, without its line end; CredentialsError if empty.

    Who may read it is the service manager's business: it closes the folder, and gives this user
    the right by an access list that a file's mode shows as the group's.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialsError(
            f"The credential {path} cannot be read: {reason}", hint="Look at LoadCredential=."
        ) from None
    if not (secret := text.rstrip("\r\n")):
        raise CredentialsError(f"The credential {path} is empty", hint="Write the secret into it.")
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
    secrets_of_this_process.learn([secret])
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
