"""Three-valued truth (Kleene). Unknown is not false: it clears nothing and allows nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Truth(Enum):
    """TRUE, FALSE, or UNKNOWN because the values that would decide it are missing, stale or doubtful."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


def all_of(truths: Iterable[Truth]) -> Truth:
    """FALSE as soon as one is FALSE, whatever the unknown ones are; TRUE only when all are."""
    unknown = False
    for truth in truths:
        if truth is Truth.FALSE:
            return Truth.FALSE
        unknown = unknown or truth is Truth.UNKNOWN
    return Truth.UNKNOWN if unknown else Truth.TRUE


def any_of(truths: Iterable[Truth]) -> Truth:
    """TRUE as soon as one is TRUE, whatever the unknown ones are; FALSE only when all are."""
    unknown = False
    for truth in truths:
        if truth is Truth.TRUE:
            return Truth.TRUE
        unknown = unknown or truth is Truth.UNKNOWN
    return Truth.UNKNOWN if unknown else Truth.FALSE


def negation(truth: Truth) -> Truth:
    """UNKNOWN stays UNKNOWN."""
    if truth is Truth.UNKNOWN:
        return truth
    return Truth.FALSE if truth is Truth.TRUE else Truth.TRUE
