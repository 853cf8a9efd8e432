"""Ethereum mainnet, played by a local node with its chain id: what it takes to sign there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mayhouse_cli.keystore import Keystore
from tests.chain_node import ChainNode, closed_port
from tests.database_server import query
from tests.mayhouse import EXPERIENCE_ID, PLATFORM_KEY, SEED, Mayhouse, Run, deploy
from tests.terminal import Terminal

PASSWORD: Final = "correct horse battery"
STRANGER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"


@pytest.fixture(scope="module")
def mainnet_node() -> Iterator[ChainNode]:
    """A chain that calls itself mainnet."""
    with ChainNode("--chain-id", "1") as node:
        yield node


@pytest.fixture
def mainnet(mainnet_node: ChainNode, database_url: str, folder: Path) -> Mayhouse:
    """The platform on it, with a raw key."""
    query(database_url, SEED)
    contract = deploy(mainnet_node)
    return Mayhouse(mainnet_node, database_url, contract, folder, {"CHAIN_ID": "1"})


def words(mainnet: Mayhouse, *more: str) -> tuple[str, ...]:
    """A command that signs."""
    start = ("event", "create", "--experience", EXPERIENCE_ID, "--price-inr", "2500")
    rest = ("--seats", "4", "--starts-at", mainnet.starts_in(), "--confirmations", "1")
    return (*start, *rest, *more)


def nothing_signed(mainnet: Mayhouse) -> bool:
    """Nothing was recorded, and so nothing sent."""
    return mainnet.rows("SELECT FROM mayhouse.transactions") == []


def signed(run: Run) -> bool:
    """Whether it went all the way."""
    return bool(run.data["status"] == "confirmed")


def test_mainnet_is_signed_on_only_when_it_is_said(mainnet: Mayhouse) -> None:
    """Without --mainnet it is a wrong configuration; a raw key needs another word still."""
    plain = mainnet.json(*words(mainnet, "-y"))
    assert (plain.code, "--mainnet" in plain.error["hint"]) == (3, True)
    raw = mainnet.json(*words(mainnet, "-y", "--mainnet"))
    assert (raw.code, raw.error["code"]) == (3, "credentials")
    assert "--allow-raw-key" in raw.error["hint"]
    assert nothing_signed(mainnet)
    assert signed(mainnet.json(*words(mainnet, "-y", "--mainnet", "--allow-raw-key")))


def test_the_keystore_goes_before_the_raw_key(mainnet: Mayhouse) -> None:
    """With both, and its password at hand, it signs: no raw key is used, none need be allowed."""
    vault = Keystore(mainnet.folder / "keys", 2)
    vault.add_key("platform", bytes.fromhex(PLATFORM_KEY[2:]), PASSWORD)
    run = mainnet.json(
        *words(mainnet, "-y", "--mainnet"),
        MAYHOUSE_KEYSTORE_DIR="keys",
        MAYHOUSE_KEYSTORE_PASSWORD=PASSWORD,
    )
    assert signed(run)


@pytest.mark.parametrize(("typed", "code"), [("mainnet", 0), ("y", 4)])
def test_mainnet_is_typed_at_a_terminal(mainnet: Mayhouse, typed: str, code: int) -> None:
    """Whatever --yes says: a line taken from the shell's history must not be enough."""
    command = words(mainnet, "-y", "--mainnet", "--allow-raw-key")
    with Terminal(*command, env=mainnet.environment, cwd=mainnet.folder) as terminal:
        terminal.expect("Type mainnet to go on:")
        terminal.type(typed)
        assert terminal.finish() == code
    assert nothing_signed(mainnet) == (code != 0)


def test_a_key_of_another_wallet_is_refused_before_any_node_is_asked(mayhouse: Mayhouse) -> None:
    """The node is not there, and is not missed."""
    with closed_port() as port:
        run = mayhouse.json(
            *words(mayhouse, "-y"),
            MAYHOUSE_PLATFORM_ADDRESS=STRANGER,
            BLOCKCHAIN_RPC_URL=f"http://127.0.0.1:{port}",
        )
    assert (run.code, run.error["code"]) == (3, "credentials")
    assert STRANGER in run.error["message"]


def test_a_resume_signs_a_cancel_only_when_it_is_said(mainnet: Mayhouse) -> None:
    """What must not be sent again is told without --mainnet, and its nonce filled with it."""
    mainnet.node.rpc("evm_setAutomine", False)  # noqa: FBT003 the node's own parameter
    permitted = ("--mainnet", "--allow-raw-key")
    try:
        created = mainnet.json(*words(mainnet, "-y", "--no-wait", *permitted)).data
        mainnet.node.rpc("anvil_dropTransaction", created["tx_hash"])
    finally:
        mainnet.node.rpc("evm_setAutomine", True)  # noqa: FBT003 the node's own parameter
    mainnet.warp(2 * 86_400)  # its event would be in the past
    mainnet.execute("UPDATE mayhouse.transactions SET created_at = now() - interval '1 hour'")
    plain = mainnet.json("tx", "resume", "--timeout", "5")
    assert plain.code == 7
    assert "--mainnet" in plain.document["data"]["problems"][0]
    raw = mainnet.json("tx", "resume", "--timeout", "5", "--mainnet")
    assert (raw.code, "a raw key" in raw.document["data"]["problems"][0]) == (7, True)
    assert len(mainnet.rows("SELECT FROM mayhouse.attempts")) == 1
    ended = mainnet.json("tx", "resume", *permitted)
    assert ended.code == 6
    assert mainnet.row("SELECT status FROM mayhouse.transactions")["status"] == "cancelled"
