"""Each kind of predicate: TRUE, FALSE and UNKNOWN, at its boundary, with doubtful values, and what it rests on."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from streaming.criteria.asking import TO_RESUME, Asking
from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import Sample, Total
from streaming.criteria.finding import APART, NO_BASELINE, NO_EARLIER, NO_VALUE, QUESTIONABLE, TOO_LITTLE, Finding
from streaming.criteria.kinds import Bounds, leaves
from streaming.criteria.predicates import parse_predicate
from streaming.observation import Validity
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PlainFacts, Value, run_of, say

PHE = "phenylephrine_ug_kg_min"
TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
H = 3600


def patient(values: dict[str, Value] | None = None, **more: Any) -> PlainFacts:
    facts = PlainFacts(**more)
    say(facts, values or {})
    return facts


class Forgetful(PlainFacts):
    """Knows the present and nothing of the past."""

    def highest(self, signal: str, from_ms: int) -> Sample | None:
        return None

    def state_since(self, signal: str) -> int | None:
        return None


def ask(predicate: dict[str, Any], facts: PlainFacts, asking: Asking | None = None) -> Finding:
    parsed = parse_predicate(predicate, "here")
    return evaluate(parsed, facts) if asking is None else evaluate(parsed, facts, asking)


def limit(signal: str = "sbp", **bounds: Any) -> dict[str, Any]:
    return {"kind": "limit", "signal": signal, **bounds}


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({"above": 90}, [False, False, True]),
        ({"at_least": 90}, [False, True, True]),
        ({"below": 90}, [True, False, False]),
        ({"at_most": 90}, [True, True, False]),
        ({"at_least": 90, "at_most": 90.5}, [False, True, False]),
        ({"above": 89, "below": 90}, [True, False, False]),
    ],
)
def test_bounds_hold_at_the_boundary_as_they_say(bounds: dict[str, Any], holds: list[bool]) -> None:
    found = [ask(limit(**bounds), patient({"sbp": value})).truth is TRUE for value in (89.9, 90.0, 90.6)]

    assert found == holds


def test_the_bound_written_first_is_the_one_shown() -> None:
    assert ask(limit(at_most=160, at_least=80), patient({"sbp": 100})).limit == 160
    assert ask(limit(at_least=80, at_most=160), patient({"sbp": 100})).limit == 80


@pytest.mark.parametrize("name", ["above", "at_least", "below", "at_most"])
def test_a_single_bound_can_be_moved_and_scaled(name: str) -> None:
    bounds = Bounds(**{name: 4.0}, shown=4.0)

    assert bounds.moved_to(5.0) == Bounds(**{name: 5.0}, shown=5.0)
    assert bounds.scaled(70.0) == Bounds(**{name: 280.0}, shown=280.0)


# --- limit ------------------------------------------------------------------------------------------------------------


def test_a_limit_tells_what_it_rests_on() -> None:
    facts = patient({"sbp": [(0.05, 84)]})
    finding = ask(limit(below=90), facts)

    assert finding[:9] == (
        TRUE, 84, "mm[Hg]", BEGIN_MS - 3 * MINUTE_MS, "sbp", 1.0, "", 90.0, "MDC_PRESS_BLD_ART_ABP_SYS",
    )  # fmt: skip
    assert (finding.since_ms, finding.due_ms) == (BEGIN_MS - 3 * MINUTE_MS, BEGIN_MS + 2 * MINUTE_MS + 1)


def test_a_limit_without_a_value_is_unknown_and_says_what_is_missing() -> None:
    finding = ask(limit(below=90), patient())

    assert (finding.truth, finding.source_signal, finding.limit, finding.coverage) == (UNKNOWN, "sbp", 90.0, 0.0)
    assert finding.detail == NO_VALUE


def test_the_patients_own_limit_replaces_the_bound() -> None:
    own = limit(below=90, patient_limit="sbp_hold")

    assert ask(own, patient({"sbp": 84}, limits={"sbp_hold": 80})).truth is FALSE
    assert ask(own, patient({"sbp": 79}, limits={"sbp_hold": 80})).limit == 80
    assert ask(own, patient({"sbp": 84}, limits={"hr_high": 140})).truth is TRUE


def test_a_limit_on_age_of_its_own_replaces_the_usual_one() -> None:
    facts = patient({"sbp": [(0.05, 84)]})

    assert ask(limit(below=90, fresh_s=60), facts).truth is UNKNOWN
    assert ask(limit(below=90, fresh_s=180), facts).due_ms == BEGIN_MS + 1


def test_a_cuff_speaks_for_half_an_hour() -> None:
    facts = PlainFacts()
    facts.say("sbp", 84, at_ms=BEGIN_MS - 30 * MINUTE_MS, source="MDC_PRESS_CUFF_SYS")
    assert ask(limit(below=90), facts).truth is TRUE

    facts.now_ms += 1
    assert ask(limit(below=90), facts).truth is UNKNOWN


def test_a_value_that_the_facts_still_believe_after_its_usual_limit_is_not_due() -> None:
    facts = patient({"sbp": [(0.2, 84)]})

    finding = ask({"kind": "absent", "signal": "sbp", "fresh_s": 3600}, facts)
    assert finding.due_ms == BEGIN_MS + 48 * MINUTE_MS + 1
    assert ask({"kind": "baseline_change", "signal": "sbp", "baseline": "sbp", "below": 0}, facts).due_ms is None


def test_a_text_is_no_number() -> None:
    facts = patient({"sbp": "low"})

    assert ask(limit(below=90), facts).truth is UNKNOWN
    assert ask({"kind": "highest_in_interval", "signal": "sbp", "above": 1, "longest_s": H}, facts).truth is UNKNOWN


@pytest.mark.parametrize(("value", "to_hold", "to_resume"), [(84, TRUE, UNKNOWN), (95, UNKNOWN, FALSE)])
def test_a_questionable_value_may_hold_and_never_allows(value: float, to_hold: Truth, to_resume: Truth) -> None:
    facts = PlainFacts()
    facts.say("sbp", value, validity=Validity.QUESTIONABLE)

    held = ask(limit(below=90), facts)
    assert (held.truth, held.detail) == (to_hold, QUESTIONABLE)
    assert ask(limit(below=90), facts, TO_RESUME).truth is to_resume


# --- changes ----------------------------------------------------------------------------------------------------------

DROP = {"kind": "baseline_change", "signal": "sbp", "baseline": "sbp", "at_most": -20}


@pytest.mark.parametrize(("value", "truth"), [(111, FALSE), (110, TRUE), (109, TRUE)])
def test_a_change_from_baseline_is_judged_at_its_boundary(value: float, truth: Truth) -> None:
    finding = ask(DROP, patient({"sbp": value}, baseline={"sbp": 130}))

    assert (finding.truth, finding.value, finding.unit) == (truth, value - 130, "mm[Hg]")
    assert finding.detail == f"130 → {value}"


def test_a_change_from_baseline_is_unknown_without_either() -> None:
    assert ask(DROP, patient({"sbp": 100})).detail == NO_BASELINE
    assert ask(DROP, patient(baseline={"sbp": 130})).detail == NO_VALUE


@pytest.mark.parametrize(("weight", "truth"), [(87.9, FALSE), (88, TRUE)])
def test_a_change_from_baseline_may_be_a_percentage(weight: float, truth: Truth) -> None:
    gain = {"kind": "baseline_change", "signal": "weight", "baseline": "weight", "at_least": 10, "percent": True}
    finding = ask(gain, patient({"weight": weight}, baseline={"weight": 80}))

    assert (finding.truth, finding.unit) == (truth, "%")
    assert ask(gain, patient({"weight": 88}, baseline={"weight": 0})).truth is UNKNOWN


RISING = {"kind": "trend", "signal": PHE, "above": 0.005, "over_s": H, "assumed": 0.0}


@pytest.mark.parametrize(
    ("before", "truth"), [([(1, 0.4)], FALSE), ([(1, 0.3)], TRUE), ([(2, 0.4), (0.9, 0.2)], FALSE), ([], TRUE)]
)
def test_a_trend_is_against_what_was_in_force_then(before: list[tuple[float, float]], truth: Truth) -> None:
    assert ask(RISING, patient({PHE: [*before, (0, 0.4)]})).truth is truth


def test_a_trend_tells_from_what_to_what() -> None:
    finding = ask(RISING, patient({PHE: [(2, 0.4), (0, 0.7)]}))

    assert (finding.detail, finding.unit) == ("0.4 → 0.7", "ug/kg/min")
    assert finding.value == pytest.approx(0.3)


def test_a_trend_without_a_present_or_an_earlier_value_is_unknown() -> None:
    bare = {"kind": "trend", "signal": "creatinine", "above": 0, "over_s": 4 * H}

    assert ask(bare, patient()).detail == NO_VALUE
    assert ask(bare, patient({"creatinine": [(3, 1.0), (0, 2.0)]})).detail == NO_EARLIER
    assert ask({**bare, "baseline": "creatinine"}, patient({"creatinine": 2.0})).detail == NO_EARLIER
    assert (
        ask({**bare, "baseline": "creatinine"}, patient({"creatinine": 2.0}, baseline={"creatinine": 1})).truth is TRUE
    )


def test_a_trend_per_hour_divides_by_the_time_that_passed() -> None:
    rate = {"kind": "trend", "signal": "weight", "at_least": 0.5, "over_s": 4 * H, "per_hour": True}

    assert ask(rate, patient({"weight": [(8, 80), (0, 84)]})).value == pytest.approx(0.5)
    assert ask(rate, patient({"weight": [(8, 80), (0, 83.9)]})).truth is FALSE
    assert ask({**rate, "assumed": 80}, patient({"weight": 82})).value == pytest.approx(0.5)


FALLEN = {"kind": "fall_from_peak", "signal": "creatinine", "above": 1.5, "within_s": 26 * H}


def test_a_fall_is_from_the_highest_of_the_window_or_of_what_was_remembered() -> None:
    facts = patient({"creatinine": [(20, 3.1), (0, 1.6)]})
    assert ask(FALLEN, facts).truth is FALSE
    assert ask(FALLEN, facts, Asking(peaks={"creatinine": 3.2})).truth is TRUE
    assert ask(FALLEN, patient({"creatinine": [(20, 3.1), (0, 1.5)]})).detail == "3.1 → 1.5"
    assert ask(FALLEN, patient()).truth is UNKNOWN


def test_a_fall_without_a_past_is_none() -> None:
    facts = Forgetful()
    facts.say("creatinine", 1.0)

    assert ask(FALLEN, facts).value == 0


# --- the dose interval ------------------------------------------------------------------------------------------------

HIGHEST = {"kind": "highest_in_interval", "signal": PHE, "at_least": 1.5, "longest_s": 8 * H}


def test_the_highest_counts_from_the_beginning_of_the_interval() -> None:
    facts = patient({PHE: [(5, 1.6), (3, 0.2), (0, 0.1)]}, interval_began_ms=BEGIN_MS - 4 * HOUR_MS)
    assert ask(HIGHEST, facts).truth is TRUE  # in force when it began

    facts.interval_began_ms = BEGIN_MS - 2 * HOUR_MS
    assert ask(HIGHEST, facts).truth is FALSE
    facts.interval_began_ms = None
    assert ask(HIGHEST, facts).truth is TRUE


def test_the_highest_tells_when_it_was() -> None:
    finding = ask(HIGHEST, patient({PHE: [(3, 1.6), (0, 0.1)]}))

    assert (finding.value, finding.at_ms, finding.since_ms) == (1.6, BEGIN_MS - 3 * HOUR_MS, BEGIN_MS - 3 * HOUR_MS)


def test_of_two_equal_values_the_present_one_is_told() -> None:
    assert ask(HIGHEST, patient({PHE: [(3, 1.6), (0, 1.6)]})).at_ms == BEGIN_MS


def test_the_highest_is_the_present_value_when_there_was_none_before() -> None:
    assert ask(HIGHEST, patient({PHE: 1.5})).truth is TRUE
    assert ask(HIGHEST, patient()).value == 0


def test_the_highest_is_decided_by_what_is_known_although_the_present_is_not() -> None:
    assert ask(HIGHEST, patient({PHE: [(3, 1.6)]})).truth is TRUE
    lower = ask(HIGHEST, patient({PHE: [(3, 1.4)]}))
    assert (lower.truth, lower.value, lower.detail) == (UNKNOWN, 1.4, NO_VALUE)
    assert ask({**HIGHEST, "signal": "hr"}, patient()).value is None


# --- windows ----------------------------------------------------------------------------------------------------------

SHIFT = {"kind": "total", "signal": "urine_ml", "below": 160, "window_s": 8 * H}


def hourly(value: float, count: int) -> dict[str, Value]:
    return {"urine_ml_h": [(hour, value) for hour in range(count)]}


@pytest.mark.parametrize(
    ("values", "truth"),
    [
        (hourly(19.9, 8), TRUE),
        (hourly(20, 8), FALSE),
        (hourly(200 / 6, 6), FALSE),
        (hourly(20, 6), UNKNOWN),
        (hourly(20, 7), TRUE),
        ({}, UNKNOWN),
    ],
)
def test_a_total_is_decided_as_soon_as_the_values_present_decide_it(values: dict[str, Value], truth: Truth) -> None:
    assert ask(SHIFT, patient(values)).truth is truth


def test_a_total_above_a_limit_is_decided_by_a_part_of_the_window() -> None:
    more = {"kind": "total", "signal": "urine_ml", "at_least": 100, "window_s": 8 * H}

    assert ask(more, patient({"urine_ml_h": 100})).truth is TRUE
    finding = ask(more, patient({"urine_ml_h": 99}))
    assert (finding.truth, finding.detail, finding.coverage) == (UNKNOWN, TOO_LITTLE, 0.125)


def test_four_fifths_of_a_window_are_enough() -> None:
    ten_hours = {"window_s": 10 * H}

    assert ask({**SHIFT, **ten_hours}, patient(hourly(10, 8))).truth is TRUE
    assert ask({**FLOW, **ten_hours}, patient(hourly(5, 8))).truth is TRUE
    assert ask({**FLOW, **ten_hours}, patient(hourly(5, 7))).truth is UNKNOWN
    assert ask({**MINUTES, "window_s": H}, patient(pressures((18, 80), (30, 60)))).coverage == 0.8
    assert ask({**MINUTES, "at_least": 40, "window_s": H}, patient(pressures((18, 80), (30, 60)))).truth is FALSE


def test_the_least_coverage_is_the_profiles() -> None:
    assert ask({**SHIFT, "least_coverage": 0.75}, patient(hourly(20, 6))).truth is TRUE


@pytest.mark.parametrize(("hour", "truth"), [(35.1, TRUE), (35.15, FALSE), (35.2, FALSE)])
def test_a_total_per_kg_is_judged_against_the_dosing_weight(hour: float, truth: Truth) -> None:
    per_kg = {"kind": "total", "signal": "urine_ml", "below": 4, "per_kg": True, "window_s": 8 * H}
    finding = ask(per_kg, patient(hourly(hour, 8), dosing_weight_kg=70.3))

    assert finding.truth is truth
    assert finding.limit == pytest.approx(281.2)


FLOW = {"kind": "low_flow", "signal": "urine_ml_h", "total": "urine_ml", "below": 10, "window_s": 16 * H}


@pytest.mark.parametrize(
    ("values", "truth"),
    [
        (hourly(9.9, 16), TRUE),
        (hourly(10, 16), FALSE),
        ({"urine_ml_h": 40}, FALSE),
        (hourly(5, 12), UNKNOWN),
        ({"urine_ml_h": [(15, 40), *((hour, 5) for hour in range(15))]}, FALSE),
        ({"urine_ml_h": [(16, 40), *((hour, 5) for hour in range(16))]}, TRUE),
        ({}, UNKNOWN),
    ],
)
def test_one_hour_refutes_a_low_flow_and_silence_proves_none(values: dict[str, Value], truth: Truth) -> None:
    assert ask(FLOW, patient(values)).truth is truth


class Bag(PlainFacts):
    """Urine known by the shift and not by the hour."""

    def total(self, signal: str, window_ms: int) -> Total:
        return Total(160.0 if self.held_doses else 159.0, 0.5)


def test_a_volume_of_the_shift_refutes_a_low_flow_as_an_hour_does() -> None:
    assert ask(FLOW, Bag(held_doses=1)).truth is FALSE
    assert ask(FLOW, Bag(held_doses=1)).value == 10
    assert ask(FLOW, Bag()).truth is UNKNOWN


def test_a_low_flow_may_be_per_kg() -> None:
    per_kg = {**FLOW, "below": 0.5, "per_kg": True, "window_s": 3 * H}

    assert ask(per_kg, patient(hourly(39.9, 3))).truth is TRUE
    assert ask(per_kg, patient(hourly(40, 3))).limit == 40


MINUTES = {"kind": "burden", "signal": "map", "limit": 65, "measure": "minutes", "at_least": 30, "window_s": 4 * H}


def pressures(*stretches: tuple[int, float | None]) -> dict[str, Value]:
    """Minute by minute up to now: so many minutes of a value each, None for silence."""
    minute, values = sum(count for count, _ in stretches), []
    for count, value in stretches:
        values += [((minute - i - 1) / 60, value) for i in range(count) if value is not None]
        minute -= count
    return {"map": values}


@pytest.mark.parametrize(
    ("values", "truth"),
    [
        (pressures((210, 80), (30, 60)), TRUE),
        (pressures((211, 80), (29, 60)), FALSE),
        (pressures((30, 60)), TRUE),
        (pressures((29, 60)), UNKNOWN),
        (pressures((10, 60), (220, 80)), FALSE),
        ({}, UNKNOWN),
    ],
)
def test_minutes_below_are_decided_by_those_that_are_known(values: dict[str, Value], truth: Truth) -> None:
    finding = ask(MINUTES, patient(values))

    assert (finding.truth, finding.unit) == (truth, "min")


def test_the_average_deficit_is_over_the_time_that_is_known() -> None:
    average = {"kind": "burden", "signal": "map", "limit": 65, "measure": "average", "above": 2, "window_s": H}

    assert ask(average, patient(pressures((30, 80), (30, 60)))).value == pytest.approx(2.5)
    assert ask(average, patient(pressures((40, 80), (20, 60)))).truth is FALSE
    assert ask(average, patient(pressures((30, 60)))).truth is TRUE
    assert ask(average, patient(pressures((10, 60)))).truth is UNKNOWN
    assert ask(average, patient()).truth is UNKNOWN


# --- states and events ------------------------------------------------------------------------------------------------

SKIN = {"kind": "state", "signal": "site:skin", "is": ["bullous_dermatitis"]}


def test_a_state_is_one_of_those_named() -> None:
    assert ask(SKIN, patient({"site:skin": "bullous_dermatitis"})).truth is TRUE
    assert ask(SKIN, patient({"site:skin": "normal"})).truth is FALSE
    assert ask({**SKIN, "clear": ["normal"]}, patient({"site:skin": "moist_desquamation"})).truth is UNKNOWN
    assert ask({**SKIN, "fresh_s": 60}, patient({"site:skin": [(1, "normal")]})).truth is UNKNOWN


def test_a_doubtful_state_may_hold_and_never_allows() -> None:
    facts = PlainFacts()
    facts.say("site:skin", "normal", validity=Validity.QUESTIONABLE)
    assert (ask(SKIN, facts).truth, ask(SKIN, facts, TO_RESUME).truth) == (UNKNOWN, FALSE)

    facts.say("site:skin", "bullous_dermatitis", at_ms=BEGIN_MS + 1, validity=Validity.QUESTIONABLE)
    facts.now_ms += 1
    assert (ask(SKIN, facts).truth, ask(SKIN, facts, TO_RESUME).truth) == (TRUE, UNKNOWN)


TUBE = {"kind": "lasting", "signal": "site:ventilation", "is": ["intubated"], "longer_than_s": 72 * H}


def test_a_state_that_lasts_is_due_when_it_has_lasted() -> None:
    facts = patient({"site:ventilation": [(71, "intubated"), (0, "intubated")]})
    finding = ask(TUBE, facts)
    assert (finding.truth, finding.value, finding.unit, finding.limit) == (FALSE, 71, "h", 72)
    assert finding.due_ms == BEGIN_MS + HOUR_MS + 1

    facts.now_ms = BEGIN_MS + HOUR_MS + 1
    finding = ask(TUBE, facts)
    assert (finding.truth, finding.since_ms) == (TRUE, BEGIN_MS + HOUR_MS)
    assert finding.due_ms == BEGIN_MS + 12 * HOUR_MS + 1


def test_a_state_of_which_nobody_knows_since_when_is_unknown() -> None:
    facts = Forgetful()
    facts.say("site:ventilation", "intubated")

    assert ask(TUBE, facts).truth is UNKNOWN


RHYTHM = {"kind": "rhythm", "is": ["af"], "within_s": 12 * H}


def test_a_rhythm_reported_since_it_was_charted_counts() -> None:
    facts = patient({"site:rhythm": [(1, "sinus")]})
    assert ask(RHYTHM, facts).truth is FALSE
    facts.events.append(run_of(None, rhythm="svt"))
    assert ask(RHYTHM, facts).truth is FALSE
    facts.events.append(run_of(None, rhythm="af"))
    finding = ask(RHYTHM, facts)
    assert (finding.truth, finding.value, finding.source) == (TRUE, "af", "mon1")

    assert ask(RHYTHM, facts, Asking(after_ms=BEGIN_MS - MINUTE_MS)).truth is FALSE
    facts.say("site:rhythm", "sinus")
    assert ask(RHYTHM, facts).truth is FALSE


def test_a_rhythm_reported_where_none_was_charted_counts_for_a_while() -> None:
    facts = patient()
    assert ask(RHYTHM, facts).truth is UNKNOWN
    facts.events.append(run_of(None, rhythm="af", minutes_ago=12 * 60))
    assert ask(RHYTHM, facts).truth is UNKNOWN
    facts.events.append(run_of(None, rhythm="af", minutes_ago=12 * 60 - 1))
    assert ask(RHYTHM, facts).truth is TRUE


RUN = {
    "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3, "duration_below_s": 1,
    "charted": ["vt"], "within_s": 24 * H,
}  # fmt: skip


def test_the_latest_run_that_is_long_enough_tells_its_length() -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS)
    facts.events += [run_of(9, minutes_ago=9), run_of(6, minutes_ago=6), run_of(3, minutes_ago=3)]
    finding = ask(RUN, facts)
    assert (finding.truth, finding.value, finding.unit, finding.limit) == (TRUE, 6, "{beats}", 5)
    assert finding.at_ms == BEGIN_MS - 6 * MINUTE_MS

    facts.events.append(run_of(None, minutes_ago=1, s=4))
    finding = ask(RUN, facts)
    assert (finding.value, finding.unit, finding.limit) == (4, "s", 3)


def test_runs_of_too_long_ago_and_those_dealt_with_do_not_count() -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS)
    facts.events += [run_of(9, minutes_ago=24 * 60), run_of(9, minutes_ago=5)]

    assert ask(RUN, facts).at_ms == BEGIN_MS - 5 * MINUTE_MS
    assert ask(RUN, facts, Asking(after_ms=BEGIN_MS - 5 * MINUTE_MS)).truth is FALSE


def test_a_charted_run_counts_and_one_that_only_stands_for_the_monitors_event_does_not() -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS)
    facts.say("site:rhythm", "vt", at_ms=BEGIN_MS - 1, source="MDC_EVT_ECG_V_TACHY")
    assert ask(RUN, facts).truth is FALSE

    facts.say("site:rhythm", "vt")
    assert ask(RUN, facts).truth is TRUE
    assert ask(RUN, facts, Asking(after_ms=BEGIN_MS)).truth is FALSE


REPEATED = {"kind": "recurrence", "signal": "site:stool_blood", "is": ["positive"], "times": 2, "within_s": 48 * H}


def test_a_recurrence_counts_within_its_window() -> None:
    assert ask(REPEATED, patient({"site:stool_blood": [(47, "positive"), (0, "positive")]})).truth is TRUE
    assert ask(REPEATED, patient({"site:stool_blood": [(48, "positive"), (0, "positive")]})).truth is FALSE
    assert ask(REPEATED, patient({"site:stool_blood": [(40, "positive"), (30, "positive")]})).truth is TRUE
    assert ask(REPEATED, patient({"site:stool_blood": [(40, "positive")]})).truth is UNKNOWN
    assert ask(REPEATED, patient()).limit == 2


TWICE = {
    "kind": "consecutive",
    "signal": "site:diarrhea_ml_8h",
    "at_least": 1000,
    "apart_from_s": 4 * H,
    "apart_to_s": 12 * H,
}


@pytest.mark.parametrize(
    ("stated", "truth"),
    [
        ([(12, 1000), (0, 1000)], TRUE),
        ([(4, 1000), (0, 1000)], TRUE),
        ([(12.1, 1000), (0, 1000)], UNKNOWN),
        ([(3.9, 1000), (0, 1000)], UNKNOWN),
        ([(8, 999), (3, 1500), (0, 1000)], FALSE),
        ([(8, 1000), (0, 999)], FALSE),
        ([(8, 1000)], UNKNOWN),
        ([(13, 1000)], UNKNOWN),
    ],
)
def test_two_shifts_in_a_row_are_the_last_two(stated: list[tuple[float, float]], truth: Truth) -> None:
    assert ask(TWICE, patient({"site:diarrhea_ml_8h": stated})).truth is truth


# --- silence and disagreement -----------------------------------------------------------------------------------------


def test_absence_is_never_unknown() -> None:
    absent = {"kind": "absent", "signal": "spo2"}

    assert ask(absent, patient()).truth is TRUE
    assert ask(absent, patient({"spo2": [(0.1, 97)]})).truth is TRUE
    present = ask(absent, patient({"spo2": 97}))
    assert (present.truth, present.due_ms) == (FALSE, BEGIN_MS + 5 * MINUTE_MS + 1)


APART_BY = {"kind": "disagreement", "signal": "map", "other": "dbp", "above": 15, "within_s": 120}


def test_a_disagreement_is_without_its_sign_and_of_values_close_in_time() -> None:
    assert ask(APART_BY, patient({"map": 60, "dbp": 76})).truth is TRUE
    assert ask(APART_BY, patient({"map": 76, "dbp": 60})).detail == "76 against 60"
    assert ask(APART_BY, patient({"map": 75, "dbp": 60})).truth is FALSE
    assert ask(APART_BY, patient({"map": 60})).truth is UNKNOWN
    assert ask(APART_BY, patient({"dbp": 60})).truth is UNKNOWN
    assert ask(APART_BY, patient({"map": 60, "dbp": [(1 / 30, 90)]})).truth is TRUE  # two minutes
    assert ask(APART_BY, patient({"map": 60, "dbp": [(0.04, 90)]})).detail == APART


def test_a_disagreement_with_a_doubtful_value_may_hold_and_never_allows() -> None:
    facts = patient({"map": 60})
    facts.say("dbp", 60, validity=Validity.QUESTIONABLE)
    assert ask(APART_BY, facts).truth is UNKNOWN

    facts = patient({"dbp": 60})
    facts.say("map", 90, validity=Validity.QUESTIONABLE)
    assert ask(APART_BY, facts).truth is TRUE


# --- combinations -----------------------------------------------------------------------------------------------------

YES, NO, WHO = limit("hr", above=0), limit("hr", below=0), limit("rr", above=0)


def combined(kind: str, *parts: dict[str, Any], **more: Any) -> Truth:
    return ask({"kind": kind, "of": list(parts), **more}, patient({"hr": 80})).truth


@pytest.mark.parametrize(
    ("parts", "all_of", "any_of", "any_known", "or_also", "two_of"),
    [
        ((YES, YES), TRUE, TRUE, TRUE, TRUE, TRUE),
        ((YES, NO), FALSE, TRUE, TRUE, TRUE, FALSE),
        ((YES, WHO), UNKNOWN, TRUE, TRUE, TRUE, UNKNOWN),
        ((NO, YES), FALSE, TRUE, TRUE, TRUE, FALSE),
        ((NO, NO), FALSE, FALSE, FALSE, FALSE, FALSE),
        ((NO, WHO), FALSE, UNKNOWN, FALSE, FALSE, FALSE),
        ((WHO, YES), UNKNOWN, TRUE, TRUE, TRUE, UNKNOWN),
        ((WHO, NO), FALSE, UNKNOWN, FALSE, UNKNOWN, FALSE),
        ((WHO, WHO), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_combinations_follow_their_tables(
    parts: tuple[dict[str, Any], ...], all_of: Truth, any_of: Truth, any_known: Truth, or_also: Truth, two_of: Truth
) -> None:
    assert combined("all_of", *parts) is all_of
    assert combined("any_of", *parts) is any_of
    assert combined("any_known", *parts) is any_known
    assert combined("or_also", *parts) is or_also
    assert combined("at_least_n_of", *parts, times=2) is two_of


@pytest.mark.parametrize(("kind", "more"), [("all_of", {}), ("any_of", {}), ("at_least_n_of", {"times": 2})])
@pytest.mark.parametrize("parts", list(product([YES, NO, WHO], repeat=3)))
def test_a_decided_answer_stays_when_the_unknown_becomes_known(
    parts: tuple[dict[str, Any], ...], kind: str, more: dict[str, Any]
) -> None:
    answer = combined(kind, *parts, **more)
    known = product(*([YES, NO] if part is WHO else [part] for part in parts))
    settled = {combined(kind, *each, **more) for each in known}

    assert settled == ({TRUE, FALSE} if answer is UNKNOWN else {answer})


def test_the_part_that_decides_speaks_and_those_that_agree_stand_beside_it() -> None:
    facts = patient({"sbp": [(0.05, 84)], PHE: [(2, 0.4), (0.01, 0.7)]})
    finding = ask({"kind": "all_of", "of": [limit(below=90), RISING]}, facts)

    assert (finding.value, finding.source_signal) == (84, "sbp")
    assert [each.source_signal for each in finding.also] == [PHE]
    assert finding.since_ms == BEGIN_MS - 36_000  # since the later of the two
    assert finding.due_ms == BEGIN_MS + 2 * MINUTE_MS + 1  # until the earlier of the two
    refuted = ask({"kind": "all_of", "of": [limit(above=90), RISING]}, facts)
    assert (refuted.truth, refuted.value, refuted.also) == (FALSE, 84, ())


def test_too_few_that_hold_are_spoken_for_by_the_first_that_does_not() -> None:
    finding = ask({"kind": "at_least_n_of", "times": 2, "of": [YES, limit("hr", above=100)]}, patient({"hr": 80}))

    assert (finding.truth, finding.limit) == (FALSE, 100)
    sure = ask({"kind": "at_least_n_of", "times": 1, "of": [YES, WHO]}, patient({"hr": 80}))
    assert sure.since_ms == BEGIN_MS


def test_what_cannot_be_enough_any_more_is_false_although_a_part_is_unknown() -> None:
    assert combined("at_least_n_of", NO, NO, WHO, times=2) is FALSE


def test_leaves_are_the_questions_at_the_ends() -> None:
    nested = parse_predicate({"kind": "any_of", "of": [YES, {"kind": "all_of", "of": [NO, WHO]}]}, "here")

    assert [leaf.signal for leaf in leaves(nested)] == ["hr", "hr", "rr"]
