"""The tree of errors: a signal ends the command, whoever catches failures to go on."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mayhouse_cli

TREE: Final = Path(mayhouse_cli.__file__).parent
SIGNALS: Final = {"Stopped", "Interrupted", "Terminated"}
CATCH_ALL: Final = {"MayhouseError", "Exception", "BaseException"}
# Where the handler passes everything on by other means, or nothing can be spoilt any more.
PASSED_ON: Final = {
    "cli.py": "tells it: the one place where an error becomes an exit code",
    "commands/completion.py": "a shell waits for its words; nothing is done and nothing is told",
    "operations/patience.py": "raised again where the thread is waited for",
}


def names(caught: ast.expr | None) -> set[str]:
    """What one handler catches."""
    if caught is None:
        return {"BaseException"}
    return {one.id for one in ast.walk(caught) if isinstance(one, ast.Name)}


def swallowers(tree: ast.Module) -> Iterator[int]:
    """The lines of handlers that catch every failure, do not raise, and let no signal pass."""
    for attempt in (one for one in ast.walk(tree) if isinstance(one, ast.Try)):
        caught: set[str] = set()
        for handler in attempt.handlers:
            raises = any(isinstance(one, ast.Raise) for one in ast.walk(handler))
            catches_all = names(handler.type) & CATCH_ALL
            if catches_all and not raises and not caught & {"MayhouseError", *SIGNALS}:
                yield handler.lineno
            caught |= names(handler.type)


def test_nobody_takes_a_signal_for_a_failure() -> None:
    """Ctrl-C and a service manager's stop end the command wherever they arrive."""
    files = {str(path.relative_to(TREE)): path for path in TREE.rglob("*.py")}
    found = [
        f"{name}, line {line}"
        for name in sorted(files.keys() - PASSED_ON.keys())
        for line in swallowers(ast.parse(files[name].read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_search_finds_a_swallowed_signal() -> None:
    """One that is let pass before is none."""
    swallowed = "try:\n    go()\nexcept MayhouseError:\n    pass\n"
    assert list(swallowers(ast.parse(swallowed))) == [3]
    passed = swallowed.replace("except May", "except Stopped:\n    raise\nexcept May")
    assert list(swallowers(ast.parse(passed))) == []
