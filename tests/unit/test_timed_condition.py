"""The state machine of a technical condition: time alone confirms and clears."""

from __future__ import annotations

import pytest

from streaming.rules.condition import Change, ConditionPhase
from streaming.rules.timed import TimedCondition


def condition(*, onset_s: int = 10, clear_s: int = 5) -> TimedCondition:
    return TimedCondition(onset_delay_ms=onset_s * 1000, clear_delay_ms=clear_s * 1000)


def held(subject: TimedCondition, holds: bool, at_s: int, *, since_s: int | None = None) -> Change | None:
    return subject.hold(holds, (at_s if since_s is None else since_s) * 1000, at_s * 1000)


def present() -> TimedCondition:
    subject = condition()
    held(subject, True, 0)
    assert subject.time_passed(10_000) is Change.PRESENT
    return subject


def test_nothing_is_due_before_anything_holds() -> None:
    subject = condition()

    assert subject.due_ms is None
    assert subject.time_passed(10**9) is None
    assert held(subject, False, 0) is None
    assert subject.phase is ConditionPhase.ABSENT


def test_time_confirms_at_the_onset_delay_and_not_before() -> None:
    subject = condition()
    assert held(subject, True, 0) is None

    assert subject.due_ms == 10_000
    assert subject.time_passed(9_999) is None
    assert subject.time_passed(10_000) is Change.PRESENT


def test_the_delay_counts_from_when_it_began_not_from_when_it_was_said() -> None:
    subject = condition()

    assert held(subject, True, 30, since_s=20) is Change.PRESENT
    assert subject.since_ms == 20_000


def test_what_holds_again_and_again_keeps_its_first_onset() -> None:
    subject = condition()
    for second in range(10):
        assert held(subject, True, second) is None

    assert held(subject, True, 10) is Change.PRESENT
    assert subject.since_ms == 0


def test_what_stops_before_the_delay_was_nothing() -> None:
    subject = condition()
    held(subject, True, 0)

    assert held(subject, False, 9) is None
    assert subject.phase is ConditionPhase.ABSENT
    assert subject.time_passed(60_000) is None


def test_time_clears_at_the_clear_delay_and_not_before() -> None:
    subject = present()
    assert held(subject, False, 20) is None
    assert subject.is_present

    assert subject.due_ms == 25_000
    assert subject.time_passed(24_999) is None
    assert subject.time_passed(25_000) is Change.ABSENT
    assert not subject.is_present


def test_what_holds_again_during_the_clear_delay_never_ended() -> None:
    subject = present()
    held(subject, False, 20)

    assert held(subject, True, 22) is None
    assert subject.phase is ConditionPhase.PRESENT
    assert subject.time_passed(60_000) is None
    assert subject.since_ms == 0


@pytest.mark.parametrize("holds", [True, False])
def test_without_delays_every_word_counts_at_once(holds: bool) -> None:
    subject = condition(onset_s=0, clear_s=0)
    if not holds:
        held(subject, True, 0)

    assert held(subject, holds, 1) is (Change.PRESENT if holds else Change.ABSENT)
