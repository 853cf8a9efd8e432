"""`payout`: what is owed is paid once, whoever asks and how often."""

import pytest

from tests.faults import processes
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, HOST_ID, Mayhouse, Run
from tests.terminal import Terminal

WALLETS = {
    HOST_ID: "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    ASHA: "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
    BINA: "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
}


def quickly(mayhouse: Mayhouse, *words: str) -> Run:
    """Run a command in a process that has imported it all."""
    child = processes.start(*words, "--json", env=mayhouse.environment, folder=mayhouse.folder)
    return child.wait()


@pytest.fixture
def owing(mayhouse: Mayhouse) -> Mayhouse:
    """A completed event: a host and two travelers are owed."""
    start = ("--starts-at", mayhouse.starts_in(), "--price-inr", "2500", "--seats", "4")
    quickly(mayhouse, "event", "create", "--experience", EXPERIENCE_ID, *start, "-y")
    for traveler, seats in ((ASHA, "2"), (BINA, "1")):
        who = ("--seats", seats, "--traveler", traveler)
        quickly(mayhouse, "booking", "create", "1", *who, "-y")
    mayhouse.warp(90_000)
    quickly(mayhouse, "event", "complete", "1", "--all-attended", "-y")
    return mayhouse


def balance(mayhouse: Mayhouse, wallet: str) -> int:
    """What an account has, in wei."""
    return int(mayhouse.node.rpc("eth_getBalance", wallet, "latest"), 16)


def test_each_is_paid_to_the_wei_and_once(owing: Mayhouse) -> None:
    """Their wallets get just what is owed; running it again sends nothing."""
    before = {who: balance(owing, wallet) for who, wallet in WALLETS.items()}
    owed = {one["payee_id"]: int(one["amount_wei"])
            for one in quickly(owing, "payout", "list", "--owed").data["payables"]}  # fmt: skip
    data = owing.json("payout", "send", "--event", "1", "-y").data
    assert (data["paid"], len(owed)) == (3, 3)
    got = {who: balance(owing, wallet) - before[who] for who, wallet in WALLETS.items()}
    assert got == owed
    sent = owing.transactions_sent()
    assert quickly(owing, "payout", "send", "--all", "-y").data["payouts"] == []
    assert owing.transactions_sent() == sent
    paid = quickly(owing, "payout", "list", "--paid", "--to", ASHA).data
    assert [one["status"] for one in paid["payables"]] == ["paid"]
    assert paid["payables"][0]["tx_hash"] in owing.run("payout", "list", "--paid").out
    statement = quickly(owing, "event", "settle", "1").data["statements"][0]
    hashes = {one["paid_tx_hash"] for one in statement["lines"] if one["payable_id"]}
    assert hashes == {one["tx_hash"] for one in data["payouts"]}


def test_a_payout_needs_consent(owing: Mayhouse) -> None:
    """Exit 4 with the sum; a dry run shows the batch and signs nothing."""
    sent = owing.transactions_sent()
    assert owing.run("payout", "send", "--all").code == 4
    assert "gas at most" in owing.run("payout", "send", "--all", "--dry-run").out
    assert {quickly(owing, *words.split(), "--event", "77").code
            for words in ("payout list", "payout send -y", "log")} == {6}  # fmt: skip
    dry = quickly(owing, "payout", "send", "--all", "--dry-run").data
    assert {one["outcome"] for one in dry["payouts"]} == {"planned"}
    assert owing.transactions_sent() == sent


