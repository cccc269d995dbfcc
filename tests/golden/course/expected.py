"""What has to be decided about each dose, worked out from the clinical text and the contract, not from a run.

For each dose and each of the three gates (two hours before, half an hour before, when it is due) the decision under two
tables: the current label (clinical.md 2.1-2.3) and the consensus of 2014 (3.1). The same people sign the same things in
both: they treat by the label.
"""

from __future__ import annotations

from typing import NamedTuple

LABEL, CONSENSUS = "label-2024", "jitc-2014"
GATES_MIN = (120, 30, 0)
PROCEED, HOLD, DISCONTINUE, INDETERMINATE = "proceed", "hold", "discontinue", "indeterminate"


class Gates(NamedTuple):
    """The decision about one dose at T-120, T-30 and T0, what is met or keeps it held at T0, and why."""

    dose: int
    decisions: tuple[str, str, str]
    criteria: frozenset[str]
    """Met or recovering when the dose is due."""
    why: str


def gates(dose: int, decisions: str, criteria: str, why: str) -> Gates:
    """A row; decisions by their first letters, `p h d i`."""
    words = {word[0]: word for word in (PROCEED, HOLD, DISCONTINUE, INDETERMINATE)}
    first, second, third = (words[letter] for letter in decisions.split())
    return Gates(dose, (first, second, third), frozenset(criteria.split()), why)


BY_LABEL = [
    # T-120 is 06:00; the checklist and the first laboratory come at 06:10, the first urine at 06:58. "A charted state
    # that has never been charted is unknown" (contract 9), unknown blocks the GO (clinical 9.1). At T-30 one hour of
    # 100 mL refutes "below 10 mL/h for 16 h" (contract 4).
    gates(1, "i p p", "", "contract 4, 9: never charted is unknown; one hour of urine refutes 16 h below 10 mL/h"),
    # Doses 2 to 6: the lowest systolic since the dose before is 118, 112, 106, 102, 98, never below 90.
    *(gates(dose, "p p p", "", "clinical 2.1: SBP 90 or more throughout; all else clear") for dose in range(2, 7)),
    # SBP is below 90 from 44:40 to 46:00 (92 at 44.5 to 84 at 45; 84 at 45.5 to 92 at 46). No signature before 55.6.
    # (At T-120, hour 46.0, SBP is 92 again, and phenylephrine doubled 15 min ago.)
    gates(7, "h h h", "cardiovascular.sbp", "clinical 2.1: SBP 84 < 90; contract 4: left only by a signature"),
    # SBP 106 at hour 54, pressor weaned to nothing: resumable, and held until somebody signs, 24 min before the dose.
    gates(8, "h h p", "", "clinical 9.3: never auto-resume; the signature at 55.6 ends it"),
    # Vivid dreams are no moderate confusion or agitation. Lowest SBP 97.
    gates(9, "p p p", "", "clinical 2.1: vivid dreams are no moderate confusion; SBP 97 or more"),
    # AF from 66.5 to 69.0, sinus charted at 69.1, signed at 71.0: between T-120 (70.0) and T-30 (71.5).
    gates(10, "h p p", "", "clinical 2.1: AF withholds until full recovery to sinus rhythm; signed at 71.0"),
    # SBP 86 at 76.5; phenylephrine rising to 1.2; confusion charted at 78:10. At T-120 (78.0) SBP is 96: not signed.
    gates(11, "h h h", "cardiovascular.sbp neurologic.mental_status", "clinical 2.1: SBP 86 < 90, then confusion"),
    # Urine was below 10 mL/h from 74:58 on: 13 h at hour 88, fewer than 16. Confusion gone at 86:10. Nobody signed.
    gates(12, "h h h", "cardiovascular.sbp neurologic.mental_status", "contract 4: recovered, and not signed"),
    # 16 h below 10 mL/h at 90:58, creatinine 2.1 (hour 70), 2.7 (82), 3.2 (94) rising: legacy row, which the current
    # label's unverified row carries. At hour 95 the hour's urine was 15 mL: no longer below 10, but no creatinine fall.
    gates(13, "h h h", "cardiovascular.sbp neurologic.mental_status renal.oliguria",
          "clinical 2.2: < 10 mL/h for 16 h with rising creatinine; resumes with a creatinine fall > 1.5 mg/dL"),
    # Six beats at hour 98.
    gates(14, "d d d", "cardiovascular.sbp neurologic.mental_status renal.oliguria cardiovascular.vt",
          "clinical 2.3: VT of 5 beats or more, permanently"),
]  # fmt: skip

