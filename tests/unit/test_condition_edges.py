"""The state machine of a patient's condition at its edges: the very instant, exactly half, exactly the share."""

from __future__ import annotations

import pytest

from streaming.rules.condition import Change, Condition, ConditionPhase
from streaming.rules.kinds import Verdict

BEYOND, BETWEEN, WITHIN = Verdict.BEYOND, Verdict.BETWEEN, Verdict.WITHIN
SIGNS = {"<": BEYOND, "-": BETWEEN, ">": WITHIN}
ABSENT, PENDING, PRESENT, CLEARING = (
    ConditionPhase.ABSENT,
    ConditionPhase.PENDING,
    ConditionPhase.PRESENT,
    ConditionPhase.CLEARING,
)


def condition(*, onset_s: int = 10, clear_s: int = 5, least_readings: int = 2) -> Condition:
    return Condition(
        onset_delay_ms=onset_s * 1000, clear_delay_ms=clear_s * 1000, least_readings=least_readings, least_share=0.8
    )


def read(subject: Condition, series: str, *, from_s: int = 0) -> list[Change | None]:
    return [subject.read(SIGNS[sign], (from_s + second) * 1000) for second, sign in enumerate(series)]


def present() -> Condition:
    subject = condition()
    assert read(subject, "<" * 11)[-1] is Change.PRESENT
    return subject


def test_a_condition_is_idle_until_a_value_is_beyond_its_limit_and_when_it_has_ended() -> None:
    subject = condition(clear_s=0)
    assert (subject.is_idle, read(subject, ">"), subject.is_idle) == (True, [None], True)

    read(subject, "<" * 11, from_s=1)
    assert (subject.is_present, subject.is_idle) == (True, False)

    assert read(subject, ">", from_s=12) == [Change.ABSENT]
    assert subject.is_idle


def test_a_second_word_of_the_same_instant_counts() -> None:
    subject = present()

    subject.read(WITHIN, 10_000)

    assert subject.phase is CLEARING


def test_a_word_from_before_the_latest_does_not_count() -> None:
    subject = present()
    subject.read(BEYOND, 20_000)

    assert subject.read(WITHIN, 15_000) is None
    assert subject.phase is PRESENT


def test_time_that_is_not_up_changes_nothing() -> None:
    subject = condition(least_readings=1)
    subject.read(BEYOND, 1000)

    assert subject.time_passed(10_999) is None
    assert subject.due_ms == 11_000
    assert subject.time_passed(11_000) is Change.PRESENT


def test_what_began_anew_after_nobody_saw_it_is_seen() -> None:
    subject = condition(least_readings=1)
    subject.read(BEYOND, 0)
    subject.lose_sight()
    subject.read(BEYOND, 60_000)

    assert (subject.since_ms, subject.indeterminate) == (60_000, False)
    assert subject.time_passed(70_000) is Change.PRESENT


def test_what_time_could_not_confirm_once_it_may_confirm_the_next_time() -> None:
    subject = condition()
    read(subject, "<")
    assert subject.time_passed(10_000) is None
    assert subject.due_ms is None, "a second reading is missing"
    read(subject, ">", from_s=11)

    read(subject, "<", from_s=20)
    assert subject.due_ms == 30_000
    read(subject, "<", from_s=21)

    assert subject.due_ms == 30_000
    assert subject.time_passed(30_000) is Change.PRESENT


def test_at_the_onset_delay_a_share_that_is_too_small_ends_what_was_pending() -> None:
    subject = condition()
    subject.read(BEYOND, 0)
    subject.read(BETWEEN, 9_999)
    assert subject.phase is PENDING

    other = condition()
    other.read(BEYOND, 0)
    other.read(BETWEEN, 10_000)
    assert other.phase is ABSENT


def test_half_of_the_readings_keep_it_pending_and_less_do_not() -> None:
    subject = condition()

    read(subject, "<-")
    assert subject.phase is PENDING
    read(subject, "-", from_s=2)
    assert subject.phase is ABSENT


@pytest.mark.parametrize(("series", "change"), [("<<<-<<-<<<", Change.PRESENT), ("<<-<<-<-<<", None)])
def test_exactly_the_share_that_a_rule_asks_for_is_enough(series: str, change: Change | None) -> None:
    subject = condition(onset_s=9)

    assert read(subject, series)[-1] is change


@pytest.mark.parametrize(("at_ms", "since_ms"), [(10_000, 0), (10_001, 10_001)])
def test_what_was_pending_and_out_of_sight_is_forgotten_after_the_onset_delay(at_ms: int, since_ms: int) -> None:
    subject = condition()
    subject.read(BEYOND, 0)
    subject.lose_sight()

    subject.read(BEYOND, at_ms)

    assert subject.since_ms == since_ms


@pytest.mark.parametrize(("gap_s", "readings"), [(29, 1), (30, 2)])
def test_readings_of_a_cuff_count_apart_when_half_a_minute_lies_between(gap_s: int, readings: int) -> None:
    subject = condition(onset_s=120)
    for at_s in (1000, 1000 + gap_s):
        subject.read(BEYOND, at_s * 1000, min_gap_ms=30_000)

    assert subject.readings == readings
