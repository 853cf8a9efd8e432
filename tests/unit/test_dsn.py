"""Reading the database URL: what it means, and that a wrong one never shows its password."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayhouse_cli.errors import ConfigurationError
from mayhouse_cli.store.dsn import Dsn, parse_dsn

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd"))
HOSTS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9-]{0,9}){0,3}", fullmatch=True),
    st.ip_addresses(v=4).map(str),
)
MARK = "hunter2"  # stands somewhere in every password whose URL must not be quoted
MALFORMED = [
    "postgresql://user:hun@hunter2@db.example.com/app",
    "postgresql://user:hunter2/x@db.example.com/app",
    "postgresql://user:hunter2?x@db.example.com/app",
    "postgresql://user:x?hunter2=y@db.example.com/app",
    "postgresql://user:hunter2#x@db.example.com/app",
    "postgresql://user:hunter2%zz@db.example.com/app",
    "postgresql://user:hunter2%ff@db.example.com/app",
    "postgresql://user:hunter2%00@db.example.com/app",
    "postgresql://user:hunter2 @db.example.com/app",
    "postgresql://user:hunter2\n@db.example.com/app",
    " postgresql://user:hunter2@db.example.com/app",
    '"postgresql://user:hunter2@db.example.com/app"',
    "'postgresql://user:hunter2@db.example.com/app'",
    "jdbc:postgresql://db.example.com/app?user=user&password=hunter2",
    "postgresql+psycopg://user:hunter2@db.example.com/app",
    "mysql://user:hunter2@db.example.com/app",
    "user:hunter2@db.example.com/app",
    "host=db.example.com user=user password=hunter2",
    "password = hunter2",
    "postgresql://user:hunter2",
    "postgresql://user:hunter2?x",
    "postgresql://user:hunter2@db.example.com:port/app",
    "postgresql://user:hunter2@db.example.com:0/app",
    "postgresql://user:hunter2@db.example.com:65536/app",
    "postgresql://user:hunter2@::1/app",
    "postgresql://user:hunter2@[::g]/app",
    "postgresql://user:hunter2@one.example.com,two.example.com/app",
    "postgresql://user:hunter2@db_example$com/app",
    "postgresql://user:hunter2@db.example.com/app/more",
    "postgresql://user:hunter2@db.example.com/app?host=/tmp",
    "postgresql://user:hunter2@db.example.com/app?sslmode=verify-full&sslmode=disable",
    "postgresql://user:hunter2@db.example.com/app?sslmode=full",
    "postgresql://user:hunter2@db.example.com/app?sslmode",
    "postgresql://user:hunter2@db.example.com/app?connect_timeout=soon",
    "postgresql://user:hunter2@db.example.com/app?hostaddr=10.0.0.1",
    "postgresql://user:hunter2@db.example.com/app?options=-c%20statement_timeout%3D0",
    "postgresql://user:hunter2@db.example.com/app?sslmode=require",
    "postgresql://user:[YOUR-PASSWORD]@db.example.com/app",
    "",
    "   ",
]


def everything_said(error: ConfigurationError) -> str:
    """Give every text an error could print, of itself and of what caused it."""
    said, cause = "", error.__context__
    while cause is not None:
        said, cause = said + repr(cause), cause.__context__
    return f"{error!r} {error.message} {error.hint} {error.details} {said}"


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_is_refused_without_its_password(url: str) -> None:
    """One line says what is wrong and one what to do; neither quotes the secret."""
    with pytest.raises(ConfigurationError) as refusal:
        parse_dsn(url)
    assert MARK not in everything_said(refusal.value)
    assert "\n" not in refusal.value.message
    assert refusal.value.hint


@given(before=TEXT, after=TEXT)
def test_no_unescaped_password_ever_shows(before: str, after: str) -> None:
    """Whatever stands around it, the secret is the password or is not seen at all."""
    try:
        dsn = parse_dsn(f"postgresql://user:{before}{MARK}{after}@db.example.com/app")
        shown = f"{dsn!r} {dsn}"
    except ConfigurationError as error:
        shown = everything_said(error)
    assert MARK not in shown


@given(user=TEXT, password=TEXT, dbname=TEXT, host=HOSTS, port=st.integers(1, 65535))
def test_what_is_escaped_comes_back(
    user: str, password: str, dbname: str, host: str, port: int
) -> None:
    """Any text survives percent-encoding in its place in the URL."""
    parts = [quote(text, safe="") for text in (user, password)]
    url = f"postgresql://{':'.join(parts)}@{host}:{port}/{quote(dbname, safe='')}"
    dsn = parse_dsn(url)
    assert (dsn.user, dsn.password) == (user or None, password or None)
    assert (dsn.host, dsn.port, dsn.dbname) == (host, port, dbname or "postgres")


@given(text=st.text(string.printable))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No input makes the parser fail in another way."""
    for url in (text, f"postgresql://{text}", f"postgres://u@h/d?{text}"):
        try:
            assert isinstance(parse_dsn(url, allow_insecure=True), Dsn)
        except ConfigurationError:
            continue


