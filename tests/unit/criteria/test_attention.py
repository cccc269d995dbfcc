"""Which questions are asked again, and when: by what changed, by the instant, by the slide of a window."""

from __future__ import annotations

import pytest

from streaming.criteria.attention import INTERVAL, Attention, Bands, bounds_of, rests_on, slide_ms
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import (
    Absent,
    AllOf,
    AnyOf,
    BaselineChange,
    Bounds,
    Burden,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    Leaf,
    Limit,
    LowFlow,
    Predicate,
    RhythmEventSeen,
    StateIs,
    Trend,
    WindowTotal,
)
from streaming.durations import MINUTE_MS, NEVER_DUE_MS
from streaming.identity import DeviceId
from streaming.observation import Validity
from streaming.signals import Channel, SignalSlot
from streaming.truth import Truth

HOUR_MS = 60 * MINUTE_MS
BELOW_90 = Bounds(below=90, shown=90)
SBP = Limit(signal="sbp", bounds=BELOW_90, patient_limit="sbp_hold")
CREATININE = Limit(signal="creatinine", bounds=Bounds(above=4.5, shown=4.5))
RHYTHM = StateIs(signal="site:rhythm", states=("af",), clear=("sinus",))
URINE = WindowTotal(signal="urine_ml", bounds=Bounds(below=80, shown=80), window_ms=8 * HOUR_MS)
RHYTHM_EVENT = RhythmEventSeen(
    rhythms=("vt",), beats_at_least=5, duration_at_least_s=3, duration_below_s=1, charted=(), within_ms=HOUR_MS
)
LINE = "MDC_PRESS_BLD_ART_ABP_SYS"
CUFF = "MDC_PRESS_CUFF_SYS"


def attention(*questions: Predicate, began_ms: int = 0) -> Attention:
    return Attention(questions, began_ms)


def ask_all(watched: Attention, count: int, now_ms: int) -> None:
    for i in watched.to_ask(now_ms, None):
        watched.answered(i, now_ms, None)
    assert len(watched.to_ask(now_ms, None)) == count


def channel(name: str, value: float, at_ms: int = 0) -> Channel:
    made = Channel(DeviceId("icu", "b01", "mon"), name, "monitor")
    made.accept(value, at_ms, Validity.VALID)
    return made


def slots(source: Channel | None) -> dict[str, SignalSlot]:
    slot = SignalSlot("sbp")
    slot.source = source
    return {"sbp": slot}


def test_every_question_is_open_at_the_beginning() -> None:
    assert attention(SBP, CREATININE).to_ask(0, ()) == [0, 1]


def test_only_what_rests_on_what_changed_is_asked_again() -> None:
    watched = attention(SBP, CREATININE, AnyOf(of=(RHYTHM, CREATININE)))
    ask_all(watched, 3, 0)

    assert watched.to_ask(1, ("creatinine",)) == [1, 2]
    assert watched.to_ask(1, ("site:rhythm", "glucose")) == [2]
    assert watched.to_ask(1, ()) == []


def test_a_question_is_asked_again_at_the_instant_its_answer_named() -> None:
    watched = attention(SBP, CREATININE)
    ask_all(watched, 2, 0)
    watched.answered(0, 0, 500)

    assert watched.due_ms == 500
    assert (watched.to_ask(499, ()), watched.to_ask(500, ())) == ([], [0])


def test_an_instant_that_has_passed_is_no_reason_to_ask() -> None:
    watched = attention(SBP)
    watched.answered(0, 700, 700)

    assert watched.due_ms == NEVER_DUE_MS


def test_a_window_is_asked_about_when_it_has_slid_by_a_hundredth_counted_from_the_origin() -> None:
    watched = attention(URINE, began_ms=1_000)
    watched.answered(0, 1_000 + 7 * MINUTE_MS, None, watched.slide_ms(0))

    assert watched.due_ms == 1_000 + 10 * MINUTE_MS


def finding(leaf: Leaf, truth: Truth) -> Finding:
    return Finding(truth, leaf=leaf)


def test_where_one_part_decides_the_whole_only_its_pace_counts() -> None:
    watched = attention(AllOf(of=(CREATININE, AnyOf(of=(URINE, RHYTHM)))))

    assert watched.slide_ms(0) == 5 * MINUTE_MS
    assert watched.slide_ms(0, finding(CREATININE, Truth.FALSE)) == NEVER_DUE_MS
    assert watched.slide_ms(0, finding(RHYTHM, Truth.FALSE)) == 5 * MINUTE_MS  # its alternative may become so
    assert watched.slide_ms(0, finding(CREATININE, Truth.UNKNOWN)) == 5 * MINUTE_MS
    assert watched.slide_ms(0, finding(CREATININE, Truth.TRUE)) == 5 * MINUTE_MS


