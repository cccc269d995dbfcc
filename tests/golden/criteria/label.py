"""Sections 2.1 to 2.3 of the clinical notes: the Proleukin label, current and legacy. By hand, from the notes."""

from __future__ import annotations

from tests.golden.criteria.rows import Case, Given, Row, below, better, case, hours, states
from tests.support.plain_facts import run_of

RHYTHM = "site:rhythm"
MIND = "site:mental_status"
PHE, NOR, DOP, VAS = (
    "phenylephrine_ug_kg_min",
    "norepinephrine_ug_kg_min",
    "dopamine_ug_kg_min",
    "vasopressin_u_min",
)
STABLE: Given = {"site:volume_overload": "none", "bicarbonate": 24.0, "potassium": 4.0}
LOW_URINE: Given = {"urine_ml_h": hours(9, 16), "creatinine": [(12, 2.0), (0, 3.1)]}

_RHYTHM_HOLD = (
    *states(RHYTHM, "af svt bradycardia", "sinus sinus_tachycardia paced"),
    case("charted as unknown", {RHYTHM: "unknown"}, "unknown"),
    case("too old", {RHYTHM: [(12.1, "sinus")]}, "unknown"),
    case("reported by the monitor since", {RHYTHM: [(1, "sinus")]}, "met", events=(run_of(None, rhythm="af"),)),
    case("charted since the monitor's event", {RHYTHM: "sinus"}, "clear", events=(run_of(None, rhythm="af"),)),
)
_RHYTHM_RESUME = better(
    {RHYTHM: "af"},
    ("sinus rhythm", {RHYTHM: "sinus"}, "resumable"),
    ("not yet normal", {RHYTHM: "sinus_tachycardia"}, "recovering"),
    ("still", {RHYTHM: "svt"}, "met"),
    ("unknown", {RHYTHM: "unknown"}, "met"),
)
_SPO2_HOLD = (*below("spo2", 90, 0.1), case("too old", {"spo2": [(0.1, 89)]}, "unknown"))
_SPO2_RESUME = better(
    {"spo2": 89},
    ("on", {"spo2": 90}, "recovering"),
    ("just inside", {"spo2": 90.1}, "resumable"),
    ("still below", {"spo2": 89.9}, "met"),
    ("unknown", {}, "met"),
)
_MIND_HOLD = states(MIND, "confusion agitation hallucinations obtunded coma", "normal vivid_dreams mild_anxiety")
_MIND_RESUME = better(
    {MIND: "confusion"},
    ("completely resolved", {MIND: "normal"}, "resumable"),
    ("not completely", {MIND: "vivid_dreams"}, "recovering"),
)
_SEPSIS_HOLD = states("site:infection", "sepsis", "none suspected documented")
_SEPSIS_RESUME = better(
    {"site:infection": "sepsis"},
    ("resolved", {"site:infection": "none"}, "resumable"),
    ("under treatment", {"site:infection": "documented"}, "resumable"),
    ("not yet treated", {"site:infection": "suspected"}, "recovering"),
)
_CREATININE_HOLD = (
    case("just inside", {"creatinine": 4.6}, "met"),
    case("on, all stable", {"creatinine": 4.5, **STABLE}, "clear"),
    case("on, volume unknown", {"creatinine": 4.5}, "unknown"),
    case("just outside", {"creatinine": 4.4, **STABLE}, "clear"),
    case("unknown", {}, "unknown"),
)
_CREATININE_WITH = (
    case("just inside, overload", {"creatinine": 4.0, "site:volume_overload": "severe"}, "met"),
    case("just inside, acidosis", {"creatinine": 4.0, "bicarbonate": 18}, "met"),
    case("just inside, hyperkalemia", {"creatinine": 4.0, "potassium": 5.6}, "met"),
    case("on every other limit", {"creatinine": 4.0, **STABLE, "bicarbonate": 18.1, "potassium": 5.5}, "clear"),
    case("just outside", {"creatinine": 3.9, "site:volume_overload": "severe"}, "clear"),
    case("unknown", {"creatinine": 4.0, "site:volume_overload": "none", "bicarbonate": 24}, "unknown"),
)
_CREATININE_RESUME = better(
    {"creatinine": 4.6},
    ("just inside", {"creatinine": 3.9, **STABLE}, "resumable"),
    ("on", {"creatinine": 4.0, **STABLE}, "recovering"),
    ("not stable", {"creatinine": 3.9, **STABLE, "potassium": 5.6}, "recovering"),
    ("unknown whether stable", {"creatinine": 3.9}, "recovering"),
)
_OLIGURIA_HOLD = (
    case("just inside", {"urine_ml_h": hours(9.9, 16), "creatinine": [(12, 2.0), (0, 2.1)]}, "met"),
    case("on 10 mL/h", {"urine_ml_h": hours(10, 16), "creatinine": [(12, 2.0), (0, 2.1)]}, "clear"),
    case("one hour of 40 mL", {"urine_ml_h": 40}, "clear"),
    case("an hour of 10 mL at the edge", {"urine_ml_h": [(15, 10), *hours(5, 15)], "creatinine": 3}, "clear"),
    case("an hour of 10 mL before", {"urine_ml_h": [(16, 10), *hours(5, 16)], "creatinine": [(12, 2), (0, 3)]}, "met"),
    case("creatinine not rising", {"urine_ml_h": hours(5, 16), "creatinine": [(12, 2.0), (0, 2.0)]}, "clear"),
    case(
        "rising against the baseline", {"urine_ml_h": hours(5, 16), "creatinine": 2}, "met", baseline={"creatinine": 1}
    ),
    case("unknown whether rising", {"urine_ml_h": hours(5, 16), "creatinine": 2.1}, "unknown"),
    case("12 hours known", {"urine_ml_h": hours(5, 12), "creatinine": [(12, 2.0), (0, 2.1)]}, "unknown"),
    case("13 hours known", {"urine_ml_h": hours(5, 13), "creatinine": [(12, 2.0), (0, 2.1)]}, "met"),
    case("unknown", {}, "unknown"),
)
_OLIGURIA_RESUME = better(
    LOW_URINE,
    ("just inside", {"urine_ml_h": 10.1, "creatinine": 1.5}, "resumable"),
    ("fall on 1.5", {"urine_ml_h": 10.1, "creatinine": 1.6}, "recovering"),
    ("normal", {"urine_ml_h": 10.1, "creatinine": 1.3}, "resumable"),
    ("urine on 10", {"urine_ml_h": 10, "creatinine": 1.5}, "recovering"),
)
_HEPATIC_HOLD = states("site:hepatic", "failure", "normal")
_HEPATIC_RESUME = better(
    {"site:hepatic": "failure"}, ("resolved, and the course is over", {"site:hepatic": "normal"}, "recovering")
)
_STOOL_HOLD = states("site:stool_blood", "positive frank", "negative")
_STOOL_RESUME = better({"site:stool_blood": "positive"}, ("negative", {"site:stool_blood": "negative"}, "resumable"))
_SKIN_HOLD = states("site:skin", "bullous_dermatitis", "normal moist_desquamation")
_SKIN_RESUME = better(
    {"site:skin": "bullous_dermatitis"},
    ("resolved", {"site:skin": "normal"}, "resumable"),
    ("not resolved", {"site:skin": "moist_desquamation"}, "recovering"),
)
_SBP_RESUME: tuple[tuple[str, Given, str], ...] = (
    ("on", {"sbp": 90, PHE: 0.3}, "resumable"),
    ("falling pressor", {"sbp": 90, PHE: 0.2}, "resumable"),
    ("rising pressor", {"sbp": 95, PHE: 0.4}, "recovering"),
    ("another pressor begun", {"sbp": 95, PHE: 0.3, NOR: 0.05}, "recovering"),
    ("unknown", {}, "met"),
)

