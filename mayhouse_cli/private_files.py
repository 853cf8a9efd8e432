"""Files for their owner alone, that are there whole or not at all: keystores and configurations."""

import os
import secrets
from pathlib import Path


def write_new(target: Path, content: bytes) -> bool:
    """Bring a whole file under its name; False when the name is taken, by a link even.

    A process killed in between leaves a hidden file beside it, which nothing reads. OSError
    when the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123 a descriptor
        try:
            os.fchmod(file.fileno(), 0o600)  # the umask may have taken the owner's bits away
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # Not a rename: that would silently replace what came there in the meantime.
            os.link(temporary, target)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
    sync_folder(target.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Have the folder's entries survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