def test_where_one_part_is_enough_and_is_so_only_its_pace_counts() -> None:
    watched = attention(AnyOf(of=(CREATININE, URINE)))

    assert watched.slide_ms(0, finding(CREATININE, Truth.TRUE)) == NEVER_DUE_MS
    assert watched.slide_ms(0, finding(CREATININE, Truth.FALSE)) == 5 * MINUTE_MS


def test_what_is_no_predicate_changes_only_with_what_is_said_to_change_it() -> None:
    watched = Attention([None], 0, also=[(INTERVAL,)])
    watched.answered(0, 5, None, watched.slide_ms(0))

    assert watched.due_ms == NEVER_DUE_MS
    assert (watched.to_ask(6, (INTERVAL,)), watched.to_ask(6, ("sbp",))) == ([0], [])


def test_without_questions_nothing_is_due() -> None:
    assert Attention([], 0).due_ms == NEVER_DUE_MS


@pytest.mark.parametrize(
    ("leaf", "expected_ms"),
    [
        (SBP, NEVER_DUE_MS),
        (RHYTHM, NEVER_DUE_MS),
        (Absent(signal="hr"), NEVER_DUE_MS),
        (BaselineChange(signal="creatinine", baseline="creatinine", bounds=BELOW_90), NEVER_DUE_MS),
        (BaselineChange(signal="sbp", baseline="sbp", bounds=BELOW_90), NEVER_DUE_MS),
        (Limit(signal="shock_index", bounds=BELOW_90), 5 * MINUTE_MS),
        (IntervalChange(signal="shock_index", bounds=BELOW_90, within_ms=HOUR_MS), 5 * MINUTE_MS),
        (Limit(signal="urine_ml_8h", bounds=BELOW_90), NEVER_DUE_MS),
        (Limit(signal="fluid_balance_ml_24h", bounds=BELOW_90), 15 * MINUTE_MS),
        (URINE, 5 * MINUTE_MS),
        (LowFlow(signal="urine_ml_h", total="urine_ml", below=10, window_ms=16 * HOUR_MS), NEVER_DUE_MS),
        (Burden(signal="map", limit=65, is_average=False, bounds=BELOW_90, window_ms=4 * HOUR_MS), NEVER_DUE_MS),
        (RHYTHM_EVENT, NEVER_DUE_MS),
        (Trend(signal="weight", bounds=BELOW_90, over_ms=22 * HOUR_MS), NEVER_DUE_MS),
        (Trend(signal="dopamine_ug_kg_min", bounds=BELOW_90, over_ms=HOUR_MS), 5 * MINUTE_MS),
        (Trend(signal="hr", bounds=BELOW_90, over_ms=HOUR_MS), MINUTE_MS),
        (FallFromPeak(signal="creatinine", bounds=BELOW_90, within_ms=96 * HOUR_MS), HOUR_MS),
        (HighestInInterval(signal="dopamine_ug_kg_min", bounds=BELOW_90, longest_ms=24 * HOUR_MS), 15 * MINUTE_MS),
        (Disagreement(signal="sbp", other="map", bounds=BELOW_90, within_ms=1), MINUTE_MS),
    ],
)
def test_how_often_a_question_is_looked_at_although_nothing_was_reported(leaf: Leaf, expected_ms: int) -> None:
    assert slide_ms(leaf) == expected_ms


def test_a_question_rests_on_every_signal_it_names() -> None:
    low = LowFlow(signal="urine_ml_h", total="urine_ml", below=10, window_ms=16 * HOUR_MS)
    highest = HighestInInterval(signal="dopamine_ug_kg_min", bounds=BELOW_90, longest_ms=HOUR_MS)
    apart = Disagreement(signal="sbp", other="map", bounds=BELOW_90, within_ms=1)

    assert rests_on(low) == ("urine_ml_h", "urine_ml")
    assert rests_on(highest) == ("dopamine_ug_kg_min", INTERVAL)
    assert rests_on(apart) == ("sbp", "map")


@pytest.mark.parametrize(
    ("value", "is_crossed"), [(120.0, False), (90.1, False), (90.0, True), (89.9, True), (80.0, True), (79.0, True)]
)
def test_a_continuous_signal_counts_when_it_crosses_a_bound_the_patients_own_included(
    value: float, is_crossed: bool
) -> None:
    bands = Bands([SBP, CREATININE, Absent(signal="hr")], {"sbp_hold": 80.0}, {})
    source = channel(LINE, 110)
    bands.look(slots(source))
    source.accept(value, 1, Validity.VALID)

    assert bands.crossed(slots(source)) is is_crossed
    assert bands.look(slots(source)) == ({"sbp": (80.0 if value <= 80 else 90.0, 90.0)} if is_crossed else {})


