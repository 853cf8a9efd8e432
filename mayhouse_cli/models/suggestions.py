"""What a shell can complete out of the database."""

from enum import StrEnum


class SuggestionKind(StrEnum):
    """The noun that an unfinished word names."""

    EVENT = "event"
    BOOKING = "booking"
    TRANSACTION = "transaction"
    EXPERIENCE = "experience"
    PERSON = "person"
    PAYABLE = "payable"
