"""The operators' log: every change has a row, which can be read and not be taken back."""

from tests.mayhouse import ASHA, Mayhouse


def test_what_is_signed_is_logged_with_its_record(mayhouse: Mayhouse) -> None:
    """Who, what, when, with which arguments, which transaction, and what it rested on."""
    event = mayhouse.create_event()
    booking = mayhouse.book(event["chain_event_id"], ASHA, 2)
    other = mayhouse.create_event()
    entries = mayhouse.json("log").data["entries"]
    assert [one["command"] for one in entries] == ["event.create", "booking.create", "event.create"]
    assert [one["transaction_id"] for one in entries] == [
        one["transaction_id"] for one in (other, booking, event)
    ]
    booked = entries[1]
    row = mayhouse.row("SELECT actor FROM mayhouse.transactions WHERE kind = 'book_event'")
    assert booked["actor"] == row["actor"]
    assert (booked["arguments"]["seats"], booked["arguments"]["traveler_id"]) == (2, ASHA)
    assert booked["before"]["stake_percent"] == 20
    of_event = mayhouse.json("log", "--event", str(event["chain_event_id"])).data["entries"]
    assert of_event == entries[1:]


def test_a_wallet_is_logged_without_its_key(mayhouse: Mayhouse) -> None:
    """Name and address are kept; neither the key nor the password is."""
    password = mayhouse.folder / "password"
    password.write_text("correct horse battery staple")
    password.chmod(0o600)
    made = mayhouse.json("wallet", "new", "treasury", "--password-file", "password").data
    (entry,) = mayhouse.json("log").data["entries"]
    assert entry["command"] == "wallet.new"
    assert entry["arguments"] == {
        "name": "treasury", "address": made["address"], "role": "other",
    }  # fmt: skip


def test_migrating_is_logged(mayhouse: Mayhouse, empty_database_url: str) -> None:
    """The first row of a new database says who made its schema; a second run adds none."""
    for _ in range(2):
        assert mayhouse.run("migrate", DATABASE_URL=empty_database_url).code == 0
    (entry,) = mayhouse.json("log", DATABASE_URL=empty_database_url).data["entries"]
    assert entry["command"] == "migrate"
    assert "003_mayhouse_schema.sql" in entry["arguments"]["applied"]


def test_the_log_is_read_as_a_table(mayhouse: Mayhouse) -> None:
    """One line a change."""
    mayhouse.json("contract", "set-fee", "6", "-y")
    out = mayhouse.run("log").out
    assert out.count("contract.set-fee") == 2
    assert "percent 6" in out