CURRENT_HOLD = (
    Row(
        section="2.1",
        says="hold",
        quote="atrial fibrillation, SVT, or bradycardia needing treatment / recurrent / persistent",
        criterion="cardiovascular.rhythm",
        cases=_RHYTHM_HOLD,
        charted="site:rhythm",
    ),
    Row(
        section="2.1",
        says="resume",
        quote="asymptomatic **and** full recovery to normal sinus rhythm",
        criterion="cardiovascular.rhythm",
        cases=_RHYTHM_RESUME,
    ),
    Row(
        section="2.1",
        says="hold",
        quote="**SBP falls to < 90 mmHg** (no pressor qualifier in the current text)",
        criterion="cardiovascular.sbp",
        cases=(
            *below("sbp", 90, 0.1),
            case("own limit, just inside", {"sbp": 79.9}, "met", limits={"sbp_hold": 80}),
            case("own limit, on", {"sbp": 80}, "clear", limits={"sbp_hold": 80}),
            case("whatever the pressor does", {"sbp": 89.9, PHE: [(2, 0.5), (0, 0.1)]}, "met"),
        ),
    ),
    Row(
        section="2.1",
        says="resume",
        quote="**no numeric SBP resume value is printed**",
        criterion="cardiovascular.sbp",
        cases=better({"sbp": 89, PHE: 0.3}, ("just outside", {"sbp": 89.9, PHE: 0.3}, "met"), *_SBP_RESUME),
    ),
    Row(
        section="2.1",
        says="hold",
        quote="SpO2/O2 saturation < 90 %",
        criterion="respiratory.spo2",
        cases=_SPO2_HOLD,
    ),
    Row(section="2.1", says="resume", quote="O2 saturation > 90 %", criterion="respiratory.spo2", cases=_SPO2_RESUME),
    Row(
        section="2.1",
        says="hold",
        quote="mental-status change incl. moderate confusion or agitation",
        criterion="neurologic.mental_status",
        cases=_MIND_HOLD,
        charted=MIND,
    ),
    Row(
        section="2.1",
        says="resume",
        quote="completely resolved",
        criterion="neurologic.mental_status",
        cases=_MIND_RESUME,
    ),
    Row(
        section="2.1",
        says="hold",
        quote="FIT or FOBT positive",
        criterion="gi.stool_blood",
        cases=_STOOL_HOLD,
        charted="site:stool_blood",
    ),
    Row(section="2.1", says="resume", quote="FIT/FOBT negative", criterion="gi.stool_blood", cases=_STOOL_RESUME),
    Row(
        section="2.1",
        says="hold",
        quote="see legacy rows below (wording in the new table not seen)",
        criterion="renal.creatinine",
        cases=(*_CREATININE_HOLD, *_CREATININE_WITH, *_CREATININE_RESUME),
    ),
    Row(
        section="2.1",
        says="hold",
        quote="see legacy rows below (wording in the new table not seen)",
        criterion="renal.oliguria",
        cases=(*_OLIGURIA_HOLD, *_OLIGURIA_RESUME),
    ),
    Row(
        section="2.1",
        says="hold",
        quote="hepatic failure signs (see legacy)",
        criterion="hepatic.failure",
        cases=(*_HEPATIC_HOLD, *_HEPATIC_RESUME),
        charted="site:hepatic",
    ),
    Row(
        section="2.1",
        says="hold",
        quote="bullous dermatitis / marked worsening of skin disease",
        criterion="skin.bullous_dermatitis",
        cases=(*_SKIN_HOLD, *_SKIN_RESUME),
        charted="site:skin",
    ),
    Row(
        section="2.1",
        says="hold",
        quote="sepsis syndrome, clinically unstable",
        criterion="infection.sepsis",
        cases=(*_SEPSIS_HOLD, *_SEPSIS_RESUME),
        charted="site:infection",
    ),
)

