"""Delivers what the outbox holds, receiver by receiver, in order, until it is taken or no longer worth sending.

Invariants
- At least once: a notification is marked as sent after the receiver took it; whoever dies in between sends it again,
  under the same key. One receiver that is away holds no other up.
- Tried again with back-off that doubles from `FIRST_RETRY_S` to `LAST_RETRY_S`, with a jitter that follows from key and
  attempt; given up after `give_up_s`, and at once where the receiver refuses it for good.
- Not sent any more: a delayed or escalated call once the alarm was acknowledged or has ended; what follows on an alarm
  that this receiver was never told of; anything older than `STALE_S` of an alarm that is over.

What became of each stands on its alarm; that something is not delivered is told by the watchdog, as an alarm itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

from gateway.clock import GatewayClock
from gateway.notify.webhook import DeliveryFailed, Receiver, WebhookDoor
from storage.records import RecordsUnavailable
from storage.records.outbox import WaitingDelivery

if TYPE_CHECKING:
    from storage.records import Records

log = logging.getLogger("vigil.notify")

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
LOOK_S = 1.0
"""Between two looks at the outbox while nothing is recorded."""
STALE_MS = 900_000
"""What is older of an alarm that is over is not sent: after a rebuild of the records nobody hears of last month."""
GAVE_UP_TOLD_S = 600.0
"""So long is it told that something was given up."""


def backoff_s(key: str, attempts: int) -> float:
    """How long to wait after so many attempts: doubling, bounded, half of it by a chance that is always the same."""
    longest_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempts - 1, 20))
    chance = int.from_bytes(sha256(f"{key}/{attempts}".encode()).digest()[:4], "big") / 2**32
    return float(longest_s * (0.5 + chance / 2))


def why_not_worth_sending(waiting: WaitingDelivery, now_ms: int) -> str:
    """Why a notification is no longer to be sent; empty when it is."""
    delivery = waiting.delivery
    if delivery.only_unless_seen and waiting.is_seen:
        return "the alarm was acknowledged or had ended before"
    if delivery.only_if_told and not waiting.was_told:
        return "the receiver had not been told of the alarm"
    if waiting.is_over and now_ms - delivery.due_ms > STALE_MS:
        return "the alarm is over since long"
    return ""


class ReceiverWorker:
    """Delivers to one receiver. `run` in a task of its own."""

    def __init__(self, receiver: Receiver, records: Records, clock: GatewayClock, *, give_up_s: float) -> None:
        self.receiver = receiver
        self._records = records
        self._clock = clock
        self._give_up_ms = round(give_up_s * 1000)
        self.recorded = asyncio.Event()
        """Set when the records have grown."""
        self.sent = self.failed = self.retries = 0
        """Since the process began; `failed` were given up."""
        self.last_error = ""
        self._failing_since_s: float | None = None
        self._gave_up_s: float | None = None

    async def run(self) -> None:
        """Deliver for ever."""
        async with WebhookDoor(self.receiver) as door:
            while True:
                pause_s = LOOK_S
                try:
                    pause_s = await self._deliver_what_waits(door)
                except RecordsUnavailable as error:
                    log.error("the outbox of %s cannot be used, trying again: %s", self.receiver.id, error)  # noqa: TRY400
                if pause_s > LOOK_S or self._failing_since_s is not None:
                    await asyncio.sleep(pause_s)
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self.recorded.wait()
                self.recorded.clear()

    def trouble(self, lag_max_s: float) -> str:
        """What is wrong with this receiver, for people; empty for nothing."""
        now_s = perf_counter()
        if self._failing_since_s is not None and now_s - self._failing_since_s > lag_max_s:
            failing_s = now_s - self._failing_since_s
            return f"{self.receiver.id} has taken no notification for {failing_s:.0f} s: {self.last_error}"
        if self._gave_up_s is not None and now_s - self._gave_up_s < GAVE_UP_TOLD_S:
            return f"a notification to {self.receiver.id} was given up: {self.last_error}"
        return ""

    async def _deliver_what_waits(self, door: WebhookDoor) -> float:
        """Deliver in order until nothing is due or the receiver fails; for how long to pause then.

        One at a time: whether the next is worth sending depends on whether this one was taken.
        """
        while True:
            waiting = await self._records.notifications.due(self.receiver.id, self._clock.now_ms(), limit=1)
            if not waiting:
                self._failing_since_s = None
                return LOOK_S
            pause_s = await self._deliver(door, waiting[0])
            if pause_s:
                return pause_s

    async def _deliver(self, door: WebhookDoor, waiting: WaitingDelivery) -> float:
        """Deliver one, or say how long to wait before it is tried again."""
        now_ms, delivery, outbox = self._clock.now_ms(), waiting.delivery, self._records.notifications
        if delivery.next_try_ms > now_ms:  # it failed before this process began
            return min(LAST_RETRY_S, self._clock.seconds_until(delivery.next_try_ms))
        why_not = why_not_worth_sending(waiting, now_ms)
        if why_not:
            await outbox.settle(delivery.key, "cancelled", now_ms, why_not)
            return 0.0
        try:
            await door.post(delivery.key, delivery.body.encode(), now_ms // 1000)
        except DeliveryFailed as failure:
            return await self._failed(waiting, failure, now_ms)
        except Exception as error:  # a fault of ours in telling somebody must not end the watching; it is told
            log.exception("telling %s failed by a fault of our own", self.receiver.id)
            return await self._failed(waiting, DeliveryFailed(f"fault: {error!r}", is_final=False), now_ms)
        await outbox.settle(delivery.key, "sent", self._clock.now_ms())
        self.sent += 1
        self.last_error, self._failing_since_s = "", None
        return 0.0

    async def _failed(self, waiting: WaitingDelivery, failure: DeliveryFailed, now_ms: int) -> float:
        delivery, outbox = waiting.delivery, self._records.notifications
        self.last_error = str(failure)
        self._failing_since_s = self._failing_since_s or perf_counter()
        log.warning("%s did not take %s: %s", self.receiver.id, delivery.key, failure)
        if failure.is_final or now_ms - delivery.due_ms >= self._give_up_ms:
            await outbox.settle(delivery.key, "failed", now_ms, str(failure))
            self.failed += 1
            self._gave_up_s, self._failing_since_s = perf_counter(), None
            return 0.0
        pause_s = backoff_s(delivery.key, delivery.attempts + 1)
        await outbox.postpone(delivery.key, now_ms + round(pause_s * 1000 * self._clock.speed), str(failure))
        self.retries += 1
        return pause_s


class Notifier:
    """All receivers. `run` in a task of its own."""

    def __init__(
        self, receivers: Iterable[Receiver], records: Records, clock: GatewayClock, *, give_up_s: float
    ) -> None:
        self._records = records
        self._clock = clock
        self.workers = [ReceiverWorker(each, records, clock, give_up_s=give_up_s) for each in receivers]

    def note_recorded(self) -> None:
        """The records have grown."""
        for worker in self.workers:
            worker.recorded.set()

    def troubles(self, lag_max_s: float) -> list[str]:
        """What is wrong with the receivers, for people."""
        return [trouble for worker in self.workers if (trouble := worker.trouble(lag_max_s))]

    async def run(self) -> None:
        """Deliver for ever; what waits for receivers that are configured no longer is cancelled first."""
        await self._cancel_orphans()
        async with asyncio.TaskGroup() as tasks:
            for worker in self.workers:
                tasks.create_task(worker.run(), name=f"notify {worker.receiver.id}")

    async def _cancel_orphans(self) -> None:
        while True:
            try:
                known = [worker.receiver.id for worker in self.workers]
                count = await self._records.notifications.cancel_others(known, self._clock.now_ms())
            except RecordsUnavailable as error:
                log.error("the outbox cannot be used, trying again: %s", error)  # noqa: TRY400
                await asyncio.sleep(LOOK_S)
            else:
                if count:
                    log.warning("%d notifications waited for receivers that are no longer configured", count)
                return
