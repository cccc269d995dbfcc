"""What an arterial line and an oximeter show when nothing is wrong with the patient.

Patterns and durations follow clinical notes 5.5 and 5.6: flush (square wave near 300 mmHg), blood draw or stopcock
(ramp to bag pressure with no pulse), disconnected but transducing (the three pressures equal, near zero or below),
over-damped (mean plausible, pulse pressure narrow), level error (all three shifted), probe off (no value) and motion.

A pure function of seed and time, like the patient. It deliberately does not mark values as bad: that is for the reader
of the stream to find out, as at a bedside.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_HOUR_S = 3600.0
_SLOTS_PER_H = 12
"""An artefact may begin once in each slot of five minutes."""


class ArtefactKind(StrEnum):
    """How a signal is spoilt."""

    FLUSH = "flush"
    BLOOD_DRAW = "blood_draw"
    DISCONNECTED = "disconnected"
    NEGATIVE = "negative"
    OVER_DAMPED = "over_damped"
    LEVEL_ERROR = "level_error"
    PROBE_OFF = "probe_off"
    MOTION = "motion"


_DURATION_S: Mapping[ArtefactKind, tuple[float, float]] = {
    ArtefactKind.FLUSH: (1, 10),
    ArtefactKind.BLOOD_DRAW: (15, 120),
    ArtefactKind.DISCONNECTED: (10, 90),
    ArtefactKind.NEGATIVE: (5, 60),
    ArtefactKind.OVER_DAMPED: (120, 290),
    ArtefactKind.LEVEL_ERROR: (60, 290),
    ArtefactKind.PROBE_OFF: (10, 120),
    ArtefactKind.MOTION: (5, 40),
}

_LEVEL_MMHG_PER_10_CM = 7.5
"""Hydrostatics: 0.75 mmHg per cm of transducer height (clinical notes 5.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One spoilt stretch."""

    kind: ArtefactKind
    start_s: float
    end_s: float
    draw: float
    """0..1, what else was left to chance (how high, how far)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressures:
    """An arterial triple as displayed, mm[Hg]."""

    sys: float
    dia: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactCourse:
    """The artefacts of one monitor over time."""

    seed: str
    per_h: float
    """Expected artefacts per hour, 0..12."""
    _drawn: dict[int, Artefact | None] = field(default_factory=dict, repr=False, compare=False)

    def at(self, t_s: float) -> Artefact | None:
        """The one under way, if any."""
        slot = math.floor(t_s * _SLOTS_PER_H / _HOUR_S)
        if slot not in self._drawn:
            self._drawn[slot] = _draw(self.seed, slot, self.per_h / _SLOTS_PER_H)
        artefact = self._drawn[slot]
        return artefact if artefact is not None and artefact.start_s <= t_s < artefact.end_s else None


def spoil_pressures(true: Pressures, artefact: Artefact | None, t_s: float) -> Pressures:
    """What the arterial channel displays."""
    if artefact is None or artefact.kind not in _PRESSURE_FAULTS:
        return true
    return _PRESSURE_FAULTS[artefact.kind](true, artefact, t_s)


def spoil_saturation(true: float, artefact: Artefact | None) -> float | None:
    """What the oximeter displays, %; None while the probe is off."""
    if artefact is None:
        return true
    if artefact.kind is ArtefactKind.PROBE_OFF:
        return None
    if artefact.kind is ArtefactKind.MOTION:
        return max(55.0, true - 5.0 - 25.0 * artefact.draw)
    return true


def pulse_rate(true: float, artefact: Artefact | None) -> float:
    """The pulse that the oximeter counts, /min: while a finger moves it counts the movement (clinical notes 5.6)."""
    if artefact is None or artefact.kind is not ArtefactKind.MOTION:
        return true
    return true + 20.0 + 40.0 * artefact.draw


def _draw(seed: str, slot: int, chance: float) -> Artefact | None:
    rng = random.Random(f"artefact:{seed}:{slot}")
    if rng.random() >= chance:
        return None
    kind = rng.choice(list(ArtefactKind))
    duration_s = rng.uniform(*_DURATION_S[kind])
    slot_s = _HOUR_S / _SLOTS_PER_H
    start_s = slot * slot_s + rng.random() * (slot_s - duration_s)
    return Artefact(kind=kind, start_s=start_s, end_s=start_s + duration_s, draw=rng.random())


def _equal(pressure: float) -> Pressures:
    return Pressures(sys=pressure, dia=pressure, mean=pressure)


def _flushed(_true: Pressures, _artefact: Artefact, _t_s: float) -> Pressures:
    return Pressures(sys=301, dia=296, mean=299)


def _drawn_from(true: Pressures, artefact: Artefact, t_s: float) -> Pressures:
    return _equal(min(280.0, true.mean + (150.0 + 130.0 * artefact.draw) * (t_s - artefact.start_s) / 15.0))


def _open_to_air(_true: Pressures, artefact: Artefact, _t_s: float) -> Pressures:
    return _equal(round(4.0 * artefact.draw))


def _below_zero(_true: Pressures, artefact: Artefact, _t_s: float) -> Pressures:
    return _equal(-12.0 - round(20.0 * artefact.draw))


def _damped(true: Pressures, artefact: Artefact, _t_s: float) -> Pressures:
    width = 6.0 + 4.0 * artefact.draw
    return Pressures(sys=true.mean + 0.6 * width, dia=true.mean - 0.4 * width, mean=true.mean)


def _misplaced(true: Pressures, artefact: Artefact, _t_s: float) -> Pressures:
    shift = _LEVEL_MMHG_PER_10_CM * (1.0 + 2.0 * artefact.draw) * (1 if artefact.draw < 0.5 else -1)
    return Pressures(sys=true.sys + shift, dia=true.dia + shift, mean=true.mean + shift)


_PRESSURE_FAULTS: Mapping[ArtefactKind, Callable[[Pressures, Artefact, float], Pressures]] = {
    ArtefactKind.FLUSH: _flushed,
    ArtefactKind.BLOOD_DRAW: _drawn_from,
    ArtefactKind.DISCONNECTED: _open_to_air,
    ArtefactKind.NEGATIVE: _below_zero,
    ArtefactKind.OVER_DAMPED: _damped,
    ArtefactKind.LEVEL_ERROR: _misplaced,
}