LEGACY_HOLD = (
    Row(
        section="2.2",
        says="hold",
        quote="AF, SVT, or bradycardia requiring treatment or recurrent/persistent",
        criterion="cardiovascular.rhythm",
        cases=_RHYTHM_HOLD,
        charted="site:rhythm",
    ),
    Row(
        section="2.2",
        says="resume",
        quote="asymptomatic, full recovery to normal sinus rhythm",
        criterion="cardiovascular.rhythm",
        cases=_RHYTHM_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="SBP < 90 mmHg **with increasing requirement for pressors**",
        criterion="cardiovascular.sbp",
        cases=(
            case("just inside, rising", {"sbp": 89.9, PHE: [(2, 0.4), (0, 0.5)]}, "met"),
            case("on, rising", {"sbp": 90, PHE: [(2, 0.4), (0, 0.5)]}, "clear"),
            case("just outside, rising", {"sbp": 90.1, PHE: [(2, 0.4), (0, 0.5)]}, "clear"),
            case("just inside, steady", {"sbp": 89.9, PHE: [(2, 0.4), (0, 0.4)]}, "clear"),
            case("just inside, falling", {"sbp": 89.9, PHE: [(2, 0.4), (0, 0.3)]}, "clear"),
            case("just inside, none infused", {"sbp": 89.9}, "clear"),
            case("just inside, norepinephrine begun", {"sbp": 89.9, NOR: 0.05}, "met"),
            case("just inside, dopamine rising", {"sbp": 89.9, DOP: [(2, 2), (0, 3)]}, "met"),
            case("just inside, vasopressin begun", {"sbp": 89.9, VAS: 0.03}, "met"),
            case("risen more than an hour ago", {"sbp": 89.9, PHE: [(2, 0.4), (1, 0.5), (0, 0.5)]}, "clear"),
            case("unknown pressure", {PHE: [(2, 0.4), (0, 0.5)]}, "unknown"),
            case("unknown pressor", {"sbp": 89.9, PHE: [(2, 0.4)]}, "unknown"),
        ),
    ),
    Row(
        section="2.2",
        says="resume",
        quote="SBP >= 90 mmHg **and** stable or improving pressor requirement",
        criterion="cardiovascular.sbp",
        cases=better({"sbp": 89, PHE: 0.3}, ("just outside", {"sbp": 89.9, PHE: 0.3}, "recovering"), *_SBP_RESUME),
    ),
    Row(
        section="2.2",
        says="hold",
        quote="any ECG change consistent with MI, ischemia or myocarditis, with or without chest pain; "
        "suspected cardiac ischemia",
        criterion="cardiovascular.ecg",
        cases=(
            case("ischemia", {"site:ecg": "ischemia", "site:angina": "absent"}, "met"),
            case("infarction", {"site:ecg": "infarction"}, "met"),
            case("chest pain alone", {"site:ecg": "normal", "site:angina": "present"}, "met"),
            case("neither", {"site:ecg": "normal", "site:angina": "absent"}, "clear"),
            case("unknown chest pain", {"site:ecg": "normal"}, "unknown"),
            case("unknown", {}, "unknown"),
        ),
        charted="site:ecg, site:angina",
    ),
    Row(
        section="2.2",
        says="resume",
        quote="asymptomatic; MI and myocarditis ruled out; low clinical suspicion of angina; "
        "no ventricular hypokinesia",
        criterion="cardiovascular.ecg",
        cases=better(
            {"site:ecg": "ischemia", "site:angina": "present"},
            ("ruled out", {"site:ecg": "normal", "site:angina": "absent"}, "resumable"),
            ("ECG alone", {"site:ecg": "normal"}, "met"),
        ),
    ),
    Row(section="2.2", says="hold", quote="O2 saturation < 90 %", criterion="respiratory.spo2", cases=_SPO2_HOLD),
    Row(section="2.2", says="resume", quote="> 90 %", criterion="respiratory.spo2", cases=_SPO2_RESUME),
    Row(
        section="2.2",
        says="hold",
        quote="mental-status changes incl. moderate confusion or agitation",
        criterion="neurologic.mental_status",
        cases=_MIND_HOLD,
        charted=MIND,
    ),
    Row(
        section="2.2",
        says="resume",
        quote="completely resolved",
        criterion="neurologic.mental_status",
        cases=_MIND_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="sepsis syndrome, clinically unstable",
        criterion="infection.sepsis",
        cases=_SEPSIS_HOLD,
        charted="site:infection",
    ),
    Row(
        section="2.2",
        says="resume",
        quote="sepsis resolved, clinically stable, infection under treatment",
        criterion="infection.sepsis",
        cases=_SEPSIS_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="creatinine > 4.5 mg/dL",
        criterion="renal.creatinine",
        cases=_CREATININE_HOLD,
    ),
    Row(
        section="2.2",
        says="hold",
        quote=">= 4.0 mg/dL with severe volume overload, acidosis or hyperkalemia",
        criterion="renal.creatinine",
        cases=_CREATININE_WITH,
    ),
    Row(
        section="2.2",
        says="resume",
        quote="creatinine < 4.0 mg/dL **and** fluid/electrolyte status stable",
        criterion="renal.creatinine",
        cases=_CREATININE_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="persistent oliguria: urine < 10 mL/h for 16-24 h **with rising creatinine**",
        criterion="renal.oliguria",
        cases=_OLIGURIA_HOLD,
    ),
    Row(
        section="2.2",
        says="resume",
        quote="urine > 10 mL/h **with** a creatinine fall of > 1.5 mg/dL or normalisation",
        criterion="renal.oliguria",
        cases=_OLIGURIA_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="hepatic failure signs: encephalopathy, increasing ascites, liver pain, hypoglycemia",
        criterion="hepatic.failure",
        cases=_HEPATIC_HOLD,
        charted="site:hepatic",
    ),
    Row(
        section="2.2",
        says="resume",
        quote="all signs resolved - **but that course is over**; a new course no sooner than 7 weeks after the event "
        "resolved and discharge",
        criterion="hepatic.failure",
        cases=_HEPATIC_RESUME,
    ),
    Row(
        section="2.2",
        says="hold",
        quote="stool guaiac repeatedly > 3-4+",
        criterion="gi.stool_blood",
        cases=_STOOL_HOLD,
        charted="site:stool_blood",
    ),
    Row(section="2.2", says="resume", quote="guaiac negative", criterion="gi.stool_blood", cases=_STOOL_RESUME),
    Row(
        section="2.2",
        says="hold",
        quote="bullous dermatitis or marked worsening of pre-existing skin disease (no topical steroids)",
        criterion="skin.bullous_dermatitis",
        cases=_SKIN_HOLD,
        charted="site:skin",
    ),
    Row(
        section="2.2",
        says="resume",
        quote="all signs of bullous dermatitis resolved",
        criterion="skin.bullous_dermatitis",
        cases=_SKIN_RESUME,
    ),
)


