"""Plays a recording into a running gateway: messages over MQTT, commands over HTTP.

Invariants:
  - Entries are sent in the recording's order, each not before its time relative to the first entry; a command waits
    until the broker has acknowledged every message before it.
  - Every entry is sent or counted as not sent, with the reason.
  - Instants in payloads and bodies (`time`, a metric's `time`, `first_dose_at`) are shifted so that the recording's
    start falls on simulated now; bytes that are no JSON object are sent as they are.
  - What the broker has not acknowledged is bounded by a window: at any speed nothing is outrun.

It deliberately does not replay what a recording says Vigil did: it is new input to a gateway that decides for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from gateway.wire.recording import RecordedEntry, read_recording
from simulators.clock import SimulatedClock
from simulators.devices import Message
from simulators.publisher import Publisher
from simulators.service import Answer, Service
from streaming.instants import MAX_MS, MIN_MS, format_ms, parse_instant

_TOPIC_MAX = 65_535
"""Bytes of an MQTT topic."""
_FORBIDDEN_IN_TOPICS = frozenset("+#\0")

_ACTOR = "playback"
REFUSED = "refused by the service"
"""Why a command that was sent was not carried out."""

PATHS: Mapping[str, str] = {
    "course": "/admissions/{admission_id}/course",
    "chart": "/admissions/{admission_id}/observations",
    "audio_pause": "/admissions/{admission_id}/audio-pause",
    "limits_off": "/admissions/{admission_id}/limits-off",
    "sign": "/admissions/{admission_id}/dose-decision/sign",
    "transfer": "/admissions/{admission_id}/transfer",
    "discharge": "/admissions/{admission_id}/discharge",
}
"""Where a command about an admission goes."""


@dataclass(slots=True)
class PlaybackCounts:
    """What became of the entries."""

    messages: int = 0
    commands: int = 0
    """Carried out: answered with success."""
    not_sent: Counter[str] = field(default_factory=Counter)
    """Entries that were not sent or not carried out, by reason."""

    @property
    def entries(self) -> int:
        """All that were read."""
        return self.messages + self.commands + self.not_sent.total()


class Playback:
    """One recording on its way into a gateway."""

    def __init__(
        self,
        sender: Publisher,
        clock: SimulatedClock,
        *,
        service: Service | None = None,
        fresh_boots: bool = False,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepares; `play` does it.

        Args:
            sender: the connection that all messages take, in order.
            clock: simulated time.
            service: where commands go; None: they are counted and not sent.
            fresh_boots: give every device a new boot id, so that a gateway that has seen this recording before does
                not take it for a redelivery.
            notice: told of commands that were refused.
        """
        self.counts = PlaybackCounts()
        self._sender = sender
        self._clock = clock
        self._service = service
        self._fresh_boots = fresh_boots
        self._notice = notice
        self._shift_ms = 0
        self._admissions: dict[str, str] = {}
        self._boots: dict[str, str] = {}

    async def play(self, path: Path, *, for_s: float | None, progress: Callable[[], None]) -> None:
        """Plays the recording, or its first `for_s` simulated seconds.

        Raises:
            RecordingError: a line cannot be read; what came before it has been sent.
            OSError: the file cannot be read.
        """
        origin_ms: int | None = None
        for entry in read_recording(path):
            if origin_ms is None:
                origin_ms = entry.received_ms
                self._shift_ms = self._clock.now_ms() - origin_ms
            if for_s is not None and entry.received_ms - origin_ms > for_s * 1000.0:
                break
            await self._clock.sleep_until_ms(entry.received_ms + self._shift_ms)
            await self._send(entry)
            progress()
        await self._sender.flush()

    def shift(self, by_ms: int) -> None:
        """The simulated clock has been set by so much."""
        self._shift_ms += by_ms

    async def _send(self, entry: RecordedEntry) -> None:
        if entry.topic is not None and entry.payload is not None:
            await self._publish(entry.topic, entry.payload)
        elif entry.command is not None:
            await self._command(entry.command, entry.body or {})

    async def _publish(self, topic: str, payload: bytes) -> None:
        if not _is_publishable(topic):
            self.counts.not_sent["topic that MQTT does not allow"] += 1
            return
        await self._sender.has_room()
        self._sender.publish(
            Message(topic=topic, payload=self._moved_payload(topic, payload), retain=topic.endswith("/status"))
        )
        self.counts.messages += 1

    def _moved_payload(self, topic: str, payload: bytes) -> bytes:
        try:
            body = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return payload
        if not isinstance(body, dict):
            return payload
        if self._fresh_boots and isinstance(boot := body.get("boot"), str):
            body["boot"] = self._fresh_boot(f"{topic.rpartition('/')[0]} {boot}")
        return orjson.dumps(moved(body, self._shift_ms))

    def _fresh_boot(self, key: str) -> str:
        if key not in self._boots:
            self._boots[key] = blake2b(f"{key} {self._clock.now_ms()}".encode(), digest_size=6).hexdigest()
        return self._boots[key]

    async def _command(self, command: str, body: Mapping[str, Any]) -> None:
        if command == "tick":
            self.counts.not_sent["tick: time passes by itself"] += 1
        elif self._service is None:
            self.counts.not_sent[f"{command}: no service was named"] += 1
        elif command == "admit":
            await self._sender.flush()
            await self._admit(self._service, body)
        elif command in PATHS:
            await self._sender.flush()
            await self._about_admission(self._service, command, body)
        else:
            self.counts.not_sent[f"{command}: the running gateway has ids of its own"] += 1

    async def _admit(self, service: Service, body: Mapping[str, Any]) -> None:
        answer = await self._post(service, "/admissions", body)
        self._settle("admit", answer)
        new_id = answer.body.get("admission_id")
        if answer.is_success and isinstance(new_id, str):
            self._admissions[str(body.get("admission_id"))] = new_id

    async def _about_admission(self, service: Service, command: str, body: Mapping[str, Any]) -> None:
        new_id = self._admissions.get(str(body.get("admission_id")))
        if new_id is None:
            self.counts.not_sent[f"{command}: its admission did not come about"] += 1
            return
        self._settle(command, await self._post(service, PATHS[command].format(admission_id=new_id), body))

    async def _post(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        """Sends what HTTP carries in the body; the admission's id is in the path and the actor in a header."""
        request = {key: value for key, value in body.items() if key not in {"admission_id", "actor"}}
        return await service.post(path, moved(request, self._shift_ms), actor=str(body.get("actor", _ACTOR)))

    def _settle(self, command: str, answer: Answer) -> None:
        if answer.is_success:
            self.counts.commands += 1
            return
        self.counts.not_sent[f"{command}: {REFUSED}"] += 1
        self._notice(f"{command} refused: {answer.detail}")


def moved(body: Mapping[str, Any], by_ms: int) -> dict[str, Any]:
    """The body with its instants moved by `by_ms`: `time`, each metric's `time`, and `first_dose_at`."""
    shifted = dict(body)
    for name in ("time", "first_dose_at"):
        if name in shifted:
            shifted[name] = _moved_instant(shifted[name], by_ms)
    if isinstance(metrics := shifted.get("metrics"), dict):
        shifted["metrics"] = {name: _moved_metric(value, by_ms) for name, value in metrics.items()}
    return shifted


def _moved_metric(value: Any, by_ms: int) -> Any:
    if isinstance(value, dict) and "time" in value:
        return {**value, "time": _moved_instant(value["time"], by_ms)}
    return value


def _moved_instant(instant: Any, by_ms: int) -> Any:
    """An instant in either form of the wire, moved; anything else, and what would leave the calendar, as it is."""
    if isinstance(instant, bool):
        return instant
    if isinstance(instant, int):
        return instant + by_ms
    at_ms = parse_instant(instant) if isinstance(instant, str) else None
    if at_ms is None or not MIN_MS <= at_ms + by_ms <= MAX_MS:
        return instant
    return format_ms(at_ms + by_ms)


def _is_publishable(topic: str) -> bool:
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= _TOPIC_MAX and not _FORBIDDEN_IN_TOPICS.intersection(topic)
