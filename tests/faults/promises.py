"""What the command line promises for any input, and whether a run has kept it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mayhouse_cli import errors
from tests.faults.canaries import KEY_MARK, MARK
from tests.faults.fuzzing import Case, Ended


def _below(one: type[errors.MayhouseError]) -> Iterator[type[errors.MayhouseError]]:
    yield one
    for child in one.__subclasses__():
        yield from _below(child)


EXITS: Final = {one.code: one.exit_code for one in _below(errors.MayhouseError)}
CODES: Final = frozenset({0, *EXITS.values()} - {130, 143})  # nobody interrupts here
PLUGIN: Final = frozenset(range(4))


def broken_promises(case: Case, ended: Ended, secrets: Sequence[str] = ()) -> list[str]:
    """Everything that the command line promises for any input, and this case did not keep."""
    told = ended.out + ended.err
    plain = "FORCE_COLOR" not in case.env
    found = [f"writes outside its folder: {one}" for one in ended.outside]
    if ended.code not in (PLUGIN | {2} if case.is_plugin else CODES):
        found.append(f"ends with {ended.code}")
    found += [
        f"prints {mark!r}"
        for mark in ("Traceback", "A defect in mayhouse", *(("\x1b",) if plain else ()))
        if mark in told
    ]
    found += [
        "tells a secret"
        for secret in (MARK, KEY_MARK, *secrets)
        if secret in (told + ended.left).lower() and secret not in " ".join(case.words).lower()
    ]
    if ended.code == 0 and case.asks_for_help:
        return found
    if case.as_json:
        found += _of_document(case, ended)
    elif ended.code != 0 and not told.strip():
        found.append("fails without a word")
    return found


def _of_document(case: Case, ended: Ended) -> Iterator[str]:
    try:
        document = json.loads(ended.out)
    except ValueError:
        yield f"prints no JSON document: {ended.out[:200]!r}"
        return
    names = {"schema_version", "command", "ok", "data", "warnings", "error"}
    if set(document) != names or document["schema_version"] != 1:
        yield f"prints another document: {sorted(document)}"
        return
    error = document["error"]
    if document["ok"] is not (error is None):
        yield "is ok with an error, or not ok without one"
    if not case.is_plugin and document["ok"] is not (ended.code == 0):
        yield f"says ok is {document['ok']} and ends with {ended.code}"
    if error is not None:
        yield from _of_error(error, case, ended)


def _of_error(error: Mapping[str, Any], case: Case, ended: Ended) -> Iterator[str]:
    if set(error) != {"code", "message", "hint", "retryable", "details"}:
        yield f"prints another error: {sorted(error)}"
        return
    if not error["message"]:
        yield "says nothing in its message"
    if not case.is_plugin and EXITS.get(error["code"]) != ended.code:
        yield f"names {error['code']} and ends with {ended.code}"