MET_BY_11 = (
    "cardiac.tachycardia.relative hemodynamic.phenylephrine.relative hemodynamic.phenylephrine.absolute "
    "renal.urine.relative neuro.state.relative"
)

BY_CONSENSUS = [
    # One hour of 100 mL refutes "below 80 mL in 8 h", not "80-160 mL": at T-30 that is open; 200 mL by 07:58 refute it.
    gates(1, "i i p", "", "clinical 3.1, contract 4: 100 mL so far do not refute 80-160 mL per shift, 200 mL do"),
    # Heart rate below 100 (94 at most), urine of 8 h 480 mL or more, creatinine 1.4 or less, no pressor.
    *(gates(dose, "p p p", "", "clinical 3.1: HR < 100, urine > 160 mL, creatinine < 2.5") for dose in range(2, 7)),
    # Phenylephrine 0.6 from 45.75 to 49: above 0.5 at dose time, at most 0.6 in the interval: one relative. HR 98.
    gates(7, "h h h", "hemodynamic.phenylephrine.relative",
          "clinical 3.1: phenylephrine 0.6 > 0.5 at dose time; 3.2: any relative holds"),
    # None runs after 54; at most 0.6 in the interval, below 1.0.
    gates(8, "h h p", "", "contract 4: a hold is left only by a signature, at 55.6"),
    # Vivid dreams charted at 62:10, after T-120 (62.0).
    gates(9, "p h h", "neuro.state.relative", "clinical 3.1: vivid dreams, relative"),
    # AF at 66.5, absolute. The signature at 71.0 lifts it; dreams gone since 68; HR 98, weight +10.25 %, urine 352 mL.
    gates(10, "d p p", "", "clinical 3.1: AF absolute; contract 4: only a signature lifts a discontinue"),
    # Phenylephrine 1.2 since 77.75: above 0.8 at dose time, absolute. At T0 there are besides: HR 110, urine of 8 h
    # 103 mL, phenylephrine 1.2 in the interval. Confusion since 78:10, 1:50 h: relative at once, absolute after 2 h.
    # Dose time: 79.1 to 81 it runs at 1.2.
    gates(11, "d d d", MET_BY_11,
          "clinical 3.1: phenylephrine 1.2 > 0.8 at dose time, absolute"),
    # From here on nobody signs but a discontinue: what was met stays listed (contract 4). Creatinine 2.7, relative,
    # since 82:10; urine of 8 h below 80 mL, absolute, since 82 (8 x 8 = 64 mL at 88). Confusion was charted from 78:10
    # to 86:10, more than 2 h: absolute.
    gates(12, "d d d", f"{MET_BY_11} renal.urine.absolute renal.creatinine.relative neuro.state.absolute",
          "clinical 3.1: urine 64 mL < 80 mL per shift, absolute"),
    # Creatinine 3.2 and weight +15.5 % since 94:10.
    gates(13, "d d d", f"{MET_BY_11} renal.urine.absolute renal.creatinine.relative neuro.state.absolute "
          "renal.creatinine.absolute musculoskeletal.weight_gain.relative",
          "clinical 3.1: creatinine 3.2 >= 3.0, absolute; weight > 15 %, relative"),
    # Six beats at hour 98; VT is absolute whatever its length.
    gates(14, "d d d", f"{MET_BY_11} renal.urine.absolute renal.creatinine.relative neuro.state.absolute "
          "renal.creatinine.absolute musculoskeletal.weight_gain.relative cardiac.arrhythmia.absolute",
          "clinical 3.1: ventricular arrhythmia, absolute"),
]  # fmt: skip

