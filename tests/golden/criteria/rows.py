"""What a row of a clinical table is, for the golden tables and the traceability page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming.criteria.facts import RhythmEvent
from tests.support.plain_facts import Value

Given = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A patient at the boundary, and the state of the criterion that follows."""

    where: str
    """`just inside`, `on`, `just outside`, `unknown`, or in words."""
    given: Given
    expect: str
    after: Given | None = None
    """What is said `hours` later; the state is then the one once it has lasted."""
    hours: float = 1.0
    events: tuple[RhythmEvent, ...] = ()
    monitor: bool = True
    limits: Mapping[str, float] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One statement of a clinical table."""

    section: str
    """Of the clinical notes."""
    says: str
    """`hold`, `resume`, `discontinue`, `relative`, `absolute`."""
    quote: str
    """Words of the notes, to the letter."""
    criterion: str
    cases: tuple[Case, ...]
    charted: str | None = None
    """Where telemetry cannot decide it: the state that a person charts."""


def case(where: str, given: Given, expect: str, **more: object) -> Case:
    """Shorthand for the tables."""
    return Case(where=where, given=given, expect=expect, **more)  # type: ignore[arg-type]


def below(signal: str, limit: float, step: float, expect: str = "met") -> tuple[Case, ...]:
    """A limit that is met below a number, not at it."""
    return (
        case("just inside", {signal: round(limit - step, 3)}, expect),
        case("on", {signal: limit}, "clear"),
        case("just outside", {signal: round(limit + step, 3)}, "clear"),
        case("unknown", {}, "unknown"),
    )


def above(signal: str, limit: float, step: float) -> tuple[Case, ...]:
    """A limit that is met above a number, not at it."""
    return (
        case("just inside", {signal: round(limit + step, 3)}, "met"),
        case("on", {signal: limit}, "clear"),
        case("just outside", {signal: round(limit - step, 3)}, "clear"),
        case("unknown", {}, "unknown"),
    )


def at_least(signal: str, limit: float, step: float) -> tuple[Case, ...]:
    """A limit that is met at a number and above."""
    return (
        case("just inside", {signal: round(limit + step, 3)}, "met"),
        case("on", {signal: limit}, "met"),
        case("just outside", {signal: round(limit - step, 3)}, "clear"),
        case("unknown", {}, "unknown"),
    )


def at_most(signal: str, limit: float, step: float) -> tuple[Case, ...]:
    """A limit that is met at a number and below."""
    return (
        case("just inside", {signal: round(limit - step, 3)}, "met"),
        case("on", {signal: limit}, "met"),
        case("just outside", {signal: round(limit + step, 3)}, "clear"),
        case("unknown", {}, "unknown"),
    )


def band(signal: str, low: float, high: float, step: float) -> tuple[Case, ...]:
    """A band that includes both its ends."""
    return (
        case("just below", {signal: round(low - step, 3)}, "clear"),
        case("on the low end", {signal: low}, "met"),
        case("inside", {signal: round(low + step, 3)}, "met"),
        case("on the high end", {signal: high}, "met"),
        case("just above", {signal: round(high + step, 3)}, "clear"),
        case("unknown", {}, "unknown"),
    )


def states(signal: str, met: str, clear: str) -> tuple[Case, ...]:
    """Which charted states meet it and which do not."""
    return (
        *(case(f"charted {each}", {signal: each}, "met") for each in met.split()),
        *(case(f"charted {each}", {signal: each}, "clear") for each in clear.split()),
        case("unknown", {}, "unknown"),
    )


def better(given: Given, *steps: tuple[str, Given, str]) -> tuple[Case, ...]:
    """From a patient who meets it: what is said later, and whether it may be resumed then."""
    return tuple(case(where, given, expect, after=after) for where, after, expect in steps)


def hours(value: float, count: int, until: int = 0) -> list[tuple[float, float]]:
    """The same urine in each of so many hours, the last of them `until` hours ago."""
    return [(hour, value) for hour in range(until + count - 1, until - 1, -1)]
