"""The database URL, read by the tool itself: the driver's complaint would print the password.

No message made here quotes a part of the URL that could belong to a password; in a URL that
is malformed, that is nearly every part.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from mayhouse_cli.errors import ConfigurationError

DEFAULT_PORT: Final = 5432
DEFAULT_CONNECT_TIMEOUT: Final = 10  # seconds
VERIFIED: Final = "verify-full"
SYSTEM_CERTIFICATES: Final = "system"
"""libpq's word for the authorities that the operating system trusts."""
CERTIFICATE_HINT: Final = (
    "A hosted database such as Supabase has an authority of its own: download its certificate "
    "from the project's dashboard and name the file in database_root_certificate."
)

_SHAPE_HINT: Final = "Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE."
_ESCAPE_HINT: Final = (
    "Write @ in a password as %40, / as %2F, ? as %3F, # as %23, % as %25 and a space as %20."
)
_QUOTES: Final = "\"'`"
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", VERIFIED),
        "channel_binding": ("disable", "prefer", "require"),
        "gssencmode": ("disable", "prefer", "require"),
        "target_session_attrs": (
            *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
        ),
    }
)
_DROPPED: Final = "pgbouncer"  # a habit from another driver; it means nothing to Postgres
_KNOWN: Final = (
    *_CHOICES,
    *("sslrootcert", "host", "port", "application_name", "connect_timeout", _DROPPED),
)


@dataclass(frozen=True)
class Dsn:
    """Where the database is and how to connect to it; `password` is kept out of every text."""

    host: str
    port: int = DEFAULT_PORT
    dbname: str = "postgres"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    sslrootcert: str | None = None
    connect_timeout: int = DEFAULT_CONNECT_TIMEOUT
    application_name: str = "mayhouse"
    channel_binding: str | None = None
    gssencmode: str | None = None
    target_session_attrs: str | None = None

    def keywords(self) -> dict[str, str | int]:
        """Give libpq's connection keywords, the password among them."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def __str__(self) -> str:
        """Name the database for a message."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.dbname} at {host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the connection stays on this machine and needs no encryption."""
        if self.host.startswith("/") or self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_dsn(
    url: str, *, allow_insecure: bool = False, root_certificate: str | None = None
) -> Dsn:
    """Read a database URL; unless the host is this machine, its certificate must be verified.

    `root_certificate` is the path of the authority that signed it (None: the system's own;
    `sslrootcert` in the URL wins). `allow_insecure` admits a weaker sslmode in the URL.

    Raises ConfigurationError, whose text holds no part of the password.
    """
    rest = _strip_scheme(url)
    before_query, _, query = rest.partition("?")
    authority, _, path = before_query.partition("/")
    if "@" in path or "@" in query:
        raise _malformed("its password holds a / or ? that is not escaped", _ESCAPE_HINT)
    if "/" in path:
        raise _malformed("it has more than one / after the host")
    credentials, at, address = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    if password == "[YOUR-PASSWORD]":  # noqa: S105 - Supabase's template, as it is copied
        raise _malformed("its password is still the template's [YOUR-PASSWORD]")
    parameters = _read_parameters(query, quotable=bool(at))
    host, port = _read_address(address, parameters)
    return _secured(
        Dsn(
            host=host,
            port=port,
            dbname=_decode(path) or "postgres",
            user=_decode(user) or None,
            password=_decode(password) or None,
            sslmode=parameters.get("sslmode", ""),
            sslrootcert=parameters.get("sslrootcert") or root_certificate,
            connect_timeout=_read_number(
                parameters.get("connect_timeout", str(DEFAULT_CONNECT_TIMEOUT)), 600, "time-out"
            ),
            application_name=parameters.get("application_name", "mayhouse"),
            channel_binding=parameters.get("channel_binding"),
            gssencmode=parameters.get("gssencmode"),
            target_session_attrs=parameters.get("target_session_attrs"),
        ),
        allow_insecure=allow_insecure,
    )


def _strip_scheme(url: str) -> str:
    """Check the text as a whole and give what follows `postgresql://`."""
    text = url.strip()
    if not text:
        raise _malformed("it is empty")
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        raise _malformed("it stands in quotes", "Remove them.")
    if re.match(r"\w+\s*=", text):
        raise _malformed("it is a list of keywords and values")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgresql", "postgres"):
        raise _wrong_scheme(scheme)
    if any(character.isspace() or not character.isprintable() for character in rest):
        raise _malformed("it holds a space, a line break or an unprintable character", _ESCAPE_HINT)
    if "#" in rest or rest.count("@") > 1:
        raise _malformed("it holds a # or an @ that is not escaped", _ESCAPE_HINT)
    return rest


