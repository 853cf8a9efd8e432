"""What the process knows as secret is masked in every form, and nothing else is."""

import json
import string
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mayhouse_cli.redaction import MASK, Redaction

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
PASSWORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=8)


def knowing(*secrets: str) -> Redaction:
    """Give a redaction that has learned these."""
    redaction = Redaction()
    redaction.learn(secrets)
    return redaction


@pytest.mark.parametrize("known", [KEY, f"0x{KEY}", f"0x{KEY.upper()}", f" {KEY}\n"])
@pytest.mark.parametrize(
    "printed", [KEY, KEY.upper(), f"0x{KEY}", f"0X{KEY.upper()}", str(int(KEY, 16))]
)
def test_a_key_is_found_however_it_is_written(known: str, printed: str) -> None:
    """With 0x or without, in any case, and as the number that libraries take it for."""
    assert knowing(known).masked(f"key {printed}.") == f"key {MASK}."


@pytest.mark.parametrize(
    "printed",
    [
        "https://user:pass-word@node.example.com:8545/v3/0123abcdKEY?token=t0kent0ken",
        "host='node.example.com', port=8545 with url: /v3/0123abcdKEY?token=t0kent0ken",
        "POST /v3/0123abcdKEY HTTP/1.1",
        "path ['v3', '0123abcdKEY'], query {'token': 't0kent0ken'}",
        "auth ('user', 'pass-word')",
    ],
)
def test_of_a_nodes_url_every_part_but_the_place_is_masked(printed: str) -> None:
    """As a whole, and in the pieces that HTTP libraries print."""
    url = "https://user:pass-word@node.example.com:8545/v3/0123abcdKEY?token=t0kent0ken"
    masked = knowing(url).masked(printed)
    assert not any(part in masked for part in ("pass-word", "0123abcdKEY", "t0kent0ken"))
    assert ("node.example.com" in printed) == ("node.example.com" in masked)
    assert ("8545" in printed) == ("8545" in masked)


def test_each_of_several_urls_is_masked() -> None:
    """They stand in one variable."""
    known = knowing("https://a.example.com/v3/keykey-one-1, https://b.example.com/v2/keykey-two-2")
    masked = known.masked("a.example.com/v3/keykey-one-1 b.example.com/v2/keykey-two-2")
    assert masked == f"a.example.com{MASK} b.example.com{MASK}"


def test_words_of_a_public_address_stay() -> None:
    """A price's address has words in it that messages need."""
    known = knowing("https://api.example.com/api/v3/simple/price?ids=ethereum&vs_currencies=inr")
    told = "ethereum.inr is no number: the price at api.example.com"
    assert known.masked(told) == told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hun@hunter2xyz@db.example.com/app",
        '"postgresql://user:hunter2xyz@db.example.com/app"',
        "jdbc:postgresql://db.example.com/app?user=user&password=hunter2xyz",
        "postgresql+psycopg://user:hunter2xyz@db.example.com/app",
        "postgresql://user:hunter2xyz%zz@db.example.com/app",
        "postgresql:// user : hunter2xyz @db.example.com/app",
        "host=db.example.com user=user password=hunter2xyz",
        "user:hunter2xyz@db.example.com/app",
        "postgresql://user:hunter2xyz",
    ],
)
def test_the_password_of_a_malformed_url_is_masked(url: str) -> None:
    """By whatever reading of it, and also where it is printed alone."""
    assert "hunter2xyz" not in knowing(url).masked(f"{url} hunter2xyz")


@given(password=PASSWORDS, other=st.sampled_from(["", "?x=1", "#", "/"]))
def test_a_databases_password_is_masked_raw_and_decoded(password: str, other: str) -> None:
    """What libpq prints is decoded, what stands in the URL is not."""
    assume("user" not in password and "app" not in password)
    known = knowing(f"postgresql://user:{quote(password, safe='')}@db.example.com/app{other}")
    for printed in (password, quote(password, safe=""), json.dumps(password)):
        assert MASK in known.masked(f"<{printed}>")


@given(text=st.text(string.printable), short=st.text(string.printable, max_size=3))
def test_a_very_short_secret_garbles_nothing(text: str, short: str) -> None:
    """The password `a` would turn every message into stars, and be told by them."""
    assert knowing(short).masked(text) == text


def test_a_short_secret_is_masked_by_itself_alone() -> None:
    """It stands in amounts by chance."""
    known = knowing("5000", "spice")
    told = "25000 wei, 5000.00 INR, 0.5000 ETH, spices"
    assert known.masked(told) == told
    assert known.masked("password 5000, or spice") == f"password {MASK}, or {MASK}"


def test_a_password_that_is_the_users_name_is_no_secret() -> None:
    """`postgres:postgres@.../postgres` is a habit, and every message names the database."""
    known = knowing("postgresql://postgres:postgres@localhost:5432/postgres")
    assert known.masked("postgres at localhost:5432") == "postgres at localhost:5432"


def test_a_document_keeps_its_numbers_and_its_words() -> None:
    """Masked as one text, it would lose its shape to a secret that is a number or a word."""
    known = knowing("31337000", "warnings")
    document = {"warnings": ["31337000 warnings"], "nonce": 31337000, "a b": None}
    masked = known.masked_document(document)
    assert masked == {"warnings": [f"{MASK} {MASK}"], "nonce": 31337000, "a b": None}


def test_what_was_learned_is_kept() -> None:
    """Another setting that is read later forgets none."""
    known = knowing("first-secret")
    known.learn(["second-secret"])
    assert known.masked("first-secret second-secret") == f"{MASK} {MASK}"
