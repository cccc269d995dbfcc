"""The chain of the audit log: each entry's hash covers the entry and the hash of the one before it.

Invariants. The hash covers every column of an entry, its number and the hash before it included, so that nothing of a
stored entry can be changed without its hash ceasing to fit. What is hashed is the entry as a JSON array in the order of
`SEALED`, compact and in UTF-8: a few lines of any language check it, without this package
(docs/decisions/0011-the-audit-log.md has them).

It keeps no key: whoever can write the whole log can seal a whole other one. Against that there is the anchor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

BEFORE_THE_FIRST = "0" * 64
"""Stands for the hash before entry 1."""

CONTENT = ("offset", "at_ms", "kind", "actor", "action", "subject_id", "body", "outcome", "reason", "detail")
"""What an entry says, in the order in which it is hashed."""
SEALED = ("prev_hash", "number", *CONTENT)
"""All that the hash covers, in order."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last entry of a log; number 0 for an empty one."""

    number: int
    hash: str
    at_ms: int


EMPTY = ChainHead(0, BEFORE_THE_FIRST, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry as it is stored. Read from a log that was tampered with, a field may hold a value of another type."""

    number: int
    """From 1, without gaps."""
    offset: int
    """Of the journal entry that it follows from."""
    at_ms: int
    """When it happened: gateway milliseconds since 1970 UTC."""
    kind: str
    """`command`, `alarm`, `decision` or `dose`"""
    actor: str
    action: str
    """The command's name, the alarm transition's phase, the decision, the dose's status."""
    subject_id: str | None
    """The admission or alarm it was about."""
    body: str
    """JSON text: the command as journaled, or all that was said of alarm, decision or dose."""
    outcome: str | None
    """Of a command: `applied` or `refused`."""
    reason: str | None
    detail: str | None
    prev_hash: str
    hash: str


def seal(fields: Iterable[object]) -> str:
    """The hash of an entry's fields, in the order of `SEALED`; hexadecimal.

    Raises:
        TypeError: A field is no JSON: no entry was ever written with it.
    """
    return sha256(orjson.dumps([*fields])).hexdigest()


def seal_of(entry: AuditEntry, *, number: int | None = None) -> str | None:
    """The hash that `entry` should have (had it the other number); None when its fields cannot be those of an entry."""
    content = [getattr(entry, name) for name in CONTENT]
    try:
        return seal([entry.prev_hash, entry.number if number is None else number, *content])
    except TypeError:
        return None


def link(rows: Iterable[Mapping[str, Any]], after: ChainHead) -> tuple[list[dict[str, Any]], ChainHead]:
    """Give each row its number and its hashes.

    Args:
        rows: With the fields of `CONTENT`, in order.
        after: The head that they follow.

    Returns:
        The rows with `number`, `prev_hash` and `hash`, and the new head.
    """
    number, hash_, at_ms = after.number, after.hash, after.at_ms
    linked = []
    for row in rows:
        number, prev_hash, at_ms = number + 1, hash_, row["at_ms"]
        hash_ = seal([prev_hash, number, *(row[name] for name in CONTENT)])
        linked.append({**row, "number": number, "prev_hash": prev_hash, "hash": hash_})
    return linked, ChainHead(number, hash_, at_ms)
