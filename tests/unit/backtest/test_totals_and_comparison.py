"""Rates, shares and medians over stays; and two profiles over the same stays."""

from __future__ import annotations

import pytest

from gateway.backtest.compare import compare, most_differing
from gateway.backtest.figures import DoseOutcome
from gateway.backtest.labels import Detection
from gateway.backtest.totals import percentile, time_in_each, totals_of
from tests.support.backtests import HOUR_MS, T0_MS, announcement, arm_figures, due, span, stay


def test_alarms_are_counted_per_day_of_all_stays_with_medians_of_what_has_ended() -> None:
    seen = announcement(100, 16, acknowledged_ms=T0_MS + 130_000)
    totals = totals_of(
        [
            arm_figures(stay(36, announcements=(seen, announcement(200, 17), announcement(300, None)))),
            arm_figures(stay(12, "adm-2", covered_any_ms=24 * HOUR_MS, announcements=(announcement(5, 117, "a.b"),))),
        ]
    )

    rule = totals.by_rule[0]
    assert (rule.rule_id, rule.burden.alarms, rule.burden.stays) == ("hypotension.map_below_65", 3, 1)
    assert rule.burden.per_bed_day == pytest.approx(1.5)
    assert rule.burden.per_covered_bed_day == pytest.approx(3.0)
    assert rule.burden.median_duration_s == 16.5
    assert rule.burden.share_short == 0.5, "16 s is under 17 s, 17 s is not; the third has not ended"
    assert (rule.burden.acknowledged, rule.burden.median_acknowledge_s) == (1, 30.0)
    assert (totals.all_alarms.alarms, totals.all_alarms.stays) == (4, 2)
    assert totals.by_priority["high"].alarms == 0
    assert totals.by_priority["high"].median_duration_s is None


def test_rates_over_no_time_are_unknown_and_not_zero() -> None:
    totals = totals_of([arm_figures(stay(0))])

    assert totals.all_alarms.per_bed_day is None
    assert totals.all_alarms.share_short is None


def test_the_time_in_each_decision_adds_up_to_the_stay() -> None:
    one = stay(10, spans=(span(0, "indeterminate", "x"), span(2, "proceed"), span(7, "hold", "y"), span(12, "proceed")))

    times = {name: ms / HOUR_MS for name, ms in time_in_each(one).items()}

    assert times == {"indeterminate": 2, "proceed": 5, "hold": 3, "discontinue": 0}
    assert sum(times.values()) * HOUR_MS == one.duration_ms


def test_detection_counts_missed_labels_and_false_alarms_of_annotated_stays_only() -> None:
    found = [
        Detection(family="hypotension", onset_ms=0, end_ms=1, delay_ms=delay_ms) for delay_ms in (60_000, None, 20_000)
    ]
    annotated = stay(24, detections=tuple(found), annotated=("hypotension",), false_alarms={"hypotension": 3})
    totals = totals_of([arm_figures(annotated, stay(24, "adm-2"))])

    (row,) = totals.detections
    assert (row.labels, row.detected, row.missed, row.delays_ms) == (3, 2, 1, (20_000, 60_000))
    assert (row.false_alarms, row.false_per_bed_day) == (3, 3.0)
    assert percentile(row.delays_ms, 0.5) == 40_000
    assert percentile((), 0.5) is None


def test_two_profiles_are_compared_by_the_time_in_each_pair_and_by_what_the_stricter_one_rests_on() -> None:
    a = stay(10, spans=(span(0, "indeterminate", "u"), span(4, "proceed"), span(8, "hold", "sbp")))
    b = stay(10, spans=(span(0, "indeterminate", "v"), span(2, "hold", "hr", "urine"), span(9, "discontinue", "vt")))

    found = compare([a], [b])

    assert {pair: ms / HOUR_MS for pair, ms in found.pair_ms.items()} == {
        ("indeterminate", "indeterminate"): 2,
        ("indeterminate", "hold"): 2,
        ("proceed", "hold"): 4,
        ("hold", "hold"): 1,
        ("hold", "discontinue"): 1,
    }
    assert found.differing_ms == 7 * HOUR_MS
    assert {key: ms / HOUR_MS for key, ms in found.criteria_ms.items()} == {
        ("B", "hr"): 6, ("B", "urine"): 6, ("B", "vt"): 1,
    }  # fmt: skip
    assert [each.admission_id for each in most_differing(found.stays, 5)] == ["adm-1"]


def test_a_dose_due_under_different_decisions_names_the_criteria_and_whether_it_was_given() -> None:
    given = DoseOutcome(
        number=2, due_ms=T0_MS + 9 * HOUR_MS, started_ms=T0_MS + 9 * HOUR_MS, status="given", percent_of_order=100.0,
        decision_at_start="proceed",
    )  # fmt: skip
    doses = (due(1, 1, "hold", "sbp"), due(2, 9, "proceed"))
    a = stay(10, spans=(span(0, "hold", "sbp"), span(5, "proceed")), due=doses, doses=(given,))
    b = stay(10, spans=(span(0, "hold", "hr"),), due=(due(1, 1, "hold", "hr"), due(2, 9, "hold", "hr")))

    found = compare([a], [b])

    assert found.doses_due == {("hold", "hold"): 1, ("proceed", "hold"): 1}
    assert [(each.number, each.a, each.b, each.because, each.was_given) for each in found.doses] == [
        (2, "proceed", "hold", ("hr",), True)
    ]


def test_alarms_that_only_one_profile_has_are_counted_by_rule() -> None:
    both, early = announcement(10, 5), announcement(20, 5)
    a = stay(10, announcements=(both, early))
    b = stay(10, announcements=(both, announcement(21, 5), announcement(30, 5, "renal.x")))

    found = compare([a], [b])

    assert found.alike == 1
    assert found.only_a == {"hypotension.map_below_65": 1}
    assert found.only_b == {"hypotension.map_below_65": 1, "renal.x": 1}
    assert compare([a], [a]).only_a == {}


def test_stays_are_matched_by_recording_and_admission() -> None:
    a = [stay(10, spans=(span(0, "hold"),)), stay(10, recording="other.ndjson", spans=(span(0, "hold"),))]
    b = [stay(10, recording="other.ndjson", spans=(span(0, "proceed"),))]

    assert [(each.recording, each.pair_ms) for each in compare(a, b).stays] == [
        ("other.ndjson", {("hold", "proceed"): 10 * HOUR_MS})
    ]
