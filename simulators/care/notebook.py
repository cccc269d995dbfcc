"""What was written down of a patient over time, by the hour and by the result: what the windows of a decision need."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from simulators.body.state import BodyState


@dataclass(frozen=True, slots=True, kw_only=True)
class LabResult:
    """One blood sample."""

    drawn_h: float
    creatinine: float
    bicarbonate: float
    platelets: float
    bilirubin: float
    albumin: float
    potassium: float


@dataclass(slots=True)
class Notebook:
    """Hours of urine, results and weights, newest last."""

    urine_ml: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=200))
    """(end of the hour in hours of the course, mL in that hour)"""
    labs: list[LabResult] = field(default_factory=list)
    weights: list[tuple[float, float]] = field(default_factory=list)
    """(hours of the course, kg)"""
    doses: list[tuple[int, float]] = field(default_factory=list)
    """(slot of the course, start in hours of the course)"""
    held: list[tuple[int, float, tuple[str, ...]]] = field(default_factory=list)
    """(slot, hours of the course, why)"""
    pressors: deque[tuple[float, float, float, float]] = field(default_factory=lambda: deque(maxlen=2000))
    """(hours of the course, phenylephrine, norepinephrine, dopamine), each minute"""

    def urine_of_8h(self) -> float:
        """mL of the last eight hours that are known; a great deal while fewer are."""
        hours = [ml for _, ml in self.urine_ml][-8:]
        return sum(hours) if len(hours) == 8 else 10_000.0

    def low_urine_hours(self, below_ml: float = 10.0) -> float:
        """How many hours in a row, up to the last, brought less."""
        count = 0.0
        for _, ml in reversed(self.urine_ml):
            if ml >= below_ml:
                break
            count += 1.0
        return count

    def pressor_an_hour_ago(self, t_h: float) -> tuple[float, float, float]:
        """Rates an hour before `t_h`; zeros where nothing is known."""
        for at_h, *rates in reversed(self.pressors):
            if at_h <= t_h - 1.0:
                return (rates[0], rates[1], rates[2])
        return (0.0, 0.0, 0.0)

    def highest_phenylephrine(self, since_h: float) -> float:
        """ug/kg/min since an instant."""
        highest = 0.0
        for at_h, rate, _, _ in reversed(self.pressors):
            if at_h < since_h:
                break
            highest = max(highest, rate)
        return highest


def sample_of(state: BodyState) -> LabResult:
    """The blood as the laboratory will report it."""
    return LabResult(
        drawn_h=state.t_h,
        creatinine=round(state.creatinine, 2),
        bicarbonate=round(state.bicarbonate, 1),
        platelets=round(state.platelets),
        bilirubin=round(state.bilirubin, 1),
        albumin=round(state.albumin, 1),
        potassium=round(4.0 + 0.15 * max(0.0, state.creatinine - 1.0), 1),
    )
