"""The dose decision at its edges: the instant a signature ends, what a look tells of all, the order of reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.criteria.attention import INTERVAL
from streaming.criteria.criterion import DosingProfile
from streaming.criteria.decision import Decision, DecisionBook, Signed, criterion_json, gate_at
from streaming.criteria.finding import Finding
from streaming.criteria.predicates import parse_predicate
from streaming.criteria.state import CriterionState, State
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PlainFacts, profile, say, well

MINUTES_30 = 30 * MINUTE_MS


def book_of(facts: PlainFacts, rules: DosingProfile) -> DecisionBook:
    book = DecisionBook("adm-1", rules, facts.now_ms, facts)
    book.update(facts)
    return book


def at(book: DecisionBook, facts: PlainFacts, now_ms: int, **values: float | str) -> Decision:
    """The decision at an instant, with what is said then; the monitor goes on watching."""
    facts.now_ms = facts.monitor_seen_ms = now_ms
    say(facts, {name.replace("site_", "site:", 1): value for name, value in values.items()})
    book.update(facts)
    return book.decision


def signed(book: DecisionBook, facts: PlainFacts, decision: Decision, reason: str | None = None) -> Signed:
    taken = book.sign(facts, decision, reason, "dr-ada")
    assert isinstance(taken, Signed)
    return taken


def state_of(book: DecisionBook, criterion_id: str) -> CriterionState:
    return next(each for each in book.states if each.criterion.id == criterion_id)


def only(rules: DosingProfile, *criterion_ids: str) -> DosingProfile:
    """The profile with some of its criteria."""
    return replace(rules, criteria=tuple(each for each in rules.criteria if each.id in criterion_ids))


# --- instants ---------------------------------------------------------------------------------------------------------


def test_an_override_ends_one_hour_to_the_millisecond_after_its_dose_began() -> None:
    facts = well(sbp=84)
    book = book_of(facts, only(profile("label-2024"), "cardiovascular.sbp"))
    signed(book, facts, Decision.PROCEED, "cuff reads 110")
    facts.interval_began_ms = began_ms = facts.now_ms

    assert Decision.PROCEED is at(book, facts, began_ms + 3_599_999, sbp=84)
    assert book.due_ms(facts) == began_ms + 3_600_000, "though the value grows too old four minutes later"
    assert Decision.HOLD is at(book, facts, began_ms + 3_600_000, sbp=84)


def test_the_next_look_comes_before_a_signature_ends_when_a_value_grows_too_old_before_that() -> None:
    facts = well(sbp=84)
    book = book_of(facts, only(profile("label-2024"), "cardiovascular.sbp"))
    signed(book, facts, Decision.PROCEED, "cuff reads 110")
    facts.interval_began_ms = facts.now_ms

    assert facts.now_ms < book.due_ms(facts) <= facts.now_ms + 5 * MINUTE_MS + 1


def test_the_next_look_is_never_now() -> None:
    facts = well()
    book = book_of(facts, profile("label-2024"))
    facts.now_ms += 48 * HOUR_MS

    assert book.due_ms(facts) == facts.now_ms + 1


def test_a_gate_is_reached_to_the_millisecond() -> None:
    rules = profile("label-2024")
    assert rules.gates_min == (120, 30, 0)

    assert gate_at(rules, BEGIN_MS, BEGIN_MS - MINUTES_30 - 1) == "T-120"
    assert gate_at(rules, BEGIN_MS, BEGIN_MS - MINUTES_30) == "T-30"
    assert gate_at(rules, BEGIN_MS, BEGIN_MS - 1) == "T-30"
    assert gate_at(rules, BEGIN_MS, BEGIN_MS) == "T0"


def test_a_criterion_that_waits_to_resume_is_looked_at_as_often_as_its_resumption_asks() -> None:
    rules = only(profile("label-2024"), "respiratory.spo2")
    fall = parse_predicate({"kind": "fall_from_peak", "signal": "hr", "above": 10, "within_s": 7200}, "here")
    slow = replace(rules, criteria=(replace(rules.criteria[0], resume=fall, confirm_ms=0),))
    facts = well(spo2=85.0)
    book = book_of(facts, slow)
    assert book.due_ms(facts) > BEGIN_MS + 2 * MINUTE_MS, "met: nothing but the value's age is waited for"

    at(book, facts, BEGIN_MS + MINUTE_MS, spo2=97.0)

    assert state_of(book, "respiratory.spo2").state is State.RECOVERING
    assert book.due_ms(facts) <= BEGIN_MS + 2 * MINUTE_MS, "a fall from a peak is looked at each minute"

    at(book, facts, BEGIN_MS + 2 * MINUTE_MS, spo2=85.0)
    assert book.due_ms(facts) > BEGIN_MS + 4 * MINUTE_MS, "and no longer once it is met again"


def test_a_criterion_that_cannot_resume_by_itself_has_no_pace_for_it() -> None:
    rules = only(profile("label-2024"), "respiratory.spo2")
    facts = well(spo2=85.0)
    book = book_of(facts, replace(rules, criteria=(replace(rules.criteria[0], resume=None, confirm_ms=0),)))

    assert Decision.HOLD is at(book, facts, BEGIN_MS + MINUTE_MS, spo2=97.0)
    assert state_of(book, "respiratory.spo2").state is State.RECOVERING


# --- what a look tells ------------------------------------------------------------------------------------------------


def test_when_one_criterion_changes_all_are_told_as_of_now() -> None:
    facts = well(spo2=97.0)
    book = book_of(facts, only(profile("label-2024"), "cardiovascular.sbp", "respiratory.spo2"))
    facts.now_ms += MINUTE_MS
    say(facts, {"spo2": 93.0})
    assert book.update(facts, {"spo2": (93.0, 97.0)}) is None, "no bound was crossed"

    facts.now_ms += MINUTE_MS
    say(facts, {"sbp": 84.0})
    changed = book.update(facts, {"sbp": None})

    assert changed is not None
    assert {row["id"]: row["value"] for row in changed.criteria} == {
        "cardiovascular.sbp": 84.0,
        "respiratory.spo2": 93.0,
    }


def test_what_nothing_asks_about_is_looked_at_by_nobody() -> None:
    facts = well(spo2=97.0)
    book = book_of(facts, only(profile("label-2024"), "cardiovascular.sbp", "respiratory.spo2"))
    before = state_of(book, "respiratory.spo2").finding

    facts.now_ms += MINUTE_MS
    say(facts, {"spo2": 93.0})

    assert book.update(facts, {"hr": None}) is None
    assert state_of(book, "respiratory.spo2").finding is before


def test_a_signature_that_lifts_one_criterion_is_told_though_the_decision_stays() -> None:
    rules = only(profile("label-2024"), "cardiovascular.sbp", "respiratory.spo2")
    facts = well(sbp=84, spo2=85)
    book = book_of(facts, rules)
    signed(book, facts, Decision.PROCEED, "both seen")
    for minute in (1, 2, 3):
        assert Decision.PROCEED is at(book, facts, BEGIN_MS + minute * MINUTE_MS, sbp=84, spo2=97)
    assert state_of(book, "respiratory.spo2").resumable

    again = signed(book, facts, Decision.PROCEED, "seen again")

    assert state_of(book, "respiratory.spo2").state is State.CLEAR
    assert again.changed is not None
    assert {row["id"]: row["state"] for row in again.changed.criteria}["respiratory.spo2"] == "clear"


def test_a_share_is_shown_with_four_decimals() -> None:
    state = state_of(book_of(well(), profile("label-2024")), "cardiovascular.sbp")
    state.finding = Finding(Truth.FALSE, 118.0, coverage=2 / 3)

    assert criterion_json(state, BEGIN_MS)["coverage"] == 0.6667


def test_reasons_come_by_weight_final_then_met_then_recovering() -> None:
    rules = only(profile("label-2024"), "cardiovascular.sbp", "respiratory.spo2", "cardiovascular.tamponade")
    facts = well(sbp=84.0)
    book = book_of(facts, rules)
    at(book, facts, BEGIN_MS + MINUTE_MS, sbp=95.0)
    at(book, facts, BEGIN_MS + 2 * MINUTE_MS, spo2=85.0, sbp=95.0)
    at(book, facts, BEGIN_MS + 3 * MINUTE_MS, spo2=85.0, sbp=95.0, site_tamponade="present")
    assert [each.state for each in book.states] == [State.RECOVERING, State.MET, State.MET]

    reasons = book.summary(facts.now_ms).split("; ")

    assert [reason.split()[0] for reason in reasons] == ["tamponade:", "SpO2", "SBP"]


# --- counts -----------------------------------------------------------------------------------------------------------


def test_a_profile_that_discontinues_at_the_first_held_dose_does_so() -> None:
    rules = replace(profile("label-2024"), held_doses_to_discontinue=1)
    facts = well()
    book = book_of(facts, rules)
    assert Decision.PROCEED is book.decision
    facts.held_doses = 1

    assert Decision.DISCONTINUE is at(book, facts, BEGIN_MS + MINUTE_MS)
    assert book.summary(facts.now_ms).startswith("1 doses held")


def test_what_was_counted_out_counts_no_more_once_it_is_signed_off() -> None:
    facts = well(creatinine=2.5, platelets=40, bilirubin=8)
    book = book_of(facts, profile("jitc-2014"))
    at(book, facts, BEGIN_MS + MINUTE_MS, creatinine=0.9, platelets=250, bilirubin=0.6)
    assert (book.computed, book.decision) == (Decision.DISCONTINUE, Decision.DISCONTINUE)

    signed(book, facts, Decision.PROCEED, "all three back to normal")

    assert (book.computed, book.decision) == (Decision.PROCEED, Decision.PROCEED)


@pytest.mark.parametrize("decision", [Decision.HOLD, Decision.DISCONTINUE])
def test_a_signed_stop_stands_when_the_criteria_say_nothing(decision: Decision) -> None:
    facts = well()
    book = book_of(facts, profile("label-2024"))
    signed(book, facts, decision, "family wishes to wait")

    assert decision is at(book, facts, BEGIN_MS + MINUTE_MS)
    assert book.computed is Decision.PROCEED


def test_a_limit_of_ones_own_may_be_what_the_profile_allows_at_most() -> None:
    rules = profile("label-2024")
    bounds = rules.patient_limits["sbp_hold"]

    assert (
        rules.limits_out_of_range({"sbp_hold": bounds.low})
        == rules.limits_out_of_range({"sbp_hold": bounds.high})
        == []
    )
    assert len(rules.limits_out_of_range({"sbp_hold": bounds.high + 0.1})) == 1
    assert len(rules.limits_out_of_range({"sbp_hold": bounds.low - 0.1})) == 1


# --- told what has changed --------------------------------------------------------------------------------------------


def test_a_dose_that_was_held_is_counted_though_no_criterion_asks_about_it() -> None:
    rules = replace(only(profile("label-2024"), "skin.bullous_dermatitis"), held_doses_to_discontinue=1)
    facts = well()
    book = book_of(facts, rules)
    facts.now_ms += MINUTE_MS
    facts.held_doses = 1

    assert book.update(facts, {INTERVAL}) is not None
    assert book.decision is Decision.DISCONTINUE


def test_an_override_ends_in_time_though_nothing_has_changed() -> None:
    facts = well(site_skin="bullous_dermatitis")
    book = book_of(facts, only(profile("label-2024"), "skin.bullous_dermatitis"))
    signed(book, facts, Decision.PROCEED, "seen by the dermatologist")
    facts.interval_began_ms = facts.now_ms
    facts.now_ms += HOUR_MS

    assert book.update(facts, ()) is not None
    assert book.decision is Decision.HOLD
