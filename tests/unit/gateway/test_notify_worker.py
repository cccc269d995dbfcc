"""From the outbox to a real receiver: in order, at least once under one key, and only what is still worth sending."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from alerts.alarm import AlarmTransition, Phase
from gateway.notify.plan import Chain, ChainStep, NotificationPlan
from gateway.notify.webhook import Receiver
from gateway.notify.worker import LAST_RETRY_S, Notifier, backoff_s
from storage.records import DeliveryRecord, Records, sqlite_url
from tests.support.effects import T0_MS, acknowledged, alarm, ended, started
from tests.support.mosquitto import free_port
from tests.support.pipeline_bench import SetClock
from tests.support.waiting import running, until
from tests.support.webhook_receiver import SECRET, WebhookReceiver, verify, webhook_receiver

CHAIN = Chain(
    units=frozenset(),
    priorities=frozenset(),
    kinds=frozenset(),
    families=frozenset(),
    steps=(
        ChainStep(receiver="nurse", level=0, delay_s=0, shift=None),
        ChainStep(receiver="charge", level=0, delay_s=60, shift=None),
        ChainStep(receiver="doctor", level=1, delay_s=0, shift=None),
    ),
)
ALARM = alarm()


class Post:
    """Records with an outbox, a clock, and receivers all served by one server."""

    def __init__(self, records: Records, receiver: WebhookReceiver) -> None:
        self.records = records
        self.receiver = receiver
        self.clock = SetClock(T0_MS)
        self.port = receiver.port
        self._offset = records.applied_offset
        records.plan_notifications = NotificationPlan([CHAIN])

    async def happens(self, transition: AlarmTransition) -> None:
        """A transition is recorded."""
        self._offset += 1
        await self.records.apply([(self._offset, [transition])], [], self._offset)

    @contextlib.asynccontextmanager
    async def delivering(self, *, give_up_s: float = 3600.0) -> AsyncIterator[Notifier]:
        """The notifier, for as long as the context lasts; cut off at its end."""
        receivers = [self._receiver(each) for each in ("nurse", "charge", "doctor")]
        notifier = Notifier(receivers, self.records, self.clock, give_up_s=give_up_s)
        async with running(notifier):
            yield notifier

    async def deliveries(self) -> dict[tuple[str, int], DeliveryRecord]:
        """By receiver and number of the transition."""
        record = await self.records.alarm(ALARM.alarm_id)
        assert record is not None
        return {(each.receiver, each.n): each for each in record.deliveries}

    async def passing_until(self, is_so: Callable[[], bool]) -> None:
        """Lets time pass until it is so."""
        async with asyncio.timeout(20):
            while not is_so():
                self.clock.at_ms += 10
                await asyncio.sleep(0.01)

    async def until_state(self, receiver: str, n: int, state: str) -> DeliveryRecord:
        async with asyncio.timeout(20):
            while (found := (await self.deliveries())[receiver, n]).state != state:
                await asyncio.sleep(0.01)
        return found

    def told(self) -> list[tuple[str, str]]:
        """(receiver, phase) of everything that was taken, as it came."""
        return [(request.key.rpartition("/")[2], request.phase) for request in self.receiver.requests]

    def _receiver(self, name: str) -> Receiver:
        return Receiver(
            id=name,
            url=f"http://127.0.0.1:{self.port}/vigil",
            secret=SECRET,
            allow_http=True,
            allow_networks=(ip_network("127.0.0.0/8"),),
            timeout_s=5.0,
        )


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as serving:
        yield serving


@pytest.fixture
async def post(tmp_path: Path, receiver: WebhookReceiver) -> AsyncIterator[Post]:
    records = await Records.open(sqlite_url(tmp_path / "records.db"))
    yield Post(records, receiver)
    await records.close()


def escalated(n: int, level: int, at_ms: int) -> AlarmTransition:
    return replace(
        started(n, replace(ALARM, escalation_level=level)), phase=Phase.ESCALATE, from_=ALARM.signal, at_ms=at_ms
    )


async def test_an_alarm_is_delivered_and_its_delivery_is_seen_on_it(post: Post) -> None:
    async with post.delivering() as notifier:
        await post.happens(started(1, ALARM))
        notifier.note_recorded()
        sent = await post.until_state("nurse", 1, "sent")

    assert (sent.attempts, sent.settled_ms) == (1, T0_MS)
    assert post.told() == [("nurse", "start")]
    assert verify(post.receiver.requests[0])
    assert (await post.deliveries())["charge", 1].state == "waiting"


async def test_a_delayed_call_goes_out_when_nobody_has_acknowledged(post: Post) -> None:
    await post.happens(started(1, ALARM))
    async with post.delivering():
        await post.until_state("nurse", 1, "sent")
        post.clock.at_ms += 60_000
        await post.until_state("charge", 1, "sent")

    assert post.told() == [("nurse", "start"), ("charge", "start")]


async def test_an_acknowledgement_stops_what_was_to_follow(post: Post) -> None:
    await post.happens(started(1, ALARM))
    async with post.delivering():
        await post.until_state("nurse", 1, "sent")
        await post.happens(acknowledged(2, ALARM, at_ms=T0_MS + 10_000))
        post.clock.at_ms += 60_000
        stopped = await post.until_state("charge", 1, "cancelled")
        await post.until_state("nurse", 2, "sent")
        await post.until_state("doctor", 2, "cancelled")

    assert stopped.remark == "the alarm was acknowledged or had ended before"
    assert post.told() == [("nurse", "start"), ("nurse", "acknowledge")]


async def test_who_hears_of_an_alarm_late_hears_at_once_that_somebody_has_come(post: Post) -> None:
    """What waits together, after a break or a refusal: that the first was taken counts for the second."""
    await post.happens(started(1, ALARM))
    await post.happens(acknowledged(2, ALARM, at_ms=T0_MS))
    async with post.delivering():
        await post.until_state("nurse", 2, "sent")

    assert [each for each in post.told() if each[0] == "nurse"] == [("nurse", "start"), ("nurse", "acknowledge")]


async def test_an_escalation_calls_the_next_and_not_once_somebody_acknowledged(post: Post) -> None:
    await post.happens(started(1, ALARM))
    await post.happens(escalated(2, 1, T0_MS))
    async with post.delivering():
        await post.until_state("doctor", 2, "sent")
    await post.happens(escalated(3, 2, T0_MS))
    await post.happens(acknowledged(4, ALARM, at_ms=T0_MS))
    async with post.delivering():
        await post.until_state("doctor", 3, "cancelled")
        await post.until_state("doctor", 4, "sent")

    assert sorted(post.told()) == [
        ("doctor", "acknowledge"), ("doctor", "escalate"), ("nurse", "acknowledge"), ("nurse", "start"),
    ]  # fmt: skip


async def test_a_notification_that_was_sent_and_not_marked_is_sent_again_under_its_key(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = asyncio.Event()

    async def die(*_: object) -> None:
        dying.set()
        await asyncio.Event().wait()  # for ever: the process ends here

    await post.happens(started(1, ALARM))
    monkeypatch.setattr(post.records.notifications, "settle", die)
    async with post.delivering():
        await asyncio.wait_for(dying.wait(), 20)
    monkeypatch.undo()
    async with post.delivering():
        await post.until_state("nurse", 1, "sent")

    assert post.receiver.keys == [f"{ALARM.admission_id}/1/nurse"] * 2
    assert post.receiver.requests[0].raw == post.receiver.requests[1].raw


async def test_a_receiver_that_is_away_is_tried_again_until_it_is_back(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.notify.worker.FIRST_RETRY_S", 0.02)  # a second otherwise
    post.port = free_port()
    await post.happens(started(1, ALARM))
    await post.happens(started(2, ALARM))
    async with post.delivering() as notifier:
        await post.passing_until(lambda: notifier.workers[0].retries >= 2)
        trouble = notifier.troubles(0.0)
        with webhook_receiver(post.port) as back:
            await post.passing_until(lambda: notifier.workers[0].sent == 2)
            keys = back.keys
        await until(lambda: notifier.troubles(0.0) == [])
    sent = (await post.deliveries())["nurse", 1]

    assert keys == ["a-1/1/nurse", "a-1/2/nurse"]
    assert sent.attempts >= 3
    assert "nurse has taken no notification" in trouble[0]


async def test_what_a_receiver_refuses_for_good_is_given_up_and_told(post: Post) -> None:
    post.receiver.answer = lambda request: 400 if request.key.endswith("/1/nurse") else 204
    await post.happens(started(1, ALARM))
    await post.happens(started(2, ALARM))
    async with post.delivering() as notifier:
        failed = await post.until_state("nurse", 1, "failed")
        await post.until_state("nurse", 2, "sent")
        troubles = notifier.troubles(15.0)

    assert failed.remark == "answered 400"
    assert "a notification to nurse was given up" in troubles[0]


async def test_a_fault_of_our_own_is_one_more_failure_and_ends_nothing(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object) -> None:
        raise RuntimeError("stumbled")

    monkeypatch.setattr("gateway.notify.worker.FIRST_RETRY_S", 0.02)  # a second otherwise
    monkeypatch.setattr("gateway.notify.webhook.WebhookDoor.post", stumble)
    await post.happens(started(1, ALARM))
    async with post.delivering() as notifier:
        await until(lambda: notifier.workers[0].retries >= 1)
        fault = (await post.deliveries())["nurse", 1].remark
        monkeypatch.undo()
        await post.passing_until(lambda: notifier.workers[0].sent == 1)

    assert fault == "fault: RuntimeError('stumbled')"


async def test_what_nobody_takes_is_given_up_after_so_long(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.notify.worker.FIRST_RETRY_S", 0.02)  # a second otherwise
    post.receiver.answer = lambda _: 503
    await post.happens(started(1, ALARM))
    async with post.delivering(give_up_s=30.0) as notifier:
        await until(lambda: notifier.workers[0].retries >= 1)
        post.clock.at_ms += 31_000
        failed = await post.until_state("nurse", 1, "failed")

    assert failed.remark == "answered 503"


async def test_nobody_hears_of_what_is_over_since_long(post: Post) -> None:
    """As after the records were rebuilt."""
    await post.happens(started(1, ALARM))
    await post.happens(ended(2, ALARM, at_ms=T0_MS + 1000))
    post.clock.at_ms += 3_600_000
    async with post.delivering():
        await post.until_state("nurse", 1, "cancelled")
        await post.until_state("nurse", 2, "cancelled")

    assert post.told() == []


async def test_an_alarm_that_is_still_on_is_told_however_old_it_is(post: Post) -> None:
    """The control of the test above."""
    await post.happens(started(1, ALARM))
    post.clock.at_ms += 3_600_000
    async with post.delivering():
        await post.until_state("nurse", 1, "sent")


async def test_what_waits_for_a_receiver_that_is_configured_no_longer_is_cancelled(post: Post) -> None:
    await post.happens(started(1, ALARM))
    notifier = Notifier([], post.records, post.clock, give_up_s=60.0)

    await notifier.run()

    assert (await post.deliveries())["nurse", 1].remark == "the receiver is no longer configured"


async def test_a_transition_recorded_twice_is_told_once(post: Post) -> None:
    await post.happens(started(1, ALARM))
    post._offset -= 1
    await post.happens(started(1, ALARM))
    async with post.delivering():
        await post.until_state("nurse", 1, "sent")

    assert len(post.receiver.requests) == 1


def test_pauses_double_up_to_a_bound_and_are_the_same_each_time() -> None:
    pauses = [backoff_s("a-1/1/nurse", attempt) for attempt in range(1, 12)]

    assert pauses == [backoff_s("a-1/1/nurse", attempt) for attempt in range(1, 12)]
    assert pauses != [backoff_s("a-1/1/charge", attempt) for attempt in range(1, 12)]
    assert all(0.5 * 2**i <= pause <= 2**i for i, pause in enumerate(pauses[:6]))
    assert all(LAST_RETRY_S / 2 <= pause <= LAST_RETRY_S for pause in pauses[6:])
