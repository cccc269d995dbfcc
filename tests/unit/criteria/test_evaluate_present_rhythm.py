"""A rhythm that runs now: begun, ended, told once, charted, contradicted; and a change since the interval began."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streaming.criteria.asking import Asking
from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import RhythmEvent, Sample
from streaming.criteria.finding import NO_EARLIER, NO_INTERVAL, NO_VALUE, NO_WATCH, QUESTIONABLE, Finding
from streaming.criteria.predicates import parse_predicate
from streaming.criteria.words import what_was_found
from streaming.observation import Validity
from streaming.rules.table import ProfileError
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PlainFacts, run_of, say

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
VT = {
    "kind": "rhythm_present", "is": ["vt"], "clear": ["sinus", "af"], "beats_at_least": 5, "duration_at_least_s": 2,
    "told_s": 300, "lasting_s": 1800,
}  # fmt: skip
INDEX = {"kind": "interval_change", "signal": "shock_index", "at_least": 0.2, "within_s": 3600}


def ask(predicate: dict[str, Any], facts: PlainFacts, asking: Asking | None = None) -> Finding:
    parsed = parse_predicate(predicate, "here")
    return evaluate(parsed, facts) if asking is None else evaluate(parsed, facts, asking)


def watched(*events: RhythmEvent, monitor: bool = True, **charted: Any) -> PlainFacts:
    facts = PlainFacts(monitor_seen_ms=BEGIN_MS if monitor else None)
    facts.events += events
    say(facts, {f"site:{name}": value for name, value in charted.items()})
    return facts


def begun(minutes_ago: float, beats: int | None = None, rhythm: str = "vt") -> RhythmEvent:
    return replace(run_of(beats, minutes_ago=minutes_ago, rhythm=rhythm), is_lasting=True)


@pytest.mark.parametrize(("minutes_ago", "truth"), [(4.99, TRUE), (5, TRUE), (5.01, FALSE)])
def test_a_run_that_was_told_once_holds_for_a_while(minutes_ago: float, truth: Truth) -> None:
    finding = ask(VT, watched(run_of(5, minutes_ago=minutes_ago)))

    assert finding.truth is truth


def test_when_a_run_that_was_told_once_is_over_is_known_beforehand() -> None:
    finding = ask(VT, watched(run_of(5, minutes_ago=2)))

    assert finding.due_ms == BEGIN_MS + 3 * MINUTE_MS + 1


@pytest.mark.parametrize(("minutes_ago", "truth"), [(29.99, TRUE), (30, TRUE), (30.01, FALSE)])
def test_a_run_that_began_and_has_not_ended_holds_for_long_and_not_for_ever(minutes_ago: float, truth: Truth) -> None:
    finding = ask(VT, watched(begun(minutes_ago)))

    assert finding.truth is truth


def test_a_run_that_ended_holds_for_a_while_after_its_end() -> None:
    ended = replace(run_of(9, minutes_ago=20), ended_ms=BEGIN_MS - 4 * MINUTE_MS)

    assert ask(VT, watched(ended)).truth is TRUE
    assert ask(VT, watched(replace(ended, ended_ms=BEGIN_MS - 6 * MINUTE_MS))).truth is FALSE


@pytest.mark.parametrize(
    ("beats", "seconds", "truth"),
    [(4, None, FALSE), (5, None, TRUE), (None, 1.9, FALSE), (None, 2, TRUE), (None, None, TRUE), (3, 60, FALSE)],
)
def test_a_run_counts_unless_it_is_told_to_be_too_short(beats: int | None, seconds: float | None, truth: Truth) -> None:
    assert ask(VT, watched(run_of(beats, s=seconds, minutes_ago=1))).truth is truth


@pytest.mark.parametrize(
    ("beats", "seconds", "words"), [(7, None, "vt of 7 beats"), (None, 30, "vt of 30 s"), (None, None, "rhythm: vt")]
)
def test_a_run_says_how_long_it_was(beats: int | None, seconds: float | None, words: str) -> None:
    assert what_was_found(ask(VT, watched(run_of(beats, s=seconds, minutes_ago=1)))) == words


def test_another_rhythm_reported_later_ends_it_and_an_unrelated_one_does_not() -> None:
    assert ask(VT, watched(begun(9), run_of(None, minutes_ago=1, rhythm="af"))).truth is FALSE
    assert ask(VT, watched(begun(9), run_of(None, minutes_ago=1, rhythm="bradycardia"))).truth is TRUE


def test_what_was_charted_later_ends_it_or_goes_on_with_it() -> None:
    charted: list[tuple[float, float | str]] = [(0.05, "sinus")]

    assert ask(VT, watched(begun(9), rhythm=charted)).truth is FALSE
    assert ask(VT, watched(begun(1), rhythm=charted)).truth is TRUE
    assert ask(VT, watched(rhythm=[(5, "vt")])).truth is TRUE
    assert ask(VT, watched(begun(9), rhythm=[(0.05, "unknown")])).truth is TRUE


def test_what_was_charted_before_a_run_that_is_over_does_not_bring_it_back() -> None:
    over = run_of(9, minutes_ago=20)

    assert ask(VT, watched(over, rhythm=[(1, "vt")])).truth is FALSE
    assert ask(VT, watched(over, rhythm=[(1, "vt")], monitor=False)).detail == NO_WATCH
    assert ask(VT, watched(over, rhythm=[(1, "sinus")], monitor=False)).truth is FALSE


def test_nobody_who_watches_and_nothing_charted_is_unknown() -> None:
    assert ask(VT, watched(monitor=False)).detail == NO_WATCH
    assert ask(VT, watched()).truth is FALSE


def test_what_was_dealt_with_does_not_count() -> None:
    now = Asking(after_ms=BEGIN_MS)

    assert ask(VT, watched(begun(1), rhythm="vt"), now).truth is FALSE


def test_a_doubtful_word_raises_and_does_not_clear() -> None:
    facts = watched()
    facts.say("site:rhythm", "sinus", validity=Validity.QUESTIONABLE)
    assert (ask(VT, facts).truth, ask(VT, facts).detail) == (UNKNOWN, QUESTIONABLE)
    facts.say("site:rhythm", "vt", validity=Validity.QUESTIONABLE, at_ms=BEGIN_MS)
    assert ask(VT, facts).truth is TRUE


# --- a change since the dose interval began ---------------------------------------------------------------------------


def indexed(*values: tuple[float, float], began_h: float | None = 8) -> PlainFacts:
    facts = PlainFacts()
    facts.interval_began_ms = None if began_h is None else BEGIN_MS - round(began_h * HOUR_MS)
    say(facts, {"shock_index": values})
    return facts


@pytest.mark.parametrize(("now", "truth"), [(0.89, FALSE), (0.9, TRUE), (0.91, TRUE)])
def test_a_change_is_against_the_value_in_force_when_the_interval_began(now: float, truth: Truth) -> None:
    finding = ask(INDEX, indexed((9, 0.5), (8.5, 0.7), (7.9, 0.95), (0, now)))

    assert finding.truth is truth
    assert finding.detail == f"0.7 → {now:g}"


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        (indexed((8, 0.7), (0, 1), began_h=None), NO_INTERVAL),
        (indexed((8, 0.7), (0, 1), began_h=-1), NO_INTERVAL),
        (indexed((8, 0.7)), NO_VALUE),
        (indexed((0, 1)), NO_EARLIER),
        (indexed((9.01, 0.7), (0, 1)), NO_EARLIER),
    ],
)
def test_a_change_is_unknown_without_an_interval_or_either_value(facts: PlainFacts, detail: str) -> None:
    finding = ask(INDEX, facts)

    assert (finding.truth, finding.detail) == (UNKNOWN, detail)


def test_a_value_just_old_enough_is_compared_with() -> None:
    assert ask(INDEX, indexed((9, 0.7), (0, 1))).truth is TRUE


@pytest.mark.parametrize(("now", "truth"), [(1.19, FALSE), (1.2, TRUE), (1.21, TRUE)])
def test_a_rise_is_from_the_lowest_within_the_window(now: float, truth: Truth) -> None:
    facts = PlainFacts()
    say(facts, {"creatinine": [(60, 0.5), (47, 1.0), (30, 0.9), (10, 1.1), (0, now)]})
    finding = ask({"kind": "rise_from_lowest", "signal": "creatinine", "at_least": 0.3, "within_s": 46 * 3600}, facts)

    assert (finding.truth, finding.detail) == (truth, f"0.9 → {now:g}")


def test_a_rise_is_unknown_without_a_value_or_a_past() -> None:
    class Forgetful(PlainFacts):
        def lowest(self, signal: str, from_ms: int) -> Sample | None:
            return None

    rise = {"kind": "rise_from_lowest", "signal": "creatinine", "at_least": 0.3, "within_s": 3600}
    forgetful = Forgetful()
    say(forgetful, {"creatinine": 2.0})

    assert ask(rise, PlainFacts()).detail == NO_VALUE
    assert ask(rise, forgetful).detail == NO_EARLIER


def test_a_rhythm_needs_to_be_named() -> None:
    with pytest.raises(ProfileError, match="`is` must name at least one state"):
        parse_predicate({"kind": "rhythm_present", "is": [], "told_s": 1, "lasting_s": 1}, "here")
