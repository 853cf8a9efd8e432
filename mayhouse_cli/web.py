"""JSON over the web, beside the Ethereum nodes: bounded in time and size, followed nowhere.

An address may hold a key, and the HTTP library puts addresses into its exceptions: this file
sees those exceptions, and of an address its host alone leaves it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3

from mayhouse_cli.errors import ConfigurationError, Unreachable
from mayhouse_cli.operations.patience import wait_at_most
from mayhouse_cli.ports import Deadline

MOST_BYTES: Final = 1_000_000
_CHUNK: Final = 65_536
_LEAST_SECONDS: Final = 0.05
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
# Request time-out, too many requests: the server says itself that later may help.
_LATER: Final = (408, 429)
_SERVER_ERRORS: Final = 500
_HEADERS: Final = {"Accept": "application/json", "User-Agent": "mayhouse"}


@dataclass(frozen=True)
class JsonPage:
    """One address, the setting that names it, and the time it is waited for.

    Its methods raise Unreachable where running it again may help, ConfigurationError where the
    setting is wrong.
    """

    url: str = field(repr=False)
    setting: str
    deadline: Deadline

    @property
    def host(self) -> str:
        """All of the address that may be shown."""
        return urlsplit(self.url).hostname or "?"

    def read(self) -> object:
        """Get its document: integers as int, all other numbers as Decimal, NaN included."""
        body = self._in_time("GET")
        try:
            return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, RecursionError, ArithmeticError):
            kind = "HTML" if body.lstrip()[:1] == b"<" else "something else"
            raise ConfigurationError(
                f"{self.host} answered with {kind}, not with JSON",
                hint=f"Check {self.setting}: it must be the address of a JSON document.",
            ) from None

    def post(self, document: Mapping[str, object]) -> None:
        """Hand over a document; any answer that says success will do."""
        self._in_time("POST", json.dumps(document).encode())

    def _in_time(self, method: str, body: bytes | None = None) -> bytes:
        """Wait for the whole exchange: the library's time-outs hold for each read alone."""
        seconds = max(self.deadline.remaining, _LEAST_SECONDS)
        try:
            return wait_at_most(seconds, lambda: self._exchange(method, body, seconds))
        except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
            raise self._failure(error) from None

    def _exchange(self, method: str, body: bytes | None, seconds: float) -> bytes:
        headers = (
            dict(_HEADERS) if body is None else {**_HEADERS, "Content-Type": _HEADERS["Accept"]}
        )
        with requests.request(
            method,
            self.url,
            data=body,
            headers=headers,
            timeout=seconds,
            stream=True,
            # A key must not follow to where a server points.
            allow_redirects=False,
        ) as response:
            self._check_status(response.status_code)
            return b"" if method == "POST" else self._body(response)

    def _check_status(self, status: int) -> None:
        if status in _OK:
            return
        if status in _LATER or status >= _SERVER_ERRORS:
            raise Unreachable(
                f"{self.host} has no answer now (HTTP {status})", hint="Run it again later."
            )
        if status in _REDIRECTS:
            raise ConfigurationError(
                f"{self.host} points to another address (HTTP {status}), which is not followed",
                hint=f"Set {self.setting} to the address where the document is.",
            )
        raise ConfigurationError(
            f"{self.host} refuses the request (HTTP {status})",
            hint=f"Check {self.setting}, and the key in it if there is one.",
        )

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for part in response.iter_content(_CHUNK):
            body += part
            if len(body) > MOST_BYTES:
                raise ConfigurationError(
                    f"{self.host} answered with more than {MOST_BYTES:,} bytes",
                    hint=f"Check {self.setting}: it must be the address of a small document.",
                )
        return bytes(body)

    def _failure(self, error: Exception) -> ConfigurationError | Unreachable:
        if isinstance(error, ValueError):  # the library's classes for an address it cannot use
            return ConfigurationError(
                f"The address of {self.host} cannot be used ({type(error).__name__})",
                hint=f"Check {self.setting}.",
            )
        if isinstance(error, requests.exceptions.SSLError):
            return ConfigurationError(
                f"The certificate of {self.host} cannot be verified",
                hint=f"Check the host in {self.setting}, and this machine's clock.",
            )
        if isinstance(error, (requests.Timeout, TimeoutError)):
            told = f"{self.host} did not answer within {self.deadline.seconds:g} s"
        else:
            told = f"{self.host} cannot be reached ({type(error).__name__})"
        return Unreachable(
            told, hint="Check the network, then run it again; --timeout waits longer."
        )
