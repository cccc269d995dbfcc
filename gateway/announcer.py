"""Alarm transitions out over MQTT (`icu/v1/{unit}/{bed}/vigil/alarm`, those of the house `icu/v1/vigil/alarm`; QoS 1),
through an outbox.

The outbox is the table of outcome lines; a cursor in the file of the journal says how far it was sent. A transition
is sent at least once and in order, whatever dies in between; a receiver knows one it has had by (admission_id, n);
`admission_id` is null for the house, which numbers its own. The cursor is kept every few transitions, so that one who
dies with much to send does not begin all of it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import perf_counter
from typing import TYPE_CHECKING

import orjson

from gateway.mqtt import MqttDoor
from gateway.wire.topics import HOUSE_ALARM_TOPIC, alarm_topic
from storage.journal import Journal, JournalUnavailable
from storage.records import RecordsUnavailable
from streaming.identity import BedId

if TYPE_CHECKING:
    from storage.records import Records

log = logging.getLogger("vigil.announcer")

CURSOR_META = "alarm_outbox"
IDLE_S = 1.0
KEPT_EVERY = 20
"""Transitions sent, after which the cursor is kept at the latest: each time is a write to the journal's file."""


class AlarmAnnouncer:
    """Sends what the records hold and the broker does not have yet."""

    def __init__(self, records: Records, journal: Journal, door: MqttDoor) -> None:
        self._records = records
        self._journal = journal
        self._door = door
        self._cursor = int(journal.get_meta(CURSOR_META) or 0)
        self.sent = 0
        """Transitions acknowledged by the broker since the process began."""
        self._waiting_since_s: float | None = None
        self.recorded = asyncio.Event()
        """Set when the records have grown."""

    async def run(self) -> None:
        """Send for ever."""
        while True:
            with contextlib.suppress(TimeoutError):  # the broker may be back though nothing is new
                async with asyncio.timeout(IDLE_S):  # not wait_for, which may forget a cancellation
                    await self.recorded.wait()
            if self.recorded.is_set() and self._waiting_since_s is None:
                self._waiting_since_s = perf_counter()
            self.recorded.clear()
            if not self._door.is_connected:
                continue
            try:
                if await self._send_what_waits():
                    self._waiting_since_s = None
            except (RecordsUnavailable, JournalUnavailable) as error:  # the cursor stays behind: sent again, not lost
                log.error("alarms are not announced over MQTT, trying again: %s", error)  # noqa: TRY400
                await asyncio.sleep(IDLE_S)

    def waits_s(self) -> float:
        """For how long something has waited to be sent; 0 when nothing does."""
        since_s = self._waiting_since_s
        return 0.0 if since_s is None else perf_counter() - since_s

    async def _send_what_waits(self) -> bool:
        """Send in order; False when something still waits."""
        kept, kept_sent, is_all = self._cursor, self.sent, True
        async for line in self._records.outcomes(after=self._cursor):
            if '"type":"alarm"' in line and not await self._send(line):
                is_all = False
                break
            self._cursor += 1
            if self.sent - kept_sent >= KEPT_EVERY:
                await self._keep_cursor()
                kept, kept_sent = self._cursor, self.sent
        if self._cursor != kept:
            await self._keep_cursor()
        return is_all

    async def _keep_cursor(self) -> None:
        await self._journal.set_meta(CURSOR_META, str(self._cursor))

    async def _send(self, line: str) -> bool:
        transition = orjson.loads(line)
        bed = BedId(transition["unit"], transition["bed"]) if transition["bed"] is not None else None
        topic = HOUSE_ALARM_TOPIC if bed is None else alarm_topic(bed)
        is_sent = await self._door.publish(topic, line.encode(), qos=1)
        self.sent += is_sent
        return is_sent
