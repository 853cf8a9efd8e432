"""Everything wrong that can be asked: a clear refusal, the right code, and nothing changed."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from eth_abi.abi import encode
from eth_account import Account

from tests.chain_node import ChainNode, closed_port
from tests.database_server import DatabaseServer, query
from tests.mayhouse import ASHA, BINA, EXPERIENCE_ID, HOST_ID, PLATFORM, SEED, Mayhouse

NOWHERE: Final = "00000000-0000-4000-8000-00000000dead"
ARCHIVED: Final = "00000000-0000-4000-8000-0000000000e2"
UNPRICED_ROW: Final = "00000000-0000-4000-8000-0000000000c0"
BOOK_EVENT: Final = "0x861a92ec"
CREATE_EVENT_RUN: Final = "0xceeee3c4"
# A wallet of nobody's, its key made up.
OTHER_KEY: Final = "0x" + "5a" * 32
PASSWORD: Final = "hunter2secret"

# anvil's sixth development account, unlocked as all of them are.
STRANGER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"

# Answers every call with nothing, as any contract with a fallback does.
SOME_CONTRACT: Final = "00"
# owner() gives the caller, calculateRequiredStake(..) gives 7 and every other view gives 20: the
# views that a sibling contract shares, and another stake.
SIBLING: Final = (
    "60003560e01c"  # the selector
    "80636ac6790c14602457"  # calculateRequiredStake: jump to 0x24
    "80638da5cb5b14602f57"  # owner: jump to 0x2f
    "601460005260206000f3"  # 20
    "5b600760005260206000f3"  # 0x24: 7
    "5b3360005260206000f3"  # 0x2f: the caller
)

Refusal = Callable[..., dict[str, Any]]


# --- the platform that everything is refused on -----------------------------------------


@pytest.fixture(scope="module")
def platform(
    node_process: ChainNode,
    contract: str,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mayhouse]:
    """One platform for the whole file, since no test here may change it."""
    snapshot = node_process.snapshot()
    with database_server.database() as url:
        query(url, SEED)
        yield Mayhouse(node_process, url, contract, tmp_path_factory.mktemp("platform"))
    node_process.revert(snapshot)


@pytest.fixture(scope="module")
def events(platform: Mayhouse) -> Mapping[str, str]:
    """The numbers of an open event, a full one, a completed one, one begun, and a stranger's.

    Bookings: 1 fills the full event; 2 came to the completed one; of the one begun 3 stands,
    4 is cancelled in the database only, and 5 is a stranger's.
    """
    begun, done = (_soon(platform) for _ in range(2))
    numbers = {"open": platform.create_event(), "full": platform.create_event(seats=1)}
    platform.book(numbers["full"]["chain_event_id"], ASHA)
    platform.book(done, ASHA)
    platform.book(begun, ASHA)
    platform.book(begun, BINA)
    platform.execute(
        "UPDATE event_run_bookings SET booking_status = 'cancelled' WHERE blockchain_booking_id = 4"
    )
    _book_as_stranger(platform, int(begun))
    stranger = _create_as_stranger(platform)
    platform.warp(7200)
    assert platform.json("event", "complete", done, "--all-attended", "-y").data
    return {
        **{name: str(data["chain_event_id"]) for name, data in numbers.items()},
        "begun": begun,
        "done": done,
        "stranger's": stranger,
    }


def _soon(platform: Mayhouse) -> str:
    data = platform.json(*creation(platform, starts_at=platform.starts_in(3600)), "-y").data
    return str(data["chain_event_id"])


def _book_as_stranger(platform: Mayhouse, event: int) -> None:
    platform.node.transact(
        {
            "from": STRANGER,
            "to": platform.contract,
            "value": hex(15 * 10**15),
            "data": BOOK_EVENT + encode(["uint256", "uint256"], [event, 1]).hex(),
        }
    )


def _create_as_stranger(platform: Mayhouse) -> str:
    terms = ["an experience of a stranger's", 10**15, 2, platform.chain_time + 86_400]
    receipt = platform.node.transact(
        {
            "from": STRANGER,
            "to": platform.contract,
            "value": hex(4 * 10**14),
            "data": CREATE_EVENT_RUN
            + encode(["string", "uint256", "uint256", "uint256"], terms).hex(),
        }
    )
    return str(int(receipt["logs"][0]["topics"][1], 16))


def creation(platform: Mayhouse, **terms: str) -> list[str]:
    """Give the words that create a sound event, with some terms given otherwise."""
    sound = {
        "experience": EXPERIENCE_ID,
        "price_inr": "2500",
        "seats": "4",
        "starts_at": platform.starts_in(),
    }
    words = ["event", "create"]
    for name, value in {**sound, **terms}.items():
        words += [f"--{name.replace('_', '-')}", value]
    return words


def everything(platform: Mayhouse) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table, as text."""
    with psycopg.connect(platform.database_url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'mayhouse') AND table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            table: connection.execute(
                f"SELECT one::text FROM {table} AS one ORDER BY 1".encode()  # noqa: S608 own names
            ).fetchall()
            for (table,) in tables
        }


