"""Section 3.4 of the clinical notes: the TIL working group, over the current label. By hand, from the notes."""

from __future__ import annotations

from tests.golden.criteria.label import BASE_OF_TIL, DOP, NOR, PHE, VAS
from tests.golden.criteria.rows import Case, Row, at_least, below, better, case, hours


def _row(says: str, quote: str, criterion: str, *cases: Case) -> Row:
    return Row(section="3.4", says=says, quote=quote, criterion=criterion, cases=cases)


TIL_2024 = (
    *BASE_OF_TIL,
    _row(
        "hold",
        "individual target set at admission",
        "hemodynamic.sbp",
        *below("sbp", 90, 0.1),
        case("own target, just inside", {"sbp": 99.9}, "met", limits={"sbp_hold": 100}),
        case("own target, on", {"sbp": 100}, "clear", limits={"sbp_hold": 100}),
        *better(
            {"sbp": 89},
            ("on", {"sbp": 90}, "resumable"),
            ("rising pressor", {"sbp": 95, PHE: 0.1}, "recovering"),
        ),
    ),
    _row(
        "discontinue",
        "fluid-refractory -> stop IL-2",
        "hemodynamic.fluid_refractory",
        case("below the target under a pressor", {"sbp": 89.9, PHE: 0.1}, "met"),
        case("on the target under a pressor", {"sbp": 90, PHE: 0.1}, "clear"),
        case("below the target, no pressor", {"sbp": 89.9}, "clear"),
        case("unknown", {PHE: 0.1}, "unknown"),
    ),
    _row(
        "hold",
        "experienced centres: dopamine 2 ug/kg/min or phenylephrine from 0.1 ug/kg/min, reconsider when <= 0.5",
        "hemodynamic.pressors",
        case("none infused", {}, "clear"),
        case("on: stopped", {PHE: 0.0}, "clear"),
        case("just inside", {PHE: 0.1}, "met"),
        case("dopamine", {DOP: 2}, "met"),
        case("norepinephrine", {NOR: 0.02}, "met"),
        case("vasopressin", {VAS: 0.03}, "met"),
        case("unknown", {PHE: [(1, 0.0)]}, "unknown"),
        *better({PHE: 0.1}, ("stopped", {PHE: 0.0}, "resumable")),
    ),
    _row(
        "hold",
        "persistent low urine despite boluses",
        "renal.urine_persistent",
        case("just inside", {"urine_ml_h": hours(39.9, 3)}, "met"),
        case("on", {"urine_ml_h": hours(40, 3)}, "clear"),
        case("just outside", {"urine_ml_h": hours(40.1, 3)}, "clear"),
        case("one good hour", {"urine_ml_h": [(2, 10), (1, 40), (0, 10)]}, "clear"),
        case("two hours known", {"urine_ml_h": hours(10, 2)}, "unknown"),
        case("unknown", {}, "unknown"),
        *better({"urine_ml_h": hours(39, 3)}, ("a good hour", {"urine_ml_h": 40}, "resumable")),
    ),
    _row(
        "hold",
        "target >= 0.5 mL/kg/h",
        "renal.urine_persistent",
        case("just inside", {"urine_ml_h": hours(39.9, 3)}, "met"),
        case("on", {"urine_ml_h": hours(40, 3)}, "clear"),
    ),
    _row(
        "hold",
        "**< 4 mL/kg per 8 h**",
        "renal.urine",
        case("just inside", {"urine_ml_h": hours(39.9, 8)}, "met"),
        case("on", {"urine_ml_h": hours(40, 8)}, "clear"),
        case("just outside", {"urine_ml_h": hours(40.1, 8)}, "clear"),
        case("320 mL in one hour", {"urine_ml_h": 320}, "clear"),
        case("six hours known", {"urine_ml_h": hours(40, 6)}, "unknown"),
        case("unknown", {}, "unknown"),
        *better({"urine_ml_h": hours(39, 8)}, ("more", {"urine_ml_h": 60}, "resumable")),
    ),
    _row(
        "hold",
        "creatinine 2.5-2.9 mg/dL",
        "renal.creatinine",
        *at_least("creatinine", 2.5, 0.1),
        *better({"creatinine": 2.5}, ("below", {"creatinine": 2.4}, "resumable")),
    ),
    Row(
        section="11",
        says="discontinue",
        quote="2.5-2.9 relative / 3.0 absolute (consensus, TIL)",
        criterion="renal.creatinine_severe",
        cases=at_least("creatinine", 3.0, 0.1),
    ),
)
