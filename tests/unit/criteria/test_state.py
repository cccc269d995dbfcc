"""The state machine of one criterion: what enters and leaves each state, confirmation, dwell, what is lifted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.criteria.state import FORGET_MS, CriterionState, State, Steady
from streaming.observation import Validity
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, PlainFacts, profile, run_of, say

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
CLEAR, MET, RECOVERING = State.CLEAR, State.MET, State.RECOVERING


def criterion_state(name: str = "label-2024", criterion_id: str = "cardiovascular.sbp") -> CriterionState:
    criterion = profile(name).criterion(criterion_id)
    assert criterion is not None
    return CriterionState(criterion, BEGIN_MS)


def walk(state: CriterionState, facts: PlainFacts, signal: str, *values: object, step_s: float = 60) -> list[str]:
    """The state after each value; None for silence."""
    seen = []
    for value in values:
        facts.now_ms += round(step_s * 1000)
        facts.monitor_seen_ms = facts.now_ms
        if value is not None:
            facts.say(signal, value)  # type: ignore[arg-type]
        state.update(facts)
        seen.append("resumable" if state.resumable else state.state.value)
    return seen


# --- transitions ------------------------------------------------------------------------------------------------------


def test_a_criterion_begins_unknown_and_silence_keeps_it_so() -> None:
    state = criterion_state()
    facts = PlainFacts()

    assert not state.update(facts)
    assert walk(state, facts, "sbp", None, None) == ["unknown", "unknown"]
    assert state.since_ms == BEGIN_MS


def test_the_way_through_all_states() -> None:
    state, facts = criterion_state(), PlainFacts()

    assert walk(state, facts, "sbp", 118, 84, 84, 92, 92, 84, 92, 92) == [
        "clear", "met", "met", "recovering", "resumable", "met", "recovering", "resumable",
    ]  # fmt: skip
    state.lift(facts)
    assert (state.state, state.resumable) == (CLEAR, False)
    assert walk(state, facts, "sbp", 92) == ["clear"]


def test_not_knowing_leaves_clear_but_neither_met_nor_recovering() -> None:
    state, facts = criterion_state(), PlainFacts()
    assert walk(state, facts, "sbp", 118, None, step_s=301) == ["clear", "unknown"]
    assert walk(state, facts, "sbp", 84, None, step_s=301) == ["met", "met"]
    assert walk(state, facts, "sbp", 95, 95) == ["recovering", "resumable"]
    assert walk(state, facts, "sbp", None, step_s=301) == ["recovering"]
    assert walk(state, facts, "sbp", 95, 95) == ["recovering", "resumable"]


def test_a_doubtful_value_clears_nothing_and_resumes_nothing() -> None:
    state, facts = criterion_state(), PlainFacts()
    facts.say("sbp", 118, validity=Validity.QUESTIONABLE)
    state.update(facts)
    assert state.state is State.UNKNOWN

    walk(state, facts, "sbp", 84)
    facts.now_ms += 60_000
    facts.say("sbp", 118, validity=Validity.QUESTIONABLE)
    state.update(facts)
    assert state.state is MET


def test_since_is_when_the_patient_was_so() -> None:
    state, facts = criterion_state("label-2024", "renal.creatinine"), PlainFacts()
    facts.now_ms += HOUR_MS
    facts.say("creatinine", 5.0, at_ms=BEGIN_MS)
    state.update(facts)
    assert (state.state, state.since_ms) == (MET, BEGIN_MS)

    walk(state, facts, "creatinine", 3.9)
    assert (state.state, state.since_ms) == (RECOVERING, facts.now_ms)


def test_since_stays_while_the_state_does() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 118, 84, 83, 82)

    assert state.since_ms == BEGIN_MS + 120_000


def test_a_value_from_the_future_of_another_clock_does_not_date_the_state_ahead() -> None:
    state, facts = criterion_state("label-2024", "gi.stool_blood"), PlainFacts(now_ms=BEGIN_MS)
    facts.say("site:stool_blood", "positive", at_ms=BEGIN_MS)
    facts.now_ms = BEGIN_MS
    state.update(facts)

    assert state.since_ms == BEGIN_MS


def test_a_window_that_is_met_is_met_since_it_was_seen() -> None:
    state, facts = criterion_state("jitc-2014", "renal.urine.absolute"), PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(8)]})
    facts.now_ms += 1000
    state.update(facts)

    assert (state.state, state.since_ms) == (MET, BEGIN_MS + 1000)


# --- dwell ------------------------------------------------------------------------------------------------------------


def test_resumption_must_last_and_begins_anew_when_it_was_interrupted() -> None:
    state, facts = criterion_state(), PlainFacts()
    assert walk(state, facts, "sbp", 84, 95) == ["met", "recovering"]

    assert walk(state, facts, "sbp", 95, 95, step_s=30) == ["recovering", "resumable"]
    say(facts, {"phenylephrine_ug_kg_min": 0.5})
    assert walk(state, facts, "sbp", 95, step_s=30) == ["recovering"]
    facts.readings["phenylephrine_ug_kg_min"].clear()
    assert walk(state, facts, "sbp", 95, 95, 95, step_s=30) == ["recovering", "recovering", "resumable"]


def test_the_dwell_is_due() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 84, 95)

    assert state.due_ms(facts.now_ms) == facts.now_ms + 60_000
    assert walk(state, facts, "sbp", None) == ["resumable"]
    assert state.due_ms(facts.now_ms) == facts.now_ms + 240_001


def test_the_dwell_is_due_without_a_resume_predicate_too() -> None:
    state, facts = criterion_state("til-2024", "hemodynamic.pressors"), PlainFacts()
    state.criterion = replace(state.criterion, dwell_ms=30_000)
    walk(state, facts, "phenylephrine_ug_kg_min", 0.1, 0.0)

    assert (state.resumable, state.due_ms(facts.now_ms)) == (False, facts.now_ms + 30_000)


def test_what_is_met_again_waits_for_no_dwell() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 84, 95, 84)

    assert state.due_ms(facts.now_ms) == facts.now_ms + 300_001


def test_a_criterion_that_ends_the_course_is_never_resumable() -> None:
    state, facts = criterion_state("label-2024", "hepatic.failure"), PlainFacts()

    assert walk(state, facts, "site:hepatic", "failure", "normal", "normal") == ["met", "recovering", "recovering"]


def test_a_criterion_without_a_resume_predicate_resumes_when_it_is_no_longer_met() -> None:
    state, facts = criterion_state("til-2024", "hemodynamic.pressors"), PlainFacts()

    assert walk(state, facts, "phenylephrine_ug_kg_min", 0.1, 0.0) == ["met", "resumable"]


# --- confirmation -----------------------------------------------------------------------------------------------------


def test_a_stray_second_of_a_stream_meets_nothing() -> None:
    state, facts = criterion_state(), PlainFacts()

    assert set(walk(state, facts, "sbp", *[118] * 20, 84, *[118] * 20, step_s=1)) == {"clear"}


def test_what_persists_is_met_within_ten_seconds_since_it_began() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", *[118] * 20, step_s=1)

    assert walk(state, facts, "sbp", *[84] * 11, step_s=1) == ["clear"] * 10 + ["met"]
    assert state.since_ms == BEGIN_MS + 21_000


def test_what_persists_is_met_by_time_alone_when_it_is_due() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 118, 84, step_s=1)

    assert state.due_ms(facts.now_ms) == BEGIN_MS + 12_000
    facts.now_ms = BEGIN_MS + 12_000
    assert state.update(facts)
    assert state.state is MET


def test_what_is_repeated_word_for_word_is_confirmed_by_time_alone() -> None:
    state, facts = criterion_state("label-2024", "respiratory.spo2"), PlainFacts()
    walk(state, facts, "spo2", 97, 85, step_s=1)
    facts.now_ms = BEGIN_MS + 11_999
    state.update(facts)
    assert state.state is CLEAR

    facts.now_ms = BEGIN_MS + 12_000
    state.update(facts)
    assert state.state is MET


def test_one_good_second_in_four_hides_no_lasting_fall() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", *[118] * 5, step_s=1)

    assert walk(state, facts, "sbp", *[84, 84, 84, 118] * 3, step_s=1)[-1] == "met"


def test_two_stray_seconds_apart_make_no_fall() -> None:
    state, facts = criterion_state(), PlainFacts()
    stray = [84, *[118] * 10]

    assert set(walk(state, facts, "sbp", 118, *stray * 4, step_s=1)) == {"clear"}


def test_a_hold_does_not_flicker_faster_than_its_confirmation() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 84, step_s=1)

    assert set(walk(state, facts, "sbp", *[95] * 9, *[84] * 4, *[95] * 9, step_s=1)) == {"met"}


@pytest.mark.parametrize("step_s", [60, 299])
def test_a_source_that_speaks_once_a_minute_or_less_counts_at_once(step_s: float) -> None:
    state, facts = criterion_state(), PlainFacts()

    assert walk(state, facts, "sbp", 118, 84, 118, step_s=step_s) == ["clear", "met", "recovering"]


def test_the_first_value_counts_at_once() -> None:
    state, facts = criterion_state(), PlainFacts()

    assert walk(state, facts, "sbp", 84, step_s=1) == ["met"]


def test_a_value_that_comes_long_after_it_was_determined_counts_at_once() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 118)
    facts.now_ms += 60_000
    facts.say("sbp", 84, at_ms=facts.now_ms - 55_000)

    state.update(facts)
    assert state.state is MET


def test_while_a_fall_is_not_confirmed_the_criterion_stays_clear_and_shows_the_value() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 118, 84, step_s=1)

    assert (state.state, state.finding.value) == (CLEAR, 84)


def believed(steady: Steady, *said: tuple[Truth, int]) -> list[Truth]:
    return [steady.believe(truth, at_ms, at_ms, is_fast=True) for truth, at_ms in said]


def test_steady_believes_the_first_word_and_not_knowing_at_once() -> None:
    steady = Steady(10_000)

    assert believed(steady, (TRUE, 1000), (UNKNOWN, 1000), (FALSE, 1000)) == [TRUE, UNKNOWN, FALSE]
    assert steady.due_ms is None


def test_steady_forgets_what_contradicted_it_after_the_old_word_lasted() -> None:
    steady = Steady(10_000)
    believed(steady, (FALSE, 0), (TRUE, 1000), (FALSE, 2000), (FALSE, 2000 + FORGET_MS - 1))
    assert steady.due_ms == 11_000

    believed(steady, (FALSE, 2000 + FORGET_MS))
    assert steady.due_ms is None


def test_steady_forgets_it_too_when_nobody_looked_while_the_old_word_lasted() -> None:
    steady = Steady(10_000)
    believed(steady, (FALSE, 0), (TRUE, 1000), (FALSE, 2000), (TRUE, 2000 + FORGET_MS))
    assert steady.due_ms == 2000 + FORGET_MS + 10_000

    other = Steady(10_000)
    believed(other, (FALSE, 0), (TRUE, 1000), (FALSE, 2000), (TRUE, 2000 + FORGET_MS - 1))
    assert other.due_ms == 11_000


def test_what_is_believed_does_not_depend_on_looks_in_between() -> None:
    stream = [118, 118, 84, 118, 118, 118, 118, 118, 84, 84, 84, 118, 84, 84, 84, 84, 84, 84, 84, 84, 118, 118, 118]

    def changes(*, only_when_crossing: bool) -> list[tuple[int, str]]:
        state, facts = criterion_state(), PlainFacts()
        seen: list[tuple[int, str]] = []
        last, due_ms = 0, 0
        for value in stream:
            facts.now_ms += 1000
            facts.say("sbp", value)
            if not only_when_crossing or value != last or facts.now_ms >= due_ms:
                state.update(facts)
                due_ms = state.due_ms(facts.now_ms) or 0
            if not seen or seen[-1][1] != state.state.value:
                seen.append((facts.now_ms - BEGIN_MS, state.state.value))
            last = value
        return seen

    assert changes(only_when_crossing=True) == changes(only_when_crossing=False) == [(1000, "clear"), (19_000, "met")]


# --- what discontinues ------------------------------------------------------------------------------------------------


def test_what_discontinues_stays_met_whatever_follows_and_shows_what_met_it() -> None:
    state, facts = criterion_state("jitc-2014", "cardiac.tachycardia.absolute"), PlainFacts()

    assert walk(state, facts, "hr", 140, 90, None, 80) == ["met"] * 4
    assert state.met_finding is not None
    assert state.met_finding.value == 140


def test_lifting_what_discontinued_begins_anew() -> None:
    state, facts = criterion_state("jitc-2014", "cardiac.tachycardia.absolute"), PlainFacts()
    walk(state, facts, "hr", 140, 90)

    state.lift(facts)

    assert state.state is CLEAR
    assert walk(state, facts, "hr", 90, 140) == ["clear", "met"]


def test_lifting_what_still_holds_leaves_it_met() -> None:
    state, facts = criterion_state("label-2024", "cardiovascular.tamponade"), PlainFacts()
    walk(state, facts, "site:tamponade", "present")

    state.lift(facts)

    assert state.state is MET


def test_lifting_what_nobody_knows_any_more_leaves_it_unknown() -> None:
    state, facts = criterion_state("jitc-2014", "cardiac.tachycardia.absolute"), PlainFacts()
    walk(state, facts, "hr", 140)
    walk(state, facts, "hr", None, step_s=301)

    state.lift(facts)

    assert state.state is State.UNKNOWN


def test_lifting_a_hold_that_is_not_resumable_changes_nothing() -> None:
    state, facts = criterion_state(), PlainFacts()
    walk(state, facts, "sbp", 84, 95)

    state.lift(facts)

    assert state.state is RECOVERING


def test_events_dealt_with_by_a_signature_do_not_count_again() -> None:
    state, facts = criterion_state("label-2024", "cardiovascular.vt"), PlainFacts(monitor_seen_ms=BEGIN_MS)
    facts.events.append(run_of(7))
    state.update(facts)
    assert state.state is MET

    state.lift(facts)
    assert walk(state, facts, "hr", 80) == ["clear"]


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_fall_is_from_the_highest_since_it_was_met_however_long_ago() -> None:
    state, facts = criterion_state("label-legacy", "renal.oliguria"), PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(16)], "creatinine": [(12, 2.0), (0, 3.1)]})
    state.update(facts)
    assert state.state is MET

    for creatinine in (4.0, 3.6, 3.2, 2.8, 2.5):
        facts.now_ms += 20 * HOUR_MS
        facts.readings["creatinine"].clear()  # no history reaches so far back
        say(facts, {"urine_ml_h": 30, "creatinine": creatinine})
        state.update(facts)
        assert not state.resumable
    facts.now_ms += HOUR_MS
    say(facts, {"urine_ml_h": 30, "creatinine": 2.4})
    state.update(facts)
    assert state.resumable


def test_a_creatinine_that_nobody_knows_is_no_peak() -> None:
    state, facts = criterion_state("label-legacy", "renal.oliguria"), PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(16)], "creatinine": [(12, 2.0), (0, 3.1)]})
    state.update(facts)
    facts.readings["creatinine"].clear()
    facts.now_ms += HOUR_MS
    say(facts, {"urine_ml_h": 30})
    state.update(facts)

    assert (state.state, state.resumable) == (RECOVERING, False)


def oliguric() -> tuple[CriterionState, PlainFacts]:
    state, facts = criterion_state("label-legacy", "renal.oliguria"), PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(16)], "creatinine": [(12, 2.0), (0, 3.1)]})
    state.update(facts)
    facts.now_ms += HOUR_MS
    facts.say("urine_ml_h", 30)
    return state, facts


@pytest.mark.parametrize(("validity", "resumable"), [(Validity.VALID, True), (Validity.QUESTIONABLE, False)])
def test_a_doubtful_creatinine_has_not_fallen(validity: Validity, resumable: bool) -> None:
    state, facts = oliguric()
    facts.say("creatinine", 1.5, validity=validity)
    state.update(facts)

    assert (state.state, state.resumable) == (RECOVERING, resumable)


def test_a_doubtful_creatinine_is_no_peak_to_have_fallen_from() -> None:
    state, facts = oliguric()
    facts.say("creatinine", 9.0, validity=Validity.QUESTIONABLE)
    state.update(facts)
    facts.readings["creatinine"].pop()
    facts.say("creatinine", 3.0)
    state.update(facts)

    assert (state.state, state.resumable) == (RECOVERING, False)


def test_a_text_in_place_of_a_creatinine_is_no_peak() -> None:
    state, facts = oliguric()
    facts.say("creatinine", "haemolysed")
    state.update(facts)

    assert not state.resumable


def test_the_same_reading_is_judged_once_and_a_new_one_anew() -> None:
    state, facts = criterion_state("jitc-2014", "renal.creatinine.absolute"), PlainFacts()
    say(facts, {"creatinine": 2.0})
    state.update(facts)
    judged = state.finding

    facts.now_ms += 1000
    state.update(facts)
    assert state.finding is judged
    facts.readings["creatinine"].clear()
    facts.say("creatinine", 2.0, at_ms=BEGIN_MS)  # another object of the same reading
    state.update(facts)
    assert state.finding is judged
    facts.say("creatinine", 3.0)
    state.update(facts)
    assert state.state is MET
