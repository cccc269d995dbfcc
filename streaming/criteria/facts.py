"""What a criterion may ask about a patient. The border between the criteria and everything that gathers facts.

Every answer is either a fact with its time and source, or None / zero coverage: unknown. Freshness limits are those of
the dose criteria (contract, section 9), which are longer than the alarms'. Instants are gateway milliseconds; a
window is the half-open interval `from_ms < t <= to_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streaming.observation import Validity


class Reading(NamedTuple):
    """A value that speaks for a signal now."""

    value: float | str
    unit: str
    """UCUM; empty for a charted state."""
    at_ms: int
    """Determination time."""
    source: str
    """Metric name, or the name of the derivation for a derived signal."""
    device: str
    validity: Validity
    """VALID or QUESTIONABLE. A questionable value may meet a criterion; it never clears one."""


class Sample(NamedTuple):
    """One numeric value in the past."""

    at_ms: int
    value: float


class Total(NamedTuple):
    """A sum over a window, and how much of the window it rests on."""

    amount: float
    coverage: float
    """0 to 1: the share of the window that was reported on."""
    longest_gap_ms: int = 0


@dataclass(frozen=True, slots=True)
class RhythmEvent:
    """A rhythm that a monitor reported as an event."""

    rhythm: str
    """As `site:rhythm` names it: `vt`, `vf`, `asystole`, `af`, `svt`, …"""
    at_ms: int
    beats: int | None
    duration_s: float | None
    device: str
    ended_ms: int | None = None
    """When the monitor said that it was over."""
    is_lasting: bool = False
    """Whether the monitor said that it began, and not yet that it is over."""


class Facts(Protocol):
    """A patient as the criteria see them. Cost of every question is independent of the length of its window."""

    @property
    def now_ms(self) -> int:
        """The instant of the question."""

    @property
    def dosing_weight_kg(self) -> float:
        """Frozen at admission."""

    @property
    def baseline(self) -> Mapping[str, float]:
        """`sbp`, `map`, `hr`, `creatinine` before treatment and `weight` (kg), each only where known."""

    @property
    def limits(self) -> Mapping[str, float]:
        """This patient's own limits (`sbp_hold`, …)."""

    @property
    def interval_began_ms(self) -> int | None:
        """Start of the present dose interval: start of the last dose given, else of the course; None without a
        course."""

    @property
    def held_doses(self) -> int:
        """Doses of this course that were held."""

    def current(self, signal: str, fresh_ms: int | None = None) -> Reading | None:
        """The value that speaks for a signal (contract, section 9, derived signals included); None when unknown.

        Args:
            signal: e.g. `sbp`, `creatinine`, `site:skin`, `urine_ml_8h`, `phenylephrine_ug_kg_min`, `weight_gain_pct`.
            fresh_ms: Limit on its age in place of the usual one.
        """

    def is_heard(self, signal: str) -> bool:
        """Whether whoever asks is told when the source of a signal falls silent, long before its value is too old."""

    def is_stream(self, signal: str, at_ms: int) -> bool:
        """Whether the source of the value determined at `at_ms` speaks more often than once a minute."""

    def before(self, signal: str, at_ms: int) -> Sample | None:
        """The last value at or before an instant, from the history of a signal (kept for 26 h at least)."""

    def highest(self, signal: str, from_ms: int) -> Sample | None:
        """The highest value since an instant, the one in force at that instant included."""

    def lowest(self, signal: str, from_ms: int) -> Sample | None:
        """The lowest value since an instant, the one in force at that instant included."""

    def total(self, signal: str, window_ms: int) -> Total:
        """Amount over the window that ends now: `urine_ml`, `intake_ml`, `site:diarrhea_ml_8h`."""

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """Minutes in the window whose mean value was below a limit (`map`), with coverage."""

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """Time-weighted average of `max(0, limit - value)` over the window's valid time, with coverage."""

    def state_since(self, signal: str) -> int | None:
        """Since when the charted state has been what it is, without another in between; None when unknown."""

    def count(self, signal: str, values: Sequence[str], from_ms: int) -> int:
        """How many times one of these states was charted since an instant."""

    def rhythm_events(self, from_ms: int) -> Sequence[RhythmEvent]:
        """Rhythm events since an instant, oldest first."""

    def rhythm_watch_ends_ms(self) -> int | None:
        """Until when a monitor that would report a rhythm event may be relied on, if it is heard no more; None when
        none is there and fresh now."""
