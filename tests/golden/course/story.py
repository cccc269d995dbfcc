"""One patient over a whole cycle: every number the devices and the people say, as tables written by hand.

Hours count from the first dose, Monday 08:00; treatment day 1 is hours 0 to 24. Between two rows of a table a value
runs in a straight line and is rounded as a monitor rounds it. The shape follows clinical.md 2.4 and 4.2-4.5: pressure
falls 2-12 h after a dose with its nadir at about 5 h, deeper from dose to dose; the heart quickens to 1.5 times its
rate; weight rises, urine falls, creatinine follows.

A man of 80 kg. Doses 1 to 6 are given (the fourth stands still for seven minutes). After the sixth the pressure falls
to 84/46: a bolus, phenylephrine, dose 7 held; weaned, signed, doses 8 and 9 (the ninth infiltrates at 30 of 50 mL).
On day 3 atrial fibrillation for 2.5 h; converted, signed, dose 10. Then 86/48, phenylephrine again, its syringe runs
dry at hour 79 and is changed in six minutes, the patient is confused, and somebody starts dose 11 during the hold and
stops it after 3 minutes. Urine ceases for 18 h, creatinine reaches 3.2 mg/dL, the weight 15.5 % above baseline, doses
12 and 13 are held; at hour 98 six beats of ventricular tachycardia end the course.

What is to be said of it is in `expected` and `expected_alarms`; how it is told in messages, in `telling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Table = Sequence[tuple[float, float]]
"""(hour, value); straight lines between."""

ADMITTED_H, DISCHARGED_H = -3.0, 110.0
MONITOR_ON_H = -3.25
"""The bed's monitor is on before the patient comes."""
WEIGHT_KG, SBP, MAP, HEART_RATE, CREATININE = 80.0, 128.0, 93.0, 72.0, 0.9
INTERVAL_H, DOSES = 8, 14

# --- what the monitor says, each minute -------------------------------------------------------------------------------

SYSTOLIC: Table = [
    (-3.25, 128), (0, 128), (2, 126), (5, 118), (8, 124),  # dose 1: -10
    (10, 122), (13, 112), (16, 120),  # dose 2: -16 against 128
    (18, 118), (21, 106), (24, 116),  # dose 3: -22
    (26, 112), (29, 102), (32, 112),  # dose 4: -26
    (34, 110), (37, 98), (40, 112),  # dose 5: -30
    (42, 102), (44.5, 92), (45, 84), (45.5, 84), (46, 92), (47, 96), (48, 96),  # dose 6: below 90; dose 7 not given
    (50, 100), (52, 104), (54, 106), (56, 107),
    (58, 106), (61, 97), (64, 106),  # dose 8
    (66.5, 102), (66.55, 94), (69, 94), (69.25, 104), (72, 104),  # dose 9, atrial fibrillation
    (74, 98), (76, 92), (76.5, 86), (77, 86), (77.5, 92), (78, 96), (79, 96),  # dose 10
    (79.02, 90), (79.05, 78), (79.09, 74), (79.1, 74), (79.14, 84), (79.2, 94), (79.5, 98),  # the syringe is dry
    (84, 96), (88, 98), (96, 104), (104, 118), (110, 122),
]  # fmt: skip
DIASTOLIC: Table = [
    (-3.25, 76), (0, 76), (2, 74), (5, 68), (8, 72),
    (10, 70), (13, 64), (16, 70),
    (18, 68), (21, 60), (24, 66),
    (26, 64), (29, 58), (32, 64),
    (34, 62), (37, 56), (40, 62),
    (42, 58), (44.5, 52), (45, 46), (45.5, 46), (46, 52), (47, 54), (48, 54),
    (50, 56), (52, 58), (54, 60), (56, 60),
    (58, 58), (61, 54), (64, 60),
    (66.5, 58), (66.55, 56), (69, 56), (69.25, 60), (72, 60),
    (74, 54), (76, 52), (76.5, 48), (77, 48), (77.5, 52), (78, 54), (79, 54),
    (79.02, 50), (79.05, 42), (79.09, 40), (79.1, 40), (79.14, 46), (79.2, 52), (79.5, 54),
    (84, 54), (88, 56), (96, 60), (104, 68), (110, 72),
]  # fmt: skip
HEART: Table = [
    (-3.25, 72), (0, 72), (5, 80), (8, 76), (13, 84), (16, 80), (21, 88), (24, 84), (29, 92), (32, 86), (37, 94),
    (40, 88), (45, 98), (46, 98), (48, 94), (56, 90), (61, 97), (64, 92), (66.48, 96),
    (66.5, 138), (68.98, 138), (69, 98),  # atrial fibrillation
    (72, 97), (74, 102), (77, 112), (79, 108), (79.1, 118), (79.5, 110), (88, 110), (96, 108), (104, 104), (110, 98),
]  # fmt: skip
SATURATION: Table = [(-3.25, 98), (24, 97), (48, 96), (72, 94), (96, 93), (110, 95)]
BREATHS: Table = [(-3.25, 14), (24, 16), (48, 18), (72, 21), (96, 22), (110, 18)]
TEMPERATURE: Table = [
    (-3.25, 36.8), (1.5, 36.8), (4, 38.4), (7.5, 37), (12, 38.6), (15.5, 37.1), (20, 38.4), (23.5, 37), (28, 38.2),
    (31.5, 37), (36, 38.1), (39.5, 37), (44, 38.0), (47.5, 37), (60, 37.8), (64, 37),
    (76, 37.9), (80, 37.2), (110, 36.9),
]  # fmt: skip
FIBRILLATION_H = (66.5, 69.0)
VT_H, VT_BEATS = 98.0, 6

