"""The alarm book: from verdicts to numbered transitions, one alarm per rule and subject."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.alarm import Alarm, AlarmTransition, ConditionState, Kind, Phase, Priority, SignalState
from alerts.book import VIGIL, AlarmBook
from streaming.identity import BedId
from streaming.outcome import OutcomeChanged, RuleOutcome
from tests.support.bedside import BED, OTHER_BED, ms
from tests.support.verdicts import ABSENT, INDETERMINATE, PRESENT, rule, take_one

MEDIUM, HIGH, TECHNICAL = "hypotension.map_below_65", "hypotension.map_below_60", "device_offline"
Shown = tuple[str, str, str, str]


def verdict(rule_id: str, outcome: RuleOutcome, at_s: float, **fields: Any) -> OutcomeChanged:
    values: dict[str, Any] = {"subject": "map", "onset_ms": ms(at_s) - 1000, "evidence": {"text": outcome.value}}
    return OutcomeChanged(rule=rule(rule_id), outcome=outcome, at_ms=ms(at_s), **(values | fields))


def shown(transition: AlarmTransition | None) -> Shown | None:
    """Phase, from, to, condition."""
    if transition is None:
        return None
    return (transition.phase.value, transition.from_.value, transition.to.value, transition.alarm.condition.value)


def play(book: AlarmBook, rule_id: str, *outcomes: RuleOutcome) -> list[Shown | None]:
    return [shown(take_one(book, verdict(rule_id, outcome, at_s))) for at_s, outcome in enumerate(outcomes)]


@pytest.fixture
def book() -> AlarmBook:
    return AlarmBook("adm-1", BED)


def only(book: AlarmBook) -> Alarm:
    (alarm,) = book.active.values()
    return alarm


def test_an_alarm_begins_with_everything_that_is_known_of_it(book: AlarmBook) -> None:
    transition = take_one(book, verdict(MEDIUM, PRESENT, 10))

    assert transition is not None
    assert (transition.n, transition.at_ms, transition.actor) == (1, ms(10), VIGIL)
    assert shown(transition) == ("start", "off", "on", "present")
    alarm = transition.alarm
    assert alarm == only(book)
    assert (alarm.rule_id, alarm.family, alarm.title) == (MEDIUM, "hypotension", "MAP low")
    assert (alarm.kind, alarm.priority) == (Kind.PHYSIOLOGICAL, Priority.MEDIUM)
    assert (alarm.admission_id, alarm.bed) == ("adm-1", BED)
    assert (alarm.onset_at_ms, alarm.announced_at_ms) == (ms(9), ms(10))
    assert (alarm.cleared_at_ms, alarm.acknowledged, alarm.escalation_level) == (None, None, 0)
    assert alarm.evidence == {"text": "present"}


def test_an_equipment_rule_makes_a_technical_alarm(book: AlarmBook) -> None:
    take_one(book, verdict(TECHNICAL, PRESENT, 0))

    assert only(book).kind is Kind.TECHNICAL


def test_a_medium_alarm_ends_with_its_condition(book: AlarmBook) -> None:
    assert play(book, MEDIUM, PRESENT, ABSENT) == [
        ("start", "off", "on", "present"),
        ("end", "on", "off", "absent"),
    ]
    assert book.active == {}


def test_a_high_alarm_latches_and_ends_when_somebody_has_seen_it(book: AlarmBook) -> None:
    assert play(book, HIGH, PRESENT, ABSENT) == [
        ("start", "off", "on", "present"),
        ("update", "on", "latched", "absent"),
    ]
    assert only(book).cleared_at_ms == ms(1)

    (transition,) = book.acknowledge(only(book).alarm_id, ms(5), "nurse", "looked")

    assert shown(transition) == ("end", "latched", "off", "absent")
    assert transition.actor == "nurse"
    assert book.active == {}


def test_a_latched_alarm_whose_condition_returns_is_the_same_alarm_and_on_again(book: AlarmBook) -> None:
    play(book, HIGH, PRESENT, ABSENT)
    first = only(book)

    assert shown(take_one(book, verdict(HIGH, PRESENT, 9))) == ("update", "latched", "on", "present")
    assert (only(book).alarm_id, only(book).onset_at_ms) == (first.alarm_id, first.onset_at_ms)
    assert only(book).cleared_at_ms is None


def test_a_technical_high_alarm_does_not_latch(book: AlarmBook) -> None:
    assert play(book, "cannot_evaluate", PRESENT, ABSENT)[1] == ("end", "on", "off", "absent")


@pytest.mark.parametrize("rule_id", [MEDIUM, HIGH])
def test_an_acknowledged_alarm_ends_with_its_condition(book: AlarmBook, rule_id: str) -> None:
    play(book, rule_id, PRESENT)
    (transition,) = book.acknowledge(only(book).alarm_id, ms(5), "nurse", None)

    assert shown(transition) == ("acknowledge", "on", "acknowledged", "present")
    seen = only(book).acknowledged
    assert seen is not None
    assert (seen.by, seen.at_ms, seen.note) == ("nurse", ms(5), None)
    assert shown(take_one(book, verdict(rule_id, ABSENT, 9))) == ("end", "acknowledged", "off", "absent")


def test_acknowledging_twice_changes_nothing(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT)
    book.acknowledge(only(book).alarm_id, ms(5), "nurse", None)

    assert book.acknowledge(only(book).alarm_id, ms(6), "other", "me too") == []
    assert only(book).acknowledged is not None
    assert only(book).acknowledged.by == "nurse"  # type: ignore[union-attr]


def test_acknowledging_what_is_not_there_is_an_error(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT, ABSENT)

    with pytest.raises(KeyError):
        book.acknowledge("alm-none", ms(5), "nurse", None)


def test_a_later_instance_is_a_new_alarm_and_sounds(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT)
    first = only(book).alarm_id
    book.acknowledge(first, ms(5), "nurse", None)
    take_one(book, verdict(MEDIUM, ABSENT, 6))

    assert shown(take_one(book, verdict(MEDIUM, PRESENT, 7))) == ("start", "off", "on", "present")
    assert only(book).alarm_id != first
    assert only(book).acknowledged is None


# --- not knowing ------------------------------------------------------------------------------------------------------


def test_not_knowing_keeps_the_signal_and_is_told_once(book: AlarmBook) -> None:
    assert play(book, HIGH, PRESENT, INDETERMINATE, INDETERMINATE, PRESENT, ABSENT) == [
        ("start", "off", "on", "present"),
        ("update", "on", "on", "indeterminate"),
        None,
        ("update", "on", "on", "present"),
        ("update", "on", "latched", "absent"),
    ]


def test_not_knowing_keeps_what_was_acknowledged(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT)
    book.acknowledge(only(book).alarm_id, ms(1), "nurse", None)

    assert shown(take_one(book, verdict(MEDIUM, INDETERMINATE, 2))) == (
        "update",
        "acknowledged",
        "acknowledged",
        "indeterminate",
    )
    assert shown(take_one(book, verdict(MEDIUM, PRESENT, 3))) == ("update", "acknowledged", "acknowledged", "present")


def test_not_knowing_says_nothing_of_a_latched_alarm(book: AlarmBook) -> None:
    assert play(book, HIGH, PRESENT, ABSENT, INDETERMINATE)[2] is None
    assert only(book).condition is ConditionState.ABSENT


@pytest.mark.parametrize("outcome", [ABSENT, INDETERMINATE])
def test_what_was_never_announced_is_not_ended(book: AlarmBook, outcome: RuleOutcome) -> None:
    assert play(book, MEDIUM, outcome) == [None]


# --- identity and numbers ---------------------------------------------------------------------------------------------


def test_rules_and_subjects_are_alarms_of_their_own(book: AlarmBook) -> None:
    for subject in ("mon1", "pump1"):
        take_one(book, verdict(TECHNICAL, PRESENT, 0, subject=subject))
    take_one(book, verdict(MEDIUM, PRESENT, 0))

    assert len({alarm.alarm_id for alarm in book.active.values()}) == 3
    take_one(book, verdict(TECHNICAL, ABSENT, 1, subject="mon1"))
    assert set(book.active) == {(TECHNICAL, "pump1"), (MEDIUM, "map")}


def test_transitions_are_numbered_without_gaps(book: AlarmBook) -> None:
    numbers = []
    for at_s, (rule_id, outcome) in enumerate(
        [(MEDIUM, PRESENT), (HIGH, PRESENT), (MEDIUM, INDETERMINATE), (MEDIUM, ABSENT), (HIGH, ABSENT)]
    ):
        transition = take_one(book, verdict(rule_id, outcome, at_s))
        assert transition is not None
        numbers.append(transition.n)

    assert numbers == [1, 2, 3, 4, 5]


def test_the_same_history_gives_the_same_ids_and_another_admission_others() -> None:
    ids = []
    for admission_id in ("adm-1", "adm-1", "adm-2"):
        book = AlarmBook(admission_id, BED)
        play(book, HIGH, PRESENT)
        ids.append(only(book).alarm_id)

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("alm-")


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_every_alarm_ends_when_the_patient_leaves(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT)
    play(book, HIGH, PRESENT, ABSENT)
    play(book, TECHNICAL, PRESENT)

    transitions = book.withdraw(ms(60), "nurse")

    assert [(each.alarm.rule_id, each.from_, each.to, each.phase) for each in transitions] == [
        (MEDIUM, SignalState.ON, SignalState.OFF, Phase.END),
        (HIGH, SignalState.LATCHED, SignalState.OFF, Phase.END),
        (TECHNICAL, SignalState.ON, SignalState.OFF, Phase.END),
    ]
    assert [each.alarm.cleared_at_ms for each in transitions] == [ms(60), ms(1), ms(60)]
    assert {each.actor for each in transitions} == {"nurse"}
    assert book.active == {}


def test_of_a_patient_who_moves_only_the_equipments_alarms_end(book: AlarmBook) -> None:
    play(book, MEDIUM, PRESENT)
    play(book, TECHNICAL, PRESENT)

    (ended,) = book.withdraw(ms(60), "nurse", Kind.TECHNICAL)
    book.move_to(OTHER_BED)

    assert ended.alarm.bed == BED
    assert only(book).bed == OTHER_BED == BedId("icu", "b02")
    transition = take_one(book, verdict(HIGH, PRESENT, 61))
    assert transition is not None
    assert transition.alarm.bed == OTHER_BED
