"""Another wallet takes over signing: the balance moves, nothing is stranded or lost by a kill."""

import random
from pathlib import Path
from typing import Any, Final

import pytest

from mayhouse_cli.keystore import Keystore
from tests.faults.processes import start
from tests.faults.rotation_kills import STEPS, die_at_step
from tests.mayhouse import PLATFORM, PLATFORM_KEY, Mayhouse, Run

PASSWORD: Final = "correct horse battery"
ETHER: Final = 10**18
ROTATE: Final = ("wallet", "rotate", "platform-2", "-y", "--json")


@pytest.fixture
def platform(mayhouse: Mayhouse) -> Mayhouse:
    """The platform with its key in a keystore, as a config file says."""
    folder = mayhouse.folder
    Keystore(folder / "keystore", 2).add_key("platform", bytes.fromhex(PLATFORM_KEY[2:]), PASSWORD)
    path = folder / "config.toml"
    path.write_text(
        f'# ours\nwallet = "platform"\nplatform_address = "{PLATFORM}"\n#owner_address = "0x1"\n'
    )
    path.chmod(0o600)
    mayhouse.settings |= {
        "PLATFORM_PRIVATE_KEY": "",
        "MAYHOUSE_KEYSTORE_PASSWORD": PASSWORD,
        "MAYHOUSE_MAX_DAILY_ETH": "1",  # which does not hold the balance's move up
    }
    return mayhouse


def balance(mayhouse: Mayhouse, address: str) -> int:
    """What an account holds, in wei."""
    return int(mayhouse.node.rpc("eth_getBalance", address, "latest"), 16)


def installation(mayhouse: Mayhouse) -> dict[str, Any]:
    """The database's one row."""
    return mayhouse.row("SELECT sender, rotating_to FROM mayhouse.installation")


def demand_rotated(mayhouse: Mayhouse, run: Run) -> str:
    """Everything says the same of the new signer, and it can sign; gives its address."""
    data = run.data
    new = data["new_address"]
    assert data["complete"]
    assert {one["state"] for one in data["steps"]} == {"done"}
    text = (mayhouse.folder / "config.toml").read_text()
    for line in ('wallet = "platform-2"', f'platform_address = "{new}"', "# ours"):
        assert line in text
    assert f'owner_address = "{PLATFORM}"' in text
    assert installation(mayhouse) == {"sender": new, "rotating_to": None}
    sweeps = mayhouse.rows("SELECT status FROM mayhouse.transactions WHERE kind = 'transfer'")
    assert sweeps == [{"status": "confirmed"}]
    assert balance(mayhouse, new) > 9_000 * ETHER
    assert balance(mayhouse, PLATFORM) < ETHER // 100
    mayhouse.create_event()
    row = mayhouse.row("SELECT sender FROM mayhouse.transactions WHERE kind = 'create_event'")
    assert row["sender"] == new
    return str(new)


def test_a_rotation_moves_everything_to_a_new_key(platform: Mayhouse) -> None:
    """A dry run makes nothing; the rotation itself, once it is complete, does nothing again."""
    planned = platform.json("wallet", "rotate", "--dry-run").data
    assert (planned["wallet"], planned["complete"]) == ("platform-2", False)
    assert planned["owner_stays"] == PLATFORM
    assert [one["name"] for one in planned["steps"]] == [
        "keystore", "begun", "swept", "bound", "configured", "done",
    ]  # fmt: skip
    assert not (platform.folder / "keystore/platform-2.json").exists()
    new = demand_rotated(platform, platform.run(*ROTATE))
    again = platform.run(*ROTATE).data
    assert (again["complete"], again["new_address"]) == (True, new)
    roles = platform.rows("SELECT address, role FROM mayhouse.wallets WHERE role = 'platform'")
    assert roles == [{"address": new, "role": "platform"}]


def test_what_would_be_stranded_refuses_a_rotation(platform: Mayhouse) -> None:
    """Open events and active bookings need the old key; all of them are named."""
    event = platform.create_event()
    booking = platform.book(event["chain_event_id"], "00000000-0000-4000-8000-0000000000a1")
    run = platform.run(*ROTATE)
    assert run.code == 6
    assert run.error["details"] == {
        "events": [event["chain_event_id"]],
        "bookings": [booking["chain_booking_id"]],
        "transactions": [],
    }
    assert not (platform.folder / "keystore/platform-2.json").exists()
    assert installation(platform)["rotating_to"] is None


def test_nothing_else_signs_during_a_rotation(platform: Mayhouse) -> None:
    """Begun and killed: other commands name the one that finishes it."""
    killed = start(
        *ROTATE,
        env=platform.environment,
        folder=platform.folder,
        prepare=die_at_step,
        arguments=("commit of PostgresInstallation.begin_rotation",),
    ).wait()
    assert killed.code == -9
    words = ("event", "create", "--experience", "00000000-0000-4000-8000-0000000000e1")
    more = ("--price-inr", "2500", "--seats", "4", "--starts-at", platform.starts_in(), "-y")
    refused = platform.json(*words, *more)
    assert (refused.code, "wallet rotate platform-2" in refused.error["hint"]) == (6, True)
    demand_rotated(platform, platform.run(*ROTATE))


def test_a_signer_from_the_environment_is_not_rotated(platform: Mayhouse) -> None:
    """A variable would go on naming the old wallet."""
    run = platform.run(*ROTATE, MAYHOUSE_WALLET="platform")
    assert (run.code, "environment MAYHOUSE_WALLET" in run.error["message"]) == (3, True)


def test_a_freeze_refuses_a_rotation_that_is_not_meant(platform: Mayhouse) -> None:
    """With --while-frozen it runs, and the freeze stays."""
    platform.json("freeze", "--reason", "leak")
    assert platform.run(*ROTATE).code == 6
    assert platform.run(*ROTATE, "--while-frozen").data["complete"]
    assert platform.row("SELECT frozen FROM mayhouse.installation")["frozen"]


def kill_and_go_on(platform: Mayhouse, step: str) -> None:
    """Kill a rotation at a step, run it again, and look at everything."""
    killed = start(
        *ROTATE,
        env=platform.environment,
        folder=platform.folder,
        prepare=die_at_step,
        arguments=(step,),
    ).wait()
    assert killed.code == -9, (step, killed)
    again = start(*ROTATE, env=platform.environment, folder=platform.folder).wait()
    demand_rotated(platform, again)


@pytest.mark.parametrize("step", random.Random(7).sample(STEPS, 3))
def test_a_killed_rotation_goes_on(platform: Mayhouse, step: str) -> None:
    """Run again, it ends as if nothing had happened: one key, one sweep, one signer."""
    kill_and_go_on(platform, step)


@pytest.mark.sweep
@pytest.mark.parametrize("step", STEPS)
def test_a_rotation_killed_at_any_step_goes_on(platform: Mayhouse, step: str) -> None:
    """Before and after everything that is kept anywhere."""
    kill_and_go_on(platform, step)


def test_the_folder_is_left_tidy(platform: Mayhouse) -> None:
    """Both keystores and the config file, nothing half written."""
    platform.run(*ROTATE)
    left = {path.name for path in Path(platform.folder / "keystore").iterdir()}
    assert left == {"platform.json", "platform-2.json"}
