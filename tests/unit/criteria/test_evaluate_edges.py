"""Answers at their edges: the very instant, the number that is shown, what is not known of a window."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.criteria.asking import Asking
from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import RhythmEvent, Total
from streaming.criteria.finding import TOO_LITTLE, Finding
from streaming.criteria.kinds import Burden
from streaming.criteria.predicates import parse_predicate
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PlainFacts, run_of, say

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
H = 3600
SINUS = {"is": ["vt"], "clear": ["sinus"]}


class Reported(PlainFacts):
    """A patient of whom a window is known to nine tenths, and was never low in them."""

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        return Total(0.0, 0.9)

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        return Total(0.0, 0.9)


def ask(predicate: dict[str, Any], facts: PlainFacts, asking: Asking | None = None) -> Finding:
    parsed = parse_predicate(predicate, "here")
    return evaluate(parsed, facts) if asking is None else evaluate(parsed, facts, asking)


def patient(**more: Any) -> PlainFacts:
    return PlainFacts(**more)


# --- what an answer rests on ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicate", "signal", "value"),
    [
        ({"kind": "limit", "signal": "sbp", "below": 90}, "sbp", 84.0),
        ({"kind": "absent", "signal": "sbp"}, "sbp", 84.0),
        ({"kind": "trend", "signal": "sbp", "below": 0, "over_s": H, "assumed": 100}, "sbp", 84.0),
        ({"kind": "state", "signal": "site:skin", "is": ["normal"]}, "site:skin", "normal"),
        ({"kind": "rhythm", "within_s": H, **SINUS}, "site:rhythm", "sinus"),
    ],
)
def test_an_answer_that_rests_on_a_value_rests_on_all_that_was_asked(
    predicate: dict[str, Any], signal: str, value: float | str
) -> None:
    facts = patient()
    say(facts, {signal: value})

    assert ask(predicate, facts).coverage == 1.0


def test_an_answer_that_rests_on_a_reported_run_rests_on_all_that_was_asked() -> None:
    facts = patient(events=[run_of(12)])

    seen = ask({"kind": "rhythm", "within_s": H, **SINUS}, facts)
    running = ask({"kind": "rhythm_present", "beats_at_least": 5, "told_s": H, "lasting_s": H, **SINUS}, facts)

    assert (seen.truth, seen.coverage) == (running.truth, running.coverage) == (TRUE, 1.0)


def test_of_two_values_of_which_one_is_known_the_answer_rests_on_half() -> None:
    facts = patient()
    say(facts, {"sbp": 84.0})
    predicate = {"kind": "consecutive", "signal": "sbp", "below": 90, "apart_from_s": 60, "apart_to_s": H}

    found = ask(predicate, facts)

    assert (found.truth, found.coverage) == (UNKNOWN, 0.5)


def test_what_is_shown_of_a_disagreement_is_the_difference() -> None:
    facts = patient()
    say(facts, {"hr": 90.0, "sbp": 120.0})

    found = ask({"kind": "disagreement", "signal": "hr", "other": "sbp", "above": 20, "within_s": 60}, facts)

    assert (found.truth, found.value) == (TRUE, 30.0)


def test_how_long_a_state_has_lasted_is_shown_in_hundredths_of_an_hour() -> None:
    facts = patient()
    say(facts, {"site:skin": [(4 / 3, "normal"), (0, "normal")]})

    found = ask(
        {
            "kind": "lasting",
            "signal": "site:skin",
            "is": ["normal"],
            "longer_than_s": H,
            "clear": ["bullous_dermatitis"],
        },
        facts,
    )

    assert (found.truth, found.value, found.unit) == (TRUE, 1.33, "h")


# --- windows of which something is missing ----------------------------------------------------------------------------

LOW_MINUTES = {
    "kind": "burden",
    "signal": "map",
    "limit": 65,
    "measure": "minutes",
    "window_s": H,
    "least_coverage": 0.95,
}
LOW_AVERAGE = LOW_MINUTES | {"measure": "average"}


@pytest.mark.parametrize(
    ("predicate", "truth"),
    [
        (LOW_MINUTES | {"above": 6.5}, FALSE),  # a tenth of an hour is six minutes
        (LOW_MINUTES | {"above": 5.5}, UNKNOWN),
        (LOW_MINUTES | {"above": 6.00005}, FALSE),
        (LOW_MINUTES | {"above": 5.99995}, UNKNOWN),
        (LOW_AVERAGE | {"above": 6.6}, FALSE),  # 65 mm[Hg] beneath the limit through a tenth of the window
        (LOW_AVERAGE | {"above": 6.4}, UNKNOWN),
    ],
)
def test_a_burden_is_decided_without_the_missing_part_when_that_could_change_nothing(
    predicate: dict[str, Any], truth: Truth
) -> None:
    found = ask(predicate, Reported())

    assert (found.truth, found.coverage) == (truth, 0.9)
    assert (found.detail == TOO_LITTLE) is (truth is UNKNOWN)


def test_a_burden_is_counted_from_the_limit_that_is_the_patients_own() -> None:
    facts = patient(limits={"map_alarm": 75.0})
    say(facts, {"map": [(minute / 60, 70.0) for minute in range(61)]})
    own = LOW_MINUTES | {"above": 30, "patient_limit": "map_alarm"}

    found, usual = ask(own, facts), ask(LOW_MINUTES | {"above": 30}, facts)

    assert (found.truth, usual.truth) == (TRUE, FALSE)
    assert isinstance(found.leaf, Burden)
    assert isinstance(usual.leaf, Burden)
    assert (found.leaf.limit, usual.leaf.limit) == (75.0, 65.0)


# --- the very instant -------------------------------------------------------------------------------------------------


def test_a_dose_interval_that_begins_now_has_begun() -> None:
    facts = patient(interval_began_ms=BEGIN_MS)
    say(facts, {"shock_index": 1.0})
    predicate = {"kind": "interval_change", "signal": "shock_index", "at_least": 0.2, "within_s": H}

    assert ask(predicate, facts).truth is FALSE


def test_silence_of_the_rhythm_is_asked_about_again_when_the_watch_is_too_old() -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS)
    predicate = {
        "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3,
        "duration_below_s": 1, "charted": ["vt"], "within_s": H,
    }  # fmt: skip

    found = ask(predicate, facts)
    assert (found.truth, found.due_ms) == (FALSE, BEGIN_MS + 5 * MINUTE_MS + 1)

    facts.now_ms = BEGIN_MS + 5 * MINUTE_MS
    assert ask(predicate, facts).truth is FALSE
    facts.now_ms += 1
    assert ask(predicate, facts).truth is UNKNOWN


@pytest.mark.parametrize(("duration_s", "truth"), [(0.9, FALSE), (1.0, UNKNOWN), (2.9, UNKNOWN), (3.0, TRUE)])
def test_a_run_without_a_number_of_beats_is_judged_by_how_long_it_was(duration_s: float, truth: Truth) -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS, events=[run_of(None, s=duration_s)])
    predicate = {
        "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3,
        "duration_below_s": 1, "charted": ["vt"], "within_s": H,
    }  # fmt: skip

    assert ask(predicate, facts).truth is truth


def test_a_run_that_a_person_charted_has_no_number_of_beats_to_be_held_against() -> None:
    facts = patient(monitor_seen_ms=BEGIN_MS)
    say(facts, {"site:rhythm": "vt"})
    predicate = {
        "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3,
        "duration_below_s": 1, "charted": ["vt"], "within_s": H,
    }  # fmt: skip

    found = ask(predicate, facts)

    assert (found.truth, found.value, found.limit) == (TRUE, "vt", None)


@pytest.mark.parametrize(("ago_ms", "truth"), [(HOUR_MS, FALSE), (HOUR_MS + 1, UNKNOWN)])
def test_a_rhythm_that_ended_another_is_remembered_as_long_as_one_may_last(ago_ms: int, truth: Truth) -> None:
    sinus = RhythmEvent("sinus", BEGIN_MS - ago_ms, None, None, "mon1")
    predicate = {"kind": "rhythm_present", "beats_at_least": 5, "told_s": 60, "lasting_s": H, **SINUS}

    assert ask(predicate, patient(events=[sinus])).truth is truth
