"""Files for their owner alone: written whole or not at all, and read only while they are private.

The one place that makes a keystore, a configuration or a sandbox's password, and that decides
whether a file that holds a secret may be used.
"""

import errno
import os
import secrets
import shlex
import stat
from pathlib import Path
from typing import Final

_MODE: Final = 0o600
_OTHERS: Final = 0o077
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_new(target: Path, content: bytes) -> bool:
    """Bring a whole file under its name; False when the name is taken, by a link even.

    A process killed in between leaves a hidden file beside it, which nothing reads. OSError
    when the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        _write(temporary, content)
        # Not a rename: that would silently replace what came there in the meantime.
        os.link(temporary, target)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
    return True


def write_over(target: Path, content: bytes) -> None:
    """Put a whole file in the place of what stood under its name, or leave that as it was.

    OSError when the folder cannot be written, or something else than a file stands there: a
    device is not replaced.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "that is no file")
    temporary = target.with_name(f".mayhouse.{secrets.token_hex(8)}")
    try:
        _write(temporary, content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _write(temporary: Path, content: bytes) -> None:
    with open(os.open(temporary, _NEW, _MODE), "wb") as file:  # noqa: PTH123 a descriptor
        os.fchmod(file.fileno(), _MODE)  # the umask may have taken the owner's bits away
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the folder's entries survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why_not_private(status: os.stat_result, path: Path) -> tuple[str, str] | None:
    """Why a file that holds a secret may not be used, and the command that mends it.

    None when it is its owner's alone, and the owner is this user or root.
    """
    chmod = f"chmod 600 {shlex.quote(str(path))}"
    if status.st_uid not in (os.geteuid(), 0):
        chown = f"sudo chown $(id -u) {shlex.quote(str(path))}"
        return "belongs to another user", f"Make it yours: {chown} && {chmod}"
    if stat.S_IMODE(status.st_mode) & _OTHERS:
        return "is open to other users", f"Close it: {chmod}"
    return None
