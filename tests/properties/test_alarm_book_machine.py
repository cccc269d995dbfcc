"""The alarm book under everything that can be said and done in any order, against a model of what is wrong.

What must hold whatever happens: a high condition of a patient is signalled unless somebody switched its limits off, for
a reason and a time; acknowledging never silences what begins later and is no less; nothing is announced twice; not
knowing clears nothing; nothing technical hides a patient; every alarm's transitions are a chain of the lifecycle's
moves.
"""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.alarm import Alarm, AlarmTransition, ConditionState, Kind, Phase, Priority, SignalState
from alerts.book import AlarmBook
from alerts.conditions import SwitchedOff, is_further
from alerts.lifecycle import MOVES
from alerts.policy import PLAIN
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.kinds import LimitRule
from tests.support.bedside import BED
from tests.support.verdicts import (
    ABSENT,
    BROKER,
    FAULT,
    HR_130,
    HR_150,
    INDETERMINATE,
    MAP_50,
    MAP_60,
    MAP_65,
    OFFLINE,
    PRESENT,
    SBP_80,
    SBP_90,
    STALE,
    WARD,
)
from tests.support.verdicts import (
    rule as rule_of,
)

T0_MS = 1_790_000_000_000
SUBJECTS: list[tuple[str, str, dict[str, Any]]] = [
    *((rule_id, "map", {}) for rule_id in (MAP_65, MAP_60, MAP_50)),
    *((rule_id, "sbp", {}) for rule_id in (SBP_90, SBP_80)),
    *((rule_id, "hr", {}) for rule_id in (HR_130, HR_150)),
    *((OFFLINE, device, {"device": device}) for device in ("mon1", "pump1")),
    (STALE, "hr", {"devices": ["mon1"]}),
    (FAULT, "engine", {}),
    (BROKER, "broker", {}),
]
RANK = {"low": 0, "medium": 1, "high": 2}
PAUSES_S = (0.5, 5, 30, 61, 200, 700)
VERDICTS = st.lists(
    st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(list(RuleOutcome))),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[0][:2],
)
"""A rule says one thing of a subject at an instant."""
Said = list[tuple[tuple[str, str, dict[str, Any]], RuleOutcome]]


def verdicts_at(said: Said, at_ms: int) -> list[OutcomeChanged]:
    return [
        OutcomeChanged(
            rule=rule_of(rule_id), subject=subject, outcome=outcome, at_ms=at_ms, onset_ms=at_ms - 500,
            evidence={"text": rule_id} | more,
        )
        for (rule_id, subject, more), outcome in said
    ]  # fmt: skip


