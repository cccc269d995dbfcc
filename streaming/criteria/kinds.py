"""The closed set of predicate kinds: frozen types that a dosing profile instantiates, without logic but their bounds'.

A predicate is a question about a patient that is TRUE, FALSE or UNKNOWN (`streaming.criteria.evaluate`). Values are in
the canonical units of the signals, durations in milliseconds. A new shape of question is a new kind in code; a new
number is a line in a profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

INFINITY = float("inf")
LEAST_COVERAGE = 0.8
"""Share of a window that must be reported on before its missing part is overlooked (contract, section 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Between which numbers a predicate holds: at most one lower and one upper bound, at least one of the two."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    shown: float
    """The bound that counts for people: the one crossed when the patient gets worse. One of those above."""

    def holds(self, value: float) -> bool:
        """Whether `value` lies between the bounds."""
        return not (self.is_beneath(value) or self.is_beyond(value))

    def is_beneath(self, value: float) -> bool:
        """Whether `value` is too low to hold."""
        if self.at_least is not None:
            return value < self.at_least
        return self.above is not None and value <= self.above

    def is_beyond(self, value: float) -> bool:
        """Whether `value` is too high to hold."""
        if self.below is not None:
            return value >= self.below
        return self.at_most is not None and value > self.at_most

    def scaled(self, factor: float) -> Bounds:
        """The same bounds, each times `factor` (a limit per kilogram, for one patient)."""
        return Bounds(
            above=None if self.above is None else self.above * factor,
            at_least=None if self.at_least is None else self.at_least * factor,
            below=None if self.below is None else self.below * factor,
            at_most=None if self.at_most is None else self.at_most * factor,
            shown=self.shown * factor,
        )

    def moved_to(self, limit: float) -> Bounds:
        """A single bound at another number (a patient's own limit). Not for a band."""
        if self.above is not None:
            return replace(self, above=limit, shown=limit)
        if self.at_least is not None:
            return replace(self, at_least=limit, shown=limit)
        if self.below is not None:
            return replace(self, below=limit, shown=limit)
        return replace(self, at_most=limit, shown=limit)

    @property
    def is_band(self) -> bool:
        """Whether there is a lower and an upper bound."""
        return (self.above, self.at_least) != (None, None) and (self.below, self.at_most) != (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The present value of a signal lies between bounds."""

    signal: str
    bounds: Bounds
    patient_limit: str | None = None
    """The patient's own limit that replaces the bound."""
    is_per_kg: bool = False
    """Whether the bounds are per kilogram of dosing weight."""
    fresh_ms: int | None = None
    """Limit on its age in place of the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineChange:
    """The present value minus the one before treatment lies between bounds; as a percentage of it where so asked."""

    signal: str
    baseline: str
    """Name of the value before treatment: `sbp`, `map`, `hr`, `creatinine`, `weight`."""
    bounds: Bounds
    is_percent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The present value minus the one in force so long before it lies between bounds; per hour where so asked."""

    signal: str
    bounds: Bounds
    over_ms: int
    assumed: float | None = None
    """What the value was when nothing was reported then: 0 for a drug, which no pump gave."""
    baseline: str | None = None
    """Value before treatment that stands for a missing earlier one."""
    is_per_hour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FallFromPeak:
    """The highest value since the criterion was met (or within the window, if higher) minus the present one."""

    signal: str
    bounds: Bounds
    within_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiseFromLowest:
    """The present value minus the lowest within the window lies between bounds."""

    signal: str
    bounds: Bounds
    within_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTotal:
    """The amount over the window that ends now lies between bounds; bounds per kg of dosing weight where so asked."""

    signal: str
    bounds: Bounds
    window_ms: int
    is_per_kg: bool = False
    least_coverage: float = LEAST_COVERAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class LowFlow:
    """Each hour of a long window was below a flow. A single hour that was not refutes it, whatever else is missing."""

    signal: str
    """Hourly flow, mL/h: each value speaks for the hour before it."""
    total: str
    """The same as an amount, mL: says how much of the window was reported on."""
    below: float
    """mL/h, or mL/kg/h."""
    window_ms: int
    """At least two hours."""
    is_per_kg: bool = False
    least_coverage: float = LEAST_COVERAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """How much a signal was below a limit within the window: minutes, or the time-weighted average of the deficit."""

    signal: str
    limit: float
    is_average: bool
    """Whether the average deficit (in the signal's unit) is asked for, rather than minutes."""
    bounds: Bounds
    window_ms: int
    least_coverage: float = LEAST_COVERAGE
    patient_limit: str | None = None
    """The patient's own limit that replaces `limit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateIs:
    """A charted state is one of `states`. FALSE only for one of `clear`; any other says nothing."""

    signal: str
    states: tuple[str, ...]
    clear: tuple[str, ...]
    fresh_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLasting:
    """A charted state has been one of `states` for longer than a time. FALSE while one of `clear` is charted."""

    signal: str
    states: tuple[str, ...]
    clear: tuple[str, ...]
    longer_than_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmIs:
    """As `StateIs` for `site:rhythm`; a rhythm that a monitor has reported since it was charted counts as charted."""

    states: tuple[str, ...]
    clear: tuple[str, ...]
    within_ms: int
    """How far back events count where no rhythm was charted."""
    signal: str = "site:rhythm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmEventSeen:
    """A monitor has reported a run of beats, or a person has charted the rhythm.

    FALSE only while a monitor that would report one is there and fresh, and has reported none that qualifies.
    """

    rhythms: tuple[str, ...]
    beats_at_least: int
    duration_at_least_s: float
    """Where the number of beats is not given."""
    duration_below_s: float
    """A run shorter than this cannot have that many beats; in between nobody knows."""
    charted: tuple[str, ...]
    """States of `site:rhythm` that qualify when a person has charted them."""
    within_ms: int
    signal: str = "site:rhythm"


@dataclass(frozen=True, slots=True, kw_only=True)
class HighestInInterval:
    """The highest value since the present dose interval began, the present one included, lies between bounds."""

    signal: str
    bounds: Bounds
    longest_ms: int
    """No farther back than this: when doses are held, the interval does not grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalChange:
    """The present value minus the one in force when the present dose interval began lies between bounds."""

    signal: str
    bounds: Bounds
    within_ms: int
    """A value that was older than this when the interval began is none to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmPresent:
    """A rhythm runs now, as monitors report it by events and people chart it; the latest word counts.

    An event holds until it ends, until one of `clear` is reported or charted, and for so long at most as is said here:
    no monitor promises to send the end.
    """

    states: tuple[str, ...]
    clear: tuple[str, ...]
    """Rhythms that say that it is over."""
    beats_at_least: int
    duration_at_least_s: float
    """Where the number of beats is not given. A run of which neither is told counts: rather once too often."""
    told_ms: int
    """An event that has ended, or never said how long it lasts, holds for so long after."""
    lasting_ms: int
    """One that began and has not ended holds for so long at most."""
    signal: str = "site:rhythm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """One of these states was charted at least so many times within the window."""

    signal: str
    states: tuple[str, ...]
    times: int
    within_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consecutive:
    """The last two values of a signal that is charted once a shift both lie between bounds."""

    signal: str
    bounds: Bounds
    apart_from_ms: int
    """The earlier one is older than the later by so much at least,"""
    apart_to_ms: int
    """and so much at most: otherwise a shift is missing in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """No value speaks for the signal now: never reported, or older than its limit. Never UNKNOWN."""

    signal: str
    fresh_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two signals that should agree differ by an amount between bounds."""

    signal: str
    other: str
    bounds: Bounds
    """Of the difference without its sign."""
    within_ms: int
    """Two values farther apart in time are not compared: UNKNOWN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part holds (Kleene: one FALSE decides)."""

    of: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one part holds (Kleene: one TRUE decides; FALSE only when all are)."""

    of: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyKnown:
    """Several ways to chart one thing: TRUE when one says so, FALSE when at least one is known and none says so."""

    of: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrAlso:
    """The first part decides; the others can only make it TRUE, when somebody charts them. Their absence says nothing.

    Only for criteria that stay met: what was charted once may have become too old to say that it is over.
    """

    of: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeastOf:
    """At least `times` of the parts hold (Kleene)."""

    times: int
    of: tuple[Predicate, ...]


Leaf = (
    Limit
    | BaselineChange
    | Trend
    | FallFromPeak
    | RiseFromLowest
    | WindowTotal
    | LowFlow
    | Burden
    | StateIs
    | StateLasting
    | RhythmIs
    | RhythmEventSeen
    | RhythmPresent
    | HighestInInterval
    | IntervalChange
    | Recurrence
    | Consecutive
    | Absent
    | Disagreement
)
Combination = AllOf | AnyOf | AnyKnown | OrAlso | AtLeastOf
Predicate = Leaf | Combination


def leaves(predicate: Predicate) -> Iterator[Leaf]:
    """The questions at the ends of a predicate, in the order of the profile."""
    if isinstance(predicate, Combination):
        for part in predicate.of:
            yield from leaves(part)
    else:
        yield predicate
