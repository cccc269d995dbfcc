"""The bedside's own reading of the criteria before a dose, from the clinical text: label, and consensus beside it.

It is written from the clinical notes (2.1-2.3, 3.1-3.3) and shares no code with the engine that it is compared with.
Each reason names the row it comes from. It judges the instant and the windows that it is given; it remembers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

LABEL_SBP = 90.0
LABEL_SPO2 = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known at the bedside before a dose."""

    sbp: float
    map: float
    hr: float
    temp: float
    spo2: float
    rhythm: str
    mental: str
    stool_blood: bool
    vt_beats: float
    """Of the longest run so far in the course; 0 for none."""
    creatinine: float
    """mg/dL, the last result."""
    creatinine_before: float
    """The one before it."""
    bicarbonate: float
    platelets: float
    bilirubin: float
    urine_8h_ml: float
    urine_low_h: float
    """Hours in a row with less than 10 mL."""
    oxygen_l_min: float
    phenylephrine: float
    """ug/kg/min, as are the other two."""
    phenylephrine_max: float
    """Since the last dose."""
    norepinephrine: float
    dopamine: float
    pressor_rising: bool
    """More than an hour ago."""
    weight_gain_pct: float
    was_low: bool
    """SBP was below the limit since the last dose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What speaks against the next dose."""

    holds: tuple[str, ...]
    """Rows of the label that withhold it."""
    stops: tuple[str, ...]
    """Rows of the label that end the course."""
    relative: tuple[str, ...]
    """Of the consensus table."""
    absolute: tuple[str, ...]

    @property
    def is_clear_by_label(self) -> bool:
        """Whether the label lets it be given."""
        return not self.holds and not self.stops


def assess(found: Findings) -> Assessment:
    """What the clinical text says about the next dose."""
    return Assessment(
        holds=tuple(_label_holds(found)),
        stops=("cardiovascular.vt",) if found.vt_beats >= 5 else (),
        relative=tuple(_relative(found)),
        absolute=tuple(_absolute(found)),
    )


def _label_holds(f: Findings) -> list[str]:
    rows = {
        "cardiovascular.sbp": f.sbp < LABEL_SBP or (f.was_low and f.pressor_rising),
        "respiratory.spo2": f.spo2 < LABEL_SPO2,
        "cardiovascular.rhythm": f.rhythm in {"af", "svt", "bradycardia"},
        "neurologic.mental_status": f.mental in {"confusion", "agitation", "hallucinations", "obtunded", "coma"},
        "gi.stool_blood": f.stool_blood,
        "renal.creatinine": f.creatinine > 4.5 or (f.creatinine >= 4.0 and f.bicarbonate <= 18.0),
        "renal.oliguria": f.urine_low_h >= 16.0 and f.creatinine > f.creatinine_before,
    }
    return [row for row, holds in rows.items() if holds]


def _relative(f: Findings) -> list[str]:
    rows = {
        "cardiac.tachycardia": 120.0 <= f.hr <= 130.0 and f.temp < 38.3,
        "hemodynamic.phenylephrine": f.phenylephrine > 0.5 or 1.0 <= f.phenylephrine_max < 1.5,
        "renal.urine": 80.0 <= f.urine_8h_ml < 160.0,
        "renal.creatinine": 2.5 <= f.creatinine < 3.0,
        "renal.bicarbonate": f.bicarbonate <= 18.0,
        "pulmonary.oxygen": 3.0 <= f.oxygen_l_min <= 4.0,
        "hemorrhage.platelets": 30.0 <= f.platelets < 50.0,
        "gi.bilirubin": f.bilirubin > 7.0,
        "musculoskeletal.weight_gain": f.weight_gain_pct > 15.0,
    }
    return [row for row, holds in rows.items() if holds]


def _absolute(f: Findings) -> list[str]:
    rows = {
        "cardiac.tachycardia": f.hr > 130.0 and f.rhythm == "sinus" and f.temp < 38.3,
        "cardiac.arrhythmia": f.rhythm in {"af", "svt", "vt"},
        "hemodynamic.phenylephrine": f.phenylephrine > 0.8 or f.phenylephrine_max >= 1.5,
        "hemodynamic.pressors": f.norepinephrine > 0.05,
        "renal.urine": f.urine_8h_ml < 80.0,
        "renal.creatinine": f.creatinine >= 3.0,
        "pulmonary.oxygen": f.oxygen_l_min > 4.0,
        "neuro.state": f.mental in {"confusion", "hallucinations", "obtunded", "coma"},
        "hemorrhage.platelets": f.platelets < 30.0,
    }
    return [row for row, holds in rows.items() if holds]