def test_the_password_is_given_to_the_driver_alone() -> None:
    """It stands in the connection keywords and in no text."""
    dsn = parse_dsn("postgresql://user:hunter2@db.example.com/app")
    assert dsn.keywords()["password"] == MARK
    assert MARK not in f"{dsn!r} {dsn}"


def test_missing_parts_have_defaults() -> None:
    """The shortest URL means the default database on this machine."""
    assert str(parse_dsn("postgres://")) == "postgres at localhost:5432"


def test_a_unix_socket_is_named_by_the_host_parameter() -> None:
    """A folder as host is a socket, also with the port that names it."""
    dsn = parse_dsn("postgresql://me@/app?host=/run/my%20sockets&port=6543")
    assert (dsn.host, dsn.port, dsn.is_loopback) == ("/run/my sockets", 6543, True)


def test_an_ipv6_address_stands_in_brackets() -> None:
    """The driver gets it without them."""
    dsn = parse_dsn("postgresql://me@[2001:db8::1]:6543/app")
    assert (dsn.host, dsn.port) == ("2001:db8::1", 6543)
    assert str(dsn) == "app at [2001:db8::1]:6543"


def test_known_parameters_reach_the_driver() -> None:
    """Each one is passed on under its own name."""
    dsn = parse_dsn(
        "postgresql://me@localhost/app?sslmode=disable&application_name=audit&connect_timeout=3"
        "&target_session_attrs=read-write&channel_binding=require&gssencmode=disable"
    )
    assert dsn.keywords() == {
        "host": "localhost",
        "port": 5432,
        "dbname": "app",
        "user": "me",
        "sslmode": "disable",
        "connect_timeout": 3,
        "application_name": "audit",
        "channel_binding": "require",
        "gssencmode": "disable",
        "target_session_attrs": "read-write",
    }


def test_a_pooler_parameter_of_another_driver_is_dropped() -> None:
    """`pgbouncer=true` is a habit, and libpq would refuse it."""
    url = "postgresql://me@localhost/app"
    assert parse_dsn(f"{url}?pgbouncer=true") == parse_dsn(url)


def test_an_unknown_parameter_is_named() -> None:
    """Where it cannot be part of a password, the message says which one."""
    with pytest.raises(ConfigurationError, match="unknown parameter ssl_mode"):
        parse_dsn("postgresql://user:hunter2@db.example.com/app?ssl_mode=require")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "%2Ftmp"])
def test_this_machine_needs_no_encryption(host: str) -> None:
    """The loopback and Unix sockets connect as libpq would by default."""
    dsn = parse_dsn(f"postgresql://me@{host}/app", root_certificate="/etc/ca.pem")
    assert (dsn.sslmode, dsn.sslrootcert) == ("prefer", None)


@pytest.mark.parametrize("host", ["db.example.com", "10.0.0.1", "[2001:db8::1]", "localhost.evil"])
def test_another_machine_is_verified(host: str) -> None:
    """Without a word in the URL, its certificate and its name are checked."""
    dsn = parse_dsn(f"postgresql://me@{host}/app")
    assert (dsn.sslmode, dsn.sslrootcert) == ("verify-full", "system")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_another_machine_is_not_reached_unverified(mode: str) -> None:
    """Anything weaker is refused, with the way to the certificate."""
    url = f"postgresql://me@db.example.com/app?sslmode={mode}"
    with pytest.raises(ConfigurationError) as refusal:
        parse_dsn(url)
    assert "database_root_certificate" in (refusal.value.hint or "")
    assert parse_dsn(url, allow_insecure=True).sslmode == mode


def test_the_root_certificate_of_the_url_wins_over_the_configured_one() -> None:
    """What is nearer to the database counts."""
    url = "postgresql://me@db.example.com/app"
    assert parse_dsn(url, root_certificate="/a.pem").sslrootcert == "/a.pem"
    assert parse_dsn(f"{url}?sslrootcert=/b.pem", root_certificate="/a").sslrootcert == "/b.pem"