class BookMachine(RuleBasedStateMachine):
    """One book, and what the rules last said."""

    policy = WARD

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = T0_MS
        self.book = AlarmBook("adm-1", BED, self.policy)
        self.transitions: list[AlarmTransition] = []
        self.held: dict[tuple[str, str], int] = {}
        """What is wrong as far as is known, and since when it was last known to begin."""
        self.begun: dict[tuple[str, str], list[int]] = {}

    @initialize()
    def begin(self) -> None:
        """Nothing is wrong yet."""

    def note(self, transitions: list[AlarmTransition]) -> None:
        self.transitions += transitions

    @rule(seconds=st.sampled_from(PAUSES_S))
    def time_passes(self, seconds: float) -> None:
        until_ms = self.now_ms + round(seconds * 1000)
        while self.book.due_ms <= until_ms:
            assert self.book.due_ms > self.now_ms, "a timer that is never done"
            self.now_ms = self.book.due_ms
            self.note(self.book.take([], self.now_ms))
        self.now_ms = until_ms

    @rule(said=VERDICTS)
    def rules_speak(self, said: Said) -> None:
        self.now_ms += 1
        if self.book.due_ms <= self.now_ms:
            self.note(self.book.take([], self.book.due_ms))
        before, begins = dict(self.held), list[tuple[str, str]]()
        for (rule_id, subject, _), outcome in said:
            key = (rule_id, subject)
            if outcome is PRESENT and key not in self.held:
                self.held[key] = self.now_ms
                begins.append(key)
                self.begun[key] = [*self.begun.get(key, []), self.now_ms]
            elif outcome is ABSENT:
                self.held.pop(key, None)
        done = self.book.take(verdicts_at(said, self.now_ms), self.now_ms)
        for alarm in (self.alarm_of(*key) for key in begins if not self.is_excused(key, before)):
            assert alarm.signal is SignalState.ON, "nobody sees it"
            assert self.book.audio_paused_until_ms(alarm, self.now_ms) is None, "nobody hears of it"
        if all(outcome is INDETERMINATE for _, outcome in said):
            assert all(each.to not in (SignalState.OFF, SignalState.LATCHED) for each in done)
        self.note(done)

    def is_excused(self, key: tuple[str, str], before: dict[tuple[str, str], int]) -> bool:
        """Whether a patient's condition may begin without a sound: it is switched off, it is less than what was held
        already or lies within it, or it keeps coming and going."""
        found, damping = rule_of(key[0]), WARD.damping
        assert damping is not None
        if not isinstance(found, LimitRule) or self.is_off(found.id):
            return True
        others = [rule_of(rule_id) for rule_id, _ in before if not self.is_off(rule_id)]
        known = [other for other in others if other.family == found.family]
        is_known = any(RANK[other.priority] > RANK[found.priority] or is_further(other, found) for other in known)
        lately = [at_ms for at_ms in self.begun[key] if at_ms > self.now_ms - damping.within_s * 1000]
        return found.priority != "high" and (is_known or len(lately) > damping.onsets)

    def is_off(self, rule_id: str) -> bool:
        return any(rule_id in each.rule_ids for each in self.book.conditions.limits_off.values())

    def alarm_of(self, rule_id: str, subject: str) -> Alarm:
        keys = ((rule_of(rule_id).family, ""), (rule_id, subject))
        (alarm,) = (alarm for key, alarm in self.book.active.items() if key in keys)
        return alarm

    @precondition(lambda self: self.book.active)
    @rule(which=st.integers(0, 9))
    def somebody_acknowledges(self, which: int) -> None:
        alarms = list(self.book.active.values())
        self.now_ms += 1
        self.note(self.book.take([], self.now_ms))
        alarm = alarms[which % len(alarms)]
        if alarm.alarm_id in {each.alarm_id for each in self.book.active.values()}:
            self.note(self.book.acknowledge(alarm.alarm_id, self.now_ms, "nurse", None))

    @rule(rule_id=st.sampled_from([MAP_65, SBP_90, SBP_80, HR_130]), seconds=st.sampled_from((0, 20, 600)))
    def somebody_switches_limits_off(self, rule_id: str, seconds: int) -> None:
        self.now_ms += 1
        off = SwitchedOff(
            scope="rule_id", name=rule_id, rule_ids=frozenset({rule_id}), reason="line change", by="nurse",
            from_ms=self.now_ms, until_ms=self.now_ms + seconds * 1000,
        )  # fmt: skip
        self.note(self.book.switch_off(off))

    @rule(seconds=st.integers(0, 120))
    def somebody_pauses_the_sound(self, seconds: int) -> None:
        before = {alarm.alarm_id: alarm.signal for alarm in self.book.active.values()}
        self.book.pause_audio(self.now_ms, self.now_ms + seconds * 1000)
        assert {alarm.alarm_id: alarm.signal for alarm in self.book.active.values()} == before

    @rule()
    def the_service_restarts(self) -> None:
        self.book = pickle.loads(pickle.dumps(self.book))

    # --- what holds ----------------------------------------------------------------------------------------------

    @invariant()
    def a_high_condition_is_signalled(self) -> None:
        off = {name for each in self.book.conditions.limits_off.values() for name in each.rule_ids}
        for rule_id, subject in self.held:
            found = rule_of(rule_id)
            if found.priority != "high" or not isinstance(found, LimitRule) or rule_id in off:
                continue
            alarms = [
                alarm for key, alarm in self.book.active.items() if key in ((found.family, ""), (rule_id, subject))
            ]
            assert len(alarms) == 1
            (alarm,) = alarms
            assert alarm.priority is Priority.HIGH
            assert alarm.signal in (SignalState.ON, SignalState.ACKNOWLEDGED)
            if alarm.signal is SignalState.ACKNOWLEDGED:
                assert alarm.acknowledged is not None
                assert alarm.acknowledged.at_ms >= self.held[rule_id, subject], "seen before it began"

    @invariant()
    def every_condition_of_a_patient_is_signalled(self) -> None:
        off = {name for each in self.book.conditions.limits_off.values() for name in each.rule_ids}
        for rule_id, subject in self.held:
            found = rule_of(rule_id)
            if isinstance(found, LimitRule) and rule_id not in off:
                assert self.book.active.keys() & {(found.family, ""), (rule_id, subject)}

    @invariant()
    def limits_are_off_for_a_reason_and_a_time(self) -> None:
        for off in self.book.conditions.limits_off.values():
            assert off.reason
            assert off.by
            assert 0 < off.until_ms - off.from_ms <= WARD.limits_off.longest_s * 1000

    @invariant()
    def transitions_are_numbered_and_each_alarm_is_a_chain(self) -> None:
        assert [each.n for each in self.transitions] == list(range(1, len(self.transitions) + 1))
        assert all(a.at_ms <= b.at_ms for a, b in pairwise(self.transitions))
        latest: dict[str, AlarmTransition] = {}
        for each in self.transitions:
            before = latest.get(each.alarm.alarm_id)
            if before is None:
                assert (each.phase, each.from_, each.to) == (Phase.START, SignalState.OFF, SignalState.ON)
            else:
                assert before.to is each.from_ is not SignalState.OFF, "announced again after its end"
                assert each.phase is not Phase.START, "announced twice"
                if before.alarm.priority is Priority.HIGH and before.to is SignalState.ON:
                    assert each.alarm.priority is Priority.HIGH, "fell though nobody had seen it"
                assert any(way.to is each.to for (a, _), ways in MOVES.items() if a is each.from_ for way in ways)
            latest[each.alarm.alarm_id] = each
        active = {key for key, each in latest.items() if each.to is not SignalState.OFF}
        assert active == {alarm.alarm_id for alarm in self.book.active.values()}

    @invariant()
    def no_patients_alarm_was_ended_by_the_equipment(self) -> None:
        for each in self.transitions:
            if each.alarm.kind is Kind.PHYSIOLOGICAL:
                assert each.alarm.inhibited_by is None

    @invariant()
    def an_alarm_that_is_on_and_late_is_told_so(self) -> None:
        for alarm in self.book.active.values():
            due_ms = alarm.next_escalation_at_ms
            assert due_ms is None or due_ms > self.now_ms - 2
            if alarm.condition is ConditionState.ABSENT or alarm.signal is not SignalState.ON:
                assert due_ms is None


