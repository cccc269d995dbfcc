"""An alarm storm with people in it: monitors that raise and clear alarms without end, and a nurse who acknowledges.

Three kinds of bed. Of `icu` and `hall` the monitors report another rhythm again and again (asystole, fibrillation,
tachycardia): each report clears one high alarm and raises another at once, and a nurse who hears of it over MQTT
acknowledges it over HTTP, again and again until she has an answer. In `night` pressures fall and rise and nobody comes:
what is announced there is escalated. `CHAINS` tell a receiver of what happens in `icu`, and two of `night`.

The messages follow from the time since the beginning alone, and carry no time of the device: the gateway's clock may
run at any speed.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx
import orjson

from tests.support.gateway_process import GatewayProcess, JsonObject
from tests.support.mqtt_client import MqttClient, Outgoing
from tests.support.telemetry import SHOCK, WELL
from tests.support.webhook_receiver import Request, WebhookReceiver, write_settings

RHYTHMS = ("MDC_EVT_ECG_ASYSTOLE", "MDC_EVT_ECG_V_FIB", "MDC_EVT_ECG_V_TACHY")
ATTENDED = {"icu": 5, "hall": 31}
"""Beds by unit."""
NIGHT = 20
RHYTHM_EVERY_S = 1.0
READING_EVERY_S = 1.0
NIGHT_LOW_S, NIGHT_WELL_S = 36.0, 6.0
"""So long that both levels of an escalation come, at the speeds of the tests."""
NURSES = 4
RETRY_S = 0.05
REFUSED_OF_256 = 4
"""So many notifications of 256 are refused when they come for the first time."""
CHAINS = """
[[chain]]
units = ["icu", "night"]
priorities = ["high"]
kinds = ["physiological"]

[[chain.step]]
receiver = "relay"

[[chain]]
units = ["night"]
priorities = ["high"]
kinds = ["physiological"]

[[chain.step]]
receiver = "relay"

[[chain.step]]
receiver = "doctor"
level = 1
"""


def write_config(folder: Path, url: str) -> Path:
    """The settings file of a storm."""
    return write_settings(folder, url, ("relay", "doctor"), CHAINS)


def admit_all(gateway: GatewayProcess) -> None:
    """A patient in each bed."""
    for bed in storm_beds():
        gateway.admit(bed.unit, bed.bed)


@dataclass(slots=True)
class StormBed:
    """One bed's monitor."""

    unit: str
    bed: str
    phase_s: float
    """So much later than the others."""
    seq: int = 0
    readings: int = 0
    rhythms: int = 0

    def due(self, elapsed_s: float) -> list[Outgoing]:
        """What has become due since the last call."""
        at_s = elapsed_s - self.phase_s
        messages: list[Outgoing] = []
        while self.readings * READING_EVERY_S <= at_s:
            messages.append(self._message("obs", {"metrics": self._values()}))
            self.readings += 1
        while self.rhythms * RHYTHM_EVERY_S <= at_s:
            if self.unit in ATTENDED:
                event = RHYTHMS[self.rhythms % len(RHYTHMS)]
                messages.append(self._message("event", {"event": event, "phase": "start"}))
            self.rhythms += 1
        return messages

    def _values(self) -> dict[str, float]:
        into_s = (self.readings * READING_EVERY_S) % (NIGHT_LOW_S + NIGHT_WELL_S)
        is_low = self.unit not in ATTENDED and into_s < NIGHT_LOW_S
        return dict(SHOCK if is_low else WELL)

    def _message(self, channel: str, said: JsonObject) -> Outgoing:
        place = f"icu/v1/{self.unit}/{self.bed}/mon1"
        body = {"boot": "storm", "seq": self.seq} | said
        self.seq += 1
        return Outgoing((place, "storm", self.seq - 1), f"{place}/{channel}", orjson.dumps(body))


def storm_beds() -> list[StormBed]:
    """Every bed, none in step with another."""
    names = [(unit, f"b{n:02d}") for unit, beds in (*ATTENDED.items(), ("night", NIGHT)) for n in range(beds)]
    return [StormBed(unit, bed, place / len(names)) for place, (unit, bed) in enumerate(names)]


class Storm:
    """All monitors together, as `SteadyPublisher` wants them."""

    def __init__(self) -> None:
        self.beds = storm_beds()

    def due(self, elapsed_s: float) -> Sequence[Outgoing]:
        """What has become due since the last call."""
        return [message for bed in self.beds for message in bed.due(elapsed_s)]


