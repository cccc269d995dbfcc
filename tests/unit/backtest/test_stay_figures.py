"""The figures of a stay, on recordings small enough to reckon by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.backtest.arms import arm_of
from gateway.backtest.figures import StayFigures
from gateway.backtest.spans import Spans
from streaming.criteria.decision import DecisionChanged
from tests.support.backtests import plain_arm, run_alone, run_under
from tests.support.recordings import Recording

MAP = "MDC_PRESS_BLD_ART_ABP_MEAN"
HR = "MDC_ECG_HEART_RATE"


def low_pressure(recording: Recording, from_s: int, to_s: int, value: float) -> None:
    for at_s in range(from_s, to_s):
        recording.obs(at_s, {MAP: value, HR: 100})


def only_stay(recording: Recording, folder: Path) -> StayFigures:
    (stay,) = run_alone(recording, folder).stays
    return stay


def announced(recording: Recording, stay: StayFigures) -> list[tuple[str, float, float | None]]:
    """Of each hypotension alarm: rule, second of announcement, second at which the condition had passed."""
    return [
        (
            each.rule_id,
            (each.announced_ms - recording.begin_ms) / 1000,
            None if each.until_ms is None else (each.until_ms - recording.begin_ms) / 1000,
        )
        for each in stay.announcements
        if each.family == "hypotension"
    ]


def test_an_alarm_counts_when_it_begins_to_be_announced_and_lasts_until_its_condition_has_passed(
    tmp_path: Path,
) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 140, 58)
    low_pressure(recording, 140, 200, 75)
    recording.command(200, "discharge", admission_id="adm-1")

    stay = only_stay(recording, tmp_path)

    replayed = [(at_s, rule) for at_s, rule, phase, _ in recording.alarms() if phase == "start" and "hypo" in rule]
    assert [(at_s, rule) for rule, at_s, _ in announced(recording, stay)] == replayed
    assert announced(recording, stay) == [
        ("hypotension.map_below_60", 61.0, 170.0),
        ("hypotension.map_below_65", 121.0, 170.0),
    ]
    assert stay.duration_ms == 200_000
    assert stay.is_discharged


def test_an_alarm_that_comes_again_from_latched_counts_again(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 140, 58)
    low_pressure(recording, 140, 200, 75)
    low_pressure(recording, 200, 300, 58)

    found = announced(recording, only_stay(recording, tmp_path))

    assert [rule for rule, *_ in found].count("hypotension.map_below_60") == 2
    assert found[-1][2] is None, "it was there when the recording ended"


def test_an_alarm_that_gets_worse_counts_once_under_the_worst_it_came_to(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 140, 62)
    low_pressure(recording, 140, 220, 55)

    grouped = run_under([arm_of("label-2024")], recording, tmp_path)[0].stays[0].announcements

    found = [(each.rule_id, each.priority) for each in grouped if each.family == "hypotension"]
    assert found == [("hypotension.map_below_60", "high")]
    one, two = [each for each in only_stay(recording, tmp_path).announcements if each.family == "hypotension"]
    assert (one.rule_id, one.priority) == ("hypotension.map_below_65", "medium"), "without a policy they are two"
    assert (two.rule_id, two.priority) == ("hypotension.map_below_60", "high")


def test_an_alarm_whose_patient_leaves_has_no_duration(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 140, 58)
    recording.command(140, "discharge", admission_id="adm-1")

    assert {until for *_, until in announced(recording, only_stay(recording, tmp_path))} == {None}


def test_the_time_to_acknowledge_counts_from_the_announcement(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 100, 58)
    (alarm_id,) = {line["alarm_id"] for line in recording.lines() if line.get("rule_id") == "hypotension.map_below_60"}
    recording.command(100, "acknowledge", alarm_id=alarm_id)
    low_pressure(recording, 101, 110, 58)

    (alarm,) = [each for each in only_stay(recording, tmp_path).announcements if each.family == "hypotension"]

    assert alarm.acknowledged_ms is not None
    assert (alarm.acknowledged_ms - alarm.announced_ms) / 1000 == 100 - 61


def test_coverage_is_the_time_in_which_a_source_is_fresh_and_overlaps_count_once(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    recording.status(0, "online")
    for at_s in (0, 10, 100):
        recording.obs(at_s, {HR: 80})  # of a monitor: fresh for 30 s
    recording.obs(15, {MAP: 80}, device="b01/mon2")
    recording.entries.sort(key=lambda entry: entry.received_ms)
    recording.command(120, "discharge", admission_id="adm-1")

    stay = only_stay(recording, tmp_path)

    assert stay.covered_ms["hr"] == 40_000 + 20_000, "0 to 40 s, and 100 s to the discharge"
    assert stay.covered_ms["map"] == 30_000
    assert stay.covered_ms["temp"] == 0
    assert stay.covered_any_ms == 45_000 + 20_000


def test_what_is_measured_at_a_bed_without_a_patient_belongs_to_nobody(tmp_path: Path) -> None:
    recording = Recording()
    recording.obs(0, {HR: 80})
    recording.admit(60)
    recording.obs(70, {HR: 80})
    recording.command(80, "discharge", admission_id="adm-1")
    recording.obs(90, {HR: 80})

    assert only_stay(recording, tmp_path).covered_any_ms == 10_000


def test_two_patients_of_one_recording_are_two_stays_and_one_moves(tmp_path: Path) -> None:
    recording = Recording()
    recording.admit(0)
    recording.admit(1, admission_id="adm-2", bed="b02")
    recording.command(10, "transfer", admission_id="adm-1", unit="icu", bed="b03")
    recording.obs(20, {HR: 80}, device="b03/mon1")
    recording.tick(40)

    one, two = run_alone(recording, tmp_path).stays

    assert [(each.admission_id, each.bed, each.duration_ms) for each in (one, two)] == [
        ("adm-1", "icu/b03", 40_000),
        ("adm-2", "icu/b02", 39_000),
    ]
    assert (one.covered_any_ms, two.covered_any_ms) == (20_000, 0)
    assert not one.is_discharged


def test_doses_due_are_those_of_the_order_within_the_stay_and_carry_the_decision_of_that_instant(
    tmp_path: Path,
) -> None:
    recording = Recording()
    recording.admit(0)
    course = {"drug": "aldesleukin", "dose_iu_per_kg": 600_000, "interval_h": 8, "max_doses": 14, "duration_min": 15}
    recording.command(60, "course", admission_id="adm-1", first_dose_at=recording.at(3600), **course)
    recording.tick(10 * 3600)
    recording.command(20 * 3600, "discharge", admission_id="adm-1")

    stay = only_stay(recording, tmp_path)

    assert [(dose.number, (dose.due_ms - recording.begin_ms) / 3_600_000) for dose in stay.due] == [
        (1, 1.0), (2, 9.0), (3, 17.0),
    ]  # fmt: skip
    assert {dose.decision for dose in stay.due} == {"indeterminate"}
    assert "cardiovascular.sbp" in stay.due[0].because
    assert stay.unknown_ms["cardiovascular.sbp"] == stay.duration_ms


def changed(at_ms: int, decision: str, states: Mapping[str, str]) -> DecisionChanged:
    criteria: tuple[Mapping[str, str | bool], ...] = tuple(
        {"id": each, "state": state, "class": "hold", "required": True} for each, state in states.items()
    )
    return DecisionChanged(
        at_ms=at_ms,
        admission_id="adm-1",
        decision=decision,
        computed=decision,
        summary="",
        profile={},
        criteria=criteria,
        signature=None,
    )


def test_spans_last_from_one_decision_to_the_next_and_before_the_first_nothing_is_known() -> None:
    spans = Spans(1000)
    spans.take(changed(3000, "proceed", {"sbp": "clear", "spo2": "clear"}))
    spans.take(changed(10_000, "hold", {"sbp": "met", "spo2": "clear"}))
    spans.take(changed(10_000, "hold", {"sbp": "met", "spo2": "unknown"}))
    spans.take(changed(15_000, "hold", {"sbp": "recovering", "spo2": "clear"}))

    assert [(each.from_ms, each.decision, each.because) for each in spans.closed()] == [
        (1000, "indeterminate", ("sbp", "spo2")),
        (3000, "proceed", ()),
        (10_000, "hold", ("sbp",)),
        (15_000, "hold", ("sbp",)),
    ]
    assert spans.time_in({"unknown"}, 20_000) == {"sbp": 2000, "spo2": 2000 + 5000}
    assert spans.time_in({"met", "recovering"}, 20_000) == {"sbp": 10_000, "spo2": 0}
    found = [spans.at(instant) for instant in (999, 1000, 9999, 10_000)]
    assert [each and each.decision for each in found] == [None, "indeterminate", "proceed", "hold"]


@pytest.mark.parametrize("other", ["jitc-2014", "label-legacy"])
def test_a_profile_says_the_same_alone_and_beside_another(tmp_path: Path, other: str) -> None:
    recording = Recording()
    recording.admit(0)
    low_pressure(recording, 1, 140, 58)
    recording.message(140, "b01/mon1/obs", b"{")
    recording.message(141, "b01/mon1/status", {"state": "offline", "kind": "monitor"})
    recording.command(150, "chart", admission_id="adm-1", metrics={"site:rhythm": "af", "loinc:2160-0": 5.1})
    recording.tick(3600)

    alone = run_alone(recording, tmp_path)
    beside = run_under([plain_arm(), plain_arm(other)], recording, tmp_path)

    assert beside[0] == alone
    assert beside[1].stays[0].announcements == alone.stays[0].announcements
    assert beside[1].stays[0].spans != alone.stays[0].spans
    assert (alone.received, alone.rejected, alone.evaluated) == (141, 1, 140)