def test_one_without_a_wallet_does_not_hold_up_the_others(owing: Mayhouse) -> None:
    """Exit 6 names it; the others are paid; it can be marked, once, and is then never sent."""
    owing.execute("UPDATE users SET wallet_address = NULL WHERE id = %s", ASHA)
    run = quickly(owing, "payout", "send", "--all", "-y")
    assert (run.code, run.document["data"]["paid"], run.document["data"]["refused"]) == (6, 2, 1)
    (left,) = quickly(owing, "payout", "list", "--owed").data["payables"]
    name = left["payable_id"][:8]
    assert quickly(owing, "payout", "mark", name, "--reference", "UPI 4431").code == 4
    marked = quickly(owing, "payout", "mark", name, "--reference", "UPI 4431", "-y").data
    assert (marked["status"], marked["reference"]) == ("paid", "UPI 4431")
    assert quickly(owing, "payout", "send", name, "-y").data["paid_before"] == 1
    assert quickly(owing, "payout", "mark", name, "--reference", "UPI 5", "-y").code == 6
    logged = owing.row("SELECT arguments FROM mayhouse.operator_log WHERE command = 'payout.mark'")
    assert logged["arguments"]["reference"] == "UPI 4431"
    left = quickly(owing, "payout", "unmark", name, "--reason", "not ours", "-y").data
    assert (left["status"], left["reference"], left["paid_at"]) == ("owed", None, None)


def test_a_mark_is_agreed_to_at_a_terminal(owing: Mayhouse) -> None:
    """It shows whom it is owed to, for what and how much; a no changes nothing."""
    (one,) = quickly(owing, "payout", "list", "--to", BINA).data["payables"]
    words = ("payout", "mark", one["payable_id"][:8], "--reference", "UPI 1")
    env = {**owing.environment, "CI": ""}
    with Terminal(*words, env=env, cwd=owing.folder, columns=80) as terminal:
        shown = terminal.expect("Mark it as paid by UPI 1?")
        assert all(told in shown for told in (one["payee"], "stake return of event 1", "₹500.00"))
        terminal.type("n")
        assert terminal.finish() == 4
    assert owing.row("SELECT count(*) AS paid FROM mayhouse.payables WHERE status = 'paid'") == {
        "paid": 0
    }


def test_two_processes_at_once_pay_each_once(owing: Mayhouse) -> None:
    """Both end well or say what is unfinished; the chain has three transfers."""
    sent = owing.transactions_sent()
    before = {who: balance(owing, wallet) for who, wallet in WALLETS.items()}
    words = ("payout", "send", "--all", "-y", "--json")
    both = [processes.start(*words, env=owing.environment, folder=owing.folder) for _ in range(2)]
    ended = [one.wait() for one in both]
    assert {one.code for one in ended} <= {0, 7}
    told = [one.document["data"] for one in ended]
    assert sum(one["paid"] - one["paid_before"] + one["sent"] for one in told) >= 3
    if {one.code for one in ended} == {0}:
        assert sum(one["paid"] - one["paid_before"] for one in told) == 3
    assert quickly(owing, "tx", "resume").code == 0
    assert owing.transactions_sent() == sent + 3
    for one in quickly(owing, "payout", "list").data["payables"]:
        got = balance(owing, WALLETS[one["payee_id"]]) - before[one["payee_id"]]
        assert (one["status"], int(one["amount_wei"])) == ("paid", got)


def test_mark_and_send_at_once_pay_it_one_way(owing: Mayhouse) -> None:
    """Either the mark or the transfer stands, never both."""
    name = quickly(owing, "payout", "list", "--to", BINA).data["payables"][0]["payable_id"]
    before = balance(owing, WALLETS[BINA])
    sending = processes.start(
        "payout", "send", name, "-y", "--json", env=owing.environment, folder=owing.folder
    )
    marking = processes.start(
        *("payout", "mark", name, "--reference", "UPI 1", "-y", "--json"),
        env=owing.environment,
        folder=owing.folder,
    )
    codes = (sending.wait().code, marking.wait().code)
    assert codes in ((0, 6), (6, 0), (0, 0))
    got = balance(owing, WALLETS[BINA]) - before
    assert (got > 0) == (codes[1] == 6)
    kept = owing.row("SELECT * FROM mayhouse.payables WHERE id = %s", name)
    assert (kept["paid_reference"] is None) == (got > 0)


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--owed", "--paid"),
        ("list", "--to", "somebody"),
        ("send",),
        ("send", "abcd", "--all"),
        ("send", "--all", "--idempotency-key", "k"),
        ("mark", "abcdef", "--reference", " "),
    ],
)
def test_a_senseless_choice_is_wrong_usage(mayhouse: Mayhouse, words: tuple[str, ...]) -> None:
    """With what to say instead."""
    assert quickly(mayhouse, "payout", *words).code == 2
