"""Spending is agreed to by a person at a terminal, or by --yes; a cancellation is typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain_node import ChainNode
from tests.database_server import DatabaseServer, query
from tests.mayhouse import EXPERIENCE_ID, PLATFORM, SEED, Mayhouse
from tests.terminal import CTRL_C, CTRL_D, Terminal

QUESTION = "Sign and send?"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """One platform for the whole file: what declines leaves it as it was."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        yield Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
    node_process.revert(snapshot)


@pytest.fixture(scope="module")
def event(platform: Mayhouse) -> int:
    """The number of an event that is open."""
    number: int = platform.create_event()["chain_event_id"]
    return number


def creation(platform: Mayhouse) -> list[str]:
    """Give the words that create an event with a stake of 0.01 ETH."""
    words = ["event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500"]
    return [*words, "--seats", "4", "--starts-at", platform.starts_in()]


def at_terminal(platform: Mayhouse, *words: str, **changes: str) -> Terminal:
    """Run a command at a terminal; `changes` are environment variables of this run alone."""
    return Terminal(*words, env={**platform.environment, **changes}, cwd=platform.folder)


def traces(platform: Mayhouse) -> tuple[int, int]:
    """Count what the wallet has sent and what the journal holds."""
    return platform.transactions_sent(), len(platform.rows("SELECT FROM mayhouse.transactions"))


# --- yes --------------------------------------------------------------------------------


def test_a_typed_y_signs(mayhouse: Mayhouse) -> None:
    """The answer "y" at a terminal sends the transaction, and the event is confirmed."""
    with at_terminal(mayhouse, *creation(mayhouse)) as terminal:
        terminal.expect(QUESTION)
        terminal.type("y")
        assert terminal.finish() == 0
    row = mayhouse.row("SELECT blockchain_status::text AS status FROM event_runs")
    assert row == {"status": "confirmed"}


def test_questions_go_to_stderr_and_only_the_result_to_stdout(mayhouse: Mayhouse) -> None:
    """With stdout piped away the question is still seen, and stdout starts with the result."""
    env, cwd = mayhouse.environment, mayhouse.folder
    with Terminal(*creation(mayhouse), env=env, cwd=cwd, pipe_stdout=True) as terminal:
        terminal.expect(QUESTION)
        terminal.type("y")
        assert terminal.finish() == 0
        piped = terminal.piped_stdout()
    assert QUESTION not in piped
    assert piped.startswith("Old Delhi food walk [spicy]")
    assert re.search(r"0x[0-9a-f]{64}$", piped.strip())


def test_yes_as_an_option_asks_nothing(mayhouse: Mayhouse) -> None:
    """At a terminal --yes is enough: no question is shown."""
    with at_terminal(mayhouse, *creation(mayhouse), "--yes") as terminal:
        assert terminal.finish() == 0
    assert QUESTION not in terminal.seen


# --- no ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        pytest.param("n\n", 4, id="n"),
        pytest.param("\n", 4, id="just Enter"),
        pytest.param(CTRL_D, 4, id="Ctrl-D"),
        pytest.param(CTRL_C, 130, id="Ctrl-C"),
    ],
)
def test_anything_but_yes_declines(platform: Mayhouse, keys: str, code: int) -> None:
    """No, no answer, the end of input and an interrupt all sign nothing and record nothing."""
    before = traces(platform)
    with at_terminal(platform, *creation(platform)) as terminal:
        terminal.expect(QUESTION)
        terminal.press(keys)
        assert terminal.finish() == code
    assert "✗" in terminal.seen
    assert traces(platform) == before


# --- what is shown ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown(platform: Mayhouse) -> str:
    """What a person sees before the question, its columns set apart by one space."""
    with at_terminal(platform, *creation(platform), NO_COLOR="1") as terminal:
        text = terminal.expect(QUESTION)
        terminal.type("n")
        terminal.finish()
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param("chain local", id="the chain"),
        pytest.param(f"from {PLATFORM}", id="the sender, whole"),
        pytest.param("to the contract", id="the recipient"),
        pytest.param("value 0.010000 ETH", id="the value in ETH"),
        pytest.param("value 0.010000 ETH ₹2,000.00", id="the value in rupees"),
    ],
)
def test_consent_shows(shown: str, fact: str) -> None:
    """Each fact that the decision rests on stands before the question."""
    assert fact in shown


def test_consent_shows_the_contract_whole(shown: str, contract: str) -> None:
    """The contract that is paid is named by its whole address."""
    assert f"contract {contract}" in shown


def test_consent_shows_the_most_that_gas_can_cost(shown: str) -> None:
    """The fee is bounded by an amount above zero."""
    amount = re.search(r"gas at most (\d+\.\d{6}) ETH", shown)
    assert amount is not None
    assert float(amount[1]) > 0


