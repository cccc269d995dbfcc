"""Which questions are asked again, and when: by what changed, by the instant, by the slide of a window."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from streaming.criteria.attention import INTERVAL, MINUTE_MS, NEVER_MS, Attention, Bands, rests_on, slide_ms
from streaming.criteria.kinds import (
    Absent,
    BaselineChange,
    Bounds,
    Burden,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    Leaf,
    Limit,
    LowFlow,
    StateIs,
    Trend,
    WindowTotal,
)
from streaming.identity import DeviceId
from streaming.observation import Validity
from streaming.signals import Channel, SignalSlot

HOUR_MS = 60 * MINUTE_MS
BELOW_90 = Bounds(below=90, shown=90)
SBP = Limit(signal="sbp", bounds=BELOW_90, patient_limit="sbp_hold")
CREATININE = Limit(signal="creatinine", bounds=Bounds(above=4.5, shown=4.5))
RHYTHM = StateIs(signal="site:rhythm", states=("af",), clear=("sinus",))
URINE = WindowTotal(signal="urine_ml", bounds=Bounds(below=80, shown=80), window_ms=8 * HOUR_MS)
LINE = "MDC_PRESS_BLD_ART_ABP_SYS"
CUFF = "MDC_PRESS_CUFF_SYS"


def attention(*questions: Collection[Leaf], began_ms: int = 0) -> Attention:
    return Attention([tuple(leaves) for leaves in questions], began_ms)


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
    assert attention([SBP], [CREATININE]).to_ask(0, ()) == [0, 1]


def test_only_what_rests_on_what_changed_is_asked_again() -> None:
    watched = attention([SBP], [CREATININE], [RHYTHM, CREATININE])
    ask_all(watched, 3, 0)

    assert watched.to_ask(1, ("creatinine",)) == [1, 2]
    assert watched.to_ask(1, ("site:rhythm", "glucose")) == [2]
    assert watched.to_ask(1, ()) == []


def test_a_question_is_asked_again_at_the_instant_its_answer_named() -> None:
    watched = attention([SBP], [CREATININE])
    ask_all(watched, 2, 0)
    watched.answered(0, 0, 500)

    assert watched.due_ms == 500
    assert (watched.to_ask(499, ()), watched.to_ask(500, ())) == ([], [0])


def test_an_instant_that_has_passed_is_no_reason_to_ask() -> None:
    watched = attention([SBP])
    watched.answered(0, 700, 700)

    assert watched.due_ms == NEVER_MS


def test_a_window_is_asked_about_when_it_has_slid_by_a_hundredth_counted_from_the_origin() -> None:
    watched = attention([URINE], began_ms=1_000)
    watched.answered(0, 1_000 + 7 * MINUTE_MS, None)

    assert watched.due_ms == 1_000 + 10 * MINUTE_MS


def test_what_is_urgent_is_asked_about_each_minute() -> None:
    watched = attention([URINE], [CREATININE])
    for i in (0, 1):
        watched.answered(i, 7 * MINUTE_MS + 5, None, is_urgent=True)

    assert watched.to_ask(8 * MINUTE_MS, ()) == [0, 1]


def test_without_questions_nothing_is_due() -> None:
    assert Attention([], 0).due_ms == NEVER_MS


@pytest.mark.parametrize(
    ("leaf", "expected_ms"),
    [
        (SBP, NEVER_MS),
        (RHYTHM, NEVER_MS),
        (Absent(signal="hr"), NEVER_MS),
        (BaselineChange(signal="creatinine", baseline="creatinine", bounds=BELOW_90), NEVER_MS),
        (BaselineChange(signal="sbp", baseline="sbp", bounds=BELOW_90), MINUTE_MS),
        (Limit(signal="shock_index", bounds=BELOW_90), MINUTE_MS),
        (Limit(signal="urine_ml_8h", bounds=BELOW_90), 5 * MINUTE_MS),
        (URINE, 5 * MINUTE_MS),
        (LowFlow(signal="urine_ml_h", total="urine_ml", below=10, window_ms=16 * HOUR_MS), 5 * MINUTE_MS),
        (Burden(signal="map", limit=65, is_average=False, bounds=BELOW_90, window_ms=4 * HOUR_MS), 150_000),
        (Trend(signal="dopamine_ug_kg_min", bounds=BELOW_90, over_ms=HOUR_MS), MINUTE_MS),
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
    bands = Bands([SBP, CREATININE, Absent(signal="hr")], {"sbp_hold": 80.0})
    source = channel(LINE, 110)
    bands.look(slots(source))
    source.accept(value, 1, Validity.VALID)

    assert bands.crossed(slots(source)) is is_crossed
    assert bands.look(slots(source)) == (["sbp"] if is_crossed else [])


def test_a_signal_that_goes_comes_or_becomes_doubtful_counts_wherever_it_lies() -> None:
    bands = Bands([SBP], {})
    source = channel(LINE, 110)

    assert bands.look(slots(source)) == ["sbp"]
    assert bands.look(slots(None)) == ["sbp"]
    assert bands.look(slots(source)) == ["sbp"]
    source.accept(110, 1, Validity.QUESTIONABLE)
    assert bands.look(slots(source)) == ["sbp"]
    assert bands.look({}) == ["sbp"]


def test_each_value_of_a_source_that_speaks_now_and_then_counts() -> None:
    bands = Bands([SBP], {})
    cuff, line = channel(CUFF, 110), channel(LINE, 110)
    bands.look(slots(cuff))
    cuff.accept(110, 15 * MINUTE_MS, Validity.VALID)

    assert bands.look(slots(cuff)) == ["sbp"]
    bands.look(slots(line))
    line.accept(110, 1_000, Validity.VALID)
    assert bands.look(slots(line)) == []