@pytest.fixture
def refusal(platform: Mayhouse) -> Refusal:
    """Run a command that must fail as said and change nothing; gives the error."""

    def run(*words: str, code: int, **changes: str) -> dict[str, Any]:
        before = platform.transactions_sent(), everything(platform)
        run = platform.json(*words, **changes)
        assert run.code == code, run
        assert (platform.transactions_sent(), everything(platform)) == before
        error = run.error
        for text in (error["message"], error["hint"]):
            assert text, error
            assert "\n" not in text
        assert run.err == ""
        return error

    return run


# --- which event, which booking ---------------------------------------------------------


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["event", "show", NOWHERE], 6, id="an event id of no row"),
        pytest.param(["booking", "quote", "999", "--seats", "1"], 6, id="an event nobody made"),
        pytest.param(["booking", "show", "999"], 6, id="a booking nobody made"),
        pytest.param(["event", "show", "0"], 2, id="event zero"),
        pytest.param(["booking", "show", "seven"], 2, id="a booking by a word"),
        pytest.param(["event", "complete", "999", "--all-attended", "-y"], 6, id="completing it"),
    ],
)
def test_what_does_not_exist_is_not_found(refusal: Refusal, words: list[str], code: int) -> None:
    """A name that stands for nothing is repeated in the error."""
    error = refusal(*words, code=code)
    named = next(word for word in words[2:] if not word.startswith("-"))
    assert named in error["message"]
    assert error["code"] == ("not_found" if code == 6 else "usage")


# --- booking ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "seats", "told"),
    [
        pytest.param("full", "1", "sold out", id="a full event"),
        pytest.param("open", "5", "4 seats left", id="more seats than are left"),
        pytest.param("begun", "1", "has begun", id="an event that has begun"),
        pytest.param("stranger's", "1", "no row", id="a stranger's event"),
    ],
)
def test_an_event_does_not_take_a_booking(
    refusal: Refusal, events: Mapping[str, str], event: str, seats: str, told: str
) -> None:
    """What the contract would not take, or should not, is refused before it is signed."""
    words = ["booking", "create", events[event], "--seats", seats, "--traveler", ASHA, "-y"]
    assert told in refusal(*words, code=6)["message"]


def test_an_unknown_traveler_is_not_found(refusal: Refusal, events: Mapping[str, str]) -> None:
    """Whoever books must be a user of the platform."""
    words = ["booking", "create", events["open"], "--seats", "1", "--traveler", NOWHERE, "-y"]
    assert NOWHERE in refusal(*words, code=6)["message"]


