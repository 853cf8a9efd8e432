"""A wallet that is used elsewhere is noticed."""

from tests.mayhouse import PLATFORM, Mayhouse


def test_doctor_names_the_nonces_that_others_have_used(mayhouse: Mayhouse) -> None:
    """A transaction sent by another program with our key is a warning with its nonce."""
    mayhouse.create_event()
    ours = mayhouse.transactions_sent() - 1
    before = mayhouse.json("doctor").data["checks"]
    mayhouse.node.transact({"from": PLATFORM, "to": PLATFORM, "value": "0x1"})
    after = mayhouse.json("doctor").data["checks"]
    states = [
        next(check for check in checks if check["name"] == "wallet used elsewhere")
        for checks in (before, after)
    ]
    assert [state["state"] for state in states] == ["ok", "warning"]
    assert f"nonces {ours + 1}" in states[1]["detail"]
