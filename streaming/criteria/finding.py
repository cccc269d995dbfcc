"""The answer to a predicate, and what it rests on: a truth, the value that was judged, since when, until when.

A finding that is UNKNOWN says why, in one of the phrases below. It is evidence for people and for the record; what
follows from it is decided elsewhere (`streaming.criteria.state`), and how it is worded (`streaming.criteria.words`).
"""

from __future__ import annotations

from typing import NamedTuple

from streaming.criteria.kinds import Leaf
from streaming.truth import Truth

NO_VALUE = "no value within its age limit"
QUESTIONABLE = "questionable"
UNDECIDED = "charted as something that does not decide it"
TOO_LITTLE = "too little of the window is known"
NO_BASELINE = "the value before treatment is not known"
NO_EARLIER = "no earlier value to compare with"
NO_WATCH = "no monitor that would report it is there"
NO_LENGTH = "a run without a number of beats"
APART = "no two values close enough in time"
NO_INTERVAL = "no dose interval has begun"


class Finding(NamedTuple):
    """The answer to a predicate, and what it rests on."""

    truth: Truth
    value: float | str | None = None
    """What was judged."""
    unit: str = ""
    """UCUM; empty for a charted state."""
    at_ms: int | None = None
    """Determination time of the value; the instant of the question for a window."""
    source_signal: str = ""
    coverage: float = 1.0
    """Share of what was asked for that the answer rests on, 0 to 1."""
    detail: str = ""
    """For people: why it is unknown or doubtful, or from what to what it changed."""
    limit: float | None = None
    """The bound in force for this patient; None for a charted state."""
    source: str = ""
    """Metric or derivation the value came from."""
    since_ms: int | None = None
    """Since when it has been so, where that is known."""
    due_ms: int | None = None
    """When time alone may change the answer; None where only a new value can, or where a window slides."""
    leaf: Leaf | None = None
    """The question that spoke for the whole predicate."""
    also: tuple[Finding, ...] = ()
    """The other parts that it rests on."""
