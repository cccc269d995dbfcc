"""The state machine of a patient's condition, reading by reading."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from streaming.rules.condition import GAP_FORGOTTEN_MS, Change, Condition, ConditionPhase
from streaming.rules.kinds import Verdict

BEYOND, BETWEEN, WITHIN = Verdict.BEYOND, Verdict.BETWEEN, Verdict.WITHIN
VERDICTS = {"<": BEYOND, "-": BETWEEN, ">": WITHIN}


def condition(*, onset_s: int = 10, clear_s: int = 5, least_readings: int = 2, least_share: float = 0.8) -> Condition:
    return Condition(
        onset_delay_ms=onset_s * 1000,
        clear_delay_ms=clear_s * 1000,
        least_readings=least_readings,
        least_share=least_share,
    )


def read(subject: Condition, series: str, *, from_s: int = 0, every_s: int = 1) -> list[tuple[int, Change]]:
    """Read `<` beyond, `-` between, `>` within; returns what changed and at which second."""
    found = []
    for place, sign in enumerate(series):
        at_s = from_s + place * every_s
        change = subject.read(VERDICTS[sign], at_s * 1000)
        if change is not None:
            found.append((at_s, change))
    return found


def cuff(subject: Condition, readings: Iterable[tuple[int, str]]) -> list[tuple[int, Change]]:
    """Read a cuff: (second, sign) each."""
    found = []
    for at_s, sign in readings:
        change = subject.read(VERDICTS[sign], at_s * 1000, min_gap_ms=30_000, clears_at_once=True)
        if change is not None:
            found.append((at_s, change))
    return found


def present(**delays: int) -> Condition:
    subject = condition(**delays)
    read(subject, "<" * 11)
    assert subject.phase is ConditionPhase.PRESENT
    return subject


# --- onset ------------------------------------------------------------------------------------------------------------


def test_condition_is_present_when_values_beyond_the_limit_span_the_onset_delay() -> None:
    assert read(condition(), ">>" + "<" * 12) == [(12, Change.PRESENT)]


def test_condition_is_absent_when_they_fall_one_reading_short() -> None:
    subject = condition()

    assert read(subject, "<" * 10 + ">") == []
    assert subject.phase is ConditionPhase.ABSENT


def test_onset_is_the_first_value_beyond_the_limit() -> None:
    subject = condition()
    read(subject, ">>>" + "<" * 11)

    assert subject.since_ms == 3000


def test_one_value_raises_nothing_however_long_ago_it_was() -> None:
    subject = condition()
    subject.read(BEYOND, 0)

    assert subject.time_passed(3_600_000) is None
    assert subject.phase is ConditionPhase.PENDING


def test_a_condition_without_delay_needs_its_readings_all_the_same() -> None:
    assert read(condition(onset_s=0), "<<") == [(1, Change.PRESENT)]
    assert read(condition(onset_s=0, least_readings=1), "<") == [(0, Change.PRESENT)]


def test_a_value_no_longer_beyond_the_limit_does_not_restart_the_clock() -> None:
    assert read(condition(), "<<<<-<<<<<<") == [(10, Change.PRESENT)]


def test_a_value_within_the_reset_limit_restarts_the_clock() -> None:
    assert read(condition(), "<<<<><<<<<<" + "<" * 5) == [(15, Change.PRESENT)]


def test_a_value_that_is_not_beyond_the_limit_confirms_nothing() -> None:
    subject = condition()

    assert read(subject, "<" * 10 + "-") == []
    assert read(subject, "<", from_s=11) == [(11, Change.PRESENT)]


def test_a_series_that_mostly_is_not_beyond_the_limit_is_forgotten() -> None:
    subject = condition(onset_s=60)
    read(subject, "<--")

    assert subject.phase is ConditionPhase.ABSENT


def test_a_series_that_grazes_the_limit_never_confirms() -> None:
    assert read(condition(), "<-<<-" * 100) == []  # three of five


def test_an_hour_of_grazing_does_not_delay_the_alarm_when_the_fall_is_for_good() -> None:
    subject = condition(onset_s=120)
    read(subject, "<-<<-" * 720)

    found = read(subject, "<" * 250, from_s=3600)

    assert [change for _, change in found] == [Change.PRESENT]
    assert found[0][0] <= 3600 + 190


@pytest.mark.parametrize(("others", "is_present"), [(2, True), (3, False)])
def test_four_fifths_of_the_readings_are_enough_and_less_is_not(others: int, is_present: bool) -> None:
    subject = condition()

    found = read(subject, "<" * (10 - others) + "-" * others + "<")

    assert bool(found) is is_present  # 9 of 11 are 82 %, 8 of 11 are 73 %


# --- time alone -------------------------------------------------------------------------------------------------------


def test_time_confirms_what_the_last_readings_said() -> None:
    subject = condition()
    read(subject, "<<")

    assert subject.due_ms == 10_000
    assert subject.time_passed(9_999) is None
    assert subject.time_passed(10_000) is Change.PRESENT
    assert subject.due_ms is None


def test_time_confirms_nothing_when_the_last_reading_was_not_beyond_the_limit() -> None:
    subject = condition()
    read(subject, "<<<<<<<-")

    assert subject.time_passed(10_000) is None
    assert subject.due_ms is None, "only another reading can confirm now"
    assert read(subject, "<", from_s=11) == [(11, Change.PRESENT)]


def test_time_confirms_nothing_when_nobody_can_see() -> None:
    subject = condition()
    read(subject, "<<")
    subject.lose_sight()

    assert subject.time_passed(10_000) is None
    assert subject.phase is ConditionPhase.PENDING


def test_time_passes_over_an_absent_and_a_present_condition() -> None:
    assert condition().time_passed(1_000_000) is None
    assert present().time_passed(1_000_000) is None
    assert present().due_ms is None


# --- clearing ---------------------------------------------------------------------------------------------------------


def test_condition_clears_when_values_within_the_reset_limit_span_the_clear_delay() -> None:
    assert read(present(), ">" * 6, from_s=11) == [(16, Change.ABSENT)]


@pytest.mark.parametrize("sign", ["-", "<"])
def test_a_value_not_within_the_reset_limit_restarts_the_clear_delay(sign: str) -> None:
    assert read(present(), ">>>>" + sign + ">>>>>>", from_s=11) == [(21, Change.ABSENT)]


def test_values_between_the_limits_never_clear() -> None:
    assert read(present(), "-" * 1000, from_s=11) == []


def test_time_alone_never_clears() -> None:
    subject = present()
    read(subject, ">", from_s=11)

    assert subject.due_ms is None
    assert subject.time_passed(3_600_000) is None
    assert subject.is_present


def test_a_second_instance_begins_with_its_own_onset() -> None:
    subject = present()
    read(subject, ">" * 6, from_s=11)

    assert read(subject, "<" * 11, from_s=100) == [(110, Change.PRESENT)]
    assert subject.since_ms == 100_000


def test_a_value_older_than_what_is_known_neither_clears_nor_restarts() -> None:
    subject = present()

    assert subject.read(WITHIN, 3_000, clears_at_once=True) is None
    assert subject.phase is ConditionPhase.PRESENT

    pending = condition()
    read(pending, "<<<<<", from_s=20)
    assert pending.read(WITHIN, 3_000) is None
    assert pending.phase is ConditionPhase.PENDING


# --- not knowing ------------------------------------------------------------------------------------------------------


def test_losing_sight_of_a_present_condition_is_told_once_and_clears_nothing() -> None:
    subject = present()

    assert subject.lose_sight() is Change.INDETERMINATE
    assert subject.lose_sight() is None
    assert subject.is_present


@pytest.mark.parametrize("series", ["", "<<"])
def test_losing_sight_of_what_is_not_present_is_not_told(series: str) -> None:
    subject = condition()
    read(subject, series)

    assert subject.lose_sight() is None


@pytest.mark.parametrize("sign", ["<", "-", ">"])
def test_the_next_reading_ends_not_knowing(sign: str) -> None:
    subject = present()
    subject.lose_sight()

    assert read(subject, sign, from_s=60) == [(60, Change.DETERMINATE)]
    assert not subject.indeterminate


def test_the_clear_delay_begins_anew_after_not_knowing() -> None:
    subject = present()
    read(subject, ">>", from_s=11)
    assert subject.lose_sight() is Change.INDETERMINATE

    assert read(subject, ">" * 6, from_s=60) == [(60, Change.DETERMINATE), (65, Change.ABSENT)]


def test_two_single_values_far_apart_on_a_continuous_source_raise_nothing() -> None:
    subject = condition()
    subject.read(BEYOND, 0)
    subject.lose_sight()

    assert read(subject, "<", from_s=3600) == []
    assert subject.since_ms == 3_600_000
    assert read(subject, "<" * 10, from_s=3601) == [(3610, Change.PRESENT)]


def test_a_gap_shorter_than_the_onset_delay_does_not_restart_it() -> None:
    subject = condition(onset_s=120)
    read(subject, "<" * 60)
    subject.lose_sight()

    assert read(subject, "<" * 60, from_s=100) == [(120, Change.PRESENT)]


def test_what_was_pending_two_hours_ago_begins_anew_though_nobody_lost_sight() -> None:
    subject = condition()
    subject.read(BEYOND, 0)
    at_ms = GAP_FORGOTTEN_MS + 1

    assert subject.read(BEYOND, at_ms) is None
    assert subject.since_ms == at_ms


# --- cuffs ------------------------------------------------------------------------------------------------------------


def test_one_cuff_reading_raises_nothing() -> None:
    subject = condition(onset_s=120)

    assert cuff(subject, [(0, "<")]) == []
    assert subject.time_passed(120_000) is None


def test_a_second_cuff_reading_confirms() -> None:
    assert cuff(condition(onset_s=120), [(0, "<"), (300, "<")]) == [(300, Change.PRESENT)]


def test_a_second_cuff_reading_before_the_onset_delay_confirms_when_it_has_passed() -> None:
    subject = condition(onset_s=120)

    assert cuff(subject, [(0, "<"), (60, "<")]) == []
    assert subject.due_ms == 120_000
    assert subject.time_passed(120_000) is Change.PRESENT


def test_a_cuff_value_sent_again_is_one_reading() -> None:
    subject = condition(onset_s=20)

    assert cuff(subject, [(0, "<"), (1, "<"), (29, "<")]) == []
    assert cuff(subject, [(30, "<")]) == [(30, Change.PRESENT)]


def test_hourly_cuff_readings_confirm_though_sight_was_lost_between_them() -> None:
    subject = condition(onset_s=120)
    cuff(subject, [(0, "<")])
    subject.lose_sight()

    assert cuff(subject, [(3600, "<")]) == [(3600, Change.PRESENT)]


def test_one_cuff_reading_within_the_reset_limit_clears() -> None:
    subject = present()

    assert cuff(subject, [(300, "-")]) == []
    assert cuff(subject, [(600, ">")]) == [(600, Change.ABSENT)]


def test_a_condition_that_begins_anew_is_confirmed_by_time_again_although_the_one_before_needed_a_reading() -> None:
    subject = condition(onset_s=10, least_readings=3)
    read(subject, "<")
    assert subject.time_passed(10_000) is None
    waits_for_a_reading = subject.due_ms is None
    read(subject, "><", from_s=11)

    assert waits_for_a_reading
    assert (subject.phase, subject.due_ms) == (ConditionPhase.PENDING, 22_000)