@dataclass(slots=True)
class Heard:
    """What was published about alarms, in order, each transition once."""

    lines: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """By kind: `raise`, `clear`, `acknowledge`, `escalate`, `other`."""
    again: int = 0
    """How often something came that had come before."""
    _known: dict[tuple[str | None, int], bytes] = field(default_factory=dict)

    @property
    def storm_events(self) -> int:
        """Alarms raised, cleared and acknowledged."""
        return self.counts["raise"] + self.counts["clear"] + self.counts["acknowledge"]

    def take(self, line: bytes) -> JsonObject | None:
        """Takes a message; returns it unless it had come before.

        Raises:
            ValueError: it has the number of another one.
        """
        said: JsonObject = orjson.loads(line)
        key = said["admission_id"], said["n"]
        known = self._known.setdefault(key, line)
        if known is not line:
            if known != line:
                raise ValueError(f"two transitions are number {key}: {known!r} and {line!r}")
            self.again += 1
            return None
        self.lines.append(line)
        self.counts[kind_of(said)] += 1
        return said


def kind_of(said: JsonObject) -> str:
    """What a transition is in the counts of a storm; a latched alarm ends when it is acknowledged."""
    if said["phase"] == "escalate":
        return "escalate"
    if said["phase"] == "acknowledge" or said["actor"] != "vigil":
        return "acknowledge"
    if said["to"] == "on" and said["from"] != "on":
        return "raise"
    return "clear" if said["phase"] == "end" or said["to"] == "latched" else "other"


class Nurse:
    """Hears of every alarm over MQTT and acknowledges those of `icu` and `hall`; use with `with`."""

    def __init__(self, port: int, gateway: GatewayProcess) -> None:
        self.heard = Heard()
        self.answered: set[str] = set()
        """Alarms for which the gateway said that the acknowledgement is taken."""
        self._gateway = gateway
        self._sounding: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._going_there: set[str] = set()
        """Alarms that wait for her: one that sounds again meanwhile is not a second errand."""
        self._ending = threading.Event()
        self._failures: list[BaseException] = []
        self._client = MqttClient(port, "nurse")
        self._client.subscribe("icu/v1/+/+/vigil/alarm")
        tasks: list[Callable[[], None]] = [self._listen, *[self._acknowledge] * NURSES]
        self._threads = [threading.Thread(target=self._kept, args=(task,), daemon=True) for task in tasks]

    def __enter__(self) -> Nurse:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_how: object) -> None:
        self._ending.set()
        for _ in range(NURSES):
            self._sounding.put(None)
        for thread in self._threads:
            thread.join(10.0)
        self._client.close()

    def check(self) -> None:
        """Raises what went wrong in her threads."""
        if self._failures:
            raise self._failures[0]

    def _kept(self, task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as failure:  # noqa: BLE001 - raised by `check`, in the test's own thread
            self._failures.append(failure)

    def _listen(self) -> None:
        while not self._ending.is_set():
            self._client.read_acknowledgements(0.05)
            for _, payload in self._client.take_messages():
                said = self.heard.take(payload)
                if said is not None and said["unit"] in ATTENDED and kind_of(said) == "raise":
                    self._go_to(said["alarm_id"])

    def _go_to(self, alarm_id: str) -> None:
        if alarm_id not in self._going_there:
            self._going_there.add(alarm_id)
            self._sounding.put(alarm_id)

    def _acknowledge(self) -> None:
        with httpx.Client(timeout=10.0) as client:
            while (alarm_id := self._sounding.get()) is not None:
                while not self._ending.is_set():
                    status = self._asked(client, alarm_id)
                    if status in (200, 409):
                        break
                    self._ending.wait(RETRY_S)
                self._going_there.discard(alarm_id)
                if status == 200:
                    self.answered.add(alarm_id)

    def _asked(self, client: httpx.Client, alarm_id: str) -> int:
        """The status with which the gateway answers; 0 when it does not."""
        url = self._gateway.url_or_none
        if url is None:
            return 0
        with contextlib.suppress(httpx.TransportError):
            return client.post(f"{url}/api/v1/alarms/{alarm_id}/acknowledge").status_code
        return 0


class Relay:
    """How the receiver of a storm answers: some notifications are refused when they come for the first time."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._lock = threading.Lock()
        self.taken: dict[str, bytes] = {}
        """Bodies by key, of what was answered with success."""
        self.refused: set[str] = set()
        self.again = 0
        """How often something came that had been taken before."""
        self.other_bodies: list[str] = []
        """Keys that came with two different bodies."""
        receiver.answer = self._answer

    def _answer(self, request: Request) -> int:
        with self._lock:
            if sha256(request.key.encode()).digest()[0] < REFUSED_OF_256 and request.key not in self.refused:
                self.refused.add(request.key)
                return 500
            known = self.taken.setdefault(request.key, request.raw)
            self.again += known is not request.raw
            if known != request.raw:
                self.other_bodies.append(request.key)
            return 204
