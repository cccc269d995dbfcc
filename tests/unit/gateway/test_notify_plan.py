"""Who is told of an alarm, and when: chains, levels, shifts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from alerts.alarm import AlarmTransition, Phase, SignalState
from gateway.notify.plan import Chain, ChainStep, NotificationPlan, Shift
from tests.support.effects import T0_MS, alarm, started

EVERY_DAY = frozenset(range(7))
BERLIN = ZoneInfo("Europe/Berlin")


def chain(*steps: ChainStep, **concerns: Any) -> Chain:
    everything = dict.fromkeys(("units", "priorities", "kinds", "families"), frozenset[str]())
    return Chain(steps=steps, **{**everything, **concerns})


def step(receiver: str, level: int = 0, delay_s: float = 0, shift: Shift | None = None) -> ChainStep:
    return ChainStep(receiver=receiver, level=level, delay_s=delay_s, shift=shift)


def shift(from_h: int, to_h: int, days: frozenset[int] = EVERY_DAY) -> Shift:
    return Shift(days=days, from_min=from_h * 60, to_min=to_h * 60, zone=BERLIN)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def transition(phase: Phase, n: int = 1, *, to: SignalState = SignalState.ON, **fields: Any) -> AlarmTransition:
    from_ = SignalState.OFF if phase is Phase.START else SignalState.ON
    return replace(started(n, alarm(**fields)), phase=phase, from_=from_, to=to, at_ms=T0_MS)


def told(plan: NotificationPlan, of: AlarmTransition) -> list[str]:
    return [each.receiver for each in plan(of)]


CALLS = NotificationPlan([chain(step("nurse"), step("charge", 1), step("doctor", 2))])


def test_the_first_level_is_told_when_an_alarm_begins() -> None:
    (notification,) = CALLS(transition(Phase.START, 7))

    body = orjson.loads(notification.body)
    assert (notification.receiver, notification.due_ms) == ("nurse", T0_MS)
    assert notification.key == body["id"] == f"{alarm().admission_id}/7/nurse"
    assert not notification.only_unless_seen
    assert body["alarm"]["alarm_id"] == alarm().alarm_id


def test_a_notification_names_no_patient() -> None:
    (notification,) = CALLS(transition(Phase.START))

    assert "patient" not in notification.body
    assert "evidence" not in notification.body


@pytest.mark.parametrize(("level", "receiver"), [(1, "charge"), (2, "doctor"), (5, "doctor")])
def test_the_next_level_is_told_each_time_nobody_acknowledged(level: int, receiver: str) -> None:
    (notification,) = CALLS(transition(Phase.ESCALATE, escalation_level=level))

    assert notification.receiver == receiver
    assert notification.only_unless_seen


def test_what_follows_is_told_to_those_who_were_told_before() -> None:
    notifications = CALLS(transition(Phase.ACKNOWLEDGE, to=SignalState.ACKNOWLEDGED))

    assert [each.receiver for each in notifications] == ["nurse", "charge", "doctor"]
    assert all(each.only_if_told for each in notifications)


def test_an_alarm_that_is_announced_anew_is_told_anew() -> None:
    again = replace(transition(Phase.UPDATE), from_=SignalState.LATCHED)

    assert told(CALLS, again) == ["nurse"]
    assert told(CALLS, transition(Phase.UPDATE)) == []
    assert told(CALLS, transition(Phase.UPDATE, to=SignalState.LATCHED)) == []


@pytest.mark.parametrize(
    ("concerns", "is_told"),
    [
        ({}, True),
        ({"units": frozenset({"icu"})}, True),
        ({"units": frozenset({"ward-9"})}, False),
        ({"priorities": frozenset({"high"})}, True),
        ({"priorities": frozenset({"low", "medium"})}, False),
        ({"kinds": frozenset({"technical"})}, False),
        ({"families": frozenset({"renal"})}, False),
    ],
)
def test_a_chain_is_for_the_alarms_that_it_names(concerns: dict[str, Any], is_told: bool) -> None:
    plan = NotificationPlan([chain(step("nurse"), **concerns)])

    assert told(plan, transition(Phase.START)) == (["nurse"] if is_told else [])


def test_a_delayed_step_is_told_later_and_only_if_nobody_acknowledged() -> None:
    (first, second) = NotificationPlan([chain(step("nurse"), step("charge", delay_s=90))])(transition(Phase.START))

    assert (first.due_ms, first.only_unless_seen) == (T0_MS, False)
    assert (second.due_ms, second.only_unless_seen) == (T0_MS + 90_000, True)


def test_a_receiver_of_two_chains_is_told_once_at_the_earlier_time() -> None:
    plan = NotificationPlan([chain(step("nurse", delay_s=60)), chain(step("nurse"))])

    (notification,) = plan(transition(Phase.START))

    assert notification.due_ms == T0_MS


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        ("2026-11-23T17:59:59", False),  # Monday 18:59 in Berlin
        ("2026-11-23T18:00:00", True),
        ("2026-11-24T05:59:59", True),  # Tuesday, of Monday's shift
        ("2026-11-24T06:00:00", False),
        ("2026-07-06T17:00:00", True),  # Monday in summer, 19:00
        ("2026-11-25T01:00:00", False),  # Wednesday early, of Tuesday's
    ],
)
def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins(at: str, covered: bool) -> None:
    assert shift(19, 7, frozenset({0})).covers(ms(at)) == covered


def test_a_shift_of_a_whole_day_covers_it() -> None:
    monday = shift(0, 0, frozenset({0}))

    assert monday.covers(ms("2026-11-22T23:00:00"))
    assert monday.covers(ms("2026-11-23T22:59:00"))
    assert not monday.covers(ms("2026-11-23T23:00:00"))


DAY, NIGHT = shift(7, 19), shift(19, 7)


@pytest.mark.parametrize(("hour", "receiver"), [(10, "day"), (22, "night")])
def test_whoever_is_on_shift_is_told(hour: int, receiver: str) -> None:
    plan = NotificationPlan([chain(step("day", shift=DAY), step("night", shift=NIGHT))])
    at_ms = ms(f"2026-11-23T{hour - 1:02d}:00:00")

    assert told(plan, replace(transition(Phase.START), at_ms=at_ms)) == [receiver]


def test_where_nobody_of_a_level_is_on_shift_the_next_is_told() -> None:
    plan = NotificationPlan([chain(step("day", shift=DAY), step("doctor", 1))])

    assert told(plan, replace(transition(Phase.START), at_ms=ms("2026-11-23T22:00:00"))) == ["doctor"]


def test_where_nobody_is_on_shift_at_all_everybody_of_the_level_is_told() -> None:
    plan = NotificationPlan([chain(step("day", shift=DAY), step("office", 1, shift=DAY))])

    assert told(plan, replace(transition(Phase.START), at_ms=ms("2026-11-23T22:00:00"))) == ["day"]
