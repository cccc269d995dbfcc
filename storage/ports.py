"""What the service asks of its stores: plain records, and no vendor's types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class StorageProblem(Exception):  # noqa: N818 - the family of what stores report of themselves
    """A store cannot be used as it is; the message names it and, where a person can do something, says what."""


class EntryKind(IntEnum):
    """What a journal entry records."""

    MESSAGE = 0
    """A device message; `name` is the topic, `payload` the bytes as received."""
    COMMAND = 1
    """A person's or a system's command; `name` is the command, `payload` its JSON body."""
    TICK = 2
    """Time has come this far; `name` and `payload` are empty."""


@dataclass(slots=True)
class JournalEntry:
    """One entry of the one totally ordered journal.

    Not frozen: one is made per message, and a frozen dataclass costs five times as much to make.
    """

    offset: int
    """From 1, without gaps, in order of commit."""
    received_ms: int
    """Gateway clock, milliseconds since 1970 UTC; never decreases with the offset."""
    kind: EntryKind
    name: str
    payload: bytes
