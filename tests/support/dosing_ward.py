"""A bed whose patient may get the next dose, with monitor, pre-dose checklist and course; and who reads its permits.

The monitor and the chart speak to a running gateway from outside, over MQTT and HTTP. Pressure comes from a cuff, which
was inflated two minutes before the test begins: of a source so slow, one low value counts at once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streaming.instants import parse_instant
from tests.support.gateway_process import DEADLINE_S, GatewayProcess
from tests.support.mqtt_client import MqttClient, Outgoing, SteadyPublisher
from tests.support.plain_facts import WELL as WELL_SIGNALS
from tests.support.telemetry import MonitorScript, Telemetry

UNIT, BED = "icu", "b01"
PERMIT_TOPIC = f"icu/v1/{UNIT}/{BED}/vigil/permit"
WELL_MONITOR: Mapping[str, Any] = {
    "MDC_ECG_HEART_RATE": 82.0,
    "MDC_PULS_OXIM_SAT_O2": 97.0,
}
WELL_CUFF: Mapping[str, float] = {"SYS": 121.0, "DIA": 71.0, "MEAN": 88.0}
CUFF_BEFORE_S = 120
LOW_PRESSURE: Mapping[str, Any] = {
    "MDC_PRESS_CUFF_SYS": 84.0,
    "MDC_PRESS_CUFF_DIA": 48.0,
    "MDC_PRESS_CUFF_MEAN": 60.0,
}
CHECKLIST: Mapping[str, Any] = {
    **{name: value for name, value in WELL_SIGNALS.items() if name.startswith("site:")},
    "loinc:2160-0": 0.9,
    "loinc:1963-8": 25.0,
    "loinc:2823-3": 4.0,
    "MDC_FLOW_URINE_PREV_HR": 60.0,
}
COURSE: Mapping[str, Any] = {
    "drug": "aldesleukin",
    "dose_iu_per_kg": 600_000,
    "interval_h": 8,
    "max_doses": 14,
    "duration_min": 15,
}


def _cuff_before() -> dict[str, Any]:
    inflated_ms = time.time_ns() // 1_000_000 - CUFF_BEFORE_S * 1000
    return {f"MDC_PRESS_CUFF_{part}": {"value": value, "time": inflated_ms} for part, value in WELL_CUFF.items()}


class BedMonitor:
    """Reports twice a second that all is well; its clock is the gateway's (it sends no time)."""

    def __init__(self, port: int, *, bed: str = BED, boot: str = "m1") -> None:
        self.once: Mapping[str, Any] = _cuff_before()
        """Goes out with the next report, and with that one alone."""
        self._bed, self._boot, self._seq = bed, boot, 0
        self._publisher = SteadyPublisher(port, f"monitor-{bed}-{boot}", self._due)

    def __enter__(self) -> BedMonitor:
        self._publisher.__enter__()
        return self

    def __exit__(self, *ending: Any) -> None:
        self._publisher.__exit__(*ending)

    def _due(self, elapsed_s: float) -> list[Outgoing]:
        script = MonitorScript(UNIT, self._bed, 2.0, boot=self._boot, seq=self._seq)
        messages = Telemetry([script]).due(elapsed_s)
        self._seq = script.seq
        return [Outgoing(each.identity, each.topic, self._body(each.identity[2])) for each in messages]

    def _body(self, seq: int) -> bytes:
        once, self.once = self.once, {}
        return orjson.dumps({"boot": self._boot, "seq": seq, "metrics": {**WELL_MONITOR, **once}})


@dataclass(frozen=True, slots=True)
class HeardPermit:
    """A permit as its consumer got it; `body` is None when the retained message was taken away."""

    body: dict[str, Any] | None
    at_s: float
    """Monotonic seconds of the test."""
    wall_ms: int

    @property
    def decision(self) -> str | None:
        return None if self.body is None else str(self.body["decision"])

    @property
    def ahead_s(self) -> float:
        """How far `valid_until` was ahead at receipt, by the wall clock."""
        return (self._instant_ms("valid_until") - self.wall_ms) / 1000

    @property
    def valid_s(self) -> float:
        """For how long it was made, by the gateway's clock."""
        return (self._instant_ms("valid_until") - self._instant_ms("at")) / 1000

    def _instant_ms(self, name: str) -> int:
        assert self.body is not None
        instant_ms = parse_instant(self.body[name])
        assert instant_ms is not None
        return instant_ms


class PermitReader:
    """A consumer of one bed's permit."""

    def __init__(self, port: int, name: str = "reader", *, bed: str = BED) -> None:
        self.heard: list[HeardPermit] = []
        self._client = MqttClient(port, name)
        self._client.subscribe(f"icu/v1/{UNIT}/{bed}/vigil/permit")

    def __enter__(self) -> PermitReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def next(self) -> HeardPermit:
        """The next that comes."""
        _, payload = self._client.next_message()
        permit = HeardPermit(orjson.loads(payload) if payload else None, time.monotonic(), time.time_ns() // 1_000_000)
        self.heard.append(permit)
        return permit

    def until(self, decision: str | None, *, within_s: float = DEADLINE_S) -> HeardPermit:
        """The next that says so; None for one that is taken away."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            permit = self.next()
            if permit.decision == decision:
                return permit
        raise AssertionError(f"no permit says {decision} within {within_s:g} s: {self.heard[-3:]}")

    def silent_for(self, span_s: float) -> bool:
        """Whether nothing comes for so long."""
        end_s = time.monotonic() + span_s
        while time.monotonic() < end_s:
            self._client.read_acknowledgements(0.05)
            if self._client._received:
                return False
        return True


def admit_for_course(gateway: GatewayProcess, *, checked: bool = True, first_dose_in_h: float = 0.5) -> str:
    """A patient with a course whose first dose is due soon, by the gateway's clock; the checklist is charted or not."""
    admission_id = gateway.admit(UNIT, BED, baseline={"sbp": 124, "creatinine": 0.9})
    order_course(gateway, admission_id, first_dose_in_h)
    if checked:
        chart(gateway, admission_id, CHECKLIST)
    return admission_id


def order_course(gateway: GatewayProcess, admission_id: str, first_dose_in_h: float) -> None:
    now_ms = parse_instant(gateway.feed_snapshot()["at"])
    assert now_ms is not None
    body = {**COURSE, "first_dose_at": now_ms + round(first_dose_in_h * 3_600_000)}
    answer = gateway.post(f"/admissions/{admission_id}/course", body)
    assert answer.status_code < 300, answer.text


def chart(gateway: GatewayProcess, admission_id: str, metrics: Mapping[str, Any]) -> None:
    answer = gateway.post(f"/admissions/{admission_id}/observations", {"metrics": dict(metrics)})
    assert answer.status_code < 300, answer.text
