"""What has to be announced, by family, worked out from the clinical text and the contract, not from a run.

`heard` says: nothing as urgent of this family before `earliest`, something exactly as urgent as `priority` at the
latest at `by`, and (where `over` is given) nothing as urgent any more at `over`. Priorities follow the matrix of
clinical.md 8.1: harm and how soon it develops. A family, or a time, that no line names has to be quiet: `unexpected`
in the test looks at every announcement.

Windows allow for what the text leaves open: the delay after which a sustained condition is announced (clinical 5.1: 60
s when high, 120 s otherwise; a dip 20 mm[Hg] below baseline has no printed delay and gets half an hour), and, for what
is high and latches, the nurse's next round.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.golden.course.expected import CONSENSUS, LABEL

LOW, MEDIUM, HIGH = "low", "medium", "high"
BOTH = (LABEL, CONSENSUS)
MIN = 1 / 60


class Heard(NamedTuple):
    """A family has to be heard with a priority (hours; `over` None: until the end, or not asked)."""

    family: str
    priority: str
    earliest: float
    by: float
    over: float | None
    why: str
    profiles: tuple[str, ...] = BOTH


class May(NamedTuple):
    """A family may be heard here, up to a priority: the clinical text names it, and no number."""

    family: str
    priority: str
    begin: float
    end: float
    why: str


HEARD = [
    # --- hypotension: baseline 128, so 20 below is 108. SBP < 90, MAP < 65: medium; SBP < 80, MAP < 60: high --------
    # Dose 3: 118 at 18 to 106 at 21 is 4 an hour: 108 at 20.5; 106 at 21 to 116 at 24: 108 again at 21.6. The text asks
    # for hysteresis (9.9) and gives no number: at the latest soon after 116 at 24.
    Heard("hypotension", LOW, 20.4, 21.1, 24.5, "clinical 2.4: 20 mmHg below baseline SBP"),
    # Dose 4: 112 at 26 to 102 at 29: 108 at 27.2. From there to hour 98 it is never more than 4 above 108, so whether
    # there is a pause is the hysteresis' to say.
    Heard("hypotension", LOW, 27.0, 27.8, None, "clinical 2.4: 20 mmHg below baseline SBP"),
    # MAP (52 + (92 - 52) / 3 = 65.3 at 44.5; 46 + 38 / 3 = 58.7 at 45) is a monitor's 64 after 44.56; two minutes on.
    # It stays medium until the time below 65 in four hours is under 30 min: low from 44.56 to 45.97, 85 min, so until
    # 45.97 + 4 - 0.5 = 49.5.
    Heard("hypotension", MEDIUM, 44.55, 44.68, 50.2, "clinical 5.1: MAP < 65 for 2 min; 30 min in 4 h"),
    # MAP 59 (below 59.5) after 44.94: one minute later. 45.5 to 46: 46 + 38/3 to 52 + 40/3; MAP 60 again at 45.6; low
    # SBP with a rising pressor until 46.0. Clears, and is looked at on the round of 46:10, at the latest 47:10.
    Heard("hypotension", HIGH, 44.90, 45.02, 47.2, "clinical 5.1: MAP < 60 for 60 s; 2.2: SBP < 90, pressor rising"),
    # Dose 10: 92 at 76 to 86 at 76.5; MAP 65.3 at 76 to 60.7 at 76.5: below 64.5 after 76.09. MAP stays at 61 or more.
    Heard("hypotension", MEDIUM, 76.05, 76.30, 82.3, "clinical 5.1: MAP < 65, SBP < 90 for 2 min; 30 min in 4 h"),
    # SBP 86 and phenylephrine begun at 76.6, 0.5: low pressure with an increasing requirement is another rule than low
    # pressure alone (clinical 2.2, 9.12), and more urgent. SBP is 90 again at 77.33; the round of 78:10 at the latest.
    Heard("hypotension", HIGH, 76.6, 76.75, 78.2, "clinical 2.2, 9.12: SBP < 90 with increasing pressor requirement"),
    # The syringe is dry from 79:00 on: MAP 59 at 79:02 to 57 at 79:08; SBP 78 at 79:03 to 78 at 79:07.
    Heard("hypotension", HIGH, 79.03, 79.10, 80.2, "clinical 5.1: MAP < 60, SBP < 80 for 60 s"),
    # --- rhythm -------------------------------------------------------------------------------------------------------
    Heard("arrhythmia", MEDIUM, 66.5, 66.5 + MIN, 69.4, "clinical 2.1: AF; 8.1: reversible, prompt"),
    Heard("arrhythmia", HIGH, 98.0, 98.0 + MIN, 99.2, "clinical 2.3: VT; 8.1: death, immediate"),
    # 138 from 66.5 to 68.98.
    Heard("tachycardia", MEDIUM, 66.5, 66.54, 69.1, "clinical 3.1: above 130"),
    # --- weight: in the chart ten minutes after the scale -------------------------------------------------------------
    # 81.6 kg at 22: +2.0 %, 1.6 kg in a day: nothing. 84.4 at 46: +5.5 %.
    Heard("weight_gain", LOW, 46.1, 46.2, None, "clinical 3.6: 5 %, early CLS flag; +2 kg in a day"),
    # 88.2 at 70: +10.25 % is still below 15. 92.4 at 94: +15.5 %.
    Heard("weight_gain", MEDIUM, 94.1, 94.2, None, "clinical 3.6: 15 %, relative hold criterion"),
    # --- kidney -------------------------------------------------------------------------------------------------------
    # Sums of 8 h, reported two minutes before the hour: 352 at 72, 338 at 73, 314 at 74: below 4 mL/kg = 320.
    Heard("oliguria", LOW, 73.96, 74.0, None, "clinical 3.4: < 4 mL/kg per 8 h"),
    # 175 at 78, 139 at 79.
    Heard("oliguria", MEDIUM, 78.96, 79.0, None, "clinical 3.1: 80-160 mL per shift"),
    # 2.1 at 70, 2.7 at 82. Low: 95 % are back to baseline within 30 days (4.2), so reversible, and delayed.
    Heard("renal", LOW, 34.1, 82.2, None, "clinical 3.1: creatinine 2.5 or more; 4.2, 8.1: reversible, delayed"),
    # --- doses and pumps ----------------------------------------------------------------------------------------------
    # Dose 4 stops at 24:08 and goes on at 24:15.
    Heard("dose", LOW, 24.21, 24.26, 25.6, "clinical 6.1: more than 5 min of pause"),
    # Dose 9 stops at 64:11, 30 of 50 mL.
    Heard("dose", LOW, 64.18, 64.4, 65.6, "clinical 1.4: stops below 95 % of what is expected"),
    # Dose 11 runs from 80:02 to 80:05, 10 of 50 mL.
    Heard("dose", LOW, 80.08, 80.4, 81.6, "clinical 1.4: stops below 95 % of what is expected"),
    Heard("dose_during_hold", HIGH, 80 + 2 * MIN, 80 + 3 * MIN, 80 + 11 * MIN, "clinical 1.4: runs while held, high"),
    Heard("dose_during_hold", HIGH, 64 + 2 * MIN, 64 + 3 * MIN, 65.2, "clinical 1.4: dose 9 is held", (CONSENSUS,)),
    Heard("pressor", HIGH, 79.0, 79.02, 79.2, "clinical 9.12: a pressor that stops at 1.2 ug/kg/min"),
    # --- the decision turns -------------------------------------------------------------------------------------------
    Heard("dose_decision", LOW, 44.65, 44.75, 55.7, "clinical 2.1: SBP < 90", (LABEL,)),
    Heard("dose_decision", LOW, 66.5, 66.53, 71.1, "clinical 2.1: AF", (LABEL,)),
    Heard("dose_decision", LOW, 76.2, 76.3, None, "clinical 2.1: SBP < 90", (LABEL,)),
    Heard("dose_decision", LOW, 45.75, 45.8, 55.7, "clinical 3.1: phenylephrine", (CONSENSUS,)),
    Heard("dose_decision", LOW, 62.16, 62.2, 71.1, "clinical 3.1: vivid dreams, then AF", (CONSENSUS,)),
    Heard("dose_decision", LOW, 73.0, 73.1, None, "clinical 3.1: HR 100", (CONSENSUS,)),
]

MAY = [
    May("pressor", MEDIUM, 45.4, 47.5, "clinical 9.12: a pressor is begun and doubled"),
    May("pressor", MEDIUM, 76.5, 80.5, "clinical 9.12: a pressor is begun and raised"),
    # 1.2 mg/dL at 34 is 0.3 above 0.9, 1.4 at 46 is half as much again: no number of the clinical notes.
    May("renal", LOW, 34.1, 110.0, "clinical 4.4: creatinine rises"),
    May("renal", MEDIUM, 94.1, 110.0, "clinical 3.1: creatinine 3.2, absolute"),
    May("weight_gain", LOW, 46.1, 94.2, "clinical 3.6: 10 %; 2 kg or 3 % in a day"),
    May("weight_gain", MEDIUM, 94.1, 110.0, "clinical 3.6: 15 %"),
    # 69 mL at 82: below 80; below 10 mL/h for 16 h at 90:58.
    May("oliguria", HIGH, 81.9, 110.0, "clinical 4.1: < 80 mL in 8 h is grade 3"),
    # The urgency of hold and discontinue is nowhere printed.
    May("dose_decision", HIGH, 44.6, 110.0, "contract 9"),
    May("dose", HIGH, 24.2, 25.5, "clinical 6.1"),
    May("dose", HIGH, 64.18, 65.6, "clinical 1.4"),
    May("dose", HIGH, 80.08, 81.6, "clinical 1.4"),
]

NEWS = [
    ("weight_gain", 70.16, 70.2, "clinical 3.6: +10.25 %, grade 2"),
    ("renal", 82.16, 82.2, "clinical 3.1: creatinine 2.7, relative criterion"),
]
"""(family, earliest, latest, why): worse than what was acknowledged long before, so it has to be announced anew.
"Acknowledge silences current conditions only and must not inhibit new ones" (clinical 8.1)."""

NEVER = (
    # SBP is at most 128, heart rate at least 72, SpO2 at least 93 %, breaths at most 22, temperature at most 38.6 Cel.
    "hypertension", "bradycardia", "desaturation", "respiratory", "temperature",
    # Pumps give less than half a litre a day, urine is above it until day 4.
    "fluid_balance",
    # Nothing is wrong with any device, and no pump gives an alarm.
    "pump", "device_offline", "signal_stale", "clock_skew", "implausible", "sources_disagree", "sequence_gap",
    "cannot_evaluate", "system",
)  # fmt: skip

QUIET = [
    ("hypotension", -3.0, 20.4, "clinical 2.4: doses 1 and 2 leave 112 or more"),
    ("hypotension", 105.0, 110.0, "SBP 118 or more again"),
    ("oliguria", -3.0, 73.9, "40 mL/h and more until hour 72"),
    ("renal", -3.0, 34.1, "creatinine 1.0 or less"),
    ("pressor", -3.0, 45.4, "no pressor"),
    ("pressor", 47.6, 76.5, "weaned to 0.1 before it is stopped"),
    ("pressor", 81.0, 110.0, "weaned to 0.1 before it is stopped"),
    ("weight_gain", -3.0, 46.1, "+2.0 % is no gain to speak of"),
    ("arrhythmia", -3.0, 66.5, "sinus rhythm"),
    ("arrhythmia", 69.4, 98.0, "sinus rhythm"),
]