# --- the terms of an event --------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "told"),
    [
        pytest.param("2026-11-28T18:00", "no time zone", id="naive"),
        pytest.param("1795867200000", "milliseconds", id="milliseconds"),
        pytest.param("1795867200", "seconds", id="seconds"),
        pytest.param("next friday", "Not a time", id="garbage"),
        pytest.param("2026-02-30T18:00Z", "Not a time", id="a day that does not exist"),
        pytest.param("", "Not a time", id="nothing"),
        pytest.param("2026-11-28T18:00+99:00", "Not a time", id="an impossible offset"),
    ],
)
def test_a_start_must_be_a_time_with_its_zone(
    refusal: Refusal, platform: Mayhouse, start: str, told: str
) -> None:
    """No start is guessed: what is not RFC 3339 with an offset is wrong usage."""
    assert told in refusal(*creation(platform, starts_at=start), "-y", code=2)["message"]


def test_a_naive_start_is_told_with_its_correction(refusal: Refusal, platform: Mayhouse) -> None:
    """The hint is what to type instead."""
    words = creation(platform, starts_at="2026-11-28T18:00")
    assert "2026-11-28T18:00+05:30" in refusal(*words, "-y", code=2)["hint"]


@pytest.mark.parametrize(
    ("days", "told"),
    [pytest.param(-1, "past", id="yesterday"), pytest.param(740, "two years", id="in two years")],
)
def test_a_start_must_lie_in_the_next_two_years(
    refusal: Refusal, platform: Mayhouse, days: int, told: str
) -> None:
    """The past and a mistyped year are refused, by the chain's time."""
    words = creation(platform, starts_at=platform.starts_in(days * 86_400))
    assert told in refusal(*words, "-y", code=6)["message"]


def test_an_event_must_not_end_before_it_starts(refusal: Refusal, platform: Mayhouse) -> None:
    """The two times contradict each other: wrong usage."""
    words = creation(platform, ends_at=platform.starts_in(60))
    assert "end" in refusal(*words, "-y", code=2)["message"]


@pytest.mark.parametrize(
    ("price", "code"),
    [
        pytest.param("0", 6, id="zero"),
        pytest.param("-2500", 2, id="negative"),
        pytest.param("2500.005", 2, id="half a paisa"),
        pytest.param("1e3", 2, id="an exponent"),
        pytest.param("2,500", 2, id="a comma"),
        pytest.param("100000000", 2, id="more than an event's row holds"),
        pytest.param("99999999999", 2, id="more than any row holds"),
    ],
)
def test_a_price_must_be_a_plain_amount_of_rupees(
    refusal: Refusal, platform: Mayhouse, price: str, code: int
) -> None:
    """No price is rounded, guessed or taken for free."""
    refusal(*creation(platform, price_inr=price), "-y", code=code)


def test_an_empty_idempotency_key_is_refused(refusal: Refusal, platform: Mayhouse) -> None:
    """An unset variable in a cron job must not turn the protection off."""
    refusal(*creation(platform), "-y", "--idempotency-key", "", code=2)


def test_a_special_price_of_zero_is_an_error_not_unset(
    refusal: Refusal, platform: Mayhouse
) -> None:
    """A row that says 0 does not fall back to the experience's price."""
    platform.execute(
        "INSERT INTO event_runs (id, experience_id, start_datetime, end_datetime, max_capacity,"
        " special_pricing_inr) VALUES (%s, %s, %s, %s, 4, 0) ON CONFLICT DO NOTHING",
        UNPRICED_ROW,
        EXPERIENCE_ID,
        platform.starts_in(),
        platform.starts_in(90_000),
    )
    assert "zero" in refusal("event", "create", UNPRICED_ROW, "-y", code=6)["message"]


@pytest.mark.parametrize("seats", ["0", "-3", "two", "1.5", "3000000000"])
def test_seats_must_be_a_number_from_one(refusal: Refusal, platform: Mayhouse, seats: str) -> None:
    """Anything else, and more than the database can hold, is wrong usage that names the option."""
    words = creation(platform, seats=seats, price_inr="1")
    assert "--seats" in refusal(*words, "--allow-large", "-y", code=2)["message"]


def test_more_than_300_seats_need_a_word_for_it(refusal: Refusal, platform: Mayhouse) -> None:
    """Booked one by one they could never be completed; the hint names the option."""
    assert "--allow-large" in refusal(*creation(platform, seats="301"), "-y", code=6)["hint"]