def _wrong_scheme(scheme: str) -> ConfigurationError:
    if scheme.lower().startswith("jdbc:"):
        return _malformed("it is written for Java (jdbc:)")
    if re.fullmatch(r"postgres(ql)?\+\w+", scheme.lower()):
        return _malformed("it names a driver after a +", "Begin it with postgresql:// alone.")
    return _malformed("it does not begin with postgresql://")


def _read_parameters(query: str, *, quotable: bool) -> dict[str, str]:
    """Read what follows the ?; `quotable` says that it cannot be the rest of a password."""
    parameters: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if name == "options":
            raise _malformed(
                "it sets `options`, which a transaction pooler does not take",
                "Remove it: the tool sets its time-outs in each transaction.",
            )
        if name not in _KNOWN or not equals:
            shown = f" {name}" if quotable and re.fullmatch("[a-z_]{1,32}", name) else ""
            raise _malformed(f"it has an unknown parameter{shown}", f"Known: {', '.join(_KNOWN)}.")
        if name in parameters:
            raise _malformed(f"it sets {name} twice")
        parameters[name] = _decode(value)
        if name in _CHOICES and parameters[name] not in _CHOICES[name]:
            raise _malformed(f"its {name} is unknown", f"Known: {', '.join(_CHOICES[name])}.")
    return parameters


def _read_address(address: str, parameters: Mapping[str, str]) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", address)
    if bracketed:
        host, port = bracketed[1], bracketed[2] or ""
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            host = ""
        if not host:
            raise _malformed("the address in brackets is not an IPv6 address")
    else:
        host, _, port = address.partition(":")
        host = _decode(host)
    for given, name in ((host, "host"), (port, "port")):
        if given and name in parameters:
            raise _malformed(f"it gives the {name} twice")
    host = host or parameters.get("host") or "localhost"
    if "," in host:
        raise _malformed("it names several hosts", "Name one.")
    if not host.startswith("/") and not re.fullmatch(r"[A-Za-z0-9._:-]+", host):
        raise _malformed("its host is not a host name")
    return host, _read_number(port or parameters.get("port") or str(DEFAULT_PORT), 65535, "port")


def _read_number(text: str, largest: int, name: str) -> int:
    if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= largest:
        return int(text)
    raise _malformed(
        f"its {name} is not a number from 1 to {largest}",
        f"{_SHAPE_HINT} {_ESCAPE_HINT} An IPv6 address stands in [brackets].",
    )


def _decode(text: str) -> str:
    """Undo percent-encoding."""
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise _malformed("it holds a % that begins no escape", _ESCAPE_HINT)
    # An unreadable byte becomes U+FFFD, which is caught together with NUL: an exception of the
    # decoder would carry the bytes along.
    decoded = unquote_to_bytes(text).decode("utf-8", errors="replace")
    if "\0" in decoded or ("\N{REPLACEMENT CHARACTER}" in decoded):
        raise _malformed("it holds an escape that is not UTF-8 text", _ESCAPE_HINT)
    return decoded


def _secured(dsn: Dsn, *, allow_insecure: bool) -> Dsn:
    """Settle sslmode and the root certificate."""
    mode = dsn.sslmode or ("prefer" if dsn.is_loopback else VERIFIED)
    if not (dsn.is_loopback or mode == VERIFIED or allow_insecure):
        raise ConfigurationError(
            f"The database {dsn} is not on this machine, and sslmode={mode} does not make sure "
            "that it is the right one",
            hint=f"Write sslmode={VERIFIED}, or nothing. {CERTIFICATE_HINT} To connect "
            "unverified all the same, set database_allow_insecure = true.",
        )
    # A certificate named for the hosted database says nothing about an unverified connection,
    # and libpq refuses `system` with a weaker mode.
    verifies = mode in ("verify-ca", VERIFIED)
    certificate = (dsn.sslrootcert or SYSTEM_CERTIFICATES) if verifies else None
    return replace(dsn, sslmode=mode, sslrootcert=certificate)


def _malformed(what: str, hint: str = _SHAPE_HINT) -> ConfigurationError:
    return ConfigurationError(f"The database URL cannot be used: {what}", hint=hint)