# --- the scale, the urometer, the laboratory --------------------------------------------------------------------------

WEIGHTS_KG: Mapping[float, float] = {-2: 80.0, 22: 81.6, 46: 84.4, 70: 88.2, 94: 92.4}
"""Each morning at 06:00: +2.0 %, +5.5 %, +10.25 %, +15.5 %."""
CHART_LATER_H = 10 / 60
"""Weight, laboratory and checklist are in the chart ten minutes later."""

URINE_FROM_H = -2
URINE_ML_H: Sequence[tuple[range, float]] = [
    (range(-1, 17), 100), (range(17, 33), 80), (range(33, 49), 60), (range(49, 65), 50), (range(65, 73), 44),
    (range(73, 74), 30), (range(74, 75), 20), (range(75, 76), 12), (range(76, 77), 9), (range(77, 94), 8),
    (range(94, 95), 9), (range(95, 97), 15), (range(97, 99), 25), (range(99, 101), 35), (range(101, 103), 45),
    (range(103, 111), 60),
]  # fmt: skip
"""What the urometer reports two minutes before each hour, for the hour before."""
URINE_EARLY_H = 2 / 60

LABORATORY_H = tuple(range(-2, 110, 12))
"""06:00 and 18:00."""
LABORATORY: Mapping[str, Sequence[float]] = {
    "loinc:2160-0": (0.9, 0.9, 1.0, 1.2, 1.4, 1.7, 2.1, 2.7, 3.2, 3.1),  # creatinine, mg/dL
    "loinc:1963-8": (25, 25, 24, 24, 23, 22, 22, 21, 20, 20),  # bicarbonate, mmol/L: never 18
    "loinc:1975-2": (0.6, 0.6, 0.7, 0.9, 1.2, 1.6, 2.1, 2.6, 3.0, 3.1),  # bilirubin, mg/dL: never 7
    "loinc:777-3": (250, 240, 220, 200, 175, 150, 130, 115, 100, 95),  # platelets, 10*3/uL: never 50
    "loinc:10839-9": (0.01,) * 10,  # troponin I, ng/mL
    "loinc:2345-7": (105, 118, 110, 121, 112, 119, 108, 115, 110, 104),
    "loinc:2823-3": (4.1, 4.0, 3.9, 3.9, 3.8, 3.8, 3.9, 4.1, 4.4, 4.3),
    "loinc:1751-7": (3.8, 3.6, 3.3, 3.1, 2.9, 2.7, 2.6, 2.5, 2.4, 2.4),
}

# --- what people chart ------------------------------------------------------------------------------------------------

