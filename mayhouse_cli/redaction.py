"""Every secret this process has read, and how it is kept out of whatever the process prints.

A secret is found by its value, in each form in which a library may print it: percent-encoded
and decoded, escaped, with and without 0x, and of a URL its parts alone. Where to connect to
stays visible: of a URL, scheme, host and port are no secret.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

MASK: Final = "[hidden]"
SHORTEST: Final = 4
"""Anything shorter is guessed at once, and stands in amounts and words by chance: to mask it
would garble what is printed, and its mask would tell where it is."""
FREELY_FOUND: Final = 8
"""A shorter one is masked only where it stands by itself: the password 5000 is no part of 25000."""

# Bounded, all of them: a variable can hold a hundred thousand letters.
_HEX_KEY: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{32,256})")
_SEVERAL: Final = re.compile(r",\s*(?=https?://)")
_URL: Final = re.compile(r"[A-Za-z][\w+.:-]{0,40}://")
_NAMED: Final = re.compile(r"(?:pass(?:word)?|pwd)\s*=\s*('[^']*'|[^&\s]+)", re.IGNORECASE)
_NO_PORT: Final = re.compile(r"[^:/]*:(?!\d+(?:[/?]|$))(.+)")
_SEPARATORS: Final = re.compile(r"(?:[/?&#=@:;,\s\"'`]|%(?![0-9A-Fa-f]{2}))+")
_LONG: Final = 16
"""A part of a URL as long as this is taken for a key; a shorter one when it has a digit too."""


class Redaction:
    """Masks what it knows. One process has one, since its secrets are all of one operator."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._forms: set[str] = set()
        self._keys: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._is_compiled = True

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on; what was learned is never forgotten."""
        for text in secrets:
            for secret in _SEVERAL.split(text):
                for part in _parts(secret):
                    self._learn_forms(part)
                    self._learn_forms(part.strip())
        self._is_compiled = False

    def masked(self, text: str) -> str:
        """Give the text with every secret replaced."""
        if not self._is_compiled:
            self._pattern, self._is_compiled = self._compile(), True
        return self._pattern.sub(MASK, text) if self._pattern else text

    def masked_document(self, value: object) -> Any:  # noqa: ANN401 JSON
        """Mask the texts of a JSON document; its numbers, and its keys, which are our words, stay.

        Masked as one text instead, a document could lose a quote or a whole amount.
        """
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, Mapping):
            return {
                key if key.isidentifier() else self.masked(key): self.masked_document(item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.masked_document(item) for item in value]
        return value

    def _learn_forms(self, secret: str) -> None:
        decoded = unquote(secret)
        for form in (secret, decoded):
            # Of what is no UTF-8, as a variable can be, no library makes a percent-encoded form.
            quoted = quote(form, safe="", errors="replace")
            # A library quotes each in its own way; our own messages join lines to one.
            self._forms.update(
                (form, quoted, quote(form, errors="replace"), " ".join(form.split()))
            )
            self._forms.add(re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted))
            self._forms.update((json.dumps(form)[1:-1], repr(form)[1:-1]))
        if key := _HEX_KEY.fullmatch(decoded.strip()):
            self._keys.add(key[1].lstrip("0") or key[1])
            self._forms.add(str(int(key[1], 16)))

    def _compile(self) -> re.Pattern[str] | None:
        forms = sorted((one for one in self._forms if len(one) >= SHORTEST), key=len, reverse=True)
        found = [_findable(one) for one in forms]
        found += [rf"(?i:(?:0x)?0*{key})" for key in sorted(self._keys, key=len, reverse=True)]
        return re.compile("|".join(found)) if found else None


secrets_of_this_process: Final = Redaction()
"""Also for what no command's output is at hand for: logs, warnings, threads."""


def _findable(form: str) -> str:
    """Match it anywhere, or where it is short, by itself."""
    pattern = re.escape(form)
    if len(form) >= FREELY_FOUND:
        return pattern
    if form.isdigit():  # nor is it one side of a decimal point
        return rf"(?<![0-9A-Za-z.,]){pattern}(?![0-9A-Za-z]|[.,][0-9])"
    return rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])"


def _parts(secret: str) -> Iterator[str]:
    """Give what is secret of it: all, or of a URL what stands before and after its host."""
    named = [found.strip("'") for found in _NAMED.findall(secret)]
    yield from named
    scheme = _URL.search(secret)
    rest = secret[scheme.end() :].strip().rstrip("\"'`") if scheme else secret
    if scheme is None:
        yield secret
    if scheme is not None and scheme[0].lower().startswith("http"):
        yield from _of_web_address(rest)
    else:
        yield from _of_database_url(rest)


def _of_web_address(rest: str) -> Iterator[str]:
    """A service's key may be user, password, a part of the path, or a parameter."""
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    credentials = rest[:cut].rpartition("@")[0]
    after = rest[cut:]
    path, _, query = after.partition("?")
    for part in (credentials, *credentials.split(":", 1), after, path, query):
        if len(part) >= FREELY_FOUND:
            yield part
    yield from filter(_looks_like_a_key, _SEPARATORS.split(after))


def _looks_like_a_key(part: str) -> bool:
    """Whether a part of a path or query is no word, such as `price` or `ethereum`."""
    has_digit = any(character.isdigit() for character in part)
    return len(part) >= _LONG or (has_digit and len(part) >= FREELY_FOUND)


def _of_database_url(rest: str) -> Iterator[str]:
    """The password, also where an unescaped character in it makes several readings possible."""
    credentials, at, place = rest.rpartition("@")
    if not at:
        if mistaken := _NO_PORT.match(rest):
            yield mistaken[1]
        return
    user, _, password = credentials.partition(":")
    database = place.partition("/")[2].partition("?")[0]
    # A password that is the user's or the database's name is none, and messages tell both.
    if unquote(password) not in (user, database):
        yield password
        yield from (one for one in _SEPARATORS.split(password) if len(one) >= FREELY_FOUND)
