"""The console script."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # Each answer loads what it needs: the version is asked for by scripts that wait for it.
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        print(f"mayhouse {version('mayhouse')}")  # noqa: T201 there is no output yet
        return
    # What a command makes is mostly modules, which stay: to look through them for garbage again
    # and again while they load takes a tenth of its time.
    gc.set_threshold(200_000)
    from mayhouse_cli.process import protect_memory

    protect_memory()  # before anything that could hold a secret is read

    from mayhouse_cli.cli import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> None:
    """End at once: to take hundreds of modules apart first takes a fifth of a command's time."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # a reader that has gone or a full disk: Python has its way to end then
    atexit._run_exitfuncs()  # noqa: SLF001 what libraries want done is done
    os._exit(code)


if __name__ == "__main__":
    main()
