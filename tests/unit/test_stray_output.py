"""What nobody catches, and what libraries say by themselves, comes out masked and in one line."""

import subprocess
import sys
from typing import Final

import pytest

SECRET: Final = "hunter2-and-more"
BEGINNING: Final = f"""
import faulthandler, logging, sys, threading, warnings
from mayhouse_cli.redaction import secrets_of_this_process
from mayhouse_cli.stray_output import take_over
take_over(verbose=False)
secrets_of_this_process.learn(["{SECRET}"])
secret = "{SECRET}"
class Untidy:
    def __del__(self): raise RuntimeError(secret)
def fail(): raise RuntimeError(secret)
"""


def said_by(script: str) -> str:
    """Run a script under the guard, in an interpreter of its own, and give its stderr."""
    words = [sys.executable, "-c", BEGINNING + script]
    return subprocess.run(
        words, capture_output=True, encoding="utf-8", check=False, timeout=60
    ).stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("fail()", "! A defect in mayhouse: RuntimeError outside the tool"),
        ("Untidy()", "! A defect in mayhouse: RuntimeError outside the tool"),
        (
            "one = threading.Thread(target=fail); one.start(); one.join()",
            "! A defect in mayhouse: RuntimeError outside the tool",
        ),
        ("warnings.warn(secret)", "! UserWarning: [hidden]"),
        ("logging.getLogger('urllib3').warning('Retry %s', secret)", "! urllib3: Retry [hidden]"),
        ("logging.getLogger('urllib3').info(secret)", ""),
        ("logging.getLogger('web3').error('%s %s', secret)", ""),
        (
            "try: fail()\nexcept RuntimeError: logging.getLogger('web3').exception('failed')",
            "! web3: failed",
        ),
    ],
)
def test_it_is_told_in_one_masked_line(script: str, said: str) -> None:
    """Exceptions of the main thread, of others and of finalizers; warnings; logs."""
    assert said_by(script).strip() == said


def test_a_dump_of_the_interpreter_holds_no_values() -> None:
    """The fault handler writes without asking anyone, and so it may name lines only."""
    said = said_by("def f(password): faulthandler.dump_traceback()\nf(secret)")
    assert "line" in said
    assert SECRET not in said