def test_more_than_250_seats_are_warned_of(platform: Mayhouse) -> None:
    """Near the gas limit the plan says so, and goes on."""
    run = platform.json(*creation(platform, seats="251"), "--dry-run")
    assert run.code == 0
    assert "251" in run.document["warnings"][0]


def test_an_unknown_experience_is_not_found(refusal: Refusal, platform: Mayhouse) -> None:
    """An event must be of an experience that exists."""
    assert NOWHERE in refusal(*creation(platform, experience=NOWHERE), "-y", code=6)["message"]


def test_an_archived_experience_is_not_offered(refusal: Refusal, platform: Mayhouse) -> None:
    """What the platform took down is not put on chain."""
    platform.execute(
        "INSERT INTO experiences (id, host_id, title, price_inr, status)"
        " VALUES (%s, %s, 'An old walk', 900, 'archived') ON CONFLICT DO NOTHING",
        ARCHIVED,
        HOST_ID,
    )
    assert "archived" in refusal(*creation(platform, experience=ARCHIVED), "-y", code=6)["message"]


# --- chain and contract -----------------------------------------------------------------


def deployed(platform: Mayhouse, runtime: str) -> str:
    """Deploy bytes as they are; gives their address."""
    copy_all_and_return = f"60{len(runtime) // 2:02x}80600b6000396000f3"
    receipt = platform.node.transact(
        {
            "from": STRANGER,
            "data": f"0x{copy_all_and_return}{runtime}",
            "gas": hex(500_000),
        }
    )
    address: str = receipt["contractAddress"]
    return address


def test_another_chain_is_refused(refusal: Refusal, platform: Mayhouse) -> None:
    """A node on another chain than configured: both ids are named."""
    error = refusal(*creation(platform), "-y", code=3, CHAIN_ID="11155111")
    assert error["code"] == "wrong_chain"
    assert "31337" in error["message"]
    assert "11155111" in error["message"]


def test_reading_checks_the_chain_as_well(refusal: Refusal) -> None:
    """A quote from a wrong chain would be worse than none."""
    error = refusal("booking", "quote", "1", "--seats", "1", code=3, CHAIN_ID="11155111")
    assert error["code"] == "wrong_chain"


@pytest.mark.parametrize(
    "runtime",
    [
        pytest.param(SOME_CONTRACT, id="some other contract"),
        pytest.param(SIBLING, id="a sibling with the same views and another stake"),
    ],
)
def test_another_contract_is_refused(refusal: Refusal, platform: Mayhouse, runtime: str) -> None:
    """What stands at the address must price a stake as the contract does."""
    address = deployed(platform, runtime)
    error = refusal(*creation(platform), "-y", code=3, CONTRACT_ADDRESS=address)
    assert error["code"] == "wrong_contract"


def test_an_address_without_code_is_refused(refusal: Refusal, platform: Mayhouse) -> None:
    """A plain account is no contract."""
    account = Account.from_key(OTHER_KEY).address
    error = refusal(*creation(platform), "-y", code=3, CONTRACT_ADDRESS=account)
    assert error["code"] == "wrong_contract"
    assert account in error["message"]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0x1234", id="too short"),
        pytest.param("the contract", id="a word"),
        pytest.param("0x" + PLATFORM[2:].swapcase(), id="a wrong checksum"),
    ],
)
def test_a_malformed_contract_address_is_refused(
    refusal: Refusal, platform: Mayhouse, address: str
) -> None:
    """A mistyped address is found before anything is asked of the chain."""
    refusal(*creation(platform), "-y", code=3, CONTRACT_ADDRESS=address)


