"""The feed: one stream of frames about all beds, made once and sent to every client.

Theory of operation. The hub keeps each bed as the JSON bytes that were last sent of it. When the source says that beds
changed, at the latest `FRAME_PERIOD_S` after the last delta, and somebody watches, those beds are encoded again; beds
whose bytes differ go into a delta, numbered one above the last. A client joins with a snapshot put together from the
kept bytes, as of the delta sent last, so that the next delta follows it without a hole.

Of the four deltas a second that the contract allows, values use three: one is kept for alarms. When the source says
that somebody is called the delta goes at once, unless four went within the last second; then as soon as they did not.

A client that comes back with the number of its last frame gets the deltas it missed, squashed: every number is there,
but a bed only in the last delta that changed it. They carry the time at which they are sent: a display takes ages from
it, and must not take an hour-old value for a fresh one.

Invariants. Numbers never repeat and never go back, over restarts too: counting starts at the wall clock in
milliseconds, which deltas (at most four a second) never catch up with. A client's queue is bounded; when it is full the
client is dropped, and nobody waits for it. Pacing runs on the loop's monotonic clock, `at` is the gateway's time.

It deliberately knows no socket: `gateway.web.socket` carries the frames.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Never

import orjson

from gateway.web.ports import BedSource, JsonObject, MetricFamily
from streaming.identity import BedId
from streaming.instants import format_ms

FRAME_PERIOD_S = 0.35
"""Least time between two deltas of values: three a second, so that there is always one left for an alarm."""
DELTAS_MAX, DELTAS_WITHIN_S = 4, 1.04
"""No more deltas in any such time. A little above a second, so that jitter never makes a fifth in one second."""
HEARTBEAT_PERIOD_S = 0.75
"""Between two heartbeats, whatever else is sent: well below the second that the contract allows."""
RESUME_FRAMES = 1200
"""Deltas a client may have missed and still resume: five minutes at least."""
QUEUE_FRAMES = 64
"""Frames a client may be behind: about ten seconds of a busy ward."""
CLIENTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Pacing:
    """How often the feed speaks, and how much it keeps. The contract's figures unless a test says otherwise."""

    frame_period_s: float = FRAME_PERIOD_S
    deltas_within_s: float = DELTAS_WITHIN_S
    heartbeat_period_s: float = HEARTBEAT_PERIOD_S
    resume_frames: int = RESUME_FRAMES
    queue_frames: int = QUEUE_FRAMES
    clients_max: int = CLIENTS_MAX


@dataclass(frozen=True, slots=True)
class _Delta:
    """Which beds a delta was about. What they changed to is not kept: a client that comes back gets what they are."""

    n: int
    beds: tuple[BedId, ...]


class FeedFull(RuntimeError):  # noqa: N818 - an answer to whoever wants to join, not a defect
    """No client more can be served."""


