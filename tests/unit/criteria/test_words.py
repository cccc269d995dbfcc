"""What people read: one sentence for each criterion, and predicates as a table says them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streaming.criteria.criterion import Criterion
from streaming.criteria.finding import Finding
from streaming.criteria.predicates import PREDICATE_KINDS, parse_predicate
from streaming.criteria.state import CriterionState
from streaming.criteria.words import (
    clock_words,
    criterion_row,
    duration_words,
    headline,
    predicate_words,
    sentence,
    signal_words,
    source_words,
    what_was_found,
)
from streaming.nomenclature import SIGNAL_UNITS
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PROFILES, PlainFacts, profile, run_of, say, well

PHE = "phenylephrine_ug_kg_min"
H = 3600


def criterion(name: str, criterion_id: str) -> Criterion:
    found = profile(name).criterion(criterion_id)
    assert found is not None
    return found


def state_of(of: Criterion, facts: PlainFacts) -> CriterionState:
    state = CriterionState(of, facts.now_ms)
    state.update(facts)
    return state


def said(name: str, criterion_id: str, **values: Any) -> str:
    facts = well(**values)
    return sentence(state_of(criterion(name, criterion_id), facts), facts.now_ms)


def test_the_sentence_of_the_issue() -> None:
    facts = PlainFacts()
    say(facts, {"sbp": [(0.05, 84)], PHE: [(2, 0.4), (0.1, 0.7), (0, 0.7)]})
    state = state_of(criterion("label-legacy", "cardiovascular.sbp"), facts)

    assert sentence(state, facts.now_ms) == (
        "SBP 84 mmHg, below 90 since 01:43, arterial line, phenylephrine 0.4 → 0.7 µg/kg/min [number not verified]; "
        "resume: SBP ≥ 90 mmHg and pressor requirement stable or improving [number not verified]"
    )
    assert headline(state, facts.now_ms) == "SBP 84 mmHg below 90 since 01:43"


@pytest.mark.parametrize(
    ("name", "criterion_id", "values", "text"),
    [
        (
            "label-2024",
            "respiratory.spo2",
            {"spo2": 88.5},
            "SpO2 88.5 %, below 90 since 01:46, oximeter; resume: SpO2 > 90 %",
        ),
        ("label-2024", "respiratory.spo2", {}, "SpO2 97 % (hold: SpO2 below 90 %)"),
        (
            "label-2024",
            "cardiovascular.rhythm",
            {"site_rhythm": "af"},
            "rhythm: af since 01:46, charted; resume: asymptomatic and full recovery to normal sinus rhythm",
        ),
        (
            "label-2024",
            "cardiovascular.tamponade",
            {"site_tamponade": "present"},
            "tamponade: present since 01:46, charted; permanent; only a signature lifts it",
        ),
        (
            "label-2024",
            "hepatic.failure",
            {"site_hepatic": "failure"},
            "liver: failure since 01:46, charted [number not verified]; the course is over; a new one no sooner than "
            "7 weeks after all signs resolved and discharge",
        ),
        (
            "label-2024",
            "respiratory.intubation",
            {"site_ventilation": [(73, "intubated"), (0, "intubated")]},
            "ventilation: intubated for 73 h, more than 72 h since 00:46, charted; "
            "permanent; only a signature lifts it",
        ),
        (
            "jitc-2014",
            "renal.creatinine.absolute",
            {"creatinine": [(30, 3.0), (21, 3.1)]},
            "creatinine 3.1 mg/dL, at least 3 since 2001-09-08 04:46, laboratory; permanent; only a signature lifts it",
        ),
        (
            "jitc-2014",
            "renal.urine.relative",
            {"urine_ml_h": [(hour, 15.0) for hour in range(16)]},
            "urine of 8 h 120 mL, 80 to 160 since 01:46; resume: urine > 160 mL in 8 h",
        ),
        (
            "til-2024",
            "renal.urine",
            {"urine_ml_h": [(hour, 15.0) for hour in range(16)]},
            "urine of 8 h 120 mL, below 320 since 01:46; resume: urine ≥ 4 mL/kg in 8 h",
        ),
        (
            "label-2024",
            "renal.oliguria",
            {"urine_ml_h": [(hour, 5.0) for hour in range(16)], "creatinine": [(12, 1.0), (0, 2.0)]},
            "urine of 16 h 5 mL/h, below 10 in each hour since 01:46, creatinine 1 → 2 mg/dL [number not verified]; "
            "resume: urine > 10 mL/h with a creatinine fall of > 1.5 mg/dL or normalisation [number not verified]",
        ),
        (
            "jitc-2014",
            "hemodynamic.phenylephrine.absolute",
            {PHE: [(2, 1.6), (0, 0.2)]},
            "phenylephrine highest in the interval 1.6 µg/kg/min, at least 1.5 since 23:46; "
            "permanent; only a signature lifts it",
        ),
        (
            "label-2024",
            "cardiovascular.vt",
            {},
            "no run of vt or vf (discontinue: a run of vt or vf of at least 5 beats or 3 s)",
        ),
        (
            "label-2024",
            "gi.stool_blood",
            {"site_stool_blood": ""},
            "blood in stool not known: no value within its age limit",
        ),
    ],
)
def test_a_sentence_says_what_against_which_limit_since_when_from_where_and_what_would_change_it(
    name: str, criterion_id: str, values: dict[str, Any], text: str
) -> None:
    assert said(name, criterion_id, **values) == text


def test_a_run_is_told_by_its_length() -> None:
    facts = well()
    facts.events.append(run_of(7))
    state = state_of(criterion("label-2024", "cardiovascular.vt"), facts)

    assert headline(state, facts.now_ms) == "vt of 7 beats since 01:41"
    facts.events[:] = [run_of(None, s=4)]
    assert what_was_found(state_of(criterion("label-2024", "cardiovascular.vt"), facts).finding) == "vt of 4 s"


def test_recovering_says_since_when_and_whether_only_the_signature_is_missing() -> None:
    facts = PlainFacts()
    state = CriterionState(criterion("label-2024", "cardiovascular.sbp"), facts.now_ms)
    said = []
    for sbp in (84, 95, 96):
        facts.now_ms += MINUTE_MS
        facts.say("sbp", sbp)
        state.update(facts)
        said.append(sentence(state, facts.now_ms))

    resume = "SBP ≥ 90 mmHg and pressor requirement stable or improving [number not verified]"
    assert said[1:] == [
        f"SBP recovering since 01:48: SBP 95 mmHg, arterial line; resume: {resume}",
        f"SBP recovering since 01:48: SBP 96 mmHg, arterial line; may resume ({resume}), waiting for a signature",
    ]


def test_what_is_met_and_not_known_any_more_shows_what_met_it() -> None:
    facts = PlainFacts()
    facts.say("sbp", 84)
    state = state_of(criterion("label-2024", "cardiovascular.sbp"), facts)
    facts.now_ms += HOUR_MS
    state.update(facts)

    assert headline(state, facts.now_ms) == "SBP 84 mmHg below 90 since 01:46"


def test_a_limit_set_by_a_site_names_who_answers_for_it() -> None:
    changed = replace(criterion("label-2024", "respiratory.spo2"), approver="Dr. Curie")

    assert "[limit set by Dr. Curie]" in sentence(state_of(changed, well()), BEGIN_MS)


def test_a_template_takes_the_place_of_the_usual_sentence_while_it_is_met() -> None:
    worded = replace(
        criterion("label-2024", "respiratory.spo2"),
        text="{title} is {value} {unit} ({source}), limit {limit}, since {since}; wait for {resume}",
    )

    assert sentence(state_of(worded, well(spo2=85)), BEGIN_MS) == (
        "SpO2 is 85 % (oximeter), limit 90, since 01:46; wait for SpO2 > 90 %; resume: SpO2 > 90 %"
    )
    assert sentence(state_of(worded, well()), BEGIN_MS).startswith("SpO2 97 % (hold")


def test_a_template_of_a_state_has_no_limit() -> None:
    worded = replace(criterion("label-2024", "gi.stool_blood"), text="{value}{limit}{unit}")

    assert sentence(state_of(worded, well(site_stool_blood="positive")), BEGIN_MS).startswith("positive; resume")


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_of_every_profile_has_words_for_every_state(name: str) -> None:
    for facts in (well(), PlainFacts()):
        for each in profile(name).criteria:
            assert sentence(state_of(each, facts), facts.now_ms)
            assert predicate_words(each.met)


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("MDC_PRESS_BLD_ART_ABP_SYS", "arterial line"),
        ("MDC_PRESS_CUFF_SYS", "cuff"),
        ("MDC_PULS_OXIM_SAT_O2", "oximeter"),
        ("MDC_ECG_HEART_RATE", "ECG"),
        ("loinc:2160-0", "laboratory"),
        ("loinc:1-1", "charted"),
        ("site:skin", "charted"),
        ("pumps - urine", ""),
    ],
)
def test_sources_are_named_as_people_do(source: str, words: str) -> None:
    assert source_words(source) == words


def test_times_carry_their_date_when_it_is_not_plainly_todays() -> None:
    assert clock_words(BEGIN_MS, BEGIN_MS + 19 * HOUR_MS) == "01:46"
    assert clock_words(BEGIN_MS, BEGIN_MS + 20 * HOUR_MS) == "2001-09-09 01:46"


def test_durations_are_in_the_greatest_unit_that_fits() -> None:
    assert [duration_words(ms) for ms in (8 * HOUR_MS, 30 * MINUTE_MS, 3_000, 1_500)] == [
        "8 h",
        "30 min",
        "3 s",
        "1.5 s",
    ]


def test_every_signal_has_words() -> None:
    assert signal_words("site:mental_status") == "mental status"
    assert all(signal_words(signal) for signal in SIGNAL_UNITS)


def test_a_finding_of_nothing_names_its_signal() -> None:
    assert what_was_found(Finding(Truth.UNKNOWN, source_signal="sbp")) == "SBP"


def test_a_change_is_told_from_what_to_what_and_an_unsure_one_by_its_size() -> None:
    leaf = parse_predicate({"kind": "trend", "signal": PHE, "above": 0, "over_s": H, "assumed": 0}, "here")
    sure = Finding(Truth.TRUE, 0.3, "ug/kg/min", detail="0.4 → 0.7", leaf=leaf)  # type: ignore[arg-type]

    assert what_was_found(sure) == "phenylephrine 0.4 → 0.7 µg/kg/min"
    assert what_was_found(sure._replace(truth=Truth.UNKNOWN)) == "phenylephrine 0.3 µg/kg/min"


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "limit": (
        {"signal": "sbp", "below": 90, "patient_limit": "sbp_hold"},
        "SBP below 90 mmHg (or the patient's sbp_hold)",
    ),
    "baseline_change": (
        {"signal": "weight", "baseline": "weight", "above": 10, "percent": True},
        "weight against before treatment above 10 %",
    ),
    "trend": (
        {"signal": PHE, "above": 0.005, "over_s": H, "per_hour": True},
        "phenylephrine change over 1 h per hour above 0.005 µg/kg/min",
    ),
    "fall_from_peak": (
        {"signal": "creatinine", "above": 1.5, "within_s": H},
        "creatinine fall from its peak above 1.5 mg/dL",
    ),
    "total": (
        {"signal": "urine_ml", "below": 4, "per_kg": True, "window_s": 8 * H},
        "urine below 4 mL/kg in 8 h",
    ),
    "low_flow": (
        {"signal": "urine_ml_h", "total": "urine_ml", "below": 0.5, "per_kg": True, "window_s": 3 * H},
        "urine below 0.5 mL/kg/h in each hour of 3 h",
    ),
    "burden": (
        {"signal": "map", "limit": 65, "measure": "average", "above": 2, "window_s": 4 * H},
        "average deficit of MAP below 65 in 4 h: above 2",
    ),
    "state": ({"signal": "site:gi", "is": ["ileus"]}, "gut ileus"),
    "lasting": (
        {"signal": "site:ventilation", "is": ["intubated"], "longer_than_s": 72 * H},
        "ventilation intubated for more than 72 h",
    ),
    "rhythm": ({"is": ["af", "svt"], "within_s": H}, "rhythm af or svt, charted or reported since"),
    "rhythm_event": (
        {
            "rhythms": ["vt"],
            "beats_at_least": 5,
            "duration_at_least_s": 3,
            "duration_below_s": 1,
            "charted": [],
            "within_s": H,
        },
        "a run of vt of at least 5 beats or 3 s",
    ),
    "rise_from_lowest": (
        {"signal": "creatinine", "at_least": 0.3, "within_s": 48 * H},
        "creatinine rise within 48 h at least 0.3 mg/dL",
    ),
    "rhythm_present": (
        {"is": ["vt"], "beats_at_least": 5, "told_s": 60, "lasting_s": H},
        "rhythm vt of at least 5 beats now, reported or charted",
    ),
    "interval_change": (
        {"signal": "shock_index", "at_least": 0.2, "within_s": H},
        "shock index change since the dose interval began at least 0.2",
    ),
    "highest_in_interval": (
        {"signal": PHE, "at_least": 1.0, "below": 1.5, "longest_s": H},
        "phenylephrine highest in the dose interval at least 1 and below 1.5 µg/kg/min",
    ),
    "recurrence": (
        {"signal": "site:stool_blood", "is": ["positive"], "times": 2, "within_s": 48 * H},
        "blood in stool positive 2 times in 48 h",
    ),
    "consecutive": (
        {"signal": "site:diarrhea_ml_8h", "at_least": 1000, "apart_from_s": H, "apart_to_s": 2 * H},
        "diarrhea twice in a row at least 1000 mL",
    ),
    "absent": ({"signal": "spo2"}, "no SpO2"),
    "disagreement": (
        {"signal": "map", "other": "dbp", "above": 15, "within_s": 60},
        "MAP and DBP differ by above 15 mmHg",
    ),
}
PARTS = [
    {"kind": "limit", "signal": "hr", "above": 130},
    {"kind": "all_of", "of": [{"kind": "absent", "signal": "rr"}, {"kind": "absent", "signal": "map"}]},
]
JOINED = {
    "all_of": "heart rate above 130 /min and (no respiratory rate and no MAP)",
    "any_of": "heart rate above 130 /min or (no respiratory rate and no MAP)",
    "any_known": "heart rate above 130 /min or (no respiratory rate and no MAP)",
    "or_also": "heart rate above 130 /min, or (no respiratory rate and no MAP)",
}


@pytest.mark.parametrize("kind", WORDS)
def test_a_predicate_reads_as_a_row_of_a_table(kind: str) -> None:
    fields, words = WORDS[kind]

    assert predicate_words(parse_predicate({"kind": kind, **fields}, "here")) == words


@pytest.mark.parametrize("kind", JOINED)
def test_a_combination_reads_as_its_parts(kind: str) -> None:
    assert predicate_words(parse_predicate({"kind": kind, "of": PARTS}, "here")) == JOINED[kind]


def test_so_many_of_several_reads_as_a_list() -> None:
    words = predicate_words(parse_predicate({"kind": "at_least_n_of", "times": 1, "of": PARTS}, "here"))

    assert words == "at least 1 of: heart rate above 130 /min; (no respiratory rate and no MAP)"


def test_every_kind_of_predicate_has_words() -> None:
    assert {*WORDS, *JOINED, "at_least_n_of"} == set(PREDICATE_KINDS)


def test_what_is_no_predicate_has_no_words() -> None:
    with pytest.raises(TypeError, match="no words for int"):
        predicate_words(3)  # type: ignore[arg-type]


def test_a_row_says_what_holds_what_resumes_and_where_it_is_from() -> None:
    row = criterion_row(criterion("label-2024", "respiratory.spo2"))

    assert row == {
        "id": "respiratory.spo2",
        "class": "hold",
        "title": "SpO2",
        "limit": "SpO2 below 90 %",
        "resume": "SpO2 > 90 %",
        "resume_limit": "SpO2 above 90 %",
        "dwell_s": 60.0,
        "confirm_s": 10.0,
        "required": True,
        "reference": "Proleukin label 2.4, Table 2 (2023-2024); clinical.md 2.1",
        "evidence": "V",
        "verified": True,
        "resume_evidence": "V",
        "resume_verified": True,
        "note": "The table has the same number both ways: the dwell is the hysteresis [D].",
        "approver": None,
    }
    assert criterion_row(criterion("label-2024", "gi.catastrophe"))["resume_limit"] is None


def test_other_ways_to_say_the_same_kinds() -> None:
    minutes = {"kind": "burden", "signal": "map", "limit": 65, "measure": "minutes", "at_least": 30, "window_s": 4 * H}
    change = {"kind": "baseline_change", "signal": "sbp", "baseline": "sbp", "at_most": -20}
    flow = {"kind": "low_flow", "signal": "urine_ml_h", "total": "urine_ml", "below": 10, "window_s": 16 * H}

    assert predicate_words(parse_predicate(minutes, "here")) == "minutes of MAP below 65 in 4 h: at least 30"
    assert predicate_words(parse_predicate(change, "here")) == "SBP against before treatment at most -20 mmHg"
    assert predicate_words(parse_predicate(flow, "here")) == "urine below 10 mL/h in each hour of 16 h"
