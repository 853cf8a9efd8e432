"""How results are written as one JSON document."""

from dataclasses import field
from typing import Any


def inlined() -> Any:  # noqa: ANN401 dataclasses.field is typed so
    """Mark a result's field whose own fields stand in the JSON document in its place."""
    return field(metadata={"inlined": True})
