"""JSON over the web, against a real server: whole, in time, and nothing of the address told."""

import json
import time
from collections.abc import Iterator

import pytest

from mayhouse_cli.errors import ConfigurationError, MayhouseError, Unreachable
from mayhouse_cli.ports import Deadline
from mayhouse_cli.web import JsonPage
from tests.json_server import JsonServer


@pytest.fixture
def server() -> Iterator[JsonServer]:
    """A server that answers with an empty object."""
    with JsonServer("{}") as server:
        yield server


def page(url: str, seconds: float = 5) -> JsonPage:
    """That address, named by the setting `alert_url`."""
    return JsonPage(url, "alert_url", Deadline(seconds))


def test_a_document_is_handed_over_whole(server: JsonServer) -> None:
    """As JSON, with the address as it is configured."""
    page(server.url).post({"text": "₹5 left", "wei": "1"})
    ((method, path, body),) = server.heard
    assert (method, path) == ("POST", "/price?key=SECRET-KEY")
    assert json.loads(body) == {"text": "₹5 left", "wei": "1"}


@pytest.mark.parametrize(
    ("status", "error"),
    [(204, None), (301, ConfigurationError), (403, ConfigurationError), (503, Unreachable)],
)
def test_what_is_posted_is_not_sent_on(
    server: JsonServer, status: int, error: type[MayhouseError] | None
) -> None:
    """Success needs no body; a redirect is refused, whoever it points to."""
    server.status, server.headers = status, {"Location": server.url}
    if error is None:
        page(server.url).post({})
    else:
        with pytest.raises(error, match=r"127\.0\.0\.1") as failure:
            page(server.url).post({})
        assert "SECRET" not in failure.value.message + (failure.value.hint or "")
        assert "alert_url" in (failure.value.hint or "") or status == 503
    assert len(server.heard) == 1


def test_a_server_that_drips_is_left_in_time(server: JsonServer) -> None:
    """Though each of its bytes comes at once."""
    server.drips = True
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
        page(server.url, 0.3).read()
    assert time.monotonic() - began < 2


def test_an_address_that_no_library_takes_is_a_setting_to_mend() -> None:
    """The library's exception would show it whole."""
    with pytest.raises(ConfigurationError, match="cannot be used") as failure:
        page("http://exa_mple..com/SECRET").read()
    assert "SECRET" not in failure.value.message


def test_an_address_is_not_in_a_repr(server: JsonServer) -> None:
    """A traceback or a log line may hold one."""
    assert "SECRET" not in repr(page(server.url))