@pytest.mark.parametrize(
    ("span", "asked"), [((90.0, 90.0), [0]), ((100.0, 105.0), [1]), ((90.0, 105.0), [0, 1]), (None, [0, 1, 2])]
)
def test_a_question_is_asked_when_a_signal_crosses_a_bound_on_which_it_turns(
    span: tuple[float, float] | None, asked: list[int]
) -> None:
    fallen = BaselineChange(signal="sbp", baseline="sbp", bounds=Bounds(at_most=-20, shown=-20))
    questions = (SBP, fallen, Absent(signal="sbp"))
    bounds = [bounds_of([each], {}, {"sbp": 125.0}) for each in questions]
    watched = Attention(questions, 0, bounds=bounds)
    for i in range(len(questions)):
        watched.answered(i, 0, None)

    assert watched.to_ask(1, {"sbp": span}) == asked
    assert watched.to_ask(1, ["sbp"]) == [0, 1, 2]


def test_a_question_about_a_trend_is_asked_whichever_bound_is_crossed() -> None:
    trend = Trend(signal="sbp", bounds=BELOW_90, over_ms=HOUR_MS)

    assert bounds_of([SBP, trend], {}, {}) == {}
    assert bounds_of([SBP, CREATININE], {"sbp_hold": 80.0}, {}) == {"sbp": (80.0, 90)}


def test_the_patients_own_limit_is_where_a_burden_begins() -> None:
    burden = Burden(
        signal="map", limit=65, is_average=False, bounds=BELOW_90, window_ms=HOUR_MS, patient_limit="map_alarm"
    )

    assert bounds_of([burden], {"map_alarm": 60.0}, {}) == {"map": (60.0,)}
    assert bounds_of([burden], {}, {}) == {"map": (65,)}


def test_a_signal_that_goes_comes_or_becomes_doubtful_counts_wherever_it_lies() -> None:
    bands = Bands([SBP], {}, {})
    source = channel(LINE, 110)

    assert bands.look(slots(source)) == {"sbp": None}
    assert bands.look(slots(None)) == {"sbp": None}
    assert bands.look(slots(source)) == {"sbp": None}
    source.accept(110, 1, Validity.QUESTIONABLE)
    assert bands.look(slots(source)) == {"sbp": None}
    assert bands.look({}) == {"sbp": None}


def test_each_value_of_a_source_that_speaks_now_and_then_counts() -> None:
    bands = Bands([SBP], {}, {})
    cuff, line = channel(CUFF, 110), channel(LINE, 110)
    bands.look(slots(cuff))
    cuff.accept(110, 15 * MINUTE_MS, Validity.VALID)

    assert bands.look(slots(cuff)) == {"sbp": None}
    bands.look(slots(line))
    line.accept(110, 1_000, Validity.VALID)
    assert bands.look(slots(line)) == {}


@pytest.mark.parametrize(
    ("leaf", "bound"),
    [
        (BaselineChange(signal="sbp", baseline="sbp", bounds=Bounds(at_most=-20, shown=-20)), 100.0),
        (BaselineChange(signal="sbp", baseline="sbp", bounds=Bounds(at_most=-20, shown=-20), is_percent=True), 96.0),
        (Burden(signal="sbp", limit=85, is_average=True, bounds=BELOW_90, window_ms=HOUR_MS), 85.0),
    ],
)
def test_bounds_are_counted_from_what_was_before_treatment(leaf: Leaf, bound: float) -> None:
    bands = Bands([leaf], {}, {"sbp": 120.0})
    source = channel(LINE, bound + 0.1)
    bands.look(slots(source))
    source.accept(bound, 1, Validity.VALID)

    assert bands.look(slots(source)) == {"sbp": (bound, bound)}


def test_a_change_from_a_baseline_that_nobody_knows_has_no_bound() -> None:
    bands = Bands([BaselineChange(signal="sbp", baseline="sbp", bounds=BELOW_90)], {}, {})
    source = channel(LINE, 120)
    bands.look(slots(source))
    source.accept(20, 1, Validity.VALID)

    assert not bands.crossed(slots(source))


def test_a_question_about_runs_of_beats_rests_on_the_beats_being_heard() -> None:
    bands = Bands([RHYTHM_EVENT], {}, {})
    beats = {"hr": SignalSlot("hr")}
    bands.look(beats)
    beats["hr"].source = channel("MDC_ECG_HEART_RATE", 80)

    assert bands.look(beats) == {"hr": None}
    assert "hr" in rests_on(RHYTHM_EVENT)