def _lasting(signal: str, state: str, limit_h: float) -> tuple[Case, ...]:
    return (
        case("not in that state", {signal: "none"}, "clear"),
        case("since now", {signal: state}, "clear"),
        case("on", {signal: [(limit_h, state), (0, state)]}, "clear"),
        case("just inside", {signal: [(limit_h + 0.01, state), (0, state)]}, "met"),
        case("interrupted", {signal: [(limit_h + 1, state), (limit_h / 2, "none"), (0, state)]}, "clear"),
        case("not charted any more", {signal: [(limit_h + 1, state)]}, "unknown"),
        case("unknown", {}, "unknown"),
    )


_ISCHEMIA = {
    "2.3 current": (
        case("ECG ischemia", {"site:ecg": "ischemia", "site:angina": "absent"}, "met"),
        case("ECG infarction", {"site:ecg": "infarction"}, "met"),
        case("chest pain alone", {"site:ecg": "normal", "site:angina": "present"}, "met"),
        case("neither", {"site:ecg": "normal", "site:angina": "absent"}, "clear"),
        case("unknown", {"site:ecg": "normal"}, "unknown"),
    ),
    "2.3 legacy": (
        case("chest pain with ischemia", {"site:ecg": "ischemia", "site:angina": "present"}, "met"),
        case("chest pain with infarction", {"site:ecg": "infarction", "site:angina": "present"}, "met"),
        case("ischemia alone", {"site:ecg": "ischemia", "site:angina": "absent"}, "clear"),
        case("chest pain alone", {"site:ecg": "normal", "site:angina": "present"}, "clear"),
        case("neither", {"site:ecg": "normal", "site:angina": "absent"}, "clear"),
        case("unknown", {"site:ecg": "ischemia"}, "unknown"),
    ),
}


