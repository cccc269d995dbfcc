"""A whole course with capillary leak is decided, counted and alarmed as worked out by hand from the clinical text."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from alerts.rulebook import Rulebook
from gateway.fold import Fold
from gateway.frames import bed_frame
from gateway.outcomes import lines_of
from gateway.replay import apply_entry
from gateway.rulesets import load_rulebook
from tests.golden.course import story
from tests.golden.course.expected import (
    CONSENSUS,
    DOSES,
    EXPECTED,
    GATES_MIN,
    LABEL,
    TURNS,
    Gates,
    GivenDose,
)
from tests.golden.course.expected_alarms import HEARD, MAY, NEVER, NEWS, QUIET
from tests.golden.course.expected_alarms import Heard as Expectation
from tests.golden.course.hearing import RANK, Heard, Urgency, hear
from tests.golden.course.telling import HOUR_MS, Teller

PROFILES = (LABEL, CONSENSUS)
LATER_MS = 5 * HOUR_MS + 12 * 60_000
HOLDS = ("met", "recovering")


def rules(profile: str) -> Rulebook:
    """The shipped rules, decisions by one table for everybody."""
    return replace(load_rulebook(), forced_dosing=profile)


@cache
def heard(profile: str) -> Heard:
    """What is said of the course under one table; played once."""
    return hear(Teller(), rules(profile))


def decision_at(said: Heard, hour: float) -> dict[str, Any]:
    """The last decision line up to an hour, that hour included."""
    return [line for line in said.said("decision") if line["hour"] <= hour + 1e-9][-1]


def holding(decision: dict[str, Any]) -> frozenset[str]:
    """Criteria that are met, or are not left yet."""
    return frozenset(each["id"] for each in decision["criteria"] if each["state"] in HOLDS)


# --- decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "row"), [(profile, row) for profile in PROFILES for row in EXPECTED[profile]], ids=lambda each: (
        f"dose-{each.dose}" if isinstance(each, Gates) else str(each)
    )
)  # fmt: skip
def test_a_dose_is_decided_at_its_gates_as_worked_out_by_hand(profile: str, row: Gates) -> None:
    said, due_h = heard(profile), story.due_h(row.dose)
    found = [decision_at(said, due_h - minutes / 60)["decision"] for minutes in GATES_MIN]

    assert tuple(found) == row.decisions, row.why
    assert holding(decision_at(said, due_h)) == row.criteria, row.why


@pytest.mark.parametrize("profile", PROFILES)
def test_the_decision_turns_when_it_has_to_and_at_no_other_time(profile: str) -> None:
    turns: list[tuple[float, str]] = []
    for line in heard(profile).said("decision"):
        if not turns or turns[-1][1] != line["decision"]:
            turns.append((line["hour"], line["decision"]))
    first_proceed = [decision for _, decision in turns].index("proceed")
    expected = [turn for turn in TURNS if turn.profile == profile]

    assert [decision for _, decision in turns[first_proceed + 1 :]] == [turn.to for turn in expected]
    for (hour, _), turn in zip(turns[first_proceed + 1 :], expected, strict=True):
        assert turn.earliest_h - 1e-9 <= hour <= turn.latest_h, turn.why


# --- doses ------------------------------------------------------------------------------------------------------------


def doses(said: Heard) -> list[tuple[int, str, float | None]]:
    """The last word on each dose: number, status, per cent of the order."""
    last = {line["number"]: line for line in said.said("dose")}
    return [(number, last[number]["status"], last[number]["percent_of_order"]) for number in sorted(last)]


@pytest.mark.parametrize("profile", PROFILES)
def test_fourteen_doses_are_accounted_for(profile: str) -> None:
    assert [GivenDose(*found, each.why) for found, each in zip(doses(heard(profile)), DOSES, strict=True)] == DOSES


def test_a_dose_begins_with_its_pump_and_ends_when_it_is_in() -> None:
    last = {line["number"]: line for line in heard(LABEL).said("dose")}
    for number, spans in story.DOSES_STARTED.items():
        started_h = story.due_h(number) + story.STARTED_AFTER_MIN / 60
        said = heard(LABEL)
        assert said.hour(last[number]["started_at"]) == pytest.approx(started_h, abs=1 / 60)
        assert said.hour(last[number]["ended_at"]) == pytest.approx(started_h + spans[-1][1] / 60, abs=1.01 / 60)


# --- alarms -----------------------------------------------------------------------------------------------------------

EXPECTATIONS = [(profile, each) for each in HEARD for profile in each.profiles]


@pytest.mark.parametrize(("profile", "row"), EXPECTATIONS, ids=lambda each: (
    f"{each.family}-{each.priority}-{each.by:.2f}" if isinstance(each, Expectation) else str(each)
))  # fmt: skip
def test_a_family_is_heard_as_urgently_and_as_early_as_worked_out_by_hand(profile: str, row: Expectation) -> None:
    urgency, rank = Urgency(heard(profile), row.family), RANK[row.priority]

    assert urgency.at(row.earliest - 1 / 3600) < rank, f"too early: {row.why}"
    assert urgency.at(row.by) >= rank, f"not heard: {row.why}"
    if row.over is not None:
        assert urgency.at(row.over) < rank, f"not over: {row.why}"


def allowed(profile: str, family: str, hour: float) -> int:
    """How urgent a family may be announced at an hour."""
    expected = [
        (row.priority, row.earliest - 1 / 3600, story.DISCHARGED_H if row.over is None else row.over)
        for row in HEARD
        if row.family == family and profile in row.profiles
    ]
    possible = [(may.priority, may.begin, may.end) for may in MAY if may.family == family]
    return max((RANK[priority] for priority, begin, end in expected + possible if begin <= hour <= end), default=0)


@pytest.mark.parametrize(("family", "earliest_h", "by_h", "why"), NEWS)
def test_what_is_worse_than_what_was_acknowledged_is_announced_anew(
    family: str, earliest_h: float, by_h: float, why: str
) -> None:
    alarms = [line for line in heard(LABEL).said("alarm") if line["family"] == family]

    assert any(line["to"] == "on" and earliest_h <= line["hour"] <= by_h for line in alarms), why


def test_a_dose_that_stops_short_is_no_emergency() -> None:
    # Clinical 6.1: "flagged for pharmacy"; nobody comes to harm, so low or medium by the matrix of 8.1.
    assert Urgency(heard(LABEL), "dose").most(story.ADMITTED_H, story.DISCHARGED_H) < RANK["high"]


def test_one_pause_is_one_alarm_that_rises() -> None:
    told: dict[str, list[tuple[str, str]]] = {}
    for line in heard(LABEL).said("alarm"):
        if line["family"] == "dose":
            told.setdefault(line["alarm_id"], []).append((line["rule_id"], line["priority"]))

    assert [list(dict.fromkeys(steps)) for steps in told.values()] == [
        [("dose.interrupted", "low"), ("dose.wrong_duration", "medium")],  # dose 4 goes on, and lasts 22 min
        [("dose.interrupted", "low"), ("dose.short", "medium")],  # dose 9, 60 %
        [("dose.interrupted", "low"), ("dose.short", "medium")],  # dose 11, 20 %
    ]


def test_people_are_reminded_of_what_they_can_do_something_about_and_not_over_and_over() -> None:
    # 113 hours, 19 alarms, a nurse who looks at everything once an hour.
    anew = [line for line in heard(LABEL).said("alarm") if (line["from"], line["to"]) == ("acknowledged", "on")]
    families: dict[str, list[str]] = {}
    for line in anew:
        families.setdefault(line["evidence"]["announced_for"], []).append(line["family"])

    assert {why: len(told) for why, told in families.items()} == {"onset": 9, "worsened": 3, "remind": 5}
    assert set(families["remind"]) == {"hypotension", "arrhythmia", "tachycardia"}


def test_a_pressor_that_runs_as_before_its_syringe_was_changed_is_not_rising() -> None:
    # 1.2 from 77.75 to 79.0, none for six minutes, 1.2 until 81.
    assert Urgency(heard(LABEL), "pressor").most(79.9, 81.0) == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_else_is_announced(profile: str) -> None:
    unexpected = [
        (round(line["hour"], 3), line["rule_id"], line["phase"], line["priority"])
        for line in heard(profile).said("alarm")
        if line["phase"] == "start" or (line["phase"] == "escalate" and line["to"] == "on")
        if RANK[line["priority"]] > allowed(profile, line["family"], line["hour"])
    ]

    assert unexpected == []


@pytest.mark.parametrize("family", NEVER)
def test_a_family_with_no_cause_is_silent_through_the_course(family: str) -> None:
    for profile in PROFILES:
        assert [line for line in heard(profile).said("alarm") if line["family"] == family] == []


@pytest.mark.parametrize(("family", "begin_h", "end_h", "why"), QUIET)
def test_a_family_is_quiet_while_it_has_no_cause(family: str, begin_h: float, end_h: float, why: str) -> None:
    for profile in PROFILES:
        assert Urgency(heard(profile), family).most(begin_h, end_h) == 0, why


# --- told otherwise, told later, told in two halves -------------------------------------------------------------------


def told(said: Heard) -> list[tuple[object, ...]]:
    """What was decided, counted and announced, without ids, texts and figures."""
    decisions = [
        (round(line["hour"], 6), line["decision"], tuple((each["id"], each["state"]) for each in line["criteria"]))
        for line in said.said("decision")
    ]
    alarms = [
        (round(line["hour"], 6), *(line[name] for name in ("rule_id", "phase", "to", "priority", "condition")))
        for line in said.said("alarm")
    ]
    return [*decisions, *doses(said), *alarms]


def test_the_course_in_other_units_and_five_hours_and_twelve_minutes_later_comes_to_the_same_so_much_later() -> None:
    later = Teller(first_dose_ms=Teller().first_dose_ms + LATER_MS, foreign=True)

    assert told(hear(later, rules(LABEL))) == told(heard(LABEL))


def test_a_gateway_restored_in_the_middle_and_looked_at_says_the_same_bytes_and_accounts_for_every_message() -> None:
    entries, lines = heard(LABEL).entries, []
    fold, middle = Fold(rules(LABEL)), len(entries) // 2
    for entry in entries[:middle]:
        lines += lines_of(apply_entry(fold, entry))
    restored = Fold.restore(fold.snapshot(), rules(LABEL))
    assert restored is not None
    ward = restored.ward
    for place, entry in enumerate(entries[middle:]):
        lines += lines_of(apply_entry(restored, entry))
        if place % 10 == 0:
            assert all(bed_frame(ward, bed) for bed in ward.beds.values())  # a display looks, which changes nothing

    assert lines == heard(LABEL).lines
    assert ward.received == ward.evaluated == sum(entry.topic is not None for entry in entries)
    assert not [line for line in lines if b'"type":"refused"' in line or b"rejected" in line]


# --- negative controls ------------------------------------------------------------------------------------------------


def test_a_nadir_of_dose_six_that_stays_at_ninety_one_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "SYSTOLIC", [(h, value + 7 if 44.5 < h < 46 else value) for h, value in story.SYSTOLIC])
    said = hear(Teller(), rules(LABEL), until_h=story.due_h(7))

    assert decision_at(said, story.due_h(7))["decision"] == "proceed"