# --- keys and funds ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"PLATFORM_PRIVATE_KEY": ""}, id="none"),
        pytest.param({"PLATFORM_PRIVATE_KEY": "0x" + "zz" * 32}, id="no hexadecimal"),
        pytest.param({"PLATFORM_PRIVATE_KEY": OTHER_KEY[:-2]}, id="too short"),
        pytest.param(
            {"PLATFORM_PRIVATE_KEY": OTHER_KEY, "MAYHOUSE_PLATFORM_ADDRESS": PLATFORM},
            id="of another wallet",
        ),
    ],
)
def test_a_wrong_key_is_refused_and_not_repeated(
    refusal: Refusal, platform: Mayhouse, changes: dict[str, str]
) -> None:
    """A key that cannot sign for the platform: exit 3, and no digit of it is shown."""
    error = refusal(*creation(platform), "-y", code=3, **changes)
    assert error["code"] == "credentials"
    assert (
        changes["PLATFORM_PRIVATE_KEY"][2:10] not in json.dumps(error)
        or not changes["PLATFORM_PRIVATE_KEY"]
    )


@pytest.mark.parametrize(
    "balance",
    [
        pytest.param(0, id="not even the value"),
        pytest.param(10**16, id="the value and no gas"),
    ],
)
def test_a_shortfall_is_told_before_anything_is_signed(
    refusal: Refusal, platform: Mayhouse, balance: int
) -> None:
    """A wallet that cannot pay 0.01 ETH and its gas learns how much is missing."""
    sender = Account.from_key(OTHER_KEY).address
    platform.node.rpc("anvil_setBalance", sender, hex(balance))
    error = refusal(*creation(platform), "-y", code=6, PLATFORM_PRIVATE_KEY=OTHER_KEY)
    assert error["code"] == "insufficient_funds"
    assert sender in error["message"]
    assert "short" in error["message"]
    details = {name: int(wei) for name, wei in error["details"].items()}
    assert details["balance_wei"] == balance
    assert details["shortfall_wei"] == details["needed_wei"] - balance > 0


def test_a_fee_above_the_cap_is_refused(refusal: Refusal, platform: Mayhouse) -> None:
    """A cap below the base fee is never exceeded; the remedy names the option."""
    error = refusal(*creation(platform), "-y", "--max-fee", "0.000001", code=6)
    assert error["code"] == "fee_cap"
    assert "--max-fee" in error["hint"]


# --- configuration ----------------------------------------------------------------------


