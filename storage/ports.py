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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNotification:
    """One alarm transition that one receiver is to be told of. Instants: gateway milliseconds."""

    key: str
    """Says to the receiver that it has had it before: admission, number of the transition, receiver."""
    receiver: str
    alarm_id: str
    n: int
    """Number of the transition."""
    phase: str
    at_ms: int
    """Of the transition."""
    due_ms: int
    """Not to be sent before."""
    only_unless_seen: bool
    """It is no longer to be sent once the alarm was acknowledged or has ended."""
    only_if_told: bool
    """It is to be sent only to a receiver that was told of the alarm before."""
    body: str
    """What is sent, byte by byte."""
