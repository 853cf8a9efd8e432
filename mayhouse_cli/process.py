"""What of this process others on the machine may see: no core dump, no memory of it."""

import ctypes
import resource
import sys
from contextlib import suppress
from typing import Final

# <linux/prctl.h>
_PR_SET_DUMPABLE: Final = 4


def protect_memory() -> None:
    """Keep keys and passwords in this process: no core file, no debugger of the same user.

    Where the system has no such means nothing happens; programs that are started from here are
    dumpable again, but leave no core files either.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