def test_a_missing_config_file_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """A file that was named must be there."""
    missing = str(tmp_path / "none.toml")
    assert missing in refusal("event", "list", "--config", missing, code=3)["message"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("chain_id = = 1\n", "TOML", id="malformed"),
        pytest.param("chain_ld = 31337\n", "chain_ld", id="an unknown key"),
        pytest.param("chain_id = true\n", "chain_id", id="a value of another kind"),
        pytest.param("max_fee_gwei = 1.5\n", "max_fee_gwei", id="a float"),
        pytest.param('platform_private_key = "0x00"\n', "must not", id="a private key"),
    ],
)
def test_a_wrong_config_file_is_refused(
    refusal: Refusal, tmp_path: Path, text: str, told: str
) -> None:
    """What is wrong in it is named."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    error = refusal("event", "list", "--config", str(file), code=3, CHAIN_ID="")
    assert told in error["message"]


def test_an_unknown_key_is_answered_with_the_nearest(refusal: Refusal, tmp_path: Path) -> None:
    """A typing error is corrected."""
    file = tmp_path / "config.toml"
    file.write_text("chain_ld = 31337\n")
    assert "chain_id?" in refusal("event", "list", "--config", str(file), code=3)["hint"]


@pytest.mark.parametrize("name", ["BLOCKCHAIN_RPC_URL", "DATABASE_URL"])
def test_what_is_not_configured_is_named(refusal: Refusal, platform: Mayhouse, name: str) -> None:
    """Without a setting it needs, the command names the variable to set."""
    error = refusal(*creation(platform), "-y", code=3, **{name: ""})
    assert name in error["hint"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"ETH_PRICE_INR": ""}, "No price of ETH", id="missing"),
        pytest.param({"ETH_PRICE_INR": "2000000"}, "off the last one", id="an extra digit"),
        pytest.param(
            {"MAYHOUSE_ETH_PRICE_AS_OF": (datetime.now(UTC) - timedelta(hours=2)).isoformat()},
            "minutes old",
            id="two hours old",
        ),
    ],
)
@pytest.mark.usefixtures("events")
def test_a_rate_that_cannot_be_trusted_is_refused(
    refusal: Refusal, platform: Mayhouse, changes: dict[str, str], told: str
) -> None:
    """There is no falling back to another number: exit 3."""
    assert told in refusal(*creation(platform), "-y", code=3, **changes)["message"]


# --- the node ---------------------------------------------------------------------------


class _Answers(BaseHTTPRequestHandler):
    """Answers every request with the server's status and body."""

    status = 200
    body = b"<html><body>Gateway</body></html>"

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Fails(_Answers):
    status = 500


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve a node that is none; gives its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """Take connections and answer nothing; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def refusing() -> Iterator[str]:
    """Give the URL of a port where nobody listens."""
    with closed_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def html() -> Iterator[str]:
    """Serve a page, as a proxy or captive portal does."""
    with answering(_Answers) as url:
        yield url


@contextmanager
def failing() -> Iterator[str]:
    """Serve HTTP 500."""
    with answering(_Fails) as url:
        yield url


@pytest.mark.parametrize("node", [refusing, html, failing, silent])
def test_a_node_that_does_not_serve_is_unreachable(
    refusal: Refusal, platform: Mayhouse, node: Callable[[], Any]
) -> None:
    """Exit 5, safe to run again, within the time-out and what starting takes."""
    with node() as url:
        began = time.monotonic()
        error = refusal(
            *creation(platform), "-y", "--timeout", "2", code=5, BLOCKCHAIN_RPC_URL=f"{url}/v3/k3y"
        )
        took = time.monotonic() - began
    assert (error["code"], error["retryable"]) == ("rpc_unreachable", True)
    assert "k3y" not in json.dumps(error)
    assert took < 2 + 2


# --- the database -----------------------------------------------------------------------


def test_a_database_that_refuses_is_unreachable(refusal: Refusal, platform: Mayhouse) -> None:
    """Exit 5, safe to run again, and the password stays out of the message."""
    with closed_port() as port:
        url = f"postgresql://mayhouse:{PASSWORD}@127.0.0.1:{port}/mayhouse"
        error = refusal(*creation(platform), "-y", code=5, DATABASE_URL=url)
    assert (error["code"], error["retryable"]) == ("database_unreachable", True)
    assert PASSWORD not in json.dumps(error)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgres//mayhouse:{PASSWORD}@localhost/mayhouse", id="no colon"),
        pytest.param(f"postgresql://mayhouse:{PASSWORD}/x@localhost/mayhouse", id="a slash in it"),
        pytest.param(f"postgresql://mayhouse:{PASSWORD}%zz@localhost/mayhouse", id="a bad escape"),
    ],
)
def test_a_malformed_database_url_is_refused_without_its_password(
    refusal: Refusal, url: str
) -> None:
    """Exit 3, and no part of the URL that may be a password is repeated."""
    error = refusal("event", "list", code=3, DATABASE_URL=url)
    assert PASSWORD not in json.dumps(error)


def _read_message(connection: socket.socket, *, typed: bool) -> bytes:
    """Read one message of the Postgres protocol."""
    if typed:
        connection.recv(1)
    (length,) = struct.unpack("!I", connection.recv(4))
    return connection.recv(length - 4)


def _refuse_password(server: socket.socket) -> None:
    """Speak as a Postgres that knows another password."""
    connection, _ = server.accept()
    with connection:
        while _read_message(connection, typed=False)[:2] == struct.pack("!H", 1234):
            connection.sendall(b"N")  # no encryption here
        connection.sendall(b"R" + struct.pack("!II", 8, 3))  # send the password
        _read_message(connection, typed=True)
        fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user\0\0"
        connection.sendall(b"E" + struct.pack("!I", 4 + len(fields)) + fields)


def test_a_wrong_database_password_is_refused(refusal: Refusal) -> None:
    """Exit 3: running it again would not help."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_refuse_password, args=(server,), daemon=True)
        thread.start()
        url = f"postgresql://mayhouse:{PASSWORD}@127.0.0.1:{server.getsockname()[1]}/mayhouse"
        error = refusal("event", "list", code=3, DATABASE_URL=url)
    assert PASSWORD not in json.dumps(error)


