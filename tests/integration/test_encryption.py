"""Encrypted connections to a real server: nothing is said to one that is not the right one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.mayhouse import Mayhouse
from tests.pooler import Pooler, make_certificate

NAME: Final = "localhost"


@pytest.fixture
def server(database_url: str, folder: Path) -> Iterator[Pooler]:
    """A pooler whose certificate is for one name, by an authority of its own."""
    folder.chmod(0o755)
    with Pooler(database_url, make_certificate(folder, NAME)) as running:
        yield running


def look(mayhouse: Mayhouse, url: str) -> tuple[int, str]:
    """Read from the database by a URL; gives the code, and the error's message."""
    ended = mayhouse.json("event", "list", DATABASE_URL=url)
    return ended.code, (ended.document["error"] or {}).get("message", "")


def test_a_verified_server_is_talked_to(mayhouse: Mayhouse, server: Pooler) -> None:
    """Its authority is named in the URL, and its certificate is for the host."""
    url = server.encrypted_url(NAME, mayhouse.folder / "authority.crt")
    assert look(mayhouse, url) == (0, "")


def test_a_server_of_another_name_is_refused(mayhouse: Mayhouse, server: Pooler) -> None:
    """The right authority, and still not the host that was asked for."""
    url = server.encrypted_url("127.0.0.1", mayhouse.folder / "authority.crt")
    code, message = look(mayhouse, url)
    assert code == 3
    assert "cannot be verified" in message


def test_a_server_of_another_authority_is_refused(
    mayhouse: Mayhouse, server: Pooler, tmp_path: Path
) -> None:
    """The right name, claimed by somebody else."""
    other = make_certificate(tmp_path, NAME)
    code, message = look(mayhouse, server.encrypted_url(NAME, other.authority))
    assert code == 3
    assert "cannot be verified" in message
