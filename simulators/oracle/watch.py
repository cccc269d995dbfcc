"""Turns looks at the truth into spans: from when to when something was true, and whether anybody could have seen it.

One `Track` follows one question; it opens a span when the answer becomes yes and closes it when it becomes no. A span
is named after its question and carries nothing of the engine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from simulators.oracle.limits import CUFF_DOUBT, VITAL_LIMITS, VitalLimit
from simulators.oracle.sample import TruthSample

_UNSEEN_PRESSURE = frozenset({"flush", "blood_draw", "disconnected", "negative", "over_damped", "level_error"})
_UNSEEN_SATURATION = frozenset({"probe_off", "motion"})
CLOCK_CERTAIN_S, CLOCK_POSSIBLE_S = 8.0, 3.5
"""A skew above 5 s is a technical condition (contract, section 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSpan:
    """Something was true of a bed from..to."""

    bed: str
    what: str
    from_ms: int
    to_ms: int
    detail: str = ""

    @property
    def lasted_s(self) -> float:
        """Length in seconds."""
        return (self.to_ms - self.from_ms) / 1000.0


@dataclass(slots=True)
class Track:
    """One question, followed."""

    bed: str
    what: str
    since_ms: int | None = None
    detail: str = ""

    def take(self, at_ms: int, is_so: bool, detail: str = "") -> TruthSpan | None:
        """Takes the answer at an instant; the span that it ends, if any."""
        if is_so:
            if self.since_ms is None:
                self.since_ms = at_ms
            self.detail = detail or self.detail
            return None
        return self.close(at_ms)

    def close(self, at_ms: int) -> TruthSpan | None:
        """Ends what is open."""
        if self.since_ms is None:
            return None
        span = TruthSpan(bed=self.bed, what=self.what, from_ms=self.since_ms, to_ms=at_ms, detail=self.detail)
        self.since_ms, self.detail = None, ""
        return span


@dataclass(slots=True)
class BedWatch:
    """All questions about one bed."""

    bed: str
    spans: list[TruthSpan] = field(default_factory=list)
    _tracks: dict[str, Track] = field(default_factory=dict)

    def take(self, sample: TruthSample) -> None:
        """Takes one look."""
        for what, is_so, detail in _answers(sample):
            track = self._tracks.setdefault(what, Track(self.bed, what))
            if (span := track.take(sample.at_ms, is_so, detail)) is not None:
                self.spans.append(span)

    def so_far(self, at_ms: int) -> list[TruthSpan]:
        """All spans by time, those that are open as if they ended now; the watch goes on."""
        ending = (replace(track).close(at_ms) for track in self._tracks.values())
        found = [*self.spans, *(span for span in ending if span is not None)]
        return sorted(found, key=lambda span: (span.from_ms, span.what))


_Answer = tuple[str, bool, str]


def _answers(s: TruthSample) -> Iterator[_Answer]:
    for number, limit in enumerate(VITAL_LIMITS):
        yield from _vital(s, number, limit)
    yield f"artefact.{s.artefact}", s.artefact is not None, s.artefact or ""
    yield from (_of_artefact(s, kind) for kind in ("flush", "blood_draw", "disconnected", "negative", "over_damped"))
    yield "perfusion.low", s.signs.perfusion_index < 0.45, f"index {s.signs.perfusion_index:.2f}"
    yield "rhythm.abnormal", s.rhythm != "sinus", s.rhythm
    yield "rhythm.seen", s.rhythm in {"af", "svt"} and s.is_connected, s.rhythm
    yield from _of_course(s)
    yield from _of_fluids(s)
    for device, error_s in s.clock_errors_s.items():
        yield f"clock.certain.{device}", abs(error_s) > CLOCK_CERTAIN_S, f"{error_s:+.1f} s"
        yield f"clock.possible.{device}", abs(error_s) > CLOCK_POSSIBLE_S, f"{error_s:+.1f} s"
        yield f"down.{device}", device in s.is_down, ""


def _of_artefact(s: TruthSample, kind: str) -> _Answer:
    return f"line.{kind}", s.artefact == kind and s.has_line and s.is_connected, kind


def _vital(s: TruthSample, number: int, limit: VitalLimit) -> Iterator[_Answer]:
    value = getattr(s.signs, limit.signal)
    is_pressure = limit.signal in {"map", "sbp"}
    doubt = CUFF_DOUBT if is_pressure and not s.has_line else 0.0
    is_spoilt = _is_spoilt(s, limit.signal)
    is_seen = s.is_connected and not is_spoilt
    yield f"vital.certain.{number}", is_seen and limit.is_certain(value, doubt), f"{limit.signal} {value:.0f}"
    possible = limit.is_possible(value, doubt) or (is_pressure and s.artefact == "level_error")
    if limit.family == "hypotension":
        possible = possible or s.signs.sbp < s.sbp0 - 13.0 + doubt or s.signs.hr / s.signs.sbp > 0.95
    yield f"vital.possible.{number}", possible, f"{limit.signal} {value:.0f}"


def _is_spoilt(s: TruthSample, signal: str) -> bool:
    if signal in {"map", "sbp"}:
        return s.has_line and s.artefact in _UNSEEN_PRESSURE
    return signal == "spo2" and (s.artefact in _UNSEEN_SATURATION or s.signs.perfusion_index < 0.45)


def _of_course(s: TruthSample) -> Iterator[_Answer]:
    is_held = bool(s.holds) or s.is_stopped
    yield "hold.certain", s.has_course and is_held, ", ".join(s.holds) or "label ends the course"
    yield "hold.possible", s.has_course and (s.may_hold or is_held or not s.signed_after_hold), ""
    against = s.il2_infusing and (s.is_held_unsigned or s.is_stopped)
    yield "dose_against_hold.certain", against, ", ".join(s.holds) or "held, and nobody has signed"
    yield "dose_against_hold.possible", s.il2_infusing and (s.may_hold or is_held or not s.signed_after_hold), ""
    yield "dose.mistake", s.mistake is not None, s.mistake or ""
    yield "pump.stopped", bool(s.stopped_channels), ", ".join(s.stopped_channels)
    yield "pump.drained", bool(s.drained_channels), ", ".join(s.drained_channels)
    yield "pressor.stopped", bool(s.stopped_pressors), ", ".join(s.stopped_pressors)
    yield "permit.waits", s.waits_for_permit, ""
    yield "pressor.changed", s.pressor_changed or bool(s.stopped_pressors), ""


def _of_fluids(s: TruthSample) -> Iterator[_Answer]:
    yield "urine.certain", s.urine_8h_ml < 74.0, f"{s.urine_8h_ml:.0f} mL in 8 h"
    low = s.urine_8h_ml < 420.0 or s.urine_hour_ml < 0.75 * 80.0
    yield "urine.possible", low, f"{s.urine_hour_ml:.0f} mL in the hour"
    yield "creatinine.certain", s.creatinine > 4.6, f"{s.creatinine:.2f} mg/dL"
    is_raised = s.creatinine > 1.2 or s.creatinine > 1.25 * s.creatinine0
    yield "creatinine.possible", is_raised, f"{s.creatinine:.2f} mg/dL"
    is_weighed_right = s.weight_mistake is None and s.weight_offset_kg == 0.0
    yield "weight.mistake", s.weight_mistake is not None, s.weight_mistake or ""
    yield "weight.offset", s.weight_offset_kg != 0.0, f"{s.weight_offset_kg:+g} kg stand on the scale"
    yield "weight.certain", is_weighed_right and s.weighed_gain_pct >= 10.5, f"{s.weighed_gain_pct:.1f} %"
    gained = s.weight_gain_pct > 3.0 or s.gain_24h_kg > 1.2 or (is_weighed_right and abs(s.weighed_gain_pct) > 3.0)
    yield "weight.possible", gained, f"{s.weighed_gain_pct:.1f} %"
    yield "balance.possible", s.gain_24h_kg > 0.3 or s.weight_gain_pct > 1.0, f"{s.gain_24h_kg:.1f} kg in 24 h"