def test_a_database_that_was_not_migrated_is_9(
    refusal: Refusal, platform: Mayhouse, empty_database_url: str
) -> None:
    """The remedy is named, and the empty database stays empty."""
    error = refusal(*creation(platform), "-y", code=9, DATABASE_URL=empty_database_url)
    assert error["code"] == "migrations"
    assert "mayhouse migrate" in error["hint"]
    tables = query(empty_database_url, "SELECT FROM pg_tables WHERE schemaname = 'public'")
    assert not tables


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("chain_id", "11155111"),
        ("contract", "0x09aB660CEac220678b42E0e23DebCb1475e1eAD5"),
        ("sender", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        ("genesis_hash", "0x" + "ab" * 32),
    ],
)
@pytest.mark.usefixtures("events")
def test_a_database_of_another(
    refusal: Refusal, platform: Mayhouse, column: str, value: str
) -> None:
    """A database bound to another chain, contract or wallet records nothing of this one."""
    pinned = platform.row("SELECT * FROM mayhouse.installation")[column]
    change = f"UPDATE mayhouse.installation SET {column} = %s"  # noqa: S608 a column named above
    platform.execute(change, value)
    try:
        error = refusal(*creation(platform), "-y", code=3)
    finally:
        platform.execute(change, pinned)
    assert error["code"] == "wrong_chain"
    assert value in error["message"]


# --- completing -------------------------------------------------------------------------


def test_an_event_is_not_completed_before_its_start(
    refusal: Refusal, events: Mapping[str, str]
) -> None:
    """By the chain's time, and it says when that is."""
    words = ["event", "complete", events["open"], "--nobody-attended", "-y"]
    assert "has not begun" in refusal(*words, code=6)["message"]


def test_completing_again_with_other_lists_is_refused(
    refusal: Refusal, events: Mapping[str, str]
) -> None:
    """Who came was said once; another answer is a contradiction."""
    words = ["event", "complete", events["done"], "--nobody-attended", "-y"]
    assert refusal(*words, code=6)["code"] == "intent_conflict"


@pytest.mark.parametrize(
    ("attended", "code"),
    [
        pytest.param("999", 6, id="an unknown number"),
        pytest.param("1", 6, id="a booking of another event"),
        pytest.param("3,3", 2, id="the same twice"),
        pytest.param("0", 2, id="zero"),
        pytest.param("", 2, id="nothing"),
    ],
)
def test_attended_must_name_active_bookings_of_the_event_once(
    refusal: Refusal, events: Mapping[str, str], attended: str, code: int
) -> None:
    """Whatever else is named is found before the contract would revert."""
    words = ["event", "complete", events["begun"], f"--attended={attended}", "-y"]
    error = refusal(*words, code=code)
    assert error["code"] == ("not_found" if code == 6 else "usage")


def test_a_booking_cannot_have_come_and_not(refusal: Refusal, events: Mapping[str, str]) -> None:
    """The two lists contradict each other: wrong usage."""
    words = ["event", "complete", events["begun"], "--attended", "3,4,5", "--no-show", "4", "-y"]
    assert "4" in refusal(*words, code=2)["message"]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="nothing"),
        pytest.param(["--all-attended", "--nobody-attended"], id="two contradicting ways"),
    ],
)
def test_who_came_must_be_said(
    refusal: Refusal, events: Mapping[str, str], more: list[str]
) -> None:
    """An empty list would keep every stake: it is never assumed."""
    refusal("event", "complete", events["begun"], *more, "-y", code=2)