CHECKLIST: Mapping[str, str | float] = {
    "site:rhythm": "sinus", "site:mental_status": "normal", "site:stool_blood": "negative", "site:skin": "normal",
    "site:ecg": "normal", "site:infection": "none", "site:ventilation": "none", "site:dialysis": "none",
    "site:seizure": "none", "site:gi": "normal", "site:angina": "absent", "site:hepatic": "normal",
    "site:tamponade": "absent", "site:volume_overload": "none", "site:arrhythmia_control": "controlled",
    "site:dyspnea": "none", "site:rales": "none", "site:vomiting": "none", "site:distention": "none",
    "site:paresthesia": "none", "site:diarrhea_ml_8h": 100, "loinc:3151-8": 0, "MDC_SCORE_GLAS_COMA": 15,
}  # fmt: skip
CHECKLIST_BEFORE_H = 2
"""The checklist is due two hours before each dose, and in the chart ten minutes later."""
CHECKLIST_DIFFERS: Mapping[int, Mapping[str, str | float]] = {
    3: {"site:diarrhea_ml_8h": 250},
    6: {"site:vomiting": "controlled", "site:diarrhea_ml_8h": 400},
    9: {"site:mental_status": "vivid_dreams", "site:diarrhea_ml_8h": 400},
    10: {"loinc:3151-8": 2, "site:diarrhea_ml_8h": 350},
    11: {"site:mental_status": "confusion", "loinc:3151-8": 2, "MDC_SCORE_GLAS_COMA": 14},
    12: {"loinc:3151-8": 2},
    13: {"loinc:3151-8": 2},
}
"""Where a dose's checklist differs from the usual one. Confusion has gone by the checklist of dose 12 (hour 86)."""
CHARTED_BETWEEN: Sequence[tuple[float, Mapping[str, str]]] = [
    (66.6, {"site:rhythm": "af"}),
    (68.0, {"site:mental_status": "normal"}),
    (69.1, {"site:rhythm": "sinus"}),
]
SIGNATURES: Sequence[tuple[float, str, str]] = [
    (55.6, "proceed", "Pressure holds for nine hours, no pressor since 14:00, asymptomatic"),
    (71.0, "proceed", "Converted two hours ago, sinus rhythm on the 12-lead ECG, asymptomatic"),
    (98.5, "discontinue", "Ventricular tachycardia of six beats"),
]
ROUND_MINUTE = 10
"""The nurse's round: ten minutes past each hour, whatever is announced is looked at and acknowledged."""

# --- the pumps --------------------------------------------------------------------------------------------------------

BAG_ML, RATE_ML_H = 50.0, 200.0
IU_PER_ML = 960_000
"""80 kg x 600,000 IU/kg = 48 MIU in 50 mL; 50 mL at 200 mL/h run for 15 min."""
PROGRAMMED_BEFORE_MIN, STARTED_AFTER_MIN = 10, 2
"""Against the time a dose is due."""
DOSES_STARTED: Mapping[int, Sequence[tuple[int, int]]] = {
    **{dose: [(0, 15)] for dose in (1, 2, 3, 5, 6, 8, 10)},
    4: [(0, 6), (13, 22)],  # stands still for 7 min
    9: [(0, 9)],  # 30 of 50 mL
    11: [(0, 3)],  # 10 of 50 mL, during the hold
}
"""Minutes since its start during which each dose runs."""
PHENYLEPHRINE: Table = [
    (45.4, 0), (45.5, 0.3), (45.75, 0.6), (49, 0.4), (50, 0.3), (52, 0.2), (53, 0.1), (54, 0),
    (76.6, 0.5), (77.25, 0.8), (77.75, 1.2), (79, 0), (79.1, 1.2), (81, 1.0), (82, 0.8), (83, 0.6), (84, 0.4),
    (86, 0.2), (88, 0.1), (90, 0),
]  # fmt: skip
"""(from this hour on, ug/kg/min): steps, not lines. 0.2 mg/mL at 80 kg: 1 ug/kg/min is 24 mL/h."""
PHENYLEPHRINE_MG_ML = 0.2


def at_hour(table: Table, hour: float) -> float:
    """The value of a table of straight lines."""
    for (h0, v0), (h1, v1) in pairwise(table):
        if h0 <= hour <= h1:
            return v0 + (v1 - v0) * (hour - h0) / (h1 - h0)
    return table[-1][1]


def step_at_hour(table: Table, hour: float) -> float | None:
    """The value of a table of steps; None before its first."""
    said = [value for since, value in table if since <= hour + 1e-9]
    return said[-1] if said else None


def due_h(dose: int) -> float:
    """When a dose is due."""
    return float((dose - 1) * INTERVAL_H)
