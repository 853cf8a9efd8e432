"""config.example.toml: complete, true to the defaults, and usable line by line."""

import re
from pathlib import Path

import pytest

from mayhouse_cli.config import BY_KEY, SETTINGS, example_toml, load_config

EXAMPLE = Path(__file__).parent.parent.parent / "config.example.toml"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
# A setting stands behind a # without a space; a comment has one.
ASSIGNMENTS = [line[1:] for line in LINES if re.match(r"#[a-z]", line)]


def load(path: Path) -> dict[str, object]:
    """Load one file with an empty environment."""
    config = load_config(path, environment={}, working_folder=path.parent)
    return {key: config.values[key] for key in config.origins}


def test_it_loads_as_it_is() -> None:
    """Copied and not edited, it sets nothing and breaks nothing."""
    config = load_config(EXAMPLE, environment={}, working_folder=EXAMPLE.parent)
    assert set(config.origins.values()) == {"default"}


def test_it_is_made_of_the_table_of_settings() -> None:
    """`init` writes the same text; after a change, write the file anew with `example_toml()`."""
    assert EXAMPLE.read_text(encoding="utf-8") == example_toml()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_it_names_every_setting_and_its_variable(setting: object) -> None:
    """Nothing can be configured that it does not show."""
    key = getattr(setting, "key", "")
    text = " ".join(LINES)
    assert any(
        name == line.split(" = ")[0] for line in ASSIGNMENTS for name in BY_KEY[key].names_in_file
    )
    assert BY_KEY[key].environment_name in text


@pytest.mark.parametrize(
    "setting", [one for one in SETTINGS if one.default is not None], ids=lambda setting: setting.key
)
def test_the_default_it_shows_is_the_real_one(setting: object, tmp_path: Path) -> None:
    """Uncommented, a default changes nothing."""
    key = getattr(setting, "key", "")
    (line,) = [line for line in ASSIGNMENTS if line.startswith(f"{key} = ")]
    path = tmp_path / "config.toml"
    path.write_text(line)
    assert load(path)[key] == load(EXAMPLE)[key]


@pytest.mark.parametrize("line", ASSIGNMENTS, ids=lambda line: line.split(" = ")[0])
def test_each_line_can_be_uncommented_by_itself(line: str, tmp_path: Path) -> None:
    """Every example value is accepted by the setting that it stands for."""
    path = tmp_path / "config.toml"
    path.write_text("\n".join(line if other == f"#{line}" else other for other in LINES))
    key = re.sub("_(file|command)$", "", line.split(" = ", maxsplit=1)[0])
    config = load_config(path, environment={}, working_folder=tmp_path)
    assert config.origins[key].startswith(str(path))


def test_everything_it_names_can_be_set_at_once(tmp_path: Path) -> None:
    """No example contradicts another."""
    path = tmp_path / "config.toml"
    path.write_text("\n".join(ASSIGNMENTS))
    assert set(load(path)) == set(BY_KEY)