@pytest.mark.parametrize(
    ("named", "undecided"),
    [
        pytest.param("3,4", 5, id="a stranger's booking"),
        pytest.param("3,5", 4, id="a booking cancelled only in the database"),
    ],
)
def test_an_active_booking_that_must_be_named_is_listed(
    refusal: Refusal, events: Mapping[str, str], named: str, undecided: int
) -> None:
    """What is active on chain and not the platform's to decide silently is listed: exit 6."""
    words = ["event", "complete", events["begun"], "--attended", named, "-y"]
    error = refusal(*words, code=6)
    assert error["details"]["chain_booking_ids"] == [undecided]
    assert str(undecided) in error["message"]


def test_everyone_attended_does_not_cover_what_must_be_named(
    refusal: Refusal, events: Mapping[str, str]
) -> None:
    """--all-attended speaks for the platform's bookings only."""
    words = ["event", "complete", events["begun"], "--all-attended", "-y"]
    assert refusal(*words, code=6)["details"]["chain_booking_ids"] == [4, 5]


def test_a_stranger_who_is_named_can_be_completed(
    platform: Mayhouse, events: Mapping[str, str]
) -> None:
    """Named in either list, the same bookings stand in nobody's way."""
    words = ["event", "complete", events["begun"], "--attended", "3,5", "--no-show", "4"]
    data = platform.json(*words, "--dry-run").data
    assert [one["chain_booking_id"] for one in data["attended"]] == [3, 5]
    assert [one["chain_booking_id"] for one in data["no_show"]] == [4]
    assert data["attended"][1]["booking_id"] is None


# --- cancelling -------------------------------------------------------------------------


def test_only_the_host_can_cancel(refusal: Refusal, events: Mapping[str, str]) -> None:
    """A stranger's event is refused, naming who would have to sign."""
    words = ["event", "cancel", events["stranger's"], "--reason", "rain", "--plan"]
    assert STRANGER in refusal(*words, code=6)["message"]


def test_yes_alone_does_not_cancel_where_nobody_can_be_asked(
    refusal: Refusal, events: Mapping[str, str]
) -> None:
    """Exit 4; the way over a plan and its hash is named."""
    error = refusal("event", "cancel", events["open"], "--reason", "rain", "-y", code=4)
    assert "--plan" in error["hint"]
    assert "--execute" in error["hint"]


@pytest.mark.parametrize("words", [[], ["--reason", "  "]], ids=["none", "blanks"])
def test_a_cancellation_needs_a_reason(
    refusal: Refusal, events: Mapping[str, str], words: list[str]
) -> None:
    """Refunding everyone is written down with why."""
    error = refusal("event", "cancel", events["open"], *words, "--plan", code=2)
    assert "reason" in error["message"]


def test_an_unknown_plan_is_not_found(refusal: Refusal, events: Mapping[str, str]) -> None:
    """A hash that no plan has carries nothing out."""
    error = refusal("event", "cancel", events["open"], "--execute", "ab" * 32, code=6)
    assert error["code"] == "not_found"


# --- usage ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["event", "show"], id="a missing argument"),
        pytest.param(["booking", "quote", "1"], id="a missing option"),
        pytest.param(["event", "creat"], id="an unknown verb"),
        pytest.param(["evnt", "list"], id="an unknown noun"),
        pytest.param(["event", "list", "--sort"], id="an unknown option"),
        pytest.param(["event", "list", "--limit", "few"], id="a value of another kind"),
        pytest.param(["event", "list", "extra"], id="an argument too many"),
        pytest.param(["event", "list", "--timeout", "0"], id="a time-out of zero"),
        pytest.param(["event", "create"], id="nothing of a new event"),
        pytest.param(["booking", "create", "1", "--seats", "1"], id="a booking for nobody"),
    ],
)
def test_wrong_usage_is_2_with_a_document(refusal: Refusal, words: list[str]) -> None:
    """Also where the command line itself cannot be read, --json gives one document."""
    assert refusal(*words, code=2)["code"] == "usage"
