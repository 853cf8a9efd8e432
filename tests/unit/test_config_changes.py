"""Changing settings of a config file that a person wrote: line by line, or not at all."""

import tomllib
from pathlib import Path

import pytest

from mayhouse_cli.config import change_config, changed_toml, example_toml
from mayhouse_cli.errors import ConfigurationError

PATH = Path("config.toml")
NEW = {"wallet": "platform-2", "platform_address": "0x" + "1" * 40}


def test_a_line_is_changed_in_its_place() -> None:
    """Comments, order and everything else stay as they were."""
    text = '# ours\nwallet = "platform"  # the hot one\nchain_id = 5\n'
    changed = changed_toml(text, PATH, NEW)
    assert changed.startswith('# ours\nwallet = "platform-2"\nchain_id = 5\n')
    assert tomllib.loads(changed) == {"chain_id": 5, **NEW}


def test_an_explained_key_is_set_where_it_is_explained() -> None:
    """In a file that `mayhouse init` wrote nothing is added at the end."""
    changed = changed_toml(example_toml(), PATH, NEW)
    assert tomllib.loads(changed) == NEW
    assert len(changed.splitlines()) == len(example_toml().splitlines())


def test_what_cannot_be_changed_line_by_line_is_refused(tmp_path: Path) -> None:
    """The file stays as it was."""
    path = tmp_path / "config.toml"
    text = 'wallet = """\nplatform"""\n'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="line by line"):
        change_config(path, NEW)
    assert path.read_text() == text


def test_a_changed_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever its mode was."""
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o644)
    change_config(path, NEW)
    assert path.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(path.read_text()) == NEW