def test_the_balance_shown_is_what_is_left_after_value_and_gas(
    shown: str, platform: Mayhouse
) -> None:
    """Balance after + value + most gas is the balance, to the six decimals shown."""
    after = re.search(r"balance after at least (\d+\.\d{6}) ETH", shown)
    gas = re.search(r"gas at most (\d+\.\d{6}) ETH", shown)
    assert after is not None
    assert gas is not None
    balance = int(platform.node.rpc("eth_getBalance", PLATFORM, "latest"), 16)
    told = float(after[1]) + 0.01 + float(gas[1])
    assert told == pytest.approx(balance / 10**18, abs=0.000_003)


# --- nobody to ask ----------------------------------------------------------------------


def test_a_piped_y_is_not_consent(platform: Mayhouse) -> None:
    """An answer from a pipe is no person: exit 4, and --yes is named."""
    before = traces(platform)
    run = platform.run(*creation(platform), stdin="y\n")
    assert run.code == 4
    assert "--yes" in run.err
    assert traces(platform) == before


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        pytest.param(["--json"], {}, id="--json"),
        pytest.param(["--no-input"], {}, id="--no-input"),
        pytest.param([], {"CI": "1"}, id="CI"),
    ],
)
def test_a_terminal_is_not_asked_with(
    platform: Mayhouse, words: list[str], changes: dict[str, str]
) -> None:
    """Where nobody is to be asked, even a terminal is not: exit 4 at once, naming --yes."""
    before = traces(platform)
    with at_terminal(platform, *creation(platform), *words, **changes) as terminal:
        assert terminal.finish() == 4
    assert QUESTION not in terminal.seen
    assert "--yes" in terminal.seen
    assert traces(platform) == before


# --- cancelling -------------------------------------------------------------------------


def test_typing_the_event_cancels_it(mayhouse: Mayhouse) -> None:
    """The event's number, typed, is the consent to cancel it."""
    number = mayhouse.create_event()["chain_event_id"]
    with at_terminal(mayhouse, "event", "cancel", str(number), "--reason", "rain") as terminal:
        terminal.expect(f"Type {number}")
        terminal.type(str(number))
        assert terminal.finish() == 0
    assert mayhouse.row("SELECT status::text FROM event_runs") == {"status": "cancelled"}


@pytest.mark.parametrize("answer", ["y", "", "1001"], ids=["y", "nothing", "another number"])
def test_typing_anything_else_cancels_nothing(platform: Mayhouse, event: int, answer: str) -> None:
    """A habitual "y", nothing, or another number leaves the event as it is."""
    before = traces(platform)
    with at_terminal(platform, "event", "cancel", str(event), "--reason", "rain") as terminal:
        terminal.expect(f"Type {event}")
        terminal.type(answer)
        assert terminal.finish() == 4
    assert traces(platform) == before


def test_yes_is_not_enough_to_cancel(platform: Mayhouse, event: int) -> None:
    """With --yes the event must be typed all the same."""
    words = ["event", "cancel", str(event), "--reason", "rain", "-y"]
    before = traces(platform)
    with at_terminal(platform, *words) as terminal:
        terminal.expect(f"Type {event}")
        terminal.type("")
        assert terminal.finish() == 4
    assert traces(platform) == before


def test_the_refunds_are_shown_before_the_event_is_typed(platform: Mayhouse, event: int) -> None:
    """The plan of a cancellation stands above its question."""
    with at_terminal(platform, "event", "cancel", str(event), "--reason", "rain") as terminal:
        shown = terminal.expect(f"Type {event}")
        terminal.type("")
        terminal.finish()
    assert "refunded" in shown
    assert "0.010000 ETH" in shown


# --- passwords --------------------------------------------------------------------------


def test_a_password_is_not_shown_while_it_is_typed(platform: Mayhouse, tmp_path: Path) -> None:
    """A new wallet asks twice, hidden, and keeps the key."""
    changes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    with at_terminal(platform, "wallet", "new", "spare", **changes) as terminal:
        for prompt in ("New password", "again"):
            terminal.expect(prompt)
            terminal.expect_hidden()
            terminal.type(PASSWORD)
        assert terminal.finish() == 0
    assert PASSWORD not in terminal.seen
    assert list(tmp_path.rglob("spare*"))


def test_two_different_passwords_make_no_wallet(platform: Mayhouse, tmp_path: Path) -> None:
    """A typing error in a new password is caught before there is a key."""
    changes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    with at_terminal(platform, "wallet", "new", "other", **changes) as terminal:
        for prompt, password in (("New password", PASSWORD), ("again", "another")):
            terminal.expect(prompt)
            terminal.expect_hidden()
            terminal.type(password)
        assert terminal.finish() == 3
    assert not list(tmp_path.rglob("other*"))
