"""The state machine of a condition that is asked about: delays, shares, not knowing, and time alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.rules.condition import Change, ConditionPhase
from streaming.rules.lasting import Answer, LastingCondition

HOLDS, BETWEEN, OVER, UNKNOWN = Answer.HOLDS, Answer.BETWEEN, Answer.OVER, Answer.UNKNOWN


def asked(onset: int = 0, clear: int = 0) -> LastingCondition:
    return LastingCondition(onset_delay_ms=onset, clear_delay_ms=clear)


def changes(condition: LastingCondition, *answers: tuple[int, Answer]) -> list[tuple[int, Change]]:
    found = [(at_ms, condition.take(answer, at_ms, at_ms)) for at_ms, answer in answers]
    return [(at_ms, change) for at_ms, change in found if change is not None]


def test_without_delays_it_is_as_the_answer_says() -> None:
    condition = asked()

    assert changes(condition, (0, OVER), (1, HOLDS), (2, HOLDS), (3, OVER), (4, OVER)) == [
        (1, Change.PRESENT),
        (3, Change.ABSENT),
    ]
    assert condition.is_idle


def test_it_is_confirmed_when_the_onset_delay_is_over_and_not_before() -> None:
    condition = asked(onset=100)

    assert changes(condition, (0, HOLDS), (99, HOLDS), (100, HOLDS)) == [(100, Change.PRESENT)]


def test_time_alone_confirms_while_the_answer_stands() -> None:
    condition = asked(onset=100)
    condition.take(HOLDS, 0, 0)

    assert condition.due_ms == 100
    assert condition.time_passed(99) is None
    assert condition.time_passed(100) is Change.PRESENT
    assert condition.due_ms is None


def test_it_began_when_what_it_rests_on_was_determined_and_never_in_the_future() -> None:
    condition, early = asked(onset=100), asked(onset=100)

    assert condition.take(HOLDS, 40, 150) is Change.PRESENT
    assert condition.since_ms == 40
    early.take(HOLDS, 500, 150)
    assert early.since_ms == 150


def test_what_is_over_before_the_delay_was_nothing() -> None:
    condition = asked(onset=100)

    assert changes(condition, (0, HOLDS), (50, OVER), (60, HOLDS), (120, HOLDS)) == []
    assert condition.since_ms == 60


def test_a_short_doubt_in_between_does_not_end_what_is_pending() -> None:
    condition = asked(onset=100)

    assert changes(condition, (0, HOLDS), (40, BETWEEN), (60, HOLDS), (100, HOLDS)) == [(100, Change.PRESENT)]


def test_what_held_for_less_than_its_share_begins_anew() -> None:
    condition = asked(onset=100)

    assert changes(condition, (0, HOLDS), (40, BETWEEN), (61, HOLDS), (100, HOLDS), (199, HOLDS)) == []
    assert changes(condition, (200, HOLDS)) == [(200, Change.PRESENT)]
    assert condition.since_ms == 100


def test_not_knowing_confirms_nothing_and_counts_for_nothing() -> None:
    condition = asked(onset=100)

    assert changes(condition, (0, HOLDS), (50, UNKNOWN)) == []
    assert condition.due_ms is None
    assert condition.time_passed(1000) is None
    assert changes(condition, (1000, HOLDS), (1099, HOLDS), (1100, HOLDS)) == [(1100, Change.PRESENT)]


def test_only_what_says_that_it_is_over_clears() -> None:
    condition = asked(clear=50)

    assert changes(condition, (0, HOLDS), (10, BETWEEN), (20, OVER), (69, OVER), (70, OVER)) == [
        (0, Change.PRESENT),
        (70, Change.ABSENT),
    ]


def test_time_alone_clears_while_the_answer_stands() -> None:
    condition = asked(clear=50)
    changes(condition, (0, HOLDS), (20, OVER))

    assert condition.due_ms == 70
    assert condition.time_passed(70) is Change.ABSENT


def test_what_was_about_to_clear_and_comes_back_has_never_gone() -> None:
    for answer in (HOLDS, BETWEEN):
        condition = asked(clear=50)

        assert changes(condition, (0, HOLDS), (20, OVER), (60, answer), (70, OVER), (119, OVER)) == [
            (0, Change.PRESENT)
        ]


def test_not_knowing_is_told_once_and_ends_with_the_next_answer() -> None:
    for answer in (HOLDS, BETWEEN):
        condition = asked()

        assert changes(condition, (0, HOLDS), (1, UNKNOWN), (2, UNKNOWN), (3, answer)) == [
            (0, Change.PRESENT),
            (1, Change.INDETERMINATE),
            (3, Change.DETERMINATE),
        ]


def test_not_knowing_stops_what_was_about_to_clear() -> None:
    condition = asked(clear=50)

    assert changes(condition, (0, HOLDS), (10, OVER), (40, UNKNOWN), (70, UNKNOWN), (80, OVER), (130, OVER)) == [
        (0, Change.PRESENT),
        (40, Change.INDETERMINATE),
        (80, Change.DETERMINATE),
        (130, Change.ABSENT),
    ]


@given(
    onset=st.integers(0, 50),
    clear=st.integers(0, 50),
    answers=st.lists(st.tuples(st.integers(1, 40), st.sampled_from(Answer)), max_size=40),
)
def test_what_is_told_alternates_and_never_rests_on_ignorance(
    onset: int, clear: int, answers: list[tuple[int, Answer]]
) -> None:
    condition, now_ms, told = asked(onset, clear), 0, []
    for gap_ms, answer in answers:
        now_ms += gap_ms
        was_present = condition.phase in (ConditionPhase.PRESENT, ConditionPhase.CLEARING)
        change = condition.take(answer, now_ms, now_ms)
        if change is not None:
            told.append(change)
        if answer is UNKNOWN:
            assert change in (None, Change.INDETERMINATE)
            assert (condition.phase is ConditionPhase.PRESENT) == was_present

    may_follow = {
        Change.PRESENT: {Change.ABSENT, Change.INDETERMINATE},
        Change.INDETERMINATE: {Change.DETERMINATE, Change.ABSENT},
        Change.DETERMINATE: {Change.ABSENT, Change.INDETERMINATE},
        Change.ABSENT: {Change.PRESENT},
    }
    assert told[:1] in ([], [Change.PRESENT])
    assert all(after in may_follow[before] for before, after in pairwise(told))


@given(looks=st.lists(st.integers(0, 400), max_size=30), ends_ms=st.integers(1, 400))
def test_how_often_somebody_asks_changes_nothing(looks: list[int], ends_ms: int) -> None:
    def told(instants: list[int]) -> list[tuple[int, Change]]:
        condition = asked(onset=100, clear=50)
        found = []
        for at_ms in sorted({0, ends_ms, 500, *instants}):
            while (due_ms := condition.due_ms) is not None and due_ms < at_ms:
                found.append((due_ms, condition.time_passed(due_ms)))
            found.append((at_ms, condition.take(HOLDS if at_ms < ends_ms else OVER, at_ms, at_ms)))
        return [(at_ms, change) for at_ms, change in found if change is not None]

    assert told(looks) == told([])