EXPECTED = {LABEL: BY_LABEL, CONSENSUS: BY_CONSENSUS}


class Turn(NamedTuple):
    """The decision turns: not before, and at the latest (hours)."""

    profile: str
    earliest_h: float
    latest_h: float
    to: str
    why: str


MIN = 1 / 60
TURNS = [
    # Rounded to whole mm[Hg], SBP says 89 at the first full minute after 44.656.
    Turn(LABEL, 44.65, 44.72, HOLD, "clinical 2.1: SBP < 90"),
    Turn(LABEL, 55.6, 55.6 + MIN, PROCEED, "contract 4: signature"),
    Turn(LABEL, 66.5, 66.5 + MIN, HOLD, "clinical 2.1: AF"),
    Turn(LABEL, 71.0, 71.0 + MIN, PROCEED, "contract 4: signature"),
    # 92 at 76, 86 at 76.5: below 89.5 after 76.21.
    Turn(LABEL, 76.2, 76.26, HOLD, "clinical 2.1: SBP < 90"),
    Turn(LABEL, 98.0, 98.0 + MIN, DISCONTINUE, "clinical 2.3: VT of 6 beats"),
    Turn(CONSENSUS, 45.75, 45.75 + MIN, HOLD, "clinical 3.1: phenylephrine 0.6 > 0.5"),
    Turn(CONSENSUS, 55.6, 55.6 + MIN, PROCEED, "contract 4: signature"),
    Turn(CONSENSUS, 62 + 10 * MIN, 62 + 11 * MIN, HOLD, "clinical 3.1: vivid dreams"),
    Turn(CONSENSUS, 66.5, 66.5 + MIN, DISCONTINUE, "clinical 3.1: AF"),
    Turn(CONSENSUS, 71.0, 71.0 + MIN, PROCEED, "contract 4: signature"),
    # 97 at 72, 102 at 74: 99.5 and more, a monitor's 100, after hour 73.0.
    Turn(CONSENSUS, 73.0, 73.05, HOLD, "clinical 3.1: HR 100"),
    # 1.2 > 0.8 at 77.75; earlier when three are met: HR, phenylephrine > 0.5 since 77.25 and the highest rate are two.
    Turn(CONSENSUS, 77.75, 77.75 + MIN, DISCONTINUE, "clinical 3.1: phenylephrine 1.2 > 0.8"),
]
"""Every turn from the first proceed on, in order, for each profile."""


class GivenDose(NamedTuple):
    """A dose at the end: what became of it."""

    number: int
    status: str
    percent: float | None
    why: str


_FULL = "clinical 1.2: 50 mL x 0.96 MIU/mL = 48 MIU = 80 kg x 0.6 MIU/kg"
DOSES = [
    *(GivenDose(n, "given", 100.0, _FULL) for n in range(1, 4)),
    GivenDose(4, "given", 100.0, "20 mL + 30 mL, seven minutes apart: all of it in the end"),
    *(GivenDose(n, "given", 100.0, _FULL) for n in range(5, 7)),
    GivenDose(7, "held", None, "hold when due, never begun"),
    GivenDose(8, "given", 100.0, _FULL),
    GivenDose(9, "partial", 60.0, "clinical 1.4: 30 of 50 mL, below 95 % of the order"),
    GivenDose(10, "given", 100.0, _FULL),
    GivenDose(11, "partial", 20.0, "10 of 50 mL, begun although held"),
    GivenDose(12, "held", None, "hold when due"),
    GivenDose(13, "held", None, "hold when due"),
    GivenDose(14, "held", None, "discontinued when due"),
]
"""The same under both tables: what was begun was begun, and doses 7 and 12 to 14 are held by both."""
