"""What is known of a body between two steps, what is given to it, and what happens to it.

Frozen values: a step makes a new state (`simulators.body.step`). Hours count from the first dose of the course and are
negative before it; volumes are deviations from the state before treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HappeningKind(StrEnum):
    """What may befall a patient beside the drug's usual effects."""

    VASODILATATION = "vasodilatation"
    """`depth`: mm[Hg] of mean pressure lost."""
    DESATURATION = "desaturation"
    """`depth`: % of saturation lost."""
    FEVER = "fever"
    """`depth`: K."""
    TACHYCARDIA = "tachycardia"
    """`depth`: /min gained in sinus rhythm."""
    BRADYCARDIA = "bradycardia"
    """`depth`: /min lost."""
    ANURIA = "anuria"
    """`depth`: share of the urine that stays away, 0..1."""
    AF = "af"
    SVT = "svt"
    VT = "vt"
    """A run; `depth`: beats."""
    VIVID_DREAMS = "vivid_dreams"
    CONFUSION = "confusion"
    AGITATION = "agitation"
    STOOL_BLOOD = "stool_blood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that befalls the patient from `start_h` to `end_h`."""

    kind: HappeningKind
    start_h: float
    end_h: float
    depth: float = 0.0
    ramp_h: float = 0.02
    """How long it takes to come, and to go."""

    def strength_at(self, t_h: float) -> float:
        """0 outside, 1 in the middle."""
        if not self.start_h <= t_h < self.end_h:
            return 0.0
        return min(1.0, (t_h - self.start_h) / self.ramp_h, (self.end_h - t_h) / self.ramp_h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What flows into the patient now. All >= 0."""

    maintenance_ml_h: float = 0.0
    """Drink and carrier fluids: spread over the body's water."""
    bolus_ml_h: float = 0.0
    phenylephrine: float = 0.0
    """ug/kg/min, as are the other two."""
    norepinephrine: float = 0.0
    dopamine: float = 0.0
    oxygen_l_min: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyState:
    """A body at one instant."""

    t_h: float
    """Hours since the first dose."""
    doses: tuple[tuple[int, float, float], ...] = ()
    """(number, start in hours, share of the order) of each dose given."""
    happenings: tuple[Happening, ...] = ()
    activity: float = 0.0
    """Of the cytokines now, 0 to about 5.2."""
    drive: float = 0.0
    """The slow part of the effect, 0..1: vessels, heart rate, kidneys, marrow."""
    leak: float = 0.0
    """How permeable the capillaries are, 0..1."""
    plasma_ml: float = 0.0
    """-1,800..1,500"""
    crystalloid_ml: float = 0.0
    """Of the boluses, what is still in the vessels; >= 0."""
    interstitial_ml: float = 0.0
    """>= 0"""
    phenylephrine: float = 0.0
    """At the site of effect, ug/kg/min, as are the other two."""
    norepinephrine: float = 0.0
    dopamine: float = 0.0
    oxygen_l_min: float = 0.0
    low_pressure_h: float = 0.0
    """Hours spent with a mean pressure below 60 mm[Hg]."""
    clearance: float = 1.0
    """Share of the creatinine clearance left, 0.05..1."""
    creatinine: float = 0.9
    """mg/dL"""
    bicarbonate: float = 25.0
    """mmol/L"""
    platelets: float = 250.0
    """10*3/uL"""
    bilirubin: float = 0.6
    """mg/dL"""
    albumin: float = 3.8
    """g/dL"""
    urine_ml_h: float = 100.0
    urine_ml: float = 0.0
    """All that came since the state began."""
    map: float = 95.0
    """mm[Hg], without the beat-to-beat noise."""
    temp: float = 36.8
    """Cel"""

    def strength_of(self, kind: HappeningKind) -> float:
        """The greatest strength of a kind of happening now, 0..1."""
        return max((h.strength_at(self.t_h) for h in self.happenings if h.kind is kind), default=0.0)

    def depth_of(self, kind: HappeningKind) -> float:
        """Strength times depth, all of a kind together."""
        return sum(h.strength_at(self.t_h) * h.depth for h in self.happenings if h.kind is kind)

    def weight_gain_kg(self) -> float:
        """What was gained since before treatment; 1 mL weighs 1 g."""
        return (self.plasma_ml + self.crystalloid_ml + self.interstitial_ml) / 1000.0
