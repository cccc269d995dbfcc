"""The outbox of notifications, in both databases."""

from __future__ import annotations

import pytest

from alerts.alarm import AlarmTransition
from gateway.notify.plan import Chain, ChainStep, NotificationPlan
from storage.ports import PlannedNotification
from storage.records import Records, RecordsUnavailable
from tests.support.effects import T0_MS, acknowledged, alarm, ended, started

CHAIN = Chain(
    units=frozenset(),
    priorities=frozenset(),
    kinds=frozenset(),
    families=frozenset(),
    steps=(
        ChainStep(receiver="nurse", level=0, delay_s=0, shift=None),
        ChainStep(receiver="charge", level=0, delay_s=60, shift=None),
    ),
)
ALARM = alarm()
NURSE = "a-1/1/nurse"


async def record(records: Records, *transitions: AlarmTransition, offset: int = 1) -> None:
    records.plan_notifications = NotificationPlan([CHAIN])
    await records.apply([(offset, list(transitions))], [], offset)


async def test_a_transition_brings_its_notifications_with_it(records: Records) -> None:
    await record(records, started(1, ALARM))

    (waiting,) = await records.notifications.due("nurse", T0_MS)

    assert (waiting.delivery.key, waiting.delivery.state, waiting.delivery.attempts) == (NURSE, "waiting", 0)
    assert (waiting.is_seen, waiting.is_over, waiting.was_told) == (False, False, False)
    assert await records.notifications.due("charge", T0_MS + 59_999) == []
    assert len(await records.notifications.due("charge", T0_MS + 60_000)) == 1


async def test_a_transition_that_is_not_recorded_brings_none(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: AlarmTransition) -> list[PlannedNotification]:
        raise RecordsUnavailable("cut off in the middle of the transaction")

    monkeypatch.setattr(records, "plan_notifications", fail)
    with pytest.raises(RecordsUnavailable):
        await records.apply([(1, [started(1, ALARM)])], [], 1)

    assert await records.alarm(ALARM.alarm_id) is None
    assert await records.notifications.due("nurse", T0_MS) == []


async def test_what_was_recorded_before_is_not_planned_again(records: Records) -> None:
    await record(records, started(1, ALARM))
    await records.notifications.settle(NURSE, "sent", T0_MS)
    await record(records, started(1, ALARM))

    found = await records.alarm(ALARM.alarm_id)

    assert found is not None
    assert [(each.key, each.state) for each in found.deliveries] == [(NURSE, "sent"), ("a-1/1/charge", "waiting")]


async def test_what_became_of_a_notification_is_kept(records: Records) -> None:
    await record(records, started(1, ALARM))
    outbox = records.notifications

    await outbox.postpone(NURSE, T0_MS + 500, "answered 503")
    (postponed,) = await outbox.due("nurse", T0_MS)
    await outbox.settle(NURSE, "sent", T0_MS + 700)
    await outbox.settle(NURSE, "failed", T0_MS + 900, "too late")  # it was settled already

    found = await records.alarm(ALARM.alarm_id)
    assert found is not None
    sent = found.deliveries[0]
    assert (postponed.delivery.attempts, postponed.delivery.remark) == (1, "answered 503")
    assert (sent.state, sent.attempts, sent.settled_ms, sent.remark) == ("sent", 2, T0_MS + 700, None)
    assert await outbox.due("nurse", T0_MS + 1000) == []


async def test_whether_it_is_still_worth_sending_follows_from_the_alarm_as_it_is(records: Records) -> None:
    outbox = records.notifications
    await record(records, started(1, ALARM))
    await outbox.settle(NURSE, "sent", T0_MS)
    await record(records, acknowledged(2, ALARM, at_ms=T0_MS), offset=2)
    (seen,) = await outbox.due("charge", T0_MS + 60_000, limit=1)
    await record(records, ended(3, ALARM, at_ms=T0_MS), offset=3)
    told, *_ = await outbox.due("nurse", T0_MS)
    over, *_ = await outbox.due("charge", T0_MS + 60_000)

    assert (seen.is_seen, seen.is_over) == (True, False)
    assert (told.was_told, told.delivery.only_if_told) == (True, True)
    assert (over.is_over, over.was_told) == (True, False)


async def test_what_waits_for_nobody_is_cancelled(records: Records) -> None:
    await record(records, started(1, ALARM))

    assert await records.notifications.cancel_others(["nurse"], T0_MS) == 1
    assert await records.notifications.cancel_others(["nurse"], T0_MS) == 0

    found = await records.alarm(ALARM.alarm_id)
    assert found is not None
    assert {each.receiver: each.state for each in found.deliveries} == {"nurse": "waiting", "charge": "cancelled"}