class PlainMachine(BookMachine):
    """The same without any policy."""

    policy = PLAIN


TestBook = BookMachine.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPlainBook = PlainMachine.TestCase
TestPlainBook.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)

STORY = st.lists(st.tuples(st.sampled_from(PAUSES_S), VERDICTS, st.booleans()), min_size=1, max_size=15)


def told(story: list[tuple[float, Said, bool]], *, tick_ms: int | None, restart_at: int | None) -> str:
    """Everything that a book says to a story, whether time passes in ticks and whether it is restored on the way."""
    book, now_ms, done = AlarmBook("adm-1", BED, WARD), T0_MS, list[AlarmTransition]()
    for place, (seconds, said, sees) in enumerate(story):
        until_ms = now_ms + round(seconds * 1000)
        while now_ms < until_ms:
            step_ms = until_ms if tick_ms is None else min(until_ms, now_ms + tick_ms)
            while book.due_ms <= step_ms:
                done += book.take([], book.due_ms)
            now_ms = step_ms
            done += book.take([], now_ms)
        done += book.take(verdicts_at(said, now_ms), now_ms)
        if sees:
            for alarm in list(book.active.values()):
                done += book.acknowledge(alarm.alarm_id, now_ms, "nurse", None)
        if place == restart_at:
            book = pickle.loads(pickle.dumps(book))
    while book.due_ms < now_ms + 3_600_000:
        done += book.take([], book.due_ms)
    return str(done)


@settings(max_examples=40, deadline=None)
@given(story=STORY, restart_at=st.integers(0, 14), tick_ms=st.sampled_from([1000, 700]))
def test_neither_ticks_nor_a_restart_change_what_is_said(
    story: list[tuple[float, Said, bool]], restart_at: int, tick_ms: int
) -> None:
    alone = told(story, tick_ms=None, restart_at=None)

    assert told(story, tick_ms=tick_ms, restart_at=None) == alone
    assert told(story, tick_ms=None, restart_at=restart_at) == alone


@settings(max_examples=60, deadline=None)
@given(said=VERDICTS, later=VERDICTS, data=st.data())
def test_the_order_of_verdicts_of_one_instant_changes_nothing(said: Said, later: Said, data: st.DataObject) -> None:
    def story(first: Said, second: Said) -> str:
        book = AlarmBook("adm-1", BED, WARD)
        done = book.take(verdicts_at(first, T0_MS), T0_MS)
        return str(done + book.take(verdicts_at(second, T0_MS + 5000), T0_MS + 5000))

    other = [data.draw(st.permutations(part)) for part in (said, later)]

    assert story(said, later) == story(*other)
