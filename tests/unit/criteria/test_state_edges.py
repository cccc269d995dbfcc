"""The state of a criterion at its edges: how long a contradiction is kept, and what people are shown of now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.criteria.predicates import parse_predicate
from streaming.criteria.state import CriterionState, State, Steady
from streaming.observation import Validity
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, PlainFacts, profile, run_of, say

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def criterion_state(criterion_id: str, **but: object) -> CriterionState:
    criterion = profile("label-2024").criterion(criterion_id)
    assert criterion is not None
    return CriterionState(replace(criterion, confirm_ms=0, **but), BEGIN_MS)  # type: ignore[arg-type]


def later(state: CriterionState, facts: PlainFacts, signal: str, value: float, *, step_s: float = 60) -> None:
    facts.now_ms += round(step_s * 1000)
    facts.say(signal, value)
    state.update(facts)


@pytest.mark.parametrize(("lasted_ms", "due_ms"), [(2_999, 11_000), (3_000, None)])
def test_a_contradiction_is_forgotten_when_the_old_word_has_lasted_three_seconds(
    lasted_ms: int, due_ms: int | None
) -> None:
    steady = Steady(10_000)
    for truth, at_ms in ((FALSE, 0), (TRUE, 1000), (FALSE, 2000), (FALSE, 2000 + lasted_ms)):
        steady.believe(truth, at_ms, at_ms, is_fast=True)

    assert steady.due_ms == due_ms


# --- shown as of now --------------------------------------------------------------------------------------------------


def test_people_are_shown_the_value_of_now_and_nothing_is_changed_by_looking() -> None:
    state, facts = criterion_state("respiratory.spo2"), PlainFacts()
    later(state, facts, "spo2", 97.0)
    facts.say("spo2", 85.0, at_ms=facts.now_ms)

    shown = state.as_of(facts)

    assert (shown.finding.value, shown.finding.truth) == (85.0, TRUE)
    assert (shown.state, state.finding.value, shown.resume_finding) == (State.CLEAR, 97.0, None)


def test_of_what_recovers_people_are_shown_how_far_it_may_resume_now() -> None:
    state, facts = criterion_state("respiratory.spo2"), PlainFacts()
    later(state, facts, "spo2", 85.0)
    later(state, facts, "spo2", 97.0)
    assert state.resume_finding is not None
    facts.now_ms += 1000
    facts.say("spo2", 90.0)

    shown = state.as_of(facts)

    assert shown.resume_finding is not None
    assert (shown.resume_finding.value, shown.resume_finding.truth) == (90.0, FALSE)
    assert state.resume_finding.value == 97.0


def test_a_doubtful_value_is_not_shown_as_one_that_lets_resume() -> None:
    state, facts = criterion_state("respiratory.spo2"), PlainFacts()
    later(state, facts, "spo2", 85.0)
    later(state, facts, "spo2", 97.0)
    facts.now_ms += 1000
    facts.say("spo2", 98.0, validity=Validity.QUESTIONABLE)

    shown = state.as_of(facts)

    assert shown.resume_finding is not None
    assert shown.resume_finding.truth is UNKNOWN


def test_what_is_met_again_is_shown_without_what_it_was_asked_to_resume() -> None:
    state, facts = criterion_state("respiratory.spo2"), PlainFacts()
    for value in (85.0, 97.0, 85.0):
        later(state, facts, "spo2", value)
    was = state.resume_finding
    facts.now_ms += 1000
    facts.say("spo2", 84.0)

    assert state.state is State.MET
    assert state.as_of(facts).resume_finding is was


def test_what_recovers_without_a_question_of_its_own_is_shown_without_an_answer() -> None:
    state, facts = criterion_state("respiratory.spo2", resume=None), PlainFacts()
    later(state, facts, "spo2", 85.0)
    later(state, facts, "spo2", 97.0)

    assert (state.state, state.as_of(facts).resume_finding) == (State.RECOVERING, None)


def test_what_recovers_and_was_never_asked_is_shown_without_an_answer() -> None:
    state, facts = criterion_state("respiratory.spo2", ends_course=True), PlainFacts()
    later(state, facts, "spo2", 85.0)
    later(state, facts, "spo2", 97.0)

    assert (state.state, state.as_of(facts).resume_finding) == (State.RECOVERING, None)


# --- begun anew by a signature ----------------------------------------------------------------------------------------


def tachycardia() -> tuple[CriterionState, PlainFacts]:
    """Discontinued for a heart rate of 140 that each second tells, which is 90 since a second ago."""
    criterion = profile("jitc-2014").criterion("cardiac.tachycardia.absolute")
    assert criterion is not None
    state, facts = CriterionState(criterion, BEGIN_MS), PlainFacts()
    for _ in range(20):
        later(state, facts, "hr", 140.0, step_s=1)
    later(state, facts, "hr", 90.0, step_s=1)
    assert state.state is State.MET
    return state, facts


def test_what_was_believed_before_a_signature_is_forgotten_with_it() -> None:
    state, facts = tachycardia()
    state.lift(facts)
    assert state.state is State.CLEAR

    later(state, facts, "hr", 90.0, step_s=1)

    assert state.state is State.CLEAR


def test_after_a_signature_a_stray_second_of_a_stream_meets_nothing() -> None:
    state, facts = tachycardia()
    state.lift(facts)
    for _ in range(5):
        later(state, facts, "hr", 90.0, step_s=1)
    later(state, facts, "hr", 140.0, step_s=1)

    assert state.state is State.CLEAR


def test_after_a_signature_the_value_that_was_there_is_judged_anew() -> None:
    state, facts = tachycardia()
    state.lift(facts)
    state.update(facts)
    later(state, facts, "hr", 140.0, step_s=1)

    assert state.state is State.CLEAR, "one second against a value that had been taken in"


def oliguria() -> tuple[CriterionState, PlainFacts]:
    """Oliguric with a creatinine of 4.0, which is the highest of all."""
    criterion = profile("label-legacy").criterion("renal.oliguria")
    assert criterion is not None
    state, facts = CriterionState(criterion, BEGIN_MS), PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(16)], "creatinine": [(12, 2.0), (0, 4.0)]})
    state.update(facts)
    assert state.state is State.MET
    return state, facts


def a_day_later(state: CriterionState, facts: PlainFacts, creatinine: float, urine_ml_h: float) -> None:
    """Nothing of the day before is kept of the creatinine but the value four hours ago."""
    facts.now_ms += 30 * HOUR_MS
    facts.readings["creatinine"].clear()
    say(facts, {"urine_ml_h": [(hour, urine_ml_h) for hour in range(16)], "creatinine": [(5, creatinine - 0.1)]})
    facts.say("creatinine", creatinine)
    state.update(facts)


def test_the_value_at_which_it_was_met_is_a_peak_to_fall_from_a_day_later() -> None:
    state, facts = oliguria()

    a_day_later(state, facts, 2.4, 30.0)

    assert (state.state, state.resumable) == (State.RECOVERING, True)


def test_a_peak_that_was_signed_off_is_none_to_fall_from_in_the_next_episode() -> None:
    state, facts = oliguria()
    a_day_later(state, facts, 2.4, 30.0)
    state.lift(facts)
    assert (state.state, state.resume_finding) == (State.CLEAR, None)
    a_day_later(state, facts, 2.6, 5.0)
    assert state.state is State.MET

    a_day_later(state, facts, 2.3, 30.0)

    assert (state.state, state.resumable) == (State.RECOVERING, False), "0.3 below its own peak, 1.7 below the other"


def test_a_resumption_that_grows_too_old_is_due_before_the_rest() -> None:
    by_pressure = parse_predicate({"kind": "limit", "signal": "sbp", "at_least": 90}, "here")
    state, facts = criterion_state("respiratory.spo2", resume=by_pressure, dwell_ms=0), PlainFacts()
    later(state, facts, "spo2", 85.0)
    facts.say("sbp", 110.0)
    later(state, facts, "spo2", 97.0, step_s=200)

    assert (state.state, state.resumable) == (State.RECOVERING, True)
    assert state.due_ms(facts.now_ms) == facts.now_ms + 100_001


def test_a_rhythm_that_was_signed_off_lets_nothing_resume_in_the_next_episode() -> None:
    by_rhythm = parse_predicate({"kind": "rhythm", "is": ["sinus"], "clear": ["vt"], "within_s": 3600}, "here")
    state, facts = criterion_state("respiratory.spo2", resume=by_rhythm, dwell_ms=0), PlainFacts()
    later(state, facts, "spo2", 85.0)
    facts.events.append(replace(run_of(None), rhythm="sinus", at_ms=facts.now_ms))
    later(state, facts, "spo2", 97.0)
    assert state.resumable
    state.lift(facts)
    later(state, facts, "spo2", 85.0)

    later(state, facts, "spo2", 97.0)

    assert (state.state, state.resumable) == (State.RECOVERING, False)
    shown, decided = state.as_of(facts).resume_finding, state.resume_finding
    assert shown is not None
    assert decided is not None
    assert shown.truth is decided.truth is UNKNOWN, "what is shown is what decides"
