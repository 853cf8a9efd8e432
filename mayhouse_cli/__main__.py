"""The console script."""

import gc
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
    gc.set_threshold(100_000)
    from mayhouse_cli.process import protect_memory

    protect_memory()  # before anything that could hold a secret is read

    from mayhouse_cli.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