def _final(quote: str, criterion: str, cases: tuple[Case, ...], charted: str | None = None) -> Row:
    return Row(
        section="2.3",
        says="discontinue",
        quote=quote,
        criterion=criterion,
        cases=cases,
        charted=charted,
    )


_DISCONTINUE = (
    _final(
        "sustained VT (>= 5 beats)",
        "cardiovascular.vt",
        (
            case("just outside: 4 beats", {}, "clear", events=(run_of(4),)),
            case("on: 5 beats", {}, "met", events=(run_of(5),)),
            case("just inside: 6 beats", {}, "met", events=(run_of(6),)),
            case("3 s, beats not given", {}, "met", events=(run_of(None, s=3),)),
            case("under 1 s, beats not given", {}, "clear", events=(run_of(None, s=0.9),)),
            case("2 s, beats not given", {}, "unknown", events=(run_of(None, s=2),)),
            case("nothing given", {}, "unknown", events=(run_of(None),)),
            case("another rhythm", {}, "clear", events=(run_of(9, rhythm="svt"),)),
            case("none reported", {}, "clear"),
            case("unknown: nobody watches", {}, "unknown", monitor=False),
            case("charted", {"site:rhythm": "vt"}, "met"),
            case("charted sinus, nobody watches", {"site:rhythm": "sinus"}, "unknown", monitor=False),
        ),
        "site:rhythm",
    ),
    _final(
        "rhythm disturbance uncontrolled or unresponsive to management",
        "cardiovascular.arrhythmia_refractory",
        states("site:arrhythmia_control", "refractory", "controlled"),
        "site:arrhythmia_control",
    ),
    _final(
        "cardiac tamponade", "cardiovascular.tamponade", states("site:tamponade", "present", "absent"), "site:tamponade"
    ),
    _final(
        "intubation > 72 h",
        "respiratory.intubation",
        (*_lasting("site:ventilation", "intubated", 72), case("mask", {"site:ventilation": "niv"}, "clear")),
        "site:ventilation",
    ),
    _final(
        "renal failure requiring dialysis > 72 h",
        "renal.dialysis",
        _lasting("site:dialysis", "running", 72),
        "site:dialysis",
    ),
    _final(
        "coma or toxic psychosis > 48 h",
        "neurologic.coma",
        (
            case("normal", {MIND: "normal"}, "clear"),
            case("on", {MIND: [(48, "coma"), (0, "coma")]}, "clear"),
            case("just inside", {MIND: [(48.01, "coma"), (0, "coma")]}, "met"),
            case("psychosis", {MIND: [(48.01, "hallucinations"), (0, "hallucinations")]}, "met"),
            case("agitation", {MIND: [(50, "agitation"), (0, "agitation")]}, "clear"),
            case("unknown", {}, "unknown"),
        ),
        MIND,
    ),
    _final(
        "repetitive or difficult-to-control seizures",
        "neurologic.seizures",
        states("site:seizure", "uncontrolled", "none controlled"),
        "site:seizure",
    ),
    _final(
        "bowel ischemia/perforation, or GI bleeding requiring surgery",
        "gi.catastrophe",
        states("site:gi", "ischemia_or_perforation bleeding_surgery", "normal ileus"),
        "site:gi",
    ),
)
CURRENT_DISCONTINUE = (
    *_DISCONTINUE,
    _final(
        "ECG changes consistent with ischemia or MI, or angina/chest pain",
        "cardiovascular.ischemia",
        _ISCHEMIA["2.3 current"],
        "site:ecg, site:angina",
    ),
)
LEGACY_DISCONTINUE = (
    *_DISCONTINUE,
    _final(
        '"chest pain with ECG changes consistent with angina or MI"',
        "cardiovascular.ischemia",
        _ISCHEMIA["2.3 legacy"],
        "site:ecg, site:angina",
    ),
)

LABEL_2024 = (*CURRENT_HOLD, *CURRENT_DISCONTINUE)
LABEL_LEGACY = (*LEGACY_HOLD, *LEGACY_DISCONTINUE)
BASE_OF_TIL = tuple(
    row for row in LABEL_2024 if row.criterion not in ("cardiovascular.sbp", "renal.creatinine", "renal.oliguria")
)
__all__ = ["BASE_OF_TIL", "LABEL_2024", "LABEL_LEGACY"]