class FeedClient:
    """One client's part of the feed. Made by `FeedHub.joined`."""

    def __init__(self, opening: Iterable[str], queue_frames: int) -> None:
        self._opening = deque(opening)
        self._queue: asyncio.Queue[str] = asyncio.Queue(queue_frames)
        self.dropped = asyncio.Event()
        """Set when the client did not keep up: nothing follows what was taken so far."""

    async def next_frame(self) -> str:
        """The next frame, when there is one."""
        return self._opening.popleft() if self._opening else await self._queue.get()

    def offer(self, frame: str) -> None:
        """Queue a frame, or mark the client as dropped."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.dropped.set()


class FeedHub:
    """Makes the frames and hands them to every client. Used from one event loop."""

    def __init__(self, source: BedSource, pacing: Pacing | None = None) -> None:
        self._source = source
        self._pacing = pacing or Pacing()
        self._n = source.now_ms()
        self._beds: dict[BedId, bytes] = {}
        self._deltas: deque[_Delta] = deque(maxlen=self._pacing.resume_frames)
        self._clients: set[FeedClient] = set()
        self._waiting: dict[BedId, None] = {}
        """Beds that changed while nobody watched."""
        self._sent_at_s: deque[float] = deque(maxlen=DELTAS_MAX)
        """When the last deltas went, by the loop's clock."""
        self._heartbeat_due_s = 0.0
        self._deltas_sent = 0
        self._heartbeats_sent = 0
        self._clients_dropped = 0
        for bed in source.bed_frames():
            self._beds[_bed_id(bed)] = orjson.dumps(bed)
        self._house = orjson.dumps(source.house_alarms())
        self._house_n = self._n
        """Number of the delta in which the alarms of the house last changed."""

    @property
    def n(self) -> int:
        """Number of the last delta, or of the state before the first."""
        return self._n

    @contextlib.contextmanager
    def joined(self, after: int | None) -> Iterator[FeedClient]:
        """A client for as long as the context lasts.

        Args:
            after: Number of the last frame the client has; None for a fresh start.

        Raises:
            FeedFull: There are too many clients.
        """
        if len(self._clients) >= self._pacing.clients_max:
            raise FeedFull
        self._encode_waiting()
        client = FeedClient(self._opening(after), self._pacing.queue_frames)
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    async def run(self) -> Never:
        """Send frames until cancelled."""
        loop = asyncio.get_running_loop()
        self._heartbeat_due_s = loop.time() + self._pacing.heartbeat_period_s
        while True:
            await self._something_due(loop)
            if loop.time() >= self._heartbeat_due_s:
                self._send_heartbeat()
                self._heartbeat_due_s = loop.time() + self._pacing.heartbeat_period_s
            if self._source.beds_changed.is_set() and loop.time() >= self._delta_due_s():
                self._sent_at_s.append(loop.time())
                self._send_delta()

    def metrics(self) -> list[MetricFamily]:
        """Figures for Prometheus."""
        return [
            MetricFamily("vigil_feed_clients", "gauge", "Clients connected to the feed.", [({}, len(self._clients))]),
            MetricFamily(
                "vigil_feed_frames",
                "counter",
                "Frames encoded, each once for all clients.",
                [({"type": "delta"}, self._deltas_sent), ({"type": "heartbeat"}, self._heartbeats_sent)],
            ),
            MetricFamily(
                "vigil_feed_clients_dropped",
                "counter",
                "Clients disconnected because they did not keep up.",
                [({}, self._clients_dropped)],
            ),
        ]

    async def _something_due(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until a heartbeat is due, or beds have changed and a delta may be sent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._heartbeat_due_s):
                await self._source.beds_changed.wait()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._delta_due_s()):
                        await self._source.somebody_called.wait()
                await asyncio.sleep(self._delta_due_s() - loop.time())

    def _delta_due_s(self) -> float:
        """When the next delta may go: at once where somebody is called, as far as four a second allow it."""
        sent_at_s = self._sent_at_s
        if not sent_at_s:
            return 0.0
        allowed_s = sent_at_s[0] + self._pacing.deltas_within_s if len(sent_at_s) == DELTAS_MAX else 0.0
        if self._source.somebody_called.is_set():
            return allowed_s
        return max(allowed_s, sent_at_s[-1] + self._pacing.frame_period_s)

    def _send_heartbeat(self) -> None:
        self._send(self._heartbeat_frame())
        self._heartbeats_sent += 1

    def _send_delta(self) -> None:
        self._source.beds_changed.clear()
        self._source.somebody_called.clear()
        has_house = self._take_house()
        if not self._clients:
            self._note_delta(sorted(self._source.dirty_beds()), has_house=has_house)
            return
        self._encode_waiting()
        changed = self._take_changes(self._source.dirty_beds())
        if changed or has_house:
            self._note_delta(changed, has_house=has_house)
            self._send(self._delta_frame(self._n, changed))
            self._deltas_sent += 1

    def _note_delta(self, beds: Iterable[BedId], *, has_house: bool) -> None:
        """Number a delta; without a client nothing is encoded until one comes."""
        delta = _Delta(self._n + 1, tuple(beds))
        if not delta.beds and not has_house:
            return
        self._n = delta.n
        if has_house:
            self._house_n = delta.n
        self._deltas.append(delta)
        if not self._clients:
            self._waiting.update(dict.fromkeys(delta.beds))

    def _encode_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._take_changes(waiting)

    def _take_changes(self, beds: Iterable[BedId]) -> dict[BedId, bytes | None]:
        """Encode the beds; keep and return those that really differ from what was sent."""
        changed: dict[BedId, bytes | None] = {}
        for bed_id in sorted(beds):
            bed = self._source.bed_frame(bed_id)
            encoded = None if bed is None else orjson.dumps(bed)
            if encoded != self._beds.get(bed_id):
                changed[bed_id] = encoded
                self._keep(bed_id, encoded)
        return changed

    def _take_house(self) -> bool:
        """Encode the alarms of the house; whether they differ from what was sent."""
        before, self._house = self._house, orjson.dumps(self._source.house_alarms())
        return self._house != before

    def _keep(self, bed_id: BedId, encoded: bytes | None) -> None:
        if encoded is None:
            self._beds.pop(bed_id, None)
        else:
            self._beds[bed_id] = encoded

    def _send(self, frame: str) -> None:
        for client in tuple(self._clients):
            client.offer(frame)
            if client.dropped.is_set():
                self._clients.discard(client)
                self._clients_dropped += 1

    def _opening(self, after: int | None) -> list[str]:
        """What a client gets before the frames that all get."""
        if after is None or not self._n - len(self._deltas) <= after <= self._n:
            return [self._snapshot_frame()]
        missed = [delta for delta in self._deltas if delta.n > after]
        last_change = {bed_id: delta.n for delta in missed for bed_id in delta.beds}
        squashed = (
            (delta.n, {bed: self._beds.get(bed) for bed in delta.beds if last_change[bed] == delta.n})
            for delta in missed
        )
        return [
            *(self._delta_frame(n, changed) for n, changed in squashed),
            self._heartbeat_frame(),
        ]

    def _snapshot_frame(self) -> str:
        beds = [orjson.Fragment(encoded) for _, encoded in sorted(self._beds.items())]
        snapshot: JsonObject = {"type": "snapshot", "n": self._n, "at": self._now(), "version": self._source.version}
        if self._source.clock_speed != 1:
            snapshot["clock_speed"] = self._source.clock_speed  # values age as fast as the gateway's clock runs
        snapshot |= self._service()
        return _encode({**snapshot, "beds": beds, "house_alarms": orjson.Fragment(self._house)})

    def _heartbeat_frame(self) -> str:
        return _encode({"type": "heartbeat", "n": self._n, "at": self._now(), **self._service()})

    def _service(self) -> JsonObject:
        """What displays must know of the gateway itself, in every frame while there is something."""
        state = self._source.service_state()
        return {} if state is None else {"service": state}

    def _delta_frame(self, n: int, changed: dict[BedId, bytes | None]) -> str:
        frame: JsonObject = {
            "type": "delta",
            "n": n,
            "at": self._now(),
            "beds": [orjson.Fragment(encoded) for encoded in changed.values() if encoded is not None],
        }
        if n == self._house_n:
            frame["house_alarms"] = orjson.Fragment(self._house)
        removed = [str(bed_id) for bed_id, encoded in changed.items() if encoded is None]
        if removed:
            frame["removed"] = removed
        return _encode(frame | self._service())

    def _now(self) -> str:
        return format_ms(self._source.now_ms())


def _bed_id(bed: JsonObject) -> BedId:
    return BedId(bed["unit"], bed["bed"])


def _encode(frame: JsonObject) -> str:
    """A frame as the text of a WebSocket message."""
    return orjson.dumps(frame).decode()
